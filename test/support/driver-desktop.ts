// The wallet as a desktop program: on the stand-in, or on Electron's own binary with QUOTA_ELECTRON=real.
// owns: the executable that is chosen, and the ordinary browser that plays "the system's". never: the stand-in's inside.
// always true: both executables are driven by Playwright's ElectronApplication, and by nothing else.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BrowserContext, type ElectronApplication, _electron as electron, type Page } from '@playwright/test'
import { electronBinary } from '../../src-main/built.ts'
import { type Capability, type LaunchOptions, painted, type Wallet } from './driver.ts'
import { bareProgram } from './driver-bare.ts'
import { chromiumPath, sharedBrowser } from './driver-browser.ts'
import { borrowChromium, type Loan } from './driver-lent.ts'

const ROOT = join(import.meta.dirname, '../..')
const STANDIN = join(import.meta.dirname, 'electron/electron')
const OUTSIDE_TIMEOUT_MS = 60_000
const WINDOW_TIMEOUT_MS = 60_000
const ALWAYS: readonly Capability[] = ['main', 'deepLink', 'kill', 'paymentWindow']
const STANDIN_CAN: readonly Capability[] = [...ALWAYS, 'keychain', 'recorded']
const REAL_CAN: readonly Capability[] = [...ALWAYS, 'ownScheme', 'tray', 'menu', 'realKeychain']

/** The process is kept beside it: Playwright forgets it when the application has closed. */
type Running = { app: ElectronApplication; child: ChildProcess }
type Target = { executablePath: string; program: string; origin: string; can: readonly Capability[] }

export async function openDesktopShell(options: LaunchOptions & { userData: string }): Promise<Wallet> {
  const target = chooseTarget(options)
  if (options.keychain && !target.can.includes('keychain')) {
    throw new Error('the real key store plays no states: ask can("keychain") first')
  }
  const executablePath = await chromiumPath()
  // A profile that is read again has to lie on the disk; every other program borrows a Chromium that runs already.
  const borrows = !options.restarts && process.env.QUOTA_ELECTRON !== 'real'
  let loan = borrows ? await borrowChromium() : null
  const env = () => environment(options, executablePath, loan)
  const args = (link: string[]) => [target.program, `--user-data-dir=${options.userData}`, ...link]
  const begin = async (link: string[]): Promise<Running> => {
    try {
      return await start(target, args(link), env(), options)
    } catch (error) {
      // Seen twice on a slow machine, with nothing of the wallet's in it: the stand-in's page never came. Once more, aloud.
      if (!loan || !(error instanceof NoPage)) throw error
      console.error(`the stand-in is started again: ${error.message}`)
      await loan.discard()
      loan = await borrowChromium()
      return start(target, args(link), env(), options)
    }
  }
  let running = await begin(options.args ?? [])
  let browser: BrowserContext | null = null
  let followed = 0
  let earlier: string[] = []
  const opened = async () => [...earlier, ...(await running.app.evaluate(openedSoFar))]

  return {
    shell: 'desktop',
    userData: options.userData,
    origin: target.origin,
    async window() {
      const page = await walletPage(running.app, target.origin)
      if (options.viewport) await page.setViewportSize(options.viewport)
      return painted(page)
    },
    windows: () => running.app.windows(),
    opened,
    async outside() {
      const until = Date.now() + OUTSIDE_TIMEOUT_MS
      let addresses = await opened()
      while (addresses.length <= followed) {
        if (Date.now() > until) throw new Error('nothing was handed to the system’s browser')
        await sleep(25)
        addresses = await opened()
      }
      browser ??= await (await sharedBrowser()).newContext()
      const page = await browser.newPage()
      await page.goto(addresses[followed++]!)
      return page
    },
    async deepLink(url) {
      const second = spawn(target.executablePath, args([url]), { env: env(), stdio: 'ignore' })
      const [code] = await once(second, 'exit')
      if (code !== 0) throw new Error(`the second instance ended with ${code}`)
    },
    main: (body, argument) => running.app.evaluate(body as never, argument) as never,
    async restart({ kill = false } = {}) {
      if (loan && !options.bare)
        throw new Error('a wallet whose profile is not kept cannot be restarted: launch with `restarts`')
      earlier = await opened()
      await end(running, kill)
      await loan?.emptied()
      running = await begin([])
    },
    async close() {
      await browser?.close()
      await end(running, false)
      await loan?.giveBack()
      if (options.bare) rmSync(target.program, { recursive: true, force: true })
    },
    can: (capability) => target.can.includes(capability),
  }
}

