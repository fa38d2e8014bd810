// Sessions: who is asking, on our own pages (cookie) or from a script (bearer).
// owns: sessions. never: the token of a session at rest.
// always true: a request that changes something is believed by its cookie only when it comes from our own pages; a
// bearer is never sent by a browser on its own and needs no such proof.

import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { rateLimits } from '../rate-limit.ts'
import { tokenHash } from '../seal.ts'

export const SESSION_COOKIE = 'quota_session'
export const SESSION_TTL_MS = 24 * 3_600_000
export const SESSION_PER_MINUTE = 600
export const ADDRESS_PER_MINUTE = 60
const PER_PERSON_MAX = 50
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export type NewSession = { tokenHash: string; userId: string; expiresAt: number; replaces: string | null }
export type Session = {
  userId: string
  email: string
  /** When the person gave their password, in milliseconds. */
  createdAt: number
  tokenHash: string
  via: 'bearer' | 'cookie'
}

export const beginSession = procedure('identity.beginSession', (tx: Tx, session: NewSession) =>
  insertSession(tx, session),
)

export async function insertSession(
  tx: Tx,
  { tokenHash: hash, userId, expiresAt, replaces }: NewSession,
): Promise<void> {
  if (replaces) await tx.run('DELETE FROM sessions WHERE token_hash = ?', [replaces])
  await tx.run('INSERT INTO sessions (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)', [
    hash,
    userId,
    tx.now,
    expiresAt,
  ])
  await tx.run(
    `DELETE FROM sessions WHERE user_id = ? AND token_hash NOT IN
     (SELECT token_hash FROM sessions WHERE user_id = ? ORDER BY created_at DESC, token_hash LIMIT ?)`,
    [userId, userId, PER_PERSON_MAX],
  )
}

export const endSession = procedure(
  'identity.endSession',
  async (tx: Tx, { tokenHash: hash }: { tokenHash: string }) => {
    await tx.run('DELETE FROM sessions WHERE token_hash = ?', [hash])
  },
)

/** A new token, and the row that will know it by its hash. A session the browser had before ends with it (fixation). */
export function freshSession(
  deps: Pick<Deps, 'now'>,
  userId: string,
  request: FastifyRequest,
): { token: string; session: NewSession } {
  const token = `sess_${randomBytes(32).toString('base64url')}`
  const before = cookieOf(request, SESSION_COOKIE)
  const session = {
    tokenHash: tokenHash(token),
    userId,
    expiresAt: deps.now() + SESSION_TTL_MS,
    replaces: before ? tokenHash(before) : null,
  }
  return { token, session }
}

/**
 * Who is asking, if anybody. A bearer speaks before a cookie.
 * @throws Fault `csrf` for a change that a cookie asks for from elsewhere than our own pages
 */
export async function findSession(deps: Deps, request: FastifyRequest): Promise<Session | null> {
  const bearer = bearerOf(request)
  const token = bearer ?? cookieOf(request, SESSION_COOKIE)
  if (!token?.startsWith('sess_')) return null
  const hash = tokenHash(token)
  const row = await deps.db.get<{ user_id: string; email: string; created_at: number }>(
    `SELECT s.user_id, u.email, s.created_at FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.token_hash = ? AND s.expires_at > ?`,
    [hash, deps.now()],
  )
  if (!row) return null
  const via = bearer === null ? 'cookie' : 'bearer'
  if (via === 'cookie' && !SAFE.has(request.method)) fromOwnPages(deps, request)
  return { userId: row.user_id, email: row.email, createdAt: row.created_at, tokenHash: hash, via }
}

/**
 * The session of a route that needs one; counts against its rate.
 * @throws Fault `unauthorized`, `csrf`, `rate_limit_exceeded`
 */
export async function requireSession(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<Session> {
  const session = await findSession(deps, request)
  countSession(deps, request, reply, session)
  if (!session) throw fault('unauthorized')
  return session
}

/** Counts a request by its session, or by its address while it has none. @throws Fault `rate_limit_exceeded` */
export function countSession(deps: Deps, request: FastifyRequest, reply: FastifyReply, session: Session | null): void {
  const bucket = session
    ? { key: `session:${session.tokenHash}`, perMinute: SESSION_PER_MINUTE }
    : { key: `address:${request.ip}`, perMinute: ADDRESS_PER_MINUTE }
  rateLimits(deps).take([bucket], (name, value) => void reply.header(name, value))
}

/**
 * A request of our own pages: same origin by Origin and Sec-Fetch-Site where the browser says them, and marked with
 * the header x-quota-wallet, which no other origin can send without a preflight that we refuse.
 * @throws Fault `csrf`
 */
export function fromOwnPages(deps: Pick<Deps, 'publicUrl'>, request: FastifyRequest): void {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  const own =
    (origin === undefined || origin === new URL(deps.publicUrl).origin) &&
    (site === undefined || site === 'same-origin')
  if (!own || request.headers['x-quota-wallet'] !== '1') throw fault('csrf')
}

/**
 * Registering and signing in carry no credential yet, but set a cookie: a page of somebody else may not do it for a
 * person (login CSRF). Scripts, which send neither header, and the wallet's own origins may.
 * @throws Fault `csrf`
 */
export function notFromStrangers(deps: Pick<Deps, 'publicUrl' | 'config'>, request: FastifyRequest): void {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  const ours = [new URL(deps.publicUrl).origin, ...deps.config.QUOTA_WALLET_ORIGINS]
  if (origin !== undefined ? !ours.includes(String(origin)) : site !== undefined && site !== 'same-origin')
    throw fault('csrf')
}

/** Gives the browser the session: not readable by scripts, not sent along from other sites' requests. */
export function setSessionCookie(deps: Pick<Deps, 'publicUrl'>, reply: FastifyReply, token: string | null): void {
  const secure = deps.publicUrl.startsWith('https:') ? '; Secure' : ''
  const maxAge = token === null ? 0 : SESSION_TTL_MS / 1000
  reply.header(
    'set-cookie',
    `${SESSION_COOKIE}=${token ?? ''}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAge}${secure}`,
  )
}

/** A cookie's value, unquoted; null when it is missing. */
export function cookieOf(request: FastifyRequest, name: string): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=')
    if (part.slice(0, at).trim() === name)
      return (
        part
          .slice(at + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1') || null
      )
  }
  return null
}

function bearerOf(request: FastifyRequest): string | null {
  const { authorization } = request.headers
  if (authorization === undefined) return null
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1] ?? ''
}
