// Stock client libraries against the whole server, as an app's developer would use them: no helper of ours in between.
// owns: every flow, by three libraries that know nothing of each other. never: a refusal (conformance.test.ts).
// always true: each flow ends at a metered route, or at userinfo, with the token it was about.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { generateCodeVerifier, OAuth2Client, OAuth2Fetch } from '@badgateway/oauth2-client'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { type App, buy, createApp, type Person, register } from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'
import { bearer, browser } from './identity.rig.ts'

const SCOPE = 'openid email credits.read credits.spend'
const HTTP = { [oauth.allowInsecureRequests]: true }

/** What a person does in a browser: opens the address, agrees, and lands at the app. */
async function agree(server: Server, person: Person, address: string | URL): Promise<URL> {
  const url = new URL(address)
  const on = browser(server.url)
  const { at } = await on.follow(`${url.pathname}${url.search}`)
  const answer = await on.go('POST', `/oauth/interactions/${at.pathname.split('/').at(-1)}`, {
    headers: bearer(person.session),
    json: { decision: 'approve' },
  })
  assert.equal(answer.status, 200, `${at.href} ${answer.text}`)
  return (await on.follow(String(answer.body.redirect_to))).at
}

/** The same for a device's code, typed on the verification page. */
async function agreeToDevice(server: Server, person: Person, userCode: string): Promise<void> {
  const on = browser(server.url)
  const xsrf = /name="xsrf" value="([^"]+)"/.exec((await on.go('GET', '/oauth/device/verify')).text)?.[1] ?? ''
  const asked = await on.go('POST', '/oauth/device/verify', { form: { xsrf, user_code: userCode, confirm: 'yes' } })
  const answer = await on.go('POST', `/oauth/interactions/${asked.location.split('/').at(-1)}`, {
    headers: bearer(person.session),
    json: { decision: 'approve' },
  })
  assert.equal(answer.status, 200, answer.text)
  await on.follow(String(answer.body.redirect_to))
}

