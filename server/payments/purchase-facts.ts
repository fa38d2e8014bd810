// What a receipt of a purchase says.
// owns: its facts. never: a look (purchase-page.ts, purchase-pdf.ts); the name of an app.
// always true: there is a receipt of what was paid and of nothing else; a person's is for that person alone, and one of a
// user of an app names nobody (whoever knows its id may look); what went back is on it, line by line.

import type { Reader } from '../db/db.ts'
import { profileOf } from '../identity/users.ts'
import { creditsOf } from './cents.ts'
import { type CheckoutRow, checkout } from './checkouts.ts'
import { lot } from './lots.ts'

export type PurchaseFacts = {
  number: string
  seller: string
  billedTo: { name: string | null; email: string } | null
  /** Milliseconds; receipts tell times in UTC. */
  paidAt: number
  item: string
  /** Credits; balance + fee = total. */
  balance: number
  fee: number
  total: number
  returned: { at: number | null; what: string; amount: number }[]
  /** False in the sandbox and in test mode. */
  real: boolean
}

const SECRET_CHARS = 32

/** A purchase by its id, if a receipt of it is for this reader. */
export async function purchaseFor(reader: Reader, id: string, userId: string | null): Promise<CheckoutRow | null> {
  const row = await checkout(reader, id)
  if (row?.status !== 'paid') return null
  return row.user_id === null || row.user_id === userId ? row : null
}

/** What the receipt of a paid purchase says now. */
export async function purchaseFacts(reader: Reader, row: CheckoutRow, seller: string): Promise<PurchaseFacts> {
  const brought = row.payment_intent === null ? undefined : await lot(reader, row.payment_intent)
  if (!brought) throw new Error(`checkout ${row.id} is paid and has no lot`)
  const person = row.user_id === null ? null : await profileOf(reader, row.user_id)
  const total = creditsOf(brought.cents)
  return {
    // The end of a page's id is its secret; the rest says which purchase it is.
    number: row.kind === 'page' ? row.id.slice(0, -SECRET_CHARS) : row.id,
    seller,
    billedTo: person && { name: person.name, email: person.email },
    paidAt: brought.at,
    item: `Wallet balance, ${row.package_name} package`,
    balance: brought.credits,
    fee: total - brought.credits,
    total,
    returned: await returnedOf(reader, brought.payment_intent, brought.returned_cents),
    real: row.livemode === 1,
  }
}

/** What went back to the card: refunds one by one, and what a bank took in a dispute. */
async function returnedOf(reader: Reader, paymentIntent: string, cents: number): Promise<PurchaseFacts['returned']> {
  const refunds = await reader.all<{ created_at: number; cents: number }>(
    `SELECT created_at, cents FROM refunds WHERE payment_intent = ? AND status IN ('sent', 'succeeded') ORDER BY created_at, id`,
    [paymentIntent],
  )
  const rest = cents - refunds.reduce((sum, one) => sum + one.cents, 0)
  const lines = refunds.map((one) => ({ at: one.created_at, what: 'Refunded', amount: creditsOf(one.cents) }))
  return rest > 0 ? [...lines, { at: null, what: 'Taken back by the bank', amount: creditsOf(rest) }] : lines
}
