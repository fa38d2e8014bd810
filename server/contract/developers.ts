// The developers' console: what its routes take and answer, beyond apps and keys (api.ts) and payouts (payments.ts).
// owns: shapes of users, grants, refused calls, analytics and webhooks as a developer sees them. never: behaviour.
// always true: amounts are credits (integer micro-dollars), but for the CSV of grants, which is written in dollars; times
// are RFC 3339 UTC; a list answers `next_cursor`, which is null at its end.

import { z } from 'zod'
import { CountedUntil } from './analytics.ts'
import { Micros, MicrosOrZero } from './money.ts'
import { ExternalUserId, GivenTime, Id, Time } from './records.ts'

const Cursor = z.string().nullable()

// --- users of an app -------------------------------------------------------------------------------------------------

/** `totals` count what the user's calls in this app came to, whoever paid. */
export const UsageTotals = z.object({
  requests: z.int().nonnegative(),
  base_credits: MicrosOrZero,
  markup_credits: MicrosOrZero,
  granted_credits: MicrosOrZero,
  tokens: z.int().nonnegative(),
})
export type UsageTotals = z.infer<typeof UsageTotals>
export const AppUser = z.object({
  /** A person's id, or that of a user nobody has claimed; what analytics call them by. */
  id: Id,
  /** The app's own names for them. */
  external_user_ids: z.array(z.string()),
  status: z.enum(['active', 'paused', 'revoked', 'expired', 'unclaimed', 'unlinked']),
  /** With the scopes `email` and `profile` alone. */
  email: z.string().nullable(),
  name: z.string().nullable(),
  /** What they could spend in this app now; null without the scope `credits.read`. */
  balance: MicrosOrZero.nullable(),
  connected_at: Time,
  last_used_at: Time.nullable(),
  totals: UsageTotals,
})
export type AppUser = z.infer<typeof AppUser>
/** GET /developers/apps/{id}/users?limit=&cursor=: people first, then users nobody has claimed, each oldest first. */
export const AppUsers = z.object({ users: z.array(AppUser), next_cursor: Cursor, ...CountedUntil.shape })

// --- grants ----------------------------------------------------------------------------------------------------------

/** GET|PUT /developers/apps/{id}/grant-settings. */
export const GrantSettings = z.strictObject({
  /** Given to each person who connects for the first time; null: nothing. */
  welcome: z.strictObject({ amount: Micros, expires_after_days: z.int().min(1).max(3650).nullable() }).nullable(),
  /** The most that one user may be given in this app altogether; null: no limit. */
  per_user_max: Micros.nullable(),
})
export type GrantSettings = z.infer<typeof GrantSettings>

/** GET /developers/grants/pool. `spent` + `remaining` + `returned` = `granted`. */
export const PoolState = z.object({
  balance_credits: MicrosOrZero,
  balance: z.string(),
  /** The publisher's own balance, out of which the pool is funded. */
  own_balance_credits: MicrosOrZero,
  granted_credits: MicrosOrZero,
  spent_credits: MicrosOrZero,
  remaining_credits: MicrosOrZero,
  returned_credits: MicrosOrZero,
  open_grants: z.int().nonnegative(),
  /** Purchases by card that are to become pool money and are not paid yet. */
  waiting_credits: MicrosOrZero,
})
export type PoolState = z.infer<typeof PoolState>
/** POST /developers/grants/pool and …/pool/withdraw. Takes an Idempotency-Key. */
export const PoolChange = z.strictObject({ amount: Micros })
/** POST /developers/grants/pool/checkout: a package whose balance goes on into the pool when it is paid. */
export const PoolCheckout = z.strictObject({
  package_id: z.string().max(64),
  success_url: z.string().max(2000),
  cancel_url: z.string().max(2000),
})

export const GrantStatus = z.enum(['open', 'expired', 'withdrawn'])
export const DeveloperGrant = z.object({
  id: Id,
  app_id: Id,
  external_user_id: z.string(),
  status: GrantStatus,
  amount: Micros,
  remaining: MicrosOrZero,
  /** Reserved by running calls. */
  held: MicrosOrZero,
  spent: MicrosOrZero,
  returned: MicrosOrZero,
  description: z.string().nullable(),
  created_at: Time,
  expires_at: Time.nullable(),
  ended_at: Time.nullable(),
})
export type DeveloperGrant = z.infer<typeof DeveloperGrant>
/** GET /developers/grants?app_id=&external_user_id=&status=&limit=&cursor=: newest first. */
export const DeveloperGrants = z.object({ grants: z.array(DeveloperGrant), next_cursor: Cursor })

/** POST /developers/grants. Takes an Idempotency-Key. */
export const DeveloperGrantCreate = z.strictObject({
  app_id: Id,
  external_user_id: ExternalUserId,
  amount: Micros,
  description: z.string().max(500).optional(),
  expires_at: GivenTime.optional(),
})
export const DeveloperGranted = z.object({ grant: DeveloperGrant, duplicate: z.boolean() })
/** What POST /v1/funding/grant answers: dollars as text, credits beside them. */
export const Granted = z.object({
  external_user_id: z.string(),
  amount_granted: z.string(),
  amount_granted_credits: Micros,
  balance_before: z.string(),
  balance_before_credits: MicrosOrZero,
  balance_after: z.string(),
  balance_after_credits: MicrosOrZero,
  ledger_id: z.string(),
  /** The same Idempotency-Key was used before: nothing was given again. */
  duplicate: z.boolean(),
})
export type Granted = z.infer<typeof Granted>
export const GRANT_ROWS_MAX = 500
/**
 * POST /developers/grants/bulk. `csv` begins with a line of names: external_user_id, amount (dollars, as in 0.50), and if
 * wanted description, expires_at. All of its rows or none; a file that is sent again gives nothing again when it carries
 * the same Idempotency-Key. `dry_run` only checks.
 */
