// Who is calling: the one place where a credential becomes a caller.
// owns: the reading of Authorization and X-API-Key. never: what a caller may do with money.
// always true: every cause of refusal (unknown, malformed, revoked, expired) has one answer per kind of credential.

import type { FastifyRequest } from 'fastify'
import type { BillingMode } from '../contract/api.ts'
import { keeping } from '../db/keeping.ts'
import type { Deps } from '../deps.ts'
import { fault, isFault } from '../faults.ts'
import { WALLET_CLIENT_ID } from '../identity/directory.ts'
import { checkProof } from '../identity/dpop.ts'
import { findAccessToken } from '../identity/models.ts'
import { findSession } from '../identity/sessions.ts'
import { type Bucket, bucketOfAddress } from '../rate-limit.ts'
import { tokenHash } from '../seal.ts'
import { connectionBetween, statusAt } from './connections.ts'
import { keyUsed } from './keys.ts'

export type SessionCaller = { kind: 'session'; userId: string }
export type KeyCaller = {
  kind: 'key'
  keyId: string
  appId: string
  publisherId: string
  billingMode: BillingMode
  ratePerMin: number
  /** The models its app may call; null: all. */
  models: readonly string[] | null
}
export type TokenCaller = {
  kind: 'token'
  userId: string
  appId: string
  connectionId: string
  scopes: readonly string[]
}
export type WalletCaller = { kind: 'wallet'; userId: string }
export type Caller = SessionCaller | KeyCaller | TokenCaller | WalletCaller

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, once that is known; also when the request is refused after that. */
    calledBy: Caller | null
  }
}
type Kind = Caller['kind']

const KEY = /^sk-quota-[A-Za-z0-9_-]{32}$/
// RFC 6750, section 2.1; ours are longer than 24 characters.
const TOKEN = /^[A-Za-z0-9._~+/-]{24,}=*$/
const MAX_CREDENTIAL = 2048
const USE_NOTED_EVERY_MS = 60_000

/**
 * Reads the caller's credential.
 * @throws Fault `bad_request` (doubled header, two different credentials), `invalid_api_key`, `invalid_token`,
 * `invalid_dpop_proof`, `unauthorized` (session), `forbidden` (an app's key in a browser), `rate_limit_exceeded`
 */
export async function callerOf(deps: Deps, request: FastifyRequest): Promise<Caller> {
  const caller = await readCaller(deps, request).catch(async (error) => {
    // A credential that is none makes nobody: counted like a request without one (which app.ts has counted already).
    if (namesSomebody(request) && isFault(error) && error.status === 401)
      await request.countAgainst(bucketOfAddress(request))
    throw error
  })
  request.calledBy = caller
  await request.countAgainst(bucketOf(caller))
  return caller
}

const CONNECTION_RATE_PER_MIN = 100
const PERSON_RATE_PER_MIN = 600

/** What a caller's requests are counted against (contract, "Rate limits"). */
function bucketOf(caller: Caller): Bucket {
  if (caller.kind === 'key') return { key: `key:${caller.keyId}`, perMinute: caller.ratePerMin }
  if (caller.kind === 'token') return { key: `connection:${caller.connectionId}`, perMinute: CONNECTION_RATE_PER_MIN }
  return { key: `${caller.kind}:${caller.userId}`, perMinute: PERSON_RATE_PER_MIN }
}

async function readCaller(deps: Deps, request: FastifyRequest): Promise<Caller> {
  const found = credential(request)
  if (found?.bound) return tokenCaller(deps, request, found)
  const given = found?.text ?? null
  if (given?.startsWith('sk-')) return keyCaller(deps, request, given)
  if (given === null || (given.startsWith('sess_') && request.headers.authorization !== undefined)) {
    const session = await findSession(deps, request) // by the bearer, or by the cookie of our own pages
    if (!session) throw fault(given === null ? 'invalid_api_key' : 'unauthorized')
    return { kind: 'session', userId: session.userId }
  }
  if (!TOKEN.test(given)) throw fault('invalid_api_key')
  return tokenCaller(deps, request, { text: given, bound: false })
}

/**
 * The caller, when it is of one of these kinds.
 * @throws Fault as `callerOf`; for another kind `insufficient_scope` (tokens) or a 401 that fits the kinds asked for
 */
export async function requireCaller<K extends Kind>(
  deps: Deps,
  request: FastifyRequest,
  ...kinds: readonly [K, ...K[]]
): Promise<Extract<Caller, { kind: K }>> {
  const caller = await callerOf(deps, request).catch((error) => {
    // Nothing recognizable was given: say so in the words of what is wanted here. Every other refusal stands.
    const nothing = isFault(error) && error.code === 'invalid_api_key' && !(named(kinds, 'key') && given(request))
    throw nothing ? refusalFor(kinds) : error
  })
  if (named(kinds, caller.kind)) return caller as Extract<Caller, { kind: K }>
  if (caller.kind === 'token' && named(kinds, 'wallet') && !signedIn(kinds)) throw fault('insufficient_scope')
  if (caller.kind === 'wallet' && named(kinds, 'token')) throw fault('insufficient_scope')
  throw refusalFor(kinds)
}

/** The id of the developer who calls: by a session, or by their own wallet. @throws Fault `unauthorized` */
export async function requireDeveloper(deps: Deps, request: FastifyRequest): Promise<string> {
  return (await requireCaller(deps, request, 'session', 'wallet')).userId
}

