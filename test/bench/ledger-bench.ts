// The ledger alone: hold-and-settle pairs a second through db.tx on SQLite, with latency, as a Markdown table.
// owns: this measurement. never: HTTP (run.ts), Postgres (ledger.ts beside it measures both databases).
// always true: each hold and each settle is a commit of its own by its caller's lights, durable before it counts, and a
// run after which the audit finds a difference prints no table.
//
//   node test/bench/ledger-bench.ts [--seconds 3] [--payers 64] [--callers 1,8,32,128]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import type { Db } from '../../server/db/db.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import { audit, seal } from '../../server/ledger/chain.ts'
import type { Leg } from '../../server/ledger/ledger.ts'
import { acts } from '../support/test-procedures.ts'

export type LedgerFigure = { legs: number; callers: number; pairsPerS: number; p50Ms: number; p99Ms: number }

const PROCEDURES = new URL('../support/test-procedures.ts', import.meta.url).href
const FUNDS = 1_000_000_000_000
let pair = 0

/**
 * Measures pairs on a fresh database.
 * @param options.callers how many ask at once, one figure for each
 * @param options.legs 1 (money) or 2 (money and a limit)
 * @throws Error when the books are not in order afterwards
 */
export async function ledgerBench(options: {
  callers: readonly number[]
  legs: 1 | 2
  seconds: number
  payers: number
}): Promise<LedgerFigure[]> {
  const dir = mkdtempSync(join(tmpdir(), 'quota-ledger-bench-'))
  const db = await openSqlite({ dir, procedures: PROCEDURES, now: Date.now })
  try {
    await fund(db, options.payers)
    await run(db, { ...options, callers: 32, seconds: 0.5 }) // warm
    const figures: LedgerFigure[] = []
    for (const callers of options.callers) figures.push(await run(db, { ...options, callers }))
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

async function run(
  db: Db,
  options: { callers: number; legs: 1 | 2; seconds: number; payers: number },
): Promise<LedgerFigure> {
  const times: number[] = []
  const began = performance.now()
  const until = began + options.seconds * 1000
  const caller = async () => {
    for (let started = performance.now(); started < until; ) {
      await onePair(db, options)
      const ended = performance.now()
      times.push(ended - started)
      started = ended
    }
  }
  await Promise.all(Array.from({ length: options.callers }, caller))
  const seconds = (performance.now() - began) / 1000
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor((times.length - 1) * share)] ?? 0
  const { legs, callers } = options
  return { legs, callers, pairsPerS: Math.round(times.length / seconds), p50Ms: at(0.5), p99Ms: at(0.99) }
}

async function onePair(db: Db, options: { legs: 1 | 2; payers: number }): Promise<void> {
  const n = pair++
  const payer = `b${n % options.payers}`
  const legs = (amount: number): Leg[] => {
    const money = { from: `user:${payer}`, to: 'sales', amount }
    return options.legs === 1 ? [money] : [money, { from: `cap:${payer}:month`, to: 'limits', amount }]
  }
  const id = `req_${n.toString(36).padStart(26, '0')}`
  await db.tx(acts, [{ verb: 'hold', id, legs: legs(1000), owner: 'bench', ttlMs: 600_000 }])
  await db.tx(acts, [{ verb: 'settle', holdId: id, legs: legs(540) }])
}

/** Commits a second of one row and one fsync each: what the disk allows a single caller. */
export function diskCommitsPerS(): number {
  const dir = mkdtempSync(join(tmpdir(), 'quota-disk-'))
  const database = new Database(join(dir, 'disk.db'))
  try {
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
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

export function markdown(figures: readonly LedgerFigure[], disk: number): string {
  const rows = figures.map((one) => {
    const what = one.legs === 1 ? 'money' : 'money and a limit'
    return `| ${what} | ${one.callers} | ${one.pairsPerS.toLocaleString('en')} | ${one.p50Ms.toFixed(2)} | ${one.p99Ms.toFixed(2)} |`
  })
  return [
    '| hold + settle of | callers at once | pairs/s | p50 ms | p99 ms |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    `A pair is two durable commits. The disk alone: ${disk.toLocaleString('en')} commits/s of one row each.`,
  ].join('\n')
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '3' },
      payers: { type: 'string', default: '64' },
      callers: { type: 'string', default: '1,8,32,128' },
      legs: { type: 'string', default: '1,2' },
    },
  })
  const callers = values.callers.split(',').map(Number)
  const figures: LedgerFigure[] = []
  for (const legs of values.legs.split(',').map(Number)) {
    const rest = { callers, seconds: Number(values.seconds), payers: Number(values.payers) }
    figures.push(...(await ledgerBench({ legs: legs === 2 ? 2 : 1, ...rest })))
  }
  console.log(markdown(figures, diskCommitsPerS()))
}

if (import.meta.main) await main()
