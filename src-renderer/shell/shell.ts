// Which shell shows these pages.
// owns: the choice. never: anything a shell does. always true: it is made once, when the page loads.

import type { Shell } from '../../server/contract/shell.ts'
import { type BrowserShell, browserShell } from './browser.ts'

declare global {
  interface Window {
    readonly shell?: Shell
  }
}

let tab: BrowserShell | null = null

/** The desktop's bridge where there is one, else this tab's own. */
export const shell: Shell = window.shell ?? theTab()

/** The tab's own shell; only the callback page needs it by this name. */
export function theTab(): BrowserShell {
  tab ??= browserShell(location.origin)
  return tab
}

/** Where the wallet's routes begin: "/wallet" on a server, "/" where a shell serves nothing else. */
export const basepath = /^\/wallet(\/|$)/.test(location.pathname) ? '/wallet' : '/'
