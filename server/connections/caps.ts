// Limits as accounts: what one connection may still spend in each of its windows.
// owns: connection_caps, cap_windows. never: who may change a limit; a sum over history.
// always true: available = limit - spent - held of a window, also while calls run; there is one budget per label, and the
// labels of a connection only rise, so neither a new time zone nor a clock set back gives a second one for the same time.

import type { Cap, CapState, Period } from '../contract/records.ts'
import type { Reader, Tx } from '../db/db.ts'
import { account } from '../ledger/chart.ts'
import { openAccount, setFloor, stands, transfer } from '../ledger/ledger.ts'
import { calendarOf } from './person.ts'
import { type Calendar, endOfLabel, type Window, windowAt } from './windows.ts'

/** One limit in its current window; amounts are micros, `resetsAt` is milliseconds since the epoch or null for never. */
export type WindowState = {
  account: string
  period: Period
  limit: number
  spent: number
  held: number
  available: number
  resetsAt: number | null
}

/**
 * The current windows of a connection, opening what is missing. A hold that has a leg of its cost from each `account` to
 * `limits` spends them. Takes the connection's row lock only when a window has to be opened.
 */
export async function openWindows(tx: Tx, connectionId: string): Promise<WindowState[]> {
  const owner = await ownerOf(tx, connectionId)
  const now = tx.now
  let rows = await capRows(tx, connectionId)
  if (rows.some((row) => needsOpening(row, owner, now))) {
    await lockConnection(tx, connectionId)
    rows = await capRows(tx, connectionId) // another commit may have opened it, or changed the limit, while we waited
    for (const row of rows) if (needsOpening(row, owner, now)) await openWindow(tx, connectionId, row, owner)
    rows = await capRows(tx, connectionId)
  }
  const states: WindowState[] = []
  for (const row of rows) states.push(await stateOf(tx, row, owner, now))
  return states
}

/** The same as documents show it, without writing: a window nobody has opened yet stands at zero. */
export async function capStates(reader: Reader, connectionId: string, nowMs: number): Promise<CapState[]> {
  const owner = await ownerOf(reader, connectionId)
  const states: CapState[] = []
  for (const row of await capRows(reader, connectionId)) {
    const state = await stateOf(reader, row, owner, nowMs)
    states.push({
      period: state.period,
      amount: state.limit,
      spent: state.spent,
      held: state.held,
      resets_at: state.resetsAt === null ? null : new Date(state.resetsAt).toISOString(),
    })
  }
  return states
}

export async function capsOf(reader: Reader, connectionId: string): Promise<Cap[]> {
  return (await capRows(reader, connectionId)).map(({ period, amount }) => ({ period, amount }))
}

/**
 * Replaces the limits of a connection, and refits the windows that are open. What was spent stays spent, and nothing is
 * reversed: a limit lowered below it refuses the next call. The caller holds the connection's row lock.
 */
export async function setCaps(tx: Tx, connectionId: string, caps: readonly Cap[]): Promise<void> {
  await tx.run('DELETE FROM connection_caps WHERE connection = ?', [connectionId])
  for (const { period, amount } of caps) {
    await tx.run('INSERT INTO connection_caps (connection, period, amount) VALUES (?, ?, ?)', [
      connectionId,
      period,
      amount,
    ])
  }
  const owner = await ownerOf(tx, connectionId)
  for (const row of await capRows(tx, connectionId)) {
    if (!needsOpening(row, owner, tx.now)) await refit(tx, connectionId, row)
  }
}

/** Takes the row lock of a connection (Postgres), the first lock of every commit that changes it or opens its windows. */
export async function lockConnection(tx: Tx, connectionId: string): Promise<void> {
  await tx.run('UPDATE connections SET version = version WHERE id = ?', [connectionId])
}

// A limit may be any amount; its account is funded with at most a million dollars, which no window of calls can use up, so
// that the total of all limits stays far from the end of a 64-bit integer.
const MAX_FUNDED = 1_000_000_000_000

