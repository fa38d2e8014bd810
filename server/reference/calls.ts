// The reference of what apps call: models, balances, users, grants.
// owns: the table of /v1. never: a route.
// always true: each row is a route of the server; a test compares the two.

import { z } from 'zod'
import { Quota } from '../contract/api.ts'
import { Granted } from '../contract/developers.ts'
import type { FaultCode } from '../contract/faults.ts'
import { MicrosOrZero } from '../contract/money.ts'
import { PriceTable } from '../contract/receipts.ts'
import { ExternalUserId, ReceiptRow, Time } from '../contract/records.ts'
import { type Group, type Operation, only, PAGES } from './operation.ts'

const APP = ['key', 'token'] as const
const METERED: readonly FaultCode[] = [
  'unsupported_parameter',
  'user_required',
  'insufficient_credits',
  'cap_exceeded',
  'per_call_ceiling_exceeded',
  'held_by_other_calls',
  'account_in_debt',
  'insufficient_scope',
  'connection_paused',
  'model_not_allowed',
  'approval_refused',
  'approval_timeout',
  'user_not_found',
  'model_not_found',
  'consent_required',
  'idempotency_in_progress',
  'idempotency_mismatch',
  'rate_limit',
  'upstream_error',
  'provider_unavailable',
  'ledger_unavailable',
  'gateway_timeout',
]

const Asked = z.looseObject({ model: z.string() })
const Answered = z.looseObject({ quota: Quota })
/** `amount` is dollars here: a decimal number with at most six decimals. */
const Dollars = z.number().positive()
const Shown = z.object({ balance: MicrosOrZero, balance_display: z.string() })
const PoolDocument = z.object({
  balance: z.string(),
  balance_credits: MicrosOrZero,
  granted_total_credits: MicrosOrZero,
})
const Model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  context_window: z.int().nullable(),
  max_output_tokens: z.int().nullable(),
  pricing: z.looseObject({
    prompt_per_1k_tokens: z.number().nullable(),
    completion_per_1k_tokens: z.number().nullable(),
  }),
})
const User = z.object({
  id: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  balance: MicrosOrZero.nullable(),
})
const LinkedUser = User.extend({ external_user_id: z.string(), balance_display: z.string().nullable() })

const ROUTES: readonly [path: string, summary: string, form?: 'multipart/form-data' | undefined, answer?: string][] = [
  ['/chat/completions', 'A chat completion, in OpenAI’s shape; streamed with `stream: true`.'],
  ['/responses', 'A response, in OpenAI’s shape; `store` is sent as false.'],
  ['/messages', 'A message, in Anthropic’s shape.'],
  ['/embeddings', 'Embeddings, in OpenAI’s shape.'],
  ['/images/generations', 'Images, in OpenAI’s shape.'],
  ['/audio/speech', 'Speech, in OpenAI’s shape; `quota` is in the headers.', undefined, 'audio/*'],
  ['/audio/transcriptions', 'A transcription, in OpenAI’s shape.', 'multipart/form-data'],
]

const metered: Operation[] = ROUTES.flatMap(([path, summary, form, answer]) => {
  const row = {
    body: Asked,
    answer: answer ?? Answered,
    once: true as const,
    errors: METERED,
    ...(form ? { form } : {}),
  }
  return [
    {
      at: `POST /v1${path}` as const,
      summary: `${summary} A key bills its developer, or with the header X-Quota-User a linked user; a token bills its user.`,
      who: APP,
      ...row,
    },
    {
      at: `POST /v1/users/{external_user_id}${path}` as const,
      summary: `The same, billed to this user of the app.`,
      who: ['key' as const],
      ...row,
    },
  ]
})

