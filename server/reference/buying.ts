// The reference of buying balance, and of what the wallet itself uses.
// owns: the table of payments and of /v1/wallet. never: a route.
// always true: each row is a route of the server; a test compares the two.

import { z } from 'zod'
import { CheckoutCreate, CheckoutReply, PackagesReply, SandboxOutcome } from '../contract/api.ts'
import { FeedPage, MutationsReply, MutationsRequest } from '../contract/feed.ts'
import { AutoTopup, AutoTopupSet, RefundCreate, RefundCreated, RefundsReply } from '../contract/payments.ts'
import type { Group } from './operation.ts'

export const BUYING: readonly Group[] = [
  {
    name: 'Buying balance',
    text: 'A package is paid on a page of the payment provider, or in the sandbox on a page of this server.',
    operations: [
      { at: 'GET /v1/packages', summary: 'What may be bought.', who: ['nobody'], answer: PackagesReply },
      {
        at: 'POST /api/payments/checkout',
        summary: 'Begins a purchase: for the caller, or with a key for a named user.',
        who: ['session', 'wallet', 'key'],
        body: CheckoutCreate,
        answer: CheckoutReply,
        once: true,
        errors: ['user_not_found', 'idempotency_mismatch', 'payments_unavailable'],
      },
      {
        at: 'GET /api/payments/refunds',
        summary: 'What could be refunded, and what was asked for.',
        who: ['session', 'wallet'],
        answer: RefundsReply,
      },
      {
        at: 'POST /api/payments/refunds',
        summary: 'Asks for unspent money back.',
        who: ['session', 'wallet'],
        body: RefundCreate,
        answer: RefundCreated,
        once: true,
        errors: ['insufficient_balance', 'account_in_debt', 'idempotency_mismatch'],
      },
      {
        at: 'GET /api/payments/auto-topup',
        summary: 'Automatic top-ups.',
        who: ['session', 'wallet'],
        answer: AutoTopup,
      },
      {
        at: 'PUT /api/payments/auto-topup',
        summary: 'Sets them; raising takes a session with a fresh proof.',
        who: ['session', 'wallet'],
        body: AutoTopupSet,
        answer: AutoTopup,
        errors: ['step_up_required'],
      },
      {
        at: 'DELETE /api/payments/card',
        summary: 'Removes the saved card, here and at Stripe; automatic top-ups are off then. Answers them.',
        who: ['session', 'wallet'],
        answer: AutoTopup,
        errors: ['not_found', 'topup_in_progress'],
      },
      {
        at: 'GET /payments/receipts/{id}',
        summary: 'The receipt of a purchase, for whoever paid; one for a user of an app, for whoever has its id.',
        who: ['session', 'wallet', 'nobody'],
        answer: 'text/html',
        errors: ['not_found'],
      },
      {
        at: 'GET /payments/receipts/{id}/pdf',
        summary: 'The same as a file.',
        who: ['session', 'wallet', 'nobody'],
        answer: 'application/pdf',
        errors: ['not_found'],
      },
      {
        at: 'POST /sandbox/checkouts/{id}',
        summary: 'In the sandbox: what the payment page’s buttons do.',
        who: ['nobody'],
        body: SandboxOutcome,
        answer: z.object({ id: z.string(), status: z.string(), livemode: z.literal(false) }),
        errors: ['not_found'],
      },
    ],
  },
  {
    name: 'The wallet',
    text: 'What the wallet itself uses; a person’s numbered changes, and their edits.',
    operations: [
      {
        at: 'GET /v1/wallet/feed',
        summary: 'Changes after a cursor.',
        who: ['wallet'],
        query: { after: 'The cursor.', client: 'The device.', limit: 'At most so many changes.' },
        answer: FeedPage,
      },
      {
        at: 'GET /v1/wallet/poke',
        summary: 'A stream of nudges that there is more.',
        who: ['wallet'],
        answer: 'text/event-stream',
      },
      {
        at: 'POST /v1/wallet/mutations',
        summary: 'Edits, each once by its number.',
        who: ['wallet'],
        body: MutationsRequest,
        answer: MutationsReply,
        errors: ['mutation_gap', 'idempotency_mismatch'],
      },
    ],
  },
]
