// The stand-in for Stripe, driven by the real SDK: buying, and charging saved cards.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type Stripe from 'stripe'
import { balanceOf, bought, customerWith, heard, outcome, PACKAGE, stripeRig } from './support/stripe.ts'

const DAY_MS = 86_400_000

describe('checkout', () => {
  test('a declined card leaves the session open; the next one pays; all of it is told once', async (t) => {
    const { stripe, standIn, hooks } = stripeRig(t)
    const { id } = await stripe.checkout.sessions.create({ ...PACKAGE, client_reference_id: 'topup-1' })
    const declined = await standIn.decline(id, 'insufficient_funds')
    assert.equal(declined.error?.decline_code, 'insufficient_funds')
    assert.equal((await stripe.checkout.sessions.retrieve(id)).status, 'open')
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 0 })
    await standIn.pay(id)
    const expand = ['payment_intent.latest_charge.balance_transaction', 'line_items']
    const paid = await stripe.checkout.sessions.retrieve(id, { expand })
    assert.deepEqual([paid.status, paid.payment_status, paid.amount_total], ['complete', 'paid', 1000])
    assert.equal(paid.line_items?.data[0]?.amount_total, 1000)
    const intent = paid.payment_intent as Stripe.PaymentIntent
    const { balance_transaction: booked } = intent.latest_charge as Stripe.Charge
    const { amount, fee, net } = booked as Stripe.BalanceTransaction
    assert.deepEqual({ amount, fee, net }, { amount: 1000, fee: 59, net: 941 })
    const again = await standIn.pay(id)
    assert.match(again.error?.message ?? '', /complete: it can no longer be paid/)
    await standIn.deliver()
    await standIn.deliver()
    assert.deepEqual(heard(hooks), [
      'payment_intent.created',
      'charge.failed',
      'payment_intent.payment_failed',
      'charge.succeeded',
      'payment_intent.succeeded',
      'charge.updated',
      'checkout.session.completed',
    ])
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 941 })
  })

  test('a delayed method completes unpaid; the money comes, or does not, later and once', async (t) => {
    for (const [ends, status, event, standing] of [
      ['settle', 'paid', 'checkout.session.async_payment_succeeded', 941],
      ['fail', 'unpaid', 'checkout.session.async_payment_failed', 0],
    ] as const) {
      const { stripe, standIn, hooks } = stripeRig(t)
      const { id } = await stripe.checkout.sessions.create(PACKAGE)
      const { session, intent } = await standIn.pay(id, { method: 'pm_usBankAccount' })
      assert.deepEqual([session.status, session.payment_status, intent?.status], ['complete', 'unpaid', 'processing'])
      assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 0 })
      await standIn[ends](intent?.id ?? '')
      await assert.rejects(standIn[ends](intent?.id ?? ''), /waits for nothing/)
      assert.equal((await stripe.checkout.sessions.retrieve(id)).payment_status, status)
      assert.deepEqual(await balanceOf(stripe), { available: 0, pending: standing })
      await standIn.deliver()
      assert.equal(heard(hooks).filter((type) => type === event).length, 1)
    }
  })

  test('a bank that asks: refused, then answered', async (t) => {
    const { stripe, standIn } = stripeRig(t)
    const { id } = await stripe.checkout.sessions.create(PACKAGE)
    const first = await standIn.pay(id, { method: 'pm_card_authenticationRequired' })
    assert.deepEqual([first.session.status, first.intent?.status], ['open', 'requires_action'])
    const failed = await standIn.authenticate(first.intent?.id ?? '', false)
    assert.equal(failed.error?.code, 'payment_intent_authentication_failure')
    const second = await standIn.pay(id, { method: 'pm_card_authenticationRequired' })
    assert.equal(second.intent?.id, first.intent?.id)
    await standIn.authenticate(second.intent?.id ?? '')
    assert.equal((await stripe.checkout.sessions.retrieve(id)).payment_status, 'paid')
  })

  test('a session expires once: by request, by the clock, and never after it was paid', async (t) => {
    const { stripe, standIn, clock, hooks } = stripeRig(t)
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => stripe.checkout.sessions.create(PACKAGE)))
    await stripe.checkout.sessions.expire(a?.id ?? '')
    assert.equal(await outcome(stripe.checkout.sessions.expire(a?.id ?? '')), '400 invalid_request_error')
    await standIn.pay(c?.id ?? '')
    clock.ms += DAY_MS
    assert.equal((await stripe.checkout.sessions.retrieve(b?.id ?? '')).status, 'expired')
    assert.match((await standIn.pay(b?.id ?? '')).error?.message ?? '', /expired/)
    await standIn.tick()
    await standIn.tick()
    const types = heard(hooks)
    assert.equal(types.filter((type) => type === 'checkout.session.expired').length, 2)
    assert.equal((await stripe.checkout.sessions.retrieve(c?.id ?? '')).status, 'complete')
  })

  test('with a session ends what an attempt left of it', async (t) => {
    for (const ends of ['by request', 'by the clock']) {
      const { stripe, standIn, clock } = stripeRig(t)
      const { id } = await stripe.checkout.sessions.create(PACKAGE)
      const { intent } = await standIn.pay(id, { method: 'pm_card_authenticationRequired' })
      assert.equal(await outcome(stripe.paymentIntents.cancel(intent?.id ?? '')), '400 invalid_request_error')
      if (ends === 'by request') await stripe.checkout.sessions.expire(id)
      else clock.ms += DAY_MS
      await assert.rejects(standIn.authenticate(intent?.id ?? ''), /has expired/)
      await standIn.tick()
      const { status, cancellation_reason } = await stripe.paymentIntents.retrieve(intent?.id ?? '')
      assert.deepEqual([status, cancellation_reason], ['canceled', 'expired'])
      assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 0 })
    }
  })

  test('the card of a buyer who agreed is saved for a customer, and charged later', async (t) => {
    const rig = stripeRig(t)
    const { stripe } = rig
    const { session } = await bought(rig, 'pm_card_authenticationRequiredOnSetup')
    assert.equal((await stripe.checkout.sessions.retrieve(session)).status, 'open')
    const intentData = { setup_future_usage: 'off_session' as const }
    const { session: kept } = await bought(rig, 'pm_card_visa', {
      customer_creation: 'always',
      payment_intent_data: intentData,
    })
    const { customer } = await stripe.checkout.sessions.retrieve(kept)
    const { data } = await stripe.customers.listPaymentMethods(String(customer))
    assert.deepEqual(
      data.map(({ card }) => card?.last4),
      ['4242'],
    )
  })

  const wrong: [string, Partial<Stripe.Checkout.SessionCreateParams> & Record<string, unknown>, string][] = [
    ['an unknown name', { colour: 'red' }, '400 invalid_request_error parameter_unknown colour'],
    ['no line items', { line_items: undefined as never }, '400 invalid_request_error parameter_missing line_items'],
    [
      'a fraction of a cent',
      price({ unit_amount: 0.5 }),
      '400 invalid_request_error parameter_invalid_integer line_items[0][price_data][unit_amount]',
    ],
    [
      'nothing',
      price({ unit_amount: 0 }),
      '400 invalid_request_error parameter_invalid_integer line_items[0][price_data][unit_amount]',
    ],
    ['too little', price({ unit_amount: 49 }), '400 invalid_request_error amount_too_small amount'],
    ['too much', price({ unit_amount: 100_000_000 }), '400 invalid_request_error amount_too_large amount'],
    ['another currency', price({ currency: 'eur' }), '400 invalid_request_error currency'],
    ['no way back', { return_url: undefined as never }, '400 invalid_request_error parameter_missing return_url'],
    ['a success page when embedded', { success_url: 'https://a.test/' }, '400 invalid_request_error success_url'],
    ['an unknown mode', { mode: 'gift' as never }, '400 invalid_request_error mode'],
    ['a customer who is not there', { customer: 'cus_nobody' }, '400 invalid_request_error resource_missing customer'],
    ['an end too soon', { expires_at: Date.UTC(2026, 10, 1, 12, 1) / 1000 }, '400 invalid_request_error expires_at'],
  ]
  for (const [name, change, expected] of wrong) {
    test(`refuses ${name}, and nothing is there afterwards`, async (t) => {
      const { stripe, standIn, hooks } = stripeRig(t)
      assert.equal(await outcome(stripe.checkout.sessions.create({ ...PACKAGE, ...change })), expected)
      assert.equal((await stripe.checkout.sessions.list()).data.length, 0)
      await standIn.deliver()
      assert.equal(hooks.length, 0)
    })
  }

  function price(change: Partial<Stripe.Checkout.SessionCreateParams.LineItem.PriceData>) {
    const price_data = { currency: 'usd', unit_amount: 1000, product_data: { name: 'Basic' }, ...change }
    return { line_items: [{ price_data, quantity: 1 }] }
  }
})

