// One answer from several upstreams: the next is asked when one fails before anything went to the caller.
// owns: which failures another upstream may mend, what they say of an upstream's health, Retry-After. never: money; the order
// of the candidates. always true: each candidate is asked at most once; what the caller has seen a byte of is never begun
// again; with one candidate this is one exchange.

import type { ServerResponse } from 'node:http'
import type { Deps } from '../deps.ts'
import { type Fault, fault } from '../faults.ts'
import type { Verdict } from './breaker.ts'
import type { Candidate } from './candidates.ts'
import { CALLER_GONE, CALLER_STALLED, type Exchange, type Outcome, TOO_LONG } from './forward.ts'

/** Of how many upstreams one call may ask. */
export const MOST_ATTEMPTS = 3

type Health = Pick<Deps, 'upstreams' | 'now' | 'metrics' | 'log'>

/**
 * The candidates that may be asked now, the first few of them.
 * @throws Fault rate_limit when they rest because we asked too often, provider_unavailable when they fail; both with Retry-After
 */
export function healthy<C extends Candidate>(
  { upstreams: { health }, now }: Health,
  candidates: readonly C[],
): readonly C[] {
  const at = now()
  const ready = ({ upstream, model }: C) => health.availableAt(upstream.name, model.upstreamModel, at) <= at
  if (candidates.length === 1 && candidates[0] && ready(candidates[0])) return candidates
  const open = candidates.filter(ready)
  if (open.length > 0) return open.slice(0, MOST_ATTEMPTS)
  const back = Math.min(...candidates.map((c) => health.availableAt(c.upstream.name, c.model.upstreamModel, at)))
  const retryAfterS = Math.max(1, Math.ceil((back - at) / 1000))
  if (candidates.some(({ upstream }) => health.state(upstream.name, at) === 'closed'))
    throw fault('rate_limit', { retryAfterS })
  throw unavailable(retryAfterS)
}

function unavailable(retryAfterS: number): Fault {
  const message = 'The model provider keeps failing; it is left alone for a moment. Nothing was charged.'
  return fault('provider_unavailable', { message, retryAfterS })
}

export type AttemptOptions<C extends Candidate> = {
  candidates: readonly [C, ...C[]]
  requestId: string
  response: ServerResponse
  /** Starts an exchange with one of them. @param begun to be called once its answer has begun */
  start: (candidate: C, begun: () => void) => Exchange
}

/** Starts the first attempt, and the next ones as needed. Never throws. (No accessor in what it gives back: decision 88.) */
export function attempt<C extends Candidate>(health: Health, options: AttemptOptions<C>): Exchange {
  const state: State = { live: null, cut: null, ended: false }
  const outcome = attemptAll(health, options, state)
  return {
    outcome,
    cut(reason) {
      if (state.ended) return false
      state.cut ??= reason
      return state.live?.cut(reason) ?? true
    },
    progress: () => state.live?.progress() ?? null,
  }
}

type State = { live: Exchange | null; cut: string | null; ended: boolean }

async function attemptAll<C extends Candidate>(
  ports: Health,
  { candidates, requestId, response, start }: AttemptOptions<C>,
  state: State,
): Promise<Outcome> {
  const { health } = ports.upstreams
  let last: Outcome | null = null
  for (const candidate of candidates) {
    const { name } = candidate.upstream
    const at = ports.now()
    // It may have failed others meanwhile. The last resort is asked all the same: it was well when the money was held.
    const ready = health.availableAt(name, candidate.model.upstreamModel, at) <= at
    if (!ready && (last !== null || candidate !== candidates.at(-1))) continue
    if (last !== null) ports.log.warn({ request_id: requestId, upstream: name }, 'the next upstream is asked')
    health.began(name, at)
    state.live = start(candidate, () => health.answered(name))
    last = await state.live.outcome
    note(ports, candidate, last, state.cut !== null)
    if (!mendable(last) || state.cut !== null || response.destroyed) break
  }
  state.ended = true
  return last ?? { kind: 'failed', status: null, timeout: false, body: '', retryAfter: null, cause: 'nobody was asked' }
}

/** Statuses that are an upstream's trouble or ours with it, not the caller's mistake: no key, no credit, no more for now. */
const OURS = new Set([401, 402, 403, 408, 429])

/** Endings of ours, which say nothing of an upstream. */
const ENDED_BY_US: ReadonlySet<string | null> = new Set([CALLER_GONE, CALLER_STALLED, TOO_LONG])

/** Whether another upstream may do better: nothing was produced, and not because of the request. */
function mendable(outcome: Outcome): boolean {
  if (outcome.kind !== 'failed' || ENDED_BY_US.has(outcome.cause)) return false
  const { status } = outcome
  return status === null || status >= 500 || OURS.has(status)
}

function verdictOf(outcome: Outcome, cut: boolean): Verdict {
  if (outcome.kind === 'collected') return 'success'
  const why = outcome.kind === 'stream' ? outcome.broken : outcome.cause
  if (cut || ENDED_BY_US.has(why)) return 'neutral'
  if (outcome.kind === 'stream') return outcome.broken === null ? 'success' : 'failure'
  // An answer that broke off is a failure; a refusal of the request is a sign of life; 403 may be about what it says.
  if (outcome.status === 403) return 'neutral'
  return mendable(outcome) || outcome.status === 200 ? 'failure' : 'success'
}

function note(
  { upstreams: { health }, now, metrics }: Health,
  candidate: Candidate,
  outcome: Outcome,
  cut: boolean,
): void {
  const { name } = candidate.upstream
  const verdict = verdictOf(outcome, cut)
  const at = now()
  const limited =
    outcome.kind === 'failed' && (outcome.status === 429 || outcome.status === 503 || outcome.status === 529)
  const restMs = limited ? waitOf(outcome.retryAfter, at) : null
  const before = health.state(name, at)
  health.ended(name, candidate.model.upstreamModel, verdict, at, restMs)
  metrics.upstreamAttempts.inc({ upstream: name, result: verdict })
  const after = health.state(name, at)
  if (before !== after) metrics.upstreamOpen.set({ upstream: name }, after === 'closed' ? 0 : 1)
}

/** Milliseconds of a Retry-After, given in seconds or as a date (RFC 9110, 10.2.3); null where it says neither. */
export function waitOf(header: string | null, now: number): number | null {
  if (header === null) return null
  const seconds = /^\d{1,9}(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return Number.isNaN(seconds) ? null : Math.max(0, seconds)
}
