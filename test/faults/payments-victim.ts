// A process that moves money until it is killed: `node payments-victim.ts {place} {clock, ms} {where Stripe is}`.
// owns: the beginning of each movement, one after the other as its parent says. never: an end (that is what is tested).
// always true: what it runs is the server's own - procedures, outbox and carriers; nothing in it knows that it will die.

import { pino } from 'pino'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import type { Deps } from '../../server/deps.ts'
import { newId } from '../../server/ids.ts'
import { makeMetrics } from '../../server/metrics.ts'
import { carryOut } from '../../server/outbox/outbox.ts'
import { fireAutoTopup } from '../../server/payments/auto-topup.ts'
import { PAYMENT_CARRIERS } from '../../server/payments/carriers.ts'
import { checkout } from '../../server/payments/checkouts.ts'
import { observeCheckout } from '../../server/payments/observe.ts'
import { beginPayout } from '../../server/payments/payouts.ts'
import { askRefund } from '../../server/payments/refunds.ts'
import { stripePayments } from '../../server/payments/stripe.ts'

/** What to begin: a refund, a payout, an automatic top-up, or the look at a purchase that was paid. */
export type Task = { kind: 'refund' | 'payout' | 'auto' | 'purchase'; id: string }

if (process.send) await main(process.argv[2] ?? '', Number(process.argv[3]), process.argv[4] ?? '')

async function main(place: string, nowMs: number, stripeUrl: string): Promise<void> {
  const now = () => nowMs
  const db = place.startsWith('postgres')
    ? await openPostgres({ url: place, now, poolSize: 16 })
    : await openSqlite({ dir: place, now })
  const keys = { secretKey: 'sk_test_rig', publishableKey: null, webhookSecret: null }
  const deps = {
    db,
    now,
    payments: stripePayments({ mode: 'test', ...keys, apiBase: stripeUrl }),
    id: (prefix: string) => newId(prefix, nowMs),
    log: pino({ level: 'silent' }),
    metrics: makeMetrics(),
    publicUrl: 'http://127.0.0.1:7070',
    config: { QUOTA_RATE_LIMIT_SCALE: 1000 },
  } as unknown as Deps
  const failed = (error: unknown) => void process.send?.({ failed: String(error) })
  process.on('message', (task: Task) => void begin(deps, task).catch(failed))
  process.send?.('ready')
}

/** Promises the movement, and goes about keeping the promise. */
async function begin(deps: Deps, { kind, id }: Task): Promise<void> {
  if (kind === 'purchase') {
    const row = await checkout(deps.db, id)
    if (row) await observeCheckout(deps, row)
    return
  }
  if (kind === 'refund') await deps.db.tx(askRefund, { userId: id, amount: 5_000_000, attempt: null })
  if (kind === 'payout') await deps.db.tx(beginPayout, { publisher: id, livemode: false })
  if (kind === 'auto') await deps.db.tx(fireAutoTopup, { userId: id, id: deps.id('chk'), livemode: false, scale: 1000 })
  await carryOut(deps, PAYMENT_CARRIERS)
}
