// One attempt to pay a payment intent, and what comes of it.
// owns: the statuses of an intent from its first attempt to its end. never: a request's parameters.
// always true: the method's plastic decides; an intent that succeeded has one charge that did.

import type Stripe from 'stripe'
import { declineOf } from './cards.ts'
import { bookCharge, endCharge, idOf, newCharge } from './charges.ts'
import { raiseByCard } from './disputes.ts'
import type { ErrorBody } from './errors.ts'
import { emit } from './events.ts'
import { attachTo, plasticOf } from './payment-methods.ts'
import { must, type Work } from './work.ts'

type Intent = Stripe.PaymentIntent
/** `authenticated`: the person has just proved to the bank who they are. */
export type Manner = { offSession: boolean; authenticated: boolean; returnUrl?: string | undefined }
export type Attempt = { intent: Intent; error: ErrorBody | null }

/** Tries to take the money. A refusal of the bank is an answer, not an exception: it leaves a failed charge behind. */
export async function attempt(
  work: Work,
  before: Intent,
  method: Stripe.PaymentMethod,
  manner: Manner,
): Promise<Attempt> {
  const plastic = await plasticOf(work, method.id)
  const isSaved = method.customer !== null
  const asks = plastic.asks === 'always' || (plastic.asks === 'unless set up' && !plastic.isSetUp)
  const intent: Intent = { ...before, payment_method: method.id, next_action: null, last_payment_error: null }
  if (plastic.type === 'us_bank_account') return { intent: delay(work, intent, method), error: null }
  if (asks && !manner.authenticated) {
    if (manner.offSession) return decline(work, intent, method, 'authentication_required')
    return { intent: ask(work, intent, manner), error: null }
  }
  const declines = plastic.declines ?? (plastic.declinesSaved && isSaved ? 'generic_decline' : undefined)
  if (declines !== undefined) return decline(work, intent, method, declines)
  const charge = newCharge(work, intent, method, 'succeeded')
  return { intent: await succeed(work, intent, method, charge), error: null }
}

/** The bank’s question is answered. */
export async function authenticate(work: Work, intentId: string, passes: boolean): Promise<Attempt> {
  const intent = await must(work, 'payment_intent', intentId, 'intent')
  if (intent.status !== 'requires_action') throw new Error(`${intentId} asks for nothing: it is ${intent.status}`)
  const method = await must(work, 'payment_method', idOf(intent.payment_method) ?? '', 'payment_method')
  if (passes) return attempt(work, intent, method, { offSession: false, authenticated: true })
  const error = {
    code: 'payment_intent_authentication_failure',
    message:
      'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
    type: 'invalid_request_error',
  } as const
  return { intent: giveUp(work, intent, method, { ...error, payment_method: method }), error }
}

/** A delayed method comes to its end. @param failure code of the bank’s refusal, or null when the money has come */
export async function settleDelayed(work: Work, intentId: string, failure: string | null): Promise<Intent> {
  const intent = await must(work, 'payment_intent', intentId, 'intent')
  if (intent.status !== 'processing') throw new Error(`${intentId} waits for nothing: it is ${intent.status}`)
  const method = await must(work, 'payment_method', idOf(intent.payment_method) ?? '', 'payment_method')
  const charge = await endCharge(work, idOf(intent.latest_charge) ?? '', failure)
  if (failure === null) return succeed(work, intent, method, charge)
  const error = {
    code: 'payment_method_provider_decline',
    message: charge.failure_message ?? '',
    type: 'card_error',
    charge: charge.id,
  } as const
  return giveUp(work, intent, method, { ...error, payment_method: method })
}

// --- the ends and stops of an attempt -------------------------------------------------------------------------------

async function succeed(
  work: Work,
  intent: Intent,
  method: Stripe.PaymentMethod,
  charge: Stripe.Charge,
): Promise<Intent> {
  emit(work, 'charge.succeeded', charge)
  const after: Intent = {
    ...intent,
    status: 'succeeded',
    amount_received: intent.amount,
    latest_charge: charge.id,
    last_payment_error: null,
    next_action: null,
  }
  work.put('payment_intent', after)
  emit(work, 'payment_intent.succeeded', after)
  await keepMethod(work, after, method)
  if (work.settings.balanceTransactions === 'at once') await bookCharge(work, charge.id)
  await raiseByCard(work, charge.id)
  return after
}

/** A method is kept for later when the intent says so. */
async function keepMethod(work: Work, intent: Intent, method: Stripe.PaymentMethod): Promise<void> {
  const customer = idOf(intent.customer)
  if (customer === null || intent.setup_future_usage === null) return
  if (method.customer === null) attachTo(work, method, customer)
  work.put('_plastic', {
    id: `_plastic_${method.id}`,
    plastic: { ...(await plasticOf(work, method.id)), isSetUp: true },
  })
}

function decline(work: Work, intent: Intent, method: Stripe.PaymentMethod, why: string): Attempt {
  const charge = newCharge(work, intent, method, 'failed', why)
  const { code, message, advice } = declineOf(why)
  const error: ErrorBody = {
    type: 'card_error',
    code,
    decline_code: why,
    advice_code: advice,
    message,
    charge: charge.id,
    doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`,
  }
  const after = giveUp(work, { ...intent, latest_charge: charge.id }, method, { ...error, payment_method: method })
  return { intent: after, error: { ...error, payment_intent: after, payment_method: method } }
}

function giveUp(work: Work, intent: Intent, method: Stripe.PaymentMethod, error: ErrorBody): Intent {
  const after: Intent = {
    ...intent,
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_payment_error: { ...error, payment_method: method } as Stripe.PaymentIntent.LastPaymentError,
  }
  work.put('payment_intent', after)
  emit(work, 'payment_intent.payment_failed', after)
  return after
}

function ask(work: Work, intent: Intent, { returnUrl }: Manner): Intent {
  const url = work.settings.pageUrl(`authenticate/${intent.id}`)
  const after: Intent = {
    ...intent,
    status: 'requires_action',
    next_action:
      returnUrl === undefined
        ? { type: 'use_stripe_sdk', use_stripe_sdk: { type: 'three_d_secure_redirect', stripe_js: url } }
        : { type: 'redirect_to_url', redirect_to_url: { return_url: returnUrl, url } },
  }
  work.put('payment_intent', after)
  emit(work, 'payment_intent.requires_action', after)
  return after
}

function delay(work: Work, intent: Intent, method: Stripe.PaymentMethod): Intent {
  const charge = newCharge(work, intent, method, 'pending')
  const after: Intent = { ...intent, status: 'processing', latest_charge: charge.id }
  work.put('payment_intent', after)
  emit(work, 'payment_intent.processing', after)
  return after
}
