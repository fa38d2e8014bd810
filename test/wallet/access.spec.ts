// Every screen and state, light and dark, by the rules of WCAG 2.1 A and AA as far as a program can judge them (axe).
// owns: the list of states. never: what the screens do. always true: what is judged is what the page's own build draws;
// the pages are the same in both shells, so one browser is enough. With QUOTA_SCREENSHOTS=1 each state is kept as a
// picture (test-results/screens), and all of them on one sheet for each scheme (docs/screenshots).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from '@playwright/test'
import type { Topup } from '../../server/contract/records.ts'
import { CHROMIUM_FLAGS, chromiumPath } from '../support/driver-browser.ts'
import { AUTO_TOPUP } from './support-money.ts'
import type { FakeServer } from './support-server.ts'
import { expect, goTo, offline, test, upToDate } from './support-test.ts'
import { cap, type World } from './support-world.ts'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
const SERIOUS = ['serious', 'critical']
const DESK = { width: 1120, height: 780 }
const PHONE = { width: 390, height: 780 }
const SCHEMES = ['light', 'dark'] as const
type Scheme = (typeof SCHEMES)[number]
const PICTURES = join(import.meta.dirname, '../../test-results/screens')
const SHEETS = join(import.meta.dirname, '../../docs/screenshots')

let browser: Browser
test.beforeAll(async () => {
  browser = await chromium.launch({ executablePath: await chromiumPath(), args: CHROMIUM_FLAGS })
})
test.afterAll(async () => {
  for (const scheme of SCHEMES) await keepSheet(scheme)
  await browser.close()
})

type State = {
  name: string
  world?: (world: World) => void
  show: (page: Page, fake: FakeServer) => Promise<void>
  viewport?: { width: number; height: number }
}

const dialog = (page: Page) => page.getByRole('dialog')
const card = (page: Page) => page.getByRole('listitem', { name: 'Sketchpad' })

const empty = (world: World) => {
  world.profile()
  world.balance(0)
}
/** Everything that a wallet can have to say, at once. */
const full = (world: World) => {
  world.lived({ calls: 60 })
  world.connection('tight', 'Tight App', { caps: [cap(5_000_000, 5_000_000)], per_call_ceiling: 50_000 })
  world.connection('gone', 'Gone App', { status: 'revoked' })
  world.connection('over', 'Old App', { status: 'expired' })
  world.request('rq1', 'Deep Reader')
  const at = new Date().toISOString()
  world.put('notice', 'n1', { id: 'n1', kind: 'x', at, connection_id: null, text: 'A word.' })
  world.balance(400_000, 250_000)
}
/** Every outcome of a purchase, and a debt. */
const owing = (world: World) => {
  full(world)
  const outcomes: Partial<Topup>[] = [
    { status: 'processing', paid_at: null },
    { status: 'declined', paid_at: null, failure: 'insufficient_funds', auto: true },
    { status: 'failed', paid_at: null },
    { dispute: 'open' },
    { dispute: 'lost', returned_credits: 8_500_000 },
    { refunding_credits: 3_000_000 },
    { returned_credits: 8_500_000 },
  ]
  for (const [i, outcome] of outcomes.entries()) world.topup(`top_x${i}`, outcome)
  world.put('balance', 'usr_ann', { posted: 0, held: 0, available: 0, debt: 4_210_000 })
}
const forged = (world: World) => {
  full(world)
  world.call('sketch', { forge: 'signature' })
}

