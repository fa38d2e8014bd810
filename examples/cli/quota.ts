// Everything `ask` knows about Quota Wallet: registering the app, connecting by a code on the screen, paid answers.
// owns: the tokens of one person, in a file of theirs. never: anything of the wallet's own code.
// always true: a refresh token works once, so a new one is on disk before it is used for anything.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import OpenAI, { APIError } from 'openai'
import * as oauth from 'openid-client'

export const QUOTA_URL = process.env.QUOTA_URL ?? 'http://127.0.0.1:7070'
const DATA_DIR = process.env.ASK_DATA_DIR ?? join(homedir(), '.config', 'quota-example-ask')
const MODEL = process.env.ASK_MODEL ?? 'gpt-4o-mini'

/** `clientId`: who we are; `accessToken`, `refreshToken`: of the person, once they have connected. */
type Kept = { quotaUrl: string; clientId: string; accessToken?: string; refreshToken?: string }
export type Quota = { config: oauth.Configuration; kept: Kept }

/** Reads who we are, or registers. A real tool ships with its client id, and needs no more than discovery here. */
export async function setUp(): Promise<Quota> {
  const kept = read() ?? { quotaUrl: QUOTA_URL, clientId: await register() }
  write(kept)
  const insecure = QUOTA_URL.startsWith('http://') ? { execute: [oauth.allowInsecureRequests] } : {}
  // A program on somebody's own machine can keep no secret: it is a public client (RFC 8252, 8.4).
  const config = await oauth.discovery(new URL(QUOTA_URL), kept.clientId, undefined, oauth.None(), insecure)
  return { config, kept }
}

async function register(): Promise<string> {
  const email = `ask-${randomBytes(6).toString('hex')}@example.org`
  const password = randomBytes(18).toString('base64url')
  const { session_token } = await post<{ session_token: string }>('/auth/register', { email, password })
  const app = { name: 'Ask', type: 'public', redirect_uris: [], allowed_scopes: ['credits.read', 'credits.spend'] }
  const made = await post<{ app: { client_id: string } }>('/developers/apps', app, session_token)
  return made.app.client_id
}

async function post<T>(path: string, body: unknown, bearer?: string): Promise<T> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (bearer) headers.authorization = `Bearer ${bearer}`
  const reply = await fetch(new URL(path, QUOTA_URL), { method: 'POST', headers, body: JSON.stringify(body) })
  if (!reply.ok) throw new Error(`POST ${path}: ${reply.status} ${await reply.text()}`)
  return (await reply.json()) as T
}

// --- what is kept --------------------------------------------------------------------------------------------------

const FILE = join(DATA_DIR, 'ask.json')

function read(): Kept | null {
  try {
    const kept: Kept = JSON.parse(readFileSync(FILE, 'utf8'))
    return kept.quotaUrl === QUOTA_URL ? kept : null
  } catch {
    return null
  }
}

/** For the person's eyes only; replaced in one step, so that a crash leaves the old file or the new one. */
function write(kept: Kept): void {
  mkdirSync(DATA_DIR, { recursive: true, mode: 0o700 })
  writeFileSync(`${FILE}.new`, JSON.stringify(kept), { mode: 0o600 })
  renameSync(`${FILE}.new`, FILE)
}

function keep(quota: Quota, tokens: { access_token: string; refresh_token?: string | undefined }): void {
  quota.kept.accessToken = tokens.access_token
  if (tokens.refresh_token) quota.kept.refreshToken = tokens.refresh_token
  write(quota.kept)
}

// --- Connect: the device flow (RFC 8628) ---------------------------------------------------------------------------

/**
 * Connects the person's wallet, by a code that they enter in a browser on any device.
 * @param show is told what to show them
 * @throws oauth.ResponseBodyError access_denied (they said no), expired_token (they took too long)
 */
export async function connect(quota: Quota, show: (asked: { url: string; code: string }) => void): Promise<void> {
  const asked = await oauth.initiateDeviceAuthorization(quota.config, { scope: 'credits.read credits.spend' })
  show({ url: asked.verification_uri, code: asked.user_code })
  keep(quota, await oauth.pollDeviceAuthorizationGrant(quota.config, asked)) // asks again every few seconds
}

/** Gives the access back, and forgets it. */
export async function disconnect({ config, kept }: Quota): Promise<void> {
  if (kept.refreshToken) await oauth.tokenRevocation(config, kept.refreshToken)
  rmSync(FILE, { force: true })
}

/** The person has ended the connection in the wallet, or never made one. */
export class NotConnected extends Error {}

async function refresh(quota: Quota): Promise<void> {
  if (!quota.kept.refreshToken) throw new NotConnected()
  try {
    keep(quota, await oauth.refreshTokenGrant(quota.config, quota.kept.refreshToken))
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant') throw new NotConnected()
    throw error
  }
}

// --- Spend: the stock OpenAI SDK, with the person's token as the key -----------------------------------------------

/** What an answer cost, and what is left to spend here, in millionths of a dollar. */
export type Cost = { credits_used: number; balance_after: number }
type Chunk = OpenAI.ChatCompletionChunk & { quota?: Cost }

/**
 * Streams an answer, piece by piece.
 * @returns its cost
 * @throws NotConnected, APIError (the wallet's refusal, with its code and sentence)
 */
export async function answer(quota: Quota, question: string, say: (text: string) => void): Promise<Cost | null> {
  if (!quota.kept.accessToken) throw new NotConnected()
  let cost: Cost | null = null
  const stream = await ask(quota, question).catch(async (error: unknown) => {
    if (!(error instanceof APIError) || error.status !== 401) throw error
    await refresh(quota) // an access token lives for an hour
    return ask(quota, question)
  })
  for await (const chunk of stream as AsyncIterable<Chunk>) {
    say(chunk.choices[0]?.delta.content ?? '')
    cost = chunk.quota ?? cost // in one last chunk, without choices
  }
  return cost
}

function ask({ kept }: Quota, question: string) {
  const sdk = new OpenAI({ baseURL: `${QUOTA_URL}/v1`, apiKey: kept.accessToken ?? '' })
  const messages = [{ role: 'user' as const, content: question }]
  return sdk.chat.completions.create({ model: MODEL, messages, stream: true })
}
