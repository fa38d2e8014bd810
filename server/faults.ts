// Expected failures as values that can be thrown and rendered.
// owns: the Fault error and its public body. never: what a failure means for money.
// always true: the public sentence and the private cause are two fields; only the first ever leaves the server.

import { type ErrorBody, FAULTS, type FaultCode } from './contract/faults.ts'

export type FaultOptions = {
  /** A public sentence that replaces the code's own. */
  message?: string
  /** The field at fault. */
  param?: string
  /** Public facts for a program (see LimitDetails). */
  details?: Record<string, unknown>
  /** A public sentence that says what to do. */
  hint?: string
  /** Private; goes to the log only. */
  cause?: unknown
  /** Seconds for a Retry-After header. */
  retryAfterS?: number
}

export class Fault extends Error {
  readonly code: FaultCode
  readonly options: FaultOptions
  constructor(code: FaultCode, options: FaultOptions = {}) {
    super(options.message ?? FAULTS[code][2], { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.options = options
  }
  get status(): number {
    return FAULTS[this.code][0]
  }
}

/** Makes an expected failure; throw it. */
export function fault(code: FaultCode, options: FaultOptions = {}): Fault {
  return new Fault(code, options)
}

export function isFault(error: unknown): error is Fault {
  return error instanceof Fault
}

/** The one renderer of our error body. */
export function errorBody(error: Fault, requestId: string, publicUrl: string): ErrorBody {
  const { param, details, hint } = error.options
  return {
    error: {
      message: error.message,
      type: FAULTS[error.code][1],
      code: error.code,
      param: param ?? null,
      details: details ?? null,
      hint: hint ?? null,
      docs_url: `${publicUrl}/docs#${error.code}`,
      request_id: requestId,
    },
  }
}

/** The same failure in the words of OAuth (RFC 6749, 5.2), for the endpoints of the protocol. */
export function oauthErrorBody(error: Fault): { error: string; error_description: string } {
  return { error: oauthCode(error), error_description: error.message }
}

function oauthCode({ status, code }: Fault): string {
  if (status === 429) return code
  if (status === 503) return 'temporarily_unavailable'
  return status < 500 ? 'invalid_request' : 'server_error'
}

// RFC 6750, 3.1 and RFC 9449, 7.1: a token may be presented in either way.
const CHALLENGES: Partial<Record<FaultCode, string>> = {
  invalid_token: 'Bearer realm="quota", error="invalid_token", DPoP realm="quota", algs="ES256 Ed25519 EdDSA"',
  invalid_dpop_proof: 'DPoP realm="quota", error="invalid_dpop_proof", algs="ES256 Ed25519 EdDSA"',
}

/** Headers that go with a fault: money faults, and what a person has decided, must not be retried by SDKs, busy ones say when. */
export function errorHeaders(error: Fault): Record<string, string> {
  const headers: Record<string, string> = {}
  if (error.status === 402 || error.status === 409 || error.code.startsWith('approval_'))
    headers['x-should-retry'] = 'false'
  if (error.options.retryAfterS !== undefined) headers['retry-after'] = String(error.options.retryAfterS)
  else if (error.status === 503) headers['retry-after'] = '1'
  if (error.status === 401) headers['www-authenticate'] = CHALLENGES[error.code] ?? 'Bearer realm="quota"'
  return headers
}
