// A small authorization server for the desktop shell's own specs: sign-in without the rest of the product.
// owns: a provider in memory, one page with two buttons, a payment page, and switches for what can go wrong.
// never: money. always true: what it issued is known to the test, so that a test can look for it where it must not be.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Configuration, Provider } from 'oidc-provider'
import { WALLET_ORIGINS } from './driver.ts'

export type FakeServer = {
  readonly url: string
  readonly refreshTokens: string[]
  readonly accessTokens: string[]
  /** Token requests of any outcome. */
  tried: number
  /** Granted token requests, by grant type. */
  readonly asked: Record<string, number>
  /** `gone` refuses every refresh; `down` breaks the connection; `slow` waits before it answers. */
  tokens: 'fine' | 'gone' | 'down' | 'slow'
  /** Cookies seen by /cookie, to tell sessions apart. */
  readonly cookies: (string | undefined)[]
  close: () => Promise<void>
}

const SLOW_MS = 300

/** Starts it on a free port. */
export async function startFakeServer(): Promise<FakeServer> {
  const http = createServer()
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const fake: FakeServer = {
    url,
    refreshTokens: [],
    accessTokens: [],
    tried: 0,
    asked: {},
    tokens: 'fine',
    cookies: [],
    close: () => closeAll(http),
  }
  const provider = new Provider(url, configuration())
  provider.on('grant.success', (ctx) => {
    const issued = ctx.body as unknown as { access_token: string; refresh_token?: string }
    fake.accessTokens.push(issued.access_token)
    if (issued.refresh_token) fake.refreshTokens.push(issued.refresh_token)
    const grantType = String(ctx.oidc.params?.grant_type)
    fake.asked[grantType] = (fake.asked[grantType] ?? 0) + 1
  })
  const callback = provider.callback()
  http.on('request', async (request, response) => {
    const path = new URL(request.url ?? '/', url).pathname
    if (path.startsWith('/interaction/')) return interact(provider, request, response)
    if (path === '/token') fake.tried += 1
    if (path === '/token' && (await misbehaves(fake, request, response))) return
    if (!(await plainPage(fake, path, request, response))) callback(request, response)
  })
  return fake
}

function configuration(): Configuration {
  return {
    clients: [
      {
        client_id: 'quota-wallet',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    scopes: ['openid', 'wallet'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    cookies: { keys: ['a key of the specs'] },
    ttl: { AccessToken: 3600, RefreshToken: 86_400, Grant: 86_400, Interaction: 600, Session: 600, IdToken: 3600 },
  }
}

/** The page where the person says yes or no. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') {
    const form =
      '<form method="post"><button name="say" value="yes">Approve</button><button name="say" value="no">Deny</button></form>'
    return html(response, `<title>Sign in</title>${form}`)
  }
  const { grantId, params, session } = await provider.interactionDetails(request, response)
  if ((await bodyOf(request)).includes('say=no')) {
    return provider.interactionFinished(request, response, { error: 'access_denied' })
  }
  const accountId = session?.accountId ?? 'ann'
  const grant = grantId ? await provider.Grant.find(grantId) : undefined
  const given = grant ?? new provider.Grant({ accountId, clientId: String(params.client_id) })
  given.addOIDCScope(String(params.scope))
  const result = { login: { accountId }, consent: { grantId: await given.save() } }
  await provider.interactionFinished(request, response, result)
}

/** Plays a fault of the token endpoint. @returns whether the request has been dealt with */
async function misbehaves(fake: FakeServer, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (fake.tokens === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
  if (fake.tokens === 'down') request.destroy()
  if (fake.tokens === 'gone') {
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
  }
  return fake.tokens === 'down' || fake.tokens === 'gone'
}

/** Pages and answers beside the provider's. */
async function plainPage(
  fake: FakeServer,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { origin } = request.headers
  if (origin && WALLET_ORIGINS.split(',').includes(origin)) response.setHeader('access-control-allow-origin', origin)
  if (path === '/ping') response.writeHead(200, { 'content-type': 'application/json' }).end('{"pong":true}')
  else if (path === '/cookie') {
    fake.cookies.push(request.headers.cookie)
    response.setHeader('set-cookie', 'seen=yes')
    html(response, '<title>Cookie</title>')
  } else if (path === '/pay/1') {
    const elsewhere = fake.url.replace('127.0.0.1', 'localhost')
    html(
      response,
      `<title>Pay</title><a id="pay" href="/paid">Pay</a><a id="away" href="${elsewhere}/ping">Away</a><a id="new" target="_blank" href="/ping">New</a>`,
    )
  } else if (path === '/paid') response.writeHead(303, { location: '/wallet/topup?id=1' }).end()
  else if (path.startsWith('/wallet')) html(response, '<title>The wallet, as the server serves it</title>')
  else return false
  return true
}

function html(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html>${body}`)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request) body += piece
  return body
}

async function closeAll(http: Server): Promise<void> {
  http.closeAllConnections()
  await new Promise((closed) => http.close(closed))
}
