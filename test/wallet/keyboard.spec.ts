// From a new account to a limit that is lowered, by the keyboard alone: nothing here clicks, and every stop of the Tab
// key on the way has to be seen - outlined, in view, and with nothing lying over it. On the real server, in both shells.

import { createServer } from 'node:http'
import type { Locator, Page } from '@playwright/test'
import { createApp, register } from '../support/api.ts'
import { WALLET_ORIGINS, type Wallet } from '../support/driver.ts'
import { expect, test } from '../support/driver-test.ts'
import { freePort, type Server, startServer } from '../support/server.ts'

/** No way on a screen is longer than this many stops. */
const STOPS = 30
/** As long as a finger rests on a key. The choices follow an arrow key only while it is held. */
const HELD_MS = 60

let server: Server
/** The app's page that asks for consent. */
let asking: string
/** Where the browser comes back to. */
const app = createServer((_request, response) => response.end('back in the app'))
test.beforeAll(async () => {
  server = await startServer({ env: { QUOTA_WALLET_ORIGINS: WALLET_ORIGINS } })
  const port = await freePort()
  app.listen(port, '127.0.0.1')
  asking = await authorizeUrl(`http://127.0.0.1:${port}/callback`)
})
test.afterAll(async () => {
  app.close()
  await server?.stop()
})

test('an account, money, consent, a lower limit and a pause, without a pointer', async ({ openWallet }) => {
  test.setTimeout(120_000)
  const wallet = await openWallet({ serverUrl: server.url })
  const page = await wallet.window()

  const outside = await test.step('creates an account', () => createAccount(wallet, page))

  await test.step('adds money', async () => {
    await page.keyboard.press('Tab')
    await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused()
    await press(page, page.getByRole('main').getByRole('link', { name: 'Add money' }).first())
    await walkTo(page, page.getByRole('radio', { name: /Basic/ }))
    await page.keyboard.press('ArrowDown', { delay: HELD_MS })
    await expect(page.getByRole('button', { name: 'Pay $25.00' })).toBeVisible()
    await page.keyboard.press('ArrowUp', { delay: HELD_MS })
    await press(page, page.getByRole('button', { name: 'Pay $10.00' }))
    const payment = wallet.can('paymentWindow') ? await paymentWindow(wallet) : page
    await press(payment, payment.getByRole('button', { name: /^Pay/ }))
    await expect(page.getByText('was added to your balance')).toBeVisible()
  })

  await test.step('allows an app to spend, with a limit of their own', async () => {
    const consent = await outside.context().newPage()
    await consent.goto(asking)
    await walkTo(consent, consent.getByLabel('Limit', { exact: true }))
    await consent.keyboard.press('ControlOrMeta+A')
    await consent.keyboard.type('4')
    await walkTo(consent, consent.getByRole('radio', { name: 'Month' }))
    await consent.keyboard.press('ArrowLeft', { delay: HELD_MS })
    await press(consent, consent.getByText('More limits'))
    await walkTo(consent, consent.getByLabel('At most for one call'))
    await consent.keyboard.type('0.50')
    await walkTo(consent, consent.getByRole('list', { name: 'Models' }).getByRole('checkbox').first())
    await consent.keyboard.press('ArrowDown')
    await consent.keyboard.press('Space')
    await expect(consent.getByText('only 1 of them')).toBeVisible()
    await press(consent, consent.getByRole('button', { name: 'Allow up to $4 a week' }))
    await expect(consent.getByText('back in the app')).toBeVisible()
    await consent.close()
  })

  const card = page.getByRole('listitem', { name: 'Sketchpad' })
  await test.step('lowers the limit; the focus is given back to where it was', async () => {
    await press(page, page.getByRole('link', { name: 'Apps', exact: true }).filter({ visible: true }))
    await expect(card).toContainText('of $4 this week')
    await press(page, card.getByRole('button', { name: 'Change limit' }))
    await expect(page.getByLabel('Limit', { exact: true })).toBeFocused()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('1')
    await page.keyboard.press('Enter')
    await expect(card).toContainText('of $1 this week')
    await expect(card.getByRole('button', { name: 'Change limit' })).toBeFocused()
  })

  await test.step('pauses and resumes it by the same key', async () => {
    await press(page, card.getByRole('button', { name: 'Pause' }), 'Space')
    await expect(card.getByText('Paused')).toBeVisible()
    await expect(card.getByRole('button', { name: 'Resume' })).toBeFocused()
  })

  await test.step('opens the menu, thinks better of it, and of disconnecting too', async () => {
    const more = page.getByRole('button', { name: 'More for Sketchpad' })
    await press(page, more)
    await expect(page.getByRole('menu')).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(more).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('menuitem').first()).toBeFocused()
    await page.keyboard.press('End')
    await expect(page.getByRole('menuitem', { name: 'Disconnect' })).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('dialog')).toContainText('Disconnect Sketchpad?')
    await press(page, page.getByRole('dialog').getByRole('button', { name: 'Keep' }))
    await expect(page.getByRole('dialog')).toHaveCount(0)
    await expect(more).toBeFocused()
    await expect(card.getByText('Paused')).toBeVisible()
  })
})

