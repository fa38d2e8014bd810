// Stripe, behind our port.
// owns: every call of Stripe's SDK, and the reading of its objects into our words. never: a decision about our books.
// always true: whatever moves money carries an idempotency key of ours; a refusal is told from an answer that was lost;
// no event's content is used but to know what to look at.

import Stripe from 'stripe'
import type { EventSeen, Mode, PaymentSeen, Payments } from './payments.ts'
import {
  accountSeen,
  bankPayoutSeen,
  disputeSeen,
  eventSeen,
  idOf,
  refundSeen,
  sessionSeen,
  transactionSeen,
  transferSeen,
} from './stripe-objects.ts'
import { failureOf, found, must, refusalOf, refusedOr } from './stripe-refusals.ts'

export type StripeSettings = {
  mode: Mode
  secretKey: string
  publishableKey: string | null
  webhookSecret: string | null
  /** Where the API is, when it is not Stripe's own (tests). */
  apiBase: string | null
  /** Answers in place of the network: the sandbox's stand-in, in this process. */
  fetch?: typeof fetch
  people?: Payments['people']
}

const PAGE = 100
/** What is read of the list of one customer or one payment, at most: a longer one is an accident. */
const LIST_MAX = 10_000
const TOLERANCE_S = 300
const TIMEOUT_MS = 20_000

/** The port, spoken over Stripe's SDK. */
export function stripePayments(settings: StripeSettings): Payments {
  const stripe = new Stripe(settings.secretKey, optionsOf(settings))
  const { mode, publishableKey, people = null } = settings
  return {
    mode,
    livemode: mode === 'live',
    publishableKey,
    people,
    ...sessionCalls(stripe),
    ...paymentCalls(stripe),
    ...accountCalls(stripe),
    ...bookCalls(stripe),
    verifyEvent: async (raw, signature, nowMs) => verified(stripe, settings.webhookSecret, { raw, signature, nowMs }),
  }
}

function optionsOf({ apiBase, fetch: answers }: StripeSettings): ConstructorParameters<typeof Stripe>[1] {
  const base = apiBase === null ? null : new URL(apiBase)
  return {
    maxNetworkRetries: 2,
    timeout: TIMEOUT_MS,
    telemetry: false,
    appInfo: { name: 'quota-wallet' },
    ...(answers ? { httpClient: Stripe.createFetchHttpClient(answers) } : {}),
    ...(base
      ? {
          protocol: base.protocol === 'https:' ? ('https' as const) : ('http' as const),
          host: base.hostname,
          port: base.port || (base.protocol === 'https:' ? 443 : 80),
        }
      : {}),
  }
}

function sessionCalls(stripe: Stripe): Pick<Payments, 'createSession' | 'session' | 'expireSession'> {
  return {
    createSession: async (asked) => {
      const { checkoutId, packageName, cents, embedded, saveCard, customer } = asked
      const product = { name: `${packageName} package`, description: 'Balance for AI in your apps. It never expires.' }
      const session = await stripe.checkout.sessions.create(
        {
          mode: 'payment',
          client_reference_id: checkoutId,
          metadata: { checkout: checkoutId },
          line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: cents, product_data: product } }],
          payment_intent_data: {
            metadata: { checkout: checkoutId },
            ...(saveCard ? { setup_future_usage: 'off_session' as const } : {}),
          },
          ...(customer ? { customer } : saveCard ? { customer_creation: 'always' as const } : {}),
          ...(embedded
            ? { ui_mode: 'embedded_page' as const, return_url: asked.successUrl }
            : { ui_mode: 'hosted_page' as const, success_url: asked.successUrl, cancel_url: asked.cancelUrl }),
        },
        { idempotencyKey: `checkout:${checkoutId}` },
      )
      return sessionSeen(session)
    },
    session: async (id) => found(async () => sessionSeen(await stripe.checkout.sessions.retrieve(id))),
    expireSession: async (id) => {
      try {
        await stripe.checkout.sessions.expire(id)
      } catch (error) {
        if (!refusalOf(error)) throw error // it is over already
      }
    },
  }
}

function paymentCalls(
  stripe: Stripe,
): Pick<Payments, 'payment' | 'paymentOfCharge' | 'chargeSaved' | 'findPayment' | 'detachCard' | 'refund'> {
  const payment = (id: string) => found(() => paymentSeen(stripe, id))
  return {
    payment,
    paymentOfCharge: (id) => found(async () => idOf((await stripe.charges.retrieve(id)).payment_intent)),
    chargeSaved: async ({ checkoutId, cents, card }) => {
      try {
        const made = await stripe.paymentIntents.create(
          {
            amount: cents,
            currency: 'usd',
            customer: card.customer,
            payment_method: card.paymentMethod,
            off_session: true,
            confirm: true,
            metadata: { checkout: checkoutId },
            description: 'Automatic top-up',
          },
          { idempotencyKey: `auto:${checkoutId}` },
        )
        return must(await payment(made.id), made.id)
      } catch (error) {
        // A declined card leaves a payment behind that says so (https://docs.stripe.com/error-handling#payment-errors).
        const left = error instanceof Stripe.errors.StripeCardError ? error.payment_intent?.id : undefined
        if (left) return { ...must(await payment(left), left), failure: failureOf(error) }
        return refusedOr(error)
      }
    },
    findPayment: async (checkoutId, customer) => {
      const made = await stripe.paymentIntents.list({ customer, limit: PAGE }).autoPagingToArray({ limit: LIST_MAX })
      return made.find(({ metadata }) => metadata.checkout === checkoutId)?.id ?? null
    },
    detachCard: async ({ id, attempt }) => {
      try {
        await stripe.paymentMethods.detach(id, {}, { idempotencyKey: `detach:${id}:${attempt}` })
      } catch (error) {
        if (!refusalOf(error)) throw error
        const left = await found(() => stripe.paymentMethods.retrieve(id))
        if (left && left.customer !== null) throw error // refused, and it could still be charged
      }
    },
    refund: async ({ id, paymentIntent, cents, attempt }) => {
      try {
        const refund = await stripe.refunds.create(
          { payment_intent: paymentIntent, amount: cents, metadata: { refund: id } },
          { idempotencyKey: `refund:${id}:${attempt}` },
        )
        return refundSeen(refund)
      } catch (error) {
        return refusedOr(error)
      }
    },
  }
}

