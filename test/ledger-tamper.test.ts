// Hands in the books: what the database refuses, and what the audit names when somebody got past it.
// owns: tampering through SQL. never: a repair; the audit tells, people decide.
// always true: after each tampering the audit is not ok and its words name the row.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Db } from '../server/db/db.ts'
import { audit, seal } from '../server/ledger/chain.ts'
import { assertInOrder, eachDatabase, type TestDatabase } from './support/databases.ts'
import { type Act, acts, sql } from './support/test-procedures.ts'

const leg = (from: string, to: string, amount: number) => ({ from, to, amount })
const HISTORY: Act[] = [
  { verb: 'transfer', id: 't1', legs: [leg('world:stripe', 'user:ann', 1000)], memo: 'plus' },
  { verb: 'transfer', id: 't2', legs: [leg('world:stripe', 'user:bob', 1000)] },
  { verb: 'hold', id: 'h1', legs: [leg('user:ann', 'sales', 300)], owner: 'test', ttlMs: 1000, requestId: 'req_1' },
  { verb: 'settle', holdId: 'h1', legs: [leg('user:ann', 'sales', 120)] },
  { verb: 'hold', id: 'h2', legs: [leg('user:ann', 'sales', 50)], owner: 'test', ttlMs: 1000 },
  { verb: 'transfer', id: 't3', legs: [leg('user:ann', 'user:bob', 5)] },
]

async function books(place: TestDatabase, options: { sealed: boolean }): Promise<void> {
  for (const one of HISTORY) await place.db.tx(acts, [one])
  if (options.sealed) await place.db.tx(seal, undefined)
  await assertStill(place.db)
}

async function assertStill(db: Db): Promise<void> {
  assert.deepEqual((await db.snapshot((reader) => audit(reader))).differences, [])
}

/** SQL that goes past the triggers, as a person with the file or a superuser could. */
function past(dialect: Db['dialect'], statement: string): string {
  if (dialect === 'postgres') return `SET session_replication_role = replica; ${statement}`
  return `PRAGMA foreign_keys = OFF; DROP TRIGGER movements_kept; DROP TRIGGER movements_stay; ${statement}`
}

const REFUSED: [string, string][] = [
  ['an amount', `UPDATE movements SET legs = replace(legs, '1000', '9000') WHERE id = 't1'`],
  ['a kind', `UPDATE movements SET kind = 'transfer', hold_id = NULL WHERE id = 'h1.end'`],
  ['a memo', `UPDATE movements SET memo = 'pro' WHERE id = 't1'`],
  ['a request', `UPDATE movements SET request_id = 'req_2' WHERE id = 'h1'`],
  ['which hold ended', `UPDATE movements SET hold_id = 'h2' WHERE id = 'h1.end'`],
  ['an id', `UPDATE movements SET id = 't9' WHERE id = 't3'`],
  ['a time', `UPDATE movements SET at = at + 1 WHERE id = 't3'`],
  ['deletion of one', `DELETE FROM movements WHERE id = 't3'`],
  ['deletion of all', 'DELETE FROM movements'],
]

const SEALED: [string, string, RegExp][] = [
  [
    'an amount',
    `UPDATE movements SET legs = replace(legs, '1000', '1001') WHERE id = 't1'`,
    /movement t1 does not match its hash/,
  ],
  ['a memo', `UPDATE movements SET memo = 'plux' WHERE id = 't1'`, /movement t1 does not match its hash/],
  ['a time', `UPDATE movements SET at = at - 1 WHERE id = 'h1'`, /movement h1 does not match its hash/],
  ['a request', `UPDATE movements SET request_id = NULL WHERE id = 'h1'`, /movement h1 does not match its hash/],
  [
    'a hash',
    `UPDATE movements SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE id = 't2'`,
    /movement t2 does not match/,
  ],
  ['deletion in the middle', `DELETE FROM movements WHERE id = 't2'`, /movement \d is missing/],
  ['deletion of the first', `DELETE FROM movements WHERE id = 't1'`, /movement 1 is missing/],
  ['deletion of the last', `DELETE FROM movements WHERE seq = 6`, /the head of the chain is not its last movement/],
  [
    'two rows that change places',
    `UPDATE movements SET seq = 107 WHERE id = 't1'; UPDATE movements SET seq = 1 WHERE id = 't2'`,
    /does not match its hash/,
  ],
  ['the head', `UPDATE chain_head SET seq = 5`, /the head of the chain/],
]

