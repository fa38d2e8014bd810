// Limits as accounts: what is available is limit - spent - held, always, and there is one budget per label.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WindowState } from '../../server/connections/caps.ts'

import type { Cap, Connection } from '../../server/contract/records.ts'
import type { Db } from '../../server/db/db.ts'
import { assertInOrder, eachDatabase, type Open } from '../support/databases.ts'
import { documentOf, holdOn, setCapsOf, settleOn, windowsOf } from './money.procedures.ts'
import { app, clock, connect, live, person, picture, refused } from './money.rig.ts'

const NOON = '2026-11-23T12:00:00Z'
const short = ({ period, limit, spent, held, available }: WindowState) => ({ period, limit, spent, held, available })

async function world(open: Open, caps: Cap[], zone = 'UTC') {
  const time = clock(NOON)
  const { db } = await open({ now: time.now })
  const userId = await person(db, { zone })
  const appId = await app(db, await person(db))
  const id = await connect(db, userId, appId, { caps })
  let holds = 0
  return {
    db,
    time,
    id,
    userId,
    appId,
    windows: async () => (await db.tx(windowsOf, { id })).map(short),
    spend: async (amount: number) => {
      const holdId = `h${++holds}`
      const accounts = await db.tx(holdOn, { id, holdId, amount })
      await db.tx(settleOn, { holdId, accounts, amount })
    },
    hold: async (amount: number) => {
      const holdId = `h${++holds}`
      const accounts = await db.tx(holdOn, { id, holdId, amount })
      return (part: number) => db.tx(settleOn, { holdId, accounts, amount: part })
    },
    setCaps: (given: Cap[]) => editCaps(db, userId, id, given),
  }
}

async function editCaps(db: Db, userId: string, id: string, caps: Cap[]) {
  const { version } = await db.tx(documentOf, { id })
  await db.tx(setCapsOf, { userId, id, caps, version })
}

