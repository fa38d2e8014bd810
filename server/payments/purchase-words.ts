// The words of a receipt, once for its page and its PDF.
// owns: their text and order. never: a look. always true: times are UTC and amounts exact; no app is named.

import { dollars } from '../contract/money.ts'
import type { PurchaseFacts } from './purchase-facts.ts'

/** Names and amounts, in order; `strong` marks a sum. */
export type Line = { name: string; amount: string; strong?: boolean }

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })

export const ABOUT =
  'Balance pays for AI calls in every app that its owner connects, and does not expire. What is unspent can be refunded to the card it was paid with; the fee is not part of that.'
export const NOT_REAL = 'Test payment. No real money moved.'

/** Number and time, above the lines. */
export const headOf = (facts: PurchaseFacts): Line[] => [
  { name: 'Receipt number', amount: facts.number },
  { name: 'Paid', amount: `${moment.format(facts.paidAt)} UTC` },
]

export function linesOf(facts: PurchaseFacts): Line[] {
  const back = facts.returned.reduce((sum, one) => sum + one.amount, 0)
  const paid = { name: 'Total paid (USD)', amount: dollars(facts.total), strong: true }
  const lines: Line[] = [
    { name: facts.item, amount: dollars(facts.balance) },
    { name: 'Service and card fee', amount: dollars(facts.fee) },
    paid,
  ]
  if (back === 0) return lines
  return [
    ...lines,
    ...facts.returned.map(({ at, what, amount }) => ({
      name: at === null ? what : `${what} on ${day.format(at)}`,
      amount: dollars(-amount),
    })),
    { name: 'Paid after refunds (USD)', amount: dollars(facts.total - back), strong: true },
  ]
}
