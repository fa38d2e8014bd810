// Risk: how fast one may buy, and whose earnings wait longer.
// owns: those rules, as numbers. never: a block of money that is already in a wallet.
// always true: a rule looks only at what it is handed; what it slows down is said to the person.

import { fault } from '../faults.ts'

const HOUR_MS = 3_600_000
/** Begun in an hour, paid for in a day (cents), and refused by the bank in a day. */
const PURCHASES = { perHour: 60, centsPerDay: 100_000, declinedPerDay: 10 } as const

type Purchase = { status: string; price_cents: number; created_at: number }

/**
 * Card testers begin many purchases and have many refused; thieves buy much at once.
 * @param day the buyer's purchases of the last day
 * @throws Fault `rate_limit_exceeded`
 */
export function requireCalm(
  day: readonly Purchase[],
  { now, scale, cents }: { now: number; scale: number; cents: number },
): void {
  const lately = day.filter((one) => one.created_at > now - HOUR_MS).length
  const declined = day.filter(({ status }) => status === 'declined' || status === 'failed').length
  const paid = day.filter(({ status }) => status === 'paid' || status === 'processing')
  const spent = paid.reduce((sum, one) => sum + one.price_cents, 0)
  const [perHour, centsPerDay] = [PURCHASES.perHour * scale, PURCHASES.centsPerDay * scale]
  if (lately < perHour && declined < PURCHASES.declinedPerDay * scale && spent + cents <= centsPerDay) return
  throw fault('rate_limit_exceeded', {
    message: 'So much cannot be bought in so short a time. Nothing was charged.',
    hint: 'Try again later, or write to whoever runs this server.',
    retryAfterS: HOUR_MS / 1000,
  })
}

export const DAY_MS = 86_400_000
/** How old earnings are before they may be paid out; and those that look like a person paying themselves. */
export const MATURE_MS = 7 * DAY_MS
export const MATURE_FLAGGED_MS = 30 * DAY_MS
/** A card is fresh for so long after its first payment. */
export const FRESH_CARD_MS = 30 * DAY_MS

export type EarningRisk = 'own_app' | 'same_card' | 'fraud_warning' | 'disputed'

/**
 * Why an earning waits longer, or null. A stolen card is turned into a payout by buying balance with it and spending it
 * in an app of one's own; the card's owner notices within weeks.
 */
export function earningRisk(facts: {
  ownApp: boolean
  sharedCard: boolean
  firstPaymentAt: number | null
  warned: boolean
  disputed: boolean
  at: number
}): EarningRisk | null {
  const fresh = facts.firstPaymentAt !== null && facts.at < facts.firstPaymentAt + FRESH_CARD_MS
  if (facts.disputed) return 'disputed'
  if (facts.warned) return 'fraud_warning'
  if (facts.ownApp && fresh) return 'own_app'
  if (facts.sharedCard && fresh) return 'same_card'
  return null
}
