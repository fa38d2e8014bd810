// What the person chose for the desktop program alone.
// owns: one small file under userData, and the settings of each system that follow from it. never: a secret, the page.
// always true: a missing or broken file gives the defaults; what the operating system refused is not said to be on.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { app, globalShortcut } from 'electron'
import { z } from 'zod'
import { autostartEntry, HIDDEN } from './autostart.ts'
import { SHORTCUT } from './settings.ts'

const Preferences = z.object({
  /** Start with the computer, without a window. */
  openAtLogin: z.boolean(),
  /** Closing the window leaves the wallet in the tray. */
  keepRunning: z.boolean(),
  /** A key combination brings the wallet up from anywhere. */
  shortcut: z.boolean(),
})
export type Preferences = z.infer<typeof Preferences>
export type Preference = keyof Preferences

/** Many Linux desktops have no tray to come back from. */
export const defaults = (platform: NodeJS.Platform): Preferences => ({
  openAtLogin: false,
  keepRunning: platform !== 'linux',
  shortcut: false,
})

/** Reads the choices. @param file absolute path @param platform process.platform */
export function readPreferences(file: string, platform: NodeJS.Platform): Preferences {
  try {
    return Preferences.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return defaults(platform)
  }
}

export function writePreferences(file: string, preferences: Preferences): void {
  writeFileSync(file, JSON.stringify(preferences), { mode: 0o600 })
}

/** Takes the key combination, or lets go of it. @returns whether it is ours now (another program may hold it) */
export function holdShortcut(wanted: boolean, pressed: () => void): boolean {
  globalShortcut.unregister(SHORTCUT)
  return wanted && globalShortcut.register(SHORTCUT, pressed)
}

/** Tells the system whether to start the wallet at login. Electron has no call for it on Linux, where a file says it. */
export function setOpenAtLogin(wanted: boolean, platform: NodeJS.Platform): void {
  if (platform !== 'linux') return app.setLoginItemSettings({ openAtLogin: wanted, args: [HIDDEN] })
  const folder = join(app.getPath('appData'), 'autostart')
  const file = join(folder, 'quota-wallet.desktop')
  if (!wanted) return rmSync(file, { force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, autostartEntry(ownCommand()), { mode: 0o600 })
}

/** An AppImage runs from a folder that is gone after it ends; its own file is named by APPIMAGE. */
function ownCommand(): string[] {
  return app.isPackaged ? [process.env.APPIMAGE ?? process.execPath] : [process.execPath, app.getAppPath()]
}
