// Lists as Stripe pages them: https://docs.stripe.com/api/pagination
// owns: limit, starting_after, ending_before, created. never: a filter of one kind of object.
// always true: newest first; `has_more` tells the truth.

import type { z } from 'zod'
import { invalid, missing } from './errors.ts'
import type { created } from './params.ts'
import type { Kind, Kinds, Work } from './work.ts'

export type Paging = {
  limit?: number | undefined
  starting_after?: string | undefined
  ending_before?: string | undefined
  created?: z.output<typeof created> | undefined
}
export type List<T> = { object: 'list'; data: T[]; has_more: boolean; url: string }

const LIMIT_DEFAULT = 10
const LIMIT_MAX = 100

/** A page of a kind. @throws refusal of a limit or of a place that cannot be */
export async function listed<K extends Kind>(
  work: Work,
  kind: K,
  path: string,
  paging: Paging,
  fits: (one: Kinds[K]) => boolean = () => true,
): Promise<List<Kinds[K]>> {
  const isInTime = createdFilter(paging.created)
  async function* fitting() {
    for await (const one of work.all(kind)) if (isInTime(one) && fits(one)) yield one
  }
  for (const name of ['starting_after', 'ending_before'] as const) {
    const id = paging[name]
    if (id !== undefined && (await work.find(kind, id)) === undefined) throw missing(kind, id, name)
  }
  return paged(fitting(), path, paging)
}

/** Whether an object's fields are what a filter asks for; what it does not ask for fits. */
export function equal<T extends object>(one: T, asked: { readonly [K in keyof T]?: unknown }): boolean {
  return Object.entries(asked).every(([name, wanted]) => wanted === undefined || one[name as keyof T] === wanted)
}

/** A page of what comes newest first. */
export async function paged<T extends { id: string }>(
  all: AsyncIterable<T> | Iterable<T>,
  url: string,
  paging: Paging,
): Promise<List<T>> {
  const { limit = LIMIT_DEFAULT, starting_after: after, ending_before: before } = paging
  if (limit < 1 || limit > LIMIT_MAX)
    throw invalid('limit', `Invalid integer: limit must be between 1 and ${LIMIT_MAX}`)
  if (after !== undefined && before !== undefined)
    throw invalid('starting_after', 'You cannot parameterize both starting_after and ending_before.')
  const data: T[] = []
  let begun = after === undefined
  let more = false
  for await (const one of all) {
    if (one.id === before) return { object: 'list', data, has_more: more, url }
    if (begun) {
      if (data.length < limit) data.push(one)
      else if (before === undefined) return { object: 'list', data, has_more: true, url }
      else {
        // what is nearest before the place is wanted, not what is newest
        data.shift()
        data.push(one)
        more = true
      }
    } else begun = one.id === after
  }
  return { object: 'list', data, has_more: more, url }
}

function createdFilter(range: Paging['created']): (one: object) => boolean {
  if (range === undefined) return () => true
  const {
    gt = -1,
    gte = 0,
    lt = Number.POSITIVE_INFINITY,
    lte = lt,
  } = typeof range === 'number' ? { gte: range, lte: range } : range
  return (one) => {
    const at = 'created' in one && typeof one.created === 'number' ? one.created : 0
    return at > gt && at >= gte && at < lt && at <= lte
  }
}
