// The desktop program: a window, a keychain and the operating system for the wallet. It knows no money.
// owns: the order of start-up, and what each member of the bridge does. never: pages' content, tokens outside session.ts.
// always true: guards, permissions and scheme stand before the first window, and one instance runs for each profile.

import { join } from 'node:path'
import { app, type BrowserWindow, Notification, safeStorage, session as sessions, type WebContents } from 'electron'
import { originOf, serverOrigin } from './addresses.ts'
import { createReturns, linkInArguments, readLink } from './deeplink.ts'
import { answerShellCalls, nudge, Refusal, type ShellHandlers } from './ipc.ts'
import { setMenu } from './menu.ts'
import { openOutside } from './outside.ts'
import { createPayments } from './payment.ts'
import { lockSession } from './permissions.ts'
import { registerScheme, serveWallet } from './protocol.ts'
import { sealedFile } from './sealed.ts'
import { createSession } from './session.ts'
import { APP_ID, HOME, LINK_SCHEME, ORIGIN, PRODUCT } from './settings.ts'
import { createTray } from './tray.ts'
import { bringToFront, createWindow, guardAllContents } from './window.ts'
import { keepWindowState, readWindowState } from './window-state.ts'

const OUT = join(import.meta.dirname, '..')

app.enableSandbox()
app.setName(PRODUCT)
app.setAppUserModelId(APP_ID)
registerScheme()
if (app.requestSingleInstanceLock()) run()
else app.exit(0)

/** What the parts of the program need of its one window. */
type Front = {
  page: () => WebContents | null
  show: () => void
  /** Shows the window, and leaves it a link or a payment's id to take. */
  follow: (held: string | null) => void
  take: () => string | null
}

function run(): void {
  const server = serverOrigin(process.env)
  let window: BrowserWindow | null = null
  const page = () => (window && !window.isDestroyed() ? window.webContents : null)
  const returns = createReturns(() => nudge(page(), 'returned'))
  let isQuitting = false
  const show = () => {
    // A payment window that closes because everything does must not bring the wallet back.
    if (!app.isReady() || isQuitting) return
    if (page()) bringToFront(window)
    else window = openWallet() // it shows itself once it has painted
  }
  const follow = (held: string | null) => {
    if (held) returns.put(held)
    show()
  }
  // macOS delivers a cold start's link before "ready", so these listen from the first moment.
  app.on('open-url', (event, url) => {
    event.preventDefault()
    follow(readLink(url))
  })
  app.on('second-instance', (_event, argv) => follow(linkInArguments(argv.slice(1))))
  app.on('activate', show)
  app.on('before-quit', () => {
    isQuitting = true
  })
  app.on('window-all-closed', () => {
    // Elsewhere the tray keeps the wallet reachable; a Linux desktop may have none.
    if (process.platform === 'linux') app.quit()
  })
  guardAllContents()

  app.whenReady().then(() => {
    lockSession(sessions.defaultSession, { ownPages: true })
    serveWallet(join(OUT, 'renderer'), server)
    if (app.isPackaged) app.setAsDefaultProtocolClient(LINK_SCHEME, process.execPath, ['--'])
    answerShellCalls(handlersFor(server, { page, show, follow, take: returns.take }), page, Date.now)
    setMenu()
    createTray({ show, quit: () => app.quit() })
    follow(linkInArguments(process.argv.slice(1)))
  })
}

/** What each member of the bridge does. @param server its origin */
function handlersFor(server: string, { page, show, follow, take }: Front): ShellHandlers {
  const kept = sealedFile(join(app.getPath('userData'), 'session.sealed'), {
    boundTo: server,
    keys: safeStorage,
    platform: process.platform,
  })
  const changed = () => nudge(page(), 'session')
  const session = createSession({ issuer: server, browse: openOutside, kept, now: () => Date.now(), changed })
  const payments = createPayments(server, (topupId) => follow(`topup:${topupId}`))
  return {
    apiOrigin: async () => server,
    signIn: () => session.signIn().finally(show).catch(asRefusal),
    signOut: session.signOut,
    accessToken: () => session.accessToken().catch(asRefusal),
    open: (url) => openOutside(url).catch(asRefusal),
    notify: async (text) => notify(text, show),
    pay: ({ topup_id, url }) => payments.open({ topupId: topup_id, url }).catch(asRefusal),
    takeReturn: async () => take(),
  }
}

/** Opens the wallet's own window, where it was last. */
function openWallet(): BrowserWindow {
  const file = join(app.getPath('userData'), 'window.json')
  const { bounds, maximized } = readWindowState(file)
  const window = createWindow({
    title: PRODUCT,
    bounds,
    preload: join(OUT, 'preload', 'preload.cjs'),
    session: sessions.defaultSession,
    allows: (url) => originOf(url.href) === ORIGIN,
  })
  if (maximized) window.maximize()
  keepWindowState(window, file)
  window.loadURL(HOME).catch((error) => console.error('the wallet did not load', error))
  return window
}

function notify({ title, body }: { title: string; body: string }, show: () => void): void {
  if (!Notification.isSupported()) return
  const notification = new Notification({ title, body })
  notification.on('click', show)
  notification.show()
}

/** Lets the sentence of an expected failure reach the page; what it says was written for a person. */
function asRefusal(error: Error): never {
  throw new Refusal(error.message)
}
