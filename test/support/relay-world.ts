// A server, a vendor and a developer with exactly so much money, for tests of metered calls.
// owns: prices of test models, exact balances, and what the operator's audit says of each call. never: SQL.
// always true: money is moved here only over public routes; a check at the end looks at every movement ever made.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { type App, books, buy, call, createApp, createKey, must, type Person, register } from './api.ts'
import { type ScriptedUpstream, startScripted } from './relay-upstream.ts'
import { ADMIN_TOKEN, type Database, type Env, type Server, startServer } from './server.ts'

export const UPSTREAM_KEY = 'sk-upstream-canary-7f3a9c'
/** Prices in dollars per million: a `mix` token costs 1 micro in and 2 out; an `out` token 20 out and nothing in. */
export const PRICES = {
  mix: { input: '1', output: '2', max_output: 1000 },
  out: { input: '0', output: '20', max_output: 1000 },
} as const

/** Test models by name, all at one price. */
export function pricedAlike(names: readonly string[], price: object = PRICES.mix): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, price]))
}

export type World = {
  server: Server
  upstream: ScriptedUpstream
  developer: Person
  app: App
  /** Pays from the developer's own balance. */
  developerKey: string
  /** Names users. */
  userKey: string
  /** The server's settings beyond the defaults, for a second process of it. */
  env: Env
  stop: () => Promise<void>
}

export type WorldOptions = {
  models?: Record<string, object>
  /** Settings; some name the vendor's address (ends in /v1). */
  env?: Env | ((upstreamUrl: string) => Env)
  db?: Database
  app?: Record<string, unknown>
}

export async function relayWorld(options: WorldOptions = {}): Promise<World> {
  const upstream = await startScripted()
  try {
    return await worldAround(upstream, options)
  } catch (error) {
    await upstream.stop() // else the test's process would never end
    throw error
  }
}

async function worldAround(upstream: ScriptedUpstream, options: WorldOptions): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'quota-prices-'))
  const file = join(folder, 'prices.json')
  writeFileSync(file, JSON.stringify({ models: { 't-mix': PRICES.mix, 't-out': PRICES.out, ...options.models } }))
  const env = {
    OPENAI_BASE_URL: upstream.url,
    OPENAI_API_KEY: UPSTREAM_KEY,
    QUOTA_PRICES_FILE: file,
    QUOTA_LOG_LEVEL: 'debug',
    QUOTA_UPSTREAM_FAILURES: '1000000', // its rows fail side by side, on purpose
    ...(typeof options.env === 'function' ? options.env(upstream.url) : options.env),
  }
  const server = await startServer({ env, ...(options.db ? { db: options.db } : {}) })
  const stop = async () => {
    await server.stop()
    await upstream.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const developer = await register(server, 'developer')
    const app = await createApp(server, developer, options.app)
    const [developerKey, userKey] = await Promise.all([
      createKey(server, developer, app, 'developer'),
      createKey(server, developer, app, 'user'),
    ])
    await buy(server, developer.session, 'pro')
    return { server, upstream, developer, app, developerKey, userKey, env, stop }
  } catch (error) {
    await server.stop()
    throw error
  }
}

const STARTER = 4_050_000

/**
 * Gives a new person exactly so many credits: the starter package, less what goes to a grant pool of their own.
 * @returns the person, and a developer key of an app of theirs
 */
export async function personWith(server: Server, credits: number, name = 'person') {
  const person = await register(server, name)
  const app = await createApp(server, person)
  const key = await createKey(server, person, app, 'developer')
  if (credits > 0) await buy(server, person.session, 'starter')
  if (credits > 0 && credits < STARTER) {
    const amount = Number(((STARTER - credits) / 1e6).toFixed(6))
    await must(server, 'POST', '/v1/funding/pool', { bearer: key, body: { amount } })
  }
  assert.equal(await balanceOf(server, person), Math.min(credits, STARTER))
  return { person, app, key }
}

/** What a person has available. */
export async function balanceOf(server: Server, person: Person): Promise<number> {
  return (await must<{ balance: number }>(server, 'GET', '/auth/me', { bearer: person.session })).balance
}

// --- the audit ---------------------------------------------------------------------------------------------------------

export type Entry = {
  id: string
  kind: 'transfer' | 'hold' | 'settle' | 'void' | 'expire'
  hold_id: string | null
  request_id: string | null
  legs: { from: string; to: string; amount: number }[]
  postings: { account: string; amount: number }[]
  memo: { call?: { model: string }; outcome?: string; estimated?: boolean } | null
}

export async function entries(server: Server): Promise<Entry[]> {
  const reply = await call(server, 'GET', '/admin/audit/entries', { bearer: ADMIN_TOKEN })
  assert.equal(reply.status, 200, reply.text)
  return reply.text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** Waits until no hold is open. */
export async function settled(server: Server, withinMs = 60_000): Promise<void> {
  const until = Date.now() + withinMs
  for (;;) {
    const { holds } = await books(server)
    if (holds.open.length === 0) return
    if (Date.now() > until) assert.fail(`still open: ${JSON.stringify(holds.open)}`)
    await sleep(30)
  }
}

export type CallEntries = { hold: Entry; ending: Entry | null }

/** Every hold ever made, by the model it was made for, with its ending. */
export function callsByModel(all: readonly Entry[]): Map<string, CallEntries[]> {
  const endings = new Map<string, Entry[]>()
  for (const entry of all) {
    if (entry.hold_id !== null) endings.set(entry.hold_id, [...(endings.get(entry.hold_id) ?? []), entry])
  }
  const found = new Map<string, CallEntries[]>()
  for (const hold of all.filter((entry) => entry.kind === 'hold')) {
    const ends = endings.get(hold.id) ?? []
    assert.ok(ends.length <= 1, `hold ${hold.id} ended ${ends.length} times`)
    const model = hold.memo?.call?.model ?? ''
    found.set(model, [...(found.get(model) ?? []), { hold, ending: ends[0] ?? null }])
  }
  return found
}

/** What an ending took from people, in micros of usd. */
export function chargeOf(ending: Entry): number {
  return ending.postings
    .filter(({ account, amount }) => amount < 0 && !account.startsWith('cap:') && account !== 'limits')
    .reduce((sum, { amount }) => sum - amount, 0)
}

/** Everything an operator can check, when nothing is running: balanced, chained, no hold open, none ended twice. */
export async function assertBooks(server: Server): Promise<void> {
  await settled(server)
  const { balance, holds } = await books(server)
  assert.ok(balance.ok, JSON.stringify(balance))
  assert.deepEqual([balance.units.usd?.sum, balance.units.cap?.sum, holds.ended_twice], [0, 0, 0])
  const report = await must<{ ok: boolean; differences: string[] }>(server, 'GET', '/admin/audit/report', {
    bearer: ADMIN_TOKEN,
  })
  assert.deepEqual(report.differences, [])
  const all = await entries(server)
  const sums = new Map<string, number>()
  for (const { postings } of all) {
    for (const { account, amount } of postings) sums.set(account, (sums.get(account) ?? 0) + amount)
  }
  for (const [account, sum] of sums) {
    if (/^(user|external|pool|grant|cap):/.test(account)) assert.ok(sum >= 0, `${account} stands at ${sum}`)
  }
}

// --- counting as the contract says, by the published rule and not by the server's code -----------------------------------

export const MESSAGES = [{ role: 'user', content: 'Hello' }]
/** Tokens of MESSAGES: 3 a message, its role and its text, and 3 for the answer. */
export const PROMPT_TOKENS = 3 + countTokens('user') + countTokens('Hello') + 3

export { countTokens }
