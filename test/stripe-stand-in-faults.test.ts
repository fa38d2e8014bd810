// The stand-in for Stripe: idempotency keys, faults on the way, and how the SDK lives with them.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Stripe from 'stripe'
import { standIn as makeStandIn } from '../server/payments/stand-in/stand-in.ts'
import { memoryStore } from '../server/payments/stand-in/store.ts'
import { balanceOf, bought, outcome, PACKAGE, type StripeRig, shapeChecks, stripeRig } from './support/stripe.ts'

const HOUR_MS = 3_600_000
const KEY = { idempotencyKey: 'key-1' }
const TOPUP = { amount: 1000, currency: 'usd', payment_method: 'pm_card_visa', confirm: true } as const

/** How many customers there are: what a request did that ought to have happened once or not at all. */
async function customers({ stripe }: StripeRig): Promise<number> {
  return (await stripe.customers.list({ limit: 100 })).data.length
}

/** A header of an answer, whichever client brought it. */
function header({ lastResponse }: { lastResponse: { headers: unknown } }, name: string): string {
  const { headers } = lastResponse
  const value = headers instanceof Headers ? headers.get(name) : (headers as Record<string, string>)[name]
  return value ?? 'none'
}

const create = ({ stripe }: StripeRig, name = 'ann', options: Stripe.RequestOptions = KEY) =>
  stripe.customers.create({ name }, options)

