// Counters: whatever the order and the batches, they come to what the charges come to, once.
// owns: made-up charges and their sums by hand. never: a server.
// always true: every figure that can be asked for is compared with a plain sum over the charges.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { csvOf } from '../../server/analytics/csv.ts'
import { BOUNDS, rankingOf } from '../../server/analytics/ranking.ts'
import { type Scope, seriesOf, summaryOf, totalsOf } from '../../server/analytics/reads.ts'
import { addSums } from '../../server/analytics/rollup.ts'
import { DAY_MS, endOf, type KnownCharge, startOf, sumsOf } from '../../server/analytics/sums.ts'
import type { Db } from '../../server/db/db.ts'
import { isFault } from '../../server/faults.ts'
import { tokensOf } from '../../server/receipts/charges.ts'
import { eachDatabase } from '../support/databases.ts'

describe('the calendar of counters', () => {
  const rows: ['h' | 'd' | 'w' | 'm', string, string, string][] = [
    ['h', '2026-11-26T21:59:59.999Z', '2026-11-26T21:00:00.000Z', '2026-11-26T22:00:00.000Z'],
    ['d', '2026-11-26T00:00:00.000Z', '2026-11-26T00:00:00.000Z', '2026-11-27T00:00:00.000Z'],
    ['w', '2026-11-22T23:59:59.999Z', '2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
    ['w', '2026-11-23T00:00:00.000Z', '2026-11-23T00:00:00.000Z', '2026-11-30T00:00:00.000Z'],
    ['m', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['m', '2028-02-29T12:00:00.000Z', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
  ]
  for (const [grain, at, start, end] of rows) {
    test(`${grain} of ${at}`, () => {
      const begins = startOf(grain, Date.parse(at))
      assert.deepEqual([new Date(begins).toISOString(), new Date(endOf(grain, begins)).toISOString()], [start, end])
    })
  }
})

test('tokens are tokens; searches, seconds and images are not', () => {
  assert.equal(
    tokensOf({ input: 1, cached_input: 2, reasoning: 4, output_audio: 8, web_search: 16, second: 32, image: 64 }),
    15,
  )
})

test('a file for a spreadsheet holds no formula, and its quotes are quoted', () => {
  const rows = [
    { name: '=1+1', n: -1 },
    { name: 'a "b", c', n: null },
  ]
  assert.equal(csvOf(['name', 'n'], rows), `name,n\r\n'=1+1,-1\r\n"a ""b"", c",\r\n`)
})

// A small generator of its own, so that a failure can be run again.
function dice(seed: number) {
  let state = seed
  return (sides: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * sides)
  }
}

const BEGIN = Date.parse('2026-10-20T00:00:00Z')
const DAYS = 45

function chargesMade(count: number): KnownCharge[] {
  const roll = dice(7)
  return Array.from({ length: count }, (_, n) => {
    const publisher = `user_p${roll(2)}`
    const base = roll(5000)
    return {
      requestId: `req_${String(n).padStart(6, '0')}`,
      payer: `user_${roll(9)}`,
      rev: n + 1,
      appId: `${publisher}_app${roll(3)}`,
      publisherId: publisher,
      model: `model-${roll(4)}`,
      at: BEGIN + roll(DAYS * 24 * 60) * 60_000,
      base,
      markup: roll(500),
      granted: roll(3) === 0 ? base : 0,
      tokens: n % 97,
      grants: [],
    }
  })
}

function byHand(charges: readonly KnownCharge[]) {
  const sum = (of: (charge: KnownCharge) => number) => charges.reduce((all, charge) => all + of(charge), 0)
  return {
    requests: charges.length,
    revenue: sum((c) => c.base + c.markup),
    cost: sum((c) => c.base),
    profit: sum((c) => c.markup),
    granted: sum((c) => c.granted),
    tokens: sum((c) => c.tokens),
  }
}
const usersIn = (charges: readonly KnownCharge[]) => new Set(charges.map(({ payer }) => payer)).size

function chosen(charges: readonly KnownCharge[], { publisherId, from, to, appId, model }: Scope): KnownCharge[] {
  return charges.filter(
    (c) =>
      c.publisherId === publisherId &&
      c.at >= from &&
      c.at < to &&
      (appId === null || c.appId === appId) &&
      (model === null || c.model === model),
  )
}

async function count(db: Db, charges: readonly KnownCharge[]): Promise<void> {
  const roll = dice(3)
  for (let from = 0; from < charges.length; ) {
    const to = Math.min(charges.length, from + 1 + roll(120))
    const batch = { from, to, ...sumsOf(charges.slice(from, to)) }
    // Several processes try the same batch: one of them counts it. On a slow machine the others may give up waiting.
    const tried = () => db.tx(addSums, batch).catch((error) => isFault(error) && false)
    const won = await Promise.all([tried(), tried(), tried()])
    assert.deepEqual(won.filter(Boolean), [true])
    from = to
  }
}

eachDatabase('analytics', (open) => {
  test('every figure is the sum of its charges, however they were counted', async () => {
    const { db } = await open()
    const charges = chargesMade(900)
    await count(db, charges)
    assert.equal(await db.tx(addSums, { from: 0, to: 9999, ...sumsOf(charges) }), false, 'counted again')
    const end = BEGIN + DAYS * DAY_MS
    const scopes: Scope[] = [
      { publisherId: 'user_p0', from: BEGIN, to: end, appId: null, model: null },
      { publisherId: 'user_p1', from: BEGIN + 3 * DAY_MS, to: BEGIN + 20 * DAY_MS, appId: 'user_p1_app2', model: null },
      { publisherId: 'user_p0', from: BEGIN + DAY_MS, to: BEGIN + 31 * DAY_MS, appId: null, model: 'model-1' },
      { publisherId: 'user_p0', from: BEGIN, to: end, appId: 'user_p1_app0', model: null },
      { publisherId: 'nobody', from: BEGIN, to: end, appId: null, model: null },
    ]
    for (const scope of scopes) await compare(db, charges, scope)
    const mine = charges.filter((c) => c.appId === 'user_p0_app1' && c.payer === 'user_3')
    const of = { publisherId: 'user_p0', appId: 'user_p0_app1' }
    const totals = await totalsOf(db, of, ['user_3', 'nobody'])
    assert.deepEqual([...totals.keys()], ['user_3'])
    const { requests, base, last_day: last } = totals.get('user_3') ?? {}
    const lastDay = startOf('d', Math.max(...mine.map(({ at }) => at)))
    assert.deepEqual([requests, base, last], [byHand(mine).requests, byHand(mine).cost, lastDay])
  })

  test('a ranking of very many users names the first of them, or says that it may not', async () => {
    const { db } = await open()
    // As if nine users and four hundred charges were very many: the first two or three of each week or month are looked at.
    const charges = chargesMade(400)
    await count(db, charges)
    const told = { proven: 0, open: 0 }
    for (const days of [2, 9, 30, DAYS])
      for (const appId of [null, 'user_p0_app1'])
        for (const metric of ['revenue', 'profit', 'granted', 'requests', 'tokens'] as const)
          for (const least of [2, 3, 100]) {
            const scope = {
              publisherId: 'user_p0',
              from: BEGIN + DAY_MS,
              to: BEGIN + days * DAY_MS,
              appId,
              model: null,
            }
            const wanted = { groupBy: 'user' as const, metric, limit: 3 }
            const right = await rankingOf(db, scope, wanted)
            const bounds = { ...BOUNDS, days: 0, listed: 0, least, spare: least === 100 ? 100 : 1 }
            const { rows, exact } = await rankingOf(db, scope, wanted, bounds)
            if (exact) assert.deepEqual(rows, right.rows, `${days} days, ${metric}, ${least}`)
            if (least === 100) assert.ok(exact, 'all were looked at')
            told[exact ? 'proven' : 'open']++
            const within = chosen(charges, scope)
            for (const { key, users, ...of } of rows)
              assert.deepEqual(of, byHand(within.filter((charge) => charge.payer === key)), key)
          }
    assert.ok(told.proven > 20 && told.open > 20, JSON.stringify(told))
  })
})

async function compare(db: Db, charges: readonly KnownCharge[], scope: Scope): Promise<void> {
  const within = chosen(charges, scope)
  if (scope.model === null) assert.deepEqual(await summaryOf(db, scope), { ...byHand(within), users: usersIn(within) })
  for (const [interval, grain] of [
    ['hour', 'h'],
    ['day', 'd'],
    ['week', 'w'],
    ['month', 'm'],
  ] as const) {
    const series = await seriesOf(db, scope, interval)
    assert.equal(series[0]?.start, startOf(grain, scope.from))
    for (const [n, { start, users, ...figures }] of series.entries()) {
      if (n > 0) assert.equal(start, endOf(grain, series[n - 1]?.start ?? 0), 'a gap')
      const here = within.filter(({ at }) => startOf(grain, at) === start)
      assert.deepEqual(figures, byHand(here), `${interval} ${new Date(start).toISOString()}`)
      // The users of a whole week or month, also where the period begins or ends within it.
      const whole = chosen(charges, { ...scope, from: start, to: endOf(grain, start) })
      assert.equal(users, scope.model === null ? usersIn(whole) : null)
    }
  }
  for (const [groupBy, key] of [
    ['model', 'model'],
    ['app', 'appId'],
    ['user', 'payer'],
  ] as const) {
    if (groupBy === 'user' && scope.model !== null) continue
    const groups = Map.groupBy(within, (charge) => charge[key])
    const { rows } = await rankingOf(db, scope, { groupBy, metric: 'revenue', limit: 100 })
    assert.equal(rows.length, groups.size)
    for (const { key: name, users, ...figures } of rows) assert.deepEqual(figures, byHand(groups.get(name) ?? []), name)
    const order = rows.map(({ revenue }) => revenue)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => b - a),
    )
    const [top] = (await rankingOf(db, scope, { groupBy, metric: 'requests', limit: 1 })).rows
    assert.equal(top?.requests ?? 0, Math.max(0, ...[...groups.values()].map(({ length }) => length)))
  }
}
