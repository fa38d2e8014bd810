// Rate limits over HTTP, on two servers that share one Postgres.
// owns: which credential is counted where, and that two processes count together. never: the counting itself (rate-limit.test.ts).
// always true: a refused request says when it may come again, and did nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type App, call, connect, createApp, must, type Person, type Reply, register } from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')

for (const db of databases()) {
  describe(`rate limits (${db})`, () => {
    let servers: Server[]
    let person: Person
    let app: App
    before(async () => {
      const env = { QUOTA_RATE_LIMIT_SCALE: '1', QUOTA_MASTER_KEY: MASTER_KEY }
      const first = await startServer({ db, env })
      const shared = { ...env, DATABASE_URL: first.databaseUrl, QUOTA_PUBLIC_URL: first.url }
      servers = [first, ...(db === 'postgres' ? [await startServer({ db, env: shared })] : [])]
      person = await register(first)
      app = await createApp(first, person)
    })
    after(() => Promise.all(servers.map((server) => server.stop())))

    const at = (n: number) => servers[n % servers.length] as Server
    const keyWith = async (perMinute: number) => {
      const body = { app_id: app.id, name: 'k', billing_mode: 'developer', rate_limit_per_min: perMinute }
      return (await must<{ secret: string }>(at(0), 'POST', '/developers/keys', { bearer: person.session, body }))
        .secret
    }
    const statuses = (replies: Reply[]) => replies.map(({ status }) => status)
    const good = (replies: Reply[]) => statuses(replies).filter((status) => status === 200).length
    const atOnce = (times: number, act: (n: number) => Promise<Reply>) =>
      Promise.all(Array.from({ length: times }, (_, n) => act(n)))

    function refusedAsAgreed(reply: Reply): void {
      assert.equal((reply.body.error as { code: string }).code, 'rate_limit_exceeded', reply.text)
      const [after, reset] = [reply.headers.get('retry-after'), reply.headers.get('x-ratelimit-reset')]
      assert.ok(Number(after) >= 1 && Number(after) <= 60, String(after))
      assert.ok(Number(reset) * 1000 > Date.now() - 1000, String(reset))
      assert.equal(reply.headers.get('x-ratelimit-remaining'), '0')
    }

    test('a key has its own limit, whichever process is asked', async () => {
      const bearer = await keyWith(30)
      const replies = await atOnce(80, (n) => call(at(n), 'GET', '/v1/balance', { bearer }))
      assert.ok(good(replies) <= 30 && good(replies) >= 24, String(good(replies)))
      if (servers.length === 1) assert.equal(good(replies), 30)
      for (const reply of replies) {
        assert.equal(reply.headers.get('x-ratelimit-limit'), '30')
        if (reply.status !== 200) refusedAsAgreed(reply)
      }
    })

    test('by one process alone: exactly the limit', async () => {
      const bearer = await keyWith(25)
      const replies = await atOnce(40, () => call(at(0), 'GET', '/v1/balance', { bearer }))
      assert.equal(good(replies), 25)
    })

    test('a connection: 100 a minute', async () => {
      const { accessToken: bearer } = await connect(at(0), person, app)
      const replies = await atOnce(130, (n) => call(at(n), 'GET', '/v1/balance', { bearer }))
      assert.ok(good(replies) <= 100 && good(replies) >= 80, String(good(replies)))
      assert.equal(replies[0]?.headers.get('x-ratelimit-limit'), '100')
    })

    test('a session: 600 a minute', async () => {
      const { session: bearer } = await register(at(0), 'sitter')
      const left: number[] = []
      for (const path of ['/auth/me', '/developers/apps', '/account', '/developers/keys']) {
        const reply = await call(at(1), 'GET', path, { bearer })
        assert.equal(reply.headers.get('x-ratelimit-limit'), '600')
        left.push(Number(reply.headers.get('x-ratelimit-remaining')))
      }
      assert.deepEqual(
        left,
        [...new Set(left)].sort((a, b) => b - a),
        'all routes count together',
      )
    })

    test('passwords: five tries, over all processes', async () => {
      const { email } = person
      const body = { email, password: 'not this one' }
      const replies: Reply[] = []
      for (let n = 0; n < 12; n++) replies.push(await call(at(n), 'POST', '/auth/login', { body }))
      assert.deepEqual(statuses(replies), [...Array(5).fill(401), ...Array(7).fill(429)])
      refusedAsAgreed(replies.at(-1) as Reply)
    })

    test('what no route has looked at counts for the caller it names', async () => {
      const bearer = await keyWith(4)
      const replies = [
        await call(at(0), 'POST', '/v1/chat/completions', { bearer, raw: '{' }),
        await call(at(0), 'PUT', '/v1/balance', { bearer }),
        await call(at(0), 'GET', '/v1/none', { bearer }),
        await call(at(0), 'GET', '/v1/packages', { bearer }),
        await call(at(0), 'GET', '/v1/packages', { bearer }),
      ]
      assert.deepEqual(statuses(replies), [400, 405, 404, 200, 429])
      for (const reply of replies) assert.equal(reply.headers.get('x-ratelimit-limit'), '4', reply.text)
      refusedAsAgreed(replies.at(-1) as Reply)
    })

    // The last of this server: the address has nothing left after it. Every name is counted in one bucket.
    test('nobody in particular, or with a credential that is none: 60 a minute and address, and the known go on', async () => {
      const secret = await keyWith(100)
      const guesses: [what: string, ask: (n: number) => Promise<Reply>][] = [
        ['no credential', (n) => call(at(n), 'GET', '/v1/packages')],
        [
          'a wrong key',
          (n) => call(at(n), 'GET', '/v1/balance', { bearer: `sk-quota-${String(n).padStart(32, '0')}` }),
        ],
        ['a wrong token', (n) => call(at(n), 'GET', '/v1/balance', { bearer: String(n).padStart(43, 'x') })],
        ['a wrong session', (n) => call(at(n), 'GET', '/v1/me', { bearer: `sess_${String(n).padStart(43, 'x')}` })],
        ['a forged event', (n) => call(at(n), 'POST', '/webhooks/stripe', { body: { n } })],
        ['a cookie of nobody', (n) => call(at(n), 'GET', '/v1/packages', { headers: { cookie: 'a=b' } })],
        ['a key nobody reads', (n) => call(at(n), 'GET', '/v1/packages', { bearer: `sk-quota-${n}` })],
        ['a path that is none', (n) => call(at(n), 'GET', '/v1/none', { headers: { cookie: 'a=b' } })],
        ['a body that is none', (n) => call(at(n), 'POST', '/auth/login', { raw: '{' })],
      ]
      const all: Reply[] = []
      for (const [what, ask] of guesses) {
        const replies = await atOnce(30, ask)
        all.push(...replies)
        const limited = replies.filter(({ status }) => status === 429)
        for (const reply of limited) refusedAsAgreed(reply)
        if (all.length > 90) assert.equal(limited.length, replies.length, what)
      }
      const answered = all.filter(({ status }) => status !== 429).length
      assert.ok(answered <= 60 && answered >= 30, String(answered))
      const known = await call(at(0), 'GET', '/v1/balance', { bearer: secret })
      assert.equal(known.status, 200, known.text)
    })
  })
}
