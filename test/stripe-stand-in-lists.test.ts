// The stand-in for Stripe: lists, expansion, metadata, events, and the check of published shapes.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type Stripe from 'stripe'
import { outcome, stripeRig } from './support/stripe.ts'
import { MISSING, shapeChecker } from './support/stripe-shapes.ts'

const DAY_MS = 86_400_000

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
