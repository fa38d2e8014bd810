// Checkouts: one purchase of a package, from its creation to its outcome.
// owns: checkouts. never: the provider; a price that differs from what was shown; a credit (credit.ts).
// always true: an outcome only ever moves forward, and money that has arrived outranks every other.

import { externalById, externalUserFor, payerOf } from '../connections/external.ts'
import type { Topup } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { type Answer, type Attempt, once } from '../idempotency/idempotency.ts'
import { account } from '../ledger/chart.ts'
import type { Owner } from './debts.ts'
import { lot } from './lots.ts'
import { packageOffered } from './packages.ts'
import { DAY_MS, requireCalm } from './risk.ts'
import { type Told, tell } from './told.ts'

export type Status = 'pending' | 'processing' | 'paid' | 'declined' | 'failed' | 'expired'
export type CheckoutRow = {
  id: string
  kind: 'page' | 'auto'
  package_id: string
  package_name: string
  price_cents: number
  balance_credits: number
  user_id: string | null
  external_id: string | null
  /** Who its external user was when it began: theirs it stays, whatever becomes of the link before it is paid. */
  linked_user: string | null
  success_url: string
  cancel_url: string
  embedded: number
  save_card: number
  session_id: string | null
  payment_intent: string | null
  status: Status
  failure: string | null
  livemode: number
  created_at: number
  looked_at: number
  ended_at: number | null
}

/** Who the balance is for: a person, or a user of an app by the app's name. */
export type Buyer = { userId: string } | { appId: string; externalUserId: string }
export type NewCheckout = {
  /** Long enough to be a secret: whoever knows it may look at the purchase. */
  id: string
  buyer: Buyer
  packageId: string
  successUrl: string
  cancelUrl: string
  livemode: boolean
  embedded?: boolean
  saveCard?: boolean
  kind?: 'page' | 'auto'
  /** What limits on purchases are multiplied by. */
  scale?: number
  attempt: Attempt | null
}

/** How long a checkout may be paid; the provider's own limit for its page. */
export const LIVES_MS = 24 * 3_600_000
const COLUMNS = `id, kind, package_id, package_name, price_cents, balance_credits, user_id, external_id, linked_user, success_url, cancel_url,
  embedded, save_card, session_id, payment_intent, status, failure, livemode, created_at, looked_at, ended_at`

export function checkout(reader: Reader, id: string): Promise<CheckoutRow | undefined> {
  return reader.get<CheckoutRow>(`SELECT ${COLUMNS} FROM checkouts WHERE id = ?`, [id])
}

export function checkoutOfSession(reader: Reader, sessionId: string): Promise<CheckoutRow | undefined> {
  return reader.get<CheckoutRow>(`SELECT ${COLUMNS} FROM checkouts WHERE session_id = ?`, [sessionId])
}

/** Checkouts without an outcome, those first that nobody has looked at for longest. */
export function openCheckouts(reader: Reader, lookedBeforeMs: number, limit: number): Promise<CheckoutRow[]> {
  return reader.all<CheckoutRow>(
    `SELECT ${COLUMNS} FROM checkouts WHERE status IN ('pending', 'processing') AND looked_at <= ?
     ORDER BY looked_at LIMIT ${limit}`,
    [lookedBeforeMs],
  )
}

