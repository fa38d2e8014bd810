// The console's lists and charts over a million charges, on either database, and what counting them costs the writer.
// owns: these measurements. never: a figure that was not measured in this run.
// always true: the counters are those that the roll-up would have made of the same charges (test/server/analytics.test.ts
// holds it against plain sums); times are of the server's own functions, without HTTP. `processor` is this process's own
// time for one run: on SQLite all that is done; on Postgres without the database's share.
//
//   node test/bench/analytics.ts [--db sqlite|postgres] [--charges 1000000] [--users 20000]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NEVER } from '../../server/analytics/counters.ts'
import { rankingOf } from '../../server/analytics/ranking.ts'
import { type Scope, seriesOf, summaryOf } from '../../server/analytics/reads.ts'
import { addSums } from '../../server/analytics/rollup.ts'
import { DAY_MS, HOUR_MS, type KnownCharge, startOf, sumsOf } from '../../server/analytics/sums.ts'
import type { Db, Value } from '../../server/db/db.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import { poolState } from '../../server/developers/pool.ts'
import { usersOf } from '../../server/developers/users.ts'
import { grantsOf } from '../../server/grants/developer.ts'
import { refusals } from '../../server/proxy/refusals.ts'
import { deliveriesOf } from '../../server/webhooks/deliveries.ts'
import { freshDatabase, start as startPostgres } from '../support/postgres.ts'
import { analyse, fill } from './analytics-procedures.ts'

const DAYS = 90
const END = Date.parse('2026-11-26T00:00:00Z')
const BEGIN = END - DAYS * DAY_MS
const PUBLISHER = 'user_pub'
const APPS = ['app_0', 'app_1', 'app_2']
const RUNS = 7
const ROWS = 200

type Options = { db: 'sqlite' | 'postgres'; charges: number; users: number }

function chargeOf(n: number, { charges, users }: Options): KnownCharge {
  const at = BEGIN + Math.floor((n / charges) * DAYS * DAY_MS)
  // A few people call much, most seldom.
  const user = Math.floor(Math.random() ** 2 * users)
  return {
    requestId: `req_${String(n).padStart(26, '0')}`,
    payer: `ext_${String(user).padStart(26, '0')}`,
    rev: n + 1,
    appId: APPS[user % APPS.length] ?? 'app_0',
    publisherId: PUBLISHER,
    model: `model-${n % 12}`,
    at,
    base: 100 + (n % 900),
    markup: n % 90,
    granted: n % 10 === 0 ? 100 : 0,
    tokens: 1500,
    grants: [],
  }
}

async function write(db: Db, table: string, rows: readonly Record<string, Value>[]): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS * 50) {
    const waiting: Promise<void>[] = []
    for (let at = from; at < Math.min(rows.length, from + ROWS * 50); at += ROWS)
      waiting.push(db.tx(fill, { table, rows: rows.slice(at, at + ROWS) }))
    await Promise.all(waiting)
  }
}

async function fillAll(db: Db, options: Options): Promise<void> {
  await write(db, 'apps', APPS.map(appRow))
  const users = Array.from({ length: options.users }, (_, n) => `ext_${String(n).padStart(26, '0')}`)
  const appOf = (n: number) => APPS[n % APPS.length] ?? 'app_0'
  await write(
    db,
    'external_users',
    users.map((id, n) => ({
      id,
      app_id: appOf(n),
      external_user_id: `user-${n}`,
      status: 'unclaimed',
      created_at: BEGIN,
    })),
  )
  const grants = users.map((external_id, n) => ({
    id: `grant_${String(n).padStart(26, '0')}`,
    external_id,
    app_id: appOf(n),
  }))
  const account = { unit: 'usd', guarded: 1, opened_at: BEGIN }
  await write(
    db,
    'accounts',
    grants.map(({ id }) => ({ id: `grant:${id}`, posted: 500_000, ...account })),
  )
  await write(
    db,
    'grants',
    grants.map((row) => ({ ...row, publisher_id: PUBLISHER, amount: 1_000_000, created_at: BEGIN })),
  )
  await write(
    db,
    'refused_calls',
    Array.from({ length: 3000 }, (_, n) => refusedRow(n)),
  )
  await fillDeliveries(db)
  await fillCharges(db, options)
}

const appRow = (id: string) => ({
  id,
  client_id: id,
  publisher_id: PUBLISHER,
  name: id,
  type: 'public',
  redirect_uris: '[]',
  allowed_scopes: '[]',
  markup_bps: 0,
  markup_notice_days: 14,
  created_at: BEGIN,
})

const refusedRow = (n: number) => ({
  app_id: APPS[n % 3] ?? '',
  request_id: `req_${String(n).padStart(26, '0')}`,
  publisher_id: PUBLISHER,
  route: '/v1/chat/completions',
  status: 402,
  code: 'insufficient_credits',
  at: END,
})

