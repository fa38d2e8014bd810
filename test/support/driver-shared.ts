// One bare desktop program for the specs of a file that only look, or put back what they touch.
// owns: that program, and its state at the beginning of each spec. never: specs about starting, restarting, rates or files.
// always true: a spec begins with one visible window at the wallet's address, nothing held for the page, and a count of its
// own of what was opened outside.

import { rmSync } from 'node:fs'
import type { Page } from '@playwright/test'
import { launch, type Wallet } from './driver.ts'

export type Shared = {
  wallet: Wallet
  page: Page
  /** Addresses handed to the system's browser since this spec began. */
  opened: () => Promise<string[]>
}

/** @param serverUrl asked when the program is started, with the first spec that takes it */
export function shareBare(serverUrl: () => string): { take: () => Promise<Shared>; close: () => Promise<void> } {
  let started: Promise<Wallet> | null = null
  return {
    async take() {
      started ??= launch({ shell: 'desktop', bare: true, serverUrl: serverUrl() })
      const wallet = await started
      const page = await wallet.window()
      await Promise.all(wallet.windows().flatMap((other) => (other === page ? [] : other.close())))
      await wallet.main(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.show(), null)
      await page.goto(`${wallet.origin}/wallet/`)
      await page.evaluate(async () => {
        while ((await window.shell!.takeReturn()) !== null);
      })
      const before = (await wallet.opened()).length
      return { wallet, page, opened: async () => (await wallet.opened()).slice(before) }
    },
    async close() {
      const wallet = await started
      await wallet?.close()
      if (wallet) rmSync(wallet.userData, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
