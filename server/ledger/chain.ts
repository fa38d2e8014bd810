// The chain over all movements, and the audit that walks it.
// owns: the order and the hashes of movements; the totals of accounts without a floor. never: new movements.
// always true: a sealed movement cannot change unseen; sealing twice does nothing; a trial balance is taken of one moment.

import { createHash } from 'node:crypto'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { kindOf, type Unit } from './chart.ts'
import { type Leg, legsFrom, netByAccount, openAccount } from './ledger.ts'

export type MovementRow = {
  id: string
  kind: string
  hold_id: string | null
  request_id: string | null
  legs: string
  memo: string | null
  at: number
  seq: number | null
  prev_hash: string | null
  hash: string | null
}

const COLUMNS = 'id, kind, hold_id, request_id, legs, memo, at, seq, prev_hash, hash'
const SEAL_AT_ONCE = 2000

/** Hash of a movement at its place in the chain: SHA-256 over the hash before it and the movement's canonical JSON. */
export function movementHash(prev: string, seq: number, row: MovementRow): string {
  const content = JSON.stringify([seq, row.id, row.kind, row.hold_id, row.request_id, row.legs, row.memo, row.at])
  return createHash('sha256').update(`${prev}\n${content}`).digest('hex')
}

/** Chains up to 2,000 waiting movements and adds them to the accounts without a floor. Answers how many it chained. */
export const seal = procedure('ledger.seal', async (tx: Tx): Promise<number> => {
  // Takes the head's row lock first: one sealer at a time across processes.
  const head = await tx.get<{ seq: number; hash: string }>('UPDATE chain_head SET seq = seq WHERE id = 1 RETURNING seq, hash')
  if (!head) throw new Error('the chain has no head')
  const rows = await tx.all<MovementRow>(
    `SELECT ${COLUMNS} FROM movements WHERE seq IS NULL ORDER BY at, id LIMIT ${SEAL_AT_ONCE}`,
  )
  const unguarded: Leg[] = []
  for (const row of rows) {
    const prev = head.hash
    head.seq++
    head.hash = movementHash(prev, head.seq, row)
    await tx.run('UPDATE movements SET seq = ?, prev_hash = ?, hash = ? WHERE id = ?', [head.seq, prev, head.hash, row.id])
    if (row.kind !== 'hold') unguarded.push(...legsFrom(row.legs))
  }
  if (rows.length === 0) return 0
  await tx.run('UPDATE chain_head SET seq = ?, hash = ? WHERE id = 1', [head.seq, head.hash])
  for (const [id, change] of netByAccount(unguarded)) {
    if (kindOf(id).guarded || change === 0) continue
    await openAccount(tx, id)
    await tx.run('UPDATE accounts SET posted = posted + ? WHERE id = ?', [change, id])
  }
  return rows.length
})

/** What an account without a floor stands at, of this moment (sealed total + what waits to be sealed). */
export async function total(reader: Reader, id: string): Promise<number> {
  const sealed = await reader.get<{ posted: number }>('SELECT posted FROM accounts WHERE id = ?', [id])
  const waiting = await reader.all<{ legs: string }>(`SELECT legs FROM movements WHERE seq IS NULL AND kind <> 'hold'`)
  return (sealed?.posted ?? 0) + (netByAccount(waiting.flatMap((row) => legsFrom(row.legs))).get(id) ?? 0)
}

/** Movements in chain order, a page at a time. */
export function entriesAfter(reader: Reader, seq: number, limit: number): Promise<MovementRow[]> {
  return reader.all<MovementRow>(`SELECT ${COLUMNS} FROM movements WHERE seq > ? ORDER BY seq LIMIT ${limit}`, [seq])
}

export type TrialBalance = { units: Record<Unit, { sum: number }>; ok: boolean }

/** Sums every account per unit; each must be zero. `reader` must see one moment (a snapshot). */
export async function trialBalance(reader: Reader): Promise<TrialBalance> {
  const sums: Record<Unit, number> = { usd: 0, cap: 0 }
  const rows = await reader.all<{ unit: Unit; sum: number }>(
    'SELECT unit, CAST(SUM(posted) AS INTEGER) AS sum FROM accounts GROUP BY unit',
  )
  for (const row of rows) sums[row.unit] += row.sum
  const waiting = await reader.all<{ legs: string }>(`SELECT legs FROM movements WHERE seq IS NULL AND kind <> 'hold'`)
  for (const [id, change] of netByAccount(waiting.flatMap((row) => legsFrom(row.legs)))) {
    const { unit, guarded } = kindOf(id)
    if (!guarded) sums[unit] += change
  }
  return { units: { usd: { sum: sums.usd }, cap: { sum: sums.cap } }, ok: sums.usd === 0 && sums.cap === 0 }
}

