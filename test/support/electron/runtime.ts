// What the parts of the stand-in share.
// owns: the connection to Chromium, the lists of windows and web contents, and what a test may look at.
// never: behaviour. always true: `seen` is the only state a spec may read, under globalThis.standin.

import type { WebContents } from './contents.ts'
import type { Devtools } from './devtools.ts'
import type { BrowserWindow } from './windows.ts'

export const runtime = {
  devtools: null as Devtools | null,
  isReady: false,
  userData: () => '',
  /** Every live web contents, by DevTools target id. */
  contents: new Map<string, WebContents>(),
  windows: new Set<BrowserWindow>(),
  nextId: 1,
}

/** What the operating system would have shown: recorded, so that a test can look at it. */
export const seen = {
  opened: [] as string[],
  notifications: [] as object[],
  trays: [] as object[],
  dialogs: [] as object[],
  protocols: new Set<string>(),
  /** Key combinations held, and those that another program holds (a test may add one). */
  shortcuts: new Map<string, () => void>(),
  taken: new Set<string>(),
  badge: 0,
  loginItem: { openAtLogin: false, args: [] as string[] },
}
Object.assign(globalThis, { standin: seen })

/** The connection to Chromium; there is one from "ready" on. */
export function devtools(): Devtools {
  if (!runtime.devtools) throw new Error('electron stand-in: used before the app is ready')
  return runtime.devtools
}

export function nextId(): number {
  return runtime.nextId++
}

/** An event whose default a listener may prevent. */
export type Preventable = { defaultPrevented: boolean; preventDefault: () => void }

export function preventable<T extends object>(details: T): T & Preventable {
  return {
    ...details,
    defaultPrevented: false,
    preventDefault() {
      this.defaultPrevented = true
    },
  }
}
