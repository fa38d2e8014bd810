// Payment intents: https://docs.stripe.com/payments/paymentintents/lifecycle
// owns: their creation and the requests about them. never: what an attempt comes to (attempts.ts).
// always true: an amount is fixed once an attempt has been made; an intent that ended stays as it ended.

import type Stripe from 'stripe'
import { z } from 'zod'
import { type Answer, failed } from './answers.ts'
import { attempt, type Manner } from './attempts.ts'
import { idOf } from './charges.ts'
import { liveCustomer } from './customers.ts'
import { refused } from './errors.ts'
import { emit } from './events.ts'
import { letters } from './ids.ts'
import { equal, listed } from './lists.ts'
import {
  cents,
  clearable,
  created,
  currency,
  flag,
  listParams,
  mergedMetadata,
  metadata,
  params,
  text,
  url,
} from './params.ts'
import { methodNamed, plasticOf } from './payment-methods.ts'
import type { IntentTerms } from './work.ts'
import { must, type Work } from './work.ts'

type Intent = Stripe.PaymentIntent
type Terms = IntentTerms & { amount: number; currency: string; customer: string | null; types: string[] }

const AMOUNT_MIN = 50
const AMOUNT_MAX = 99_999_999
const TYPES = ['card', 'us_bank_account'] as const

