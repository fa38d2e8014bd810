// The documents that travel: what a wallet shows and an app is told.
// owns: their shapes. never: behaviour. always true: amounts are integer micros, times RFC 3339 UTC, ids opaque.

import { z } from 'zod'
import { Micros, MicrosOrZero } from './money.ts'
import { Units } from './receipts.ts'

export const Id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)
/** Any character but ASCII controls; the app's own name for one of its users. */
export const ExternalUserId = z
  .string()
  .min(1)
  .max(256)
  .refine((s) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(s), 'unprintable character')
export const Time = z.iso.datetime()
/** A time as it may be given: UTC, with Z or, as Python writes it, +00:00 (RFC 3339). */
export const GivenTime = z.iso.datetime({ offset: true }).refine((text) => /(Z|[+-]00:00)$/.test(text), 'must be UTC')

export const Period = z.enum(['day', 'week', 'month', 'total'])
export type Period = z.infer<typeof Period>

/** A limit as a person sets it: so much a window, on calendar boundaries in their time zone. */
export const Cap = z.strictObject({ amount: Micros, period: Period })
export type Cap = z.infer<typeof Cap>

/** One to four windows, each period at most once. */
export const Caps = z
  .array(Cap)
  .min(1)
  .max(4)
  .refine((caps) => new Set(caps.map((c) => c.period)).size === caps.length, 'one limit per period')

/** A limit as it stands in the current window. */
export const CapState = z.object({
  period: Period,
  amount: Micros,
  spent: MicrosOrZero,
  held: MicrosOrZero,
  resets_at: Time.nullable(),
})
export type CapState = z.infer<typeof CapState>

export const DEFAULT_CAP: Cap = { amount: 5_000_000, period: 'month' }

export const ConnectionStatus = z.enum(['active', 'paused', 'revoked', 'expired'])

/** One person's standing permission to one app. */
export const Connection = z.object({
  id: Id,
  app: z.object({ id: Id, name: z.string(), logo_uri: z.string().nullable() }),
  /** The person's own name for it; null while it has none. */
  name: z.string().nullable(),
  status: ConnectionStatus,
  scopes: z.array(z.string()),
  markup_bps: z.int(),
  caps: z.array(CapState),
  per_call_ceiling: Micros.nullable(),
  ask_above: Micros.nullable(),
  models: z.array(z.string()).nullable(),
  created_at: Time,
  last_used_at: Time.nullable(),
  expires_at: Time.nullable(),
  version: z.int(),
})
export type Connection = z.infer<typeof Connection>

/** What a person has; `available` = posted - held, and is what "balance" means everywhere else. */
export const Balance = z.object({
  posted: MicrosOrZero,
  held: MicrosOrZero,
  available: MicrosOrZero,
  /** What is owed since a card took back money that was spent; calls are refused until it is paid. Left out when nothing is. */
  debt: Micros.optional(),
})
export type Balance = z.infer<typeof Balance>

/** One row of the usage log. */
export const ReceiptRow = z.object({
  request_id: Id,
  at: Time,
  app_id: Id,
  connection_id: Id.nullable(),
  route: z.string(),
  model: z.string(),
  units: Units,
  credits_used: MicrosOrZero,
  base_credits: MicrosOrZero,
  markup_credits: MicrosOrZero,
  granted_credits: MicrosOrZero,
  estimated: z.boolean(),
  balance_after: MicrosOrZero,
  receipt: z.string(),
})
export type ReceiptRow = z.infer<typeof ReceiptRow>

export const Topup = z.object({
  id: Id,
  package_id: z.string(),
  price_cents: z.int(),
  balance_credits: Micros,
  /** `processing`: a delayed method is under way; `failed`: it did not succeed; `declined`: the bank refused the card. */
  status: z.enum(['pending', 'processing', 'paid', 'declined', 'failed', 'expired']),
  livemode: z.boolean(),
  created_at: Time,
  paid_at: Time.nullable(),
  /** Bought by automatic top-up. */
  auto: z.boolean().optional(),
  /** The bank's or provider's word for why it was not paid. */
  failure: z.string().optional(),
  /** What has gone back of it (refunds, lost disputes), and what is asked back and not gone yet. */
  returned_credits: Micros.optional(),
  refunding_credits: Micros.optional(),
  dispute: z.enum(['open', 'won', 'lost']).optional(),
})
export type Topup = z.infer<typeof Topup>

