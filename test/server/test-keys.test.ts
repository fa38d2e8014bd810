// Keys with billing_mode "test": everything as it will be, but for the answer and the money.
// owns: who answers, who pays, what is refused. never: the arithmetic of charges (relay.test.ts).
// always true: no vendor hears of a call of a test key, whatever model it names and whoever pays.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { buy, connect, createKey, grant, register } from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import {
  assertBooks,
  balanceOf,
  entries,
  MESSAGES,
  personWith,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { databases } from '../support/server.ts'

/** Long enough for a markup of at least one micro-dollar. */
const LONG = [{ role: 'user', content: 'Hello there. '.repeat(10) }]

type Quota = {
  billing_mode: string
  credits_used: number
  markup_credits: number
  funded_by: { source: string; credits: number }[]
}

for (const db of databases()) {
  describe(`test keys (${db})`, () => {
    let world: World
    let bearer: string
    before(async () => {
      world = await relayWorld({ db, env: { QUOTA_SANDBOX_TOKEN_MS: '0' }, app: { markup_bps: 1000 } })
      bearer = await createKey(world.server, world.developer, world.app, 'test')
    })
    after(async () => {
      assert.equal(world.upstream.calls.length, 0, 'a vendor was called')
      await assertBooks(world.server)
      await world.stop()
    })

    const send = (
      how: { user?: string; header?: string; bearer?: string } = {},
      body: Record<string, unknown> = {},
    ): Promise<Answer> =>
      ask(world.server.url, {
        bearer: how.bearer ?? bearer,
        path: how.user ? `/v1/users/${how.user}/chat/completions` : '/v1/chat/completions',
        headers: how.header ? { 'x-quota-user': how.header } : {},
        body: { model: 't-mix', messages: MESSAGES, max_tokens: 20, ...body },
      })
    const quotaOf = (reply: Answer) => {
      assert.equal(reply.status, 200, reply.text)
      return jsonOf(reply).quota as Quota
    }

    test('without a user the developer pays, without markup', async () => {
      const before = await balanceOf(world.server, world.developer)
      const quota = quotaOf(await send())
      assert.deepEqual([quota.billing_mode, quota.markup_credits], ['test', 0])
      assert.ok(quota.credits_used > 0)
      assert.equal(await balanceOf(world.server, world.developer), before - quota.credits_used)
    })

    test('a stream is answered by the sandbox model too', async () => {
      const frames = parsedFrames(await send({}, { stream: true }))
      const last = frames.at(-1) as { quota: Quota }
      assert.equal(last.quota.billing_mode, 'test')
      assert.equal(frames[0]?.system_fingerprint, 'sandbox')
    })

    test('a granted user: the grant pays, as it will for a user key', async () => {
      await grant(world.server, world.userKey, 'gifted', 0.001)
      const quota = quotaOf(await send({ user: 'gifted' }))
      assert.deepEqual(
        [quota.billing_mode, quota.funded_by],
        ['test', [{ source: 'grant', credits: quota.credits_used }]],
      )
    })

    test('a linked user pays, by path and by header, with the markup and within the limit', async () => {
      const person = await register(world.server, 'ann')
      await buy(world.server, person.session, 'starter')
      const answer = { caps: [{ amount: 1000, period: 'total' }] }
      await connect(world.server, person, world.app, {
        answer,
        token: { storage_mode: 'hosted', external_user_id: 'ann' },
      })
      const byPath = quotaOf(await send({ user: 'ann' }, { messages: LONG }))
      const byHeader = quotaOf(await send({ header: 'ann' }, { messages: LONG }))
      assert.ok(byPath.markup_credits > 0)
      assert.equal(await balanceOf(world.server, person), 4_050_000 - byPath.credits_used - byHeader.credits_used)
      const over = await send({ user: 'ann' }, { max_tokens: 600 })
      assert.deepEqual([over.status, errorOf(over).code], [402, 'cap_exceeded'])
    })

    const refusals: [string, () => Promise<Answer>, number, string][] = [
      ['an unknown user', () => send({ user: 'not-there' }), 404, 'user_not_found'],
      ['an unknown user in the header', () => send({ header: 'not-there' }), 404, 'user_not_found'],
      ['an unknown model', () => send({}, { model: 'no-such-model' }), 404, 'model_not_found'],
      [
        'what could redirect the call',
        () => send({}, { api_base: 'https://example.org' }),
        400,
        'unsupported_parameter',
      ],
    ]
    for (const [name, act, status, code] of refusals) {
      test(`refused as with any key: ${name}`, async () => {
        const moved = (await entries(world.server)).length
        const reply = await act()
        assert.deepEqual([reply.status, errorOf(reply).code], [status, code], reply.text)
        assert.equal((await entries(world.server)).length, moved)
      })
    }

    test('without money: 402, as it will be', async () => {
      const { person, app } = await personWith(world.server, 0)
      const poor = await createKey(world.server, person, app, 'test')
      const reply = await send({ bearer: poor })
      assert.deepEqual([reply.status, errorOf(reply).code], [402, 'insufficient_credits'])
    })
  })
}