describe('a saved card, charged without its person', () => {
  const cards: [string, string, string][] = [
    ['pm_card_visa', 'ok', 'succeeded'],
    ['pm_card_chargeCustomerFail', '402 card_error card_declined generic_decline', 'requires_payment_method'],
    [
      'pm_card_authenticationRequired',
      '402 card_error authentication_required authentication_required',
      'requires_payment_method',
    ],
  ]
  for (const [card, expected, status] of cards) {
    test(`${card}: ${expected}`, async (t) => {
      const { stripe } = stripeRig(t)
      const { customer, method } = await customerWith(stripe, card)
      const charged = stripe.paymentIntents.create({
        amount: 1000,
        currency: 'usd',
        customer,
        payment_method: method,
        off_session: true,
        confirm: true,
        metadata: { topup: 't1' },
      })
      assert.equal(await outcome(charged), expected)
      const { data } = await stripe.paymentIntents.list({ customer })
      assert.deepEqual(
        data.map((one) => [one.status, one.metadata.topup]),
        [[status, 't1']],
      )
      const { available, pending } = await balanceOf(stripe)
      assert.equal(available + pending, expected === 'ok' ? 941 : 0)
    })
  }

  test('refuses a card of somebody else, one that was taken off, one that is not there, and a second time', async (t) => {
    const { stripe } = stripeRig(t)
    const ann = await customerWith(stripe, 'pm_card_visa')
    const bob = await customerWith(stripe, 'pm_card_mastercard')
    const charge = (customer: string, payment_method: string) =>
      stripe.paymentIntents.create({
        amount: 1000,
        currency: 'usd',
        customer,
        payment_method,
        off_session: true,
        confirm: true,
      })
    assert.equal(await outcome(charge(ann.customer, bob.method)), '400 invalid_request_error payment_method')
    assert.equal(
      await outcome(charge(ann.customer, 'pm_nothing')),
      '400 invalid_request_error resource_missing payment_method',
    )
    await stripe.paymentMethods.detach(bob.method)
    assert.equal(await outcome(charge(bob.customer, bob.method)), '400 invalid_request_error')
    assert.equal((await stripe.paymentIntents.list()).data.length, 0)
    const { id } = await charge(ann.customer, ann.method)
    assert.equal(
      await outcome(stripe.paymentIntents.confirm(id)),
      '400 invalid_request_error payment_intent_unexpected_state',
    )
    assert.equal(
      await outcome(stripe.paymentIntents.cancel(id)),
      '400 invalid_request_error payment_intent_unexpected_state',
    )
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 941 })
  })

  test('an intent that asks can be canceled; then nothing moves', async (t) => {
    const { stripe, standIn } = stripeRig(t)
    const { id, next_action } = await stripe.paymentIntents.create({
      amount: 1000,
      currency: 'usd',
      payment_method: 'pm_card_authenticationRequired',
      confirm: true,
      return_url: 'https://wallet.test/back',
    })
    assert.equal(next_action?.redirect_to_url?.return_url, 'https://wallet.test/back')
    assert.equal((await stripe.paymentIntents.cancel(id)).status, 'canceled')
    await assert.rejects(standIn.authenticate(id), /asks for nothing/)
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 0 })
  })
})
