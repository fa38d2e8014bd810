// Every screen of an open wallet: with nothing in it, full, owing, forged, and without a network.
// owns: the states of these tours, and the worlds they are in. never: how they are judged. always true: a state is reached as
// a person reaches it, and leaves the next one what it found.

import type { Topup } from '../../server/contract/records.ts'
import { AUTO_TOPUP } from './support-money.ts'
import { expect } from './support-test.ts'
import {
  alert,
  at,
  card,
  comeBack,
  dialog,
  failing,
  leave,
  open,
  type State,
  type Tour,
  type Visit,
} from './support-visit.ts'
import type { World } from './support-world.ts'

const empty = (world: World) => {
  world.profile()
  world.balance(0)
}
/** Everything that a wallet can have to say, at once. */
const full = (world: World) => {
  world.lived({ calls: 60 })
  world.connection('tight', 'Tight App', { caps: [world.cap(5_000_000, 5_000_000)], per_call_ceiling: 50_000 })
  world.connection('gone', 'Gone App', { status: 'revoked' })
  world.connection('over', 'Old App', { status: 'expired' })
  world.request('rq1', 'Deep Reader')
  const at = new Date(world.now()).toISOString()
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

const packages = ({ page }: Visit) => expect(page.getByRole('radio').first()).toBeVisible()

const statement = async (visit: Visit) => {
  await visit.page.getByRole('button', { name: 'Export' }).click()
  await visit.page.getByRole('menuitem', { name: 'Statement (PDF)' }).click()
  await expect(dialog(visit)).toContainText('verified')
}

const history = async ({ page }: Visit, name: string) => {
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Last calls' })).toBeVisible()
}
const historyOfSketchpad = at('Apps', async (visit) => {
  await visit.page.getByRole('link', { name: /History of Sketchpad/ }).click()
  await history(visit, 'Sketchpad')
})

const developer = at('Settings', async ({ page }) => {
  await page.getByRole('link', { name: 'Open the developer console' }).click()
  await expect(page.getByRole('navigation', { name: 'Developer' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(1)
})

const inEmpty: State[] = [
  { name: 'home, empty', show: at('Home') },
  { name: 'activity, empty', show: at('Activity') },
  { name: 'apps, none', show: at('Apps') },
  {
    name: 'no such app',
    show: open('/apps/nobody', ({ page }) => expect(page.getByText('No such app')).toBeVisible()),
  },
  {
    name: 'add money, failing',
    show: async (visit) => {
      await failing(visit, '/v1/packages')
      await failing(visit, '/api/payments/auto-topup')
      await failing(visit, '/api/payments/refunds')
      await at('Add money')(visit)
      await expect(visit.page.getByRole('alert').first()).toBeVisible()
    },
  },
  {
    name: 'add money, never loaded, offline',
    show: async (visit) => {
      await at('Home', leave)(visit)
      await at('Add money')(visit)
      await expect(visit.page.getByText('once the server can be reached').first()).toBeVisible()
    },
    undo: comeBack,
  },
]

const inFull: State[] = [
  { name: 'home', show: at('Home') },
  {
    name: 'request in the wallet',
    show: at('Home', async (visit) => {
      await visit.page.getByRole('button', { name: 'Answer' }).click()
      await expect(dialog(visit)).toBeVisible()
    }),
  },
  { name: 'activity', show: at('Activity') },
  {
    name: 'receipt',
    show: at('Activity', async (visit) => {
      await visit.page
        .getByRole('button', { name: /open the receipt/ })
        .first()
        .click()
      await expect(dialog(visit)).toContainText('Verified on this device')
    }),
  },
  {
    name: 'palette',
    show: at('Home', async (visit) => {
      await visit.page.keyboard.press('Control+k')
      await expect(dialog(visit).getByRole('option', { name: /Stop all spending/ })).toBeVisible()
    }),
  },
  {
    name: 'activity, filters',
    show: at('Activity', async ({ page }) => {
      await page.getByRole('button', { name: 'Filters' }).click()
      await page.getByLabel('At least, $').fill('0.0001')
      await expect(page.getByRole('list', { name: 'What narrows the log' })).toBeVisible()
    }),
  },
  { name: 'apps', show: at('Apps') },
  { name: 'statement', show: at('Activity', statement) },
  {
    name: 'statement, failing',
    show: at('Activity', async (visit) => {
      await statement(visit)
      await visit.page.route(/statement-worker/, (route) => route.abort())
      await visit.page.getByRole('button', { name: 'Save PDF' }).click()
      await expect(dialog(visit).getByRole('alert')).toBeVisible()
    }),
  },
  { name: 'history of an app', show: historyOfSketchpad },
  { name: 'history of an app, no call', show: open('/apps/tight', (visit) => history(visit, 'Tight App')) },
  { name: 'history of an app, disconnected', show: open('/apps/gone', (visit) => history(visit, 'Gone App')) },
  {
    name: 'apps, menu',
    show: at('Apps', async ({ page }) => {
      await page.getByRole('button', { name: 'More for Atlas Research Assistant' }).click()
      await expect(page.getByRole('menu')).toBeVisible()
    }),
  },
  { name: 'add money', show: at('Add money', packages) },
  {
    name: 'limit',
    show: at('Apps', async (visit) => {
      await card(visit).getByRole('button', { name: 'Change limit' }).click()
      await visit.page.getByRole('button', { name: 'Add another limit' }).click()
      await expect(dialog(visit)).toBeVisible()
    }),
  },
  { name: 'settings', show: at('Settings') },
  {
    name: 'disconnect',
    show: at('Apps', async (visit) => {
      await visit.page.getByRole('button', { name: 'More for Sketchpad' }).click()
      await visit.page.getByRole('menuitem', { name: 'Disconnect' }).click()
      await expect(dialog(visit)).toBeVisible()
    }),
  },
  {
    name: 'sign out',
    show: at('Settings', async (visit) => {
      await visit.page.getByRole('button', { name: 'Sign out' }).click()
      await expect(dialog(visit)).toBeVisible()
    }),
  },
  {
    name: 'spending stopped',
    show: at('Apps', async ({ page }) => {
      await page.getByRole('button', { name: 'Stop all spending' }).click()
      await expect(page.getByText('All spending is stopped.')).toBeVisible()
    }),
    undo: async ({ page }) => {
      await page.getByRole('button', { name: 'Allow spending again' }).first().click()
      await expect(page.getByText('All spending is stopped.')).toHaveCount(0)
    },
  },
  {
    name: 'automatic top-up',
    show: async (visit) => {
      visit.fake.script.autoTopup = { ...AUTO_TOPUP, card: { brand: 'visa', last4: '4242' }, stopped: 'declined' }
      await at('Add money')(visit)
      await visit.page.getByRole('button', { name: 'Turn on again' }).click()
      await visit.page.getByLabel('At most in a calendar month').fill('1')
      await expect(dialog(visit).getByRole('alert')).toBeVisible()
    },
  },
  { name: 'developer, failing', show: developer },
  {
    name: 'failing',
    show: at('Home', async (visit) => {
      const { fake } = visit
      fake.script.feed.push(...Array.from({ length: 50 }, () => () => ({ status: 500, code: 'internal_error' })))
      fake.poke()
      await expect(alert(visit, 'Not up to date')).toBeVisible()
    }),
    undo: async (visit) => {
      visit.fake.script.feed.length = 0
      await comeBack(visit)
    },
  },
]

/** The network has gone after the packages were seen; each shows what it knows, and what cannot be done now. */
const inOffline: State[] = [
  { name: 'add money, offline', show: at('Add money', packages) },
  { name: 'home, offline', show: at('Home') },
  { name: 'activity, offline', show: at('Activity') },
  { name: 'history of an app, offline', show: historyOfSketchpad },
  { name: 'settings, offline', show: at('Settings') },
  { name: 'statement, offline', show: at('Activity', statement) },
  { name: 'developer, offline', show: developer },
  {
    name: 'apps, offline',
    show: at('Apps', async (visit) => {
      await card(visit).getByRole('button', { name: 'Pause' }).click()
      await expect(card(visit)).toContainText('Saving…')
    }),
  },
]
const gone = at('Add money', async (visit) => {
  await packages(visit)
  await leave(visit)
})

const signedOut: State = {
  name: 'signed out elsewhere',
  show: at('Apps', async (visit) => {
    visit.fake.refuse = true
    await card(visit).getByRole('button', { name: 'Pause' }).click()
    await expect(alert(visit, 'You are signed out.')).toBeVisible()
  }),
}

const inForged: State[] = [
  {
    name: 'receipt, forged',
    show: at('Activity', async (visit) => {
      await visit.page.getByRole('alert').getByRole('link', { name: 'Look at it' }).click()
      await expect(dialog(visit).getByRole('alert')).toBeVisible()
    }),
  },
  {
    name: 'verified by month',
    show: at('Home', async (visit) => {
      await visit.page.getByRole('button', { name: /charges verified/ }).click()
      await expect(dialog(visit)).toContainText('1 wrong')
    }),
  },
  { name: 'statement, forged', show: at('Activity', statement) },
]

const inLived: State[] = [
  {
    name: 'refund',
    show: at('Add money', async (visit) => {
      await visit.page.getByRole('button', { name: 'Refund', exact: true }).click()
      await expect(dialog(visit).getByLabel('Amount')).toBeVisible()
    }),
  },
]

export const INSIDE: Tour[] = [
  { name: 'nothing in it yet', world: empty, states: inEmpty },
  { name: 'full', world: full, states: inFull },
  { name: 'offline', world: full, first: gone, states: inOffline },
  { name: 'signed out', world: full, states: [signedOut] },
  { name: 'owing', world: owing, states: [{ name: 'money owed', show: at('Add money', packages) }] },
  { name: 'forged', world: forged, states: inForged },
  { name: 'lived in', world: (world) => world.lived({ calls: 5 }), states: inLived },
]
