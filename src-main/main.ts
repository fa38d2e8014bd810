// The desktop program: a window, a keychain and the operating system for the wallet. It knows no money.
// owns: the order of start-up, and what each member of the bridge does. never: pages' content, tokens outside session.ts.
// always true: guards, permissions and scheme stand before the first window, and one instance runs for each profile.

import { join } from 'node:path'
import { app, type BrowserWindow, globalShortcut, safeStorage, session as sessions, type WebContents } from 'electron'
import { originOf, serverOrigin } from './addresses.ts'
import { HIDDEN } from './autostart.ts'
import { createReturns, linkInArguments, readLink } from './deeplink.ts'
import { createDesk, type Desk } from './desk.ts'
import { answerShellCalls, nudge, Refusal, type ShellHandlers } from './ipc.ts'
import { notify } from './notifications.ts'
import { openOutside } from './outside.ts'
import { createPayments } from './payment.ts'
import { lockSession } from './permissions.ts'
import { registerScheme, serveWallet } from './protocol.ts'
import { sealedFile, secretFile } from './sealed.ts'
import { createSession } from './session.ts'
import { APP_ID, HOME, LINK_SCHEME, ORIGIN, PRODUCT } from './settings.ts'
import { mayUpdate, NO_UPDATES, startUpdates, type Updates } from './updates.ts'
import { bringToFront, createWindow, guardAllContents } from './window.ts'
import { keepWindowState, readWindowState } from './window-state.ts'
import { speak } from './words.ts'

declare const UPDATE_PUBLIC_KEY: string

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
  /** Brings the window up, or away when it is in front. */
  toggle: () => void
  /** Leaves the page something to take, and shows the window unless `quiet`. */
  follow: (held: string | null, options?: { quiet: boolean }) => void
  take: () => string | null
}

function run(): void {
  const server = serverOrigin(process.env)
  let window: BrowserWindow | null = null
  const page = () => (window && !window.isDestroyed() ? window.webContents : null)
  const returns = createReturns(() => nudge(page(), 'returned'))
  let isQuitting = false
  let desk: Desk | null = null
  const open = (hidden: boolean) => {
    window = openWallet({ hidden, staysOpen: () => !isQuitting && (desk?.staysOpen() ?? false) })
  }
  const show = () => {
    // A payment window that closes because everything does must not bring the wallet back.
    if (!app.isReady() || isQuitting) return
    if (page()) bringToFront(window)
    else open(false) // it shows itself once it has painted
  }
  const follow: Front['follow'] = (held, { quiet } = { quiet: false }) => {
    if (held) returns.put(held)
    // What is done without a look still needs the page that does it.
    if (quiet && app.isReady() && !page()) open(true)
    if (!quiet) show()
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
  app.on('will-quit', () => globalShortcut.unregisterAll())
  app.on('window-all-closed', () => {
    // Elsewhere the tray keeps the wallet reachable; a Linux desktop may have none.
    if (process.platform === 'linux') app.quit()
  })
  guardAllContents()

  app.whenReady().then(() => {
    speak(app.getLocale())
    lockSession(sessions.defaultSession, { ownPages: true })
    serveWallet(join(OUT, 'renderer'), server)
    if (app.isPackaged) app.setAsDefaultProtocolClient(LINK_SCHEME, process.execPath, ['--'])
    const toggle = () => (window?.isVisible() && window.isFocused() ? window.hide() : show())
    const front = { page, show, toggle, follow, take: returns.take }
    desk = placeBeside(server, front)
    answerShellCalls(handlersFor(server, front, desk.stand), page, Date.now)
    if (process.argv.includes(HIDDEN)) follow(linkInArguments(process.argv.slice(1)), { quiet: true })
    else follow(linkInArguments(process.argv.slice(1)))
  })
}

/** Puts tray, menu and key there, all of which lead back to the window, and looks for a newer version. */
function placeBeside(server: string, { show, toggle, follow }: Front): Desk {
  let updates = NO_UPDATES
  const desk = createDesk(join(app.getPath('userData'), 'preferences.json'), process.platform, {
    show,
    toggle,
    go: (place) => follow(`go:${place}`),
    freeze: () => follow('freeze:', { quiet: true }),
    unfreeze: () => follow('unfreeze:'),
    update: () => updates.act(),
    quit: () => app.quit(),
  })
  lookForUpdates(server, desk.updated)
    .then((started) => {
      updates = started
    })
    .catch((error) => console.error('updates cannot be looked for', error))
  return desk
}

/** What each member of the bridge does. @param server its origin */
function handlersFor(server: string, { page, show, follow, take }: Front, stand: Desk['stand']): ShellHandlers {
  const kept = sealedFile(secretFile(app.getPath('userData'), server), {
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
    notify: async (notice) => notify(notice, follow),
    show: async (standing) => stand(standing),
    pay: ({ topup_id, url }) => payments.open({ topupId: topup_id, url }).catch(asRefusal),
    takeReturn: async () => take(),
  }
}

/** Opens the wallet's own window, where it was last. @param staysOpen whether closing it only hides it */
function openWallet({ hidden, staysOpen }: { hidden: boolean; staysOpen: () => boolean }): BrowserWindow {
  const file = join(app.getPath('userData'), 'window.json')
  const { bounds, maximized } = readWindowState(file)
  const window = createWindow({
    title: PRODUCT,
    bounds,
    hidden,
    preload: join(OUT, 'preload', 'preload.cjs'),
    session: sessions.defaultSession,
    allows: (url) => originOf(url.href) === ORIGIN,
  })
  if (maximized && !hidden) window.maximize()
  keepWindowState(window, file)
  window.on('close', (event) => {
    if (!staysOpen()) return
    event.preventDefault()
    window.hide()
  })
  window.loadURL(HOME).catch((error) => console.error('the wallet did not load', error))
  return window
}

/** Looks for a newer version once at the start; the person may look again from the menu. */
async function lookForUpdates(server: string, changed: Desk['updated']): Promise<Updates> {
  const publicKey = UPDATE_PUBLIC_KEY
  if (!mayUpdate({ isPackaged: app.isPackaged, publicKey, server })) return NO_UPDATES
  const { autoUpdater } = await import('electron-updater')
  const updates = startUpdates(autoUpdater, { publicKey, current: app.getVersion(), changed })
  updates.act()
  return updates
}

/** Lets the sentence of an expected failure reach the page; what it says was written for a person. */
function asRefusal(error: Error): never {
  throw new Refusal(error.message)
}
