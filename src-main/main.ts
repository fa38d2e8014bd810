// The desktop program: a window, a keychain and the operating system for the wallet. It knows no money.
// owns: the order of start-up, and what each member of the bridge does. never: pages' content, tokens outside session.ts.
// always true: guards, permissions and scheme stand before the first window, and one instance runs for each profile.

import { join } from 'node:path'
import { app, type BrowserWindow, globalShortcut, safeStorage, session as sessions, type WebContents } from 'electron'
import type { ServerAnswer } from '../server/contract/shell.ts'
import { originOf } from './addresses.ts'
import { HIDDEN } from './autostart.ts'
import { type Front, openDealings } from './dealings.ts'
import { createReturns, linkInArguments, readLink } from './deeplink.ts'
import { createDesk, type Desk } from './desk.ts'
import { answerShellCalls, nudge, type ShellHandlers } from './ipc.ts'
import { openOutside } from './outside.ts'
import { lockSession } from './permissions.ts'
import { registerScheme, serveWallet } from './protocol.ts'
import { sealedFile, secretFile } from './sealed.ts'
import { askServer, openServers, type Servers } from './servers.ts'
import { createSession, type Session } from './session.ts'
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

function run(): void {
  const servers = openServers(join(app.getPath('userData'), 'servers.json'), process.env, askServer)
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
    serveWallet(join(OUT, 'renderer'), () => servers.list().chosen)
    if (app.isPackaged) app.setAsDefaultProtocolClient(LINK_SCHEME, process.execPath, ['--'])
    const toggle = () => (window?.isVisible() && window.isFocused() ? window.hide() : show())
    const front = { show, toggle, follow, take: returns.take }
    const placed = placeBeside(front)
    desk = placed
    const replaceWindow = () => {
      returns.clear()
      placed.stand(null)
      const before = page() && window
      open(false) // first: the last window to close may end the program
      before?.destroy()
    }
    answerShellCalls(chosenServer(servers, { page, front, desk: placed, replaceWindow }), page, Date.now)
    follow(linkInArguments(process.argv.slice(1)), { quiet: process.argv.includes(HIDDEN) })
  })
}

/** Puts tray, menu and key there, all of which lead back to the window. */
function placeBeside({ show, toggle, follow }: Front): Desk & { look: (server: string) => void } {
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
  let looking = false
  /** Looks for a newer version, once, when the program is for a server that has real users. */
  const look = (server: string) => {
    if (looking || !mayUpdate({ isPackaged: app.isPackaged, publicKey: UPDATE_PUBLIC_KEY, server })) return
    looking = true
    lookForUpdates(desk.updated)
      .then((started) => {
        updates = started
      })
      .catch((error) => console.error('updates cannot be looked for', error))
  }
  return { ...desk, look }
}

type Around = {
  page: () => WebContents | null
  front: Front
  desk: ReturnType<typeof placeBeside>
  /** Ends the page and begins another, which asks anew where its server is. */
  replaceWindow: () => void
}

/**
 * The members of the bridge for the server that is chosen, whichever that is. Going over to another ends the dealings and the
 * window of the one before in one step, so that no page ever meets two servers.
 */
function chosenServer(servers: Servers, { page, front, desk, replaceWindow }: Around): () => ShellHandlers {
  const folder = app.getPath('userData')
  // One for each server as long as the program runs: two keepers of one refresh token would each use it up.
  const made = new Map<string, Session>()
  const sessionOf = (server: string): Session => {
    const kept = sealedFile(secretFile(folder, server), {
      boundTo: server,
      keys: safeStorage,
      platform: process.platform,
    })
    const changed = () => void (servers.list().chosen === server && nudge(page(), 'session'))
    const deps = { issuer: server, browse: openOutside, kept, now: () => Date.now(), changed }
    const session = made.get(server) ?? createSession(deps)
    made.set(server, session)
    return session
  }
  const begin = (server: string) => {
    desk.look(server)
    return openDealings(server, sessionOf(server), front)
  }
  let dealings = begin(servers.list().chosen)
  const change: Record<'add' | 'choose' | 'remove', (address: string) => Promise<ServerAnswer>> = {
    add: servers.add,
    async choose(server) {
      if (!servers.list().known.includes(server)) return 'no-address'
      // The page that asked hears the answer before it ends.
      setImmediate(() => {
        if (servers.list().chosen === server || !servers.choose(server)) return
        dealings.end()
        dealings = begin(server)
        replaceWindow()
      })
      return 'done'
    },
    async remove(server) {
      if (!servers.remove(server)) return 'no-address'
      await sessionOf(server).signOut()
      return 'done'
    },
  }
  return () => ({
    ...dealings.handlers,
    show: async (standing) => desk.stand(standing),
    servers: async () => servers.list(),
    changeServer: (act, address) => change[act](address),
  })
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

/** The person may look again from the menu. */
async function lookForUpdates(changed: Desk['updated']): Promise<Updates> {
  const { autoUpdater } = await import('electron-updater')
  const updates = startUpdates(autoUpdater, { publicKey: UPDATE_PUBLIC_KEY, current: app.getVersion(), changed })
  updates.act()
  return updates
}
