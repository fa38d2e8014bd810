// One metered call, from admission to its last byte.
// owns: the order of things - admit, quote, hold, forward, meter, settle or void, last frame. never: SQL, prices, the upstream's wire.
// always true: no upstream is called without a durable hold; every hold made here is ended here, exactly once; the last
// frame goes out only after the end is durable; a caller who leaves changes nothing of that.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Quota } from '../contract/api.ts'
import type { FaultCode } from '../contract/faults.ts'
import type { Deps } from '../deps.ts'
import { errorBody, errorHeaders, type Fault, fault } from '../faults.ts'
import { asFault } from '../http.ts'
import { type ChatRequest, type Quote, quoteChat, upstreamBody } from './chat-request.ts'
import { firmly } from './firmly.ts'
import { type Exchange, exchange, type Outcome } from './forward.ts'
import type { Held, Payer } from './hold.ts'
import { type Claim, claimOf } from './kept-answers.ts'
import { meter, progressOf } from './meter.ts'
import { holdOrAsk, type Parked } from './parked.ts'
import { payerOf } from './payer.ts'
import { pricesFor } from './prices.ts'
import { failureOf, frame, type Head, headOf, jsonReply, replay, sealAnswer, streamEnd, writeHead } from './reply.ts'
import type { Running, RunningCall } from './running.ts'
import { settleCall, voidCall } from './settle.ts'
import { inputOf } from './usage.ts'

export type Watched = { running: Running; parked: Parked }

export type Call = {
  deps: Deps
  request: FastifyRequest
  reply: FastifyReply
  route: string
  body: ChatRequest
  payer: Payer
  quote: Quote
  claim: Claim | null
  held: Held
  head: Head
  /** See Running.heard. */
  heardBefore: number
  /** Set when the person paused or revoked in the middle. */
  endedBy: FaultCode | null
}

/**
 * Relays a chat completion.
 * @param inPath the external user of the path form, or null
 * @throws Fault for everything refused before the upstream was called; later failures are written to the reply here
 */
export async function relayChat(
  deps: Deps,
  { running, parked }: Watched,
  request: FastifyRequest,
  reply: FastifyReply,
  inPath: string | null,
): Promise<void> {
  if (deps.draining()) throw fault('draining')
  const payer = await payerOf(deps, request, inPath)
  const body = chatBody(request)
  const bytes = request.rawBody ?? Buffer.alloc(0)
  const quote = quoteChat(deps, body, bytes.length, payer.billingMode === 'test')
  const route = inPath === null ? '/v1/chat/completions' : '/v1/users/{external_user_id}/chat/completions'
  const claim = claimFor(request, payer, route, bytes)
  const heardBefore = running.heard
  const held = await holdOrAsk(deps, parked, reply, {
    requestId: request.id,
    owner: deps.owner,
    ttlMs: deps.config.QUOTA_HOLD_TTL_S * 1000,
    payer,
    bound: quote,
    maxOutput: quote.maxOutput,
    explicit: quote.explicit,
    claim,
    call: {
      route,
      model: quote.model.name,
      priceVersion: quote.priceVersion,
      unitPrices: quote.model.unitPrices,
      inputBound: quote.inputBound,
      choices: quote.choices,
    },
  })
  // Nobody is there to read an answer.
  if (held === null) return void reply.hijack()
  if ('kept' in held) return replay(deps, reply, held.kept)
  reply.hijack()
  await afterHold(
    {
      deps,
      request,
      reply,
      route,
      body,
      payer,
      quote,
      claim,
      held,
      head: headOf(reply, quote, held),
      heardBefore,
      endedBy: null,
    },
    running,
  )
}

// Everything after the hold: nothing in here may leave without ending it.
async function afterHold(call: Call, running: Running): Promise<void> {
  const { deps, reply, quote, held, payer } = call
  let ended = false
  let watched: RunningCall | null = null
  try {
    // The caller may have left while we waited for the hold: then nothing was asked of anyone.
    if (reply.raw.destroyed) return
    const live = startExchange(call)
    watched = {
      holdId: held.holdId,
      payerId: payer.id,
      connectionId: payer.connectionId,
      progress: () => progressOf(call, live),
      end: (code) => {
        if (live.cut(code)) call.endedBy = code
      },
    }
    running.add(watched, call.heardBefore)
    deps.metrics.running.inc()
    const outcome = await live.outcome
    const charged = await settleOutcome(call, outcome)
    ended = true
    count(call, charged)
    if (quote.stream && outcome.kind === 'stream') streamEnd(call, outcome, charged)
    else if (outcome.kind === 'json' && charged) jsonReply(call, outcome.body, charged)
    else sendFault(call, call.endedBy ? fault(call.endedBy) : failureOf(outcome))
  } catch (error) {
    const failure = asFault(deps, error, call.request.id)
    // What an upstream has begun is not made free by a store that stays away: the hold ends with its time, at its checkpoint.
    if (watched && failure.code === 'ledger_unavailable') ended = true
    sendFault(call, failure)
  } finally {
    if (watched) {
      running.remove(watched)
      deps.metrics.running.dec()
    }
    if (!ended) await voidQuietly(call, 'failed')
  }
}

