// The stand-in for Stripe, put together.
// owns: its wiring, and the verbs for what happens outside the API (people, banks, the clock). never: a rule of an object.
// always true: every verb is one unit of work, with the events that tell of it.

import type Stripe from 'stripe'
import { completeOnboarding, openLink, type Restriction, restrict } from './accounts.ts'
import { move } from './balance.ts'
import { cardNumbered, type Plastic, plasticNamed } from './cards.ts'
import { bookCharge } from './charges.ts'
import { expireDue, expireSession } from './checkout.ts'
import { type Answered, answerBank, type Paid, type PayWith, paySession, settleIntent } from './checkout-pay.ts'
import { closeDisputeAs, escalate, type Opening, openDispute, warn } from './disputes.ts'
import { type Asking, type Ending, type Exchange, type ExchangeDeps, exchange } from './exchange.ts'
import { type FaultPlan, faultPlan } from './faults.ts'
import { asFetch, type Listening, listen } from './http.ts'
import { forgetOld } from './idempotency.ts'
import { stripeId } from './ids.ts'
import { endPayout, payOutAll } from './payouts.ts'
import { endRefund } from './refunds.ts'
import { memoryStore, type Store } from './store.ts'
import { createReversal } from './transfers.ts'
import {
  deliverDue,
  type Endpoint,
  overHttp,
  type Post,
  releaseHeld,
  type Sent,
  type WebhookDeps,
  wanted,
} from './webhooks.ts'
import { type Settings, type Work, workOver } from './work.ts'

export type StandInOptions = {
  /** Milliseconds since the epoch. */
  now: () => number
  /** What it remembers; in memory when not given. */
  store?: Store
  /** The only key it takes; any `sk_test_…` when not given. */
  secretKey?: string
  settings?: Partial<Settings>
  endpoints?: readonly Endpoint[]
  /** Sends webhooks by itself as soon as there are any; else `deliver()` does. */
  delivers?: boolean
  newId?: (prefix: string) => string
  post?: Post
  /** Hears every request with its answer, before the answer is sent. What it throws fails the exchange. */
  onExchange?: (exchange: Exchange) => void
  /** Hears every event as it is sent. */
  onEvent?: (event: Stripe.Event) => void
}

/** How a person pays: a test card's number, a ready-made method's name (`pm_card_visa`), or a saved method's id. */
export type PayHow = { card?: string; method?: string; saved?: string; email?: string }

export type StandIn = ReturnType<typeof standIn>

const SETTINGS: Settings = {
  pageUrl: (path) => `https://stand-in.invalid/${path}`,
  availableAfterDays: 2,
  disputeFeeCents: 1500,
  balanceTransactions: 'at once',
}

/** A stand-in for Stripe; see the files beside this one for what it knows. */
export function standIn(options: StandInOptions) {
  const core = wire(options)
  const { answer, plan, unit, webhooks, endpoints } = core
  let forgetAtMs = 0
  return {
    /** Answers one request, without a socket. */
    answer,
    /** The same in the manner of `fetch`, for `Stripe.createFetchHttpClient`. */
    fetch: asFetch(answer),
    listen: (port?: number): Promise<Listening> => listen(answer, port),
    faults: { requests: plan.requests, webhooks: plan.webhooks, clear: plan.clear, left: plan.left },
    /** One more place that hears of events from now on. */
    subscribe: (endpoint: Endpoint): void => void endpoints.push(endpoint),
    /** Sends all webhooks that are due by the clock, once. */
    deliver: core.deliver,
    /** Sends what a fault holds back, in an order of the caller's choice. */
    release: (order: Parameters<typeof releaseHeld>[1] = (events) => events): Promise<Sent[]> =>
      releaseHeld(webhooks, order),
    /** What the clock asks for: sessions expire, webhooks are sent. Anyone may call it, at any time. */
    tick: async (): Promise<void> => {
      await unit('', NOBODY, expireDue)
      if (options.now() >= forgetAtMs) {
        forgetAtMs = options.now() + FORGET_EVERY_MS
        await unit('', NOBODY, forgetOld)
      }
      await core.deliver()
    },
    ...paymentVerbs(unit),
    ...bankVerbs(unit),
    ...connectVerbs(unit),
  }
}

type Unit = <T>(owner: string, asked: Work['asked'], act: (work: Work) => Promise<T>) => Promise<T>
const FORGET_EVERY_MS = 3_600_000
const NOBODY = { id: null, idempotency_key: null }

/** The parts, tied together. */
function wire(options: StandInOptions) {
  const { now, store = memoryStore(), newId = stripeId, post = overHttp } = options
  const settings: Settings = { ...SETTINGS, ...options.settings }
  const plan: FaultPlan = faultPlan()
  const endpoints: Endpoint[] = [...(options.endpoints ?? [])]
  const wants = (type: string, owner: string) => wanted(endpoints, type, owner)

  const bare: Unit = (owner, asked, act) =>
    store.work(async (reader) => {
      const nowS = Math.floor(now() / 1000)
      const { work, writes } = workOver(reader, { nowS, owner, asked, settings, id: newId, endpoints: wants })
      return { result: await act(work), writes: writes() }
    })
  const webhooks: WebhookDeps = {
    now,
    plan,
    endpoints: () => endpoints,
    post,
    work: (act) => bare('', NOBODY, act),
    onEvent: options.onEvent,
  }
  // One round at a time; whoever asks during a round gets the one after it.
  let round: Promise<Sent[]> = Promise.resolve([])
  const deliver = (): Promise<Sent[]> => (round = round.catch(() => []).then(() => deliverDue(webhooks)))
  const unit: Unit = async (owner, asked, act) => {
    const result = await bare(owner, asked, act)
    if (options.delivers) void deliver().catch(() => undefined)
    return result
  }
  const deps: ExchangeDeps = {
    plan,
    secretKey: options.secretKey,
    running: new Set(),
    newId,
    work: unit,
    onExchange: options.onExchange,
  }
  const answer = (asking: Asking): Promise<Ending> => exchange(deps, asking)
  return { answer, plan, unit, webhooks, endpoints, deliver }
}

