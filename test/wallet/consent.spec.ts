// Sign-in and consent: pages of the server's own origin, so these run in a browser in both projects.

import { type Browser, chromium, type Page } from '@playwright/test'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import type { FakeServer } from './support-server.ts'
import { asked, expect, test } from './support-test.ts'
import { cap } from './support-world.ts'

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

const ESTIMATE = { model: 'gpt-4o-mini', calls: 9259, credits_per_call: 540 }
const CALENDAR = {
  time_zone: 'Europe/Berlin',
  resets_at: { day: '2026-11-23T23:00:00Z', week: '2026-11-29T23:00:00Z', month: '2026-11-30T23:00:00Z' },
}

test('agreeing anew: what changed is said, and limits that nobody touched hold on', async ({ fake }) => {
  fake.world.connection('sketch', 'Sketchpad', {
    markup_bps: 500,
    scopes: ['openid', 'credits.spend'],
    per_call_ceiling: 500_000,
    models: ['gpt-4o'],
    caps: [cap(5_000_000, 0), { ...cap(1_000_000, 0), period: 'day' }],
  })
  const scopes = ['openid', 'email', 'credits.spend']
  fake.script.interaction = { ...asks, scopes, current: fake.world.doc('connection', 'sketch') }
  const page = await visit(fake, '/interaction/abc')
  const changed = page.getByRole('region', { name: 'What changed' })
  await expect(changed).toContainText('5 %')
  await expect(changed).toContainText('20 %')
  await expect(changed.getByRole('listitem')).toHaveCount(2)
  await expect(changed).toContainText('See your e-mail address')
  await expect(page.getByText('Beside it, as before: $1 a day.')).toBeVisible()
  await expect(page.getByText('2 set')).toBeVisible()
  await page.getByRole('button', { name: 'Allow up to $5 a month' }).click()
  await expect
    .poll(() => answers(fake))
    .toEqual([
      {
        decision: 'approve',
        caps: [
          { amount: 5_000_000, period: 'month' },
          { amount: 1_000_000, period: 'day' },
        ],
        per_call_ceiling: 500_000,
        models: ['gpt-4o'],
      },
    ])
})

test('an app that was disconnected begins anew: nothing is called a change', async ({ fake }) => {
  fake.world.connection('sketch', 'Sketchpad', { status: 'revoked', markup_bps: 0, per_call_ceiling: 1000 })
  fake.script.interaction = { ...asks, current: fake.world.doc('connection', 'sketch') }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByRole('button', { name: 'Allow up to $5 a month' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'What changed' })).toHaveCount(0)
  await expect(page.getByText('It replaces your limit')).toHaveCount(0)
})

test('chats follow the amount and the model; the next reset follows the period', async ({ fake }) => {
  fake.script.interaction = { ...asks, estimate: ESTIMATE, calendar: CALENDAR }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByText('Enough for about 9,259 chats with gpt-4o-mini')).toBeVisible()
  await expect(page.getByText('Starts again on 1 Dec, 00:00 (Europe/Berlin).')).toBeVisible()
  await page.getByLabel('Limit', { exact: true }).fill('0.54')
  await expect(page.getByText('Enough for about 1,000 chats with gpt-4o-mini')).toBeVisible()
  await page.getByRole('radio', { name: 'Day' }).click()
  await expect(page.getByText('Starts again on 24 Nov, 00:00 (Europe/Berlin).')).toBeVisible()
  await page.getByRole('radio', { name: 'In total' }).click()
  await expect(page.getByText('It never starts again by itself.')).toBeVisible()
  await page.getByText('More limits').click()
  await page.getByRole('checkbox', { name: /^gpt-4o \$/ }).check()
  await expect(page.getByText('Enough for about 60 chats with gpt-4o, at $0.0090 each.')).toBeVisible()
})

test('a finer limit that cannot be read stops the form; by keyboard alone', async ({ fake }) => {
  fake.script.interaction = asks
  const page = await visit(fake, '/interaction/abc')
  await page.getByLabel('Limit', { exact: true }).focus()
  await page.keyboard.press('Tab') // the period
  await page.keyboard.press('Tab') // More limits
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.type('1.5')
  await page.keyboard.press('Tab')
  await page.keyboard.type('half a dollar')
  await expect(page.getByRole('alert')).toContainText('such as 0.50, or leave it empty')
  await expect(page.getByRole('button', { name: 'Allow up to $5 a month' })).toBeDisabled()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('0.25')
  await page.keyboard.press('Enter')
  await expect
    .poll(() => answers(fake))
    .toMatchObject([{ decision: 'approve', per_call_ceiling: 1_500_000, ask_above: 250_000 }])
})

test('answered in the wallet meanwhile: the page goes on by itself', async ({ fake }) => {
  fake.script.interaction = { ...asks, match: '47' }
  const page = await visit(fake, '/interaction/abc')
  await expect(page.getByText('with the number 47')).toBeVisible()
  await page.getByLabel('Limit', { exact: true }).fill('7')
  fake.script.interaction = { ...asks, match: null, redirect_to: `${fake.url}/wallet/add-money?topup=elsewhere` }
  await page.waitForURL(/topup=elsewhere/)
  expect(answers(fake)).toEqual([])
})

test('the wallet no longer shows it: the number goes, what was typed stays', async ({ fake }) => {
  fake.script.interaction = { ...asks, match: '47' }
  const page = await visit(fake, '/interaction/abc')
  await page.getByLabel('Limit', { exact: true }).fill('7')
  fake.script.interaction = { ...asks, match: null }
  await expect(page.getByText('with the number 47')).toBeHidden()
  await expect(page.getByLabel('Limit', { exact: true })).toHaveValue('7')
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
