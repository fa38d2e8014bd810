// Buying, refunds, disputes and payouts against the stand-in, without a server in between.
// owns: a port, a stand-in and a clock that tests move, around one database. never: an expectation.
// always true: the real SDK speaks to the stand-in; what goes wrong on the way is what a test plans.

import assert from 'node:assert/strict'
import pino from 'pino'
import type { Db } from '../../server/db/db.ts'
import type { Deps } from '../../server/deps.ts'
import { newId } from '../../server/ids.ts'
import { total } from '../../server/ledger/chain.ts'
import { account } from '../../server/ledger/chart.ts'
import { stands } from '../../server/ledger/ledger.ts'
import { makeMetrics } from '../../server/metrics.ts'
import { carryOut } from '../../server/outbox/outbox.ts'
import { PAYMENT_CARRIERS } from '../../server/payments/carriers.ts'
import { type Buyer, beginCheckout, type CheckoutRow, checkout } from '../../server/payments/checkouts.ts'
import { observeCheckout, observeEvent, reconcile } from '../../server/payments/observe.ts'
import { payAt } from '../../server/payments/purchase.ts'
import { askRefund } from '../../server/payments/refunds.ts'
import type { Exchange } from '../../server/payments/stand-in/exchange.ts'
import { type StandIn, standIn } from '../../server/payments/stand-in/stand-in.ts'
import { stripePayments } from '../../server/payments/stripe.ts'
import type { Open } from '../support/databases.ts'
import { MISSING, shapeChecker } from '../support/stripe-shapes.ts'
import { person } from './money.rig.ts'

export const WEBHOOK_SECRET = 'whsec_of_the_tests'

export type PayWorld = Awaited<ReturnType<typeof payWorld>>

/** A world whose clock stands still until a test moves it. */
export async function payWorld(open: Open, at = '2026-11-23T12:00:00Z') {
  let ms = Date.parse(at)
  const now = () => ms
  const { db } = await open({ now })
  const checker = MISSING === false ? shapeChecker() : null
  const onExchange = (exchange: Exchange) => assert.deepEqual(checker?.exchange(exchange), [], 'as Stripe publishes it')
  const stripe = standIn({ now, ...(checker ? { onExchange } : {}) })
  return {
    ...around(db, stripe, now),
    advance: (by: number) => void (ms += by),
    set: (to: string) => void (ms = Date.parse(to)),
  }
}

/** The verbs of a test over a database, a stand-in and a clock. */
export function around(db: Db, stripe: StandIn, now: () => number) {
  let n = 0
  const payments = stripePayments({
    mode: 'test',
    secretKey: 'sk_test_rig',
    publishableKey: 'pk_test_rig',
    webhookSecret: WEBHOOK_SECRET,
    apiBase: null,
    fetch: stripe.fetch,
  })
  const deps = {
    db,
    now,
    payments,
    id: (prefix: string) => newId(prefix, now()),
    log: pino({ level: 'silent' }),
    metrics: makeMetrics(),
    publicUrl: 'http://127.0.0.1:7070',
    config: { QUOTA_RATE_LIMIT_SCALE: 1000 },
  } as unknown as Deps

  const begin = async (buyer: Buyer, packageId = 'basic', more: { saveCard?: boolean } = {}): Promise<CheckoutRow> => {
    const id = `chk_${++n}_${newId('t', now())}`
    const urls = { successUrl: 'https://app.example/ok', cancelUrl: 'https://app.example/no' }
    await db.tx(beginCheckout, { id, buyer, packageId, ...urls, livemode: false, scale: 1000, attempt: null, ...more })
    await payAt(deps, id)
    return found(id)
  }
  const found = async (id: string): Promise<CheckoutRow> => {
    const row = await checkout(db, id)
    assert.ok(row)
    return row
  }
  /** Buys a package, paid at once and seen; answers the payment and its charge. */
  const buy = async (
    buyer: Buyer,
    packageId = 'basic',
    how: Parameters<StandIn['pay']>[1] & { saveCard?: boolean } = {},
  ) => {
    const row = await begin(buyer, packageId, how.saveCard ? { saveCard: true } : {})
    const { intent } = await stripe.pay(row.session_id ?? '', how)
    assert.ok(intent)
    await observeCheckout(deps, row)
    return { checkoutId: row.id, payment: intent.id, charge: String(intent.latest_charge) }
  }
  return {
    db,
    stripe,
    payments,
    deps,
    begin,
    found,
    buy,
    person: () => person(db),
    carry: () => carryOut(deps, PAYMENT_CARRIERS),
    reconcile: () => reconcile(deps),
    /** Tells of every event that happened so far, in an order of the test's. */
    tell: async (
      order: (events: Awaited<ReturnType<typeof payments.events>>) => typeof events = (events) => events,
    ) => {
      const events = await payments.events(0)
      for (const event of order(events)) await observeEvent(deps, event)
    },
    askRefund: (userId: string, amount: number | null = null) => db.tx(askRefund, { userId, amount, attempt: null }),
    balance: (userId: string) => stands(db, account.user(userId)),
    total: (id: string) => db.snapshot((reader) => total(reader, id)),
  }
}

export { refused as refusal } from './money.rig.ts'
