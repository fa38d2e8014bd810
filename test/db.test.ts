// The store under the ledger: commits, faults, pokes, failures of the store itself, on both databases.
// owns: what db.ts promises. never: money (ledger*.test.ts).
// always true: a store that fails answers 503 `ledger_unavailable`, keeps what it acknowledged, and recovers by itself.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import pg from 'pg'
import { tellOnlyWhatIsKept } from '../server/app.ts'
import { type Db, type Poke, procedure } from '../server/db/db.ts'
import { openPostgres } from '../server/db/postgres.ts'
import { openSqlite } from '../server/db/sqlite.ts'
import { Fault } from '../server/faults.ts'
import { stands } from '../server/ledger/ledger.ts'
import { assertInOrder, eachDatabase, onPostgres, onSqlite } from './support/databases.ts'
import { freshDatabase } from './support/postgres.ts'
import * as t from './support/test-procedures.ts'

const topup = (id: string, to: string, amount: number): t.Act => ({
  verb: 'transfer',
  id,
  legs: [{ from: 'world:stripe', to, amount }],
})

const unavailable = (error: unknown) =>
  error instanceof Fault && error.code === 'ledger_unavailable' && error.status === 503

async function standsAt(db: Db, account: string): Promise<number> {
  return (await stands(db, account)).posted
}

