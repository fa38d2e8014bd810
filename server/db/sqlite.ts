// Embedded SQLite: a writer in a thread of its own, and a reader here.
// owns: the queue in front of the writer, the reading connection, the lock on the data folder. never: writing here.
// always true: calls are carried out and answered in the order they were made, and one process owns a folder.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { Fault, fault } from '../faults.ts'
import type { Db, Poke, Procedure, Reader, Secrets, Value } from './db.ts'
import { resultCode, SQLITE_BUSY } from './sqlite-codes.ts'
import type { Answer, Answers, FromWorker, ToWorker, WorkerData } from './sqlite-worker.ts'

const MAX_WAITING = 20_000
const READ_TIMEOUT_MS = 2000

type Waiting = { bookkeeping: boolean; resolve: (value: unknown) => void; reject: (error: Error) => void }

/**
 * Opens (and, when new, creates) the database in a folder.
 * @param options.dir data folder; made when missing
 * @param options.procedures module that imports every procedure, as a file URL
 * @param options.now the clock, in milliseconds
 * @param options.onBatch hears how many calls each commit groups
 * @throws Error when another process holds the folder, or SQLite cannot give the durability we promise
 */
export async function openSqlite(options: {
  dir: string
  procedures: string
  now: () => number
  onBatch?: (size: number) => void
}): Promise<Db> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  const lock = takeLock(join(options.dir, 'lock.db'))
  const file = join(options.dir, 'quota.db')
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    workerData: { file, procedures: options.procedures } satisfies WorkerData,
  })
  try {
    await workerReady(worker)
  } catch (error) {
    lock.close()
    throw error
  }
  const reader = openReader(file)
  const writer = writerQueue(worker, options.now, options.onBatch ?? (() => undefined))
  return {
    dialect: 'sqlite',
    ...reader.read,
    tx: writer.tx,
    snapshot: reader.snapshot,
    onPoke: writer.onPoke,
    changes: writer.changes,
    settled: writer.settled,
    setSecrets: async (secrets: Secrets) => worker.postMessage({ secrets } satisfies ToWorker),
    close: async () => {
      reader.close() // first, so that the writer is the last to leave and folds the write-ahead log into the file
      await writer.close()
      closeOnce(lock)
    },
  }
}

// A lock that dies with its process, even by kill -9: an exclusive transaction held open on a second, empty file.
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (resultCode(error) !== SQLITE_BUSY) throw error
    throw new Error('Another server is using this data folder (QUOTA_DATA_DIR).', { cause: error })
  }
}

function workerReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', (message: FromWorker) => {
      worker.off('error', reject)
      if ('ready' in message) resolve()
      else reject(new Error('failed' in message ? message.failed : 'the database writer did not start'))
    })
  })
}

function openReadOnly(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: READ_TIMEOUT_MS })
}

function openReader(file: string) {
  const database = openReadOnly(file)
  const cache = new Map<string, StatementSync>()
  const statement = (sql: string) => {
    let found = cache.get(sql)
    if (!found) {
      found = database.prepare(sql)
      cache.set(sql, found)
    }
    return found
  }
  const read: Reader = {
    get: async <T>(sql: string, params: readonly Value[] = []) => one<T>(statement(sql), params),
    all: async <T>(sql: string, params: readonly Value[] = []) => every<T>(statement(sql), params),
  }
  return {
    read,
    // A snapshot may await between reads, so it has a connection of its own.
    snapshot: async <T>(use: (reader: Reader) => Promise<T>): Promise<T> => {
      const own = openReadOnly(file)
      try {
        own.exec('BEGIN')
        return await use({
          get: async <R>(sql: string, params: readonly Value[] = []) => one<R>(own.prepare(sql), params),
          all: async <R>(sql: string, params: readonly Value[] = []) => every<R>(own.prepare(sql), params),
        })
      } finally {
        own.close()
      }
    },
    close: () => closeOnce(database),
  }
}

// Closing again is no mistake here; node:sqlite would throw.
function closeOnce(database: DatabaseSync): void {
  if (database.isOpen) database.close()
}

// Rows as plain objects, as Postgres gives them: node:sqlite's have no prototype.
function one<T>(statement: StatementSync, params: readonly Value[]): T | undefined {
  const row = statement.get(...params)
  return row === undefined ? undefined : ({ ...row } as T)
}

