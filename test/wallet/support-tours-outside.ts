// What a wallet shows before anybody is signed in, and on the pages of the server's own origin.
// owns: the states of two tours. never: how they are judged. always true: each is reached as a person reaches it.

import { expect } from './support-test.ts'
import { alert, answers, dialog, failing, faultBody, open, type State, type Tour, type Visit } from './support-visit.ts'

/** Where the button of the welcome leads. */
const signInForm = open('/interaction/login-1', ({ page }) => expect(page.getByLabel('E-mail')).toBeVisible())

const signInWith = async ({ page }: Visit, password: string) => {
  await page.getByLabel('E-mail').fill('ann@example.com')
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
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

const asks = (interaction: object, then?: (visit: Visit) => Promise<void>) => async (visit: Visit) => {
  await answers(visit, '/v1/models', models)
  visit.fake.script.interaction = { ...consent, ...interaction }
  await open('/interaction/abc')(visit)
  await expect(visit.page.getByRole('heading', { level: 1 })).toBeVisible()
  await then?.(visit)
}

const signIn: State[] = [
  {
    name: 'welcome',
    show: open('/', ({ page }) => expect(page.getByRole('button', { name: 'Create account' })).toBeVisible()),
  },
  {
    name: 'welcome, offline',
    show: open('/', async (visit) => {
      await expect(visit.page.getByRole('button', { name: 'Sign in' })).toBeVisible()
      visit.fake.down()
      await visit.page.getByRole('button', { name: 'Sign in' }).click()
      await expect(alert(visit, 'The server cannot be reached')).toBeVisible()
    }),
    undo: async ({ fake }) => fake.up(),
  },
  {
    name: 'sign in',
    show: open('/', async ({ page }) => {
      await page.getByRole('button', { name: 'Sign in' }).click()
      await expect(page.getByLabel('E-mail')).toBeVisible()
    }),
  },
  {
    name: 'sign in, refused',
    show: async (visit) => {
      await signInForm(visit)
      await signInWith(visit, 'wrong')
      await expect(visit.page.getByRole('alert')).toBeVisible()
    },
  },
  {
    name: 'sign in, offline',
    show: async (visit) => {
      await signInForm(visit)
      visit.fake.down()
      await signInWith(visit, 'correct horse')
      await expect(visit.page.getByRole('alert')).toBeVisible()
    },
    undo: async ({ fake }) => fake.up(),
  },
  {
    name: 'create account',
    show: open('/', async ({ page }) => {
      await page.getByRole('button', { name: 'Create account' }).click()
      await expect(page.getByRole('heading', { name: 'Create your account' })).toBeVisible()
    }),
  },
  {
    name: 'second factor',
    show: async (visit) => {
      const methods = ['totp', 'recovery_code']
      await answers(visit, '/auth/login', faultBody('second_factor_required', 'authentication_error', { methods }), 401)
      await signInForm(visit)
      await signInWith(visit, 'correct horse')
      await expect(visit.page.getByLabel('Password')).toHaveCount(0)
    },
  },
  {
    name: 'forgotten password',
    show: open('/reset', ({ page }) => expect(page.getByLabel('E-mail')).toBeVisible()),
  },
  {
    name: 'new password',
    show: open('/reset?token=t', async ({ page }) => {
      await page.getByLabel('New password').fill('short')
      await page.keyboard.press('Enter')
      await expect(page.getByRole('alert')).toBeVisible()
    }),
  },
  {
    name: 'sign-in that did not finish',
    show: open('/callback?code=c&state=s', (visit) => expect(alert(visit, 'did not finish')).toBeVisible()),
  },
  {
    name: 'nothing here',
    show: open('/no/such/place', ({ page }) => expect(page.getByText('There is nothing here')).toBeVisible()),
  },
  {
    name: 'no copy and no server',
    show: async (visit) => {
      visit.fake.session = true
      await failing(visit, '/oauth/userinfo')
      await failing(visit, '/v1/wallet/feed*')
      await open('/')(visit)
      await visit.page.getByRole('button', { name: 'Sign in' }).click()
      await expect(alert(visit, 'The server cannot be reached')).toBeVisible()
    },
    undo: async ({ fake }) => {
      fake.session = false
    },
  },
]

const consents: State[] = [
  {
    name: 'consent',
    show: asks({}, async ({ page }) => {
      await page.getByText('More limits').click()
      await expect(page.getByLabel('At most for one call')).toBeVisible()
      await expect(page.getByRole('checkbox', { name: 'gpt-4o-mini' })).toBeVisible()
    }),
  },
  {
    name: 'consent, no limit typed',
    show: asks({ client: { ...consent.client, verified_domain: null } }, async ({ page }) => {
      await page.getByLabel('Limit', { exact: true }).fill('')
      await expect(page.getByRole('alert')).toBeVisible()
    }),
  },
  {
    name: 'consent, over',
    show: open('/interaction/gone', ({ page }) => expect(page.getByRole('alert')).toBeVisible()),
  },
  {
    name: 'consent, offline',
    show: asks({}, async ({ page, fake }) => {
      fake.down()
      await page.getByRole('button', { name: /^Allow/ }).click()
      await expect(page.getByRole('alert')).toBeVisible()
    }),
    undo: async ({ fake }) => fake.up(),
  },
]

async function accountPage(visit: Visit, change: object = {}): Promise<void> {
  const { page, fake } = visit
  const now = new Date(fake.world.now()).toISOString()
  const security = { email: 'ann@example.com', email_verified: false, totp: true, recovery_codes_left: 2 }
  const passkey = { id: 'pk_1', name: 'Laptop', created_at: now, last_used_at: null, synced: true }
  const profile = fake.world.doc<object>('profile', 'usr_ann')
  const device = { kind: 'browser', address: '127.0.0.1', created_at: now, last_used_at: now }
  await answers(visit, '/account', { ...profile, balance: 400_000, email_verified: false })
  const rest = { passkeys: [passkey], passkeys_possible: true, recent_until: null }
  await answers(visit, '/account/security', { ...security, ...rest, ...change })
  const sessions = [
    { ...device, id: 's1', name: 'Chromium on Linux', current: true },
    { ...device, id: 's2', name: 'Parrot Chat', kind: 'app', current: false },
  ]
  await answers(visit, '/account/sessions', { sessions })
  await open('/account')(visit)
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
  await expect(page.getByText('Chromium on Linux')).toBeVisible()
}

const account: State[] = [
  { name: 'account', show: (visit) => accountPage(visit) },
  {
    name: 'account, leaving',
    show: async (visit) => {
      await accountPage(visit, { totp: false, passkeys: [] })
      await visit.page.getByRole('button', { name: 'Delete account' }).click()
      await expect(dialog(visit)).toBeVisible()
    },
  },
  {
    name: 'account, failing',
    show: async (visit) => {
      await failing(visit, '/account')
      await failing(visit, '/account/security')
      await open('/account')(visit)
      await expect(alert(visit, 'Your account cannot be shown')).toBeVisible()
    },
  },
]

export const OUTSIDE: Tour[] = [
  {
    name: 'a stranger',
    world: (world) => {
      world.profile()
      world.balance(400_000)
    },
    stranger: true,
    states: [...signIn, ...consents, ...account],
  },
]
