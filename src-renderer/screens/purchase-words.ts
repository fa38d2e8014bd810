// What became of a purchase, in words.
// owns: the sentence for each status and each bank's reason. never: a figure that is not in the record.
// always true: pure; it says whether money was taken, and whether more is to come.

import type { Topup } from '../../server/contract/records.ts'
import { money } from '../format.ts'
import type { Tone } from '../ui/bits.tsx'
import { say } from '../words.ts'

export type PurchaseWords = { label: string; tone: Tone; why: string | null }

/** The bank's codes that a person can act on (https://docs.stripe.com/declines/codes); the others say no more than "no". */
const REASONS: Record<string, string> = {
  insufficient_funds: say('there was not enough money on the card'),
  expired_card: say('the card has expired'),
  incorrect_cvc: say('the security code was wrong'),
  incorrect_number: say('the card number was wrong'),
  authentication_required: say('your bank wants you to confirm it yourself'),
  card_velocity_exceeded: say('the card is over its limit'),
  withdrawal_count_limit_exceeded: say('the card is over its limit'),
  card_not_supported: say('this card cannot be used for it'),
  currency_not_supported: say('this card cannot pay in dollars'),
  processing_error: say('something went wrong at the bank'),
  no_card: say('there was no saved card'),
}

/** The end of a sentence: why a payment was refused. */
const because = (topup: Topup): string => REASONS[topup.failure ?? ''] ?? say('your bank did not say why')

/** A purchase as its person should read it. */
export function purchaseWords(topup: Topup): PurchaseWords {
  if (topup.status === 'paid') return paidWords(topup)
  const words: Record<Exclude<Topup['status'], 'paid'>, PurchaseWords> = {
    pending: {
      label: topup.auto ? say('Being charged') : say('Not finished'),
      tone: 'plain',
      why: topup.auto
        ? say('Your saved card is being charged.')
        : say('Nothing is charged until you pay on the payment page.'),
    },
    processing: {
      label: say('Under way'),
      tone: 'plain',
      why: say('This way of paying takes some days. The money appears by itself when it arrives.'),
    },
    declined: {
      label: say('Declined'),
      tone: 'bad',
      why: say('It was refused: {reason}. Nothing was charged.', { reason: because(topup) }),
    },
    failed: {
      label: say('Failed'),
      tone: 'bad',
      why: say('The payment did not arrive: {reason}. Nothing was added.', { reason: because(topup) }),
    },
    expired: {
      label: say('Expired'),
      tone: 'plain',
      why: say('The payment was not finished in time. Nothing was charged.'),
    },
  }
  return words[topup.status]
}

function paidWords(topup: Topup): PurchaseWords {
  const { returned_credits: returned = 0, refunding_credits: refunding = 0, dispute } = topup
  if (dispute === 'open') {
    const why = say('Your bank asks for this payment back. What is left of it is set aside until that is decided.')
    return { label: say('Disputed'), tone: 'warn', why }
  }
  if (dispute === 'lost') {
    return {
      label: say('Taken back'),
      tone: 'bad',
      why: say('Your bank took this payment back ({sum}).', { sum: money(returned) }),
    }
  }
  if (refunding > 0) {
    return {
      label: say('Refund under way'),
      tone: 'plain',
      why: say('{sum} is on its way to your card.', { sum: money(refunding) }),
    }
  }
  if (returned > 0) {
    const label = returned === topup.balance_credits ? say('Refunded') : say('Partly refunded')
    return { label, tone: 'plain', why: say('{sum} went back to your card.', { sum: money(returned) }) }
  }
  const why = dispute === 'won' ? say('Your bank asked for this payment back; that is over, and it stands.') : null
  return { label: say('Paid'), tone: 'good', why }
}
