// What Stripe's errors mean for money.
// owns: the line between a refusal and an answer that was lost. never: a retry.
// always true: what is not certainly a refusal is unknown, and is thrown.

import Stripe from 'stripe'
import type { Refused } from './payments.ts'

/**
 * A final refusal: the request was understood and will not be done (https://docs.stripe.com/error-low-level). A conflict
 * of keys, a rate limit, a time-out and a server's error are none: there something may have happened, or may yet.
 */
export function refusalOf(error: unknown): Refused | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null
  const status = error.statusCode ?? 0
  if (status < 400 || status >= 500 || status === 401 || status === 408 || status === 409 || status === 429) return null
  if (error instanceof Stripe.errors.StripeIdempotencyError) return null
  return { refused: { code: failureOf(error), message: error.message } }
}

export function refusedOr(error: unknown): Refused {
  const refused = refusalOf(error)
  if (!refused) throw error
  return refused
}

export function failureOf(error: unknown): string {
  if (!(error instanceof Stripe.errors.StripeError)) return 'failed'
  return error.decline_code ?? error.code ?? error.type
}

/** Null for what is not there. */
export async function found<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError && (error.statusCode === 404 || error.code === 'resource_missing'))
      return null
    throw error
  }
}

export function must<T>(value: T | null, id: string): T {
  if (value === null) throw new Error(`${id} is gone at the provider`)
  return value
}
