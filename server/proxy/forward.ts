// One exchange with an upstream.
// owns: the request to it, its answer's bytes, back-pressure, hang-ups on either side. never: money, a retry after the first byte.
// always true: it ends exactly once, with one outcome; it never throws; the caller's connection is left open for the last frame.

import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Sending, Shape, StreamReader } from './shapes/shape.ts'
import type { Upstream } from './upstreams.ts'

const MAX_COLLECTED_BYTES = 32 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024
/** What a stream of the longest answers is, at some 250 bytes a token. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024
/** How long an upstream may go on after its caller has gone, so that it can report what it used. */
const DRAIN_MS = 30_000
/** Why an exchange ended whose caller had left and whose upstream would not end. */
export const CALLER_GONE = 'the caller has gone'
/** Why an exchange ended that would not end by itself, or whose caller took nothing any more. */
export const TOO_LONG = 'Timeout: the answer took too long'
export const CALLER_STALLED = 'the caller took nothing any more'

export type Outcome =
  /** Nothing was produced: connection refused, time-out before the answer, or an answer that is no success. */
  | { kind: 'failed'; status: number | null; timeout: boolean; body: string; retryAfter: string | null; cause: string }
  /** An answer that is passed on when it is there as a whole. `type`: its content type. */
  | { kind: 'collected'; body: Buffer; type: string }
  /** `broken`: the stream ended before its end. */
  | { kind: 'stream'; stream: StreamReader; broken: string | null; kept: Buffer | null }

export type Exchange = {
  outcome: Promise<Outcome>
  /** Ends it now, for a reason that the outcome carries. False when it has ended before. */
  cut(reason: string): boolean
  /** What has come through so far; null before a stream has begun. */
  progress(): StreamReader | null
}

export type ExchangeOptions = {
  dispatcher: Dispatcher
  upstream: Upstream
  shape: Pick<Shape, 'name' | 'path'>
  sending: Sending
  /** Headers of a trace. */
  traced: Readonly<Record<string, string>>
  response: ServerResponse
  /** How long until its answer must have begun. */
  headersTimeoutMs: number
  /** How long the answer may take altogether. */
  maxMs: number
  /** How long its caller may take nothing of what waits for them. */
  stallMs: number
  /** A reader for an answer of this content type that goes through as it comes; null to collect it. */
  reader: (type: string) => StreamReader | null
  /** Whether to keep the bytes passed on, for a replay; beyond 64 MiB they are not kept. */
  keep: boolean
  /** Called once when a streamed answer has begun, to write the head of the reply. @param type its content type */
  begin: (type: string) => void
}

/** Starts the exchange. */
export function exchange(options: ExchangeOptions): Exchange {
  let resolve: (outcome: Outcome) => void = () => undefined
  const outcome = new Promise<Outcome>((done) => {
    resolve = done
  })
  const wire: Wire = {
    options,
    resolve,
    chunks: [],
    size: 0,
    keeping: options.keep,
    status: null,
    type: '',
    retryAfter: null,
    stream: null,
    control: null,
    reason: null,
    ended: false,
    drain: undefined,
    longest: setTimeout(() => cut(wire, TOO_LONG), options.maxMs),
    stall: undefined,
    gone: () => {
      wire.control?.resume()
      wire.drain ??= setTimeout(() => cut(wire, CALLER_GONE), DRAIN_MS)
    },
    resume: () => {
      clearTimeout(wire.stall)
      wire.stall = undefined
      wire.control?.resume()
    },
  }
  options.response.on('close', wire.gone)
  options.response.on('drain', wire.resume)
  options.dispatcher.dispatch(requestOf(options), handlerOf(wire))
  return { outcome, cut: (reason) => cut(wire, reason), progress: () => wire.stream }
}

/** What is known of an exchange while it runs. */
type Wire = {
  options: ExchangeOptions
  resolve: (outcome: Outcome) => void
  /** The answer's bytes: of JSON and errors, or of a stream that is kept. */
  chunks: Buffer[]
  size: number
  keeping: boolean
  status: number | null
  type: string
  retryAfter: string | null
  stream: StreamReader | null
  control: Dispatcher.DispatchController | null
  /** Why we ended it ourselves. */
  reason: string | null
  ended: boolean
  drain: NodeJS.Timeout | undefined
  longest: NodeJS.Timeout
  stall: NodeJS.Timeout | undefined
  gone: () => void
  resume: () => void
}

