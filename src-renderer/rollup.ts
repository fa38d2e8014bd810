// Counters, so that no screen ever sums the log.
// owns: the sums of entries by app and day. never: storage. always true: pure; adding sums of parts gives the sum of the
// whole.

import { countOf, INPUT_TOKENS, OUTPUT_TOKENS } from '../server/contract/charge.ts'
import type { Change } from '../server/contract/feed.ts'
import type { ReceiptRow } from '../server/contract/records.ts'
import type { Entry } from './db.ts'
import { dayIn } from './format.ts'
import { isWrong } from './verify.ts'

/**
 * Sums of one app on one day of the person's calendar; micros. `spent` is what the balance paid: total - granted.
 * `verified` and `wrong` count calls by their check on this device; those in neither could not be checked here.
 */
export type Rollup = {
  app: string
  day: string
  calls: number
  verified: number
  wrong: number
  spent: number
  markup: number
  granted: number
  tokens: number
}

/** All tokens of a call, in and out. */
export const tokensOf = (units: ReceiptRow['units']): number =>
  countOf(units, INPUT_TOKENS) + countOf(units, OUTPUT_TOKENS)

/** Sums per app and day, in the person's time zone, by "app\nday". */
export function sumUp(entries: Entry[], zone: string): Map<string, Rollup> {
  const sums = new Map<string, Rollup>()
  for (const { app, at, row, mark } of entries) {
    const day = dayIn(zone, at)
    const tokens = tokensOf(row.units)
    const spent = row.credits_used - row.granted_credits
    const checked = { verified: Number(mark === 'verified'), wrong: Number(isWrong(mark)) }
    const paid = { spent, markup: row.markup_credits, granted: row.granted_credits }
    const one: Rollup = { app, day, calls: 1, ...checked, ...paid, tokens }
    sums.set(`${app}\n${day}`, plus(one, sums.get(`${app}\n${day}`)))
  }
  return sums
}

/** Two sums of one app as one; the first's day stands. */
export function plus(a: Rollup, b: Rollup | undefined): Rollup {
  if (!b) return a
  return {
    app: a.app,
    day: a.day,
    calls: a.calls + b.calls,
    verified: a.verified + b.verified,
    wrong: a.wrong + b.wrong,
    spent: a.spent + b.spent,
    markup: a.markup + b.markup,
    granted: a.granted + b.granted,
    tokens: a.tokens + b.tokens,
  }
}

/** The same sums taken away instead of added. */
export function minus(a: Rollup): Rollup {
  const { app, day, ...sums } = a
  const negated = Object.fromEntries(Object.entries(sums).map(([key, value]) => [key, -value]))
  return { app, day, ...(negated as Omit<Rollup, 'app' | 'day'>) }
}

/** The time zone that a page of changes sets, if it does. */
export function zoneOf(changes: Change[]): string | null {
  const zone = changes.findLast((c) => c.topic === 'profile')?.row?.time_zone
  return typeof zone === 'string' ? zone : null
}
