// The table language of ledger tests: one line an act, its outcome in the last column, then lines that say what stands.
// owns: reading and running tables. never: an opinion of its own about balances.
// always true: after an outcome other than `created` not one row of the books has changed; a table ends by saying where
// every guarded account stands, and with an audit and a trial balance.
//
//   open     user:ann  floor 0
//   topup    t1  user:ann 1000                                     created
//   transfer t2  user:ann → user:bob 100                           created
//   hold     h1  user:ann → sales 300, cap:c1:w1 → limits 300      created
//   settle   h1  120                            one amount for every leg of the hold, or legs as above, or `nothing`
//   void     h1                                 already_settled
//   expire   h1                                 already_settled
//   floor    cap:c1:w1 500
//   stands   user:ann  posted 780  held 0       (`floor n` may follow; of unguarded accounts only posted is asked)
//   seal
//
// Outcomes: created exists id_reused insufficient_balance already_settled already_voided no_hold,
// or `asserts some words`, for calls that only a mistake of ours can make.

import assert from 'node:assert/strict'
import type { Db } from '../../server/db/db.ts'
import { isFault } from '../../server/faults.ts'
import { seal, total } from '../../server/ledger/chain.ts'
import { kindOf } from '../../server/ledger/chart.ts'
import { type Leg, stands } from '../../server/ledger/ledger.ts'
import { assertInOrder } from './databases.ts'
import { type Act, acts } from './test-procedures.ts'

type Stand = { account: string; posted: number; held: number | null; floor: number | null }
export type Step = { line: number; text: string } & (
  | { act: Act; expects: string; floor?: number }
  | { stand: Stand }
  | { seal: true }
)

const OUTCOMES = /\s(created|exists|id_reused|insufficient_balance|already_settled|already_voided|no_hold|asserts .+)$/
const OWNER = 'test'
const TTL_MS = 600_000

/** Reads a table. @throws Error that names the line it does not understand */
export function parseTable(text: string): Step[] {
  const holds = new Map<string, Leg[]>()
  const steps: Step[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/#.*$/, '').trim()
    if (line === '') return
    try {
      steps.push({ line: index + 1, text: line, ...parseLine(line, holds) })
    } catch (error) {
      throw new Error(`line ${index + 1}: ${error instanceof Error ? error.message : error}\n    ${line}`)
    }
  })
  return steps
}

type WithoutPlace<S> = S extends { line: number; text: string } ? Omit<S, 'line' | 'text'> : never

function parseLine(line: string, holds: Map<string, Leg[]>): WithoutPlace<Step> {
  if (line === 'seal') return { seal: true }
  const stand = /^stands\s+(\S+)\s+posted\s+(-?\d+)(?:\s+held\s+(\d+))?(?:\s+floor\s+(\d+))?$/.exec(line)
  if (stand) return { stand: standOf(stand) }
  const open = /^open\s+(\S+)(?:\s+floor\s+(\d+))?$/.exec(line)
  if (open?.[1]) return { act: { verb: 'open', account: open[1] }, expects: 'created', floor: Number(open[2] ?? 0) }
  const floor = /^floor\s+(\S+)\s+(\S+)(\s.+)?$/.exec(line)
  if (floor?.[1]) {
    const expects = OUTCOMES.exec(line)?.[1] ?? 'created'
    return { act: { verb: 'floor', account: floor[1], floor: Number(floor[2]) }, expects }
  }
  const outcome = OUTCOMES.exec(line)
  const verb = /^(topup|transfer|hold|settle|void|expire)\s+(\S+)(.*)$/.exec(line.slice(0, outcome?.index))
  if (!verb?.[1] || !verb[2]) throw new Error('no verb that I know begins this line')
  if (!outcome?.[1]) throw new Error('the line says no outcome')
  const act = actOf(verb[1], verb[2], (verb[3] ?? '').trim(), holds)
  if (act.verb === 'hold' && outcome[1] === 'created') holds.set(act.id, [...act.legs])
  return { act, expects: outcome[1] }
}

function standOf([, account, posted, held, floor]: RegExpExecArray): Stand {
  return {
    account: account ?? '',
    posted: Number(posted),
    held: held === undefined ? null : Number(held),
    floor: floor === undefined ? null : Number(floor),
  }
}

function actOf(verb: string, id: string, rest: string, holds: Map<string, Leg[]>): Act {
  if (verb === 'void' || verb === 'expire') {
    if (rest !== '') throw new Error(`${verb} takes a hold and nothing else`)
    return { verb, holdId: id }
  }
  if (verb === 'settle') return { verb, holdId: id, legs: settleLegs(rest, holds.get(id)) }
  if (verb === 'hold') return { verb, id, legs: legsOf(rest), owner: OWNER, ttlMs: TTL_MS }
  return { verb: 'transfer', id, legs: verb === 'topup' ? [topupLeg(rest)] : legsOf(rest) }
}

