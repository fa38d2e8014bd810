// What a payment comes to: the one place where money that was paid becomes a balance.
// owns: the credit of a payment, and the order in which what happened to it is booked. never: the network; an event.
// always true: it is handed what the provider's objects say, and brings the books to that; so it may be called by anyone,
// at any time, any number of times, in any order, and a payment is credited once (its movement is named after it).

import { procedure, type Tx } from '../db/db.ts'
import { account } from '../ledger/chart.ts'
import { type Leg, transfer } from '../ledger/ledger.ts'
import { noteOutcome } from './auto-topup.ts'
import { creditsFor, creditsOf } from './cents.ts'
import { advance, type CheckoutRow, checkout, ownerOf, type Status } from './checkouts.ts'
import { collect, type Owner } from './debts.ts'
import { bookDispute } from './disputes.ts'
import { lockLot, lot } from './lots.ts'
import type { PaymentSeen, SessionSeen } from './payments.ts'
import { bookRefund } from './refunds.ts'
import { noteCard } from './saved-cards.ts'
import { type Told, tell, toldBalance } from './told.ts'

export type Seen = {
  checkoutId: string
  session: SessionSeen | null
  payment: PaymentSeen | null
  livemode: boolean
  /** How the sandbox's page ended it, where the provider's object does not tell. */
  ending?: 'declined' | 'expired'
  /** Why it was declined, where there is no payment to say it. */
  failure?: string
}
/** Why nothing was booked of what was seen; somebody should look. */
export type Alarm = 'unknown_checkout' | 'wrong_mode' | 'wrong_currency' | 'wrong_amount' | 'second_payment'
export type Recorded = { row: CheckoutRow | null; alarm: Alarm | null }

/** Brings the books to what was seen of a checkout and its payment. */
export const recordPayment = procedure('payments.record', async (tx: Tx, seen: Seen): Promise<Recorded> => {
  const row = await lockCheckout(tx, seen.checkoutId)
  if (!row) return { row: null, alarm: 'unknown_checkout' }
  const { payment } = seen
  const alarm = alarmOf(seen, row)
  if (alarm === 'wrong_mode' || alarm === 'wrong_currency') return { row, alarm }
  const told: Told[] = []
  if (payment?.status === 'succeeded') {
    told.push(...(await credit(tx, row, payment, await ownerOf(tx, row))), ...(await bookReturns(tx, payment)))
  }
  const next = nextOf(seen, row)
  const moved = await advance(tx, row, next)
  told.push(...moved)
  if (moved.length > 0) told.push(...(await noteOutcome(tx, row, next)))
  await tell(tx, told)
  return { row: (await checkout(tx, row.id)) ?? null, alarm }
})

async function lockCheckout(tx: Tx, id: string): Promise<CheckoutRow | undefined> {
  await tx.run('UPDATE checkouts SET looked_at = ? WHERE id = ?', [tx.now, id])
  return checkout(tx, id)
}

function alarmOf({ payment, session, livemode }: Seen, row: CheckoutRow): Alarm | null {
  if ((payment && payment.livemode !== livemode) || (session && session.livemode !== livemode)) return 'wrong_mode'
  if (payment?.status !== 'succeeded') return null
  if (payment.currency !== 'usd') return 'wrong_currency'
  if (row.payment_intent !== null && row.payment_intent !== payment.id) return 'second_payment'
  return payment.receivedCents === row.price_cents ? null : 'wrong_amount'
}

/** Credits a payment, unless it is; answers what changes for its payer. */
async function credit(tx: Tx, row: CheckoutRow, payment: PaymentSeen, owner: Owner): Promise<Told[]> {
  const credits = creditsFor(payment.receivedCents, row)
  if (credits === 0 || (await lot(tx, payment.id))) return []
  const legs: Leg[] = [{ from: account.stripe, to: owner.account, amount: credits }]
  const fee = creditsOf(payment.receivedCents) - credits
  if (fee > 0) legs.push({ from: account.stripe, to: account.fees, amount: fee })
  const memo = `${row.package_id} for ${payment.receivedCents} cents, checkout ${row.id}`
  await transfer(tx, { id: `topup:${payment.id}`, legs, memo })
  await tx.run(
    `INSERT INTO lots (payment_intent, checkout, charge, account, payer, external_id, cents, credits, fingerprint, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      payment.id,
      row.id,
      payment.charge,
      owner.account,
      owner.payer,
      row.external_id,
      payment.receivedCents,
      credits,
      payment.fingerprint,
      tx.now,
    ],
  )
  await collect(tx, owner)
  if (row.user_id !== null && payment.savedCard) await noteCard(tx, row.user_id, payment.savedCard)
  return [await toldBalance(tx, owner)]
}

/** Books every refund and dispute of a payment that is credited. */
async function bookReturns(tx: Tx, payment: PaymentSeen): Promise<Told[]> {
  const told: Told[] = []
  for (const refund of payment.refunds) {
    const row = await lockLot(tx, payment.id)
    if (row) told.push(...(await bookRefund(tx, row, refund)))
  }
  for (const dispute of payment.disputes) {
    const row = await lockLot(tx, payment.id)
    if (row) told.push(...(await bookDispute(tx, row, dispute)))
  }
  return told
}

/** What a checkout has come to. A declined try on the provider's page is no outcome: the person may try again there. */
function nextOf(
  { session, payment, ending, failure }: Seen,
  row: CheckoutRow,
): { status: Status; paymentIntent: string | null; failure: string | null } {
  const as = (status: Status) => {
    const paid = status === 'paid' && payment
    return {
      status,
      paymentIntent: paid ? payment.id : null,
      failure: paid ? null : (payment?.failure ?? failure ?? null),
    }
  }
  const refused = payment?.status === 'requires_payment_method' || payment?.status === 'canceled'
  if (payment?.status === 'succeeded') return as('paid')
  if (payment?.status === 'processing') return as('processing')
  if (row.kind === 'auto')
    return as(refused || payment?.status === 'requires_action' ? 'declined' : (ending ?? 'pending'))
  if (session?.status === 'complete') return as(refused ? 'failed' : 'processing')
  if (session?.status === 'expired') return as(ending ?? 'expired')
  return as(row.status === 'processing' && refused ? 'failed' : 'pending')
}