export const CALLS: readonly Group[] = [
  {
    name: 'Model calls',
    text: `Stock SDKs work with this server as their base URL. The most a call can cost is reserved first and what it did cost is charged before its last
byte; the answer carries \`quota\` with the amount and a signed receipt.`,
    operations: [
      ...metered,
      {
        at: 'GET /v1/models',
        summary: 'The models that can be called here, with their prices.',
        who: ['key', 'token', 'wallet', 'session'],
        answer: z.object({ object: z.literal('list'), data: z.array(Model) }),
        errors: ['insufficient_scope'],
      },
      {
        at: 'GET /v1/models/{model}',
        summary: 'One of them.',
        who: ['key', 'token', 'wallet', 'session'],
        answer: Model,
        errors: ['insufficient_scope', 'model_not_found'],
      },
      {
        at: 'GET /v1/usage',
        summary: 'Receipts, newest first: a key’s of its app, a token’s of its user in the app.',
        who: APP,
        query: PAGES,
        answer: z.object({
          object: z.literal('list'),
          data: z.array(ReceiptRow.loose()),
          next_cursor: z.string().nullable(),
        }),
        errors: ['insufficient_scope'],
      },
      {
        at: 'GET /v1/prices/{version}',
        summary: 'A price table that receipts name.',
        who: ['nobody'],
        answer: PriceTable,
        errors: ['not_found'],
      },
      {
        at: 'GET /.well-known/quota-receipts.json',
        summary: 'The public keys that receipts are signed with (JWKS).',
        who: ['nobody'],
        answer: z.object({ keys: z.array(z.looseObject({})) }),
      },
    ],
  },
  {
    name: 'Balances and users',
    text: 'What an app may know of its users. A balance is what is spendable in this app.',
    operations: [
      {
        at: 'GET /v1/balance',
        summary: 'The developer’s own balance (key), the user’s (token), or that of a named user.',
        who: APP,
        query: { external_user_id: 'With a key: whose balance.' },
        answer: Shown.loose(),
        errors: ['insufficient_scope', 'user_not_found'],
      },
      {
        at: 'GET /v1/me',
        summary: 'The person behind a token, or the developer behind a key.',
        who: APP,
        answer: only('user', User),
        errors: ['insufficient_scope'],
      },
      {
        at: 'GET /v1/users',
        summary: 'The linked users of the app, oldest first.',
        who: ['key'],
        query: PAGES,
        answer: z.object({ users: z.array(LinkedUser), next_cursor: z.string().nullable() }),
      },
      {
        at: 'GET /v1/users/{external_user_id}',
        summary: 'A linked user.',
        who: ['key'],
        answer: only('user', LinkedUser),
        errors: ['user_not_found'],
      },
      {
        at: 'DELETE /v1/users/{external_user_id}',
        summary: 'Unlinks a user; they keep their grants.',
        who: ['key'],
        answer: z.object({ external_user_id: z.string(), deleted: z.literal(true) }),
        errors: ['user_not_found'],
      },
      {
        at: 'GET /v1/users/{external_user_id}/balance',
        summary: 'A user’s balance in this app.',
        who: ['key'],
        answer: Shown.extend({ external_user_id: z.string(), billing_mode: z.literal('user') }),
        errors: ['insufficient_scope', 'user_not_found'],
      },
    ],
  },
  {
    name: 'Grants by key',
    text: 'Amounts are dollars here, as in 0.50; answers have both dollars as text and integer credits.',
    operations: [
      {
        at: 'POST /v1/funding/grant',
        summary: 'Gives free balance out of the pool to a user, who is made when new.',
        who: ['key'],
        body: z.strictObject({
          external_user_id: ExternalUserId,
          amount: Dollars,
          description: z.string().max(500).optional(),
          expires_at: Time.optional(),
        }),
        answer: Granted,
        once: true,
        errors: ['insufficient_balance', 'grant_limit_exceeded', 'user_not_found', 'idempotency_mismatch'],
      },
      { at: 'GET /v1/funding/pool', summary: 'The pool.', who: ['key'], answer: PoolDocument },
      ...(['', '/withdraw'] as const).map(
        (path): Operation => ({
          at: `POST /v1/funding/pool${path}`,
          summary: path === '' ? 'Moves own balance into the pool.' : 'Moves it back.',
          who: ['key'],
          body: z.strictObject({ amount: Dollars }),
          answer: PoolDocument,
          once: true,
          errors: ['insufficient_balance', 'idempotency_mismatch'],
        }),
      ),
    ],
  },
]
