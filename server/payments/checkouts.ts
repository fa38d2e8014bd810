// Checkouts: one purchase of a package, from its creation to its one outcome.
// owns: checkouts. never: a payment provider; a price that differs from what was shown.
// always true: the first outcome stands; a paid checkout is one transfer, named after it, in the commit that says so.

import { externalById, externalUserFor, payerOf } from '../connections/external.ts'
import type { Topup } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append, type FeedChange } from '../feed/feed.ts'
import { type Answer, type Attempt, once } from '../idempotency/idempotency.ts'
import { account } from '../ledger/chart.ts'
import { stands, transfer } from '../ledger/ledger.ts'
import { packageOffered } from './packages.ts'

export type Outcome = 'paid' | 'declined' | 'expired'
export type CheckoutRow = {
  id: string
  package_id: string
  package_name: string
  price_cents: number
  balance_credits: number
  user_id: string | null
  external_id: string | null
  success_url: string
  cancel_url: string
  status: 'pending' | Outcome
  livemode: number
  created_at: number
  ended_at: number | null
}

/** Who the balance is for: a person, or a user of an app by the app's name. */
export type Buyer = { userId: string } | { appId: string; externalUserId: string }
export type NewCheckout = {
  /** Long enough to be a secret: on the sandbox's page it is the only one. */
  id: string
  buyer: Buyer
  packageId: string
  successUrl: string
  cancelUrl: string
  livemode: boolean
  attempt: Attempt | null
}

const LIVES_MS = 24 * 3_600_000
const COLUMNS = `id, package_id, package_name, price_cents, balance_credits, user_id, external_id, success_url, cancel_url, status,
  livemode, created_at, ended_at`

export function checkout(reader: Reader, id: string): Promise<CheckoutRow | undefined> {
  return reader.get<CheckoutRow>(`SELECT ${COLUMNS} FROM checkouts WHERE id = ?`, [id])
}

/**
 * Begins a purchase, with the package's terms of this moment; the wallet hears of it as a pending top-up.
 * @throws Fault `bad_request` (no such package), `user_not_found` (unlinked), `idempotency_mismatch`
 */
export const beginCheckout = procedure(
  'payments.begin',
  (tx: Tx, given: NewCheckout): Promise<Answer<{ id: string }>> =>
    once(tx, given.attempt, async () => {
      const offered = await packageOffered(tx, given.packageId)
      if (!offered)
        throw fault('bad_request', { message: 'package_id: there is no such package.', param: 'package_id' })
      const { buyer } = given
      const external = 'userId' in buyer ? null : await externalUserFor(tx, buyer.appId, buyer.externalUserId)
      await tx.run(
        `INSERT INTO checkouts (id, package_id, package_name, price_cents, balance_credits, user_id, external_id, success_url,
         cancel_url, status, livemode, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`,
        [
          given.id,
          offered.id,
          offered.name,
          offered.price_cents,
          offered.balance_credits,
          'userId' in buyer ? buyer.userId : null,
          external?.id ?? null,
          given.successUrl,
          given.cancelUrl,
          given.livemode ? 1 : 0,
          tx.now,
        ],
      )
      const row = await mustFind(tx, given.id)
      const { feed } = await payeeOf(tx, row)
      await append(tx, feed, [topupChange(row)])
      return { id: given.id }
    }),
)

export type End = { id: string; outcome: Outcome; from: string }

/**
 * Ends a checkout, once: what comes later is told the outcome that stands. Paid means credited, in the same commit.
 * @param end.from the account that the money comes from
 * @throws Fault `not_found`
 */
export const endCheckout = procedure('payments.end', async (tx: Tx, end: End): Promise<CheckoutRow> => {
  const before = await checkout(tx, end.id)
  if (!before) throw fault('not_found')
  const outcome = isStale(before, tx.now) ? 'expired' : end.outcome
  const first = await tx.run(`UPDATE checkouts SET status = ?, ended_at = ? WHERE id = ? AND status = 'pending'`, [
    outcome,
    tx.now,
    end.id,
  ])
  const row = await mustFind(tx, end.id)
  if (first === 1) await tell(tx, row, end.from)
  return row
})

/** A pending checkout that nobody may pay any more. */
export function isStale(row: CheckoutRow, nowMs: number): boolean {
  return row.status === 'pending' && row.created_at + LIVES_MS <= nowMs
}

// --- below: how -----------------------------------------------------------------------------------------------------

async function tell(tx: Tx, row: CheckoutRow, from: string): Promise<void> {
  const payee = await payeeOf(tx, row)
  const changes: FeedChange[] = [topupChange(row)]
  if (row.status === 'paid') {
    const legs = [{ from, to: payee.account, amount: row.balance_credits }]
    await transfer(tx, { id: `topup:${row.id}`, legs, memo: `${row.package_id} for ${row.price_cents} cents` })
    const { posted, held, available } = await stands(tx, payee.account)
    changes.push({ topic: 'balance', id: payee.feed, row: { posted, held, available } })
  }
  await append(tx, payee.feed, changes)
}

/** Whose balance is raised now; an external user may have been linked since the checkout began. */
async function payeeOf(tx: Tx, row: CheckoutRow): Promise<{ account: string; feed: string }> {
  if (row.user_id !== null) return { account: account.user(row.user_id), feed: row.user_id }
  const external = row.external_id === null ? undefined : await externalById(tx, row.external_id)
  if (!external) throw new Error(`checkout ${row.id} is for nobody`)
  return payerOf(external)
}

function topupChange(row: CheckoutRow): FeedChange {
  const topup: Topup = {
    id: row.id,
    package_id: row.package_id,
    price_cents: row.price_cents,
    balance_credits: row.balance_credits,
    status: row.status,
    livemode: row.livemode === 1,
    created_at: new Date(row.created_at).toISOString(),
    paid_at: row.status === 'paid' && row.ended_at !== null ? new Date(row.ended_at).toISOString() : null,
  }
  return { topic: 'topup', id: row.id, row: topup }
}

async function mustFind(tx: Tx, id: string): Promise<CheckoutRow> {
  const row = await checkout(tx, id)
  if (!row) throw new Error(`checkout ${id} is gone`)
  return row
}