/** What a publisher has earned by markup: too young to be paid out, ready, kept back, and paid out so far. */
export const Earning = z.object({
  pending: MicrosOrZero,
  payable: MicrosOrZero,
  reserve: MicrosOrZero,
  paid: MicrosOrZero,
  /** Earnings that wait longer, because they look like a person paying themselves or like a stolen card. */
  flagged: MicrosOrZero,
})
export type Earning = z.infer<typeof Earning>

/** One payment to a publisher. `sent` + `reserved` + `carried_out` = `earned` + `released` + `carried_in`. */
export const Payout = z.object({
  id: Id,
  /** `pending`: under way; `paid`: with the publisher's account; `failed`, `reversed`: back among the earnings. */
  status: z.enum(['pending', 'paid', 'failed', 'reversed']),
  created_at: Time,
  ended_at: Time.nullable(),
  amount_cents: z.int().positive(),
  sent: Micros,
  earned: MicrosOrZero,
  reserved: MicrosOrZero,
  released: MicrosOrZero,
  carried_in: MicrosOrZero,
  carried_out: MicrosOrZero,
  reserve_release_at: Time.nullable(),
  failure: z.string().nullable(),
  livemode: z.boolean(),
})
export type Payout = z.infer<typeof Payout>

export const Grant = z.object({
  id: Id,
  app_id: Id,
  publisher: z.string(),
  amount: Micros,
  remaining: MicrosOrZero,
  description: z.string().nullable(),
  created_at: Time,
  expires_at: Time.nullable(),
})
export type Grant = z.infer<typeof Grant>

export const WeekStart = z.enum(['monday', 'sunday', 'saturday'])

export const Profile = z.object({
  id: Id,
  email: z.string(),
  name: z.string().nullable(),
  time_zone: z.string(),
  week_start: WeekStart,
  frozen: z.boolean(),
  livemode: z.boolean(),
  created_at: Time,
  version: z.int(),
})
export type Profile = z.infer<typeof Profile>

/** A package of balance; the fee is price minus balance. */
export const Package = z.object({
  id: z.string(),
  name: z.string(),
  price_cents: z.int().positive(),
  balance_credits: Micros,
  balance_display: z.string(),
})
export type Package = z.infer<typeof Package>

/** What a limit buys: `credits_per_call` is what a usual call of `model` costs in this app, its markup included. */
export const Estimate = z.object({ model: z.string(), calls: z.int(), credits_per_call: Micros })
export type Estimate = z.infer<typeof Estimate>

/** The calendar a limit follows: the person's time zone, and when a window of each period that is open now ends. */
export const LimitCalendar = z.object({
  time_zone: z.string(),
  resets_at: z.object({ day: Time, week: Time, month: Time }),
})
export type LimitCalendar = z.infer<typeof LimitCalendar>

/** A request for consent, as shown to a signed-in wallet. */
export const ConsentRequest = z.object({
  uid: Id,
  client: z.object({
    id: z.string(),
    name: z.string(),
    logo_uri: z.string().nullable(),
    verified_domain: z.string().nullable(),
    markup_bps: z.int(),
  }),
  scopes: z.array(z.string()),
  requested_cap: Cap.nullable(),
  /** Two digits shown on both sides, so that the person knows which request they answer. */
  match: z.string().nullable(),
  estimate: Estimate.nullable().optional(),
  calendar: LimitCalendar.optional(),
  created_at: Time,
  expires_at: Time,
})
export type ConsentRequest = z.infer<typeof ConsentRequest>

/** A call that waits for the person: it may cost at most `amount`, and nothing is reserved for it yet. */
export const Approval = z.object({
  uid: Id,
  connection_id: Id,
  app: z.object({ id: Id, name: z.string(), logo_uri: z.string().nullable() }),
  model: z.string(),
  amount: Micros,
  created_at: Time,
  expires_at: Time,
})
export type Approval = z.infer<typeof Approval>

/** Something the person should know (a limit at 80 %, a payment that failed); shown, then dismissed. */
export const Notice = z.object({
  id: Id,
  kind: z.string(),
  at: Time,
  connection_id: Id.nullable(),
  text: z.string(),
  /** When what it tells of is over by itself: the end of a limit's window. */
  resets_at: Time.nullable().optional(),
})
export type Notice = z.infer<typeof Notice>
