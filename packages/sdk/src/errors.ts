// What a refusal looks like to an app.
// owns: one error, made from what the server or its authorization server answered. never: a retry.
// always true: `code` is what to decide by; `message` is a sentence that a person may read.

import type { FaultCode, LimitDetails } from './types.ts'

/** Codes of the server; those of OAuth (RFC 6749: `invalid_grant`, …); `unreachable` and `malformed` are the SDK's own. */
export type ErrorCode = FaultCode | 'invalid_grant' | 'unreachable' | 'malformed' | (string & {})

type Told = {
  code: ErrorCode
  message: string
  status?: number
  param?: string | null
  hint?: string | null
  docs_url?: string | null
  request_id?: string | null
  details?: Record<string, unknown> | null
  retry_after_s?: number | null
  cause?: unknown
}

export class QuotaError extends Error {
  readonly code: ErrorCode
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number
  readonly param: string | null
  readonly hint: string | null
  readonly docs_url: string | null
  /** Quote it when you ask for help. */
  readonly request_id: string | null
  readonly details: Record<string, unknown> | null
  /** After so many seconds the same call may do (429, 503). */
  readonly retry_after_s: number | null

  constructor(told: Told) {
    super(told.message, told.cause === undefined ? undefined : { cause: told.cause })
    this.name = 'QuotaError'
    this.code = told.code
    this.status = told.status ?? 0
    this.param = told.param ?? null
    this.hint = told.hint ?? null
    this.docs_url = told.docs_url ?? null
    this.request_id = told.request_id ?? null
    this.details = told.details ?? null
    this.retry_after_s = told.retry_after_s ?? null
  }
}

/** Whether a limit or an empty balance spoke; `details` then says which one, and when it lets go. */
export function isLimit(error: unknown): error is QuotaError & { details: LimitDetails } {
  return error instanceof QuotaError && error.status === 402 && typeof error.details?.limit === 'string'
}

const DISCONNECTED = new Set(['invalid_grant', 'invalid_token', 'connection_revoked', 'user_not_found'])

/** Whether the person has ended the connection, or never made one: ask them to connect. */
export function isDisconnected(error: unknown): error is QuotaError {
  return error instanceof QuotaError && DISCONNECTED.has(error.code)
}

/** The error of an answer that is not a success. Reads the body. */
export async function errorOf(reply: Response): Promise<QuotaError> {
  const text = await reply.text().catch(() => '')
  const body = (parsed(text) ?? {}) as { error?: unknown; error_description?: unknown }
  const common = {
    status: reply.status,
    request_id: reply.headers.get('x-request-id'),
    retry_after_s: seconds(reply.headers.get('retry-after')),
  }
  if (typeof body.error === 'object' && body.error !== null) {
    const told = body.error as Told
    return new QuotaError({ ...common, ...told, code: String(told.code), message: String(told.message) })
  }
  if (typeof body.error === 'string') {
    return new QuotaError({ ...common, code: body.error, message: String(body.error_description ?? body.error) })
  }
  return new QuotaError({
    ...common,
    code: 'malformed',
    message: `the server answered ${reply.status} without a reason`,
  })
}

function seconds(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
