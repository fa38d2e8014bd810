// Charges become counters.
// owns: rollup_mark, the way from charges to counters. never: a counter; the charge itself; the log of calls.
// always true: the counters and the mark of what is counted are one commit that only goes on from where the last one
// stopped, so each charge is counted once, by whichever process; nobody who asks waits for a long history.

import { type Db, procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { hasUnsealed, headSeq, sealAll, sealedAt, unsealedUpTo } from '../ledger/chain.ts'
import { type Charge, chargesAfter, documentsOf, tokensOf } from '../receipts/charges.ts'
import { addModels, addUsers } from './counters.ts'
import { type KnownCharge, type ModelSum, sumsOf, type UserSum } from './sums.ts'

export type Roll = { from: number; to: number; models: readonly ModelSum[]; users: readonly UserSum[] }

/** Adds sums to the counters and moves the mark. False, with nothing done, when another process was first. */
export const addSums = procedure(
  'analytics.addSums',
  async (tx: Tx, { from, to, models, users }: Roll): Promise<boolean> => {
    const moved = await tx.run('UPDATE rollup_mark SET seq = ? WHERE id = 1 AND seq = ?', [to, from])
    if (moved !== 1) return false
    await addModels(tx, models)
    await addUsers(tx, users)
    return true
  },
  { bookkeeping: true },
)

type Needs = Pick<Deps, 'db'>

/** Counts the next charges, those of at most 1,000 movements. Answers whether there may be more. */
export async function rollSome({ db }: Needs): Promise<boolean> {
  const from = await markOf(db)
  const { charges, seq } = await chargesAfter(db, from)
  if (seq === from) return false
  try {
    await db.tx(addSums, { from, to: seq, ...sumsOf(await withTokens(db, charges)) })
  } catch (error) {
    // Another process held the mark for longer than a lock is waited for: it counts these, and we go on after it.
    if (!isFault(error) || (await markOf(db)) === from) throw error
  }
  return true
}

/** How far the counters are: all that was charged before the question, or (`until`, ms) what was charged before about then. */
export type Counted = { complete: boolean; until: number | null }

/** So many movements are counted while somebody waits: a busy server's between two sweeps. */
const FEW = 2000
const running = new WeakMap<Db, Promise<void>>()

/**
 * Counts all that was charged before this call, a slice at a time; requests are served between two slices. One at a time in
 * a process; of several processes at once, one counts and the others see that it did. Whoever is killed in the middle left
 * whole slices behind, and the next goes on after them.
 */
export async function catchUp(deps: Needs): Promise<void> {
  const before = running.get(deps.db) ?? Promise.resolve()
  const mine = before.catch(() => undefined).then(() => countAll(deps))
  running.set(deps.db, mine)
  await mine
}

/**
 * For who is about to read the counters: counts what little waits, or, when that is much (after an upgrade that counts
 * anew) or cannot be written now, says at once how far they are. Reads two rows and counts at most 2,000.
 */
export async function countedNow({ db, now }: Needs & Pick<Deps, 'now'>): Promise<Counted> {
  const askedAt = now()
  try {
    if ((await waitingOf(db)) <= FEW) {
      await catchUp({ db })
      return { complete: true, until: askedAt }
    }
  } catch (error) {
    if (!isFault(error)) throw error
  }
  return { complete: false, until: await sealedAt(db, await markOf(db)) }
}

async function countAll({ db }: Needs): Promise<void> {
  if (await hasUnsealed(db)) await sealAll(db)
  const end = await headSeq(db)
  while ((await markOf(db)) < end) {
    await rollSome({ db })
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function waitingOf(reader: Reader): Promise<number> {
  return (await headSeq(reader)) - (await markOf(reader)) + (await unsealedUpTo(reader, FEW + 1))
}

async function markOf(reader: Reader): Promise<number> {
  return (await reader.get<{ seq: number }>('SELECT seq FROM rollup_mark WHERE id = 1'))?.seq ?? 0
}

// Charges from before tokens were noted have theirs in their documents alone.
async function withTokens(reader: Reader, charges: readonly Charge[]): Promise<KnownCharge[]> {
  const older = charges.filter(({ tokens }) => tokens === null)
  const documents = await documentsOf(reader, older)
  return charges.map((charge) => ({
    ...charge,
    tokens: charge.tokens ?? tokensOf(documents.get(charge.requestId)?.units ?? {}),
  }))
}
