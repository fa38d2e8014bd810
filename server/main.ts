#!/usr/bin/env node
// The server's entry: reads the settings, opens the ports, wires, starts, and stops cleanly.
// owns: the choice of every implementation, and the order of starting and stopping. never: logic of its own.
// always true: it does not listen before the books are checked and the holds of dead processes are ended.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { buildApp } from './app.ts'
import { type Config, readConfig } from './config.ts'
import type { Db } from './db/db.ts'
import { claimDatabase } from './db/stamp.ts'
import type { Deps } from './deps.ts'
import { domainProofs } from './domain-proofs.ts'
import { newId } from './ids.ts'
import { audit, sealAll } from './ledger/chain.ts'
import { endLeases, LEASE_MS, renewLease } from './ledger/leases.ts'
import { makeMailer } from './mail.ts'
import { type Metrics, makeMetrics } from './metrics.ts'
import { releaseClaims } from './outbox/outbox.ts'
import { openPayments } from './payments/open.ts'
import { tokenizerFor } from './proxy/count.ts'
import { keepPrices } from './proxy/price-keeper.ts'
import { readPriceFile } from './proxy/prices-file.ts'
import { watchOrphans } from './proxy/recover.ts'
import { type SandboxModel, startSandboxModel } from './proxy/sandbox-model.ts'
import { makeUpstreams, type Upstreams } from './proxy/upstreams.ts'
import { readUpstreamsFile } from './proxy/upstreams-file.ts'
import { type ReceiptKey, receiptKey } from './receipts/keys.ts'
import type { MasterKey } from './seal.ts'
import { sweepers } from './sweepers.ts'
import { makeTracing } from './tracing.ts'
import { webhookPost } from './webhook-post.ts'

const SEAL_EVERY_MS = 250
const TOKENIZER_AFTER_MS = 1000
const ANY_MODEL = 'gpt-4o'
const ORPHANS_EVERY_MS = 5000
const PRICES_EVERY_MS = 1000
const KEYS_EVERY_MS = 10_000
const DRAIN_MS = 30_000

type Program = {
  deps: Deps
  model: SandboxModel
  drain: () => void
  refreshReceiptKey: () => Promise<void>
}

async function start(): Promise<void> {
  const program = await openPorts(readConfig(process.env))
  const { deps } = program
  const { db, log, config } = deps
  const endOrphans = watchOrphans(deps)
  await endOrphans()
  const app = await buildApp(deps)
  const timers = [
    every(SEAL_EVERY_MS, log, () => sealAll(db)),
    every(LEASE_MS / 3, log, () => db.tx(renewLease, { owner: deps.owner })),
    every(ORPHANS_EVERY_MS, log, endOrphans),
    every(PRICES_EVERY_MS, log, () => deps.priceKeeper.refresh()),
    every(KEYS_EVERY_MS, log, program.refreshReceiptKey),
    ...sweepers(deps).map(({ everyMs, sweep }) => every(everyMs, log, sweep)),
  ]
  await app.listen({ port: config.QUOTA_PORT, host: config.QUOTA_HOST })
  log.info(
    {
      url: deps.publicUrl,
      mode: config.mode,
      database: db.dialect,
      mail: deps.mail.by ?? 'none',
    },
    'ready',
  )
  // Loading a tokenizer takes a good part of a second: not in anybody's first call. A sandbox starts too often for that.
  if (config.livemode) setTimeout(() => tokenizerFor(ANY_MODEL), TOKENIZER_AFTER_MS).unref()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(program, app, timers, signal))
}

let stopping = false
async function stop(
  { deps, model, drain }: Program,
  app: FastifyInstance,
  timers: NodeJS.Timeout[],
  signal: string,
): Promise<void> {
  if (stopping) return
  stopping = true
  drain()
  deps.log.info({ signal }, 'stopping: running calls may finish')
  setTimeout(() => process.exit(1), DRAIN_MS).unref()
  await app.close()
  for (const timer of timers) clearInterval(timer)
  await deps.upstreams.close()
  await deps.tracing?.close().catch(() => undefined)
  await model.close()
  await deps.db.tx(endLeases, { owner: deps.owner }).catch(() => undefined)
  await deps.db.close()
  process.exit(0)
}

