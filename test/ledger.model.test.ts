// Random histories against a model: plain Maps that say what each act answers and where every account stands.
// owns: the model, which knows the rules of the README and nothing of the code. never: a call into server/ledger to decide.
// always true: after each history the books are in order (audit, trial balance, no hold ended twice, nothing below zero).
//
// How it goes about it: a history is a list of rounds, a round a few acts started at once (often one). SQLite's writer
// takes acts in the order given, so the model knows every answer. On Postgres any order is right, but one must explain
// all answers: the model keeps every state that the answers so far allow, and the last must include what really stands.
// Replay a failure with QUOTA_TEST_SEED=<seed printed>.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Db } from '../server/db/db.ts'
import { seal, total } from '../server/ledger/chain.ts'
import { stands } from '../server/ledger/ledger.ts'
import { assertInOrder, eachDatabase } from './support/databases.ts'
import { outcomeOf } from './support/ledger-table.ts'
import { type Act, wipe } from './support/test-procedures.ts'

const RUNS = { sqlite: 2000, postgres: 400 }
const MAX_AT_ONCE = 3

// --- the model ------------------------------------------------------------------------------------------------------

type Leg = { from: string; to: string; amount: number }
type Ended = 'settle' | 'void' | 'expire'
type World = {
  posted: Map<string, number>
  held: Map<string, number>
  floor: Map<string, number>
  /** What each id was used for, as text. */
  ids: Map<string, string>
  holds: Map<string, { legs: readonly Leg[]; ended: Ended | null; endedAs: string }>
}

const FREE = new Set(['sales', 'earnings', 'world', 'loss', 'limits'])
const isFree = (account: string) => FREE.has(account.split(':')[0] ?? '')
const isCap = (account: string) => /^(cap|limits)/.test(account)
const at = (map: Map<string, number>, key: string) => map.get(key) ?? 0

function emptyWorld(): World {
  return { posted: new Map(), held: new Map(), floor: new Map(), ids: new Map(), holds: new Map() }
}

function copyOf(world: World): World {
  return {
    posted: new Map(world.posted),
    held: new Map(world.held),
    floor: new Map(world.floor),
    ids: new Map(world.ids),
    holds: new Map([...world.holds].map(([id, hold]) => [id, { ...hold }])),
  }
}

const wrong = (legs: readonly Leg[]) =>
  legs.some((leg) => leg.from === leg.to || isCap(leg.from) !== isCap(leg.to) || !(leg.amount > 0))

/** What an act answers in a world, which it changes. */
function predict(world: World, act: Act): string {
  switch (act.verb) {
    case 'floor':
      if (world.posted.has(act.account)) world.floor.set(act.account, act.floor)
      return 'created'
    case 'transfer':
      return predictTransfer(world, act.id, act.legs)
    case 'hold':
      return predictHold(world, act.id, act.legs)
    case 'settle':
      return predictEnd(world, act.holdId, 'settle', act.legs)
    case 'void':
    case 'expire':
      return predictEnd(world, act.holdId, act.verb, [])
    default:
      throw new Error(`the model knows no ${act.verb}`)
  }
}

function used(world: World, id: string, as: string): 'exists' | 'id_reused' | null {
  const before = world.ids.get(id)
  return before === undefined ? null : before === as ? 'exists' : 'id_reused'
}

function predictTransfer(world: World, id: string, legs: readonly Leg[]): string {
  if (wrong(legs)) return 'asserts'
  const as = `transfer ${JSON.stringify(legs)}`
  const before = used(world, id, as)
  if (before) return before
  const after = new Map(world.posted)
  for (const { from, to, amount } of legs) {
    after.set(from, at(after, from) - amount)
    after.set(to, at(after, to) + amount)
  }
  for (const [account, posted] of after) {
    const falls = posted < at(world.posted, account)
    if (!isFree(account) && falls && posted - at(world.held, account) < at(world.floor, account))
      return 'insufficient_balance'
  }
  world.posted = after
  world.ids.set(id, as)
  return 'created'
}

