// What is seen of a metered call from outside: figures, a log line, a trace.
// owns: the times of a call, and what is told of it. never: a word of a prompt or an answer, a key, an app's name for a
// user; anything that a call waits for.
// always true: each call is told of once; a line is written for it only at the level `debug`.

import type { FastifyRequest } from 'fastify'
import type { Quota } from '../contract/api.ts'
import { countOf, OUTPUT_TOKENS } from '../contract/charge.ts'
import type { Units } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { type Fault, isFault } from '../faults.ts'
import type { ShapeName } from '../providers.ts'
import type { CallTrace } from '../tracing.ts'
import { CALLER_GONE, CALLER_STALLED, type Outcome } from './forward.ts'
import type { Metered } from './meter.ts'
import type { Call } from './relay.ts'
import { inputOf } from './usage.ts'

/** Times are of performance.now(), in ms; 0 for what did not happen. */
export type Seen = {
  beganAt: number
  heldAt: number
  /** To the first upstream. */
  sentAt: number
  /** To the one that answered. */
  askedAt: number
  /** When a streamed answer began. */
  firstAt: number
  answeredAt: number
  settledAt: number
  trace: CallTrace | null
  outcome: Outcome | null
  metered: Metered | null
  charged: Quota | null
  /** What was said instead of an answer. */
  failure: Fault | null
}

/** A call has come. */
export function seenFrom({ tracing }: Deps, { headers }: FastifyRequest): Seen {
  const beganAt = performance.now()
  const nothing = { outcome: null, metered: null, charged: null, failure: null }
  const trace = tracing === null ? null : tracing.begin(headers, beganAt)
  return { beganAt, heldAt: 0, sentAt: 0, askedAt: 0, firstAt: 0, answeredAt: 0, settledAt: 0, trace, ...nothing }
}

type About = Pick<Call, 'deps' | 'request'> & { route: string }

/** It was refused before anybody was asked. */
export function tellRefusal({ deps, request, route }: About, seen: Seen, error: unknown): void {
  const code = isFault(error) ? error.code : 'internal_error'
  const status = isFault(error) ? error.status : 500
  deps.metrics.refusals.inc({ code })
  if (deps.log.isLevelEnabled('debug')) deps.log.debug({ request_id: request.id, route, status, code }, 'call refused')
  if (seen.trace === null) return
  const attributes = { ...http(route, status), 'quota.request_id': request.id }
  const steps = seen.heldAt > 0 ? [] : [{ name: 'admit', from: seen.beganAt, to: performance.now() }]
  seen.trace.end({ at: performance.now(), name: `POST ${route}`, attributes, answered: null, steps, errorType: code })
}

/** It was answered from what is kept. */
export function tellReplay({ deps, request, route }: About, seen: Seen, mode: string): void {
  deps.metrics.calls.inc({ mode, outcome: 'replayed' })
  if (deps.log.isLevelEnabled('debug')) deps.log.debug({ request_id: request.id, route, status: 200 }, 'call replayed')
  const attributes = { ...http(route, 200), 'quota.request_id': request.id, 'quota.replayed': true }
  const end = { at: performance.now(), name: `POST ${route}`, attributes, answered: null, steps: [], errorType: null }
  seen.trace?.end(end)
}

/** It goes to an upstream. @returns headers for the upstream's own trace */
export function tellSending({ seen, shape, by, held }: Call): Readonly<Record<string, string>> {
  seen.askedAt = performance.now()
  seen.sentAt ||= seen.askedAt
  if (seen.trace === null) return NO_HEADERS
  const { upstream, model } = by
  const operation = OPERATIONS[shape.name]
  const { hostname, port, protocol } = new URL(upstream.origin)
  const attributes = {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': PROVIDERS[upstream.provider] ?? upstream.provider,
    'gen_ai.request.model': model.upstreamModel,
    ...(held.maxOutput > 0 ? { 'gen_ai.request.max_tokens': held.maxOutput } : {}),
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'quota.upstream': upstream.name,
  }
  return seen.trace.sent({ at: seen.askedAt, name: `${operation} ${model.upstreamModel}`, attributes })
}

/** It is over. */
export function tellEnd(call: Call): void {
  const now = performance.now()
  count(call, now)
  if (call.deps.log.isLevelEnabled('debug')) call.deps.log.debug(lineOf(call, now), 'call')
  if (call.seen.trace !== null) endTrace(call, call.seen.trace, now)
}

// --- below: how ------------------------------------------------------------------------------------------------------

const NO_HEADERS: Readonly<Record<string, string>> = {}

/** `gen_ai.operation.name`; its well-known values where there is one. */
const OPERATIONS: Readonly<Record<ShapeName, string>> = {
  chat: 'chat',
  responses: 'chat',
  messages: 'chat',
  embeddings: 'embeddings',
  images: 'image_generation',
  speech: 'speech',
  transcriptions: 'transcription',
}

/** `gen_ai.provider.name`, where its well-known value is not our id. */
const PROVIDERS: Readonly<Record<string, string>> = {
  google: 'gcp.gemini',
  mistral: 'mistral_ai',
  'x-ai': 'x_ai',
  azure: 'azure.ai.openai',
}

type Result = 'ok' | 'refused' | 'rate_limited' | 'timeout' | 'failed' | 'broken' | 'unreadable' | 'cut'

