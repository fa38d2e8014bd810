// The whole story, in real windows: an account, $10, an app that asks, a limit, a streamed answer, its receipt, a limit
// that holds, and a wallet that still knows everything when the server is gone.
// One test, because each step stands on the one before; it runs unchanged in a tab and on the desktop.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { dollars } from '../../server/contract/money.ts'
import { books } from '../support/api.ts'
import { WALLET_ORIGINS, type Wallet } from '../support/driver.ts'
import { expect, test } from '../support/driver-test.ts'
import { freePort, type Server, startServer } from '../support/server.ts'

const CHAT = join(import.meta.dirname, '../../examples/chat/server.ts')
const QUESTION = 'How do I keep a promise to myself?'
const AT_ONCE_MS = 10_000
/** Less than any answer costs, in dollars, to the micro-dollar. */
const TOO_LITTLE = '0.00002'

let server: Server
let chat: { url: string; child: ChildProcess }

test.beforeAll(async () => {
  server = await startServer({ env: { QUOTA_WALLET_ORIGINS: WALLET_ORIGINS } })
  chat = await startChat(server.url)
})
test.afterAll(async () => {
  if (chat) await ended(chat.child)
  await server?.stop()
})

test('a person connects an app, pays for its answers, and their limit holds', async ({
  openWallet,
  picture,
  shellKind,
}) => {
  test.setTimeout(120_000)
  const wallet = await openWallet({ serverUrl: server.url, restarts: shellKind === 'desktop' })
  const page = await wallet.window()

  const outside = await test.step('creates an account', () => createAccount(wallet, page))
  await test.step('a declined card and a payment page that is left charge nothing', () => tryToBuy(wallet, page))
  await test.step('buys the $10 package', async () => {
    await buyTen(wallet, page)
    await expect(page.getByLabel('Balance')).toContainText('$8.50')
  })

  const app = await outside.context().newPage()
  await test.step('connects the app, with a limit of $5 a month filled in', async () => {
    await app.goto(chat.url)
    await picture(app, `chat-welcome-${shellKind}`)
    await app.getByRole('link', { name: 'Connect wallet' }).click()
    await expect(app.getByRole('heading', { name: 'Let Parrot Chat spend from your wallet?' })).toBeVisible()
    await expect(app.getByText('Adds a markup of 20 %')).toBeVisible()
    await expect(app.getByText('Pay for AI calls from your balance')).toBeVisible()
    await expect(app.getByLabel('Limit', { exact: true })).toHaveValue('5')
    await picture(app, `consent-${shellKind}`)
    await app.getByRole('button', { name: 'Allow up to $5 a month' }).click()
    await expect(app.getByText('Balance $8.50')).toBeVisible()
  })

  const cost = await test.step('chats; the answer streams, and its entry is in the log at once', async () => {
    await page.getByRole('link', { name: 'Activity' }).first().click()
    await expect(page.getByText('No calls yet')).toBeVisible()
    await say(app, QUESTION)
    await expect(app.getByRole('button', { name: 'Stop' })).toBeVisible()
    await expect(app.locator('li.assistant')).toContainText(QUESTION) // the answer refers to it while it is being written
    await expect(app.locator('li.busy')).toBeVisible()
    const paid = await costOf(app)
    const entry = page.getByRole('table', { name: 'Usage log' }).getByRole('row', { name: 'gpt-4o-mini' })
    await expect(entry).toBeVisible({ timeout: AT_ONCE_MS })
    await picture(app, `chat-answered-${shellKind}`)
    await picture(page, `activity-${shellKind}`)
    await checkEntry(page, paid)
    return paid
  })

  await test.step('lowers the limit below what is spent: the next chat fails and says why', async () => {
    await page.getByRole('link', { name: 'Apps' }).first().click()
    const card = page.getByRole('listitem', { name: 'Parrot Chat' })
    await card.getByRole('button', { name: 'Change limit' }).click()
    await page.getByLabel('Limit', { exact: true }).fill(TOO_LITTLE)
    await page.getByRole('button', { name: `Lower limit to $${TOO_LITTLE} a month` }).click()
    await expect(card).toContainText(`$${TOO_LITTLE}`)
    await expect(card.getByText('Saving…')).toBeHidden()
    await say(app, 'And if I break it?')
    const reset = new Date()
    reset.setMonth(reset.getMonth() + 1, 1)
    const first = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' }).format(reset)
    const sentence = `Your wallet’s limit for this app ($${TOO_LITTLE} a month) is reached; it resets on ${first}`
    await expect(app.getByRole('alert')).toContainText(sentence)
    await expect(app.locator('li.user')).toHaveCount(1)
    await expect(app.getByLabel('Your message')).toHaveValue('And if I break it?') // kept, to be sent again
    await picture(app, `chat-limit-reached-${shellKind}`)
    await picture(page, `apps-${shellKind}`)
  })

  await test.step('nothing but the one answer was charged, and no reservation is left', async () => {
    const { balance, holds } = await books(server)
    expect(balance.ok).toBe(true)
    expect(holds.open).toEqual([])
    expect(holds.ended_twice).toBe(0)
    await app.reload()
    await expect(app.getByText(`Balance ${dollars(8_500_000 - cost.total)}`)).toBeVisible()
  })

  await test.step('the server is gone: the wallet still shows everything it knew', async () => {
    await server.kill9()
    await expect(page.getByRole('status', { name: 'Sync' }).locator('visible=true')).toContainText('Offline', {
      timeout: 30_000,
    })
    await page.getByRole('link', { name: 'Activity' }).first().click()
    await checkEntry(page, cost)
    if (shellKind === 'desktop') await wallet.restart()
    const again = await wallet.window()
    await again.getByRole('link', { name: 'Home' }).first().click()
    await expect(again.getByLabel('Balance')).toContainText('$8.49')
    await picture(again, `offline-${shellKind}`)
  })
})

