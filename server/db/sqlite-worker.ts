// The writer: the only thread that changes the SQLite file.
// owns: the writing connection and the grouping of commits. never: a network, a decision about money.
// always true: what is acknowledged is on disk (the write-ahead log is flushed after the commit and before the answer,
// as synchronous=FULL does, but beside the next batch), and a procedure that throws leaves no trace of itself while its
// neighbours in the batch stand.

import fs from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { isFault, type PlainFault, plainFault } from '../faults.ts'
import { newId } from '../ids.ts'
import { type Poke, procedureNamed, type Secrets, type Tx, type Value } from './db.ts'
import { applyMigrations } from './migrate.ts'
import { isStoreError } from './sqlite-codes.ts'
import { type Flusher, flusher } from './sqlite-flush.ts'

/** A call as it travels: [number, procedure, milliseconds, arguments]. */
export type Call = [n: number, name: string, now: number, args: unknown]
export type Answer = { n: number; ok?: unknown; fault?: PlainFault; error?: string }
/** Batches and their answers travel as one JSON text each: a flat copy, and far cheaper than cloning many small objects. */
export type ToWorker = { calls: string } | { secrets: Secrets } | { close: true }
export type Answers = { answers: Answer[]; pokes: Poke[] }
export type FromWorker = { answers: string } | { ready: string } | { failed: string } | { closed: true }
export type WorkerData = { file: string; procedures: string }

const SQLITE_FLOOR = [3, 51, 3] as const
const BUSY_TIMEOUT_MS = 2000
const MAX_BATCH = 256

const port = parentPort
if (!port) throw new Error('sqlite-worker runs as a worker thread')
const { file, procedures } = workerData as WorkerData

let secrets: Secrets = { issuer: '', receiptKeyPem: '', receiptKid: '' }
let database: DatabaseSync
let flushes: Flusher
const prepared = new Map<string, StatementSync>()

try {
  database = open(file)
  await applyMigrations(migrationTarget(database))
  flushes = flusher(flushOf(`${file}-wal`))
  await import(procedures)
  port.on('message', receive)
  port.postMessage({ ready: sqliteVersion(database) } satisfies FromWorker)
} catch (error) {
  port.postMessage({ failed: error instanceof Error ? error.message : String(error) } satisfies FromWorker)
}