/** @throws Fault `insufficient_scope` when a user's token lacks the scope; other callers have none to lack */
export function requireScope(caller: Caller, scope: 'credits.read' | 'credits.spend'): void {
  if (caller.kind === 'token' && !caller.scopes.includes(scope)) throw fault('insufficient_scope')
}

function named(kinds: readonly Kind[], kind: Kind): boolean {
  return kinds.includes(kind)
}

/** Whether a route is for people who are signed in, and for no app. */
function signedIn(kinds: readonly Kind[]): boolean {
  return named(kinds, 'session') && !named(kinds, 'key')
}

function refusalFor(kinds: readonly Kind[]) {
  if (signedIn(kinds)) return fault('unauthorized')
  return fault(named(kinds, 'key') ? 'invalid_api_key' : 'invalid_token')
}

/** Whether a request brings anything that could be a credential, in a header or a cookie. */
export function namesSomebody(request: FastifyRequest): boolean {
  return given(request) || request.headers.cookie !== undefined
}

function given(request: FastifyRequest): boolean {
  return request.headers.authorization !== undefined || request.headers['x-api-key'] !== undefined
}

/** `bound` when it came with the scheme DPoP (RFC 9449, 7.1), so as a token that belongs to a key. */
type Given = { text: string; bound: boolean }

/** The credential of a request, from either header; null when none is given. */
function credential(request: FastifyRequest): Given | null {
  const [bearers, keys] = [rawHeaders(request, 'authorization'), rawHeaders(request, 'x-api-key')]
  if (bearers.length > 1 || keys.length > 1)
    throw fault('bad_request', { message: 'A credential header is given twice.' })
  const [authorization, key] = [bearers[0], keys[0]?.trim()]
  const [, scheme = '', text = ''] = /^(bearer|dpop) +([\x21-\x7e]+) *$/i.exec(authorization ?? '') ?? []
  const bearer = authorization === undefined ? undefined : text
  if (bearer !== undefined && key !== undefined && bearer !== key) {
    throw fault('bad_request', { message: 'Two different credentials are given at once.' })
  }
  const found = bearer ?? key
  if (found === undefined) return null
  if (found === '' || found.length > MAX_CREDENTIAL) throw fault('invalid_api_key')
  return { text: found, bound: scheme.toLowerCase() === 'dpop' }
}

// Node keeps the first of a doubled header silently; the raw list does not.
function rawHeaders(request: FastifyRequest, name: string): string[] {
  const { rawHeaders: raw } = request.raw
  const found: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]?.toLowerCase() === name) found.push(raw[i + 1] ?? '')
  return found
}

type KeyRow = {
  id: string
  app_id: string
  publisher_id: string
  billing_mode: BillingMode
  rate_per_min: number
  models: string | null
  last_used_at: number | null
}

async function keyCaller(deps: Deps, request: FastifyRequest, key: string): Promise<KeyCaller> {
  const row = KEY.test(key)
    ? await keeping(deps.db).get<KeyRow>(
        `SELECT k.id, k.app_id, a.publisher_id, k.billing_mode, k.rate_per_min, a.models, k.last_used_at FROM api_keys k
         JOIN apps a ON a.id = k.app_id WHERE k.hash = ? AND k.revoked_at IS NULL AND a.deleted_at IS NULL`,
        [tokenHash(key)],
      )
    : undefined
  if (!row) throw fault('invalid_api_key')
  if (request.headers.origin !== undefined) {
    throw fault('forbidden', { message: 'An app’s key belongs on a server, never in a browser.' })
  }
  if ((row.last_used_at ?? 0) < deps.now() - USE_NOTED_EVERY_MS) noteKeyUse(deps, row.id)
  return {
    kind: 'key',
    keyId: row.id,
    appId: row.app_id,
    publisherId: row.publisher_id,
    billingMode: row.billing_mode,
    ratePerMin: row.rate_per_min,
    models: row.models === null ? null : JSON.parse(row.models),
  }
}

// Beside the call, never in its way: when this write fails, only the time shown to the developer is older.
function noteKeyUse(deps: Deps, keyId: string): void {
  deps.db
    .tx(keyUsed, { keyId })
    .catch((error) => deps.log.warn({ key_id: keyId, cause: String(error) }, 'use of a key not noted'))
}

async function tokenCaller(
  deps: Deps,
  request: FastifyRequest,
  { text: token, bound }: Given,
): Promise<TokenCaller | WalletCaller> {
  const facts = keeping(deps.db)
  const found = await findAccessToken(facts, token, deps.now())
  // A token bound to a key (RFC 9449) is nothing as a mere bearer, and one that is not cannot be made to look so.
  if (!found || (found.dpopKey !== null) !== bound) throw fault('invalid_token')
  if (found.dpopKey !== null) await checkProof(deps, request, { token, dpopKey: found.dpopKey })
  if (found.clientId === WALLET_CLIENT_ID) {
    if (!found.scopes.includes('wallet')) throw fault('insufficient_scope')
    return { kind: 'wallet', userId: found.userId }
  }
  const app = await facts.get<{ id: string }>('SELECT id FROM apps WHERE client_id = ? AND deleted_at IS NULL', [
    found.clientId,
  ])
  const connection = app ? await connectionBetween(facts, found.userId, app.id) : undefined
  const status = connection ? statusAt(connection, deps.now()) : 'revoked'
  if (!app || !connection || status === 'revoked' || status === 'expired') throw fault('invalid_token')
  return { kind: 'token', userId: found.userId, appId: app.id, connectionId: connection.id, scopes: found.scopes }
}