/** How many of a person's purchases are under way: the bank has them, and the money is still to come. */
export async function underWay(reader: Reader, userId: string): Promise<number> {
  const row = await reader.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM checkouts WHERE status = 'processing' AND (user_id = ? OR linked_user = ?)`,
    [userId, userId],
  )
  return row?.n ?? 0
}

/** A person's purchases of one kind since a moment, newest first. */
export function checkoutsSince(reader: Reader, userId: string, sinceMs: number): Promise<CheckoutRow[]> {
  return reader.all<CheckoutRow>(
    `SELECT ${COLUMNS} FROM checkouts WHERE user_id = ? AND created_at > ? ORDER BY created_at DESC, id DESC`,
    [userId, sinceMs],
  )
}

/**
 * Begins a purchase, with the package's terms of this moment; the wallet hears of it as a pending top-up.
 * @throws Fault `bad_request` (no such package), `user_not_found` (unlinked), `idempotency_mismatch`,
 *   `rate_limit_exceeded` (too many purchases, risk.ts)
 */
export const beginCheckout = procedure(
  'payments.begin',
  (tx: Tx, given: NewCheckout): Promise<Answer<{ id: string }>> =>
    once(tx, given.attempt, async () => {
      await newCheckout(tx, given)
      return { id: given.id }
    }),
)

/** The same within the caller's commit. */
export async function newCheckout(tx: Tx, given: NewCheckout): Promise<CheckoutRow> {
  const offered = await packageOffered(tx, given.packageId)
  if (!offered) throw fault('bad_request', { message: 'package_id: there is no such package.', param: 'package_id' })
  const { buyer } = given
  const external = 'userId' in buyer ? null : await externalUserFor(tx, buyer.appId, buyer.externalUserId)
  const who = external ? { externalId: external.id } : { userId: 'userId' in buyer ? buyer.userId : '' }
  await requireCalm(await purchasesSince(tx, who, tx.now - DAY_MS), {
    now: tx.now,
    scale: given.scale ?? 1,
    cents: offered.price_cents,
  })
  await tx.run(
    `INSERT INTO checkouts (id, kind, package_id, package_name, price_cents, balance_credits, user_id, external_id, linked_user, success_url,
     cancel_url, embedded, save_card, status, livemode, created_at, looked_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
    [
      given.id,
      given.kind ?? 'page',
      offered.id,
      offered.name,
      offered.price_cents,
      offered.balance_credits,
      'userId' in buyer ? buyer.userId : null,
      external?.id ?? null,
      external?.status === 'linked' ? external.user_id : null,
      given.successUrl,
      given.cancelUrl,
      given.embedded ? 1 : 0,
      given.saveCard ? 1 : 0,
      given.livemode ? 1 : 0,
      tx.now,
      tx.now,
    ],
  )
  const row = await mustFind(tx, given.id)
  await tell(tx, [await told(tx, row)])
  return row
}

function purchasesSince(
  reader: Reader,
  who: { userId: string } | { externalId: string },
  sinceMs: number,
): Promise<Pick<CheckoutRow, 'status' | 'price_cents' | 'created_at'>[]> {
  const [column, id] = 'userId' in who ? ['user_id', who.userId] : ['external_id', who.externalId]
  return reader.all(`SELECT status, price_cents, created_at FROM checkouts WHERE ${column} = ? AND created_at > ?`, [
    id,
    sinceMs,
  ])
}

/** Notes which session of the provider a checkout is paid in. The first one stands. */
export const noteSession = procedure(
  'payments.noteSession',
  async (tx: Tx, { id, sessionId }: { id: string; sessionId: string }): Promise<CheckoutRow> => {
    await tx.run('UPDATE checkouts SET session_id = ? WHERE id = ? AND session_id IS NULL', [sessionId, id])
    return await mustFind(tx, id)
  },
)

/** Notes that a checkout was looked at, so that others come first next time. */
export const noteLook = procedure(
  'payments.noteLook',
  async (tx: Tx, { id }: { id: string }): Promise<void> => {
    await tx.run('UPDATE checkouts SET looked_at = ? WHERE id = ?', [tx.now, id])
  },
  { bookkeeping: true },
)

const RANK: Record<Status, number> = { pending: 0, processing: 1, declined: 2, failed: 2, expired: 2, paid: 3 }

/**
 * Moves a checkout forward, never back: of two outcomes without money the first stands, and money outranks them.
 * @returns what to tell; nothing when it did not move
 */
