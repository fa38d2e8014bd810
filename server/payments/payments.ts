// The port to whoever takes the money, in our own words.
// owns: what we ask of a payment provider and what we are told. never: the provider's SDK (stripe.ts); a credit.
// always true: what is `seen` is read from the provider's objects, never from an event's body; amounts are cents of US
// dollars unless `currency` says otherwise.

import type { Deps } from '../deps.ts'

export type Mode = 'sandbox' | 'test' | 'live'

export type SessionSeen = {
  id: string
  checkoutId: string | null
  paymentIntent: string | null
  status: 'open' | 'complete' | 'expired'
  url: string | null
  clientSecret: string | null
  livemode: boolean
}

export type RefundSeen = { id: string; ourId: string | null; cents: number; status: 'pending' | 'succeeded' | 'failed' }

export type DisputeSeen = {
  id: string
  cents: number
  reason: string
  status: string
  standing: 'open' | 'won' | 'lost'
  /** Money taken (negative) and given back (positive), one by one; they are only ever added to. */
  moves: { id: string; cents: number }[]
}

export type CardSeen = { customer: string; paymentMethod: string; brand: string; last4: string }

export type PaymentSeen = {
  id: string
  checkoutId: string | null
  status: string
  receivedCents: number
  currency: string
  livemode: boolean
  failure: string | null
  charge: string | null
  /** Names a card across customers, without being its number. */
  fingerprint: string | null
  /** The card, when its person agreed that it is kept for later. */
  savedCard: CardSeen | null
  refunds: RefundSeen[]
  disputes: DisputeSeen[]
}

export type NewSession = {
  checkoutId: string
  packageName: string
  cents: number
  successUrl: string
  cancelUrl: string
  embedded: boolean
  saveCard: boolean
  customer: string | null
}

export type AccountSeen = {
  id: string
  payoutsEnabled: boolean
  transfersActive: boolean
  detailsSubmitted: boolean
  disabledReason: string | null
  due: string[]
}

export type TransferSeen = { id: string; cents: number; reversedCents: number; ourId: string | null }

/** A payout from a publisher's account to their bank, once it is over. `at`: when it was made there, ms. */
export type BankPayoutSeen = { id: string; cents: number; status: 'paid' | 'failed'; code: string; at: number }

export type TransactionSeen = {
  id: string
  type: string
  category: string
  source: string | null
  cents: number
  feeCents: number
  netCents: number
  currency: string
  at: number
}

/** What an event is about; its content is not believed, only looked at again. */
export type Subject =
  | { kind: 'payment'; id: string }
  | { kind: 'session'; id: string }
  | { kind: 'charge'; id: string }
  | { kind: 'warning'; charge: string; id: string }
  | { kind: 'account'; id: string }
  | { kind: 'transfer'; id: string }
  | { kind: 'bank_payout'; account: string | null; id: string; failed: boolean }
export type EventSeen = { id: string; type: string; at: number; livemode: boolean; subject: Subject | null }

/** A refusal that is final for the request as it was made: nothing happened there, and nothing will. */
export type Refused = { refused: { code: string; message: string } }

export type People = {
  endSession(sessionId: string, outcome: 'paid' | 'declined' | 'expired'): Promise<void>
  /** Undefined when there is no such link; `stale` when it was opened before or is too old. */
  openLink(
    token: string,
  ): Promise<{ account: string; returnUrl: string; refreshUrl: string; stale: boolean } | undefined>
  completeOnboarding(account: string): Promise<void>
}

/** Every method may throw: then it is not known whether anything happened there. */
export type Payments = {
  readonly mode: Mode
  readonly livemode: boolean
  readonly publishableKey: string | null
  createSession(asked: NewSession): Promise<SessionSeen>
  session(id: string): Promise<SessionSeen | null>
  /** No effect on a session that is over. */
  expireSession(id: string): Promise<void>
  payment(id: string): Promise<PaymentSeen | null>
  paymentOfCharge(chargeId: string): Promise<string | null>
  /** Charges a saved card while its person is away. */
  chargeSaved(asked: { checkoutId: string; cents: number; card: CardSeen }): Promise<Refused | PaymentSeen>
  /** A charge of a saved card that was begun before, by our checkout. */
  findPayment(checkoutId: string, customer: string): Promise<string | null>
  /** Takes a card from its customer for good; no effect on one that is detached, or gone. */
  detachCard(asked: { id: string; attempt: number }): Promise<void>
  refund(asked: { id: string; paymentIntent: string; cents: number; attempt: number }): Promise<Refused | RefundSeen>
  createAccount(asked: { userId: string; email: string }): Promise<string>
  account(id: string): Promise<AccountSeen | null>
  /** A page of the provider where the account's owner fills in what is missing; usable once. */
  accountLink(id: string, urls: { refresh: string; return: string }): Promise<string>
  transfer(asked: { id: string; account: string; cents: number; attempt: number }): Promise<Refused | TransferSeen>
  findTransfer(payoutId: string): Promise<TransferSeen | null>
  transferById(id: string): Promise<TransferSeen | null>
  /** Null when there is none, and while its outcome is open. */
  bankPayout(id: string, account: string): Promise<BankPayoutSeen | null>
  /** Oldest first. */
  events(sinceMs: number): Promise<EventSeen[]>
  /** Oldest first, those made from `fromMs` on and before `toMs`. */
  transactions(fromMs: number, toMs: number): Promise<TransactionSeen[]>
  /** What stands at the provider now, available and pending, in cents. */
  balanceCents(): Promise<number>
  /** @returns the event, or null when the signature does not fit these bytes or is not of now */
  verifyEvent(raw: Buffer, signature: string, nowMs: number): Promise<EventSeen | null>
  /** What people do on the provider's pages; in the sandbox alone. */
  readonly people: People | null
}

export function isRefused<T extends object>(answer: Refused | T): answer is Refused {
  return 'refused' in answer
}

/** What the payments folder is handed. */
export type Port = Pick<Deps, 'db' | 'payments' | 'log' | 'metrics' | 'now' | 'id' | 'publicUrl'>
