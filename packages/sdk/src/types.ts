// The documents on the wire, as types.
// owns: their names in the SDK. never: a shape of its own. always true: each is derived from the server's schema; the build
// writes them out, so that the published package knows nothing of zod (build-types.ts reads these very lines).

import type { z } from 'zod'
import type * as analytics from '../../../server/contract/analytics.ts'
import type * as api from '../../../server/contract/api.ts'
import type * as developers from '../../../server/contract/developers.ts'
import type * as faults from '../../../server/contract/faults.ts'
import type * as payments from '../../../server/contract/payments.ts'
import type * as receipts from '../../../server/contract/receipts.ts'
import type * as records from '../../../server/contract/records.ts'

/** Every code that the server refuses with; `{server}/docs#{code}` tells what each means. */
export type FaultCode = keyof typeof faults.FAULTS
/** `details` of a 402: which limit spoke, and when it lets go. Amounts are micro-dollars. */
export type LimitDetails = z.infer<typeof faults.LimitDetails>
/** What a call cost, who paid it, and what is left. */
export type Quota = z.infer<typeof api.Quota>
export type SessionReply = z.infer<typeof api.SessionReply>
export type Account = z.infer<typeof api.Account>
export type AccountPatch = z.input<typeof api.AccountPatch>
export type LoginRequest = z.input<typeof api.LoginRequest>
export type Credentials = z.input<typeof api.Credentials>
export type App = z.infer<typeof api.App>
export type AppCreate = z.input<typeof api.AppCreate>
export type AppSettings = z.input<typeof api.AppSettings>
export type DomainState = z.infer<typeof api.DomainState>
export type Key = z.infer<typeof api.Key>
export type KeyCreate = z.input<typeof api.KeyCreate>
export type CheckoutCreate = z.input<typeof api.CheckoutCreate>
export type CheckoutReply = z.infer<typeof api.CheckoutReply>
export type PackagesReply = z.infer<typeof api.PackagesReply>
export type Package = z.infer<typeof records.Package>
export type UsageEntry = z.infer<typeof records.ReceiptRow>
export type PriceTable = z.infer<typeof receipts.PriceTable>
export type ReceiptPayload = z.infer<typeof receipts.ReceiptPayload>
export type ConnectOnboard = z.input<typeof payments.ConnectOnboard>
export type ConnectOnboarded = z.infer<typeof payments.ConnectOnboarded>
export type ConnectStatus = z.infer<typeof payments.ConnectStatus>
export type PayoutsReply = z.infer<typeof payments.PayoutsReply>
export type PayoutStatement = z.infer<typeof payments.PayoutStatement>
export type KeySettings = z.input<typeof api.KeySettings>
export type KeyRotated = z.infer<typeof api.KeyRotated>
export type AppUsers = z.infer<typeof developers.AppUsers>
export type GrantSettings = z.infer<typeof developers.GrantSettings>
export type PoolState = z.infer<typeof developers.PoolState>
export type PoolCheckout = z.input<typeof developers.PoolCheckout>
export type DeveloperGrant = z.infer<typeof developers.DeveloperGrant>
export type DeveloperGrants = z.infer<typeof developers.DeveloperGrants>
export type DeveloperGrantCreate = z.input<typeof developers.DeveloperGrantCreate>
export type DeveloperGranted = z.infer<typeof developers.DeveloperGranted>
export type GrantsBulk = z.input<typeof developers.GrantsBulk>
export type Granted = z.infer<typeof developers.Granted>
export type GrantsGiven = z.infer<typeof developers.GrantsGiven>
export type RefusedCalls = z.infer<typeof developers.RefusedCalls>
export type AnalyticsSummary = z.infer<typeof analytics.AnalyticsSummary>
export type AnalyticsTimeseries = z.infer<typeof analytics.AnalyticsTimeseries>
export type AnalyticsBreakdown = z.infer<typeof analytics.AnalyticsBreakdown>
export type Metric = z.infer<typeof analytics.Metric>
export type Interval = z.infer<typeof analytics.Interval>
export type GroupBy = z.infer<typeof analytics.GroupBy>
export type WebhookEventType = z.infer<typeof developers.WebhookEvent>
export type Webhook = z.infer<typeof developers.Webhook>
export type WebhookCreate = z.input<typeof developers.WebhookCreate>
export type WebhookPatch = z.input<typeof developers.WebhookPatch>
export type WebhookWithSecret = z.infer<typeof developers.WebhookWithSecret>
export type Deliveries = z.infer<typeof developers.Deliveries>
export type Delivery = z.infer<typeof developers.Delivery>
export type DeliveryDetail = z.infer<typeof developers.DeliveryDetail>
export type AccountDelete = z.input<typeof api.AccountDelete>
export type PasskeyOptions = z.infer<typeof api.PasskeyOptions>
export type PasskeySignIn = z.input<typeof api.PasskeySignIn>
export type PasskeyAdd = z.input<typeof api.PasskeyAdd>
export type Passkey = z.infer<typeof api.Passkey>
export type RecoveryCodes = z.infer<typeof api.RecoveryCodes>
export type ResetConfirm = z.input<typeof api.ResetConfirm>
export type Security = z.infer<typeof api.Security>
export type SignedInDevices = z.infer<typeof api.SignedInDevices>
export type StepUp = z.input<typeof api.StepUp>
export type StepUpReply = z.infer<typeof api.StepUpReply>
export type TotpStart = z.infer<typeof api.TotpStart>
export type AutoTopup = z.infer<typeof payments.AutoTopup>
export type AutoTopupSet = z.input<typeof payments.AutoTopupSet>
export type RefundsReply = z.infer<typeof payments.RefundsReply>
export type RefundCreated = z.infer<typeof payments.RefundCreated>
