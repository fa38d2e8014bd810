// What became of a purchase, in words.
// owns: the sentence for each status and each bank's reason. never: a figure that is not in the record.
// always true: pure; it says whether money was taken, and whether more is to come.

import type { Topup } from '../../server/contract/records.ts'
import { money } from '../format.ts'
import type { Tone } from '../ui/bits.tsx'

export type PurchaseWords = { label: string; tone: Tone; why: string | null }

/** The bank's codes that a person can act on (https://docs.stripe.com/declines/codes); the others say no more than "no". */
const REASONS: Record<string, string> = {
  insufficient_funds: 'there was not enough money on the card',
  expired_card: 'the card has expired',
  incorrect_cvc: 'the security code was wrong',
  incorrect_number: 'the card number was wrong',
  authentication_required: 'your bank wants you to confirm it yourself',
  card_velocity_exceeded: 'the card is over its limit',
  withdrawal_count_limit_exceeded: 'the card is over its limit',
  card_not_supported: 'this card cannot be used for it',
  currency_not_supported: 'this card cannot pay in dollars',
  processing_error: 'something went wrong at the bank',
  no_card: 'there was no saved card',
}

/** The end of a sentence: why a payment was refused. */
const because = (topup: Topup): string => REASONS[topup.failure ?? ''] ?? 'your bank did not say why'

/** A purchase as its person should read it. */
export function purchaseWords(topup: Topup): PurchaseWords {
  if (topup.status === 'paid') return paidWords(topup)
  const words: Record<Exclude<Topup['status'], 'paid'>, PurchaseWords> = {
    pending: {
      label: topup.auto ? 'Being charged' : 'Not finished',
      tone: 'plain',
      why: topup.auto ? 'Your saved card is being charged.' : 'Nothing is charged until you pay on the payment page.',
    },
    processing: {
      label: 'Under way',
      tone: 'plain',
      why: 'This way of paying takes some days. The money appears by itself when it arrives.',
    },
    declined: { label: 'Declined', tone: 'bad', why: `It was refused: ${because(topup)}. Nothing was charged.` },
    failed: { label: 'Failed', tone: 'bad', why: `The payment did not arrive: ${because(topup)}. Nothing was added.` },
    expired: { label: 'Expired', tone: 'plain', why: 'The payment was not finished in time. Nothing was charged.' },
  }
  return words[topup.status]
}

function paidWords(topup: Topup): PurchaseWords {
  const { returned_credits: returned = 0, refunding_credits: refunding = 0, dispute } = topup
  if (dispute === 'open') {
    const why = 'Your bank asks for this payment back. What is left of it is set aside until that is decided.'
    return { label: 'Disputed', tone: 'warn', why }
  }
  if (dispute === 'lost') {
    return { label: 'Taken back', tone: 'bad', why: `Your bank took this payment back (${money(returned)}).` }
  }
  if (refunding > 0) {
    return { label: 'Refund under way', tone: 'plain', why: `${money(refunding)} is on its way to your card.` }
  }
  if (returned > 0) {
    const label = returned === topup.balance_credits ? 'Refunded' : 'Partly refunded'
    return { label, tone: 'plain', why: `${money(returned)} went back to your card.` }
  }
  const why = dispute === 'won' ? 'Your bank asked for this payment back; that is over, and it stands.' : null
  return { label: 'Paid', tone: 'good', why }
}
