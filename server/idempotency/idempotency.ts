// Idempotency-Key on POSTs that move money and are not metered calls.
// owns: idempotent_answers. never: a metered call (the relay keeps its own answers); a secret.
// always true: an effect and its kept answer are one commit, so a second request with the same key waits for the first
// and is then given its answer; a refusal leaves the key free.

import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { procedure, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'

const KEPT_MS = 30 * 86_400_000
const SWEEP_AT_ONCE = 1000

/** Which request this is: its scope with the key, and its content, both as hashes. */
export type Attempt = { scopeHash: string; bodyHash: string }
export type Answer<T> = { answer: T; replayed: boolean }

/**
 * The attempt of a request that carries the header, else null.
 * @param scope who asks and who pays, and on which route
 * @param content what is asked, after parsing: spelling does not matter, meaning does
 * @throws Fault `bad_request` when the key is no visible text of at most 255 characters
 */
export function attemptOf(
  request: FastifyRequest,
  scope: { route: string; app: string; payer: string },
  content: unknown,
): Attempt | null {
  const key = request.headers['idempotency-key']
  if (key === undefined) return null
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw fault('bad_request', { message: 'Idempotency-Key: 1 to 255 visible characters.', param: 'Idempotency-Key' })
  }
  const { route, app, payer } = scope
  return { scopeHash: hash([route, app, payer, key]), bodyHash: hash(content) }
}

/**
 * Runs an effect once per attempt, within the caller's commit.
 * @throws Fault `idempotency_mismatch` when the key was used with other content; whatever the effect throws
 */
export async function once<T>(tx: Tx, attempt: Attempt | null, effect: () => Promise<T>): Promise<Answer<T>> {
  if (!attempt) return { answer: await effect(), replayed: false }
  const { scopeHash, bodyHash } = attempt
  await tx.run('DELETE FROM idempotent_answers WHERE scope_hash = ? AND at <= ?', [scopeHash, tx.now - KEPT_MS])
  // On Postgres this waits for a commit that has claimed the same key, and then finds its row.
  const claimed = await tx.run(
    `INSERT INTO idempotent_answers (scope_hash, body_hash, answer, at) VALUES (?, ?, '', ?) ON CONFLICT DO NOTHING`,
    [scopeHash, bodyHash, tx.now],
  )
  if (claimed === 0) {
    const kept = await tx.get<{ body_hash: string; answer: string }>(
      'SELECT body_hash, answer FROM idempotent_answers WHERE scope_hash = ?',
      [scopeHash],
    )
    if (!kept) throw fault('idempotency_in_progress')
    if (kept.body_hash !== bodyHash) throw fault('idempotency_mismatch')
    return { answer: JSON.parse(kept.answer), replayed: true }
  }
  const answer = await effect()
  await tx.run('UPDATE idempotent_answers SET answer = ? WHERE scope_hash = ?', [JSON.stringify(answer), scopeHash])
  return { answer, replayed: false }
}

/** Gives an answer, saying by header when it is one given before. */
export function reply<T>(to: FastifyReply, { answer, replayed }: Answer<T>): T {
  if (replayed) to.header('idempotency-replayed', 'true')
  return answer
}

/** Forgets answers older than 30 days, a thousand at a time. */
export const sweepAnswers = procedure(
  'idempotency.sweep',
  async (tx: Tx): Promise<number> =>
    tx.run(
      `DELETE FROM idempotent_answers WHERE scope_hash IN
     (SELECT scope_hash FROM idempotent_answers WHERE at <= ? ORDER BY at LIMIT ${SWEEP_AT_ONCE})`,
      [tx.now - KEPT_MS],
    ),
)

function hash(content: unknown): string {
  return createHash('sha256').update(canonical(content)).digest('hex')
}

/** JSON with sorted keys and without absent fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`
}
