// One exchange with an upstream.
// owns: the request to it, its answer's bytes, back-pressure, hang-ups on either side. never: money, a retry after the first byte.
// always true: it ends exactly once, with one outcome; it never throws; the caller's connection is left open for the last frame.

import type { ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { type ChatStream, chatStream } from './sse.ts'
import type { Upstream } from './upstreams.ts'

const MAX_JSON_BYTES = 32 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024
const MAX_KEPT_BYTES = 4 * 1024 * 1024
/** How long an upstream may go on after its caller has gone, so that it can report what it used. */
const DRAIN_MS = 30_000

export type Outcome =
  /** Nothing was produced: connection refused, time-out before the answer, or an answer that is no success. */
  | { kind: 'failed'; status: number | null; timeout: boolean; body: string; retryAfter: string | null; cause: string }
  | { kind: 'json'; body: Buffer }
  /** `broken`: the stream ended before its end. */
  | { kind: 'stream'; stream: ChatStream; broken: string | null; kept: Buffer | null }

export type Exchange = {
  outcome: Promise<Outcome>
  /** Ends it now, for a reason that the outcome carries. */
  cut(reason: string): void
  /** What has come through so far; null before a stream has begun. */
  progress(): ChatStream | null
}

export type ExchangeOptions = {
  dispatcher: Dispatcher
  upstream: Upstream
  path: string
  body: string
  response: ServerResponse
  stream: boolean
  hideUsage: boolean
  /** Whether to keep the bytes passed on, for a replay; beyond 4 MiB they are not kept. */
  keep: boolean
  /** Called once when the answer has begun, to write the head of a streamed reply. */
  begin: () => void
}

/** Starts the exchange. */
export function exchange(options: ExchangeOptions): Exchange {
  const { response } = options
  const chunks: Buffer[] = []
  let size = 0
  let status: number | null = null
  let retryAfter: string | null = null
  let stream: ChatStream | null = null
  let control: Dispatcher.DispatchController | null = null
  let reason: string | null = null
  let ended = false
  let keeping = options.keep
  let drain: NodeJS.Timeout | undefined
  let resolve: (outcome: Outcome) => void = () => undefined
  const outcome = new Promise<Outcome>((done) => {
    resolve = done
  })

  const cut = (why: string) => {
    if (ended) return
    reason ??= why
    if (control) control.abort(new Error(why))
    else finish(why)
  }
  const gone = () => {
    control?.resume()
    drain ??= setTimeout(() => cut('the caller has gone'), DRAIN_MS)
  }
  const resume = () => control?.resume()
  const finish = (problem: string | null) => {
    if (ended) return
    ended = true
    clearTimeout(drain)
    response.off('close', gone)
    response.off('drain', resume)
    const broken = reason ?? problem
    if (stream) resolve({ kind: 'stream', stream, broken: broken ?? unfinished(stream), kept: keeping ? Buffer.concat(chunks) : null })
    else if (status === 200 && broken === null) resolve({ kind: 'json', body: Buffer.concat(chunks) })
    else {
      const timeout = /Timeout/i.test(broken ?? '')
      resolve({ kind: 'failed', status, timeout, body: Buffer.concat(chunks).toString('utf8'), retryAfter, cause: broken ?? `status ${status}` })
    }
  }
  const pass = (bytes: Buffer) => {
    if (bytes.length === 0) return
    if (keeping) {
      size += bytes.length
      if (size <= MAX_KEPT_BYTES) chunks.push(bytes)
      else keeping = false
    }
    if (!response.destroyed && !response.write(bytes)) control?.pause()
  }

  response.on('close', gone)
  response.on('drain', resume)
  options.dispatcher.dispatch(
    {
      origin: options.upstream.origin,
      path: `${options.upstream.basePath}${options.path}`,
      method: 'POST',
      headers: { ...options.upstream.headers, 'content-type': 'application/json', accept: options.stream ? 'text/event-stream' : 'application/json' },
      body: options.body,
    },
    {
      onRequestStart(controller) {
        control = controller
        if (reason) controller.abort(new Error(reason))
      },
      onResponseStart(_controller, code, headers) {
        if (code < 200) return
        status = code
        retryAfter = typeof headers['retry-after'] === 'string' ? headers['retry-after'] : null
        if (code === 200 && options.stream && /event-stream/.test(String(headers['content-type']))) {
          stream = chatStream(options.hideUsage)
          options.begin()
        }
      },
      onResponseData(controller, chunk) {
        if (stream) {
          try {
            pass(stream.take(chunk))
          } catch (error) {
            controller.abort(error instanceof Error ? error : new Error(String(error)))
          }
          return
        }
        size += chunk.length
        if (status !== 200 && size > MAX_ERROR_BYTES) return
        if (size > MAX_JSON_BYTES) controller.abort(new Error('the answer is longer than 32 MiB'))
        else chunks.push(chunk)
      },
      onResponseEnd() {
        if (stream) pass(stream.flush())
        finish(null)
      },
      onResponseError(_controller, error) {
        finish(`${error.name}: ${error.message}`)
      },
    },
  )
  return { outcome, cut, progress: () => stream }
}

function unfinished(stream: ChatStream): string | null {
  if (stream.failed) return 'the upstream reported an error'
  return stream.done || stream.usage !== undefined ? null : 'the stream ended before its end'
}
