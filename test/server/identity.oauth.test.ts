// The authorization server: the whole way with a stock client, and every way that must not lead anywhere.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as jose from 'jose'
import * as oidc from 'openid-client'
import { databases } from '../support/server.ts'
import {
  type Answer,
  ask,
  authorizePath,
  bearer,
  browser,
  codeFor,
  exchange,
  type Flow,
  OWN,
  REDIRECT,
  type Rig,
  register,
  SECRET,
  type Signed,
  sha,
  startRig,
  tokensFor,
  VERIFIER,
} from './identity.rig.ts'

for (const database of databases()) {
  describe(`authorization server on ${database}`, () => {
    let rig: Rig
    let ann: Signed
    before(async () => {
      rig = await startRig(database)
      ann = await register(rig)
    })
    after(() => rig.close())

    describe('the whole way, with openid-client', () => {
      for (const [name, auth] of [
        ['client_secret_basic', oidc.ClientSecretBasic(SECRET)],
        ['client_secret_post', oidc.ClientSecretPost(SECRET)],
      ] as const) {
        test(`${name}: code, id_token, userinfo, introspection, refresh, revocation`, async () => {
          const config = await oidc.discovery(new URL(rig.url), 'web', undefined, auth, {
            execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
          })
          assert.equal(config.serverMetadata().issuer, rig.url)
          const tokens = await signInWith(rig, ann, config, {
            redirect_uri: REDIRECT,
            scope: 'openid email profile credits.spend',
          })
          assert.equal(tokens.expires_in, 3600)
          assert.equal(tokens.scope, 'openid email profile credits.spend')
          assert.equal(tokens.claims()?.sub, ann.id)
          assert.equal(tokens.claims()?.email, ann.email)
          const info = await oidc.fetchUserInfo(config, tokens.access_token, ann.id)
          assert.equal(info.email_verified, false)
          assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, true)
          const next = await oidc.refreshTokenGrant(config, String(tokens.refresh_token))
          assert.notEqual(next.refresh_token, tokens.refresh_token)
          await oidc.tokenRevocation(config, next.access_token)
          assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, false)
          await assert.rejects(oidc.refreshTokenGrant(config, String(next.refresh_token)), { error: 'invalid_grant' })
        })
      }

      test('the wallet: public client, loopback on any port, no approval asked for', async () => {
        const approvals = rig.directory.approvals.length
        const config = await oidc.discovery(new URL(rig.url), 'quota-wallet', undefined, oidc.None(), {
          execute: [oidc.allowInsecureRequests],
        })
        const tokens = await signInWith(
          rig,
          ann,
          config,
          { redirect_uri: 'http://127.0.0.1:49152/callback', scope: 'openid wallet' },
          'continue',
        )
        assert.equal(tokens.scope, 'openid wallet')
        assert.ok(tokens.refresh_token)
        assert.equal(rig.directory.approvals.length, approvals)
      })

      test('pushed requests, and tokens bound to a DPoP key', async () => {
        const config = await oidc.discovery(new URL(rig.url), 'web', undefined, oidc.ClientSecretBasic(SECRET), {
          execute: [oidc.allowInsecureRequests],
        })
        const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair())
        const pkce = oidc.randomPKCECodeVerifier()
        const url = await oidc.buildAuthorizationUrlWithPAR(
          config,
          {
            redirect_uri: REDIRECT,
            scope: 'openid',
            state: 's',
            code_challenge: await oidc.calculatePKCECodeChallenge(pkce),
            code_challenge_method: 'S256',
          },
          { DPoP },
        )
        const landed = await answerAt(rig, ann, url, 'approve')
        const tokens = await oidc.authorizationCodeGrant(
          config,
          landed,
          { pkceCodeVerifier: pkce, expectedState: 's' },
          undefined,
          { DPoP },
        )
        assert.equal(tokens.token_type, 'dpop')
        await oidc.fetchUserInfo(config, tokens.access_token, ann.id, { DPoP })
        const asBearer = await browser(rig.url).go('GET', '/oauth/userinfo', { headers: bearer(tokens.access_token) })
        assert.equal(asBearer.status, 401)
        const again = await browser(rig.url).go('GET', `${url.pathname}${url.search}`)
        assert.equal(again.status, 400, 'a pushed request is used once')
      })
    })

    describe('refused before anything is asked', () => {
      const page = { status: 400, location: '' }
      const back = (error: string) => ({ status: 303, error })
      const rows: [string, Flow, { status: number; location?: string; error?: string }][] = [
        ['another host', { redirect: 'https://evil.example/callback' }, page],
        ['a longer path', { redirect: `${REDIRECT}/more` }, page],
        ['a trailing slash', { redirect: `${REDIRECT}/` }, page],
        ['an added query', { redirect: `${REDIRECT}?a=1` }, page],
        ['a fragment', { redirect: `${REDIRECT}#a` }, page],
        ['a name in front of the host', { redirect: 'https://app.example@evil.example/callback' }, page],
        ['another case of the path', { redirect: 'https://app.example/Callback' }, page],
        ['http for https', { redirect: 'http://app.example/callback' }, page],
        ['no redirect_uri', { query: { redirect_uri: '' } }, page],
        ['a port on a host that is not loopback', { redirect: 'https://app.example:8443/callback' }, page],
        ['localhost for 127.0.0.1', { client: 'native', redirect: 'http://localhost:4000/cb' }, page],
        ['loopback with another path', { client: 'native', redirect: 'http://127.0.0.1:4000/other' }, page],
        ['loopback over https', { client: 'native', redirect: 'https://127.0.0.1:4000/cb' }, page],
        ['loopback with a name in front', { client: 'native', redirect: 'http://x@127.0.0.1:4000/cb' }, page],
        [
          'the wallet with an app’s address',
          { client: 'quota-wallet', scope: 'openid wallet', redirect: REDIRECT },
          page,
        ],
        ['an unknown client', { client: 'nobody' }, page],
        ['no challenge', { query: { code_challenge: '', code_challenge_method: '' } }, back('invalid_request')],
        [
          'no challenge, public',
          {
            client: 'spa',
            redirect: 'https://spa.example/cb',
            query: { code_challenge: '', code_challenge_method: '' },
          },
          back('invalid_request'),
        ],
        ['method plain', { query: { code_challenge_method: 'plain' } }, back('invalid_request')],
        ['a challenge without a method', { query: { code_challenge_method: '' } }, back('invalid_request')],
        ['a method without a challenge', { query: { code_challenge: '' } }, back('invalid_request')],
        ['response_type token', { query: { response_type: 'token' } }, back('unsupported_response_type')],
        ['response_type id_token', { query: { response_type: 'id_token' } }, back('unsupported_response_type')],
        ['an unknown scope', { scope: 'openid everything' }, back('invalid_scope')],
        ['no scope', { query: { scope: '' } }, back('invalid_scope')],
        ['the scope wallet for an app', { scope: 'openid wallet' }, back('invalid_scope')],
        ['a scope the app may not have', { client: 'narrow', scope: 'openid credits.spend' }, back('invalid_scope')],
        [
          'the wallet asking to spend',
          { client: 'quota-wallet', redirect: 'http://127.0.0.1:1/callback', scope: 'openid wallet credits.spend' },
          back('invalid_scope'),
        ],
        ['prompt=none without a sign-in', { query: { prompt: 'none' } }, back('login_required')],
        ['a request object', { query: { request: 'x.y.z' } }, back('request_not_supported')],
      ]
      for (const [name, flow, expected] of rows) {
        test(name, async () => {
          const reply = await browser(rig.url).go('GET', authorizePath(flow), {
            headers: { accept: 'application/json' },
          })
          assert.equal(reply.status, expected.status, reply.text)
          if (expected.error) {
            const landed = new URL(reply.location)
            const params = landed.hash ? new URLSearchParams(landed.hash.slice(1)) : landed.searchParams
            assert.equal(params.get('error'), expected.error)
            assert.equal(params.get('iss'), rig.url)
            assert.equal(params.get('state'), 'the-state')
          } else {
            assert.equal(reply.location, '')
            assert.ok(reply.body.error)
          }
        })
      }
      for (const port of [1024, 50_000]) {
        for (const host of ['127.0.0.1', '[::1]']) {
          test(`not refused: ${host} on port ${port}`, async () => {
            assert.ok(await ask(browser(rig.url), { client: 'native', redirect: `http://${host}:${port}/cb` }))
          })
        }
      }
      test('a doubled parameter', async () => {
        const reply = await browser(rig.url).go('GET', `${authorizePath()}&scope=openid`)
        assert.match(reply.location || reply.text, /invalid_request/)
      })
      test('an error page runs nothing and cannot be framed', async () => {
        const reply = await browser(rig.url).go('GET', authorizePath({ redirect: 'https://evil.example/"><script>' }), {
          headers: { accept: 'text/html' },
        })
        assert.equal(reply.status, 400)
        assert.match(reply.headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
        assert.doesNotMatch(reply.text, /<script/)
      })
      test('the Host header moves nothing', async () => {
        const reply = await browser(rig.url).go('GET', '/.well-known/openid-configuration', {
          headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
        })
        assert.doesNotMatch(reply.text, /evil/)
        assert.equal(reply.body.token_endpoint, `${rig.url}/oauth/token`)
      })
    })

    describe('refused at the token endpoint', () => {
      const rows: [string, Flow, Record<string, string>, { status: number; error: string }][] = [
        ['a wrong verifier', {}, { code_verifier: 'w'.repeat(64) }, { status: 400, error: 'invalid_grant' }],
        ['no verifier', {}, { code_verifier: '' }, { status: 400, error: 'invalid_grant' }],
        ['a short verifier', {}, { code_verifier: 'short' }, { status: 400, error: 'invalid_grant' }],
        [
          'another redirect_uri',
          {},
          { redirect_uri: 'https://app.example/other' },
          { status: 400, error: 'invalid_grant' },
        ],
        ['no redirect_uri', {}, { redirect_uri: '' }, { status: 400, error: 'invalid_request' }],
        ['a wrong secret', {}, { client_secret: 'wrong' }, { status: 401, error: 'invalid_client' }],
        ['no secret', {}, { client_secret: '' }, { status: 401, error: 'invalid_client' }],
        ['another client', {}, { client_id: 'other' }, { status: 400, error: 'invalid_grant' }],
        ['an unknown client', {}, { client_id: 'nobody' }, { status: 401, error: 'invalid_client' }],
        ['the password grant', {}, { grant_type: 'password' }, { status: 400, error: 'unsupported_grant_type' }],
        [
          'client_credentials',
          {},
          { grant_type: 'client_credentials' },
          { status: 400, error: 'unsupported_grant_type' },
        ],
        ['an invented code', {}, { code: 'invented' }, { status: 400, error: 'invalid_grant' }],
      ]
      for (const [name, flow, form, expected] of rows) {
        test(name, async () => {
          const code = await codeFor(rig, ann, flow)
          const reply = await exchange(rig, flow, code, form)
          assert.deepEqual({ status: reply.status, error: reply.body.error }, expected, reply.text)
          assert.equal(reply.body.access_token, undefined)
        })
      }
      test('a code of more than a minute ago', async () => {
        const code = await codeFor(rig, ann)
        rig.later(61_000)
        assertError(await exchange(rig, {}, code), 400, 'invalid_grant')
      })
      test('both secrets of a rotation are good, a third is not', async () => {
        const flow = { client: 'rotating' }
        for (const [secret, status] of [
          [SECRET, 200],
          ['new secret', 200],
          ['old secret', 401],
          [sha(SECRET), 401],
        ] as const) {
          assert.equal(
            (await exchange(rig, flow, await codeFor(rig, ann, flow), { client_secret: secret })).status,
            status,
          )
        }
      })
      test('an app that was deleted meanwhile', async () => {
        const record = rig.directory.clients.get('other')
        const code = await codeFor(rig, ann, { client: 'other' })
        rig.directory.clients.delete('other')
        assertError(await exchange(rig, { client: 'other' }, code), 401, 'invalid_client')
        if (record) rig.directory.clients.set('other', record)
      })
      test('a client may neither look into another client’s token nor end it', async () => {
        const { access } = await tokensFor(rig, ann)
        const form = { client_id: 'other', client_secret: SECRET, token: access }
        const reply = await browser(rig.url).go('POST', '/oauth/introspect', { form })
        assert.equal(reply.body.active, false)
        await browser(rig.url).go('POST', '/oauth/revoke', { form })
        assert.equal((await browser(rig.url).go('GET', '/oauth/userinfo', { headers: bearer(access) })).status, 200)
      })
    })

    describe('a device without a browser', () => {
      const start = () =>
        browser(rig.url).go('POST', '/oauth/device', { form: { client_id: 'native', scope: 'openid credits.spend' } })
      const poll = (code: unknown) =>
        browser(rig.url).go('POST', '/oauth/token', {
          form: {
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            client_id: 'native',
            device_code: String(code),
          },
        })
      /** Enters and confirms the code, and answers the request, in a browser of its own. */
      const approve = async (userCode: string) => {
        const on = browser(rig.url)
        const page = await on.go('GET', '/oauth/device/verify')
        const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
        assert.doesNotMatch(page.text, /<script|onfocus/)
        const confirm = await on.go('POST', '/oauth/device/verify', { form: { xsrf, user_code: userCode } })
        assert.match(confirm.text, /App native/)
        const asked = await on.go('POST', '/oauth/device/verify', {
          form: { xsrf, user_code: userCode, confirm: 'yes' },
        })
        const uid = asked.location.split('/').at(-1)
        const answer = await on.go('POST', `/oauth/interactions/${uid}`, {
          headers: bearer(ann.session),
          json: { decision: 'approve' },
        })
        assert.equal(answer.status, 200, answer.text)
        const { answer: done } = await on.follow(String(answer.body.redirect_to))
        assert.match(done.text, /Connected/)
      }
      test('waits, then gets its tokens, once', async () => {
        const { body } = await start()
        assert.equal(body.verification_uri, `${rig.url}/oauth/device/verify`)
        assertError(await poll(body.device_code), 400, 'authorization_pending')
        await approve(String(body.user_code))
        assert.equal(rig.directory.approvals.at(-1)?.appId, 'app_native')
        assert.equal((await poll(body.device_code)).status, 200)
        assertError(await poll(body.device_code), 400, 'invalid_grant')
      })
      test('asked twenty times at once, it gives tokens at most once', async () => {
        const { body } = await start()
        await approve(String(body.user_code))
        const replies = await Promise.all(Array.from({ length: 20 }, () => poll(body.device_code)))
        // None, when a second use is seen before the first is answered: that takes back what the code gives (RFC 6749, 4.1.2).
        assert.ok(replies.filter((r) => r.status === 200).length <= 1)
        for (const reply of replies.filter((r) => r.status !== 200)) assertError(reply, 400, 'invalid_grant')
      })
      test('a wrong code, a missing xsrf, an unknown scope, and the wallet are refused', async () => {
        const on = browser(rig.url)
        const xsrf = /name="xsrf" value="([^"]+)"/.exec((await on.go('GET', '/oauth/device/verify')).text)?.[1] ?? ''
        const wrong = await on.go('POST', '/oauth/device/verify', { form: { xsrf, user_code: 'WRNG-CODE' } })
        assert.match(wrong.text, /not valid/)
        const { body } = await start()
        const forged = await browser(rig.url).go('POST', '/oauth/device/verify', {
          form: { user_code: String(body.user_code), confirm: 'yes' },
        })
        assert.equal(forged.location, '')
        assertError(await poll(body.device_code), 400, 'authorization_pending')
        const device = (form: Record<string, string>) => browser(rig.url).go('POST', '/oauth/device', { form })
        assertError(await device({ client_id: 'native', scope: 'openid everything' }), 400, 'invalid_scope')
        assert.equal((await device({ client_id: 'quota-wallet', scope: 'openid wallet' })).status, 400)
      })
    })

    test('a shifted clock ages what is kept; a client on real time still verifies an id_token', async () => {
      rig.later(40 * 24 * 3_600_000)
      const person = await register(rig)
      const config = await oidc.discovery(new URL(rig.url), 'web', undefined, oidc.ClientSecretPost(SECRET), {
        execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
      })
      const tokens = await signInWith(rig, person, config, { redirect_uri: REDIRECT, scope: 'openid', max_age: '600' })
      const age = Math.floor(Date.now() / 1000) - Number(tokens.claims()?.auth_time)
      assert.ok(age >= -1 && age < 60, `signed in ${age} seconds ago`)
      rig.later(3_700_000)
      await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, person.id))
      ann = await register(rig)
    })

    test('a DPoP proof is good once, however many come at once', async () => {
      const { publicKey, privateKey } = await jose.generateKeyPair('ES256')
      const jwk = await jose.exportJWK(publicKey)
      const proof = await new jose.SignJWT({ htm: 'POST', htu: `${rig.url}/oauth/token`, jti: 'the-only-proof' })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey)
      const codes = await Promise.all(Array.from({ length: 6 }, () => codeFor(rig, ann)))
      const replies = await Promise.all(
        codes.map((code) =>
          browser(rig.url).go('POST', '/oauth/token', {
            headers: { dpop: proof },
            form: {
              grant_type: 'authorization_code',
              client_id: 'web',
              client_secret: SECRET,
              code,
              redirect_uri: REDIRECT,
              code_verifier: VERIFIER,
            },
          }),
        ),
      )
      assert.equal(replies.filter((r) => r.status === 200).length, 1, replies.map((r) => r.text).join('\n'))
    })

    describe('coming back', () => {
      test('prompt=none renews the browser wallet silently, until sign-out', async () => {
        const on = browser(rig.url)
        const flow = {
          client: 'quota-wallet',
          redirect: `${rig.url}/wallet/callback`,
          scope: 'openid wallet',
          query: { prompt: 'none' },
        }
        await signInHere(rig, on, { ...flow, query: {} }, 'continue')
        const silent = await on.follow(authorizePath(flow))
        assert.equal(silent.at.pathname, '/wallet/callback')
        const reply = await exchange(rig, flow, silent.at.searchParams.get('code') ?? '')
        assert.equal(reply.status, 200, reply.text)
        assert.equal((await on.go('POST', '/auth/logout', { headers: OWN })).status, 200)
        const after = await on.follow(authorizePath(flow))
        assert.equal(after.at.searchParams.get('error'), 'login_required')
        assert.equal((await on.go('GET', '/auth/me')).status, 401)
      })
      test('the wallet on loopback always asks somebody', async () => {
        const on = browser(rig.url)
        const flow = { client: 'quota-wallet', redirect: 'http://127.0.0.1:1234/callback', scope: 'openid wallet' }
        await signInHere(rig, on, flow, 'continue')
        assert.ok(await ask(on, flow))
        const silent = await on.follow(authorizePath({ ...flow, query: { prompt: 'none' } }))
        assert.equal(silent.at.searchParams.get('error'), 'interaction_required')
      })
      test('an app that was agreed to goes through; with more scopes, a higher markup or after a revoke it asks', async () => {
        const on = browser(rig.url)
        const person = await signInHere(rig, on, {}, 'approve')
        const through = await on.follow(authorizePath({}))
        assert.ok(through.at.searchParams.get('code'))
        const more = await on.follow(authorizePath({ scope: 'openid email credits.spend', query: { prompt: 'none' } }))
        assert.equal(more.at.searchParams.get('error'), 'consent_required')
        const client = rig.directory.clients.get('web')
        if (client) rig.directory.clients.set('web', { ...client, markup_bps: 100 })
        const dearer = await on.follow(authorizePath({ query: { prompt: 'none' } }))
        if (client) rig.directory.clients.set('web', client)
        assert.equal(dearer.at.searchParams.get('error'), 'consent_required')
        rig.directory.connections.delete(`${person.id} app_web`)
        const revoked = await on.follow(authorizePath({ query: { prompt: 'none' } }))
        assert.equal(revoked.at.searchParams.get('error'), 'consent_required')
      })
      test('a public app on loopback is asked about every time', async () => {
        const on = browser(rig.url)
        const flow = { client: 'native', redirect: 'http://127.0.0.1:4000/cb' }
        await signInHere(rig, on, flow, 'approve')
        const silent = await on.follow(authorizePath({ ...flow, query: { prompt: 'none' } }))
        assert.equal(silent.at.searchParams.get('error'), 'consent_required')
      })
      test('another person signing in ends the first one’s sign-in there', async () => {
        const on = browser(rig.url)
        await signInHere(rig, on, {}, 'approve')
        await on.go('POST', '/auth/login', { json: { email: ann.email, password: ann.password } })
        const silent = await on.follow(authorizePath({ query: { prompt: 'none' } }))
        assert.equal(silent.at.searchParams.get('error'), 'login_required')
      })
      test('the browser’s sign-in ends a day after its last use', async () => {
        const on = browser(rig.url)
        await signInHere(rig, on, {}, 'approve')
        rig.later(25 * 3_600_000)
        const silent = await on.follow(authorizePath({ query: { prompt: 'none' } }))
        assert.equal(silent.at.searchParams.get('error'), 'login_required')
        ann = await register(rig)
      })
    })
  })
}

