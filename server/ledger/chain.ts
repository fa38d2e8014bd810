// The chain over all movements, and the audit that walks it.
// owns: the order and the hashes of movements; the totals of accounts without a floor. never: new movements.
// always true: a sealed movement cannot change unseen; sealing twice does nothing; a trial balance is taken of one moment.

import { createHash } from 'node:crypto'
import { type Db, procedure, type Reader, type Tx } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { type AccountKind, kindOf, type Unit } from './chart.ts'
import { type Leg, legsFrom, openAccount } from './ledger.ts'

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
const SEAL_AT_ONCE = 250
const SETTLEMENTS_AT_ONCE = 1000

/** Hash of a movement at its place in the chain: SHA-256 over the hash before it and the movement's canonical JSON. */
export function movementHash(prev: string, seq: number, row: MovementRow): string {
  const content = JSON.stringify([seq, row.id, row.kind, row.hold_id, row.request_id, row.legs, row.memo, row.at])
  return createHash('sha256').update(`${prev}\n${content}`).digest('hex')
}

/** Chains up to 250 waiting movements and adds them to the accounts without a floor. Answers how many it chained. */
export const seal = procedure(
  'ledger.seal',
  async (tx: Tx): Promise<number> => {
    // Takes the head's row lock first: one sealer at a time across processes.
    const head = await tx.get<{ seq: number; hash: string }>(
      'UPDATE chain_head SET seq = seq WHERE id = 1 RETURNING seq, hash',
    )
    if (!head) throw new Error('the chain has no head')
    const rows = await tx.all<MovementRow>(
      `SELECT ${COLUMNS} FROM movements WHERE seq IS NULL ORDER BY at, id LIMIT ${SEAL_AT_ONCE}`,
    )
    const changes: Totals = new Map()
    for (const row of rows) {
      const prev = head.hash
      head.seq++
      head.hash = movementHash(prev, head.seq, row)
      await tx.run('UPDATE movements SET seq = ?, prev_hash = ?, hash = ? WHERE id = ?', [
        head.seq,
        prev,
        head.hash,
        row.id,
      ])
      if (row.kind !== 'hold') addLegs(changes, legsFrom(row.legs))
    }
    if (rows.length === 0) return 0
    await tx.run('UPDATE chain_head SET seq = ?, hash = ? WHERE id = 1', [head.seq, head.hash])
    for (const [id, change] of changes) {
      if (kindOf(id).guarded || change === 0n) continue
      await openAccount(tx, id)
      await tx.run('UPDATE accounts SET posted = posted + CAST(? AS BIGINT) WHERE id = ?', [String(change), id])
    }
    return rows.length
  },
  { bookkeeping: true },
)

// Totals are exact at any size: accounts without a floor add up amounts of every person, and nothing bounds them.
type Totals = Map<string, bigint>

function add(totals: Totals, id: string, change: bigint): void {
  totals.set(id, (totals.get(id) ?? 0n) + change)
}

function addLegs(totals: Totals, legs: readonly Leg[]): void {
  for (const { from, to, amount } of legs) {
    add(totals, from, BigInt(-amount))
    add(totals, to, BigInt(amount))
  }
}

async function waitingTotals(reader: Reader): Promise<Totals> {
  const totals: Totals = new Map()
  const waiting = await reader.all<{ legs: string }>(`SELECT legs FROM movements WHERE seq IS NULL AND kind <> 'hold'`)
  for (const row of waiting) addLegs(totals, legsFrom(row.legs))
  return totals
}

/** The number of the last sealed movement. */
export async function headSeq(reader: Reader): Promise<number> {
  return (await reader.get<{ seq: number }>('SELECT seq FROM chain_head WHERE id = 1'))?.seq ?? 0
}

/** Whether anything waits to be chained; a look costs no commit. */
export async function hasUnsealed(reader: Reader): Promise<boolean> {
  return (await reader.get('SELECT 1 AS yes FROM movements WHERE seq IS NULL LIMIT 1')) !== undefined
}

/** How many movements wait to be chained; of more than `most` it says `most`. */
export async function unsealedUpTo(reader: Reader, most: number): Promise<number> {
  const row = await reader.get<{ n: number }>(
    'SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM movements WHERE seq IS NULL LIMIT ?) AS waiting',
    [most],
  )
  return row?.n ?? 0
}

/** When a chained movement was made, ms; null for none. */
export async function sealedAt(reader: Reader, seq: number): Promise<number | null> {
  return (await reader.get<{ at: number }>('SELECT at FROM movements WHERE seq = ?', [seq]))?.at ?? null
}

