// Many at once: what a floor allows happens, and not one micro more; nothing deadlocks; the chain holds meanwhile.
// owns: races between commits. never: HTTP (the same figures are asked there again).
// always true: the number of holds that succeed is exact, not a range.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../server/db/db.ts'
import { audit, entriesAfter, movementHash, seal, total } from '../server/ledger/chain.ts'
import { type Leg, stands } from '../server/ledger/ledger.ts'
import { assertInOrder, eachDatabase, onPostgres } from './support/databases.ts'
import { outcomeOf } from './support/ledger-table.ts'
import { type Act, acts } from './support/test-procedures.ts'

const leg = (from: string, to: string, amount: number): Leg => ({ from, to, amount })
const move = (id: string, ...legs: Leg[]): Act => ({ verb: 'transfer', id, legs })
const hold = (id: string, ...legs: Leg[]): Act => ({ verb: 'hold', id, legs, owner: 'test', ttlMs: 60_000 })
const settle = (holdId: string, ...legs: Leg[]): Act => ({ verb: 'settle', holdId, legs })

async function outcomes(db: Db, list: readonly Act[]): Promise<Record<string, number>> {
  const words = await Promise.all(list.map((one) => outcomeOf(db, one)))
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

const available = async (db: Db, account: string) => (await stands(db, account)).available

/** The whole chain as the export writes it. */
async function exported(db: Db): Promise<string> {
  const rows = await db.snapshot((reader) => entriesAfter(reader, 0, 100_000))
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

eachDatabase('at once', (open) => {
  test('200 holds of 1,000 on a balance of 10,000: exactly 10', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 10_000))])
    let lowest = 10_000
    let polling = true
    const poll = (async () => {
      while (polling) {
        lowest = Math.min(lowest, await available(db, 'user:ann'))
        await sleep(2)
      }
    })()
    const holds = Array.from({ length: 200 }, (_, i) => hold(`h${i}`, leg('user:ann', 'sales', 1000)))
    const counts = await outcomes(db, holds)
    polling = false
    await poll
    assert.deepEqual(counts, { created: 10, insufficient_balance: 190 })
    assert.equal(lowest >= 0, true, `available fell to ${lowest}`)
    assert.equal(await available(db, 'user:ann'), 0)
    const ends = holds.map((one) => settle((one as { id: string }).id, leg('user:ann', 'sales', 1000)))
    assert.deepEqual(await outcomes(db, ends), { created: 10, no_hold: 190 })
    assert.deepEqual(await stands(db, 'user:ann'), { posted: 0, held: 0, floor: 0, available: 0 })
    assert.equal(await db.snapshot((reader) => total(reader, 'sales')), 10_000)
    assert.equal((await assertInOrder(db)).openHolds, 0)
  })

  test('the same with a limit of 5,000: exactly 5, and the balance lost nothing to the refused', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 10_000)), move('c', leg('limits', 'cap:c:w', 5000))])
    const holds = Array.from({ length: 200 }, (_, i) =>
      hold(`h${i}`, leg('user:ann', 'sales', 1000), leg('cap:c:w', 'limits', 1000)),
    )
    assert.deepEqual(await outcomes(db, holds), { created: 5, insufficient_balance: 195 })
    assert.deepEqual(await stands(db, 'user:ann'), { posted: 10_000, held: 5000, floor: 0, available: 5000 })
    assert.deepEqual(await stands(db, 'cap:c:w'), { posted: 5000, held: 5000, floor: 0, available: 0 })
    await assertInOrder(db)
  })

  test('balance 10,000, one app limited to 5,000 and one not, 100 calls each: 10 in all, at most 5 of the limited', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 10_000)), move('c', leg('limits', 'cap:c:w', 5000))])
    const limited = Array.from({ length: 100 }, (_, i) =>
      hold(`a${i}`, leg('user:ann', 'sales', 1000), leg('cap:c:w', 'limits', 1000)),
    )
    const free = Array.from({ length: 100 }, (_, i) => hold(`b${i}`, leg('user:ann', 'sales', 1000)))
    const counts = await outcomes(
      db,
      limited.flatMap((one, i) => [one, free[i] as Act]),
    )
    assert.deepEqual(counts, { created: 10, insufficient_balance: 190 })
    const { held } = await stands(db, 'cap:c:w')
    assert.ok(held > 0 && held <= 5000, `the limited app holds ${held}`)
    await assertInOrder(db)
  })

  test('one hold, ended 30 times at once in three ways: once', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 100))])
    for (let n = 0; n < 5; n++) {
      await db.tx(acts, [hold(`h${n}`, leg('user:ann', 'sales', 10))])
      const ends = Array.from({ length: 30 }, (_, i): Act => {
        if (i % 3 === 0) return settle(`h${n}`, leg('user:ann', 'sales', 1 + i))
        return { verb: i % 3 === 1 ? 'void' : 'expire', holdId: `h${n}` }
      }).filter((one) => one.verb !== 'settle' || (one.legs[0]?.amount ?? 0) <= 10)
      const counts = await outcomes(db, ends)
      assert.equal(counts.created, 1)
      const [row] = await db.all<{ n: number }>('SELECT COUNT(*) AS n FROM movements WHERE hold_id = ?', [`h${n}`])
      assert.equal(row?.n, 1)
    }
    assert.equal((await stands(db, 'user:ann')).held, 0)
    await assertInOrder(db)
  })

  test('the same id 50 times at once: created once, exists 49 times; other content is refused', async () => {
    const { db } = await open()
    const same = Array.from({ length: 50 }, () => move('t', leg('world:stripe', 'user:ann', 7)))
    assert.deepEqual(await outcomes(db, same), { created: 1, exists: 49 })
    const mixed = Array.from({ length: 50 }, (_, i) => hold('h', leg('user:ann', 'sales', 1 + (i % 2))))
    const counts = await outcomes(db, mixed)
    assert.deepEqual(counts, { created: 1, exists: 24, id_reused: 25 })
    assert.equal((await stands(db, 'user:ann')).posted, 7)
    await assertInOrder(db)
  })

  test('two accounts, both ways, 200 transfers at once: nothing is lost between them', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:a', 500), leg('world:stripe', 'user:b', 500))])
    const list = Array.from({ length: 200 }, (_, i) =>
      i % 2 === 0 ? move(`m${i}`, leg('user:a', 'user:b', 3)) : move(`m${i}`, leg('user:b', 'user:a', 2)),
    )
    assert.deepEqual(await outcomes(db, list), { created: 200 })
    assert.equal((await stands(db, 'user:a')).posted, 400)
    assert.equal((await stands(db, 'user:b')).posted, 600)
    await assertInOrder(db)
  })

  test('two-leg holds in opposite order, settled across each other: no deadlock reaches the caller', {
    timeout: 60_000,
  }, async () => {
    const { db } = await open()
    const fund = ['user:a', 'user:b', 'grant:g'].map((to) => leg('world:stripe', to, 100_000))
    await db.tx(acts, [move('t', ...fund)])
    const pairs = Array.from({ length: 150 }, async (_, i) => {
      const [first, second] = i % 2 === 0 ? ['user:a', 'user:b'] : ['user:b', 'user:a']
      const legs = [leg(first ?? '', 'sales', 10), leg(second ?? '', 'sales', 10), leg('grant:g', 'sales', 1)]
      if ((await outcomeOf(db, hold(`h${i}`, ...legs))) !== 'created') return 'hold refused'
      // pays the other account of the pair, so that ends lock both rows too
      return await outcomeOf(db, settle(`h${i}`, leg(first ?? '', second ?? '', 10), leg('grant:g', first ?? '', 1)))
    })
    assert.deepEqual([...new Set(await Promise.all(pairs))], ['created'])
    assert.equal((await stands(db, 'user:a')).posted, 100_075)
    assert.equal((await stands(db, 'user:b')).posted, 100_075)
    assert.equal((await stands(db, 'grant:g')).posted, 99_850)
    await assertInOrder(db)
  })

  test('sealing while others write: the chain verifies, and an early export is a prefix of a late one', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 100_000))])
    let writing = true
    const exports: string[] = []
    const sealer = (async () => {
      while (writing) {
        await Promise.all([db.tx(seal, undefined), db.tx(seal, undefined)])
        exports.push(await exported(db))
        await sleep(5)
      }
    })()
    for (let round = 0; round < 8; round++) {
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const id = `h${round}.${i}`
          await outcomeOf(db, hold(id, leg('user:ann', 'sales', 10)))
          await outcomeOf(db, i % 3 === 0 ? { verb: 'void', holdId: id } : settle(id, leg('user:ann', 'sales', 7)))
        }),
      )
    }
    writing = false
    await sealer
    const report = await assertInOrder(db)
    assert.equal(report.movements, 1 + 8 * 40 * 2)
    const last = await exported(db)
    assert.ok(exports.length > 2)
    for (const early of exports) assert.ok(last.startsWith(early), 'an export is not a prefix of a later one')
    let prev = ''
    const rows = await db.snapshot((reader) => entriesAfter(reader, 0, 100_000))
    for (const [i, row] of rows.entries()) {
      assert.equal(row.seq, i + 1)
      assert.equal(row.prev_hash, prev)
      prev = movementHash(prev, i + 1, row)
      assert.equal(row.hash, prev)
    }
    assert.equal(await db.snapshot((reader) => total(reader, 'sales')), 8 * 26 * 7)
  })

  test('an audit of one moment is right while others write', async () => {
    const { db } = await open()
    await db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 100_000))])
    let writing = true
    const writers = Array.from({ length: 4 }, async (_, w) => {
      for (let i = 0; writing && i < 300; i++) {
        await outcomeOf(db, hold(`h${w}.${i}`, leg('user:ann', 'sales', 3)))
        await outcomeOf(db, settle(`h${w}.${i}`, leg('user:ann', 'sales', 1 + (i % 3))))
      }
    })
    for (let n = 0; n < 5; n++) {
      await db.tx(seal, undefined)
      assert.deepEqual((await db.snapshot((reader) => audit(reader))).differences, [])
    }
    writing = false
    await Promise.all(writers)
    await assertInOrder(db)
  })
})

