// Everything Parrot Chat knows about Quota Wallet: registering the app, connecting a person, paying for answers.
// owns: OAuth and the metered calls, with stock openid-client and the stock openai SDK. never: anything of the wallet's own code.
// always true: a person's tokens stay in this process; the page never sees them.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { APIError } from 'openai'
import * as oauth from 'openid-client'

export const QUOTA_URL = process.env.QUOTA_URL ?? 'http://127.0.0.1:7070'
export const PORT = Number(process.env.PORT ?? 7080)
export const APP_URL = `http://127.0.0.1:${PORT}`
const DATA_DIR = process.env.CHAT_DATA_DIR ?? join(import.meta.dirname, '.data')
const MODEL = process.env.CHAT_MODEL ?? 'gpt-4o-mini'
const MARKUP_BPS = 2_000 // 20 %: what we earn on every answer
const START_TIMEOUT_MS = 60_000

// --- Once: be a developer, and register the app ------------------------------------------------------------------
// A person would do this on the developer pages; a script may do the same over HTTP.

type Credentials = { quotaUrl: string; email: string; password: string; clientId: string; clientSecret: string }

/** Reads our credentials, or registers a developer and the app. Waits for the wallet's server to come up first. */
export async function setUp(): Promise<oauth.Configuration> {
  await untilReady()
  const known = readCredentials()
  const credentials = known && (await stillKnown(known)) ? known : await register()
  // Discovery reads every endpoint from the server's own description, so none of them is written down here.
  const insecure = QUOTA_URL.startsWith('http://') ? { execute: [oauth.allowInsecureRequests] } : {}
  return await oauth.discovery(new URL(QUOTA_URL), credentials.clientId, credentials.clientSecret, undefined, insecure)
}

async function register(): Promise<Credentials> {
  const email = `parrot-${randomBytes(6).toString('hex')}@example.org`
  const password = randomBytes(18).toString('base64url')
  const { session_token } = await post<{ session_token: string }>('/auth/register', { email, password })
  const app = await post<{ app: { client_id: string }; client_secret: string }>(
    '/developers/apps',
    {
      name: 'Parrot Chat',
      type: 'confidential', // we are a server and can keep a secret
      redirect_uris: [`${APP_URL}/callback`],
      allowed_scopes: ['openid', 'profile', 'credits.read', 'credits.spend'],
      markup_bps: MARKUP_BPS,
    },
    session_token,
  )
  const credentials = {
    quotaUrl: QUOTA_URL,
    email,
    password,
    clientId: app.app.client_id,
    clientSecret: app.client_secret,
  }
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

/** A server whose data were wiped knows neither our developer nor our app any more; then we start over. */
async function stillKnown({ email, password }: Credentials): Promise<boolean> {
  const reply = await send('/auth/login', { email, password })
  return reply.status !== 401
}

async function untilReady(): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const ready = await fetch(`${QUOTA_URL}/readyz`)
      .then((reply) => reply.ok)
      .catch(() => false)
    if (ready) return
    if (Date.now() > until) throw new Error(`no wallet server at ${QUOTA_URL} (set QUOTA_URL)`)
    await sleep(250)
  }
}

function send(path: string, body: unknown, bearer?: string): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (bearer) headers.authorization = `Bearer ${bearer}`
  return fetch(new URL(path, QUOTA_URL), { method: 'POST', headers, body: JSON.stringify(body) })
}

async function post<T>(path: string, body: unknown, bearer?: string): Promise<T> {
  const reply = await send(path, body, bearer)
  if (!reply.ok) throw new Error(`POST ${path}: ${reply.status} ${await reply.text()}`)
  return (await reply.json()) as T
}

// --- Connect: authorization code with PKCE -----------------------------------------------------------------------

/** What one person's browser session holds between leaving for the wallet and coming back. */
export type Leaving = { state: string; nonce: string; verifier: string }
/** A connected wallet. `refreshing` lets parallel calls share one refresh: a refresh token works once. */
export type Wallet = { accessToken: string; refreshToken: string; refreshing: Promise<void> | null }

/** The address of the wallet's consent page, with the limit we suggest. The person decides, and can set another. */
export async function leave(config: oauth.Configuration): Promise<{ url: URL; leaving: Leaving }> {
  const leaving = { state: oauth.randomState(), nonce: oauth.randomNonce(), verifier: oauth.randomPKCECodeVerifier() }
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: `${APP_URL}/callback`,
    scope: 'openid profile credits.read credits.spend',
    state: leaving.state,
    nonce: leaving.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(leaving.verifier),
    code_challenge_method: 'S256',
    cap_amount: '5000000', // in millionths of a dollar: $5.00
    cap_period: 'month',
  })
  return { url, leaving }
}