eachDatabase('commits', (open) => {
  test('a procedure that throws leaves nothing of itself, while its neighbours stand', async () => {
    const { db } = await open()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        i % 2 === 0
          ? db.tx(t.acts, [topup(`t${i}`, 'user:even', 1)])
          : db.tx(t.actsThenThrow, [topup(`t${i}`, 'user:odd', 1)]),
      ),
    )
    assert.equal(outcomes.filter((one) => one.status === 'fulfilled').length, 20)
    assert.equal(await standsAt(db, 'user:even'), 20)
    assert.equal(await db.get(`SELECT id FROM accounts WHERE id = 'user:odd'`), undefined)
    assert.equal((await assertInOrder(db)).movements, 20)
  })

  test('several acts of one commit: the last is refused, the first has not happened', async () => {
    const { db } = await open()
    const list: t.Act[] = [
      topup('t1', 'user:ann', 5),
      { verb: 'hold', id: 'h1', legs: [{ from: 'user:ann', to: 'sales', amount: 6 }], owner: 'test', ttlMs: 1000 },
    ]
    await assert.rejects(
      db.tx(t.acts, list),
      (error) => error instanceof Fault && error.code === 'insufficient_balance',
    )
    assert.deepEqual(await db.all('SELECT id FROM movements'), [])
    assert.deepEqual(await db.all('SELECT id FROM accounts'), [])
  })

  test('a fault keeps its code, details and status on the way out', async () => {
    const { db } = await open()
    await db.tx(t.acts, [topup('t1', 'user:ann', 5)])
    await assert.rejects(db.tx(t.acts, [topup('t1', 'user:ann', 6)]), (error) => {
      assert.ok(error instanceof Fault)
      assert.deepEqual([error.code, error.status, error.options.details], ['id_reused', 422, { id: 't1' }])
      return true
    })
  })

  test('what is answered is kept: a procedure that swallows a failed write is not acknowledged for nothing', async () => {
    const { db } = await open()
    const word = await db.tx(t.swallow, { account: 'user:ann' }).catch(() => 'refused')
    const row = await db.get(`SELECT id FROM accounts WHERE id = 'user:ann'`)
    assert.equal(
      word === 'went on',
      row !== undefined,
      `answered "${word}", and the row is ${row ? 'there' : 'not there'}`,
    )
  })

  test('a procedure sees one time and ids that sort', async () => {
    const { db } = await open({ now: () => 1_700_000_000_000 })
    const seen = await db.tx(t.surroundings, undefined)
    assert.equal(seen.now, 1_700_000_000_000)
    assert.match(seen.ids[0] ?? '', /^x_[0-9a-z]{26}$/)
    assert.ok((seen.ids[0] ?? '') < (seen.ids[1] ?? ''))
  })

  test('secrets reach the procedures that start after them', async () => {
    const { db } = await open()
    assert.equal((await db.tx(t.surroundings, undefined)).issuer, '')
    await db.setSecrets({ issuer: 'https://quota.test', receiptKeyPem: 'x', receiptKid: 'k' })
    assert.equal((await db.tx(t.surroundings, undefined)).issuer, 'https://quota.test')
  })

  test('a poke is heard once its commit stands, and never for a commit that does not', {
    timeout: 60_000,
  }, async () => {
    const { db } = await open()
    const heard: Poke[] = []
    let stop = () => {}
    const arrived = new Promise<void>((resolve) => {
      stop = db.onPoke((poke) => {
        heard.push(poke)
        if (poke.rev === 3) resolve()
      })
    })
    await db.tx(t.pokeAnd, { feed: 'user:ann', rev: 1, ending: 'stand' })
    await assert.rejects(db.tx(t.pokeAnd, { feed: 'user:ann', rev: 2, ending: 'throw' }))
    await db.tx(t.pokeAnd, { feed: 'user:ann', rev: 3, ending: 'stand' })
    await arrived
    assert.deepEqual(
      heard.map((poke) => poke.rev),
      [1, 3],
    )
    stop()
    await db.tx(t.pokeAnd, { feed: 'user:ann', rev: 4, ending: 'stand' })
    await sleep(50)
    assert.equal(heard.length, 2)
  })

  test('a snapshot sees one moment', async () => {
    const { db } = await open()
    await db.tx(t.acts, [topup('t1', 'user:ann', 5)])
    await db.snapshot(async (reader) => {
      assert.equal((await stands(reader, 'user:ann')).posted, 5)
      await db.tx(t.acts, [topup('t2', 'user:ann', 5)])
      assert.equal((await stands(reader, 'user:ann')).posted, 5)
    })
    assert.equal(await standsAt(db, 'user:ann'), 10)
  })

  test('closing answers everyone who waits, and a closed store answers 503', { timeout: 60_000 }, async () => {
    const { db } = await open()
    const calls = Array.from({ length: 200 }, (_, i) => db.tx(t.acts, [topup(`t${i}`, 'user:ann', 1)]))
    const outcomes = Promise.allSettled(calls)
    await db.close()
    const settled = await outcomes
    const refused = settled.filter((one) => one.status === 'rejected')
    assert.equal(refused.length, 0, `what was asked before closing is carried out: ${refused[0]?.reason}`)
    await assert.rejects(db.tx(t.acts, [topup('late', 'user:ann', 1)]), unavailable)
  })

  test('a schema from a newer program, or a migration edited after it ran, is refused', async () => {
    const newer = await open()
    await newer.outside(`INSERT INTO migrations (name, hash, at) VALUES ('9999_later.sql', 'x', 0)`)
    await assert.rejects(newer.again(), /newer version.*9999_later/)
    const edited = await open()
    await edited.outside(`UPDATE migrations SET hash = 'x' WHERE name LIKE '0002%'`)
    await assert.rejects(edited.again(), /0002_ledger.sql was changed/)
  })

  test('what was committed is there after opening again', async () => {
    const place = await open()
    await place.db.tx(t.acts, [topup('t1', 'user:ann', 5)])
    const db = await place.again()
    assert.equal(await standsAt(db, 'user:ann'), 5)
    await assertInOrder(db)
  })
})

onPostgres('a new database', () => {
  test('that several processes open at once gets each migration once', async () => {
    const url = await freshDatabase(String(process.env.QUOTA_TEST_POSTGRES_URL), { bare: true })
    const opened = await Promise.all(Array.from({ length: 4 }, () => openPostgres({ url, now: Date.now, poolSize: 2 })))
    const rows = await opened[0]?.all<{ name: string }>('SELECT name FROM migrations ORDER BY name')
    const files = readdirSync(new URL('../server/db/migrations/', import.meta.url)).sort()
    assert.deepEqual(
      rows?.map(({ name }) => name),
      files,
    )
    for (const db of opened) await db.close()
  })
})

