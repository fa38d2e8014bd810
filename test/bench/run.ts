// `npm run bench`: what our metered proxy adds, beside a proxy that does nothing and beside no proxy, in one run.
// owns: the targets, the scenarios and the table. never: a comparison between machines (two cores carry all of it).
// always true: rounds are interleaved, figures are medians of rounds, and a run in which the books do not balance fails.
//
//   npm run bench -- [--db sqlite|postgres] [--rounds 3] [--seconds 3] [--users 16] [--only wallet|proxy|soak] [--minutes 30]

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { books, buy, createApp, createKey, register } from '../support/api.ts'
import { start as startPostgres } from '../support/postgres.ts'
import { type Database, type Server, startServer } from '../support/server.ts'
import { ledgerBench, ledgerTable } from './ledger.ts'
import { drive, type Load, percentile, type Result, type Target } from './load.ts'
import { soak } from './soak.ts'
import { walletBench, walletTable } from './wallet.ts'

type Scenario = {
  name: string
  stream: boolean
  intervalMs: number
  load: { ratePerS: number } | { connections: number }
}
type Row = {
  first50: number
  first99: number
  total50: number
  total99: number
  perS: number
  answers: number
  failures: number
}

const SCENARIOS: Scenario[] = [
  { name: 'JSON, 50/s', stream: false, intervalMs: 0, load: { ratePerS: 50 } },
  { name: 'JSON, 32 connections', stream: false, intervalMs: 0, load: { connections: 32 } },
  { name: 'SSE, 20/s, 5 ms a chunk', stream: true, intervalMs: 5, load: { ratePerS: 20 } },
  { name: 'SSE, 32 connections', stream: true, intervalMs: 0, load: { connections: 32 } },
]
/** The ledger alone, beside the proxy. */
const LEDGER = { callers: [1, 32, 256], legs: [1], seconds: 2, payers: 64 }
const HERE = import.meta.dirname
const children: ChildProcess[] = []

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      db: { type: 'string', default: 'sqlite' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      users: { type: 'string', default: '16' },
      only: { type: 'string', default: '' },
      minutes: { type: 'string', default: '30' },
    },
  })
  if (values.only === 'wallet') return printWallet()
  const durationMs = Number(values.seconds) * 1000
  const db: Database = values.db === 'postgres' ? 'postgres' : 'sqlite'
  const postgres = db === 'postgres' ? await startPostgres({ durable: true }) : null
  if (postgres) process.env.QUOTA_TEST_POSTGRES_URL = postgres.url
  const upstream = await program('simulator.ts', {})
  const raw = await program('raw-proxy.ts', { UPSTREAM: upstream })
  const server = await startServer({
    db,
    env: { OPENAI_BASE_URL: `${upstream}/v1`, OPENAI_API_KEY: 'sk-bench', QUOTA_LOG_LEVEL: 'error' },
  })
  try {
    if (values.only === 'soak') {
      await fetch(`${upstream}/interval/5`)
      return await soak(server, Number(values.minutes))
    }
    const targets: Target[] = [
      { name: 'direct', url: upstream, keys: ['none'] },
      { name: 'raw proxy', url: raw, keys: ['none'] },
      { name: 'ours', url: server.url, keys: await keys(server, Number(values.users)) },
    ]
    for (const target of targets)
      for (const stream of [false, true]) await drive(target, { stream, durationMs: 700, connections: 8 })
    const settledBefore = (await books(server)).holds.ended.settled ?? 0
    const table = await measure(targets, upstream, Number(values.rounds), durationMs)
    print(table, db, values)
    await printLedger(postgres?.url)
    const status = await check(server, table, settledBefore)
    return status === 0 && values.only === '' ? await printWallet() : status
  } finally {
    await server.stop()
    for (const child of children) child.kill()
    await postgres?.stop()
  }
}

/** Persons with money and a key of the `developer` kind each, so that every call is held and settled. */
async function keys(server: Server, users: number): Promise<string[]> {
  const made: string[] = []
  for (let n = 0; n < users; n++) {
    const person = await register(server, `bench${n}`)
    await buy(server, person.session, 'pro')
    made.push(await createKey(server, person, await createApp(server, person), 'developer'))
  }
  return made
}

async function measure(targets: Target[], upstream: string, rounds: number, durationMs: number) {
  const table = new Map<string, Row[]>()
  for (let round = 0; round < rounds; round++) {
    for (const { name, stream, intervalMs, load } of SCENARIOS) {
      await fetch(`${upstream}/interval/${intervalMs}`)
      for (let n = 0; n < targets.length; n++) {
        const target = targets[(n + round) % targets.length]
        if (!target) continue
        const result = await drive(target, { stream, durationMs, ...load } as Load)
        const cell = `${name}|${target.name}`
        table.set(cell, [...(table.get(cell) ?? []), row(result)])
        process.stderr.write('.')
      }
    }
  }
  process.stderr.write('\n')
  return table
}

