// The same tests on both databases.
// owns: fresh databases for tests, and their end. never: a database that outlives its test.
// always true: a test sees an empty database of its own; without a Postgres its half is skipped by name, with the reason.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe } from 'node:test'
import pg from 'pg'
import type { Db } from '../../server/db/db.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import { type AuditReport, audit, seal, trialBalance } from '../../server/ledger/chain.ts'
import { freshDatabase } from './postgres.ts'

export type TestDatabase = {
  readonly db: Db
  /** Where it lies: a folder, or a URL. */
  readonly place: string
  /** Runs SQL past the server, over a connection of its own. */
  outside(sql: string): Promise<void>
  /** Opens the same database once more (Postgres: beside the first; SQLite: after closing it). */
  again(): Promise<Db>
}

export type OpenOptions = {
  now?: () => number
}

export type Open = (options?: OpenOptions) => Promise<TestDatabase>

const MISSING = 'QUOTA_TEST_POSTGRES_URL is not set (npm test sets it to a Postgres of its own)'

/**
 * Defines tests twice: on SQLite, and on Postgres when QUOTA_TEST_POSTGRES_URL names one.
 * @param define gets `open`, which makes an empty database; it is closed and removed when its test ends
 */
export function eachDatabase(name: string, define: (open: Open, dialect: Db['dialect']) => void): void {
  describe(`${name} (SQLite)`, () => define(opener(openTestSqlite), 'sqlite'))
  const url = process.env.QUOTA_TEST_POSTGRES_URL
  describe(`${name} (Postgres)`, { skip: url ? false : MISSING }, () => {
    define(
      opener((options) => openTestPostgres(url ?? '', options)),
      'postgres',
    )
  })
}

/** Defines tests for SQLite alone, where the matter is SQLite's own (files, locks, flushes). */
export function onSqlite(name: string, define: (open: Open) => void): void {
  describe(`${name} (SQLite)`, () => define(opener(openTestSqlite)))
}

/** Defines tests for Postgres alone. */
export function onPostgres(name: string, define: (open: Open) => void): void {
  const url = process.env.QUOTA_TEST_POSTGRES_URL
  describe(`${name} (Postgres)`, { skip: url ? false : MISSING }, () =>
    define(opener((options) => openTestPostgres(url ?? '', options))),
  )
}

type Opened = TestDatabase & { end(): Promise<void> }

function opener(make: (options: OpenOptions) => Promise<Opened>): Open {
  const opened: Opened[] = []
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.end()
  })
  return async (options = {}) => {
    const one = await make(options)
    opened.push(one)
    return one
  }
}

async function openTestSqlite(options: OpenOptions): Promise<Opened> {
  const dir = mkdtempSync(join(tmpdir(), 'quota-test-'))
  const openings: Db[] = []
  const open = async () => {
    const db = await openSqlite({
      dir,
      now: options.now ?? Date.now,
    })
    openings.push(db)
    return db
  }
  const db = await open()
  return {
    db,
    place: dir,
    outside: async (sql) => {
      const other = new DatabaseSync(join(dir, 'quota.db'), { timeout: 5000 })
      try {
        other.exec(sql)
      } finally {
        other.close()
      }
    },
    again: async () => {
      for (const one of openings.splice(0)) await one.close()
      return await open()
    },
    end: async () => {
      for (const one of openings) await one.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function openTestPostgres(base: string, options: OpenOptions): Promise<Opened> {
  const url = await freshDatabase(base)
  const openings: Db[] = []
  const open = async () => {
    const db = await openPostgres({ url, now: options.now ?? Date.now, poolSize: 8 })
    openings.push(db)
    return db
  }
  return {
    db: await open(),
    place: url,
    outside: (sql) => withClient(url, sql),
    again: open,
    end: async () => {
      for (const one of openings) await one.close()
      await withClient(base, `DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`)
    },
  }
}

async function withClient(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/**
 * Asserts that the books are in order, before and after everything is sealed: the audit finds nothing, each unit sums
 * to zero, and no guarded account stands below zero.
 * @returns the audit after sealing
 */
export async function assertInOrder(db: Db): Promise<AuditReport> {
  const before = await db.snapshot(async (reader) => ({
    report: await audit(reader),
    trial: await trialBalance(reader),
  }))
  assert.deepEqual(before.report.differences, [])
  assert.ok(before.trial.ok, `before sealing: ${JSON.stringify(before.trial)}`)
  while ((await db.tx(seal, undefined)) > 0);
  const after = await db.snapshot(async (reader) => ({
    report: await audit(reader),
    trial: await trialBalance(reader),
  }))
  assert.deepEqual(after.report.differences, [])
  assert.deepEqual(after.trial, { units: { usd: { sum: 0 }, cap: { sum: 0 } }, ok: true })
  assert.equal(after.report.movements, before.report.movements)
  const below = await db.all('SELECT id FROM accounts WHERE guarded = 1 AND posted - held < 0')
  assert.deepEqual(below, [], 'a guarded account stands below zero')
  const twice = await db.all(
    'SELECT hold_id FROM movements WHERE hold_id IS NOT NULL GROUP BY hold_id HAVING COUNT(*) > 1',
  )
  assert.deepEqual(twice, [], 'a hold ended twice')
  return after.report
}
