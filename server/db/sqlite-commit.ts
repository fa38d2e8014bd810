// Several calls in one commit.
// owns: the writing connection's transactions. never: the queue in front of them, the disk, a decision about money.
// always true: a procedure that throws leaves no trace of itself while its neighbours in the batch stand; a store that
// fails leaves nothing of the batch.

import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '../ids.ts'
import type { Poke, Procedure, Secrets, Tx, Value } from './db.ts'
import { isStoreError, resultCode, SQLITE_BUSY } from './sqlite-codes.ts'
import { type Statement, statementsOf } from './sqlite-statements.ts'

/** A procedure that was asked for, at a time in milliseconds. */
export type Call = { procedure: Procedure<unknown, unknown>; now: number; args: unknown }
/** What a call answered, or threw. */
export type Outcome = { ok: unknown } | { error: unknown }
/** Of a batch: an outcome for each call, in order, and the pokes of those that stand. */
export type Done = { outcomes: Outcome[]; pokes: Poke[] }

// Refusals are rare in most batches: then no call needs a savepoint of its own. After one, the next batches have them.
const CAREFUL_BATCHES = 32
// Another program may have the file for a moment (a backup). We wait without holding the server up.
const LOCK_TRIES = 200
const LOCK_RETRY_MS = 10
const NOTHING: readonly Value[] = []

/**
 * @param secrets those of this moment
 * @returns carries out a batch in one commit, and calls `committed` in the same breath as the commit; it throws when the
 * store failed, and then nothing of the batch happened. One batch at a time.
 */
export function committer(
  database: DatabaseSync,
  secrets: () => Secrets,
): (calls: readonly Call[], committed: (done: Done) => void) => Promise<void> {
  const statement = statementsOf(database)
  let careful = 0
  return async (calls, committed) => {
    try {
      if (careful > 0) careful--
      else if (await together(calls, committed)) return
      else careful = CAREFUL_BATCHES
      await oneByOne(calls, committed)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  /** Runs a batch as one; false, with nothing done, when a call of it threw. */
  async function together(calls: readonly Call[], committed: (done: Done) => void): Promise<boolean> {
    const done: Done = { outcomes: [], pokes: [] }
    await begin(statement)
    try {
      for (const { procedure, now, args } of calls)
        done.outcomes.push({ ok: await procedure.run(txFor(statement, secrets(), now, done.pokes), args) })
    } catch (error) {
      if (!database.isTransaction || isStoreError(error)) throw error
      statement('ROLLBACK').run(NOTHING)
      return false
    }
    statement('COMMIT').run(NOTHING)
    committed(done)
    return true
  }

  /** Runs a batch in which any call may be refused without its neighbours. */
  async function oneByOne(calls: readonly Call[], committed: (done: Done) => void): Promise<void> {
    const done: Done = { outcomes: [], pokes: [] }
    await begin(statement)
    for (const call of calls) done.outcomes.push(await runCall(call, done.pokes))
    statement('COMMIT').run(NOTHING)
    committed(done)
  }

  async function runCall({ procedure, now, args }: Call, pokes: Poke[]): Promise<Outcome> {
    const own: Poke[] = []
    statement('SAVEPOINT call').run(NOTHING)
    try {
      const ok = await procedure.run(txFor(statement, secrets(), now, own), args)
      statement('RELEASE call').run(NOTHING)
      pokes.push(...own)
      return { ok }
    } catch (error) {
      if (!database.isTransaction) throw error // SQLite has rolled the whole batch back (disk full, I/O error)
      database.exec('ROLLBACK TO call; RELEASE call')
      if (isStoreError(error)) throw error
      return { error }
    }
  }
}

async function begin(statement: (sql: string) => Statement): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      statement('BEGIN IMMEDIATE').run(NOTHING)
      return
    } catch (error) {
      if (resultCode(error) !== SQLITE_BUSY || tries === LOCK_TRIES) throw error
    }
    await sleep(LOCK_RETRY_MS)
  }
}

function txFor(statement: (sql: string) => Statement, secrets: Secrets, now: number, pokes: Poke[]): Tx {
  return {
    now,
    secrets,
    id: (prefix) => newId(prefix, now),
    poke: (feed, rev) => void pokes.push({ feed, rev }),
    get: async <T>(sql: string, params: readonly Value[] = NOTHING) => statement(sql).get(params) as T | undefined,
    all: async <T>(sql: string, params: readonly Value[] = NOTHING) => statement(sql).all(params) as T[],
    run: async (sql, params = NOTHING) => statement(sql).run(params),
  }
}
