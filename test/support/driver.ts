// One driver for the wallet in both shells: a tab of Chromium, or the desktop program.
// owns: starting, finding the window, the way out to the system's browser, restarting, ending. never: the wallet's screens.
// always true: a spec written on this file runs unchanged in a browser, on the Electron stand-in and on the real binary
// (QUOTA_ELECTRON=real); what a shell cannot do, `can` says by name, so that a spec is skipped by name.

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { Shell } from '../../server/contract/shell.ts'
import { openBrowserShell } from './driver-browser.ts'
import { openDesktopShell } from './driver-desktop.ts'
import type { Electron } from './electron/types.ts'

declare global {
  interface Window {
    readonly shell?: Shell
  }
}

export type ShellKind = 'browser' | 'desktop'
export type Keychain = 'ok' | 'basic' | 'unavailable'
export type LaunchOptions = {
  shell: ShellKind
  /** The server's origin. It has to allow WALLET_ORIGINS (QUOTA_WALLET_ORIGINS). */
  serverUrl: string
  /** The profile folder; a fresh one unless given. */
  userData?: string
  colorScheme?: 'light' | 'dark'
  viewport?: { width: number; height: number }
  /** The wallet will be ended and started again on its profile; it then gets a Chromium of its own, which takes longer. */
  restarts?: boolean
  /** What the system's key store is like; a shell that cannot play it refuses to start. */
  keychain?: Keychain
  /** An empty page in place of the wallet's screens, for specs about the desktop's frontier. */
  bare?: boolean
  /** Further arguments of the desktop's command line (a link at cold start). */
  args?: string[]
}

/**
 * What a shell may be able to do:
 * `main` run code in the main process · `deepLink` receive quota:// links · `keychain` play a key store's states ·
 * `ownScheme` show app:// as the page's location · `kill` be killed and started again · `paymentWindow` pay in a window
 * beside its own · `tray`, `menu`, `realKeychain` have the operating system's own ·
 * `recorded` say what the operating system would have shown (globalThis.standin).
 */
export type Capability =
  | 'main'
  | 'deepLink'
  | 'keychain'
  | 'ownScheme'
  | 'kill'
  | 'paymentWindow'
  | 'tray'
  | 'menu'
  | 'realKeychain'
  | 'recorded'

export type Wallet = {
  readonly shell: ShellKind
  readonly userData: string
  /** The origin of the wallet's pages, as the page sees it. */
  readonly origin: string
  /** The wallet's own window, once its page shows something. */
  window: () => Promise<Page>
  /** Every window of the wallet's program, payment windows included. */
  windows: () => Page[]
  /** Addresses handed to the system's browser so far (in a tab: opened in new tabs). */
  opened: () => Promise<string[]>
  /**
   * The page in which the person goes on outside: on the desktop the next address handed to the system's browser, opened
   * in an ordinary browser that lives as long as this wallet; in a tab the wallet's own page, which is where it went.
   */
  outside: () => Promise<Page>
  /** Sends a quota:// link as the operating system would. */
  deepLink: (url: string) => Promise<void>
  /** Runs a function in the desktop's main process, with Electron's module as its first argument. */
  main: <R, A>(body: (electron: Electron, argument: A) => R | Promise<R>, argument: A) => Promise<R>
  /** Ends it and starts it again on the same profile; `kill` ends it as a crash would. */
  restart: (options?: { kill?: boolean }) => Promise<void>
  close: () => Promise<void>
  can: (capability: Capability) => boolean
}

/** Both origins of the desktop's pages: the real one, and the stand-in's (see electron/schemes.ts). */
export const WALLET_ORIGINS = 'app://wallet,https://wallet.app.standin.invalid'

/** Starts the wallet. */
export function launch(options: LaunchOptions): Promise<Wallet> {
  const userData = options.userData ?? mkdtempSync(join(tmpdir(), 'quota-wallet-'))
  return options.shell === 'browser'
    ? openBrowserShell({ ...options, userData })
    : openDesktopShell({ ...options, userData })
}

/** Waits until a page has drawn something. */
export async function painted(page: Page): Promise<Page> {
  await page.waitForFunction(() => (document.getElementById('root')?.childNodes.length ?? 0) > 0)
  return page
}
