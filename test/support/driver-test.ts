// Playwright's `test`, with the wallet in it.
// owns: which shell a project runs, and the end of what a spec started. never: servers.
// always true: a wallet that a spec opened is closed when the spec ends, passed or not, and its profile is removed.

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test as base, expect, type Page } from '@playwright/test'
import { type LaunchOptions, launch, type ShellKind, type Wallet } from './driver.ts'
import { closeSharedBrowser } from './driver-browser.ts'
import { closeLentChromiums } from './driver-lent.ts'

const SCREENSHOTS = join(import.meta.dirname, '../../docs/screenshots')

type Fixtures = {
  /** The shell of the project that is running. */
  shellKind: ShellKind
  openWallet: (options: Omit<LaunchOptions, 'shell'>) => Promise<Wallet>
  /** Keeps a picture for the documentation; only with QUOTA_SCREENSHOTS=1. */
  picture: (page: Page, name: string) => Promise<void>
}

export const test = base.extend<Fixtures, { browserEnds: undefined }>({
  browserEnds: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from its destructured argument
    async ({}, use) => {
      await use(undefined)
      await Promise.all([closeSharedBrowser(), closeLentChromiums()])
    },
    { scope: 'worker', auto: true },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from its destructured argument
  shellKind: async ({}, use, info) => use(info.project.name === 'browser' ? 'browser' : 'desktop'),
  openWallet: async ({ shellKind }, use) => {
    const open: Wallet[] = []
    await use(async (options) => {
      const wallet = await launch({ ...options, shell: shellKind })
      open.push(wallet)
      return wallet
    })
    await Promise.all(open.map((wallet) => wallet.close()))
    for (const { userData } of open) rmSync(userData, { recursive: true, force: true, maxRetries: 5 })
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  picture: async ({}, use) =>
    use(async (page, name) => {
      if (process.env.QUOTA_SCREENSHOTS !== '1') return
      mkdirSync(SCREENSHOTS, { recursive: true })
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' })
    }),
})
export { expect }
