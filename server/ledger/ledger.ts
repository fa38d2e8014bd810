// The four verbs of value: transfer, hold, settle, void (expire is void by the clock).
// owns: accounts, movements and open holds. never: who may do what, prices, the network, an edit of a movement.
// always true: amounts are positive integers; each unit sums to zero; a floor is checked in the statement that moves
// the value, with a CHECK behind it; the same id with the same content is `exists`, with other content a fault.

import type { Reader, Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { kindOf } from './chart.ts'

/** Value going from one account to another: micros of usd, or micros of a cap. */
export type Leg = { from: string; to: string; amount: number }

export type Transfer = { id: string; legs: readonly Leg[]; requestId?: string; memo?: string }
export type Hold = Transfer & { owner: string; ttlMs: number }
export type Ending = { holdId: string; memo?: string }
export type Settle = Ending & { legs: readonly Leg[] }

export type Written = 'created' | 'exists'
export type Ended = 'settled' | 'voided' | 'exists' | 'already_settled' | 'already_voided' | 'no_hold'

/** Makes sure that an account exists. Its unit and guard follow from its name. */
export async function openAccount(tx: Tx, id: string): Promise<void> {
  const { unit, guarded } = kindOf(id)
  await tx.run('INSERT INTO accounts (id, unit, guarded, opened_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING', [
    id,
    unit,
    guarded ? 1 : 0,
    tx.now,
  ])
}

export type AccountState = { posted: number; held: number; floor: number; available: number }

/** What stands in guarded accounts; an account that was never opened stands at zero. */
export async function stands(tx: Pick<Tx, 'get'>, id: string): Promise<AccountState> {
  const row = await tx.get<{ posted: number; held: number; floor: number }>(
    'SELECT posted, held, floor FROM accounts WHERE id = ?',
    [id],
  )
  const { posted, held, floor } = row ?? { posted: 0, held: 0, floor: 0 }
  return { posted, held, floor, available: posted - held - floor }
}

export type Money = { posted: number; held: number; available: number; debt?: number }

/**
 * What stands in an account of money, as it is shown. A debt is the floor of its account: nothing below it can be spent,
 * so whoever has one is refused by the very statement that guards everybody.
 */
export async function money(tx: Pick<Tx, 'get'>, id: string): Promise<Money> {
  const { posted, held, floor, available } = await stands(tx, id)
  return { posted, held, available: Math.max(0, available), ...(floor > 0 ? { debt: floor } : {}) }
}

/** Accounts of money with a debt of which something could be paid, up to a hundred. */
export function payableDebts(reader: Reader): Promise<{ id: string }[]> {
  return reader.all(
    `SELECT id FROM accounts WHERE floor > 0 AND unit = 'usd' AND posted - held > 0 ORDER BY id LIMIT 100`,
  )
}

/** Takes an account's row lock (Postgres), and opens it when new: what is read of it next stays true until the commit. */
export async function lockAccount(tx: Tx, id: string): Promise<void> {
  await openAccount(tx, id)
  await tx.run('UPDATE accounts SET held = held WHERE id = ?', [id])
}

/**
 * Moves value at once, all legs or none.
 * @returns `created`, or `exists` when this very transfer was made before
 * @throws Fault `id_reused` (same id, other content), `insufficient_balance` (a floor; nothing of the commit may stand)
 */
export async function transfer(tx: Tx, args: Transfer): Promise<Written> {
  const legs = checkedLegs(args.legs)
  const written = await insertMovement(tx, 'transfer', args)
  if (written === 'exists') return written
  for (const [id, change] of netByAccount(legs)) await post(tx, id, change)
  return 'created'
}

/**
 * Reserves value, all legs or none; a cap is just another account, so one hold checks money and limits together.
 * @throws Fault `id_reused`, `insufficient_balance` (as above)
 */
export async function hold(tx: Tx, args: Hold): Promise<Written> {
  const sources = sumBySource(checkedLegs(args.legs))
  for (const id of sources.keys())
    if (!kindOf(id).guarded) throw new Error(`${id} has no floor, so nothing is held there`)
  const written = await insertMovement(tx, 'hold', args)
  if (written === 'exists') return written
  for (const [id, amount] of sources) {
    const changed = await tx.run('UPDATE accounts SET held = held + ? WHERE id = ? AND posted - held - ? >= floor', [
      amount,
      id,
      amount,
    ])
    if (changed !== 1) throw short(id, amount)
  }
  await tx.run('INSERT INTO open_holds (id, owner, request_id, opened_at, expires_at) VALUES (?, ?, ?, ?, ?)', [
    args.id,
    args.owner,
    args.requestId ?? null,
    tx.now,
    tx.now + args.ttlMs,
  ])
  return 'created'
}

/**
 * Ends a hold by moving at most what it reserved; the rest is free again.
 * @param args.legs what really moves; per source account no more than the hold reserved there; none is allowed
 * @returns `settled`, or how it had ended before
 */
export async function settle(tx: Tx, args: Settle): Promise<Ended> {
  const legs = args.legs.length === 0 ? [] : checkedLegs(args.legs)
  const held = await reservedBy(tx, args.holdId)
  if (!held) return 'no_hold'
  const { reserved } = held
  const spent = sumBySource(legs)
  for (const [id, amount] of spent) {
    if (amount > (reserved.get(id) ?? 0))
      throw new Error(`settle of ${args.holdId} takes more from ${id} than it holds`)
  }
  const ended = await insertEnding(tx, 'settle', args, legs, held.requestId)
  if (ended !== 'settled') return ended
  await release(tx, reserved, netByAccount(legs))
  return 'settled'
}

/** Ends a hold by moving nothing; `expire` is the same done by the clock. */
export async function voidHold(tx: Tx, args: Ending, kind: 'void' | 'expire' = 'void'): Promise<Ended> {
  const held = await reservedBy(tx, args.holdId)
  if (!held) return 'no_hold'
  const ended = await insertEnding(tx, kind, args, [], held.requestId)
  if (ended === 'voided') await release(tx, held.reserved, new Map())
  return ended
}

/** Keeps a hold alive, and notes what has provably been used so far (opaque to the ledger). False when it has ended. */
export async function renewHold(tx: Tx, holdId: string, ttlMs: number, checkpoint: string | null): Promise<boolean> {
  const changed = await tx.run('UPDATE open_holds SET expires_at = ?, checkpoint = ? WHERE id = ?', [
    tx.now + ttlMs,
    checkpoint,
    holdId,
  ])
  return changed === 1
}

/**
 * Raises or lowers the least an account must keep (the part of a limit that was taken back). Raising it above what
 * stands is allowed: nothing is reversed, the next hold is refused.
 */
export async function setFloor(tx: Tx, id: string, floor: number): Promise<void> {
  if (!Number.isSafeInteger(floor) || floor < 0) throw new Error('a floor is a non-negative integer')
  await tx.run('UPDATE accounts SET floor = ? WHERE id = ? AND guarded = 1', [floor, id])
}

/** Whether a movement of this id was ever made. */
export async function isMade(reader: Reader, id: string): Promise<boolean> {
  return (await reader.get('SELECT 1 AS made FROM movements WHERE id = ?', [id])) !== undefined
}

/** The memo a hold was made with, and when, in ms; undefined when there is none. */
export function holdMade(reader: Reader, holdId: string): Promise<{ memo: string | null; at: number } | undefined> {
  return reader.get(`SELECT memo, at FROM movements WHERE id = ? AND kind = 'hold'`, [holdId])
}

// --- below: how -----------------------------------------------------------------------------------------------------

// A hold's ending is the movement `{hold}.end`; no other id may look so.
const ENDING = '.end'

function checkedLegs(legs: readonly Leg[]): readonly Leg[] {
  if (legs.length === 0 || legs.length > 64) throw new Error('a movement has 1 to 64 legs')
  for (const { from, to, amount } of legs) {
    if (!Number.isSafeInteger(amount) || amount <= 0) throw new Error('an amount is a positive safe integer')
    if (from === to) throw new Error('value does not move from an account to itself')
    if (kindOf(from).unit !== kindOf(to).unit) throw new Error(`units differ between ${from} and ${to}`)
  }
  return legs
}

/** Legs as they are kept and compared: order is part of the content. */
export function legsText(legs: readonly Leg[]): string {
  return JSON.stringify(legs.map(({ from, to, amount }) => [from, to, amount]))
}

export function legsFrom(text: string): Leg[] {
  return (JSON.parse(text) as [string, string, number][]).map(([from, to, amount]) => ({ from, to, amount }))
}

async function insertMovement(tx: Tx, kind: 'transfer' | 'hold', args: Transfer): Promise<Written> {
  if (args.id.endsWith(ENDING)) throw new Error(`an id ends in ${ENDING} only when it names the ending of a hold`)
  const text = legsText(args.legs)
  const inserted = await tx.run(
    'INSERT INTO movements (id, kind, request_id, legs, memo, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    [args.id, kind, args.requestId ?? null, text, args.memo ?? null, tx.now],
  )
  if (inserted === 1) return 'created'
  const there = await tx.get<{ kind: string; legs: string }>('SELECT kind, legs FROM movements WHERE id = ?', [args.id])
  if (there && there.kind === kind && there.legs === text) return 'exists'
  throw fault('id_reused', { details: { id: args.id } })
}

async function insertEnding(
  tx: Tx,
  kind: 'settle' | 'void' | 'expire',
  args: Ending,
  legs: readonly Leg[],
  requestId: string | null,
): Promise<Ended> {
  const text = legsText(legs)
  const inserted = await tx.run(
    `INSERT INTO movements (id, kind, hold_id, request_id, legs, memo, at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    [args.holdId + ENDING, kind, args.holdId, requestId, text, args.memo ?? null, tx.now],
  )
  if (inserted === 1) {
    await tx.run('DELETE FROM open_holds WHERE id = ?', [args.holdId])
    return kind === 'settle' ? 'settled' : 'voided'
  }
  const there = await tx.get<{ kind: string; legs: string }>('SELECT kind, legs FROM movements WHERE hold_id = ?', [
    args.holdId,
  ])
  if (!there) throw new Error(`hold ${args.holdId} neither ended nor could be ended`)
  if (there.kind === kind && there.legs === text) return 'exists'
  return there.kind === 'settle' ? 'already_settled' : 'already_voided'
}

export type Reservation = { reserved: Map<string, number>; requestId: string | null }

/** What a hold reserved, by account, and for which request; null when there is none. It says nothing of whether it has ended. */
export async function reservedBy(tx: Tx, holdId: string): Promise<Reservation | null> {
  const row = await tx.get<{ legs: string; request_id: string | null }>(
    `SELECT legs, request_id FROM movements WHERE id = ? AND kind = 'hold'`,
    [holdId],
  )
  return row ? { reserved: sumBySource(legsFrom(row.legs)), requestId: row.request_id } : null
}

// One update for each account, in id order: frees what was reserved there and posts what the settlement moved.
async function release(tx: Tx, reserved: Map<string, number>, moved: Map<string, number>): Promise<void> {
  const ids = moved.size === 0 ? [...reserved.keys()] : [...new Set([...reserved.keys(), ...moved.keys()])].sort()
  for (const id of ids) {
    const free = reserved.get(id)
    const change = moved.get(id) ?? 0
    if (free === undefined) await post(tx, id, change)
    else
      await changeAccount(tx, 'UPDATE accounts SET held = held - ?, posted = posted + ? WHERE id = ?', [
        free,
        change,
        id,
      ])
  }
}

// Accounts without a floor take no update here: the sealer adds their movements up, so no row is hot.
async function post(tx: Tx, id: string, change: number): Promise<void> {
  if (!kindOf(id).guarded || change === 0) return
  if (change > 0) {
    await openAccount(tx, id)
    await changeAccount(tx, 'UPDATE accounts SET posted = posted + ? WHERE id = ?', [change, id])
    return
  }
  const changed = await tx.run('UPDATE accounts SET posted = posted + ? WHERE id = ? AND posted - held + ? >= floor', [
    change,
    id,
    change,
  ])
  if (changed !== 1) throw short(id, -change)
}

async function changeAccount(tx: Tx, sql: string, params: readonly (string | number)[]): Promise<void> {
  const changed = await tx.run(sql, params)
  if (changed !== 1) throw new Error(`the account ${params.at(-1)} is gone`)
}

function short(id: string, required: number) {
  return fault('insufficient_balance', { details: { account: id, required } })
}

// Sorted by account id, so that two commits take their row locks in the same order.
function sumBySource(legs: readonly Leg[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { from, amount } of legs) sums.set(from, (sums.get(from) ?? 0) + amount)
  return new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Net change per account, sorted by account id. */
export function netByAccount(legs: readonly Leg[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { from, to, amount } of legs) {
    sums.set(from, (sums.get(from) ?? 0) - amount)
    sums.set(to, (sums.get(to) ?? 0) + amount)
  }
  return new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1)))
}
