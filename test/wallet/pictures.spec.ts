// The pictures of the README and docs/screenshots: QUOTA_SCREENSHOTS=1 npm test -- pictures
// owns: one made-up person whose wallet is worth looking at. never: run with the other specs (playwright.config.ts).
// always true: what is shown is the wallet as built, on records that check out.

import { type Browser, chromium, type Page } from '@playwright/test'
import type { ReceiptRow } from '../../server/contract/records.ts'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import type { FakeServer } from './support-server.ts'
import { expect, goTo, test, upToDate } from './support-test.ts'
import { cap, type World } from './support-world.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const DAYS = 30
const RESERVED = 180_000

/** Apps, how much of a day's calls is theirs, and what a call of theirs is like; no month's calls come to more than a limit. */
const APPS = [
  { id: 'parrot', name: 'Parrot Chat', share: 9, tokens: 42_000, limit: 5_000_000 },
  { id: 'atlas', name: 'Atlas Research', share: 3, tokens: 285_000, limit: 10_000_000 },
  { id: 'sketch', name: 'Sketchpad', share: 4, tokens: 90_000, limit: 3_000_000 },
  { id: 'inbox', name: 'Inbox Helper', share: 6, tokens: 32_000, limit: 1_250_000 },
  { id: 'margin', name: 'Margin Notes', share: 2, tokens: 66_000, limit: 2_000_000 },
]

let browser: Browser
test.beforeAll(async () => {
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: CHROMIUM_FLAGS })
})
test.afterAll(() => browser.close())

type Look = { width: number; height: number; scale?: number; colorScheme?: 'light' | 'dark' }

async function open({ width, height, scale = 1.5, colorScheme = 'light' }: Look): Promise<Page> {
  const viewport = { width, height }
  return browser.newPage({ viewport, deviceScaleFactor: scale, colorScheme, reducedMotion: 'reduce' })
}

async function enter(page: Page, fake: FakeServer): Promise<void> {
  busy(fake.world)
  await page.goto(`${fake.url}/wallet/`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await upToDate(page)
}

test('home', async ({ fake, picture }) => {
  const page = await open({ width: 1280, height: 1010 })
  await enter(page, fake)
  await expect(page.getByText('Last 30 days')).toBeVisible()
  await picture(page, 'home')
})

test('home on a phone', async ({ fake, picture }) => {
  const page = await open({ width: 390, height: 844, scale: 2 })
  await enter(page, fake)
  await picture(page, 'phone')
})

test('a receipt', async ({ fake, picture }) => {
  const page = await open({ width: 1280, height: 860, scale: 1.25 })
  await enter(page, fake)
  await goTo(page, 'Activity')
  const row = page.getByRole('button', { name: /open the receipt/ }).first()
  await row.click()
  await expect(page.getByRole('dialog')).toContainText('Verified on this device')
  await picture(page, 'receipt')
})

test('apps, dark', async ({ fake, picture }) => {
  const page = await open({ width: 1280, height: 860, colorScheme: 'dark' })
  await enter(page, fake)
  await goTo(page, 'Apps')
  await expect(page.getByRole('meter')).toHaveCount(APPS.length)
  await picture(page, 'apps-dark')
})

test('consent', async ({ fake, picture }) => {
  const [day, week, month] = (['day', 'week', 'month'] as const).map((period) => cap(1, 0, { period }).resets_at)
  fake.script.interaction = {
    prompt: 'consent',
    client: {
      id: 'app_parrot',
      name: 'Parrot Chat',
      logo_uri: null,
      verified_domain: 'parrot.example',
      markup_bps: 2000,
    },
    scopes: ['openid', 'credits.read', 'credits.spend'],
    requested_cap: { amount: 5_000_000, period: 'month' },
    estimate: { model: 'gpt-4o-mini', calls: 9259, credits_per_call: 540 },
    calendar: { time_zone: 'Europe/London', resets_at: { day, week, month } },
    match: '47',
  }
  const page = await open({ width: 560, height: 900 })
  await page.goto(`${fake.url}/wallet/interaction/abc`)
  await expect(page.getByRole('button', { name: 'Allow up to $5 a month' })).toBeVisible()
  await picture(page, 'consent')
})

/** Thirty days of somebody who uses five apps, more on weekdays, one of them close to its limit. */
function busy(world: World): void {
  world.profile()
  world.topup('top_2', { created_at: iso(24), paid_at: iso(24) })
  world.topup('top_1', { package_id: 'plus', price_cents: 2500, balance_credits: 22_500_000 })
  const month = new Date()
  month.setUTCDate(1)
  month.setUTCHours(0, 0, 0, 0)
  const spent = new Map<string, number>()
  world.available = 31_000_000
  for (const { id, at, tokens } of calls()) {
    world.call(id, { at, input: tokens, output: Math.round(tokens / 5), model: tokens % 3 })
    const row = world.changes.at(-1)?.row as ReceiptRow | undefined
    const used = row?.credits_used ?? 0
    world.available -= used
    if (at >= month.getTime()) spent.set(id, (spent.get(id) ?? 0) + used)
  }
  for (const { id, name, limit } of APPS) {
    const last_used_at = new Date(Date.now() - 2 * HOUR_MS).toISOString()
    const status = id === 'margin' ? 'paused' : 'active'
    world.connection(id, name, { status, caps: [cap(limit, spent.get(id) ?? 0)], last_used_at })
  }
  world.balance(world.available, RESERVED)
}

const iso = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString()

/** In the order of time; the same on every run, apart from the clock. */
function calls(): { id: string; at: number; tokens: number }[] {
  const made = []
  for (let day = DAYS - 1; day >= 0; day--) {
    const noon = Date.now() - day * DAY_MS
    const weekend = [0, 6].includes(new Date(noon).getUTCDay())
    const many = Math.round((weekend ? 6 : 18) * (1 + 0.35 * Math.sin(day * 1.7)))
    for (let n = 0; n < many; n++) {
      const at = noon - (many - n) * 11 * 60_000
      const app = pick((day * 31 + n * 7) % shares)
      made.push({ id: app.id, at, tokens: Math.round(app.tokens * (0.6 + 0.8 * Math.abs(Math.sin(day + n * 2.3)))) })
    }
  }
  return made
}

const shares = APPS.reduce((sum, { share }) => sum + share, 0)

function pick(ticket: number): (typeof APPS)[number] {
  let left = ticket
  for (const app of APPS) {
    left -= app.share
    if (left < 0) return app
  }
  throw new Error(`no app for ticket ${ticket} of ${shares}`)
}
