// Sign-in and consent: pages of the server's own origin, so these run in a browser in both projects.

import { type Browser, chromium, type Page } from '@playwright/test'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import type { FakeServer } from './support-server.ts'
import { asked, expect, test } from './support-test.ts'

let browser: Browser
test.beforeAll(async () => {
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: CHROMIUM_FLAGS })
})
test.afterAll(() => browser.close())

const asks = {
  prompt: 'consent',
  client: { id: 'c1', name: 'Sketchpad', logo_uri: null, verified_domain: 'sketchpad.example', markup_bps: 2000 },
  scopes: ['openid', 'credits.spend'],
  requested_cap: null,
  estimate: null,
}

async function visit(fake: FakeServer, path: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${fake.url}/wallet${path}`)
  return page
}

const answers = (fake: FakeServer) => asked(fake, 'POST', '/oauth/interactions/').map((r) => r.body)

test('who asks, what for, at what markup; the limit is filled in', async ({ fake }) => {
  fake.script.interaction = { ...asks, match: '47' }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByRole('heading', { name: 'Let Sketchpad spend from your wallet?' })).toBeVisible()
  await expect(page.getByText('sketchpad.example')).toBeVisible()
  await expect(page.getByText('Adds a markup of 20 %')).toBeVisible()
  await expect(page.getByText('Your wallet shows this request too, with the number 47.')).toBeVisible()
  await expect(page.getByText('The app shows')).toHaveCount(0)
  await expect(page.getByLabel('Limit', { exact: true })).toHaveValue('5')
  await page.getByRole('button', { name: 'Allow up to $5 a month' }).click()
  await expect
    .poll(() => answers(fake))
    .toEqual([{ decision: 'approve', caps: [{ amount: 5_000_000, period: 'month' }] }])
})

test('the limit on the button is the limit that is sent', async ({ fake }) => {
  fake.script.interaction = { ...asks, requested_cap: { amount: 30_000_000, period: 'week' } }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByRole('button', { name: 'Allow up to $30 a week' })).toBeVisible()
  await page.getByLabel('Limit', { exact: true }).fill('1.25')
  await page.getByRole('radio', { name: 'In total' }).click()
  await page.getByRole('button', { name: 'Allow up to $1.25 in total' }).click()
  await expect
    .poll(() => answers(fake))
    .toEqual([{ decision: 'approve', caps: [{ amount: 1_250_000, period: 'total' }] }])
})

test('no limit, no consent', async ({ fake }) => {
  fake.script.interaction = asks
  const page = await visit(fake, '/interaction/abc')
  await page.getByLabel('Limit', { exact: true }).fill('')
  await expect(page.getByRole('button', { name: 'Allow' })).toBeDisabled()
  await page.getByLabel('Limit', { exact: true }).press('Enter')
  expect(answers(fake)).toEqual([])
})

test('denying sends no limit', async ({ fake }) => {
  fake.script.interaction = asks
  const page = await visit(fake, '/interaction/abc')
  await page.getByRole('button', { name: 'Deny' }).click()
  await expect.poll(() => answers(fake)).toEqual([{ decision: 'deny' }])
})

test('a nobody is marked, and a name cannot pretend', async ({ fake }) => {
  const name =
    'Quota \u202eOfficial\u2028\u0000 with a name that never seems to want to end, however long one looks at it'
  fake.script.interaction = { ...asks, client: { ...asks.client, name, verified_domain: null } }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByText('Unverified')).toBeVisible()
  const heading = await page.getByRole('heading', { level: 1 }).textContent()
  expect(heading).toMatch(/^Let Quota Official with a name [^\u202e\u2028]+… spend/)
})

test('a second consent shows the limit it replaces', async ({ fake }) => {
  fake.world.connection('sketch', 'Sketchpad')
  fake.script.interaction = { ...asks, current: fake.world.doc('connection', 'sketch') }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByText('It replaces your limit of $5 a month.')).toBeVisible()
})

test('a request that is over says what to do', async ({ fake }) => {
  const page = await visit(fake, '/interaction/gone')
  await expect(page.getByRole('alert')).toContainText('Go back to the app and start again')
})

test('every request of these pages bears the CSRF mark and no bearer', async ({ fake }) => {
  fake.script.interaction = asks
  const page = await visit(fake, '/interaction/abc')
  await page.getByRole('button', { name: 'Deny' }).click()
  await expect.poll(() => answers(fake).length).toBe(1)
  for (const { headers } of fake.seen.filter((r) => r.path.startsWith('/oauth/interactions'))) {
    expect(headers['x-quota-wallet']).toBe('1')
    expect(headers.authorization).toBeUndefined()
  }
})

test('signing in: wrong, then right, then on', async ({ fake }) => {
  fake.session = false
  const page = await visit(fake, '/')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('E-mail').fill('ann@example.com')
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('The e-mail or the password is wrong.')
  await page.getByLabel('Password').fill('correct horse')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect.poll(() => answers(fake)).toEqual([{ decision: 'continue' }])
})

test('creating an account: a short password, a known e-mail', async ({ fake }) => {
  fake.session = false
  const page = await visit(fake, '/')
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByLabel('E-mail').fill('ann@example.com')
  await page.getByLabel('Password').fill('short')
  await page.getByRole('button', { name: 'Create account', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('at least 8 characters')
  expect(asked(fake, 'POST', '/auth/register')).toHaveLength(0)
  await page.getByLabel('Password').fill('long enough')
  await page.getByRole('button', { name: 'Create account', exact: true }).click()
  await expect(page.getByRole('alert')).toContainText('There is an account with this e-mail already')
})
