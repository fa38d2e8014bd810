// What the operating system would show: menus, tray, notifications, screens, other programs.
// owns: enough of each to be driven and looked at by a test. never: anything a person would see.
// always true: it is recorded under globalThis.standin, and what is not here throws by name.

import { EventEmitter } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { loud, loudClass } from './loud.ts'
import { seen } from './runtime.ts'

// --- menus

type ItemOptions = {
  id?: string
  label?: string
  role?: string
  type?: string
  submenu?: ItemOptions[]
  click?: (...args: unknown[]) => void
}

export class MenuItem {
  readonly id: string | undefined
  readonly label: string
  readonly role: string | undefined
  readonly type: string
  readonly submenu: Menu | null
  readonly click: () => void

  constructor(options: ItemOptions) {
    this.id = options.id
    this.label = options.label ?? options.role ?? ''
    this.role = options.role
    this.submenu = options.submenu ? Menu.buildFromTemplate(options.submenu) : null
    this.type = options.type ?? (this.submenu ? 'submenu' : 'normal')
    this.click = () => options.click?.(this, null, {})
  }
}

export class Menu extends EventEmitter {
  items: MenuItem[] = []
  static #application: Menu | null = null

  static buildFromTemplate(template: ItemOptions[]): Menu {
    const menu = new Menu()
    menu.items = template.map((options) => new MenuItem(options))
    return menu
  }
  static setApplicationMenu(menu: Menu | null): void {
    Menu.#application = menu
  }
  static getApplicationMenu(): Menu | null {
    return Menu.#application
  }
  getMenuItemById(id: string): MenuItem | null {
    for (const item of this.items) {
      const found = item.id === id ? item : item.submenu?.getMenuItemById(id)
      if (found) return found
    }
    return null
  }
}
loudClass('Menu', Menu)

// --- tray and notifications

export class Tray extends EventEmitter {
  readonly image: object
  menu: Menu | null = null
  toolTip = ''

  constructor(image: { isEmpty: () => boolean }) {
    super()
    if (image.isEmpty()) throw new Error('Failed to load image')
    this.image = image
    seen.trays.push(this)
  }
  setContextMenu(menu: Menu): void {
    this.menu = menu
  }
  setToolTip(text: string): void {
    this.toolTip = text
  }
  isDestroyed(): boolean {
    return !seen.trays.includes(this)
  }
  destroy(): void {
    seen.trays.splice(seen.trays.indexOf(this), 1)
  }
}
loudClass('Tray', Tray)

export class Notification extends EventEmitter {
  readonly title: string
  readonly body: string

  constructor({ title = '', body = '' }: { title?: string; body?: string } = {}) {
    super()
    this.title = title
    this.body = body
  }
  static isSupported(): boolean {
    return true
  }
  show(): void {
    seen.notifications.push(this)
    this.emit('show', {})
  }
}
loudClass('Notification', Notification)

// --- the rest

const image = (bytes: Buffer | null) =>
  loud('nativeImage', {
    isEmpty: () => bytes === null,
    toPNG: () => bytes ?? Buffer.alloc(0),
    setTemplateImage: () => {},
  })

export const nativeImage = loud('nativeImage', {
  createFromPath: (path: string) => image(existsSync(path) ? readFileSync(path) : null),
  createEmpty: () => image(null),
})

export const shell = loud('shell', {
  async openExternal(url: string): Promise<void> {
    new URL(url)
    seen.opened.push(url)
  },
})

export const dialog = loud('dialog', {
  showErrorBox: (title: string, content: string) => void seen.dialogs.push({ title, content }),
})

const area = { x: 0, y: 0, width: 1280, height: 800 }
const display = {
  id: 1,
  scaleFactor: 1,
  bounds: area,
  workArea: area,
  workAreaSize: { width: area.width, height: area.height },
}
export const screen = loud('screen', { getPrimaryDisplay: () => display, getAllDisplays: () => [display] })

export const powerMonitor = loud('powerMonitor', Object.assign(new EventEmitter(), { isOnBatteryPower: () => false }))
