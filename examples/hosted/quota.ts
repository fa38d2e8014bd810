// Everything Haiku Desk knows about Quota Wallet: registering the app, linking a person, calls that the person pays for.
// owns: one API key and one client secret. never: a token of a person; anything of the wallet's own code.
// always true: a person is named by our own id for them; the wallet decides whether that id may spend.

import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { APIError } from 'openai'

export const QUOTA_URL = process.env.QUOTA_URL ?? 'http://127.0.0.1:7070'
export const PORT = Number(process.env.PORT ?? 7081)
export const APP_URL = `http://127.0.0.1:${PORT}`
const DATA_DIR = process.env.HOSTED_DATA_DIR ?? join(import.meta.dirname, '.data')
const MODEL = process.env.HOSTED_MODEL ?? 'gpt-4o-mini'
const MARKUP_BPS = 1_500 // 15 %: what we earn on every haiku
const START_TIMEOUT_MS = 60_000

// --- Once: be a developer, register the app, make a key ------------------------------------------------------------
// A person would do this on the developer pages; a script may do the same over HTTP.

type Credentials = { quotaUrl: string; clientId: string; clientSecret: string; apiKey: string }
/** What we need of the server's own description (OpenID Connect Discovery). */
type Endpoints = { issuer: string; authorization_endpoint: string; token_endpoint: string }
export type Quota = Credentials & { endpoints: Endpoints; sdk: OpenAI }

/** Reads our credentials, or registers a developer and the app. Waits for the wallet's server to come up first. */
export async function setUp(): Promise<Quota> {
  await untilReady()
  const known = readCredentials()
  const credentials = known && (await stillKnown(known)) ? known : await register()
  const endpoints = await request<Endpoints>('GET', '/.well-known/openid-configuration')
  return { ...credentials, endpoints, sdk: new OpenAI({ baseURL: `${QUOTA_URL}/v1`, apiKey: credentials.apiKey }) }
}

async function register(): Promise<Credentials> {
  const email = `haiku-${randomBytes(6).toString('hex')}@example.org`
  const password = randomBytes(18).toString('base64url')
  const { session_token } = await request<{ session_token: string }>('POST', '/auth/register', { email, password })
  const { app, client_secret } = await request<{ app: { id: string; client_id: string }; client_secret: string }>(
    'POST',
    '/developers/apps',
    {
      name: 'Haiku Desk',
      type: 'confidential', // hosted storage is for servers that can keep a secret
      redirect_uris: [`${APP_URL}/callback`],
      allowed_scopes: ['openid', 'credits.read', 'credits.spend'],
      markup_bps: MARKUP_BPS,
    },
    session_token,
  )
  const key = { app_id: app.id, name: 'Haiku Desk’s server', billing_mode: 'user' }
  const { secret } = await request<{ secret: string }>('POST', '/developers/keys', key, session_token)
  const credentials = { quotaUrl: QUOTA_URL, clientId: app.client_id, clientSecret: client_secret, apiKey: secret }
  mkdirSync(DATA_DIR, { recursive: true, mode: 0o700 })
  writeFileSync(join(DATA_DIR, 'credentials.json'), JSON.stringify(credentials, null, 2), { mode: 0o600 })
  return credentials
}

function readCredentials(): Credentials | null {
  try {
    const stored: Credentials = JSON.parse(readFileSync(join(DATA_DIR, 'credentials.json'), 'utf8'))
    return stored.quotaUrl === QUOTA_URL ? stored : null
  } catch {
    return null
  }
}

/** A server whose data were wiped does not know our key any more; then we start over. */
async function stillKnown({ apiKey }: Credentials): Promise<boolean> {
  return (await send('GET', '/v1/users?limit=1', undefined, apiKey)).status !== 401
}

async function untilReady(): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const ready = await fetch(`${QUOTA_URL}/readyz`).then(
      (reply) => reply.ok,
      () => false,
    )
    if (ready) return
    if (Date.now() > until) throw new Error(`no wallet server at ${QUOTA_URL} (set QUOTA_URL)`)
    await sleep(250)
  }
}

