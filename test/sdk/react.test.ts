// The React components in Chromium, under a strict CSP, on the routes of `hostedWallet`, against a server.
// owns: what a person sees and can reach. never: a mock of a route. always true: the app's server is the SDK's own handlers.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, expect as expectSoon, type Page } from '@playwright/test'
import { hostedWallet } from '../../packages/sdk/src/hosted.ts'
import { call, must } from '../support/api.ts'
import { findings } from '../support/axe.ts'
import { ensureChromium } from '../support/chromium.ts'
import { type Server, startServer } from '../support/server.ts'
import { bundle, servePages } from './bundle.ts'
import { makeWorld } from './world.ts'

const PAGE = `<!doctype html><html lang="en"><head><title>App</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/quota.css"><link rel="stylesheet" href="/app.css"></head>
<body><main><h1>App</h1><div id="root"></div></main><script type="module" src="/app.js"></script></body></html>`
const OWN =
  ':root { --quota-accent: rgb(90, 20, 120); --quota-radius: 3px } @media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }'
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'"

/** A slow machine may take its time. */
const PATIENCE_MS = 60_000
const expect = expectSoon.configure({ timeout: PATIENCE_MS })

let server: Server
let browser: Browser
let pages: Awaited<ReturnType<typeof servePages>>
let page: Page
let user = ''
let world: Awaited<ReturnType<typeof makeWorld>>
before(async () => {
  server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
  world = await makeWorld(server, 'http://127.0.0.1:7998/callback')
  const script = await bundle(join(import.meta.dirname, 'components.tsx'))
  const style = readFileSync(join(import.meta.dirname, '../../packages/sdk/src/react/styles.css'), 'utf8')
  const texts = { '/': PAGE, '/app.js': script, '/quota.css': style, '/app.css': OWN }
  let handle: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 })
  pages = await servePages(
    texts,
    async (request) => (new URL(request.url).pathname.startsWith('/api/quota') ? handle(request) : null),
    { 'content-security-policy': POLICY },
  )
  handle = hostedWallet({
    baseUrl: server.url,
    clientId: world.clientId,
    clientSecret: world.clientSecret,
    apiKey: world.userKey,
    appUrl: pages.url,
    cookieSecret: 'a secret of thirty-two characters, at least',
    userOf: () => user,
  }).handle
  const { path } = await ensureChromium(() => undefined)
  browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await pages?.close()
  await server?.stop()
})

async function open(who: string, colorScheme: 'light' | 'dark' = 'light'): Promise<string[]> {
  user = who
  await page?.close()
  page = await browser.newPage({ colorScheme })
  page.setDefaultTimeout(PATIENCE_MS)
  const problems: string[] = []
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.goto(pages.url)
  return problems
}

async function accessible(): Promise<void> {
  assert.deepEqual(await findings(page), [])
}

describe('the components', () => {
  test('a linked person: what is left, what was spent, and leaving; the wallet says the same', async () => {
    const problems = await open(world.linkedUser)
    const balance = page.locator('.quota-badge')
    await expect(balance).toHaveText('$4.05')
    await expect(balance).toHaveAttribute('aria-label', 'Balance $4.05')
    await expect(page.getByRole('meter', { name: '$0.00 of $1.00 spent' })).toHaveJSProperty('value', 0)
    await accessible()

    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByRole('button', { name: 'Ask' }).click()
    await expect(page.getByRole('meter', { name: '$0.80 of $1.00 spent' })).toHaveJSProperty('value', 800_000)
    await expect(balance).toHaveText('$1.234567')
    await page.getByRole('button', { name: 'Ask' }).click()
    await expect(page.getByRole('meter', { name: '$1.20 of $1.00 spent' })).toHaveJSProperty('value', 1_000_000)

    await page.getByRole('button', { name: 'Disconnect' }).click()
    await expect(page.getByRole('link', { name: 'Connect your wallet' })).toHaveAttribute('href', '/api/quota/connect')
    assert.deepEqual(problems, [], 'nothing was blocked by the CSP, nothing went wrong')
    const path = `/v1/users/${encodeURIComponent(world.linkedUser)}`
    assert.equal((await call(server, 'GET', path, { bearer: world.userKey })).status, 404)
  })

  test('somebody new: a link to connect, no balance, and a payment page that opens; by keyboard, in the app’s colours', async () => {
    await open('somebody-new', 'dark')
    const link = page.getByRole('link', { name: 'Connect your wallet' })
    await expect(link).toBeVisible()
    await accessible()
    const colours = await link.evaluate((one) => [
      getComputedStyle(one).backgroundColor,
      getComputedStyle(one).borderRadius,
    ])
    assert.deepEqual(colours, ['rgb(90, 20, 120)', '3px'])
    await page.keyboard.press('Tab')
    await expect(link).toBeFocused()
    assert.notEqual(await link.evaluate((one) => getComputedStyle(one).outlineStyle), 'none')
    await page.keyboard.press('Tab')
    await expect(page.getByRole('button', { name: 'Add $4.05' })).toBeFocused()
    await page.keyboard.press('Enter')
    await page.waitForURL(`${server.url}/sandbox/checkouts/**`)
    const checkout = new URL(page.url()).pathname.split('/').at(-1)
    await must(server, 'POST', `/sandbox/checkouts/${checkout}`, { body: { outcome: 'paid' } })
    const { balance } = await must<{ balance: number }>(server, 'GET', '/v1/users/somebody-new/balance', {
      bearer: world.userKey,
    })
    assert.equal(balance, 4_050_000)
  })

  test('the connect link leads to the consent page, and a foreign answer back from it connects nobody', async () => {
    await open('another')
    await page.getByRole('link', { name: 'Connect your wallet' }).click()
    await page.waitForURL(`${server.url}/wallet/interaction/**`, { waitUntil: 'commit' })
    await page.goto(`${pages.url}/api/quota/callback?code=x&state=forged&iss=${encodeURIComponent(server.url)}`)
    assert.equal(page.url(), `${pages.url}/?quota=failed`)
    await expect(page.getByRole('link', { name: 'Connect your wallet' })).toBeVisible()
  })

  test('a server that is away: said in words, and nothing is claimed', async () => {
    await open('yet-another')
    await expect(page.locator('.quota-badge')).toHaveAttribute('aria-label', 'Balance –')
    await page.route('**/api/quota/**', (route) => route.abort())
    await page.reload()
    await expect(page.locator('.quota-badge')).toHaveAttribute('aria-label', 'The balance cannot be read right now')
    await page.getByRole('button', { name: 'Add $4.05' }).click()
    await expect(page.getByRole('alert')).toHaveText('The payment page could not be opened. Nothing was charged.')
    await accessible()
  })
})
