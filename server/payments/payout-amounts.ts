// What a payout comes to.
// owns: its arithmetic. never: a row.
// always true: sent + reserved + carried out = earned + released + carried in, to the micro-dollar; cents are rounded down
// and the rest is carried; the reserve is taken of each earning once.

import { CREDITS_PER_CENT, creditsOf } from './cents.ts'

export const MINIMUM = 10_000_000
export const RESERVE_PERCENT = 10
export const RESERVE_DAYS = 90

export type PayoutAmounts = {
  cents: number
  earned: number
  released: number
  carriedIn: number
  reserved: number
  carriedOut: number
}

/**
 * @param payable what is payable in all, in credits
 * @param earned the part of it that was earned since the last payout; only of this is a reserve kept
 * @param released the part that comes out of the reserve now
 * @returns null when it is below the minimum, or below a cent
 */
export function payoutAmounts(given: { payable: number; earned: number; released: number }): PayoutAmounts | null {
  const { payable, earned, released } = given
  if (payable < MINIMUM) return null
  const reserved = Number((BigInt(earned) * BigInt(RESERVE_PERCENT)) / 100n)
  const cents = Math.floor((payable - reserved) / CREDITS_PER_CENT)
  if (cents === 0) return null
  const carriedOut = payable - reserved - creditsOf(cents)
  return { cents, earned, released, carriedIn: payable - earned - released, reserved, carriedOut }
}
