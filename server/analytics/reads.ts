// The figures that a developer asks for, out of the counters.
// owns: the sums and the series. never: the log of calls, a write; who is first (ranking.ts).
// always true: what is read is what was counted; a period is whole days, UTC; an empty stretch is zeros, not a gap; each
// function says how many rows it reads at most, whatever was ever charged.

import type { Figures, Interval, Metric } from '../contract/analytics.ts'
import type { Reader } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { endOf, NOTHING, piecesOf, SUM_NAMES, type Sum, startOf } from './sums.ts'

/** Whose charges, and when: from the start of a day to the start of another, in milliseconds. */
export type Scope = { publisherId: string; from: number; to: number; appId: string | null; model: string | null }

/** The columns of a sum, added up. */
export const SUMS = SUM_NAMES.map((name) => `CAST(COALESCE(SUM(${name}), 0) AS BIGINT) AS ${name}`).join(', ')

const GRAINS = { hour: 'h', day: 'd', week: 'w', month: 'm' } as const satisfies Record<Interval, string>

/**
 * All of a period. Reads a row for each whole month and for each of at most 61 days beside them; to count the users, at
 * most half the square of the days (a row for each day and each day before it that somebody's calls came on).
 */
export async function summaryOf(reader: Reader, scope: Scope): Promise<Figures & { users: number }> {
  let sum = NOTHING
  for (const piece of piecesOf(scope)) for (const row of await rowsOf(reader, scope, piece)) sum = together(sum, row)
  const own = scope.appId ?? ''
  return { ...figures(sum), users: (await usersOf(reader, scope, [own])).get(own) ?? 0 }
}

/**
 * The different payers of a period by app; '' is all apps together. A payer is counted at their first day within the
 * period: the one that no day within it comes before. Reads for each app at most half the square of the days.
 */
export async function usersOf(
  reader: Reader,
  { publisherId, from, to }: Scope,
  appIds: readonly string[],
): Promise<Map<string, number>> {
  const users = new Map<string, number>()
  for (const appId of appIds) {
    const row = await reader.get<{ users: number }>(
      `SELECT CAST(COALESCE(SUM(users), 0) AS BIGINT) AS users FROM user_gaps
       WHERE publisher_id = ? AND app_id = ? AND starts_at >= ? AND starts_at < ? AND before_at < ?`,
      [publisherId, appId, from, to, from],
    )
    users.set(appId, row?.users ?? 0)
  }
  return users
}

export type Point = Figures & { start: number; users: number | null }

/**
 * A period in steps. `users` is null where a model is asked for. Reads a row for each step (for weeks, each day), and one
 * more for its users.
 */
export async function seriesOf(reader: Reader, scope: Scope, interval: Interval): Promise<Point[]> {
  const { from, to, model } = scope
  const grain = GRAINS[interval]
  const pieces =
    grain === 'm' ? piecesOf(scope) : [{ grain: grain === 'h' ? ('h' as const) : ('d' as const), from, to }]
  const steps = new Map<number, Sum>()
  for (const piece of pieces)
    for (const { starts_at, ...sum } of await rowsOf(reader, scope, piece)) {
      const start = startOf(grain, starts_at)
      steps.set(start, together(steps.get(start) ?? NOTHING, sum))
    }
  const users = model === null ? await activeOf(reader, scope, grain) : null
  const points: Point[] = []
  for (let start = startOf(grain, from); start < to; start = endOf(grain, start))
    points.push({ start, ...figures(steps.get(start)), users: users ? (users.get(start) ?? 0) : null })
  return points
}

/** The different payers of each step of a period that is not empty; a row for each. */
export async function activeOf(
  reader: Reader,
  { publisherId, appId, from, to }: Scope,
  grain: 'h' | 'd' | 'w' | 'm',
): Promise<Map<number, number>> {
  const rows = await reader.all<{ starts_at: number; users: number }>(
    'SELECT starts_at, users FROM active_users WHERE publisher_id = ? AND app_id = ? AND grain = ? AND starts_at >= ? AND starts_at < ?',
    [publisherId, appId ?? '', grain, startOf(grain, from), to],
  )
  return new Map(rows.map((row) => [row.starts_at, row.users]))
}

function rowsOf(
  reader: Reader,
  { publisherId, appId, model }: Scope,
  { grain, from, to }: { grain: 'h' | 'd' | 'm'; from: number; to: number },
): Promise<(Sum & { starts_at: number })[]> {
  return reader.all<Sum & { starts_at: number }>(
    `SELECT starts_at, ${SUM_NAMES.join(', ')} FROM usage_by_model
     WHERE publisher_id = ? AND app_id = ? AND model = ? AND grain = ? AND starts_at >= ? AND starts_at < ? ORDER BY starts_at`,
    [publisherId, appId ?? '', model ?? '', grain, from, to],
  )
}

export type Totals = Sum & { last_day: number | null }

/** What payers have used of an app, ever, by payer; nothing is there of who used nothing. Reads a row for each. */
export async function totalsOf(
  reader: Reader,
  { publisherId, appId }: { publisherId: string; appId: string },
  payers: readonly string[],
): Promise<Map<string, Totals>> {
  const found = new Map<string, Totals>()
  for (const list of padded(payers)) {
    const rows = await reader.all<Totals & { payer: string }>(
      `SELECT payer, last_day, ${SUM_NAMES.join(', ')} FROM usage_ever
       WHERE payer IN (${marks(list)}) AND publisher_id = ? AND app_id = ?`,
      [...list, publisherId, appId],
    )
    for (const { payer, ...totals } of rows) found.set(payer, totals)
  }
  return found
}

/** The value of a metric among figures. */
export function metricOf(of: Figures & { users: number | null }, metric: Metric): number {
  return of[metric] ?? 0
}

/** A sum as it is told. */
export function figures(sum: Sum = NOTHING): Figures {
  const { requests, base, markup, granted, tokens } = sum
  return { requests, revenue: base + markup, cost: base, profit: markup, granted, tokens }
}

export function together(a: Sum, b: Sum): Sum {
  return {
    requests: a.requests + b.requests,
    base: a.base + b.base,
    markup: a.markup + b.markup,
    granted: a.granted + b.granted,
    tokens: a.tokens + b.tokens,
  }
}
