// Who or what a period's figures come from, highest first.
// owns: the order. never: a write; a figure that is not exact.
// always true: each function says how many rows it reads at most; where an order could not be proven with so many, it says
// so (`exact`), and the figures of those it names are exact all the same.

import type { Figures, GroupBy, Metric } from '../contract/analytics.ts'
import type { Reader, Value } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { activeOf, figures, metricOf, type Scope, SUMS, together, usersOf } from './reads.ts'
import { DAY_MS, endOf, NOTHING, piecesOf, type Sum, startOf } from './sums.ts'

export type Ranked = Figures & { key: string; users: number | null }
/** `exact`: nobody who is not named could be among them, and their order is right. */
export type Ranking = { rows: Ranked[]; exact: boolean }
export type Wanted = { groupBy: GroupBy; metric: Metric; limit: number }
type Keyed = Sum & { key: string }
/** Users are not counted by user. */
type UserMetric = { metric: Exclude<Metric, 'users'>; limit: number }

/**
 * `days` of users are added up as they are; of more, only those of candidates: who is among the first of weeks or months,
 * `listed` together and at least `least` of each, of whom the likeliest, `spare` more than are wanted.
 */
export const BOUNDS = { days: 50_000, listed: 6000, least: 50, most: 1000, spare: 200 }

/**
 * The ranking of a period; `users` is counted for apps alone.
 * Apps and models: reads a row for each app and model in each whole month and each of at most 61 days beside them.
 * Users: see `rankUsers`.
 */
export async function rankingOf(
  reader: Reader,
  scope: Scope,
  { groupBy, metric, limit }: Wanted,
  bounds: typeof BOUNDS = BOUNDS,
): Promise<Ranking> {
  if (groupBy === 'user') {
    if (metric === 'users') throw new Error('users are not counted by user')
    return rankUsers(reader, scope, { metric, limit }, bounds)
  }
  const sums = groupBy === 'app' ? await byApp(reader, scope) : await byModel(reader, scope)
  const ranked = sums.map(({ key, ...sum }) => ({ key, ...figures(sum), users: null as number | null }))
  // Apps are few: users are counted of all of them before the order is known, else only of those that are named.
  if (metric === 'users') await countUsers(reader, scope, ranked)
  const rows = inOrder(ranked, metric).slice(0, limit)
  if (groupBy === 'app' && metric !== 'users') await countUsers(reader, scope, rows)
  return { rows, exact: true }
}

async function countUsers(reader: Reader, scope: Scope, rows: Ranked[]): Promise<void> {
  const keys = rows.map(({ key }) => key)
  const users = await usersOf(reader, scope, keys)
  for (const row of rows) row.users = users.get(row.key) ?? 0
}

function inOrder(rows: Ranked[], metric: Metric): Ranked[] {
  return rows.sort((a, b) => metricOf(b, metric) - metricOf(a, metric) || (a.key < b.key ? -1 : 1))
}

function byModel(reader: Reader, { appId, model, ...scope }: Scope): Promise<Keyed[]> {
  const of = model === null ? "model <> ''" : 'model = ?'
  return byPeriod(
    reader,
    scope,
    'model',
    `app_id || '' = ? AND ${of}`,
    model === null ? [appId ?? ''] : [appId ?? '', model],
  )
}

function byApp(reader: Reader, { appId, model, ...scope }: Scope): Promise<Keyed[]> {
  const of = appId === null ? "app_id <> ''" : "app_id || '' = ?"
  return byPeriod(reader, scope, 'app_id', `model = ? AND ${of}`, appId === null ? [model ?? ''] : [model ?? '', appId])
}

// `app_id || ''` keeps SQLite from the primary key, in which a period is not one stretch; it is in the index by period.
async function byPeriod(
  reader: Reader,
  { publisherId, from, to }: Pick<Scope, 'publisherId' | 'from' | 'to'>,
  key: 'model' | 'app_id',
  condition: string,
  values: Value[],
): Promise<Keyed[]> {
  const sums = new Map<string, Sum>()
  for (const piece of piecesOf({ from, to })) {
    const rows = await reader.all<Keyed>(
      `SELECT ${key} AS key, ${SUMS} FROM usage_by_model
       WHERE publisher_id = ? AND grain = ? AND starts_at >= ? AND starts_at < ? AND ${condition} GROUP BY ${key}`,
      [publisherId, piece.grain, piece.from, piece.to, ...values],
    )
    for (const { key: name, ...sum } of rows) sums.set(name, together(sums.get(name) ?? NOTHING, sum))
  }
  return [...sums].map(([name, sum]) => ({ key: name, ...sum }))
}

/**
 * The users of a period. When they come to no more than 50,000 a day, added up (`active_users` tells), all are added up. Else
 * only those who were among the first of a week or a month that the period touches: at most 6,500 rows of the ranked
 * counters, and for each of at most `limit` + 200 candidates its whole months and its days beside them.
 */
