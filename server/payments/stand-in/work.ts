// One unit of work: what a request or a verb reads and writes, all or nothing.
// owns: the kinds of objects, and what a unit knows. never: a rule about money.
// always true: a unit sees its own writes; an object is never changed in place, only replaced.

import type Stripe from 'stripe'
import type { Plastic } from './cards.ts'
import { missing } from './errors.ts'
import type { Kept, StoreReader, Write } from './store.ts'

/** Every kind of object, by Stripe's name of it; those that begin with `_` are ours. */
export type Kinds = {
  account: Stripe.Account
  balance_transaction: Stripe.BalanceTransaction
  bank_account: Stripe.BankAccount
  charge: Stripe.Charge
  'checkout.session': Stripe.Checkout.Session
  customer: Stripe.Customer | Stripe.DeletedCustomer
  dispute: Stripe.Dispute
  event: Stripe.Event
  payment_intent: Stripe.PaymentIntent
  payment_method: Stripe.PaymentMethod
  payout: Stripe.Payout
  'radar.early_fraud_warning': Stripe.Radar.EarlyFraudWarning
  refund: Stripe.Refund
  transfer: Stripe.Transfer
  transfer_reversal: Stripe.TransferReversal
  _answer: KeptAnswer
  _delivery: Delivery
  _plastic: { id: string; plastic: Plastic }
  /** A session that the clock will end. */
  _due: { id: string; session: string; atS: number }
  _line_items: { id: string; items: Stripe.LineItem[] }
  _terms: { id: string; intent: IntentTerms }
  _account_link: AccountLinkKept
  /** From a payment intent to the session that made it. */
  _session_of: { id: string; session: string }
}
export type Kind = keyof Kinds

/** What a checkout session will make its payment intent of. */
export type IntentTerms = {
  description: string | null
  metadata: Record<string, string>
  receiptEmail: string | null
  setupFutureUsage: 'off_session' | 'on_session' | null
  statementDescriptorSuffix: string | null
  transferGroup: string | null
}

/** An onboarding link; its id holds its secret. */
export type AccountLinkKept = {
  id: string
  account: string
  refreshUrl: string
  returnUrl: string
  expiresAt: number
  used: boolean
}

/** An answer that an idempotency key remembers. */
export type KeptAnswer = {
  id: string
  print: string
  path: string
  status: number
  body: string
  requestId: string
  atS: number
}

/** An event on its way to an endpoint. */
export type Delivery = {
  id: string
  event: string
  /** The connected account whose event it is; empty for the platform. */
  owner: string
  url: string
  attempt: number
  /** Milliseconds; null while it is held back. */
  dueAt: number | null
  /** The plan of faults has been asked about it. */
  planned: boolean
}

export type Asked = { id: string | null; idempotency_key: string | null }

export type Work = {
  /** Seconds, as Stripe counts. */
  readonly nowS: number
  /** The connected account that acts; empty for the platform. */
  readonly owner: string
  /** The request that events name as their cause. */
  readonly asked: Asked
  readonly settings: Settings
  /** A new id that looks like Stripe's. */
  id(prefix: string): string
  find<K extends Kind>(kind: K, id: string): Promise<Kinds[K] | undefined>
  /** Whatever has this id and belongs to the acting account. */
  any(id: string): Promise<{ kind: string; doc: unknown } | undefined>
  /** All of a kind, newest first, as they are needed. */
  all<K extends Kind>(kind: K): AsyncGenerator<Kinds[K]>
  /** A new object. */
  add<K extends Kind>(kind: K, object: Kinds[K]): void
  /** An object that is there, changed. */
  put<K extends Kind>(kind: K, object: Kinds[K]): void
  remove(kind: Kind, id: string): void
  /** What is written after this can be taken back: the answer undoes it. */
  mark(): () => void
  /** The same unit, acting as another account. */
  as(owner: string): Work
  /** Where an event of the acting account goes once this unit is durable. */
  readonly endpoints: (type: string, owner: string) => readonly string[]
}

/** How this stand-in behaves where Stripe's behaviour depends on the account or on chance. */
export type Settings = {
  /** Where a hosted checkout session is paid, and a link of an account is opened. */
  pageUrl: (path: string) => string
  /** Days until money of a charge is available. */
  availableAfterDays: number
  /** What a dispute costs, in cents; Stripe keeps it whatever the end. */
  disputeFeeCents: number
  /** `later`: charges get their balance transaction by a verb (`charge.updated`), as Stripe's asynchronous capture does. */
  balanceTransactions: 'at once' | 'later'
}

export type WorkOptions = Pick<Work, 'nowS' | 'owner' | 'asked' | 'settings' | 'id' | 'endpoints'>

const PAGE = 100

/** A unit over a reader; `writes` fills as it goes. */
export function workOver(reader: StoreReader, options: WorkOptions): { work: Work; writes: () => Write[] } {
  const changed = new Map<string, Write>()
  const made = new Set<string>()

  const kept = async (id: string) => changed.get(id) ?? (await reader.get(id))
  const at = (owner: string): Work => ({
    ...options,
    owner,
    find: async (kind, id) => {
      const found = await kept(id)
      if (found?.kind !== kind || found.owner !== owner || found.doc === null) return undefined
      return found.doc as Kinds[typeof kind]
    },
    any: async (id) => {
      const found = await kept(id)
      return found?.owner === owner && found.doc !== null && !found.kind.startsWith('_') ? found : undefined
    },
    all: async function* all<K extends Kind>(kind: K) {
      const own = [...changed.values()].filter((one) => one.kind === kind && one.owner === owner)
      const fresh = own.filter(({ id }) => made.has(id)).reverse()
      for (const one of fresh) if (one.doc !== null) yield one.doc as Kinds[K]
      let before: number | undefined
      for (;;) {
        const page: Kept[] = await reader.page(
          kind,
          owner,
          before === undefined ? { limit: PAGE } : { before, limit: PAGE },
        )
        for (const one of page) {
          const { doc } = changed.get(one.id) ?? one
          if (doc !== null) yield doc as Kinds[K]
        }
        if (page.length < PAGE) return
        before = page.at(-1)?.seq
      }
    },
    add: (kind, object) => {
      const { id } = object
      if (changed.has(id)) throw new Error(`${id} is made twice`)
      made.add(id)
      changed.set(id, { id, kind, owner, doc: object })
    },
    put: (kind, object) => {
      changed.set(object.id, { id: object.id, kind, owner, doc: object })
    },
    remove: (kind, id) => {
      changed.set(id, { id, kind, owner, doc: null })
    },
    mark: () => {
      const before = { changed: new Map(changed), made: new Set(made) }
      return () => {
        changed.clear()
        made.clear()
        for (const [id, write] of before.changed) changed.set(id, write)
        for (const id of before.made) made.add(id)
      }
    },
    as: at,
  })
  return { work: at(options.owner), writes: () => [...changed.values()] }
}

/** @throws refusal `resource_missing`: 404 when the path names it (`param` null), else 400 */
export async function must<K extends Kind>(work: Work, kind: K, id: string, param: string | null): Promise<Kinds[K]> {
  const found = await work.find(kind, id)
  if (found === undefined) throw missing(NOUNS[kind] ?? kind, id, param)
  return found
}

const NOUNS: Partial<Record<Kind, string>> = { payment_method: 'PaymentMethod' }