function predictHold(world: World, id: string, legs: readonly Leg[]): string {
  if (wrong(legs) || legs.some((leg) => isFree(leg.from))) return 'asserts'
  const as = `hold ${JSON.stringify(legs)}`
  const before = used(world, id, as)
  if (before) return before
  const held = new Map(world.held)
  for (const { from, amount } of legs) held.set(from, at(held, from) + amount)
  for (const { from } of legs) {
    if (at(world.posted, from) - at(held, from) < at(world.floor, from)) return 'insufficient_balance'
  }
  world.held = held
  world.ids.set(id, as)
  world.holds.set(id, { legs, ended: null, endedAs: '' })
  return 'created'
}

function predictEnd(world: World, id: string, how: Ended, legs: readonly Leg[]): string {
  if (wrong(legs)) return 'asserts'
  const hold = world.holds.get(id)
  if (!hold) return 'no_hold'
  const rest = new Map<string, number>()
  for (const { from, amount } of hold.legs) rest.set(from, at(rest, from) + amount)
  for (const { from, amount } of legs) rest.set(from, at(rest, from) - amount)
  for (const left of rest.values()) if (left < 0) return 'asserts'
  const as = `${how} ${JSON.stringify(legs)}`
  if (hold.ended) return hold.endedAs === as ? 'exists' : hold.ended === 'settle' ? 'already_settled' : 'already_voided'
  hold.ended = how
  hold.endedAs = as
  for (const { from, amount } of hold.legs) world.held.set(from, at(world.held, from) - amount)
  for (const { from, to, amount } of legs) {
    world.posted.set(from, at(world.posted, from) - amount)
    world.posted.set(to, at(world.posted, to) + amount)
  }
  return 'created'
}

// --- random histories -----------------------------------------------------------------------------------------------

const MONEY = ['user:a', 'user:b', 'grant:g', 'pool:p']
const CAPS = ['cap:c:day', 'cap:c:week']
const SINKS = ['sales', 'sales', 'earnings:p', 'user:b']

const amount = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 1, arbitrary: fc.constant(1000) },
)
const transferId = fc.integer({ min: 0, max: 30 }).map((n) => `t${n}`)
const newHoldId = fc.integer({ min: 0, max: 9 }).map((n) => `h${n}`)
// The latest hold of the history, the one before it, and so on; see `concrete`.
const holdId = fc.constantFrom('@1', '@1', '@1', '@2', '@2', '@3', '@9')
const moneyLeg = fc.record({ from: fc.constantFrom(...MONEY), to: fc.constantFrom(...SINKS), amount })
const capLeg = fc.record({ from: fc.constantFrom(...CAPS), to: fc.constant('limits'), amount })

const topup = fc
  .record({ id: transferId, to: fc.constantFrom(...MONEY, ...CAPS), amount: fc.integer({ min: 1, max: 900 }) })
  .map(({ id, to, amount: value }) => topupOf(id, to, value))
const transfer = fc
  .record({ id: transferId, legs: fc.array(fc.oneof(moneyLeg, moneyLeg, capLeg), { minLength: 1, maxLength: 3 }) })
  .map((one): Act => ({ verb: 'transfer', ...one }))
const hold = fc
  .record({
    id: newHoldId,
    money: fc.array(moneyLeg, { minLength: 1, maxLength: 2 }),
    caps: fc.array(capLeg, { maxLength: 2 }),
  })
  .map(({ id, money, caps }): Act => ({ verb: 'hold', id, legs: [...money, ...caps], owner: 'test', ttlMs: 60_000 }))
const settleOther = fc
  .record({ holdId, legs: fc.array(fc.oneof(moneyLeg, capLeg), { maxLength: 3 }) })
  .map((one): Act => ({ verb: 'settle', ...one }))
const end = fc.record({ verb: fc.constantFrom('void' as const, 'expire' as const), holdId }).map((one): Act => one)
const floor = fc
  .record({ account: fc.constantFrom(...CAPS, 'user:a'), floor: fc.integer({ min: 0, max: 900 }) })
  .map((one): Act => ({ verb: 'floor', ...one }))

// Drawn blindly, few settlements would fit their hold and hardly anything would come twice, so these two refer back:
// a settlement of a share of what a hold reserved, and an act of before once more.
type Share = { verb: 'share'; holdId: string; percent: number }
type Again = { verb: 'again'; back: number }
type Drawn = Act | Share | Again
const share = fc
  .record({ holdId, percent: fc.constantFrom(0, 1, 50, 100, 100, 101) })
  .map((one): Share => ({ verb: 'share', ...one }))