export type AuditReport = { ok: boolean; movements: number; openHolds: number; differences: string[] }

/**
 * Recomputes everything from the movements: the chain, every account's posted and held, that each hold ended at most
 * once, and the trial balance. Takes time in proportion to the history; `reader` must see one moment.
 * @returns the differences in words, at most 20
 */
export async function audit(reader: Reader): Promise<AuditReport> {
  const differences: string[] = []
  const report = (text: string) => void (differences.length < 20 && differences.push(text))
  const posted = new Map<string, number>()
  const held = new Map<string, number>()
  const open = new Map<string, Leg[]>()
  const apply = (row: MovementRow) => {
    const legs = legsFrom(row.legs)
    if (row.kind === 'hold') {
      open.set(row.id, legs)
      for (const { from, amount } of legs) add(held, from, amount)
      return
    }
    if (row.hold_id !== null) {
      const reserved = open.get(row.hold_id)
      if (!reserved) report(`hold ${row.hold_id} ended twice, or never was`)
      for (const { from, amount } of reserved ?? []) add(held, from, -amount)
      open.delete(row.hold_id)
    }
    for (const [id, change] of netByAccount(legs)) add(posted, id, change)
  }
  const movements = await walkChain(reader, apply, report)
  await compareAccounts(reader, posted, held, report)
  const balance = await trialBalance(reader)
  if (!balance.ok) report(`the trial balance is not zero: ${JSON.stringify(balance.units)}`)
  return { ok: differences.length === 0, movements, openHolds: open.size, differences }
}

function add(map: Map<string, number>, key: string, change: number): void {
  map.set(key, (map.get(key) ?? 0) + change)
}

async function walkChain(reader: Reader, apply: (row: MovementRow) => void, report: (text: string) => void): Promise<number> {
  let prev = ''
  let seq = 0
  for (;;) {
    const rows = await entriesAfter(reader, seq, 5000)
    if (rows.length === 0) break
    for (const row of rows) {
      seq++
      if (row.seq !== seq) report(`movement ${seq} is missing`)
      if (row.prev_hash !== prev || row.hash !== movementHash(prev, seq, row)) report(`movement ${row.id} does not match its hash`)
      prev = row.hash ?? ''
      seq = row.seq ?? seq
    }
    // A hold and its end may be chained in either order when two processes commit in the same millisecond.
    for (const row of rows) if (row.kind === 'hold') apply(row)
    for (const row of rows) if (row.kind !== 'hold') apply(row)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const head = await reader.get<{ seq: number; hash: string }>('SELECT seq, hash FROM chain_head WHERE id = 1')
  if (head?.seq !== seq || head.hash !== prev) report('the head of the chain is not its last movement')
  const waiting = await reader.all<MovementRow>(`SELECT ${COLUMNS} FROM movements WHERE seq IS NULL ORDER BY at, id`)
  for (const row of waiting) if (row.kind === 'hold') apply(row)
  for (const row of waiting) if (row.kind !== 'hold') apply(row)
  return seq + waiting.length
}

async function compareAccounts(reader: Reader, posted: Map<string, number>, held: Map<string, number>, report: (text: string) => void) {
  const seen = new Set<string>()
  for (const row of await reader.all<{ id: string; guarded: number; posted: number; held: number; floor: number }>('SELECT id, guarded, posted, held, floor FROM accounts')) {
    seen.add(row.id)
    if (row.guarded === 0) continue
    if (row.posted !== (posted.get(row.id) ?? 0)) report(`${row.id} stands at ${row.posted}, its movements say ${posted.get(row.id) ?? 0}`)
    if (row.held !== (held.get(row.id) ?? 0)) report(`${row.id} holds ${row.held}, its movements say ${held.get(row.id) ?? 0}`)
  }
  for (const [id, sum] of posted) {
    if (kindOf(id).guarded && !seen.has(id) && sum !== 0) report(`${id} has movements and no row`)
    if (!kindOf(id).guarded) continue
  }
}
