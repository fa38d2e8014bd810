// What stands or comes up beside the windows: tray, notifications, keys that work from anywhere.
// owns: the record of each, and the way for a test to click or press. never: anything a person would see.
// always true: it is recorded under globalThis.standin, and what is not here throws by name.

import { EventEmitter } from 'node:events'
import { loud, loudClass } from './loud.ts'
import { checkAccelerator, type Menu } from './menus.ts'
import { runtime, seen } from './runtime.ts'

type Picture = { isEmpty: () => boolean }

export class Tray extends EventEmitter {
  image: Picture
  menu: Menu | null = null
  toolTip = ''

  constructor(image: Picture) {
    super()
    this.image = whole(image)
    seen.trays.push(this)
  }
  setImage(image: Picture): void {
    this.image = whole(image)
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

function whole(image: Picture): Picture {
  if (image.isEmpty()) throw new Error('Failed to load image')
  return image
}

type Action = { type: string; text: string }

export class Notification extends EventEmitter {
  readonly title: string
  readonly body: string
  readonly actions: Action[]

  constructor({ title = '', body = '', actions = [] }: { title?: string; body?: string; actions?: Action[] } = {}) {
    super()
    this.title = title
    this.body = body
    this.actions = actions
  }
  static isSupported(): boolean {
    return true
  }
  show(): void {
    seen.notifications.push(this)
    this.emit('show', {})
  }
  close(): void {
    this.emit('close', {})
  }
  /** For a test: the person clicks the notification, or one of its buttons by its words. */
  _choose(text?: string): void {
    const actionIndex = this.actions.findIndex((action) => action.text === text)
    if (text === undefined) this.emit('click', {})
    else if (actionIndex < 0) throw new Error(`the notification has no button "${text}"`)
    else this.emit('action', { actionIndex })
  }
}
loudClass('Notification', Notification)

export const globalShortcut = loud('globalShortcut', {
  register(accelerator: string, pressed: () => void): boolean {
    if (!runtime.isReady) throw new Error('globalShortcut cannot be used before the app is ready')
    checkAccelerator(accelerator)
    if (seen.taken.has(accelerator) || seen.shortcuts.has(accelerator)) return false
    seen.shortcuts.set(accelerator, pressed)
    return true
  },
  unregister: (accelerator: string) => void seen.shortcuts.delete(accelerator),
  unregisterAll: () => void seen.shortcuts.clear(),
  isRegistered: (accelerator: string) => seen.shortcuts.has(accelerator),
})
