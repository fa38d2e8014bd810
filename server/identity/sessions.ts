// Sessions: who is asking, on our own pages (cookie) or from a script (bearer).
// owns: sessions. never: the token of a session at rest.
// always true: a request that changes something is believed by its cookie only when it comes from our own pages; a
// bearer is never sent by a browser on its own and needs no such proof.

import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { bucketOfAddress, rateLimits } from '../rate-limit.ts'
import { tokenHash } from '../seal.ts'
import { browserOf, DEVICE_COOKIE, type Seen, seeDevice, TOUCHED_EVERY_MS, touchDevice } from './devices.ts'

export const SESSION_COOKIE = 'quota_session'
export const SESSION_TTL_MS = 24 * 3_600_000
export const SESSION_PER_MINUTE = 600
/** How long a password, code or passkey stands for "it is really this person". */
export const RECENT_MS = 300_000
const DEVICE_COOKIE_S = 400 * 86_400
const PER_PERSON_MAX = 50
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export type NewSession = { tokenHash: string; userId: string; expiresAt: number; replaces: string | null; seen: Seen }
export type Session = {
  userId: string
  email: string
  /** When the person gave their password, in milliseconds. */
  createdAt: number
  /** When they last proved that it is them, in milliseconds. */
  recentAt: number
  device: string
  tokenHash: string
  via: 'bearer' | 'cookie'
}

export const beginSession = procedure('identity.beginSession', (tx: Tx, session: NewSession) =>
  insertSession(tx, session),
)

export async function insertSession(
  tx: Tx,
  { tokenHash: hash, userId, expiresAt, replaces, seen }: NewSession,
): Promise<void> {
  if (replaces) await tx.run('DELETE FROM sessions WHERE token_hash = ?', [replaces])
  const device = await seeDevice(tx, seen)
  await tx.run(
    'INSERT INTO sessions (token_hash, user_id, created_at, expires_at, device, recent_at) VALUES (?, ?, ?, ?, ?, ?)',
    [hash, userId, tx.now, expiresAt, device, tx.now],
  )
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

/** Marks a session: the person has just proved that it is them. */
export const markRecent = procedure(
  'identity.markRecent',
  async (tx: Tx, { tokenHash: hash }: { tokenHash: string }) => {
    await tx.run('UPDATE sessions SET recent_at = ? WHERE token_hash = ?', [tx.now, hash])
  },
)

/** A new token, and the row that will know it by its hash. A session the browser had before ends with it (fixation). */
export function freshSession(
  deps: Pick<Deps, 'now' | 'id'>,
  userId: string,
  request: FastifyRequest,
): { token: string; deviceKey: string; session: NewSession } {
  const token = `sess_${randomBytes(32).toString('base64url')}`
  const before = cookieOf(request, SESSION_COOKIE)
  const known = cookieOf(request, DEVICE_COOKIE)
  const deviceKey = known && /^[\w-]{22,64}$/.test(known) ? known : randomBytes(16).toString('base64url')
  const session = {
    tokenHash: tokenHash(token),
    userId,
    expiresAt: deps.now() + SESSION_TTL_MS,
    replaces: before ? tokenHash(before) : null,
    seen: browserOf(request, deviceKey, { id: deps.id('dev'), userId }),
  }
  return { token, deviceKey, session }
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
  const row = await deps.db.get<SessionRow>(
    `SELECT s.user_id, u.email, s.created_at, s.recent_at, s.device, d.last_used_at FROM sessions s
     JOIN users u ON u.id = s.user_id JOIN devices d ON d.id = s.device WHERE s.token_hash = ? AND s.expires_at > ?`,
    [hash, deps.now()],
  )
  if (!row) return null
  const via = bearer === null ? 'cookie' : 'bearer'
  if (via === 'cookie' && !SAFE.has(request.method)) fromOwnPages(deps, request)
  if (row.last_used_at + TOUCHED_EVERY_MS < deps.now())
    deps.db
      .tx(touchDevice, { id: row.device, address: request.ip })
      .catch((error) => deps.log.warn({ err: String(error) }, 'a device could not be noted'))
  const { user_id: userId, email, created_at: createdAt, recent_at: recentAt, device } = row
  return { userId, email, createdAt, recentAt: recentAt ?? 0, device, tokenHash: hash, via }
}

type SessionRow = {
  user_id: string
  email: string
  created_at: number
  recent_at: number | null
  device: string
  last_used_at: number
}

/**
 * The session of a route that needs one; counts against its rate.
 * @throws Fault `unauthorized`, `csrf`, `rate_limit_exceeded`
 */
export async function requireSession(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<Session> {
  const session = await findSession(deps, request)
  await countSession(deps, request, reply, session)
  if (!session) throw fault('unauthorized')
  return session
}

/** Counts a request by its session, or by its address while it has none. @throws Fault `rate_limit_exceeded` */
export async function countSession(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  session: Session | null,
): Promise<void> {
  const bucket = session
    ? { key: `session:${session.userId}`, perMinute: SESSION_PER_MINUTE }
    : bucketOfAddress(request)
  await rateLimits(deps).take(bucket, (name, value) => void reply.header(name, value))
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

/** Lets the browser be known again in the list of devices; it proves nothing. */
export function setDeviceCookie(deps: Pick<Deps, 'publicUrl'>, reply: FastifyReply, key: string): void {
  const secure = deps.publicUrl.startsWith('https:') ? '; Secure' : ''
  reply.header(
    'set-cookie',
    `${DEVICE_COOKIE}=${key}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${DEVICE_COOKIE_S}${secure}`,
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
