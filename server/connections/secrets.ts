// The change of an app's client secret.
// owns: which secrets of an app work, and until when. never: a secret in clear (only its hash comes here).
// always true: at most two work at once: the newest, and for thirty days the one before it.

import type { App } from '../contract/api.ts'
import { procedure, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { type AppRow, ownApp, writeApp } from './apps.ts'

/** How long the old secret goes on working after a rotation. */
export const SECONDARY_MS = 30 * 86_400_000

type OfApp = { publisherId: string; appId: string }

/** The hashes of the secrets that work at this moment, the newest first; none for a public app. */
export function secretHashes(row: AppRow, now: number): string[] {
  const { secret_hash: first, secondary_secret_hash: second, secondary_expires_at: endsAt } = row
  return [first, endsAt !== null && endsAt > now ? second : null].filter((hash) => hash !== null)
}

/**
 * Puts a new secret in the place of the one that is the newest now; that one works on for thirty days, and what was
 * left of an earlier rotation ends.
 * @throws Fault `not_found`, `bad_request` (a public app has no secret)
 */
export const rotateSecret = procedure(
  'apps.rotateSecret',
  async (tx: Tx, { publisherId, appId, secretHash }: OfApp & { secretHash: string }): Promise<App> => {
    await confidential(tx, publisherId, appId)
    await tx.run(
      'UPDATE apps SET secondary_secret_hash = secret_hash, secondary_expires_at = ?, secret_hash = ? WHERE id = ?',
      [tx.now + SECONDARY_MS, secretHash, appId],
    )
    return writeApp(tx, publisherId, appId)
  },
)

/** Ends the secret before the last rotation now. Doing it twice is once. @throws Fault as `rotateSecret` */
export const revokeSecondary = procedure(
  'apps.revokeSecondary',
  async (tx: Tx, { publisherId, appId }: OfApp): Promise<App> => {
    await confidential(tx, publisherId, appId)
    await tx.run('UPDATE apps SET secondary_secret_hash = NULL, secondary_expires_at = NULL WHERE id = ?', [appId])
    return writeApp(tx, publisherId, appId)
  },
)

async function confidential(tx: Tx, publisherId: string, appId: string): Promise<void> {
  const row = await ownApp(tx, publisherId, appId)
  if (row.type === 'public') throw fault('bad_request', { message: 'A public app has no secret.' })
}
