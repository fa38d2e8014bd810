// Embedded SQLite: one connection that writes, and one that reads.
// owns: the reading connection, the lock on the data folder. never: writing here (sqlite-writer.ts).
// always true: one process owns a folder; a reader sees what is committed, never what is about to be.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Db, Reader, Secrets, Value } from './db.ts'
import { resultCode, SQLITE_BUSY } from './sqlite-codes.ts'
import { statementsOf } from './sqlite-statements.ts'
import { openWriter } from './sqlite-writer.ts'

const READ_TIMEOUT_MS = 2000

/**
 * Opens (and, when new, creates) the database in a folder.
 * @param options.dir data folder; made when missing
 * @param options.now the clock, in milliseconds
 * @param options.onBatch hears how many calls each commit groups
 * @throws Error when another process holds the folder, or SQLite cannot give the durability we promise
 */
export async function openSqlite(options: {
  dir: string
  now: () => number
  onBatch?: (size: number) => void
}): Promise<Db> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  const lock = takeLock(join(options.dir, 'lock.db'))
  const file = join(options.dir, 'quota.db')
  const { now, onBatch = () => undefined } = options
  const writer = await openWriter({ file, now, onBatch }).catch((error) => {
    lock.close()
    throw error
  })
  const reader = openReader(file)
  return {
    dialect: 'sqlite',
    ...reader.read,
    tx: writer.tx,
    snapshot: reader.snapshot,
    onPoke: writer.onPoke,
    changes: writer.changes,
    settled: writer.settled,
    setSecrets: async (secrets: Secrets) => writer.setSecrets(secrets),
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

function openReadOnly(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: READ_TIMEOUT_MS })
}

function openReader(file: string) {
  const database = openReadOnly(file)
  return {
    read: readerOn(database),
    // A snapshot may await between reads, so it has a connection of its own.
    snapshot: async <T>(use: (reader: Reader) => Promise<T>): Promise<T> => {
      const own = openReadOnly(file)
      try {
        own.exec('BEGIN')
        return await use(readerOn(own))
      } finally {
        own.close()
      }
    },
    close: () => closeOnce(database),
  }
}

function readerOn(database: DatabaseSync): Reader {
  const statement = statementsOf(database)
  return {
    get: async <T>(sql: string, params: readonly Value[] = []) => statement(sql).get(params) as T | undefined,
    all: async <T>(sql: string, params: readonly Value[] = []) => statement(sql).all(params) as T[],
  }
}

// Closing again is no mistake here; node:sqlite would throw.
function closeOnce(database: DatabaseSync): void {
  if (database.isOpen) database.close()
}
