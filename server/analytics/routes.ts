// Routes of analytics.
// owns: /developers/analytics, the reading of its parameters. never: a sum.
// always true: a developer sees what their own apps did and nothing else; what is answered counts every charge that was
// made before it was asked.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { appsOf, archivedApps, ownAppEver } from '../connections/apps.ts'
import { requireDeveloper } from '../connections/credentials.ts'
import { externalById, externalsOf } from '../connections/external.ts'
import { GroupBy, Interval, Metric } from '../contract/developers.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { csvOf } from './csv.ts'
import { metricOf, rankingOf, type Scope, seriesOf, summaryOf } from './reads.ts'
import { catchUp } from './rollup.ts'
import { DAY_MS, startOf } from './sums.ts'

const DAYS_DEFAULT = 30
/** So many days at most, for each interval: no answer is longer than some hundred points. */
const DAYS_MAX: Record<Interval, number> = { hour: 31, day: 731, week: 3660, month: 3660 }
const ROWS_DEFAULT = 50
const ROWS_MAX = 1000
const FIGURES = ['requests', 'users', 'revenue', 'cost', 'profit', 'granted', 'tokens']

export function analyticsRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/developers/analytics/summary', async (request) => {
    const scope = await scopeOf(deps, request, DAYS_MAX.month)
    return { summary: await summaryOf(deps.db, scope), period: periodOf(scope) }
  })

  app.get('/developers/analytics/timeseries', async (request, reply) => {
    const metric = chosen(request, 'metric', Metric, 'revenue')
    const interval = chosen(request, 'interval', Interval, 'day')
    const scope = await scopeOf(deps, request, DAYS_MAX[interval])
    if (metric === 'users' && scope.model !== null) throw refused('metric', 'users are not counted by model.')
    const points = await seriesOf(deps.db, scope, interval)
    const series = points.map(({ start, ...of }) => ({
      start: new Date(start).toISOString(),
      value: metricOf(of, metric),
      ...of,
    }))
    if (wantsCsv(request)) return sendCsv(reply, `${interval}s`, csvOf(['start', ...FIGURES], series))
    return { metric, interval, series, period: periodOf(scope) }
  })

  app.get('/developers/analytics/breakdown', async (request, reply) => {
    const groupBy = chosen(request, 'groupBy', GroupBy, 'model')
    const metric = chosen(request, 'metric', Metric, 'revenue')
    if (metric === 'users' && groupBy !== 'app') throw refused('metric', 'users are counted by app alone.')
    const scope = await scopeOf(deps, request, DAYS_MAX.month)
    if (scope.model !== null && groupBy === 'user') throw refused('model', 'users are not counted by model.')
    const found = await rankingOf(deps.db, scope, { groupBy, metric, limit: rowsOf(request) })
    const names = await namesOf(deps, groupBy, scope.publisherId)
    const rows: ({ key: string; name: string; value: number } & (typeof found)[number])[] = []
    for (const row of found) rows.push({ ...row, name: await names(row.key), value: metricOf(row, metric) })
    if (wantsCsv(request)) return sendCsv(reply, `by-${groupBy}`, csvOf(['key', 'name', ...FIGURES], rows))
    return { groupBy, metric, rows, period: periodOf(scope) }
  })
}

/** Who asks, and for what; the counters are brought up to now. @throws Fault `unauthorized`, `bad_request`, `not_found` */
async function scopeOf(deps: Deps, request: FastifyRequest, daysMax: number): Promise<Scope> {
  const publisherId = await requireDeveloper(deps, request)
  const today = startOf('d', deps.now())
  const last = dateOf(request, 'endDate') ?? today
  const from = dateOf(request, 'startDate') ?? last - (DAYS_DEFAULT - 1) * DAY_MS
  const to = last + DAY_MS
  if (from >= to) throw refused('startDate', 'must not be after endDate.')
  if (to - from > daysMax * DAY_MS) throw refused('startDate', `at most ${daysMax} days at once with this interval.`)
  const appId = text(request, 'app_id')
  if (appId !== null) await ownAppEver(deps.db, publisherId, appId)
  await catchUp(deps)
  return { publisherId, from, to, appId, model: text(request, 'model') }
}

/** What a row is called. */
async function namesOf(deps: Deps, groupBy: GroupBy, publisherId: string): Promise<(key: string) => Promise<string>> {
  if (groupBy === 'model') return async (key) => key
  const apps = [...(await appsOf(deps.db, publisherId)), ...(await archivedApps(deps.db, publisherId))]
  const byId = new Map(apps.map(({ id, name }) => [id, name]))
  if (groupBy === 'app') return async (key) => byId.get(key) ?? key
  return async (key) => {
    const known = key.startsWith('ext_') ? [await externalById(deps.db, key)] : await externalsOf(deps.db, key)
    return known.find((row) => row && byId.has(row.app_id))?.external_user_id ?? key
  }
}

function periodOf({ from, to }: Scope) {
  return { start: new Date(from).toISOString(), end: new Date(to).toISOString() }
}

/** A date, or the date of a time; UTC. */
function dateOf(request: FastifyRequest, name: string): number | null {
  const given = text(request, name)
  if (given === null) return null
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(given) ? Date.parse(given) : Number.NaN
  if (!(at >= 0)) throw refused(name, 'a date, as in 2026-11-23.')
  return startOf('d', at)
}

function chosen<T extends string>(
  request: FastifyRequest,
  name: string,
  values: { options: readonly T[] },
  otherwise: T,
): T {
  const given = text(request, name)
  if (given === null) return otherwise
  const found = values.options.find((value) => value === given)
  if (found === undefined) throw refused(name, `one of ${values.options.join(', ')}.`)
  return found
}

function rowsOf(request: FastifyRequest): number {
  const given = text(request, 'limit')
  if (given === null) return ROWS_DEFAULT
  if (!/^[1-9]\d{0,5}$/.test(given)) throw refused('limit', 'a whole number above zero.')
  return Math.min(Number(given), ROWS_MAX)
}

function wantsCsv(request: FastifyRequest): boolean {
  const format = text(request, 'format')
  if (format !== null && format !== 'csv' && format !== 'json') throw refused('format', 'json or csv.')
  return format === 'csv'
}

function sendCsv(reply: FastifyReply, name: string, csv: string): FastifyReply {
  return reply
    .header('content-disposition', `attachment; filename="usage-${name}.csv"`)
    .type('text/csv; charset=utf-8')
    .send(csv)
}

function text(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Record<string, unknown>)[name]
  if (value === undefined || value === '') return null
  if (typeof value !== 'string' || value.length > 200) throw refused(name, 'malformed.')
  return value
}

function refused(param: string, why: string) {
  return fault('bad_request', { message: `${param}: ${why}`, param })
}
