// Hosted token storage over HTTP: a code becomes a link, and the link is all an app needs.
// owns: storage_mode at the token endpoint, X-Quota-User, unlinking, and what they refuse. never: relays, prices.
// always true: no token of such an exchange exists anywhere; a refusal leaves everything as it was.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import {
  type App,
  buy,
  type Code,
  call,
  chat,
  codeFor,
  connect,
  createApp,
  createKey,
  exchange,
  grant,
  must,
  type Person,
  type Reply,
  register,
} from '../support/api.ts'
import { ask } from '../support/relay-client.ts'
import { assertBooks, balanceOf } from '../support/relay-world.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const STARTER = 4_050_000
const HOSTED = { storage_mode: 'hosted' }
type Body = Record<string, unknown>
type Connection = { id: string; status: string; expires_at: string | null }

for (const db of databases()) {
  describe(`hosted token storage (${db})`, () => {
    let server: Server
    let developer: Person
    let app: App
    let key: string
    let other: { app: App; key: string }
    before(async () => {
      server = await startServer({ db, env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
      developer = await register(server, 'developer')
      await buy(server, developer.session, 'starter')
      app = await createApp(server, developer)
      key = await createKey(server, developer, app)
      const stranger = await register(server, 'stranger')
      const othersApp = await createApp(server, stranger)
      other = { app: othersApp, key: await createKey(server, stranger, othersApp) }
    })
    after(() => server.stop())

    // --- the steps --------------------------------------------------------------------------------------------------

    let count = 0
    const name = () => `user ${++count}@example.org`
    const funded = async () => {
      const person = await register(server)
      await buy(server, person.session, 'starter')
      return person
    }
    const link = async (person: Person, externalUserId: string, of: App = app) => {
      const token = { ...HOSTED, external_user_id: externalUserId }
      const reply = await exchange(server, of, await codeFor(server, person, of), token)
      assert.equal(reply.status, 200, reply.text)
    }
    const byHeader = (user: string, bearer = key) => chat(server, bearer, { headers: { 'x-quota-user': user } })
    const byPath = (user: string, bearer = key) =>
      chat(server, bearer, { path: `/v1/users/${encodeURIComponent(user)}/chat/completions` })
    const shown = (user: string, bearer = key) =>
      call<Body>(server, 'GET', `/v1/users/${encodeURIComponent(user)}`, { bearer })
    const code = (reply: Reply) => (reply.body.error as { code?: string } | undefined)?.code
    const rowsOf = (sql: string) => query(server, sql)
    const wallet = async (person: Person) => {
      const { accessToken } = await walletOf(server, person)
      return async (mid: number, mutation: string, args: Body, base?: number) => {
        const edit = { mid, name: mutation, args, ...(base === undefined ? {} : { base_version: base }) }
        const body = { client: 'device', mutations: [edit] }
        const reply = await must<{ results: { status: string }[] }>(server, 'POST', '/v1/wallet/mutations', {
          bearer: accessToken,
          body,
        })
        assert.equal(reply.results[0]?.status, 'applied', JSON.stringify(reply))
      }
    }
    const connectionOf = async (person: Person): Promise<Connection> => {
      const { accessToken } = await walletOf(server, person)
      const reply = await must<{ changes: { topic: string; row: Connection }[] }>(server, 'GET', '/v1/wallet/feed', {
        bearer: accessToken,
      })
      const found = reply.changes.filter(({ topic }) => topic === 'connection').at(-1)?.row
      assert.ok(found)
      return found
    }

    // --- the exchange -----------------------------------------------------------------------------------------------

    test('answers with the link and nothing else; no token exists; the user pays by header and by path', async () => {
      const ann = await funded()
      const user = name()
      const got = await exchange(server, app, await codeFor(server, ann, app), { ...HOSTED, external_user_id: user })
      assert.equal(got.status, 200, got.text)
      assert.deepEqual(got.body, {
        external_user_id: user,
        storage_mode: 'hosted',
        scope: 'openid credits.read credits.spend',
      })
      const kinds = await rowsOf(`SELECT kind FROM oidc_models WHERE user_id = '${ann.id}' AND kind LIKE '%Token'`)
      assert.deepEqual(kinds, [])
      assert.equal((await byHeader(user)).status, 200)
      assert.equal((await byPath(user)).status, 200)
      const spent = STARTER - (await balanceOf(server, ann))
      assert.ok(spent > 0)
      assert.equal(((await shown(user)).body.user as Body).id, ann.id)
      const { users } = await must<{ users: { external_user_id: string }[] }>(server, 'GET', '/v1/users?limit=200', {
        bearer: key,
      })
      assert.ok(users.some(({ external_user_id }) => external_user_id === user))
    })

    test('without a name the server assigns one, and the same to a person who comes again', async () => {
      const ann = await funded()
      const names: (string | undefined)[] = []
      for (let i = 0; i < 2; i++) {
        const got = await exchange(server, app, await codeFor(server, ann, app), HOSTED)
        names.push(got.body.external_user_id)
      }
      assert.match(names[0] ?? '', /^usr_[0-9a-z]{26}$/)
      assert.equal(names[1], names[0])
      assert.equal((await byHeader(names[0] ?? '')).status, 200)
    })

    test('without the parameter, or with "client", tokens are answered as ever', async () => {
      for (const token of [{}, { storage_mode: 'client' }, { external_user_id: 'ignored' }] as Body[]) {
        const ann = await register(server)
        const got = await exchange(server, app, await codeFor(server, ann, app), token as Record<string, string>)
        assert.equal(got.status, 200, got.text)
        assert.ok(got.body.access_token && got.body.refresh_token && got.body.id_token)
      }
      assert.equal((await byHeader('ignored')).status, 404)
    })

    test('bought money of an unclaimed user moves to the person; what was granted stays a grant and pays first', async () => {
      const user = name()
      await grant(server, key, user, 0.5)
      await buy(server, key, 'starter', { external_user_id: user })
      const ann = await register(server)
      await link(ann, user)
      assert.equal(await balanceOf(server, ann), STARTER)
      assert.equal((await byHeader(user)).status, 200)
      assert.equal(await balanceOf(server, ann), STARTER, 'the grant paid')
      const elsewhere = await createKey(server, developer, await createApp(server, developer))
      assert.equal((await byHeader(user, elsewhere)).status, 404, 'another app of the same publisher')
      await assertBooks(server)
    })

    describe('refused, and the code is still good', () => {
      const rows: [string, Record<string, string>, number, string][] = [
        ['a storage mode that is none', { storage_mode: 'vault' }, 400, 'invalid_request'],
        ['another case', { storage_mode: 'Hosted' }, 400, 'invalid_request'],
        ['a space', { storage_mode: 'hosted ' }, 400, 'invalid_request'],
        ['a name of 257 characters', { ...HOSTED, external_user_id: 'x'.repeat(257) }, 400, 'invalid_request'],
        ['a name with a line break', { ...HOSTED, external_user_id: 'a\nb' }, 400, 'invalid_request'],
        ['a wrong secret', { ...HOSTED, client_secret: 'wrong' }, 401, 'invalid_client'],
        ['no secret', { ...HOSTED, client_secret: '' }, 401, 'invalid_client'],
      ]
      for (const [what, token, status, error] of rows) {
        test(what, async () => {
          const ann = await funded()
          const good = await codeFor(server, ann, app)
          const bad = await exchange(server, app, good, token)
          assert.deepEqual([bad.status, bad.body.error], [status, error], bad.text)
          const user = name()
          assert.equal((await exchange(server, app, good, { ...HOSTED, external_user_id: user })).status, 200)
          assert.equal((await byHeader(user)).status, 200)
        })
      }

      for (const [what, doubled] of [
        ['storage_mode twice', 'storage_mode=hosted&storage_mode=hosted'],
        ['storage_mode hosted and client', 'storage_mode=client&storage_mode=hosted'],
        ['storage_mode without a value', 'storage_mode='],
        ['external_user_id twice', 'storage_mode=hosted&external_user_id=a&external_user_id=b'],
        ['external_user_id without a value', 'storage_mode=hosted&external_user_id='],
      ] as const) {
        test(what, async () => {
          const ann = await register(server)
          const good = await codeFor(server, ann, app)
          const bad = await rawExchange(server, app, good, doubled)
          assert.deepEqual([bad.status, bad.body.error], [400, 'invalid_request'], bad.text)
          assert.equal((await exchange(server, app, good, HOSTED)).status, 200)
        })
      }

      test('a DPoP proof, or a code that is bound to one: there is no token to bind', async () => {
        const ann = await register(server)
        const bound = await codeFor(server, ann, app, { query: { dpop_jkt: 'x'.repeat(43) } })
        const reply = await exchange(server, app, bound, { ...HOSTED, external_user_id: name() })
        assert.deepEqual([reply.status, reply.body.error], [400, 'invalid_grant'], reply.text)
        assert.equal((await shown(`user ${count}@example.org`)).status, 404, 'nothing was linked')
      })
    })

    test('a public client is refused: whoever had its id could spend without proving to be it', async () => {
      const spa = await createApp(server, developer, { type: 'public', redirect_uris: ['https://spa.example/cb'] })
      const web = { ...spa, redirectUri: 'https://spa.example/cb' }
      const good = await codeFor(server, await register(server), web)
      const user = name()
      const bad = await exchange(server, web, good, { ...HOSTED, external_user_id: user })
      assert.deepEqual([bad.status, bad.body.error], [400, 'unauthorized_client'], bad.text)
      assert.equal((await shown(user, await createKey(server, developer, web))).status, 404)
    })

    test('a refresh token is not exchanged for a link, and is not used up by the attempt', async () => {
      const ann = await register(server)
      const { refreshToken } = await connect(server, ann, app)
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken, code: '', redirect_uri: '' }
      const fields = { ...form, code_verifier: '' }
      const none = { code: '', verifier: '' }
      const bad = await exchange(server, app, none, { ...fields, ...HOSTED })
      assert.deepEqual([bad.status, bad.body.error], [400, 'invalid_request'], bad.text)
      assert.equal((await exchange(server, app, none, fields)).status, 200)
    })

    describe('a code of somebody else', () => {
      const rows: [string, (good: Code) => [App, Code]][] = [
        ['another app’s secret', (good) => [{ ...other.app, redirectUri: app.redirectUri }, good]],
        ['a wrong verifier', (good) => [app, { ...good, verifier: 'v'.repeat(43) }]],
        ['another redirect_uri', (good) => [{ ...app, redirectUri: 'http://127.0.0.1:7999/elsewhere' }, good]],
        ['an invented code', (good) => [app, { ...good, code: 'x'.repeat(43) }]],
      ]
      for (const [what, using] of rows) {
        test(`${what}: nothing is linked`, async () => {
          const user = name()
          const good = await codeFor(server, await register(server), app)
          const bad = await exchange(server, ...using(good), { ...HOSTED, external_user_id: user })
          assert.deepEqual([bad.status, bad.body.error], [400, 'invalid_grant'], bad.text)
          assert.equal((await shown(user)).status, 404)
          assert.equal((await shown(user, other.key)).status, 404)
        })
      }
    })

    // --- races ------------------------------------------------------------------------------------------------------

    test('20 exchanges of one code at once: one succeeds, one link, nothing twice', async () => {
      const ann = await register(server)
      const user = name()
      await buy(server, key, 'starter', { external_user_id: user })
      const good = await codeFor(server, ann, app)
      const token = { ...HOSTED, external_user_id: user }
      const replies = await Promise.all(Array.from({ length: 20 }, () => exchange(server, app, good, token)))
      assert.equal(replies.filter(({ status }) => status === 200).length, 1)
      for (const reply of replies.filter(({ status }) => status !== 200))
        assert.deepEqual([reply.status, reply.body.error], [400, 'invalid_grant'], reply.text)
      assert.equal(await balanceOf(server, ann), STARTER)
      assert.equal((await byHeader(user)).status, 200, 'the link stands')
      const late = await exchange(server, app, good, token)
      assert.deepEqual([late.status, late.body.error], [400, 'invalid_grant'])
      await assertBooks(server)
    })

    test('20 exchanges of one code, each for another name: one name is linked', async () => {
      const ann = await register(server)
      const good = await codeFor(server, ann, app)
      const names = Array.from({ length: 20 }, name)
      const replies = await Promise.all(
        names.map((user) => exchange(server, app, good, { ...HOSTED, external_user_id: user })),
      )
      assert.equal(replies.filter(({ status }) => status === 200).length, 1)
      const statuses = await Promise.all(names.map(async (user) => (await shown(user)).status))
      assert.deepEqual(
        statuses,
        replies.map(({ status }) => (status === 200 ? 200 : 404)),
      )
    })

    test('two persons racing for one name, five times: one wins, the other gets 409, the money moves once', async () => {
      for (let round = 0; round < 5; round++) {
        const user = name()
        await buy(server, key, 'starter', { external_user_id: user })
        const people = [await register(server), await register(server)] as const
        const codes = [await codeFor(server, people[0], app), await codeFor(server, people[1], app)] as const
        const token = { ...HOSTED, external_user_id: user }
        const replies = await Promise.all(codes.map((good) => exchange(server, app, good, token)))
        const won = replies.findIndex(({ status }) => status === 200)
        const lost = replies[1 - won]
        assert.deepEqual([lost?.status, lost?.body.error], [409, 'external_user_taken'], lost?.text)
        assert.ok((lost?.body.error_description ?? '').length > 0)
        const balances = await Promise.all(people.map((person) => balanceOf(server, person)))
        assert.deepEqual([balances[won], balances[1 - won]], [STARTER, 0])
        assert.equal(((await shown(user)).body.user as Body).id, people[won]?.id)
        const again = { ...HOSTED, external_user_id: name() }
        const second = await exchange(server, app, codes[1 - won] as Code, again)
        assert.equal(second.status, 200, `the loser’s code is still good: ${second.text}`)
      }
      await assertBooks(server)
    })

    test('a name that is another person’s stays theirs', async () => {
      const [ann, eve] = [await funded(), await funded()]
      const user = name()
      await link(ann, user)
      const bad = await exchange(server, app, await codeFor(server, eve, app), { ...HOSTED, external_user_id: user })
      assert.deepEqual([bad.status, bad.body.error, bad.body.access_token], [409, 'external_user_taken', undefined])
      assert.equal((await byHeader(user)).status, 200)
      assert.equal(await balanceOf(server, eve), STARTER)
    })

    // --- the end of a link ------------------------------------------------------------------------------------------

    test('DELETE unlinks: 404 from then on, grants kept; a new consent revives them', async () => {
      const ann = await register(server)
      const user = name()
      await grant(server, key, user, 0.5)
      await link(ann, user)
      const path = `/v1/users/${encodeURIComponent(user)}`
      assert.equal((await call(server, 'DELETE', path, { bearer: other.key })).status, 404)
      assert.equal((await shown(user)).status, 200, 'another app’s key deletes nothing')
      assert.equal((await call(server, 'DELETE', path, { bearer: key })).status, 200)
      for (const reply of [await byHeader(user), await byPath(user), await shown(user)])
        assert.deepEqual([reply.status, code(reply)], [404, 'user_not_found'])
      assert.equal((await call(server, 'DELETE', path, { bearer: key })).status, 404)
      await link(ann, user)
      const reply = await byHeader(user)
      assert.equal(reply.status, 200, 'ann has no money: the revived grant pays')
      await assertBooks(server)
    })

    test('revoked in the wallet: 404; connected again: the grants are back', async () => {
      const ann = await register(server)
      const user = name()
      await grant(server, key, user, 0.5)
      await link(ann, user)
      const edit = await wallet(ann)
      const { id } = await connectionOf(ann)
      await edit(1, 'connection.revoke', { connection_id: id })
      for (const reply of [await byHeader(user), await byPath(user), await shown(user)])
        assert.deepEqual([reply.status, code(reply)], [404, 'user_not_found'])
      await link(ann, user)
      assert.equal((await byHeader(user)).status, 200)
    })

    test('paused: 403 by header and path; resumed: 200; expired: 404, and nothing is told of the person', async () => {
      const ann = await funded()
      const user = name()
      const soon = new Date(Date.now() + 3_600_000).toISOString()
      const good = await codeFor(server, ann, app, { answer: { expires_at: soon } })
      assert.equal((await exchange(server, app, good, { ...HOSTED, external_user_id: user })).status, 200)
      const edit = await wallet(ann)
      const { id } = await connectionOf(ann)
      await edit(1, 'connection.pause', { connection_id: id })
      for (const reply of [await byHeader(user), await byPath(user)])
        assert.deepEqual([reply.status, code(reply)], [403, 'connection_paused'])
      const { version } = (await connectionOf(ann)) as Connection & { version: number }
      await edit(2, 'connection.resume', { connection_id: id }, version)
      assert.equal((await byHeader(user)).status, 200)
      await server.restart({ QUOTA_CLOCK_OFFSET_MS: '3700000' })
      try {
        for (const reply of [await byHeader(user), await byPath(user), await shown(user)])
          assert.deepEqual([reply.status, code(reply)], [404, 'user_not_found'])
        const balance = await call(server, 'GET', `/v1/users/${encodeURIComponent(user)}/balance`, { bearer: key })
        assert.equal(balance.status, 404)
        const { users } = await must<{ users: { external_user_id: string }[] }>(server, 'GET', '/v1/users?limit=200', {
          bearer: key,
        })
        assert.equal(
          users.some(({ external_user_id }) => external_user_id === user),
          false,
        )
      } finally {
        await server.restart({ QUOTA_CLOCK_OFFSET_MS: '0' })
      }
    })

    describe('an app that gives its access back', () => {
      const revoke = (token: string) =>
        call(server, 'POST', '/oauth/revoke', {
          raw: new URLSearchParams({
            client_id: app.clientId,
            client_secret: app.clientSecret ?? '',
            token,
          }).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })

      test('the last token: the wallet shows the connection as expired, and a new consent is asked for', async () => {
        const ann = await funded()
        const tokens = await connect(server, ann, app)
        assert.equal((await revoke(tokens.refreshToken)).status, 200)
        const { status, expires_at } = await connectionOf(ann)
        assert.equal(status, 'expired')
        assert.ok(expires_at !== null && Date.parse(expires_at) <= Date.now())
        const again = await connect(server, ann, app)
        assert.equal((await chat(server, again.accessToken)).status, 200)
        assert.deepEqual([(await connectionOf(ann)).status, (await connectionOf(ann)).expires_at], ['active', null])
      })

      test('one device of two, or tokens beside a link: the connection goes on', async () => {
        const ann = await funded()
        const [one, two] = [await connect(server, ann, app), await connect(server, ann, app)]
        await revoke(one.refreshToken)
        assert.equal((await connectionOf(ann)).status, 'active')
        assert.equal((await chat(server, two.accessToken)).status, 200)
        const user = name()
        await link(ann, user)
        await revoke(two.refreshToken)
        assert.equal((await connectionOf(ann)).status, 'active', 'the link is left')
        assert.equal((await byHeader(user)).status, 200)
        await call(server, 'DELETE', `/v1/users/${encodeURIComponent(user)}`, { bearer: key })
        assert.equal((await connectionOf(ann)).status, 'expired')
      })

      test('another app’s revocation of it changes nothing', async () => {
        const ann = await funded()
        const tokens = await connect(server, ann, app)
        await call(server, 'POST', '/oauth/revoke', {
          raw: new URLSearchParams({
            client_id: other.app.clientId,
            client_secret: other.app.clientSecret ?? '',
            token: tokens.refreshToken,
          }).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
        assert.equal((await connectionOf(ann)).status, 'active')
        assert.equal((await chat(server, tokens.accessToken)).status, 200)
      })
    })

    // --- who may use a link -----------------------------------------------------------------------------------------

    test('unknown, unlinked and another app’s user look alike, to the letter', async () => {
      const ann = await funded()
      const [linked, unlinked] = [name(), name()]
      await link(ann, linked)
      await link(ann, unlinked)
      await call(server, 'DELETE', `/v1/users/${encodeURIComponent(unlinked)}`, { bearer: key })
      const before = await balanceOf(server, ann)
      const cases: [string, () => Promise<Reply>][] = [
        ['unknown', () => byHeader('nobody')],
        ['unlinked', () => byHeader(unlinked)],
        ['another app’s user', () => byHeader(linked, other.key)],
        ['another app’s user, by path', () => byPath(linked, other.key)],
        ['unknown, by path', () => byPath('nobody')],
      ]
      const bodies = new Set<string>()
      for (const [what, send] of cases) {
        const reply = await send()
        assert.equal(reply.status, 404, what)
        bodies.add(reply.text.replace(/req_\w+/, 'req'))
      }
      assert.equal(bodies.size, 1, [...bodies].join('\n'))
      assert.equal(await balanceOf(server, ann), before)
    })

    describe('the header', () => {
      let ann: Person
      let user: string
      before(async () => {
        ann = await funded()
        user = 'Case_Sensitive'
        await link(ann, user)
      })
      const send = (value: string | string[], more: Record<string, string> = {}) =>
        ask(server.url, {
          bearer: key,
          headers: { 'X-QUOTA-USER': value, ...more },
          body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] },
        })
      const rows: [string, () => ReturnType<typeof send>, number, string | undefined][] = [
        ['in another case', () => send(user), 200, undefined],
        ['with the value in another case', () => send(user.toLowerCase()), 404, 'user_not_found'],
        ['twice', () => send([user, user]), 400, 'bad_request'],
        ['two values in one', () => send(`${user}, ${user}`), 404, 'user_not_found'],
        ['empty', () => send(''), 404, 'user_not_found'],
        ['of 10 kB', () => send('x'.repeat(10_000)), 404, 'user_not_found'],
        ['with SQL in it', () => send("' OR 1=1--"), 404, 'user_not_found'],
        ['percent-encoded', () => send('Case%5FSensitive'), 404, 'user_not_found'],
        ['from a browser', () => send(user, { origin: 'https://evil.example' }), 403, 'forbidden'],
      ]
      for (const [what, act, status, wanted] of rows) {
        test(`${what}: ${status}`, async () => {
          const before = await balanceOf(server, ann)
          const reply = await act()
          const error = (JSON.parse(reply.text).error as { code?: string } | undefined)?.code
          assert.deepEqual([reply.status, error], [status, wanted], reply.text)
          if (status !== 200) assert.equal(await balanceOf(server, ann), before)
        })
      }
      test('as a query or body field it names nobody', async () => {
        const query = await chat(server, key, { path: `/v1/chat/completions?x-quota-user=${user}` })
        assert.deepEqual([query.status, code(query)], [400, 'user_required'])
        const body = await chat(server, key, { body: { 'x-quota-user': user, user } })
        assert.deepEqual([body.status, code(body)], [400, 'user_required'])
      })
      test('the id of the person instead of the app’s name for them: 404', async () => {
        assert.equal((await byHeader(ann.id)).status, 404)
        assert.equal((await byHeader(developer.id)).status, 404)
      })
    })

    test('a link may do what the person agreed to: without credits.spend 403, without credits.read no balance', async () => {
      const ann = await funded()
      const [reader, spender] = [name(), name()]
      const bob = await funded()
      for (const [person, user, scope] of [
        [ann, reader, 'openid credits.read'],
        [bob, spender, 'openid credits.spend'],
      ] as const) {
        const good = await codeFor(server, person, app, { scope })
        assert.equal((await exchange(server, app, good, { ...HOSTED, external_user_id: user })).body.scope, scope)
      }
      for (const reply of [await byHeader(reader), await byPath(reader)])
        assert.deepEqual([reply.status, code(reply)], [403, 'insufficient_scope'])
      assert.equal((await byHeader(spender)).status, 200)
      const balance = (user: string) =>
        call(server, 'GET', `/v1/users/${encodeURIComponent(user)}/balance`, { bearer: key })
      assert.equal((await balance(reader)).body.balance, STARTER)
      assert.deepEqual([(await balance(spender)).status, code(await balance(spender))], [403, 'insufficient_scope'])
      assert.equal(((await shown(spender)).body.user as Body).balance, null)
      assert.equal(((await shown(spender)).body.user as Body).email, null)
    })

    test('neither codes nor secrets nor keys lie in the data folder or the log in clear', async () => {
      if (db !== 'sqlite') return // the same rows; on Postgres they are not ours to read as files
      const ann = await register(server)
      const good = await codeFor(server, ann, app)
      await exchange(server, app, good, { ...HOSTED, external_user_id: name() })
      const canaries = [good.code, good.verifier, app.clientSecret ?? 'no secret', key]
      const texts = filesIn(server.dataDir).map((file) => readFileSync(file, 'latin1'))
      for (const canary of canaries)
        for (const text of [...texts, server.logs()]) assert.equal(text.includes(canary), false)
      assert.ok(
        texts.some((text) => text.includes(ann.email)),
        'the search would find something',
      )
    })
  })
}

// --- below: how -------------------------------------------------------------------------------------------------------

/** An exchange with these parameters on top, as they stand. */
function rawExchange(server: Server, app: App, { code, verifier }: Code, more: string): Promise<Reply> {
  const fields = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri, code_verifier: verifier }
  const client = { client_id: app.clientId, client_secret: app.clientSecret ?? '' }
  return call(server, 'POST', '/oauth/token', {
    raw: `${new URLSearchParams({ ...fields, ...client })}&${more}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** The wallet's own sign-in, for what a person sees and does there. */
async function walletOf(server: Server, person: Person): Promise<{ accessToken: string }> {
  const redirectUri = `${server.url}/wallet/callback`
  const client: App = { id: '', clientId: 'quota-wallet', clientSecret: null, redirectUri }
  const answer = { decision: 'continue' }
  return connect(server, person, client, { scope: 'openid wallet', answer })
}

async function query(server: Server, sql: string): Promise<unknown[]> {
  if (server.databaseUrl === undefined) {
    const file = new DatabaseSync(join(server.dataDir, 'quota.db'), { readOnly: true })
    try {
      return file.prepare(sql).all()
    } finally {
      file.close()
    }
  }
  const client = new pg.Client({ connectionString: server.databaseUrl })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
