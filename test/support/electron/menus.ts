// Menu and MenuItem.
// owns: the tree of entries, as a test may look at it and click it. never: pixels.
// always true: a role or a key combination that Electron does not know is refused by name, as it would be there.

import { EventEmitter } from 'node:events'
import { loudClass } from './loud.ts'

type ItemOptions = {
  id?: string
  label?: string
  role?: string
  type?: string
  enabled?: boolean
  checked?: boolean
  accelerator?: string
  submenu?: ItemOptions[]
  click?: (...args: unknown[]) => void
}

const ROLES = new Set(
  (
    'about appMenu close copy cut delete editMenu fileMenu front help hide hideOthers minimize paste ' +
    'pasteAndMatchStyle quit redo reload forceReload resetZoom selectAll services toggleDevTools togglefullscreen ' +
    'undo unhide viewMenu window windowMenu zoom zoomIn zoomOut'
  )
    .toLowerCase()
    .split(' '),
)
const MODIFIERS = /^(Command|Cmd|Control|Ctrl|CommandOrControl|CmdOrCtrl|Alt|Option|AltGr|Shift|Super|Meta)$/i
const KEY =
  /^([A-Z0-9]|F([1-9]|1\d|2[0-4])|Plus|Space|Tab|Enter|Return|Esc(ape)?|Backspace|Delete|Insert|Home|End|Up|Down|Left|Right|PageUp|PageDown|[!-/:-@[-`{-~])$/i

/** @throws TypeError when Electron could not read it */
export function checkAccelerator(text: string): void {
  const parts = text.split('+')
  const key = parts.pop() ?? ''
  if (!KEY.test(key) || !parts.every((part) => MODIFIERS.test(part)))
    throw new TypeError(`conversion failure from ${text}`)
}

export class MenuItem {
  readonly id: string | undefined
  readonly label: string
  readonly role: string | undefined
  readonly type: string
  readonly submenu: Menu | null
  readonly accelerator: string | undefined
  readonly click: () => void
  enabled: boolean
  checked: boolean

  constructor(options: ItemOptions) {
    if (options.role && !ROLES.has(options.role.toLowerCase())) throw new Error(`Unknown role: ${options.role}`)
    if (options.accelerator) checkAccelerator(options.accelerator)
    this.id = options.id
    this.label = options.label ?? options.role ?? ''
    this.role = options.role
    this.accelerator = options.accelerator
    this.submenu = options.submenu ? Menu.buildFromTemplate(options.submenu) : null
    this.type = options.type ?? (this.submenu ? 'submenu' : 'normal')
    this.enabled = options.enabled ?? true
    this.checked = options.checked ?? false
    this.click = () => {
      if (!this.enabled) return
      if (this.type === 'checkbox') this.checked = !this.checked
      options.click?.(this, null, {})
    }
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
