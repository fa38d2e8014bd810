// Requests and replies of the HTTP routes, as schemas.
// owns: shapes. never: behaviour. always true: an unknown body field of a route here is refused (strict objects).

import { z } from 'zod'
import { LimitDetails } from './faults.ts'
import { Micros, MicrosOrZero } from './money.ts'
import {
  Cap,
  Caps,
  Connection,
  ConsentRequest,
  Estimate,
  ExternalUserId,
  GivenTime,
  Id,
  LimitCalendar,
  Package,
  Profile,
  Time,
  WeekStart,
} from './records.ts'

// --- accounts and sessions -------------------------------------------------------------------------------------

export const Credentials = z.strictObject({ email: z.string().max(254), password: z.string().max(1024) })
export const SessionReply = z.object({
  user: z.object({ id: Id, email: z.string(), balance: MicrosOrZero }),
  session_token: z.string(),
  expires_at: Time,
})
export const AccountPatch = z.strictObject({
  name: z.string().min(1).max(80).nullable().optional(),
  time_zone: z.string().max(64).optional(),
  week_start: WeekStart.optional(),
})
export const Account = Profile.extend({ balance: MicrosOrZero, email_verified: z.boolean().optional() })
export type Account = z.infer<typeof Account>

// --- accounts: the second factor, passkeys, devices, leaving ---------------------------------------------------

const Password = z.string().max(1024)
const SixDigits = z.string().regex(/^\d{6}$/, 'has six digits')
const RecoveryCode = z.string().max(64)
/** What a browser's WebAuthn call answered, as JSON (Web Authentication Level 3, 5.5); checked by the library. */
const PasskeyResponse = z.looseObject({ id: z.string().max(2048), response: z.looseObject({}) })

export const LoginRequest = Credentials.extend({ totp: SixDigits.optional(), recovery_code: RecoveryCode.optional() })
/** `details` of 401 `second_factor_required`: the fields of the next attempt, any one of them. */
export const SecondFactorDetails = z.object({ methods: z.array(z.enum(['totp', 'recovery_code'])) })
export const PasskeySignIn = z.strictObject({ passkey: PasskeyResponse })
export const PasskeyOptions = z.object({ options: z.looseObject({ challenge: z.string() }) })

export const ResetRequest = z.strictObject({ email: z.string().max(254) })
export const ResetConfirm = z.strictObject({ token: z.string().max(200), password: Password })
export const EmailVerify = z.strictObject({ token: z.string().max(200) })
export const PasswordChange = z.strictObject({ current_password: Password, password: Password })
export const EmailChange = z.strictObject({ email: z.string().max(254) })

/** Exactly one of these; it marks the session as recent. `details` of 403 `step_up_required`: {methods}. */
export const StepUp = z.strictObject({
  password: Password.optional(),
  totp: SixDigits.optional(),
  passkey: PasskeyResponse.optional(),
})
export const StepUpReply = z.object({ recent_until: Time })

export const TotpStart = z.object({ secret: z.string(), uri: z.string() })
export const TotpConfirm = z.strictObject({ totp: SixDigits })
/** Shown once; only their hashes are kept. */
export const RecoveryCodes = z.object({ recovery_codes: z.array(z.string()) })
export const PasskeyAdd = z.strictObject({ name: z.string().min(1).max(60), passkey: PasskeyResponse })
export const Passkey = z.object({ id: Id, name: z.string(), created_at: Time, last_used_at: Time.nullable() })
export type Passkey = z.infer<typeof Passkey>

/** GET /account/security. */
export const Security = z.object({
  email: z.string(),
  email_verified: z.boolean(),
  totp: z.boolean(),
  recovery_codes_left: z.int(),
  passkeys: z.array(Passkey),
  /** False where the server is reached by a bare address: a passkey is bound to a name. */
  passkeys_possible: z.boolean(),
  /** Until when this session may change what is above; null when it has to be confirmed first. */
  recent_until: Time.nullable(),
})
export type Security = z.infer<typeof Security>

/** GET /account/sessions: where a person is signed in. */
export const SignedInDevice = z.object({
  id: Id,
  kind: z.enum(['browser', 'wallet', 'app']),
  /** The browser and system, shortened; the app's name for `app`. */
  name: z.string(),
  address: z.string().nullable(),
  created_at: Time,
  last_used_at: Time,
  current: z.boolean(),
})
export type SignedInDevice = z.infer<typeof SignedInDevice>
export const SignedInDevices = z.object({ sessions: z.array(SignedInDevice) })

