// Accounts and sessions: what is refused, what is not told apart, what a feed hears.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { changesAfter } from '../../server/feed/feed.ts'
import { databases } from '../support/server.ts'
import { freeze } from './identity.procedures.ts'
import { bearer, browser, type Json, OWN, type Rig, register, type Signed, startRig } from './identity.rig.ts'

for (const database of databases()) {
  describe(`accounts on ${database}`, () => {
    let rig: Rig
    let ann: Signed
    before(async () => {
      rig = await startRig(database)
      ann = await register(rig)
    })
    after(() => rig.close())
    const people = async () => (await rig.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM users'))?.n

    test('registering answers 201 in the documented shape, with a session that works', async () => {
      const on = browser(rig.url)
      const reply = await on.go('POST', '/auth/register', { json: { email: 'Zoë@Example.org', password: '12345678' } })
      assert.equal(reply.status, 201)
      assert.deepEqual(Object.keys(reply.body).sort(), ['expires_at', 'session_token', 'user'])
      assert.match(String(reply.body.session_token), /^sess_[\w-]{43}$/)
      assert.match(String(reply.body.expires_at), /^\d{4}-.*Z$/)
      const user = reply.body.user as Json
      assert.deepEqual({ ...user, id: '' }, { id: '', email: 'zoë@example.org', balance: 0 })
      const me = await on.go('GET', '/auth/me', { headers: bearer(String(reply.body.session_token)) })
      assert.deepEqual(me.body, user)
      const again = { email: 'ZOË@example.ORG', password: '12345678' }
      assert.equal((await on.go('POST', '/auth/register', { json: again })).body.error && 409, 409)
      assert.equal((await on.go('POST', '/auth/login', { json: again })).status, 200)
    })

    test('the feed begins with the profile and an empty balance', async () => {
      const changes = await changesAfter(rig.db, ann.id, 0, 10)
      assert.deepEqual(
        changes.map(({ rev, topic, doc }) => [rev, topic, doc]),
        [
          [1, 'profile', ann.id],
          [2, 'balance', ann.id],
        ],
      )
      assert.deepEqual(JSON.parse(changes[1]?.row ?? ''), { posted: 0, held: 0, available: 0 })
      const profile = JSON.parse(changes[0]?.row ?? '') as Json
      assert.deepEqual(
        [profile.email, profile.time_zone, profile.week_start, profile.version],
        [ann.email, 'UTC', 'monday', 1],
      )
    })

    describe('refused, and nobody is created', () => {
      const good = { email: 'new@example.org', password: 'long enough' }
      const rows: [string, unknown, number, string, string | null][] = [
        ['no @', { ...good, email: 'example.org' }, 400, 'invalid_email', null],
        ['two @', { ...good, email: 'a@b@c.org' }, 400, 'invalid_email', null],
        ['nothing before the @', { ...good, email: '@c.org' }, 400, 'invalid_email', null],
        ['a line break', { ...good, email: 'a\n@c.org' }, 400, 'invalid_email', null],
        ['a blank', { ...good, email: 'a b@c.org' }, 400, 'invalid_email', null],
        ['text direction', { ...good, email: 'a\u202eb@c.org' }, 400, 'invalid_email', null],
        ['a zero-width character', { ...good, email: 'a\u200bb@c.org' }, 400, 'invalid_email', null],
        ['too long', { ...good, email: `${'a'.repeat(250)}@c.org` }, 400, 'bad_request', 'email'],
        ['a number', { ...good, email: 7 }, 400, 'bad_request', 'email'],
        ['no e-mail', { password: good.password }, 400, 'bad_request', 'email'],
        ['seven characters', { ...good, password: '1234567' }, 400, 'weak_password', 'password'],
        ['four characters of two units each', { ...good, password: '😀😀😀😀' }, 400, 'weak_password', 'password'],
        ['1025 characters', { ...good, password: 'x'.repeat(1025) }, 400, 'bad_request', 'password'],
        ['an unknown field', { ...good, balance: 1_000_000 }, 400, 'bad_request', 'balance'],
        ['an array', [], 400, 'bad_request', null],
      ]
      for (const [name, json, status, code, param] of rows) {
        test(name, async () => {
          const before = await people()
          const { body, ...reply } = await browser(rig.url).go('POST', '/auth/register', { json })
          const error = body.error as Json
          assert.deepEqual([reply.status, error.code, error.param], [status, code, param], reply.text)
          assert.equal(await people(), before)
        })
      }
      test('an e-mail that exists, 8 times at once', async () => {
        const json = { email: 'race@example.org', password: 'long enough' }
        const replies = await Promise.all(
          Array.from({ length: 8 }, () => browser(rig.url).go('POST', '/auth/register', { json })),
        )
        assert.deepEqual(replies.map((r) => r.status).sort(), [201, ...Array(7).fill(409)])
        const known = replies.find((r) => r.status === 409)?.body.error as Json
        assert.equal(known.code, 'email_exists')
      })
    })

    test('a wrong password and an unknown e-mail are one answer, in one time', async () => {
      const login = async (email: string) => {
        const from = performance.now()
        const reply = await browser(rig.url).go('POST', '/auth/login', {
          json: { email, password: 'not the password' },
        })
        return { ms: performance.now() - from, reply }
      }
      await login(ann.email)
      const times: { known: number[]; unknown: number[] } = { known: [], unknown: [] }
      for (let i = 0; i < 7; i++) {
        const known = await login(ann.email)
        const unknown = await login('nobody@example.org')
        assert.equal(known.reply.status, 401)
        const text = ({ reply }: typeof known) => reply.text.replace(/req_\w+/, '')
        assert.equal(text(known), text(unknown))
        times.known.push(known.ms)
        times.unknown.push(unknown.ms)
      }
      const median = (list: number[]) => list.sort((a, b) => a - b)[3] ?? 0
      const ratio = median(times.known) / median(times.unknown)
      // A hash is most of it: without one for nobody, known takes ten times as long and more.
      assert.ok(ratio > 0.2 && ratio < 5, `known takes ${ratio} times as long as unknown`)
    })

    describe('sessions', () => {
      test('the cookie is HttpOnly and Lax, and a new one at each sign-in ends the one before', async () => {
        const on = browser(rig.url)
        const first = await on.go('POST', '/auth/login', { json: { email: ann.email, password: ann.password } })
        assert.match(
          first.headers.getSetCookie()[0] ?? '',
          /^quota_session=sess_[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=86400$/,
        )
        const second = await on.go('POST', '/auth/login', { json: { email: ann.email, password: ann.password } })
        assert.notEqual(first.body.session_token, second.body.session_token)
        assert.equal((await on.go('GET', '/auth/me')).status, 200)
        assert.equal(
          (await browser(rig.url).go('GET', '/auth/me', { headers: bearer(String(first.body.session_token)) })).status,
          401,
        )
      })
      for (const [name, headers] of [
        ['no credential', {}],
        ['an unknown session', bearer('sess_unknown')],
        ['Basic', { authorization: 'Basic YTpi' }],
        ['an API key', bearer('sk-quota-x')],
        ['SQL', bearer("sess_'OR1=1--")],
        ['a very long one', bearer(`sess_${'x'.repeat(5000)}`)],
      ] as const) {
        test(`401 with ${name}`, async () => {
          const reply = await browser(rig.url).go('GET', '/auth/me', { headers: { ...headers } })
          assert.deepEqual([reply.status, (reply.body.error as Json).code], [401, 'unauthorized'])
        })
      }
      test('ends at sign-out, and after a day', async () => {
        const { session } = await register(rig)
        const other = await register(rig)
        const me = (token: string) => browser(rig.url).go('GET', '/auth/me', { headers: bearer(token) })
        assert.deepEqual((await browser(rig.url).go('POST', '/auth/logout', { headers: bearer(session) })).body, {
          success: true,
        })
        assert.equal((await me(session)).status, 401)
        assert.equal((await me(other.session)).status, 200)
        rig.later(24 * 3_600_000 - 60_000)
        assert.equal((await me(other.session)).status, 200)
        rig.later(60_001)
        assert.equal((await me(other.session)).status, 401)
        ann = { ...ann, session: (await signIn(rig, ann)).session }
      })
      const changes: [string, Record<string, string>, number][] = [
        ['our page', { ...OWN, origin: 'SELF', 'sec-fetch-site': 'same-origin' }, 200],
        ['a script with the cookie and the header', OWN, 200],
        ['no header', { origin: 'SELF', 'sec-fetch-site': 'same-origin' }, 403],
        ['another origin', { ...OWN, origin: 'https://evil.example' }, 403],
        ['a sandboxed frame', { ...OWN, origin: 'null' }, 403],
        ['another port', { ...OWN, origin: 'http://127.0.0.1:1' }, 403],
        ['cross-site by Sec-Fetch-Site', { ...OWN, 'sec-fetch-site': 'cross-site' }, 403],
        ['same-site is not same-origin', { ...OWN, 'sec-fetch-site': 'same-site' }, 403],
      ]
      for (const [name, headers, status] of changes) {
        test(`a change by cookie: ${name} → ${status}`, async () => {
          const on = browser(rig.url)
          const { id } = await register(rig, on)
          const given = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, v === 'SELF' ? rig.url : v]))
          const reply = await on.go('PATCH', '/account', { headers: given, json: { name: 'Changed' } })
          assert.equal(reply.status, status, reply.text)
          if (status === 403) assert.equal((reply.body.error as Json).code, 'csrf')
          const row = await rig.db.get<{ name: string | null }>('SELECT name FROM users WHERE id = ?', [id])
          assert.equal(row?.name, status === 200 ? 'Changed' : null)
        })
      }
      test('a bearer needs no such proof', async () => {
        const reply = await browser(rig.url).go('PATCH', '/account', {
          headers: { ...bearer(ann.session), origin: 'https://evil.example' },
          json: {},
        })
        assert.equal(reply.status, 200)
      })
      for (const path of ['/auth/login', '/auth/register']) {
        test(`${path} from a stranger's page is refused`, async () => {
          const json = { email: ann.email, password: ann.password }
          const reply = await browser(rig.url).go('POST', path, { headers: { origin: 'https://evil.example' }, json })
          assert.equal(reply.status, 403)
          assert.equal(reply.headers.get('set-cookie'), null)
          const form = await browser(rig.url).go('POST', path, { form: json })
          assert.equal(form.status, 415)
        })
      }
    })

    describe('PATCH /account', () => {
      test('a new version goes to the feed, an equal one does not', async () => {
        const person = await register(rig)
        const patch = (json: Json) =>
          browser(rig.url).go('PATCH', '/account', { headers: bearer(person.session), json })
        const reply = await patch({ name: 'Zoe\u0308', time_zone: 'Asia/Kolkata', week_start: 'sunday' })
        assert.deepEqual(
          [reply.body.name, reply.body.time_zone, reply.body.week_start, reply.body.version, reply.body.balance],
          ['Zoë', 'Asia/Kolkata', 'sunday', 2, 0],
        )
        assert.equal((await patch({ week_start: 'sunday' })).body.version, 2)
        assert.equal((await patch({ name: null })).body.name, null)
        const changes = await changesAfter(rig.db, person.id, 2, 10)
        assert.deepEqual(
          changes.map(({ rev, topic, row }) => [rev, topic, JSON.parse(row ?? '').version]),
          [
            [3, 'profile', 2],
            [4, 'profile', 3],
          ],
        )
        const account = await browser(rig.url).go('GET', '/account', { headers: bearer(person.session) })
        assert.equal(account.body.time_zone, 'Asia/Kolkata')
      })
      test('freezing is a new version of the profile', async () => {
        const person = await register(rig)
        for (const frozen of [true, true, false]) await rig.db.tx(freeze, { userId: person.id, frozen })
        const changes = await changesAfter(rig.db, person.id, 2, 10)
        assert.deepEqual(
          changes.map(({ row }) => [JSON.parse(row ?? '').version, JSON.parse(row ?? '').frozen]),
          [
            [2, true],
            [3, false],
          ],
        )
      })
      test('two changes at once are two versions', async () => {
        const person = await register(rig)
        const replies = await Promise.all(
          ['A', 'B', 'C', 'D'].map((name) =>
            browser(rig.url).go('PATCH', '/account', { headers: bearer(person.session), json: { name } }),
          ),
        )
        assert.deepEqual(replies.map((r) => r.body.version).sort(), [2, 3, 4, 5])
      })
      for (const [name, json, param] of [
        ['a zone that does not exist', { time_zone: 'Mars/Olympus' }, 'time_zone'],
        ['an offset', { time_zone: '+02:00' }, 'time_zone'],
        ['a day that begins no week', { week_start: 'friday' }, 'week_start'],
        ['an empty name', { name: '' }, 'name'],
        ['a name of blanks', { name: '   ' }, 'name'],
        ['a name with text direction', { name: 'a\u202eb' }, 'name'],
        ['a name with a control', { name: 'a\u0007' }, 'name'],
        ['an e-mail', { email: 'x@example.org' }, 'email'],
        ['a balance', { balance: 5 }, 'balance'],
        ['frozen', { frozen: false }, 'frozen'],
      ] as const) {
        test(`refused: ${name}`, async () => {
          const reply = await browser(rig.url).go('PATCH', '/account', { headers: bearer(ann.session), json })
          assert.deepEqual([reply.status, (reply.body.error as Json).param], [400, param], reply.text)
        })
      }
    })
  })
}

