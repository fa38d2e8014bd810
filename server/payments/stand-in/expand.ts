// Expansion: https://docs.stripe.com/api/expanding_objects
// owns: which ids become objects, and what is only there when asked for. never: a change.
// always true: four levels at most; a name that is not there or leads nowhere is refused.

import type Stripe from 'stripe'
import { lineItemsOf } from './checkout.ts'
import { invalid } from './errors.ts'
import { paged } from './lists.ts'
import type { Work } from './work.ts'

const DEPTH_MAX = 4
type Shown = Record<string, unknown>

/** What is left out unless it is asked for, by `kind.field`. */
const INCLUDED: Record<string, (work: Work, object: Shown) => Promise<unknown>> = {
  'charge.refunds': async (work, { id }) => {
    const refunds: Stripe.Refund[] = []
    for await (const refund of work.all('refund')) if (refund.charge === id) refunds.push(refund)
    return paged(refunds, `/v1/charges/${id}/refunds`, {})
  },
  'checkout.session.line_items': async (work, { id }) =>
    paged(await lineItemsOf(work, String(id)), `/v1/checkout/sessions/${id}/line_items`, {}),
}

/** A copy with the asked ids as objects. @throws refusal of a name that cannot be expanded */
export async function expanded(work: Work, object: object, names: readonly string[]): Promise<object> {
  let shown = object as Shown
  for (const name of names) {
    const parts = name.split('.')
    if (parts.length > DEPTH_MAX)
      throw invalid('expand', `You cannot expand more than ${DEPTH_MAX} levels of a property. Property: ${name}`)
    shown = await along(work, shown, parts, name)
  }
  return shown
}

async function along(work: Work, object: Shown, [first = '', ...rest]: string[], name: string): Promise<Shown> {
  const include = INCLUDED[`${object.object}.${first}`]
  const value = object[first] ?? (include ? await include(work, object) : object[first])
  if (value === undefined) throw invalid('expand', `This property cannot be expanded (${name}).`)
  if (value === null) return object
  const found = await opened(work, value, name)
  if (rest.length === 0) return { ...object, [first]: found }
  if (Array.isArray(found)) {
    const items = await Promise.all(found.map((item) => along(work, item as Shown, rest, name)))
    return { ...object, [first]: items }
  }
  return { ...object, [first]: await along(work, found as Shown, rest, name) }
}

/** What an id stands for; what is an object already stays. */
async function opened(work: Work, value: unknown, name: string): Promise<object> {
  if (typeof value === 'object' && value !== null) return value
  const found = typeof value === 'string' ? await work.any(value) : undefined
  if (!found) throw invalid('expand', `This property cannot be expanded (${name}).`)
  return found.doc as object
}
