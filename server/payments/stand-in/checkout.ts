// Checkout sessions: https://docs.stripe.com/api/checkout/sessions
// owns: their creation, the requests about them, and their expiry. never: a payment (checkout-pay.ts).
// always true: a session ends once, as complete or expired; its amount is the sum of its line items.

import type Stripe from 'stripe'
import { z } from 'zod'
import { idOf } from './charges.ts'
import { lineItem, newSession } from './checkout-session.ts'
import { liveCustomer } from './customers.ts'
import { invalid, refused } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed, paged } from './lists.ts'
import { cents, created, currency, integer, listParams, mergedMetadata, metadata, params, text, url } from './params.ts'
import { cancel, checkAmount } from './payment-intents.ts'
import { must, type Work } from './work.ts'

type Session = Stripe.Checkout.Session

const DAY_S = 86_400
const EXPIRES_MIN_S = 30 * 60

const PRODUCT = z.strictObject({
  name: text,
  description: text.optional(),
  metadata: metadata.optional(),
  images: z.array(url).optional(),
  tax_code: text.optional(),
})
const PRICE = z.strictObject({
  currency,
  product_data: PRODUCT,
  unit_amount: cents,
  tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
})
export const LINE_ITEM = z.strictObject({ price_data: PRICE, quantity: cents, metadata: metadata.optional() })
const INTENT_DATA = z.strictObject({
  description: text.optional(),
  metadata: metadata.optional(),
  receipt_email: text.optional(),
  setup_future_usage: z.enum(['off_session', 'on_session']).optional(),
  statement_descriptor_suffix: text.optional(),
  transfer_group: text.optional(),
  capture_method: z.enum(['automatic', 'automatic_async']).optional(),
})
export const SESSION_CREATE = params({
  cancel_url: url.optional(),
  client_reference_id: z.string().max(200).optional(),
  customer: text.optional(),
  customer_creation: z.enum(['always', 'if_required']).optional(),
  customer_email: text.optional(),
  expires_at: integer.optional(),
  line_items: z.array(LINE_ITEM).min(1).max(100),
  locale: text.optional(),
  metadata: metadata.optional(),
  mode: z.enum(['payment']),
  payment_intent_data: INTENT_DATA.optional(),
  payment_method_types: z.array(z.enum(['card', 'us_bank_account'])).optional(),
  redirect_on_completion: z.enum(['always', 'if_required', 'never']).optional(),
  return_url: url.optional(),
  saved_payment_method_options: z
    .strictObject({
      payment_method_save: z.enum(['disabled', 'enabled']).optional(),
      payment_method_remove: z.enum(['disabled', 'enabled']).optional(),
      allow_redisplay_filters: z.array(z.enum(['always', 'limited', 'unspecified'])).optional(),
    })
    .optional(),
  submit_type: z.enum(['auto', 'book', 'donate', 'pay', 'subscribe']).optional(),
  success_url: url.optional(),
  ui_mode: z.enum(['hosted_page', 'embedded_page']).optional(),
})
type Given = z.output<typeof SESSION_CREATE>

export async function createSession(work: Work, given: Given): Promise<Session> {
  checkUrls(given)
  checkExpiry(work, given)
  if (given.customer !== undefined && given.customer_email !== undefined)
    throw refused('You may only specify one of these parameters: customer, customer_email.', { param: 'customer' })
  if (given.customer !== undefined && given.customer_creation !== undefined)
    throw refused('You may only specify one of these parameters: customer, customer_creation.', {
      param: 'customer_creation',
    })
  const customer = given.customer === undefined ? null : await liveCustomer(work, given.customer, 'customer')
  const items = given.line_items.map((item) => lineItem(work, item))
  const total = items.reduce((sum, item) => sum + item.amount_total, 0)
  checkAmount(total, items[0]?.currency ?? 'usd')
  const session = newSession(work, given, { total, email: customer?.email ?? null })
  work.add('checkout.session', session)
  work.add('_line_items', { id: `_line_items_${session.id}`, items })
  const data = given.payment_intent_data ?? {}
  const intent = {
    description: data.description ?? null,
    metadata: mergedMetadata(null, data.metadata),
    receiptEmail: data.receipt_email ?? null,
    setupFutureUsage: data.setup_future_usage ?? null,
    statementDescriptorSuffix: data.statement_descriptor_suffix ?? null,
    transferGroup: data.transfer_group ?? null,
  }
  work.add('_due', { id: `_due_${session.id}`, session: session.id, atS: session.expires_at })
  work.add('_terms', { id: `_terms_${session.id}`, intent })
  return session
}

