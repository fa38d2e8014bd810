// What may be spent by one call: the limit sent upstream, and which limit speaks when it does not fit.
// owns: clamps, multipliers, ceilings, the order of refusals and their details. never: concurrency.
// always true: a refused call reached no vendor and moved nothing; a clamped one was sent with the limit it was held for.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type App, buy, connect, createApp, createKey, grant, type Person } from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf } from '../support/relay-client.ts'
import { answer, type UpstreamCall } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  entries,
  MESSAGES,
  PRICES,
  personWith,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { databases } from '../support/server.ts'

for (const db of databases()) {
  describe(`limits of one call (${db})`, () => {
    let world: World
    let app: App
    let dear: App
    before(async () => {
      const models = {
        cheap: { ...PRICES.out, max_output: 400 },
        asked: PRICES.out,
        'gpt-5-test': { ...PRICES.out, max_output: 400 },
        thinks: { input: '0', output: '20', reasoning: '40', max_output: 400 },
        fixed: { input: '0', output: '20', request: '1000', max_output: 400 },
      }
      world = await relayWorld({ db, models })
      world.upstream.on('*', answer({ words: 1, usage: { prompt_tokens: 3, completion_tokens: 1 } }))
      app = world.app
      dear = await createApp(world.server, world.developer, { markup_bps: 2500 })
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    const send = (bearer: string, body: Record<string, unknown>, path?: string): Promise<Answer> =>
      ask(world.server.url, {
        bearer,
        ...(path ? { path } : {}),
        body: { model: 'cheap', messages: MESSAGES, ...body },
      })
    const lastSent = () => (world.upstream.calls.at(-1) as UpstreamCall).body

    /** A refusal, that no vendor and no book heard of. */
    async function refused(
      act: () => Promise<Answer>,
    ): Promise<{ status: number; code?: string; details?: Record<string, unknown> }> {
      const [seen, moved] = [world.upstream.calls.length, (await entries(world.server)).length]
      const reply = await act()
      assert.equal(world.upstream.calls.length, seen, 'the vendor was called')
      assert.equal((await entries(world.server)).length, moved, 'something moved')
      const { code, details } = errorOf(reply)
      return { status: reply.status, ...(code ? { code } : {}), ...(details ? { details } : {}) }
    }

    test('no limit named: the model’s ceiling is held and sent', async () => {
      const reply = await send(world.developerKey, {})
      assert.equal(reply.status, 200, reply.text)
      assert.equal(lastSent().max_tokens, 400)
      assert.equal(reply.headers['x-quota-max-output-tokens'], '400')
    })

    test('no limit named, little balance: clamped to what it pays for', async () => {
      const { key, person } = await personWith(world.server, 2019)
      const reply = await send(key, {})
      assert.equal(lastSent().max_tokens, 100, '100 × 20 fits into 2,019, 101 × 20 does not')
      assert.equal(reply.headers['x-quota-max-output-tokens'], '100')
      assert.equal(await balanceOf(world.server, person), 2019 - 20)
      const stream = await send(key, { stream: true })
      assert.equal(stream.headers['x-quota-max-output-tokens'], '99')
    })

    test('null is no limit; max_completion_tokens is a limit', async () => {
      await send(world.developerKey, { max_tokens: null })
      assert.equal(lastSent().max_tokens, 400)
      const reply = await send(world.developerKey, { max_completion_tokens: 7 })
      assert.deepEqual([lastSent().max_completion_tokens, lastSent().max_tokens], [7, undefined])
      assert.equal(reply.headers['x-quota-max-output-tokens'], undefined, 'the caller’s own limit needs no telling')
      await send(world.developerKey, { model: 'gpt-5-test' })
      assert.deepEqual([lastSent().max_completion_tokens, lastSent().max_tokens], [400, undefined])
    })

    test('a limit of the app clamps as a balance does, with the markup counted', async () => {
      const { person } = await personWith(world.server, 4_050_000)
      const answer = { caps: [{ amount: 1010, period: 'total' }] }
      const { accessToken } = await connect(world.server, person, dear, { answer })
      const reply = await send(accessToken, {})
      // 40 × 20 × 1.25 = 1,000 fits; 41 × 20 = 820, with its markup 1,025, does not.
      assert.equal(lastSent().max_tokens, 40)
      assert.equal(reply.headers['x-quota-max-output-tokens'], '40')
    })

    test('a ceiling for one call clamps, and refuses what is named above it', async () => {
      const { person } = await personWith(world.server, 4_050_000)
      const answer = { caps: [{ amount: 1_000_000, period: 'month' }], per_call_ceiling: 500 }
      const { accessToken } = await connect(world.server, person, app, { answer })
      await send(accessToken, {})
      assert.equal(lastSent().max_tokens, 25)
      const over = await refused(() => send(accessToken, { max_tokens: 26 }))
      assert.deepEqual(over, {
        status: 402,
        code: 'per_call_ceiling_exceeded',
        details: {
          limit: 'per_call',
          period: null,
          amount: 500,
          spent: 0,
          held: 0,
          available: 500,
          required: 520,
          resets_at: null,
        },
      })
      assert.equal((await send(accessToken, { max_tokens: 25 })).status, 200)
    })

    test('grants and balance together decide the clamp', async () => {
      const giver = await personWith(world.server, 1_000_000, 'giver')
      const gifts = await createApp(world.server, giver.person, { markup_bps: 10_000 })
      const userKey = await createKey(world.server, giver.person, gifts, 'user')
      await grant(world.server, userKey, 'gifted', 0.001)
      const path = '/v1/users/gifted/chat/completions'
      await send(userKey, {}, path)
      assert.equal(lastSent().max_tokens, 50, 'a grant pays base only')
      assert.equal((await refused(() => send(userKey, { max_tokens: 50 }, path))).code, 'insufficient_credits')
    })

    test('a limit that is named and does not fit is refused, also when less would fit', async () => {
      const { key } = await personWith(world.server, 1999)
      const over = await refused(() => send(key, { max_tokens: 100 }))
      assert.deepEqual(
        [over.status, over.code, over.details?.required, over.details?.available],
        [402, 'insufficient_credits', 2000, 1999],
      )
      assert.equal((await send(key, { max_tokens: 99 })).status, 200)
    })

    test('not even one token fits: refused without a limit named', async () => {
      const { key } = await personWith(world.server, 19)
      const over = await refused(() => send(key, {}))
      assert.deepEqual([over.code, over.details?.required], ['insufficient_credits', 20])
    })

    const multipliers: [string, Record<string, unknown>, number][] = [
      ['n', { max_tokens: 50, n: 8 }, 8000],
      ['n without a limit', { n: 2 }, 40],
      ['a reasoning price', { model: 'thinks', max_tokens: 50 }, 2000],
      ['a price for each request', { model: 'fixed', max_tokens: 50 }, 2000],
    ]
    for (const [name, body, required] of multipliers) {
      test(`the hold counts ${name}`, async () => {
        const { key } = await personWith(world.server, Math.min(required - 1, 7000))
        const over = await refused(() => send(key, body))
        assert.deepEqual([over.code, over.details?.required], ['insufficient_credits', required])
      })
    }

    test('n answers, clamped: each gets its part', async () => {
      const { key } = await personWith(world.server, 8000)
      await send(key, { n: 8 })
      assert.deepEqual([lastSent().max_tokens, lastSent().n], [50, 8])
    })

    test('the prompt is held for by its bytes, never by a count', async () => {
      const { key } = await personWith(world.server, 3000)
      const body = { model: 't-mix', max_tokens: 1 }
      const fits = [{ role: 'user', content: 'a'.repeat(2800) }]
      const long = [{ role: 'user', content: 'a'.repeat(3100) }]
      assert.equal((await refused(() => send(key, { ...body, messages: long }))).code, 'insufficient_credits')
      assert.equal((await send(key, { ...body, messages: fits })).status, 200)
      // One character in three bytes, and as an escape in six: more bytes, never fewer.
      const dense = [{ role: 'user', content: '語'.repeat(1000) }]
      assert.equal((await refused(() => send(key, { ...body, messages: dense }))).code, 'insufficient_credits')
    })

    describe('which limit speaks', () => {
      // Everything is too little at once; then one limit after the other is taken away.
      let poor: Person
      let token: (answer: Record<string, unknown>) => Promise<string>
      const BIG = { amount: 1_000_000, period: 'month' }
      before(async () => {
        poor = (await personWith(world.server, 500, 'poor')).person
        token = async (answer) => (await connect(world.server, poor, app, { answer })).accessToken
      })

      test('first the ceiling for one call', async () => {
        const caps = [{ amount: 100, period: 'day' }, BIG]
        const over = await refused(async () => send(await token({ caps, per_call_ceiling: 50 }), { max_tokens: 50 }))
        assert.equal(over.code, 'per_call_ceiling_exceeded')
      })

      test('then the window with least left', async () => {
        const caps = [
          { amount: 300, period: 'week' },
          { amount: 200, period: 'day' },
          { amount: 400, period: 'total' },
        ]
        const bearer = await token({ caps, per_call_ceiling: null })
        const over = await refused(() => send(bearer, { max_tokens: 50 }))
        const { resets_at, ...details } = over.details ?? {}
        assert.deepEqual(
          [over.code, details],
          [
            'cap_exceeded',
            { limit: 'cap', period: 'day', amount: 200, spent: 0, held: 0, available: 200, required: 1000 },
          ],
        )
        assert.ok(Date.parse(String(resets_at)) > Date.now())
        assert.equal((await send(bearer, { max_tokens: 5 })).status, 200)
        const next = await refused(() => send(bearer, { max_tokens: 50 }))
        assert.deepEqual([next.details?.spent, next.details?.available], [20, 180])
      })

      test('then the balance', async () => {
        const bearer = await token({ caps: [BIG] })
        const available = await balanceOf(world.server, poor)
        const over = await refused(() => send(bearer, { max_tokens: 50 }))
        assert.deepEqual(over, {
          status: 402,
          code: 'insufficient_credits',
          details: {
            limit: 'balance',
            period: null,
            amount: null,
            spent: null,
            held: 0,
            available,
            required: 1000,
            resets_at: null,
          },
        })
      })

      test('last, what running calls have reserved', async () => {
        const { key } = await personWith(world.server, 1500)
        const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        world.upstream.on('asked', async (response, call) => {
          begun.resolve()
          await gate.promise
          return answer({ usage: { prompt_tokens: 1, completion_tokens: 1 } })(response, call)
        })
        const running = send(key, { model: 'asked', max_tokens: 50 })
        await begun.promise
        const over = await ask(world.server.url, {
          bearer: key,
          body: { model: 'cheap', messages: MESSAGES, max_tokens: 50 },
        })
        assert.equal(over.status, 402)
        assert.equal(errorOf(over).code, 'held_by_other_calls')
        assert.deepEqual(errorOf(over).details, {
          limit: 'held',
          period: null,
          amount: null,
          spent: null,
          held: 1000,
          available: 500,
          required: 1000,
          resets_at: null,
          retry_after_ms: 1000,
        })
        gate.resolve()
        assert.equal((await running).status, 200)
        assert.equal((await send(key, { max_tokens: 50 })).status, 200, 'it fits once the running call has ended')
      })

      test('what running calls have reserved of a grant counts as well', async () => {
        await grant(world.server, world.userKey, 'lent', 0.0015)
        const path = '/v1/users/lent/chat/completions'
        const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        world.upstream.on('asked', async (response, call) => {
          begun.resolve()
          await gate.promise
          return answer({ usage: { prompt_tokens: 1, completion_tokens: 1 } })(response, call)
        })
        const running = send(world.userKey, { model: 'asked', max_tokens: 50 }, path)
        await begun.promise
        const fits = await refused(() => send(world.userKey, { max_tokens: 75 }, path))
        const { limit, held, available, required, retry_after_ms } = fits.details ?? {}
        assert.deepEqual(
          [fits.code, limit, held, available, required, retry_after_ms],
          ['held_by_other_calls', 'held', 1000, 0, 1000, 1000],
          'of 1,500 the grant has 500 left to give, and 1,000 are reserved',
        )
        const never = await refused(() => send(world.userKey, { max_tokens: 76 }, path))
        assert.equal(never.code, 'insufficient_credits')
        gate.resolve()
        assert.equal((await running).status, 200)
        assert.equal(
          (await send(world.userKey, { max_tokens: 74 }, path)).status,
          200,
          'it fits once that call has ended',
        )
      })

      test('a model outside of the person’s list is no question of money', async () => {
        const { person } = await personWith(world.server, 1000)
        const answer = { caps: [BIG], models: ['asked'] }
        const { accessToken } = await connect(world.server, person, app, { answer })
        const over = await refused(() => send(accessToken, { max_tokens: 1_000 }))
        assert.deepEqual([over.status, over.code], [403, 'model_not_allowed'])
      })
    })

    test('what is bought while it is refused fits at once', async () => {
      const { key, person } = await personWith(world.server, 0)
      assert.equal((await refused(() => send(key, {}))).code, 'insufficient_credits')
      await buy(world.server, person.session, 'starter')
      const reply = await send(key, {})
      assert.equal((jsonOf(reply).quota as { credits_used: number }).credits_used, 20)
    })
  })
}