/** DELETE /account. `forfeit` is the balance given up, in credits, and has to be what it is at that moment. */
export const AccountDelete = z.strictObject({ forfeit: MicrosOrZero.optional() })
/** `details` of 409 `account_not_empty`. Only `balance` can be forfeited; `payments` are under way. */
export const NotEmptyDetails = z.object({
  balance: MicrosOrZero,
  held: MicrosOrZero,
  pool: MicrosOrZero,
  earnings: z.int(),
  apps: z.int(),
  payments: z.int(),
})
export type NotEmptyDetails = z.infer<typeof NotEmptyDetails>

// --- the interaction: sign-in and consent ----------------------------------------------------------------------

/** GET /oauth/interactions/{uid}. `estimate` says what the suggested limit buys, in plain words. */
export const Interaction = z.object({
  uid: Id,
  prompt: z.enum(['login', 'consent']),
  client: ConsentRequest.shape.client,
  scopes: z.array(z.string()),
  requested_cap: Cap.nullable(),
  estimate: Estimate.nullable(),
  /** The limits that hold today, when this person has connected this app before. */
  current: Connection.nullable().optional(),
  /** Two digits that the person's wallet shows beside the same request; null when it shows none. */
  match: z.string().nullable().optional(),
  calendar: LimitCalendar.optional(),
  /** Where to go on, once this was answered, here or in the wallet. */
  redirect_to: z.string().nullable().optional(),
})
export type Interaction = z.infer<typeof Interaction>

export const InteractionAnswer = z.strictObject({
  decision: z.enum(['approve', 'deny', 'continue']),
  caps: Caps.optional(),
  expires_at: GivenTime.nullable().optional(),
  per_call_ceiling: Micros.nullable().optional(),
  ask_above: Micros.nullable().optional(),
  models: z.array(z.string().max(200)).max(100).nullable().optional(),
})
export type InteractionAnswer = z.infer<typeof InteractionAnswer>
export const InteractionReply = z.object({ redirect_to: z.string() })

// --- developers --------------------------------------------------------------------------------------------------

export const MARKUP_BPS_MAX = 100_000
const MarkupBps = z.int().min(0).max(MARKUP_BPS_MAX)
/** Names of models as GET /v1/models has them; null allows all. */
const Models = z.array(z.string().min(1).max(200)).min(1).max(100).nullable()

export const AppCreate = z.strictObject({
  name: z.string().min(1).max(80),
  redirect_uris: z.array(z.string().max(2000)).max(20),
  type: z.enum(['confidential', 'public']).optional(),
  allowed_scopes: z.array(z.string()).optional(),
  markup_bps: MarkupBps.optional(),
  logo_uri: z.string().max(2000).nullable().optional(),
  models: Models.optional(),
})
export const AppSettings = z
  .strictObject({
    name: z.string().min(1).max(80),
    redirect_uris: z.array(z.string().max(2000)).max(20),
    allowed_scopes: z.array(z.string()),
    logo_uri: z.string().max(2000).nullable(),
    models: Models,
    markup_bps: MarkupBps,
    /** A fraction (0.2 is 20 %), the older name of the same setting. */
    profit_margin: z
      .number()
      .min(0)
      .max(MARKUP_BPS_MAX / 10_000),
    markup_notice_days: z.int().min(7).max(365),
  })
  .partial()
export const App = z.object({
  id: Id,
  client_id: z.string(),
  name: z.string(),
  type: z.enum(['confidential', 'public']),
  redirect_uris: z.array(z.string()),
  allowed_scopes: z.array(z.string()),
  logo_uri: z.string().nullable(),
  markup_bps: z.int(),
  markup_notice_days: z.int(),
  /** The domain its publisher has proved; people see it in place of "unverified". */
  verified_domain: z.string().nullable().optional(),
  /** Until when the secret before the last rotation works; null when there is none. */
  secondary_expires_at: Time.nullable().optional(),
  /** The models it may call; null: all. */
  models: z.array(z.string()).nullable().optional(),
  /** When its publisher archived it (DELETE): its keys and tokens are dead, its history can be looked at. */
  archived_at: Time.nullable().optional(),
  created_at: Time,
})
export type App = z.infer<typeof App>
/** POST /developers/apps/{id}/rotate-secret: the secret is shown once. */
export const SecretRotated = z.object({ app: App, client_secret: z.string() })

