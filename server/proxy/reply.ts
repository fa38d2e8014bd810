// What a metered call's caller gets.
// owns: heads, the last frame, replays, the mapping of upstream failures. never: a charge.
// always true: the quota block goes out only after the charge it tells of is durable; an upstream's headers, cookies and
// keys never reach a caller.

import type { FastifyReply } from 'fastify'
import type { Quota } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { errorBody, type Fault, fault } from '../faults.ts'
import { seal, unseal } from '../seal.ts'
import type { Outcome } from './forward.ts'
import type { Held } from './hold.ts'
import { type KeptAnswer, keptAt } from './kept-answers.ts'
import type { Quote } from './quote.ts'
import type { Call } from './relay.ts'
import { jsonOf, withQuota } from './reply-json.ts'
import type { Passed, Shape } from './shapes/shape.ts'

export type Head = Record<string, string>

/** Headers known before the upstream answers. */
export function headOf(reply: FastifyReply, quote: Quote, held: Held): Head {
  const head = headersSoFar(reply)
  if (!quote.bound.explicit) head['x-quota-max-output-tokens'] = String(held.maxOutput)
  return head
}

function headersSoFar(reply: FastifyReply): Head {
  const head: Head = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) head[name] = String(value)
  return head
}

export function writeHead(reply: FastifyReply, status: number, head: Head): void {
  if (!reply.raw.headersSent && !reply.raw.destroyed) reply.raw.writeHead(status, head)
}

function quotaHeaders(quota: Quota): Head {
  return {
    'x-quota-credits-used': String(quota.credits_used),
    'x-quota-balance-after': String(quota.balance_after),
    'x-quota-receipt': quota.receipt,
  }
}

/** The upstream's answer; the quota block is added at the end of JSON, the rest is passed on as it came. */
export function collectedReply(call: Call, answer: Passed, quota: Quota): void {
  sendCollected(call.reply, call.head, passedOf(call, answer), quota)
}

function passedOf({ shape, ask }: Call, answer: Passed): Passed {
  return shape.passes ? shape.passes(ask, answer) : answer
}

function sendCollected(reply: FastifyReply, head: Head, { body, type }: Passed, quota: Quota): void {
  const isJson = type === '' || /json/.test(type)
  const answer = isJson ? Buffer.from(withQuota(body.toString('utf8'), quota)) : body
  const about = { 'content-type': isJson ? 'application/json' : type, 'content-length': String(answer.length) } // one write, no chunks
  writeHead(reply, 200, { ...head, ...quotaHeaders(quota), ...about })
  reply.raw.end(answer)
}

/** The last frames of a stream: the shape's own with the quota block, or the error that ended it. */
export function streamEnd(call: Call, outcome: Extract<Outcome, { kind: 'stream' }>, quota: Quota | null): void {
  const { shape, reply } = call
  if (reply.raw.destroyed) return
  const failure = call.endedBy ? fault(call.endedBy) : outcome.broken === null && quota ? null : brokenStream(quota)
  if (failure === null && quota) {
    reply.raw.end(shape.ending(outcome.stream.last(), quota))
    return
  }
  const body = errorBody(failure ?? brokenStream(quota), call.request.id, call.deps.publicUrl)
  reply.raw.end(shape.errorFrame(quota ? { ...body, quota } : body))
}

function brokenStream(quota: Quota | null): Fault {
  const message = quota ? 'The model provider ended the answer early; what was delivered is charged.' : undefined
  return fault('upstream_error', message ? { message } : {})
}

/** `last`: of a stream, see StreamReader. Both are text where `type` is, else base64. */
type Kept = { type: string; body: string; last: string | null }

/** The answer sealed for a replay, or null when there is no key, or nothing whole to keep. */
export function sealAnswer(call: Call, outcome: Outcome): string | null {
  const { claim, deps } = call
  if (!claim) return null
  let kept: Kept | null = null
  if (outcome.kind === 'collected') {
    const { body, type } = passedOf(call, outcome)
    kept = { type, body: body.toString(encodingOf(type)), last: null }
  } else if (outcome.kind === 'stream' && outcome.broken === null && outcome.kept) {
    const { type, last } = outcome.stream
    kept = { type, body: outcome.kept.toString(encodingOf(type)), last: last().toString(encodingOf(type)) }
  }
  return kept && seal(deps.masterKey, keptAt(claim.scope), JSON.stringify(kept))
}

function encodingOf(type: string): BufferEncoding {
  return type === '' || /json|^text/.test(type) ? 'utf8' : 'base64'
}

/** Sends a kept answer again; nothing is charged. */
export function replay(deps: Deps, shape: Shape, reply: FastifyReply, { scope, sealed, quota }: KeptAnswer): void {
  const { type, body, last }: Kept = JSON.parse(unseal(deps.masterKey, keptAt(scope), sealed))
  reply.hijack()
  const head: Head = { ...headersSoFar(reply), 'idempotency-replayed': 'true' }
  const bytes = Buffer.from(body, encodingOf(type))
  if (last === null) return sendCollected(reply, head, { body: bytes, type }, quota)
  writeHead(reply, 200, { ...head, ...quotaHeaders(quota), 'content-type': type })
  reply.raw.end(Buffer.concat([bytes, shape.ending(Buffer.from(last, encodingOf(type)), quota)]))
}

const MAX_UPSTREAM_MESSAGE = 500

/** An upstream's failure in our words: its own trouble is 502/504, its rate limit 429, the caller's mistake 400. */
export function failureOf(outcome: Outcome): Fault {
  if (outcome.kind !== 'failed') return fault('upstream_error', { cause: 'an answer that cannot be read' })
  const { status, timeout, body, cause, retryAfter } = outcome
  if (timeout) return fault('gateway_timeout', { cause })
  const seconds = Number(retryAfter)
  if (status === 429)
    return fault('rate_limit', { retryAfterS: seconds > 0 && seconds < 3600 ? Math.ceil(seconds) : 1 })
  if (status === 400 || status === 404 || status === 413 || status === 422) {
    return fault('bad_request', { message: `The model provider refused the request: ${scrubbed(body)}` })
  }
  return fault('upstream_error', { cause: `${cause}: ${scrubbed(body)}` })
}

// An upstream's sentence may name its own keys or addresses.
function scrubbed(body: string): string {
  const message = jsonOf(body)?.error
  const text =
    typeof message === 'object' && message !== null && 'message' in message
      ? String(message.message)
      : 'no reason was given'
  return text
    .replace(/\b(sk|key|org|proj|Bearer)[-_ ][A-Za-z0-9_*.-]{6,}/g, '…')
    .replace(/https?:\/\/\S+/g, '…')
    .slice(0, MAX_UPSTREAM_MESSAGE)
}