function every<T>(statement: StatementSync, params: readonly Value[]): T[] {
  return statement.all(...params).map((row) => ({ ...row }) as T)
}

function writerQueue(worker: Worker, now: () => number, onBatch: (size: number) => void) {
  const waiting = new Map<number, Waiting>()
  const listeners = new Set<(poke: Poke) => void>()
  const send = outgoing(worker)
  const readers = flushed()
  let counter = 0
  let changes = 0
  let dead: Error | null = null
  let closing = false

  const endWhenDrained = () => {
    if (closing && waiting.size === 0) worker.postMessage({ close: true } satisfies ToWorker)
  }
  worker.on('message', (message: FromWorker) => {
    if (!('answers' in message)) return
    const { answers, pokes }: Answers = JSON.parse(message.answers)
    onBatch(answers.length)
    if (answers.some(({ n }) => waiting.get(n)?.bookkeeping === false)) changes++
    for (const answer of answers) settle(waiting, answer)
    for (const poke of pokes) for (const listener of listeners) listener(poke)
    readers.answered(answers.at(-1)?.n ?? 0)
    endWhenDrained()
  })
  const die = (error: Error) => {
    dead = fault('ledger_unavailable', { cause: error })
    for (const call of waiting.values()) call.reject(dead)
    waiting.clear()
    readers.die(dead)
  }
  worker.on('error', die)
  worker.on('exit', () => die(new Error('the database writer has ended')))

  return {
    tx: <A, R>(procedure: Procedure<A, R>, args: A): Promise<R> =>
      new Promise<R>((resolve, reject) => {
        if (dead) return reject(dead)
        const shut = closing ? 'closing' : waiting.size >= MAX_WAITING ? 'queue is full' : null
        if (shut) return reject(fault('ledger_unavailable', { cause: shut }))
        const n = counter + 1
        const call = JSON.stringify([n, procedure.name, now(), args]) // throws, and so rejects, when args are no plain data
        counter = n
        waiting.set(n, { bookkeeping: procedure.bookkeeping, resolve: resolve as (value: unknown) => void, reject })
        send(call)
      }),
    onPoke: (listener: (poke: Poke) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    changes: () => changes,
    settled: (): Promise<void> | null => (dead === null && waiting.size === 0 ? null : readers.wait(counter)),
    // What was asked before is carried out first.
    close: () =>
      new Promise<void>((resolve) => {
        if (dead) return resolve()
        worker.once('exit', () => resolve())
        closing = true
        endWhenDrained()
      }),
  }
}

// Calls go to the writer once what is ready in this turn of the event loop has been heard: requests that came together go
// together. The writer groups them into commits.
function outgoing(worker: Worker) {
  let queue: string[] = []
  const send = () => {
    worker.postMessage({ calls: `[${queue.join(',')}]` } satisfies ToWorker)
    queue = []
  }
  return (call: string): void => {
    if (queue.push(call) === 1) setImmediate(send)
  }
}

// A call that was sent may be committed and not yet flushed; a reader sees it all the same. Answers come in order. What a
// writer that died has left, nobody has flushed.
function flushed() {
  let gone: Error | null = null
  let readers: { after: number; resolve: () => void; reject: (error: Error) => void }[] = []
  return {
    wait: (after: number): Promise<void> =>
      gone ? Promise.reject(gone) : new Promise<void>((resolve, reject) => readers.push({ after, resolve, reject })),
    answered(n: number): void {
      while (readers[0] && readers[0].after <= n) readers.shift()?.resolve()
    },
    die(error: Error): void {
      gone = error
      for (const reader of readers) reader.reject(error)
      readers = []
    },
  }
}

// An answered call lets go of whoever asked: V8 keeps a Map's earlier tables, with what stood in them, until a full
// collection, and each would keep a whole request with it (decision 88).
function settle(waiting: Map<number, Waiting>, answer: Answer): void {
  const call = waiting.get(answer.n)
  if (!call) return
  waiting.delete(answer.n)
  if (answer.fault) call.reject(new Fault(answer.fault.code, answer.fault.options))
  else if (answer.error !== undefined) call.reject(new Error(answer.error))
  else call.resolve(answer.ok)
  call.resolve = nothing
  call.reject = nothing
}

function nothing(): void {}