describe('rates', () => {
  let rig: Rig
  before(async () => {
    rig = await startRig('sqlite', { scale: 1 })
  })
  after(() => rig.close())
  for (const [path, perMinute] of [
    ['/auth/register', 3],
    ['/auth/login', 5],
  ] as const) {
    test(`${path}: ${perMinute} a minute, then 429 until the minute is over`, async () => {
      const go = () => browser(rig.url).go('POST', path, { json: { email: 'x@example.org', password: 'short' } })
      for (let i = 0; i < perMinute; i++) {
        const reply = await go()
        assert.notEqual(reply.status, 429)
        assert.equal(reply.headers.get('x-ratelimit-limit'), String(perMinute))
        assert.equal(reply.headers.get('x-ratelimit-remaining'), String(perMinute - 1 - i))
      }
      const over = await go()
      assert.deepEqual([over.status, (over.body.error as Json).code], [429, 'rate_limit_exceeded'])
      assert.ok(Number(over.headers.get('retry-after')) > 50)
      rig.later(61_000)
      assert.notEqual((await go()).status, 429)
    })
  }
})

async function signIn(rig: Rig, person: Signed): Promise<{ session: string }> {
  const reply = await browser(rig.url).go('POST', '/auth/login', {
    json: { email: person.email, password: person.password },
  })
  return { session: String(reply.body.session_token) }
}
