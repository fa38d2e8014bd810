// Two hundred calls at once against little money.
// owns: exact balances, limits and grants under concurrency. never: a tolerance.
// always true: as many calls succeed as the money pays for, the vendor saw exactly those, and nothing was below zero meanwhile.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, buy, call, connect, createApp, createKey, grant, type Person, register } from '../support/api.ts'
import { type Answer, type Asked, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { answer } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  entries,
  MESSAGES,
  PRICES,
  personWith,
  pricedAlike,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { databases } from '../support/server.ts'

const CALLS = 200
const PRICE = 1000
/** 50 tokens out at 20 micros, nothing in: exactly PRICE, held and charged. */
const BODY = (model: string) => ({ model, messages: MESSAGES, max_tokens: 50 })
const REFUSED = new Set(['insufficient_credits', 'cap_exceeded', 'held_by_other_calls'])

type Quota = { credits_used: number; base_credits: number; markup_credits: number }

function quotaOf(reply: Answer): Quota {
  return (jsonOf(reply).quota ?? parsedFrames(reply).at(-1)?.quota) as Quota
}

type Calls = { bearer: string; path?: string; headers?: Record<string, string>; model: string; count?: number }

for (const db of databases()) {
  describe(`overspending (${db})`, () => {
    let world: World
    let publisher: Person
    let app: App
    let other: App
    before(async () => {
      const models = ['m-a', 'm-b', 'm-c', 'm-d', 'm-e', 'm-f', 'm-g']
      world = await relayWorld({ db, models: pricedAlike(models, PRICES.out) })
      world.upstream.on('*', answer({ words: 1, usage: { prompt_tokens: 3, completion_tokens: 50 } }))
      publisher = await register(world.server, 'publisher')
      app = await createApp(world.server, publisher)
      other = await createApp(world.server, publisher)
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    // Half of them as streams; everything at once. Answers come back with the lowest balance seen meanwhile.
    async function burst(calls: Calls[], watched?: Person): Promise<{ answers: Answer[]; lowest: number }> {
      let running = true
      let lowest = Number.POSITIVE_INFINITY
      const watch = (async () => {
        while (running && watched) {
          lowest = Math.min(lowest, await balanceOf(world.server, watched))
          await sleep(10)
        }
      })()
      const sent = calls.flatMap(({ count = CALLS, model, ...how }) =>
        Array.from({ length: count }, (_, n) =>
          patiently({ ...how, body: { ...BODY(model), ...(n % 2 ? { stream: true } : {}) } }),
        ),
      )
      const answers = await Promise.all(sent)
      running = false
      await watch
      return { answers, lowest }
    }

    // A store that is too busy says so (503, Retry-After), and nothing has happened: then one asks again, as every SDK does.
    async function patiently(asked: Asked): Promise<Answer> {
      for (let tries = 1; ; tries++) {
        const reply = await ask(world.server.url, asked)
        if (reply.status !== 503 || tries === 8) return reply
        assert.equal(errorOf(reply).code, 'ledger_unavailable')
        assert.equal(reply.headers['retry-after'], '1')
        await sleep(200 * tries)
      }
    }

    function assertSplit(answers: Answer[], expected: number): void {
      const good = answers.filter(({ status }) => status === 200)
      const codes = new Map<string, number>()
      for (const reply of answers) {
        if (reply.status === 200) continue
        const code = `${reply.status} ${errorOf(reply).code}`
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
      const unexpected = [...codes.keys()].filter((code) => !REFUSED.has(code.replace('402 ', '')))
      assert.deepEqual(unexpected, [], JSON.stringify([...codes]))
      for (const reply of answers)
        assert.equal(reply.headers['x-should-retry'], reply.status === 200 ? undefined : 'false')
      assert.equal(good.length, expected)
      for (const reply of good) assert.ok(reply.complete && !reply.text.includes('"error"'))
    }

    test('a balance of 10 calls', async () => {
      const { person, key } = await personWith(world.server, 10 * PRICE)
      const { answers, lowest } = await burst([{ bearer: key, model: 'm-a' }], person)
      assertSplit(answers, 10)
      assert.equal(world.upstream.of('m-a').length, 10)
      assert.equal(await balanceOf(world.server, person), 0)
      assert.ok(lowest >= 0)
      const next = await ask(world.server.url, { bearer: key, body: BODY('m-a') })
      assert.equal(next.status, 402)
      assert.equal(errorOf(next).code, 'insufficient_credits')
      assert.deepEqual(errorOf(next).details, {
        limit: 'balance',
        period: null,
        amount: null,
        spent: null,
        held: 0,
        available: 0,
        required: PRICE,
        resets_at: null,
      })
    })

    test('a limit of 5 calls, and money for thousands', async () => {
      const { person } = await personWith(world.server, 4_050_000)
      const caps = [{ amount: 5 * PRICE, period: 'total' }]
      const { accessToken } = await connect(world.server, person, app, { answer: { caps } })
      const { answers } = await burst([{ bearer: accessToken, model: 'm-b' }], person)
      assertSplit(answers, 5)
      assert.equal(world.upstream.of('m-b').length, 5)
      assert.equal(await balanceOf(world.server, person), 4_050_000 - 5 * PRICE)
      const next = await ask(world.server.url, { bearer: accessToken, body: BODY('m-b') })
      assert.equal(errorOf(next).code, 'cap_exceeded')
      assert.deepEqual(errorOf(next).details, {
        limit: 'cap',
        period: 'total',
        amount: 5 * PRICE,
        spent: 5 * PRICE,
        held: 0,
        available: 0,
        required: PRICE,
        resets_at: null,
      })
    })

    test('two limits at once, the smaller one holds', async () => {
      const { person } = await personWith(world.server, 4_050_000)
      const caps = [
        { amount: 7 * PRICE, period: 'month' },
        { amount: 4 * PRICE, period: 'day' },
      ]
      const { accessToken } = await connect(world.server, person, app, { answer: { caps } })
      const { answers } = await burst([{ bearer: accessToken, model: 'm-c', count: 60 }])
      assertSplit(answers, 4)
      assert.equal(world.upstream.of('m-c').length, 4)
      const next = await ask(world.server.url, { bearer: accessToken, body: BODY('m-c') })
      const { details, code } = errorOf(next)
      assert.equal(code, 'cap_exceeded')
      assert.deepEqual([details?.period, details?.amount, details?.spent, details?.available], ['day', 4000, 4000, 0])
      assert.match(String(details?.resets_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    })

    test('a grant of 3 calls, and no balance', async () => {
      const giver = await personWith(world.server, 100_000, 'giver')
      const userKey = await createKey(world.server, giver.person, giver.app, 'user')
      await grant(world.server, userKey, 'ann@example.org', 0.003)
      const path = '/v1/users/ann%40example.org/chat/completions'
      const { answers } = await burst([{ bearer: userKey, path, model: 'm-d' }])
      assertSplit(answers, 3)
      assert.equal(world.upstream.of('m-d').length, 3)
      const next = await ask(world.server.url, { bearer: userKey, path, body: BODY('m-d') })
      assert.equal(errorOf(next).code, 'insufficient_credits')
      const balance = await call(world.server, 'GET', '/v1/users/ann%40example.org/balance', { bearer: userKey })
      assert.equal(balance.body.balance, 0)
    })

    test('a balance of 10 calls, shared by an app with a limit of 5 and one without a small one', async () => {
      const { person, key } = await personWith(world.server, 10 * PRICE)
      const capped = await connect(world.server, person, app, {
        answer: { caps: [{ amount: 5 * PRICE, period: 'week' }] },
      })
      const free = await connect(world.server, person, other)
      const { answers, lowest } = await burst(
        [
          { bearer: capped.accessToken, model: 'm-e', count: 100 },
          { bearer: free.accessToken, model: 'm-f', count: 100 },
          { bearer: key, model: 'm-g', count: 50 },
        ],
        person,
      )
      assertSplit(answers, 10)
      const [limited, rest] = [
        world.upstream.of('m-e').length,
        world.upstream.of('m-f').length + world.upstream.of('m-g').length,
      ]
      assert.ok(limited <= 5, `${limited} calls past a limit of 5`)
      assert.equal(limited + rest, 10)
      assert.equal(await balanceOf(world.server, person), 0)
      assert.ok(lowest >= 0)
    })

    test('grant first, then bought money with its markup, to the micro', async () => {
      const giver = await personWith(world.server, 100_000, 'giver')
      const dear = await createApp(world.server, giver.person, { markup_bps: 2000 })
      const userKey = await createKey(world.server, giver.person, dear, 'user')
      await grant(world.server, userKey, 'bob', 0.0025)
      await buy(world.server, userKey, 'starter', { external_user_id: 'bob' })
      // 2 calls from the grant, 1 half and half (500 + 500 × 1.2), 27 at 1,200.
      const path = '/v1/users/bob/chat/completions'
      const { answers } = await burst([{ bearer: userKey, path, model: 'm-a', count: 30 }])
      assertSplit(answers, 30)
      const balance = await call(world.server, 'GET', '/v1/users/bob/balance', { bearer: userKey })
      assert.equal(balance.body.balance, 4_050_000 - 600 - 27 * 1200)
      const used = answers.map((reply) => quotaOf(reply))
      const by = (credits: number) => used.filter(({ credits_used }) => credits_used === credits).length
      assert.deepEqual([by(1000), by(1100), by(1200)], [2, 1, 27])
      for (const { credits_used, markup_credits, base_credits } of used) {
        assert.deepEqual([base_credits, markup_credits], [1000, credits_used - 1000])
      }
    })

    test('what was posted at any moment was never more than there was', async () => {
      const stands = new Map<string, number>()
      const held = new Map<string, Map<string, number>>()
      for (const entry of await entries(world.server)) {
        if (entry.kind === 'hold') held.set(entry.id, new Map(entry.legs.map(({ from, amount }) => [from, amount])))
        if (entry.hold_id !== null) held.delete(entry.hold_id)
        for (const { account, amount } of entry.postings) stands.set(account, (stands.get(account) ?? 0) + amount)
      }
      assert.equal(held.size, 0)
      for (const [account, sum] of stands)
        if (/^(user|grant|cap|external|pool):/.test(account)) assert.ok(sum >= 0, account)
    })
  })
}
