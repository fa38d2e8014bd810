// Refunds: https://docs.stripe.com/refunds
// owns: refunds, and what of a charge is refunded. never: the fee of the charge, which Stripe keeps.
// always true: refunds of a charge that have not failed never exceed it; a failed one gives its money back once.

import type Stripe from 'stripe'
import { z } from 'zod'
import { move } from './balance.ts'
import { idOf } from './charges.ts'
import { refused } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed } from './lists.ts'
import { cents, created, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { plasticOf } from './payment-methods.ts'
import { must, type Work } from './work.ts'

export const REFUND_CREATE = params({
  amount: cents.optional(),
  charge: text.optional(),
  metadata: metadata.optional(),
  payment_intent: text.optional(),
  reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
})
export const REFUND_UPDATE = params({ metadata: metadata.optional() })
export const REFUND_LIST = listParams({
  charge: text.optional(),
  created: created.optional(),
  payment_intent: text.optional(),
})

export async function createRefund(work: Work, given: z.output<typeof REFUND_CREATE>): Promise<Stripe.Refund> {
  const charge = await chargeToRefund(work, given)
  const left = charge.amount_captured - charge.amount_refunded
  const amount = given.amount ?? left
  if (left === 0) throw refused(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' })
  if (await isChargedBack(work, charge))
    throw refused(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: 'charge_disputed' })
  if (amount > left)
    throw refused(`Refund amount (${dollars(amount)}) is greater than unrefunded amount on charge (${dollars(left)})`, {
      param: 'amount',
    })
  const plastic = await plasticOf(work, charge.payment_method ?? '')
  const id = work.id('re')
  const isCard = plastic.type === 'card'
  const refund: Stripe.Refund = {
    id,
    object: 'refund',
    amount,
    balance_transaction: move(work, {
      type: isCard ? 'refund' : 'payment_refund',
      category: 'refund',
      amount: -amount,
      source: id,
    }),
    charge: charge.id,
    created: work.nowS,
    currency: charge.currency,
    customer: idOf(charge.customer),
    customer_account: null,
    ...(isCard
      ? {
          destination_details: {
            type: 'card',
            card: { type: 'refund', reference_status: 'pending', reference_type: 'acquirer_reference_number' },
          },
        }
      : {}),
    metadata: mergedMetadata(null, given.metadata),
    payment_intent: idOf(charge.payment_intent),
    payment_method: charge.payment_method,
    ...(plastic.refunds === 'pending' || !isCard ? { pending_reason: 'processing' as const } : {}),
    reason: given.reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status: plastic.refunds === 'pending' || !isCard ? 'pending' : 'succeeded',
    transfer_reversal: null,
  }
  work.add('refund', refund)
  emit(work, 'refund.created', refund)
  await setRefunded(work, charge.id, charge.amount_refunded + amount, 'charge.refunded')
  return refund
}

/** A refund comes to its end at the bank. @param failure reason of Stripe’s list, or null when the money has arrived */
export async function endRefund(work: Work, id: string, failure: string | null): Promise<Stripe.Refund> {
  const before = await must(work, 'refund', id, 'refund')
  if (before.status === 'failed') throw new Error(`${id} has failed already`)
  const { pending_reason: _, ...kept } = before
  const after: Stripe.Refund = { ...kept, status: failure === null ? 'succeeded' : 'failed' }
  if (failure !== null) {
    after.failure_reason = failure
    after.failure_balance_transaction = move(work, {
      type: 'refund_failure',
      category: 'refund_failure',
      amount: before.amount,
      source: id,
    })
  }
  work.put('refund', after)
  const previous = { status: before.status }
  if (failure !== null) {
    const charge = await must(work, 'charge', idOf(before.charge) ?? '', 'charge')
    await setRefunded(work, charge.id, charge.amount_refunded - before.amount, 'charge.updated')
    emit(work, 'refund.failed', after)
  }
  emit(work, 'refund.updated', after, previous)
  emit(work, 'charge.refund.updated', after, previous)
  return after
}

export async function retrieveRefund(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'refund', id, null)
}

export async function updateRefund(work: Work, given: z.output<typeof REFUND_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'refund', id, null)
  const after: Stripe.Refund = { ...before, metadata: mergedMetadata(before.metadata, given.metadata) }
  work.put('refund', after)
  emit(work, 'refund.updated', after, { metadata: before.metadata })
  return after
}

export async function listRefunds(work: Work, given: z.output<typeof REFUND_LIST>) {
  return listed(work, 'refund', '/v1/refunds', given, (one) =>
    equal(one, { charge: given.charge, payment_intent: given.payment_intent }),
  )
}

// --- below: how -----------------------------------------------------------------------------------------------------

async function chargeToRefund(work: Work, given: z.output<typeof REFUND_CREATE>): Promise<Stripe.Charge> {
  if (given.charge === undefined && given.payment_intent === undefined)
    throw refused('One of the following params should be provided for this request: payment_intent or charge.')
  if (given.charge !== undefined && given.payment_intent !== undefined)
    throw refused('You may only specify one of these parameters: charge, payment_intent.')
  if (given.charge !== undefined) {
    const charge = await must(work, 'charge', given.charge, 'charge')
    if (charge.status === 'succeeded') return charge
    throw refused(`You cannot refund charge ${charge.id}: it did not succeed.`, { param: 'charge' })
  }
  const intent = await must(work, 'payment_intent', given.payment_intent ?? '', 'payment_intent')
  const latest = idOf(intent.latest_charge)
  if (intent.status !== 'succeeded' || latest === null)
    throw refused(`This PaymentIntent (${intent.id}) does not have a successful charge to refund.`, {
      param: 'payment_intent',
    })
  return must(work, 'charge', latest, 'charge')
}

/** Funds of a dispute are with the cardholder already; an inquiry has moved none. */
async function isChargedBack(work: Work, charge: Stripe.Charge): Promise<boolean> {
  if (!charge.disputed) return false
  for await (const dispute of work.all('dispute'))
    if (dispute.charge === charge.id && !dispute.is_charge_refundable && dispute.status !== 'won') return true
  return false
}

async function setRefunded(work: Work, id: string, amount: number, type: 'charge.refunded' | 'charge.updated') {
  const before = await must(work, 'charge', id, 'charge')
  const after: Stripe.Charge = { ...before, amount_refunded: amount, refunded: amount === before.amount }
  work.put('charge', after)
  emit(work, type, after, { amount_refunded: before.amount_refunded, refunded: before.refunded })
}

function dollars(amount: number): string {
  return `$${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')}`
}
