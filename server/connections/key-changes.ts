// Changes of a key: its name and rate, and a new one in its place.
// owns: the overlap of a rotation. never: a key in clear (only its hash comes here).
// always true: after a rotation the old key works until its time has come and not longer than a sweep after it; both are
// keys of the same app, mode and rate.

import type { z } from 'zod'
import type { Key, KeySettings } from '../contract/api.ts'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { append } from '../feed/feed.ts'
import { createKey, keyDocument, ownKey, revokeKey } from './keys.ts'
import { cleanName } from './names.ts'

const OVERLAP_S_DEFAULT = 86_400
const SWEEP_AT_ONCE = 100

type OfKey = { publisherId: string; keyId: string }

/** Renames a key, or sets its rate. @throws Fault `not_found`, `bad_request` */
export const setKey = procedure(
  'keys.set',
  async (tx: Tx, { publisherId, keyId, changes }: OfKey & { changes: z.output<typeof KeySettings> }): Promise<Key> => {
    await tx.run('UPDATE api_keys SET name = name WHERE id = ?', [keyId]) // its lock: the other field may be changing
    const row = await ownKey(tx, publisherId, keyId)
    const name = changes.name === undefined ? row.name : cleanName(changes.name)
    await tx.run('UPDATE api_keys SET name = ?, rate_per_min = ? WHERE id = ?', [
      name,
      changes.rate_limit_per_min ?? row.rate_per_min,
      keyId,
    ])
    return tell(tx, publisherId, keyId)
  },
)

export type Rotation = OfKey & { hash: string; prefix: string; overlapS: number | undefined }

/**
 * Makes a new key like this one; this one ends after the overlap, or at once. A second rotation of a key that is about to
 * end anyway never lets it live longer.
 * @throws Fault `not_found`
 */
export const rotateKey = procedure(
  'keys.rotate',
  async (
    tx: Tx,
    { publisherId, keyId, hash, prefix, overlapS }: Rotation,
  ): Promise<{ key: Key; replaced: Key | null }> => {
    const row = await ownKey(tx, publisherId, keyId)
    const { app_id, name, rate_per_min } = row
    const billing_mode = row.billing_mode as 'user' | 'developer' | 'test'
    const given = { app_id, name, billing_mode, rate_limit_per_min: rate_per_min }
    const key = await createKey.run(tx, { publisherId, hash, prefix, given })
    const endsAt = tx.now + (overlapS ?? OVERLAP_S_DEFAULT) * 1000
    if (endsAt <= tx.now) {
      await revokeKey.run(tx, { publisherId, keyId })
      return { key, replaced: null }
    }
    await tx.run('UPDATE api_keys SET revokes_at = ? WHERE id = ?', [Math.min(endsAt, row.revokes_at ?? endsAt), keyId])
    return { key, replaced: await tell(tx, publisherId, keyId) }
  },
)

/** Ends the keys whose time has come; safe to run at any time, twice. A look that finds none costs no commit. */
export async function sweepKeys({ db, now }: Pick<Deps, 'db' | 'now'>): Promise<void> {
  const due = await db.get(
    'SELECT 1 AS due FROM api_keys WHERE revokes_at IS NOT NULL AND revokes_at <= ? AND revoked_at IS NULL LIMIT 1',
    [now()],
  )
  if (due) await db.tx(endRotatedKeys, undefined)
}

const endRotatedKeys = procedure('keys.endRotated', async (tx: Tx): Promise<number> => {
  const due = await tx.all<{ id: string; publisher_id: string }>(
    `SELECT k.id, a.publisher_id FROM api_keys k JOIN apps a ON a.id = k.app_id
     WHERE k.revokes_at IS NOT NULL AND k.revokes_at <= ? AND k.revoked_at IS NULL ORDER BY a.publisher_id, k.id LIMIT ${SWEEP_AT_ONCE}`,
    [tx.now],
  )
  for (const { id, publisher_id: publisherId } of due) {
    const ended = await tx.run('UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', [tx.now, id])
    if (ended === 1) await append(tx, publisherId, [{ topic: 'key', id, row: null }])
  }
  return due.length
})

async function tell(tx: Tx, publisherId: string, keyId: string): Promise<Key> {
  const document = keyDocument(await ownKey(tx, publisherId, keyId))
  await append(tx, publisherId, [{ topic: 'key', id: keyId, row: document }])
  return document
}
