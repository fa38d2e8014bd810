// The same metered call sent again under one Idempotency-Key.
// owns: replays, conflicts, what frees a key, whose key it is. never: keys of other routes.
// always true: one key, one charge, one call of the vendor; and nobody reads a kept answer out of the files.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type App, buy, connect, createApp, createKey, grant, type Person, register } from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { storedBy } from '../support/relay-stored.ts'
import { answer, broken, chunk, completion, json } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  entries,
  MESSAGES,
  personWith,
  pricedAlike,
  relayWorld,
  settled,
  type World,
} from '../support/relay-world.ts'
import { databases } from '../support/server.ts'

const SECRET = 'the-answer-that-nobody-else-may-read'
const USAGE = { prompt_tokens: 10, completion_tokens: 4 }

for (const db of databases()) {
  describe(`Idempotency-Key (${db})`, () => {
    let world: World
    const models = ['plain', 'slow', 'fails', 'breaks', 'secret', 'scopes', 'large', 'crowd']
    before(async () => {
      world = await relayWorld({ db, models: pricedAlike(models) })
      world.upstream.on('slow', answer({ words: 8, intervalMs: 60, usage: USAGE }))
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    type How = { bearer?: string; path?: string; headers?: Record<string, string>; leaveAfterFrames?: number }
    const send = (key: string, body: Record<string, unknown>, how: How = {}): Promise<Answer> =>
      ask(world.server.url, {
        bearer: world.developerKey,
        ...how,
        headers: { 'idempotency-key': key, ...how.headers },
        body: { messages: MESSAGES, max_tokens: 50, ...body },
      })
    const charges = async () => (await entries(world.server)).filter(({ kind }) => kind === 'settle').length

    for (const stream of [false, true]) {
      const form = stream ? 'stream' : 'JSON'
      test(`${form}: the same answer, one charge, one call`, async () => {
        const key = randomUUID()
        const [before, seen] = [await charges(), world.upstream.calls.length]
        const body = { model: 'plain', ...(stream ? { stream, stream_options: { include_usage: true } } : {}) }
        const first = await send(key, body)
        const again = await send(key, body)
        assert.deepEqual([first.status, again.status], [200, 200], again.text)
        assert.equal(again.text, first.text)
        assert.equal(first.headers['idempotency-replayed'], undefined)
        assert.equal(again.headers['idempotency-replayed'], 'true')
        assert.equal(again.headers['content-type'], first.headers['content-type'])
        const quota = (stream ? parsedFrames(again).at(-1) : jsonOf(again))?.quota as {
          receipt: string
          credits_used: number
        }
        assert.equal(again.headers['x-quota-receipt'], quota.receipt)
        assert.equal(again.headers['x-quota-credits-used'], String(quota.credits_used))
        assert.equal(await charges(), before + 1)
        assert.equal(world.upstream.calls.length, seen + 1)
      })

      test(`${form}: other content under the same key`, async () => {
        const key = randomUUID()
        await send(key, { model: 'plain', stream })
        const seen = world.upstream.calls.length
        const other = await send(key, { model: 'plain', stream, temperature: 1 })
        assert.deepEqual([other.status, errorOf(other).code], [422, 'idempotency_mismatch'])
        assert.equal(world.upstream.calls.length, seen)
      })

      test(`${form}: still running`, async () => {
        const key = randomUUID()
        const first = send(key, { model: 'slow', stream: true })
        const until = Date.now() + 60_000
        while (world.upstream.of('slow').length === 0 && Date.now() < until)
          await new Promise((resolve) => setTimeout(resolve, 5))
        const again = await send(key, { model: 'slow', stream: true })
        assert.deepEqual([again.status, errorOf(again).code], [409, 'idempotency_in_progress'], again.text)
        assert.ok(Number(again.headers['retry-after']) >= 1)
        const other = await send(key, { model: 'slow', stream: true, top_p: 1 })
        assert.equal(other.status, 422)
        const whole = await first
        assert.equal((await send(key, { model: 'slow', stream: true })).text, whole.text)
        world.upstream.calls.length = 0
      })
    }

    test('twenty at once: one call, one charge; the others wait or replay', async () => {
      const key = randomUUID()
      const before = await charges()
      world.upstream.on('crowd', answer({ words: 2, intervalMs: 40, usage: USAGE }))
      const replies = await Promise.all(Array.from({ length: 20 }, () => send(key, { model: 'crowd', stream: true })))
      const good = replies.filter(({ status }) => status === 200)
      for (const reply of replies)
        assert.ok(reply.status === 200 || errorOf(reply).code === 'idempotency_in_progress', reply.text)
      assert.ok(good.length >= 1)
      assert.equal(new Set(good.map(({ text }) => text)).size, 1)
      assert.equal(world.upstream.of('crowd').length, 1)
      assert.equal(await charges(), before + 1)
    })

    test('an answer whose caller left is there when they come back', async () => {
      const key = randomUUID()
      world.upstream.on('crowd', answer({ words: 10, intervalMs: 20, usage: USAGE }))
      const before = await charges()
      const first = await send(key, { model: 'crowd', stream: true }, { leaveAfterFrames: 2 })
      assert.equal(first.complete, false)
      await settled(world.server)
      const again = await send(key, { model: 'crowd', stream: true })
      assert.equal(again.headers['idempotency-replayed'], 'true')
      assert.ok(again.text.startsWith(chunk('word ').repeat(10)) && again.text.endsWith('data: [DONE]\n\n'))
      assert.equal(await charges(), before + 1)
    })

    test('a refusal before the hold frees the key', async () => {
      const { key: bearer, person } = await personWith(world.server, 0)
      const key = randomUUID()
      assert.equal((await send(key, { model: 'plain' }, { bearer })).status, 402)
      await buy(world.server, person.session, 'starter')
      const again = await send(key, { model: 'plain' }, { bearer })
      assert.deepEqual([again.status, again.headers['idempotency-replayed']], [200, undefined])
    })

    test('malformed is malformed, whatever the key', async () => {
      const key = randomUUID()
      assert.equal((await send(key, { model: 'nope' })).status, 404)
      assert.equal((await send(key, { model: 'plain' })).status, 200)
    })

    for (const stream of [false, true]) {
      test(`an upstream’s failure frees the key (${stream ? 'stream' : 'JSON'})`, async () => {
        const key = randomUUID()
        world.upstream.on('fails', json(500, '{}'))
        assert.equal((await send(key, { model: 'fails', stream })).status, 502)
        world.upstream.on('fails', answer({ usage: USAGE }))
        const again = await send(key, { model: 'fails', stream })
        assert.deepEqual([again.status, again.headers['idempotency-replayed']], [200, undefined])
        assert.equal((await send(key, { model: 'fails', stream })).headers['idempotency-replayed'], 'true')
      })
    }

    test('a stream that broke is charged for what came, and its key is free', async () => {
      const key = randomUUID()
      world.upstream.on('breaks', broken(chunk('word '), chunk('word ')))
      const first = await send(key, { model: 'breaks', stream: true })
      assert.ok(!first.text.includes('[DONE]') && first.text.includes('"quota"'))
      world.upstream.on('breaks', answer({ usage: USAGE }))
      const again = await send(key, { model: 'breaks', stream: true })
      assert.deepEqual([again.status, again.headers['idempotency-replayed']], [200, undefined])
    })

    test('an answer of 6 MiB is kept as well: one charge', async () => {
      const key = randomUUID()
      const before = await charges()
      world.upstream.on('large', async (response, call) => {
        if (call.body.stream !== true) return json(200, completion('x'.repeat(6_000_000), USAGE))(response)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (let n = 0; n < 60; n++) response.write(chunk('y'.repeat(100_000)))
        return void response.end(`data: ${JSON.stringify({ choices: [], usage: USAGE })}\n\ndata: [DONE]\n\n`)
      })
      for (const stream of [false, true]) {
        const first = await send(key + String(stream), { model: 'large', stream })
        const again = await send(key + String(stream), { model: 'large', stream })
        assert.equal(again.headers['idempotency-replayed'], 'true', `stream: ${stream}`)
        assert.ok(again.text === first.text)
      }
      assert.equal(await charges(), before + 2)
    })

    describe('whose key it is', () => {
      let people: Person[]
      let apps: App[]
      const key = 'one-and-the-same-key'
      const body = { model: 'scopes' }
      before(async () => {
        people = [await register(world.server, 'ann'), await register(world.server, 'bob')]
        for (const person of people) await buy(world.server, person.session, 'starter')
        apps = [world.app, await createApp(world.server, world.developer)]
        await grant(world.server, world.userKey, 'granted', 0.1)
      })

      test('two people, two apps, two routes, two kinds of payer: each has its own', async () => {
        const replies: Answer[] = []
        for (const person of people) {
          for (const app of apps) {
            const { accessToken } = await connect(world.server, person, app)
            replies.push(await send(key, body, { bearer: accessToken }))
          }
        }
        replies.push(await send(key, body))
        const otherKey = await createKey(world.server, world.developer, apps[1] as App, 'developer')
        replies.push(await send(key, body, { bearer: otherKey }))
        replies.push(await send(key, body, { bearer: world.userKey, path: '/v1/users/granted/chat/completions' }))
        for (const reply of replies) {
          assert.deepEqual([reply.status, reply.headers['idempotency-replayed']], [200, undefined], reply.text)
        }
        assert.equal(new Set(replies.map((reply) => String(reply.headers['x-quota-receipt']))).size, replies.length)
        assert.equal(world.upstream.of('scopes').length, replies.length)
      })

      test('two keys of one app and payer share it', async () => {
        const second = await createKey(world.server, world.developer, world.app, 'developer')
        const reply = await send(key, body, { bearer: second })
        assert.equal(reply.headers['idempotency-replayed'], 'true')
      })

      test('a new token of the same person and app shares it', async () => {
        const { accessToken } = await connect(world.server, people[0] as Person, world.app)
        const reply = await send(key, body, { bearer: accessToken })
        assert.equal(reply.headers['idempotency-replayed'], 'true')
      })
    })

    test('a kept answer survives a restart, and moves nothing then', async () => {
      const { key: bearer, person } = await personWith(world.server, 1000)
      const first = await send('before-and-after', { model: 'plain' }, { bearer })
      await world.server.restart()
      const again = await send('before-and-after', { model: 'plain' }, { bearer })
      assert.equal(again.text, first.text)
      assert.equal(await balanceOf(world.server, person), 1000 - 18)
    })

    test('nobody reads a kept answer, its key or its prompt out of the database', async () => {
      const prompt = 'a-prompt-that-is-nobody-elses'
      world.upstream.on('secret', answer({ words: 0, usage: USAGE }))
      world.upstream.on('secret', json(200, completion(SECRET, USAGE)))
      const reply = await send('a-key-in-plain-sight', {
        model: 'secret',
        messages: [{ role: 'user', content: prompt }],
      })
      assert.ok(reply.text.includes(SECRET))
      const stored = await storedBy(world.server)
      assert.ok(stored.includes(Buffer.from(String(reply.headers['x-request-id']))), 'this looked in the wrong place')
      for (const text of [SECRET, prompt, 'a-key-in-plain-sight']) {
        assert.ok(!stored.includes(Buffer.from(text)), text)
        assert.ok(
          !stored.includes(Buffer.from(Buffer.from(text).toString('base64url').slice(4, -4))),
          `${text}, in base64`,
        )
      }
    })
  })
}
