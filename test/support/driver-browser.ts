// The wallet in a tab of Chromium.
// owns: the browser that all specs of a worker share, and a browser of its own for a wallet whose profile is kept.
// never: the desktop. always true: what one spec leaves in its tabs (cookies, storage) no other sees; an address opened
// outside is recorded, and its tab is left as it is.

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from '@playwright/test'
import { findChromium } from './chromium.ts'
import { type Capability, type LaunchOptions, painted, type Wallet } from './driver.ts'

export const CHROMIUM_FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const CAPABILITIES: readonly Capability[] = ['kill']

/** Finds the browser to use. @throws Error when there is none */
export async function chromiumPath(): Promise<string> {
  const found = await findChromium()
  if (!found) throw new Error('No Chromium here: install one, or name it in QUOTA_CHROMIUM.')
  return found.path
}

let shared: Browser | null = null

/** An ordinary browser for everybody; to start one costs more than most specs. Whoever uses it takes a context of their own. */
export async function sharedBrowser(): Promise<Browser> {
  if (!shared?.isConnected())
    shared = await chromium.launch({ executablePath: await chromiumPath(), args: CHROMIUM_FLAGS })
  return shared
}

/** Ends it with its worker. */
export async function closeSharedBrowser(): Promise<void> {
  await shared?.close()
  shared = null
}

async function freshContext(options: LaunchOptions & { userData: string }): Promise<BrowserContext> {
  const settings: BrowserContextOptions = {
    viewport: options.viewport ?? { width: 1120, height: 780 },
    ...(options.colorScheme ? { colorScheme: options.colorScheme } : {}),
  }
  if (!options.restarts) return (await sharedBrowser()).newContext(settings)
  const executablePath = await chromiumPath()
  return chromium.launchPersistentContext(options.userData, { executablePath, args: CHROMIUM_FLAGS, ...settings })
}

export async function openBrowserShell(options: LaunchOptions & { userData: string }): Promise<Wallet> {
  const opened: string[] = []
  let context: BrowserContext
  let page: Page

  const start = async () => {
    context = await freshContext(options)
    page = context.pages()[0] ?? (await context.newPage())
    context.on('page', (tab) => tab.once('framenavigated', (frame) => opened.push(frame.url())))
    await page.goto(`${options.serverUrl}/wallet/`)
  }
  await start()
  return {
    shell: 'browser',
    userData: options.userData,
    origin: new URL(options.serverUrl).origin,
    window: () => painted(page),
    windows: () => context.pages(),
    opened: async () => [...opened],
    outside: async () => page,
    deepLink: () => Promise.reject(new Error('a tab receives no deep links: ask can("deepLink") first')),
    main: () => Promise.reject(new Error('a tab has no main process: ask can("main") first')),
    async restart({ kill = false } = {}) {
      if (!options.restarts)
        throw new Error('a tab whose profile is not kept cannot be restarted: launch with `restarts`')
      const browser = context.browser()
      if (kill) await (await browser?.newBrowserCDPSession())?.send('Browser.crash').catch(() => {})
      await context.close().catch(() => {})
      await start()
    },
    close: () => context.close(),
    can: (capability) => CAPABILITIES.includes(capability),
  }
}
