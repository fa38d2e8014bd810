// The API as a person, a developer and an app use it, in a few words per step.
// owns: the small journeys that most tests begin with. never: an expectation about money (that is the test's).
// always true: a step that fails says the route, the status and the body.

import { createHash, randomBytes } from 'node:crypto'
import { ADMIN_TOKEN, type Server } from './server.ts'

type Json = Record<string, unknown>
type At = Pick<Server, 'url'>
export type Reply<T = Json> = { status: number; headers: Headers; body: T; text: string }
export type Person = { id: string; email: string; password: string; session: string }
export type App = { id: string; clientId: string; clientSecret: string | null; redirectUri: string }
export type Tokens = { accessToken: string; refreshToken: string; scope: string }

/** The wallet itself, on a loopback port of its own choice (RFC 8252, 7.3). */
export const WALLET: App = {
  id: 'quota-wallet',
  clientId: 'quota-wallet',
  clientSecret: null,
  redirectUri: 'http://127.0.0.1:7997/callback',
}

/** One request, any status. `body` is sent as JSON; `raw` as it stands. */
export async function call<T = Json>(
  server: At,
  method: string,
  path: string,
  options: { bearer?: string; headers?: Record<string, string>; body?: unknown; raw?: string } = {},
): Promise<Reply<T>> {
  const headers: Record<string, string> = { ...options.headers }
  if (options.bearer) headers.authorization = `Bearer ${options.bearer}`
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
  if (body !== undefined) headers['content-type'] ??= 'application/json'
  const reply = await fetch(new URL(path, server.url), {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  })
  const text = await reply.text()
  return { status: reply.status, headers: reply.headers, body: parsed(text) as T, text }
}

/** One request that must succeed. @throws Error with route, status and body otherwise */
export async function must<T = Json>(...[server, method, path, options]: Parameters<typeof call>): Promise<T> {
  const reply = await call<T>(server, method, path, options)
  if (reply.status >= 400) throw new Error(`${method} ${path}: ${reply.status} ${reply.text}`)
  return reply.body
}

/** A new person with a session. */
export async function register(server: At, name = 'person'): Promise<Person> {
  const email = `${name}-${randomBytes(6).toString('hex')}@example.org`
  const password = 'correct horse battery'
  const reply = await must<{ user: { id: string }; session_token: string }>(server, 'POST', '/auth/register', {
    body: { email, password },
  })
  return { id: reply.user.id, email, password, session: reply.session_token }
}

/** An app of this developer. */
export async function createApp(server: At, developer: Person, settings: Json = {}): Promise<App> {
  const redirectUri = 'http://127.0.0.1:7999/callback'
  const reply = await must<{ app: { id: string; client_id: string }; client_secret?: string }>(
    server,
    'POST',
    '/developers/apps',
    {
      bearer: developer.session,
      body: { name: 'Test app', redirect_uris: [redirectUri], ...settings },
    },
  )
  return { id: reply.app.id, clientId: reply.app.client_id, clientSecret: reply.client_secret ?? null, redirectUri }
}

/** An API key of an app. @returns the secret, `sk-quota-…` */
export async function createKey(server: At, developer: Person, app: App, billingMode = 'user'): Promise<string> {
  const reply = await must<{ secret: string }>(server, 'POST', '/developers/keys', {
    bearer: developer.session,
    body: { app_id: app.id, name: 'test key', billing_mode: billingMode, rate_limit_per_min: 100_000 },
  })
  return reply.secret
}

/** Buys a package the way a person does: checkout, then the button on the payment page. @returns the checkout's id */
export async function buy(server: At, bearer: string, packageId = 'basic', extra: Json = {}): Promise<string> {
  const checkout = await must<{ id: string; url: string }>(server, 'POST', '/api/payments/checkout', {
    bearer,
    body: { package_id: packageId, success_url: `${server.url}/ok`, cancel_url: `${server.url}/no`, ...extra },
  })
  await must(server, 'POST', `/sandbox/checkouts/${checkout.id}`, { body: { outcome: 'paid' } })
  return checkout.id
}

/** Funds the publisher's pool and grants from it. `dollars` is decimal text or a number, as on the wire. */
export async function grant(
  server: At,
  key: string,
  externalUserId: string,
  dollars: number,
  extra: Json = {},
): Promise<Json> {
  await must(server, 'POST', '/v1/funding/pool', { bearer: key, body: { amount: dollars } })
  const body = { external_user_id: externalUserId, amount: dollars, ...extra }
  return await must(server, 'POST', '/v1/funding/grant', { bearer: key, body })
}

/** One JSON chat call, any status. */
export function chat(
  server: At,
  bearer: string,
  options: { path?: string; body?: Json; headers?: Record<string, string> } = {},
) {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], ...options.body }
  const headers = options.headers ? { headers: options.headers } : {}
  return call(server, 'POST', options.path ?? '/v1/chat/completions', { bearer, body, ...headers })
}

