// `npm test`: gets what the tests need, says so, runs them all, and ends with one line of counts.
// owns: the order of the stages and the sum. never: a test's content.
// always true: a stage that ran nothing is a failure, and no process of this run outlives it.
//
//   npm test                     everything
//   npm test -- ledger relay     only test files whose path contains one of these words

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { ensureChromium } from './support/chromium.ts'
import { failureOf, failuresIn, type Report } from './support/failures.ts'
import { type Postgres, start as startPostgres } from './support/postgres.ts'

type Counts = { passed: number; failed: number; skipped: number }

const ROOT = join(import.meta.dirname, '..')
const MODULES = join(ROOT, 'node_modules')
/** A test may take so long; a test file that says nothing for so long is ended, and fails by name. */
const TEST_TIMEOUT_MS = 600_000
const RUN_TIMEOUT_MS = 80 * 60_000
/** So many specs may need a second try; each is named. Tests of the server and its money have none. */
const SECOND_TRIES_MAX = 3
/** Marks every process of this run, so that strays can be told from anybody else's. */
const MARK = randomBytes(12).toString('hex')

/**
 * The longest begin first, so that none is left to run alone at the end, and what waits (for leases, timeouts, a build)
 * waits beside others that work.
 */
const LONG = ['faults/kill', 'examples', 'faults/store', 'db', 'ledger.model', 'start', 'server/relay-endings'].map(
  (name) => `test/${name}.test.ts`,
)

const words = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const total: Counts = { passed: 0, failed: 0, skipped: 0 }
/** Told again at the end. */
const failures: string[] = []
const startedAt = performance.now()
let postgres: Postgres | null = null

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<number> {
  process.env.QUOTA_TEST_RUN = MARK
  process.env.PATH = `${join(MODULES, '.bin')}${delimiter}${process.env.PATH ?? ''}`
  const files = chosen(globSync('test/**/*.test.ts', { cwd: ROOT }).sort())
  const specs = existsSync(join(ROOT, 'playwright.config.ts'))
    ? chosen(globSync('test/**/*.spec.ts', { cwd: ROOT }).sort())
    : []
  say(`Node     ${process.versions.node}`)
  if (files.length === 0 && specs.length === 0) return failed('no test file matches')
  await provide(specs.length > 0)
  if (needsWallet(files, specs)) await build()
  if (files.length > 0) add('node:test', await nodeTests(files))
  if (specs.length > 0) add('Playwright', await playwright(specs))
  return total.failed > 0 ? 1 : 0
}

function chosen(files: string[]): string[] {
  return words.length === 0 ? files : files.filter((file) => words.some((word) => file.includes(word)))
}

/** Finds or gets Chromium and Postgres, and tells the tests where they are. */
async function provide(browser: boolean): Promise<void> {
  if (browser) {
    const chromium = await ensureChromium(say)
    process.env.QUOTA_CHROMIUM = chromium.path
    say(`Chromium ${chromium.path} (${chromium.how})`)
  }
  if (process.env.QUOTA_TEST_POSTGRES_URL) return say('Postgres the one of QUOTA_TEST_POSTGRES_URL')
  postgres = await startPostgres()
  process.env.QUOTA_TEST_POSTGRES_URL = postgres.url
  say(`Postgres ${postgres.url} (${postgres.how})`)
}

/** Specs look at the wallet; of the other tests, those that start the whole program do. */
function needsWallet(files: string[], specs: string[]): boolean {
  if (!existsSync(join(ROOT, 'electron.vite.config.ts'))) return false
  return words.length === 0 || specs.length > 0 || files.some((file) => /wallet|electron|start/.test(file))
}

async function build(): Promise<void> {
  const began = performance.now()
  const { code, output } = await program([join(MODULES, 'electron-vite/bin/electron-vite.js'), 'build'], {
    quiet: true,
  })
  if (code !== 0) throw new Error(`the wallet could not be built:\n${output}`)
  say(`Wallet   built in ${seconds(began)}`)
}

// --- the stages ----------------------------------------------------------------------------------------------------

