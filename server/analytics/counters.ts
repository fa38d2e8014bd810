// Sums go into the counters.
// owns: usage_by_model, usage_by_user, usage_ranked, usage_ever, active_users, user_gaps. never: the mark of what is counted.
// always true: whoever calls holds the mark's row, so what is read here stands until the commit; a charge that is counted
// late (clocks differ) comes to the same counters as in order; a handful of statements, however many payers.

import type { Tx, Value } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { add, endOf, HOUR_MS, type ModelSum, NOTHING, SUM_NAMES, type Sum, startOf, type UserSum } from './sums.ts'

/** The day before the first one. */
export const NEVER = -1

/** Adds to the counters by app and model. */
export function addModels(tx: Tx, sums: readonly ModelSum[]): Promise<void> {
  const key = ['publisher_id', 'app_id', 'model', 'grain', 'starts_at']
  const rows = sums.map((sum) => [sum.publisher, sum.app, sum.model, sum.grain, sum.start, ...figuresOf(sum)])
  return upsert(tx, 'usage_by_model', { key, add: SUM_NAMES }, rows)
}

/** Adds to the counters by payer, a day at a time, earliest first: each day finds those before it in the tables. */
export async function addUsers(tx: Tx, sums: readonly UserSum[]): Promise<void> {
  const days = [...Map.groupBy(sums, ({ start }) => start)].sort(([a], [b]) => a - b)
  for (const [start, users] of days) {
    const entries = entriesOf(users)
    const found = await foundOf(tx, start, entries)
    await addActive(tx, start, entries, found)
    const key = ['publisher_id', 'starts_at', 'app_id', 'payer']
    const own = users.map((sum) => [sum.publisher, start, sum.app, sum.payer, ...figuresOf(sum), sum.hours])
    await upsert(tx, 'usage_by_user', { key, add: SUM_NAMES, last: 'hours', joined: '|' }, own)
    const periods = entries.flatMap((entry) =>
      (['w', 'm'] as const).map((grain) => [...keyOf(entry), grain, startOf(grain, start), ...figuresOf(entry)]),
    )
    const payer = ['payer', 'publisher_id', 'app_id']
    await upsert(tx, 'usage_ranked', { key: [...payer, 'grain', 'starts_at'], add: SUM_NAMES }, periods)
    const ever = entries.map((entry) => [...keyOf(entry), ...figuresOf(entry), start])
    await upsert(tx, 'usage_ever', { key: payer, add: SUM_NAMES, last: 'last_day', joined: 'later' }, ever)
  }
}

/** What a payer did on a day with one app, or ('') with all apps of a publisher. */
type Entry = Sum & { publisher: string; app: string; payer: string; hours: number }

function entriesOf(users: readonly UserSum[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const { publisher, payer, app: own, hours, ...sums } of users)
    for (const app of [own, '']) {
      const fresh = () => ({ publisher, app, payer, hours: 0, ...NOTHING })
      add(entries, nameOf(publisher, app, payer), fresh, sums).hours |= hours
    }
  return [...entries.values()]
}

const nameOf = (publisher: string, app: string, payer: string) => `${publisher} ${app} ${payer}`
const keyOf = ({ payer, publisher, app }: Entry) => [payer, publisher, app]
const figuresOf = (sum: Sum) => SUM_NAMES.map((name) => sum[name])

/** Which hours of the day were seen before, and the last day with a call. */
type Found = { hours: Map<string, number>; last: Map<string, number> }
type Row = { payer: string; publisher_id: string; app_id: string }

async function foundOf(tx: Tx, start: number, entries: readonly Entry[]): Promise<Found> {
  const [hours, last] = [new Map<string, number>(), new Map<string, number>()]
  const there = new Set<string>()
  for (const list of padded([...new Set(entries.map(({ payer }) => payer))])) {
    const rows = await tx.all<Row & { last_day: number }>(
      `SELECT payer, publisher_id, app_id, last_day FROM usage_ever WHERE payer IN (${marks(list)})`,
      list,
    )
    for (const { payer, publisher_id, app_id, last_day } of rows) {
      last.set(nameOf(publisher_id, app_id, payer), last_day)
      if (last_day >= start) there.add(payer)
    }
  }
  for (const list of padded([...there])) {
    const rows = await tx.all<Row & { hours: number }>(
      `SELECT payer, publisher_id, app_id, hours FROM usage_by_user WHERE payer IN (${marks(list)}) AND starts_at = ?`,
      [...list, start],
    )
    for (const row of rows)
      for (const app of [row.app_id, '']) {
        const name = nameOf(row.publisher_id, app, row.payer)
        hours.set(name, (hours.get(name) ?? 0) | row.hours)
      }
  }
  return { hours, last }
}