describe('an idempotency key', () => {
  type Row = { name: string; act: (rig: StripeRig) => Promise<string[]>; says: string[]; did: number }
  const rows: Row[] = [
    {
      name: 'is answered from memory the second time',
      act: async (rig) => {
        const first = await create(rig)
        const second = await create(rig)
        const { requestId } = first.lastResponse
        const isOwn = second.lastResponse.requestId !== requestId && header(second, 'original-request') === requestId
        return [String(first.id === second.id), header(second, 'idempotent-replayed'), String(isOwn)]
      },
      says: ['true', 'true', 'true'],
      did: 1,
    },
    {
      name: 'means one content',
      act: async (rig) => [await outcome(create(rig)), await outcome(create(rig, 'bob'))],
      says: ['ok', '400 idempotency_error'],
      did: 1,
    },
    {
      name: 'means one route, also where the content is the same',
      act: async (rig) => {
        const { id } = await create(rig)
        return [await outcome(rig.stripe.customers.update(id, { name: 'ann' }, KEY))]
      },
      says: ['400 idempotency_error'],
      did: 1,
    },
    {
      name: 'counts for a day',
      act: async (rig) => {
        const first = await create(rig)
        rig.clock.ms += 24 * HOUR_MS - 1000
        const replayed = await create(rig)
        rig.clock.ms += 1000
        const fresh = await create(rig)
        return [String(first.id === replayed.id), String(first.id === fresh.id)]
      },
      says: ['true', 'false'],
      did: 2,
    },
    {
      name: 'may be 255 characters long',
      act: async (rig) => [
        await outcome(create(rig, 'ann', { idempotencyKey: 'k'.repeat(255) })),
        await outcome(create(rig, 'ann', { idempotencyKey: 'k'.repeat(256) })),
      ],
      says: ['ok', '400 idempotency_error'],
      did: 1,
    },
    {
      name: 'is not used up by parameters that cannot be',
      act: async (rig) => [
        await outcome(rig.stripe.customers.create({ colour: 'red' } as never, KEY)),
        await outcome(create(rig)),
      ],
      says: ['400 invalid_request_error parameter_unknown colour', 'ok'],
      did: 1,
    },
    {
      name: 'is not used up by parameters that do not go together',
      act: async (rig) => {
        const { return_url: _, ...without } = PACKAGE
        return [
          await outcome(rig.stripe.checkout.sessions.create(without, KEY)),
          await outcome(rig.stripe.checkout.sessions.create(PACKAGE, KEY)),
        ]
      },
      says: ['400 invalid_request_error parameter_missing return_url', 'ok'],
      did: 0,
    },
    {
      name: 'is not used up by a rate limit',
      act: async (rig) => {
        rig.standIn.faults.requests([{ at: 'edge', ends: 429 }])
        return [await outcome(create(rig)), await outcome(create(rig))]
      },
      says: ['429 invalid_request_error rate_limit', 'ok'],
      did: 1,
    },
    {
      name: 'keeps a 500 that came before the effect: the same key never does it, another one does',
      act: async (rig) => {
        rig.standIn.faults.requests([{ at: 'before', ends: 500 }])
        const said = [await outcome(create(rig)), await outcome(create(rig))]
        return [...said, await outcome(create(rig, 'ann', { idempotencyKey: 'key-2' }))]
      },
      says: ['500 api_error', '500 api_error', 'ok'],
      did: 1,
    },
    {
      name: 'keeps a 500 that came after the effect',
      act: async (rig) => {
        rig.standIn.faults.requests([{ at: 'after', ends: 500 }])
        return [await outcome(create(rig)), await outcome(create(rig))]
      },
      says: ['500 api_error', '500 api_error'],
      did: 1,
    },
    {
      name: 'finds the true answer when the connection broke after the effect',
      act: async (rig) => {
        rig.standIn.faults.requests([{ at: 'after', ends: 'reset' }])
        const said = [await outcome(create(rig))]
        return [...said, header(await create(rig), 'idempotent-replayed')]
      },
      says: ['', 'true'],
      did: 1,
    },
    {
      name: 'is fresh when the connection broke before',
      act: async (rig) => {
        rig.standIn.faults.requests([
          { at: 'edge', ends: 'reset' },
          { at: 'before', ends: 'reset' },
        ])
        const said = [await outcome(create(rig)), await outcome(create(rig))]
        return [...said, header(await create(rig), 'idempotent-replayed')]
      },
      says: ['', '', 'none'],
      did: 1,
    },
    {
      name: 'is refused while its request is being executed',
      act: async (rig) => {
        const gate = Promise.withResolvers<void>()
        const begun = Promise.withResolvers<void>()
        const wait = () => {
          begun.resolve()
          return gate.promise
        }
        rig.standIn.faults.requests([{ at: 'before', wait }])
        const slow = create(rig)
        await begun.promise
        const meanwhile = await outcome(create(rig))
        gate.resolve()
        const { id } = await slow
        return [meanwhile, String((await create(rig)).id === id)]
      },
      says: ['409 idempotency_error idempotency_key_in_use', 'true'],
      did: 1,
    },
    {
      name: 'is nothing to a request that only reads',
      act: async (rig) => {
        const { id } = await create(rig, 'ann', {})
        await rig.stripe.customers.retrieve(id, {}, KEY)
        return [await outcome(create(rig))]
      },
      says: ['ok'],
      did: 2,
    },
  ]
  for (const { name, act, says, did } of rows) {
    test(name, async (t) => {
      const rig = stripeRig(t)
      assert.deepEqual(await act(rig), says)
      assert.equal(await customers(rig), did)
      assert.equal(rig.standIn.faults.left(), 0)
    })
  }

  test('keeps a declined card as declined: one failed charge, however often it is asked', async (t) => {
    const { stripe } = stripeRig(t)
    const declined = { ...TOPUP, payment_method: 'pm_card_chargeDeclined' }
    const said = [
      await outcome(stripe.paymentIntents.create(declined, KEY)),
      await outcome(stripe.paymentIntents.create(declined, KEY)),
    ]
    assert.deepEqual(said, Array(2).fill('402 card_error card_declined generic_decline'))
    assert.equal((await stripe.charges.list()).data.length, 1)
  })

  test('keeps a refusal for lack of funds, also when there are funds later; another key moves them once', async (t) => {
    const { stripe, standIn } = stripeRig(t)
    const { id: destination } = await stripe.accounts.create({
      type: 'express',
      capabilities: { transfers: { requested: true } },
    })
    await standIn.completeOnboarding(destination)
    const send = (idempotencyKey: string) =>
      stripe.transfers.create({ amount: 900, currency: 'usd', destination }, { idempotencyKey })
    assert.equal(await outcome(send('p1:1')), '400 invalid_request_error balance_insufficient')
    await standIn.fund(2000)
    assert.equal(await outcome(send('p1:1')), '400 invalid_request_error balance_insufficient')
    assert.equal((await send('p1:2')).id, (await send('p1:2')).id)
    assert.deepEqual(await balanceOf(stripe), { available: 1100, pending: 0 })
  })

  test('of one account is nothing to another', async (t) => {
    const { stripe } = stripeRig(t)
    const { id: stripeAccount } = await stripe.accounts.create({ type: 'express' })
    const own = await stripe.customers.create({}, KEY)
    const theirs = await stripe.customers.create({}, { ...KEY, stripeAccount })
    assert.notEqual(own.id, theirs.id)
    assert.equal(await outcome(stripe.customers.retrieve(theirs.id)), '404 invalid_request_error resource_missing id')
  })
})