function row({ samples, failures, perS }: Result): Row {
  const first = samples.map(({ firstMs }) => firstMs)
  const whole = samples.map(({ totalMs }) => totalMs)
  const [first50, first99] = [percentile(first, 0.5), percentile(first, 0.99)]
  return {
    first50,
    first99,
    total50: percentile(whole, 0.5),
    total99: percentile(whole, 0.99),
    perS,
    answers: samples.length,
    failures,
  }
}

function print(
  table: Map<string, Row[]>,
  db: Database,
  options: { rounds: string; seconds: string; users: string },
): void {
  const median = (cell: string, field: keyof Row) =>
    percentile(
      (table.get(cell) ?? []).map((r) => r[field]),
      0.5,
    )
  const ms = (value: number) => value.toFixed(2)
  const lines = [
    `Database ${db}; ${options.rounds} rounds of ${options.seconds} s; ${options.users} payers; Node ${process.versions.node}.`,
    '',
  ]
  lines.push(
    '| scenario | target | first byte p50 / p99 ms | whole answer p50 / p99 ms | added to direct, first byte p50 / p99 ms | answers/s | of raw proxy |',
  )
  lines.push('| --- | --- | --- | --- | --- | --- | --- |')
  for (const { name, load } of SCENARIOS) {
    for (const target of ['direct', 'raw proxy', 'ours']) {
      const at = (field: keyof Row, other = target) => median(`${name}|${other}`, field)
      const added = (field: keyof Row) => ms(at(field) - at(field, 'direct'))
      const ratio = 'connections' in load ? (at('perS') / at('perS', 'raw proxy')).toFixed(2) : ''
      const isFixed = 'ratePerS' in load
      lines.push(
        `| ${name} | ${target} | ${ms(at('first50'))} / ${ms(at('first99'))} | ${ms(at('total50'))} / ${ms(at('total99'))} | ${isFixed && target !== 'direct' ? `${added('first50')} / ${added('first99')}` : ''} | ${at('perS').toFixed(0)} | ${ratio} |`,
      )
    }
  }
  process.stdout.write(`${lines.join('\n')}\n\n`)
}

/** The wallet as it is built now, in a real browser. */
async function printWallet(): Promise<number> {
  const build = spawn(
    process.execPath,
    [join(HERE, '../../node_modules/electron-vite/bin/electron-vite.js'), 'build'],
    {
      cwd: join(HERE, '../..'),
      stdio: 'ignore',
    },
  )
  const [code] = await once(build, 'exit')
  if (code !== 0) throw new Error('the wallet could not be built')
  process.stdout.write(`${walletTable(await walletBench())}\n\n`)
  return 0
}

async function printLedger(postgresUrl: string | undefined): Promise<void> {
  const figures = await ledgerBench({ ...LEDGER, postgresUrl })
  process.stdout.write(`${ledgerTable(figures)}\n\n`)
}

/** A fast run that loses money, or answers, has failed. */
async function check(server: Server, table: Map<string, Row[]>, settledBefore: number): Promise<number> {
  const sums = [...table].map(([cell, rows]) => ({
    cell,
    answers: rows.reduce((sum, r) => sum + r.answers, 0),
    failures: rows.reduce((sum, r) => sum + r.failures, 0),
  }))
  const { balance, holds } = await books(server)
  const settled = (holds.ended.settled ?? 0) - settledBefore
  const paid = sums.filter(({ cell }) => cell.endsWith('|ours')).reduce((sum, { answers }) => sum + answers, 0)
  const wrong = [
    ...sums.filter((s) => s.failures > 0).map((s) => `${s.cell}: ${s.failures} answers failed`),
    ...(balance.ok ? [] : [`the trial balance is off: ${JSON.stringify(balance.units)}`]),
    ...(holds.open.length === 0 ? [] : [`${holds.open.length} holds are open`]),
    ...(holds.ended_twice === 0 ? [] : [`${holds.ended_twice} holds ended twice`]),
    ...(settled === paid ? [] : [`${paid} answers came through us, ${settled} holds were settled`]),
  ]
  for (const line of wrong) process.stdout.write(`FAILED: ${line}\n`)
  if (wrong.length === 0)
    process.stdout.write(`The books balance: ${paid} answers through us, each with one hold settled.\n`)
  return wrong.length === 0 ? 0 : 1
}

/** Starts one of the bench's own programs. @returns its base URL */
async function program(file: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [join(HERE, file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  children.push(child)
  const [port] = await once(child.stdout, 'data')
  return `http://127.0.0.1:${String(port).trim()}`
}

process.exitCode = await main()
