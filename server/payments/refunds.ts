// Refunds: unspent money goes back to the card it came from.
// owns: refunds. never: the provider's call itself (carriers.ts); money that is spent, granted or disputed.
// always true: what is asked for is held before anybody is told; a refund leaves the wallet once, when it exists at the
// provider, and comes back once, when it fails there.

import { dollars } from '../contract/money.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { type Answer, type Attempt, once } from '../idempotency/idempotency.ts'
import { account } from '../ledger/chart.ts'
import { STANDING } from '../ledger/leases.ts'
import { hold, type Leg, settle, stands, transfer, voidHold } from '../ledger/ledger.ts'
import { promise } from '../outbox/outbox.ts'
import { CREDITS_PER_CENT, creditsOf } from './cents.ts'
import { topupTold } from './checkouts.ts'
import { collect, type Owner, take } from './debts.ts'
import { creditsBack, type LotRow, lockLot, lotsOf, noteReturned, parts, type Unspent, unspent } from './lots.ts'
import type { RefundSeen } from './payments.ts'
import { type Told, tell, toldBalance, toldNotice } from './told.ts'

export type RefundRow = {
  id: string
  payment_intent: string
  stripe_id: string | null
  origin: 'person' | 'operator'
  cents: number
  credits: number
  status: 'promised' | 'sent' | 'succeeded' | 'failed'
  attempt: number
  failure: string | null
  created_at: number
  ended_at: number | null
}

const COLUMNS = 'id, payment_intent, stripe_id, origin, cents, credits, status, attempt, failure, created_at, ended_at'
export const REFUND = 'refund'

export function refundRow(reader: Reader, id: string): Promise<RefundRow | undefined> {
  return reader.get<RefundRow>(`SELECT ${COLUMNS} FROM refunds WHERE id = ?`, [id])
}

/** A person's refunds, newest first. */
export function refundsOf(reader: Reader, userId: string): Promise<RefundRow[]> {
  return reader.all<RefundRow>(
    `SELECT ${COLUMNS} FROM refunds WHERE payment_intent IN (SELECT payment_intent FROM lots WHERE payer = ?)
     ORDER BY created_at DESC, id DESC LIMIT 200`,
    [userId],
  )
}

/** What a person could have back now, lot by lot, oldest first; a payment under dispute is left out. */
export async function refundable(reader: Reader, userId: string): Promise<Unspent[]> {
  const { available, floor } = await stands(reader, account.user(userId))
  if (floor > 0) return []
  const disputed = await reader.all<{ payment_intent: string }>(
    `SELECT payment_intent FROM disputes WHERE standing = 'open'
     AND payment_intent IN (SELECT payment_intent FROM lots WHERE payer = ?)`,
    [userId],
  )
  const held = await reader.all<{ payment_intent: string; credits: number }>(
    `SELECT payment_intent, SUM(credits) AS credits FROM refunds WHERE status = 'promised'
     AND payment_intent IN (SELECT payment_intent FROM lots WHERE payer = ?) GROUP BY payment_intent`,
    [userId],
  )
  const promised = new Map(held.map((row) => [row.payment_intent, Number(row.credits)]))
  const lots = (await lotsOf(reader, userId)).map((row) => ({
    ...row,
    returned_credits: Math.min(row.credits, row.returned_credits + (promised.get(row.payment_intent) ?? 0)),
  }))
  const closed = new Set(disputed.map((row) => row.payment_intent))
  return unspent(lots, available).filter(({ paymentIntent }) => !closed.has(paymentIntent))
}

export type RefundAsk = {
  userId: string
  /** Credits, a whole number of cents; null for all there is. */
  amount: number | null
  attempt: Attempt | null
}
export type RefundPart = { id: string; topup_id: string; amount: number }

/**
 * Asks for money back: holds it and promises the refunds, one per payment, oldest unspent money first.
 * @throws Fault `bad_request` (no whole cents), `insufficient_balance` (so much is not there), `account_in_debt`
 */