export const GrantsBulk = z.strictObject({
  app_id: Id,
  csv: z.string().max(512 * 1024),
  dry_run: z.boolean().optional(),
})
export const GrantsGiven = z.object({
  grants: z.int().nonnegative(),
  total_credits: MicrosOrZero,
  dry_run: z.boolean(),
  duplicate: z.boolean(),
})
export type GrantsGiven = z.infer<typeof GrantsGiven>
/** `details` of a 400 for a CSV: the first lines at fault, counted as an editor does. */
export const GrantsBulkErrors = z.object({ lines: z.array(z.object({ line: z.int(), message: z.string() })) })

// --- calls that were refused -----------------------------------------------------------------------------------------

/** Why a metered call got no answer: our code, and of a 402 which limit spoke. Nothing of what was asked is kept. */
export const RefusedCall = z.object({
  request_id: Id,
  at: Time,
  app_id: Id,
  key_id: Id.nullable(),
  /** The app's own name for the user where it named one, else the person's id. */
  user: z.string().nullable(),
  route: z.string(),
  model: z.string().nullable(),
  status: z.int(),
  code: z.string(),
  param: z.string().nullable(),
  limit: z.string().nullable(),
  period: z.string().nullable(),
})
export type RefusedCall = z.infer<typeof RefusedCall>
/** GET /developers/logs?app_id=&code=&limit=&cursor=: newest first; the last 1,000 of each app, for 30 days. */
export const RefusedCalls = z.object({
  calls: z.array(RefusedCall),
  /** How many were left out because too many came at once, since this server started. */
  dropped: z.int().nonnegative(),
  next_cursor: Cursor,
})

// --- webhooks --------------------------------------------------------------------------------------------------------

export const WEBHOOK_EVENTS = [
  'balance.updated',
  'balance.low',
  'usage.completed',
  'user.connected',
  'user.disconnected',
  'grant.exhausted',
  'payout.paid',
  'payout.failed',
  'dispute.opened',
] as const
export const WebhookEvent = z.enum(WEBHOOK_EVENTS)
export type WebhookEvent = z.infer<typeof WebhookEvent>

export const Webhook = z.object({
  id: Id,
  url: z.string(),
  /** Null: of all the publisher's apps. */
  app_id: Id.nullable(),
  events: z.array(WebhookEvent),
  /** For `balance.low`: tells when a charge brings a user's balance below this. */
  low_balance_threshold: Micros.nullable(),
  status: z.enum(['enabled', 'disabled']),
  /** `failing`: three days without a success; `gone`: its server answered 410; `overrun`: too many events waited. */
  disabled_reason: z.enum(['developer', 'failing', 'gone', 'overrun']).nullable(),
  failing_since: Time.nullable(),
  /** When each secret that signs now was made; more than one during a rotation. */
  secrets: z.array(z.object({ id: Id, created_at: Time, expires_at: Time.nullable() })),
  waiting: z.int().nonnegative(),
  created_at: Time,
})
export type Webhook = z.infer<typeof Webhook>
export const Webhooks = z.object({ webhooks: z.array(Webhook) })
/** POST /developers/webhooks. `events` left out: all of them. */
export const WebhookCreate = z.strictObject({
  url: z.string().max(2000),
  app_id: Id.nullable().optional(),
  events: z.array(WebhookEvent).min(1).optional(),
  low_balance_threshold: Micros.nullable().optional(),
})
export const WebhookPatch = z
  .strictObject({
    url: z.string().max(2000),
    events: z.array(WebhookEvent).min(1),
    low_balance_threshold: Micros.nullable(),
    status: z.enum(['enabled', 'disabled']),
  })
  .partial()
/** `secret` (`whsec_…`) is shown once. */
export const WebhookWithSecret = z.object({ webhook: Webhook, secret: z.string() })
/** POST /developers/webhooks/{id}/rotate-secret. For `overlap_s` both secrets sign; 0 ends the old ones at once. Default: a day. */
export const WebhookRotate = z.strictObject({
  overlap_s: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .optional(),
})
export const DeliveryStatus = z.enum(['waiting', 'delivered', 'failed'])
export const Delivery = z.object({
  id: Id,
  event_id: Id,
  type: z.string(),
  /** `failed`: given up after three days, or with its webhook. */
  status: DeliveryStatus,
  tries: z.int().nonnegative(),
  next_try_at: Time.nullable(),
  /** What the receiver answered last; null when it did not. */
  response_status: z.int().nullable(),
  error: z.string().nullable(),
  duration_ms: z.int().nullable(),
  created_at: Time,
  ended_at: Time.nullable(),
})
export type Delivery = z.infer<typeof Delivery>
/** GET /developers/webhooks/{id}/deliveries?status=&limit=&cursor=: newest first, kept for 30 days. */
export const Deliveries = z.object({ deliveries: z.array(Delivery), next_cursor: Cursor })
/** GET /developers/webhooks/{id}/deliveries/{delivery}: with what was, or will be, sent. */
export const DeliveryDetail = z.object({ delivery: Delivery, body: z.string() })
/** POST /developers/webhooks/{id}/test: an event of this type with made-up data, sent at once. */
export const WebhookTest = z.strictObject({ type: WebhookEvent.optional() })
/** What a webhook receives, as JSON; the headers are those of Standard Webhooks. */
export const WebhookBody = z.object({
  id: Id,
  type: z.string(),
  created_at: Time,
  /** True in what /test sends; else left out. */
  test: z.literal(true).optional(),
  data: z.record(z.string(), z.unknown()),
})
export type WebhookBody = z.infer<typeof WebhookBody>
