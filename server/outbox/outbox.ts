// Effects on the outside world: promised in the commit that decides them, carried out after it.
// owns: outbox. never: what an effect does (each kind has a carrier, handed in).
// always true: a promise is in the same commit as the fact it follows from; it is kept at least once, by one process at a
// time, and forgotten only when its carrier says that it is done - so a carrier looks before it acts. Who carries one kind
// leaves every other kind alone.

import { procedure, type Reader, type Tx } from '../db/db.ts'
import { marks } from '../db/lists.ts'
import type { Deps } from '../deps.ts'

/** Something to be done outside. The same id is one promise. */
export type Promised = { id: string; kind: string; subject: string; dueAt?: number }
export type Claimed = { id: string; kind: string; subject: string; tries: number; promisedAt: number }

/** What a carrier answers: it is done, or it wants to be asked again after a while. A throw is asked again with back-off. */
export type Carried = 'done' | { againMs: number }
export type Carrier = (deps: Deps, effect: Claimed) => Promise<Carried>
export type Carriers = Readonly<Record<string, Carrier>>

/** How long one process keeps an effect to itself; longer than any carrier takes. */
export const CLAIM_MS = 90_000
const AT_ONCE = 20
const BACK_OFF_MS = 1000
const BACK_OFF_MAX_MS = 3_600_000
const TROUBLE_MAX = 300

/** Promises an effect. Promising it twice is once. */
export async function promise(tx: Tx, { id, kind, subject, dueAt }: Promised): Promise<void> {
  await tx.run(
    'INSERT INTO outbox (id, kind, subject, due_at, promised_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    [id, kind, subject, dueAt ?? tx.now, tx.now],
  )
}

const claimDue = procedure(
  'outbox.claim',
  async (tx: Tx, { kinds }: { kinds: readonly string[] }): Promise<Claimed[]> => {
    const due = await tx.all<{ id: string }>(
      `SELECT id FROM outbox WHERE due_at <= ? AND claimed_until <= ? AND kind IN (${marks(kinds)}) ORDER BY due_at, id LIMIT ${AT_ONCE}`,
      [tx.now, tx.now, ...kinds],
    )
    const claimed: Claimed[] = []
    for (const { id } of due) {
      // Looked at again under the row's lock: another process may have been faster (Postgres).
      const row = await tx.get<{ kind: string; subject: string; tries: number; promised_at: number }>(
        `UPDATE outbox SET claimed_until = ?, tries = tries + 1 WHERE id = ? AND claimed_until <= ?
       RETURNING kind, subject, tries, promised_at`,
        [tx.now + CLAIM_MS, id, tx.now],
      )
      if (row) claimed.push({ id, kind: row.kind, subject: row.subject, tries: row.tries, promisedAt: row.promised_at })
    }
    return claimed
  },
  { bookkeeping: true },
)

/** Gives back what dead processes had claimed; only where it is known that they are dead. */
export const releaseClaims = procedure('outbox.releaseClaims', async (tx: Tx): Promise<void> => {
  await tx.run('UPDATE outbox SET claimed_until = 0')
})

const forget = procedure(
  'outbox.forget',
  async (tx: Tx, { id }: { id: string }): Promise<void> => {
    await tx.run('DELETE FROM outbox WHERE id = ?', [id])
  },
  { bookkeeping: true },
)

const putBack = procedure(
  'outbox.putBack',
  async (tx: Tx, { id, ms, trouble }: { id: string; ms: number; trouble: string | null }): Promise<void> => {
    await tx.run('UPDATE outbox SET due_at = ?, claimed_until = 0, trouble = ? WHERE id = ?', [
      tx.now + ms,
      trouble,
      id,
    ])
  },
  { bookkeeping: true },
)

/**
 * Carries out what is due of the carriers' kinds, one after the other. Safe to run at any time, in several processes.
 * @returns how many effects it looked at
 */
export async function carryOut(deps: Deps, carriers: Carriers): Promise<number> {
  const kinds = Object.keys(carriers)
  const now = deps.now()
  const due = await deps.db.get(
    `SELECT 1 AS due FROM outbox WHERE due_at <= ? AND claimed_until <= ? AND kind IN (${marks(kinds)}) LIMIT 1`,
    [now, now, ...kinds],
  )
  if (!due) return 0 // most of the time; a look costs no commit
  const claimed = await deps.db.tx(claimDue, { kinds })
  for (const effect of claimed) await carryOne(deps, carriers, effect)
  return claimed.length
}

/** What waits, and since when: for the figures and for people who run the server. */
export function waiting(
  reader: Reader,
): Promise<{ id: string; tries: number; promised_at: number; trouble: string | null }[]> {
  return reader.all('SELECT id, tries, promised_at, trouble FROM outbox ORDER BY promised_at, id LIMIT 1000')
}

async function carryOne(deps: Deps, carriers: Carriers, effect: Claimed): Promise<void> {
  const carrier = carriers[effect.kind]
  try {
    if (!carrier) throw new Error(`nobody carries out ${effect.kind}`)
    const carried = await carrier(deps, effect)
    if (carried === 'done') await deps.db.tx(forget, { id: effect.id })
    else await deps.db.tx(putBack, { id: effect.id, ms: carried.againMs, trouble: null })
  } catch (error) {
    const trouble = String(error).slice(0, TROUBLE_MAX)
    deps.log.warn(
      { effect: effect.id, tries: effect.tries, err: trouble },
      'an effect was not carried out; it is tried again',
    )
    const ms = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** Math.min(effect.tries, 20))
    await deps.db.tx(putBack, { id: effect.id, ms, trouble })
  }
}
