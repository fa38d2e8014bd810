// Figures for developers: what their apps' calls came to.
// owns: shapes of sums, series and rankings, and how far they are counted. never: behaviour.
// always true: amounts are credits (integer micro-dollars); times are RFC 3339 UTC; a period is whole days.

import { z } from 'zod'
import { MicrosOrZero } from './money.ts'
import { Time } from './records.ts'

/**
 * Figures come from counters. `complete`: every charge that was made before the question is in them. Else the server is
 * still counting (a long history, after an upgrade), and they hold what was charged until about `counted_until` (null:
 * nothing yet).
 */
export const CountedUntil = z.object({
  // A server that does not say so yet counts all before it answers.
  complete: z.boolean().default(true),
  counted_until: Time.nullable().default(null),
})
export type CountedUntil = z.infer<typeof CountedUntil>

export const Metric = z.enum(['revenue', 'cost', 'profit', 'users', 'requests', 'tokens', 'granted'])
export type Metric = z.infer<typeof Metric>
export const Interval = z.enum(['hour', 'day', 'week', 'month'])
export type Interval = z.infer<typeof Interval>
export const GroupBy = z.enum(['model', 'user', 'app'])
export type GroupBy = z.infer<typeof GroupBy>

/** `revenue` = `cost` (base) + `profit` (markup); `granted` is the part of `cost` that grants paid. Credits. */
export const Figures = z.object({
  requests: z.int().nonnegative(),
  revenue: MicrosOrZero,
  cost: MicrosOrZero,
  profit: MicrosOrZero,
  granted: MicrosOrZero,
  tokens: z.int().nonnegative(),
})
export type Figures = z.infer<typeof Figures>
/** `end` is not part of the period. */
export const Span = z.object({ start: Time, end: Time })
/** GET /developers/analytics/summary?startDate=&endDate=&app_id=. Dates are UTC; by default the last 30 days. */
export const AnalyticsSummary = z.object({
  summary: Figures.extend({ users: z.int().nonnegative() }),
  period: Span,
  ...CountedUntil.shape,
})
export type AnalyticsSummary = z.infer<typeof AnalyticsSummary>
/** GET /developers/analytics/timeseries?metric=&interval=&startDate=&endDate=&app_id=&model=&format=json|csv. Weeks begin on Monday. */
export const AnalyticsTimeseries = z.object({
  metric: Metric,
  interval: Interval,
  /** `users` is null where a model is asked for. */
  series: z.array(Figures.extend({ start: Time, value: z.int(), users: z.int().nullable() })),
  period: Span,
  ...CountedUntil.shape,
})
export type AnalyticsTimeseries = z.infer<typeof AnalyticsTimeseries>
/** GET /developers/analytics/breakdown?groupBy=&metric=&startDate=&endDate=&app_id=&limit=&format=json|csv. Highest first. */
export const AnalyticsBreakdown = z.object({
  groupBy: GroupBy,
  metric: Metric,
  /** `name` is the app's name, or the app's name for the user; `users` is null but for apps. */
  rows: z.array(Figures.extend({ key: z.string(), name: z.string(), value: z.int(), users: z.int().nullable() })),
  /** The figures are exact; false: of very many users, somebody who is not named could belong among these. */
  exact: z.boolean().default(true),
  period: Span,
  ...CountedUntil.shape,
})
export type AnalyticsBreakdown = z.infer<typeof AnalyticsBreakdown>
