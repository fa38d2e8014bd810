// Migrations: numbered SQL files, forward only.
// owns: which have run, and their hashes. never: a migration edited after it has run.
// always true: one portable text serves both databases (INTEGER is BIGINT on Postgres, STRICT and WITHOUT ROWID are SQLite's).

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

export type MigrationTarget = {
  dialect: 'sqlite' | 'postgres'
  exec(sql: string): Promise<void>
  all(sql: string): Promise<{ name: string; hash: string }[]>
  record(name: string, hash: string, at: number): Promise<void>
}

const FOLDER = new URL('./migrations/', import.meta.url)

/**
 * Brings a database to the newest schema, each file in a commit of its own.
 * @throws Error when the database is newer than this program, or a file that has run was edited since
 */
export async function applyMigrations(target: MigrationTarget): Promise<void> {
  await target.exec(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, hash TEXT NOT NULL, at BIGINT NOT NULL)',
  )
  const done = new Map((await target.all('SELECT name, hash FROM migrations')).map((row) => [row.name, row.hash]))
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort()
  for (const name of done.keys()) {
    if (!files.includes(name))
      throw new Error(`This database was written by a newer version (it has ${name}). Update the server.`)
  }
  for (const name of files) {
    const text = readFileSync(new URL(name, FOLDER), 'utf8')
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
    const ran = done.get(name)
    if (ran === undefined) await applyOne(target, name, text, hash)
    else if (ran !== hash) throw new Error(`Migration ${name} was changed after it had run on this database.`)
  }
}

async function applyOne(target: MigrationTarget, name: string, text: string, hash: string): Promise<void> {
  await target.exec('BEGIN')
  try {
    await target.exec(target.dialect === 'sqlite' ? forSqlite(text) : forPostgres(text))
    await target.record(name, hash, Date.now())
    await target.exec('COMMIT')
  } catch (error) {
    await target.exec('ROLLBACK')
    throw new Error(`Migration ${name} failed: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

// `-- sqlite:` and `-- postgres:` open a part for that database only; `-- both:` ends it.
function only(text: string, dialect: string): string {
  let mode = 'both'
  const kept: string[] = []
  for (const line of text.split('\n')) {
    const mark = /^-- (sqlite|postgres|both):/.exec(line)
    if (mark) mode = mark[1] ?? 'both'
    else if (mode === 'both' || mode === dialect) kept.push(line)
  }
  return kept.join('\n')
}

function forSqlite(text: string): string {
  return only(text, 'sqlite')
}

function forPostgres(text: string): string {
  return only(text, 'postgres')
    .replace(/\bINTEGER\b/g, 'BIGINT')
    .replace(/\bBLOB\b/g, 'BYTEA')
    .replace(/\)\s*STRICT(, WITHOUT ROWID)?\s*;/g, ');')
}
