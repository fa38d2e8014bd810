// Routes of analytics.
// owns: /developers/analytics, the reading of its parameters. never: a sum.
// always true: a developer sees what their own apps did and nothing else; an answer counts every charge that was made before
// it was asked for, or says that it does not and how far it goes.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { appsOf, archivedApps, ownAppEver } from '../connections/apps.ts'
import { requireDeveloper } from '../connections/credentials.ts'
import { namesOfPayers } from '../connections/external.ts'
import { type CountedUntil, GroupBy, Interval, Metric } from '../contract/analytics.ts'
import type { Deps } from '../deps.ts'
import { chosenOf, dateOf, limitOf, refused, textOf } from '../query.ts'
import { csvOf } from './csv.ts'
import { rankingOf } from './ranking.ts'
import { metricOf, type Scope, seriesOf, summaryOf } from './reads.ts'
import { type Counted, countedNow } from './rollup.ts'
import { DAY_MS, startOf } from './sums.ts'

const DAYS_DEFAULT = 30
/** So many days at most, for each interval: no answer is longer than some hundred points. */
const DAYS_MAX: Record<Interval, number> = { hour: 31, day: 731, week: 3660, month: 3660 }
const ROWS_MAX = 1000
const FIGURES = ['requests', 'users', 'revenue', 'cost', 'profit', 'granted', 'tokens']

export function analyticsRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/developers/analytics/summary', async (request) => {
    const scope = await scopeOf(deps, request, DAYS_MAX.month)
    const counted = countedAs(await countedNow(deps))
    return { summary: await summaryOf(deps.db, scope), period: periodOf(scope), ...counted }
  })

  app.get('/developers/analytics/timeseries', async (request, reply) => {
    const metric = chosenOf(request, 'metric', Metric) ?? 'revenue'
    const interval = chosenOf(request, 'interval', Interval) ?? 'day'
    const scope = await scopeOf(deps, request, DAYS_MAX[interval])
    if (metric === 'users' && scope.model !== null) throw refused('metric', 'users are not counted by model.')
    const counted = countedAs(await countedNow(deps))
    const points = await seriesOf(deps.db, scope, interval)
    const series = points.map(({ start, ...of }) => ({
      start: new Date(start).toISOString(),
      value: metricOf(of, metric),
      ...of,
    }))
    if (wantsCsv(request)) return sendCsv(reply, `${interval}s`, csvOf(['start', ...FIGURES], series), counted)
    return { metric, interval, series, period: periodOf(scope), ...counted }
  })

  app.get('/developers/analytics/breakdown', async (request, reply) => {
    const groupBy = chosenOf(request, 'groupBy', GroupBy) ?? 'model'
    const metric = chosenOf(request, 'metric', Metric) ?? 'revenue'
    if (metric === 'users' && groupBy !== 'app') throw refused('metric', 'users are counted by app alone.')
    const scope = await scopeOf(deps, request, DAYS_MAX.month)
    if (scope.model !== null && groupBy === 'user') throw refused('model', 'users are not counted by model.')
    const limit = limitOf(request, ROWS_MAX)
    const counted = countedAs(await countedNow(deps))
    const { rows: found, exact } = await rankingOf(deps.db, scope, { groupBy, metric, limit })
    const keys = found.map(({ key }) => key)
    const names = await namesOf(deps, { groupBy, publisherId: scope.publisherId, keys })
    const rows = found.map((row) => ({ ...row, name: names.get(row.key) ?? row.key, value: metricOf(row, metric) }))
    if (wantsCsv(request)) return sendCsv(reply, `by-${groupBy}`, csvOf(['key', 'name', ...FIGURES], rows), counted)
    return { groupBy, metric, rows, exact, period: periodOf(scope), ...counted }
  })
}

/** Who asks, and for what. @throws Fault `unauthorized`, `bad_request`, `not_found` */
async function scopeOf(deps: Deps, request: FastifyRequest, daysMax: number): Promise<Scope> {
  const publisherId = await requireDeveloper(deps, request)
  const today = startOf('d', deps.now())
  const last = dateOf(request, 'endDate') ?? today
  const from = dateOf(request, 'startDate') ?? last - (DAYS_DEFAULT - 1) * DAY_MS
  const to = last + DAY_MS
  if (from >= to) throw refused('startDate', 'must not be after endDate.')
  if (to - from > daysMax * DAY_MS) throw refused('startDate', `at most ${daysMax} days at once with this interval.`)
  const appId = textOf(request, 'app_id')
  if (appId !== null) await ownAppEver(deps.db, publisherId, appId)
  return { publisherId, from, to, appId, model: textOf(request, 'model') }
}

/** What rows are called, by key; a key without a name is its own. */
async function namesOf(
  deps: Deps,
  { groupBy, publisherId, keys }: { groupBy: GroupBy; publisherId: string; keys: readonly string[] },
): Promise<Map<string, string>> {
  if (groupBy === 'model') return new Map()
  const apps = [...(await appsOf(deps.db, publisherId)), ...(await archivedApps(deps.db, publisherId))]
  const byId = new Map(apps.map(({ id, name }) => [id, name]))
  return groupBy === 'app' ? byId : namesOfPayers(deps.db, keys, new Set(byId.keys()))
}

function periodOf({ from, to }: Scope) {
  return { start: new Date(from).toISOString(), end: new Date(to).toISOString() }
}

/** How far the counters are, as it is told. */
export function countedAs({ complete, until }: Counted): CountedUntil {
  return { complete, counted_until: until === null ? null : new Date(until).toISOString() }
}

const FORMATS = { options: ['json', 'csv'] } as const

function wantsCsv(request: FastifyRequest): boolean {
  return chosenOf(request, 'format', FORMATS) === 'csv'
}

function sendCsv(reply: FastifyReply, name: string, csv: string, counted: CountedUntil): FastifyReply {
  if (!counted.complete) reply.header('x-quota-counted-until', counted.counted_until ?? 'nothing yet')
  return reply
    .header('content-disposition', `attachment; filename="usage-${name}.csv"`)
    .type('text/csv; charset=utf-8')
    .send(csv)
}
