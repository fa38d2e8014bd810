// A person who pauses, revokes or freezes while answers are streaming.
// owns: how soon a stream ends then, its last frame, its bill, and the refusal of the next call. never: other edits.
// always true: a stream of that connection ends within a second, in whatever process it runs; others go on.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type App, buy, connect, createApp, grant, must, type Person, register } from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { answer, completion, json } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  callsByModel,
  countTokens,
  entries,
  MESSAGES,
  PROMPT_TOKENS,
  pricedAlike,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const WALLET: App = {
  id: '',
  clientId: 'quota-wallet',
  clientSecret: null,
  redirectUri: 'http://127.0.0.1:7999/callback',
}
const WITHIN_MS = 1000
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

type Wallet = { token: string; mid: number; client: string }
let clients = 0

async function walletOf(server: Server, person: Person): Promise<Wallet> {
  const { accessToken } = await connect(server, person, WALLET, { scope: 'openid wallet' })
  return { token: accessToken, mid: 0, client: `device-${++clients}` }
}

async function mutate(server: Server, wallet: Wallet, name: string, args: object, baseVersion?: number): Promise<void> {
  const mutation = {
    mid: ++wallet.mid,
    name,
    args,
    ...(baseVersion === undefined ? {} : { base_version: baseVersion }),
  }
  const { results } = await must<{ results: { status: string }[] }>(server, 'POST', '/v1/wallet/mutations', {
    bearer: wallet.token,
    body: { client: wallet.client, mutations: [mutation] },
  })
  assert.equal(results[0]?.status, 'applied', JSON.stringify(results))
}

type Row = { id: string; app: { id: string }; version: number; status: string }
async function connectionOf(server: Server, wallet: Wallet, app: App): Promise<Row> {
  const feed = await must<{ changes: { topic: string; row: Row | null }[] }>(
    server,
    'GET',
    `/v1/wallet/feed?after=&client=${wallet.client}`,
    {
      bearer: wallet.token,
    },
  )
  const rows = feed.changes.filter(({ topic }) => topic === 'connection').map(({ row }) => row)
  const found = rows.filter((row) => row?.app.id === app.id).at(-1)
  assert.ok(found, 'no such connection on the feed')
  return found
}

function fundingOf(reply: Answer): unknown {
  return (jsonOf(reply).quota as { funded_by: unknown } | undefined)?.funded_by ?? reply.text
}