async function fillDeliveries(db: Db): Promise<void> {
  const hook = {
    id: 'hook_1',
    publisher_id: PUBLISHER,
    url: 'https://hooks.example.org/',
    events: '[]',
    status: 'enabled',
    created_at: BEGIN,
  }
  await write(db, 'webhooks', [hook])
  const events = Array.from({ length: 50_000 }, (_, n) => `evt_${String(n).padStart(26, '0')}`)
  await write(
    db,
    'webhook_events',
    events.map((id) => ({ id, publisher_id: PUBLISHER, type: 'usage.completed', body: '{}', at: END })),
  )
  await write(
    db,
    'webhook_deliveries',
    events.map((event_id, n) => ({
      id: `dlv_${n}`,
      webhook_id: 'hook_1',
      event_id,
      status: 'delivered',
      next_at: 0,
      created_at: END,
    })),
  )
}

/** The counters that a million charges come to; nothing that is measured reads the charges themselves. */
async function fillCharges(db: Db, options: Options): Promise<void> {
  const models = new Map<string, Record<string, Value>>()
  const users = new Map<string, Record<string, Value>>()
  const active = new Map<string, Set<string>>()
  const STEP = 20_000
  for (let from = 0; from < options.charges; from += STEP) {
    const charges = Array.from({ length: Math.min(STEP, options.charges - from) }, (_, n) =>
      chargeOf(from + n, options),
    )
    const sums = sumsOf(charges)
    for (const { publisher: publisher_id, start: starts_at, app: app_id, ...sum } of sums.models)
      gather(models, `${sum.grain} ${starts_at} ${app_id} ${sum.model}`, { publisher_id, starts_at, app_id, ...sum })
    for (const { publisher: publisher_id, start: starts_at, app: app_id, ...sum } of sums.users)
      gather(users, `${starts_at} ${app_id} ${sum.payer}`, { publisher_id, starts_at, app_id, ...sum })
    for (const { at, appId, payer } of charges)
      for (const grain of ['h', 'd', 'w', 'm'] as const)
        for (const scope of [appId, '']) {
          const key = `${scope} ${grain} ${startOf(grain, at)}`
          const seen = active.get(key) ?? new Set()
          active.set(key, seen.add(payer))
        }
  }
  await write(db, 'usage_by_model', [...models.values()])
  await write(db, 'usage_by_user', [...users.values()])
  await fillOfUsers(db, [...users.values()])
  const rows = [...active].map(([key, seen]) => {
    const [app_id = '', grain = '', starts_at] = key.split(' ')
    return { publisher_id: PUBLISHER, app_id, grain, starts_at: Number(starts_at), users: seen.size }
  })
  await write(db, 'active_users', rows)
  say(`counters: ${models.size} rows by model, ${users.size} by user, ${rows.length} of active users`)
}

/** What the days of users come to: weeks and months, all time, and the days before days. In order of time. */
async function fillOfUsers(db: Db, days: readonly Record<string, Value>[]): Promise<void> {
  const ranked = new Map<string, Record<string, Value>>()
  const ever = new Map<string, Record<string, Value>>()
  const gaps = new Map<string, Record<string, Value>>()
  for (const { starts_at, hours, app_id: own, ...sum } of days)
    for (const app_id of [own ?? '', '']) {
      const { publisher_id = '', payer = '' } = sum
      const who = `${app_id} ${payer}`
      const day = Number(starts_at)
      for (const grain of ['w', 'm'] as const) {
        const start = startOf(grain, day)
        gather(ranked, `${who} ${grain} ${start}`, { ...sum, app_id, grain, starts_at: start })
      }
      const before_at = Number(ever.get(who)?.last_day ?? NEVER)
      gather(ever, who, { ...sum, app_id, last_day: day })
      Object.assign(ever.get(who) ?? {}, { last_day: day })
      const key = `${app_id} ${day} ${before_at}`
      const gap = gaps.get(key) ?? { publisher_id, app_id, starts_at: day, before_at, users: 0 }
      gaps.set(key, { ...gap, users: Number(gap.users) + 1 })
    }
  await write(db, 'usage_ranked', [...ranked.values()])
  await write(db, 'usage_ever', [...ever.values()])
  await write(db, 'user_gaps', [...gaps.values()])
  say(`${ranked.size} rows of weeks and months, ${ever.size} of all time, ${gaps.size} of days before days`)
}

function gather(sums: Map<string, Record<string, Value>>, key: string, row: Record<string, Value>): void {
  const sum = sums.get(key)
  if (!sum) return void sums.set(key, row)
  for (const name of ['requests', 'base', 'markup', 'granted', 'tokens'])
    sum[name] = Number(sum[name]) + Number(row[name])
  if ('hours' in sum) sum.hours = Number(sum.hours) | Number(row.hours)
}