/** How the upstream did. */
function resultOf({ seen: { outcome, metered }, endedBy }: Call): Result {
  if (outcome === null || endedBy !== null) return 'cut'
  if (outcome.kind === 'collected') return metered ? 'ok' : 'unreadable'
  if (outcome.kind === 'stream') {
    if (outcome.broken === null) return 'ok'
    return outcome.broken === CALLER_GONE || outcome.broken === CALLER_STALLED ? 'cut' : 'broken'
  }
  const { status, timeout } = outcome
  if (timeout) return 'timeout'
  if (status === 429) return 'rate_limited'
  return status !== null && status >= 400 && status < 500 ? 'refused' : 'failed'
}

/** Our own time in it, in ms: before it was sent, without waiting for its person, and after its answer was over. */
function addedMs({ seen, held }: Call, now: number): number {
  return seen.sentAt - seen.beganAt - (held.waitedMs ?? 0) + now - seen.answeredAt
}

function count(call: Call, now: number): void {
  const { deps, payer, by, ask, seen } = call
  const { metrics } = deps
  const { charged } = seen
  metrics.calls.inc({ mode: payer.billingMode, outcome: charged ? 'charged' : 'free' })
  if (charged) {
    metrics.credits.inc({ kind: 'base' }, charged.base_credits)
    metrics.credits.inc({ kind: 'markup' }, charged.markup_credits)
    if (charged.estimated) {
      metrics.estimated.inc()
      metrics.estimatedCredits.inc(charged.credits_used)
    }
  }
  if (seen.sentAt === 0) return
  const upstream = by.upstream.name
  const result = resultOf(call)
  metrics.upstreamAnswers.inc({ upstream, result })
  const why = lossOf(call, result)
  if (why !== null) metrics.losses.inc({ why })
  if (seen.answeredAt === 0) return
  metrics.upstreamTime.observe({ upstream }, ((seen.firstAt || seen.answeredAt) - seen.askedAt) / 1000)
  metrics.added.observe({ stream: String(ask.stream) }, addedMs(call, now) / 1000)
}

/** Why the upstream may bill more than was charged; null when it should not. */
function lossOf({ seen }: Call, result: Result): string | null {
  if (seen.failure?.code === 'ledger_unavailable') return 'store_away'
  if (result === 'unreadable') return 'unreadable'
  const { outcome, metered } = seen
  if (!metered?.estimated || outcome === null) return null
  const said = outcome.kind === 'collected' || (outcome.kind === 'stream' && outcome.stream.whole())
  return said ? 'usage_not_believed' : 'ended_early'
}

function lineOf(call: Call, now: number) {
  const { request, route, payer, by, ask, seen, endedBy } = call
  const { charged, metered, failure } = seen
  return {
    request_id: request.id,
    route,
    mode: payer.billingMode,
    model: by.model.name,
    upstream: by.upstream.name,
    stream: ask.stream,
    status: failure && seen.firstAt === 0 ? failure.status : 200,
    code: failure?.code ?? endedBy,
    result: resultOf(call),
    units: metered?.units ?? null,
    credits: charged?.credits_used ?? 0,
    estimated: charged?.estimated ?? false,
    ms: Math.round(now - seen.beganAt),
    upstream_ms: seen.answeredAt > 0 ? Math.round(seen.answeredAt - seen.sentAt) : null,
  }
}

function http(route: string, status: number) {
  return { 'http.request.method': 'POST', 'http.route': route, 'http.response.status_code': status }
}

function endTrace(call: Call, trace: CallTrace, now: number): void {
  const { request, route, payer, quote, seen, endedBy } = call
  const { charged, failure } = seen
  const steps = [{ name: 'hold', from: seen.beganAt, to: seen.heldAt }]
  if (seen.settledAt > 0) steps.push({ name: 'settle', from: seen.answeredAt, to: seen.settledAt })
  const result = resultOf(call)
  const usage = seen.metered ? usageOf(seen.metered.units) : {}
  const answered = { at: seen.answeredAt || now, attributes: usage, errorType: result === 'ok' ? null : result }
  trace.end({
    at: now,
    name: `POST ${route}`,
    attributes: {
      ...http(route, failure && seen.firstAt === 0 ? failure.status : 200),
      'quota.request_id': request.id,
      'quota.billing_mode': payer.billingMode,
      'quota.price_version': quote.priceVersion,
      'quota.credits_used': charged?.credits_used ?? 0,
      'quota.estimated': charged?.estimated ?? false,
    },
    answered: seen.sentAt > 0 ? answered : null,
    steps,
    errorType: failure?.code ?? endedBy,
  })
}

/** Usage in the conventions' words: cached and reasoning tokens count inside. */
function usageOf(units: Units): Record<string, number> {
  const written = countOf(units, ['cache_write', 'cache_write_1h'])
  const read = countOf(units, ['cached_input', 'cached_input_audio', 'cached_input_image'])
  return {
    'gen_ai.usage.input_tokens': inputOf(units),
    'gen_ai.usage.output_tokens': countOf(units, OUTPUT_TOKENS),
    ...(read > 0 ? { 'gen_ai.usage.cache_read.input_tokens': read } : {}),
    ...(written > 0 ? { 'gen_ai.usage.cache_creation.input_tokens': written } : {}),
  }
}