/** `QUOTA_DESKTOP_APP` names another built program (an unpacked package) than the one in out/. */
function chooseTarget({ bare = false }: LaunchOptions): Target {
  const built = process.env.QUOTA_DESKTOP_APP ?? ROOT
  const program = bare ? bareProgram(built) : built
  if (process.env.QUOTA_ELECTRON !== 'real') {
    return { executablePath: STANDIN, program, origin: 'https://wallet.app.standin.invalid', can: STANDIN_CAN }
  }
  const executablePath = electronBinary()
  if (!executablePath) throw new Error('QUOTA_ELECTRON=real, but Electron’s binary is not here')
  return { executablePath, program, origin: 'app://wallet', can: REAL_CAN }
}

async function start(
  target: Target,
  args: string[],
  env: Record<string, string>,
  { colorScheme = 'light' }: LaunchOptions,
): Promise<Running> {
  const app = await electron.launch({ executablePath: target.executablePath, args, env, colorScheme })
  if (process.env.QUOTA_TEST_LOG) app.process().stderr?.pipe(process.stderr)
  const child = app.process()
  try {
    await inTime(app.evaluate(recordOpened), 'no answer of the main process')
    await walletPage(app, target.origin)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return { app, child }
}

/** Runs in the main process. */
function recordOpened({ shell }: Pick<typeof import('electron'), 'shell'>): void {
  const opened: string[] = []
  Object.assign(globalThis, { openedOutside: opened })
  shell.openExternal = async (url: string) => void opened.push(url)
}

class NoPage extends Error {}

async function inTime<T>(answer: Promise<T>, otherwise: string): Promise<T> {
  const timer = new AbortController()
  const late = sleep(WINDOW_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new NoPage(otherwise)
  })
  late.catch(() => {}) // aborted: the answer came first
  return Promise.race([answer, late]).finally(() => timer.abort())
}

/** Runs in the main process. */
function openedSoFar(): string[] {
  return (globalThis as unknown as { openedOutside: string[] }).openedOutside
}

async function walletPage(app: ElectronApplication, origin: string): Promise<Page> {
  const until = Date.now() + WINDOW_TIMEOUT_MS
  for (;;) {
    const page = app.windows().find((one) => one.url().startsWith(`${origin}/`))
    if (page) return page
    if (Date.now() > until) throw new NoPage(`no page of the wallet; ${await shownBy(app)}`)
    await sleep(10) // a new window starts at about:blank; its address follows
  }
}

/** What the test runner sees, and what the program says itself. */
async function shownBy(app: ElectronApplication): Promise<string> {
  const own = app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((one) => one.webContents.getURL()))
  const seen = app.windows().map((page) => page.url())
  return JSON.stringify({ seen, own: await Promise.race([own, sleep(5000, 'no answer')]) })
}

async function end({ app, child }: Running, kill: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  if (kill) child.kill('SIGKILL')
  else await app.close()
  await gone
}

function environment(
  { serverUrl, keychain, userData }: LaunchOptions & { userData: string },
  chromium: string,
  loan: Loan | null,
): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'DISPLAY', 'XDG_RUNTIME_DIR', 'QUOTA_TEST_RUN']
  const kept = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]!]]))
  return {
    ...Object.fromEntries(kept),
    QUOTA_CHROMIUM: chromium,
    ...(loan ? { STANDIN_CHROMIUM_ENDPOINT: loan.endpoint } : {}),
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(ROOT, 'node_modules/.cache/node'),
    QUOTA_SERVER_URL: serverUrl,
    STANDIN_KEYCHAIN: keychain ?? 'ok',
    XDG_CONFIG_HOME: join(userData, 'config'), // where a start at login would be written
  }
}
