// The stand-in for Stripe, driven by the real SDK: buying, charging saved cards, refunds, disputes, lists, refusals.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type Stripe from 'stripe'
import { balanceOf, bought, customerWith, heard, outcome, PACKAGE, stripeRig } from './support/stripe.ts'
import { MISSING, shapeChecker } from './support/stripe-shapes.ts'

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

describe('refunds', () => {
  test('never exceed the charge, and keep the fee', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const { intent, charge } = await bought(rig)
    await standIn.deliver()
    heard(hooks)
    await stripe.refunds.create({ payment_intent: intent, amount: 400, metadata: { refund: 'r1' } })
    assert.equal(await outcome(stripe.refunds.create({ charge, amount: 601 })), '400 invalid_request_error amount')
    await stripe.refunds.create({ charge, amount: 600 })
    assert.equal(await outcome(stripe.refunds.create({ charge })), '400 invalid_request_error charge_already_refunded')
    assert.equal(await outcome(stripe.refunds.create({})), '400 invalid_request_error')
    const after = await stripe.charges.retrieve(charge, { expand: ['refunds'] })
    assert.deepEqual([after.amount_refunded, after.refunded, after.refunds?.data.length], [1000, true, 2])
    const { available, pending } = await balanceOf(stripe)
    assert.equal(available + pending, -59)
    await standIn.deliver()
    assert.deepEqual(heard(hooks), ['refund.created', 'charge.refunded', 'refund.created', 'charge.refunded'])
  })

  test('a refund that fails gives its money back once', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const { charge } = await bought(rig, 'pm_card_pendingRefund')
    const { id, status } = await stripe.refunds.create({ charge, amount: 400 })
    assert.equal(status, 'pending')
    await standIn.refundFails(id)
    await assert.rejects(standIn.refundFails(id), /has failed already/)
    const failed = await stripe.refunds.retrieve(id, { expand: ['failure_balance_transaction'] })
    assert.deepEqual([failed.status, failed.failure_reason], ['failed', 'lost_or_stolen_card'])
    assert.equal((failed.failure_balance_transaction as Stripe.BalanceTransaction).amount, 400)
    assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 0)
    await standIn.deliver()
    assert.equal(heard(hooks).filter((type) => type === 'refund.failed').length, 1)
  })

  test('an unpaid payment has nothing to refund', async (t) => {
    const rig = stripeRig(t)
    const { intent } = await bought(rig, 'pm_usBankAccount')
    assert.equal(
      await outcome(rig.stripe.refunds.create({ payment_intent: intent })),
      '400 invalid_request_error payment_intent',
    )
  })
})

describe('disputes', () => {
  test('won: the money comes back, the fee does not; lost: it stays gone', async (t) => {
    for (const [ending, standing] of [
      ['won', 941 - 1500],
      ['lost', 941 - 1000 - 1500],
    ] as const) {
      const rig = stripeRig(t)
      const { stripe, standIn, hooks } = rig
      const { charge } = await bought(rig, 'pm_card_createDispute')
      const [dispute] = (await stripe.disputes.list({ charge })).data
      assert.equal(dispute?.status, 'needs_response')
      assert.equal(await outcome(stripe.refunds.create({ charge })), '400 invalid_request_error charge_disputed')
      await stripe.disputes.update(dispute?.id ?? '', { evidence: { uncategorized_text: 'they used it' } })
      await standIn.closeDispute(dispute?.id ?? '', ending)
      await assert.rejects(standIn.closeDispute(dispute?.id ?? '', 'won'), /closed already/)
      assert.equal(
        await outcome(stripe.disputes.close(dispute?.id ?? '')),
        '400 invalid_request_error dispute_already_closed',
      )
      const { available, pending } = await balanceOf(stripe)
      assert.equal(available + pending, standing)
      await standIn.deliver()
      const tail =
        ending === 'won' ? ['charge.dispute.funds_reinstated', 'charge.dispute.closed'] : ['charge.dispute.closed']
      assert.deepEqual(
        heard(hooks).filter((type) => type.startsWith('charge.dispute.')),
        ['charge.dispute.created', 'charge.dispute.funds_withdrawn', 'charge.dispute.updated', ...tail],
      )
    }
  })

  test('an inquiry moves nothing until it becomes a dispute', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn } = rig
    const { charge } = await bought(rig, 'pm_card_createDisputeInquiry')
    const [inquiry] = (await stripe.disputes.list({ charge })).data
    assert.deepEqual([inquiry?.status, inquiry?.is_charge_refundable], ['warning_needs_response', true])
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 941 })
    await assert.rejects(standIn.closeDispute(inquiry?.id ?? '', 'lost'), /cannot end as lost/)
    await standIn.escalate(inquiry?.id ?? '')
    assert.deepEqual(await balanceOf(stripe), { available: -2500, pending: 941 })
  })

  test('a warning of fraud comes by itself, and is no dispute', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const { charge } = await bought(rig, 'pm_card_createIssuerFraudRecord')
    const { data } = await stripe.radar.earlyFraudWarnings.list({ charge })
    assert.deepEqual(
      data.map(({ actionable }) => actionable),
      [true],
    )
    assert.equal((await stripe.charges.retrieve(charge)).disputed, false)
    await standIn.deliver()
    assert.ok(heard(hooks).includes('radar.early_fraud_warning.created'))
  })
})

