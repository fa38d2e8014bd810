// Rate limits of several processes on one database.
// owns: that a limit is never exceeded by all of them together, and what one alone may do. never: HTTP (rate-limits.test.ts).
// always true: what is counted here are allowed requests of one window, however they are spread.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../server/config.ts'
import type { Db } from '../server/db/db.ts'
import { isFault } from '../server/faults.ts'
import { type RateLimits, rateLimits } from '../server/rate-limit.ts'
import { eachDatabase, onPostgres, type TestDatabase } from './support/databases.ts'

const LIMITS = [1, 2, 3, 5, 7, 10, 60, 100, 1000]

/** A process's limits on a database; `now` is its own clock. */
function processOn(db: Db, now: () => number = Date.now): RateLimits {
  return rateLimits({ db, now, config: readConfig({}) })
}

/** Whether a request is allowed. */
async function allowed(limits: RateLimits, perMinute: number, key = 'key:k1'): Promise<boolean> {
  try {
    await limits.take({ key, perMinute })
    return true
  } catch (error) {
    if (!isFault(error) || error.code !== 'rate_limit_exceeded') throw error
    assert.ok(Number(error.options.retryAfterS) >= 1 && Number(error.options.retryAfterS) <= 60)
    return false
  }
}

const count = (answers: boolean[]) => answers.filter(Boolean).length

/** As many requests as `pick` says, one after the other, each by the process it names. */
async function inTurn(processes: RateLimits[], perMinute: number, times: number, pick: (n: number) => number) {
  const answers: boolean[] = []
  for (let n = 0; n < times; n++) answers.push(await allowed(processes[pick(n)] as RateLimits, perMinute))
  return count(answers)
}

eachDatabase('one process', (open) => {
  for (const perMinute of LIMITS) {
    test(`${perMinute} a minute: exactly so many, one by one and all at once`, async () => {
      const { db } = await open()
      const limits = processOn(db)
      const first = await inTurn([limits], perMinute, perMinute, () => 0)
      assert.deepEqual([first, await allowed(limits, perMinute)], [perMinute, false])
      const burst = await Promise.all(
        Array.from({ length: perMinute + 50 }, () => allowed(limits, perMinute, 'key:k2')),
      )
      assert.equal(count(burst), perMinute)
    })
  }

  test('the headers count down to nothing, and say when', async () => {
    const { db } = await open()
    const limits = processOn(db)
    const seen: string[] = []
    const heads = new Map<string, string>()
    for (let n = 0; n < 101; n++) {
      try {
        await limits.take({ key: 'key:k1', perMinute: 100 }, (name, value) => void heads.set(name, value))
      } catch {} // the last one is refused
      seen.push(String(heads.get('x-ratelimit-remaining')))
    }
    assert.deepEqual(seen, [...Array.from({ length: 100 }, (_, n) => String(99 - n)), '0'])
    assert.equal(heads.get('x-ratelimit-limit'), '100')
    const inS = Number(heads.get('x-ratelimit-reset')) - Date.now() / 1000
    assert.ok(inS > 50 && inS <= 61, String(inS))
  })

  test('buckets do not know each other', async () => {
    const { db } = await open()
    const limits = processOn(db)
    assert.equal(await allowed(limits, 1, 'key:a'), true)
    assert.equal(await allowed(limits, 1, 'key:a'), false)
    assert.equal(await allowed(limits, 1, 'key:b'), true)
  })
})

onPostgres('several processes', (open) => {
  const three = async () => {
    const database = await open()
    const dbs = [database.db, await database.again(), await database.again()]
    return { database, processes: dbs.map((db) => processOn(db)) }
  }
  const endWindows = (database: TestDatabase) => database.outside('UPDATE rate_windows SET ends_at = 0')

  for (const perMinute of LIMITS) {
    test(`${perMinute} a minute, all at once: never more`, async () => {
      const { processes } = await three()
      const burst = Array.from({ length: perMinute * 2 + 30 }, (_, n) =>
        allowed(processes[n % 3] as RateLimits, perMinute),
      )
      const together = count(await Promise.all(burst))
      assert.ok(together <= perMinute, `${together} of ${perMinute}`)
      assert.ok(together >= perMinute * 0.7, `${together} of ${perMinute}`)
    })
  }

  test('the limits that guard passwords are exact', async () => {
    for (const perMinute of [3, 5]) {
      const { processes } = await three()
      assert.equal(await inTurn(processes, perMinute, 30, (n) => n % 3), perMinute)
    }
  })

  test('in turn: nearly all of it', async () => {
    const { processes } = await three()
    const together = await inTurn(processes, 100, 200, (n) => n % 3)
    assert.ok(together <= 100 && together >= 90, String(together))
  })

  test('a process that did little holds back little', async () => {
    const { processes } = await three()
    await inTurn(processes, 100, 4, (n) => n % 2)
    const rest = await inTurn(processes, 100, 150, () => 2)
    assert.ok(rest <= 96 && rest >= 90, String(rest))
  })

  test('one that comes when the window is used up gets nothing of it', async () => {
    const { processes } = await three()
    await inTurn(processes, 60, 60, () => 0)
    assert.equal(await inTurn(processes, 60, 5, () => 1), 0)
  })

  test('a new window begins anew, and what was left of the old one is not on top', async () => {
    const { database, processes } = await three()
    await inTurn(processes, 100, 40, () => 0)
    await endWindows(database)
    // The first still has a slice of the old window, until its own clock or its next slice says otherwise.
    const others = await inTurn(processes, 100, 150, () => 1)
    const first = await inTurn(processes, 100, 150, () => 0)
    const old = 30 // at most: a slice and a half of it
    assert.ok(others <= 100 && others + first <= 100 + old, `${others} and ${first}`)
  })

  test('a process whose clock runs ahead opens no window early', async () => {
    const { db } = await open()
    let ahead = 0
    const limits = processOn(db, () => Date.now() + ahead)
    assert.equal(await inTurn([limits], 5, 9, () => 0), 5)
    ahead = 120_000
    assert.equal(await inTurn([limits], 5, 9, () => 0), 0)
  })

  test('without the store: passwords cannot be tried, the rest is counted by each process', async () => {
    const { db } = await open()
    const limits = processOn(db)
    await db.close()
    await assert.rejects(async () => limits.take({ key: 'login:address:a', perMinute: 5 }), {
      code: 'ledger_unavailable',
    })
    assert.equal(await inTurn([limits], 60, 70, () => 0), 60)
  })

  test('the table names nobody', async () => {
    const { db } = await open()
    await allowed(processOn(db), 5, 'login:account:ann@example.org')
    const rows = await db.all('SELECT * FROM rate_windows')
    assert.equal(rows.length, 1)
    assert.doesNotMatch(JSON.stringify(rows), /ann|example|login/)
  })
})
