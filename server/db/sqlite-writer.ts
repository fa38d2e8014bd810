// The writer: the only connection that changes the SQLite file.
// owns: the writing connection and the grouping of commits. never: a network, a decision about money.
// always true: calls are carried out and answered in the order they were made; what is answered is on disk (the
// write-ahead log is flushed after the commit and before the answer, as synchronous=FULL does, but beside the next batch).

import fs from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Fault, fault } from '../faults.ts'
import type { Poke, Procedure, Secrets } from './db.ts'
import { applyMigrations } from './migrate.ts'
import { type Call, committer, type Done } from './sqlite-commit.ts'
import { type Flusher, flusher } from './sqlite-flush.ts'

const SQLITE_FLOOR = [3, 51, 3] as const
const OPEN_TIMEOUT_MS = 2000
const MAX_BATCH = 256
const MAX_TURNS = 8
const MAX_WAITING = 20_000

type Waiting = Call & { resolve: (value: unknown) => void; reject: (error: unknown) => void }

export type Writer = {
  tx<A, R>(procedure: Procedure<A, R>, args: A): Promise<R>
  onPoke(listener: (poke: Poke) => void): () => void
  changes(): number
  settled(): Promise<void> | null
  setSecrets(secrets: Secrets): void
  close(): Promise<void>
}

type Options = { file: string; now: () => number; onBatch: (size: number) => void }

/**
 * Opens the file to write, and brings its schema up to date.
 * @param options.now the clock, in milliseconds
 * @param options.onBatch hears how many calls each commit groups
 * @throws Error when SQLite is too old, or cannot give the durability we promise
 */
export async function openWriter(options: Options): Promise<Writer> {
  const database = open(options.file)
  try {
    await applyMigrations(migrationTarget(database))
    database.exec('PRAGMA busy_timeout = 0') // from now on who waits for a lock holds the whole server up
    return writerOf(database, fs.openSync(`${options.file}-wal`, 'r+'), options)
  } catch (error) {
    database.close()
    throw error
  }
}

function open(path: string): DatabaseSync {
  const opened = new DatabaseSync(path, { timeout: OPEN_TIMEOUT_MS })
  try {
    return configured(opened)
  } catch (error) {
    opened.close()
    throw error
  }
}

function configured(opened: DatabaseSync): DatabaseSync {
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

// The handle is of the log that SQLite has open: it lives as long as the writing connection does.
function flushOf(log: number): () => Promise<void> {
  return () =>
    new Promise((done, failed) => {
      fs.fdatasync(log, (error) => (error ? failed(error) : done()))
    })
}

function writerOf(database: DatabaseSync, log: number, { now, onBatch }: Options): Writer {
  let secrets: Secrets = { issuer: '', receiptKeyPem: '', receiptKid: '' }
  const flushes = flusher(flushOf(log))
  const answers = answering(onBatch)
  const calls = queueOf(
    committer(database, () => secrets),
    flushes,
    answers.answer,
  )
  let closing: Promise<void> | null = null
  const close = async () => {
    await calls.ended()
    await flushes.ended()
    database.close()
    fs.closeSync(log)
  }
  return {
    tx: <A, R>(procedure: Procedure<A, R>, args: A) =>
      closing
        ? Promise.reject(fault('ledger_unavailable', { cause: 'closing' }))
        : (calls.put(procedure as Procedure<unknown, unknown>, now(), args) as Promise<R>),
    onPoke: answers.onPoke,
    changes: answers.changes,
    settled: () => calls.settled(),
    setSecrets: (given) => {
      secrets = given
    },
    // What was asked before is carried out first.
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

// What arrives during a commit is the next batch (no timer), and batches never overlap: nothing in a procedure waits for
// anything but this connection, so a batch is one turn of the event loop.
function queueOf(
  commit: ReturnType<typeof committer>,
  flushes: Flusher,
  answer: (calls: readonly Waiting[], done: Done) => void,
) {
  let queue: Waiting[] = []
  let unanswered = 0
  let turn: Promise<void> | null = null
  let dead: Fault | null = null
  // A commit costs as much as what is done in it: it waits while each turn of the event loop brings more.
  const gathered = async () => {
    for (let turns = 0, before = 0; turns < MAX_TURNS && queue.length > before; turns++) {
      before = queue.length
      await heard()
    }
  }
  const take = async () => {
    while (queue.length > 0) {
      await gathered()
      const batch = queue.slice(0, MAX_BATCH)
      queue = queue.slice(MAX_BATCH)
      await carryOut(batch)
    }
    turn = null
  }
  const carryOut = async (batch: readonly Waiting[]) => {
    if (dead) return answer(batch, refused(batch, dead))
    const told = (done: Done) =>
      flushes.afterFlush((failure) => {
        unanswered -= batch.length
        if (failure) dead ??= fault('ledger_unavailable', { cause: failure })
        answer(batch, dead ? refused(batch, dead) : done)
      })
    try {
      await commit(batch, told)
    } catch (error) {
      // The store itself failed (full, read-only, locked, broken): nothing of this batch happened. It is said in its turn.
      told(refused(batch, fault('ledger_unavailable', { cause: error })))
    }
  }
  return {
    put: (procedure: Procedure<unknown, unknown>, now: number, args: unknown) =>
      new Promise<unknown>((resolve, reject) => {
        if (dead) return reject(dead)
        if (unanswered >= MAX_WAITING) return reject(fault('ledger_unavailable', { cause: 'queue is full' }))
        unanswered++
        queue.push({ procedure, now, args, resolve, reject })
        turn ??= take()
      }),
    // A reader sees what is committed, and so perhaps what is not yet on disk.
    settled: (): Promise<void> | null => {
      if (dead) return Promise.reject(dead)
      if (flushes.idle()) return null
      return new Promise((resolve, reject) => flushes.afterFlush(() => (dead ? reject(dead) : resolve())))
    },
    ended: async () => {
      await turn
    },
  }
}

/** Everything that can be heard in this turn of the event loop has been heard. */
const heard = () => new Promise<void>((done) => setImmediate(done))

function refused(calls: readonly Waiting[], error: Fault): Done {
  return { outcomes: calls.map(() => ({ error })), pokes: [] }
}

function answering(onBatch: (size: number) => void) {
  const listeners = new Set<(poke: Poke) => void>()
  let changes = 0
  return {
    answer: (calls: readonly Waiting[], { outcomes, pokes }: Done): void => {
      onBatch(calls.length)
      if (calls.some(({ procedure }) => !procedure.bookkeeping)) changes++
      for (const [at, call] of calls.entries()) {
        const outcome = outcomes[at]
        if (outcome && 'ok' in outcome) call.resolve(outcome.ok)
        else call.reject(outcome?.error)
      }
      for (const poke of pokes) for (const listener of listeners) listener(poke)
    },
    onPoke: (listener: (poke: Poke) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    changes: () => changes,
  }
}