describe('the balance', () => {
  test('becomes available by the clock; its transactions add up to it', async (t) => {
    const rig = stripeRig(t)
    const { stripe, clock } = rig
    const { charge } = await bought(rig)
    await bought(rig, 'pm_card_bypassPending')
    await stripe.refunds.create({ charge, amount: 300 })
    assert.deepEqual(await balanceOf(stripe), { available: 641, pending: 941 })
    clock.ms += 2 * DAY_MS
    assert.deepEqual(await balanceOf(stripe), { available: 1582, pending: 0 })
    const all = await stripe.balanceTransactions.list({ limit: 100 }).autoPagingToArray({ limit: 1000 })
    assert.equal(
      all.reduce((sum, { net }) => sum + net, 0),
      1582,
    )
    assert.deepEqual([...new Set(all.map(({ status }) => status))], ['available'])
  })

  test('a charge may be booked later, with charge.updated', async (t) => {
    const rig = stripeRig(t, { settings: { balanceTransactions: 'later' } })
    const { stripe, standIn, hooks } = rig
    const { charge } = await bought(rig)
    assert.equal((await stripe.charges.retrieve(charge)).balance_transaction, null)
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 0 })
    await standIn.book(charge)
    await standIn.book(charge)
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 941 })
    await standIn.deliver()
    assert.equal(heard(hooks).filter((type) => type === 'charge.updated').length, 1)
  })
})

describe('lists', () => {
  test('page through everything once, in both directions, and filter by time', async (t) => {
    const { stripe, clock } = stripeRig(t)
    const made: string[] = []
    for (let i = 0; i < 25; i++) {
      made.unshift((await stripe.customers.create({ name: `c${i}` })).id)
      clock.ms += 1000
    }
    const all = await stripe.customers.list({ limit: 7 }).autoPagingToArray({ limit: 100 })
    assert.deepEqual(
      all.map(({ id }) => id),
      made,
    )
    const first = await stripe.customers.list()
    assert.deepEqual([first.data.length, first.has_more], [10, true])
    const before = await stripe.customers.list({ ending_before: made[20] ?? '', limit: 5 })
    assert.deepEqual(
      before.data.map(({ id }) => id),
      made.slice(15, 20),
    )
    assert.equal(before.has_more, true)
    const { created = 0 } = all[20] ?? {}
    const late = await stripe.customers.list({ created: { gt: created }, limit: 100 })
    assert.equal(late.data.length, 20)
    assert.equal((await stripe.customers.list({ created: { gte: created, lte: created } })).data.length, 1)
  })

  const wrong: [string, Stripe.CustomerListParams, string][] = [
    ['nothing', { limit: 0 }, '400 invalid_request_error limit'],
    ['too many', { limit: 101 }, '400 invalid_request_error limit'],
    [
      'a place that is not there',
      { starting_after: 'cus_nobody' },
      '400 invalid_request_error resource_missing starting_after',
    ],
    [
      'both ends',
      { starting_after: 'a', ending_before: 'b' },
      '400 invalid_request_error resource_missing starting_after',
    ],
    ['an expansion that leads nowhere', { expand: ['data.colour'] }, '400 invalid_request_error expand'],
  ]
  for (const [name, given, expected] of wrong) {
    test(`refuse ${name}`, async (t) => {
      const { stripe } = stripeRig(t)
      await stripe.customers.create({})
      assert.equal(await outcome(stripe.customers.list(given)), expected)
    })
  }
})

