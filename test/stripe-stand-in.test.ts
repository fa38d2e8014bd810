// The stand-in for Stripe, driven by the real SDK.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type Stripe from 'stripe'
import type { StripeRig } from './support/stripe.ts'
import { stripeRig } from './support/stripe.ts'
import { MISSING, shapeChecker } from './support/stripe-shapes.ts'

const PACKAGE: Stripe.Checkout.SessionCreateParams = {
  mode: 'payment',
  ui_mode: 'embedded_page',
  return_url: 'https://wallet.test/done?id={CHECKOUT_SESSION_ID}',
  line_items: [{ price_data: { currency: 'usd', unit_amount: 1000, product_data: { name: 'Basic' } }, quantity: 1 }],
}

async function bought({ stripe, standIn }: StripeRig, more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const { id } = await stripe.checkout.sessions.create({ ...PACKAGE, ...more })
  const { intent } = await standIn.pay(id)
  return { session: id, intent: intent?.id ?? '', charge: String(intent?.latest_charge) }
}

describe('checkout', () => {
  test('a declined card leaves the session open; the next one pays; all of it is told once, signed', async (t) => {
    const { stripe, standIn, hooks } = stripeRig(t)
    const { id } = await stripe.checkout.sessions.create({ ...PACKAGE, client_reference_id: 'topup-1' })
    const declined = await standIn.decline(id, 'insufficient_funds')
    assert.equal(declined.error?.decline_code, 'insufficient_funds')
    assert.equal((await stripe.checkout.sessions.retrieve(id)).status, 'open')
    await standIn.pay(id)
    const paid = await stripe.checkout.sessions.retrieve(id, {
      expand: ['payment_intent.latest_charge.balance_transaction', 'line_items'],
    })
    assert.deepEqual([paid.status, paid.payment_status, paid.amount_total], ['complete', 'paid', 1000])
    const again = await standIn.pay(id)
    assert.match(again.error?.message ?? '', /complete: it can no longer be paid/)
    await standIn.deliver()
    await standIn.deliver()
    assert.deepEqual(
      hooks.map(({ event }) => event.type),
      [
        'payment_intent.created',
        'charge.failed',
        'payment_intent.payment_failed',
        'charge.succeeded',
        'payment_intent.succeeded',
        'charge.updated',
        'checkout.session.completed',
      ],
    )
  })
})

describe('refunds', () => {
  test('never exceed the charge', async (t) => {
    const rig = stripeRig(t)
    const { intent, charge } = await bought(rig)
    const { stripe } = rig
    await stripe.refunds.create({ payment_intent: intent, amount: 400 })
    await assert.rejects(
      stripe.refunds.create({ charge, amount: 601 }),
      /greater than unrefunded amount on charge \(\$6\.00\)/,
    )
    await stripe.refunds.create({ charge, amount: 600 })
    await assert.rejects(stripe.refunds.create({ charge }), { code: 'charge_already_refunded', statusCode: 400 })
    assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 1000)
  })
})

describe('published shapes', { skip: MISSING }, () => {
  test('a violation that is planted is found, and the sentence says where', async (t) => {
    const { stripe } = stripeRig(t)
    const customer = JSON.parse(JSON.stringify(await stripe.customers.create({ email: 'ann@example.com' })))
    const checker = shapeChecker()
    const exchange = {
      method: 'GET',
      path: `/v1/customers/${customer.id}`,
      route: null,
      params: {},
      status: 200,
      replayed: false,
    }
    assert.deepEqual(checker.exchange({ ...exchange, body: customer }), [])
    const found = checker.exchange({ ...exchange, body: { ...customer, created: 1.5 } })
    assert.deepEqual(found, [`answer to GET /v1/customers/${customer.id}: /created must be integer`])
  })
})
