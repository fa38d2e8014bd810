// Events: what happened, as a picture of the object at that moment.
// owns: their writing, and which endpoints are to hear of each. never: a delivery (webhooks.ts).
// always true: an event is written in the unit of work that made it true.

import type Stripe from 'stripe'
import { API_VERSION } from './version.ts'
import type { Work } from './work.ts'

type Pictured = Extract<Stripe.Event, { data: { object: object } }>['data']['object']
type Previous = Record<string, unknown>

/** @param previous what changed, as it was: only events that Stripe calls `….updated` and the like have it */
export function emit(work: Work, type: Stripe.Event['type'], object: Pictured, previous?: Previous): void {
  const id = work.id('evt')
  const urls = work.endpoints(type, work.owner)
  const data = previous === undefined ? { object } : { object, previous_attributes: previous }
  const event = {
    id,
    object: 'event',
    ...(work.owner === '' ? {} : { account: work.owner }),
    api_version: API_VERSION,
    created: work.nowS,
    data,
    livemode: false,
    pending_webhooks: urls.length,
    request: work.asked,
    type,
  }
  work.add('event', event as unknown as Stripe.Event)
  for (const [index, url] of urls.entries()) {
    work.as('').add('_delivery', {
      id: `_delivery_${id}_${index}`,
      event: id,
      owner: work.owner,
      url,
      attempt: 0,
      dueAt: work.nowS * 1000,
      planned: false,
    })
  }
}
