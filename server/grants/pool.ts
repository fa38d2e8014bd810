// The pool: a publisher's own money, set aside for grants.
// owns: the moves between a publisher's balance and pool. never: a grant.
// always true: a move is a transfer, so a refused one leaves both sides as they were.

import { dollars } from '../contract/money.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { type Answer, type Attempt, once } from '../idempotency/idempotency.ts'
import { account } from '../ledger/chart.ts'
import { money, stands, transfer } from '../ledger/ledger.ts'

export type PoolDocument = { balance: string; balance_credits: number; granted_total_credits: number }

/** The pool as a publisher sees it. */
export async function poolDocument(reader: Reader, publisherId: string): Promise<PoolDocument> {
  const { available } = await stands(reader, account.pool(publisherId))
  const granted = await reader.get<{ sum: number }>(
    'SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS sum FROM grants WHERE publisher_id = ?',
    [publisherId],
  )
  return { balance: dollars(available), balance_credits: available, granted_total_credits: granted?.sum ?? 0 }
}

export type PoolMove = { publisherId: string; amount: number; direction: 'in' | 'out'; attempt: Attempt | null }

/**
 * Moves a publisher's money into the pool, or back.
 * @throws Fault `insufficient_balance`, `idempotency_mismatch`
 */
export const movePool = procedure(
  'grants.movePool',
  (tx: Tx, move: PoolMove): Promise<Answer<PoolDocument>> =>
    once(tx, move.attempt, async () => {
      const { publisherId, amount, direction } = move
      const [own, pool] = [account.user(publisherId), account.pool(publisherId)]
      const [from, to] = direction === 'in' ? [own, pool] : [pool, own]
      await requireFunds(tx, from, amount)
      const id = tx.id('poolmove')
      await transfer(tx, {
        id,
        legs: [{ from, to, amount }],
        memo: direction === 'in' ? 'pool funded' : 'pool withdrawn',
      })
      const row = await money(tx, own)
      const document = await poolDocument(tx, publisherId)
      await append(tx, publisherId, [{ topic: 'balance', id: publisherId, row }])
      return document
    }),
)

/** Says in the caller's words what the transfer's own guard would refuse. @throws Fault `insufficient_balance` */
export async function requireFunds(tx: Tx, from: string, required: number): Promise<void> {
  const { available } = await stands(tx, from)
  if (available < required)
    throw fault('insufficient_balance', { details: { available: Math.max(0, available), required } })
}