/** Exchanges the code that the person came back with. @returns null when they said no */
export async function comeBack(config: oauth.Configuration, url: URL, leaving: Leaving): Promise<Wallet | null> {
  try {
    const tokens = await oauth.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: leaving.verifier,
      expectedState: leaving.state,
      expectedNonce: leaving.nonce,
      idTokenExpected: true,
    })
    if (!tokens.refresh_token) throw new Error('the wallet sent no refresh token')
    return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token, refreshing: null }
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError && error.error === 'access_denied') return null
    throw error
  }
}

/** Tells the wallet that we are done with this person. Whatever the answer, we forget the tokens. */
export async function disconnect(config: oauth.Configuration, wallet: Wallet): Promise<void> {
  await oauth.tokenRevocation(config, wallet.refreshToken).catch(() => {})
}

/** The person ended the connection in the wallet, or it expired. */
export class Disconnected extends Error {}

/** Runs a call; when the access token has expired (401), gets a new one and runs it once more. */
async function withToken<T>(
  config: oauth.Configuration,
  wallet: Wallet,
  call: (token: string) => Promise<T>,
): Promise<T> {
  try {
    return await call(wallet.accessToken)
  } catch (error) {
    if (!(error instanceof APIError) || error.status !== 401) throw error
    wallet.refreshing ??= refresh(config, wallet).finally(() => {
      wallet.refreshing = null
    })
    await wallet.refreshing
    return await call(wallet.accessToken)
  }
}

async function refresh(config: oauth.Configuration, wallet: Wallet): Promise<void> {
  try {
    const tokens = await oauth.refreshTokenGrant(config, wallet.refreshToken)
    wallet.accessToken = tokens.access_token
    wallet.refreshToken = tokens.refresh_token ?? wallet.refreshToken
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant') throw new Disconnected()
    throw error
  }
}

// --- Spend: the stock OpenAI SDK, with the person's token as the key -----------------------------------------------

export type Line = { role: 'user' | 'assistant'; content: string }
/** What an answer cost the person, in millionths of a dollar. `markup` is our part. */
export type Cost = { base: number; markup: number; total: number }
/** Why there was no answer. `details` says which limit spoke; the page puts it into words. */
export type Problem = { code: string; message: string; details: object | null }
export type Piece = { text: string } | { cost: Cost; balance: number } | { problem: Problem }

type Quota = { base_credits: number; markup_credits: number; credits_used: number; balance_after: number }
type Chunk = OpenAI.ChatCompletionChunk & { quota?: Quota }

const sdk = (token: string): OpenAI => new OpenAI({ baseURL: `${QUOTA_URL}/v1`, apiKey: token })

/** Streams an answer; ends with its cost, or with a problem. Stops when `signal` does (the person closed the page). */
export async function* answer(
  config: oauth.Configuration,
  wallet: Wallet,
  messages: Line[],
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  try {
    const stream = await withToken(config, wallet, (token) =>
      sdk(token).chat.completions.create({ model: MODEL, messages, stream: true }, { signal }),
    )
    for await (const chunk of stream as AsyncIterable<Chunk>) {
      const text = chunk.choices[0]?.delta.content
      if (text) yield { text }
      // Quota adds one last chunk without choices: what this answer cost, and what the person has left.
      if (chunk.quota) {
        const { base_credits: base, markup_credits: markup, credits_used: total, balance_after } = chunk.quota
        yield { cost: { base, markup, total }, balance: balance_after }
      }
    }
  } catch (error) {
    if (!signal.aborted) yield { problem: problemOf(error) }
  }
}

/** The person's balance as far as it can be spent here, in millionths of a dollar; null when it cannot be read now. */
export async function balance(config: oauth.Configuration, wallet: Wallet): Promise<number | null> {
  const read = (token: string) => sdk(token).get<{ balance: number }>('/balance')
  const reply = await withToken(config, wallet, read).catch((error: unknown) => {
    if (error instanceof Disconnected) throw error
    return null
  })
  return reply?.balance ?? null
}

/** The SDK throws whatever the server refused with; `error.error` is the body's error object. */
function problemOf(error: unknown): Problem {
  if (error instanceof Disconnected) return { code: 'disconnected', message: '', details: null }
  if (error instanceof APIError) {
    const body = (error.error ?? {}) as { code?: string; message?: string; details?: object | null }
    return { code: body.code ?? 'unreachable', message: body.message ?? '', details: body.details ?? null }
  }
  console.error(error)
  return { code: 'unreachable', message: '', details: null }
}
