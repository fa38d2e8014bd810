// The figures that a developer asks for, out of the counters.
// owns: the sums, series and rankings. never: the log of calls, a write.
// always true: what is read is what was counted; a period is whole days, UTC; an empty stretch is zeros, not a gap.

import type { Figures, GroupBy, Interval, Metric } from '../contract/developers.ts'
import type { Reader } from '../db/db.ts'
import { endOf, startOf } from './sums.ts'

/** Whose charges, and when: from the start of a day to the start of another, in milliseconds. */
export type Scope = { publisherId: string; from: number; to: number; appId: string | null; model: string | null }

type Sums = { requests: number; base: number; markup: number; granted: number; tokens: number }
const SUMS = ['requests', 'base', 'markup', 'granted', 'tokens']
  .map((name) => `CAST(COALESCE(SUM(${name}), 0) AS BIGINT) AS ${name}`)
  .join(', ')

const GRAINS = { hour: 'h', day: 'd', week: 'w', month: 'm' } as const satisfies Record<Interval, string>
/** What a metric is called in the counters, for an order by it. */
const COLUMNS: Record<Exclude<Metric, 'users'>, string> = {
  revenue: 'SUM(base + markup)',
  cost: 'SUM(base)',
  profit: 'SUM(markup)',
  requests: 'SUM(requests)',
  tokens: 'SUM(tokens)',
  granted: 'SUM(granted)',
}

/** All of a period. */
export async function summaryOf(reader: Reader, scope: Scope): Promise<Figures & { users: number }> {
  const { publisherId, from, to, appId } = scope
  const { sql, values } = filtered(scope)
  const row = await reader.get<Sums>(
    `SELECT ${SUMS} FROM usage_by_model WHERE publisher_id = ? AND grain = 'd' AND starts_at >= ? AND starts_at < ?${sql}`,
    [publisherId, from, to, ...values],
  )
  // A payer is counted at their first day within the period: the one that no day within it comes before.
  const users = await reader.get<{ users: number }>(
    `SELECT COUNT(*) AS users FROM usage_by_user WHERE publisher_id = ? AND starts_at >= ? AND starts_at < ? AND ${
      appId === null ? 'before_any < ?' : 'before_app < ? AND app_id = ?'
    }`,
    [publisherId, from, to, from, ...(appId === null ? [] : [appId])],
  )
  return { ...figures(row), users: Number(users?.users ?? 0) }
}

export type Point = Figures & { start: number; users: number | null }

/** A period in steps. `users` is null where a model is asked for. */
export async function seriesOf(reader: Reader, scope: Scope, interval: Interval): Promise<Point[]> {
  const { publisherId, from, to, appId, model } = scope
  const { sql, values } = filtered(scope)
  const grain = GRAINS[interval]
  const rows = await reader.all<Sums & { starts_at: number }>(
    `SELECT starts_at, ${SUMS} FROM usage_by_model WHERE publisher_id = ? AND grain = ? AND starts_at >= ? AND starts_at < ?${sql}
     GROUP BY starts_at ORDER BY starts_at`,
    [publisherId, interval === 'hour' ? 'h' : 'd', from, to, ...values],
  )
  const users = new Map<number, number>()
  if (model === null) {
    const counted = await reader.all<{ starts_at: number; users: number }>(
      'SELECT starts_at, users FROM active_users WHERE publisher_id = ? AND app_id = ? AND grain = ? AND starts_at >= ? AND starts_at < ?',
      [publisherId, appId ?? '', grain, startOf(grain, from), to],
    )
    for (const row of counted) users.set(row.starts_at, row.users)
  }
  const steps = new Map<number, Sums>()
  for (const { starts_at, ...sums } of rows) {
    const start = startOf(grain, starts_at)
    const step = steps.get(start)
    steps.set(start, step ? together(step, sums) : sums)
  }
  const points: Point[] = []
  for (let start = startOf(grain, from); start < to; start = endOf(grain, start))
    points.push({ start, ...figures(steps.get(start)), users: model === null ? (users.get(start) ?? 0) : null })
  return points
}

export type Ranked = Figures & { key: string; users: number | null }

/** Who or what a period's figures come from, highest first. `users` is counted for apps alone. */
export async function rankingOf(
  reader: Reader,
  scope: Scope,
  { groupBy, metric, limit }: { groupBy: GroupBy; metric: Metric; limit: number },
): Promise<Ranked[]> {
  const { publisherId, from, to } = scope
  const { sql, values } = filtered(scope)
  const [table, key, grain] = {
    model: ['usage_by_model', 'model', " AND grain = 'd'"],
    app: ['usage_by_model', 'app_id', " AND grain = 'd'"],
    user: ['usage_by_user', 'payer', ''],
  }[groupBy] as [string, string, string]
  const users = groupBy === 'app' ? await usersByApp(reader, scope) : null
  // Apps are few: those with the most users are found among all of them.
  const order = metric === 'users' ? COLUMNS.requests : COLUMNS[metric]
  const rows = await reader.all<Sums & { key: string }>(
    `SELECT ${key} AS key, ${SUMS} FROM ${table} WHERE publisher_id = ?${grain} AND starts_at >= ? AND starts_at < ?${sql}
     GROUP BY ${key} ORDER BY ${order} DESC, ${key} LIMIT ?`,
    [publisherId, from, to, ...values, metric === 'users' ? 1000 : limit],
  )
  const ranked = rows.map(({ key: name, ...sums }) => ({
    key: name,
    ...figures(sums),
    users: users ? (users.get(name) ?? 0) : null,
  }))
  if (metric === 'users') ranked.sort((a, b) => (b.users ?? 0) - (a.users ?? 0))
  return ranked.slice(0, limit)
}

/** What a payer has used of an app, ever. */
export async function totalsOf(
  reader: Reader,
  appId: string,
  payer: string,
): Promise<Sums & { last_day: number | null }> {
  const row = await reader.get<Sums & { last_day: number | null }>(
    `SELECT ${SUMS}, MAX(starts_at) AS last_day FROM usage_by_user WHERE payer = ? AND app_id = ?`,
    [payer, appId],
  )
  return row ?? { ...NOTHING, last_day: null }
}

/** The value of a metric among figures. */
export function metricOf(of: Figures & { users: number | null }, metric: Metric): number {
  return of[metric] ?? 0
}

const NOTHING: Sums = { requests: 0, base: 0, markup: 0, granted: 0, tokens: 0 }

async function usersByApp(reader: Reader, { publisherId, from, to }: Scope): Promise<Map<string, number>> {
  const rows = await reader.all<{ app_id: string; users: number }>(
    `SELECT app_id, COUNT(*) AS users FROM usage_by_user WHERE publisher_id = ? AND starts_at >= ? AND starts_at < ? AND before_app < ?
     GROUP BY app_id`,
    [publisherId, from, to, from],
  )
  return new Map(rows.map((row) => [row.app_id, Number(row.users)]))
}

function filtered({ appId, model }: Scope): { sql: string; values: string[] } {
  const sql = `${appId === null ? '' : ' AND app_id = ?'}${model === null ? '' : ' AND model = ?'}`
  return { sql, values: [appId, model].filter((value) => value !== null) }
}

function figures(sums: Sums = NOTHING): Figures {
  const { requests, base, markup, granted, tokens } = sums
  return { requests, revenue: base + markup, cost: base, profit: markup, granted, tokens }
}

function together(a: Sums, b: Sums): Sums {
  return {
    requests: a.requests + b.requests,
    base: a.base + b.base,
    markup: a.markup + b.markup,
    granted: a.granted + b.granted,
    tokens: a.tokens + b.tokens,
  }
}
