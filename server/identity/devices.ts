// Where a person is signed in, and signing out there from afar.
// owns: devices, and which sign-ins and grants belong to each. never: a token, a password.
// always true: a device that is ended has no session, no sign-in and no grant left, nor gets one back by a request that
// was under way.

import type { FastifyRequest } from 'fastify'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { tokenHash } from '../seal.ts'
import { WALLET_CLIENT_ID } from './directory.ts'
import type { ModelRow } from './models.ts'

export const DEVICE_COOKIE = 'quota_device'
export const TOUCHED_EVERY_MS = 60_000
const LISTED_MAX = 200
const AGENT_MAX = 300

export type DeviceKind = 'browser' | 'wallet' | 'app'
/** A device as a request shows it. `keyHash` knows it again: of a browser's cookie, else of the one grant it has. */
export type Seen = {
  id: string
  userId: string
  kind: DeviceKind
  clientId: string | null
  keyHash: string
  agent: string | null
  address: string | null
}
export type DeviceRow = {
  id: string
  kind: DeviceKind
  client_id: string | null
  agent: string | null
  address: string | null
  created_at: number
  last_used_at: number
}

/** Notes that a device was used; its first use makes it. @returns its id */
export async function seeDevice(tx: Tx, seen: Seen): Promise<string> {
  const row = await tx.get<{ id: string }>(
    `INSERT INTO devices (id, user_id, kind, client_id, key_hash, agent, address, created_at, last_used_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, key_hash) DO UPDATE SET
     agent = excluded.agent, address = excluded.address, last_used_at = excluded.last_used_at RETURNING id`,
    [seen.id, seen.userId, seen.kind, seen.clientId, seen.keyHash, seen.agent, seen.address, tx.now, tx.now],
  )
  if (!row) throw new Error('a device did not answer')
  return row.id
}

export const touchDevice = procedure(
  'identity.touchDevice',
  async (tx: Tx, { id, address }: { id: string; address: string }) => {
    await tx.run('UPDATE devices SET last_used_at = ?, address = ? WHERE id = ?', [tx.now, address, id])
  },
)

/** Ties a sign-in or a grant of the authorization server to the device that got it. */
export const noteModel = procedure(
  'identity.noteModel',
  async (tx: Tx, { seen, model }: { seen: Seen; model: string }) => {
    const device = await seeDevice(tx, seen)
    await tx.run(
      'INSERT INTO device_models (model, device) VALUES (?, ?) ON CONFLICT (model) DO UPDATE SET device = excluded.device',
      [model, device],
    )
  },
)

/** Saves a sign-in again, unless it was ended since it was read. */
export const resaveModel = procedure('identity.resaveModel', async (tx: Tx, row: ModelRow) => {
  await tx.run('UPDATE oidc_models SET payload = ?, user_id = ?, alias = ?, expires_at = ? WHERE id = ?', [
    row.payload,
    row.user_id,
    row.alias,
    row.expires_at,
    row.id,
  ])
})

const LIVE = `(EXISTS (SELECT 1 FROM sessions s WHERE s.device = d.id AND s.expires_at > ?)
  OR EXISTS (SELECT 1 FROM device_models l JOIN oidc_models m ON m.id = l.model WHERE l.device = d.id AND m.expires_at > ?))`

/** Where a person is signed in now, the latest use first. */
export function devicesOf(reader: Reader, userId: string, nowMs: number): Promise<DeviceRow[]> {
  return reader.all<DeviceRow>(
    `SELECT id, kind, client_id, agent, address, created_at, last_used_at FROM devices d
     WHERE user_id = ? AND ${LIVE} ORDER BY last_used_at DESC, id LIMIT ${LISTED_MAX}`,
    [userId, nowMs, nowMs],
  )
}

/** Signs out one device of a person. @returns false when there is no such device of theirs */
export const endDevice = procedure(
  'identity.endDevice',
  async (tx: Tx, { userId, id }: { userId: string; id: string }) => {
    const own = await tx.get('SELECT id FROM devices WHERE id = ? AND user_id = ?', [id, userId])
    if (!own) return false
    const models = 'SELECT model FROM device_models WHERE device = ?'
    await tx.run(`DELETE FROM oidc_models WHERE id IN (${models})`, [id])
    await tx.run(`DELETE FROM oidc_models WHERE grant_id IN (${models})`, [id])
    await tx.run('DELETE FROM sessions WHERE device = ?', [id])
    await tx.run('DELETE FROM device_models WHERE device = ?', [id])
    await tx.run('DELETE FROM devices WHERE id = ?', [id])
    return true
  },
)