async function rankUsers(reader: Reader, scope: Scope, wanted: UserMetric, bounds: typeof BOUNDS): Promise<Ranking> {
  let days = 0
  // Of all apps, also where one is asked for: a period is one stretch of them all.
  for (const users of (await activeOf(reader, { ...scope, appId: null }, 'd')).values()) days += users
  if (days <= bounds.days) return { rows: (await sumsOfDays(reader, scope, wanted)).map(rankedOf), exact: true }
  const { candidates, others } = await candidatesOf(reader, scope, wanted, bounds)
  const ranked = (await sumsOfPayers(reader, scope, candidates)).map(rankedOf)
  const rows = inOrder(ranked, wanted.metric).slice(0, wanted.limit)
  const last = rows.length < wanted.limit ? 0 : metricOf(rows.at(-1) as Ranked, wanted.metric)
  return { rows, exact: others === 0 || last > others }
}

const rankedOf = ({ key, ...sum }: Keyed): Ranked => ({ key, ...figures(sum), users: null })

/** How a metric of users is put in order. */
const ORDERS = {
  revenue: 'SUM(base + markup)',
  cost: 'SUM(base)',
  profit: 'SUM(markup)',
  requests: 'SUM(requests)',
  tokens: 'SUM(tokens)',
  granted: 'SUM(granted)',
} as const

function sumsOfDays(
  reader: Reader,
  { publisherId, appId, from, to }: Scope,
  { metric, limit }: UserMetric,
): Promise<Keyed[]> {
  return reader.all<Keyed>(
    `SELECT payer AS key, ${SUMS} FROM usage_by_user
     WHERE publisher_id = ? AND starts_at >= ? AND starts_at < ?${appId === null ? '' : ' AND app_id = ?'}
     GROUP BY payer ORDER BY ${ORDERS[metric]} DESC, payer LIMIT ?`,
    [publisherId, from, to, ...(appId === null ? [] : [appId]), limit],
  )
}

/** What the lists are in the order of, for each metric: itself, or what it is never more than. */
const LISTS = { revenue: '(base + markup)', requests: 'requests', tokens: 'tokens' } as const
const LIST_OF: Record<UserMetric['metric'], keyof typeof LISTS> = {
  revenue: 'revenue',
  cost: 'revenue',
  profit: 'revenue',
  granted: 'revenue',
  requests: 'requests',
  tokens: 'tokens',
}
const WEEKS_UP_TO_MS = 70 * DAY_MS

/**
 * Who could be among the first of a period, and the most that anybody else could have come to. What somebody came to in a
 * period is no more than what they came to in all weeks (or months) that it touches; of those in which they are not listed,
 * no more than the last who is.
 */
async function candidatesOf(
  reader: Reader,
  { publisherId, appId, from, to }: Scope,
  { metric, limit }: UserMetric,
  bounds: typeof BOUNDS,
): Promise<{ candidates: string[]; others: number }> {
  const grain = to - from <= WEEKS_UP_TO_MS ? 'w' : 'm'
  const starts: number[] = []
  for (let start = startOf(grain, from); start < to; start = endOf(grain, start)) starts.push(start)
  const most = Math.min(Math.max(Math.floor(bounds.listed / starts.length), bounds.least), bounds.most)
  const order = LISTS[LIST_OF[metric]]
  const above = new Map<string, number>()
  let floors = 0
  for (const start of starts) {
    const list = await reader.all<{ payer: string; value: number }>(
      `SELECT payer, ${order} AS value FROM usage_ranked
       WHERE publisher_id = ? AND app_id = ? AND grain = ? AND starts_at = ? ORDER BY ${order} DESC LIMIT ?`,
      [publisherId, appId ?? '', grain, start, most],
    )
    const floor = list.length < most ? 0 : (list.at(-1)?.value ?? 0)
    floors += floor
    for (const { payer, value } of list) above.set(payer, (above.get(payer) ?? 0) + value - floor)
  }
  const all = [...above].sort(([, a], [, b]) => b - a)
  const room = limit + bounds.spare
  return { candidates: all.slice(0, room).map(([payer]) => payer), others: floors + (all[room]?.[1] ?? 0) }
}

// `|| ''` and `+ 0` keep both databases from every index but those that begin with the payer: a list is looked up payer by
// payer, rather than read through from one end of a period to the other.
async function sumsOfPayers(reader: Reader, scope: Scope, payers: readonly string[]): Promise<Keyed[]> {
  const { publisherId, appId } = scope
  const sums = new Map<string, Sum>()
  for (const { grain, from, to } of piecesOf(scope))
    for (const list of padded(payers)) {
      const table =
        grain === 'd'
          ? { name: 'usage_by_user', at: 'starts_at', own: appId === null ? '' : " AND app_id || '' = ?" }
          : { name: 'usage_ranked', at: 'starts_at + 0', own: " AND grain || '' = 'm' AND app_id || '' = ?" }
      const values = [...list, publisherId, from, to]
      if (table.own !== '') values.push(appId ?? '')
      const rows = await reader.all<Keyed>(
        `SELECT payer AS key, ${SUMS} FROM ${table.name}
         WHERE payer IN (${marks(list)}) AND publisher_id || '' = ?
         AND ${table.at} >= ? AND ${table.at} < ?${table.own}
         GROUP BY payer`,
        values,
      )
      for (const { key, ...sum } of rows) sums.set(key, together(sums.get(key) ?? NOTHING, sum))
    }
  return [...sums].map(([key, sum]) => ({ key, ...sum }))
}
