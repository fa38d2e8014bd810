// The front door of the package: what an app imports.
// owns: the list of public names. never: code. always true: it names each thing one by one, so that a bundler drops the rest.

export type { BilledOptions, Spend } from './billed-fetch.ts'
export { billedFetch } from './billed-fetch.ts'
export type { CallOptions, ChatChunk, Client, UserClient } from './client.ts'
export { quota } from './client.ts'
export type { Credential, Options, TokenSource } from './credentials.ts'
export { keepFresh } from './credentials.ts'
export type { ErrorCode } from './errors.ts'
export { isDisconnected, isLimit, QuotaError } from './errors.ts'
export type { HostedOptions, HostedWallet } from './hosted.ts'
export { hostedWallet } from './hosted.ts'
export { dollars, usd } from './money.ts'
export type { Linked, OAuth, OAuthOptions, Pending, Tokens } from './oauth.ts'
export { oauth } from './oauth.ts'
export { everyPage } from './pages.ts'
export type { ReceiptCheck, ReceiptProblem } from './receipts.ts'
export { checkChain, checkReceipt, readReceipt } from './receipts.ts'
export type {
  Balance,
  ChatMessage,
  ChatReply,
  GrantCreate,
  LinkedUser,
  Model,
  Pool,
  PublicKeys,
  User,
  UserBalance,
} from './routes.ts'
export type * from './types.ts'
export type { WebhookEvent } from './webhooks.ts'
export { verifyWebhook } from './webhooks.ts'