function open(path: string): DatabaseSync {
  const opened = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  const version = sqliteVersion(opened)
  if (compareVersions(version) < 0)
    throw new Error(`SQLite ${version} is below ${SQLITE_FLOOR.join('.')} (WAL-reset corruption)`)
  // recursive_triggers: else INSERT OR REPLACE deletes past the triggers that forbid it.
  opened.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 4000`)
  // NORMAL orders the log, its restarts and checkpoints safely (https://sqlite.org/pragma.html#pragma_synchronous); what
  // FULL adds, the flush after each commit, is ours (flushOf).
  if (pragma(opened, 'synchronous') !== 1) throw new Error('SQLite would not set synchronous=NORMAL')
  if (pragma(opened, 'journal_mode') !== 'wal') throw new Error('SQLite would not set journal_mode=WAL')
  return opened
}

// The file is the log that SQLite has open: it lives as long as this connection does.
function flushOf(log: string): () => Promise<void> {
  const handle = fs.openSync(log, 'r+')
  return () =>
    new Promise((done, failed) => {
      fs.fdatasync(handle, (error) => (error ? failed(error) : done()))
    })
}

function pragma(on: DatabaseSync, name: 'synchronous' | 'journal_mode'): unknown {
  return on.prepare(`PRAGMA ${name}`).get()?.[name]
}

function sqliteVersion(on: DatabaseSync): string {
  return String(on.prepare('SELECT sqlite_version() AS version').get()?.version)
}

function compareVersions(version: string): number {
  const parts = version.split('.').map(Number)
  for (let i = 0; i < SQLITE_FLOOR.length; i++) {
    const difference = (parts[i] ?? 0) - (SQLITE_FLOOR[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function migrationTarget(target: DatabaseSync) {
  return {
    dialect: 'sqlite' as const,
    exec: async (sql: string) => void target.exec(sql),
    all: async (sql: string) => target.prepare(sql).all() as { name: string; hash: string }[],
    record: async (name: string, hash: string, at: number) =>
      void target.prepare('INSERT INTO migrations (name, hash, at) VALUES (?, ?, ?)').run(name, hash, at),
  }
}

function statement(sql: string): StatementSync {
  let found = prepared.get(sql)
  if (!found) {
    found = database.prepare(sql)
    prepared.set(sql, found)
  }
  return found
}

async function receive(message: ToWorker): Promise<void> {
  if ('calls' in message) gather(JSON.parse(message.calls))
  else if ('secrets' in message) secrets = message.secrets
  else {
    await turn
    await flushes.ended()
    database.close()
    port?.postMessage({ closed: true } satisfies FromWorker)
    port?.close()
  }
}

// What arrives during a commit is the next batch (no timer). Batches never overlap: nothing in a procedure waits for
// anything but this thread, and the next one starts when the last has ended.
const queue: Call[] = []
let turn: Promise<void> | null = null
function gather(calls: Call[]): void {
  queue.push(...calls)
  turn ??= commitAll()
}

async function commitAll(): Promise<void> {
  while (queue.length > 0) {
    await heard()
    await commitBatch(queue.splice(0, MAX_BATCH))
  }
  turn = null
}

/** Everything that has been sent by now has been received. */
const heard = () => new Promise<void>((done) => setImmediate(done))

async function commitBatch(calls: Call[]): Promise<void> {
  try {
    const done = (await together(calls)) ?? (await oneByOne(calls))
    flushes.afterFlush(() => send(done))
  } catch (error) {
    // The store itself failed (full, read-only, locked, broken): nothing of this batch happened.
    if (database.isTransaction) database.exec('ROLLBACK')
    const cause = error instanceof Error ? error.message : String(error)
    const away: PlainFault = { code: 'ledger_unavailable', options: { cause } }
    flushes.afterFlush(() => send({ answers: calls.map(([n]) => ({ n, fault: away })), pokes: [] })) // in its turn
  }
}

// Refusals are rare in most batches: then no call needs a savepoint of its own. After one, the next batches have them.
const CAREFUL_BATCHES = 32
let careful = 0

/** Runs a batch as one; null, with nothing done, when a call of it threw. */
async function together(calls: Call[]): Promise<Answers | null> {
  if (careful > 0) {
    careful--
    return null
  }
  const done: Answers = { answers: [], pokes: [] }
  statement('BEGIN IMMEDIATE').run()
  try {
    for (const [n, name, now, args] of calls) {
      const ok = await procedureNamed(name).run(txFor(now, done.pokes), args)
      done.answers.push({ n, ok })
    }
  } catch (error) {
    if (!database.isTransaction || isStoreError(error)) throw error
    statement('ROLLBACK').run()
    careful = CAREFUL_BATCHES
    return null
  }
  statement('COMMIT').run()
  return done
}

/** Runs a batch in which any call may be refused without its neighbours. */
async function oneByOne(calls: Call[]): Promise<Answers> {
  const answers: Answer[] = []
  const pokes: Poke[] = []
  statement('BEGIN IMMEDIATE').run()
  for (const call of calls) answers.push(await runCall(call, pokes))
  statement('COMMIT').run()
  return { answers, pokes }
}

function send({ answers, pokes }: Answers): void {
  let text: string
  try {
    text = JSON.stringify({ answers, pokes } satisfies Answers)
  } catch {
    text = JSON.stringify({ answers: answers.map(sendable), pokes } satisfies Answers)
  }
  port?.postMessage({ answers: text } satisfies FromWorker)
}

// A result that cannot be sent is a mistake of its procedure; its neighbours hear theirs.
function sendable(answer: Answer): Answer {
  try {
    JSON.stringify(answer)
    return answer
  } catch (error) {
    return { n: answer.n, error: String(error) }
  }
}

async function runCall([n, name, now, args]: Call, pokes: Poke[]): Promise<Answer> {
  const own: Poke[] = []
  statement('SAVEPOINT call').run()
  try {
    const ok = await procedureNamed(name).run(txFor(now, own), args)
    statement('RELEASE call').run()
    pokes.push(...own)
    return { n, ok }
  } catch (error) {
    if (!database.isTransaction) throw error // SQLite has rolled the whole batch back (disk full, I/O error)
    database.exec('ROLLBACK TO call; RELEASE call')
    if (isFault(error)) return { n, fault: plainFault(error) }
    if (isStoreError(error)) throw error
    return { n, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function txFor(now: number, pokes: Poke[]): Tx {
  return {
    now,
    secrets,
    id: (prefix) => newId(prefix, now),
    poke: (feed, rev) => void pokes.push({ feed, rev }),
    get: async <T>(sql: string, params: readonly Value[] = []) => statement(sql).get(...params) as T | undefined,
    all: async <T>(sql: string, params: readonly Value[] = []) => statement(sql).all(...params) as T[],
    run: async (sql, params = []) => Number(statement(sql).run(...params).changes),
  }
}