onPostgres('two servers on one database', (open) => {
  test('200 holds on a balance for 10, from two processes’ pools: exactly 10', async () => {
    const place = await open()
    const other = await place.again()
    await place.db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 10_000))])
    const halves = await Promise.all(
      [place.db, other].map((db, n) =>
        outcomes(
          db,
          Array.from({ length: 100 }, (_, i) => hold(`h${n}.${i}`, leg('user:ann', 'sales', 1000))),
        ),
      ),
    )
    assert.equal(
      halves.reduce((sum, one) => sum + (one.created ?? 0), 0),
      10,
    )
    assert.equal(
      halves.reduce((sum, one) => sum + (one.insufficient_balance ?? 0), 0),
      190,
    )
    await assertInOrder(place.db)
  })

  test('the clock of one process is behind: an ending sealed before its hold is in order all the same', async () => {
    const place = await open({ now: () => 1_700_000_000_000 })
    await place.db.tx(acts, [move('t', leg('world:stripe', 'user:ann', 100)), hold('h', leg('user:ann', 'sales', 10))])
    await place.outside(`
      INSERT INTO movements (id, kind, hold_id, legs, at) VALUES ('h.end', 'void', 'h', '[]', 1600000000000);
      UPDATE accounts SET held = 0 WHERE id = 'user:ann'; DELETE FROM open_holds;`)
    const report = await assertInOrder(place.db)
    assert.deepEqual([report.movements, report.openHolds], [3, 0])
  })
})
