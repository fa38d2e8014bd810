// What a metered call's caller gets.
// owns: heads, the last frame, replays, the mapping of upstream failures. never: a charge.
// always true: the quota block goes out only after the charge it tells of is durable; an upstream's headers, cookies and
// keys never reach a caller.

import type { FastifyReply } from 'fastify'
import type { Quota } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { errorBody, type Fault, fault } from '../faults.ts'
import { seal, unseal } from '../seal.ts'
import type { Quote } from './chat-request.ts'
import type { Outcome } from './forward.ts'
import type { Held } from './hold.ts'
import { type KeptAnswer, keptAt } from './kept-answers.ts'
import type { Call } from './relay.ts'

export type Head = Record<string, string>

/** Headers known before the upstream answers. */
export function headOf(reply: FastifyReply, quote: Quote, held: Held): Head {
  const head = headersSoFar(reply)
  if (!quote.explicit) head['x-quota-max-output-tokens'] = String(held.maxOutput)
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

/** One server-sent event with data only. */
export function frame(data: string): string {
  return `data: ${data}\n\n`
}

/** The upstream's answer with the quota block added at its end; the rest is passed on as it came. */
export function jsonReply(call: Call, body: Buffer, quota: Quota): void {
  const answer = Buffer.from(withQuota(body.toString('utf8'), quota))
  const length = { 'content-type': 'application/json', 'content-length': String(answer.length) } // one write, no chunks
  writeHead(call.reply, 200, { ...call.head, ...quotaHeaders(quota), ...length })
  call.reply.raw.end(answer)
}

function withQuota(json: string, quota: Quota): string {
  const end = json.lastIndexOf('}')
  const open = json.slice(0, end).trimEnd()
  return `${open}${open.endsWith('{') ? '' : ','}"quota":${JSON.stringify(quota)}}`
}

/** The last frame of a stream: quota and `[DONE]`, or the error that ended it (then no `[DONE]`). */
export function streamEnd(call: Call, outcome: Extract<Outcome, { kind: 'stream' }>, quota: Quota | null): void {
  const { raw } = call.reply
  if (raw.destroyed) return
  const failure = call.endedBy ? fault(call.endedBy) : outcome.broken === null && quota ? null : brokenStream(quota)
  if (failure === null && quota) {
    raw.end(frame(JSON.stringify(lastChunk(call, outcome, quota))) + frame('[DONE]'))
    return
  }
  const body = errorBody(failure ?? brokenStream(quota), call.request.id, call.deps.publicUrl)
  raw.end(frame(JSON.stringify(quota ? { ...body, quota } : body)))
}

function brokenStream(quota: Quota | null): Fault {
  const message = quota ? 'The model provider ended the answer early; what was delivered is charged.' : undefined
  return fault('upstream_error', message ? { message } : {})
}

function lastChunk(call: Call, { stream }: Extract<Outcome, { kind: 'stream' }>, quota: Quota) {
  const usage = call.quote.wantsUsage ? { usage: stream.usage ?? null } : {}
  return { ...stream.head, object: 'chat.completion.chunk', choices: [], ...usage, quota }
}

type Kept = { kind: 'json' | 'stream'; body: string; head: object; usage?: unknown }

/** The answer sealed for a replay, or null when there is no key, or nothing whole to keep. */
export function sealAnswer({ claim, deps, quote }: Call, outcome: Outcome): string | null {
  if (!claim) return null
  let kept: Kept | null = null
  if (outcome.kind === 'json') kept = { kind: 'json', body: outcome.body.toString('utf8'), head: {} }
  else if (outcome.kind === 'stream' && outcome.broken === null && outcome.kept) {
    const usage = quote.wantsUsage ? { usage: outcome.stream.usage ?? null } : {}
    kept = { kind: 'stream', body: outcome.kept.toString('utf8'), head: outcome.stream.head, ...usage }
  }
  return kept && seal(deps.masterKey, keptAt(claim.scope), JSON.stringify(kept))
}

/** Sends a kept answer again; nothing is charged. */
export function replay(deps: Deps, reply: FastifyReply, { scope, sealed, quota }: KeptAnswer): void {
  const kept: Kept = JSON.parse(unseal(deps.masterKey, keptAt(scope), sealed))
  reply.hijack()
  const head: Head = { ...headersSoFar(reply), 'idempotency-replayed': 'true' }
  if (kept.kind === 'json') {
    writeHead(reply, 200, { ...head, ...quotaHeaders(quota), 'content-type': 'application/json' })
    reply.raw.end(withQuota(kept.body, quota))
    return
  }
  const usage = 'usage' in kept ? { usage: kept.usage } : {}
  const last = { ...kept.head, object: 'chat.completion.chunk', choices: [], ...usage, quota }
  writeHead(reply, 200, { ...head, ...quotaHeaders(quota), 'content-type': 'text/event-stream; charset=utf-8' })
  reply.raw.end(kept.body + frame(JSON.stringify(last)) + frame('[DONE]'))
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
  const message = jsonOf(Buffer.from(body))?.error
  const text =
    typeof message === 'object' && message !== null && 'message' in message
      ? String(message.message)
      : 'no reason was given'
  return text
    .replace(/\b(sk|key|org|proj|Bearer)[-_ ][A-Za-z0-9_*.-]{6,}/g, '…')
    .replace(/https?:\/\/\S+/g, '…')
    .slice(0, MAX_UPSTREAM_MESSAGE)
}

/** A JSON object, or null. */
export function jsonOf(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** All text of a chat completion's answers, for our own count. */
export function textOfAnswer(answer: Record<string, unknown>): string {
  const choices = Array.isArray(answer.choices) ? answer.choices : []
  return choices
    .map((choice: { message?: { content?: unknown; reasoning_content?: unknown; tool_calls?: unknown } } | null) => {
      const { content, reasoning_content: reasoning, tool_calls: tools } = choice?.message ?? {}
      const texts = [content, reasoning].filter((part) => typeof part === 'string')
      return texts.join('') + (tools ? JSON.stringify(tools) : '')
    })
    .join('')
}