export const askRefund = procedure(
  'payments.askRefund',
  (tx: Tx, ask: RefundAsk): Promise<Answer<{ refunds: RefundPart[] }>> =>
    once(tx, ask.attempt, async () => {
      const { userId } = ask
      if (ask.amount !== null && ask.amount % CREDITS_PER_CENT !== 0)
        throw fault('bad_request', { message: 'amount: whole cents (a multiple of 10000).', param: 'amount' })
      const owner: Owner = { account: account.user(userId), payer: userId }
      // Locks every lot, then looks: two requests at once see each other's holds.
      for (const { payment_intent } of await lotsOf(tx, userId)) await lockLot(tx, payment_intent)
      await collect(tx, owner)
      if ((await stands(tx, owner.account)).floor > 0) throw fault('account_in_debt')
      const found = await refundable(tx, userId)
      const most = found.reduce((sum, { credits }) => sum + Math.floor(credits / CREDITS_PER_CENT), 0)
      const cents = ask.amount === null ? most : ask.amount / CREDITS_PER_CENT
      const chosen = cents > 0 ? parts(found, cents) : null
      if (!chosen)
        throw fault('insufficient_balance', { details: { available: creditsOf(most), required: ask.amount ?? 0 } })
      const refunds: RefundPart[] = []
      const told: Told[] = []
      for (const part of chosen) {
        const id = tx.id('rfd')
        const credits = creditsOf(part.cents)
        await hold(tx, {
          id: `refund:${id}`,
          legs: [{ from: owner.account, to: account.stripe, amount: credits }],
          ...STANDING,
        })
        await tx.run(
          `INSERT INTO refunds (id, payment_intent, origin, cents, credits, status, created_at) VALUES (?, ?, 'person', ?, ?, 'promised', ?)`,
          [id, part.paymentIntent, part.cents, credits, tx.now],
        )
        await promise(tx, { id: `refund:${id}`, kind: REFUND, subject: id })
        const topup = await topupTold(tx, part.paymentIntent)
        told.push(topup)
        refunds.push({ id, topup_id: topup.change.id, amount: credits })
      }
      await tell(tx, [...told, await toldBalance(tx, owner)])
      return { refunds }
    }),
)

/** Ends a promised refund that the provider has refused for good: what was held is free again. */
export const refuseRefund = procedure(
  'payments.refuseRefund',
  async (tx: Tx, { id, failure }: { id: string; failure: string }): Promise<void> => {
    const first = await refundRow(tx, id)
    const lot = first && (await lockLot(tx, first.payment_intent))
    const row = await refundRow(tx, id)
    if (!row || !lot || row.status !== 'promised') return
    await tell(tx, await giveUp(tx, lot, row, failure))
  },
)

/**
 * Brings the books to what was seen of a refund. The lot is locked by the caller.
 * @returns what to tell
 */
export async function bookRefund(tx: Tx, lot: LotRow, seen: RefundSeen): Promise<Told[]> {
  const row =
    (await tx.get<RefundRow>(`SELECT ${COLUMNS} FROM refunds WHERE stripe_id = ?`, [seen.id])) ??
    (await tx.get<RefundRow>(
      `SELECT ${COLUMNS} FROM refunds WHERE id = ? AND payment_intent = ? AND stripe_id IS NULL`,
      [seen.ourId ?? '', lot.payment_intent],
    ))
  if (!row) return bookForeign(tx, lot, seen)
  if (row.status === 'promised') {
    if (seen.status === 'failed') return giveUp(tx, lot, row, 'failed', seen.id)
    return leave(tx, lot, row, seen)
  }
  if (row.status === 'failed') return []
  if (seen.status === 'failed') return comeBack(tx, lot, row)
  if (seen.status === 'succeeded' && row.status === 'sent')
    await tx.run(`UPDATE refunds SET status = 'succeeded', ended_at = ? WHERE id = ?`, [tx.now, row.id])
  return []
}

// --- below: how ------------------------------------------------------------------------------------------------------