/** A new intent that waits for a payment method. @throws refusal of an amount that Stripe would not take */
export function newIntent(work: Work, terms: Terms): Intent {
  checkAmount(terms.amount, terms.currency)
  const id = work.id('pi')
  const intent: Intent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: terms.amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${letters(25)}`,
    confirmation_method: 'automatic',
    created: work.nowS,
    currency: terms.currency,
    customer: terms.customer,
    customer_account: null,
    description: terms.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: terms.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: terms.types,
    payment_record: null,
    processing: null,
    receipt_email: terms.receiptEmail,
    review: null,
    setup_future_usage: terms.setupFutureUsage,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: terms.statementDescriptorSuffix,
    status: 'requires_payment_method',
    transfer_group: terms.transferGroup,
  }
  work.add('payment_intent', intent)
  emit(work, 'payment_intent.created', intent)
  return intent
}

/** @throws refusal `amount_too_small`, `amount_too_large`, or of a currency that this account does not take */
export function checkAmount(amount: number, given: string): void {
  if (given !== 'usd') throw refused(`This stand-in takes usd, not ${given}.`, { param: 'currency' })
  if (amount < AMOUNT_MIN)
    throw refused('Amount must be at least $0.50 usd', { code: 'amount_too_small', param: 'amount' })
  if (amount > AMOUNT_MAX)
    throw refused('Amount must be no more than $999,999.99', { code: 'amount_too_large', param: 'amount' })
}

// --- routes ---------------------------------------------------------------------------------------------------------

const ABOUT = {
  description: clearable.optional(),
  metadata: metadata.optional(),
  payment_method: text.optional(),
  receipt_email: clearable.optional(),
  setup_future_usage: z.enum(['off_session', 'on_session']).optional(),
  statement_descriptor_suffix: clearable.optional(),
  transfer_group: text.optional(),
}
const CONFIRMING = {
  off_session: flag.optional(),
  return_url: url.optional(),
  error_on_requires_action: flag.optional(),
}
export const INTENT_CREATE = params({
  ...ABOUT,
  ...CONFIRMING,
  amount: cents,
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: z.enum(['always', 'never']).optional() })
    .optional(),
  capture_method: z.enum(['automatic', 'automatic_async']).optional(),
  confirm: flag.optional(),
  currency,
  customer: text.optional(),
  payment_method_types: z.array(z.enum(TYPES)).optional(),
})
export const INTENT_UPDATE = params({
  ...ABOUT,
  amount: cents.optional(),
  currency: currency.optional(),
  customer: text.optional(),
})
export const INTENT_CONFIRM = params({ ...CONFIRMING, payment_method: text.optional() })
export const INTENT_CANCEL = params({
  cancellation_reason: z.enum(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer']).optional(),
})
export const INTENT_LIST = listParams({ created: created.optional(), customer: text.optional() })

export async function createIntent(work: Work, given: z.output<typeof INTENT_CREATE>): Promise<Answer> {
  if (given.off_session === true && given.confirm !== true)
    throw refused('off_session can only be used when confirm is true.', { param: 'off_session' })
  if (given.customer !== undefined) await liveCustomer(work, given.customer, 'customer')
  const made = newIntent(work, {
    amount: given.amount,
    currency: given.currency,
    customer: given.customer ?? null,
    types: given.payment_method_types ?? [...TYPES],
    description: given.description || null,
    metadata: mergedMetadata(null, given.metadata),
    receiptEmail: given.receipt_email || null,
    setupFutureUsage: given.setup_future_usage ?? null,
    statementDescriptorSuffix: given.statement_descriptor_suffix || null,
    transferGroup: given.transfer_group ?? null,
  })
  const automatic = given.payment_method_types === undefined
  const intent: Intent = {
    ...made,
    capture_method: given.capture_method ?? 'automatic_async',
    automatic_payment_methods: automatic
      ? { enabled: true, allow_redirects: given.automatic_payment_methods?.allow_redirects ?? 'always' }
      : null,
  }
  const ready = given.payment_method === undefined ? intent : await withMethod(work, intent, given.payment_method)
  work.put('payment_intent', ready)
  return given.confirm === true ? confirm(work, ready, given) : ready
}

export async function retrieveIntent(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'payment_intent', id, null)
}

export async function updateIntent(work: Work, given: z.output<typeof INTENT_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'payment_intent', id, null)
  const moves = given.amount !== undefined || given.currency !== undefined || given.customer !== undefined
  if (moves && !OPEN.has(before.status)) throw unexpected(before, 'updated')
  if (given.customer !== undefined) await liveCustomer(work, given.customer, 'customer')
  if (given.amount !== undefined) checkAmount(given.amount, given.currency ?? before.currency)
  const after: Intent = {
    ...before,
    amount: given.amount ?? before.amount,
    customer: given.customer ?? before.customer,
    metadata: mergedMetadata(before.metadata, given.metadata),
    setup_future_usage: given.setup_future_usage ?? before.setup_future_usage,
    transfer_group: given.transfer_group ?? before.transfer_group,
    ...(given.description === undefined ? {} : { description: given.description || null }),
    ...(given.receipt_email === undefined ? {} : { receipt_email: given.receipt_email || null }),
  }
  const ready = given.payment_method === undefined ? after : await withMethod(work, after, given.payment_method)
  work.put('payment_intent', ready)
  return ready
}

export async function confirmIntent(
  work: Work,
  given: z.output<typeof INTENT_CONFIRM>,
  [id = '']: string[],
): Promise<Answer> {
  const before = await must(work, 'payment_intent', id, null)
  if (!OPEN.has(before.status)) throw unexpected(before, 'confirmed')
  const ready = given.payment_method === undefined ? before : await withMethod(work, before, given.payment_method)
  return confirm(work, ready, given)
}

export async function cancelIntent(work: Work, given: z.output<typeof INTENT_CANCEL>, [id = '']: string[]) {
  const before = await must(work, 'payment_intent', id, null)
  if (!OPEN.has(before.status) && before.status !== 'requires_action') throw unexpected(before, 'canceled')
  if (await work.find('_session_of', `_session_of_${id}`))
    throw refused('You cannot cancel the PaymentIntent of a Checkout Session. Expire the session instead.')
  return cancel(work, before, given.cancellation_reason ?? null)
}

/** Ends an intent that nothing was taken for. */
export function cancel(work: Work, before: Intent, reason: Stripe.PaymentIntent.CancellationReason | null): Intent {
  const after: Intent = {
    ...before,
    status: 'canceled',
    canceled_at: work.nowS,
    cancellation_reason: reason,
    next_action: null,
  }
  work.put('payment_intent', after)
  emit(work, 'payment_intent.canceled', after)
  return after
}

export async function listIntents(work: Work, given: z.output<typeof INTENT_LIST>) {
  return listed(work, 'payment_intent', '/v1/payment_intents', given, (one) => equal(one, { customer: given.customer }))
}

// --- below: how -----------------------------------------------------------------------------------------------------

const OPEN: ReadonlySet<string> = new Set(['requires_payment_method', 'requires_confirmation'])

/** @throws refusal when the method is somebody else’s, used up, or of a type that is not allowed */
async function withMethod(work: Work, intent: Intent, name: string): Promise<Intent> {
  const method = await methodNamed(work, name, 'payment_method')
  if ((await plasticOf(work, method.id)).isSpent)
    throw refused(
      'The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.',
    )
  if (method.customer !== null && method.customer !== idOf(intent.customer))
    throw refused(
      intent.customer === null
        ? 'The PaymentMethod belongs to a Customer. Please include the Customer in the `customer` parameter on the PaymentIntent.'
        : `The provided PaymentMethod cannot be attached. It belongs to another Customer.`,
      { param: 'payment_method' },
    )
  if (!intent.payment_method_types.includes(method.type))
    throw refused(
      `The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${intent.payment_method_types.join(', ')}.`,
      { param: 'payment_method' },
    )
  return { ...intent, payment_method: method.id, status: 'requires_confirmation' }
}

async function confirm(
  work: Work,
  intent: Intent,
  given: {
    off_session?: boolean | undefined
    return_url?: string | undefined
    error_on_requires_action?: boolean | undefined
  },
): Promise<Answer> {
  const methodId = idOf(intent.payment_method)
  if (methodId === null)
    throw refused(
      `You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.`,
      { code: 'payment_intent_unexpected_state' },
    )
  const method = await must(work, 'payment_method', methodId, 'payment_method')
  const manner: Manner = {
    offSession: given.off_session === true || given.error_on_requires_action === true,
    authenticated: false,
    returnUrl: given.return_url,
  }
  const { intent: after, error } = await attempt(work, intent, method, manner)
  return error === null ? after : failed(402, error)
}

function unexpected({ status }: Intent, verb: string): Error {
  return refused(
    `This PaymentIntent's ${verb === 'updated' ? 'amount' : 'state'} could not be ${verb} because it has a status of ${status}.`,
    { code: 'payment_intent_unexpected_state' },
  )
}