describe('a request', () => {
  const refusals: [string, Stripe.StripeConfig & { key?: string }, string][] = [
    ['without a test key', { key: 'sk_live_1' }, '401 invalid_request_error'],
    ['in another version of the API', { apiVersion: '2020-08-27' as never }, '400 invalid_request_error'],
  ]
  for (const [name, { key = 'sk_test_1', ...config }, expected] of refusals) {
    test(`${name} is refused`, async (t) => {
      const { standIn } = stripeRig(t)
      const stripe = new Stripe(key, {
        httpClient: Stripe.createFetchHttpClient(standIn.fetch),
        maxNetworkRetries: 0,
        ...config,
      })
      assert.equal(await outcome(stripe.balance.retrieve()), expected)
    })
  }
  test('to an address that Stripe does not have is refused', async (t) => {
    const { stripe } = stripeRig(t)
    assert.equal(await outcome(stripe.rawRequest('GET', '/v1/purses')), '404 invalid_request_error')
  })
  test('with another key than the chosen one is refused', async (t) => {
    const { stripe } = stripeRig(t, { secretKey: 'sk_test_other' })
    assert.equal(await outcome(stripe.balance.retrieve()), '401 invalid_request_error')
  })
  test('meets the fault that was planned for it, and no other does', async (t) => {
    const rig = stripeRig(t)
    rig.standIn.faults.requests([
      { method: 'POST', path: /^\/v1\/customers$/, skip: 1, times: 2, at: 'edge', ends: 503 },
    ])
    const said = []
    for (let i = 0; i < 4; i++) said.push(await outcome(create(rig, 'ann', {})))
    assert.deepEqual(said, ['ok', '503 api_error', '503 api_error', 'ok'])
    assert.equal(await customers(rig), 2)
  })
})

describe('over a socket, with the SDK’s own client', () => {
  async function overSocket(t: Parameters<typeof shapeChecks>[0], config: Stripe.StripeConfig = {}) {
    const made = makeStandIn({ now: Date.now, ...shapeChecks(t).observers })
    const { host, port, close } = await made.listen()
    t.after(close)
    const stripe = new Stripe('sk_test_1', {
      host,
      port,
      protocol: 'http',
      telemetry: false,
      maxNetworkRetries: 0,
      ...config,
    })
    return { standIn: made, stripe }
  }

  test('a connection that is cut after the effect is tried again by the SDK, and nothing is done twice', async (t) => {
    const { stripe, standIn } = await overSocket(t)
    standIn.faults.requests([{ at: 'after', ends: 'reset' }])
    const intent = await stripe.paymentIntents.create(TOPUP)
    assert.equal(header(intent, 'idempotent-replayed'), 'true')
    assert.equal((await stripe.charges.list()).data.length, 1)
    assert.equal(standIn.faults.left(), 0)
  })

  test('an answer that never comes is a time-out, and the effect is there to be found', async (t) => {
    const { stripe, standIn } = await overSocket(t)
    standIn.faults.requests([{ at: 'after', ends: 'hang' }])
    const { id: customer } = await stripe.customers.create({}, { timeout: 300 }).catch(() => ({ id: '' }))
    assert.equal(customer, '')
    assert.equal((await stripe.customers.list()).data.length, 1)
  })

  test('two connections that ask for the same at once: one does it', async (t) => {
    const { stripe } = await overSocket(t)
    const said = await Promise.all([1, 2, 3, 4].map(() => outcome(stripe.paymentIntents.create(TOPUP, KEY))))
    assert.ok(
      said.every((one) => one === 'ok' || one === '409 idempotency_error idempotency_key_in_use'),
      said.join(),
    )
    assert.ok(said.includes('ok'))
    assert.equal((await stripe.charges.list()).data.length, 1)
  })
})

