// Keys, tokens and sessions in the hands of others (security.md 3.B): one row per attempt, and what it must not reach.
// owns: refusals that no other file is about. never: hosted users (hosted.test.ts), sign-in (identity.accounts.test.ts).
// always true: nothing is told of another's things; no attempt is an error of ours, and none costs anything.

import assert from 'node:assert/strict'
import { connect as dial } from 'node:net'
import { after, before, describe, test } from 'node:test'
import * as jose from 'jose'
import {
  type App,
  books,
  buy,
  call,
  chat,
  codeFor,
  connect,
  createApp,
  createKey,
  exchange,
  must,
  type Person,
  type Reply,
  register,
} from '../support/api.ts'
import { ADMIN_TOKEN, databases, type Server, startServer } from '../support/server.ts'
import { deviceOf } from '../support/wallet-device.ts'

type Refused = Reply<{ error?: { code: string; message: string } }>

for (const db of databases()) {
  describe(`in other hands (${db})`, () => {
    let server: Server
    let dev: Person
    let ann: Person
    let app: App
    let other: App
    let key: string
    let otherKey: string
    let token: string
    let idToken: string
    let balances: string
    before(async () => {
      server = await startServer({ db })
      dev = await register(server, 'dev')
      ann = await register(server, 'ann')
      const rival = await register(server, 'rival')
      await buy(server, dev.session, 'starter')
      await buy(server, ann.session, 'starter')
      app = await createApp(server, dev)
      other = await createApp(server, rival)
      key = await createKey(server, dev, app, 'developer')
      otherKey = await createKey(server, rival, other, 'user')
      const tokens = await exchange(server, app, await codeFor(server, ann, app))
      token = String(tokens.body.access_token)
      idToken = String(tokens.body.id_token)
      for (let i = 0; i < 3; i++) assert.equal((await chat(server, token, { body: { max_tokens: 5 } })).status, 200)
      balances = await sums()
    })
    after(async () => {
      assert.equal(await sums(), balances, 'something was moved')
      await server.stop()
    })
    const sums = async () => {
      const { balance, holds } = await books(server)
      return JSON.stringify([balance, holds.ended])
    }
    const balance = (headers: Record<string, string>) =>
      call<Refused['body']>(server, 'GET', '/v1/balance', { headers })

    describe('no such credential (B01, B03, B16)', () => {
      const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const claims = () => jose.decodeJwt(idToken)
      const rows: [string, () => string | Promise<string>][] = [
        ['SQL', () => "sk-quota-' OR 1=1--"],
        ['SQL as a token', () => "a' OR '1'='1' --aaaaaaaaaaaaaaaa"],
        ['a key cut by one', () => key.slice(0, -1)],
        ['a key with one letter changed', () => `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`],
        ['the hash of a key', async () => `sk-quota-${(await sha(key)).slice(0, 32)}`],
        ['the hash of a token', () => sha(token)],
        ['10 kB', () => 'a'.repeat(10_000)],
        ['an id_token', () => idToken],
        ['the id_token without a signature', () => `${b64({ alg: 'none' })}.${b64(claims())}.`],
        ['the id_token with another algorithm', () => `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64(claims())}.AAAA`],
        [
          'the id_token with a path as key id',
          () => `${b64({ alg: 'RS256', kid: '../../../dev/null' })}.${b64(claims())}.AAAA`,
        ],
        ['a client id', () => app.clientId],
        ['a client secret', () => app.clientSecret ?? ''],
        ['the operator’s token', () => ADMIN_TOKEN],
        ['a word', () => 'undefined-undefined-undefined'],
      ]
      for (const [name, made] of rows) {
        test(name, async () => {
          const given = await made()
          for (const headers of [{ authorization: `Bearer ${given}` }, { 'x-api-key': given }]) {
            const reply = await balance(headers as Record<string, string>)
            assert.equal(reply.status, 401, reply.text)
            assert.ok(['invalid_api_key', 'invalid_token'].includes(reply.body.error?.code ?? ''))
            assert.ok(!reply.text.includes(given.slice(0, 40)), 'it is repeated')
          }
        })
      }
      test('other schemes: Basic, Token, none at all', async () => {
        for (const authorization of [
          `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
          `Token ${key}`,
          key,
          'Bearer',
        ])
          assert.equal((await balance({ authorization })).status, 401, authorization)
      })
      test('a line break in the header, two of them (raw bytes)', async () => {
        for (const head of [
          `Authorization: Bearer ${key}\r\n\tX\r\n`,
          `Authorization: Bearer ${key}\r\nAuthorization: Bearer ${otherKey}\r\n`,
        ]) {
          const reply = await raw(server, `GET /v1/balance HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${head}\r\n`)
          assert.match(reply, /^HTTP\/1\.1 40[01] /)
        }
      })
    })

    test('a key by x-api-key counts against the same limit (B04)', async () => {
      const { secret } = await must<{ secret: string }>(server, 'POST', '/developers/keys', {
        bearer: dev.session,
        body: { app_id: app.id, name: 'slow', billing_mode: 'developer', rate_limit_per_min: 1 },
      })
      const limit = async (headers: Record<string, string>) =>
        Number((await balance(headers)).headers.get('x-ratelimit-remaining'))
      const first = await limit({ authorization: `Bearer ${secret}` })
      assert.equal(await limit({ 'x-api-key': secret }), first - 1)
      assert.equal(await limit({ authorization: `bearer ${secret}` }), first - 2)
    })

    test('a key in a browser is refused, on a metered route too (B07)', async () => {
      const headers = { origin: 'https://app.example' }
      assert.equal((await chat(server, key, { headers })).status, 403)
    })

    describe('lists are one’s own (B09)', () => {
      for (const query of [
        'limit=-1',
        'limit=0',
        'limit=1e9',
        'limit=abc',
        'limit=1&limit=500',
        'cursor=../../x',
        "cursor=' OR 1=1--",
      ]) {
        test(`/v1/usage?${query}: 400, or bounded`, async () => {
          const reply = await call<{ usage?: unknown[]; data?: unknown[] }>(server, 'GET', `/v1/usage?${query}`, {
            bearer: otherKey,
          })
          assert.ok([200, 400].includes(reply.status), reply.text)
          assert.ok(!reply.text.includes(app.id) && !reply.text.includes(ann.id))
        })
      }
      test('naming another in the query changes nothing', async () => {
        for (const query of [`user_id=${ann.id}`, `app_id=${app.id}`, `external_user_id=x&user=${ann.id}`]) {
          const reply = await call(server, 'GET', `/v1/usage?${query}`, { bearer: otherKey })
          assert.ok(!reply.text.includes(ann.id) && !reply.text.includes('gpt-4o-mini'), reply.text)
        }
      })
      test('a token sees its own person, a key its own app', async () => {
        assert.match((await call(server, 'GET', '/v1/usage', { bearer: token })).text, /gpt-4o-mini/)
        assert.doesNotMatch((await call(server, 'GET', '/v1/usage', { bearer: otherKey })).text, /gpt-4o-mini/)
      })
      test('a token’s list: in pages, only of its app, without what the person wrote beside it', async () => {
        type Page = { data: { request_id: string; app_id: string }[]; next_cursor: string | null }
        const page = (query: string) => must<Page>(server, 'GET', `/v1/usage?${query}`, { bearer: token })
        const device = await deviceOf(server, ann)
        const whole = await page('limit=200')
        const noted = whole.data[1]?.request_id
        await device.edit('receipt.annotate', { request_id: noted, note: 'for my eyes only', add_tags: ['mine'] })
        assert.equal(whole.data.length, 3)
        assert.deepEqual(await page('limit=200'), whole)
        const one: string[] = []
        for (let cursor: string | null = ''; cursor !== null; ) {
          const next: Page = await page(`limit=1${cursor && `&cursor=${cursor}`}`)
          one.push(...next.data.map(({ request_id }) => request_id))
          cursor = next.next_cursor
        }
        assert.deepEqual(
          one,
          whole.data.map(({ request_id }) => request_id),
        )
        assert.ok(whole.data.every(({ app_id }) => app_id === app.id))
        for (const cursor of ['req_nobody', 'zzz'])
          assert.equal((await call(server, 'GET', `/v1/usage?cursor=${cursor}`, { bearer: token })).status, 400)
      })
    })

    describe('operators’ routes do not exist for others (B12)', () => {
      for (const path of [
        '/admin/audit/entries',
        '/admin/audit/entries/',
        '/ADMIN/audit/entries',
        '/admin//audit/entries',
        '/%61dmin/audit/holds',
        '/admin/audit/../audit/holds',
        '/admin/rotate-keys',
      ])
        for (const who of ['dev', 'token', 'key'] as const)
          test(`${path} with a ${who}`, async () => {
            const bearer = { dev: dev.session, token, key }[who]
            const method = path.endsWith('keys') ? 'POST' : 'GET'
            assert.equal((await call(server, method, path, { bearer })).status, 404)
          })
    })

    test('fields nobody may set are refused (B10)', async () => {
      const tries: [string, string, object][] = [
        ['PATCH', `/developers/apps/${app.id}/settings`, { publisher_id: ann.id }],
        ['PATCH', `/developers/apps/${app.id}/settings`, { verified_domain: 'bank.example' }],
        ['PATCH', `/developers/apps/${app.id}/settings`, { secondary_expires_at: '2099-01-01T00:00:00Z' }],
        ['PATCH', '/account', { balance: 1_000_000_000 }],
        ['PATCH', '/account', { id: ann.id }],
        ['POST', '/developers/apps', { name: 'x', redirect_uris: [], client_secret: 'mine' }],
      ]
      for (const [method, path, body] of tries) {
        const reply = await call<Refused['body']>(server, method, path, { bearer: dev.session, body })
        assert.deepEqual([reply.status, reply.body.error?.code], [400, 'bad_request'], `${path} ${reply.text}`)
      }
    })

    test('another’s app cannot be seen, changed or deleted; a token of one app is nothing to another (B06, D08)', async () => {
      const rival = await register(server, 'rival')
      for (const [method, path, body] of [
        ['PATCH', `/developers/apps/${app.id}/settings`, { name: 'Mine' }],
        ['DELETE', `/developers/apps/${app.id}`, undefined],
        ['POST', `/developers/apps/${app.id}/domain`, { domain: 'a.example' }],
        ['POST', `/developers/apps/${app.id}/rotate-secret`, undefined],
      ] as const) {
        const reply = await call(server, method, path, { bearer: rival.session, ...(body ? { body } : {}) })
        const unknown = await call(server, method, path.replace(app.id, 'app_none'), {
          bearer: rival.session,
          ...(body ? { body } : {}),
        })
        assert.equal(reply.status, 404)
        assert.equal(withoutId(reply.text), withoutId(unknown.text))
      }
      const form = new URLSearchParams({
        client_id: other.clientId,
        client_secret: other.clientSecret ?? '',
        token,
      }).toString()
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const seen = await call<{ active: boolean }>(server, 'POST', '/oauth/introspect', { raw: form, headers })
      assert.deepEqual(seen.body, { active: false })
      await call(server, 'POST', '/oauth/revoke', { raw: form, headers })
      assert.equal((await balance({ authorization: `Bearer ${token}` })).status, 200)
    })

    test('a token of an app is no session and no wallet; a session is no token; a key is neither', async () => {
      for (const bearer of [token, key]) {
        assert.equal((await call(server, 'GET', '/account', { bearer })).status, 401)
        assert.ok([401, 403].includes((await call(server, 'GET', '/v1/wallet/feed?client=x', { bearer })).status))
        assert.equal(
          (await call(server, 'POST', '/developers/keys', { bearer, body: { app_id: app.id, name: 'k' } })).status,
          401,
        )
      }
      assert.ok(
        [401, 403].includes((await call(server, 'GET', '/v1/wallet/feed?client=x', { bearer: dev.session })).status),
      )
      assert.ok([401, 403].includes((await chat(server, dev.session)).status))
    })

    test('signed out: the token of a session and its cookie are dead at once (B15)', async () => {
      const eve = await register(server, 'eve')
      await must(server, 'POST', '/auth/logout', { bearer: eve.session })
      for (const headers of [{ authorization: `Bearer ${eve.session}` }, { cookie: `quota_session=${eve.session}` }])
        assert.equal(
          (await call(server, 'GET', '/account', { headers: headers as Record<string, string> })).status,
          401,
        )
    })

    test('a person who leaves takes the app’s token along; the rest of the app’s people stay', async () => {
      const eve = await register(server, 'eve')
      const hers = await connect(server, eve, app)
      await must(server, 'DELETE', '/account', { bearer: eve.session, body: {} })
      assert.equal((await balance({ authorization: `Bearer ${hers.accessToken}` })).status, 401)
      assert.equal((await balance({ authorization: `Bearer ${token}` })).status, 200)
    })
  })
}

async function sha(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('hex')
}

function withoutId(text: string): string {
  return text.replace(/req_[a-z0-9]+/g, 'req').replace(/app_[a-z0-9]+/g, 'app')
}

function raw(server: Server, bytes: string): Promise<string> {
  const { port } = new URL(server.url)
  return new Promise((resolve) => {
    let text = ''
    const socket = dial(Number(port), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (piece) => {
      text += piece
    })
    socket.on('close', () => resolve(text))
    socket.on('error', () => resolve(text))
    socket.setTimeout(5000, () => socket.destroy())
  })
}
