// What a route answers.
// owns: the difference between an object and an error that left traces. never: HTTP.
// always true: an error that is returned is committed with its effects; one that is thrown (errors.ts) undoes them.

import type { ErrorBody } from './errors.ts'

const FAILED = Symbol('failed')
type Failure = { status: number; error: ErrorBody }
export type Failed = { [FAILED]: Failure }
export type Answer = object | Failed

/** A refusal whose traces stay: the failed charge of a declined card. */
export function failed(status: number, error: ErrorBody): Failed {
  return { [FAILED]: { status, error } }
}

export function failureOf(answer: Answer): Failure | undefined {
  return FAILED in answer ? answer[FAILED] : undefined
}
