// What an app asks of a person while their wallet is open: to be connected, to make one dear call; what they are told of
// their limits; and how soon a stream ends when they stop it. On the real server, in both shells.

import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { Page } from '@playwright/test'
import { type App, createApp, must, register } from '../support/api.ts'
import { WALLET_ORIGINS, type Wallet } from '../support/driver.ts'
import { expect, test } from '../support/driver-test.ts'
import { ask } from '../support/relay-client.ts'
import { freePort, type Server, startServer } from '../support/server.ts'

const VERIFIER = randomBytes(32).toString('base64url')
const AT_ONCE_MS = 10_000
const WITHIN_MS = 1000

let server: Server
let app: App
/** Where the browser comes back to. */
const home = createServer((_request, response) => response.end('back in the app'))
test.beforeAll(async () => {
  const env = { QUOTA_WALLET_ORIGINS: WALLET_ORIGINS, QUOTA_SANDBOX_TOKEN_MS: '40', QUOTA_RATE_LIMIT_SCALE: '100' }
  server = await startServer({ env })
  const developer = await register(server, 'developer')
  const port = await freePort()
  home.listen(port, '127.0.0.1')
  app = await createApp(server, developer, {
    name: 'Sketchpad',
    markup_bps: 2000,
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
  })
  app.redirectUri = `http://127.0.0.1:${port}/callback`
})
test.afterAll(async () => {
  home.close()
  await server?.stop()
})

type Entered = { wallet: Wallet; page: Page; outside: Page }
type Open = (options: { serverUrl: string }) => Promise<Wallet>

async function enter(open: Open): Promise<Entered> {
  const wallet = await open({ serverUrl: server.url })
  const page = await wallet.window()
  await page.getByRole('button', { name: 'Create account' }).click()
  if (wallet.shell === 'browser') await page.waitForURL(/\/wallet\/interaction\//)
  const outside = await wallet.outside()
  await expect(outside.getByLabel('E-mail')).toBeVisible()
  if (await outside.getByRole('heading', { name: 'Sign in' }).isVisible())
    await outside.getByRole('button', { name: 'Create an account' }).click()
  await outside.getByLabel('E-mail').fill(`ann-${randomBytes(6).toString('hex')}@example.org`)
  await outside.getByLabel('Password').fill('correct horse battery')
  await outside.getByRole('button', { name: 'Create account' }).click()
  await expect(page.getByRole('heading', { name: 'Home' })).toBeVisible()
  return { wallet, page, outside }
}

/** The app sends the person to be connected, in the browser that they use for apps. */
async function connecting({ outside }: Entered, of = app): Promise<Page> {
  const page = await outside.context().newPage()
  const query = new URLSearchParams({
    client_id: of.clientId,
    redirect_uri: of.redirectUri,
    response_type: 'code',
    scope: 'openid credits.spend',
    state: 's',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    cap_amount: '5000000',
    cap_period: 'month',
  })
  await page.goto(`${server.url}/oauth/authorize?${query}`)
  return page
}

async function tokenOf(page: Page, of = app): Promise<string> {
  await page.waitForURL(`${of.redirectUri}*`)
  const code = new URL(page.url()).searchParams.get('code') ?? ''
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: of.clientId,
    client_secret: of.clientSecret ?? '',
    code,
    redirect_uri: of.redirectUri,
    code_verifier: VERIFIER,
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const reply = await must<{ access_token: string }>(server, 'POST', '/oauth/token', { raw: form.toString(), headers })
  return reply.access_token
}

async function buy({ wallet, page }: Entered): Promise<void> {
  await page.getByRole('link', { name: 'Add money' }).first().click()
  await page.getByRole('button', { name: 'Pay $10.00' }).click()
  const found = () => wallet.windows().find((window) => window.url().startsWith(server.url))
  if (wallet.can('paymentWindow')) await expect.poll(() => found()?.url()).toBeTruthy()
  const payment = wallet.can('paymentWindow') ? (found() ?? page) : page
  await payment.getByRole('button', { name: /^Pay/ }).click()
  await expect(page.getByText('was added to your balance')).toBeVisible()
  await page.getByRole('link', { name: 'Home' }).first().click()
}

const needsYou = (page: Page) => page.getByLabel('Needs you')
const call = (bearer: string, body: object = {}) =>
  ask(server.url, { bearer, body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], ...body } })

