// Requests about events: https://docs.stripe.com/api/events
// owns: their list and retrieval. never: their making.
// always true: an event is listed for thirty days.

import type { z } from 'zod'
import { z as zod } from 'zod'
import { missing } from './errors.ts'
import { fitsType } from './faults.ts'
import { listed } from './lists.ts'
import { created, flag, listParams, text } from './params.ts'
import { must, type Work } from './work.ts'

const LISTED_S = 30 * 86_400

export const EVENT_LIST = listParams({
  created: created.optional(),
  delivery_success: flag.optional(),
  type: text.optional(),
  types: zod.array(text).max(20).optional(),
})

export async function listEvents(work: Work, given: z.output<typeof EVENT_LIST>) {
  return listed(
    work,
    'event',
    '/v1/events',
    given,
    (one) =>
      one.created > work.nowS - LISTED_S &&
      (given.type === undefined || fitsType(given.type, one.type)) &&
      (given.types === undefined || given.types.includes(one.type)) &&
      (given.delivery_success === undefined || given.delivery_success === (one.pending_webhooks === 0)),
  )
}

export async function retrieveEvent(work: Work, _given: unknown, [id = '']: string[]) {
  const event = await must(work, 'event', id, null)
  if (event.created <= work.nowS - LISTED_S) throw missing('event', id, null)
  return event
}
