// Codes and tokens under fire: used once at any concurrency, dead as a family, nowhere in clear.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { findAccessToken, sweepIdentity } from '../../server/identity/models.ts'
import { databases } from '../support/server.ts'
import { revoke } from './identity.procedures.ts'
import {
  type Answer,
  bearer,
  browser,
  codeFor,
  exchange,
  type Json,
  type Rig,
  refresh,
  register,
  type Signed,
  sha,
  startRig,
  tokensFor,
} from './identity.rig.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

for (const database of databases()) {
  describe(`tokens on ${database}`, () => {
    let rig: Rig
    let ann: Signed
    let clock = 0
    before(async () => {
      rig = await startRig(database)
      ann = await register(rig)
    })
    after(() => rig.close())
    const later = (ms: number) => {
      clock += ms
      rig.later(ms)
    }
    const look = (token: string) => findAccessToken(rig.db, token, Date.now() + clock)
    const succeeded = (replies: Answer[]) => replies.filter((r) => r.status === 200)

    test('an access token is found by its hash, with whose it is and what it may', async () => {
      const { access } = await tokensFor(rig, ann)
      const found = await look(access)
      assert.deepEqual(
        [found?.userId, found?.clientId, found?.scopes, found?.dpopKey],
        [ann.id, 'web', ['openid', 'credits.spend'], null],
      )
      assert.equal(await look(sha(access)), null)
      assert.equal(await look(`${access}x`), null)
      later(HOUR_MS + 1000)
      assert.equal(await look(access), null)
    })

    test('20 uses of one code at once: one succeeds at most, and what it got is dead', async () => {
      const code = await codeFor(rig, ann)
      const replies = await atOneMoment(rig, 20, () => exchange(rig, {}, code))
      const good = succeeded(replies)
      assert.equal(good.length, 1)
      for (const reply of replies.filter((r) => r.status !== 200))
        assert.deepEqual([reply.status, reply.body.error], [400, 'invalid_grant'])
      for (const reply of good) {
        assert.equal(await look(String(reply.body.access_token)), null)
        assert.equal((await refresh(rig, {}, String(reply.body.refresh_token))).body.error, 'invalid_grant')
      }
    })

    test('20 uses of one refresh token at once: the same', async () => {
      const tokens = await tokensFor(rig, ann)
      const replies = await atOneMoment(rig, 20, () => refresh(rig, {}, tokens.refresh))
      const good = succeeded(replies)
      assert.equal(good.length, 1)
      for (const reply of replies.filter((r) => r.status !== 200))
        assert.deepEqual([reply.status, reply.body.error], [400, 'invalid_grant'])
      for (const token of [tokens.access, ...good.map((r) => String(r.body.access_token))])
        assert.equal(await look(token), null)
    })

    test('two processes on one database agree on it', async () => {
      const twin = { ...rig, url: await rig.twin() }
      const code = await codeFor(rig, ann)
      const replies = await atOneMoment(rig, 20, (i) => exchange(i % 2 ? twin : rig, {}, code))
      assert.equal(succeeded(replies).length, 1)
      const keys = async (url: string) => (await browser(url).go('GET', '/.well-known/jwks.json')).body
      assert.deepEqual(await keys(rig.url), await keys(twin.url))
    })

    test('a code used again kills what it had given; one by one', async () => {
      const code = await codeFor(rig, ann)
      const first = await exchange(rig, {}, code)
      assert.equal(first.status, 200)
      assert.ok(await look(String(first.body.access_token)))
      assert.equal((await exchange(rig, {}, code)).body.error, 'invalid_grant')
      assert.equal(await look(String(first.body.access_token)), null)
      assert.equal((await refresh(rig, {}, String(first.body.refresh_token))).body.error, 'invalid_grant')
    })

    test('a refresh token used again kills its family, and no other device’s, app’s or person’s', async () => {
      const bob = await register(rig)
      const on = browser(rig.url)
      const [one, sameBrowser, device, app, person] = [
        await tokensFor(rig, ann, {}, on),
        await tokensFor(rig, ann, {}, on),
        await tokensFor(rig, ann),
        await tokensFor(rig, ann, { client: 'other' }),
        await tokensFor(rig, bob),
      ]
      const next = await refresh(rig, {}, one.refresh)
      assert.equal(next.status, 200)
      assert.equal((await refresh(rig, {}, one.refresh)).body.error, 'invalid_grant')
      for (const token of [one.access, String(next.body.access_token)]) assert.equal(await look(token), null)
      assert.equal((await refresh(rig, {}, String(next.body.refresh_token))).body.error, 'invalid_grant')
      for (const token of [sameBrowser, device, app, person]) assert.ok(await look(token.access))
      assert.equal((await refresh(rig, {}, sameBrowser.refresh)).status, 200)
      assert.equal((await refresh(rig, {}, device.refresh)).status, 200)
      assert.equal((await refresh(rig, { client: 'other' }, app.refresh)).status, 200)
    })

    describe('refused at refresh', () => {
      const rows: [string, Record<string, string>, number, string][] = [
        ['another client', { client_id: 'other' }, 400, 'invalid_grant'],
        ['a scope it never had', { scope: 'openid email' }, 400, 'invalid_scope'],
        ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
        ['an invented token', { refresh_token: 'invented' }, 400, 'invalid_grant'],
      ]
      for (const [name, form, status, error] of rows) {
        test(`${name}; and the token still works`, async () => {
          const tokens = await tokensFor(rig, ann)
          const reply = await refresh(rig, {}, tokens.refresh, form)
          assert.deepEqual([reply.status, reply.body.error], [status, error], reply.text)
          assert.equal((await refresh(rig, {}, tokens.refresh)).status, 200)
        })
      }
      test('an access token in its place', async () => {
        const tokens = await tokensFor(rig, ann)
        assert.equal((await refresh(rig, {}, tokens.access)).body.error, 'invalid_grant')
      })
    })

    test('a refresh token lives 90 days from its last use', async () => {
      let { refresh: token } = await tokensFor(rig, ann)
      const idle = await tokensFor(rig, ann)
      for (let month = 0; month < 4; month++) {
        later(60 * DAY_MS)
        const reply = await refresh(rig, {}, token)
        assert.equal(reply.status, 200, `after ${(month + 1) * 60} days: ${reply.text}`)
        token = String(reply.body.refresh_token)
      }
      assert.equal((await refresh(rig, {}, idle.refresh)).body.error, 'invalid_grant')
      ann = await register(rig)
    })

    test('revoking a connection ends every device’s tokens of that app, and nothing else', async () => {
      const [one, two, other] = [
        await tokensFor(rig, ann),
        await tokensFor(rig, ann),
        await tokensFor(rig, ann, { client: 'other' }),
      ]
      await rig.db.tx(revoke, { userId: ann.id, clientId: 'web' })
      assert.equal(await look(one.access), null)
      assert.equal(await look(two.access), null)
      assert.equal((await refresh(rig, {}, two.refresh)).body.error, 'invalid_grant')
      assert.ok(await look(other.access))
    })

    test('what is over is swept away, what lives stays', async () => {
      const old = await tokensFor(rig, ann)
      later(100 * DAY_MS)
      ann = await register(rig)
      const fresh = await tokensFor(rig, ann)
      const rows = async () => (await rig.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM oidc_models'))?.n ?? 0
      const before = await rows()
      assert.ok((await rig.db.tx(sweepIdentity, {})) > 0)
      assert.ok((await rows()) < before)
      assert.equal(await look(old.access), null)
      assert.ok(await look(fresh.access))
      assert.equal((await browser(rig.url).go('GET', '/auth/me', { headers: bearer(ann.session) })).status, 200)
    })

    test('no code, token, session, cookie, secret or password lies in the database', async () => {
      const on = browser(rig.url)
      const person = await register(rig, on)
      const code = await codeFor(rig, person, {}, on)
      const reply = await exchange(rig, {}, code)
      const device = await browser(rig.url).go('POST', '/oauth/device', {
        form: { client_id: 'native', scope: 'openid' },
      })
      assert.equal(device.status, 200, device.text)
      await on.go('GET', '/oauth/device/verify')
      const secrets = {
        code,
        access: String(reply.body.access_token),
        refresh: String(reply.body.refresh_token),
        session: person.session.slice('sess_'.length),
        password: person.password,
        device: String(device.body.device_code),
        userCode: String(device.body.user_code),
        ...Object.fromEntries(on.cookies.map((c) => [c.name, c.value])),
      }
      const stored = await everything(rig, database)
      for (const [name, value] of Object.entries(secrets)) {
        assert.ok(value.length > 5, name)
        if (name.endsWith('.sig')) continue
        assert.ok(!stored.includes(value), `${name} lies in the database`)
      }
      assert.ok(stored.includes(person.email), 'the search does find what is there')
      assert.ok(!stored.includes('"d":'), 'no private key in clear')
    })
  })
}

/**
 * Sends requests that all look at a code or token before any of them uses it up: the moment at which a check that is not
 * part of the write lets all of them through. Sent at once without this, the first is often done before the second looks.
 */
async function atOneMoment(rig: Rig, count: number, send: (i: number) => Promise<Answer>): Promise<Answer[]> {
  const { db } = rig
  const original = db.tx
  const tx = original.bind(db)
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  db.tx = async (procedure, args) => {
    if (procedure.name === 'identity.consumeModel') {
      if (++waiting === count) gate.resolve()
      await gate.promise
    }
    return tx(procedure, args)
  }
  const late = setTimeout(gate.resolve, 10_000)
  try {
    const replies = await Promise.all(Array.from({ length: count }, (_, i) => send(i)))
    assert.equal(waiting, count, 'not all of them had looked')
    return replies
  } finally {
    clearTimeout(late)
    db.tx = original
  }
}

describe('the rate of token requests', () => {
  test('60 a minute for one client; the RFC’s shape; another client goes on', async () => {
    const rig = await startRig('sqlite', { scale: 1 })
    try {
      const replies: Answer[] = []
      for (let i = 0; i < 61; i++) replies.push(await refresh(rig, {}, 'invented'))
      assert.equal(replies[59]?.body.error, 'invalid_grant')
      const over = replies[60]
      assert.deepEqual([over?.status, over?.body.error], [429, 'rate_limit_exceeded'])
      assert.ok(Number(over?.headers.get('retry-after')) > 0)
      assert.equal((await refresh(rig, { client: 'other' }, 'invented')).body.error, 'invalid_grant')
      // Of clients that nobody knows there are many: they count by their address.
      const unknown: Answer[] = []
      for (let i = 0; i < 61; i++) unknown.push(await refresh(rig, { client: `none${i}` }, 'invented'))
      assert.deepEqual([unknown[0]?.status, unknown[0]?.headers.get('x-ratelimit-limit')], [401, '60'])
      assert.deepEqual([unknown[60]?.status, unknown[60]?.body.error], [429, 'rate_limit_exceeded'])
      assert.ok(Number(unknown[60]?.headers.get('retry-after')) > 0)
    } finally {
      await rig.close()
    }
  })
})

/** Every byte that is kept: the files of SQLite, or every row of identity's tables. */
async function everything(rig: Rig, database: string): Promise<string> {
  if (database === 'sqlite')
    return readdirSync(rig.dir)
      .map((file) => readFileSync(join(rig.dir, file), 'latin1'))
      .join('\n')
  const tables = ['users', 'sessions', 'identity_keys', 'oidc_models', 'changes']
  const rows = await Promise.all(tables.map((table) => rig.db.all<Json>(`SELECT * FROM ${table}`)))
  return JSON.stringify(rows)
}
