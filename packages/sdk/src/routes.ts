// Every public route of the server, as a table.
// owns: methods, paths, and the types of what goes in and comes out. never: how a call is made (client.ts).
// always true: a name in braces is taken from the input; the rest of it is the query of a GET, or the JSON body.

import { ACCOUNT_ROUTES, AUTH_ROUTES, PAYMENT_ROUTES } from './account-routes.ts'
import { DEVELOPER_ROUTES } from './developer-routes.ts'
import { form, funds, type Page, raw, route } from './route.ts'
import type { CheckoutCreate, CheckoutReply, Granted, PackagesReply, PriceTable, Quota, UsageEntry } from './types.ts'

type ByUser = { external_user_id: string }
type Shown = { balance: number; balance_display: string }

/** `wallet` says whose: the developer's behind a key, or the person's behind an access token. */
export type Balance = Shown & {
  wallet: 'developer' | 'oauth_user'
  plan: string
  user_id: string
  billing_mode: string
}
export type UserBalance = Shown & { external_user_id: string; billing_mode: 'user' }
/** `email` and `name` with the scopes for them. */
export type User = { id: string; balance: number | null; email?: string; name?: string | null }
export type LinkedUser = User & { external_user_id: string; balance_display: string | null }
export type Pool = { balance: string; balance_credits: number; granted_total_credits: number }
/** `credits` is micro-dollars: `usd('0.50')`. */
export type GrantCreate = ByUser & { credits: number; description?: string; expires_at?: string }
export type Model = {
  id: string
  owned_by: string
  context_window: number | null
  max_output_tokens: number | null
  /** `unit_prices` are exact, in pico-dollars per unit; the others are dollars, for display. */
  pricing: {
    prompt_per_1k_tokens: number | null
    completion_per_1k_tokens: number | null
    price_version: string
    unit_prices: Record<string, string>
  }
}
/** Ed25519 keys (RFC 8037). */
export type PublicKeys = { keys: { kid?: string; kty?: string; crv?: string; x?: string; alg?: string }[] }

/** A body in the vendor's own shape. A stream is asked for with `stream`, or with the vendor's SDK over `fetch`. */
export type Body = { model: string } & Record<string, unknown>
export type ChatMessage = { role: string; content?: unknown } & Record<string, unknown>
export type ChatReply = {
  id: string
  model: string
  choices: {
    index: number
    finish_reason: string | null
    message: { role: string; content: string | null } & Record<string, unknown>
  }[]
  quota: Quota
}
export type Answer = { quota: Quota } & Record<string, unknown>

/** Each of these also stands under `/v1/users/{external_user_id}`. */
export const METERED = {
  chat: route<Body & { messages: ChatMessage[] }, ChatReply>('POST', '/chat/completions'),
  responses: route<Body & { input: unknown }, Answer>('POST', '/responses'),
  messages: route<Body & { max_tokens: number; messages: ChatMessage[] }, Answer>('POST', '/messages'),
  embeddings: route<Body & { input: unknown }, Answer>('POST', '/embeddings'),
  images: route<Body & { prompt: string }, Answer>('POST', '/images/generations'),
  speech: raw<Body & { input: string; voice?: unknown }>('POST', '/audio/speech'),
  transcriptions: form<FormData, Answer>('/audio/transcriptions'),
}

export const ROUTES = {
  models: route<undefined, { object: 'list'; data: Model[] }>('GET', '/v1/models'),
  model: route<{ model: string }, Model>('GET', '/v1/models/{model}'),
  balance: route<undefined, Balance>('GET', '/v1/balance'),
  me: route<undefined, { user: User }>('GET', '/v1/me'),
  packages: route<undefined, PackagesReply>('GET', '/v1/packages'),
  checkout: route<CheckoutCreate, CheckoutReply>('POST', '/api/payments/checkout'),
  usage: route<Page, { object: 'list'; data: UsageEntry[]; next_cursor: string | null }>('GET', '/v1/usage'),
  prices: route<{ version: string }, PriceTable>('GET', '/v1/prices/{version}'),
  receiptKeys: route<undefined, PublicKeys>('GET', '/.well-known/quota-receipts.json'),
  users: {
    list: route<Page, { users: LinkedUser[]; next_cursor: string | null }>('GET', '/v1/users'),
    get: route<ByUser, { user: LinkedUser }>('GET', '/v1/users/{external_user_id}'),
    balance: route<ByUser, UserBalance>('GET', '/v1/users/{external_user_id}/balance'),
    unlink: route<ByUser, ByUser & { deleted: true }>('DELETE', '/v1/users/{external_user_id}'),
  },
  funding: {
    pool: route<undefined, Pool>('GET', '/v1/funding/pool'),
    fund: funds<{ credits: number }, Pool>('/v1/funding/pool'),
    withdraw: funds<{ credits: number }, Pool>('/v1/funding/pool/withdraw'),
    grant: funds<GrantCreate, Granted>('/v1/funding/grant'),
  },
  auth: AUTH_ROUTES,
  account: ACCOUNT_ROUTES,
  payments: PAYMENT_ROUTES,
  developers: DEVELOPER_ROUTES,
}
