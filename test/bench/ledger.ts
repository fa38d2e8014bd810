// The ledger alone: hold-and-settle pairs a second through db.tx, with their latency, without HTTP around it.
// owns: this one measurement, on either database. never: a figure that was not measured in this run.
// always true: a hold and a settle are each a commit of their own by its caller's lights, durable before it counts, and a
// run after which the audit finds a difference gives no figure.
//
//   node test/bench/ledger.ts [--db sqlite|postgres] [--seconds 3] [--payers 64] [--callers 1,8,32,128] [--legs 1,2]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import type { Db } from '../../server/db/db.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import { audit, seal } from '../../server/ledger/chain.ts'
import type { Leg } from '../../server/ledger/ledger.ts'
import { freshDatabase, start as startPostgres } from '../support/postgres.ts'
import { acts } from '../support/test-procedures.ts'
import { percentile } from './load.ts'

export type LedgerFigure = { legs: number; callers: number; pairsPerS: number; p50Ms: number; p99Ms: number }
export type LedgerLoad = {
  /** A Postgres to measure, postgres://…; without one, SQLite. */
  postgresUrl?: string | undefined
  /** How many ask at once, one figure for each. */
  callers: readonly number[]
  /** 1 (money) or 2 (money and a limit), one figure for each. */
  legs: readonly number[]
  seconds: number
  payers: number
}

const FUNDS = 1_000_000_000_000
const WARM = { callers: 32, legs: 1, seconds: 0.5 }

/**
 * Measures pairs on a fresh database.
 * @throws Error when the books are not in order afterwards
 */
export async function ledgerBench(load: LedgerLoad): Promise<LedgerFigure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'quota-ledger-bench-'))
  const db = load.postgresUrl
    ? await openPostgres({ url: await freshDatabase(load.postgresUrl), now: Date.now })
    : await openSqlite({ dir, now: Date.now })
  try {
    await fund(db, load.payers)
    await run(db, { ...WARM, payers: load.payers })
    const figures: LedgerFigure[] = []
    for (const legs of load.legs)
      for (const callers of load.callers) figures.push(await run(db, { ...load, legs, callers }))
    while ((await db.tx(seal, undefined)) > 0);
    const report = await db.snapshot((reader) => audit(reader))
    if (!report.ok) throw new Error(`the books are off after the bench: ${report.differences.join('; ')}`)
    return figures
  } finally {
    await db.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function fund(db: Db, payers: number): Promise<void> {
  for (let n = 0; n < payers; n++) {
    const legs = [
      { from: 'world:stripe', to: `user:b${n}`, amount: FUNDS },
      { from: 'limits', to: `cap:b${n}:month`, amount: FUNDS },
    ]
    await db.tx(acts, [{ verb: 'transfer', id: `fund${n}`, legs }])
  }
}

type Run = { callers: number; legs: number; seconds: number; payers: number }

async function run(db: Db, { callers, legs, seconds, payers }: Run): Promise<LedgerFigure> {
  const times: number[] = []
  const began = performance.now()
  const until = began + seconds * 1000
  const caller = async () => {
    for (let started = performance.now(); started < until; ) {
      await onePair(db, legs, payers)
      const ended = performance.now()
      times.push(ended - started)
      started = ended
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const pairsPerS = Math.round(times.length / ((performance.now() - began) / 1000))
  return { legs, callers, pairsPerS, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) }
}

let pair = 0

async function onePair(db: Db, legCount: number, payers: number): Promise<void> {
  const n = pair++
  const payer = `b${n % payers}`
  const legs = (amount: number): Leg[] => {
    const money = { from: `user:${payer}`, to: 'sales', amount }
    return legCount === 1 ? [money] : [money, { from: `cap:${payer}:month`, to: 'limits', amount }]
  }
  const id = `req_${n.toString(36).padStart(26, '0')}`
  await db.tx(acts, [{ verb: 'hold', id, legs: legs(1000), owner: 'bench', ttlMs: 600_000 }])
  await db.tx(acts, [{ verb: 'settle', holdId: id, legs: legs(540) }])
}

/** Commits a second of one row and one fsync each: what the disk allows a single caller. */
function diskCommitsPerS(): number {
  const dir = mkdtempSync(join(tmpdir(), 'quota-disk-'))
  const database = new DatabaseSync(join(dir, 'disk.db'))
  try {
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('PRAGMA synchronous = FULL')
    database.exec('CREATE TABLE t (n INTEGER) STRICT')
    const insert = database.prepare('INSERT INTO t VALUES (1)')
    const began = performance.now()
    let commits = 0
    while (performance.now() - began < 1000) {
      insert.run()
      commits++
    }
    return Math.round(commits / ((performance.now() - began) / 1000))
  } finally {
    database.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The figures as a Markdown table. */
export function ledgerTable(figures: readonly LedgerFigure[]): string {
  const rows = figures.map((one) => {
    const what = one.legs === 1 ? 'money' : 'money and a limit'
    return `| ${what} | ${one.callers} | ${one.pairsPerS.toLocaleString('en')} | ${one.p50Ms.toFixed(2)} | ${one.p99Ms.toFixed(2)} |`
  })
  return ['| hold + settle of | callers at once | pairs/s | p50 ms | p99 ms |', '| --- | ---: | ---: | ---: | ---: |']
    .concat(rows)
    .join('\n')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      db: { type: 'string', default: 'sqlite' },
      seconds: { type: 'string', default: '3' },
      payers: { type: 'string', default: '64' },
      callers: { type: 'string', default: '1,8,32,128' },
      legs: { type: 'string', default: '1,2' },
    },
  })
  const numbers = (text: string) => text.split(',').map(Number)
  const postgres = values.db === 'postgres' ? await startPostgres({ durable: true }) : null
  try {
    const figures = await ledgerBench({
      postgresUrl: postgres?.url,
      callers: numbers(values.callers),
      legs: numbers(values.legs),
      seconds: Number(values.seconds),
      payers: Number(values.payers),
    })
    console.log(ledgerTable(figures))
    const disk = diskCommitsPerS().toLocaleString('en')
    console.log(
      `\nA pair is two durable commits. The disk of SQLite’s folder alone: ${disk} commits/s of one row each.`,
    )
  } finally {
    await postgres?.stop()
  }
}

if (import.meta.main) await main()
