// Transfers to connected accounts, and their reversal: https://docs.stripe.com/connect/separate-charges-and-transfers
// owns: them and the payments that they make at their destination. never: a payout to a bank.
// always true: what leaves one balance arrives on the other; what comes back never exceeds what went.

import type Stripe from 'stripe'
import type { z } from 'zod'
import { mayReceive } from './accounts.ts'
import { move, standing } from './balance.ts'
import { idOf } from './charges.ts'
import { missing, refused } from './errors.ts'
import { emit } from './events.ts'
import { equal, listed, paged } from './lists.ts'
import { cents, created, currency, listParams, mergedMetadata, metadata, params, text } from './params.ts'
import { arrivedPayment } from './transfer-payments.ts'
import { must, type Work } from './work.ts'

type Transfer = Stripe.Transfer

export const TRANSFER_CREATE = params({
  amount: cents,
  currency,
  description: text.optional(),
  destination: text,
  metadata: metadata.optional(),
  source_transaction: text.optional(),
  transfer_group: text.optional(),
})
export const TRANSFER_UPDATE = params({ description: text.optional(), metadata: metadata.optional() })
export const TRANSFER_LIST = listParams({
  created: created.optional(),
  destination: text.optional(),
  transfer_group: text.optional(),
})
export const REVERSAL_CREATE = params({
  amount: cents.optional(),
  description: text.optional(),
  metadata: metadata.optional(),
})
export const REVERSAL_LIST = listParams({})

export async function createTransfer(work: Work, given: z.output<typeof TRANSFER_CREATE>): Promise<Transfer> {
  if (given.currency !== 'usd') throw refused(`This stand-in moves usd, not ${given.currency}.`, { param: 'currency' })
  const destination = await work.find('account', given.destination)
  if (!destination) throw missing('destination', given.destination, 'destination')
  if (!mayReceive(destination))
    throw refused(
      'Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments',
      { code: 'insufficient_capabilities_for_transfer' },
    )
  const availableOn = await fundsFor(work, given)
  const id = work.id('tr')
  const balanceTransaction = move(work, {
    type: 'transfer',
    category: 'transfer',
    amount: -given.amount,
    source: id,
    description: given.description ?? null,
    availableOn,
  })
  const payment = arrivedPayment(work.as(destination.id), { amount: given.amount, transfer: id, availableOn })
  const transfer: Transfer = {
    id,
    object: 'transfer',
    amount: given.amount,
    amount_reversed: 0,
    balance_transaction: balanceTransaction,
    created: work.nowS,
    currency: 'usd',
    description: given.description ?? null,
    destination: destination.id,
    destination_payment: payment.id,
    livemode: false,
    metadata: mergedMetadata(null, given.metadata),
    reversals: { object: 'list', data: [], has_more: false, url: `/v1/transfers/${id}/reversals` },
    reversed: false,
    source_transaction: given.source_transaction ?? null,
    source_type: 'card',
    transfer_group: given.transfer_group ?? null,
  }
  work.add('transfer', transfer)
  emit(work, 'transfer.created', transfer)
  return transfer
}

export async function retrieveTransfer(work: Work, _given: unknown, [id = '']: string[]) {
  return must(work, 'transfer', id, null)
}

export async function updateTransfer(work: Work, given: z.output<typeof TRANSFER_UPDATE>, [id = '']: string[]) {
  const before = await must(work, 'transfer', id, null)
  const after: Transfer = {
    ...before,
    description: given.description ?? before.description,
    metadata: mergedMetadata(before.metadata, given.metadata),
  }
  work.put('transfer', after)
  emit(work, 'transfer.updated', after, { metadata: before.metadata })
  return after
}

export async function listTransfers(work: Work, given: z.output<typeof TRANSFER_LIST>) {
  return listed(work, 'transfer', '/v1/transfers', given, (one) =>
    equal(one, { destination: given.destination, transfer_group: given.transfer_group }),
  )
}

