// Requests and replies about money in and out, beyond the purchase itself.
// owns: shapes of refunds, automatic top-ups, payout accounts and payouts. never: behaviour.
// always true: amounts are credits unless a name says cents; an unknown body field is refused (strict objects).

import { z } from 'zod'
import { Micros, MicrosOrZero } from './money.ts'
import { Earning, Id, Payout, Time } from './records.ts'

/** GET /api/payments/refunds: what a person could have back now, and what they asked for. Amounts are credits. */
export const RefundsReply = z.object({
  /** Whole cents; the fee of a purchase is not among it, nor what is granted, spent or under dispute. */
  refundable: MicrosOrZero,
  lots: z.array(z.object({ topup_id: Id, refundable: Micros })),
  refunds: z.array(
    z.object({
      id: z.string(),
      topup_id: Id,
      amount: Micros,
      /** `promised`: held, and not with the provider yet; `sent`: on its way to the card. */
      status: z.enum(['promised', 'sent', 'succeeded', 'failed']),
      created_at: Time,
    }),
  ),
})
export type RefundsReply = z.infer<typeof RefundsReply>
/** POST /api/payments/refunds. Without `amount` all that can be refunded; else credits in whole cents. */
export const RefundCreate = z.strictObject({ amount: Micros.optional() })
export const RefundCreated = z.object({ refunds: RefundsReply.shape.refunds, amount: Micros })

/** GET /api/payments/auto-topup. */
export const AutoTopup = z.object({
  enabled: z.boolean(),
  /** Buys `package_id` when the available balance falls below this. */
  threshold: Micros.nullable(),
  package_id: z.string().nullable(),
  /** The most it may spend in a calendar month (UTC), in cents of price. */
  month_max_cents: z.int().positive().nullable(),
  spent_this_month_cents: z.int().nonnegative(),
  today: z.int().nonnegative(),
  per_day_max: z.int().positive(),
  card: z.object({ brand: z.string(), last4: z.string() }).nullable(),
  /** Why it has turned itself off; null while it has not. */
  stopped: z.enum(['declined', 'authentication_required', 'no_card', 'fraud_warning']).nullable(),
  version: z.int(),
})
export type AutoTopup = z.infer<typeof AutoTopup>
/** PUT /api/payments/auto-topup. Turning it on or raising anything needs a recent proof (403 `step_up_required`). */
export const AutoTopupSet = z.strictObject({
  enabled: z.boolean(),
  threshold: Micros.optional(),
  package_id: z.string().max(64).optional(),
  month_max_cents: z.int().positive().max(1_000_000).optional(),
})

/** POST /developers/connect/onboard (201): a page of the provider, usable once, within minutes. */
export const ConnectOnboard = z.strictObject({
  return_url: z.string().max(2000).optional(),
  refresh_url: z.string().max(2000).optional(),
})
export const ConnectOnboarded = z.object({ onboarding_url: z.string(), stripe_account_id: z.string() })
/** GET /developers/connect/status. */
export const ConnectStatus = z.object({
  status: z.enum(['none', 'incomplete', 'restricted', 'active']),
  stripe_account_id: z.string().nullable(),
  payouts_enabled: z.boolean(),
  details_submitted: z.boolean(),
  /** What the provider still asks for, in its own words. */
  requirements_due: z.array(z.string()),
  disabled_reason: z.string().nullable(),
  /** The last payout from that account that its bank refused, while none has arrived since. Its money waits there. */
  bank_refusal: z.object({ amount_cents: z.int().positive(), code: z.string(), at: Time }).nullable().optional(),
})
export type ConnectStatus = z.infer<typeof ConnectStatus>

/** GET /developers/payouts: newest first; `cursor` is an id. */
export const PayoutsReply = z.object({
  earnings: Earning,
  rules: z.object({
    matures_after_days: z.int(),
    minimum: Micros,
    reserve_percent: z.int(),
    reserve_days: z.int(),
  }),
  payouts: z.array(Payout),
  next_cursor: z.string().nullable(),
})
/** GET /developers/payouts/{id} (and {id}/csv, whole): with its statement, line by line, a page at a time. */
export const PayoutStatement = z.object({
  payout: Payout,
  lines: z.array(
    z.object({
      request_id: z.string(),
      at: Time,
      amount: Micros,
    }),
  ),
  /** Whose reserve came free in it: `released` in parts. */
  released: z.array(z.object({ payout_id: Id, amount: Micros })).optional(),
  next_cursor: z.string().nullable(),
})
