// The wallet on a scripted server.
// owns: one fresh server and one entered wallet for a spec. never: what is tested. always true: the same spec runs in a
// tab and on the desktop; a person comes in as people do, by the button.

import type { Page } from '@playwright/test'
import type { Wallet } from '../support/driver.ts'
import { test as base, expect } from '../support/driver-test.ts'
import { type FakeServer, startFake } from './support-server.ts'

type Fixtures = {
  fake: FakeServer
  /** Starts the wallet, signs in and waits until everything is there. */
  enter: (options?: { restarts: true }) => Promise<{ wallet: Wallet; page: Page }>
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from its destructured argument
  fake: async ({}, use) => {
    const fake = await startFake()
    await use(fake)
    await fake.close()
  },
  enter: async ({ fake, openWallet, shellKind }, use) =>
    use(async (options) => {
      const wallet = await openWallet({ serverUrl: fake.url, ...options })
      const page = await wallet.window()
      await page.getByRole('button', { name: 'Sign in' }).click()
      if (shellKind === 'desktop') await wallet.outside()
      await upToDate(page)
      if (options?.restarts && shellKind === 'browser') await keptForOffline(page)
      return { wallet, page }
    }),
})
export { expect }

const mark = (page: Page) => page.getByRole('status', { name: 'Sync' }).filter({ visible: true })

/** A long history takes its time, each receipt of it being checked. */
export const upToDate = (page: Page) => expect(mark(page)).toHaveText('Up to date', { timeout: 90_000 })
/** A tab opens without a network once its pages are kept, which goes on behind the first visit. */
const keptForOffline = (page: Page) => page.evaluate(async () => void (await navigator.serviceWorker.ready))
export const offline = (page: Page) => expect(mark(page)).toContainText('Offline since')

/** The network is back, as the operating system says it; the wallet would also find out by itself, a little later. */
export const online = (page: Page) => page.evaluate(() => dispatchEvent(new Event('online')))

/** Goes to one of the five places, as a person does. */
export async function goTo(page: Page, place: string): Promise<void> {
  await page.getByRole('link', { name: place, exact: true }).filter({ visible: true }).first().click()
  await expect(page.getByRole('heading', { level: 1, name: place })).toBeVisible()
}

/** What the server was asked, by method and the beginning of its path. */
export const asked = (fake: FakeServer, method: string, path: string) =>
  fake.seen.filter((r) => r.method === method && r.path.startsWith(path))
