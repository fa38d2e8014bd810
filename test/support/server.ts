// Our server as a process of its own, for tests that talk HTTP to it, stop it and kill it.
// owns: the child process, its port and its data folder. never: the person's own environment (keys, DATABASE_URL).
// always true: the server of a test sees only the settings that the test gave and the defaults below.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshDatabase } from './postgres.ts'

export type Database = 'sqlite' | 'postgres'
export type Env = Record<string, string | undefined>
export type Server = {
  url: string
  dataDir: string
  databaseUrl: string | undefined
  readonly pid: number
  /** What it wrote to stdout and stderr so far, over all its lives. */
  logs: () => string
  /** SIGTERM, then waits; the data folder goes with it. */
  stop: () => Promise<void>
  /** SIGKILL, as a power cut would; the data stays. */
  kill9: () => Promise<void>
  /** Ends it (SIGTERM, if it lives) and starts it again on the same port and data, with `env` on top. */
  restart: (env?: Env) => Promise<void>
}

export const ADMIN_TOKEN = 'admin-token-of-the-tests'
const MAIN = join(import.meta.dirname, '../../server/main.ts')
const READY_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 60_000

/** The databases a test has to hold on. Postgres is left out only where none could be started, and then loudly. */
export function databases(): Database[] {
  if (process.env.QUOTA_TEST_POSTGRES_URL) return ['sqlite', 'postgres']
  process.emitWarning('QUOTA_TEST_POSTGRES_URL is not set: this runs on SQLite only (npm test sets it)')
  return ['sqlite']
}

/**
 * Starts the server and waits until /readyz answers 200.
 * @param options.env settings on top of the defaults; `undefined` takes a default away
 * @param options.db on Postgres every server gets a new database, unless env names one (DATABASE_URL)
 * @throws Error with the server's log when it does not come up
 */
export async function startServer(options: { env?: Env; db?: Database } = {}): Promise<Server> {
  const port = Number(options.env?.QUOTA_PORT ?? (await freePort()))
  const url = `http://127.0.0.1:${port}`
  const dataDir = options.env?.QUOTA_DATA_DIR ?? mkdtempSync(join(tmpdir(), 'quota-data-'))
  const databaseUrl = options.env?.DATABASE_URL ?? (await databaseFor(options.db))
  const settings: Env = {
    ...surroundings(),
    QUOTA_PORT: String(port),
    QUOTA_HOST: '127.0.0.1',
    QUOTA_PUBLIC_URL: url,
    QUOTA_DATA_DIR: dataDir,
    QUOTA_ADMIN_TOKEN: ADMIN_TOKEN,
    QUOTA_RATE_LIMIT_SCALE: '1000',
    DATABASE_URL: databaseUrl,
    ...options.env,
  }
  let log = ''
  const keep = (piece: unknown) => {
    log += piece
  }
  let child = await launch(settings, url, keep, () => log)
  return {
    url,
    dataDir,
    databaseUrl,
    get pid() {
      return child.pid ?? -1
    },
    logs: () => log,
    stop: async () => {
      await end(child, 'SIGTERM')
      if (!options.env?.QUOTA_DATA_DIR) rmSync(dataDir, { recursive: true, force: true })
    },
    kill9: () => end(child, 'SIGKILL'),
    restart: async (env = {}) => {
      await end(child, 'SIGTERM')
      child = await launch({ ...settings, ...env }, url, keep, () => log)
    },
  }
}

/** A port that was free a moment ago, on loopback. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

async function databaseFor(db: Database | undefined): Promise<string | undefined> {
  if (db !== 'postgres') return undefined
  const shared = process.env.QUOTA_TEST_POSTGRES_URL
  if (!shared) throw new Error('QUOTA_TEST_POSTGRES_URL is not set; run this through npm test')
  return await freshDatabase(shared)
}

async function launch(env: Env, url: string, keep: (piece: unknown) => void, log: () => string): Promise<ChildProcess> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
  const child = spawn(process.execPath, [MAIN], { env: given as NodeJS.ProcessEnv, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const until = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended:\n${log()}`)
    const ready = await fetch(`${url}/readyz`).then(
      (reply) => reply.ok,
      () => false,
    )
    if (ready) return child
    if (Date.now() > until) {
      await end(child, 'SIGKILL')
      throw new Error(`the server was not ready within ${READY_TIMEOUT_MS} ms:\n${log()}`)
    }
    await sleep(25)
  }
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await gone
  clearTimeout(late)
}

/** What a process needs of its surroundings, and nothing that could change what a test means. */
function surroundings(): Env {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'SystemRoot', 'LANG', 'QUOTA_TEST_RUN', 'NODE_COMPILE_CACHE']
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}
