// Everything the operating system shows of the wallet beside its window: tray, menu, badge, key, start at login.
// owns: the one state they are drawn from, and drawing all of them when it changes. never: what is in the window.
// always true: a change of any part redraws every part, so that no two of them say different things.

import { app, Menu } from 'electron'
import { applicationMenu, type MenuActs, type MenuState, trayMenu } from './menu.ts'
import {
  holdShortcut,
  type Preference,
  type Preferences,
  readPreferences,
  setOpenAtLogin,
  writePreferences,
} from './preferences.ts'
import { type Standing, words } from './standing.ts'
import { createTray } from './tray.ts'
import type { UpdateState } from './updates.ts'

export type DeskActs = Omit<MenuActs, 'set' | 'update'> & {
  /** The key combination: brings the wallet up, or away when it is in front. */
  toggle: () => void
  update: () => void
}
export type Desk = {
  /** @param standing as the page told it, after the bridge checked it */
  stand: (standing: Standing) => void
  updated: (update: UpdateState) => void
  /** Whether a closed window leaves the program in the tray. */
  staysOpen: () => boolean
}

/** Puts everything there. Call once, when the app is ready. @param file the preferences' file, an absolute path */
export function createDesk(file: string, platform: NodeJS.Platform, acts: DeskActs): Desk {
  const tray = createTray(platform, acts.show)
  const preferences: Preferences = readPreferences(file, platform)
  const state: MenuState = { standing: null, preferences, update: { phase: 'off', version: null } }

  const set = (preference: Preference, on: boolean) => {
    preferences[preference] = on
    if (preference === 'openAtLogin') setOpenAtLogin(on, platform)
    // A key that another program holds stays off, and the menu says so.
    if (preference === 'shortcut') preferences.shortcut = holdShortcut(on, acts.toggle)
    writePreferences(file, preferences)
    draw()
  }
  const draw = () => {
    const all: MenuActs = { ...acts, set }
    const { isPackaged } = app
    Menu.setApplicationMenu(Menu.buildFromTemplate(applicationMenu({ platform, isPackaged }, state, all)))
    const { standing } = state
    tray?.set({ tip: words(standing).tip, frozen: standing?.frozen ?? false, menu: trayMenu(state, all) })
    app.setBadgeCount(standing?.waiting ?? 0)
  }

  if (preferences.shortcut) preferences.shortcut = holdShortcut(true, acts.toggle)
  draw()
  return {
    stand(standing) {
      state.standing = standing
      draw()
    },
    updated(update) {
      state.update = update
      draw()
    },
    staysOpen: () => tray !== null && preferences.keepRunning,
  }
}