/** Chains all that waits, a little at a time, so that the writer serves calls in between; what comes meanwhile may wait. */
export async function sealAll(db: Db): Promise<void> {
  while ((await db.tx(seal, undefined)) === SEAL_AT_ONCE);
}

/**
 * What an account without a floor stands at (sealed total + what waits to be sealed). `reader` must see one moment.
 * @throws Error when the total is not a safe integer
 */
export async function total(reader: Reader, id: string): Promise<number> {
  const sealed = await reader.get<{ posted: string }>(
    'SELECT CAST(posted AS TEXT) AS posted FROM accounts WHERE id = ?',
    [id],
  )
  const sum = Number(BigInt(sealed?.posted ?? 0) + ((await waitingTotals(reader)).get(id) ?? 0n))
  if (!Number.isSafeInteger(sum)) throw new Error(`the total of ${id} is not a safe integer`)
  return sum
}

/** What accounts with a floor hold together (posted, so with what is reserved). Micros. */
export async function postedTogether(reader: Reader, ids: readonly string[]): Promise<number> {
  let sum = 0
  for (const list of padded(ids)) {
    const row = await reader.get<{ sum: number }>(
      `SELECT CAST(COALESCE(SUM(posted), 0) AS BIGINT) AS sum FROM accounts WHERE id IN (${marks(list)})`,
      list,
    )
    sum += row?.sum ?? 0
  }
  return sum
}

/** Movements in chain order, a page at a time. */
export function entriesAfter(reader: Reader, seq: number, limit: number): Promise<MovementRow[]> {
  return reader.all<MovementRow>(`SELECT ${COLUMNS} FROM movements WHERE seq > ? ORDER BY seq LIMIT ${limit}`, [seq])
}

export type Settlement = { id: string; request_id: string | null; legs: string; at: number }

/**
 * Settlements among the next sealed movements that touch an account of this kind (null: any), in chain order.
 * @param seq where the last look ended
 * @returns them, and where this look ended: nothing before it is ever added
 */
export async function settlementsAfter(
  reader: Reader,
  kind: AccountKind | null,
  seq: number,
): Promise<{ rows: Settlement[]; seq: number }> {
  const upTo = Math.min(await headSeq(reader), seq + SETTLEMENTS_AT_ONCE)
  if (upTo <= seq) return { rows: [], seq }
  const rows = await reader.all<Settlement>(
    `SELECT id, request_id, legs, at FROM movements WHERE seq > ? AND seq <= ? AND kind = 'settle' AND legs LIKE ? ORDER BY seq`,
    [seq, upTo, kind === null ? '%' : `%"${kind}:%`],
  )
  return { rows, seq: upTo }
}

export type TrialBalance = { units: Record<Unit, { sum: number }>; ok: boolean }

/** Sums every account per unit; each must be zero. `reader` must see one moment (a snapshot). */
export async function trialBalance(reader: Reader): Promise<TrialBalance> {
  const sums: Record<Unit, bigint> = { usd: 0n, cap: 0n }
  const rows = await reader.all<{ unit: Unit; sum: string }>(
    'SELECT unit, CAST(SUM(posted) AS TEXT) AS sum FROM accounts GROUP BY unit',
  )
  for (const row of rows) sums[row.unit] += BigInt(row.sum)
  for (const [id, change] of await waitingTotals(reader)) {
    const { unit, guarded } = kindOf(id)
    if (!guarded) sums[unit] += change
  }
  const { usd, cap } = sums
  return { units: { usd: { sum: Number(usd) }, cap: { sum: Number(cap) } }, ok: usd === 0n && cap === 0n }
}

export type AuditReport = { ok: boolean; movements: number; openHolds: number; differences: string[] }

/**
 * Recomputes everything from the movements: the chain, every account's posted and held, that each hold ended at most
 * once and took no more than it held, the index of open holds, and the trial balance. Takes time in proportion to the
 * history; `reader` must see one moment.
 * @returns the differences in words, at most 20
 */
export async function audit(reader: Reader): Promise<AuditReport> {
  const differences: string[] = []
  const report = (text: string) => void (differences.length < 20 && differences.push(text))
  const books: Books = { posted: new Map(), held: new Map(), open: new Map(), early: new Map() }
  const sealed = await walkChain(reader, books, report)
  const sealedTotals = new Map(books.posted)
  const waiting = await reader.all<MovementRow>(`SELECT ${COLUMNS} FROM movements WHERE seq IS NULL ORDER BY at, id`)
  for (const row of waiting) applyMovement(books, row, report)
  for (const holdId of books.early.keys()) report(`hold ${holdId} ended twice, or never was`)
  await compareAccounts(reader, books, sealedTotals, report)
  await compareOpenHolds(reader, books, report)
  const balance = await trialBalance(reader)
  if (!balance.ok) report(`the trial balance is not zero: ${JSON.stringify(balance.units)}`)
  return { ok: differences.length === 0, movements: sealed + waiting.length, openHolds: books.open.size, differences }
}