async function nodeTests(files: string[]): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const concurrency = Math.max(1, Math.min(2, availableParallelism()))
  const rank = (file: string) => (LONG.includes(file) ? LONG.indexOf(file) : LONG.length)
  const paths = files.toSorted((a, b) => rank(a) - rank(b)).map((file) => join(ROOT, file))
  const events = run({ cwd: ROOT, files: paths, concurrency, timeout: TEST_TIMEOUT_MS })
  let empty = 0
  let heardAt = performance.now()
  events.on('test:pass', ({ name, file }) => {
    heardAt = performance.now()
    if (name !== file) return
    empty++ // the runner counts a file without tests as one that passed
    say(`FAILED: ${name} defines no test`)
  })
  events.on('test:fail', (event) => {
    heardAt = performance.now()
    const failure = failureOf(event)
    if (failure !== null) failures.push(failure)
  })
  const watch = setInterval(() => {
    if (performance.now() - heardAt > TEST_TIMEOUT_MS + 10_000)
      endMarked((command) => paths.some((path) => command.includes(path)))
  }, 5_000)
  events.on('test:summary', (summary) => {
    if (summary.file !== undefined) return // the sum over all files comes last
    counts.passed = summary.counts.passed - empty
    counts.skipped = summary.counts.skipped + summary.counts.todo
    counts.failed = summary.counts.tests - counts.passed - counts.skipped
  })
  const report = events.compose(spec)
  for await (const piece of report) process.stdout.write(piece)
  clearInterval(watch)
  return counts
}

async function playwright(specs: string[]): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-specs-'))
  const file = join(folder, 'report.json')
  try {
    const args = [
      join(MODULES, '@playwright/test/cli.js'),
      'test',
      '--reporter=list,json',
      ...(words.length ? specs : []),
    ]
    const { code } = await program(args, { env: { PLAYWRIGHT_JSON_OUTPUT_FILE: file } })
    const report: Report & { stats?: Record<string, number> } = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8'))
      : {}
    failures.push(...failuresIn(report))
    const { expected = 0, unexpected = 0, flaky = 0, skipped = 0 } = report.stats ?? {}
    if (flaky > 0) say(`${flaky} spec(s) passed at the second try only: they are listed above as flaky`)
    const often = flaky > SECOND_TRIES_MAX ? flaky : 0
    const outside = code !== 0 && unexpected === 0 ? 1 : 0 // an error outside any test
    return { passed: expected + flaky - often, failed: unexpected + often + outside, skipped }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function add(stage: string, counts: Counts): void {
  if (counts.passed + counts.failed === 0) counts.failed = failed(`${stage} ran no test`)
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
  say(
    `\n${stage}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${seconds(startedAt)} so far)\n`,
  )
}

function failed(reason: string): number {
  say(`FAILED: ${reason}`)
  return 1
}

// --- processes -----------------------------------------------------------------------------------------------------

async function program(args: string[], options: { quiet?: boolean; env?: Record<string, string> }) {
  const stdio = options.quiet ? 'pipe' : 'inherit'
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', stdio, stdio],
    env: { ...process.env, ...options.env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece) => {
      output += piece
    })
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { code, output }
}

/**
 * Ends processes of this run, and only those: they carry its mark (Linux tells; elsewhere none are looked for).
 * @param chosen given the command line of each
 */
function endMarked(chosen: (command: string) => boolean): number {
  if (process.platform !== 'linux') return 0
  const found = readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && isMarked(pid, chosen),
  )
  for (const pid of found) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it ended meanwhile
    }
  }
  return found.length
}

function isMarked(pid: string, chosen: (command: string) => boolean): boolean {
  try {
    const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`QUOTA_TEST_RUN=${MARK}`)
    return isOurs && chosen(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

async function finish(code: number): Promise<never> {
  await postgres?.stop()
  const strays = endMarked(() => true)
  if (strays > 0) say(`${strays} process(es) that tests left behind were ended.`)
  if (failures.length > 0) say(`\nWhat failed:\n\n${failures.join('\n\n')}\n`)
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  say(`${total.passed} passed, ${Math.max(total.failed, code === 0 ? 0 : 1)} failed${skipped}`)
  process.exit(code)
}

process.once('SIGINT', () => void finish(130))
process.once('SIGTERM', () => void finish(143))
setTimeout(
  () => void finish(failed(`the run took longer than ${RUN_TIMEOUT_MS / 60_000} minutes`)),
  RUN_TIMEOUT_MS,
).unref()

await finish(
  await main().catch((error) => {
    return failed(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }),
)
