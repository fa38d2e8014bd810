// Who looks after which holds.
// owns: leases of processes, and the finding of holds that nobody looks after. never: how such a hold is charged.
// always true: a living process's holds are never ended by another.

import { procedure, type Reader, type Tx } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { kindOf } from './chart.ts'
import { legsFrom } from './ledger.ts'

export const LEASE_MS = 15_000

/**
 * The owner of a hold that outlives processes: no lease is asked of it, and no clock ends it. Whoever made it ends it (a
 * refund under way, an open dispute, a payout).
 */
export const STANDING = { owner: 'standing', ttlMs: 100 * 365 * 86_400_000 } as const

/** Says that `owner` lives; call it every few seconds. */
export const renewLease = procedure(
  'ledger.renewLease',
  async (tx: Tx, { owner }: { owner: string }) => {
    await tx.run(
      'INSERT INTO leases (owner, lives_until) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET lives_until = excluded.lives_until',
      [owner, tx.now + LEASE_MS],
    )
  },
  { bookkeeping: true },
)

/** Gives up a lease: at a clean end, or for processes known to be dead (SQLite: the folder's lock proves it). */
export const endLeases = procedure('ledger.endLeases', async (tx: Tx, { owner }: { owner: string | 'all' }) => {
  if (owner === 'all') await tx.run('DELETE FROM leases')
  else await tx.run('DELETE FROM leases WHERE owner = ?', [owner])
})

/** How many processes live. */
export async function livingProcesses(reader: Reader, nowMs: number): Promise<number> {
  const row = await reader.get<{ n: number }>(
    'SELECT CAST(COUNT(*) AS BIGINT) AS n FROM leases WHERE lives_until >= ?',
    [nowMs],
  )
  return row?.n ?? 0
}

/** How many holds are open, and how long the oldest has been, in ms. */
export async function openHolds(reader: Reader, nowMs: number): Promise<{ count: number; oldestMs: number }> {
  const row = await reader.get<{ n: number; oldest: number | null }>(
    `SELECT CAST(COUNT(*) AS BIGINT) AS n, MIN(opened_at) AS oldest FROM open_holds WHERE owner <> '${STANDING.owner}'`,
  )
  return { count: row?.n ?? 0, oldestMs: row?.oldest == null ? 0 : Math.max(0, nowMs - row.oldest) }
}

export type OpenHold = {
  id: string
  request_id: string | null
  opened_at: number
  expires_at: number
  checkpoint: string | null
}

export type Lease = { owner: string; lives_until: number }

/** Every lease that was not given up; of a process that was killed it stays. */
export function leases(reader: Reader): Promise<Lease[]> {
  return reader.all<Lease>('SELECT owner, lives_until FROM leases')
}

/**
 * Holds that nobody looks after: their owner has no lease, or is known to be dead.
 * @param late and those whose own time has run out by this moment, ms (a running call renews its hold); null for none
 */
export async function orphans(reader: Reader, dead: readonly string[], late: number | null): Promise<OpenHold[]> {
  const found = new Map<string, OpenHold>()
  const open = `SELECT id, request_id, opened_at, expires_at, checkpoint FROM open_holds WHERE owner <> '${STANDING.owner}'`
  for (const list of padded(dead.length === 0 ? [''] : dead)) {
    const rows = await reader.all<OpenHold>(
      `${open} AND (expires_at < ? OR owner NOT IN (SELECT owner FROM leases) OR owner IN (${marks(list)}))
       ORDER BY opened_at LIMIT 1000`,
      [late ?? 0, ...list],
    )
    for (const row of rows) found.set(row.id, row)
  }
  return [...found.values()]
}

export type HoldsReport = {
  open: { id: string; request_id: string | null; amount: number; age_ms: number }[]
  ended: { settled: number; voided: number; expired: number }
  ended_twice: number
}

/** Every open hold (amount in micros of usd) and how the others ended. */
export async function holdsReport(reader: Reader, nowMs: number): Promise<HoldsReport> {
  const open = await reader.all<{ id: string; request_id: string | null; legs: string; opened_at: number }>(
    'SELECT h.id, h.request_id, m.legs, h.opened_at FROM open_holds h JOIN movements m ON m.id = h.id ORDER BY h.opened_at',
  )
  const count = async (where: string) =>
    (await reader.get<{ n: number }>(`SELECT CAST(COUNT(*) AS BIGINT) AS n FROM ${where}`))?.n ?? 0
  return {
    open: open.map((row) => ({
      id: row.id,
      request_id: row.request_id,
      amount: usdOf(row.legs),
      age_ms: nowMs - row.opened_at,
    })),
    ended: {
      settled: await count("movements WHERE kind = 'settle'"),
      voided: await count("movements WHERE kind = 'void'"),
      expired: await count("movements WHERE kind = 'expire'"),
    },
    ended_twice: await count(
      '(SELECT hold_id FROM movements WHERE hold_id IS NOT NULL GROUP BY hold_id HAVING COUNT(*) > 1) t',
    ),
  }
}

function usdOf(legs: string): number {
  let sum = 0
  for (const { from, amount } of legsFrom(legs)) if (kindOf(from).unit === 'usd') sum += amount
  return sum
}