test('the same request in the wallet at once, with the same number; answered there, the page goes on', async ({
  openWallet,
  picture,
  shellKind,
}) => {
  const me = await enter(openWallet)
  const consent = await connecting(me)
  await expect(consent.getByRole('heading', { name: 'Let Sketchpad spend from your wallet?' })).toBeVisible()
  const words = await consent.getByText('Your wallet shows this request too').textContent()
  const [digits] = /\d\d/.exec(words ?? '') ?? []
  await expect(needsYou(me.page)).toContainText('Sketchpad asks to spend up to $5 a month', { timeout: AT_ONCE_MS })
  await picture(consent, `consent-beside-wallet-${shellKind}`)
  await needsYou(me.page).getByRole('button', { name: 'Answer' }).click()
  const dialog = me.page.getByRole('dialog')
  await expect(dialog).toContainText(`The page in your browser shows the number ${digits}.`)
  await expect(dialog).not.toContainText('The app shows the number')
  await expect(dialog).toContainText(/Starts again on 1 \w+, 00:00 \(.+\)\./)
  await expect(dialog).toContainText(/Enough for about [\d,]+ chats with gpt-4o-mini/)
  await dialog.getByText('More limits').click()
  await dialog.getByLabel('At most for one call').fill('0.50')
  await dialog.getByLabel('Ask me above').fill('0.25')
  await dialog.getByLabel('How long').selectOption({ label: 'For 30 days' })
  await dialog.getByLabel('Search models').fill('4o-mini')
  await dialog.getByRole('checkbox', { name: /^gpt-4o-mini \$/ }).check()
  await picture(me.page, `request-${shellKind}`)
  await dialog.getByRole('button', { name: 'Allow up to $5 a month' }).click()
  const token = await tokenOf(consent)
  expect(token.length).toBeGreaterThan(20)
  await expect(needsYou(me.page)).not.toContainText('Sketchpad')
  await me.page.getByRole('link', { name: 'Apps' }).first().click()
  const card = me.page.getByRole('listitem', { name: 'Sketchpad' })
  await expect(card).toContainText('At most $0.50 a call · Asks above $0.25 · Only gpt-4o-mini · Until')
})

test('answered in the browser, the request leaves the wallet, and an open question there says so', async ({
  openWallet,
}) => {
  const me = await enter(openWallet)
  const consent = await connecting(me)
  await needsYou(me.page).getByRole('button', { name: 'Answer' }).click()
  await consent.getByRole('button', { name: 'Deny' }).click()
  await consent.waitForURL(/error=access_denied/)
  await expect(me.page.getByRole('dialog')).toContainText('This request is over', { timeout: AT_ONCE_MS })
  await me.page.keyboard.press('Escape')
  await expect(needsYou(me.page)).toContainText('Nothing. You are all set.')
})

test('denied in the wallet, the app hears it in the browser', async ({ openWallet }) => {
  const me = await enter(openWallet)
  const consent = await connecting(me)
  await needsYou(me.page).getByRole('button', { name: 'Answer' }).click()
  await me.page.getByRole('dialog').getByRole('button', { name: 'Deny' }).click()
  await consent.waitForURL(/error=access_denied/)
})

test('the desktop tells of a request by a notification, once', async ({ openWallet, shellKind }) => {
  test.skip(shellKind !== 'desktop', 'a tab may notify only where the person has allowed it')
  const me = await enter(openWallet)
  test.skip(!me.wallet.can('recorded'), 'only the stand-in can say what was shown')
  const shown = () =>
    me.wallet.main(() => {
      const { standin } = globalThis as unknown as { standin: { notifications: { title: string; body: string }[] } }
      return standin.notifications.map(({ title, body }) => `${title}: ${body}`)
    }, null)
  const consent = await connecting(me)
  const words = await consent.getByText('Your wallet shows this request too').textContent()
  const [digits] = /\d\d/.exec(words ?? '') ?? []
  await expect
    .poll(shown)
    .toEqual([`An app asks to be connected: Sketchpad (unverified) asks to be connected; its page shows ${digits}.`])
  await me.page.reload()
  await expect(needsYou(me.page)).toContainText('Sketchpad asks')
  await expect(me.page.getByRole('status', { name: 'Sync' }).filter({ visible: true })).toHaveText('Up to date')
  expect(await shown()).toHaveLength(1)
})

