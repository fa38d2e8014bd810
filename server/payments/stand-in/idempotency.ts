// Idempotency keys: https://docs.stripe.com/api/idempotent_requests
// owns: what a key remembers. never: an execution.
// always true: what was executed is remembered in the commit of its effect, whatever its status; what was refused before
// it was executed is not remembered; a key means one request for a day.

import { createHash } from 'node:crypto'
import { refusal } from './errors.ts'
import type { KeptAnswer, Work } from './work.ts'

const KEY_MAX = 255
const KEPT_S = 86_400

export type Keyed = { key: string; path: string; print: string }

/** What a request asks, if it is one that keys work for. @throws refusal of a key that is too long */
export function keyed(method: string, path: string, key: string | undefined, body: string): Keyed | null {
  if (key === undefined || method !== 'POST') return null
  if (key.length > KEY_MAX)
    throw refusal(
      400,
      { type: 'idempotency_error', message: `Idempotency key is too long: at most ${KEY_MAX} characters.` },
      false,
    )
  return { key, path, print: createHash('sha256').update(body).digest('hex') }
}

/** The answer that a key remembers. @throws refusal `idempotency_error` when the key was used for something else */
export async function remembered(work: Work, { key, path, print }: Keyed): Promise<KeptAnswer | undefined> {
  const kept = await work.as('').find('_answer', idOfKey(work, key))
  if (kept === undefined || kept.atS + KEPT_S <= work.nowS) return undefined
  if (kept.path !== path) {
    throw mismatch(
      `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${path}' vs '${kept.path}'). Try using a key other than '${key}' if you meant to execute a different request.`,
    )
  }
  if (kept.print !== print) {
    throw mismatch(
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
    )
  }
  return kept
}

export function remember(
  work: Work,
  { key, path, print }: Keyed,
  answer: { status: number; body: string; requestId: string },
): void {
  work.as('').put('_answer', { id: idOfKey(work, key), path, print, ...answer, atS: work.nowS })
}

/** Forgets keys that are too old to count. */
export async function forgetOld(work: Work): Promise<void> {
  for await (const { id, atS } of work.all('_answer')) if (atS + KEPT_S <= work.nowS) work.remove('_answer', id)
}

/** Another request with this key is being executed now. */
export function inUse(key: string): Error {
  return refusal(
    409,
    {
      type: 'idempotency_error',
      code: 'idempotency_key_in_use',
      message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
    },
    false,
  )
}

function mismatch(message: string): Error {
  return refusal(400, { type: 'idempotency_error', message }, false)
}

/** Keys of different accounts have nothing to do with each other. */
function idOfKey({ owner }: Work, key: string): string {
  return `_answer_${createHash('sha256').update(`${owner}/${key}`).digest('hex')}`
}