eachDatabase('caps', (open) => {
  test('a table: lowering, raising, holding and spending in one window', async () => {
    const w = await world(open, [{ period: 'day', amount: 1000 }])
    const state = async () => (await w.windows())[0]
    assert.deepEqual(await state(), { period: 'day', limit: 1000, spent: 0, held: 0, available: 1000 })
    await w.spend(400)
    const end = await w.hold(300)
    assert.deepEqual(await state(), { period: 'day', limit: 1000, spent: 400, held: 300, available: 300 })
    await w.setCaps([{ period: 'day', amount: 500 }]) // below what is spent and held: nothing is reversed
    assert.deepEqual(await state(), { period: 'day', limit: 500, spent: 400, held: 300, available: -200 })
    assert.equal(await refused(w.spend(1)), 'insufficient_balance')
    assert.equal(await end(50), 'settled')
    assert.deepEqual(await state(), { period: 'day', limit: 500, spent: 450, held: 0, available: 50 })
    assert.equal(await refused(w.spend(51)), 'insufficient_balance')
    await w.setCaps([{ period: 'day', amount: 800 }]) // back up, within what was funded
    assert.deepEqual(await state(), { period: 'day', limit: 800, spent: 450, held: 0, available: 350 })
    await w.setCaps([{ period: 'day', amount: 3000 }]) // beyond it
    await w.setCaps([{ period: 'day', amount: 200 }])
    await w.setCaps([{ period: 'day', amount: 3000 }])
    assert.deepEqual(await state(), { period: 'day', limit: 3000, spent: 450, held: 0, available: 2550 })
    await assertInOrder(w.db)
  })

  test('any order of edits and calls leaves available = limit - spent - held', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('limit' as const), amount: fc.integer({ min: 1, max: 2000 }) }),
      fc.record({ do: fc.constant('hold' as const), amount: fc.integer({ min: 1, max: 900 }) }),
      fc.record({ do: fc.constant('settle' as const), amount: fc.integer({ min: 0, max: 900 }) }),
    )
    const w = await world(open, [{ period: 'month', amount: 1000 }])
    const steps = fc.sample(fc.array(step, { minLength: 60, maxLength: 60 }), { numRuns: 1, seed: 7 })[0] ?? []
    const model = { limit: 1000, spent: 0, held: 0 }
    const running: { amount: number; end: (part: number) => Promise<unknown> }[] = []
    for (const { do: what, amount } of steps) {
      if (what === 'limit') {
        await w.setCaps([{ period: 'month', amount }])
        model.limit = amount
      } else if (what === 'hold') {
        const fits = amount <= model.limit - model.spent - model.held
        if (!fits) assert.equal(await refused(w.hold(amount)), 'insufficient_balance')
        else running.push({ amount, end: await w.hold(amount) })
        if (fits) model.held += amount
      } else {
        const call = running.shift()
        if (!call) continue
        const part = Math.min(amount, call.amount)
        await call.end(part)
        model.held -= call.amount
        model.spent += part
      }
      const available = model.limit - model.spent - model.held
      assert.deepEqual(await w.windows(), [{ period: 'month', ...model, available }])
    }
    await assertInOrder(w.db)
  })

  test('several windows: each is checked, and a new day is a new budget while the month goes on', async () => {
    const w = await world(open, [
      { period: 'day', amount: 100 },
      { period: 'month', amount: 150 },
      { period: 'total', amount: 1000 },
    ])
    await w.spend(100)
    const before = await picture(w.db)
    assert.equal(await refused(w.spend(1)), 'insufficient_balance')
    assert.equal(await picture(w.db), before, 'a refused call moved something')
    w.time.set('2026-11-24T00:00:00Z')
    await w.spend(50)
    assert.equal(await refused(w.spend(1)), 'insufficient_balance') // the month's
    w.time.set('2026-12-01T00:00:00Z')
    await w.spend(100)
    const [, month, total] = await w.windows()
    assert.deepEqual([month?.available, total?.spent], [50, 250])
    await assertInOrder(w.db)
  })

  test('a call counts in the window of its hold', async () => {
    const w = await world(open, [{ period: 'day', amount: 100 }])
    w.time.set('2026-11-23T23:59:59Z')
    const end = await w.hold(80)
    w.time.set('2026-11-24T00:00:10Z')
    assert.equal((await w.windows())[0]?.available, 100)
    await end(80)
    assert.equal((await w.windows())[0]?.spent, 0)
    await assertInOrder(w.db)
  })

  test('documents show a window that nobody has opened yet, and open none', async () => {
    const w = await world(open, [{ period: 'day', amount: 100 }], 'Asia/Tokyo')
    const before = await picture(w.db)
    const { caps } = await w.db.tx(documentOf, { id: w.id })
    const [cap] = (caps as Connection['caps']) ?? []
    assert.deepEqual(cap, { period: 'day', amount: 100, spent: 0, held: 0, resets_at: '2026-11-23T15:00:00.000Z' })
    assert.equal(await picture(w.db), before)
  })

  test('50 at once open one window, funded once', async () => {
    const w = await world(open, [{ period: 'week', amount: 777 }])
    const states = await Promise.all(Array.from({ length: 50 }, () => w.windows()))
    assert.equal(new Set(states.map((state) => JSON.stringify(state))).size, 1)
    assert.equal(states[0]?.[0]?.available, 777)
    await assertInOrder(w.db)
  })

  test('opening a window while its limit is lowered never leaves more than the lower limit', async () => {
    const w = await world(open, [{ period: 'day', amount: 1000 }])
    for (let day = 0; day < 40; day++) {
      await w.setCaps([{ period: 'day', amount: 1000 }])
      w.time.set(new Date(Date.parse(NOON) + (day + 1) * 86_400_000).toISOString())
      const opening = () => Array.from({ length: 5 }, () => w.windows())
      await Promise.all([...opening(), w.setCaps([{ period: 'day', amount: 10 }]), ...opening()])
      assert.equal((await w.windows())[0]?.available, 10)
    }
    assert.equal(await refused(w.spend(11)), 'insufficient_balance')
    await assertInOrder(w.db)
  })

  test('200 calls at once never exceed a limit, while it is lowered and raised', async () => {
    const w = await world(open, [{ period: 'day', amount: 1000 }])
    const calls = Array.from({ length: 200 }, () => refused(w.spend(10)))
    await Promise.all([...calls, w.setCaps([{ period: 'day', amount: 500 }])])
    const done = (await Promise.all(calls)).filter((code) => code === 'nothing refused').length
    const [state] = await w.windows()
    assert.equal(state?.spent, done * 10)
    assert.ok(done >= 50 && done <= 100, `${done} calls`)
    await assertInOrder(w.db)
  })

  test('moving east and west again and again makes no second budget for one day', async () => {
    const w = await world(open, [{ period: 'day', amount: 100 }], 'America/New_York')
    let budgets = 0
    const zones = ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Asia/Tokyo', 'America/New_York', 'UTC']
    for (let hour = 0; hour < 72; hour++) {
      w.time.set(new Date(Date.parse(NOON) + hour * 3_600_000).toISOString())
      await live(w.db, w.userId, { zone: zones[hour % zones.length] ?? 'UTC' })
      if ((await w.windows())[0]?.available === 100) {
        budgets++
        await w.spend(100)
      }
    }
    // 72 hours touch at most 5 calendar days anywhere on earth (26 hours lie between the farthest zones).
    assert.ok(budgets <= 5, `${budgets} budgets in three days`)
    await assertInOrder(w.db)
  })

  test('changing where weeks begin makes no second budget for one week', async () => {
    const w = await world(open, [{ period: 'week', amount: 100 }])
    let budgets = 0
    for (let day = 0; day < 28; day++) {
      w.time.set(new Date(Date.parse(NOON) + day * 86_400_000).toISOString())
      for (const week of ['monday', 'saturday', 'sunday'] as const) {
        await live(w.db, w.userId, { week })
        if ((await w.windows())[0]?.available !== 100) continue
        budgets++
        await w.spend(100)
      }
    }
    assert.ok(budgets <= 5, `${budgets} budgets in four weeks`)
  })

  test('a clock set back gives no fresh window', async () => {
    const w = await world(open, [{ period: 'day', amount: 100 }])
    w.time.set('2026-11-25T12:00:00Z')
    await w.spend(100)
    w.time.set(NOON)
    assert.equal((await w.windows())[0]?.available, 0)
  })

  test('a second consent in the same window keeps what is spent; total begins anew only after a revoke', async () => {
    const caps: Cap[] = [
      { period: 'day', amount: 100 },
      { period: 'total', amount: 100 },
    ]
    const w = await world(open, caps)
    await w.spend(60)
    assert.equal(await connect(w.db, w.userId, w.appId, { caps }), w.id)
    assert.deepEqual(
      (await w.windows()).map((state) => state.available),
      [40, 40],
    )
  })
})