describe('webhooks', () => {
  const types = ({ hooks }: StripeRig) => hooks.map(({ event }) => event.type)

  test('are signed, and a changed word breaks the signature', async (t) => {
    const rig = stripeRig(t)
    await create(rig)
    await rig.standIn.deliver()
    const [{ payload, signature } = { payload: '', signature: '' }] = rig.hooks
    const verify = (body: string, secret = 'whsec_test_secret', receivedAt = rig.clock.ms) =>
      Stripe.webhooks.constructEvent(body, signature, secret, undefined, undefined, receivedAt)
    assert.equal(verify(payload).type, 'customer.created')
    assert.throws(() => verify(payload.replace('ann', 'bob')), Stripe.errors.StripeSignatureVerificationError)
    assert.throws(() => verify(payload, 'whsec_other'), Stripe.errors.StripeSignatureVerificationError)
    assert.throws(
      () => verify(payload, undefined, rig.clock.ms + 301_000),
      Stripe.errors.StripeSignatureVerificationError,
    )
  })

  test('that are not taken come again for three days, each time with a signature of that moment', async (t) => {
    const rig = stripeRig(t)
    const { standIn, clock, hooks, endpoint, stripe } = rig
    endpoint.answers = 500
    await create(rig)
    const began = clock.ms
    for (; clock.ms < began + 80 * HOUR_MS; clock.ms += HOUR_MS / 2) await standIn.tick()
    assert.ok(hooks.length > 5, `${hooks.length} attempts`)
    assert.equal(new Set(hooks.map(({ event }) => event.id)).size, 1)
    assert.equal(new Set(hooks.map(({ signature }) => signature)).size, hooks.length)
    const [event] = (await stripe.events.list({ delivery_success: false })).data
    assert.equal(event?.pending_webhooks, 1)
    endpoint.answers = 200
    clock.ms += 24 * HOUR_MS
    hooks.length = 0
    await standIn.tick()
    assert.equal(hooks.length, 0)
  })

  test('are sent by one of the processes that share a stand-in, while the other leaves them alone', async (t) => {
    const gate = Promise.withResolvers<number>()
    const begun = Promise.withResolvers<void>()
    const store = memoryStore()
    const post = () => {
      begun.resolve()
      return gate.promise
    }
    const [slow, other] = [stripeRig(t, { store, post }), stripeRig(t, { store })]
    await create(slow)
    const sending = slow.standIn.deliver()
    await begun.promise
    assert.deepEqual(await other.standIn.deliver(), [])
    gate.resolve(200)
    assert.equal((await sending).length, 1)
    other.clock.ms += 24 * HOUR_MS
    assert.deepEqual(await other.standIn.deliver(), [])
  })

  test('that were not taken once come until they are, and no more', async (t) => {
    const rig = stripeRig(t)
    rig.endpoint.answers = 503
    await create(rig)
    await rig.standIn.deliver()
    rig.endpoint.answers = 200
    await rig.standIn.deliver()
    assert.equal(rig.hooks.length, 1)
    rig.clock.ms += HOUR_MS
    await rig.standIn.deliver()
    await rig.standIn.deliver()
    assert.equal(rig.hooks.length, 2)
    assert.equal((await rig.stripe.events.list({ delivery_success: false })).data.length, 0)
  })

  test('can be lost, though the event is there to be listed', async (t) => {
    const rig = stripeRig(t)
    rig.standIn.faults.webhooks([{ type: 'customer.*', does: 'lose' }])
    await create(rig)
    rig.clock.ms += 80 * HOUR_MS
    await rig.standIn.deliver()
    assert.deepEqual(types(rig), [])
    assert.equal((await rig.stripe.events.list()).data.length, 1)
  })

  test('can be late, and doubled', async (t) => {
    const rig = stripeRig(t)
    rig.standIn.faults.webhooks([
      { type: 'charge.succeeded', does: { lateMs: 60_000 } },
      { type: 'payment_intent.succeeded', does: 'duplicate' },
    ])
    await rig.stripe.paymentIntents.create(TOPUP)
    await rig.standIn.deliver()
    const now = ['payment_intent.created', 'payment_intent.succeeded', 'payment_intent.succeeded', 'charge.updated']
    assert.deepEqual(types(rig), now)
    rig.clock.ms += 60_000
    await rig.standIn.deliver()
    assert.deepEqual(types(rig), [...now, 'charge.succeeded'])
  })

  test('can be held back and come in any order, and twice', async (t) => {
    const rig = stripeRig(t)
    rig.standIn.faults.webhooks([{ type: '*', does: 'hold' }])
    await bought(rig)
    await rig.standIn.deliver()
    assert.deepEqual(types(rig), [])
    await rig.standIn.release((events) => [...events].reverse().flatMap((one) => [one, one]))
    assert.deepEqual(
      types(rig),
      [
        'checkout.session.completed',
        'charge.updated',
        'payment_intent.succeeded',
        'charge.succeeded',
        'payment_intent.created',
      ].flatMap((type) => [type, type]),
    )
    await rig.standIn.release()
    assert.equal(rig.hooks.length, 10)
  })

  test('go out by themselves where that is wanted', async (t) => {
    const arrived = Promise.withResolvers<string>()
    const rig = stripeRig(t, {
      delivers: true,
      post: async (_url, _headers, payload) => {
        arrived.resolve(payload)
        return 200
      },
    })
    await create(rig)
    assert.equal(JSON.parse(await arrived.promise).type, 'customer.created')
  })
})
