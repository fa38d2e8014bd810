// The feed: how a wallet comes to know everything that is the person's.
// owns: the page a pull answers, the poke, and the named mutations a wallet may send.
// never: times as cursors. always true: `rev` is dense per person, from 1, in commit order.

import { z } from 'zod'
import { Micros } from './money.ts'
import { Caps, GivenTime, Id, WeekStart } from './records.ts'

export const TOPICS = [
  'profile',
  'balance',
  'connection',
  'receipt',
  'topup',
  'grant',
  'consent_request',
  'approval',
  'notice',
  'app',
  'key',
  'earning',
  'payout',
] as const
export type Topic = (typeof TOPICS)[number]

/** One numbered change; `row` null says the document is gone. Unknown topics are kept and ignored. */
export const Change = z.object({
  rev: z.int().positive(),
  topic: z.string(),
  id: z.string(),
  row: z.record(z.string(), z.unknown()).nullable(),
})
export type Change = z.infer<typeof Change>

export const FEED_LIMIT_DEFAULT = 500
export const FEED_LIMIT_MAX = 2000

/** Answer of GET /v1/wallet/feed. `epoch` changes when the server's history is not the one the cursor came from. */
export const FeedPage = z.object({
  changes: z.array(Change),
  cursor: z.string(),
  epoch: z.string(),
  more: z.boolean(),
  last_mid: z.int().nonnegative(),
})
export type FeedPage = z.infer<typeof FeedPage>

/** `data` of `event: poke`. */
export const Poke = z.object({ rev: z.int().nonnegative() })

const onConnection = { connection_id: Id }
const limits = {
  caps: Caps.optional(),
  per_call_ceiling: Micros.nullable().optional(),
  ask_above: Micros.nullable().optional(),
  models: z.array(z.string().max(200)).max(100).nullable().optional(),
  expires_at: GivenTime.nullable().optional(),
}
const Tag = z.string().min(1).max(40)

/** Every mutation a wallet may send, by name; the literal both sides are derived from. */
export const MUTATIONS = {
  'connection.set_caps': z.strictObject({ ...onConnection, ...limits, caps: Caps }),
  'connection.pause': z.strictObject(onConnection),
  'connection.resume': z.strictObject(onConnection),
  'connection.revoke': z.strictObject(onConnection),
  'connection.rename': z.strictObject({ ...onConnection, name: z.string().min(1).max(80) }),
  'wallet.freeze': z.strictObject({}),
  'wallet.unfreeze': z.strictObject({}),
  'receipt.annotate': z.strictObject({
    request_id: Id,
    note: z.string().max(2000).nullable().optional(),
    add_tags: z.array(Tag).max(20).optional(),
    remove_tags: z.array(Tag).max(20).optional(),
  }),
  'profile.set': z.strictObject({
    name: z.string().min(1).max(80).optional(),
    time_zone: z.string().max(64).optional(),
    week_start: WeekStart.optional(),
  }),
  /** Puts a notice away, on every device. */
  'notice.dismiss': z.strictObject({ id: Id }),
  /** `uid` of a consent request or of an approval; an approval has no limits to choose. */
  'request.answer': z.strictObject({
    uid: Id,
    decision: z.enum(['approve', 'deny']),
    ...limits,
  }),
} as const
export type MutationName = keyof typeof MUTATIONS
export type MutationArgs<N extends MutationName> = z.infer<(typeof MUTATIONS)[N]>

export const Mutation = z.strictObject({
  mid: z.int().positive(),
  name: z.string(),
  args: z.record(z.string(), z.unknown()),
  base_version: z.int().nonnegative().optional(),
})
export type Mutation = z.infer<typeof Mutation>

export const MutationsRequest = z.strictObject({
  client: Id,
  mutations: z.array(Mutation).min(1).max(100),
})

export const MutationResult = z.object({
  mid: z.int(),
  status: z.enum(['applied', 'rejected', 'already_applied']),
  code: z.string().optional(),
  message: z.string().optional(),
})
export type MutationResult = z.infer<typeof MutationResult>

export const MutationsReply = z.object({ results: z.array(MutationResult), last_mid: z.int() })