export async function retrieveSession(work: Work, _given: unknown, [id = '']: string[]) {
  return current(work, await must(work, 'checkout.session', id, null))
}

export const SESSION_UPDATE = params({ metadata: metadata.optional() })

export async function updateSession(work: Work, given: z.output<typeof SESSION_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'checkout.session', id, null)
  const after: Session = { ...before, metadata: mergedMetadata(before.metadata, given.metadata) }
  work.put('checkout.session', after)
  return after
}

export async function expireSession(work: Work, _given: unknown, [id = '']: string[]): Promise<Session> {
  const before = current(work, await must(work, 'checkout.session', id, null))
  if (before.status !== 'open')
    throw refused(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of "${before.status}".`,
    )
  return expire(work, before)
}

export const SESSION_LIST = listParams({
  created: created.optional(),
  customer: text.optional(),
  customer_details: z.strictObject({ email: text }).optional(),
  payment_intent: text.optional(),
  status: z.enum(['complete', 'expired', 'open']).optional(),
})

export async function listSessions(work: Work, given: z.output<typeof SESSION_LIST>) {
  return listed(
    work,
    'checkout.session',
    '/v1/checkout/sessions',
    given,
    (one) =>
      equal(one, { customer: given.customer, payment_intent: given.payment_intent }) &&
      equal(current(work, one), { status: given.status }) &&
      equal(one.customer_details ?? { email: null }, { email: given.customer_details?.email }),
  )
}

export const LINE_ITEM_LIST = listParams({})

export async function listLineItems(work: Work, given: z.output<typeof LINE_ITEM_LIST>, [id = '']: string[]) {
  await must(work, 'checkout.session', id, null)
  return paged(await lineItemsOf(work, id), `/v1/checkout/sessions/${id}/line_items`, given)
}

export async function lineItemsOf(work: Work, sessionId: string): Promise<Stripe.LineItem[]> {
  return (await must(work, '_line_items', `_line_items_${sessionId}`, 'session')).items
}

/** A session past its time, which the clock ends: {@link expireDue} writes it down. */
export function current(work: Work, session: Session): Session {
  if (session.status !== 'open' || session.expires_at > work.nowS) return session
  return { ...session, status: 'expired', url: null }
}

/** Ends a session, and with it the intent that an attempt may have left: nobody can pay either any more. */
async function expire(work: Work, before: Session): Promise<Session> {
  const intent = await work.find('payment_intent', idOf(before.payment_intent) ?? '')
  if (intent) cancel(work, intent, 'expired')
  const after: Session = { ...before, status: 'expired', url: null }
  work.put('checkout.session', after)
  work.remove('_due', `_due_${before.id}`)
  emit(work, 'checkout.session.expired', after)
  return after
}

/** Writes down what the clock has ended. */
export async function expireDue(work: Work): Promise<void> {
  for await (const { session: id, atS } of work.all('_due')) {
    if (atS > work.nowS) continue
    await expire(work, await must(work, 'checkout.session', id, 'session'))
  }
}

// --- below: how -----------------------------------------------------------------------------------------------------

function checkUrls(given: Given): void {
  if (given.ui_mode === 'embedded_page') {
    for (const name of ['success_url', 'cancel_url'] as const)
      if (given[name] !== undefined)
        throw invalid(name, `You can not pass \`${name}\` when \`ui_mode\` is \`embedded_page\`.`)
    if (given.return_url === undefined && given.redirect_on_completion !== 'never')
      throw invalid(
        'return_url',
        'You must pass `return_url` unless `redirect_on_completion` is `never`.',
        'parameter_missing',
      )
    return
  }
  if (given.success_url === undefined)
    throw invalid('success_url', 'Missing required param: success_url.', 'parameter_missing')
  for (const name of ['return_url', 'redirect_on_completion'] as const)
    if (given[name] !== undefined)
      throw invalid(name, `You can only pass \`${name}\` when \`ui_mode\` is \`embedded_page\`.`)
}

function checkExpiry(work: Work, { expires_at: at }: Given): void {
  if (at === undefined) return
  if (at < work.nowS + EXPIRES_MIN_S || at > work.nowS + DAY_S)
    throw invalid(
      'expires_at',
      'The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.',
    )
}