for (const db of databases()) {
  describe(`stopping in the middle (${db})`, () => {
    let world: World
    let other: App
    before(async () => {
      world = await relayWorld({
        db,
        env: { QUOTA_MASTER_KEY: MASTER_KEY },
        models: pricedAlike(['m-a', 'm-b', 'm-c', 'm-d', 'm-e', 'm-f', 'm-g', 'm-h', 'm-json', 'm-late']),
      })
      world.upstream.on(
        '*',
        answer({ words: 200, intervalMs: 40, usage: { prompt_tokens: 10, completion_tokens: 200 } }),
      )
      other = await createApp(world.server, world.developer)
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    async function someone() {
      const person = await register(world.server, 'ann')
      await buy(world.server, person.session, 'starter')
      const { accessToken } = await connect(world.server, person, world.app)
      return { person, accessToken, wallet: await walletOf(world.server, person) }
    }
    const start = (
      bearer: string,
      model: string,
      onFrame?: (data: string, n: number) => void,
      url = world.server.url,
    ) =>
      ask(url, {
        bearer,
        body: { model, messages: MESSAGES, max_tokens: 400, stream: true },
        ...(onFrame ? { onFrame } : {}),
      })

    /** Starts a stream, acts after its fifth frame, and answers how long the stream then went on. */
    async function stopped(
      bearer: string,
      model: string,
      act: () => Promise<unknown>,
    ): Promise<{ reply: Answer; tookMs: number }> {
      let acted: Promise<number> | undefined
      const reply = await start(bearer, model, (_data, n) => {
        if (n === 5) acted = act().then(() => Date.now())
      })
      assert.ok(acted, `five frames never came: ${reply.text}`)
      return { reply, tookMs: (reply.times.at(-1) ?? 0) - (await acted) }
    }

    function assertStopped({ reply, tookMs }: { reply: Answer; tookMs: number }, code: string): number {
      assert.ok(reply.complete)
      assert.ok(tookMs < WITHIN_MS, `it went on for ${tookMs} ms`)
      assert.ok(!reply.text.includes('[DONE]'))
      const frames = parsedFrames(reply)
      const last = frames.at(-1) as { error: { code: string }; quota: { credits_used: number; estimated: boolean } }
      assert.equal(last.error.code, code)
      assert.equal(last.quota.estimated, true)
      const delivered = frames
        .slice(0, -1)
        .map((frame) => (frame.choices as { delta: { content?: string } }[])[0]?.delta.content ?? '')
        .join('')
      assert.equal(
        last.quota.credits_used,
        PROMPT_TOKENS + 2 * countTokens(delivered),
        'billed to the last delivered token',
      )
      return last.quota.credits_used
    }

    test('pause: the stream ends, the next call is refused, resume lets it through', async () => {
      const { person, accessToken, wallet } = await someone()
      const connection = await connectionOf(world.server, wallet, world.app)
      const result = await stopped(accessToken, 'm-a', () =>
        mutate(world.server, wallet, 'connection.pause', { connection_id: connection.id }),
      )
      const used = assertStopped(result, 'connection_paused')
      assert.equal(await balanceOf(world.server, person), 4_050_000 - used)
      const seen = world.upstream.calls.length
      const next = await start(accessToken, 'm-a')
      assert.deepEqual([next.status, errorOf(next).code], [403, 'connection_paused'])
      assert.equal(world.upstream.calls.length, seen)
      const { version } = await connectionOf(world.server, wallet, world.app)
      await mutate(world.server, wallet, 'connection.resume', { connection_id: connection.id }, version)
      world.upstream.on('m-a', answer())
      assert.equal((await start(accessToken, 'm-a')).status, 200)
    })

    test('revoke: the stream ends, the token is dead', async () => {
      const { accessToken, wallet } = await someone()
      const { id } = await connectionOf(world.server, wallet, world.app)
      const result = await stopped(accessToken, 'm-b', () =>
        mutate(world.server, wallet, 'connection.revoke', { connection_id: id }),
      )
      assertStopped(result, 'connection_revoked')
      const next = await start(accessToken, 'm-b')
      assert.deepEqual([next.status, errorOf(next).code], [401, 'invalid_token'])
    })

    test('hosted: pause is 403, revoke is 404 in both forms, and the grant waits for a new link', async () => {
      const { person, wallet } = await someone()
      const link = () =>
        connect(world.server, person, world.app, { token: { storage_mode: 'hosted', external_user_id: 'hosted-ann' } })
      await link()
      await grant(world.server, world.userKey, 'hosted-ann', 0.00003)
      world.upstream.on('m-h', answer())
      const body = { model: 'm-h', messages: MESSAGES, max_tokens: 20 }
      const byHeader = () =>
        ask(world.server.url, { bearer: world.userKey, headers: { 'x-quota-user': 'hosted-ann' }, body })
      const byPath = () =>
        ask(world.server.url, { bearer: world.userKey, path: '/v1/users/hosted-ann/chat/completions', body })
      const first = await byHeader()
      assert.deepEqual(fundingOf(first), [{ source: 'grant', credits: 18 }])
      assert.deepEqual(fundingOf(await byPath()), [
        { source: 'grant', credits: 12 },
        { source: 'balance', credits: 6 },
      ])
      await grant(world.server, world.userKey, 'hosted-ann', 0.00003)
      const { id } = await connectionOf(world.server, wallet, world.app)
      await mutate(world.server, wallet, 'connection.pause', { connection_id: id })
      for (const reply of [await byHeader(), await byPath()]) {
        assert.deepEqual([reply.status, errorOf(reply).code], [403, 'connection_paused'])
      }
      await mutate(world.server, wallet, 'connection.revoke', { connection_id: id })
      for (const reply of [await byHeader(), await byPath()]) {
        assert.deepEqual([reply.status, errorOf(reply).code], [404, 'user_not_found'])
      }
      assert.equal(world.upstream.of('m-h').length, 2)
      await link()
      assert.deepEqual(fundingOf(await byHeader()), [{ source: 'grant', credits: 18 }])
    })

    test('freeze: every app of that person stops, nobody else’s', async () => {
      const { person, accessToken, wallet } = await someone()
      const second = await connect(world.server, person, other)
      const neighbour = await someone()
      world.upstream.on('m-d', answer({ words: 30, intervalMs: 40 }))
      const [mine, more, theirs] = await Promise.all([
        stopped(accessToken, 'm-c', () => mutate(world.server, wallet, 'wallet.freeze', {})),
        start(second.accessToken, 'm-c'),
        start(neighbour.accessToken, 'm-d'),
      ])
      assertStopped(mine, 'connection_paused')
      assert.ok(!more.text.includes('[DONE]') && more.text.includes('connection_paused'))
      assert.equal(theirs.frames.at(-1), '[DONE]')
      const next = await start(second.accessToken, 'm-c')
      assert.equal(errorOf(next).code, 'connection_paused')
    })

    test('pausing one app leaves the person’s other apps running', async () => {
      const { person, accessToken, wallet } = await someone()
      const second = await connect(world.server, person, other)
      const { id } = await connectionOf(world.server, wallet, world.app)
      world.upstream.on('m-f', answer({ words: 30, intervalMs: 40 }))
      const running = start(second.accessToken, 'm-f')
      const result = await stopped(accessToken, 'm-e', () =>
        mutate(world.server, wallet, 'connection.pause', { connection_id: id }),
      )
      assertStopped(result, 'connection_paused')
      assert.equal((await running).frames.at(-1), '[DONE]')
    })

    test('a call that has no answer yet: 403, and nothing is charged', async () => {
      const { person, accessToken, wallet } = await someone()
      const { id } = await connectionOf(world.server, wallet, world.app)
      for (const stream of [false, true]) {
        const called = Promise.withResolvers<void>()
        world.upstream.on('m-json', async (response) => {
          called.resolve()
          await new Promise((resolve) => setTimeout(resolve, 3000))
          return json(200, completion('late', { prompt_tokens: 1, completion_tokens: 1 }))(response)
        })
        const reply = ask(world.server.url, {
          bearer: accessToken,
          body: { model: 'm-json', messages: MESSAGES, max_tokens: 9, stream },
        })
        await called.promise
        const at = Date.now()
        await mutate(world.server, wallet, 'connection.pause', { connection_id: id })
        const { status, text } = await reply
        assert.ok(Date.now() - at < WITHIN_MS + 500, 'it waited')
        assert.deepEqual([status, JSON.parse(text).error.code], [403, 'connection_paused'])
        const { version } = await connectionOf(world.server, wallet, world.app)
        await mutate(world.server, wallet, 'connection.resume', { connection_id: id }, version)
      }
      assert.equal(await balanceOf(world.server, person), 4_050_000)
    })

    test('a pause at the very moment of the hold is not missed', async () => {
      const { accessToken, wallet } = await someone()
      const { id } = await connectionOf(world.server, wallet, world.app)
      world.upstream.on('m-late', answer({ words: 60, intervalMs: 40 }))
      for (let round = 0; round < 10; round++) {
        const calls = Array.from({ length: 6 }, () => start(accessToken, 'm-late'))
        await new Promise((resolve) => setTimeout(resolve, round))
        await mutate(world.server, wallet, 'connection.pause', { connection_id: id })
        for (const reply of await Promise.all(calls)) {
          assert.ok(!reply.text.includes('[DONE]'), 'a stream outlived the pause')
        }
        const { version } = await connectionOf(world.server, wallet, world.app)
        await mutate(world.server, wallet, 'connection.resume', { connection_id: id }, version)
      }
    })

    if (db === 'postgres') {
      test('a pause made in another process', async () => {
        const second = await startServer({
          db,
          env: {
            DATABASE_URL: world.server.databaseUrl,
            QUOTA_MASTER_KEY: MASTER_KEY,
            QUOTA_PUBLIC_URL: world.server.url,
          },
        })
        try {
          const { accessToken, wallet } = await someone()
          const { id } = await connectionOf(world.server, wallet, world.app)
          const result = await stopped(accessToken, 'm-g', () =>
            mutate(second, wallet, 'connection.pause', { connection_id: id }),
          )
          assertStopped(result, 'connection_paused')
        } finally {
          await second.stop()
        }
      })
    }

    test('every call above held once and ended once', async () => {
      for (const calls of callsByModel(await entries(world.server)).values())
        for (const { ending } of calls) assert.ok(ending)
      assert.equal(jsonOf(await ask(world.server.url, { method: 'GET', path: '/readyz' })).ok, true)
    })
  })
}
