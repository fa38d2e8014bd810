// The ports at the edge of the program, gathered in one value.
// owns: their types. never: a choice between implementations (main.ts wires).
// always true: nothing in the server reads time, randomness, network or environment but through this value.

import type { KeyObject } from 'node:crypto'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { Db } from './db/db.ts'
import type { DomainProofs } from './domain-proofs.ts'
import type { Mailer } from './mail.ts'
import type { Metrics } from './metrics.ts'
import type { Payments } from './payments/payments.ts'
import type { PriceKeeper } from './proxy/price-keeper.ts'
import type { PriceBook } from './proxy/prices.ts'
import type { Upstreams } from './proxy/upstreams.ts'
import type { MasterKey } from './seal.ts'
import type { Tracing } from './tracing.ts'
import type { WebhookPost } from './webhook-post.ts'

export type Deps = {
  readonly config: Config
  /** Where people and apps reach us; no slash at the end. */
  readonly publicUrl: string
  readonly db: Db
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A new sortable id; see ids.ts. */
  readonly id: (prefix: string) => string
  readonly log: Logger
  readonly metrics: Metrics
  /** Null unless the operator collects traces. */
  readonly tracing: Tracing | null
  readonly mail: Mailer
  /** What domains say about themselves; see domain-proofs.ts. */
  readonly domains: DomainProofs
  /** Where developers are told of what happens; see webhook-post.ts. */
  readonly webhooks: WebhookPost
  /** Seals secrets at rest. */
  readonly masterKey: MasterKey
  /** This process, as owner of holds. */
  readonly owner: string
  /** Who takes the money; see payments/payments.ts. */
  readonly payments: Payments
  /** The book in force; `priceKeeper.book`. */
  readonly prices: PriceBook
  readonly priceKeeper: PriceKeeper
  readonly upstreams: Upstreams
  /** True once the server has begun to shut down. */
  readonly draining: () => boolean
  /** Public half of the receipt key, with its key id; the private half lives with the database writer. */
  readonly receiptKey: { readonly kid: string; readonly publicKey: KeyObject }
}
