// The soak: hours of a shop in minutes. Calls of every kind and ending at once, for long; then the books.
// owns: who does what, the samples, the verdict. never: how fast a call is (run.ts).
// always true: what is judged is said in a line of its own; a run too short to judge memory says so.

import { setTimeout as sleep } from 'node:timers/promises'
import { books, buy, call, chat, chatStream, connect, createApp, createKey, register, WALLET } from '../support/api.ts'
import { ADMIN_TOKEN, type Server } from '../support/server.ts'
import { percentile } from './load.ts'

/** Counts of what happened, by name. */
type Tally = Record<string, number>
type Sample = { rssMb: number; heapMb: number; openHolds: number; calls: number }
/** `token` is of the person in an app, `wallet` of the same person's wallet. */
type World = { server: Server; keys: string[]; token: string; poor: string; wallet: string }
/** Does one thing as somebody would, and answers what came of it. */
type Habit = { name: string; people: number; restMs: number; once: (world: World, n: number) => Promise<string> }

const SAMPLE_MS = 5000
const LEAST_MINUTES = 10
/** Memory of the last fifth over that of the second fifth (the first one warms up). */
const FLAT = 1.1
const body = (content: string) => ({ max_tokens: 64, messages: [{ role: 'user', content }] })
const PROMPT = body('A sentence of a prompt that says little but has some length. '.repeat(12))
const keyOf = ({ keys }: World, n: number) => keys[n % keys.length] ?? ''

const HABITS: Habit[] = [
  {
    name: 'JSON',
    people: 6,
    restMs: 20,
    once: async (world, n) => said(await chat(world.server, keyOf(world, n), { body: PROMPT })),
  },
  {
    name: 'JSON by a connected person',
    people: 2,
    restMs: 50,
    once: async ({ server, token }) => said(await chat(server, token, { body: PROMPT })),
  },
  { name: 'stream', people: 4, restMs: 50, once: (world, n) => stream(world, n, Number.POSITIVE_INFINITY) },
  { name: 'stream, gone in the middle', people: 2, restMs: 100, once: (world, n) => stream(world, n, n % 30) },
  { name: 'JSON, gone before the answer', people: 1, restMs: 100, once: goneEarly },
  { name: 'the same Idempotency-Key twice', people: 1, restMs: 200, once: twice },
  {
    name: 'nothing left',
    people: 1,
    restMs: 100,
    once: async ({ server, poor }) => said(await chat(server, poor, { body: PROMPT })),
  },
  {
    name: 'the provider fails',
    people: 1,
    restMs: 200,
    once: async (world, n) => said(await chat(world.server, keyOf(world, n), { body: body('FAIL') })),
  },
  {
    name: 'a wallet pulls its feed',
    people: 1,
    restMs: 500,
    once: async ({ server, wallet }) =>
      said(await call(server, 'GET', '/v1/wallet/feed?client=soak&limit=200', { bearer: wallet })),
  },
  { name: 'a wallet listens', people: 1, restMs: 100, once: listen },
]
/** What each habit may come to; anything else is a failure. */
const EXPECTED: Record<string, readonly string[]> = {
  'stream, gone in the middle': ['left', 'whole'],
  'JSON, gone before the answer': ['left', '200'],
  'the same Idempotency-Key twice': ['replayed'],
  'nothing left': ['402'],
  'the provider fails': ['502'],
  'a wallet listens': ['left'],
  stream: ['whole'],
}

/**
 * Runs the soak on a server whose upstream is the bench's simulator.
 * @returns 0 when the books balance, no hold is open, nothing unexpected was answered and memory stayed flat
 */
export async function soak(server: Server, minutes: number): Promise<number> {
  const world = await worldOf(server)
  const before = (await books(server)).holds.ended.settled ?? 0
  const until = performance.now() + minutes * 60_000
  const tally: Tally = {}
  const people = HABITS.flatMap((habit) =>
    Array.from({ length: habit.people }, (_, n) => live(world, habit, n, until, tally)),
  )
  const samples = await watch(server, until)
  await Promise.all(people)
  const drained = await drain(server)
  return verdict(minutes, tally, samples, drained, before)
}