function topupLeg(rest: string): Leg {
  const [to, amount, ...more] = rest.split(/\s+/)
  if (!to || !amount || more.length > 0) throw new Error('a topup is: topup id account amount')
  return { from: kindOf(to).unit === 'cap' ? 'limits' : 'world:stripe', to, amount: Number(amount) }
}

function settleLegs(rest: string, reserved: Leg[] | undefined): Leg[] {
  if (rest === 'nothing') return []
  if (!/^\S+$/.test(rest)) return legsOf(rest)
  if (!reserved) return [{ from: 'user:nobody', to: 'sales', amount: Number(rest) }]
  return reserved.map((leg) => ({ ...leg, amount: Number(rest) }))
}

function legsOf(text: string): Leg[] {
  if (text === 'nothing') return []
  return text.split(/\s*,\s*/).map((part) => {
    const leg = /^(\S+)\s+→\s+(\S+)\s+(\S+)$/.exec(part)
    if (!leg?.[1] || !leg[2]) throw new Error(`a leg is: account → account amount (not "${part}")`)
    return { from: leg[1], to: leg[2], amount: Number(leg[3]) }
  })
}

/** Runs a table, each line a commit of its own. */
export async function runTable(db: Db, text: string): Promise<void> {
  const steps = parseTable(text)
  for (const step of steps) {
    try {
      await runStep(db, step)
    } catch (error) {
      if (error instanceof Error) error.message = `line ${step.line}: ${step.text}\n${error.message}`
      throw error
    }
  }
  await assertAllStated(db, steps)
  await assertInOrder(db)
}

async function runStep(db: Db, step: Step): Promise<void> {
  if ('seal' in step) {
    await db.tx(seal, undefined)
    return
  }
  if ('stand' in step) return await checkStand(db, step.stand)
  const before = await picture(db)
  const outcome = await outcomeOf(db, step.act)
  if (step.expects.startsWith('asserts ')) {
    assert.match(outcome, new RegExp(`^asserts .*${step.expects.slice('asserts '.length)}`))
  } else assert.equal(outcome, step.expects)
  if (step.expects !== 'created') assert.deepEqual(await picture(db), before, 'something moved')
  if (step.floor)
    await db.tx(acts, [{ verb: 'floor', account: (step.act as { account: string }).account, floor: step.floor }])
}

/** What became of an act, in the words of the tables. */
export async function outcomeOf(db: Db, act: Act): Promise<string> {
  try {
    const [word = ''] = await db.tx(acts, [act])
    return word === 'settled' || word === 'voided' ? 'created' : word
  } catch (error) {
    if (isFault(error)) return error.code
    return `asserts ${error instanceof Error ? error.message : error}`
  }
}

async function checkStand(db: Db, stand: Stand): Promise<void> {
  if (!kindOf(stand.account).guarded) {
    assert.equal(await db.snapshot((reader) => total(reader, stand.account)), stand.posted)
    return
  }
  const { posted, held, floor } = await stands(db, stand.account)
  const expected = { posted: stand.posted, held: stand.held ?? held, floor: stand.floor ?? floor }
  assert.deepEqual({ posted, held, floor }, expected)
}

/** Every row of the books. */
export async function picture(db: Db): Promise<unknown> {
  return await db.snapshot(async (reader) => ({
    accounts: await reader.all('SELECT id, CAST(posted AS TEXT) AS posted, held, floor FROM accounts ORDER BY id'),
    movements: await reader.all('SELECT id, kind, hold_id, legs, seq FROM movements ORDER BY id'),
    openHolds: await reader.all('SELECT id, owner, expires_at FROM open_holds ORDER BY id'),
  }))
}

// The lines after the last act must say where each guarded account stands: what moved, and what did not.
async function assertAllStated(db: Db, steps: Step[]): Promise<void> {
  const last = steps.findLastIndex((step) => 'act' in step)
  const stated = new Set(steps.slice(last + 1).flatMap((step) => ('stand' in step ? [step.stand.account] : [])))
  const guarded = await db.all<{ id: string }>('SELECT id FROM accounts WHERE guarded = 1 ORDER BY id')
  const silent = guarded.map((row) => row.id).filter((id) => !stated.has(id))
  assert.deepEqual(silent, [], 'the table does not say where these accounts stand')
}
