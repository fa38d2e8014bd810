// What every route shares.
// owns: parsing of bodies and ids into typed values or faults; the body reader. never: a route.
// always true: a body is valid UTF-8 JSON of bounded depth, without doubled top-level keys, or it is refused with 400.

import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { FaultCode } from './contract/faults.ts'
import type { Deps } from './deps.ts'
import { type Fault, fault, isFault } from './faults.ts'

export const MAX_BODY_BYTES = 1024 * 1024
const MAX_DEPTH = 64

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes of a JSON body, as they came. */
    rawBody: Buffer | null
  }
  interface FastifyContextConfig {
    /** Whether faults have Anthropic's envelope, `{"type": "error", "error": {…}}`. */
    typedErrors?: boolean
  }
}

/** A folder's routes: adds them to the server. */
export type Routes = (app: FastifyInstance, deps: Deps) => void

/** Checks a value against a schema. @throws Fault `bad_request` naming the first field at fault */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const param = [...(issue?.path ?? []), ...(unknown ? [unknown] : [])].join('.')
  const message = unknown
    ? `Unknown field: ${unknown}.`
    : `${param || 'The body'}: ${issue?.message ?? 'is malformed'}.`
  throw fault('bad_request', { message, ...(param ? { param } : {}) })
}

/** The parsed body of a request, checked against a schema. */
export function body<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return parse(schema, request.body ?? {})
}

/** A header's text: UTF-8, or Latin-1 as `fetch` writes it. Node hands its bytes over as Latin-1 (RFC 9110, 5.5). */
export function headerText(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}

/**
 * Reads JSON as one meaning: fatal UTF-8, bounded depth, no prototype keys, no doubled top-level keys
 * (two readers of a doubled key may differ, RFC 8259 section 4).
 * @throws Fault `bad_request`
 */
export function readJson(bytes: Buffer): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw fault('bad_request', { message: 'The body is not valid UTF-8.', cause })
  }
  scan(text)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw fault('bad_request', { message: 'The body is not valid JSON.', cause })
  }
}

// One pass over the text: depth, doubled keys of the top level, names that reach a prototype, lone surrogates.
function scan(text: string): void {
  const keys = new Set<string>()
  const stringEnd = stringEnds(text)
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === QUOTE) {
      const start = i
      i = stringEnd(i)
      if (isKey(text, i)) checkKey(text.slice(start, i + 1), depth === 1 ? keys : null)
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) throw fault('bad_request', { message: 'The body is nested too deep.' })
    } else if (c === 0x7d || c === 0x5d) depth--
  }
}

const QUOTE = 0x22

/**
 * Where a string ends that begins at a quote; asked from the left to the right. Prompts and pictures are long strings:
 * what is between is left to `indexOf`, and each place is looked for once, however many there are.
 */
function stringEnds(text: string): (start: number) => number {
  const next = (sign: string, from: number) => {
    const found = text.indexOf(sign, from)
    return found === -1 ? text.length : found
  }
  let quote = -1
  let backslash = -1
  return (start) => {
    for (let i = start + 1; ; ) {
      if (quote < i) quote = next('"', i)
      if (backslash < i) backslash = next('\\', i)
      if (quote <= backslash) return quote
      i = backslash + escapeLength(text, backslash)
    }
  }
}

// Length of the escape at `at`; a surrogate pair counts as one. Half a pair is no character (RFC 8259, section 8.2).
function escapeLength(text: string, at: number): number {
  if (text[at + 1] !== 'u') return 2
  const unit = Number.parseInt(text.slice(at + 2, at + 6), 16)
  if (!(unit >= 0xd800 && unit <= 0xdfff)) return 6
  const low = text.startsWith('\\u', at + 6) ? Number.parseInt(text.slice(at + 8, at + 12), 16) : 0
  if (unit < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) return 12
  throw fault('bad_request', { message: 'The body holds a lone surrogate.' })
}

function isKey(text: string, end: number): boolean {
  for (let i = end + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d) continue
    return c === 0x3a
  }
  return false
}

// `seen` are the keys of the top level so far, or null deeper down, where a doubled key keeps its last value.
function checkKey(quoted: string, seen: Set<string> | null): void {
  const key = quoted.includes('\\') ? unquoted(quoted) : quoted.slice(1, -1)
  if (key === '__proto__') throw fault('bad_request', { message: 'Forbidden key: __proto__.' })
  if (key === null || seen === null) return
  if (seen.has(key)) throw fault('bad_request', { message: `The field ${key} is given twice.`, param: key })
  seen.add(key)
}

function unquoted(quoted: string): string | null {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return null // JSON.parse of the whole says it better
  }
}

const FRAMEWORK: Readonly<Record<string, FaultCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad_request',
  FST_ERR_BAD_URL: 'bad_request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
}

// What Node says when a caller closes the connection before the end of its own request: nobody is there to read an answer.
function isLeaving(error: unknown): boolean {
  return error instanceof Error && error.message === 'aborted' && (error as FastifyError).code === 'ECONNRESET'
}

/** Any error as a fault; what is not expected becomes internal_error and is logged with its cause. */
export function asFault(deps: Deps, error: unknown, requestId: string): Fault {
  if (isFault(error)) {
    if (error.status >= 500)
      deps.log.error(
        { request_id: requestId, code: error.code, cause: String(error.options.cause ?? '') },
        error.message,
      )
    return error
  }
  const code = isLeaving(error) ? 'bad_request' : FRAMEWORK[(error as FastifyError)?.code ?? '']
  if (code) return fault(code)
  deps.log.error(
    {
      request_id: requestId,
      err: error instanceof Error ? { message: error.message, stack: error.stack } : String(error),
    },
    'unexpected',
  )
  return fault('internal_error', { cause: error })
}