async function worldOf(server: Server): Promise<World> {
  const keys: string[] = []
  for (let n = 0; n < 16; n++) {
    const person = await register(server, `soak${n}`)
    await buy(server, person.session, 'pro')
    keys.push(await createKey(server, person, await createApp(server, person), 'developer'))
  }
  const publisher = await register(server, 'soak-publisher')
  const app = await createApp(server, publisher, { markup_bps: 2000 })
  const person = await register(server, 'soak-person')
  await buy(server, person.session, 'pro')
  const { accessToken } = await connect(server, person, app)
  const { accessToken: wallet } = await connect(server, person, WALLET, { scope: 'openid wallet', answer: {} })
  const poor = await register(server, 'soak-poor')
  const poorKey = await createKey(server, poor, await createApp(server, poor), 'developer')
  return { server, keys, token: accessToken, poor: poorKey, wallet }
}

async function live(world: World, habit: Habit, first: number, until: number, tally: Tally): Promise<void> {
  for (let n = first; performance.now() < until; n++) {
    const outcome = await habit
      .once(world, n)
      .catch((error) => `failed: ${error instanceof Error ? error.message : error}`)
    const wanted = EXPECTED[habit.name] ?? ['200']
    const name = `${habit.name}: ${outcome}${wanted.includes(outcome) ? '' : ' (UNEXPECTED)'}`
    tally[name] = (tally[name] ?? 0) + 1
    await sleep(habit.restMs * (0.5 + Math.random()))
  }
}

const said = ({ status }: { status: number }) => String(status)

async function stream(world: World, n: number, leaveAfter: number): Promise<string> {
  const leaving = new AbortController()
  try {
    const { reply, events } = await chatStream(world.server, keyOf(world, n), { body: PROMPT, signal: leaving.signal })
    if (reply.status !== 200) return said(reply)
    let seen = 0
    let last: unknown = null
    for await (const event of events) {
      last = event
      if (seen++ >= leaveAfter) leaving.abort()
    }
    return last === '[DONE]' ? 'whole' : 'cut'
  } catch (error) {
    if (leaving.signal.aborted) return 'left'
    throw error
  }
}

async function goneEarly(world: World, n: number): Promise<string> {
  const leaving = AbortSignal.timeout(1 + (n % 12))
  try {
    const headers = { authorization: `Bearer ${keyOf(world, n)}`, 'content-type': 'application/json' }
    const text = JSON.stringify({ model: 'gpt-4o-mini', ...PROMPT })
    const reply = await fetch(`${world.server.url}/v1/chat/completions`, {
      method: 'POST',
      headers,
      body: text,
      signal: leaving,
    })
    await reply.text()
    return said(reply)
  } catch (error) {
    if (leaving.aborted) return 'left'
    throw error
  }
}

async function twice(world: World, n: number): Promise<string> {
  const headers = { 'idempotency-key': `soak-${n}-${performance.now()}` }
  const one = await chat(world.server, keyOf(world, n), { body: PROMPT, headers })
  const two = await chat(world.server, keyOf(world, n), { body: PROMPT, headers })
  const same = one.status === 200 && two.status === 200 && one.text === two.text
  return same && two.headers.get('idempotency-replayed') === 'true' ? 'replayed' : `${one.status} and ${two.status}`
}

/** Listens for pokes for some seconds, as a wallet does until its lid is closed. */
async function listen({ server, wallet }: World): Promise<string> {
  const leaving = AbortSignal.timeout(5000)
  try {
    const reply = await fetch(`${server.url}/v1/wallet/poke`, {
      headers: { authorization: `Bearer ${wallet}` },
      signal: leaving,
    })
    for await (const _ of reply.body ?? []);
    return said(reply)
  } catch (error) {
    if (leaving.aborted) return 'left'
    throw error
  }
}

async function watch(server: Server, until: number): Promise<Sample[]> {
  const samples: Sample[] = []
  while (performance.now() < until) {
    await sleep(Math.min(SAMPLE_MS, Math.max(1, until - performance.now())))
    const sample = await sampleOf(server)
    samples.push(sample)
    if (samples.length % 12 === 0)
      process.stderr.write(`${samples.length / 12} min: ${sample.rssMb.toFixed(0)} MB, ${sample.calls} calls\n`)
  }
  return samples
}