// `early`: endings met before their holds, which clocks that differ between processes make possible.
type Books = { posted: Totals; held: Totals; open: Map<string, Leg[]>; early: Map<string, MovementRow> }
type Report = (text: string) => void

function applyMovement(books: Books, row: MovementRow, report: Report): void {
  const legs = legsFrom(row.legs)
  if (row.kind === 'hold') {
    books.open.set(row.id, legs)
    for (const { from, amount } of legs) add(books.held, from, BigInt(amount))
    const ending = books.early.get(row.id)
    books.early.delete(row.id)
    if (ending) endHold(books, row.id, legsFrom(ending.legs), report)
    return
  }
  addLegs(books.posted, legs)
  if (row.hold_id === null) return
  if (books.open.has(row.hold_id)) endHold(books, row.hold_id, legs, report)
  else if (books.early.has(row.hold_id)) report(`hold ${row.hold_id} ended twice`)
  else books.early.set(row.hold_id, row)
}

function endHold(books: Books, holdId: string, taken: readonly Leg[], report: Report): void {
  const left: Totals = new Map()
  for (const { from, amount } of books.open.get(holdId) ?? []) {
    add(books.held, from, BigInt(-amount))
    add(left, from, BigInt(amount))
  }
  for (const { from, amount } of taken) add(left, from, BigInt(-amount))
  for (const [id, rest] of left) if (rest < 0n) report(`the ending of ${holdId} took more from ${id} than it held`)
  books.open.delete(holdId)
}

async function walkChain(reader: Reader, books: Books, report: Report): Promise<number> {
  let prev = ''
  let seq = 0
  let count = 0
  for (;;) {
    const rows = await entriesAfter(reader, seq, 5000)
    if (rows.length === 0) break
    for (const row of rows) {
      seq++
      if (row.seq !== seq) report(`movement ${seq} is missing`)
      if (row.prev_hash !== prev || row.hash !== movementHash(prev, row.seq ?? 0, row)) {
        report(`movement ${row.id} does not match its hash`)
      }
      prev = row.hash ?? ''
      seq = row.seq ?? seq
      applyMovement(books, row, report)
    }
    count += rows.length
    await new Promise((resolve) => setImmediate(resolve))
  }
  const head = await reader.get<{ seq: number; hash: string }>('SELECT seq, hash FROM chain_head WHERE id = 1')
  if (head?.seq !== seq || head.hash !== prev) report('the head of the chain is not its last movement')
  return count
}

type AccountRow = { id: string; unit: string; guarded: number; posted: string; held: string }

// Accounts without a floor stand at their sealed movements; the others at all of them.
async function compareAccounts(reader: Reader, books: Books, sealed: Totals, report: Report): Promise<void> {
  const seen = new Set<string>()
  const rows = await reader.all<AccountRow>(
    'SELECT id, unit, guarded, CAST(posted AS TEXT) AS posted, CAST(held AS TEXT) AS held FROM accounts',
  )
  for (const row of rows) {
    seen.add(row.id)
    const kind = kindOf(row.id)
    if (row.unit !== kind.unit || row.guarded !== (kind.guarded ? 1 : 0)) report(`${row.id} is not of its kind`)
    const posted = (kind.guarded ? books.posted : sealed).get(row.id) ?? 0n
    const held = books.held.get(row.id) ?? 0n
    if (BigInt(row.posted) !== posted) report(`${row.id} stands at ${row.posted}, its movements say ${posted}`)
    if (BigInt(row.held) !== held) report(`${row.id} holds ${row.held}, its movements say ${held}`)
  }
  for (const [id, sum] of books.posted) {
    if (kindOf(id).guarded && !seen.has(id) && sum !== 0n) report(`${id} has movements and no row`)
  }
}

async function compareOpenHolds(reader: Reader, books: Books, report: Report): Promise<void> {
  const rows = await reader.all<{ id: string }>('SELECT id FROM open_holds')
  const listed = new Set(rows.map((row) => row.id))
  for (const id of listed) if (!books.open.has(id)) report(`hold ${id} has ended and is listed as open`)
  for (const id of books.open.keys()) if (!listed.has(id)) report(`hold ${id} is open and not listed`)
}
