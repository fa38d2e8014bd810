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
import { tokenizerFor } from './count.ts'
import { attempt } from './failover.ts'
import { firmly } from './firmly.ts'
import { type Exchange, exchange, type Outcome, TOO_LONG } from './forward.ts'
import type { Held, HoldArgs, Payer } from './hold.ts'
import { type Claim, claimOf } from './kept-answers.ts'
import { meter, progressOf } from './meter.ts'
import { holdOrAsk, type Parked } from './parked.ts'
import { payerOf } from './payer.ts'
import { pricesFor } from './prices.ts'
import { type Offer, type Quote, quoteOf } from './quote.ts'
import { noteRefusal } from './refusals.ts'
import { collectedReply, failureOf, type Head, headOf, replay, sealAnswer, streamEnd, writeHead } from './reply.ts'
import type { Running, RunningCall } from './running.ts'
import { type Seen, seenFrom, tellEnd, tellRefusal, tellReplay, tellSending } from './seen.ts'
import { settleCall, voidCall } from './settle.ts'
import type { Ask, Shape } from './shapes/shape.ts'
import { inputOf } from './usage.ts'

export type Watched = { running: Running; parked: Parked }

export type Call = {
  deps: Deps
  request: FastifyRequest
  reply: FastifyReply
  shape: Shape
  ask: Ask
  route: string
  payer: Payer
  quote: Quote
  claim: Claim | null
  held: Held
  /** Who is asked; once it is over, who answered. */
  by: Offer
  head: Head
  seen: Seen
  /** See Running.heard. */
  heardBefore: number
  /** Set when the person paused or revoked in the middle. */
  endedBy: FaultCode | null
}

/**
 * Relays a call in one API shape.
 * @param inPath the external user of the path form, or null
 * @throws Fault for everything refused before the upstream was called; later failures are written to the reply here
 */
export async function relay(
  deps: Deps,
  watched: Watched,
  shape: Shape,
  request: FastifyRequest,
  reply: FastifyReply,
  inPath: string | null,
): Promise<void> {
  if (deps.draining()) throw fault('draining')
  const seen = seenFrom(deps, request)
  const route = `/v1${inPath === null ? '' : '/users/{external_user_id}'}${shape.path}`
  let leave = () => {}
  try {
    const payer = await payerOf(deps, request, inPath)
    leave = watched.running.enter(payer)
    await relayFor({ deps, shape, request, reply, route, payer, seen }, watched)
  } catch (error) {
    tellRefusal({ deps, request, route }, seen, error)
    noteRefusal(deps, request, route, error)
    throw error
  } finally {
    leave()
  }
}

type Begun = Pick<Call, 'deps' | 'shape' | 'request' | 'reply' | 'route' | 'payer' | 'seen'>

async function relayFor(begun: Begun, { running, parked }: Watched): Promise<void> {
  const { deps, shape, request, reply, route, payer, seen } = begun
  const bytes = request.rawBody ?? Buffer.alloc(0)
  const ask = await shape.read({ body: request.body, bytes, headers: request.headers })
  const quote = quoteOf(deps, shape, ask, payer.billingMode === 'test')
  if (ask.stream) tokenizerFor(quote.model.name) // loaded now, not while many streams wait to be cut and counted
  const claim = claimFor(request, payer, route, bytes)
  const heardBefore = running.heard
  const { model, priceVersion, bound } = quote
  const held = await holdOrAsk(deps, parked, reply, {
    requestId: request.id,
    owner: deps.owner,
    ttlMs: deps.config.QUOTA_HOLD_TTL_S * 1000,
    payer,
    bound: quote,
    maxOutput: bound.maxOutput,
    explicit: bound.explicit,
    claim,
    call: { route, model: model.name, priceVersion, unitPrices: model.unitPrices, ...pricedOtherwise(quote) },
  })
  // Nobody is there to read an answer.
  if (held === null) return void reply.hijack()
  if ('kept' in held) {
    replay(deps, shape, reply, held.kept)
    return tellReplay(begun, seen, payer.billingMode)
  }
  seen.heldAt = performance.now()
  reply.hijack()
  const head = headOf(reply, quote, held)
  const by = quote.offers[0]
  await afterHold({ ...begun, ask, quote, claim, held, by, head, heardBefore, endedBy: null }, running)
}

// Everything after the hold: nothing in here may leave without ending it.
async function afterHold(call: Call, running: Running): Promise<void> {
  const { deps, reply, held, payer } = call
  let ended = false
  let watched: RunningCall | null = null
  try {
    // The caller may have left while we waited for the hold: then nothing was asked of anyone.
    if (reply.raw.destroyed) return
    const live = startExchange(call)
    watched = {
      holdId: held.holdId,
      payer,
      progress: () => progressOf(call, live),
      end: (code) => {
        if (live.cut(code)) call.endedBy = code
      },
    }
    running.add(watched, call.heardBefore)
    deps.metrics.running.inc()
    const outcome = await live.outcome
    call.seen.outcome = outcome
    if (outcome.kind === 'stream' && outcome.broken === TOO_LONG) call.endedBy ??= 'gateway_timeout'
    call.seen.answeredAt = performance.now()
    const charged = await settleOutcome(call, outcome)
    call.seen.charged = charged
    ended = true
    if (outcome.kind === 'stream') streamEnd(call, outcome, charged)
    else if (outcome.kind === 'collected' && charged) collectedReply(call, outcome, charged)
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
    closeStalled(call)
    tellEnd(call)
    if (call.seen.failure) noteRefusal(deps, call.request, call.route, call.seen.failure)
  }
}

