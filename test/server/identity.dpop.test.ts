// Tokens bound to a key: what they open with a proof of it, and all that is no such proof (RFC 9449; security.md C13).
// owns: refusals of proofs at our own routes and at the protocol's. never: bearers (identity.oauth.test.ts).
// always true: what is refused has charged nothing and asked no model.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import * as jose from 'jose'
import { type App, buy, call, codeFor, connect, createApp, must, type Person, register } from '../support/api.ts'
import { boundCall, boundTokens, formPost, type Holder, holder, proofFor, type Wrong } from '../support/dpop.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const WALLET: App = {
  id: '',
  clientId: 'quota-wallet',
  clientSecret: null,
  redirectUri: 'http://127.0.0.1:7999/callback',
}
const CHAT = {
  method: 'POST',
  path: '/v1/chat/completions',
  body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 },
}

for (const db of databases()) {
  describe(`tokens bound to a key (${db})`, () => {
    let server: Server
    let ann: Person
    let app: App
    let own: Holder
    let other: Holder
    let token: string
    let refresh: string
    let type: string
    before(async () => {
      server = await startServer({ db })
      ann = await register(server, 'ann')
      await buy(server, ann.session, 'starter')
      app = await createApp(server, await register(server, 'dev'))
      own = await holder()
      other = await holder()
      ;({ access: token, refresh, type } = await boundTokens(server, ann, app, own))
    })
    after(() => server.stop())
    const balance = async () =>
      (await must<{ balance: number }>(server, 'GET', '/auth/me', { bearer: ann.session })).balance

    test('opens metered routes, reads and userinfo; a read charges nothing, a call is paid by the person', async () => {
      assert.equal(type, 'DPoP')
      const before = await balance()
      for (const path of ['/v1/balance', '/v1/me', '/v1/usage?limit=1', '/oauth/userinfo'])
        assert.equal((await boundCall(server, own, token, { path })).status, 200, path)
      assert.equal(await balance(), before)
      const reply = await boundCall(server, own, token, CHAT)
      assert.equal(reply.status, 200, reply.text)
      assert.ok((await balance()) < before)
    })

    test('opens the wallet’s routes, and mutations go through it', async () => {
      const wallet = await boundTokens(server, ann, WALLET, own, { scope: 'openid wallet' })
      const feed = await boundCall(server, own, wallet.access, { path: '/v1/wallet/feed?client=d1' })
      assert.equal(feed.status, 200, feed.text)
      const body = { client: 'd1', mutations: [{ mid: 1, name: 'profile.set', args: { name: 'Ann' } }] }
      const change = { method: 'POST', path: '/v1/wallet/mutations', body }
      assert.equal((await boundCall(server, own, wallet.access, change)).status, 200)
      const asBearer = await call(server, 'GET', '/v1/wallet/feed?client=d1', { bearer: wallet.access })
      assert.equal(asBearer.status, 401)
      const another = await boundCall(server, other, wallet.access, { path: '/v1/wallet/feed?client=d1' })
      assert.equal(another.body.error?.code, 'invalid_dpop_proof')
    })

    const rows: [string, Wrong][] = [
      ['another method', { claims: { htm: 'GET' } }],
      ['the method in lower case', { claims: { htm: 'post' } }],
      ['no method', { claims: { htm: undefined } }],
      ['another path', { claims: { htu: 'http://127.0.0.1/v1/embeddings' } }],
      ['another host', { claims: { htu: 'https://evil.example/v1/chat/completions' } }],
      ['no address', { claims: { htu: undefined } }],
      ['an address that is none', { claims: { htu: 'v1/chat/completions' } }],
      ['no token hash', { claims: { ath: undefined } }],
      ['the hash of another token', { claims: { ath: 'a'.repeat(43) } }],
      ['no time', { claims: { iat: undefined } }],
      ['a time that is text', { claims: { iat: 'now' } }],
      ['two minutes old', { aheadS: -120 }],
      ['two minutes ahead', { aheadS: 120 }],
      ['no jti', { claims: { jti: undefined } }],
      ['an empty jti', { claims: { jti: '' } }],
      ['a jti of 1 kB', { claims: { jti: 'j'.repeat(1024) } }],
      ['another typ', { header: { typ: 'JWT' } }],
      ['no typ', { header: { typ: undefined } }],
      ['no key', { header: { jwk: undefined } }],
      ['a symmetric key', { header: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } }],
    ]
    for (const [name, wrong] of rows) {
      test(`refused: ${name}`, async () => {
        const before = await balance()
        const reply = await boundCall(server, own, token, CHAT, wrong)
        assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_dpop_proof'], reply.text)
        assert.match(reply.headers.get('www-authenticate') ?? '', /^DPoP .*error="invalid_dpop_proof".*algs="ES256/)
        assert.equal(await balance(), before)
      })
    }
    test('refused: the key of somebody else (mismatched jkt)', async () => {
      const reply = await boundCall(server, own, token, CHAT, { by: other })
      assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_dpop_proof'])
    })
    test('refused: our public key in the header, signed with another', async () => {
      const reply = await boundCall(server, own, token, CHAT, { by: { ...other, jwk: own.jwk } })
      assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_dpop_proof'])
    })
    test('refused: a private key in the header', async () => {
      const jwk = await jose.exportJWK(own.privateKey)
      const reply = await boundCall(server, own, token, CHAT, { header: { jwk } })
      assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_dpop_proof'])
    })

    const raw: [string, (right: string) => Record<string, string>][] = [
      ['no proof', () => ({})],
      ['an empty one', () => ({ dpop: '' })],
      ['two in one header', (right) => ({ dpop: `${right}, ${right}` })],
      ['one of 8 kB', (right) => ({ dpop: right + 'a'.repeat(8192) })],
      ['a signature cut off', (right) => ({ dpop: right.slice(0, right.lastIndexOf('.') + 1) })],
      [
        'alg none',
        (right) => {
          const [head = '', claims = ''] = right.split('.')
          const none = { ...JSON.parse(Buffer.from(head, 'base64url').toString()), alg: 'none' }
          return { dpop: `${Buffer.from(JSON.stringify(none)).toString('base64url')}.${claims}.` }
        },
      ],
    ]
    for (const [name, headers] of raw) {
      test(`refused: ${name}`, async () => {
        const right = await proofFor(own, { method: 'POST', url: `${server.url}${CHAT.path}`, token })
        const reply = await call<{ error?: { code: string } }>(server, 'POST', CHAT.path, {
          headers: { authorization: `DPoP ${token}`, ...headers(right) },
          body: CHAT.body,
        })
        assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_dpop_proof'], reply.text)
      })
    }

    test('a proof is good once, in whatever way twenty come at once', async () => {
      const dpop = await proofFor(own, { method: 'GET', url: `${server.url}/v1/balance`, token })
      const headers = { authorization: `DPoP ${token}`, dpop }
      const replies = await Promise.all(
        Array.from({ length: 20 }, () => call(server, 'GET', '/v1/balance', { headers })),
      )
      assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array.from({ length: 19 }, () => 401)])
    })

    test('two keys may use the same jti; one may use it again where it was refused', async () => {
      const claims = { jti: 'the same for both' }
      const theirs = await boundTokens(server, ann, app, other)
      const asked = { path: '/v1/balance' }
      const refused = await boundCall(server, own, token, asked, { claims: { ...claims, htm: 'PUT' } })
      assert.equal(refused.status, 401)
      assert.equal((await boundCall(server, own, token, asked, { claims })).status, 200)
      assert.equal((await boundCall(server, other, theirs.access, asked, { claims })).status, 200)
      assert.equal((await boundCall(server, own, token, asked, { claims })).status, 401)
    })

    test('the query is no part of the address, the case of the host is none either', async () => {
      const path = '/v1/usage?limit=1'
      const htu = `${server.url.toUpperCase().replace('HTTP:', 'http:')}/v1/usage?limit=999#x`
      assert.equal((await boundCall(server, own, token, { path }, { claims: { htu } })).status, 200)
    })

    test('schemes are not exchanged: a bound token is no bearer, a bearer cannot pretend to be bound', async () => {
      for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-api-key': token }]) {
        const dpop = await proofFor(own, { method: 'GET', url: `${server.url}/v1/balance`, token })
        const reply = await call<{ error?: { code: string } }>(server, 'GET', '/v1/balance', {
          headers: { ...headers, dpop } as Record<string, string>,
        })
        assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_token'])
        assert.match(reply.headers.get('www-authenticate') ?? '', /DPoP/)
      }
      const { accessToken } = await connect(server, ann, app)
      const pretending = await boundCall(server, own, accessToken, { path: '/v1/balance' })
      assert.deepEqual([pretending.status, pretending.body.error?.code], [401, 'invalid_token'])
      const session = await boundCall(server, own, ann.session, { path: '/v1/balance' })
      assert.equal(session.status, 401)
      assert.equal((await call(server, 'GET', '/v1/balance', { bearer: accessToken })).status, 200)
    })

    test('two proofs in two headers are refused', async () => {
      const url = `${server.url}/v1/balance`
      const dpop = [
        await proofFor(own, { method: 'GET', url, token }),
        await proofFor(own, { method: 'GET', url, token }),
      ]
      const status = await new Promise((resolve, reject) => {
        request(url, { headers: { authorization: `DPoP ${token}`, dpop } }, (reply) => {
          reply.resume()
          resolve(reply.statusCode)
        })
          .on('error', reject)
          .end()
      })
      assert.equal(status, 400)
    })

    describe('at the token endpoint', () => {
      const client = () => ({ client_id: app.clientId, client_secret: app.clientSecret ?? '' })
      const again = () => ({ grant_type: 'refresh_token', refresh_token: refresh, ...client() })
      const wrongs: [string, Wrong][] = [
        ['two minutes old', { aheadS: -120 }],
        ['two minutes ahead', { aheadS: 120 }],
        ['another method', { claims: { htm: 'GET' } }],
        ['another address', { claims: { htu: 'https://evil.example/oauth/token' } }],
        ['no jti', { claims: { jti: undefined } }],
      ]
      for (const [name, wrong] of wrongs) {
        test(`refused: ${name}; the refresh token is as good as before`, async () => {
          const reply = await formPost(server, '/oauth/token', own, again(), wrong)
          assert.deepEqual([reply.status, reply.body.error], [400, 'invalid_dpop_proof'], reply.text)
        })
      }
      test('a confidential client may change its key at a refresh; the new access token is bound to the new one', async () => {
        const next = await formPost(server, '/oauth/token', other, again())
        assert.equal(next.status, 200, next.text)
        assert.equal(next.body.token_type, 'DPoP')
        const access = String(next.body.access_token)
        assert.equal((await boundCall(server, other, access, { path: '/v1/balance' })).status, 200)
        assert.equal((await boundCall(server, own, access, { path: '/v1/balance' })).status, 401)
      })
      test('a public client’s refresh token is bound: another key is refused, and so is none', async () => {
        const spa = await createApp(server, await register(server, 'dev2'), { type: 'public' })
        const tokens = await boundTokens(server, ann, spa, own)
        const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh, client_id: spa.clientId }
        const stolen = await formPost(server, '/oauth/token', other, form)
        assert.deepEqual([stolen.status, stolen.body.error], [400, 'invalid_grant'], stolen.text)
        const bare = await call<{ error?: string }>(server, 'POST', '/oauth/token', {
          raw: new URLSearchParams(form).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
        assert.equal(bare.status, 400, bare.text)
        assert.equal((await formPost(server, '/oauth/token', own, form)).status, 200)
      })
      test('a code asked for with dpop_jkt is good for that key only', async () => {
        const query = { dpop_jkt: own.jkt }
        const form = async () => {
          const { code, verifier } = await codeFor(server, ann, app, { query })
          return {
            grant_type: 'authorization_code',
            code,
            code_verifier: verifier,
            redirect_uri: app.redirectUri,
            ...client(),
          }
        }
        const stolen = await formPost(server, '/oauth/token', other, await form())
        assert.deepEqual([stolen.status, stolen.body.error], [400, 'invalid_grant'], stolen.text)
        assert.equal((await formPost(server, '/oauth/token', own, await form())).status, 200)
      })
    })

    test('after a revoke the token is nothing, with proof or without', async () => {
      const form = new URLSearchParams({ client_id: app.clientId, client_secret: app.clientSecret ?? '', token })
      await must(server, 'POST', '/oauth/revoke', {
        raw: form.toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      const reply = await boundCall(server, own, token, { path: '/v1/balance' })
      assert.deepEqual([reply.status, reply.body.error?.code], [401, 'invalid_token'])
    })
  })
}