const again = fc.integer({ min: 1, max: 6 }).map((back): Again => ({ verb: 'again', back }))

const step: fc.Arbitrary<Drawn> = fc.oneof(
  { weight: 3, arbitrary: topup },
  { weight: 3, arbitrary: transfer },
  { weight: 7, arbitrary: hold },
  { weight: 6, arbitrary: share },
  { weight: 1, arbitrary: settleOther },
  { weight: 3, arbitrary: end },
  { weight: 1, arbitrary: floor },
  { weight: 5, arbitrary: again },
)
const round: fc.Arbitrary<Drawn[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(step) },
  { weight: 1, arbitrary: fc.array(step, { minLength: 2, maxLength: MAX_AT_ONCE }) },
)
const funds = fc.tuple(
  ...[...MONEY, ...CAPS].map((to) => fc.integer({ min: 700, max: 2000 }).map((n) => topupOf(`f.${to}`, to, n))),
)
const history = fc.tuple(funds, fc.array(round, { minLength: 5, maxLength: 14, size: 'max' }))

function topupOf(id: string, to: string, value: number): Act {
  return { verb: 'transfer', id, legs: [{ from: isCap(to) ? 'limits' : 'world:stripe', to, amount: value }] }
}

/** Acts that refer back become what they refer to: the n-th last hold (`@n`), an act some steps before. */
function concrete(rounds: Drawn[][]): Act[][] {
  const holds: { id: string; legs: readonly Leg[] }[] = []
  const before: Act[] = []
  const resolve = (one: Drawn): Act => {
    if (one.verb === 'again') return before.at(-one.back) ?? { verb: 'void', holdId: 'h0' }
    if (one.verb === 'hold') holds.push(one)
    if (!('holdId' in one)) return one
    const named = holds.at(-Number(one.holdId.slice(1))) ?? { id: 'none', legs: [] }
    return one.verb === 'share' ? settled(one, named) : { ...one, holdId: named.id }
  }
  return rounds.map((drawn) =>
    drawn.map((one) => {
      const act = resolve(one)
      before.push(act)
      return act
    }),
  )
}

function settled({ percent }: Share, { id, legs }: { id: string; legs: readonly Leg[] }): Act {
  const parts = legs.map((leg) => ({ ...leg, amount: Math.floor((leg.amount * percent) / 100) }))
  return { verb: 'settle', holdId: id, legs: parts.filter((leg) => leg.amount > 0) }
}

// --- running them ---------------------------------------------------------------------------------------------------

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length <= 1) return [[...list]]
  return list.flatMap((first, i) => permutations(list.toSpliced(i, 1)).map((rest) => [first, ...rest]))
}

/** The worlds in which these acts give these answers. */
function explain(worlds: World[], acts: readonly Act[], answers: readonly string[], anyOrder: boolean): World[] {
  const indexes = acts.map((_, i) => i)
  const orders = anyOrder ? permutations(indexes) : [indexes]
  const found: World[] = []
  for (const world of worlds) {
    for (const order of orders) {
      const next = copyOf(world)
      if (order.every((i) => predict(next, acts[i] as Act) === answers[i])) found.push(next)
    }
  }
  return distinct(found)
}

function distinct(worlds: World[]): World[] {
  const text = (world: World) => JSON.stringify(Object.values(world).map((map) => [...map].sort()))
  return [...new Map(worlds.map((world) => [text(world), world])).values()]
}

async function whatStands(db: Db): Promise<Record<string, [number, number]>> {
  const found: Record<string, [number, number]> = {}
  await db.snapshot(async (reader) => {
    for (const account of [...new Set([...MONEY, ...CAPS])]) {
      const { posted, held } = await stands(reader, account)
      found[account] = [posted, held]
    }
    for (const account of ['sales', 'earnings:p', 'world:stripe', 'limits'])
      found[account] = [await total(reader, account), 0]
  })
  return found
}

function standsIn(world: World): Record<string, [number, number]> {
  const accounts = [...new Set([...MONEY, ...CAPS]), 'sales', 'earnings:p', 'world:stripe', 'limits']
  return Object.fromEntries(accounts.map((id) => [id, [at(world.posted, id), at(world.held, id)]]))
}