async function paymentSeen(stripe: Stripe, id: string): Promise<PaymentSeen> {
  const intent = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge', 'payment_method'] })
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
  const paid = intent.status === 'succeeded'
  const refunds = paid
    ? await stripe.refunds.list({ payment_intent: id, limit: PAGE }).autoPagingToArray({ limit: LIST_MAX })
    : []
  const disputes = paid
    ? await stripe.disputes.list({ payment_intent: id, limit: PAGE }).autoPagingToArray({ limit: LIST_MAX })
    : []
  const method = typeof intent.payment_method === 'object' ? intent.payment_method : null
  const customer = idOf(intent.customer)
  const kept = paid && intent.setup_future_usage === 'off_session' && customer && method
  return {
    id: intent.id,
    checkoutId: intent.metadata.checkout ?? null,
    status: intent.status,
    receivedCents: intent.amount_received,
    currency: intent.currency,
    livemode: intent.livemode,
    failure: intent.last_payment_error
      ? (intent.last_payment_error.decline_code ?? intent.last_payment_error.code ?? 'failed')
      : null,
    charge: charge?.id ?? idOf(intent.latest_charge),
    fingerprint: charge?.payment_method_details?.card?.fingerprint ?? null,
    savedCard: kept
      ? {
          customer,
          paymentMethod: method.id,
          brand: method.card?.brand ?? method.type,
          last4: method.card?.last4 ?? '',
        }
      : null,
    refunds: refunds.map(refundSeen),
    disputes: disputes.map(disputeSeen),
  }
}

function accountCalls(
  stripe: Stripe,
): Pick<
  Payments,
  'createAccount' | 'account' | 'accountLink' | 'transfer' | 'findTransfer' | 'transferById' | 'bankPayout'
> {
  return {
    createAccount: async ({ userId, email }) => {
      const account = await stripe.accounts.create(
        { type: 'express', email, metadata: { user: userId }, capabilities: { transfers: { requested: true } } },
        { idempotencyKey: `account:${userId}` },
      )
      return account.id
    },
    account: (id) => found(async () => accountSeen(await stripe.accounts.retrieve(id))),
    accountLink: async (account, urls) => {
      const link = await stripe.accountLinks.create({
        account,
        type: 'account_onboarding',
        refresh_url: urls.refresh,
        return_url: urls.return,
      })
      return link.url
    },
    transfer: async ({ id, account, cents, attempt }) => {
      try {
        const made = await stripe.transfers.create(
          {
            amount: cents,
            currency: 'usd',
            destination: account,
            transfer_group: `payout_${id}`,
            metadata: { payout: id },
            description: 'Earnings',
          },
          { idempotencyKey: `payout:${id}:${attempt}` },
        )
        return transferSeen(made)
      } catch (error) {
        return refusedOr(error)
      }
    },
    findTransfer: async (id) => {
      const [made] = (await stripe.transfers.list({ transfer_group: `payout_${id}`, limit: 1 })).data
      return made ? transferSeen(made) : null
    },
    transferById: (id) => found(async () => transferSeen(await stripe.transfers.retrieve(id))),
    bankPayout: (id, stripeAccount) =>
      found(async () => bankPayoutSeen(await stripe.payouts.retrieve(id, {}, { stripeAccount }))),
  }
}

// The newest come first, so a list that is cut off lacks the oldest: whoever goes on from a mark would never meet them.
async function allOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of list) all.push(one)
  return all
}

function bookCalls(stripe: Stripe): Pick<Payments, 'events' | 'transactions' | 'balanceCents'> {
  return {
    events: async (sinceMs) => {
      const created = { gte: Math.floor(sinceMs / 1000) }
      return (await allOf(stripe.events.list({ created, limit: PAGE }))).map(eventSeen).reverse()
    },
    transactions: async (fromMs, toMs) => {
      const created = { gte: Math.floor(fromMs / 1000), lt: Math.ceil(toMs / 1000) }
      return (await allOf(stripe.balanceTransactions.list({ created, limit: PAGE }))).map(transactionSeen).reverse()
    },
    balanceCents: async () => {
      const { available, pending } = await stripe.balance.retrieve()
      const dollars = [...available, ...pending].filter(({ currency }) => currency === 'usd')
      return dollars.reduce((sum, { amount }) => sum + amount, 0)
    },
  }
}

function verified(
  stripe: Stripe,
  secret: string | null,
  { raw, signature, nowMs }: { raw: Buffer; signature: string; nowMs: number },
): EventSeen | null {
  if (!secret) return null
  // The SDK refuses what is too old; what claims to come from the future is refused here.
  const at = Number(/(?:^|,)t=(\d{1,12})(?:,|$)/.exec(signature)?.[1] ?? Number.NaN)
  if (!(at <= nowMs / 1000 + TOLERANCE_S)) return null
  for (const one of secret.split(',')) {
    try {
      return eventSeen(stripe.webhooks.constructEvent(raw, signature, one, TOLERANCE_S, undefined, nowMs))
    } catch {
      // not by this secret, or not at all
    }
  }
  return null
}
