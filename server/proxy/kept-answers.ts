// Answers kept for an Idempotency-Key.
// owns: kept_answers, and their end after a day. never: an answer in clear on disk.
// always true: a key is claimed in the commit that holds and filled in the one that settles; whatever ends the hold
// otherwise frees the key.

import { createHash } from 'node:crypto'
import type { Quota } from '../contract/api.ts'
import { procedure, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import { fault } from '../faults.ts'

export const KEPT_MS = 24 * 60 * 60 * 1000

/** `scope`: app, payer, route and key together; the path form and the header form are two routes. */
export type Claim = { scope: string; bodyHash: string }
export type KeptAnswer = { scope: string; sealed: string; quota: Quota }

/** @param key the header; @param scope who and where it counts */
export function claimOf(key: string, scope: { app: string; payer: string; route: string }, body: Buffer): Claim {
  const hash = (...parts: (string | Buffer)[]) => {
    const digest = createHash('sha256')
    for (const part of parts) digest.update(`${part.length}:`).update(part)
    return digest.digest('hex')
  }
  return { scope: hash(scope.app, scope.payer, scope.route, key), bodyHash: hash(body) }
}

/**
 * Claims the key for a hold.
 * @returns null when it is ours now, else the first call's answer
 * @throws Fault idempotency_mismatch, idempotency_in_progress
 */
export async function claimAnswer(tx: Tx, claim: Claim, holdId: string): Promise<KeptAnswer | null> {
  await tx.run('DELETE FROM kept_answers WHERE scope = ? AND expires_at <= ?', [claim.scope, tx.now])
  const taken = await tx.run(
    'INSERT INTO kept_answers (scope, body_hash, hold_id, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    [claim.scope, claim.bodyHash, holdId, tx.now + KEPT_MS],
  )
  if (taken === 1) return null
  const row = await tx.get<{ body_hash: string; sealed: string | null; quota: string | null }>(
    'SELECT body_hash, sealed, quota FROM kept_answers WHERE scope = ?',
    [claim.scope],
  )
  if (row && row.body_hash !== claim.bodyHash) throw fault('idempotency_mismatch')
  if (!row?.sealed || !row.quota) throw fault('idempotency_in_progress', { retryAfterS: 1 })
  return { scope: claim.scope, sealed: row.sealed, quota: JSON.parse(row.quota) }
}

/** Fills the answer in, in the commit that settles. Nothing happens for a hold without a key. */
export async function keepAnswer(tx: Tx, holdId: string, sealed: string, quota: Quota): Promise<void> {
  await tx.run('UPDATE kept_answers SET sealed = ?, quota = ? WHERE hold_id = ?', [
    sealed,
    JSON.stringify(quota),
    holdId,
  ])
}

export async function freeAnswer(tx: Tx, holdId: string): Promise<void> {
  await tx.run('DELETE FROM kept_answers WHERE hold_id = ? AND sealed IS NULL', [holdId])
}

const SWEEP_AT_ONCE = 500

/** Forgets answers older than a day, so many at a time. @returns how many */
export const sweepKept = procedure(
  'proxy.sweepKept',
  async (tx: Tx): Promise<number> =>
    tx.run(
      `DELETE FROM kept_answers WHERE scope IN
       (SELECT scope FROM kept_answers WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEEP_AT_ONCE})`,
      [tx.now],
    ),
)

/** Where an answer lies, for its seal. */
export function keptAt(scope: string): string {
  return `kept_answers/${scope}`
}

export const sealedAnswers = sealedColumn({
  table: 'kept_answers',
  key: 'scope',
  column: 'sealed',
  place: ({ key }) => keptAt(key),
})