function assertError(reply: Answer, status: number, error: string): void {
  assert.deepEqual({ status: reply.status, error: reply.body.error }, { status, error }, reply.text)
}

/** A person registers in this browser and answers there, as the wallet's page does. */
async function signInHere(rig: Rig, on: ReturnType<typeof browser>, flow: Flow, decision: string): Promise<Signed> {
  const person = await register(rig, on)
  const uid = await ask(on, flow)
  const answer = await on.go('POST', `/oauth/interactions/${uid}`, {
    headers: { ...OWN, origin: rig.url, 'sec-fetch-site': 'same-origin' },
    json: { decision },
  })
  assert.equal(answer.status, 200, answer.text)
  const { at } = await on.follow(String(answer.body.redirect_to))
  assert.ok(at.searchParams.get('code'), at.href)
  assert.equal(at.searchParams.get('iss'), rig.url)
  return person
}

async function answerAt(rig: Rig, person: Signed, url: URL, decision: string): Promise<URL> {
  const on = browser(rig.url)
  const { at } = await on.follow(`${url.pathname}${url.search}`)
  const uid = at.pathname.split('/').at(-1)
  const answer = await on.go('POST', `/oauth/interactions/${uid}`, {
    headers: bearer(person.session),
    json: { decision },
  })
  assert.equal(answer.status, 200, answer.text)
  return (await on.follow(String(answer.body.redirect_to))).at
}

async function signInWith(
  rig: Rig,
  person: Signed,
  config: oidc.Configuration,
  params: Record<string, string>,
  decision = 'approve',
) {
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const url = oidc.buildAuthorizationUrl(config, {
    ...params,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(VERIFIER),
    code_challenge_method: 'S256',
  })
  const landed = await answerAt(rig, person, url, decision)
  return oidc.authorizationCodeGrant(config, landed, {
    pkceCodeVerifier: VERIFIER,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  })
}
