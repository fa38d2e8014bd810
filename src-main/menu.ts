// The application menu and the tray's, as data.
// owns: their entries, keys and order on each platform. never: what an entry does (main.ts hands that in), reload or
// developer tools in a release. always true: copy, paste, undo and quit work by their usual keys on every system.

import type { MenuItemConstructorOptions } from 'electron'
import type { Preference, Preferences } from './preferences.ts'
import { PRODUCT } from './settings.ts'
import { type Standing, words } from './standing.ts'
import type { UpdateState } from './updates.ts'
import { named, say } from './words.ts'

export type MenuState = { standing: Standing; preferences: Preferences; update: UpdateState }
export type MenuActs = {
  show: () => void
  go: (place: string) => void
  freeze: () => void
  unfreeze: () => void
  set: (preference: Preference, on: boolean) => void
  /** Looks for an update, or restarts into one that is ready. */
  update: () => void
  quit: () => void
}
type Item = MenuItemConstructorOptions

const places = (): [place: string, label: string][] => [
  ['home', say('Home')],
  ['activity', say('Activity')],
  ['apps', say('Apps')],
  ['add-money', say('Add money')],
]
const switches = (): [preference: Preference, label: string][] => [
  ['openAtLogin', say('Start with the computer')],
  ['keepRunning', say('Keep running when the window is closed')],
  ['shortcut', say('Bring the wallet up by its key')],
]
const LINE: Item = { type: 'separator' }

/** The menu of the window (of the program, on macOS). */
export function applicationMenu(
  { platform, isPackaged }: { platform: NodeJS.Platform; isPackaged: boolean },
  state: MenuState,
  acts: MenuActs,
): Item[] {
  const mac = platform === 'darwin'
  const settings: Item = {
    label: say('Settings…'),
    accelerator: 'CommandOrControl+,',
    click: () => acts.go('settings'),
  }
  const own = [...updateItems(state.update, acts), settings, ...preferenceItems(state.preferences, acts)]
  const program: Item = {
    label: PRODUCT,
    submenu: [{ role: 'about' }, LINE, ...own, LINE, { role: 'services' }, LINE, ...HIDING, LINE, { role: 'quit' }],
  }
  const file: Item = {
    role: 'fileMenu',
    label: mac ? say('File') : say('&File'),
    submenu: mac ? [{ role: 'close' }] : [...own, LINE, { role: 'close' }, { role: 'quit' }],
  }
  const go: Item = {
    label: mac ? say('Go') : say('&Go'),
    submenu: [
      ...places().map(([place, label], i): Item => {
        return { label, accelerator: `CommandOrControl+${i + 1}`, click: () => acts.go(place) }
      }),
      LINE,
      ...stopItems(state.standing, acts),
    ],
  }
  return named([
    ...(mac ? [program] : []),
    file,
    { role: 'editMenu' },
    viewMenu(isPackaged),
    go,
    { role: 'windowMenu' },
  ])
}

const HIDING: Item[] = [{ role: 'hide' }, { role: 'hideOthers' }, { role: 'unhide' }]

function viewMenu(isPackaged: boolean): Item {
  const developer: Item[] = isPackaged ? [] : [LINE, { role: 'reload' }, { role: 'toggleDevTools' }]
  const zoom: Item[] = [{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }]
  return { label: say('View'), submenu: [...zoom, LINE, { role: 'togglefullscreen' }, ...developer] }
}

/** The tray's menu: how things stand first, then the brake, then the program. */
export function trayMenu(state: MenuState, acts: MenuActs): Item[] {
  const { balance, waiting } = words(state.standing)
  return [
    { id: 'balance', label: balance, enabled: false },
    ...(waiting ? [{ id: 'waiting', label: waiting, click: () => acts.go('home') }] : []),
    LINE,
    ...stopItems(state.standing, acts),
    LINE,
    { id: 'show', label: say('Show {product}', { product: PRODUCT }), click: acts.show },
    ...preferenceItems(state.preferences, acts),
    ...updateItems(state.update, acts),
    LINE,
    { id: 'quit', label: say('Quit'), click: acts.quit },
  ]
}

/** Stopping is done at once; allowing again is asked in the window, where what is allowed can be seen. */
function stopItems(standing: Standing, acts: MenuActs): Item[] {
  if (standing?.frozen) return [{ id: 'unfreeze', label: say('Allow spending again…'), click: acts.unfreeze }]
  return [{ id: 'freeze', label: say('Stop all spending'), enabled: standing !== null, click: acts.freeze }]
}

function preferenceItems(preferences: Preferences, acts: MenuActs): Item[] {
  return switches().map(([id, label]): Item => {
    const checked = preferences[id]
    return { id, label, type: 'checkbox', checked, click: () => acts.set(id, !checked) }
  })
}

function updateItems({ phase, version }: UpdateState, acts: MenuActs): Item[] {
  if (phase === 'off') return []
  if (phase === 'ready')
    return [
      { id: 'update', label: say('Restart to update to {version}', { version: version ?? '' }), click: acts.update },
    ]
  const busy = phase !== 'idle'
  const label = busy ? say('Looking for updates…') : say('Look for updates')
  return [{ id: 'update', label, enabled: !busy, click: acts.update }]
}
