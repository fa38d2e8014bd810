// The balance: every movement of money is one balance transaction.
// owns: balance transactions, fees, what is available. never: a reason to move money.
// always true: net = amount - fee; the balance is the sum of nets; what is pending becomes available by the clock alone.

import type Stripe from 'stripe'
import type { z } from 'zod'
import { equal, listed } from './lists.ts'
import { created, listParams, params, text } from './params.ts'
import { must, type Work } from './work.ts'

const DAY_S = 86_400
const FEE_PER_MILLE = 29
const FEE_FIXED_CENTS = 30

export type Movement = {
  type: Stripe.BalanceTransaction.Type
  category: string
  amount: number
  fee?: number
  source: string | null
  description?: string | null
  availableOn?: number
}

/** 2.9 % + 30 c, half a cent up: https://stripe.com/pricing */
export function cardFee(amount: number): number {
  return Math.floor((amount * FEE_PER_MILLE + 500) / 1000) + FEE_FIXED_CENTS
}

/** Moves money on the acting account's balance; answers the transaction's id. */
export function move(work: Work, movement: Movement): string {
  const { type, category, amount, fee = 0, source, description = null } = movement
  const availableOn = movement.availableOn ?? work.nowS
  const id = work.id('txn')
  const fees = [
    {
      amount: fee,
      application: null,
      currency: 'usd',
      description: FEE_WORDS[type] ?? 'Stripe fee',
      type: 'stripe_fee',
    },
  ]
  work.add('balance_transaction', {
    id,
    object: 'balance_transaction',
    amount,
    available_on: availableOn,
    balance_type: 'payments',
    created: work.nowS,
    currency: 'usd',
    description,
    exchange_rate: null,
    fee,
    fee_details: fee === 0 ? [] : fees,
    net: amount - fee,
    reporting_category: category,
    source,
    status: 'pending',
    type,
  })
  return id
}

const FEE_WORDS: Partial<Record<Stripe.BalanceTransaction.Type, string>> = {
  charge: 'Stripe processing fees',
  payment: 'Stripe processing fees',
  adjustment: 'Dispute fee',
}

/** When money that comes in now can be used. */
export function availableOn(work: Work, bypassesPending: boolean): number {
  return bypassesPending ? work.nowS : work.nowS + work.settings.availableAfterDays * DAY_S
}

/** Cents on the acting account's balance. */
export async function standing(work: Work): Promise<{ available: number; pending: number }> {
  const sums = { available: 0, pending: 0 }
  for await (const { net, available_on } of work.all('balance_transaction'))
    sums[available_on <= work.nowS ? 'available' : 'pending'] += net
  return sums
}

/** As a request sees it: pending until its time has come. */
export function shownTransaction(work: Work, kept: Stripe.BalanceTransaction): Stripe.BalanceTransaction {
  return { ...kept, status: kept.available_on <= work.nowS ? 'available' : 'pending' }
}

// --- routes ---------------------------------------------------------------------------------------------------------

export const EMPTY = params({})

export async function retrieveBalance(work: Work): Promise<Stripe.Balance> {
  const { available, pending } = await standing(work)
  const money = (amount: number) => [{ amount, currency: 'usd', source_types: { card: amount } }]
  return {
    object: 'balance',
    available: money(available),
    ...(work.owner === '' ? { connect_reserved: [{ amount: 0, currency: 'usd' }] } : {}),
    livemode: false,
    pending: money(pending),
    refund_and_dispute_prefunding: {
      available: [{ amount: 0, currency: 'usd' }],
      pending: [{ amount: 0, currency: 'usd' }],
    },
  }
}

export const TRANSACTION_LIST = listParams({
  created: created.optional(),
  currency: text.optional(),
  payout: text.optional(),
  source: text.optional(),
  type: text.optional(),
})

export async function listTransactions(work: Work, given: z.output<typeof TRANSACTION_LIST>) {
  const payout = given.payout === undefined ? undefined : await must(work, 'payout', given.payout, 'payout')
  const inPayout = payout === undefined ? null : new Set(await transactionsOfPayout(work, payout))
  return listed(
    work,
    'balance_transaction',
    '/v1/balance_transactions',
    given,
    (one) =>
      equal(one, { type: given.type, source: given.source, currency: given.currency }) &&
      (inPayout === null || inPayout.has(one.id)),
  )
}

export async function retrieveTransaction(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'balance_transaction', id, null)
}

/** What an automatic payout paid out: everything since the one before it, and itself. */
async function transactionsOfPayout(work: Work, payout: Stripe.Payout): Promise<string[]> {
  const found: string[] = []
  let inside = false
  for await (const one of work.all('balance_transaction')) {
    if (one.id === payout.balance_transaction) inside = true
    else if (inside && one.type === 'payout') break
    if (inside && one.available_on <= payout.created) found.push(one.id)
  }
  return found
}
