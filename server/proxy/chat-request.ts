// What a chat request may say, and what it can cost at most.
// owns: the refusal of what cannot be priced or could redirect the call; the quote. never: a balance.
// always true: the quote is never below the cost of any answer the upstream may give to what we send.

import type { UnitPrices } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { inputBound, UnsupportedPart } from './count.ts'
import { type FoundModel, pricesFor } from './prices.ts'
import { splice } from './splice.ts'
import type { Upstream } from './upstreams.ts'

export type ChatRequest = Readonly<Record<string, unknown>>

/** Upper bound of a call, before it is made. Picos as text, for the way into a commit. */
export type Quote = Readonly<{
  model: FoundModel
  upstream: Upstream
  priceVersion: string
  inputBound: number
  /** Answers asked for (`n`). */
  choices: number
  /** Output limit per answer: the caller's, or the model's ceiling. */
  maxOutput: number
  /** Whether the caller named it. */
  explicit: boolean
  fixedPicos: string
  picosPerOutput: string
  stream: boolean
  wantsUsage: boolean
}>

// Could redirect or re-authenticate the call, or refers to state in the shared upstream account (contract, "Metered routes").
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
  'web_search_options',
  'audio',
  'prediction',
  'best_of',
  'fallbacks',
]
const MAX_CHOICES = 128

/** Reads a chat request and bounds its cost. @throws Fault bad_request, unsupported_parameter, model_not_found, provider_unavailable */
export function quoteChat(deps: Deps, body: ChatRequest, bytes: number, sandboxOnly: boolean): Quote {
  refuse(body)
  const { model: name, messages, stream, stream_options: streamOptions } = body
  if (typeof name !== 'string' || name.length === 0) throw bad('model', 'model is a non-empty text')
  if (!Array.isArray(messages) || messages.length === 0) throw bad('messages', 'messages is a non-empty list')
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw bad('stream', 'stream is true or false')
  const choices = count(body, 'n') ?? 1
  if (choices > MAX_CHOICES) throw bad('n', `n is at most ${MAX_CHOICES}`)
  const limit = outputLimit(body)
  const model = deps.prices.find(name, { among: deps.upstreams.serving('chat') })
  if (!model)
    throw fault('model_not_found', { param: 'model', hint: 'GET /v1/models lists the models of this server.' })
  const upstream = sandboxOnly ? deps.upstreams.sandbox : deps.upstreams.of(model.provider, 'chat')
  if (!upstream) throw fault('provider_unavailable')
  const bound = boundOf(body, bytes, model)
  const prices = pricesFor(model, bound) // a tier only gets dearer with the input, so the bound's tier covers what comes
  const dearestInput = max(prices, ['input', 'cached_input', 'cache_write', 'cache_write_1h'])
  return {
    model,
    upstream,
    priceVersion: deps.prices.version,
    inputBound: bound,
    choices,
    maxOutput: limit ?? model.maxOutput,
    explicit: limit !== null,
    fixedPicos: String(dearestInput * BigInt(bound) + max(prices, ['request'])),
    picosPerOutput: String(max(prices, ['output', 'reasoning']) * BigInt(choices)),
    stream: stream === true,
    wantsUsage: (streamOptions as { include_usage?: unknown } | null | undefined)?.include_usage === true,
  }
}

/** The body as it is sent on: the model's upstream name, a limit, `store: false`, usage always asked for; the rest as it came. */
export function upstreamBody(bytes: Buffer, body: ChatRequest, quote: Quote, maxOutput: number): Buffer {
  const changes: Record<string, unknown> = {}
  if (body.model !== quote.model.upstreamModel) changes.model = quote.model.upstreamModel
  if ('store' in body) changes.store = false
  if (quote.stream) {
    changes.stream_options = { ...(body.stream_options as object | null | undefined), include_usage: true }
  }
  if (!quote.explicit) {
    Object.assign(changes, { max_tokens: undefined, max_completion_tokens: undefined })
    changes[limitField(quote.model)] = maxOutput
  }
  return splice(bytes, changes)
}

// OpenAI's reasoning models take max_completion_tokens only; older ones and most other servers know max_tokens.
function limitField(model: FoundModel): string {
  return model.provider === 'openai' && /^(o\d|gpt-[5-9])/.test(model.model) ? 'max_completion_tokens' : 'max_tokens'
}

function refuse(body: ChatRequest): void {
  for (const name of REFUSED) {
    if (body[name] !== undefined && body[name] !== null && body[name] !== false) throw unsupported(name)
  }
  const tier = body.service_tier
  if (tier !== undefined && tier !== null && tier !== 'default' && tier !== 'auto') throw unsupported('service_tier')
  if (Array.isArray(body.modalities) && body.modalities.some((kind) => kind !== 'text')) throw unsupported('modalities')
  for (const tool of Array.isArray(body.tools) ? body.tools : []) {
    const type = (tool as { type?: unknown } | null)?.type
    if (type !== 'function' && type !== 'custom') throw unsupported('tools')
  }
  const options = body.stream_options
  if (options !== undefined && options !== null && (typeof options !== 'object' || Array.isArray(options)))
    throw bad('stream_options', 'stream_options is an object')
}

function outputLimit(body: ChatRequest): number | null {
  const old = count(body, 'max_tokens')
  const now = count(body, 'max_completion_tokens')
  if (old !== null && now !== null && old !== now)
    throw bad('max_tokens', 'max_tokens and max_completion_tokens differ')
  return now ?? old
}

function count(body: ChatRequest, name: string): number | null {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > 10_000_000)
    throw bad(name, `${name} is a whole number of at least 1`)
  return value
}

function boundOf(body: ChatRequest, bytes: number, model: FoundModel): number {
  try {
    return inputBound(body, bytes, model.provider)
  } catch (error) {
    if (error instanceof UnsupportedPart)
      throw fault('unsupported_parameter', { message: `${error.message}.`, param: error.param })
    throw error
  }
}

function max(prices: UnitPrices, kinds: readonly (keyof UnitPrices)[]): bigint {
  return kinds.reduce((most, kind) => {
    const price = BigInt(prices[kind] ?? '0')
    return price > most ? price : most
  }, 0n)
}

function bad(param: string, message: string) {
  return fault('bad_request', { message: `${message}.`, param })
}

function unsupported(param: string) {
  return fault('unsupported_parameter', { message: `The parameter ${param} is not supported here.`, param })
}
