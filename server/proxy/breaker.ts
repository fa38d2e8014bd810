// What is remembered of an upstream's health, and when it is left alone.
// owns: the circuit breaker of each upstream, and how long a model rests there after "too many requests".
// never: a clock, a call, a choice among upstreams. always true: an upstream is left alone for a bounded time only; of
// those that wait to learn whether it is back there is one.

/** A failure so long after the one before begins a new count, in ms. */
export const FORGET_MS = 60_000
/** How long the circuit stays open: at first, and at most, in ms; it doubles each time in between. */
export const OPEN_FIRST_MS = 1_000
export const OPEN_MOST_MS = 60_000
/** How long a `Retry-After` is honoured at most, in ms. */
export const REST_MOST_MS = 60_000
/** A probe that says nothing for so long is given up, and another call may try, in ms. */
export const PROBE_MS = 30_000
const RESTS_KEPT = 1_000

export type CircuitState = 'closed' | 'half-open' | 'open'

/** How an attempt ended, as far as its upstream's health goes; `neutral` says nothing (we ended it ourselves). */
export type Verdict = 'success' | 'failure' | 'neutral'

type Circuit = {
  failures: number
  lastFailureAt: number
  /** Null while closed. */
  openUntil: number | null
  openForMs: number
  /** When the call that tries it again began; null when none does. */
  probingSince: number | null
  /** `{model}` → until when it rests here. */
  rests: Map<string, number>
}

export type Breaker = {
  /** When this upstream may be asked for this model, in ms: now or earlier, or the moment to come back at. */
  availableAt(upstream: string, model: string, now: number): number
  /** An attempt begins; in a half-open circuit it is the one that tries. */
  began(upstream: string, now: number): void
  /** Its answer has begun: a half-open circuit closes, and the next failure opens it again. */
  answered(upstream: string): void
  /** It is over. @param restMs from a Retry-After, for this model; null without one */
  ended(upstream: string, model: string, verdict: Verdict, now: number, restMs?: number | null): void
  state(upstream: string, now: number): CircuitState
}

/**
 * Health as this process knows it; forgotten with the process.
 * @param failuresToOpen so many failures without a success between them open the circuit
 */
export function makeBreaker(failuresToOpen: number): Breaker {
  const circuits = new Map<string, Circuit>()
  const circuit = (name: string): Circuit => {
    let known = circuits.get(name)
    if (!known) {
      known = { failures: 0, lastFailureAt: 0, openUntil: null, openForMs: 0, probingSince: null, rests: new Map() }
      circuits.set(name, known)
    }
    return known
  }
  return {
    availableAt: (upstream, model, now) => {
      const known = circuits.get(upstream)
      if (!known) return now
      return Math.max(circuitAt(known, now), restAt(known, model, now))
    },
    began(upstream, now) {
      const known = circuits.get(upstream)
      if (known && known.openUntil !== null) known.probingSince = now
    },
    answered(upstream) {
      const known = circuits.get(upstream)
      if (known?.openUntil == null) return
      known.openUntil = null
      known.probingSince = null
      known.failures = failuresToOpen - 1
    },
    ended(upstream, model, verdict, now, restMs = null) {
      const known = circuit(upstream)
      if (restMs !== null && restMs > 0) rest(known, model, now, restMs)
      if (verdict === 'success') succeed(known)
      else if (verdict === 'failure') fail(known, now, failuresToOpen)
      else known.probingSince = null
    },
    state(upstream, now) {
      const known = circuits.get(upstream)
      if (!known || known.openUntil === null) return 'closed'
      return now < known.openUntil ? 'open' : 'half-open'
    },
  }
}

// When the circuit lets a call through: not while it is open, nor while another call tries it.
function circuitAt({ openUntil, probingSince }: Circuit, now: number): number {
  if (openUntil === null) return now
  if (now < openUntil) return openUntil
  return probingSince !== null && now < probingSince + PROBE_MS ? probingSince + PROBE_MS : now
}

function restAt({ rests }: Circuit, model: string, now: number): number {
  const until = rests.get(model)
  if (until === undefined) return now
  if (until > now) return until
  rests.delete(model)
  return now
}

function rest({ rests }: Circuit, model: string, now: number, forMs: number): void {
  if (rests.size >= RESTS_KEPT) rests.clear()
  rests.set(model, now + Math.min(forMs, REST_MOST_MS))
}

function succeed(known: Circuit): void {
  known.failures = 0
  known.openUntil = null
  known.openForMs = 0
  known.probingSince = null
}

function fail(known: Circuit, now: number, failuresToOpen: number): void {
  const probed = known.openUntil !== null
  if (known.openUntil !== null && now < known.openUntil) return // it began before the circuit opened, and says nothing new
  if (!probed && now - known.lastFailureAt > FORGET_MS) known.failures = 0
  known.failures++
  known.lastFailureAt = now
  known.probingSince = null
  if (!probed && known.failures < failuresToOpen) return
  known.openForMs = Math.min(Math.max(known.openForMs * 2, OPEN_FIRST_MS), OPEN_MOST_MS)
  known.openUntil = now + known.openForMs
}
