// Connecting a person's wallet: authorization code with PKCE (RFC 6749, 7636, 9207), refresh, revocation.
// owns: one round trip through the consent page. never: where tokens or what is pending are stored.
// always true: an answer counts only if its `state` and `iss` are those of the question; S256 alone.

import { base64url, random, sha256, utf8 } from './bytes.ts'
import { baseOf, given, type Setting } from './credentials.ts'
import { errorOf, QuotaError } from './errors.ts'

/** A person's tokens; keep both secret. `expires_at` is in milliseconds since 1970. */
export type Tokens = { access_token: string; refresh_token: string; scope: string; expires_at: number }
/** What has to be kept (in the session of this very browser) until the person comes back. */
export type Pending = { state: string; verifier: string }
/** Hosted storage: the app's name for the person is linked, and no token exists. */
export type Linked = { external_user_id: string; scope: string }

export type OAuthOptions = {
  baseUrl: Setting
  clientId: Setting
  /** Of an app that is a server; a browser or a program on somebody's machine has none. */
  clientSecret?: string | undefined
  redirectUri: string
  fetch?: typeof fetch | undefined
}
type Given = OAuthOptions & { baseUrl: string; clientId: string }
type Ask = {
  /** Default: `credits.read credits.spend`. */
  scope?: string
  /** A limit to suggest, in micro-dollars; the person decides. */
  cap?: { amount: number; period: 'day' | 'week' | 'month' | 'total' }
  /** Further parameters of the request (`prompt`, `login_hint`, …). */
  extra?: Record<string, string>
}
type Server = { issuer: string; authorization_endpoint: string; token_endpoint: string; revocation_endpoint: string }
type TokenReply = { access_token: string; refresh_token: string; scope: string; expires_in: number }

export type OAuth = {
  /** The consent page's address, and what to keep until the person comes back from it. */
  begin: (ask?: Ask) => Promise<{ url: string; pending: Pending }>
  /** @returns null when the person said no @throws QuotaError `invalid_grant`, `wrong_answer` (not to this question) */
  finish: (callback: string | URL, pending: Pending) => Promise<Tokens | null>
  /** The same for hosted storage: from then on `quota(…).hosted(id)` spends. @throws QuotaError `external_user_taken` too */
  link: (callback: string | URL, pending: Pending, externalUserId?: string) => Promise<Linked | null>
  /** A new pair; the old refresh token is dead. See keepFresh. @throws QuotaError `invalid_grant`: disconnected */
  refresh: (tokens: Pick<Tokens, 'refresh_token'>) => Promise<Tokens>
  /** Gives the access back; the wallet shows the connection as ended. */
  revoke: (tokens: Pick<Tokens, 'refresh_token'>) => Promise<void>
}

/** @throws TypeError when a setting is missing */
export function oauth(settings: OAuthOptions): OAuth {
  const options: Given = { ...settings, ...given(settings, 'baseUrl', 'clientId') }
  const server = once(() => discover(options))
  const post = async (endpoint: 'token_endpoint' | 'revocation_endpoint', form: Record<string, string>) => {
    const { [endpoint]: url } = await server()
    const body = new URLSearchParams({ ...form, ...(options.clientSecret ? {} : { client_id: options.clientId }) })
    const headers = options.clientSecret ? { authorization: basic(options.clientId, options.clientSecret) } : {}
    return sent(options, url, { method: 'POST', headers, body })
  }
  const exchange = async (callback: string | URL, pending: Pending, extra: Record<string, string>) => {
    const code = codeOf(callback, pending, (await server()).issuer)
    if (code === null) return null
    const form = { code, redirect_uri: options.redirectUri, code_verifier: pending.verifier, ...extra }
    return (await post('token_endpoint', { grant_type: 'authorization_code', ...form })).json()
  }
  return {
    begin: async (ask = {}) => {
      const pending = { state: random(24), verifier: random(32) }
      const challenge = base64url(await sha256(pending.verifier))
      return { url: authorizeUrl(await server(), options, ask, pending.state, challenge), pending }
    },
    finish: async (callback, pending) => {
      const reply: TokenReply | null = await exchange(callback, pending, {})
      return reply && tokensOf(reply)
    },
    link: async (callback, pending, externalUserId) => {
      const named: Record<string, string> = externalUserId === undefined ? {} : { external_user_id: externalUserId }
      const reply: Linked | null = await exchange(callback, pending, { storage_mode: 'hosted', ...named })
      return reply && { external_user_id: reply.external_user_id, scope: reply.scope }
    },
    refresh: async ({ refresh_token }) => {
      const reply = await post('token_endpoint', { grant_type: 'refresh_token', refresh_token })
      return tokensOf(await reply.json())
    },
    revoke: async ({ refresh_token }) => {
      await post('revocation_endpoint', { token: refresh_token, token_type_hint: 'refresh_token' })
    },
  }
}

/** RFC 6749, 10.12 and RFC 9207: the answer must be to our question, and from the server we asked. */
function codeOf(callback: string | URL, pending: Pending, issuer: string): string | null {
  const back = new URL(callback).searchParams
  if (back.get('state') !== pending.state || back.get('iss') !== issuer) {
    throw new QuotaError({ code: 'wrong_answer', message: 'This is not the answer to the question that was asked.' })
  }
  const error = back.get('error')
  if (error === 'access_denied') return null
  if (error !== null) throw new QuotaError({ code: error, message: back.get('error_description') ?? error })
  return back.get('code') ?? ''
}

function authorizeUrl(server: Server, options: Given, ask: Ask, state: string, challenge: string): string {
  const url = new URL(server.authorization_endpoint)
  const cap = ask.cap && { cap_amount: String(ask.cap.amount), cap_period: ask.cap.period }
  const query = {
    response_type: 'code',
    client_id: options.clientId,
    redirect_uri: options.redirectUri,
    scope: ask.scope ?? 'credits.read credits.spend',
    ...cap,
    ...ask.extra,
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url.href
}

/** OpenID Connect Discovery 1.0, 4.3: what describes itself as another server is not believed. */
async function discover(options: Given): Promise<Server> {
  const base = baseOf(options)
  const reply = await sent(options, `${base}/.well-known/openid-configuration`, {})
  const server: Server = await reply.json()
  if (server.issuer.replace(/\/$/, '') !== base) {
    throw new QuotaError({ code: 'wrong_issuer', message: `${base} says that it is ${server.issuer}.` })
  }
  return server
}

async function sent(options: Given, url: string, init: RequestInit): Promise<Response> {
  const reply = await (options.fetch ?? fetch)(url, init).catch((cause: unknown) => {
    throw new QuotaError({ code: 'unreachable', message: `the server at ${options.baseUrl} did not answer`, cause })
  })
  if (!reply.ok) throw await errorOf(reply)
  return reply
}

function tokensOf({ access_token, refresh_token, scope, expires_in }: TokenReply): Tokens {
  return { access_token, refresh_token, scope, expires_at: Date.now() + expires_in * 1000 }
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  const encoded = [id, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':')
  return `Basic ${btoa(String.fromCharCode(...utf8(encoded)))}`
}

/** Asks once; a failure is not kept. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | null = null
  return () =>
    (asked ??= ask().catch((error) => {
      asked = null
      throw error
    }))
}