function startExchange(call: Call): Exchange {
  const { deps, quote, reply, request } = call
  return attempt(deps, {
    candidates: quote.offers,
    requestId: request.id,
    response: reply.raw,
    start: (offer, begun) => exchangeWith(call, offer, begun),
  })
}

function exchangeWith(call: Call, offer: Offer, begun: () => void): Exchange {
  const { deps, shape, ask, held, reply } = call
  call.by = offer
  return exchange({
    dispatcher: deps.upstreams.dispatcher,
    upstream: offer.upstream,
    shape,
    sending: shape.send(ask, offer, held.maxOutput),
    traced: tellSending(call),
    maxMs: deps.config.QUOTA_STREAM_MAX_S * 1000,
    stallMs: deps.config.QUOTA_READER_STALL_S * 1000,
    response: reply.raw,
    headersTimeoutMs: headersTimeoutS(call) * 1000,
    reader: (type) => shape.stream(ask, type),
    keep: call.claim !== null,
    begin: (type) => {
      call.seen.firstAt = performance.now()
      begun()
      writeHead(reply, 200, { ...call.head, 'content-type': type, 'x-accel-buffering': 'no' })
    },
  })
}

// A stream begins with its first word; other answers begin when they are whole.
function headersTimeoutS({ deps: { config }, ask }: Call): number {
  return ask.stream ? config.QUOTA_UPSTREAM_TIMEOUT_S : config.QUOTA_ANSWER_TIMEOUT_S
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
  const { deps, quote, by, held, payer, route, request } = call
  const sealedAnswer = sealAnswer(call, outcome)
  call.seen.metered = metered
  const timer = deps.metrics.settle.startTimer()
  deps.metrics.settling.inc()
  const quota = await firmly(() =>
    deps.db.tx(settleCall, {
      requestId: request.id,
      holdId: held.holdId,
      payer,
      funding: held.funding,
      route,
      model: by.model.name,
      priceVersion: quote.priceVersion,
      unitPrices: pricesFor(by.model, inputOf(metered.units)),
      units: metered.units,
      estimated: metered.estimated,
      sealedAnswer,
      claimed: call.claim !== null,
      outcome: metered.outcome,
    }),
  ).finally(() => deps.metrics.settling.dec())
  timer()
  call.seen.settledAt = performance.now()
  return quota
}

// Without the provider's own words: they may repeat the prompt, or name a key.
function noteFailure({ deps, request, by, endedBy }: Call, outcome: Outcome): void {
  if (endedBy !== null) return
  const status = outcome.kind === 'failed' ? outcome.status : 200
  const { provider, name: upstream } = by.upstream
  deps.log.warn({ request_id: request.id, provider, upstream, status }, 'a model provider failed; nothing is charged')
}

// The rest of an answer waits in memory for a caller who reads slowly, or not at all.
function closeStalled({ deps, reply: { raw } }: Call): void {
  if (raw.writableNeedDrain) raw.setTimeout(deps.config.QUOTA_READER_STALL_S * 1000, () => raw.destroy())
}

async function voidQuietly(call: Call, outcome: string): Promise<void> {
  // When the store is away the hold stays open; it ends with our lease, or when its time runs out.
  await call.deps.db.tx(voidCall, { holdId: call.held.holdId, outcome }).catch((error) => {
    call.deps.log.error({ request_id: call.request.id, err: String(error) }, 'a hold could not be ended now')
  })
}

function sendFault(call: Call, failure: Fault): void {
  call.seen.failure = failure
  const { raw } = call.reply
  if (raw.destroyed) return
  const body = errorBody(failure, call.request.id, call.deps.publicUrl)
  if (raw.headersSent) return void raw.end(call.shape.errorFrame(body))
  writeHead(call.reply, failure.status, { ...call.head, ...errorHeaders(failure), 'content-type': 'application/json' })
  raw.end(JSON.stringify(call.shape.typedErrors ? { type: 'error', ...body } : body))
}

// Only where it makes a difference: it is kept with the hold.
function pricedOtherwise({ model, offers }: Quote): Pick<HoldArgs['call'], 'others'> {
  const others = offers.filter((offer) => offer.model.name !== model.name)
  if (others.length === 0) return {}
  return { others: others.map(({ model: { name, unitPrices } }) => ({ model: name, unitPrices })) }
}

function claimFor(request: FastifyRequest, payer: Payer, route: string, bytes: Buffer): Claim | null {
  const key = request.headers['idempotency-key']
  if (key === undefined) return null
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
    throw fault('bad_request', { message: 'Idempotency-Key has 1 to 255 printable characters.' })
  const form = request.headers['x-quota-user'] === undefined ? route : `${route}#header`
  return claimOf(key, { app: payer.appId, payer: payer.id, route: form }, bytes)
}