async function enter(page: Page, fake: FakeServer): Promise<void> {
  await page.goto(`${fake.url}/wallet/`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await upToDate(page)
}

const at = (place: string, then?: (page: Page, fake: FakeServer) => Promise<void>) => {
  return async (page: Page, fake: FakeServer) => {
    await enter(page, fake)
    if (place !== 'Home') await goTo(page, place)
    await then?.(page, fake)
  }
}

const signInForm = async (page: Page, fake: FakeServer, button = 'Sign in') => {
  fake.session = false
  await page.goto(`${fake.url}/wallet/`)
  await page.getByRole('button', { name: button }).click()
  await expect(page.getByLabel('E-mail')).toBeVisible()
}

const consent = {
  prompt: 'consent',
  client: { id: 'c1', name: 'Sketchpad', logo_uri: null, verified_domain: 'sketchpad.example', markup_bps: 2000 },
  scopes: ['openid', 'profile', 'credits.spend', 'offline_access'],
  requested_cap: { amount: 5_000_000, period: 'month' },
  estimate: { model: 'gpt-4o-mini', calls: 9259, credits_per_call: 540 },
  match: '47',
}
const pricing = { unit_prices: { input: '150000', output: '600000' } }
const models = { data: ['gpt-4o-mini', 'gpt-4o'].map((id) => ({ id, owned_by: 'openai', pricing })) }

const asks = (interaction: object, then?: (page: Page) => Promise<void>) => async (page: Page, fake: FakeServer) => {
  await answers(page, fake, '/v1/models', models)
  fake.script.interaction = { ...consent, ...interaction }
  await page.goto(`${fake.url}/wallet/interaction/abc`)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await then?.(page)
}

/** What the scripted server does not know, it is given here. */
const answers = (page: Page, fake: FakeServer, path: string, json: object, status = 200) =>
  page.route(`${fake.url}${path}`, (route) => route.fulfill({ status, json }))

async function accountPage(page: Page, fake: FakeServer, change: object = {}): Promise<void> {
  const now = new Date().toISOString()
  const security = { email: 'ann@example.com', email_verified: false, totp: true, recovery_codes_left: 2 }
  const passkey = { id: 'pk_1', name: 'Laptop', created_at: now, last_used_at: null, synced: true }
  const profile = fake.world.doc<object>('profile', 'usr_ann')
  const device = { kind: 'browser', address: '127.0.0.1', created_at: now, last_used_at: now }
  await answers(page, fake, '/account', { ...profile, balance: 400_000, email_verified: false })
  const rest = { passkeys: [passkey], passkeys_possible: true, recent_until: null }
  await answers(page, fake, '/account/security', { ...security, ...rest, ...change })
  const sessions = [
    { ...device, id: 's1', name: 'Chromium on Linux', current: true },
    { ...device, id: 's2', name: 'Parrot Chat', kind: 'app', current: false },
  ]
  await answers(page, fake, '/account/sessions', { sessions })
  await page.goto(`${fake.url}/wallet/account`)
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  await expect(page.getByText('Chromium on Linux')).toBeVisible()
}

const refusedFactor = {
  error: {
    message: 'x',
    type: 'authentication_error',
    code: 'second_factor_required',
    param: null,
    details: { methods: ['totp', 'recovery_code'] },
    hint: null,
    docs_url: '',
    request_id: 'r',
  },
}

const STATES: State[] = [
  {
    name: 'welcome',
    show: async (page, fake) => {
      fake.session = false
      await page.goto(`${fake.url}/wallet/`)
      await expect(page.getByRole('button', { name: 'Create account' })).toBeVisible()
    },
  },
  { name: 'sign in', show: (page, fake) => signInForm(page, fake) },
  {
    name: 'sign in, refused',
    show: async (page, fake) => {
      await signInForm(page, fake)
      await page.getByLabel('E-mail').fill('ann@example.com')
      await page.getByLabel('Password').fill('wrong')
      await page.keyboard.press('Enter')
      await expect(page.getByRole('alert')).toBeVisible()
    },
  },
  { name: 'create account', show: (page, fake) => signInForm(page, fake, 'Create account') },
  {
    name: 'second factor',
    show: async (page, fake) => {
      await answers(page, fake, '/auth/login', refusedFactor, 401)
      await signInForm(page, fake)
      await page.getByLabel('E-mail').fill('ann@example.com')
      await page.getByLabel('Password').fill('correct horse')
      await page.keyboard.press('Enter')
      await expect(page.getByLabel('Password')).toHaveCount(0)
    },
  },
  {
    name: 'forgotten password',
    show: async (page, fake) => {
      await page.goto(`${fake.url}/wallet/reset`)
      await expect(page.getByLabel('E-mail')).toBeVisible()
    },
  },
  {
    name: 'new password',
    show: async (page, fake) => {
      await page.goto(`${fake.url}/wallet/reset?token=t`)
      await page.getByLabel('New password').fill('short')
      await page.keyboard.press('Enter')
      await expect(page.getByRole('alert')).toBeVisible()
    },
  },
  {
    name: 'consent',
    show: asks({}, async (page) => {
      await page.getByText('More limits').click()
      await expect(page.getByLabel('At most for one call')).toBeVisible()
      await expect(page.getByRole('checkbox', { name: 'gpt-4o-mini' })).toBeVisible()
    }),
  },
  {
    name: 'consent, no limit typed',
    show: asks({ client: { ...consent.client, verified_domain: null } }, async (page) => {
      await page.getByLabel('Limit', { exact: true }).fill('')
      await expect(page.getByRole('alert')).toBeVisible()
    }),
  },
  {
    name: 'consent, over',
    show: async (page, fake) => {
      await page.goto(`${fake.url}/wallet/interaction/gone`)
      await expect(page.getByRole('alert')).toBeVisible()
    },
  },
  { name: 'home, empty', world: empty, show: at('Home') },
  { name: 'home', world: full, show: at('Home') },
  { name: 'home on a phone', world: full, show: at('Home'), viewport: PHONE },
  {
    name: 'request in the wallet',
    world: full,
    show: at('Home', async (page) => {
      await page.getByRole('button', { name: 'Answer' }).click()
      await expect(dialog(page)).toBeVisible()
    }),
  },
  { name: 'activity, empty', world: empty, show: at('Activity') },
  { name: 'activity', world: full, show: at('Activity') },
  { name: 'activity on a phone', world: full, show: at('Activity'), viewport: PHONE },
  {
    name: 'receipt',
    world: full,
    show: at('Activity', async (page) => {
      const first = page.getByRole('button', { name: /open the receipt/ }).first()
      await first.click()
      await expect(dialog(page)).toContainText('Verified on this device')
    }),
  },
  {
    name: 'receipt, forged',
    world: forged,
    show: at('Activity', async (page) => {
      await page.getByRole('alert').getByRole('link', { name: 'Look at it' }).click()
      await expect(dialog(page).getByRole('alert')).toBeVisible()
    }),
  },
  {
    name: 'activity, filters',
    world: full,
    show: at('Activity', async (page) => {
      await page.getByRole('button', { name: 'Filters' }).click()
      await page.getByLabel('At least, $').fill('0.0001')
      await expect(page.getByRole('list', { name: 'What narrows the log' })).toBeVisible()
    }),
  },
  {
    name: 'verified by month',
    world: forged,
    show: at('Home', async (page) => {
      await page.getByRole('button', { name: /charges verified/ }).click()
      await expect(dialog(page)).toContainText('1 wrong')
    }),
  },
  {
    name: 'palette',
    world: full,
    show: at('Home', async (page) => {
      await page.keyboard.press('Control+k')
      await expect(dialog(page).getByRole('option', { name: /Stop all spending/ })).toBeVisible()
    }),
  },
  { name: 'apps, none', world: empty, show: at('Apps') },
  { name: 'apps', world: full, show: at('Apps') },
  { name: 'apps on a phone', world: full, show: at('Apps'), viewport: PHONE },
  {
    name: 'history of an app',
    world: full,
    show: at('Apps', async (page) => {
      await page.getByRole('link', { name: /History of Sketchpad/ }).click()
      await expect(page.getByRole('region', { name: 'By model' }).getByRole('listitem').first()).toBeVisible()
    }),
  },
  {
    name: 'apps, menu',
    world: full,
    show: at('Apps', async (page) => {
      await page.getByRole('button', { name: 'More for Sketchpad' }).click()
      await expect(page.getByRole('menu')).toBeVisible()
    }),
  },
  {
    name: 'limit',
    world: full,
    show: at('Apps', async (page) => {
      await card(page).getByRole('button', { name: 'Change limit' }).click()
      await page.getByRole('button', { name: 'Add another limit' }).click()
      await expect(dialog(page)).toBeVisible()
    }),
  },
  {
    name: 'disconnect',
    world: full,
    show: at('Apps', async (page) => {
      await page.getByRole('button', { name: 'More for Sketchpad' }).click()
      await page.getByRole('menuitem', { name: 'Disconnect' }).click()
      await expect(dialog(page)).toBeVisible()
    }),
  },
  {
    name: 'spending stopped',
    world: full,
    show: at('Apps', async (page) => {
      await page.getByRole('button', { name: 'Stop all spending' }).click()
      await expect(page.getByText('All spending is stopped.')).toBeVisible()
    }),
  },
  {
    name: 'add money',
    world: full,
    show: at('Add money', (page) => expect(page.getByRole('radio').first()).toBeVisible()),
  },
  {
    name: 'money owed',
    world: owing,
    show: at('Add money', (page) => expect(page.getByRole('radio').first()).toBeVisible()),
  },
  {
    name: 'refund',
    world: (world) => world.lived({ calls: 5 }),
    show: at('Add money', async (page) => {
      await page.getByRole('button', { name: 'Refund', exact: true }).click()
      await expect(dialog(page).getByLabel('Amount')).toBeVisible()
    }),
  },
  {
    name: 'automatic top-up',
    world: full,
    show: async (page, fake) => {
      fake.script.autoTopup = { ...AUTO_TOPUP, card: { brand: 'visa', last4: '4242' }, stopped: 'declined' }
      await at('Add money')(page, fake)
      await page.getByRole('button', { name: 'Turn on again' }).click()
      await page.getByLabel('At most in a calendar month').fill('1')
      await expect(dialog(page).getByRole('alert')).toBeVisible()
    },
    viewport: PHONE,
  },
  { name: 'settings', world: full, show: at('Settings') },
  {
    name: 'sign out',
    world: full,
    show: at('Settings', async (page) => {
      await page.getByRole('button', { name: 'Sign out' }).click()
      await expect(dialog(page)).toBeVisible()
    }),
  },
  { name: 'account', world: full, show: (page, fake) => accountPage(page, fake) },
  {
    name: 'account, leaving',
    world: full,
    show: async (page, fake) => {
      await accountPage(page, fake, { totp: false, passkeys: [] })
      await page.getByRole('button', { name: 'Delete account' }).click()
      await expect(dialog(page)).toBeVisible()
    },
  },
  {
    name: 'offline',
    world: full,
    show: at('Add money', async (page, fake) => {
      await expect(page.getByRole('radio').first()).toBeVisible()
      fake.down()
      await offline(page)
    }),
  },
  {
    name: 'failing',
    world: full,
    show: at('Home', async (page, fake) => {
      fake.script.feed.push(...Array.from({ length: 50 }, () => () => ({ status: 500, code: 'internal_error' })))
      fake.poke()
      await expect(page.getByRole('alert').filter({ hasText: 'Not up to date' })).toBeVisible()
    }),
  },
  {
    name: 'signed out elsewhere',
    world: full,
    show: at('Apps', async (page, fake) => {
      fake.refuse = true
      await card(page).getByRole('button', { name: 'Pause' }).click()
      await expect(page.getByRole('alert').filter({ hasText: 'You are signed out.' })).toBeVisible()
    }),
  },
  {
    name: 'nothing here',
    show: async (page, fake) => {
      await page.goto(`${fake.url}/wallet/no/such/place`)
      await expect(page.getByText('There is nothing here')).toBeVisible()
    },
  },
]

for (const { name, world = empty, show, viewport = DESK } of STATES) {
  test(`no serious barrier, light or dark: ${name}`, async ({ fake }) => {
    world(fake.world)
    const context = await browser.newContext({ viewport, reducedMotion: 'reduce' })
    const page = await context.newPage()
    await show(page, fake)
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme })
      await drawn(page)
      await keep(page, name, scheme)
      expect(await barriers(page), `${name}, ${scheme}`).toEqual([])
    }
    await context.close()
  })
}