test('a stop that cannot be seen would be noticed', async ({ openWallet }) => {
  const wallet = await openWallet({ serverUrl: server.url })
  const page = await wallet.window()
  const button = page.getByRole('button', { name: 'Create account' })
  await expect(button).toBeVisible()
  await walkTo(page, button)
  expect(await unseen(page)).toBeNull()
  await button.evaluate((element) => {
    element.style.outline = 'none'
  })
  expect(await unseen(page)).toContain('no outline')
  await button.evaluate((element) => {
    element.style.outline = ''
    element.style.position = 'fixed'
    element.style.top = '-500px'
  })
  expect(await unseen(page)).toContain('out of view')
})

// --- the keyboard ---------------------------------------------------------------------------------------------------

/** Goes to it by the Tab key and presses it. */
async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await walkTo(page, target)
  await page.keyboard.press(key)
}

/** Presses Tab until it has the focus; every stop on the way has to be seen. */
async function walkTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible()
  await expect(target).toBeEnabled()
  const way: string[] = []
  for (let stop = 0; stop < STOPS; stop++) {
    if (await target.evaluate(hasFocus)) return
    await page.keyboard.press('Tab')
    expect(await unseen(page)).toBeNull()
    way.push(await page.evaluate(() => document.activeElement?.textContent?.slice(0, 30) ?? ''))
  }
  throw new Error(`the Tab key does not lead to ${target}; it led to: ${way.join(' | ')}`)
}

const hasFocus = (element: Element): boolean =>
  element.closest('summary, button, a') === document.activeElement || element === document.activeElement

/** What is wrong with how the focus shows, or null. Leaving the page's last stop for the browser's own is no stop. */
async function unseen(page: Page): Promise<string | null> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!element || element === document.body) return null
    const box = element.getBoundingClientRect()
    const name = `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent?.slice(0, 40)}`
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    if (outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 2) return `${name}: no outline`
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
    if (box.width < 8 || box.height < 8 || x < 0 || y < 0 || x > innerWidth || y > innerHeight)
      return `${name}: out of view`
    const top = document.elementFromPoint(x, y)
    return top && (element.contains(top) || top.contains(element)) ? null : `${name}: under ${top?.tagName}`
  })
}

// --- what a person does ---------------------------------------------------------------------------------------------

/** @returns the page outside of the wallet in which they signed in */
async function createAccount(wallet: Wallet, page: Page): Promise<Page> {
  await press(page, page.getByRole('button', { name: 'Create account' }))
  if (wallet.shell === 'browser') await page.waitForURL(/\/wallet\/interaction\//)
  const outside = await wallet.outside()
  await expect(outside.getByLabel('E-mail')).toBeVisible()
  if (await outside.getByRole('heading', { name: 'Sign in' }).isVisible())
    await press(outside, outside.getByRole('button', { name: 'Create an account' }))
  await walkTo(outside, outside.getByLabel('E-mail'))
  await outside.keyboard.type('ann@example.org')
  await walkTo(outside, outside.getByLabel('Password'))
  await outside.keyboard.type('correct horse battery')
  await outside.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Home' })).toBeVisible()
  return outside
}

async function paymentWindow(wallet: Wallet): Promise<Page> {
  const found = () => wallet.windows().find((window) => window.url().startsWith(server.url))
  await expect.poll(() => found()?.url()).toBeTruthy()
  const window = found()
  if (!window) throw new Error('no payment window')
  return window
}

/** An app of another person, and the address at which it asks to be connected. */
async function authorizeUrl(redirectUri: string): Promise<string> {
  const developer = await register(server, 'developer')
  const { clientId } = await createApp(server, developer, { name: 'Sketchpad', redirect_uris: [redirectUri] })
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid credits.spend',
    state: 's',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })
  return `${server.url}/oauth/authorize?${query}`
}
