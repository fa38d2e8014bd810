// The application menu and the tray's, as data.
// owns: their entries, keys and order on each platform. never: what an entry does (main.ts hands that in), reload or
// developer tools in a release. always true: copy, paste, undo and quit work by their usual keys on every system.

import type { MenuItemConstructorOptions } from 'electron'
import type { Preference, Preferences } from './preferences.ts'
import { PRODUCT } from './settings.ts'
import { type Standing, words } from './standing.ts'
import type { UpdateState } from './updates.ts'

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

const PLACES: [place: string, label: string][] = [
  ['home', 'Home'],
  ['activity', 'Activity'],
  ['apps', 'Apps'],
  ['add-money', 'Add money'],
]
const PREFERENCES: [preference: Preference, label: string][] = [
  ['openAtLogin', 'Start with the computer'],
  ['keepRunning', 'Keep running when the window is closed'],
  ['shortcut', 'Bring the wallet up by its key'],
]
const LINE: Item = { type: 'separator' }

/** The menu of the window (of the program, on macOS). */
export function applicationMenu(
  { platform, isPackaged }: { platform: NodeJS.Platform; isPackaged: boolean },
  state: MenuState,
  acts: MenuActs,
): Item[] {
  const mac = platform === 'darwin'
  const settings: Item = { label: 'Settings…', accelerator: 'CommandOrControl+,', click: () => acts.go('settings') }
  const own = [...updateItems(state.update, acts), settings, ...preferenceItems(state.preferences, acts)]
  const program: Item = {
    label: PRODUCT,
    submenu: [{ role: 'about' }, LINE, ...own, LINE, { role: 'services' }, LINE, ...HIDING, LINE, { role: 'quit' }],
  }
  const file: Item = {
    role: 'fileMenu',
    label: mac ? 'File' : '&File',
    submenu: mac ? [{ role: 'close' }] : [...own, LINE, { role: 'close' }, { role: 'quit' }],
  }
  const go: Item = {
    label: mac ? 'Go' : '&Go',
    submenu: [
      ...PLACES.map(([place, label], i): Item => {
        return { label, accelerator: `CommandOrControl+${i + 1}`, click: () => acts.go(place) }
      }),
      LINE,
      ...stopItems(state.standing, acts),
    ],
  }
  return [...(mac ? [program] : []), file, { role: 'editMenu' }, viewMenu(isPackaged), go, { role: 'windowMenu' }]
}

const HIDING: Item[] = [{ role: 'hide' }, { role: 'hideOthers' }, { role: 'unhide' }]

function viewMenu(isPackaged: boolean): Item {
  const developer: Item[] = isPackaged ? [] : [LINE, { role: 'reload' }, { role: 'toggleDevTools' }]
  const zoom: Item[] = [{ role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }]
  return { label: 'View', submenu: [...zoom, LINE, { role: 'togglefullscreen' }, ...developer] }
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
    { id: 'show', label: `Show ${PRODUCT}`, click: acts.show },
    ...preferenceItems(state.preferences, acts),
    ...updateItems(state.update, acts),
    LINE,
    { id: 'quit', label: 'Quit', click: acts.quit },
  ]
}

/** Stopping is done at once; allowing again is asked in the window, where what is allowed can be seen. */
function stopItems(standing: Standing, acts: MenuActs): Item[] {
  if (standing?.frozen) return [{ id: 'unfreeze', label: 'Allow spending again…', click: acts.unfreeze }]
  return [{ id: 'freeze', label: 'Stop all spending', enabled: standing !== null, click: acts.freeze }]
}

function preferenceItems(preferences: Preferences, acts: MenuActs): Item[] {
  return PREFERENCES.map(([id, label]): Item => {
    const checked = preferences[id]
    return { id, label, type: 'checkbox', checked, click: () => acts.set(id, !checked) }
  })
}

function updateItems({ phase, version }: UpdateState, acts: MenuActs): Item[] {
  if (phase === 'off') return []
  if (phase === 'ready') return [{ id: 'update', label: `Restart to update to ${version}`, click: acts.update }]
  const busy = phase !== 'idle'
  const label = busy ? 'Looking for updates…' : 'Look for updates'
  return [{ id: 'update', label, enabled: !busy, click: acts.update }]
}
