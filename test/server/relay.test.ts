// A metered call as its caller sees it: the answer, the bill, and who pays.
// owns: receipts, streams, the stock SDK, the price table, the four billing modes. never: the ways a call can break.
// always true: every charge is recomputed here from its receipt, whose signature is checked with public keys alone.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import OpenAI from 'openai'
import { Quota } from '../../server/contract/api.ts'
import { baseMicros, disagreement, PriceTable, ReceiptPayload } from '../../server/contract/receipts.ts'
import type { ReceiptRow } from '../../server/contract/records.ts'
import {
  type App,
  buy,
  call,
  connect,
  createApp,
  createKey,
  grant,
  must,
  type Person,
  register,
  type Tokens,
} from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { post, raw } from '../support/relay-raw.ts'
import { answer, chunk, DONE, event, pieces, usageEvent } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  entries,
  MESSAGES,
  personWith,
  pricedAlike,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { databases } from '../support/server.ts'

/** 1,600 bytes, so that the vendor may say it counted 1,000 tokens. */
const LONG = [{ role: 'user', content: 'word '.repeat(320) }]
const USAGE = { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 }

for (const db of databases()) {
  describe(`a metered call (${db})`, () => {
    let world: World
    let person: Person
    let tokens: Tokens
    let keys: JSONWebKeySet
    before(async () => {
      const models = {
        cached: { input: '2', cached_input: '0.5', output: '8', reasoning: '8' },
        ...pricedAlike(['odd', 'sdk', 'modes']),
      }
      world = await relayWorld({ db, models, app: { markup_bps: 2000 } })
      world.upstream.on('gpt-4o-mini', answer({ words: 4, usage: USAGE }))
      person = await register(world.server, 'ann')
      await buy(world.server, person.session, 'basic')
      tokens = await connect(world.server, person, world.app)
      keys = await must<never>(world.server, 'GET', '/.well-known/quota-receipts.json')
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    const send = (bearer: string, body: Record<string, unknown>, extra: object = {}) =>
      ask(world.server.url, { bearer, body: { messages: LONG, max_tokens: 600, ...body }, ...extra })

    async function verified(compact: string): Promise<ReceiptPayload> {
      const { payload, protectedHeader } = await jwtVerify(compact, createLocalJWKSet(keys), {
        algorithms: ['EdDSA'],
        issuer: world.server.url,
      })
      assert.equal(protectedHeader.alg, 'EdDSA')
      const receipt = ReceiptPayload.parse(payload)
      assert.equal(disagreement(receipt), null)
      return receipt
    }

    test('1,000 tokens in, 500 out, 20 % markup: 450 + 90 = 540, and the receipt says why', async () => {
      const before = await balanceOf(world.server, person)
      const reply = await send(tokens.accessToken, { model: 'gpt-4o-mini' })
      assert.equal(reply.status, 200, reply.text)
      const quota = Quota.parse(jsonOf(reply).quota)
      const { receipt, request_id, price_version, ...rest } = quota
      assert.deepEqual(rest, {
        billing_mode: 'user',
        credits_used: 540,
        base_credits: 450,
        markup_credits: 90,
        funded_by: [{ source: 'balance', credits: 540 }],
        balance_before: before,
        balance_after: before - 540,
        estimated: false,
      })
      assert.equal(await balanceOf(world.server, person), before - 540)
      assert.equal(reply.headers['x-request-id'], request_id)
      assert.equal(reply.headers['x-quota-credits-used'], '540')
      assert.equal(reply.headers['x-quota-balance-after'], String(before - 540))
      assert.equal(reply.headers['x-quota-receipt'], receipt)
      const payload = await verified(receipt)
      assert.deepEqual(payload.units, { input: 1000, output: 500 })
      assert.deepEqual(payload.unit_prices, { input: '150000', output: '600000' })
      assert.equal(baseMicros(payload.units, payload.unit_prices), 450)
      const { jti, sub, app, model, route, markup_bps, granted, total, price_version: version } = payload
      assert.deepEqual(
        { jti, sub, app, model, route, markup_bps, granted, total, version },
        {
          jti: request_id,
          sub: person.id,
          app: world.app.id,
          model: 'gpt-4o-mini',
          route: '/v1/chat/completions',
          markup_bps: 2000,
          granted: 0,
          total: 540,
          version: price_version,
        },
      )
      assert.deepEqual(jsonOf(reply).usage, USAGE, 'the vendor’s answer stands beside our block')
      const earned = (await entries(world.server)).filter(({ request_id: id }) => id === request_id).at(-1)
      assert.deepEqual(
        earned?.postings.filter(({ account }) => account.startsWith('earnings:')),
        [{ account: `earnings:${world.developer.id}`, amount: 90 }],
      )
    })

    test('a byte changed in a receipt is seen', async () => {
      const reply = await send(tokens.accessToken, { model: 'gpt-4o-mini' })
      const [head, body = '', signature] = String(reply.headers['x-quota-receipt']).split('.')
      const cheaper = Buffer.from(body, 'base64url').toString().replace('"total":540', '"total":140')
      const forged = [head, Buffer.from(cheaper).toString('base64url'), signature].join('.')
      await assert.rejects(verified(forged), /signature/)
    })

    test('each receipt names the hash of the one before it', async () => {
      const bob = await register(world.server, 'bob')
      await buy(world.server, bob.session, 'starter')
      const [first, second] = [world.app, await createApp(world.server, world.developer)]
      const connected = [await connect(world.server, bob, first), await connect(world.server, bob, second)]
      let prev: string | null = null
      let rev = 0
      for (let n = 0; n < 6; n++) {
        const stream = n % 2 === 1
        const bearer = connected[n % 3 === 0 ? 1 : 0]?.accessToken ?? ''
        const reply = await send(bearer, { model: 'gpt-4o-mini', stream })
        const quota = (stream ? parsedFrames(reply).at(-1) : jsonOf(reply))?.quota as Quota
        const payload = await verified(quota.receipt)
        assert.equal(payload.prev, prev)
        assert.ok(payload.rev > rev)
        prev = createHash('sha256').update(quota.receipt).digest('base64url')
        rev = payload.rev
      }
    })

    test('parallel calls still make one chain', async () => {
      const { person: carol, key } = await personWith(world.server, 1_000_000, 'carol')
      const replies = await Promise.all(Array.from({ length: 20 }, () => send(key, { model: 'gpt-4o-mini' })))
      const receipts = replies.map((reply) => String(reply.headers['x-quota-receipt']))
      const payloads = await Promise.all(receipts.map(verified))
      const hashes = new Map(receipts.map((text) => [createHash('sha256').update(text).digest('base64url'), text]))
      assert.equal(payloads.filter(({ prev }) => prev === null).length, 1)
      assert.equal(new Set(payloads.map(({ prev }) => prev)).size, 20, 'no two name the same one')
      for (const { prev } of payloads) assert.ok(prev === null || hashes.has(prev))
      assert.equal(await balanceOf(world.server, carol), 1_000_000 - 20 * 450)
    })

    test('a stream: bytes as the vendor sent them, our chunk before [DONE], usage only when asked for', async () => {
      for (const asked of [false, true]) {
        const reply = await send(tokens.accessToken, {
          model: 'gpt-4o-mini',
          stream: true,
          ...(asked ? { stream_options: { include_usage: true } } : {}),
        })
        assert.match(String(reply.headers['content-type']), /^text\/event-stream/)
        assert.equal(reply.frames.at(-1), '[DONE]')
        assert.equal(reply.text.endsWith('data: [DONE]\n\n'), true)
        assert.ok(reply.text.startsWith(chunk('word ').repeat(4)), 'the vendor’s events are passed on byte for byte')
        const last = parsedFrames(reply).at(-1) ?? {}
        assert.equal(reply.frames.length, 4 + 1 + 1)
        assert.deepEqual([last.choices, last.object, last.id], [[], 'chat.completion.chunk', 'chatcmpl-x'])
        assert.deepEqual(last.usage, asked ? USAGE : undefined)
        const quota = Quota.parse(last.quota)
        assert.equal(quota.credits_used, 540)
        await verified(quota.receipt)
      }
    })

    test('cached and reasoning tokens are disjoint units at prices of their own', async () => {
      const usage = {
        prompt_tokens: 100,
        completion_tokens: 50,
        prompt_tokens_details: { cached_tokens: 60 },
        completion_tokens_details: { reasoning_tokens: 20 },
      }
      world.upstream.on('cached', answer({ usage }))
      const reply = await send(world.developerKey, { model: 'cached' })
      const payload = await verified(String(reply.headers['x-quota-receipt']))
      assert.deepEqual(payload.units, { input: 40, cached_input: 60, output: 30, reasoning: 20 })
      assert.equal(payload.total, 40 * 2 + 60 * 0.5 + 50 * 8)
    })

    test('a part of a micro-dollar is rounded up once per call', async () => {
      for (const [input, output, credits] of [
        [1, 0, 1],
        [1, 1, 1],
        [7, 1, 2],
        [0, 0, 0],
      ]) {
        world.upstream.on('gpt-4o-mini', answer({ usage: { prompt_tokens: input, completion_tokens: output } }))
        const reply = await send(world.developerKey, { model: 'gpt-4o-mini' })
        assert.equal(reply.headers['x-quota-credits-used'], String(credits))
        await verified(String(reply.headers['x-quota-receipt']))
      }
      world.upstream.on('gpt-4o-mini', answer({ words: 4, usage: USAGE }))
    })

    test('the stock OpenAI SDK, JSON and stream', async () => {
      const client = new OpenAI({ apiKey: tokens.accessToken, baseURL: `${world.server.url}/v1`, maxRetries: 0 })
      const whole = await client.chat.completions.create({
        model: 'sdk',
        messages: [{ role: 'user', content: 'Hello' }],
      })
      assert.equal(whole.choices[0]?.message.content, 'word word word word ')
      assert.equal((whole as unknown as { quota: Quota }).quota.base_credits, 18)
      const stream = await client.chat.completions.create({
        model: 'sdk',
        messages: [{ role: 'user', content: 'Hello' }],
        stream: true,
        stream_options: { include_usage: true },
      })
      let text = ''
      let usage: unknown
      let quota: Quota | undefined
      for await (const part of stream) {
        text += part.choices[0]?.delta?.content ?? ''
        usage = part.usage ?? usage
        quota = (part as unknown as { quota?: Quota }).quota ?? quota
      }
      assert.equal(text, 'word word word word ')
      assert.deepEqual(usage, { prompt_tokens: 10, completion_tokens: 4 })
      assert.equal(quota?.base_credits, 18)
      const models = await client.models.list()
      assert.ok(models.data.some(({ id }) => id === 'gpt-4o-mini'))
    })

    test('the SDK’s errors: no money is a 402 that it does not try again', async () => {
      const { key } = await personWith(world.server, 0, 'poor')
      const client = new OpenAI({ apiKey: key, baseURL: `${world.server.url}/v1`, maxRetries: 3 })
      const seen = world.upstream.calls.length
      const failed = await client.chat.completions
        .create({ model: 'sdk', messages: [{ role: 'user', content: 'Hello' }] })
        .then(
          () => null,
          (error: unknown) => error,
        )
      assert.ok(failed instanceof OpenAI.APIError)
      assert.deepEqual([failed.status, failed.code], [402, 'insufficient_credits'])
      assert.equal(world.upstream.calls.length, seen)
    })

    test('the list of models and the price table of a receipt agree', async () => {
      const list = await must<{ data: { id: string; pricing: Record<string, unknown> }[] }>(
        world.server,
        'GET',
        '/v1/models',
        {
          bearer: world.userKey,
        },
      )
      const mini = list.data.find(({ id }) => id === 'gpt-4o-mini')
      assert.equal(mini?.pricing.prompt_per_1k_tokens, 0.00015)
      assert.equal(mini?.pricing.completion_per_1k_tokens, 0.0006)
      const reply = await send(tokens.accessToken, { model: 'gpt-4o-mini' })
      const payload = await verified(String(reply.headers['x-quota-receipt']))
      const table = PriceTable.parse(await must(world.server, 'GET', `/v1/prices/${payload.price_version}`))
      assert.equal(table.version, payload.price_version)
      for (const [kind, price] of Object.entries(payload.unit_prices)) {
        assert.equal(table.models['gpt-4o-mini']?.[kind as 'input'], price)
      }
      assert.equal((await call(world.server, 'GET', '/v1/prices/none')).status, 404)
      assert.equal((await call(world.server, 'GET', '/v1/models')).status, 401)
      for (const one of list.data)
        assert.deepEqual(
          await must(world.server, 'GET', `/v1/models/${encodeURIComponent(one.id)}`, { bearer: world.userKey }),
          one,
        )
      const missing = await call<{ error: { code: string; param: string } }>(world.server, 'GET', '/v1/models/none', {
        bearer: world.userKey,
      })
      assert.deepEqual(
        [missing.status, missing.body.error.code, missing.body.error.param],
        [404, 'model_not_found', 'model'],
      )
      assert.equal((await call(world.server, 'GET', '/v1/models/gpt-4o-mini')).status, 401)
    })

    test('every call is in the app’s usage log, with its receipt', async () => {
      const reply = await send(tokens.accessToken, { model: 'gpt-4o-mini' })
      const log = await must<{ data: { request_id: string; receipt: string; credits_used: number }[] }>(
        world.server,
        'GET',
        '/v1/usage',
        {
          bearer: world.userKey,
        },
      )
      const row = log.data.find(({ request_id }) => request_id === reply.headers['x-request-id'])
      assert.equal(row?.receipt, reply.headers['x-quota-receipt'])
      assert.equal(row?.credits_used, 540)
    })

    describe('who pays', () => {
      let other: { app: App; key: string; person: Person }
      before(async () => {
        const made = await personWith(world.server, 1_000_000, 'other')
        other = {
          app: made.app,
          person: made.person,
          key: await createKey(world.server, made.person, made.app, 'user'),
        }
        await grant(world.server, world.userKey, 'granted', 0.5)
        await grant(world.server, world.userKey, 'ann+1@example.org', 0.5)
      })
      const chat = (asked: { bearer?: string; user?: string; path?: string; headers?: Record<string, string> }) =>
        ask(world.server.url, {
          ...(asked.bearer ? { bearer: asked.bearer } : {}),
          path:
            asked.path ??
            (asked.user === undefined
              ? '/v1/chat/completions'
              : `/v1/users/${encodeURIComponent(asked.user)}/chat/completions`),
          headers: asked.headers ?? {},
          body: { model: 'modes', messages: MESSAGES, max_tokens: 20 },
        })
      const paid = (reply: Answer) => jsonOf(reply).quota as Quota

      test('1: user pays - an unclaimed user by the path, from the grant, base only', async () => {
        const reply = await chat({ bearer: world.userKey, user: 'granted' })
        assert.equal(reply.status, 200, reply.text)
        const { billing_mode, credits_used, markup_credits, funded_by, balance_before, balance_after } = paid(reply)
        assert.deepEqual(
          { billing_mode, credits_used, markup_credits, funded_by, balance_before, balance_after },
          {
            billing_mode: 'user',
            credits_used: 18,
            markup_credits: 0,
            funded_by: [{ source: 'grant', credits: 18 }],
            balance_before: 500_000,
            balance_after: 499_982,
          },
        )
        const payload = await verified(paid(reply).receipt)
        assert.deepEqual([payload.granted, payload.connection, payload.prev], [18, null, null])
        assert.equal(payload.route, '/v1/users/{external_user_id}/chat/completions')
      })

      test('1: an e-mail address is a name like another', async () => {
        assert.equal((await chat({ bearer: world.userKey, user: 'ann+1@example.org' })).status, 200)
      })

      test('1: bought by an unclaimed user: with the app’s markup', async () => {
        await buy(world.server, world.userKey, 'starter', { external_user_id: 'buyer' })
        const reply = await chat({ bearer: world.userKey, user: 'buyer' })
        const { credits_used, markup_credits, balance_after } = paid(reply)
        assert.deepEqual([credits_used, markup_credits, balance_after], [21, 3, 4_050_000 - 21])
      })

      test('2: developer pays - own balance, no markup', async () => {
        const reply = await chat({ bearer: world.developerKey })
        const { billing_mode, credits_used, markup_credits } = paid(reply)
        assert.deepEqual([billing_mode, credits_used, markup_credits], ['developer', 18, 0])
      })

      test('3: hosted - the linked user by the header', async () => {
        const dan = await register(world.server, 'dan')
        await buy(world.server, dan.session, 'starter')
        const answered = await connect(world.server, dan, world.app, {
          token: { storage_mode: 'hosted', external_user_id: 'dan' },
        })
        assert.equal(answered.accessToken, '', 'the app never sees a token')
        const reply = await chat({ bearer: world.userKey, headers: { 'x-quota-user': 'dan' } })
        assert.equal(reply.status, 200, reply.text)
        assert.deepEqual([paid(reply).billing_mode, paid(reply).credits_used], ['user', 21])
        assert.equal(await balanceOf(world.server, dan), 4_050_000 - 21)
        const byPath = await chat({ bearer: world.userKey, user: 'dan' })
        assert.equal(byPath.status, 200)
        assert.equal((await chat({ bearer: other.key, headers: { 'x-quota-user': 'dan' } })).status, 404)
      })

      test('3: any printable name in the header, as UTF-8 or, as fetch writes it, as Latin-1', async () => {
        const eve = await register(world.server, 'eve')
        await buy(world.server, eve.session, 'starter')
        for (const name of ['søren@example.org', '渡辺 😀'])
          await connect(world.server, eve, world.app, { token: { storage_mode: 'hosted', external_user_id: name } })
        const utf8 = (text: string) => Buffer.from(text).toString('latin1')
        const rows: [header: string, status: number][] = [
          [utf8('søren@example.org'), 200],
          ['søren@example.org', 200],
          [utf8('渡辺 😀'), 200],
          ['s%C3%B8ren@example.org', 404],
          ['soren@example.org', 404],
          [utf8('s\u200børen@example.org'), 404],
        ]
        const body = JSON.stringify({ model: 'modes', messages: MESSAGES, max_tokens: 20 })
        for (const [header, status] of rows) {
          const lines = [`authorization: Bearer ${world.userKey}`, 'content-type: application/json', 'host: quota']
          const bytes = post('/v1/chat/completions', [...lines, `x-quota-user: ${header}`], body)
          const reply = await raw(world.server.url, bytes)
          assert.equal(reply.status, status, `${header}: ${reply.head} ${reply.text}`)
        }
      })

      test('the usage log shows what was left as the answer did: this publisher’s grants and the balance', async () => {
        const gil = await register(world.server, 'gil')
        await buy(world.server, gil.session, 'starter')
        const { accessToken } = await connect(world.server, gil, world.app)
        await connect(world.server, gil, world.app, { token: { storage_mode: 'hosted', external_user_id: 'gil' } })
        await grant(world.server, world.userKey, 'gil', 0.5)
        const rows: [string, Answer, string][] = [
          ['a key’s log, unclaimed', await chat({ bearer: world.userKey, user: 'granted' }), world.userKey],
          ['a key’s log, linked', await chat({ bearer: world.userKey, user: 'gil' }), world.userKey],
          ['a token’s log', await chat({ bearer: accessToken }), accessToken],
          ['developer pays', await chat({ bearer: world.developerKey }), world.developerKey],
        ]
        for (const [who, reply, bearer] of rows) {
          const log = await must<{ data: ReceiptRow[] }>(world.server, 'GET', '/v1/usage', { bearer })
          const row = log.data.find(({ request_id }) => request_id === paid(reply).request_id)
          assert.equal(row?.balance_after, paid(reply).balance_after, who)
        }
      })

      test('4: user’s token', async () => {
        const reply = await chat({ bearer: tokens.accessToken })
        assert.deepEqual([paid(reply).billing_mode, paid(reply).credits_used], ['user', 21])
      })

      test('a key in X-API-Key is the same key', async () => {
        const reply = await chat({ headers: { 'x-api-key': world.developerKey } })
        assert.equal(reply.status, 200, reply.text)
      })

      test('a test key is answered by the sandbox model', async () => {
        const key = await createKey(world.server, world.developer, world.app, 'test')
        const seen = world.upstream.calls.length
        const reply = await chat({ bearer: key })
        assert.equal(reply.status, 200, reply.text)
        assert.equal(paid(reply).billing_mode, 'test')
        assert.equal(world.upstream.calls.length, seen)
      })

      const byName = (user: string) => ({ 'x-quota-user': user })
      const refusals: [string, () => Promise<Answer>, number, string][] = [
        ['a user key without a user', () => chat({ bearer: world.userKey }), 400, 'user_required'],
        [
          'a developer key and a user in the path',
          () => chat({ bearer: world.developerKey, user: 'granted' }),
          400,
          'bad_request',
        ],
        [
          'a developer key and a user in the header',
          () => chat({ bearer: world.developerKey, headers: byName('granted') }),
          400,
          'bad_request',
        ],
        [
          'a developer key and an unknown user',
          () => chat({ bearer: world.developerKey, user: 'nobody' }),
          400,
          'bad_request',
        ],
        [
          'a token and X-Quota-User',
          () => chat({ bearer: tokens.accessToken, headers: byName('granted') }),
          400,
          'bad_request',
        ],
        [
          'a token and a user in the path',
          () => chat({ bearer: tokens.accessToken, user: 'granted' }),
          400,
          'bad_request',
        ],
        [
          'a user in the path and in the header',
          () => chat({ bearer: world.userKey, user: 'granted', headers: byName('granted') }),
          400,
          'bad_request',
        ],
        ['no credential', () => chat({}), 401, 'invalid_api_key'],
        ['an unknown key', () => chat({ bearer: `sk-quota-${'x'.repeat(32)}` }), 401, 'invalid_api_key'],
        ['an unknown token', () => chat({ bearer: 'x'.repeat(43) }), 401, 'invalid_token'],
        ['a session', () => chat({ bearer: person.session }), 401, 'invalid_api_key'],
        [
          'a token without credits.spend',
          async () =>
            chat({
              bearer: (
                await connect(world.server, await register(world.server), world.app, { scope: 'openid credits.read' })
              ).accessToken,
            }),
          403,
          'insufficient_scope',
        ],
        [
          'two different credentials',
          () => chat({ bearer: world.userKey, headers: { 'x-api-key': world.developerKey } }),
          400,
          'bad_request',
        ],
        ['an unknown user in the path', () => chat({ bearer: world.userKey, user: 'nobody' }), 404, 'user_not_found'],
        [
          'an unknown user in the header',
          () => chat({ bearer: world.userKey, headers: byName('nobody') }),
          404,
          'user_not_found',
        ],
        [
          'a granted but unlinked user in the header',
          () => chat({ bearer: world.userKey, headers: byName('granted') }),
          404,
          'user_not_found',
        ],
        ['another app’s user', () => chat({ bearer: other.key, user: 'granted' }), 404, 'user_not_found'],
        [
          'another app’s user in the header',
          () => chat({ bearer: other.key, headers: byName('granted') }),
          404,
          'user_not_found',
        ],
        [
          'the developer’s own id',
          () => chat({ bearer: world.userKey, user: world.developer.id }),
          404,
          'user_not_found',
        ],
        ['an empty name', () => chat({ bearer: world.userKey, headers: byName('') }), 404, 'user_not_found'],
        [
          'a name of 300 characters',
          () => chat({ bearer: world.userKey, user: 'x'.repeat(300) }),
          404,
          'user_not_found',
        ],
        [
          'a name that climbs',
          () => chat({ bearer: world.userKey, path: '/v1/users/..%2F..%2Fadmin/chat/completions' }),
          404,
          'user_not_found',
        ],
        [
          'a name with a control character',
          () => chat({ bearer: world.userKey, user: 'a\u0007b' }),
          404,
          'user_not_found',
        ],
      ]
      for (const [name, act, status, code] of refusals) {
        test(`refused: ${name}`, async () => {
          const [seen, moved] = [world.upstream.calls.length, (await entries(world.server)).length]
          const reply = await act()
          assert.deepEqual([reply.status, errorOf(reply).code], [status, code], reply.text)
          if (status === 401) assert.ok(reply.headers['www-authenticate'])
          assert.equal(world.upstream.calls.length, seen, 'the vendor was called')
          assert.equal((await entries(world.server)).length, moved, 'something moved')
        })
      }

      test('unknown, unlinked and another’s user cannot be told apart', async () => {
        const replies = await Promise.all([
          chat({ bearer: world.userKey, headers: byName('nobody') }),
          chat({ bearer: world.userKey, headers: byName('granted') }),
          chat({ bearer: other.key, headers: byName('granted') }),
          chat({ bearer: other.key, user: 'granted' }),
          chat({ bearer: world.userKey, user: '../x' }),
        ])
        const shape = ({ status, headers, text }: Answer) => {
          const { 'x-request-id': _, date: __, ...rest } = headers
          const names = Object.keys(rest).sort().join()
          return `${status} ${names} ${text.replace(/req_[a-z0-9]+/g, 'req')}`
        }
        assert.equal(new Set(replies.map(shape)).size, 1, replies.map(shape).join('\n'))
      })

      test('a revoked key is refused at once', async () => {
        const reply = await must<{ key: { id: string }; secret: string }>(world.server, 'POST', '/developers/keys', {
          bearer: world.developer.session,
          body: { app_id: world.app.id, name: 'short', billing_mode: 'developer' },
        })
        assert.equal((await chat({ bearer: reply.secret })).status, 200)
        await must(world.server, 'DELETE', `/developers/keys/${reply.key.id}`, { bearer: world.developer.session })
        const refused = await chat({ bearer: reply.secret })
        assert.deepEqual([refused.status, errorOf(refused).code], [401, 'invalid_api_key'])
      })
    })

    test('what the vendor sends beside the answer stays there', async () => {
      world.upstream.on(
        'odd',
        pieces(
          event({ choices: [{ index: 0, delta: { content: 'x', odd_field: [1] } }], system_fingerprint: 'fp' }),
          usageEvent({ prompt_tokens: 1, completion_tokens: 1 }),
          DONE,
        ),
      )
      const reply = await send(world.developerKey, { model: 'odd', stream: true })
      assert.ok(reply.text.includes('"odd_field":[1]'))
      assert.ok(reply.text.includes('"system_fingerprint":"fp"'))
      assert.ok(!String(world.upstream.of('odd')[0]?.headers.authorization).includes(world.developerKey))
      const forwarded = Object.keys(world.upstream.of('odd')[0]?.headers ?? {})
      for (const name of ['x-quota-user', 'x-api-key', 'cookie', 'x-forwarded-for', 'idempotency-key']) {
        assert.ok(!forwarded.includes(name), name)
      }
    })
  })
}