// Everything the rest is handed: opened, checked, and bound to this process.
async function openPorts(config: Config): Promise<Program> {
  const log = pino({ level: config.QUOTA_LOG_LEVEL, base: null, timestamp: pino.stdTimeFunctions.isoTime })
  const now = () => Date.now() + config.QUOTA_CLOCK_OFFSET_MS
  const { db, metrics } = await openBooks(config, now)
  const masterKey = masterKeyOf(config)
  let signing = await receiptKey({ db, masterKey, now })
  const overrides = config.QUOTA_PRICES_FILE ? readPriceFile(config.QUOTA_PRICES_FILE) : []
  const priceKeeper = await keepPrices({ db, now, log, waiting: metrics.pricesWaiting }, { overrides })
  const port = config.QUOTA_PORT === 0 ? await freePort(config.QUOTA_HOST) : config.QUOTA_PORT
  const publicUrl = config.QUOTA_PUBLIC_URL ?? `http://${config.QUOTA_HOST}:${port}`
  const sign = ({ kid, privateKeyPem }: ReceiptKey) =>
    db.setSecrets({ issuer: publicUrl, receiptKeyPem: privateKeyPem, receiptKid: kid })
  await sign(signing)
  // A new key, whichever process made it.
  const refreshReceiptKey = async () => {
    const next = await receiptKey({ db, masterKey, now })
    if (next.kid === signing.kid) return
    await sign(next)
    signing = next
  }
  const model = await startSandboxModel({ clock: now, tokenMs: config.QUOTA_SANDBOX_TOKEN_MS })
  let draining = false
  const deps: Deps = {
    config: { ...config, QUOTA_PORT: port },
    publicUrl,
    db,
    now,
    id: (prefix) => newId(prefix, now()),
    log,
    metrics,
    tracing: await makeTracing(config),
    mail: await makeMailer(config, now),
    domains: domainProofs(),
    webhooks: webhookPost({ local: config.QUOTA_WEBHOOK_LOCAL === '1' }),
    masterKey,
    owner: newId('proc', now()),
    payments: openPayments({ config, db, now, publicUrl }),
    priceKeeper,
    get prices() {
      return priceKeeper.book
    },
    upstreams: upstreamsOf(config, model.baseUrl),
    draining: () => draining,
    get receiptKey() {
      return { kid: signing.kid, publicKey: signing.publicKey }
    },
  }
  const drain = () => {
    draining = true
  }
  return { deps, model, drain, refreshReceiptKey }
}

// The database, ours by its stamp, with nobody else's leases where that can be known, and in agreement with itself.
async function openBooks(config: Config, now: () => number): Promise<{ db: Db; metrics: Metrics }> {
  const { db, metrics } = await openDatabase(config, now)
  await claimDatabase(db, config.mode)
  if (db.dialect === 'sqlite') await buryOthers(db)
  await checkBooks(db)
  return { db, metrics }
}

// Of the two, only the one that is used is loaded.
async function openDatabase(config: Config, now: () => number): Promise<{ db: Db; metrics: Metrics }> {
  const metrics = makeMetrics()
  mkdirSync(config.QUOTA_DATA_DIR, { recursive: true, mode: 0o700 })
  const db = await (config.DATABASE_URL ? postgres : sqlite)(config, now, metrics)
  db.onPoke(() => metrics.pokes.inc())
  return { db, metrics }
}

async function postgres({ DATABASE_URL: url = '' }: Config, now: () => number): Promise<Db> {
  const { openPostgres } = await import('./db/postgres.ts')
  return await openPostgres({ url, now })
}

async function sqlite(config: Config, now: () => number, metrics: Metrics): Promise<Db> {
  const { openSqlite } = await import('./db/sqlite.ts')
  return await openSqlite({
    dir: config.QUOTA_DATA_DIR,
    now,
    onBatch: (size) => metrics.batch.observe(size),
  })
}

function upstreamsOf(config: Config, sandboxUrl: string): Upstreams {
  const file = config.QUOTA_UPSTREAMS_FILE
  return makeUpstreams(config, file ? readUpstreamsFile(file, process.env) : [], sandboxUrl)
}

// The folder's lock proves that every other process is dead.
async function buryOthers(db: Db): Promise<void> {
  await db.tx(endLeases, { owner: 'all' })
  await db.tx(releaseClaims, undefined)
}

async function checkBooks(db: Db): Promise<void> {
  const report = await db.snapshot(audit)
  if (!report.ok)
    throw new Error(`The books do not agree with themselves; refusing to start.\n${report.differences.join('\n')}`)
}

function masterKeyOf(config: Config): MasterKey {
  const old = config.QUOTA_MASTER_KEY_OLD
  return old ? [newestKey(config), Buffer.from(old, 'base64')] : newestKey(config)
}

// The sandbox makes a key of its own and keeps it beside its database.
function newestKey(config: Config): Buffer {
  if (config.QUOTA_MASTER_KEY) return Buffer.from(config.QUOTA_MASTER_KEY, 'base64')
  if (config.livemode) throw new Error('QUOTA_MASTER_KEY is required in live mode')
  const file = join(config.QUOTA_DATA_DIR, 'sandbox-master.key')
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' })
  return Buffer.from(readFileSync(file, 'utf8'), 'base64')
}

async function freePort(host: string): Promise<number> {
  const { createServer } = await import('node:net')
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, host, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

// One run at a time; a failure is logged and the next run tries again. A run that the stop cuts off is none: whatever it
// does survives kill -9.
function every(ms: number, log: pino.Logger, run: () => Promise<unknown>): NodeJS.Timeout {
  let busy = false
  return setInterval(() => {
    if (busy) return
    busy = true
    run()
      .catch((error) => {
        if (!stopping) log.error({ err: String(error) }, 'a background task failed')
      })
      .finally(() => {
        busy = false
      })
  }, ms)
}

start().catch((error) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
})
