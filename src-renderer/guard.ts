// The runaway guard: an app that suddenly spends far more than it ever did.
// owns: the usual pace of an app, and when it is left. never: storage, the pause itself. always true: pure; an app that is not
// known well enough yet is left to its limit.

import type { Rollup } from './rollup.ts'

/** The stretch of time that is looked at. */
export const STRETCH_MS = 10 * 60_000
const DAYS_KNOWN = 3
const DAYS_LOOKED_AT = 30
/** Less than this in a stretch is nobody's runaway; micros. */
const LEAST = 250_000

export type Charge = { at: number; spent: number }
/** `spent` in the last stretch, beside `usual`: what the app's busiest known day was. Micros. */
export type Spike = { spent: number; usual: number }

/**
 * Whether an app has spent more in ten minutes than on its busiest day of the last thirty.
 * @param days its sums by day, in any order; `today` is left out, or the spike would be its own excuse
 * @param charges its newest charges
 * @param allowed what the person has said is fine in a stretch, today
 */
export function spikeOf(
  days: Pick<Rollup, 'day' | 'spent'>[],
  charges: Charge[],
  { today, now, allowed = 0 }: { today: string; now: number; allowed?: number },
): Spike | null {
  const first = new Date(Date.parse(`${today}T00:00:00Z`) - DAYS_LOOKED_AT * 86_400_000).toISOString().slice(0, 10)
  const known = days.filter(({ day, spent }) => day < today && day >= first && spent > 0)
  if (known.length < DAYS_KNOWN) return null
  const usual = Math.max(...known.map(({ spent }) => spent))
  const spent = charges.filter(({ at }) => at > now - STRETCH_MS).reduce((sum, c) => sum + c.spent, 0)
  return spent > Math.max(usual, LEAST, allowed) ? { spent, usual } : null
}