test('a procedure has one declaration', () => {
  assert.throws(() => procedure('test.acts', async () => 0), /declared twice/)
})

onSqlite('the store fails', (open) => {
  test('every opening has the durability we promise, a reopened one too', async () => {
    const place = await open()
    for (const opening of ['first', 'second']) {
      const db = opening === 'first' ? place.db : await place.again()
      assert.deepEqual(await db.tx(t.query, { text: 'PRAGMA synchronous' }), [{ synchronous: 1 }])
      assert.deepEqual(await db.tx(t.query, { text: 'PRAGMA journal_mode' }), [{ journal_mode: 'wal' }])
      assert.deepEqual(await db.tx(t.query, { text: 'PRAGMA foreign_keys' }), [{ foreign_keys: 1 }])
    }
  })

  test('nothing is answered before the log is flushed; commits go on meanwhile; a reader can wait for it', async () => {
    const { db } = await open()
    await db.tx(t.flushes, 'hold')
    const answered: string[] = []
    const first = db.tx(t.acts, [topup('t1', 'user:ann', 1)]).then(() => answered.push('t1'))
    while ((await standsAt(db, 'user:ann')) < 1) await sleep(5)
    const seen = db.settled()
    assert.ok(seen !== null)
    const told = seen.then(() => answered.push('read'))
    const app = fastify()
    tellOnlyWhatIsKept(app, db)
    for (const path of ['/read', '/healthz', '/wallet/']) app.get(path, async () => ({ ok: true }))
    app.post('/read', async () => ({ ok: true }))
    const overHttp = app.inject('/read').then(() => answered.push('GET'))
    for (const url of ['/healthz', '/wallet/', '/elsewhere']) await app.inject(url)
    await app.inject({ method: 'POST', url: '/read' })
    const second = db.tx(t.acts, [topup('t2', 'user:ann', 1)]).then(() => answered.push('t2'))
    while ((await standsAt(db, 'user:ann')) < 2) await sleep(5)
    const early = [...answered]
    await db.tx(t.flushes, 'release')
    assert.deepEqual(early, [], 'committed, seen by readers, and told to nobody')
    await Promise.all([first, second, told, overHttp])
    assert.deepEqual(answered.toSorted(), ['GET', 'read', 't1', 't2'])
    assert.equal(db.settled(), null)
  })

  test('a flush that fails ends the writer: 503 for all, and what was told before is there after opening again', {
    timeout: 60_000,
  }, async () => {
    const place = await open()
    const { db } = place
    await db.tx(t.acts, [topup('t1', 'user:ann', 1)])
    await db.tx(t.flushes, 'hold')
    const lost = db.tx(t.acts, [topup('t2', 'user:ann', 1)])
    while ((await standsAt(db, 'user:ann')) < 2) await sleep(5)
    const told = db.settled() ?? assert.fail('it was not flushed')
    const outcomes = await Promise.allSettled([lost, told, db.tx(t.flushes, 'fail')])
    for (const one of outcomes) assert.ok(one.status === 'rejected' && unavailable(one.reason))
    await assert.rejects(db.tx(t.acts, [topup('t3', 'user:ann', 1)]), unavailable)
    await assert.rejects(db.settled() ?? assert.fail('what is not on disk is told'), unavailable)
    const app = fastify()
    tellOnlyWhatIsKept(app, db)
    app.setErrorHandler((error, _request, reply) => reply.code(error instanceof Fault ? error.status : 500).send())
    app.get('/read', async () => ({ ok: true }))
    assert.equal((await app.inject('/read')).statusCode, 503)
    const again = await place.again()
    assert.ok((await standsAt(again, 'user:ann')) >= 1)
    assert.deepEqual(await again.tx(t.acts, [topup('t4', 'user:ann', 1)]), ['created'])
  })

  test('disk full: 503 and nothing of it stands, reads work, and it recovers without a restart', async () => {
    const { db } = await open()
    await db.tx(t.acts, [topup('t0', 'user:ann', 1)])
    const pages = (await db.tx(t.query, { text: 'PRAGMA page_count' })) as { page_count: number }[]
    await db.tx(t.query, { text: `PRAGMA max_page_count = ${(pages[0]?.page_count ?? 0) + 2}` })
    const acknowledged = new Set(['t0'])
    let refused = 0
    for (let i = 1; i <= 300 && refused < 3; i++) {
      const id = `t${i}`.padEnd(200, '.')
      const outcome = await db.tx(t.acts, [topup(id, 'user:ann', 1)]).catch((error: unknown) => error)
      if (Array.isArray(outcome)) acknowledged.add(id)
      else {
        assert.ok(unavailable(outcome), String(outcome))
        refused++
      }
    }
    assert.equal(refused, 3, 'the disk never filled')
    assert.equal(await standsAt(db, 'user:ann'), acknowledged.size)
    await db.tx(t.query, { text: 'PRAGMA max_page_count = 1000000' })
    await db.tx(t.acts, [topup('after', 'user:ann', 1)])
    assert.equal((await assertInOrder(db)).movements, acknowledged.size + 1)
  })

  test('disk full in a batch: the whole batch is refused, never half of it', async () => {
    const { db } = await open()
    const pages = (await db.tx(t.query, { text: 'PRAGMA page_count' })) as { page_count: number }[]
    await db.tx(t.query, { text: `PRAGMA max_page_count = ${(pages[0]?.page_count ?? 0) + 3}` })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 400 }, (_, i) => db.tx(t.acts, [topup(`t${i}`.padEnd(200, '.'), 'user:ann', 1)])),
    )
    const failed = outcomes.filter((one) => one.status === 'rejected')
    assert.ok(failed.length > 0, 'the disk never filled')
    for (const one of failed) assert.ok(unavailable(one.reason), String(one.reason))
    assert.equal(await standsAt(db, 'user:ann'), outcomes.length - failed.length)
  })

  test('another connection holds the write lock: 503 after 2 s, everything else goes on, and when it is free again, all is well', async () => {
    const { db, place } = await open()
    const other = new DatabaseSync(join(place, 'quota.db'))
    other.exec('BEGIN IMMEDIATE')
    const started = Date.now()
    let turns = 0
    const beside = setInterval(() => turns++, 1)
    await assert.rejects(db.tx(t.acts, [topup('t1', 'user:ann', 1)]), unavailable)
    clearInterval(beside)
    const waited = Date.now() - started
    assert.ok(waited >= 1500, `answered after ${waited} ms`)
    assert.ok(turns >= 20, `the event loop turned ${turns} times while the lock was waited for`)
    assert.equal(await standsAt(db, 'user:ann'), 0, 'reading goes on meanwhile')
    const released = db.tx(t.acts, [topup('t0', 'user:bob', 1)])
    other.exec('ROLLBACK')
    assert.deepEqual(await released, ['created'], 'asked while it was locked')
    other.close()
    assert.deepEqual(await db.tx(t.acts, [topup('t1', 'user:ann', 1)]), ['created'])
  })

  test('a second server on the folder is refused, in this process and in another; kill -9 frees the folder', async () => {
    const place = await open()
    const options = {
      dir: place.place,

      now: Date.now,
    }
    await assert.rejects(openSqlite(options), /Another server is using this data folder \(QUOTA_DATA_DIR\)/)
    const refused = await childOn(place.place)
    assert.match(refused.said, /Another server is using this data folder \(QUOTA_DATA_DIR\)/)
    await place.db.close()
    const child = await childOn(place.place)
    assert.match(child.said, /open/)
    await assert.rejects(openSqlite(options), /Another server is using this data folder/)
    const gone = new Promise((resolve) => child.process.once('exit', resolve))
    child.process.kill('SIGKILL')
    await gone
    const db = await openSqlite(options)
    await db.close()
  })
})

