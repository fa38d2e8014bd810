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
