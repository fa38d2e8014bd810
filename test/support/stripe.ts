// A stand-in for Stripe under test, with the real SDK in front of it.
// owns: their wiring, and the check of every exchange. never: an answer.
// always true: what passes between the two is as Stripe publishes it, or the test that caused it fails and says where.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import Stripe from 'stripe'
import { type StandIn, type StandInOptions, standIn } from '../../server/payments/stand-in/stand-in.ts'
import { MISSING, shapeChecker } from './stripe-shapes.ts'

export const WEBHOOK_SECRET = 'whsec_test_secret'

export type Hook = { event: Stripe.Event; payload: string; signature: string }
export type StripeRig = {
  standIn: StandIn
  stripe: Stripe
  /** A clock that the test moves; milliseconds. */
  clock: { ms: number }
  /** What the endpoint has received and verified, in the order of arrival. */
  hooks: Hook[]
  /** What the endpoint answers from now on. */
  endpoint: { answers: number }
  /** Sentences of the shape check; the test fails when there are any at its end. */
  violations: string[]
}

const START_MS = Date.UTC(2026, 10, 1, 12)

/** A stand-in, in memory and without a socket, and an SDK that talks to it. */
export function stripeRig(
  t: TestContext,
  options: Partial<StandInOptions> & { config?: Stripe.StripeConfig } = {},
): StripeRig {
  const { config, ...given } = options
  const clock = { ms: START_MS }
  const hooks: Hook[] = []
  const endpoint = { answers: 200 }
  const checks = shapeChecks(t)
  const made = standIn({
    now: () => clock.ms,
    endpoints: [{ url: 'https://hooks.test/stripe', secret: WEBHOOK_SECRET }],
    post: async (_url, headers, payload) => {
      const signature = headers['stripe-signature'] ?? ''
      const receivedAt = clock.ms
      const event = Stripe.webhooks.constructEvent(payload, signature, WEBHOOK_SECRET, undefined, undefined, receivedAt)
      hooks.push({ event, payload, signature })
      return endpoint.answers
    },
    ...given,
    ...checks.observers,
  })
  const stripe = new Stripe('sk_test_standin', {
    httpClient: Stripe.createFetchHttpClient(made.fetch),
    maxNetworkRetries: 0,
    telemetry: false,
    ...config,
  })
  return { standIn: made, stripe, clock, hooks, endpoint, violations: checks.violations }
}

/** Observers that fail the test for what is not as Stripe publishes it; none where the published shapes are missing. */
export function shapeChecks(t: TestContext): {
  observers: Pick<StandInOptions, 'onExchange' | 'onEvent'>
  violations: string[]
} {
  const violations: string[] = []
  if (MISSING !== false) return { observers: {}, violations }
  const checker = shapeChecker()
  t.after(() => assert.equal(violations.length, 0, `not as Stripe publishes it:\n  ${violations.join('\n  ')}`))
  return {
    observers: {
      onExchange: (exchange) => void violations.push(...checker.exchange(exchange)),
      onEvent: (event) => void violations.push(...checker.event(event)),
    },
    violations,
  }
}

/** A session for a package of ten dollars. */
export const PACKAGE: Stripe.Checkout.SessionCreateParams = {
  mode: 'payment',
  ui_mode: 'embedded_page',
  return_url: 'https://wallet.test/done?id={CHECKOUT_SESSION_ID}',
  line_items: [{ price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'Basic' } }, quantity: 1 }],
}

/** A package that somebody bought with this card (a ready-made method's name). */
export async function bought(
  { stripe, standIn }: Pick<StripeRig, 'stripe' | 'standIn'>,
  method = 'pm_card_visa',
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
): Promise<{ session: string; intent: string; charge: string }> {
  const { id } = await stripe.checkout.sessions.create({ ...PACKAGE, ...more })
  const { intent } = await standIn.pay(id, { method })
  return { session: id, intent: intent?.id ?? '', charge: String(intent?.latest_charge) }
}

/** A customer with a saved card. */
export async function customerWith(stripe: Stripe, method: string): Promise<{ customer: string; method: string }> {
  const { id: customer } = await stripe.customers.create({ email: 'ann@example.com' })
  const saved = await stripe.paymentMethods.attach(method, { customer })
  return { customer, method: saved.id }
}

/** Cents on the balance of the platform, or of a connected account. */
export async function balanceOf(
  stripe: Stripe,
  stripeAccount?: string,
): Promise<{ available: number; pending: number }> {
  const { available, pending } = await stripe.balance.retrieve({}, stripeAccount === undefined ? {} : { stripeAccount })
  return { available: available[0]?.amount ?? 0, pending: pending[0]?.amount ?? 0 }
}

/** What a call is refused with: status, type, code, decline code, param; `ok` when it is not refused. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error
    const { statusCode, rawType, code, decline_code, param } = error
    return [statusCode, rawType, code, decline_code, param].filter((one) => one !== undefined && one !== null).join(' ')
  }
}

/** The types of the events that were delivered since the last look. */
export function heard(hooks: Hook[]): string[] {
  return hooks.splice(0).map(({ event }) => event.type)
}