async function sampleOf(server: Server): Promise<Sample> {
  const text = (await call(server, 'GET', '/metrics', { bearer: ADMIN_TOKEN })).text
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    )
  return {
    rssMb: sum('process_resident_memory_bytes') / 2 ** 20,
    heapMb: sum('nodejs_heap_size_used_bytes') / 2 ** 20,
    openHolds: sum('quota_open_holds'),
    calls: sum('quota_calls_total'),
  }
}

/** Whoever left has left something to settle; that takes a moment, and not longer. */
async function drain(server: Server): ReturnType<typeof books> {
  for (let tries = 0; tries < 60; tries++) {
    const state = await books(server)
    if (state.holds.open.length === 0) return state
    await sleep(1000)
  }
  return books(server)
}

function verdict(
  minutes: number,
  tally: Tally,
  samples: readonly Sample[],
  { balance, holds }: Awaited<ReturnType<typeof books>>,
  before: number,
): number {
  const settled = (holds.ended.settled ?? 0) - before
  const rss = samples.map(({ rssMb }) => rssMb)
  const fifth = (n: number) =>
    percentile(rss.slice(Math.floor((rss.length * n) / 5), Math.floor((rss.length * (n + 1)) / 5)), 0.5)
  const growth = fifth(4) / fifth(1)
  const charged = whole(tally)
  const lines = [
    `Soak of ${minutes} minutes, ${samples.at(-1)?.calls ?? 0} calls, ${settled} of them settled.`,
    '',
    '| what | times |',
    '| --- | --- |',
    ...Object.entries(tally)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, times]) => `| ${name} | ${times} |`),
    '',
    `Memory, MB, from start to end: ${picture(rss)} (${Math.min(...rss).toFixed(0)} to ${Math.max(...rss).toFixed(0)}; second fifth ${fifth(1).toFixed(0)}, last ${fifth(4).toFixed(0)}: ${growth.toFixed(2)})`,
    `Heap, MB: ${picture(samples.map(({ heapMb }) => heapMb))}`,
    `Open holds: ${picture(samples.map(({ openHolds }) => openHolds))}`,
    ...(minutes < LEAST_MINUTES ? [`Less than ${LEAST_MINUTES} minutes say nothing of memory.`] : []),
  ]
  const wrong = [
    ...Object.keys(tally).filter((name) => name.endsWith('(UNEXPECTED)')),
    ...(balance.ok ? [] : [`the trial balance is off: ${JSON.stringify(balance.units)}`]),
    ...(holds.open.length === 0 ? [] : [`${holds.open.length} holds are open`]),
    ...(holds.ended_twice === 0 ? [] : [`${holds.ended_twice} holds ended twice`]),
    ...(settled >= charged ? [] : [`${charged} answers were whole, ${settled} holds were settled`]),
    ...(minutes < LEAST_MINUTES || growth <= FLAT ? [] : [`memory grew by ${((growth - 1) * 100).toFixed(0)} %`]),
  ]
  process.stdout.write(`${[...lines, ...wrong.map((line) => `FAILED: ${line}`)].join('\n')}\n`)
  if (wrong.length === 0)
    process.stdout.write('The books balance, no hold is open, and nothing unexpected was answered.\n')
  return wrong.length === 0 ? 0 : 1
}

/** Answers that somebody got to the end, each of which was charged. */
function whole(tally: Tally): number {
  const ends = [': 200', ': whole', ': replayed']
  return Object.entries(tally).reduce(
    (sum, [name, times]) => sum + (ends.some((end) => name.endsWith(end)) && !name.startsWith('a wallet') ? times : 0),
    0,
  )
}

const BARS = '▁▂▃▄▅▆▇█'

/** At most sixty bars from the least to the most. */
function picture(values: readonly number[]): string {
  const size = Math.max(1, Math.ceil(values.length / 60))
  const means = Array.from({ length: Math.ceil(values.length / size) }, (_, n) =>
    percentile(values.slice(n * size, (n + 1) * size), 0.5),
  )
  const least = Math.min(...means)
  const span = Math.max(...means) - least || 1
  return means.map((value) => BARS[Math.round(((value - least) / span) * (BARS.length - 1))]).join('')
}