/** The refund exists at the provider: the held money leaves. */
async function leave(tx: Tx, lot: LotRow, row: RefundRow, seen: RefundSeen): Promise<Told[]> {
  const from = account.user(lot.payer)
  // A refund made elsewhere meanwhile may have taken of the same lot: what is over its balance comes out of the fee.
  const credits = creditsBack(lot, row.cents)
  const legs: Leg[] = credits > 0 ? [{ from, to: account.stripe, amount: credits }] : []
  const fee = creditsOf(row.cents) - credits
  if (fee > 0) legs.push({ from: account.fees, to: account.stripe, amount: fee })
  const ended = await settle(tx, { holdId: `refund:${row.id}`, legs, memo: seen.id })
  if (ended !== 'settled') throw new Error(`refund ${row.id} was promised and its hold has ended (${ended})`)
  await noteReturned(tx, lot.payment_intent, { cents: row.cents, credits })
  const done = seen.status === 'succeeded'
  await tx.run('UPDATE refunds SET status = ?, stripe_id = ?, credits = ?, ended_at = ? WHERE id = ?', [
    done ? 'succeeded' : 'sent',
    seen.id,
    credits,
    done ? tx.now : null,
    row.id,
  ])
  return [await topupTold(tx, lot.payment_intent), await toldBalance(tx, lot)]
}

async function giveUp(tx: Tx, lot: LotRow, row: RefundRow, failure: string, stripeId?: string): Promise<Told[]> {
  const ended = await voidHold(tx, { holdId: `refund:${row.id}`, memo: failure })
  if (ended !== 'voided') throw new Error(`refund ${row.id} was promised and its hold has ended (${ended})`)
  await tx.run(
    `UPDATE refunds SET status = 'failed', failure = ?, ended_at = ?, stripe_id = COALESCE(stripe_id, CAST(? AS TEXT)) WHERE id = ?`,
    [failure, tx.now, stripeId ?? null, row.id],
  )
  await collect(tx, lot)
  return failed(tx, lot, row)
}

/** A refund that had left and did not arrive: it is the payer's again. */
async function comeBack(tx: Tx, lot: LotRow, row: RefundRow): Promise<Told[]> {
  const credits = -creditsBack(lot, -row.cents)
  const legs: Leg[] = credits > 0 ? [{ from: account.stripe, to: lot.account, amount: credits }] : []
  const fee = creditsOf(row.cents) - credits
  if (fee > 0) legs.push({ from: account.stripe, to: account.fees, amount: fee })
  await transfer(tx, { id: `refund:${row.id}:back`, legs, memo: 'the refund failed' })
  await noteReturned(tx, lot.payment_intent, { cents: -row.cents, credits: -credits })
  await tx.run(`UPDATE refunds SET status = 'failed', failure = 'failed', ended_at = ? WHERE id = ?`, [tx.now, row.id])
  await collect(tx, lot)
  return failed(tx, lot, row)
}

async function failed(tx: Tx, lot: LotRow, row: RefundRow): Promise<Told[]> {
  const text = `A refund of ${dollars(creditsOf(row.cents))} did not reach your card. The money is in your wallet again.`
  const notice = await toldNotice(tx, lot, { subject: `refund:${row.id}`, kind: 'refund_failed', text })
  return [await topupTold(tx, lot.payment_intent), await toldBalance(tx, lot), ...notice]
}

/** A refund that an operator made at the provider: taken like any other money that went back. */
async function bookForeign(tx: Tx, lot: LotRow, seen: RefundSeen): Promise<Told[]> {
  const credits = seen.status === 'failed' ? 0 : creditsBack(lot, seen.cents)
  const status = seen.status === 'pending' ? 'sent' : seen.status
  await tx.run(
    `INSERT INTO refunds (id, payment_intent, stripe_id, origin, cents, credits, status, created_at, ended_at)
     VALUES (?, ?, ?, 'operator', ?, ?, ?, ?, ?)`,
    [seen.id, lot.payment_intent, seen.id, seen.cents, credits, status, tx.now, status === 'sent' ? null : tx.now],
  )
  if (status === 'failed') return []
  const fee = creditsOf(seen.cents) - credits
  const more = fee > 0 ? [{ from: account.fees, to: account.stripe, amount: fee }] : []
  await take(tx, lot, { id: `refund:${seen.id}`, credits, to: account.stripe, more, memo: 'refunded by the operator' })
  await noteReturned(tx, lot.payment_intent, { cents: seen.cents, credits })
  return [await topupTold(tx, lot.payment_intent), await toldBalance(tx, lot)]
}
