// What the payment page does with a checkout session.
// owns: the outcome of a session. never: a page.
// always true: the first outcome stands; what is paid is complete; a declined session stays open.

import type Stripe from 'stripe'
import { attempt, authenticate, settleDelayed } from './attempts.ts'
import type { Plastic } from './cards.ts'
import { idOf } from './charges.ts'
import { current } from './checkout.ts'
import { details } from './checkout-session.ts'
import { createCustomer } from './customers.ts'
import type { ErrorBody } from './errors.ts'
import { emit } from './events.ts'
import { newIntent } from './payment-intents.ts'
import { newMethod } from './payment-methods.ts'
import { must, type Work } from './work.ts'

type Session = Stripe.Checkout.Session
export type Paid = { session: Session; intent: Stripe.PaymentIntent | null; error: ErrorBody | null }
/** Of an intent that may be of no session. */
export type Answered = { session: Session | null; intent: Stripe.PaymentIntent; error: ErrorBody | null }
/** New plastic, or a saved method of the session's customer by its id. */
export type PayWith = { plastic: Plastic; email?: string | undefined } | { saved: string }

export async function paySession(work: Work, sessionId: string, payWith: PayWith): Promise<Paid> {
  const open = current(work, await must(work, 'checkout.session', sessionId, 'session'))
  if (open.status !== 'open') return { session: open, intent: null, error: ended(open) }
  const email =
    ('email' in payWith ? payWith.email : undefined) ?? open.customer_email ?? open.customer_details?.email ?? null
  const before = await withCustomer(work, open, email)
  const waiting = await intentOf(work, before)
  const method =
    'saved' in payWith ? await savedMethod(work, before, payWith.saved) : newMethod(work, payWith.plastic, { email })
  const { intent, error } = await attempt(work, waiting, method, { offSession: false, authenticated: false })
  const session: Session = { ...before, payment_intent: intent.id, customer_details: details(email) }
  work.put('checkout.session', session)
  return { session: conclude(work, session, intent), intent, error }
}

/** The bank’s question, asked by a payment intent, is answered; a session that waits for it is concluded. */
export async function answerBank(work: Work, intentId: string, passes: boolean): Promise<Answered> {
  const before = await sessionOf(work, intentId)
  if (before && current(work, before).status === 'expired') throw new Error(`${before.id} has expired`)
  const { intent, error } = await authenticate(work, intentId, passes)
  return { session: before && conclude(work, before, intent), intent, error }
}

/** A delayed payment arrives, or fails. */
export async function settleIntent(
  work: Work,
  intentId: string,
  failure: string | null,
): Promise<Stripe.PaymentIntent> {
  const intent = await settleDelayed(work, intentId, failure)
  const session = await sessionOf(work, intentId)
  if (!session) return intent
  const after: Session = { ...session, payment_status: failure === null ? 'paid' : 'unpaid' }
  work.put('checkout.session', after)
  emit(
    work,
    failure === null ? 'checkout.session.async_payment_succeeded' : 'checkout.session.async_payment_failed',
    after,
  )
  return intent
}

// --- below: how -----------------------------------------------------------------------------------------------------

function conclude(work: Work, session: Session, { status }: Stripe.PaymentIntent): Session {
  if (status !== 'succeeded' && status !== 'processing') return session
  const after: Session = {
    ...session,
    status: 'complete',
    payment_status: status === 'succeeded' ? 'paid' : 'unpaid',
    url: null,
  }
  work.put('checkout.session', after)
  work.remove('_due', `_due_${after.id}`)
  emit(work, 'checkout.session.completed', after)
  return after
}

async function withCustomer(work: Work, session: Session, email: string | null): Promise<Session> {
  const { intent } = await must(work, '_terms', `_terms_${session.id}`, 'session')
  const wanted = session.customer_creation === 'always' || intent.setupFutureUsage !== null
  if (session.customer !== null || !wanted) return session
  const customer = await createCustomer(work, email === null ? {} : { email })
  return { ...session, customer: customer.id }
}

/** The session’s intent: made at the first attempt, as Stripe does. */
async function intentOf(work: Work, session: Session): Promise<Stripe.PaymentIntent> {
  const id = idOf(session.payment_intent)
  if (id !== null) return must(work, 'payment_intent', id, 'payment_intent')
  const { intent } = await must(work, '_terms', `_terms_${session.id}`, 'session')
  const made = newIntent(work, {
    ...intent,
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
    customer: idOf(session.customer),
    types: session.payment_method_types,
  })
  work.add('_session_of', { id: `_session_of_${made.id}`, session: session.id })
  return made
}

async function savedMethod(work: Work, session: Session, id: string): Promise<Stripe.PaymentMethod> {
  const method = await must(work, 'payment_method', id, 'payment_method')
  if (method.customer === null || method.customer !== idOf(session.customer))
    throw new Error(`${id} is not saved for the customer of ${session.id}`)
  return method
}

async function sessionOf(work: Work, intentId: string): Promise<Session | null> {
  const link = await work.find('_session_of', `_session_of_${intentId}`)
  return link ? must(work, 'checkout.session', link.session, 'session') : null
}

function ended({ status }: Session): ErrorBody {
  return { type: 'invalid_request_error', message: `This Checkout Session is ${status}: it can no longer be paid.` }
}