async function check(db: Db, rounds: Act[][], tally: Map<string, number>): Promise<void> {
  await db.tx(wipe, db.dialect)
  const anyOrder = db.dialect === 'postgres'
  let worlds = [emptyWorld()]
  for (const [n, acts] of rounds.entries()) {
    const sealing = n % 3 === 2 ? db.tx(seal, undefined) : null
    const answers = (await Promise.all(acts.map((one) => outcomeOf(db, one)))).map((word) =>
      word.replace(/^asserts .*/s, 'asserts'),
    )
    await sealing
    for (const [i, one] of acts.entries()) count(tally, `${one.verb} ${answers[i]}`)
    const explained = explain(worlds, acts, answers, anyOrder && n > 0)
    if (explained.length === 0) {
      const expected = worlds.map((world) => acts.map((one) => predict(copyOf(world), one)))
      assert.fail(
        `round ${n} answered ${JSON.stringify(answers)}, the model said (each alone) ${JSON.stringify(expected)}`,
      )
    }
    worlds = explained
  }
  const real = await whatStands(db)
  const possible = worlds.map(standsIn)
  if (possible.length === 1) assert.deepEqual(real, possible[0])
  else
    assert.ok(
      possible.some((one) => JSON.stringify(one) === JSON.stringify(real)),
      `stands ${JSON.stringify(real)}`,
    )
  const report = await assertInOrder(db)
  assert.ok(
    worlds.some((world) => [...world.holds.values()].filter((one) => one.ended === null).length === report.openHolds),
  )
}

function count(tally: Map<string, number>, key: string): void {
  tally.set(key, (tally.get(key) ?? 0) + 1)
}

// What random histories must meet often, else they prove little.
const COMMON = [
  ...['created', 'exists', 'id_reused', 'insufficient_balance', 'asserts'].flatMap((word) => [
    `transfer ${word}`,
    `hold ${word}`,
  ]),
  ...['created', 'exists', 'already_settled', 'already_voided', 'no_hold', 'asserts'].map((word) => `settle ${word}`),
  ...['created', 'exists', 'already_settled', 'already_voided', 'no_hold'].map((word) => `void ${word}`),
  'expire created',
  'floor created',
]

eachDatabase('ledger model', (open, dialect) => {
  test(`${RUNS[dialect]} random histories, acts one by one and several at once`, { timeout: 300_000 }, async () => {
    const { db } = await open()
    const seed = process.env.QUOTA_TEST_SEED
    const tally = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(history, async ([funded, rounds]) => {
        await check(db, [funded, ...concrete(rounds)], tally)
      }),
      { numRuns: RUNS[dialect], ...(seed ? { seed: Number(seed) } : {}) },
    )
    for (const seen of COMMON) {
      const times = tally.get(seen) ?? 0
      assert.ok(
        times >= (dialect === 'sqlite' ? 10 : 1),
        `"${seen}" was met ${times} times: these histories are too tame`,
      )
    }
  })
})

test('the model itself refuses what it should', () => {
  const world = emptyWorld()
  const say = (act: Act) => predict(world, act)
  const leg = (value: number): Leg[] => [{ from: 'user:a', to: 'sales', amount: value }]
  const held = (id: string, value: number): Act => ({ verb: 'hold', id, legs: leg(value), owner: 'x', ttlMs: 1 })
  assert.equal(say(held('h', 1)), 'insufficient_balance')
  assert.equal(
    say({ verb: 'transfer', id: 't', legs: [{ from: 'world:stripe', to: 'user:a', amount: 10 }] }),
    'created',
  )
  assert.equal(say(held('h', 10)), 'created')
  assert.equal(say(held('i', 1)), 'insufficient_balance')
  assert.equal(say({ verb: 'settle', holdId: 'h', legs: leg(11) }), 'asserts')
  assert.equal(say({ verb: 'settle', holdId: 'h', legs: leg(4) }), 'created')
  assert.equal(say({ verb: 'void', holdId: 'h' }), 'already_settled')
  assert.equal(say(held('i', 6)), 'created')
  assert.deepEqual([at(world.posted, 'user:a'), at(world.held, 'user:a'), at(world.posted, 'sales')], [6, 6, 4])
})
