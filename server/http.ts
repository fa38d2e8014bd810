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

// One pass over the text: depth, keys of the top level, and names that reach a prototype.
function scan(text: string): void {
  const keys = new Set<string>()
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) {
      const start = i
      i = stringEnd(text, i)
      if (depth === 1 && isKey(text, i)) checkKey(text.slice(start, i + 1), keys)
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > MAX_DEPTH) throw fault('bad_request', { message: 'The body is nested too deep.' })
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  if (text.includes('__proto__') && /"__proto__"\s*:/.test(text))
    throw fault('bad_request', { message: 'Forbidden key: __proto__.' })
  if (/\\u[dD][89a-fA-F]/.test(text) && !loneSurrogateFree(text))
    throw fault('bad_request', { message: 'The body holds a lone surrogate.' })
}

function stringEnd(text: string, start: number): number {
  let i = start + 1
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x5c) i++
    else if (c === 0x22) return i
  }
  return i
}

function isKey(text: string, end: number): boolean {
  for (let i = end + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d) continue
    return c === 0x3a
  }
  return false
}

function checkKey(quoted: string, keys: Set<string>): void {
  let key: string
  try {
    key = JSON.parse(quoted)
  } catch {
    return // JSON.parse of the whole says it better
  }
  if (keys.has(key)) throw fault('bad_request', { message: `The field ${key} is given twice.`, param: key })
  keys.add(key)
}

function loneSurrogateFree(text: string): boolean {
  return (
    text
      .replace(/\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/g, '')
      .search(/\\u[dD][89a-fA-F][0-9a-fA-F]{2}/) === -1
  )
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
