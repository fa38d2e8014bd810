// The documents on the wire, as types.
// owns: their names in the SDK. never: a shape of its own. always true: each is derived from the server's schema; the build
// writes them out, so that the published package knows nothing of zod (build-types.ts reads these very lines).

import type { z } from 'zod'
import type * as api from '../../../server/contract/api.ts'
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