// --- what a person does -------------------------------------------------------------------------------------------

/** @returns the page outside of the wallet in which they signed in; its browser is the one that they use for apps */
async function createAccount(wallet: Wallet, page: Page): Promise<Page> {
  await page.getByRole('button', { name: 'Create account' }).click()
  if (wallet.shell === 'browser') await page.waitForURL(/\/wallet\/interaction\//)
  const outside = await wallet.outside()
  // On the desktop the page outside cannot know which of the two buttons was pressed in the wallet, and offers both.
  await expect(outside.getByLabel('E-mail')).toBeVisible()
  const signIn = outside.getByRole('heading', { name: 'Sign in' })
  if (await signIn.isVisible()) await outside.getByRole('button', { name: 'Create an account' }).click()
  await outside.getByLabel('E-mail').fill(`ann-${Date.now()}@example.org`)
  await outside.getByLabel('Password').fill('correct horse battery')
  await outside.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByRole('heading', { name: 'Home' })).toBeVisible()
  return outside
}

/** The card is declined; then the window is closed, or the page left, without paying. */
async function tryToBuy(wallet: Wallet, page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Add money' }).first().click()
  const state = page.getByRole('region', { name: 'Buy' })
  await page.getByRole('button', { name: 'Pay $10.00' }).click()
  await (await paymentPage(wallet, page)).getByRole('button', { name: 'Decline' }).click()
  await expect(state.getByRole('alert')).toContainText('Nothing was charged.')
  await state.getByRole('button', { name: 'OK' }).click()
  await page.getByRole('button', { name: 'Pay $10.00' }).click()
  const payment = await paymentPage(wallet, page)
  if (payment === page) await payment.getByRole('link', { name: 'Cancel' }).click()
  else await payment.close()
  await expect(state.getByText(/is not finished\.|is not confirmed yet\./)).toBeVisible()
  await expect(page.getByRole('region', { name: 'Purchases' })).toContainText('Not finished')
}

/** Goes on with the payment that was left. */
async function buyTen(wallet: Wallet, page: Page): Promise<void> {
  await page.getByRole('region', { name: 'Buy' }).getByRole('button', { name: 'Continue' }).click()
  const payment = await paymentPage(wallet, page)
  await payment.getByRole('button', { name: /^Pay/ }).click()
  await expect(page.getByText('was added to your balance')).toBeVisible()
  await page.getByRole('link', { name: 'Home' }).first().click()
}

async function paymentPage(wallet: Wallet, page: Page): Promise<Page> {
  if (wallet.can('paymentWindow')) return paymentWindow(wallet)
  await expect(page.getByText('This is a test payment')).toBeVisible()
  return page
}

async function paymentWindow(wallet: Wallet): Promise<Page> {
  const found = () => wallet.windows().find((window) => window.url().startsWith(server.url))
  await expect.poll(() => found()?.url()).toBeTruthy()
  const window = found()
  if (!window) throw new Error('no payment window')
  return window
}

async function say(app: Page, text: string): Promise<void> {
  await app.getByLabel('Your message').fill(text)
  await app.getByLabel('Your message').press('Enter')
}

type Paid = { base: number; markup: number; total: number }

/** What the app says that its last answer cost; the markup has to be a fifth of the base, rounded down. */
async function costOf(app: Page): Promise<Paid> {
  const line = await app.getByText('This answer cost').last().textContent()
  const [total = 0, base = 0, markup = 0] = [...(line ?? '').matchAll(/\$(\d+\.\d+)/g)].map((found) =>
    Math.round(Number(found[1]) * 1e6),
  )
  expect(base).toBeGreaterThan(0)
  expect(markup).toBe(Math.floor(base / 5))
  expect(total).toBe(base + markup)
  return { base, markup, total }
}

/** The entry in the wallet's log, and the receipt behind it, recomputed on this device. */
async function checkEntry(page: Page, paid: Paid): Promise<void> {
  const row = page.getByRole('table', { name: 'Usage log' }).getByRole('row', { name: 'gpt-4o-mini' })
  await expect(row).toHaveCount(1)
  await expect(row).toContainText('Parrot Chat')
  await row.getByRole('button').click()
  const receipt = page.getByRole('dialog', { name: 'Receipt' })
  await expect(receipt).toContainText('Signature, order and sum were checked')
  await expect(receipt.getByRole('row', { name: /input tokens/ })).toContainText('$0.15 a million')
  await expect(receipt.getByRole('row', { name: /output tokens/ })).toContainText('$0.60 a million')
  await expect(receipt.getByRole('row', { name: /Base/ })).toContainText(dollars(paid.base))
  await expect(receipt.getByRole('row', { name: /Markup, 20 %/ })).toContainText(dollars(paid.markup))
  await expect(receipt.getByRole('row', { name: /Total/ })).toContainText(dollars(paid.total))
  await page.keyboard.press('Escape')
  await expect(receipt).toBeHidden()
}

// --- the example app, as its own process ----------------------------------------------------------------------------

async function startChat(quotaUrl: string): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [CHAT], {
    env: {
      PATH: process.env.PATH,
      QUOTA_URL: quotaUrl,
      PORT: String(port),
      CHAT_DATA_DIR: mkdtempSync(join(tmpdir(), 'quota-chat-')),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the chat app ended with ${child.exitCode}`)
    const up = await fetch(url).then(
      (reply) => reply.ok,
      () => false,
    )
    if (up) return { url, child }
    await sleep(100)
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