for (const db of databases()) {
  describe(`stock clients (${db})`, () => {
    let server: Server
    let ann: Person
    let confidential: App
    let open: App
    before(async () => {
      server = await startServer({ db })
      ann = await register(server, 'ann')
      await buy(server, ann.session, 'starter')
      const dev = await register(server, 'dev')
      confidential = await createApp(server, dev)
      open = await createApp(server, dev, { type: 'public' })
    })
    after(() => server.stop())

    describe('openid-client', () => {
      const configured = (app: App, auth: oidc.ClientAuth) =>
        oidc.discovery(new URL(server.url), app.clientId, undefined, auth, {
          execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks],
        })
      const codeGrant = async (
        config: oidc.Configuration,
        app: App,
        how: { par?: boolean; DPoP?: oidc.DPoPHandle } = {},
      ) => {
        const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
        const params = {
          redirect_uri: app.redirectUri,
          scope: SCOPE,
          state,
          nonce,
          code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        }
        const options = how.DPoP ? { DPoP: how.DPoP } : {}
        const url = how.par
          ? await oidc.buildAuthorizationUrlWithPAR(config, params, options)
          : oidc.buildAuthorizationUrl(config, params)
        const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
        return oidc.authorizationCodeGrant(config, await agree(server, ann, url), checks, undefined, options)
      }
      const resource = (config: oidc.Configuration, token: string, DPoP?: oidc.DPoPHandle) =>
        oidc.fetchProtectedResource(
          config,
          token,
          new URL('/v1/balance', server.url),
          'GET',
          null,
          undefined,
          DPoP ? { DPoP } : {},
        )

      for (const [name, app, auth] of [
        ['confidential, client_secret_basic', () => confidential, oidc.ClientSecretBasic],
        ['confidential, client_secret_post', () => confidential, oidc.ClientSecretPost],
        ['public', () => open, () => oidc.None()],
      ] as const) {
        test(`${name}: code, PKCE, userinfo, introspection, refresh, revocation`, async () => {
          const config = await configured(app(), auth(app().clientSecret ?? ''))
          const tokens = await codeGrant(config, app())
          assert.equal(tokens.claims()?.sub, ann.id)
          assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, ann.id)).email, ann.email)
          assert.equal((await resource(config, tokens.access_token)).status, 200)
          const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
          assert.equal((await resource(config, next.access_token)).status, 200)
          const seen = await oidc.tokenIntrospection(config, next.access_token)
          assert.deepEqual([seen.active, seen.client_id, seen.sub], [true, app().clientId, ann.id])
          await oidc.tokenRevocation(config, next.refresh_token ?? '')
          assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, false)
          await assert.rejects(
            resource(config, next.access_token),
            (error) => error instanceof oidc.WWWAuthenticateChallengeError,
          )
          await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token ?? ''), { error: 'invalid_grant' })
        })
        test(`${name}: pushed request, tokens bound to a key, at /v1 too`, async () => {
          const config = await configured(app(), auth(app().clientSecret ?? ''))
          const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
          const tokens = await codeGrant(config, app(), { par: true, DPoP })
          assert.equal(tokens.token_type, 'dpop')
          assert.equal((await resource(config, tokens.access_token, DPoP)).status, 200)
          assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, ann.id, { DPoP })).sub, ann.id)
          const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
          assert.equal((await resource(config, next.access_token, DPoP)).status, 200)
          await assert.rejects(resource(config, next.access_token))
        })
      }
      for (const [name, app, auth] of [
        ['public', () => open, () => oidc.None()],
        ['confidential', () => confidential, oidc.ClientSecretBasic],
      ] as const) {
        test(`${name}: a device without a browser`, async () => {
          const config = await configured(app(), auth(app().clientSecret ?? ''))
          const device = await oidc.initiateDeviceAuthorization(config, { scope: 'openid credits.read' })
          await agreeToDevice(server, ann, device.user_code)
          const tokens = await oidc.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.1 })
          assert.equal((await resource(config, tokens.access_token)).status, 200)
          const next = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
          assert.equal((await resource(config, next.access_token)).status, 200)
        })
      }
    })

    describe('oauth4webapi', () => {
      const discovered = async () => {
        const issuer = new URL(server.url)
        return oauth.processDiscoveryResponse(
          issuer,
          await oauth.discoveryRequest(issuer, { ...HTTP, algorithm: 'oauth2' }),
        )
      }
      test('pushed request, DPoP, code, a metered route, refresh, introspection, revocation', async () => {
        const as = await discovered()
        const client: oauth.Client = { client_id: confidential.clientId }
        const auth = oauth.ClientSecretBasic(confidential.clientSecret ?? '')
        const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('Ed25519'))
        const verifier = oauth.generateRandomCodeVerifier()
        const state = oauth.generateRandomState()
        const params = new URLSearchParams({
          redirect_uri: confidential.redirectUri,
          response_type: 'code',
          scope: SCOPE,
          state,
          code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        })
        const par = await oauth.pushedAuthorizationRequest(as, client, auth, params, { ...HTTP, DPoP })
        const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, par)
        const address = new URL(as.authorization_endpoint ?? '')
        address.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString()
        const landed = oauth.validateAuthResponse(as, client, await agree(server, ann, address), state)
        const reply = await oauth.authorizationCodeGrantRequest(
          as,
          client,
          auth,
          landed,
          confidential.redirectUri,
          verifier,
          { ...HTTP, DPoP },
        )
        const tokens = await oauth.processAuthorizationCodeResponse(as, client, reply)
        const chat = await oauth.protectedResourceRequest(
          tokens.access_token,
          'POST',
          new URL('/v1/chat/completions', server.url),
          new Headers({ 'content-type': 'application/json' }),
          JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5 }),
          { ...HTTP, DPoP },
        )
        assert.equal(chat.status, 200)
        const again = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token ?? '', {
          ...HTTP,
          DPoP,
        })
        const next = await oauth.processRefreshTokenResponse(as, client, again)
        const seen = await oauth.introspectionRequest(as, client, auth, next.access_token, HTTP)
        assert.equal((await oauth.processIntrospectionResponse(as, client, seen)).active, true)
        await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, next.access_token, HTTP))
        const gone = await oauth.introspectionRequest(as, client, auth, next.access_token, HTTP)
        assert.equal((await oauth.processIntrospectionResponse(as, client, gone)).active, false)
      })
      test('a device without a browser, its tokens bound to a key', async () => {
        const as = await discovered()
        const client: oauth.Client = { client_id: open.clientId }
        const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
        const asked = await oauth.deviceAuthorizationRequest(
          as,
          client,
          oauth.None(),
          { scope: 'openid credits.read' },
          HTTP,
        )
        const device = await oauth.processDeviceAuthorizationResponse(as, client, asked)
        await agreeToDevice(server, ann, device.user_code)
        const reply = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), device.device_code, {
          ...HTTP,
          DPoP,
        })
        const tokens = await oauth.processDeviceCodeResponse(as, client, reply)
        const url = new URL('/v1/balance', server.url)
        const balance = await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, new Headers(), null, {
          ...HTTP,
          DPoP,
        })
        assert.equal(balance.status, 200)
      })
    })

    describe('@badgateway/oauth2-client', () => {
      for (const [name, app] of [
        ['confidential', () => confidential],
        ['public', () => open],
      ] as const) {
        test(`${name}: code, PKCE, introspection, a fetch that refreshes by itself, revocation`, async () => {
          const { clientId, clientSecret, redirectUri } = app()
          const client = new OAuth2Client({
            server: server.url,
            clientId,
            ...(clientSecret === null ? {} : { clientSecret }),
            discoveryEndpoint: '/.well-known/openid-configuration',
          })
          const codeVerifier = await generateCodeVerifier()
          const asked = { redirectUri, state: 'a state', codeVerifier }
          const address = await client.authorizationCode.getAuthorizeUri({ ...asked, scope: SCOPE.split(' ') })
          const landed = await agree(server, ann, address)
          const tokens = await client.authorizationCode.getTokenFromCodeRedirect(landed, asked)
          assert.equal((await client.introspect(tokens)).active, true)
          let current = tokens
          const refreshing = new OAuth2Fetch({
            client,
            getNewToken: () => null,
            getStoredToken: () => ({ ...tokens, expiresAt: Date.now() - 1 }),
            storeToken: (token) => {
              current = token
            },
            scheduleRefresh: false,
          })
          assert.equal((await refreshing.fetch(`${server.url}/v1/balance`)).status, 200)
          assert.notEqual(current.accessToken, tokens.accessToken)
          await client.revoke(current, 'refresh_token')
          assert.equal((await client.introspect(current)).active, false)
          await assert.rejects(client.refreshToken(current))
        })
      }
    })
  })
}
