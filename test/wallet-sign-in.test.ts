// The desktop wallet as an OAuth client of a server that lies (security.md 3.D): nobody is signed in, nothing is kept.
// owns: one row per lie. never: the loopback listener's own refusals (wallet/desktop-session.spec.ts).
// always true: the first row, without a lie, signs in; every other differs from it by one thing.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import * as jose from 'jose'
import { createSession } from '../src-main/session.ts'

type Json = Record<string, unknown>
type Lie = {
  metadata?: (right: Json, evil: string) => Json
  /** What the browser brings back; a parameter that is null is left out. */
  returned?: Record<string, string | null>
  claims?: Json
  alg?: 'none' | 'other key' | 'HS256'
  /** Answers the token request in the place of a right answer. */
  token?: (response: ServerResponse, right: Json, evil: string) => void
}

const json = (response: ServerResponse, body: unknown, status = 200) => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

describe('signing in at a server that lies', () => {
  let server: Server
  let evil: Server
  let issuer: string
  let evilUrl: string
  let lie: Lie = {}
  let nonce = ''
  let keys: jose.GenerateKeyPairResult
  let others: jose.GenerateKeyPairResult
  const atEvil: string[] = []
  let tokenRequests = 0

  const metadata = (): Json => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    revocation_endpoint: `${issuer}/revoke`,
    authorization_response_iss_parameter_supported: true,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  })
  const idToken = async (): Promise<string> => {
    const nowS = Math.floor(Date.now() / 1000)
    const right = { iss: issuer, aud: 'quota-wallet', sub: 'user_1', iat: nowS, exp: nowS + 600, nonce }
    const claims = { ...right, ...lie.claims }
    if (lie.alg === 'none') return new jose.UnsecuredJWT(claims).encode()
    if (lie.alg === 'HS256')
      return new jose.SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode('quota-wallet'.repeat(4)))
    const by = lie.alg === 'other key' ? others : keys
    return new jose.SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(by.privateKey)
  }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split('?')[0]
    if (path?.startsWith('/.well-known/')) return json(response, lie.metadata?.(metadata(), evilUrl) ?? metadata())
    if (path === '/jwks')
      return json(response, { keys: [{ ...(await jose.exportJWK(keys.publicKey)), kid: 'k', alg: 'RS256' }] })
    if (path !== '/token') return json(response, {}, 404)
    tokenRequests++
    const right = {
      access_token: 'access',
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: 'refresh',
      id_token: await idToken(),
    }
    return lie.token ? lie.token(response, right, evilUrl) : json(response, right)
  }
  const listen = async (listener: (request: IncomingMessage, response: ServerResponse) => void) => {
    const http = createServer(listener)
    await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
    return { http, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }
  }
  before(async () => {
    keys = await jose.generateKeyPair('RS256', { extractable: true })
    others = await jose.generateKeyPair('RS256')
    ;({ http: server, url: issuer } = await listen((request, response) => void answer(request, response)))
    ;({ http: evil, url: evilUrl } = await listen((request, response) => {
      atEvil.push(`${request.method} ${request.url}`)
      json(response, { access_token: 'evil', token_type: 'bearer', refresh_token: 'evil' })
    }))
  })
  after(() => {
    for (const http of [server, evil]) {
      http.closeAllConnections()
      http.close()
    }
  })

  /** One attempt. @returns whether somebody is signed in, and all that was kept */
  async function attempt(told: Lie): Promise<{ signedIn: boolean; kept: string[] }> {
    lie = told
    const kept: string[] = []
    const session = createSession({
      issuer,
      now: () => Date.now(),
      changed: () => undefined,
      kept: { read: async () => null, write: async (text) => kept.push(text) > 0, clear: async () => undefined },
      browse: async (address) => {
        const asked = new URL(address)
        nonce = asked.searchParams.get('nonce') ?? ''
        const back = new URL(asked.searchParams.get('redirect_uri') ?? '')
        const params = { code: 'the-code', state: asked.searchParams.get('state'), iss: issuer, ...told.returned }
        for (const [name, value] of Object.entries(params)) if (value !== null) back.searchParams.set(name, value)
        // The listener goes on listening after a return that is not its own; here nobody else will come.
        void fetch(back).then(
          (reply) => (reply.status === 400 ? session.signOut() : undefined),
          () => undefined,
        )
      },
    })
    const signedIn = await session.signIn().catch(() => false)
    return { signedIn, kept }
  }

  test('without a lie somebody is signed in', async () => {
    assert.deepEqual(await attempt({}), { signedIn: true, kept: ['refresh'] })
  })

  const rows: [string, Lie, { tokenRequests: number }][] = [
    ['D02: the return names another issuer', { returned: { iss: 'https://evil.example' } }, { tokenRequests: 0 }],
    ['D02: the return names none, though the server promised to', { returned: { iss: null } }, { tokenRequests: 0 }],
    ['D12: a return with somebody else’s state', { returned: { state: 'attacker' } }, { tokenRequests: 0 }],
    ['D12: a return without state', { returned: { state: null } }, { tokenRequests: 0 }],
    [
      'D03: metadata of another issuer',
      { metadata: (right) => ({ ...right, issuer: 'https://evil.example' }) },
      { tokenRequests: 0 },
    ],
    ['D03: metadata that is no object', { metadata: () => [] as unknown as Json }, { tokenRequests: 0 }],
    [
      'D05: the token endpoint redirects elsewhere',
      { token: (response, _right, url) => void response.writeHead(307, { location: `${url}/token` }).end() },
      { tokenRequests: 1 },
    ],
    [
      'D06: HTML',
      { token: (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<p>ok</p>') },
      { tokenRequests: 1 },
    ],
    [
      'D06: 200 with an error',
      { token: (response) => json(response, { error: 'invalid_grant' }) },
      { tokenRequests: 1 },
    ],
    [
      'D06: an answer cut off',
      {
        token: (response) =>
          void response
            .writeHead(200, { 'content-type': 'application/json', 'content-length': 999 })
            .end('{"access_token":"a'),
      },
      { tokenRequests: 1 },
    ],
    ['D06: a broken connection', { token: (response) => void response.destroy() }, { tokenRequests: 1 }],
    ['no id_token', { token: (response, { id_token: _, ...rest }) => json(response, rest) }, { tokenRequests: 1 }],
    [
      'no access token',
      { token: (response, { access_token: _, ...rest }) => json(response, rest) },
      { tokenRequests: 1 },
    ],
    [
      'a token type nobody knows',
      { token: (response, right) => json(response, { ...right, token_type: 'mac' }) },
      { tokenRequests: 1 },
    ],
    ['an id_token without a signature', { alg: 'none' }, { tokenRequests: 1 }],
    ['an id_token signed by another key', { alg: 'other key' }, { tokenRequests: 1 }],
    ['an id_token signed with the client id', { alg: 'HS256' }, { tokenRequests: 1 }],
    ['an id_token with another nonce', { claims: { nonce: 'other' } }, { tokenRequests: 1 }],
    ['an id_token without a nonce', { claims: { nonce: undefined } }, { tokenRequests: 1 }],
    ['an id_token for another client', { claims: { aud: 'another' } }, { tokenRequests: 1 }],
    ['an id_token of another issuer', { claims: { iss: 'https://evil.example' } }, { tokenRequests: 1 }],
    ['an id_token that has ended', { claims: { exp: 1 } }, { tokenRequests: 1 }],
    ['an id_token of nobody', { claims: { sub: undefined } }, { tokenRequests: 1 }],
  ]
  for (const [name, told, expected] of rows) {
    test(name, async () => {
      tokenRequests = 0
      assert.deepEqual(await attempt(told), { signedIn: false, kept: [] })
      assert.equal(tokenRequests, expected.tokenRequests)
      assert.deepEqual(atEvil, [], 'a code or a token went elsewhere')
    })
  }
})