test('a dear call waits; approved once it goes on, refused it ends; the line above other screens says so', async ({
  openWallet,
  picture,
  shellKind,
}) => {
  const me = await enter(openWallet)
  await buy(me)
  const consent = await connecting(me)
  await consent.getByText('More limits').click()
  await consent.getByLabel('Ask me above').fill('0.0001')
  await consent.getByRole('button', { name: 'Allow up to $5 a month' }).click()
  const token = await tokenOf(consent)
  const first = call(token, { max_tokens: 1000 })
  const item = needsYou(me.page).getByRole('listitem', { name: 'Call of Sketchpad' })
  await expect(item).toContainText('asks for one call of gpt-4o-mini. It may cost at most $0.0008', {
    timeout: AT_ONCE_MS,
  })
  await picture(me.page, `approval-${shellKind}`)
  await item.getByRole('button', { name: 'Approve once, up to $0.0008' }).click()
  expect((await first).status).toBe(200)
  await expect(item).toBeHidden()

  await me.page.getByRole('link', { name: 'Activity' }).first().click()
  const second = call(token, { max_tokens: 1000 })
  await expect(me.page.getByText('Sketchpad asks for one call of gpt-4o-mini')).toBeVisible({ timeout: AT_ONCE_MS })
  await me.page.getByRole('link', { name: 'Look at it' }).click()
  await item.getByRole('button', { name: 'Refuse' }).click()
  const refused = await second
  expect([refused.status, refused.headers['x-should-retry']]).toEqual([403, 'false'])
  expect(refused.text).toContain('approval_refused')
})

test('a limit nearly used up is told, and put away for good', async ({ openWallet, picture, shellKind }) => {
  const me = await enter(openWallet)
  await buy(me)
  const consent = await connecting(me)
  await consent.getByLabel('Limit', { exact: true }).fill('0.0002')
  await consent.getByRole('button', { name: 'Allow up to $0.0002 a month' }).click()
  const token = await tokenOf(consent)
  for (let n = 0; n < 20; n++) await call(token, { max_tokens: 15 })
  const notice = needsYou(me.page).getByRole('listitem').filter({ hasText: 'of its limit of $0.0002 a month.' })
  await expect(notice).toBeVisible({ timeout: AT_ONCE_MS })
  await picture(me.page, `notice-${shellKind}`)
  await notice.getByRole('button', { name: 'Dismiss' }).click()
  await expect(notice).toBeHidden()
  await me.page.reload()
  await expect(me.page.getByRole('status', { name: 'Sync' }).filter({ visible: true })).toHaveText('Up to date')
  await expect(notice).toBeHidden()
})

test('from the click on Pause to the end of a running stream: within a second', async ({ openWallet }) => {
  const me = await enter(openWallet)
  await buy(me)
  const consent = await connecting(me)
  await consent.getByRole('button', { name: 'Allow up to $5 a month' }).click()
  const token = await tokenOf(consent)
  await me.page.getByRole('link', { name: 'Apps' }).first().click()
  const card = me.page.getByRole('listitem', { name: 'Sketchpad' })
  const took: number[] = []
  for (let n = 0; n < 3; n++) {
    let begun = () => {}
    const five = new Promise<void>((resolve) => {
      begun = resolve
    })
    const stream = ask(server.url, {
      bearer: token,
      body: {
        model: 'gpt-4o-mini',
        messages: [{ role: 'user', content: 'Tell me a very long story. '.repeat(20) }],
        stream: true,
        max_tokens: 2000,
      },
      onFrame: (_data, count) => count === 5 && begun(),
    })
    await five
    // A tab behind another draws so seldom that the driver's own click waits for seconds.
    if (me.wallet.shell === 'browser') await me.page.bringToFront()
    const at = Date.now()
    await card.getByRole('button', { name: 'Pause' }).click()
    const reply = await stream
    expect(reply.text).toContain('connection_paused')
    took.push((reply.times.at(-1) ?? 0) - at)
    // At once: what this device itself has changed is no surprise to it.
    await card.getByRole('button', { name: 'Resume' }).click()
    await expect(card.getByText('Saving…')).toBeHidden()
    await expect(card.getByRole('button', { name: 'Pause' })).toBeVisible()
  }
  console.info(`from click to the last frame, ms: ${took.join(', ')}`)
  expect(took.sort((a, b) => a - b)[1]).toBeLessThan(WITHIN_MS)
})