/** POST /admin/rotate-keys. `at_once`: the old signing keys are withdrawn, as after a theft. */
export const RotateKeys = z.strictObject({ at_once: z.boolean().optional() })

/** POST /admin/prices/accept: models whose price rose more than threefold, by their names in GET /admin/prices. */
export const AcceptPrices = z.strictObject({
  models: z.union([z.literal('all'), z.array(z.string().min(1)).min(1).max(2000)]),
})

// The domain of an app: named, then proved in one of two ways, then looked at again now and then.
export const DomainSet = z.strictObject({ domain: z.string().max(253) })
export const DomainVerify = z.strictObject({ by: z.enum(['file', 'dns']) })
export const DomainState = z.object({
  domain: z.string(),
  verified: z.boolean(),
  checked_at: Time.nullable(),
  /** One line of this file, or one TXT record of this name, has to be `value`. */
  proof: z.object({ value: z.string(), file: z.string(), dns: z.string() }),
})
export type DomainState = z.infer<typeof DomainState>

export const BillingMode = z.enum(['user', 'developer', 'test'])
export type BillingMode = z.infer<typeof BillingMode>
export const KeyCreate = z.strictObject({
  app_id: Id,
  name: z.string().min(1).max(80),
  billing_mode: BillingMode.optional(),
  rate_limit_per_min: z.int().min(1).max(100_000).optional(),
})
export const Key = z.object({
  id: Id,
  app_id: Id,
  name: z.string(),
  billing_mode: BillingMode,
  rate_limit_per_min: z.int(),
  prefix: z.string(),
  created_at: Time,
  last_used_at: Time.nullable(),
  /** When it ends by itself, after a rotation; null while it goes on. */
  revokes_at: Time.nullable().optional(),
})
export type Key = z.infer<typeof Key>
export const KeySettings = z
  .strictObject({ name: z.string().min(1).max(80), rate_limit_per_min: z.int().min(1).max(100_000) })
  .partial()
/** POST /developers/keys/{id}/rotate. For `overlap_s` both keys work; 0 ends the old one at once. Default: a day. */
export const KeyRotate = z.strictObject({
  overlap_s: z
    .int()
    .min(0)
    .max(30 * 86_400)
    .optional(),
})
/** `secret` is shown once. `replaced` is the old key, with the time it ends; null when it has ended. */
export const KeyRotated = z.object({ key: Key, secret: z.string(), replaced: Key.nullable() })

// --- money ---------------------------------------------------------------------------------------------------------

export const CheckoutCreate = z.strictObject({
  package_id: z.string().max(64),
  success_url: z.string().max(2000),
  cancel_url: z.string().max(2000),
  external_user_id: ExternalUserId.optional(),
  /** `embedded`: `url` is a page of this server that holds the provider's form, and `client_secret` opens the form elsewhere. */
  ui: z.enum(['hosted', 'embedded']).optional(),
  /** The person agrees that the card is kept for automatic top-ups. */
  save_card: z.boolean().optional(),
})
export const CheckoutReply = z.object({ id: Id, url: z.string(), client_secret: z.string().optional() })
export const PackagesReply = z.object({ packages: z.array(Package) })
export const SandboxOutcome = z.strictObject({ outcome: z.enum(['paid', 'declined', 'expired']) })

/** `amount` is dollars here and nowhere else; it is read from its decimal text before this schema sees micros. */
export const GrantCreate = z.strictObject({
  external_user_id: ExternalUserId,
  amount: Micros,
  description: z.string().max(500).optional(),
  expires_at: GivenTime.optional(),
})
export const PoolMove = z.strictObject({ amount: Micros })

// --- one metered call ------------------------------------------------------------------------------------------------

export const Quota = z.object({
  request_id: Id,
  billing_mode: BillingMode,
  credits_used: MicrosOrZero,
  base_credits: MicrosOrZero,
  markup_credits: MicrosOrZero,
  funded_by: z.array(z.object({ source: z.enum(['grant', 'balance']), credits: Micros })),
  balance_before: MicrosOrZero,
  balance_after: MicrosOrZero,
  estimated: z.boolean(),
  price_version: z.string(),
  receipt: z.string(),
})
export type Quota = z.infer<typeof Quota>

export { LimitDetails }
