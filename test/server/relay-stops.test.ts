// Streams that end because of something other than their person or their upstream: a key revoked, an app deleted.
// Also how many calls of one connection may be under way.
// owns: how soon, with which last frame, at which charge. never: pause, revoke and freeze by a person (relay-pause.test.ts).
// always true: what was delivered is billed to the token, also from another process; a call refused for the crowd moved nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { buy, connect, createApp, createKey, must, type Person, register } from '../support/api.ts'
import { type Answer, ask, errorOf, parsedFrames } from '../support/relay-client.ts'
import { answer, broken, chunk } from '../support/relay-upstream.ts'
import {
  assertBooks,
  countTokens,
  entries,
  MESSAGES,
  PROMPT_TOKENS,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const WITHIN_MS = 1000
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

for (const db of databases()) {
  describe(`stopped from elsewhere (${db})`, () => {
    let world: World
    /** Where the click is made: another process on Postgres. */
    let clicks: Server
    before(async () => {
      const env = { QUOTA_MASTER_KEY: MASTER_KEY, QUOTA_CONNECTION_CALLS_MAX: '1', QUOTA_RATE_LIMIT_SCALE: '8' }
      world = await relayWorld({ db, env })
      world.upstream.on(
        '*',
        answer({ words: 200, intervalMs: 40, usage: { prompt_tokens: 10, completion_tokens: 200 } }),
      )
      const second = { ...world.env, DATABASE_URL: world.server.databaseUrl, QUOTA_PUBLIC_URL: world.server.url }
      clicks = db === 'postgres' ? await startServer({ db, env: second }) : world.server
      // The first count of our own loads the tokenizer.
      world.upstream.on('t-out', broken(chunk('word ')))
      const warm = { model: 't-out', messages: MESSAGES, max_tokens: 9, stream: true }
      await ask(world.server.url, { bearer: world.developerKey, body: warm })
    })
    after(async () => {
      await assertBooks(world.server)
      if (clicks !== world.server) await clicks.stop()
      await world.stop()
    })

    const stream = (bearer: string, onFrame?: (data: string, n: number) => void, header?: string): Promise<Answer> =>
      ask(world.server.url, {
        bearer,
        ...(header ? { headers: { 'x-quota-user': header } } : {}),
        body: { model: 't-mix', messages: MESSAGES, max_tokens: 400, stream: true },
        ...(onFrame ? { onFrame } : {}),
      })

    /** Starts a stream, acts after its fifth frame. @returns what it was billed */
    async function stoppedBy(act: () => Promise<unknown>, code: string, ...[bearer, header]: [string, string?]) {
      let acted: Promise<number> | undefined
      const onFrame = (_data: string, n: number) => {
        if (n === 5) acted = act().then(() => Date.now())
      }
      const reply = await stream(bearer, onFrame, header)
      assert.ok(acted, `five frames never came: ${reply.text}`)
      const tookMs = (reply.times.at(-1) ?? 0) - (await acted)
      assert.ok(tookMs < WITHIN_MS, `it went on for ${tookMs} ms`)
      assert.ok(reply.complete && !reply.text.includes('[DONE]'))
      const frames = parsedFrames(reply)
      const last = frames.at(-1) as { error: { code: string }; quota: { credits_used: number } }
      assert.equal(last.error.code, code)
      const delivered = frames
        .slice(0, -1)
        .map((frame) => (frame.choices as { delta: { content?: string } }[])[0]?.delta.content ?? '')
        .join('')
      assert.equal(last.quota.credits_used, PROMPT_TOKENS + 2 * countTokens(delivered))
    }

    async function developer() {
      const person = await register(world.server, 'dev')
      await buy(world.server, person.session, 'starter')
      const app = await createApp(world.server, person)
      return { person, app }
    }
    const keysOf = (person: Person) =>
      must<{ keys: { id: string }[] }>(world.server, 'GET', '/developers/keys', { bearer: person.session })

    test('a key that its developer revokes', async () => {
      const { person, app } = await developer()
      const [gone, stays] = [
        await createKey(world.server, person, app, 'developer'),
        await createKey(world.server, person, app, 'developer'),
      ]
      const { keys } = await keysOf(person)
      const other = stream(stays)
      const revoke = () => must(clicks, 'DELETE', `/developers/keys/${keys[0]?.id}`, { bearer: person.session })
      await stoppedBy(revoke, 'invalid_api_key', gone)
      assert.equal((await stream(gone)).status, 401)
      assert.ok((await other).text.endsWith('data: [DONE]\n\n'), 'the other key’s stream goes on')
    })

    test('a key behind a linked user, revoked', async () => {
      const { person, app } = await developer()
      const key = await createKey(world.server, person, app, 'user')
      const ann = await register(world.server, 'ann')
      await buy(world.server, ann.session, 'starter')
      await connect(world.server, ann, app, { token: { storage_mode: 'hosted', external_user_id: 'ann' } })
      const { keys } = await keysOf(person)
      const revoke = () => must(clicks, 'DELETE', `/developers/keys/${keys[0]?.id}`, { bearer: person.session })
      await stoppedBy(revoke, 'invalid_api_key', key, 'ann')
    })

    test('an app that is deleted: its keys’ and its users’ streams', async () => {
      const { person, app } = await developer()
      const key = await createKey(world.server, person, app, 'developer')
      const ann = await register(world.server, 'ann')
      await buy(world.server, ann.session, 'starter')
      const { accessToken } = await connect(world.server, ann, app)
      const byToken = stream(accessToken)
      const remove = () => must(clicks, 'DELETE', `/developers/apps/${app.id}`, { bearer: person.session })
      await stoppedBy(remove, 'invalid_api_key', key)
      const last = parsedFrames(await byToken).at(-1) as { error?: { code: string } }
      assert.equal(last.error?.code, 'invalid_token')
    })

    test('as many calls of a connection at once as are allowed; one more when one has ended', async () => {
      const ann = await register(world.server, 'ann')
      await buy(world.server, ann.session, 'starter')
      const { accessToken } = await connect(world.server, ann, world.app)
      // Two processes on Postgres share the eight; each knows of the other within its lease's beat.
      const share = db === 'postgres' ? 4 : 8
      const gate = Promise.withResolvers<void>()
      let begun = 0
      const all = Promise.withResolvers<void>()
      world.upstream.on('t-out', async (response, call) => {
        if (++begun === share) all.resolve()
        await gate.promise
        return answer({ usage: { prompt_tokens: 1, completion_tokens: 1 } })(response, call)
      })
      const send = () => ask(world.server.url, { bearer: accessToken, body: { model: 't-out', messages: MESSAGES } })
      const running = Array.from({ length: share }, send)
      await all.promise
      const moved = (await entries(world.server)).length
      const over = await send()
      assert.deepEqual(
        [over.status, errorOf(over).code, over.headers['retry-after']],
        [429, 'rate_limit_exceeded', '1'],
      )
      assert.equal((await entries(world.server)).length, moved, 'something moved')
      assert.equal(begun, share)
      gate.resolve()
      for (const reply of await Promise.all(running)) assert.equal(reply.status, 200, reply.text)
      assert.equal((await send()).status, 200)
    })
  })
}
