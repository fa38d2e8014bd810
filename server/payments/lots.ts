// Lots: what each payment brought, and how much of it is still there.
// owns: lots, and the arithmetic over them. never: a call; the provider.
// always true: of a balance, the newest lots are what is left, for the oldest money is spent first; what goes back of a
// lot never exceeds what it brought.

import { externalById, lastLinked, payerOf } from '../connections/external.ts'
import type { Reader, Tx } from '../db/db.ts'
import { CREDITS_PER_CENT } from './cents.ts'

export type LotRow = {
  payment_intent: string
  checkout: string
  charge: string | null
  account: string
  payer: string
  external_id: string | null
  cents: number
  credits: number
  returned_cents: number
  returned_credits: number
  fingerprint: string | null
  warned_at: number | null
  at: number
}

const COLUMNS = `payment_intent, checkout, charge, account, payer, external_id, cents, credits, returned_cents, returned_credits,
  fingerprint, warned_at, at`

export function lot(reader: Reader, paymentIntent: string): Promise<LotRow | undefined> {
  return reader.get<LotRow>(`SELECT ${COLUMNS} FROM lots WHERE payment_intent = ?`, [paymentIntent])
}

export function lotOfCharge(reader: Reader, charge: string): Promise<LotRow | undefined> {
  return reader.get<LotRow>(`SELECT ${COLUMNS} FROM lots WHERE charge = ?`, [charge])
}

/** A payer's lots, oldest first. */
export function lotsOf(reader: Reader, payer: string): Promise<LotRow[]> {
  return reader.all<LotRow>(`SELECT ${COLUMNS} FROM lots WHERE payer = ? ORDER BY at, payment_intent`, [payer])
}

/** Takes a lot's row lock: one at a time decides what becomes of a payment. */
export async function lockLot(tx: Tx, paymentIntent: string): Promise<LotRow | undefined> {
  await tx.run('UPDATE lots SET at = at WHERE payment_intent = ?', [paymentIntent])
  const row = await lot(tx, paymentIntent)
  return row && (await nowOf(tx, row))
}

/**
 * Where a lot's money is now: with the person, once its external user was linked; it stays theirs from then on, whoever
 * that name is linked to later.
 */
async function nowOf(tx: Tx, row: LotRow): Promise<LotRow> {
  if (row.external_id === null || row.payer !== row.external_id) return row
  const external = await externalById(tx, row.external_id)
  if (external?.status !== 'linked') return row
  const { account, feed } = payerOf(external)
  await tx.run('UPDATE lots SET account = ?, payer = ? WHERE payment_intent = ?', [account, feed, row.payment_intent])
  return { ...row, account, payer: feed }
}

const LINKS_AT_ONCE = 500

/** Gives the lots of those who were linked last to their persons. Answers how many. */
export async function claimLots(tx: Tx): Promise<number> {
  let claimed = 0
  for (const { id } of await lastLinked(tx, LINKS_AT_ONCE))
    for (const row of await lotsOf(tx, id)) if ((await nowOf(tx, row)).payer !== row.payer) claimed++
  return claimed
}

export type Returned = { cents: number; credits: number }

/**
 * How money that goes back divides: the balance it brought first, our fee after that. It is the difference between what has
 * gone back of the balance before and after, so that the order of refunds, disputes and failures does not matter.
 * @param cents that go back; negative when they come again
 * @returns credits to take from the payer (negative: to give); the rest of the cents concerns the fee
 */
export function creditsBack(row: Pick<LotRow, 'credits' | 'returned_cents'>, cents: number): number {
  const of = (returned: number) => Math.min(row.credits, returned * CREDITS_PER_CENT)
  return of(row.returned_cents + cents) - of(row.returned_cents)
}

/** Notes what has gone back of a lot; negative when it came again. */
export async function noteReturned(tx: Tx, paymentIntent: string, { cents, credits }: Returned): Promise<void> {
  const changed = await tx.run(
    'UPDATE lots SET returned_cents = returned_cents + ?, returned_credits = returned_credits + ? WHERE payment_intent = ?',
    [cents, credits, paymentIntent],
  )
  if (changed !== 1) throw new Error(`the lot ${paymentIntent} is gone`)
}

export type Unspent = { paymentIntent: string; credits: number }

/**
 * What of each lot is unspent, oldest first.
 * @param lots oldest first
 * @param available what of bought money stands free in the account, in credits
 */
export function unspent(
  lots: readonly Pick<LotRow, 'payment_intent' | 'credits' | 'returned_credits'>[],
  available: number,
): Unspent[] {
  const found: Unspent[] = []
  let rest = available
  for (const row of [...lots].reverse()) {
    const credits = Math.min(rest, row.credits - row.returned_credits)
    if (credits > 0) found.unshift({ paymentIntent: row.payment_intent, credits })
    rest -= Math.max(0, credits)
  }
  return found
}

export type Part = { paymentIntent: string; cents: number }

/**
 * Which lots a refund comes out of: the oldest unspent money first, whole cents of each.
 * @returns the parts, or null when so much cannot be refunded
 */
export function parts(unspentLots: readonly Unspent[], cents: number): Part[] | null {
  const found: Part[] = []
  let rest = cents
  for (const { paymentIntent, credits } of unspentLots) {
    const part = Math.min(rest, Math.floor(credits / CREDITS_PER_CENT))
    if (part > 0) found.push({ paymentIntent, cents: part })
    rest -= part
  }
  return rest === 0 ? found : null
}
