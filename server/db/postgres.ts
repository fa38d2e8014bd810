// Postgres: several server processes on one database, with the same guarantees.
// owns: the pool, retries of whole commits, pokes by NOTIFY. never: isolation as the only guard of money.
// always true: a commit whose outcome is unknown is not tried again here; every write has an id by which it is found.

import pg from 'pg'
import { fault, isFault } from '../faults.ts'
import { newId } from '../ids.ts'
import type { Db, Poke, Procedure, Reader, Secrets, Tx, Value } from './db.ts'
import { applyMigrations } from './migrate.ts'

const TRIES = 12
const LOCK_TIMEOUT_MS = 2000
const POKE_CHANNEL = 'quota_poke'
const MIGRATION_LOCK = 7_070_707
// 40001 serialization_failure, 40P01 deadlock_detected (Postgres manual, appendix A)
const RETRY = new Set(['40001', '40P01'])

/**
 * Opens a Postgres database and brings its schema up to date.
 * @param options.url postgres://…
 * @param options.now the clock, in milliseconds
 */
export async function openPostgres(options: { url: string; now: () => number; poolSize?: number }): Promise<Db> {
  const types = {
    getTypeParser: ((oid: number, format?: 'text') =>
      oid === 20 ? safeInteger : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
  }
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 16,
    types,
    connectionTimeoutMillis: 3000,
    statement_timeout: 10_000,
    lock_timeout: LOCK_TIMEOUT_MS,
  })
  pool.on('error', () => undefined) // an idle connection broke; the next use opens another
  // One that breaks in use tells its query, and also emits this; without a listener that would end the process.
  pool.on('connect', (client) => void client.on('error', () => undefined))
  await migrate(pool)
  const pokes = await listen(options.url)
  const underWay = new Set<Promise<unknown>>()
  let closing = false
  let secrets: Secrets = { issuer: '', receiptKeyPem: '', receiptKid: '' }
  return {
    dialect: 'postgres',
    ...reader(pool),
    tx: <A, R>(procedure: Procedure<A, R>, args: A) => {
      if (closing) return Promise.reject(fault('ledger_unavailable', { cause: 'closing' }))
      const running = commit(pool, procedure, args, options.now(), () => secrets)
      underWay.add(running)
      return running.finally(() => underWay.delete(running))
    },
    snapshot: (use) => snapshot(pool, use),
    onPoke: pokes.onPoke,
    changes: () => null,
    settled: () => null, // here a commit is seen by others once it is durable
    setSecrets: async (given) => {
      secrets = given
    },
    // What was asked before is carried out first.
    close: async () => {
      if (closing) return
      closing = true
      await Promise.allSettled(underWay)
      await pokes.close()
      await pool.end()
    },
  }
}

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error('an integer from the database is not safe in a number')
  return value
}

const texts = new Map<string, { name: string; text: string }>()
function portable(sql: string): { name: string; text: string } {
  let found = texts.get(sql)
  if (!found) {
    let n = 0
    found = { name: `q${texts.size}`, text: sql.replace(/\?/g, () => `$${++n}`) }
    texts.set(sql, found)
  }
  return found
}

type Queryable = pg.Pool | pg.PoolClient
function query(on: Queryable, sql: string, params: readonly Value[]): Promise<pg.QueryResult> {
  return on.query({ ...portable(sql), values: [...params] })
}

function reader(on: Queryable): Reader {
  const read = async (sql: string, params: readonly Value[]) => {
    try {
      return await query(on, sql, params)
    } catch (error) {
      throw away(error)
    }
  }
  return {
    get: async <T>(sql: string, params: readonly Value[] = []) => (await read(sql, params)).rows[0] as T | undefined,
    all: async <T>(sql: string, params: readonly Value[] = []) => (await read(sql, params)).rows as T[],
  }
}

async function commit<A, R>(
  pool: pg.Pool,
  procedure: Procedure<A, R>,
  args: A,
  now: number,
  secrets: () => Secrets,
): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    const client = await pool.connect().catch((error) => {
      throw away(error)
    })
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await procedure.run(txFor(client, now, secrets()), args)
      const done = await client.query('COMMIT')
      // Postgres answers ROLLBACK, without an error, when a statement before it had failed and nobody looked.
      if (done.command !== 'COMMIT')
        throw new Error(`${procedure.name} went on after a failed statement; nothing of it stands`)
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((reason: Error) => {
        broken = reason
      })
      if (!RETRY.has(sqlState(error)) || attempt === TRIES) throw away(error)
    } finally {
      client.release(broken)
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * attempt))
  }
}

function txFor(client: pg.PoolClient, now: number, secrets: Secrets): Tx {
  return {
    now,
    secrets,
    id: (prefix) => newId(prefix, now),
    // NOTIFY is delivered by Postgres when, and only when, the commit is.
    poke: (feed, rev) =>
      void client
        .query('SELECT pg_notify($1, $2)', [POKE_CHANNEL, JSON.stringify({ feed, rev })])
        .catch(() => undefined),
    get: async <T>(sql: string, params: readonly Value[] = []) =>
      (await query(client, sql, params)).rows[0] as T | undefined,
    all: async <T>(sql: string, params: readonly Value[] = []) => (await query(client, sql, params)).rows as T[],
    run: async (sql, params = []) => (await query(client, sql, params)).rowCount ?? 0,
  }
}

async function snapshot<T>(pool: pg.Pool, use: (reader: Reader) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    return await use(reader(client))
  } finally {
    await client.query('ROLLBACK').catch(() => undefined)
    client.release()
  }
}

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

// Faults pass; a store that is away, read-only or full becomes the one fault that stops spending.
function away(error: unknown): unknown {
  if (isFault(error)) return error
  const state = sqlState(error)
  // 55P03 lock_not_available, 57014 query_canceled (a time-out)
  const lost = /^(08|53|57P|57014|55P03|25006|XX)/.test(state) || /^E[A-Z]+$/.test(state) || RETRY.has(state)
  const ended =
    error instanceof Error && /connection|terminated|timeout exceeded|pool after calling end/i.test(error.message)
  return lost || ended ? fault('ledger_unavailable', { cause: error }) : error
}

async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await applyMigrations({
      dialect: 'postgres',
      exec: async (sql) => void (await client.query(sql)),
      all: async (sql) => (await client.query(sql)).rows,
      record: async (name, hash, at) =>
        void (await client.query('INSERT INTO migrations (name, hash, at) VALUES ($1, $2, $3)', [name, hash, at])),
    })
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined)
    client.release()
  }
}

async function listen(url: string) {
  const listeners = new Set<(poke: Poke) => void>()
  let client: pg.Client | null = null
  let closed = false
  const connect = async () => {
    const next = new pg.Client({ connectionString: url })
    next.on('notification', (message) => {
      const poke = JSON.parse(message.payload ?? 'null') as Poke | null
      if (poke) for (const listener of listeners) listener(poke)
    })
    next.on('error', () => undefined)
    next.on('end', () => {
      if (!closed) setTimeout(() => void connect().catch(() => undefined), 1000)
    })
    await next.connect()
    await next.query(`LISTEN ${POKE_CHANNEL}`)
    client = next
  }
  await connect()
  return {
    onPoke: (listener: (poke: Poke) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: async () => {
      closed = true
      await client?.end()
    },
  }
}