/**
 * Ends a person's sessions, sign-ins, requests under way and grants everywhere, with the caller's commit.
 * @param but the session and device that go on; null spares none
 */
export async function endEverywhere(
  tx: Tx,
  userId: string,
  but: { tokenHash: string; device: string } | null,
): Promise<void> {
  const [session, device] = [but?.tokenHash ?? '', but?.device ?? '']
  await tx.run(
    `DELETE FROM oidc_models WHERE user_id = ? AND kind IN ('Session', 'Grant', 'Interaction')
     AND id NOT IN (SELECT model FROM device_models WHERE device = ?)`,
    [userId, device],
  )
  await tx.run(
    `DELETE FROM oidc_models WHERE user_id = ? AND grant_id IS NOT NULL
     AND grant_id NOT IN (SELECT id FROM oidc_models WHERE user_id = ? AND kind = 'Grant')`,
    [userId, userId],
  )
  await tx.run('DELETE FROM sessions WHERE user_id = ? AND token_hash <> ?', [userId, session])
  await tx.run('DELETE FROM device_models WHERE device IN (SELECT id FROM devices WHERE user_id = ?) AND device <> ?', [
    userId,
    device,
  ])
  await tx.run('DELETE FROM devices WHERE user_id = ? AND id <> ?', [userId, device])
}

/** Forgets devices that nothing is left of, a bounded number a commit. */
export const sweepDevices = procedure('identity.sweepDevices', async (tx: Tx, _args: Record<string, never>) => {
  await tx.run(
    `DELETE FROM device_models WHERE model IN (SELECT l.model FROM device_models l
     LEFT JOIN oidc_models m ON m.id = l.model WHERE m.id IS NULL LIMIT 500)`,
  )
  // Younger ones may be about to get their first session.
  return tx.run(
    `DELETE FROM devices WHERE id IN (SELECT d.id FROM devices d WHERE d.last_used_at < ?
     AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.device = d.id)
     AND NOT EXISTS (SELECT 1 FROM device_models l WHERE l.device = d.id) LIMIT 500)`,
    [tx.now - 3_600_000],
  )
})

// --- what a request shows ------------------------------------------------------------------------------------------

/** The browser behind a request of ours. */
export function browserOf(request: FastifyRequest, key: string, about: { id: string; userId: string }): Seen {
  const agent = shortAgent(request.headers['user-agent'])
  return { ...about, kind: 'browser', clientId: null, keyHash: tokenHash(key), agent, address: request.ip }
}

/**
 * The device behind a request that oidc-provider is answering: the browser that sends its cookie, else whoever holds
 * this grant. The desktop and apps send no cookie.
 */
export function holderOf(ctx: KoaContextWithOIDC, about: { id: string; userId: string }, row: ModelRow): Seen | null {
  const key = ctx.cookies.get(DEVICE_COOKIE, { signed: false })
  const seen = { ...about, agent: shortAgent(ctx.get('user-agent')), address: ctx.ip }
  const own = row.client_id === null || row.client_id === WALLET_CLIENT_ID
  if (key && own) return { ...seen, kind: 'browser', clientId: null, keyHash: tokenHash(key) }
  if (row.grant_id === null || row.client_id === null) return null
  return { ...seen, kind: own ? 'wallet' : 'app', clientId: row.client_id, keyHash: row.grant_id }
}

function shortAgent(agent: string | undefined): string | null {
  return agent ? agent.replace(/[^\x20-\x7e]/g, '').slice(0, AGENT_MAX) : null
}

const BROWSERS = [
  [/\bQuotaWallet\/|\bElectron\//, 'Quota Wallet'],
  [/\bEdg\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
] as const
const SYSTEMS = [
  [/\bAndroid\b/, 'Android'],
  [/\b(iPhone|iPad)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
] as const

/** A user agent in words a person knows ("Firefox on Linux"); a program's first word otherwise. */
export function deviceName({ kind, agent }: Pick<DeviceRow, 'kind' | 'agent'>): string {
  const known = (table: readonly (readonly [RegExp, string])[]) => table.find(([like]) => like.test(agent ?? ''))?.[1]
  const program = known(BROWSERS)
  const system = known(SYSTEMS)
  const first =
    kind === 'wallet' ? 'Quota Wallet' : (program ?? (agent?.split(/[\s/(]/, 1)[0]?.slice(0, 40) || 'Unknown'))
  return system ? `${first} on ${system}` : first
}