/** A streaming chat call. @returns the reply, and its events one by one ("[DONE]" as text, the rest parsed) */
export async function chatStream(
  server: At,
  bearer: string,
  options: { path?: string; body?: Json; signal?: AbortSignal } = {},
) {
  const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], stream: true, ...options.body }
  const reply = await fetch(new URL(options.path ?? '/v1/chat/completions', server.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(options.signal ? { signal: options.signal } : {}),
  })
  return { reply, events: dataOf(reply) }
}

async function* dataOf(reply: Response): AsyncGenerator<Json | '[DONE]'> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const piece of reply.body ?? []) {
    rest += decoder.decode(piece, { stream: true })
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      const line = event.split('\n').find((text) => text.startsWith('data:'))
      const data = line?.slice(5).trim()
      if (data) yield data === '[DONE]' ? data : JSON.parse(data)
    }
  }
}

export type Code = { code: string; verifier: string }
type Asked = { scope?: string; answer?: Json; query?: Record<string, string> }

/**
 * Connects a person to an app by the same steps as in the browser: authorize, answer, follow, exchange.
 * @param options.answer fields of the answer beside `decision` (caps, per_call_ceiling, …)
 */
export async function connect(
  server: At,
  person: Person,
  app: App,
  options: Asked & { token?: Record<string, string> } = {},
): Promise<Tokens> {
  const reply = await exchange(server, app, await codeFor(server, person, app, options), options.token)
  if (reply.status >= 400) throw new Error(`POST /oauth/token: ${reply.status} ${reply.text}`)
  const { access_token, refresh_token, scope } = reply.body
  return { accessToken: access_token ?? '', refreshToken: refresh_token ?? '', scope: scope ?? '' }
}

/** The same up to the code, which is still to be exchanged. */
export async function codeFor(server: At, person: Person, app: App, options: Asked = {}): Promise<Code> {
  const verifier = randomBytes(32).toString('base64url')
  const jar = new Map<string, string>()
  const authorize = new URL('/oauth/authorize', server.url)
  authorize.search = new URLSearchParams({
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    response_type: 'code',
    scope: options.scope ?? 'openid credits.read credits.spend',
    state: 'state',
    nonce: 'nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...options.query,
  }).toString()
  const uid = (await follow(server, authorize.href, jar, /\/wallet\/interaction\/([^/?]+)/))[1]
  const answer = await must<{ redirect_to: string }>(server, 'POST', `/oauth/interactions/${uid}`, {
    bearer: person.session,
    headers: { cookie: cookies(jar) },
    body: { decision: 'approve', ...options.answer },
  })
  const code = (await follow(server, answer.redirect_to, jar, /[?&]code=([^&]+)/))[1]
  return { code: String(code), verifier }
}

/** One exchange of a code, any status. Fields of `token` come on top; one that is '' is left out. */
export function exchange(
  server: At,
  app: App,
  { code, verifier }: Code,
  token: Record<string, string> = {},
): Promise<Reply<Record<string, string>>> {
  const form = {
    grant_type: 'authorization_code',
    client_id: app.clientId,
    client_secret: app.clientSecret ?? '',
    code,
    redirect_uri: app.redirectUri,
    code_verifier: verifier,
    ...token,
  }
  const given = Object.entries(form).filter(([, value]) => value !== '')
  return call(server, 'POST', '/oauth/token', {
    raw: new URLSearchParams(given).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
}

/** Follows redirects with cookies until an address matches. */
async function follow(server: At, from: string, jar: Map<string, string>, wanted: RegExp): Promise<RegExpExecArray> {
  let next = from
  for (let step = 0; step < 8; step++) {
    const found = wanted.exec(next)
    if (found) return found
    const reply = await fetch(new URL(next, server.url), { redirect: 'manual', headers: { cookie: cookies(jar) } })
    for (const cookie of reply.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';')
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const location = reply.headers.get('location')
    if (!location) throw new Error(`${next}: ${reply.status} without a redirect: ${await reply.text()}`)
    next = new URL(location, new URL(next, server.url)).href
  }
  throw new Error(`no redirect to ${wanted} from ${from}`)
}

/** Everything an operator can check: the books balance, no hold is open, none ended twice. */
export async function books(server: At) {
  const bearer = ADMIN_TOKEN
  const balance = await must<{ ok: boolean; units: Record<string, { sum: number }> }>(
    server,
    'GET',
    '/admin/audit/trial-balance',
    { bearer },
  )
  const holds = await must<{ open: Json[]; ended: Record<string, number>; ended_twice: number }>(
    server,
    'GET',
    '/admin/audit/holds',
    { bearer },
  )
  return { balance, holds }
}

function cookies(jar: Map<string, string>): string {
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