/** Counts who was not seen before in an hour, a day, a week, a month, and notes the day before each new day. */
async function addActive(tx: Tx, start: number, entries: readonly Entry[], { hours, last }: Found): Promise<void> {
  const active = tally()
  const gaps = tally()
  for (const entry of entries) {
    const { publisher, app } = entry
    const name = nameOf(publisher, app, entry.payer)
    const seen = hours.get(name) ?? 0
    for (let hour = 0; hour < 24; hour++)
      if ((entry.hours & ~seen & (1 << hour)) !== 0) active.count(1, publisher, app, 'h', start + hour * HOUR_MS)
    if (seen !== 0) continue
    const { before, after } = await neighbours(tx, start, entry, last.get(name) ?? NEVER)
    active.count(1, publisher, app, 'd', start)
    for (const grain of ['w', 'm'] as const) {
      const begins = startOf(grain, start)
      const known = before >= begins || (after !== null && after < endOf(grain, begins))
      if (!known) active.count(1, publisher, app, grain, begins)
    }
    gaps.count(1, publisher, app, start, before)
    if (after === null) continue
    gaps.count(-1, publisher, app, after, before)
    gaps.count(1, publisher, app, after, start)
  }
  const scope = ['publisher_id', 'app_id']
  await upsert(tx, 'active_users', { key: [...scope, 'grain', 'starts_at'], add: ['users'] }, active.rows())
  await upsert(tx, 'user_gaps', { key: [...scope, 'starts_at', 'before_at'], add: ['users'] }, gaps.rows())
}

function tally() {
  const sums = new Map<string, Value[]>()
  return {
    count(by: number, ...key: Value[]): void {
      const name = key.join(' ')
      const row = sums.get(name)
      if (row) row[key.length] = Number(row[key.length]) + by
      else sums.set(name, [...key, by])
    },
    rows: () => [...sums.values()].filter((row) => row.at(-1) !== 0),
  }
}

/** The payer's days next to a new one. Only a day that is counted late has one after it, and is looked for by itself. */
async function neighbours(tx: Tx, start: number, entry: Entry, last: number) {
  if (last < start) return { before: last, after: null }
  const { publisher, app, payer } = entry
  // The primary key begins with the publisher too; a look for one payer's days is to go by the payer's index.
  const of = `FROM usage_by_user WHERE payer = ? AND publisher_id || '' = ?${app === '' ? '' : ' AND app_id = ?'}`
  const values = app === '' ? [payer, publisher, start] : [payer, publisher, app, start]
  const before = await tx.get<{ day: number }>(
    `SELECT starts_at AS day ${of} AND starts_at < ? ORDER BY starts_at DESC LIMIT 1`,
    values,
  )
  const after = await tx.get<{ day: number }>(
    `SELECT starts_at AS day ${of} AND starts_at > ? ORDER BY starts_at LIMIT 1`,
    values,
  )
  return { before: before?.day ?? NEVER, after: after?.day ?? null }
}

type Shape = { key: readonly string[]; add: readonly string[]; last?: string; joined?: '|' | 'later' }
const ROWS = [100, 10, 1] as const

/** Adds rows to a table by its key: columns are the key, those that are added up, and perhaps one that is joined otherwise. */
async function upsert(tx: Tx, table: string, shape: Shape, rows: readonly Value[][]): Promise<void> {
  const { key, add: added, last, joined } = shape
  const columns = [...key, ...added, ...(last ? [last] : [])]
  const sets = added.map((name) => `${name} = ${table}.${name} + excluded.${name}`)
  if (last && joined === '|') sets.push(`${last} = ${table}.${last} | excluded.${last}`)
  if (last && joined === 'later')
    sets.push(`${last} = CASE WHEN excluded.${last} > ${table}.${last} THEN excluded.${last} ELSE ${table}.${last} END`)
  const row = `(${marks(columns)})`
  for (let from = 0; from < rows.length; ) {
    const size = ROWS.find((length) => rows.length - from >= length) ?? 1
    await tx.run(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${Array(size).fill(row).join(', ')}
       ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${sets.join(', ')}`,
      rows.slice(from, from + size).flat(),
    )
    from += size
  }
}
