// The reference of webhooks.
// owns: the table of /developers/webhooks. never: a route.
// always true: each row is a route of the server; a test compares the two.

import * as D from '../contract/developers.ts'
import { DEVELOPER, Deleted, type Group, only, PAGES } from './operation.ts'

const path = '/developers/webhooks'
const missing = ['not_found'] as const
const one = only('webhook', D.Webhook)
const delivery = only('delivery', D.Delivery)

export const WEBHOOKS: Group = {
  name: 'Webhooks',
  text: 'Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature` (v1, HMAC-SHA256 over id.timestamp.body by the bytes after `whsec_`), tried for three days. `X-Quota-Signature` beside is hex HMAC-SHA256 of the body by the whole secret.',
  operations: [
    {
      at: `POST ${path}`,
      summary: 'A new webhook; its secret is shown once.',
      who: DEVELOPER,
      body: D.WebhookCreate,
      status: 201,
      answer: D.WebhookWithSecret,
      errors: ['url_not_allowed', 'not_found'],
    },
    { at: `GET ${path}`, summary: 'Own webhooks.', who: DEVELOPER, answer: D.Webhooks },
    { at: `GET ${path}/{id}`, summary: 'One.', who: DEVELOPER, answer: one, errors: missing },
    {
      at: `PATCH ${path}/{id}`,
      summary: 'Changes it, or turns it on or off.',
      who: DEVELOPER,
      body: D.WebhookPatch,
      answer: one,
      errors: ['url_not_allowed', 'not_found'],
    },
    { at: `DELETE ${path}/{id}`, summary: 'Removes it.', who: DEVELOPER, answer: Deleted, errors: missing },
    {
      at: `POST ${path}/{id}/rotate-secret`,
      summary: 'A new secret; both sign for a while.',
      who: DEVELOPER,
      body: D.WebhookRotate,
      answer: D.WebhookWithSecret,
      errors: missing,
    },
    {
      at: `POST ${path}/{id}/test`,
      summary: 'Sends a made-up event now.',
      who: DEVELOPER,
      body: D.WebhookTest,
      answer: delivery,
      errors: missing,
    },
    {
      at: `GET ${path}/{id}/deliveries`,
      summary: 'Deliveries of the last 30 days, newest first.',
      who: DEVELOPER,
      query: { status: '`waiting`, `delivered` or `failed`.', ...PAGES },
      answer: D.Deliveries,
      errors: missing,
    },
    {
      at: `GET ${path}/{id}/deliveries/{delivery}`,
      summary: 'One, with its body.',
      who: DEVELOPER,
      answer: D.DeliveryDetail,
      errors: missing,
    },
    {
      at: `POST ${path}/{id}/deliveries/{delivery}/replay`,
      summary: 'Sends its event again now.',
      who: DEVELOPER,
      answer: delivery,
      errors: missing,
    },
  ],
}
