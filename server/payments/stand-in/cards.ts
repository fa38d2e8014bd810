// Test cards: https://docs.stripe.com/testing
// owns: what each number, and each ready-made payment method, does. never: an object of a customer.
// always true: a card that is not listed does not exist here.

export type Plastic = {
  type: 'card' | 'us_bank_account'
  brand: 'visa' | 'mastercard' | 'amex' | 'bank'
  last4: string
  /** The bank says no, with this code. */
  declines?: string
  /** Saving works, charging a saved one does not. */
  declinesSaved?: boolean
  /** `always`, or only until it was set up for later use. */
  asks?: 'always' | 'unless set up'
  disputes?: 'fraudulent' | 'product_not_received' | 'inquiry'
  warns?: boolean
  refunds?: 'pending' | 'fails'
  /** Its money is available at once. */
  bypassesPending?: boolean
  /** It was taken off its customer, and can never be charged again. */
  isSpent?: boolean
  /** Its person has agreed to later payments. */
  isSetUp?: boolean
}

const visa = (last4: string, does: Partial<Plastic> = {}): Plastic => ({ type: 'card', brand: 'visa', last4, ...does })

/** By number; the name is the ready-made payment method `pm_card_…`. */
const CARDS: readonly { number: string; names: string[]; plastic: Plastic }[] = [
  { number: '4242424242424242', names: ['visa'], plastic: visa('4242') },
  { number: '5555555555554444', names: ['mastercard'], plastic: { type: 'card', brand: 'mastercard', last4: '4444' } },
  { number: '378282246310005', names: ['amex'], plastic: { type: 'card', brand: 'amex', last4: '0005' } },
  declining('4000000000000002', ['chargeDeclined', 'visa_chargeDeclined'], 'generic_decline'),
  declining(
    '4000000000009995',
    ['chargeDeclinedInsufficientFunds', 'visa_chargeDeclinedInsufficientFunds'],
    'insufficient_funds',
  ),
  declining('4000000000009987', ['chargeDeclinedLostCard', 'visa_chargeDeclinedLostCard'], 'lost_card'),
  declining('4000000000009979', ['chargeDeclinedStolenCard', 'visa_chargeDeclinedStolenCard'], 'stolen_card'),
  declining('4000000000000069', ['chargeDeclinedExpiredCard'], 'expired_card'),
  declining('4000000000000127', ['chargeDeclinedIncorrectCvc'], 'incorrect_cvc'),
  declining('4000000000000119', ['chargeDeclinedProcessingError'], 'processing_error'),
  declining(
    '4000000000006975',
    ['chargeDeclinedVelocityLimitExceeded', 'visa_chargeDeclinedVelocityLimitExceeded'],
    'card_velocity_exceeded',
  ),
  declining('4100000000000019', ['radarBlock'], 'fraudulent'),
  { number: '4000000000000341', names: ['chargeCustomerFail'], plastic: visa('0341', { declinesSaved: true }) },
  { number: '4000002760003184', names: ['authenticationRequired'], plastic: visa('3184', { asks: 'always' }) },
  {
    number: '4000002500003155',
    names: ['authenticationRequiredOnSetup'],
    plastic: visa('3155', { asks: 'unless set up' }),
  },
  {
    number: '4000008260003178',
    names: ['authenticationRequiredChargeDeclinedInsufficientFunds'],
    plastic: visa('3178', { asks: 'always', declines: 'insufficient_funds' }),
  },
  { number: '4000000000000259', names: ['createDispute'], plastic: visa('0259', { disputes: 'fraudulent' }) },
  {
    number: '4000000000002685',
    names: ['createDisputeProductNotReceived'],
    plastic: visa('2685', { disputes: 'product_not_received' }),
  },
  { number: '4000000000001976', names: ['createDisputeInquiry'], plastic: visa('1976', { disputes: 'inquiry' }) },
  { number: '4000000000005423', names: ['createIssuerFraudRecord'], plastic: visa('5423', { warns: true }) },
  { number: '4000000000007726', names: ['pendingRefund'], plastic: visa('7726', { refunds: 'pending' }) },
  { number: '4000000000005126', names: ['refundFail'], plastic: visa('5126', { refunds: 'fails' }) },
  { number: '4000000000000077', names: ['bypassPending'], plastic: visa('0077', { bypassesPending: true }) },
]
const BANK: Plastic = { type: 'us_bank_account', brand: 'bank', last4: '6789' }

function declining(number: string, names: string[], declines: string) {
  return { number, names, plastic: visa(number.slice(-4), { declines }) }
}

/** By number (spaces allowed). */
export function cardNumbered(number: string): Plastic | undefined {
  const digits = number.replaceAll(' ', '')
  return CARDS.find((card) => card.number === digits)?.plastic
}

/** By the name of a ready-made payment method: `pm_card_visa`, `pm_usBankAccount`. */
export function plasticNamed(name: string): Plastic | undefined {
  if (name === 'pm_usBankAccount') return BANK
  return CARDS.find(({ names }) => names.some((one) => `pm_card_${one}` === name))?.plastic
}

/** What a decline is called: https://docs.stripe.com/declines/codes, https://docs.stripe.com/error-codes */
export function declineOf(code: string): { code: string; message: string; advice: string } {
  return DECLINES[code] ?? { code: 'card_declined', message: 'Your card was declined.', advice: 'try_again_later' }
}

const DECLINES: Record<string, { code: string; message: string; advice: string }> = {
  authentication_required: {
    code: 'authentication_required',
    message: 'Your card was declined. This transaction requires authentication.',
    advice: 'try_again_later',
  },
  card_velocity_exceeded: {
    code: 'card_declined',
    message: 'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
    advice: 'try_again_later',
  },
  expired_card: { code: 'expired_card', message: 'Your card has expired.', advice: 'do_not_try_again' },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    message: "Your card's security code is incorrect.",
    advice: 'confirm_card_data',
  },
  insufficient_funds: {
    code: 'card_declined',
    message: 'Your card has insufficient funds.',
    advice: 'try_again_later',
  },
  lost_card: { code: 'card_declined', message: 'Your card was declined.', advice: 'do_not_try_again' },
  stolen_card: { code: 'card_declined', message: 'Your card was declined.', advice: 'do_not_try_again' },
  fraudulent: { code: 'card_declined', message: 'Your card was declined.', advice: 'do_not_try_again' },
  processing_error: {
    code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
    advice: 'try_again_later',
  },
}
