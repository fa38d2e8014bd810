// Who takes this server's money, by its settings.
// owns: the choice. never: a call. always true: with a key of Stripe's it is Stripe (or whoever answers in its place);
// without one the stand-in of the sandbox, in this process - and everything behind the port is the same.

import type { Config } from '../config.ts'
import type { Db } from '../db/db.ts'
import type { Payments } from './payments.ts'

type Given = { config: Config; db: Db; now: () => number; publicUrl: string }

const SANDBOX_KEY = 'sk_test_sandbox'

/** The port. Stripe's SDK (and in the sandbox the stand-in) is loaded when it is first asked for something, not at the start. */
export function openPayments(given: Given): Payments {
  const { config } = given
  const { mode } = config
  let loaded: Promise<Payments> | null = null
  const real = () => {
    loaded ??= load(given)
    return loaded
  }
  return {
    mode,
    livemode: config.livemode,
    publishableKey: config.STRIPE_PUBLISHABLE_KEY ?? null,
    createSession: async (asked) => (await real()).createSession(asked),
    session: async (id) => (await real()).session(id),
    expireSession: async (id) => (await real()).expireSession(id),
    payment: async (id) => (await real()).payment(id),
    paymentOfCharge: async (id) => (await real()).paymentOfCharge(id),
    chargeSaved: async (asked) => (await real()).chargeSaved(asked),
    findPayment: async (checkoutId, customer) => (await real()).findPayment(checkoutId, customer),
    detachCard: async (asked) => (await real()).detachCard(asked),
    refund: async (asked) => (await real()).refund(asked),
    createAccount: async (asked) => (await real()).createAccount(asked),
    account: async (id) => (await real()).account(id),
    accountLink: async (id, urls) => (await real()).accountLink(id, urls),
    transfer: async (asked) => (await real()).transfer(asked),
    findTransfer: async (id) => (await real()).findTransfer(id),
    transferById: async (id) => (await real()).transferById(id),
    bankPayout: async (id, account) => (await real()).bankPayout(id, account),
    events: async (sinceMs) => (await real()).events(sinceMs),
    transactions: async (fromMs, toMs) => (await real()).transactions(fromMs, toMs),
    balanceCents: async () => (await real()).balanceCents(),
    verifyEvent: async (raw, signature, nowMs) => (await real()).verifyEvent(raw, signature, nowMs),
    people:
      mode === 'sandbox'
        ? {
            endSession: async (id, outcome) => (await real()).people?.endSession(id, outcome),
            openLink: async (token) => (await real()).people?.openLink(token),
            completeOnboarding: async (id) => (await real()).people?.completeOnboarding(id),
          }
        : null,
  }
}

async function load({ config, db, now, publicUrl }: Given): Promise<Payments> {
  const { stripePayments } = await import('./stripe.ts')
  const { mode } = config
  if (mode !== 'sandbox') {
    return stripePayments({
      mode,
      secretKey: config.STRIPE_SECRET_KEY ?? '',
      publishableKey: config.STRIPE_PUBLISHABLE_KEY ?? null,
      webhookSecret: config.STRIPE_WEBHOOK_SECRET ?? null,
      apiBase: config.STRIPE_API_BASE ?? null,
    })
  }
  const { standIn } = await import('./stand-in/stand-in.ts')
  const { dbStore } = await import('./stand-in/store-db.ts')
  const there = standIn({
    now,
    store: dbStore(db),
    secretKey: SANDBOX_KEY,
    settings: { pageUrl: (path) => `${publicUrl}/sandbox/${path}` },
  })
  const people: NonNullable<Payments['people']> = {
    endSession: async (session, outcome) => {
      if (outcome === 'paid') await there.pay(session)
      else {
        if (outcome === 'declined') await there.decline(session)
        if ((await there.session(session))?.status === 'open') await there.expire(session)
      }
    },
    openLink: there.openAccountLink,
    completeOnboarding: async (account) => void (await there.completeOnboarding(account)),
  }
  return stripePayments({
    mode,
    secretKey: SANDBOX_KEY,
    publishableKey: null,
    webhookSecret: null,
    apiBase: null,
    fetch: there.fetch,
    people,
  })
}
