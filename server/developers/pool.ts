// The grant pool, funded by card.
// owns: pool_purchases. never: a payment (payments/ makes and books it); a grant.
// always true: what a purchase brought goes into the pool once, and never more than is free of the publisher's balance.

import type { PoolState } from '../contract/developers.ts'
import { dollars } from '../contract/money.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { grantSums } from '../grants/developer.ts'
import { movePool, type PoolMove } from '../grants/pool.ts'
import { type Answer, once } from '../idempotency/idempotency.ts'
import { account } from '../ledger/chart.ts'
import { money, stands } from '../ledger/ledger.ts'
import { beginCheckout, checkout, type NewCheckout } from '../payments/checkouts.ts'

const SWEEP_AT_ONCE = 100

/** Begins a purchase for the pool. @throws Fault as `beginCheckout` */
export const beginPoolCheckout = procedure(
  'developers.beginPoolCheckout',
  async (tx: Tx, given: NewCheckout & { publisherId: string }): Promise<Answer<{ id: string }>> => {
    const { publisherId, ...purchase } = given
    const made = await beginCheckout.run(tx, purchase)
    if (made.replayed) return made
    const row = await checkout(tx, made.answer.id)
    if (!row) throw new Error('a checkout just written is gone')
    await tx.run('INSERT INTO pool_purchases (checkout, publisher_id, amount, created_at) VALUES (?, ?, ?, ?)', [
      row.id,
      publisherId,
      row.balance_credits,
      tx.now,
    ])
    return made
  },
)

type Waiting = { checkout: string; publisher_id: string; amount: number }

/** Ends one purchase whose outcome is known. Safe to run at any time, twice. */
const endPurchase = procedure('developers.endPoolPurchase', async (tx: Tx, { id }: { id: string }): Promise<void> => {
  const row = await checkout(tx, id)
  if (!row || row.status === 'pending' || row.status === 'processing') return
  const mine = await tx.get<Waiting>(
    'UPDATE pool_purchases SET ended_at = ? WHERE checkout = ? AND ended_at IS NULL RETURNING checkout, publisher_id, amount',
    [tx.now, id],
  )
  if (!mine || row.status !== 'paid') return
  const { available } = await stands(tx, account.user(mine.publisher_id))
  const amount = Math.min(available, mine.amount)
  if (amount > 0) await movePool.run(tx, { publisherId: mine.publisher_id, amount, direction: 'in', attempt: null })
})

/** Looks at purchases without an outcome, of one publisher or of all. A look that finds none costs no commit. */
export async function sweepPurchases({ db }: Pick<Deps, 'db'>, publisherId: string | null = null): Promise<void> {
  for (const { checkout: id } of await waiting(db, publisherId)) {
    const row = await checkout(db, id)
    if (row && row.status !== 'pending' && row.status !== 'processing') await db.tx(endPurchase, { id })
  }
}

/** The pool as its publisher sees it. */
export async function poolState(deps: Pick<Deps, 'db'>, publisherId: string): Promise<PoolState> {
  await sweepPurchases(deps, publisherId)
  return deps.db.snapshot((reader) => stateOf(reader, publisherId))
}

/** Moves a publisher's money into the pool, or back, and answers how the pool then stood. @throws Fault as `movePool` */
export const moveOwnPool = procedure(
  'developers.movePool',
  (tx: Tx, move: PoolMove): Promise<Answer<PoolState>> =>
    once(tx, move.attempt, async () => {
      await movePool.run(tx, { ...move, attempt: null })
      return stateOf(tx, move.publisherId)
    }),
)

async function stateOf(reader: Reader, publisherId: string): Promise<PoolState> {
  const pool = await stands(reader, account.pool(publisherId))
  const sums = await grantSums(reader, publisherId)
  const own = await money(reader, account.user(publisherId))
  const purchases = await waiting(reader, publisherId)
  return {
    balance_credits: pool.available,
    balance: dollars(pool.available),
    own_balance_credits: own.available,
    granted_credits: sums.granted,
    spent_credits: sums.granted - sums.returned - sums.remaining,
    remaining_credits: sums.remaining,
    returned_credits: sums.returned,
    open_grants: sums.open,
    waiting_credits: purchases.reduce((sum, { amount }) => sum + amount, 0),
  }
}

function waiting(reader: Reader, publisherId: string | null): Promise<Waiting[]> {
  const columns = 'SELECT checkout, publisher_id, amount FROM pool_purchases WHERE ended_at IS NULL'
  return publisherId === null
    ? reader.all<Waiting>(`${columns} ORDER BY checkout LIMIT ${SWEEP_AT_ONCE}`)
    : reader.all<Waiting>(`${columns} AND publisher_id = ? ORDER BY checkout LIMIT ${SWEEP_AT_ONCE}`, [publisherId])
}
