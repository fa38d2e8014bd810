// Charges become counters.
// owns: usage_by_model, usage_by_user, active_users, rollup_mark. never: the charge itself; the log of calls.
// always true: the counters and the mark of what is counted are one commit that only goes on from where the last one
// stopped, so each charge is counted once, by whichever process; who asks is answered after all sealed charges are in.

import { type Db, procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { hasUnsealed, sealAll } from '../ledger/chain.ts'
import { type Charge, chargesAfter, documentsOf } from '../receipts/charges.ts'
import { HOUR_MS, type ModelSum, startOf, sumsOf, tokensOf, type UserSum } from './sums.ts'

export type Roll = { from: number; to: number; models: readonly ModelSum[]; users: readonly UserSum[] }

/** Adds sums to the counters and moves the mark. False, with nothing done, when another process was first. */
export const addSums = procedure(
  'analytics.addSums',
  async (tx: Tx, { from, to, models, users }: Roll): Promise<boolean> => {
    const moved = await tx.run('UPDATE rollup_mark SET seq = ? WHERE id = 1 AND seq = ?', [to, from])
    if (moved !== 1) return false
    for (const sum of models) await addModel(tx, sum)
    for (const sum of users) await addUser(tx, sum)
    return true
  },
  { bookkeeping: true },
)

type Needs = Pick<Deps, 'db'>

/** Counts the next charges. Answers whether there may be more. */
export async function rollSome({ db }: Needs): Promise<boolean> {
  const from = await markOf(db)
  const { charges, seq } = await chargesAfter(db, from)
  if (seq === from) return false
  const tokens = await tokensOfAll(db, charges)
  try {
    await db.tx(addSums, { from, to: seq, ...sumsOf(charges, (id) => tokens.get(id) ?? 0) })
  } catch (error) {
    // Another process held the mark for longer than a lock is waited for: it counts these, and we go on after it.
    if (!isFault(error) || (await markOf(db)) === from) throw error
  }
  return true
}

const running = new WeakMap<Db, Promise<void>>()

/**
 * Brings the counters up to every charge that was committed before this call. One at a time in a process; of several
 * processes at once, one counts and the others see that it did.
 */
export async function catchUp(deps: Needs): Promise<void> {
  const before = running.get(deps.db) ?? Promise.resolve()
  const mine = before.catch(() => undefined).then(() => countAll(deps))
  running.set(deps.db, mine)
  await mine
}

async function countAll({ db }: Needs): Promise<void> {
  if (await hasUnsealed(db)) await sealAll(db)
  while (await rollSome({ db }));
}

async function markOf(reader: Reader): Promise<number> {
  return (await reader.get<{ seq: number }>('SELECT seq FROM rollup_mark WHERE id = 1'))?.seq ?? 0
}

async function tokensOfAll(reader: Reader, charges: readonly Charge[]): Promise<Map<string, number>> {
  const tokens = new Map<string, number>()
  for (const [id, { units }] of await documentsOf(reader, charges)) tokens.set(id, tokensOf(units))
  return tokens
}

function addModel(tx: Tx, sum: ModelSum): Promise<number> {
  return tx.run(
    `INSERT INTO usage_by_model (publisher_id, grain, starts_at, app_id, model, requests, base, markup, granted, tokens)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (publisher_id, grain, starts_at, app_id, model) DO UPDATE SET
     requests = usage_by_model.requests + excluded.requests, base = usage_by_model.base + excluded.base,
     markup = usage_by_model.markup + excluded.markup, granted = usage_by_model.granted + excluded.granted,
     tokens = usage_by_model.tokens + excluded.tokens`,
    [
      sum.publisher,
      sum.grain,
      sum.start,
      sum.app,
      sum.model,
      sum.requests,
      sum.base,
      sum.markup,
      sum.granted,
      sum.tokens,
    ],
  )
}

// Only the holder of the mark's row writes here, so what was read stands until the commit.
async function addUser(tx: Tx, sum: UserSum): Promise<void> {
  const { publisher, start, app, payer } = sum
  const key = [publisher, start, app, payer]
  const row = await tx.get<{ hours: number }>(
    'SELECT hours FROM usage_by_user WHERE publisher_id = ? AND starts_at = ? AND app_id = ? AND payer = ?',
    key,
  )
  const fresh = sum.hours & ~(row?.hours ?? 0)
  if (fresh !== 0) await countActive(tx, sum, fresh)
  if (row) {
    await tx.run(
      `UPDATE usage_by_user SET hours = ?, requests = requests + ?, base = base + ?, markup = markup + ?, granted = granted + ?,
       tokens = tokens + ? WHERE publisher_id = ? AND starts_at = ? AND app_id = ? AND payer = ?`,
      [row.hours | sum.hours, sum.requests, sum.base, sum.markup, sum.granted, sum.tokens, ...key],
    )
    return
  }
  const before = await daysBefore(tx, sum)
  await tx.run(
    `INSERT INTO usage_by_user (publisher_id, starts_at, app_id, payer, hours, requests, base, markup, granted, tokens, before_any, before_app)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [...key, sum.hours, sum.requests, sum.base, sum.markup, sum.granted, sum.tokens, before.inAny, before.inApp],
  )
  await daysAfter(tx, sum, before.inAny === start)
}

const NEVER = -1
// The primary key begins with the publisher too; a look for one payer's days is to go by the payer's index.
const OF_PAYER = "FROM usage_by_user WHERE payer = ? AND publisher_id || '' = ?"

/** The payer's day before this one, with any app of the publisher and with this one; the same day, where another app was first. */
async function daysBefore(
  tx: Tx,
  { publisher, start, app, payer }: UserSum,
): Promise<{ inAny: number; inApp: number }> {
  const latest = await tx.get<{ day: number }>(
    `SELECT starts_at AS day ${OF_PAYER} AND starts_at <= ? ORDER BY starts_at DESC LIMIT 1`,
    [payer, publisher, start],
  )
  const own = await tx.get<{ day: number }>(
    `SELECT starts_at AS day ${OF_PAYER} AND starts_at < ? AND app_id = ? ORDER BY starts_at DESC LIMIT 1`,
    [payer, publisher, start, app],
  )
  return { inAny: latest?.day ?? NEVER, inApp: own?.day ?? NEVER }
}

/** A day that is counted late (clocks differ) comes before days that are counted already. */
async function daysAfter(tx: Tx, { publisher, start, app, payer }: UserSum, second: boolean): Promise<void> {
  const next = await tx.get<{ day: number }>(
    `SELECT starts_at AS day ${OF_PAYER} AND starts_at > ? ORDER BY starts_at LIMIT 1`,
    [payer, publisher, start],
  )
  if (!next) return
  const apps = await tx.all<{ app_id: string }>(`SELECT app_id ${OF_PAYER} AND starts_at = ?`, [
    payer,
    publisher,
    next.day,
  ])
  const key = 'publisher_id = ? AND starts_at = ? AND app_id = ? AND payer = ?'
  if (!second)
    for (const { app_id } of apps)
      await tx.run(`UPDATE usage_by_user SET before_any = ? WHERE ${key} AND before_any < ?`, [
        start,
        publisher,
        next.day,
        app_id,
        payer,
        start,
      ])
  const own = await tx.get<{ day: number }>(
    `SELECT starts_at AS day ${OF_PAYER} AND starts_at > ? AND app_id = ? ORDER BY starts_at LIMIT 1`,
    [payer, publisher, start, app],
  )
  if (own) await tx.run(`UPDATE usage_by_user SET before_app = ? WHERE ${key}`, [start, publisher, own.day, app, payer])
}

type Day = { publisher_id: string; app_id: string; starts_at: number; hours: number }

/** A payer was seen in hours in which this app had not seen them: who else has, of the same month and week, decides what is new. */
async function countActive(tx: Tx, { publisher, start, app, payer }: UserSum, fresh: number): Promise<void> {
  const [week, month] = [startOf('w', start), startOf('m', start)]
  const from = Math.min(week, month)
  const found = await tx.all<Day>(
    'SELECT publisher_id, app_id, starts_at, hours FROM usage_by_user WHERE payer = ? AND starts_at >= ? AND starts_at <= ?',
    [payer, from, Math.max(week + 6 * 24 * HOUR_MS, startOf('m', start) + 31 * 24 * HOUR_MS)],
  )
  const days = found.filter((day) => day.publisher_id === publisher)
  for (const scope of [app, '']) {
    const mine = scope === '' ? days : days.filter((day) => day.app_id === scope)
    const seen = mine.filter((day) => day.starts_at === start).reduce((mask, day) => mask | day.hours, 0)
    for (let hour = 0; hour < 24; hour++)
      if ((fresh & ~seen & (1 << hour)) !== 0) await countOne(tx, publisher, scope, 'h', start + hour * HOUR_MS)
    for (const grain of ['d', 'w', 'm'] as const) {
      const begins = startOf(grain, start)
      if (!mine.some((day) => startOf(grain, day.starts_at) === begins))
        await countOne(tx, publisher, scope, grain, begins)
    }
  }
}

async function countOne(tx: Tx, publisher: string, app: string, grain: string, start: number): Promise<void> {
  await tx.run(
    `INSERT INTO active_users (publisher_id, app_id, grain, starts_at, users) VALUES (?, ?, ?, ?, 1)
     ON CONFLICT (publisher_id, app_id, grain, starts_at) DO UPDATE SET users = active_users.users + 1`,
    [publisher, app, grain, start],
  )
}