/** @throws refusal `balance_insufficient` when the destination has spent it */
export async function createReversal(work: Work, given: z.output<typeof REVERSAL_CREATE>, [id = '']: string[]) {
  const before = await must(work, 'transfer', id, null)
  const left = before.amount - before.amount_reversed
  const amount = given.amount ?? left
  if (left === 0) throw refused(`Transfer ${id} is already fully reversed.`)
  if (amount > left)
    throw refused(
      `Transfer reversal amount ($${amount / 100}) is greater than unreversed amount on transfer ($${left / 100}).`,
      { param: 'amount' },
    )
  const there = work.as(idOf(before.destination) ?? '')
  if ((await standing(there)).available < amount)
    throw refused('The destination account does not have sufficient available funds for this reversal.', {
      code: 'balance_insufficient',
    })
  return reverse(work, before, { amount, metadata: mergedMetadata(null, given.metadata) })
}

export async function retrieveReversal(work: Work, _given: unknown, [transferId = '', id = '']: string[]) {
  const found = await must(work, 'transfer_reversal', id, null)
  if (found.transfer !== transferId) throw missing('transfer reversal', id, null)
  return found
}

export async function listReversals(work: Work, given: z.output<typeof REVERSAL_LIST>, [id = '']: string[]) {
  await must(work, 'transfer', id, null)
  const found: Stripe.TransferReversal[] = []
  for await (const one of work.all('transfer_reversal')) if (one.transfer === id) found.push(one)
  return paged(found, `/v1/transfers/${id}/reversals`, given)
}

// --- below: how -----------------------------------------------------------------------------------------------------

/** When the money of a transfer is there. @throws refusal `balance_insufficient` */
async function fundsFor(work: Work, given: z.output<typeof TRANSFER_CREATE>): Promise<number> {
  if (given.source_transaction === undefined) {
    if ((await standing(work)).available >= given.amount) return work.nowS
    throw refused(
      'You have insufficient available funds in your Stripe account. Try adding funds directly to your available balance by creating Charges using the 4000000000000077 test card. See: https://stripe.com/docs/testing#available-balance',
      { code: 'balance_insufficient' },
    )
  }
  const charge = await must(work, 'charge', given.source_transaction, 'source_transaction')
  let moved = 0
  for await (const one of work.all('transfer')) if (one.source_transaction === charge.id) moved += one.amount
  if (charge.status !== 'succeeded' || moved + given.amount > charge.amount)
    throw refused(
      `Transfers using this transaction as a source must not exceed the source amount of $${charge.amount / 100}.`,
      {
        param: 'amount',
      },
    )
  const transaction = await work.find('balance_transaction', idOf(charge.balance_transaction) ?? '')
  return transaction?.available_on ?? work.nowS
}

async function reverse(work: Work, before: Transfer, given: { amount: number; metadata: Record<string, string> }) {
  const { amount } = given
  const id = work.id('trr')
  const there = work.as(idOf(before.destination) ?? '')
  const refundId = there.id('pyr')
  move(there, { type: 'payment_refund', category: 'refund', amount: -amount, source: refundId })
  const reversal: Stripe.TransferReversal = {
    id,
    object: 'transfer_reversal',
    amount,
    balance_transaction: move(work, { type: 'transfer_refund', category: 'transfer_reversal', amount, source: id }),
    created: work.nowS,
    currency: 'usd',
    destination_payment_refund: refundId,
    metadata: given.metadata,
    source_refund: null,
    transfer: before.id,
  }
  work.add('transfer_reversal', reversal)
  const reversed = before.amount_reversed + amount
  const after: Transfer = {
    ...before,
    amount_reversed: reversed,
    reversed: reversed === before.amount,
    reversals: { ...before.reversals, data: [reversal, ...before.reversals.data] },
  }
  work.put('transfer', after)
  emit(work, 'transfer.reversed', after, { amount_reversed: before.amount_reversed, reversed: before.reversed })
  return reversal
}
