// The OpenID Foundation's conformance modules, as far as they are about a server like ours, under the suite's own names.
// owns: one row per module of the Basic, Config and FAPI 2 plans. never: what a module does not ask (identity.oauth.test.ts).
// always true: every answer that goes back to an app carries `iss`; a module we answer otherwise says so in its name.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as jose from 'jose'
import { databases } from '../support/server.ts'
import {
  type Answer,
  ask,
  authorizePath,
  type Browser,
  bearer,
  browser,
  codeFor,
  exchange,
  type Flow,
  type Json,
  REDIRECT,
  type Rig,
  refresh,
  register,
  SECRET,
  type Signed,
  sha,
  startRig,
  tokenRequest,
  tokensFor,
  VERIFIER,
} from './identity.rig.ts'

const CLIENT = { client_id: 'web', client_secret: SECRET }

for (const database of databases()) {
  describe(`conformance on ${database}`, () => {
    let rig: Rig
    let ann: Signed
    before(async () => {
      rig = await startRig(database)
      ann = await register(rig)
    })
    after(() => rig.close())

    const get = (path: string, headers: Record<string, string> = {}) => browser(rig.url).go('GET', path, { headers })
    const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
      browser(rig.url).go('POST', path, { form, headers })
    /** A browser that is signed in and has agreed. */
    const signedIn = async (flow: Flow = {}): Promise<Browser> => {
      const on = browser(rig.url)
      const person = await register(rig, on)
      const uid = await ask(on, flow)
      const answer = await on.go('POST', `/oauth/interactions/${uid}`, {
        headers: bearer(person.session),
        json: { decision: 'approve' },
      })
      await on.follow(String(answer.body.redirect_to))
      return on
    }
    const claimsOf = (reply: Answer | { body: Json }) => jose.decodeJwt(String(reply.body.id_token))
    /** What an app is told, without anybody being asked. */
    const told = async (on: Browser, flow: Flow) => {
      const { at, answer } = await on.follow(authorizePath(flow))
      assert.equal(at.searchParams.get('iss'), rig.url, `no iss: ${at.href} ${answer.text}`)
      return at.searchParams
    }
    const asksAgain = async (on: Browser, flow: Flow) => {
      const { at } = await on.follow(authorizePath(flow))
      return /^\/wallet\/interaction\//.test(at.pathname)
    }
    const error = (reply: Answer) => [reply.status, reply.body.error]
    const pushed = (form: Record<string, string> = {}, flow: Flow = {}) => {
      const query = Object.fromEntries(new URL(authorizePath(flow), rig.url).searchParams)
      const all = { ...query, ...CLIENT, ...form }
      return post('/oauth/par', Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '')))
    }

    describe('config', () => {
      test('oidcc-config-discovery-endpoint-verification', async () => {
        const { body } = await get('/.well-known/openid-configuration')
        for (const path of ['/.well-known/openid-configuration', '/.well-known/jwks.json'])
          assert.equal((await browser(rig.url).go('HEAD', path)).status, 200, path)
        assert.equal(body.issuer, rig.url)
        assert.deepEqual(body.response_types_supported, ['code'])
        assert.deepEqual(body.code_challenge_methods_supported, ['S256'])
        assert.deepEqual(body.id_token_signing_alg_values_supported, ['RS256'])
        assert.deepEqual([...(body.token_endpoint_auth_methods_supported as string[])].sort(), [
          'client_secret_basic',
          'client_secret_post',
          'none',
        ])
        assert.equal(body.authorization_response_iss_parameter_supported, true)
        assert.deepEqual(body.dpop_signing_alg_values_supported, ['ES256', 'Ed25519', 'EdDSA'])
        assert.ok(
          !(body.grant_types_supported as string[]).some((grant) => /password|implicit|client_cred/.test(grant)),
        )
        assert.equal(body.request_uri_parameter_supported, false) // left out, it would mean true (Discovery 1.0, 3)
        for (const name of ['request', 'claims']) assert.notEqual(body[`${name}_parameter_supported`], true)
        for (const name of [
          'authorization',
          'token',
          'userinfo',
          'revocation',
          'introspection',
          'device_authorization',
        ])
          assert.ok(String(body[`${name}_endpoint`]).startsWith(`${rig.url}/oauth/`), name)
        const keys = (await get(new URL(String(body.jwks_uri)).pathname)).body.keys as jose.JWK[]
        for (const key of keys) assert.deepEqual([key.kty, key.use, key.alg, key.d], ['RSA', 'sig', 'RS256', undefined])
      })
    })

    describe('basic', () => {
      test('oidcc-server, oidcc-idtoken-signature', async () => {
        const flow = { scope: 'openid', query: { nonce: 'the-nonce' } }
        const { body } = await tokensFor(rig, ann, flow)
        const keys = jose.createRemoteJWKSet(new URL('/.well-known/jwks.json', rig.url))
        const { payload } = await jose.jwtVerify(String(body.id_token), keys, {
          issuer: rig.url,
          audience: 'web',
          algorithms: ['RS256'],
        })
        assert.deepEqual([payload.sub, payload.nonce], [ann.id, 'the-nonce'])
        assert.equal(Number(payload.exp) - Number(payload.iat), 3600)
      })
      test('oidcc-response-type-missing', async () => {
        assert.equal((await told(browser(rig.url), { query: { response_type: '' } })).get('error'), 'invalid_request')
      })
      test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
        assert.equal('nonce' in claimsOf(await tokensFor(rig, ann)), false)
      })
      test('oidcc-userinfo-get, -post-header, -post-body; and no token in the address', async () => {
        const { access } = await tokensFor(rig, ann, { scope: 'openid email' })
        for (const reply of [
          await get('/oauth/userinfo', bearer(access)),
          await post('/oauth/userinfo', {}, bearer(access)),
          await post('/oauth/userinfo', { access_token: access }),
        ])
          assert.deepEqual([reply.status, reply.body.sub, reply.body.email], [200, ann.id, ann.email], reply.text)
        assert.equal((await get(`/oauth/userinfo?access_token=${access}`)).status, 400)
        for (const token of ['none', `${access}x`]) {
          const reply = await get('/oauth/userinfo', bearer(token))
          assert.deepEqual(error(reply), [401, 'invalid_token'])
          assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/)
        }
      })
      for (const [module, scope, has] of [
        ['oidcc-scope-profile', 'openid profile', ['name']],
        ['oidcc-scope-email', 'openid email', ['email', 'email_verified']],
        ['oidcc-scope-all (of ours)', 'openid profile email', ['name', 'email', 'email_verified']],
        ['oidcc-ensure-other-scope-order-succeeds', 'email openid', ['email', 'email_verified']],
      ] as const) {
        test(module, async () => {
          await browser(rig.url).go('PATCH', '/account', { headers: bearer(ann.session), json: { name: 'Ann' } })
          const tokens = await tokensFor(rig, ann, { scope })
          for (const claims of [claimsOf(tokens), (await get('/oauth/userinfo', bearer(tokens.access))).body])
            assert.deepEqual(
              ['name', 'email', 'email_verified'].filter((name) => name in claims),
              has,
            )
        })
      }
      for (const scope of ['openid address', 'openid phone'])
        test(`oidcc-scope-${scope.slice(7)}: we have none, and say so`, async () => {
          assert.equal((await told(browser(rig.url), { scope })).get('error'), 'invalid_scope')
        })
      for (const [module, query] of [
        ['oidcc-display-page', { display: 'page' }],
        ['oidcc-display-popup', { display: 'popup' }],
        ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
        ['oidcc-login-hint', { login_hint: 'ann@example.org' }],
        ['oidcc-ui-locales', { ui_locales: 'se' }],
        ['oidcc-claims-locales', { claims_locales: 'se' }],
        ['oidcc-ensure-request-with-acr-values-succeeds', { acr_values: '1 2' }],
      ] as [string, Record<string, string>][]) {
        test(module, async () => {
          assert.equal((await exchange(rig, { query }, await codeFor(rig, ann, { query }))).status, 200)
        })
      }
      test('a nonce without openid is ignored: scopes, state and PKCE stand, and there is no id_token', async () => {
        const flow = { scope: 'credits.read credits.spend', query: { nonce: 'the-nonce' } }
        const { body } = await exchange(rig, flow, await codeFor(rig, ann, flow))
        assert.deepEqual([body.scope, body.id_token], ['credits.read credits.spend', undefined])
        const [wrong, none] = [{ code_challenge: '' }, { scope: '' }]
        for (const query of [wrong, none])
          assert.ok((await told(browser(rig.url), { ...flow, query: { ...flow.query, ...query } })).get('error'))
      })
      test('oidcc-claims-essential: the parameter is not supported, and changes nothing', async () => {
        const query = {
          claims: JSON.stringify({ userinfo: { email: { essential: true } }, id_token: { email: null } }),
        }
        const tokens = await tokensFor(rig, ann, { scope: 'openid', query })
        assert.equal(claimsOf(tokens).email, undefined)
        assert.equal((await get('/oauth/userinfo', bearer(tokens.access))).body.email, undefined)
      })
      test('oidcc-prompt-login', async () => {
        const on = await signedIn()
        assert.ok((await told(on, {})).get('code'))
        assert.ok(await asksAgain(on, { query: { prompt: 'login' } }))
      })
      test('oidcc-prompt-none-not-logged-in', async () => {
        const params = await told(browser(rig.url), { query: { prompt: 'none' } })
        assert.deepEqual([params.get('error'), params.get('code')], ['login_required', null])
      })
      test('oidcc-prompt-none-logged-in', async () => {
        assert.ok((await told(await signedIn(), { query: { prompt: 'none' } })).get('code'))
      })
      test('prompt=none together with login; an invented prompt', async () => {
        const on = await signedIn()
        for (const prompt of ['none login', 'sing'])
          assert.equal((await told(on, { query: { prompt } })).get('error'), 'invalid_request')
      })
      test('oidcc-max-age-1', async () => {
        const on = await signedIn()
        await sleep(2100)
        assert.ok(await asksAgain(on, { query: { max_age: '1' } }))
        assert.equal((await told(on, { query: { max_age: '1', prompt: 'none' } })).get('error'), 'login_required')
        assert.equal((await told(on, { query: { max_age: '-1' } })).get('error'), 'invalid_request')
      })
      test('oidcc-max-age-10000', async () => {
        const on = await signedIn()
        const code = (await told(on, { query: { max_age: '10000' } })).get('code') ?? ''
        const authTime = Number(claimsOf(await exchange(rig, {}, code)).auth_time)
        assert.ok(Math.abs(Date.now() / 1000 - authTime) < 60)
      })
      test('oidcc-id-token-hint: of the person who is signed in it goes through, of another it does not', async () => {
        const on = await signedIn()
        const code = (await told(on, {})).get('code') ?? ''
        const hint = String((await exchange(rig, {}, code)).body.id_token)
        assert.ok((await told(on, { query: { prompt: 'none', id_token_hint: hint } })).get('code'))
        const theirs = String((await tokensFor(rig, ann)).body.id_token)
        assert.equal(
          (await told(on, { query: { prompt: 'none', id_token_hint: theirs } })).get('error'),
          'login_required',
        )
        const [head, , signature] = hint.split('.')
        const forged = `${head}.${Buffer.from(JSON.stringify({ ...jose.decodeJwt(hint), sub: ann.id })).toString('base64url')}.${signature}`
        for (const bad of [
          forged,
          'x.y.z',
          new jose.UnsecuredJWT({ sub: ann.id }).setIssuer(rig.url).setAudience('web').encode(),
        ])
          assert.equal(
            (await told(on, { query: { prompt: 'none', id_token_hint: bad } })).get('error'),
            'invalid_request',
          )
      })
      test('oidcc-codereuse', async () => {
        const code = await codeFor(rig, ann)
        const first = await exchange(rig, {}, code)
        assert.equal(first.status, 200)
        assert.deepEqual(error(await exchange(rig, {}, code)), [400, 'invalid_grant'])
      })
      test('oidcc-codereuse-30seconds: and what the code gave is dead', async () => {
        const code = await codeFor(rig, ann)
        const first = await exchange(rig, {}, code)
        rig.later(30_000)
        assert.deepEqual(error(await exchange(rig, {}, code)), [400, 'invalid_grant'])
        assert.equal((await get('/oauth/userinfo', bearer(String(first.body.access_token)))).status, 401)
        assert.equal((await refresh(rig, {}, String(first.body.refresh_token))).status, 400)
      })
      test('oidcc-ensure-registered-redirect-uri, oidcc-ensure-redirect-uri-in-authorization-request', async () => {
        for (const redirect of ['https://evil.example/callback', `${REDIRECT}/..`, `${REDIRECT}%2f`, '']) {
          const { at, answer } = await browser(rig.url).follow(
            authorizePath({ redirect, query: { redirect_uri: redirect } }),
          )
          assert.deepEqual([at.pathname, answer.status, answer.location], ['/oauth/authorize', 400, ''], redirect)
        }
      })
      test('oidcc-ensure-post-request-succeeds: refused; the request is not looked at', async () => {
        const form = Object.fromEntries(new URL(authorizePath(), rig.url).searchParams)
        assert.ok([404, 405].includes((await post('/oauth/authorize', form)).status))
      })
      test('oidcc-server-client-secret-post, and by header; both at once are refused', async () => {
        const basic = { authorization: `Basic ${Buffer.from(`web:${encodeURIComponent(SECRET)}`).toString('base64')}` }
        const form = async () => ({
          grant_type: 'authorization_code',
          code: await codeFor(rig, ann),
          redirect_uri: REDIRECT,
          code_verifier: VERIFIER,
        })
        assert.equal((await post('/oauth/token', { ...(await form()), ...CLIENT })).status, 200)
        assert.equal((await post('/oauth/token', await form(), basic)).status, 200)
        assert.deepEqual(error(await post('/oauth/token', { ...(await form()), ...CLIENT }, basic)), [
          400,
          'invalid_request',
        ])
      })
      test('oidcc-unsigned-request-object, oidcc-request-uri-unsigned, oidcc-registration', async () => {
        const request = new jose.UnsecuredJWT({ redirect_uri: 'https://evil.example/' }).encode()
        const none = browser(rig.url)
        assert.equal((await told(none, { query: { request } })).get('error'), 'request_not_supported')
        const byUri = await none.go('GET', authorizePath({ query: { request_uri: 'https://evil.example/r.jwt' } }))
        assert.match(byUri.location || byUri.text, /request_uri_not_supported|invalid_request_uri/)
        assert.equal((await told(none, { query: { registration: '{}' } })).get('error'), 'registration_not_supported')
      })
      test('oidcc-refresh-token, oidcc-refresh-token-rp-key-rotation', async () => {
        const { body, refresh: token } = await tokensFor(rig, ann, { scope: 'openid' })
        const next = await refresh(rig, {}, token)
        const [old, fresh] = [claimsOf({ body }), claimsOf(next)]
        assert.deepEqual([fresh.sub, fresh.iss, fresh.aud, fresh.auth_time], [old.sub, old.iss, old.aud, old.auth_time])
        assert.notEqual(next.body.refresh_token, token)
      })
    })

    describe('fapi2', () => {
      test('attempt-reuse-authorization-code-after-one-second', async () => {
        const code = await codeFor(rig, ann)
        assert.equal((await exchange(rig, {}, code)).status, 200)
        await sleep(1000)
        assert.deepEqual(error(await exchange(rig, {}, code)), [400, 'invalid_grant'])
      })
      test('ensure-authorization-code-is-bound-to-client', async () => {
        const code = await codeFor(rig, ann)
        assert.deepEqual(error(await exchange(rig, { client: 'other' }, code)), [400, 'invalid_grant'])
      })
      for (const [module, flow] of [
        ['ensure-response-type-token-fails', { query: { response_type: 'token' } }],
        ['ensure-response-type-code-idtoken-fails', { query: { response_type: 'code id_token' } }],
        ['ensure-response-type-code-token-fails', { query: { response_type: 'code token' } }],
        ['ensure-response-type-none-fails', { query: { response_type: 'none' } }],
      ] as [string, Flow][]) {
        test(module, async () => {
          const { at } = await browser(rig.url).follow(authorizePath(flow))
          const params = at.hash ? new URLSearchParams(at.hash.slice(1)) : at.searchParams
          assert.deepEqual([params.get('error'), params.get('iss')], ['unsupported_response_type', rig.url])
          assert.equal(params.get('code') ?? params.get('access_token'), null)
        })
      }
      test('ensure-unregistered-redirect-uri-fails, by a pushed request', async () => {
        assert.deepEqual(error(await pushed({ redirect_uri: 'https://evil.example/cb' })), [400, 'invalid_request'])
      })
      test('par-plain-pkce-rejected, par-without-pkce', async () => {
        assert.deepEqual(error(await pushed({ code_challenge_method: 'plain' })), [400, 'invalid_request'])
        assert.deepEqual(error(await pushed({ code_challenge: '', code_challenge_method: '' })), [
          400,
          'invalid_request',
        ])
      })
      test('incorrect-pkce-code-verifier-rejected: and the code is not good any more for guessing', async () => {
        const code = await codeFor(rig, ann)
        for (const code_verifier of ['w'.repeat(64), sha(VERIFIER, 'base64url'), VERIFIER.slice(1)])
          assert.deepEqual(error(await exchange(rig, {}, code, { code_verifier })), [400, 'invalid_grant'])
      })
      test('a verifier where no challenge was (PKCE downgrade)', async () => {
        const reply = await pushed({ code_challenge: '', code_challenge_method: '' })
        assert.equal(reply.body.request_uri, undefined)
      })
      test('par-attempt-reuse-request_uri, par-expired, par-for-another-client', async () => {
        const on = browser(rig.url)
        const uri = async () => String((await pushed()).body.request_uri)
        const open = (client_id: string, request_uri: string) =>
          on.go('GET', `/oauth/authorize?${new URLSearchParams({ client_id, request_uri })}`)
        // As long as nobody has answered, a page may be loaded again; after that the request is used up.
        const used = await uri()
        const at = await open('web', used)
        assert.equal(at.status, 303)
        const answer = await on.go('POST', `/oauth/interactions/${at.location.split('/').at(-1)}`, {
          headers: bearer(ann.session),
          json: { decision: 'approve' },
        })
        const landed = await on.follow(String(answer.body.redirect_to))
        assert.ok(landed.at.searchParams.get('code'))
        for (const [client, opened] of [
          ['web', used],
          ['other', await uri()],
          ['web', 'urn:ietf:params:oauth:request_uri:invented'],
        ] as const) {
          const reply = await open(client, opened)
          assert.equal(reply.location, '', reply.location)
          assert.equal(reply.status, 400)
        }
        const old = await uri()
        rig.later(61_000)
        assert.equal((await open('web', old)).status, 400)
      })
      test('par-authorization-request-containing-request_uri', async () => {
        assert.deepEqual(error(await pushed({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })), [
          400,
          'request_uri_not_supported',
        ])
      })
      test('par: wrong methods, duplicates, no client, a wrong secret, an unknown scope', async () => {
        for (const method of ['GET', 'PUT', 'DELETE'])
          assert.ok([404, 405].includes((await browser(rig.url).go(method, '/oauth/par')).status), method)
        const doubled = await fetch(new URL('/oauth/par', rig.url), {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: `${authorizePath().split('?')[1]}&client_secret=${encodeURIComponent(SECRET)}&scope=openid`,
        })
        assert.deepEqual([doubled.status, ((await doubled.json()) as Json).error], [400, 'invalid_request'])
        assert.equal((await pushed({ client_id: '', client_secret: '' })).status, 400)
        assert.deepEqual(error(await pushed({ client_secret: 'wrong' })), [401, 'invalid_client'])
        assert.deepEqual(error(await pushed({ scope: 'openid everything' })), [400, 'invalid_scope'])
        const json = await browser(rig.url).go('POST', '/oauth/par', { json: { ...CLIENT, scope: 'openid' } })
        assert.equal(json.status, 400)
      })
      test('a pushed request is not changed by what stands beside its request_uri', async () => {
        const request_uri = String((await pushed({ scope: 'openid' })).body.request_uri)
        const on = browser(rig.url)
        const beside = {
          client_id: 'web',
          request_uri,
          scope: 'openid credits.spend',
          redirect_uri: 'https://evil.example/',
        }
        const { at, answer } = await on.follow(`/oauth/authorize?${new URLSearchParams(beside)}`)
        if (!at.pathname.startsWith('/wallet/')) return assert.equal(answer.status, 400)
        const asked = await on.go('GET', `/oauth/interactions/${at.pathname.split('/').at(-1)}`)
        assert.deepEqual(asked.body.scopes, ['openid'])
        assert.equal(answer.text.includes('evil'), false)
      })
      test('user-rejects-authentication', async () => {
        const on = browser(rig.url)
        const uid = await ask(on)
        const reply = await on.go('POST', `/oauth/interactions/${uid}`, {
          headers: bearer(ann.session),
          json: { decision: 'deny' },
        })
        const { at } = await on.follow(String(reply.body.redirect_to))
        assert.deepEqual(
          [at.searchParams.get('error'), at.searchParams.get('iss'), at.searchParams.get('state')],
          ['access_denied', rig.url, 'the-state'],
        )
      })
      test('access-token-type-header-case-sensitivity', async () => {
        const { access } = await tokensFor(rig, ann)
        for (const scheme of ['bearer', 'BEARER', 'Bearer'])
          assert.equal((await get('/oauth/userinfo', { authorization: `${scheme} ${access}` })).status, 200, scheme)
      })
      test('state-and-iss-in-every-answer: a state of 1 kB with signs comes back as it was', async () => {
        const state = 'ü&=?#%20"<>'.repeat(90)
        const params = await told(browser(rig.url), { query: { state, prompt: 'none' } })
        assert.equal(params.get('state'), state)
      })
    })

    describe('refresh (security.md C10)', () => {
      test('by another client, widened, after a revoke, after reuse', async () => {
        const tokens = await tokensFor(rig, ann, { scope: 'openid credits.read' })
        assert.deepEqual(error(await refresh(rig, { client: 'other' }, tokens.refresh)), [400, 'invalid_grant'])
        for (const scope of ['openid credits.read credits.spend', 'wallet', 'openid email'])
          assert.deepEqual(error(await refresh(rig, {}, tokens.refresh, { scope })), [400, 'invalid_scope'])
        const narrow = await refresh(rig, {}, tokens.refresh, { scope: 'openid' })
        assert.equal(narrow.body.scope, 'openid')
        await post('/oauth/revoke', { ...CLIENT, token: String(narrow.body.refresh_token) })
        assert.deepEqual(error(await refresh(rig, {}, String(narrow.body.refresh_token))), [400, 'invalid_grant'])
        assert.equal((await get('/oauth/userinfo', bearer(String(narrow.body.access_token)))).status, 401)
      })
      test('after the password was changed', async () => {
        const eve = await register(rig)
        const tokens = await tokensFor(rig, eve)
        const reply = await browser(rig.url).go('POST', '/account/password', {
          headers: bearer(eve.session),
          json: { current_password: eve.password, password: 'another horse battery' },
        })
        assert.equal(reply.status, 200, reply.text)
        assert.deepEqual(error(await refresh(rig, {}, tokens.refresh)), [400, 'invalid_grant'])
        assert.equal((await get('/oauth/userinfo', bearer(tokens.access))).status, 401)
      })
    })

    describe('tokens in the wrong place (security.md C14, B16)', () => {
      test('a code, a refresh token, an id_token or a JWT of our own making is no access token', async () => {
        const tokens = await tokensFor(rig, ann)
        const idToken = String(tokens.body.id_token)
        const none = new jose.UnsecuredJWT(jose.decodeJwt(idToken)).encode()
        const { privateKey } = await jose.generateKeyPair('RS256')
        const forged = await new jose.SignJWT(jose.decodeJwt(idToken))
          .setProtectedHeader({ alg: 'RS256', kid: '../../etc/passwd' })
          .sign(privateKey)
        for (const wrong of [await codeFor(rig, ann), tokens.refresh, idToken, none, forged])
          assert.equal((await get('/oauth/userinfo', bearer(wrong))).status, 401)
      })
      test('an access token or a code is no refresh token; a refresh token is no code', async () => {
        const tokens = await tokensFor(rig, ann)
        for (const wrong of [tokens.access, await codeFor(rig, ann)])
          assert.deepEqual(error(await refresh(rig, {}, wrong)), [400, 'invalid_grant'])
        assert.deepEqual(error(await exchange(rig, {}, tokens.refresh)), [400, 'invalid_grant'])
      })
      test('grants nobody has: password, client_credentials, jwt-bearer, token-exchange, implicit', async () => {
        for (const grant_type of [
          'password',
          'client_credentials',
          'urn:ietf:params:oauth:grant-type:jwt-bearer',
          'urn:ietf:params:oauth:grant-type:token-exchange',
          'implicit',
        ]) {
          const reply = await tokenRequest(rig, {}, { grant_type, username: ann.email, password: ann.password })
          assert.deepEqual(error(reply), [400, 'unsupported_grant_type'], grant_type)
        }
      })
    })
  })
}