describe('customers and events', () => {
  test('metadata is merged, and a deleted customer cannot be named again', async (t) => {
    const { stripe } = stripeRig(t)
    const { id } = await stripe.customers.create({ metadata: { a: '1', b: '2' } })
    const { metadata } = await stripe.customers.update(id, { metadata: { b: '', c: '3' } })
    assert.deepEqual(metadata, { a: '1', c: '3' })
    assert.equal((await stripe.customers.del(id)).deleted, true)
    assert.equal((await stripe.customers.retrieve(id)).deleted, true)
    assert.equal(
      await outcome(stripe.customers.update(id, { name: 'x' })),
      '404 invalid_request_error resource_missing id',
    )
    assert.equal(
      await outcome(stripe.customers.retrieve('cus_nobody')),
      '404 invalid_request_error resource_missing id',
    )
  })

  test('events are listed for thirty days, with the request that caused them', async (t) => {
    const { stripe, clock } = stripeRig(t)
    const { lastResponse } = await stripe.customers.create({}, { idempotencyKey: 'k1' })
    const [event] = (await stripe.events.list({ types: ['customer.created'] })).data
    assert.deepEqual(event?.request, { id: lastResponse.requestId, idempotency_key: 'k1' })
    assert.equal((await stripe.events.list({ type: 'charge.*' })).data.length, 0)
    clock.ms += 30 * DAY_MS
    assert.equal((await stripe.events.list()).data.length, 0)
    assert.equal(
      await outcome(stripe.events.retrieve(event?.id ?? '')),
      '404 invalid_request_error resource_missing id',
    )
  })
})

describe('published shapes', { skip: MISSING }, () => {
  const planted: [string, (customer: Record<string, unknown>) => void, string][] = [
    ['a broken cent', (one) => void (one.balance = 1.5), '/balance must be integer'],
    ['a missing field', (one) => void delete one.shipping, "/ must have required property 'shipping'"],
    ['a field nobody knows', (one) => void (one.colour = 'red'), '/ must NOT have additional properties: colour'],
    [
      'a value nobody knows',
      (one) => void (one.tax_exempt = 'maybe'),
      '/tax_exempt must be equal to one of the allowed values: exempt, none, reverse',
    ],
  ]
  for (const [name, plant, found] of planted) {
    test(`find ${name} where it is planted`, async (t) => {
      const { stripe } = stripeRig(t)
      const customer = JSON.parse(JSON.stringify(await stripe.customers.create({ email: 'ann@example.com' })))
      const path = `/v1/customers/${customer.id}`
      const exchange = { method: 'GET', path, route: null, params: {}, status: 200, replayed: false }
      assert.deepEqual(shapeChecker().exchange({ ...exchange, body: customer }), [])
      plant(customer)
      assert.deepEqual(shapeChecker().exchange({ ...exchange, body: customer }), [`answer to GET ${path}: ${found}`])
    })
  }

  test('find a request that Stripe would not take, and a route that it does not have', async () => {
    const answered = {
      route: null,
      status: 200,
      replayed: false,
      body: { object: 'balance', available: [], livemode: false, pending: [] },
    }
    const checker = shapeChecker()
    assert.deepEqual(checker.exchange({ ...answered, method: 'GET', path: '/v1/balance', params: { colour: 'red' } }), [
      'request GET /v1/balance: / must NOT have additional properties: colour',
    ])
    assert.deepEqual(checker.exchange({ ...answered, method: 'GET', path: '/v1/purses', params: {} }), [
      'GET /v1/purses was answered, but Stripe has no such route',
    ])
  })
})
