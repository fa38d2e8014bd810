// Reading fields of a JSON request.
// owns: the refusals every shape shares. never: what one shape alone knows. always true: a refusal names its field.

import { type Fault, fault } from '../../faults.ts'
import { UnsupportedPart } from '../count.ts'
import type { Incoming, Json } from './shape.ts'

/** Could redirect or re-authenticate the call, or refers to state in the shared upstream account (contract, "Metered routes"). */
const REFUSED = [
  'api_base',
  'base_url',
  'api_key',
  'organization',
  'extra_headers',
  'extra_body',
  'extra_query',
  'proxy',
  'mock_response',
  'user_config',
  'previous_response_id',
  'conversation',
  'container',
  'file_id',
  'background',
  'fallbacks',
]
const MOST = 10_000_000

/** The body as a JSON object, without the fields that are refused everywhere and in this shape. @param also further names of refused fields */
export function objectBody({ body }: Incoming, also: readonly string[]): Json {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw fault('bad_request', { message: 'The body is a JSON object.' })
  const json = body as Json
  for (const name of [...REFUSED, ...also]) {
    if (json[name] !== undefined && json[name] !== null && json[name] !== false) throw unsupported(name)
  }
  return json
}

/** The model's name. */
export function modelOf(body: Json): string {
  if (typeof body.model !== 'string' || body.model.length === 0) throw bad('model', 'model is a non-empty text')
  return body.model
}

/** Whether a stream is asked for. */
export function streamOf(body: Json): boolean {
  const { stream } = body
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw bad('stream', 'stream is true or false')
  return stream === true
}

/** A whole number of at least `least`, or null where the field is absent or null. */
export function countOf(body: Json, name: string, least = 1): number | null {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > MOST)
    throw bad(name, `${name} is a whole number of at least ${least}`)
  return value
}

/** Refuses a field unless it is absent, null or one of these values. */
export function onlyOf(body: Json, name: string, allowed: readonly unknown[]): void {
  const value = body[name]
  if (value !== undefined && value !== null && !allowed.includes(value)) throw unsupported(name)
}

/** Tools that run at the caller's and cost nothing but tokens; those that run at the provider's have prices of their own. */
export function functionToolsOnly(body: Json): void {
  for (const tool of Array.isArray(body.tools) ? body.tools : []) {
    const type = (tool as { type?: unknown } | null)?.type
    if (type !== 'function' && type !== 'custom') throw unsupported('tools')
  }
}

/**
 * OpenAI's service tiers and cache lifetimes of other prices than those in our table, and its comparison with an earlier
 * answer of the shared account.
 */
export function openaiPricesOnly(body: Json): void {
  onlyOf(body, 'service_tier', ['default', 'auto'])
  const options = body.prompt_cache_options
  if (options === undefined || options === null) return
  if (typeof options !== 'object' || Array.isArray(options))
    throw bad('prompt_cache_options', 'prompt_cache_options is an object')
  const { ttl, comparison_response_id: comparison } = options as Json
  if (ttl !== undefined && ttl !== null && ttl !== '30m') throw unsupported('prompt_cache_options.ttl')
  if (comparison !== undefined && comparison !== null) throw unsupported('prompt_cache_options.comparison_response_id')
}

/** Headers of a JSON request to an upstream. */
export function jsonHeaders(stream: boolean): Record<string, string> {
  return { 'content-type': 'application/json', accept: stream ? 'text/event-stream' : 'application/json' }
}

/** Runs a bound that refuses parts it cannot bound, and says so in our words. */
export function bounded<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof UnsupportedPart)
      throw fault('unsupported_parameter', { message: `${error.message}.`, param: error.param })
    throw error
  }
}

export function bad(param: string, message: string): Fault {
  return fault('bad_request', { message: `${message}.`, param })
}

export function unsupported(param: string): Fault {
  return fault('unsupported_parameter', { message: `The parameter ${param} is not supported here.`, param })
}