/** A process that opens the folder, says so, and stays. */
async function childOn(dir: string): Promise<{ said: string; process: ChildProcess }> {
  const script = `
    const { openSqlite } = await import(${JSON.stringify(new URL('../server/db/sqlite.ts', import.meta.url).href)})
    try {
      await openSqlite({ dir: process.argv[2], now: Date.now })
      console.log('open')
      setInterval(() => {}, 1000)
    } catch (error) {
      console.log(error.message)
      process.exit(1)
    }`
  const file = join(dir, 'child.mjs')
  writeFileSync(file, script)
  const child = spawn(process.execPath, [file, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = await new Promise<string>((resolve) => child.stdout.once('data', (piece) => resolve(String(piece))))
  return { said, process: child }
}

onPostgres('the store fails', (open) => {
  test('another session holds a row for long: 503 after 2 s, then all is well', async () => {
    const { db, place } = await open()
    await db.tx(t.acts, [topup('t1', 'user:ann', 1)])
    const other = new pg.Client({ connectionString: place })
    await other.connect()
    await other.query('BEGIN')
    await other.query(`UPDATE accounts SET posted = posted WHERE id = 'user:ann'`)
    const started = Date.now()
    await assert.rejects(db.tx(t.acts, [topup('t2', 'user:ann', 1)]), unavailable)
    const waited = Date.now() - started
    assert.ok(waited >= 1500 && waited < 4000, `answered after ${waited} ms`)
    await other.query('ROLLBACK')
    await other.end()
    assert.deepEqual(await db.tx(t.acts, [topup('t2', 'user:ann', 1)]), ['created'])
    assert.equal(await standsAt(db, 'user:ann'), 2)
  })

  test('the connections are cut in the middle of work: created, exists or 503, and never twice', async () => {
    const { db, place, outside } = await open()
    const name = new URL(place).pathname.slice(1)
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`
    const calls = Array.from({ length: 200 }, (_, i) => db.tx(t.acts, [topup(`t${i}`, `user:u${i % 7}`, 1)]))
    const outcomes = Promise.allSettled(calls)
    await sleep(20)
    await outside(cut)
    const settled = await outcomes
    for (const one of settled) if (one.status === 'rejected') assert.ok(unavailable(one.reason), String(one.reason))
    for (let i = 0; i < 200; i++) {
      const again = await db.tx(t.acts, [topup(`t${i}`, `user:u${i % 7}`, 1)])
      if (settled[i]?.status === 'fulfilled') assert.deepEqual(again, ['exists'], `t${i} was acknowledged and is gone`)
    }
    assert.equal((await assertInOrder(db)).movements, 200)
  })

  test('a read-only primary: 503, reads work, and it recovers', async () => {
    const place = await open()
    const name = new URL(place.place).pathname.slice(1)
    await place.outside(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    const db = await place.again().catch(() => null)
    if (db) await assert.rejects(db.tx(t.acts, [topup('t1', 'user:ann', 1)]), unavailable)
    await place.outside(`BEGIN READ WRITE; ALTER DATABASE ${name} RESET default_transaction_read_only; COMMIT`)
    assert.deepEqual(await (await place.again()).tx(t.acts, [topup('t1', 'user:ann', 1)]), ['created'])
  })

  test('a poke crosses from one server process to another', { timeout: 60_000 }, async () => {
    const place = await open()
    const other = await place.again()
    const heard = new Promise<Poke>((resolve) => void other.onPoke(resolve))
    await place.db.tx(t.pokeAnd, { feed: 'user:ann', rev: 9, ending: 'stand' })
    assert.deepEqual(await heard, { feed: 'user:ann', rev: 9 })
  })

  test('a poke that cannot be sent fails its commit; nothing is acknowledged for nothing', async () => {
    const { db } = await open()
    const feed = 'f'.repeat(9000) // Postgres refuses payloads of 8,000 bytes and more
    await assert.rejects(db.tx(t.appendChanges, { feed, changes: [{ topic: 'x', id: 'x', row: {} }] }))
    assert.deepEqual(await db.all('SELECT feed FROM changes'), [])
  })
})