// --- below: how -----------------------------------------------------------------------------------------------------

type Owner = { calendar: Calendar; generation: number }
type CapRow = { period: Period; amount: number; label: string | null; account: string | null; funded: number | null }

async function ownerOf(reader: Reader, connectionId: string): Promise<Owner> {
  const row = await reader.get<{ user_id: string; generation: number }>(
    'SELECT user_id, generation FROM connections WHERE id = ?',
    [connectionId],
  )
  if (!row) throw new Error(`no connection ${connectionId}`)
  return { calendar: await calendarOf(reader, row.user_id), generation: row.generation }
}

/** Each limit with the newest window it has. */
function capRows(reader: Reader, connectionId: string): Promise<CapRow[]> {
  return reader.all<CapRow>(
    `SELECT c.period, c.amount, w.label, w.account, w.funded FROM connection_caps c
     LEFT JOIN cap_windows w ON w.connection = c.connection AND w.period = c.period AND w.label =
       (SELECT MAX(x.label) FROM cap_windows x WHERE x.connection = c.connection AND x.period = c.period)
     WHERE c.connection = ? ORDER BY c.period`,
    [connectionId],
  )
}

/** `total` counts from the consent that began the connection anew. */
function windowOf(period: Period, nowMs: number, owner: Owner): Window {
  const window = windowAt(period, nowMs, owner.calendar)
  return period === 'total' ? { ...window, label: `total-${String(owner.generation).padStart(6, '0')}` } : window
}

function needsOpening(row: CapRow, owner: Owner, nowMs: number): boolean {
  return row.label === null || row.label < windowOf(row.period, nowMs, owner).label
}

async function openWindow(tx: Tx, connectionId: string, row: CapRow, owner: Owner): Promise<void> {
  const { label, startsAt, endsAt } = windowOf(row.period, tx.now, owner)
  const id = account.cap(connectionId, label)
  const funded = Math.min(row.amount, MAX_FUNDED)
  await tx.run(
    `INSERT INTO cap_windows (connection, period, label, starts_at, ends_at, account, funded) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (connection, period, label) DO NOTHING`,
    [connectionId, row.period, label, startsAt, endsAt, id, funded],
  )
  await openAccount(tx, id)
  await fund(tx, id, funded, funded)
}

// The id names what the window has been given in all, which only grows: the same funding is made once.
async function fund(tx: Tx, cap: string, amount: number, fundedAfter: number): Promise<void> {
  await transfer(tx, { id: `fund:${cap}:${fundedAfter}`, legs: [{ from: account.limits, to: cap, amount }] })
}

async function refit(tx: Tx, connectionId: string, row: CapRow): Promise<void> {
  const { label, account: cap, funded, period } = row
  const amount = Math.min(row.amount, MAX_FUNDED)
  if (label === null || cap === null || funded === null) throw new Error('a window without an account')
  await setFloor(tx, cap, Math.max(0, funded - amount))
  if (amount <= funded) return
  await fund(tx, cap, amount - funded, amount)
  await tx.run('UPDATE cap_windows SET funded = ? WHERE connection = ? AND period = ? AND label = ?', [
    amount,
    connectionId,
    period,
    label,
  ])
}

async function stateOf(reader: Reader, row: CapRow, owner: Owner, nowMs: number): Promise<WindowState> {
  const now = windowOf(row.period, nowMs, owner)
  const limit = row.amount
  const base = { period: row.period, limit }
  if (row.label === null || row.account === null || row.funded === null || row.label < now.label) {
    const unopened = { account: '', spent: 0, held: 0, available: limit }
    return { ...base, ...unopened, resetsAt: now.endsAt }
  }
  const { posted, held, available } = await stands(reader, row.account)
  const resetsAt = row.label === now.label ? now.endsAt : endOfLabel(row.label, owner.calendar)
  return { ...base, account: row.account, spent: row.funded - posted, held, available, resetsAt }
}