async function reads(db: Db): Promise<void> {
  const scope = (days: number, more: Partial<Scope> = {}): Scope => ({
    publisherId: PUBLISHER,
    from: END - days * DAY_MS,
    to: END,
    appId: null,
    model: null,
    ...more,
  })
  const page = { publisherId: PUBLISHER, before: '~', limit: 51 }
  await measure('summary, 30 days', () => summaryOf(db, scope(30)))
  await measure('summary, 90 days', () => summaryOf(db, scope(90)))
  await measure('summary, 30 days of one app', () => summaryOf(db, scope(30, { appId: 'app_1' })))
  await measure('series by hour, 31 days', () => seriesOf(db, scope(31), 'hour'))
  for (const interval of ['day', 'week', 'month'] as const)
    await measure(`series by ${interval}, 90 days`, () => seriesOf(db, scope(90), interval))
  for (const groupBy of ['model', 'app', 'user'] as const)
    for (const days of [1, 7, 30, 90])
      await measure(`ranking by ${groupBy}, ${days} days`, () =>
        rankingOf(db, scope(days), { groupBy, metric: 'revenue', limit: 50 }),
      )
  for (const metric of ['profit', 'requests', 'tokens'] as const)
    await measure(`ranking by user, 30 days, ${metric}`, () =>
      rankingOf(db, scope(30), { groupBy: 'user', metric, limit: 50 }),
    )
  await measure('ranking by user, 90 days of one app', () =>
    rankingOf(db, scope(90, { appId: 'app_1' }), { groupBy: 'user', metric: 'revenue', limit: 50 }),
  )
  await measure('ranking by user, 90 days, 1,000 rows', () =>
    rankingOf(db, scope(90), { groupBy: 'user', metric: 'revenue', limit: 1000 }),
  )
  await measure('users of an app, a page', () =>
    usersOf(db, { publisherId: PUBLISHER, appId: 'app_0', after: '', limit: 50, now: END }),
  )
  await measure('grants, a page', () => grantsOf(db, { ...page, appId: null, externalUserId: null, status: null }))
  await measure('the pool, with 20,000 open grants', () => poolState({ db }, PUBLISHER))
  await measure('refused calls, a page', () => refusals(db, { ...page, appId: null, code: null }))
  await measure('deliveries, a page', () =>
    deliveriesOf(db, { webhookId: 'hook_1', status: null, before: '~', limit: 51 }),
  )
}

async function measure(what: string, act: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  let answer: unknown
  const before = process.cpuUsage()
  for (let run = 0; run < RUNS; run++) {
    const began = performance.now()
    answer = await act()
    times.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(before)
  const [first = 0] = times
  times.sort((a, b) => a - b)
  const open = (answer as { exact?: boolean }).exact === false ? ', not proven' : ''
  const shown = (ms: number) => ms.toFixed(1).padStart(7)
  say(
    `${what.padEnd(38)} first ${shown(first)}  median ${shown(times[RUNS >> 1] ?? 0)}  worst ${shown(times.at(-1) ?? 0)} ms  processor ${shown((user + system) / 1000 / RUNS)} ms${open}`,
  )
}

/** What the roll-up's commit costs, for 500 charges of one user and of 500. */
async function counting(db: Db, options: Options): Promise<void> {
  let from = 0
  for (const spread of [1, 500]) {
    const charges = Array.from({ length: 500 }, (_, n) => ({
      ...chargeOf(n, options),
      payer: `new_${spread}_${n % spread}`,
      at: END + HOUR_MS,
    }))
    for (const what of ['the first of a day', 'later']) {
      const began = performance.now()
      await db.tx(addSums, { from, to: ++from, ...sumsOf(charges) })
      const each = ((performance.now() - began) * 1000) / charges.length
      say(`counting 500 charges of ${spread} user${spread > 1 ? 's' : ''}, ${what}: ${each.toFixed(1)} µs a charge`)
    }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const { values } = parseArgs({
  options: {
    db: { type: 'string', default: 'sqlite' },
    charges: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '20000' },
  },
})
const options: Options = {
  db: values.db as Options['db'],
  charges: Number(values.charges),
  users: Number(values.users),
}
const dir = mkdtempSync(join(tmpdir(), 'quota-console-bench-'))
const postgres = options.db === 'postgres' ? await startPostgres() : null
const db = postgres
  ? await openPostgres({ url: await freshDatabase(postgres.url), now: Date.now })
  : await openSqlite({ dir, now: Date.now })
try {
  const began = performance.now()
  await fillAll(db, options)
  if (db.dialect === 'postgres') await db.tx(analyse, undefined)
  say(`${options.db}: ${options.charges} charges filled in ${((performance.now() - began) / 1000).toFixed(0)} s`)
  await reads(db)
  await counting(db, options)
} finally {
  await db.close()
  await postgres?.stop()
  rmSync(dir, { recursive: true, force: true })
}