function send(method: string, path: string, body?: unknown, bearer?: string): Promise<Response> {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  if (bearer) headers.authorization = `Bearer ${bearer}`
  return fetch(new URL(path, QUOTA_URL), {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function request<T>(method: string, path: string, body?: unknown, bearer?: string): Promise<T> {
  const reply = await send(method, path, body, bearer)
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
  return (await reply.json()) as T
}

// --- Connect: the person agrees, and our id for them is linked -----------------------------------------------------

/** What one browser's session holds between leaving for the wallet and coming back. */
export type Leaving = { state: string; verifier: string }

/** The address of the wallet's consent page, with the limit we suggest. The person decides, and can set another. */
export function leave({ clientId, endpoints }: Quota): { url: string; leaving: Leaving } {
  const leaving = { state: randomBytes(24).toString('base64url'), verifier: randomBytes(32).toString('base64url') }
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: `${APP_URL}/callback`,
    scope: 'openid credits.read credits.spend',
    state: leaving.state,
    code_challenge: createHash('sha256').update(leaving.verifier).digest('base64url'),
    code_challenge_method: 'S256',
    cap_amount: '2000000', // in millionths of a dollar: $2.00
    cap_period: 'month',
  })
  return { url: `${endpoints.authorization_endpoint}?${query}`, leaving }
}

/**
 * Hands the code that the person came back with to the wallet, with our id for them. No token comes back: from now on
 * our API key and that id are all it takes.
 * @returns false when the person said no
 */
export async function link(quota: Quota, back: URLSearchParams, leaving: Leaving, userId: string): Promise<boolean> {
  // RFC 6749, 10.12 and RFC 9207: the answer must be to our question, and from the server we asked.
  if (back.get('state') !== leaving.state || back.get('iss') !== quota.endpoints.issuer)
    throw new Error('not our answer')
  if (back.get('error') === 'access_denied') return false
  const reply = await fetch(quota.endpoints.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${quota.clientId}:${quota.clientSecret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: back.get('code') ?? '',
      redirect_uri: `${APP_URL}/callback`,
      code_verifier: leaving.verifier,
      storage_mode: 'hosted',
      external_user_id: userId,
    }),
  })
  if (!reply.ok) throw new Error(`linking: ${reply.status} ${await reply.text()}`)
  return true
}

/** What the person can spend here, in millionths of a dollar; null when they are not linked (any more). */
export async function balance({ apiKey }: Quota, userId: string): Promise<number | null> {
  const reply = await send('GET', `/v1/users/${encodeURIComponent(userId)}`, undefined, apiKey)
  if (reply.status === 404) return null
  if (!reply.ok) throw new Error(`GET /v1/users: ${reply.status}`)
  return ((await reply.json()) as { user: { balance: number } }).user.balance
}

/** Tells the wallet that we are done with this person. */
export async function unlink({ apiKey }: Quota, userId: string): Promise<void> {
  await send('DELETE', `/v1/users/${encodeURIComponent(userId)}`, undefined, apiKey)
}

// --- Spend: the stock OpenAI SDK, our API key, and one header --------------------------------------------------------

/** A haiku with its price in millionths of a dollar, or why there is none. */
export type Haiku = { text: string; cost: number } | { problem: string; code: string }

export async function haiku({ sdk }: Quota, userId: string, topic: string): Promise<Haiku> {
  try {
    const answer = await sdk.chat.completions.create(
      { model: MODEL, max_tokens: 60, messages: [{ role: 'user', content: `Write a haiku about ${topic}.` }] },
      { headers: { 'X-Quota-User': userId } }, // this person pays
    )
    const { quota } = answer as unknown as { quota: { credits_used: number } }
    return { text: answer.choices[0]?.message.content ?? '', cost: quota.credits_used }
  } catch (error) {
    if (!(error instanceof APIError)) throw error
    const { code, message } = (error.error ?? {}) as { code?: string; message?: string }
    return { problem: message ?? 'The wallet cannot be reached.', code: code ?? 'unreachable' }
  }
}
