// New versions of the desktop program.
// owns: when one is looked for, taken and installed. never: a download or installation of its own (electron-updater does
// those), a restart that nobody asked for. always true: only a newer release that our key signed is downloaded, and only
// the version that was proven is installed.

import type { AppUpdater } from 'electron-updater'
import { isSecure } from './addresses.ts'
import { provenRelease } from './update-proof.ts'

export type UpdateState = { phase: 'off' | 'idle' | 'looking' | 'downloading' | 'ready'; version: string | null }
export type Updates = {
  state: () => UpdateState
  /** Looks for a newer version now; restarts into it when it is ready. */
  act: () => void
}
/** What is used of electron-updater. */
export type Updater = Pick<AppUpdater, 'checkForUpdates' | 'downloadUpdate' | 'quitAndInstall'> & {
  autoDownload: boolean
  autoInstallOnAppQuit: boolean
  allowDowngrade: boolean
  allowPrerelease: boolean
  disableWebInstaller: boolean
  on: (event: 'update-available' | 'update-not-available' | 'update-downloaded' | 'error', heard: Heard) => unknown
}
type Heard = (info: unknown) => void

export const NO_UPDATES: Updates = { state: () => ({ phase: 'off', version: null }), act: () => {} }

/** Off while developing, off for a sandbox on this machine, and off where no key was built in to prove a release with. */
export function mayUpdate(at: { isPackaged: boolean; publicKey: string; server: string }): boolean {
  const server = URL.parse(at.server)
  return at.isPackaged && at.publicKey !== '' && server !== null && isSecure(server) && server.protocol === 'https:'
}

/**
 * Takes the updater over.
 * @param current the version that runs @param changed told of each change of state
 */
export function startUpdates(
  updater: Updater,
  { publicKey, current, changed }: { publicKey: string; current: string; changed: (state: UpdateState) => void },
): Updates {
  let state: UpdateState = { phase: 'idle', version: null }
  const become = (phase: UpdateState['phase'], version: string | null = null) => {
    state = { phase, version }
    changed(state)
  }
  const failed = (error: unknown) => {
    console.error('no update', error instanceof Error ? error.message : 'for an unknown reason')
    if (state.phase !== 'ready') become('idle')
  }
  Object.assign(updater, {
    autoDownload: false,
    autoInstallOnAppQuit: false,
    allowDowngrade: false,
    allowPrerelease: false,
    disableWebInstaller: true,
  })
  updater.on('error', failed)
  updater.on('update-not-available', () => become('idle'))
  updater.on('update-available', (info) => {
    const proven = provenRelease(info, { publicKey, current })
    if ('refused' in proven) return failed(new Error(`the release is ${proven.refused}`))
    become('downloading', proven.version)
    updater.downloadUpdate().catch(failed)
  })
  updater.on('update-downloaded', (info) => {
    const proven = provenRelease(info, { publicKey, current })
    const expected = state.phase === 'downloading' && 'version' in proven && proven.version === state.version
    if (expected) become('ready', state.version)
    else failed(new Error('what was downloaded is not what was proven'))
  })
  return {
    state: () => state,
    act() {
      if (state.phase === 'ready') return updater.quitAndInstall(false, true)
      if (state.phase !== 'idle') return
      become('looking')
      updater.checkForUpdates().catch(failed)
    },
  }
}