export async function advance(
  tx: Tx,
  row: CheckoutRow,
  next: { status: Status; paymentIntent: string | null; failure: string | null },
): Promise<Told[]> {
  const lower = (Object.keys(RANK) as Status[]).filter((status) => RANK[status] < RANK[next.status])
  if (lower.length === 0) return []
  const ended = RANK[next.status] >= 2 ? tx.now : null
  const moved = await tx.run(
    `UPDATE checkouts SET status = ?, ended_at = ?, failure = ?, payment_intent = COALESCE(payment_intent, CAST(? AS TEXT))
     WHERE id = ? AND status IN (${lower.map((status) => `'${status}'`).join(', ')})`,
    [next.status, ended, next.failure, next.paymentIntent, row.id],
  )
  return moved === 1 ? [await told(tx, await mustFind(tx, row.id))] : []
}

/** Whose balance a checkout raises now; an external user may have been linked since it began. */
export async function ownerOf(tx: Reader, row: CheckoutRow): Promise<Owner> {
  const person = row.user_id ?? row.linked_user
  if (person !== null) return { account: account.user(person), payer: person }
  const external = row.external_id === null ? undefined : await externalById(tx, row.external_id)
  if (!external) throw new Error(`checkout ${row.id} is for nobody`)
  const { account: where, feed } = payerOf(external)
  return { account: where, payer: feed }
}

/** The top-up that brought a lot, as its payer sees it now. */
export async function topupTold(tx: Reader, paymentIntent: string): Promise<Told> {
  const row = await tx.get<CheckoutRow>(
    `SELECT ${COLUMNS} FROM checkouts WHERE id = (SELECT checkout FROM lots WHERE payment_intent = ?)`,
    [paymentIntent],
  )
  if (!row) throw new Error(`the lot ${paymentIntent} came of no checkout`)
  return told(tx, row)
}

async function told(tx: Reader, row: CheckoutRow): Promise<Told> {
  const brought = row.payment_intent === null ? undefined : await lot(tx, row.payment_intent)
  const feed = brought?.payer ?? (await ownerOf(tx, row)).payer
  const topup: Topup = {
    id: row.id,
    package_id: row.package_id,
    price_cents: row.price_cents,
    balance_credits: brought?.credits ?? row.balance_credits,
    status: row.status,
    livemode: row.livemode === 1,
    created_at: new Date(row.created_at).toISOString(),
    paid_at: row.status === 'paid' && row.ended_at !== null ? new Date(row.ended_at).toISOString() : null,
    ...(row.kind === 'auto' ? { auto: true } : {}),
    ...(row.failure === null ? {} : { failure: row.failure }),
    ...(brought ? await returnsOf(tx, brought.payment_intent, brought.returned_credits) : {}),
  }
  return { feed, change: { topic: 'topup', id: row.id, row: topup } }
}

/** What has gone back of a lot, or is about to; left out where nothing has. */
async function returnsOf(tx: Reader, paymentIntent: string, returned: number): Promise<Partial<Topup>> {
  const under = await tx.get<{ credits: number | null }>(
    `SELECT CAST(SUM(credits) AS BIGINT) AS credits FROM refunds WHERE payment_intent = ? AND status = 'promised'`,
    [paymentIntent],
  )
  const dispute = await tx.get<{ standing: 'open' | 'won' | 'lost' }>(
    'SELECT standing FROM disputes WHERE payment_intent = ? ORDER BY opened_at DESC, id DESC LIMIT 1',
    [paymentIntent],
  )
  return {
    ...(returned > 0 ? { returned_credits: returned } : {}),
    ...(under?.credits ? { refunding_credits: Number(under.credits) } : {}),
    ...(dispute ? { dispute: dispute.standing } : {}),
  }
}

async function mustFind(tx: Tx, id: string): Promise<CheckoutRow> {
  const row = await checkout(tx, id)
  if (!row) throw new Error(`checkout ${id} is gone`)
  return row
}
