// Payouts from a balance to its bank: https://docs.stripe.com/payouts
// owns: them, of the platform and of connected accounts. never: a transfer between balances.
// always true: a payout leaves the balance when it is made and comes back once when it fails or is canceled.

import type Stripe from 'stripe'
import { z } from 'zod'
import { move, standing } from './balance.ts'
import { changes } from './customers.ts'
import { refused } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed } from './lists.ts'
import { cents, created, currency, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { must, type Work } from './work.ts'

type Payout = Stripe.Payout
const DAY_S = 86_400
const ARRIVES_DAYS = 2
const PLATFORM_BANK = 'ba_1StandInPlatformBank0000'

export const PAYOUT_CREATE = params({
  amount: cents,
  currency,
  description: text.optional(),
  metadata: metadata.optional(),
  method: z.enum(['standard']).optional(),
  statement_descriptor: text.optional(),
})
export const PAYOUT_UPDATE = params({ metadata: metadata.optional() })
export const PAYOUT_LIST = listParams({
  created: created.optional(),
  destination: text.optional(),
  status: z.enum(['canceled', 'failed', 'in_transit', 'paid', 'pending']).optional(),
})

export async function createPayout(work: Work, given: z.output<typeof PAYOUT_CREATE>): Promise<Payout> {
  if (given.currency !== 'usd') throw refused(`This stand-in pays usd, not ${given.currency}.`, { param: 'currency' })
  return payOut(work, { amount: given.amount, automatic: false, metadata: mergedMetadata(null, given.metadata), given })
}

/** What Stripe pays out by itself, once a day: all that is available. Null when there is nothing. */
export async function payOutAll(work: Work): Promise<Payout | null> {
  const { available } = await standing(work)
  return available > 0 ? payOut(work, { amount: available, automatic: true, metadata: {}, given: {} }) : null
}

/** The bank has it, or sends it back; a payout that was paid may still fail. */
export async function endPayout(work: Work, id: string, failure: string | null): Promise<Payout> {
  const before = await must(work, 'payout', id, 'payout')
  if (before.status === 'failed' || before.status === 'canceled')
    throw new Error(`${id} has ended already: ${before.status}`)
  if (failure === null) return turned(work, { ...before, status: 'paid' }, before, 'payout.paid')
  const back = move(work, { type: 'payout_failure', category: 'payout_reversal', amount: before.amount, source: id })
  const failed: Payout = {
    ...before,
    status: 'failed',
    failure_balance_transaction: back,
    failure_code: failure,
    failure_message: 'The bank could not take this payout.',
  }
  return turned(work, failed, before, 'payout.failed')
}

export async function retrievePayout(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'payout', id, null)
}

export async function updatePayout(work: Work, given: z.output<typeof PAYOUT_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'payout', id, null)
  const after: Payout = { ...before, metadata: mergedMetadata(before.metadata, given.metadata) }
  return turned(work, after, before, 'payout.updated')
}

export async function cancelPayout(work: Work, _given: unknown, [id = '']: string[]) {
  const before = await must(work, 'payout', id, null)
  if (before.status !== 'pending' || before.automatic)
    throw refused(`Payouts can only be canceled while they are pending; ${id} is ${before.status}.`)
  const back = move(work, { type: 'payout_cancel', category: 'payout_reversal', amount: before.amount, source: id })
  const after: Payout = { ...before, status: 'canceled', failure_balance_transaction: back }
  return turned(work, after, before, 'payout.canceled')
}

export async function listPayouts(work: Work, given: z.output<typeof PAYOUT_LIST>) {
  return listed(work, 'payout', '/v1/payouts', given, (one) =>
    equal(one, { status: given.status, destination: given.destination }),
  )
}

// --- below: how -----------------------------------------------------------------------------------------------------

type Making = {
  amount: number
  automatic: boolean
  metadata: Record<string, string>
  given: { description?: string | undefined; statement_descriptor?: string | undefined }
}

async function payOut(work: Work, { amount, automatic, metadata: about, given }: Making): Promise<Payout> {
  const destination = await bankOf(work)
  if ((await standing(work)).available < amount)
    throw refused('You have insufficient funds in your Stripe account for this transfer.', {
      code: 'balance_insufficient',
    })
  const id = work.id('po')
  const payout: Payout = {
    id,
    object: 'payout',
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: work.nowS + ARRIVES_DAYS * DAY_S,
    automatic,
    balance_transaction: move(work, { type: 'payout', category: 'payout', amount: -amount, source: id }),
    created: work.nowS,
    currency: 'usd',
    description: given.description ?? (automatic ? 'STRIPE PAYOUT' : null),
    destination,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: about,
    method: 'standard',
    original_payout: null,
    payout_method: null,
    reconciliation_status: automatic ? 'completed' : 'not_applicable',
    reversed_by: null,
    source_type: 'card',
    statement_descriptor: given.statement_descriptor ?? null,
    status: 'pending',
    trace_id: null,
    type: 'bank_account',
  }
  work.add('payout', payout)
  emit(work, 'payout.created', payout)
  return payout
}

/** Where the acting account is paid. @throws refusal when it cannot be */
async function bankOf(work: Work): Promise<string> {
  if (work.owner === '') return PLATFORM_BANK
  const account = await must(work.as(''), 'account', work.owner, 'account')
  if (!account.payouts_enabled)
    throw refused('Cannot create payouts; this account has requirements that need to be collected.', {
      code: 'payouts_not_allowed',
    })
  const bank = account.external_accounts?.data[0]
  if (!bank) throw refused("Sorry, you don't have any external accounts in that currency (usd).")
  return bank.id
}

function turned(
  work: Work,
  after: Payout,
  before: Payout,
  type: `payout.${'canceled' | 'failed' | 'paid' | 'updated'}`,
): Payout {
  work.put('payout', after)
  emit(work, type, after, type === 'payout.updated' ? changes(before, after) : undefined)
  return after
}
