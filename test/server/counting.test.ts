// A long history is counted in slices: whoever reads meanwhile is answered at once and told how far it goes, and whoever is
// killed in the middle leaves whole slices behind.
// owns: a history that no counter knows. never: a server.
// always true: at every point the counters are the sums of the charges up to the mark, and of no others.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rankingOf } from '../../server/analytics/ranking.ts'
import { type Scope, summaryOf } from '../../server/analytics/reads.ts'
import { catchUp, countedNow, rollSome } from '../../server/analytics/rollup.ts'
import { DAY_MS } from '../../server/analytics/sums.ts'
import { fault } from '../../server/faults.ts'
import { sealAll } from '../../server/ledger/chain.ts'
import { eachDatabase, type TestDatabase } from '../support/databases.ts'

const BEGIN = Date.parse('2026-10-01T00:00:00Z')
const MINUTE = 60_000
/** Each is two movements: what was reserved, and the charge. */
const CHARGES = 3500
const SCOPE: Scope = { publisherId: 'user_p', from: BEGIN, to: BEGIN + 10 * DAY_MS, appId: null, model: null }

/** Charge i of 1 to 3,500 costs i; each tenth person pays in turn. The even ones say that they are 5 tokens, of the odd ones only the documents know it: 7. */
async function history({ outside }: TestDatabase): Promise<void> {
  const rows = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${CHARGES})`
  const at = `${BEGIN} + CAST(i AS BIGINT) * ${MINUTE}`
  const movement = 'INSERT INTO movements (id, kind, hold_id, request_id, legs, at)'
  const legs = `'[["user:x","sales",1]]'`
  await outside(`${movement} ${rows} SELECT 'h' || i, 'hold', NULL, NULL, ${legs}, ${at} FROM n`)
  await outside(`${movement} ${rows} SELECT 's' || i, 'settle', 'h' || i, 'r' || i, ${legs}, ${at} + 1 FROM n`)
  await outside(
    `INSERT INTO receipts (request_id, payer, rev, app_id, publisher_id, at, model, base, markup, granted, estimated, tokens)
     ${rows} SELECT 'r' || i, 'user_' || (i % 10), i, 'app_1', 'user_p', ${at} + 1, 'gpt-4o-mini', i, 0, 0, 0,
       CASE WHEN i % 2 = 0 THEN 5 END FROM n`,
  )
  await outside(
    `INSERT INTO changes (feed, rev, topic, doc, row)
     ${rows} SELECT 'user_' || (i % 10), i, 'receipt', 'r' || i, '{"units":{"input":3,"output":4,"web_search":9}}'
     FROM n WHERE i % 2 = 1`,
  )
}

const now = () => BEGIN + 30 * DAY_MS

/** What the counters of `charges` charges must say. */
async function assertCounted(db: TestDatabase['db'], charges: number): Promise<void> {
  const { requests, cost, users, tokens } = await summaryOf(db, SCOPE)
  assert.deepEqual(
    { requests, cost, users, tokens },
    {
      requests: charges,
      cost: (charges * (charges + 1)) / 2,
      users: 10,
      tokens: Math.ceil(charges / 2) * 7 + Math.floor(charges / 2) * 5,
    },
  )
  const { rows } = await rankingOf(db, SCOPE, { groupBy: 'user', metric: 'requests', limit: 100 })
  assert.equal(
    rows.reduce((all, row) => all + row.requests, 0),
    charges,
  )
}

const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
/** Counts two slices, begins to count the rest, and is dead. */
const CHILD = `
const { rollSome, catchUp } = await import(${at('../../server/analytics/rollup.ts')})
const [, , dialect, place] = process.argv
const open = dialect === 'sqlite'
  ? (await import(${at('../../server/db/sqlite.ts')})).openSqlite({ dir: place, now: Date.now })
  : (await import(${at('../../server/db/postgres.ts')})).openPostgres({ url: place, now: Date.now })
const db = await open
await rollSome({ db })
await rollSome({ db })
void catchUp({ db })
setImmediate(() => process.kill(process.pid, 'SIGKILL'))
`

async function runAndDie(dialect: string, place: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quota-counting-'))
  try {
    writeFileSync(join(dir, 'child.mjs'), CHILD)
    const child = spawn(process.execPath, [join(dir, 'child.mjs'), dialect, place], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

eachDatabase('counting a long history', (open, dialect) => {
  test('a read in the middle says so and how far it goes; another process counts along', async () => {
    const opened = await open()
    const { db } = opened
    await history(opened)
    assert.deepEqual(await countedNow({ db, now }), { complete: false, until: null }, 'before anything is counted')
    await sealAll(db)
    await rollSome({ db })
    // A slice is a thousand movements: five hundred charges.
    const until = BEGIN + 500 * MINUTE + 1
    assert.deepEqual(await countedNow({ db, now }), { complete: false, until })
    await assertCounted(db, 500)
    if (dialect === 'postgres') {
      const other = await opened.again()
      await Promise.all([catchUp({ db }), catchUp({ db: other }), catchUp({ db })])
    } else await Promise.all([catchUp({ db }), catchUp({ db })])
    assert.deepEqual(await countedNow({ db, now }), { complete: true, until: now() })
    await assertCounted(db, CHARGES)
  })

  test('kill -9 in the middle: what is counted is whole, and the next one goes on after it', async () => {
    const opened = await open()
    await history(opened)
    await sealAll(opened.db)
    if (dialect === 'sqlite') await opened.db.close()
    await runAndDie(dialect, opened.place)
    const db = await opened.again()
    const counted = (await summaryOf(db, SCOPE)).requests
    assert.ok(counted >= 1000 && counted % 500 === 0, `${counted}`)
    await assertCounted(db, counted)
    await catchUp({ db })
    await assertCounted(db, CHARGES)
    await catchUp({ db })
    await assertCounted(db, CHARGES)
  })

  test('a store that cannot be written answers with what is counted', async () => {
    const opened = await open()
    await history(opened)
    await sealAll(opened.db)
    for (let slice = 0; slice < 6; slice++) await rollSome(opened)
    const away = { ...opened.db, tx: () => Promise.reject(fault('ledger_unavailable')) }
    const counted = await countedNow({ db: away, now })
    assert.deepEqual(counted, { complete: false, until: BEGIN + 3000 * MINUTE + 1 })
    await assertCounted(away, 3000)
  })
})