function startExchange(call: Call): Exchange {
  const { deps, request, body, quote, held, reply } = call
  return exchange({
    dispatcher: deps.upstreams.dispatcher,
    upstream: quote.upstream,
    path: '/chat/completions',
    body: upstreamBody(request.rawBody ?? Buffer.alloc(0), body, quote, held.maxOutput),
    response: reply.raw,
    stream: quote.stream,
    headersTimeoutMs: headersTimeoutS(call) * 1000,
    hideUsage: !quote.wantsUsage,
    keep: call.claim !== null,
    begin: () =>
      writeHead(call.reply, 200, {
        ...call.head,
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      }),
  })
}

// A stream begins with its first word; other answers begin when they are whole.
function headersTimeoutS({ deps: { config }, quote }: Call): number {
  return quote.stream ? config.QUOTA_UPSTREAM_TIMEOUT_S : config.QUOTA_ANSWER_TIMEOUT_S
}

// Settles what was produced, or voids. Null when there is nothing to charge.
async function settleOutcome(call: Call, outcome: Outcome): Promise<Quota | null> {
  const metered = meter(call, outcome)
  if (metered === null) {
    noteFailure(call, outcome)
    const why = outcome.kind === 'failed' ? outcome.cause.slice(0, 200) : 'unreadable answer'
    await firmly(() => call.deps.db.tx(voidCall, { holdId: call.held.holdId, outcome: why }))
    return null
  }
  const { deps, quote, held, payer, route, request } = call
  const sealedAnswer = sealAnswer(call, outcome)
  const timer = deps.metrics.settle.startTimer()
  const quota = await firmly(() =>
    deps.db.tx(settleCall, {
      requestId: request.id,
      holdId: held.holdId,
      payer,
      funding: held.funding,
      route,
      model: quote.model.name,
      priceVersion: quote.priceVersion,
      unitPrices: pricesFor(quote.model, inputOf(metered.units)),
      units: metered.units,
      estimated: metered.estimated,
      sealedAnswer,
      claimed: call.claim !== null,
      outcome: metered.outcome,
    }),
  )
  timer()
  return quota
}

// Without the provider's own words: they may repeat the prompt, or name a key.
function noteFailure({ deps, request, quote, endedBy }: Call, outcome: Outcome): void {
  if (endedBy !== null) return
  const status = outcome.kind === 'failed' ? outcome.status : 200
  const { provider } = quote.upstream
  deps.log.warn({ request_id: request.id, provider, status }, 'a model provider failed; nothing is charged')
}

function count({ deps: { metrics }, payer }: Call, charged: Quota | null): void {
  metrics.calls.inc({ mode: payer.billingMode, outcome: charged ? 'charged' : 'free' })
  if (!charged) return
  metrics.credits.inc({ kind: 'base' }, charged.base_credits)
  metrics.credits.inc({ kind: 'markup' }, charged.markup_credits)
  if (charged.estimated) metrics.estimated.inc()
}

async function voidQuietly(call: Call, outcome: string): Promise<void> {
  // When the store is away the hold stays open; it ends with our lease, or when its time runs out.
  await call.deps.db.tx(voidCall, { holdId: call.held.holdId, outcome }).catch((error) => {
    call.deps.log.error({ request_id: call.request.id, err: String(error) }, 'a hold could not be ended now')
  })
}

function sendFault(call: Call, failure: Fault): void {
  const { raw } = call.reply
  if (raw.destroyed) return
  const body = JSON.stringify(errorBody(failure, call.request.id, call.deps.publicUrl))
  if (raw.headersSent) raw.end(frame(body))
  else jsonFault(call, failure, body)
}

function jsonFault(call: Call, failure: Fault, body: string): void {
  writeHead(call.reply, failure.status, { ...call.head, ...errorHeaders(failure), 'content-type': 'application/json' })
  call.reply.raw.end(body)
}

function chatBody(request: FastifyRequest): ChatRequest {
  const { body } = request
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw fault('bad_request', { message: 'The body is a JSON object.' })
  return body as ChatRequest
}

function claimFor(request: FastifyRequest, payer: Payer, route: string, bytes: Buffer): Claim | null {
  const key = request.headers['idempotency-key']
  if (key === undefined) return null
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
    throw fault('bad_request', { message: 'Idempotency-Key has 1 to 255 printable characters.' })
  const form = request.headers['x-quota-user'] === undefined ? route : `${route}#header`
  return claimOf(key, { app: payer.appId, payer: payer.id, route: form }, bytes)
}
