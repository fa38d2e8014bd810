// Stripe's objects, in our words.
// owns: the reading of them. never: a call, a decision about our books.
// always true: only types of the SDK are used here; what is not read is not relied on.

import type Stripe from 'stripe'
import type {
  AccountSeen,
  BankPayoutSeen,
  DisputeSeen,
  EventSeen,
  RefundSeen,
  SessionSeen,
  Subject,
  TransactionSeen,
  TransferSeen,
} from './payments.ts'

export function idOf(value: string | { id: string } | null | undefined): string | null {
  return typeof value === 'string' ? value : (value?.id ?? null)
}

export function sessionSeen(session: Stripe.Checkout.Session): SessionSeen {
  const status = session.status as string | null
  return {
    id: session.id,
    checkoutId: session.metadata?.checkout ?? null,
    paymentIntent: idOf(session.payment_intent),
    status: status === 'complete' || status === 'expired' ? status : 'open',
    url: session.url,
    clientSecret: session.client_secret,
    livemode: session.livemode,
  }
}

export function refundSeen(refund: Stripe.Refund): RefundSeen {
  const over = refund.status === 'failed' || refund.status === 'canceled'
  const status = over ? 'failed' : refund.status === 'succeeded' ? 'succeeded' : 'pending'
  return { id: refund.id, ourId: refund.metadata?.refund ?? null, cents: refund.amount, status }
}

// https://docs.stripe.com/disputes/how-disputes-work: an inquiry (`warning_*`) takes no money; a lost one may be appealed.
const STANDINGS: Record<string, DisputeSeen['standing']> = {
  won: 'won',
  warning_closed: 'won',
  prevented: 'won',
  lost: 'lost',
  appeal_needs_response: 'lost',
  appeal_under_review: 'lost',
}

export function disputeSeen(dispute: Stripe.Dispute): DisputeSeen {
  const { id, amount: cents, reason, status } = dispute
  const moves = dispute.balance_transactions.map((move) => ({ id: move.id, cents: move.amount }))
  return { id, cents, reason, status, standing: STANDINGS[status] ?? 'open', moves }
}

export function accountSeen(account: Stripe.Account): AccountSeen {
  return {
    id: account.id,
    payoutsEnabled: account.payouts_enabled === true,
    transfersActive: account.capabilities?.transfers === 'active',
    detailsSubmitted: account.details_submitted === true,
    disabledReason: account.requirements?.disabled_reason ?? null,
    due: [...(account.requirements?.currently_due ?? [])],
  }
}

export function transferSeen(transfer: Stripe.Transfer): TransferSeen {
  const { id, amount: cents, amount_reversed: reversedCents } = transfer
  return { id, cents, reversedCents, ourId: transfer.metadata.payout ?? null }
}

export function transactionSeen(one: Stripe.BalanceTransaction): TransactionSeen {
  return {
    id: one.id,
    type: one.type,
    category: one.reporting_category,
    source: idOf(one.source),
    cents: one.amount,
    feeCents: one.fee,
    netCents: one.net,
    currency: one.currency,
    at: one.created * 1000,
  }
}

/** Null while it is on its way, and when it was called off. */
export function bankPayoutSeen({ id, amount, status, failure_code, created }: Stripe.Payout): BankPayoutSeen | null {
  if (status !== 'paid' && status !== 'failed') return null
  return { id, cents: amount, status, code: failure_code ?? 'failed', at: created * 1000 }
}

export function eventSeen(event: Stripe.Event): EventSeen {
  const { id, type, livemode } = event
  return { id, type, at: event.created * 1000, livemode, subject: subjectOf(event) }
}

type Named = { id: string; payment_intent?: string | null; charge?: string | null; status?: string }

type EventName = Stripe.WebhookEndpointCreateParams.EnabledEvent
/** What an endpoint for the platform's own account has to be told; docs/operations.md says the same. */
export const OWN_EVENTS = [
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.expired',
  'payment_intent.succeeded',
  'payment_intent.processing',
  'payment_intent.payment_failed',
  'payment_intent.canceled',
  'charge.refunded',
  'charge.refund.updated',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'charge.dispute.closed',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'radar.early_fraud_warning.created',
  'transfer.created',
  'transfer.reversed',
  'payout.failed',
] as const satisfies readonly EventName[]
/** What one for connected accounts has to be told. */
export const CONNECTED_EVENTS = [
  'account.updated',
  'account.application.deauthorized',
  'payout.paid',
  'payout.failed',
] as const satisfies readonly EventName[]

/** What to look at because of an event, by its family; null for what does not concern us. */
function subjectOf(event: Stripe.Event): Subject | null {
  const object = event.data.object as unknown as Named
  const { id } = object
  const family = event.type
  if (family.startsWith('checkout.session.')) return { kind: 'session', id }
  if (family.startsWith('payment_intent.')) return { kind: 'payment', id }
  if (family.startsWith('radar.early_fraud_warning.')) return { kind: 'warning', id, charge: idOf(object.charge) ?? '' }
  if (/^(charge|refund)\./.test(family)) {
    const payment = idOf(object.payment_intent)
    if (payment) return { kind: 'payment', id: payment }
    const charge = idOf(object.charge) ?? (id.startsWith('ch_') || id.startsWith('py_') ? id : null)
    return charge ? { kind: 'charge', id: charge } : null
  }
  if (family === 'account.updated') return { kind: 'account', id }
  if (family === 'account.application.deauthorized')
    return event.account ? { kind: 'account', id: event.account } : null
  if (family.startsWith('transfer.')) return { kind: 'transfer', id }
  if (/^payout\.(paid|failed)$/.test(family))
    return { kind: 'bank_payout', id, account: event.account ?? null, failed: family === 'payout.failed' }
  return null
}
