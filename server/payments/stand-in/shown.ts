// Objects as a request sees them now.
// owns: what the clock alone changes. never: a write.
// always true: what is kept and what is shown differ in nothing else.

import type Stripe from 'stripe'
import { shownTransaction } from './balance.ts'
import { current } from './checkout.ts'
import type { Work } from './work.ts'

const BY_CLOCK: Record<string, (work: Work, object: never) => object> = {
  balance_transaction: (work, object: Stripe.BalanceTransaction) => shownTransaction(work, object),
  'checkout.session': (work, object: Stripe.Checkout.Session) => current(work, object),
}

/** A copy in which every object is as the clock has it. */
export function shown(work: Work, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => shown(work, one))
  const kind = 'object' in value && typeof value.object === 'string' ? value.object : ''
  const now = BY_CLOCK[kind]?.(work, value as never) ?? value
  return Object.fromEntries(Object.entries(now).map(([name, inner]) => [name, shown(work, inner)]))
}
