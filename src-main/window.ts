// The one place where windows are made.
// owns: the web preferences, and what any page may navigate to or open. never: what is shown inside.
// always true: every web contents of this program is sandboxed, isolated, without Node, opens no window of its own, and
// stays within the addresses that its maker named.

import { app, BrowserWindow, type Session, type WebContents, type WebPreferences } from 'electron'

type Moving = { readonly url: string; readonly isMainFrame: boolean; preventDefault: () => void }

export type WindowPlan = {
  title: string
  bounds: { width: number; height: number; x?: number; y?: number }
  /** Absolute path of the preload, for the wallet's own window alone. */
  preload?: string
  session: Session
  /** It stays hidden until it is brought to the front. */
  hidden?: boolean
  /** Which addresses its frames may show; everything else is prevented. */
  allows: (url: URL, isMainFrame: boolean) => boolean
  /** Told of an address that its top frame was kept from. */
  kept?: (url: URL) => void
}

/** Section 5 of the security notes, as data; a test reads these back from every window. */
export const HARDENED = {
  contextIsolation: true,
  sandbox: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webviewTag: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  navigateOnDragDrop: false,
  spellcheck: false,
} as const satisfies WebPreferences

const plans = new WeakMap<WebContents, WindowPlan>()

/** Makes a hidden window that shows itself once it has painted. */
export function createWindow(plan: WindowPlan): BrowserWindow {
  const window = new BrowserWindow({
    ...plan.bounds,
    title: plan.title,
    minWidth: 420,
    minHeight: 560,
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      ...HARDENED,
      devTools: !app.isPackaged,
      session: plan.session,
      ...(plan.preload === undefined ? {} : { preload: plan.preload }),
    },
  })
  plans.set(window.webContents, plan)
  if (!plan.hidden) window.once('ready-to-show', () => window.show())
  return window
}

/** Puts the guards on every web contents that will ever exist here, whoever makes it. Call once, before the first window. */
export function guardAllContents(): void {
  app.on('web-contents-created', (_event, contents) => {
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.on('will-navigate', (event) => guard(contents, event))
    contents.on('will-redirect', (event) => guard(contents, event))
    contents.on('will-frame-navigate', (event) => guard(contents, event))
  })
}

/** Brings a window to the person. */
export function bringToFront(window: BrowserWindow | null): void {
  if (!window || window.isDestroyed()) return
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}

/** A web contents without a plan (one that our factory did not make) may go nowhere. */
function guard(contents: WebContents, event: Moving): void {
  const plan = plans.get(contents)
  const url = URL.parse(event.url)
  if (plan && url && !url.username && !url.password && plan.allows(url, event.isMainFrame)) return
  event.preventDefault()
  if (url && event.isMainFrame) plan?.kept?.(url)
}
