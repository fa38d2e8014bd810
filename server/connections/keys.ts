// API keys: what an app's server carries.
// owns: api_keys. never: a key in clear anywhere but in the answer that made it.
// always true: a key is 192 random bits, shown once and kept as a hash.

import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { Key, type KeyCreate } from '../contract/api.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { tokenHash } from '../seal.ts'
import { cleanName } from './names.ts'

const RATE_DEFAULT = 100
const SHOWN = 'sk-quota-'.length + 4

export type KeyRow = {
  id: string
  app_id: string
  prefix: string
  name: string
  billing_mode: string
  rate_per_min: number
  created_at: number
  last_used_at: number | null
  revokes_at: number | null
}

const COLUMNS =
  'k.id, k.app_id, k.prefix, k.name, k.billing_mode, k.rate_per_min, k.created_at, k.last_used_at, k.revokes_at'

/** A new key: `sk-quota-` and 32 characters, what is kept of it, and its beginning for lists. */
export function freshKey(): { secret: string; hash: string; prefix: string } {
  const secret = `sk-quota-${randomBytes(24).toString('base64url')}`
  return { secret, hash: tokenHash(secret), prefix: secret.slice(0, SHOWN) }
}

export async function keysOf(reader: Reader, publisherId: string): Promise<z.output<typeof Key>[]> {
  const rows = await reader.all<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys k JOIN apps a ON a.id = k.app_id
     WHERE a.publisher_id = ? AND a.deleted_at IS NULL AND k.revoked_at IS NULL ORDER BY k.id`,
    [publisherId],
  )
  return rows.map(keyDocument)
}

export type NewKey = { publisherId: string; hash: string; prefix: string; given: z.output<typeof KeyCreate> }

/** @throws Fault `not_found` when the app is not this publisher's */
export const createKey = procedure('keys.create', async (tx: Tx, { publisherId, hash, prefix, given }: NewKey) => {
  const app = await tx.get('SELECT id FROM apps WHERE id = ? AND publisher_id = ? AND deleted_at IS NULL', [
    given.app_id,
    publisherId,
  ])
  if (!app) throw fault('not_found')
  const row: KeyRow = {
    id: tx.id('key'),
    app_id: given.app_id,
    prefix,
    name: cleanName(given.name),
    billing_mode: given.billing_mode ?? 'user',
    rate_per_min: given.rate_limit_per_min ?? RATE_DEFAULT,
    created_at: tx.now,
    last_used_at: null,
    revokes_at: null,
  }
  await tx.run(
    'INSERT INTO api_keys (id, app_id, hash, prefix, name, billing_mode, rate_per_min, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    [row.id, row.app_id, hash, prefix, row.name, row.billing_mode, row.rate_per_min, tx.now],
  )
  await append(tx, publisherId, [{ topic: 'key', id: row.id, row: keyDocument(row) }])
  return keyDocument(row)
})

/** A key of this publisher that works. @throws Fault `not_found` */
export async function ownKey(reader: Reader, publisherId: string, keyId: string): Promise<KeyRow> {
  const row = await reader.get<KeyRow>(
    `SELECT ${COLUMNS} FROM api_keys k JOIN apps a ON a.id = k.app_id
     WHERE k.id = ? AND a.publisher_id = ? AND a.deleted_at IS NULL AND k.revoked_at IS NULL`,
    [keyId, publisherId],
  )
  if (!row) throw fault('not_found')
  return row
}

/** @throws Fault `not_found`, for another's key as for none, and for one revoked before */
export const revokeKey = procedure(
  'keys.revoke',
  async (tx: Tx, { publisherId, keyId }: { publisherId: string; keyId: string }) => {
    const changed = await tx.run(
      `UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL
     AND app_id IN (SELECT id FROM apps WHERE publisher_id = ? AND deleted_at IS NULL)`,
      [tx.now, keyId, publisherId],
    )
    if (changed !== 1) throw fault('not_found')
    await append(tx, publisherId, [{ topic: 'key', id: keyId, row: null }])
  },
)

/** Whether a key that was good when its call began is so no longer. */
export async function isRevoked(reader: Reader, keyId: string): Promise<boolean> {
  return (await reader.get('SELECT id FROM api_keys WHERE id = ? AND revoked_at IS NULL', [keyId])) === undefined
}

/** Notes that a key was used just now, for its owner's list. */
export const keyUsed = procedure('keys.used', async (tx: Tx, { keyId }: { keyId: string }) => {
  await tx.run('UPDATE api_keys SET last_used_at = ? WHERE id = ?', [tx.now, keyId])
})

/** Revokes every key of an app. Answers their ids. */
export async function revokeKeysOf(tx: Tx, appId: string): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    'SELECT id FROM api_keys WHERE app_id = ? AND revoked_at IS NULL ORDER BY id',
    [appId],
  )
  await tx.run('UPDATE api_keys SET revoked_at = ? WHERE app_id = ? AND revoked_at IS NULL', [tx.now, appId])
  return rows.map((row) => row.id)
}

/** A key as it travels. */
export function keyDocument(row: KeyRow): z.output<typeof Key> {
  return Key.parse({
    ...row,
    rate_limit_per_min: row.rate_per_min,
    created_at: new Date(row.created_at).toISOString(),
    last_used_at: row.last_used_at === null ? null : new Date(row.last_used_at).toISOString(),
    revokes_at: row.revokes_at === null ? null : new Date(row.revokes_at).toISOString(),
  })
}