const ACCOUNTS: [string, string, RegExp][] = [
  [
    'posted of a person',
    `UPDATE accounts SET posted = posted + 1 WHERE id = 'user:ann'`,
    /user:ann stands at 876, its movements say 875/,
  ],
  ['held of a person', `UPDATE accounts SET held = 0 WHERE id = 'user:ann'`, /user:ann holds 0, its movements say 50/],
  [
    'one person to another',
    `UPDATE accounts SET posted = posted + CASE id WHEN 'user:ann' THEN 5 ELSE -5 END WHERE id LIKE 'user:%'`,
    /user:bob stands at 1000/,
  ],
  [
    'posted of sales',
    `UPDATE accounts SET posted = posted + 1 WHERE id = 'sales'`,
    /sales stands at 121, its movements say 120/,
  ],
  [
    'sales against the world, so that the sum stays zero',
    `UPDATE accounts SET posted = posted + CASE id WHEN 'sales' THEN 5 ELSE -5 END WHERE id IN ('sales', 'world:stripe')`,
    /sales stands at 125/,
  ],
  ['an account removed', `DELETE FROM accounts WHERE id = 'user:bob'`, /user:bob has movements and no row/],
  [
    'an account invented',
    `INSERT INTO accounts (id, unit, guarded, posted, opened_at) VALUES ('user:eve', 'usd', 1, 77, 0)`,
    /user:eve stands at 77, its movements say 0/,
  ],
  [
    'an account that lost its guard',
    `UPDATE accounts SET guarded = 0 WHERE id = 'user:bob'`,
    /user:bob is not of its kind/,
  ],
  ['a hold that nobody will end', `DELETE FROM open_holds WHERE id = 'h2'`, /hold h2 is open and not listed/],
  [
    'a hold that ended and is listed',
    `INSERT INTO open_holds (id, owner, opened_at, expires_at) VALUES ('h1', 'x', 0, 0)`,
    /hold h1 has ended and is listed/,
  ],
]

eachDatabase('tampering', (open, dialect) => {
  for (const sealed of [false, true]) {
    test(`SQL cannot change ${sealed ? 'a sealed' : 'an unsealed'} movement in any column, nor delete it`, async () => {
      const place = await open()
      await books(place, { sealed })
      for (const [what, statement] of REFUSED) {
        await assert.rejects(place.outside(statement), /never (edited|deleted)/, what)
        await assert.rejects(place.db.tx(sql, { text: statement }), /never (edited|deleted)/, what)
      }
      await assertInOrder(place.db)
    })
  }

  test('a row cannot be replaced or emptied out, sealed or not', async () => {
    const place = await open()
    await books(place, { sealed: true })
    if (dialect === 'postgres')
      await assert.rejects(place.outside('TRUNCATE movements CASCADE'), /never edited or deleted/)
    else {
      const text = `INSERT OR REPLACE INTO movements (id, kind, legs, at) SELECT 't3', 'transfer', legs, at FROM movements WHERE id = 't1'`
      await assert.rejects(place.db.tx(sql, { text }), /never deleted/)
    }
    await assertInOrder(place.db)
  })

  test('SQL cannot take an account below zero, hold less than nothing, or end a hold twice', async () => {
    const place = await open()
    await books(place, { sealed: false })
    const check = /CHECK|check constraint/
    await assert.rejects(place.outside(`UPDATE accounts SET posted = 49 WHERE id = 'user:ann'`), check)
    await assert.rejects(place.outside(`UPDATE accounts SET held = -1 WHERE id = 'user:ann'`), check)
    await assert.rejects(place.outside(`UPDATE accounts SET floor = -1 WHERE id = 'user:ann'`), check)
    await assert.rejects(place.outside(`UPDATE accounts SET posted = 9007199254740992 WHERE id = 'user:ann'`), check)
    const second = `INSERT INTO movements (id, kind, hold_id, legs, at) VALUES ('x', 'void', 'h1', '[]', 0)`
    await assert.rejects(place.outside(second), /UNIQUE|unique constraint/)
    await assert.rejects(
      place.outside(`INSERT INTO movements (id, kind, legs, at) VALUES ('x', 'void', '[]', 0)`),
      check,
    )
    await assertInOrder(place.db)
  })

  for (const [what, statement, words] of SEALED) {
    test(`past the triggers, the audit names: ${what}`, async () => {
      const place = await open()
      await books(place, { sealed: true })
      await place.outside(past(dialect, statement))
      const report = await place.db.snapshot((reader) => audit(reader))
      assert.equal(report.ok, false)
      assert.match(report.differences.join('\n'), words)
    })
  }

  for (const [what, statement, words] of ACCOUNTS) {
    test(`the audit names: ${what}`, async () => {
      const place = await open()
      await books(place, { sealed: true })
      await place.outside(past(dialect, statement))
      const report = await place.db.snapshot((reader) => audit(reader))
      assert.equal(report.ok, false)
      assert.match(report.differences.join('\n'), words)
    })
  }

  test('a second ending written past the constraints, and one that takes more than was held', async () => {
    const place = await open()
    await books(place, { sealed: true })
    await place.outside(
      past(
        dialect,
        `INSERT INTO movements (id, kind, hold_id, legs, at) VALUES ('h2.end', 'settle', 'h2', '[["user:ann","sales",51]]', 1)`,
      ),
    )
    const report = await place.db.snapshot((reader) => audit(reader))
    assert.match(report.differences.join('\n'), /the ending of h2 took more from user:ann than it held/)
  })

  test('an audit of much damage stays short', async () => {
    const place = await open()
    await place.db.tx(
      acts,
      Array.from(
        { length: 60 },
        (_, i): Act => ({ verb: 'transfer', id: `t${i}`, legs: [leg('world:stripe', `user:u${i}`, 5)] }),
      ),
    )
    await place.outside(past(dialect, `UPDATE accounts SET posted = 6 WHERE guarded = 1`))
    const report = await place.db.snapshot((reader) => audit(reader))
    assert.equal(report.differences.length, 20)
  })
})
