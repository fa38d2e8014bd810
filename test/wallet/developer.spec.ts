// A developer's ten minutes in the console: an app, a key, a pool, a grant, a call, and what it came to.
// One test on a real server, because each step stands on the one before; it runs unchanged in a tab and on the desktop.

import type { Page } from '@playwright/test'
import { buy, must, type Person, register } from '../support/api.ts'
import { WALLET_ORIGINS, type Wallet } from '../support/driver.ts'
import { expect, test } from '../support/driver-test.ts'
import { ask } from '../support/relay-client.ts'
import { type Server, startServer } from '../support/server.ts'

let server: Server
let person: Person

test.beforeAll(async () => {
  server = await startServer({ env: { QUOTA_WALLET_ORIGINS: WALLET_ORIGINS } })
})
test.beforeEach(async () => {
  person = await register(server, 'dana')
  await buy(server, person.session, 'pro')
})
test.afterAll(async () => server?.stop())

test('an app, a key, a grant and a call; the figures and the refusal are there', async ({ openWallet }) => {
  const wallet = await openWallet({ serverUrl: server.url })
  const page = await signedIn(wallet)
  const dialog = page.getByRole('dialog')
  await page.getByRole('link', { name: 'Developer' }).filter({ visible: true }).first().click()
  await page.getByRole('link', { name: 'Register an app' }).click()

  await test.step('an app: what is wrong with it is said, then its secret is shown once', async () => {
    await page.getByRole('button', { name: 'Register an app' }).click()
    await dialog.getByLabel('Name').fill('Parrot Chat')
    await dialog.getByLabel('Redirect addresses').fill('http://example.com/callback')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await expect(dialog.getByRole('alert')).toContainText('redirect')
    await dialog.getByLabel('Redirect addresses').fill('http://127.0.0.1:7080/callback')
    await dialog.getByLabel('Markup in percent').fill('12.5')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await expect(dialog.getByText(/^qs_|secret/i).first()).toBeVisible()
    await dialog.getByRole('button', { name: 'I have kept it' }).click()
    await expect(page.getByText('Markup 12.5 %')).toBeVisible()
  })

  const secret = await test.step('a key of this app, whose users pay', async () => {
    await page.getByRole('link', { name: 'Keys' }).click()
    await page.getByRole('button', { name: 'Make a key' }).click()
    await dialog.getByLabel('Name').fill('Production')
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    const text = (await dialog.locator('code').first().textContent()) ?? ''
    expect(text).toMatch(/^sk-quota-/)
    await dialog.getByRole('button', { name: 'I have kept it' }).click()
    await expect(page.getByText('never used')).toBeVisible()
    return text
  })

  await test.step('a grant: too much for the pool is refused, then it is given', async () => {
    await page.getByRole('link', { name: 'Grants' }).click()
    const give = async () => {
      await page.getByRole('button', { name: 'Give', exact: true }).click()
      await dialog.getByLabel('User').fill('ann')
      await dialog.getByLabel('Amount in dollars').fill('0.50')
      await dialog.getByRole('button', { name: 'Give it' }).click()
    }
    await give()
    await expect(dialog.getByRole('alert')).toContainText(/pool|balance/i)
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'From your balance' }).click()
    await dialog.getByLabel('Amount in dollars').fill('2')
    await dialog.getByRole('button', { name: 'Put it into the pool' }).click()
    await expect(page.getByText('$2.00', { exact: true })).toBeVisible()
    await give()
    await expect(page.getByText('$0.50 left')).toBeVisible()
    await expect(page.getByText('$1.50', { exact: true })).toBeVisible()
  })

  await test.step('a call of the granted user is in the figures; a refused one among the refusals', async () => {
    const body = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Hello' }] }
    const path = '/v1/users/ann/chat/completions'
    expect((await ask(server.url, { path, bearer: secret, body })).status).toBe(200)
    const nobody = await ask(server.url, { path: '/v1/users/nobody/chat/completions', bearer: secret, body })
    expect(nobody.status).toBe(404)
    await page.getByRole('link', { name: 'Overview' }).click()
    await expect(page.getByText('gpt-4o-mini')).toBeVisible()
    await page.getByRole('link', { name: 'Refused calls' }).click()
    await expect(page.locator('code', { hasText: 'user_not_found' })).toBeVisible()
  })

  await test.step('a key is ended, and is gone on the server as well', async () => {
    await page.getByRole('link', { name: 'Keys' }).click()
    await page.getByRole('button', { name: 'End Production' }).click()
    await dialog.getByRole('button', { name: 'End this key' }).click()
    await expect(page.getByText('No key yet')).toBeVisible()
    const { keys } = await must<{ keys: unknown[] }>(server, 'GET', '/developers/keys', { bearer: person.session })
    expect(keys).toEqual([])
  })

  await test.step('the console speaks German, and fits a narrow window in it', async () => {
    await speak(page, 'de')
    await page.setViewportSize({ width: 320, height: 640 })
    const places = page.getByRole('navigation', { name: 'Entwickler' })
    for (const [place, sentence] of IN_GERMAN) {
      await places.getByRole('link', { name: place }).click()
      await expect(page.getByText(sentence).first()).toBeVisible()
      await expect(page.locator('.skeleton')).toHaveCount(0)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(overflow, place).toBeLessThanOrEqual(0)
    }
    await page.setViewportSize({ width: 1120, height: 780 })
    await speak(page, 'en')
  })

  await test.step('with the server away, what was heard is shown, and since when', async () => {
    await page.route('**/developers/**', (route) => route.abort())
    await page.getByRole('navigation', { name: 'Developer' }).getByRole('link', { name: 'Apps' }).click()
    await expect(page.getByText('This is how it was at')).toBeVisible()
    await expect(page.getByText('Parrot Chat')).toBeVisible()
  })
})

const IN_GERMAN = [
  ['Überblick', 'Basiskosten'],
  ['Apps', 'Aufschlag 12,5 %'],
  ['Schlüssel', 'Noch kein Schlüssel'],
  ['Zuwendungen', 'noch 0,49\u00a0$'],
  ['Auszahlungen', 'Noch keine Auszahlung'],
  ['Webhooks', 'Noch kein Webhook'],
  ['Abgelehnte Aufrufe', 'für nobody'],
] as const

async function speak(page: Page, language: 'en' | 'de'): Promise<void> {
  await page.evaluate((chosen) => localStorage.setItem('quota.language', chosen), language)
  await page.reload()
  await expect(page.locator('html')).toHaveAttribute('lang', language)
}

async function signedIn(wallet: Wallet): Promise<Page> {
  const page = await wallet.window()
  await page.getByRole('button', { name: 'Sign in' }).click()
  if (wallet.shell === 'browser') await page.waitForURL(/\/wallet\/interaction\//)
  const outside = await wallet.outside()
  await outside.getByLabel('E-mail').fill(person.email)
  await outside.getByLabel('Password').fill(person.password)
  await outside.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('heading', { name: 'Home' })).toBeVisible()
  return page
}
