// Disputes, inquiries and early fraud warnings: https://docs.stripe.com/disputes/how-disputes-work
// owns: them and the money they move. never: a refund.
// always true: money leaves once when a dispute opens and comes back once when it is won; the dispute's fee stays gone.

import type Stripe from 'stripe'
import { z } from 'zod'
import { move } from './balance.ts'
import { idOf } from './charges.ts'
import { changes } from './customers.ts'
import { refused } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed } from './lists.ts'
import { clearable, created, flag, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { plasticOf } from './payment-methods.ts'
import { must, type Work } from './work.ts'

type Dispute = Stripe.Dispute
export type Opening = { reason?: string; inquiry?: boolean; amount?: number }

const DAY_S = 86_400
const ANSWER_WITHIN_DAYS = 9

/** What a card that was made for it does right after its payment. */
export async function raiseByCard(work: Work, chargeId: string): Promise<void> {
  const charge = await must(work, 'charge', chargeId, 'charge')
  const plastic = await plasticOf(work, charge.payment_method ?? '')
  if (plastic.warns) await warn(work, chargeId)
  if (plastic.disputes === 'inquiry') await openDispute(work, chargeId, { inquiry: true })
  else if (plastic.disputes) await openDispute(work, chargeId, { reason: plastic.disputes })
}

/** The cardholder disputes a charge. An inquiry takes no money yet. */
export async function openDispute(work: Work, chargeId: string, opening: Opening = {}): Promise<Dispute> {
  const charge = await must(work, 'charge', chargeId, 'charge')
  if (charge.status !== 'succeeded') throw new Error(`${chargeId} did not succeed, so nobody disputes it`)
  const { reason = 'fraudulent', inquiry = false, amount = charge.amount - charge.amount_refunded } = opening
  const id = work.id('du')
  const dispute: Dispute = {
    id,
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: chargeId,
    created: work.nowS,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: NO_EVIDENCE,
    evidence_details: {
      due_by: work.nowS + ANSWER_WITHIN_DAYS * DAY_S,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false,
    metadata: {},
    network_reason_code: '10.4',
    payment_intent: idOf(charge.payment_intent),
    payment_method_details: {
      type: 'card',
      card: {
        brand: 'visa',
        case_type: inquiry ? 'inquiry' : 'chargeback',
        network: 'visa',
        network_reason_code: '10.4',
      },
    },
    reason,
    status: inquiry ? 'warning_needs_response' : 'needs_response',
  }
  work.add('dispute', dispute)
  work.put('charge', { ...charge, disputed: true })
  emit(work, 'charge.dispute.created', dispute)
  return inquiry ? dispute : withdraw(work, dispute)
}

/** An inquiry becomes a dispute. */
export async function escalate(work: Work, id: string): Promise<Dispute> {
  const before = await must(work, 'dispute', id, 'dispute')
  if (!before.status.startsWith('warning_') || before.status === 'warning_closed')
    throw new Error(`${id} is no open inquiry`)
  const after: Dispute = { ...before, status: 'needs_response', is_charge_refundable: false }
  work.put('dispute', after)
  emit(work, 'charge.dispute.updated', after, changes(before, after))
  return withdraw(work, after)
}

/** The bank decides; an inquiry just closes. */
export async function closeDisputeAs(
  work: Work,
  id: string,
  outcome: 'won' | 'lost' | 'warning_closed',
): Promise<Dispute> {
  const before = await must(work, 'dispute', id, 'dispute')
  const isInquiry = before.status.startsWith('warning_')
  if (ENDED.has(before.status)) throw new Error(`${id} is closed already: ${before.status}`)
  if (isInquiry !== (outcome === 'warning_closed'))
    throw new Error(`${id} is ${before.status}: it cannot end as ${outcome}`)
  const closed: Dispute = { ...before, status: outcome, is_charge_refundable: outcome !== 'lost' }
  work.put('dispute', closed)
  if (outcome === 'won') {
    const back = move(work, { type: 'adjustment', category: 'dispute_reversal', amount: before.amount, source: id })
    const reinstated = await withTransaction(work, closed, back)
    emit(work, 'charge.dispute.funds_reinstated', reinstated)
    emit(work, 'charge.dispute.closed', reinstated, { status: before.status })
    return reinstated
  }
  emit(work, 'charge.dispute.closed', closed, { status: before.status })
  return closed
}

/** The network tells of likely fraud before any dispute. */
export async function warn(work: Work, chargeId: string): Promise<Stripe.Radar.EarlyFraudWarning> {
  const charge = await must(work, 'charge', chargeId, 'charge')
  const warning: Stripe.Radar.EarlyFraudWarning = {
    id: work.id('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: !charge.refunded && !charge.disputed,
    charge: chargeId,
    created: work.nowS,
    fraud_type: 'unauthorized_use_of_card',
    livemode: false,
    payment_intent: idOf(charge.payment_intent) ?? '',
  }
  work.add('radar.early_fraud_warning', warning)
  emit(work, 'radar.early_fraud_warning.created', warning)
  return warning
}

// --- routes ---------------------------------------------------------------------------------------------------------

export async function retrieveDispute(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'dispute', id, null)
}

export const DISPUTE_LIST = listParams({
  charge: text.optional(),
  created: created.optional(),
  payment_intent: text.optional(),
})

export async function listDisputes(work: Work, given: z.output<typeof DISPUTE_LIST>) {
  return listed(work, 'dispute', '/v1/disputes', given, (one) =>
    equal(one, { charge: given.charge, payment_intent: given.payment_intent }),
  )
}

const EVIDENCE = z.strictObject({
  access_activity_log: clearable.optional(),
  customer_email_address: clearable.optional(),
  customer_name: clearable.optional(),
  product_description: clearable.optional(),
  service_date: clearable.optional(),
  uncategorized_text: clearable.optional(),
})
export const DISPUTE_UPDATE = params({
  evidence: EVIDENCE.optional(),
  metadata: metadata.optional(),
  submit: flag.optional(),
})

export async function updateDispute(work: Work, given: z.output<typeof DISPUTE_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'dispute', id, null)
  if (given.evidence !== undefined && !ANSWERABLE.has(before.status))
    throw refused('This dispute is already closed or under review, so evidence can no longer be given.')
  const submits = given.evidence !== undefined && given.submit !== false
  const said = Object.entries(given.evidence ?? {}).map(([name, value]) => [name, value || null])
  const after: Dispute = {
    ...before,
    evidence: { ...before.evidence, ...Object.fromEntries(said) },
    evidence_details: {
      ...before.evidence_details,
      has_evidence: before.evidence_details.has_evidence || said.length > 0,
      submission_count: before.evidence_details.submission_count + (submits ? 1 : 0),
      ...(submits ? { submission_method: 'manual' as const } : {}),
    },
    metadata: mergedMetadata(before.metadata, given.metadata),
    ...(submits ? { status: before.status.startsWith('warning_') ? 'warning_under_review' : 'under_review' } : {}),
  }
  work.put('dispute', after)
  emit(work, 'charge.dispute.updated', after, changes(before, after))
  return after
}

/** Giving in: the dispute is lost at once. */
export async function closeDispute(work: Work, _given: unknown, [id = '']: string[]) {
  const before = await must(work, 'dispute', id, null)
  if (ENDED.has(before.status)) throw refused('This dispute is already closed.', { code: 'dispute_already_closed' })
  if (before.status.startsWith('warning_')) return closeDisputeAs(work, id, 'warning_closed')
  return closeDisputeAs(work, id, 'lost')
}

export const WARNING_LIST = listParams({
  charge: text.optional(),
  created: created.optional(),
  payment_intent: text.optional(),
})

export async function listWarnings(work: Work, given: z.output<typeof WARNING_LIST>) {
  return listed(work, 'radar.early_fraud_warning', '/v1/radar/early_fraud_warnings', given, (one) =>
    equal(one, { charge: given.charge, payment_intent: given.payment_intent }),
  )
}

export async function retrieveWarning(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'radar.early_fraud_warning', id, null)
}

// --- below: how -----------------------------------------------------------------------------------------------------

const ENDED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented'])
const ANSWERABLE: ReadonlySet<string> = new Set(['needs_response', 'warning_needs_response'])

async function withdraw(work: Work, dispute: Dispute): Promise<Dispute> {
  const fee = work.settings.disputeFeeCents
  const gone = move(work, { type: 'adjustment', category: 'dispute', amount: -dispute.amount, fee, source: dispute.id })
  const after = await withTransaction(work, dispute, gone)
  emit(work, 'charge.dispute.funds_withdrawn', after)
  return after
}

async function withTransaction(work: Work, dispute: Dispute, transactionId: string): Promise<Dispute> {
  const transaction = await must(work, 'balance_transaction', transactionId, 'balance_transaction')
  const after: Dispute = { ...dispute, balance_transactions: [...dispute.balance_transactions, transaction] }
  work.put('dispute', after)
  return after
}

const NO_EVIDENCE: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
}
