// Errors in Stripe's shape.
// owns: their types, codes and sentences. never: a decision that one is due.
// always true: what is thrown has changed nothing; a refusal that left traces (a declined card) is returned instead.

import type Stripe from 'stripe'

export type ErrorType = 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error'

/** The `error` member of an answer: https://docs.stripe.com/api/errors */
export type ErrorBody = {
  type: ErrorType
  message: string
  code?: string
  decline_code?: string
  advice_code?: string
  param?: string
  charge?: string
  doc_url?: string
  request_log_url?: string
  payment_intent?: Stripe.PaymentIntent
  payment_method?: Stripe.PaymentMethod
}

/** A refusal without an effect. `kept` tells whether an idempotency key remembers it: only what was executed is kept. */
export type Refusal = { status: number; error: ErrorBody; kept: boolean }

const REFUSAL = Symbol('refusal')
type Thrown = Error & { [REFUSAL]: Refusal }

/** An error that the exchange turns into an answer. */
export function refusal(status: number, error: Partial<ErrorBody> & { message: string }, kept = true): Error {
  const full: ErrorBody = { type: 'invalid_request_error', ...error }
  if (full.code !== undefined) full.doc_url = `https://stripe.com/docs/error-codes/${full.code.replaceAll('_', '-')}`
  return Object.assign(new Error(full.message), { [REFUSAL]: { status, error: full, kept } }) satisfies Thrown
}

export function refusalOf(thrown: unknown): Refusal | undefined {
  return thrown instanceof Error && REFUSAL in thrown ? (thrown as Thrown)[REFUSAL] : undefined
}

/** A parameter that cannot be: found before anything was executed, so no idempotency key remembers it. */
export function invalid(param: string, message: string, code?: string): Error {
  return refusal(400, code === undefined ? { message, param } : { message, param, code }, false)
}

/** A parameter that the state of things refuses. */
export function refused(message: string, more: { code?: string; param?: string } = {}): Error {
  return refusal(400, { message, ...more })
}

/** @param noun as Stripe's sentence has it ("customer", "payment_intent") */
export function missing(noun: string, id: string, param: string | null): Error {
  const error = { message: `No such ${noun}: '${id}'`, code: 'resource_missing', param: param ?? 'id' }
  return refusal(param === null ? 404 : 400, error)
}
