// Long lists of the provider: after a day of silence there may be more events than anybody expected.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripePayments } from '../../server/payments/stripe.ts'

const COUNT = 10_250
const AT = Date.parse('2026-11-23T12:00:00Z') / 1000

/** Lists of so many objects, newest first, a page at a time, as Stripe answers them. */
const lists = (of: (n: number) => object): typeof fetch => {
  return async (input) => {
    const { searchParams } = new URL(String(input instanceof Request ? input.url : input))
    const after = searchParams.get('starting_after')
    const limit = Number(searchParams.get('limit'))
    const first = after === null ? COUNT : Number(after.slice(after.lastIndexOf('_') + 1)) - 1
    const data = Array.from({ length: Math.min(limit, first) }, (_, i) => of(first - i))
    const body = { object: 'list', url: '/', data, has_more: first > limit }
    return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
  }
}

const port = (of: (n: number) => object) =>
  stripePayments({
    mode: 'test',
    secretKey: 'sk_test_x',
    publishableKey: null,
    webhookSecret: null,
    apiBase: null,
    fetch: lists(of),
  })

test('every event since the mark is read, the oldest first, however many there are', async () => {
  const event = (n: number) => ({ id: `evt_${n}`, object: 'event', type: 'x', created: AT + n, data: { object: {} } })
  const events = await port(event).events(AT * 1000)
  assert.deepEqual([events.length, events[0]?.id, events.at(-1)?.id], [COUNT, 'evt_1', `evt_${COUNT}`])
})

test('so is every line of the balance', async () => {
  const line = (n: number) => ({ id: `txn_${n}`, object: 'balance_transaction', created: AT + n, currency: 'usd' })
  const lines = await port(line).transactions(0, AT * 2000)
  assert.deepEqual([lines.length, lines[0]?.id, lines.at(-1)?.id], [COUNT, 'txn_1', `txn_${COUNT}`])
})
