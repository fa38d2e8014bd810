// The arithmetic of what fits: pure, in integers.
// owns: cost of a bound, the largest output that is affordable, which limit speaks when none is. never: a database.
// always true: grants pay base only and first; markup is taken on the rest; limits count everything but grants.

import type { LimitDetails } from '../contract/faults.ts'
import { PICOS_PER_MICRO } from '../contract/money.ts'
import { markupMicros } from '../contract/receipts.ts'
import { type Fault, fault } from '../faults.ts'

export type Bound = { fixedPicos: string; picosPerOutput: string }

/** Base of a call with so many output tokens per answer, in micros, rounded up once. */
export function boundMicros(bound: Bound, output: number): number {
  const picos = BigInt(bound.fixedPicos) + BigInt(bound.picosPerOutput) * BigInt(output)
  const micros = (picos + PICOS_PER_MICRO - 1n) / PICOS_PER_MICRO
  return micros > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(micros)
}

export type Split = { granted: number; rest: number; markup: number; charged: number; total: number }

/** How a base is paid: `granted` by grants, `charged` = the rest and its markup, from the balance. */
export function split(base: number, grants: number, markupBps: number): Split {
  const granted = Math.min(base, grants)
  const rest = base - granted
  const markup = markupMicros(rest, markupBps)
  return { granted, rest, markup, charged: rest + markup, total: base + markup }
}

export type Limit = {
  limit: LimitDetails['limit']
  period: LimitDetails['period']
  amount: number | null
  spent: number | null
  held: number
  available: number
  resetsAt: number | null
}

export type Means = {
  grants: number
  /** Of the same grants, what running calls have reserved. */
  grantsHeld: number
  markupBps: number
  balance: Limit
  caps: readonly Limit[]
  perCall: number | null
}

/** Whether a base fits everything at once. */
export function fits(base: number, means: Means): boolean {
  const { charged } = split(base, means.grants, means.markupBps)
  if (means.perCall !== null && charged > means.perCall) return false
  return charged <= means.balance.available && means.caps.every((cap) => charged <= cap.available)
}

/** The largest output, at most `ceiling`, that fits; 0 when not even one token does. */
export function largestOutput(bound: Bound, ceiling: number, means: Means): number {
  let low = 0
  let high = ceiling
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(boundMicros(bound, middle), means)) low = middle
    else high = middle - 1
  }
  return low
}

const HELD_RETRY_MS = 1000

/** The refusal of a base that does not fit, in the contract's order: per call, limit, balance, held by others. */
export function refusal(base: number, means: Means): Fault {
  const { charged: required } = split(base, means.grants, means.markupBps)
  // What would be left to charge if every running call ended without taking anything.
  const { charged: least } = split(base, means.grants + means.grantsHeld, means.markupBps)
  if (means.perCall !== null && least > means.perCall) {
    const ceiling: Limit = {
      limit: 'per_call',
      period: null,
      amount: means.perCall,
      spent: 0,
      held: 0,
      available: means.perCall,
      resetsAt: null,
    }
    return fault('per_call_ceiling_exceeded', { details: details(ceiling, required) })
  }
  const caps = [...means.caps].sort((a, b) => a.available - b.available)
  const spent = caps.find((cap) => least > cap.available + cap.held)
  if (spent) return fault('cap_exceeded', { details: details(spent, required) })
  if (least > means.balance.available + means.balance.held) {
    return fault('insufficient_credits', { details: details(means.balance, required) })
  }
  const held = caps.find((cap) => required > cap.available) ?? means.balance
  const speaks: Limit = { ...held, limit: 'held', period: null, amount: null, spent: null }
  speaks.held += means.grantsHeld
  return fault('held_by_other_calls', { details: { ...details(speaks, required), retry_after_ms: HELD_RETRY_MS } })
}

function details(limit: Limit, required: number): Record<string, unknown> {
  return {
    limit: limit.limit,
    period: limit.period,
    amount: limit.amount,
    spent: limit.spent,
    held: limit.held,
    available: Math.max(0, limit.available),
    required,
    resets_at: limit.resetsAt === null ? null : new Date(limit.resetsAt).toISOString(),
  } satisfies LimitDetails
}
