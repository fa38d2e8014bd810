// Charges: one attempt each to take the money of a payment intent.
// owns: charges and their balance transactions. never: a refund, a dispute, the intent's status.
// always true: a charge that succeeded moves its amount onto the balance once, less the fee.

import type Stripe from 'stripe'
import { z } from 'zod'
import { availableOn, cardFee, move } from './balance.ts'
import { declineOf, type Plastic } from './cards.ts'
import { emit } from './events.ts'
import { equal, listed } from './lists.ts'
import { clearable, created, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { plasticOf } from './payment-methods.ts'
import { must, type Work } from './work.ts'

type Intent = Stripe.PaymentIntent

/** A charge of this method for the intent's whole amount, in one of the states it may begin in. */
export function newCharge(
  work: Work,
  intent: Intent,
  method: Stripe.PaymentMethod,
  status: 'failed' | 'pending' | 'succeeded',
  declinedFor: string | null = null,
): Stripe.Charge {
  const decline = declinedFor === null ? null : declineOf(declinedFor)
  const isCard = method.type === 'card'
  const id = work.id(isCard ? 'ch' : 'py')
  const charge: Stripe.Charge = {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: status === 'failed' ? 0 : intent.amount,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details as Stripe.Charge.BillingDetails,
    calculated_statement_descriptor: 'QUOTA',
    captured: status !== 'failed',
    created: work.nowS,
    currency: intent.currency,
    customer: idOf(intent.customer),
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: outcomeOf(status, declinedFor),
    paid: status === 'succeeded',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(method),
    radar_options: {},
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: status === 'succeeded' ? work.settings.pageUrl(`receipts/${id}`) : null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status,
    transfer_data: null,
    transfer_group: intent.transfer_group,
  }
  work.add('charge', charge)
  if (status !== 'succeeded') emit(work, status === 'failed' ? 'charge.failed' : 'charge.pending', charge)
  return charge
}

/** A charge of a delayed method that has come to its end. */
export async function endCharge(work: Work, id: string, failure: string | null): Promise<Stripe.Charge> {
  const before = await must(work, 'charge', id, 'charge')
  const decline = failure === null ? null : declineOf(failure)
  const status = failure === null ? 'succeeded' : 'failed'
  const after: Stripe.Charge = {
    ...before,
    status,
    paid: status === 'succeeded',
    failure_code: failure === null ? null : failure,
    failure_message: decline === null ? null : 'The customer’s bank could not complete this payment.',
    outcome: outcomeOf(status, failure),
    receipt_url: status === 'succeeded' ? work.settings.pageUrl(`receipts/${id}`) : null,
  }
  work.put('charge', after)
  if (failure !== null) emit(work, 'charge.failed', after)
  return after
}

/**
 * Books a charge that succeeded. Capture is asynchronous, as it is by default since API version 2024-04-10: the charge has
 * no balance transaction when `charge.succeeded` is written, and gets it with `charge.updated`.
 */
export async function bookCharge(work: Work, id: string): Promise<Stripe.Charge> {
  const before = await must(work, 'charge', id, 'charge')
  if (before.balance_transaction !== null || before.status !== 'succeeded') return before
  const plastic: Plastic = await plasticOf(work, before.payment_method ?? '')
  const transaction = move(work, {
    type: plastic.type === 'card' ? 'charge' : 'payment',
    category: 'charge',
    amount: before.amount,
    fee: cardFee(before.amount),
    source: id,
    description: before.description,
    availableOn: availableOn(work, plastic.bypassesPending === true),
  })
  const after: Stripe.Charge = { ...before, balance_transaction: transaction }
  work.put('charge', after)
  emit(work, 'charge.updated', after, { balance_transaction: null })
  return after
}

/** The id of what may have been expanded. */
export function idOf(value: string | { id: string } | null | undefined): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : value.id
}

function outcomeOf(status: Stripe.Charge.Status, declinedFor: string | null): Stripe.Charge.Outcome {
  const isBlocked = declinedFor === 'fraudulent'
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    network_status:
      status === 'failed' ? (isBlocked ? 'not_sent_to_network' : 'declined_by_network') : 'approved_by_network',
    reason: status === 'failed' ? (isBlocked ? 'highest_risk_level' : declinedFor) : null,
    risk_level: isBlocked ? 'highest' : 'normal',
    risk_score: isBlocked ? 90 : 20,
    seller_message:
      status === 'failed' ? 'The bank did not return any further details with this decline.' : 'Payment complete.',
    type: status === 'failed' ? (isBlocked ? 'blocked' : 'issuer_declined') : 'authorized',
  }
}

function detailsOf(method: Stripe.PaymentMethod): Stripe.Charge.PaymentMethodDetails {
  const { card, us_bank_account: bank } = method
  if (!card) {
    return {
      type: 'us_bank_account',
      us_bank_account: {
        account_holder_type: bank?.account_holder_type ?? null,
        account_type: bank?.account_type ?? null,
        bank_name: bank?.bank_name ?? null,
        fingerprint: bank?.fingerprint ?? null,
        last4: bank?.last4 ?? null,
        payment_reference: null,
        routing_number: bank?.routing_number ?? null,
      },
    }
  }
  return {
    type: 'card',
    card: {
      amount_authorized: null,
      authorization_code: null,
      brand: card.brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: card.country,
      electronic_commerce_indicator: null,
      exp_month: card.exp_month,
      exp_year: card.exp_year,
      fingerprint: card.fingerprint ?? null,
      funding: card.funding,
      installments: null,
      last4: card.last4,
      mandate: null,
      network: card.brand,
      network_transaction_id: null,
      regulated_status: card.regulated_status,
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    },
  }
}

// --- routes ---------------------------------------------------------------------------------------------------------

export async function retrieveCharge(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'charge', id, null)
}

export const CHARGE_LIST = listParams({
  created: created.optional(),
  customer: text.optional(),
  payment_intent: text.optional(),
  transfer_group: text.optional(),
})

export async function listCharges(work: Work, given: z.output<typeof CHARGE_LIST>) {
  return listed(work, 'charge', '/v1/charges', given, (one) =>
    equal(one, {
      customer: given.customer,
      payment_intent: given.payment_intent,
      transfer_group: given.transfer_group,
    }),
  )
}

export const CHARGE_UPDATE = params({
  description: clearable.optional(),
  metadata: metadata.optional(),
  receipt_email: clearable.optional(),
  fraud_details: z.strictObject({ user_report: z.enum(['fraudulent', 'safe']) }).optional(),
})

export async function updateCharge(work: Work, given: z.output<typeof CHARGE_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'charge', id, null)
  const after: Stripe.Charge = {
    ...before,
    metadata: mergedMetadata(before.metadata, given.metadata),
    ...(given.description === undefined ? {} : { description: given.description || null }),
    ...(given.receipt_email === undefined ? {} : { receipt_email: given.receipt_email || null }),
    ...(given.fraud_details === undefined ? {} : { fraud_details: given.fraud_details }),
  }
  work.put('charge', after)
  emit(work, 'charge.updated', after, { metadata: before.metadata })
  return after
}