function requestOf(options: ExchangeOptions): Dispatcher.DispatchOptions {
  const { upstream, shape, sending, traced, headersTimeoutMs } = options
  return {
    origin: upstream.origin,
    path: `${upstream.basePath}${shape.path}`,
    method: 'POST',
    headers: { ...upstream.headers[shape.name], ...sending.headers, ...traced },
    headersTimeout: headersTimeoutMs,
    body: sending.body,
  }
}

function handlerOf(wire: Wire): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      wire.control = controller
      if (wire.reason) controller.abort(new Error(wire.reason))
    },
    onResponseStart(_controller, code, headers) {
      if (code < 200) return
      wire.status = code
      wire.retryAfter = typeof headers['retry-after'] === 'string' ? headers['retry-after'] : null
      wire.type = String(headers['content-type'] ?? '')
      wire.stream = code === 200 ? wire.options.reader(wire.type) : null
      if (wire.stream) wire.options.begin(wire.stream.type)
    },
    onResponseData(controller, chunk) {
      if (!wire.stream) return collect(wire, controller, chunk)
      try {
        pass(wire, wire.stream.take(chunk))
      } catch (error) {
        controller.abort(error instanceof Error ? error : new Error(String(error)))
      }
    },
    onResponseEnd() {
      if (wire.stream) pass(wire, wire.stream.flush())
      finish(wire, null)
    },
    onResponseError(_controller, error) {
      finish(wire, `${error.name}: ${error.message}`)
    },
  }
}

function collect(wire: Wire, controller: Dispatcher.DispatchController, chunk: Buffer): void {
  wire.size += chunk.length
  if (wire.status !== 200 && wire.size > MAX_ERROR_BYTES) return
  if (wire.size > MAX_COLLECTED_BYTES) controller.abort(new Error('the answer is longer than 32 MiB'))
  else wire.chunks.push(chunk)
}

function pass(wire: Wire, bytes: Buffer): void {
  if (bytes.length === 0) return
  if (wire.keeping) {
    wire.size += bytes.length
    if (wire.size <= MAX_KEPT_BYTES) wire.chunks.push(bytes)
    else wire.keeping = false
  }
  const { response } = wire.options
  if (response.destroyed || response.write(bytes)) return
  wire.control?.pause()
  wire.stall ??= setTimeout(() => stalled(wire), wire.options.stallMs)
}

// What they were sent is charged; the upstream is not kept waiting for somebody who does not read.
function stalled(wire: Wire): void {
  cut(wire, CALLER_STALLED)
  wire.options.response.destroy()
}

function cut(wire: Wire, why: string): boolean {
  if (wire.ended) return false
  wire.reason ??= why
  if (wire.control) wire.control.abort(new Error(why))
  else finish(wire, why)
  return true
}

function finish(wire: Wire, problem: string | null): void {
  if (wire.ended) return
  wire.ended = true
  for (const timer of [wire.drain, wire.longest, wire.stall]) clearTimeout(timer)
  wire.options.response.off('close', wire.gone)
  wire.options.response.off('drain', wire.resume)
  wire.resolve(outcomeOf(wire, wire.reason ?? problem))
}

function outcomeOf({ stream, status, type, chunks, keeping, retryAfter }: Wire, broken: string | null): Outcome {
  if (stream) {
    const kept = keeping ? Buffer.concat(chunks) : null
    return { kind: 'stream', stream, broken: broken ?? unfinished(stream), kept }
  }
  const body = Buffer.concat(chunks)
  if (status === 200 && broken === null) return { kind: 'collected', body, type }
  const timeout = /Timeout/i.test(broken ?? '')
  const cause = broken ?? `status ${status}`
  return { kind: 'failed', status, timeout, body: body.toString('utf8'), retryAfter, cause }
}

function unfinished(stream: StreamReader): string | null {
  if (stream.failed()) return 'the upstream reported an error'
  return stream.whole() ? null : 'the stream ended before its end'
}