/** What people do on the payment page, and their banks with what is not decided at once. */
function paymentVerbs(unit: Unit) {
  const at = <T>(act: (work: Work) => Promise<T>): Promise<T> => unit('', NOBODY, act)
  return {
    /** Pays a session; the card decides the outcome. A session that is over stays as it is, and `error` says so. */
    pay: (sessionId: string, how: PayHow = {}): Promise<Paid> =>
      at((work) => paySession(work, sessionId, payWith(how))),
    /** Tries a card that the bank refuses; the session stays open. */
    decline: (sessionId: string, code = 'generic_decline'): Promise<Paid> =>
      at((work) => paySession(work, sessionId, { plastic: { ...payPlastic('pm_card_visa'), declines: code } })),
    /** Ends an open session. */
    expire: (sessionId: string): Promise<Stripe.Checkout.Session> => at((work) => expireSession(work, {}, [sessionId])),
    /** A session as it stands; undefined when there is none. */
    session: (sessionId: string): Promise<Stripe.Checkout.Session | undefined> =>
      at((work) => work.find('checkout.session', sessionId)),
    /** The person answers their bank's question about an intent that `requires_action`. */
    authenticate: (intentId: string, passes = true): Promise<Answered> =>
      at((work) => answerBank(work, intentId, passes)),
    /** A delayed payment arrives. */
    settle: (intentId: string): Promise<Stripe.PaymentIntent> => at((work) => settleIntent(work, intentId, null)),
    /** A delayed payment fails. */
    fail: (intentId: string, code = 'insufficient_funds'): Promise<Stripe.PaymentIntent> =>
      at((work) => settleIntent(work, intentId, code)),
    /** A charge gets its balance transaction (`settings.balanceTransactions: 'later'`). */
    book: (chargeId: string): Promise<Stripe.Charge> => at((work) => bookCharge(work, chargeId)),
  }
}

/** What cardholders' banks and networks do later. */
function bankVerbs(unit: Unit) {
  const at = <T>(act: (work: Work) => Promise<T>): Promise<T> => unit('', NOBODY, act)
  return {
    refundArrives: (refundId: string): Promise<Stripe.Refund> => at((work) => endRefund(work, refundId, null)),
    refundFails: (refundId: string, reason = 'lost_or_stolen_card'): Promise<Stripe.Refund> =>
      at((work) => endRefund(work, refundId, reason)),
    dispute: (chargeId: string, opening?: Opening): Promise<Stripe.Dispute> =>
      at((work) => openDispute(work, chargeId, opening)),
    escalate: (disputeId: string): Promise<Stripe.Dispute> => at((work) => escalate(work, disputeId)),
    closeDispute: (disputeId: string, outcome: 'won' | 'lost' | 'warning_closed'): Promise<Stripe.Dispute> =>
      at((work) => closeDisputeAs(work, disputeId, outcome)),
    warnOfFraud: (chargeId: string): Promise<Stripe.Radar.EarlyFraudWarning> => at((work) => warn(work, chargeId)),
    /** Puts money on the platform's balance, available at once. */
    fund: (amountCents: number): Promise<void> =>
      at(async (work) => {
        move(work, {
          type: 'topup',
          category: 'topup',
          amount: amountCents,
          source: null,
          description: 'Funded by the test',
        })
      }),
  }
}

/** What publishers, Stripe and their banks do with connected accounts. */
function connectVerbs(unit: Unit) {
  const at = <T>(act: (work: Work) => Promise<T>): Promise<T> => unit('', NOBODY, act)
  return {
    /** Someone opens an onboarding link, by the last part of its address; undefined when there is no such link. */
    openAccountLink: (token: string) => at((work) => openLink(work, token)),
    /** The onboarding is done, or what was missing is there: the account may be paid. */
    completeOnboarding: (account: string): Promise<Stripe.Account> => at((work) => completeOnboarding(work, account)),
    restrict: (account: string, restriction?: Restriction): Promise<Stripe.Account> =>
      at((work) => restrict(work, account, restriction)),
    /** The daily payout of a connected account, or of the platform (''). */
    payOutAll: (account: string): Promise<Stripe.Payout | null> => unit(account, NOBODY, payOutAll),
    payoutPaid: (account: string, id: string): Promise<Stripe.Payout> =>
      unit(account, NOBODY, (work) => endPayout(work, id, null)),
    payoutFails: (account: string, id: string, code = 'account_closed'): Promise<Stripe.Payout> =>
      unit(account, NOBODY, (work) => endPayout(work, id, code)),
    /** A transfer is taken back, by an operator at the dashboard. */
    reverseTransfer: (id: string, amount?: number): Promise<Stripe.TransferReversal> =>
      at((work) => createReversal(work, amount === undefined ? {} : { amount }, [id])),
  }
}

function payWith({ card, method, saved, email }: PayHow): PayWith {
  if (saved !== undefined) return { saved }
  const plastic = card === undefined ? plasticNamed(method ?? 'pm_card_visa') : cardNumbered(card)
  if (!plastic) throw new Error(`there is no test card ${card ?? method}`)
  return { plastic, email }
}

function payPlastic(name: string): Plastic {
  const plastic = plasticNamed(name)
  if (!plastic) throw new Error(`there is no ${name}`)
  return plastic
}