test('a barrier would be seen', async ({ fake }) => {
  const page = await browser.newPage()
  await page.goto(`${fake.url}/wallet/`)
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await page.getByRole('button', { name: 'Sign in' }).evaluate((button) => {
    button.textContent = ''
  })
  await page.getByRole('heading', { level: 1 }).evaluate((heading) => {
    heading.style.color = '#bbb'
  })
  const found = (await barriers(page)).map((line) => line.split(':')[0])
  expect(found.sort()).toEqual(['button-name', 'color-contrast'])
  await page.close()
})

/** Waits until the scheme that was just chosen is on the screen. */
const drawn = (page: Page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))

/** One line for each: the rule, the element, and why. */
async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).setLegacyMode().analyze()
  return violations
    .filter(({ impact }) => SERIOUS.includes(impact ?? ''))
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`))
}

const fileOf = (name: string, scheme: Scheme) => join(PICTURES, `${name.replaceAll(/[ ,]+/g, '-')}-${scheme}.png`)

async function keep(page: Page, name: string, scheme: Scheme): Promise<void> {
  if (process.env.QUOTA_SCREENSHOTS !== '1') return
  mkdirSync(PICTURES, { recursive: true })
  writeFileSync(fileOf(name, scheme), await page.screenshot())
}

/** All states side by side, when every one of them was kept in this run. */
async function keepSheet(scheme: Scheme): Promise<void> {
  const files = STATES.map(({ name }) => ({ name, file: fileOf(name, scheme) }))
  if (process.env.QUOTA_SCREENSHOTS !== '1' || !files.every(({ file }) => existsSync(file))) return
  const figures = files.map(({ name, file }) => {
    const data = readFileSync(file).toString('base64')
    return `<figure><img src="data:image/png;base64,${data}"><figcaption>${name}</figcaption></figure>`
  })
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 }, colorScheme: scheme })
  await page.setContent(`<style>
    :root { color-scheme: light dark; background: light-dark(#ddd, #333); font: 13px sans-serif }
    body { display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px; margin: 12px }
    figure { margin: 0 } img { display: block; height: 212px; max-width: 100% } figcaption { padding-top: 4px }
  </style>${figures.join('')}`)
  await page.screenshot({ path: join(SHEETS, `states-${scheme}.jpg`), type: 'jpeg', quality: 72, fullPage: true })
  await page.close()
}
