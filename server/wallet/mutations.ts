// A wallet's edits: numbered per device, each carried out once.
// owns: wallet_clients, wallet_mutations. never: what an edit does (edits.ts).
// always true: numbers are dense; an edit and its number are one commit; a refused edit consumes its number, so it
// cannot jam the queue behind it.

import { createHash } from 'node:crypto'
import { FAULTS } from '../contract/faults.ts'
import type { Mutation, MutationResult } from '../contract/feed.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { fault, isFault } from '../faults.ts'
import { carryOut } from './edits.ts'

type Writer = Pick<Deps, 'db' | 'log'>

/** How far a device's edits have come. */
export async function lastMid(reader: Reader, userId: string, client: string): Promise<number> {
  const row = await reader.get<{ last_mid: number }>(
    'SELECT last_mid FROM wallet_clients WHERE user_id = ? AND client = ?',
    [userId, client],
  )
  return row?.last_mid ?? 0
}

/**
 * Carries out edits in their order.
 * @returns one result for each
 * @throws Fault `mutation_gap` (details.expected_mid), `idempotency_mismatch`, `ledger_unavailable`: what came before stands
 */
export async function mutate(
  deps: Writer,
  userId: string,
  client: string,
  mutations: readonly Mutation[],
): Promise<MutationResult[]> {
  const results: MutationResult[] = []
  for (const mutation of mutations)
    results.push(await mutateOnce(deps, { userId, client, mutation, hash: contentHash(mutation) }))
  return results
}

type Numbered = { userId: string; client: string; mutation: Mutation; hash: string }
type Refusal = { code: string; message: string }
/** What stands for a number: nothing yet (it was taken now), or what became of it before. */
type Taken = { first: true } | { first: false; result: MutationResult } | { gap: number } | { mismatch: true }

async function mutateOnce(deps: Writer, numbered: Numbered): Promise<MutationResult> {
  const refused = await deps.db.tx(applyMutation, numbered).catch((error) => refusalOf(deps, numbered, error))
  if (!('code' in refused)) return resultOf(refused, numbered, null)
  return resultOf(await deps.db.tx(refuseMutation, { ...numbered, ...refused }), numbered, refused)
}

/** A person's mistake, or a defect of ours that would break again. @throws what came from a store that is away */
function refusalOf(deps: Writer, { mutation }: Numbered, error: unknown): Refusal {
  if (isFault(error) && error.status >= 500) throw error
  if (isFault(error)) return { code: error.code, message: error.message }
  deps.log.error({ err: String(error), name: mutation.name }, 'an edit broke')
  return { code: 'internal_error', message: FAULTS.internal_error[2] }
}

function resultOf(taken: Taken, { mutation: { mid } }: Numbered, refused: Refusal | null): MutationResult {
  if ('gap' in taken) throw fault('mutation_gap', { details: { expected_mid: taken.gap } })
  if ('mismatch' in taken) throw fault('idempotency_mismatch', { message: 'This mid was used for another edit.' })
  if (!taken.first) return taken.result
  return refused ? { mid, status: 'rejected', ...refused } : { mid, status: 'applied' }
}

const applyMutation = procedure('wallet.apply', async (tx: Tx, numbered: Numbered): Promise<Taken> => {
  const taken = await take(tx, numbered, null)
  if (!('first' in taken) || !taken.first) return taken
  const { userId, mutation } = numbered
  await carryOut(tx, { userId, baseVersion: mutation.base_version }, mutation.name, mutation.args)
  return taken
})

/** Consumes the number of an edit whose effect was rolled back. */
const refuseMutation = procedure(
  'wallet.refuse',
  (tx: Tx, refused: Numbered & Refusal): Promise<Taken> => take(tx, refused, refused),
)

/** Takes a number, if it is the next one. Locks the device's row, so two requests of one device go one after the other. */
async function take(tx: Tx, numbered: Numbered, refused: Refusal | null): Promise<Taken> {
  const { userId, client, mutation, hash } = numbered
  await tx.run('INSERT INTO wallet_clients (user_id, client, last_mid) VALUES (?, ?, 0) ON CONFLICT DO NOTHING', [
    userId,
    client,
  ])
  const next = await tx.run(
    'UPDATE wallet_clients SET last_mid = ? WHERE user_id = ? AND client = ? AND last_mid = ?',
    [mutation.mid, userId, client, mutation.mid - 1],
  )
  if (next === 1) {
    await tx.run(
      'INSERT INTO wallet_mutations (user_id, client, mid, hash, code, message, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      [userId, client, mutation.mid, hash, refused?.code ?? null, refused?.message ?? null, tx.now],
    )
    return { first: true }
  }
  const there = await tx.get<{ hash: string; code: string | null; message: string | null }>(
    'SELECT hash, code, message FROM wallet_mutations WHERE user_id = ? AND client = ? AND mid = ?',
    [userId, client, mutation.mid],
  )
  if (!there) return { gap: (await lastMid(tx, userId, client)) + 1 }
  if (there.hash !== hash) return { mismatch: true }
  const { code, message } = there
  const { mid } = mutation
  const result: MutationResult =
    code === null ? { mid, status: 'already_applied' } : { mid, status: 'rejected', code, message: message ?? '' }
  return { first: false, result }
}

function contentHash({ name, args, base_version }: Mutation): string {
  return createHash('sha256')
    .update(JSON.stringify([name, sorted(args), base_version ?? null]))
    .digest('hex')
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
