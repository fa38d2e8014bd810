// How often something may be done: counts in 60-second windows, shared by all processes.
// owns: this process's part of the windows, the X-RateLimit-* headers, the refusal. never: who is asking (the caller
// names the bucket).
// always true: all processes together never allow more than a limit, and one alone allows exactly it; a refused request
// counts nowhere; memory is bounded. On Postgres most requests are counted here against a slice taken before
// (rate-slices.ts); what another process holds and does not use by the window's end is refused too early.

import type { Deps } from './deps.ts'
import { fault, isFault } from './faults.ts'
import { type Slice, sliceOf, WINDOW_MS } from './rate-slices.ts'

const MAX_WINDOWS = 100_000
const ADDRESS_PER_MINUTE = 60
/** From this size on the next slice is asked for while there is still some left; smaller ones only when they are needed. */
const AHEAD_FROM = 4
/** Limits up to here guard passwords: without the store nothing is allowed, rather than so much in each process. */
const STRICT_UP_TO = 10

/** One thing that is counted, e.g. { key: 'login:address:127.0.0.1', perMinute: 5 }; its first word is its kind. */
export type Bucket = { key: string; perMinute: number }
/** Nobody in particular, or nobody who could be told: by where they are. */
export function bucketOfAddress({ ip }: { ip: string }): Bucket {
  return { key: `address:${ip}`, perMinute: ADDRESS_PER_MINUTE }
}

export type SetHeader = (name: string, value: string) => void
declare module 'fastify' {
  interface FastifyRequest {
    /** Counts this request against a limit, and tells the reply's X-RateLimit-* headers. @throws Fault rate_limit_exceeded */
    countAgainst: (bucket: Bucket) => void | Promise<void>
  }
}

type Needs = Pick<Deps, 'now' | 'config' | 'db'> & Partial<Pick<Deps, 'metrics'>>
type Window = {
  /** Which of the shared windows the slices are of. */
  shared: number
  /** Requests allowed here so far, and how many may be. */
  used: number
  granted: number
  /** The size of the newest slice, and what no process held after it was taken. */
  size: number
  left: number
  endsAt: number
  /** A slice that is on its way, and how many requests wait for it. */
  asking: Promise<void> | null
  waiting: number
}

export type RateLimits = {
  /**
   * Counts one request, or refuses it. Answers at once unless a slice has to be waited for.
   * @param setHeader receives X-RateLimit-Limit, -Remaining and -Reset (unix seconds)
   * @throws Fault `rate_limit_exceeded`, with Retry-After, when the bucket is full
   */
  take: (bucket: Bucket, setHeader?: SetHeader) => void | Promise<void>
}

const made = new WeakMap<object, RateLimits>()

/** The counts of this server; the same ones for every caller with the same ports. */
export function rateLimits(deps: Needs): RateLimits {
  const known = made.get(deps)
  if (known) return known
  const fresh = countWith(deps)
  made.set(deps, fresh)
  return fresh
}

function countWith(deps: Needs): RateLimits {
  const windows = new Map<string, Window>()
  const shared = deps.db.dialect === 'postgres'
  const take = (bucket: Bucket, setHeader: SetHeader = () => undefined): void | Promise<void> => {
    const limit = Math.max(1, Math.floor(bucket.perMinute * deps.config.QUOTA_RATE_LIMIT_SCALE))
    const window = windowOf(windows, bucket.key, deps.now())
    if (!shared) {
      window.granted = limit
      window.left = 0
    }
    if (window.used >= window.granted && window.left > 0) return wait(bucket, limit, window, setHeader)
    const allowed = window.used < window.granted
    if (allowed) window.used++
    const unused = window.granted - window.used
    setHeader('x-ratelimit-limit', String(limit))
    setHeader('x-ratelimit-remaining', String(Math.max(0, unused + window.left)))
    setHeader('x-ratelimit-reset', String(Math.ceil(window.endsAt / 1000)))
    if (!allowed) throw refused(deps, bucket.key, window)
    const ahead = window.left > 0 && window.size >= AHEAD_FROM && unused * 4 <= window.size
    if (ahead && window.asking === null) ask(deps, bucket.key, limit, window).catch(() => undefined)
  }
  const wait = async (bucket: Bucket, limit: number, window: Window, setHeader: SetHeader): Promise<void> => {
    window.waiting++
    try {
      await (window.asking ?? ask(deps, bucket.key, limit, window))
    } finally {
      window.waiting--
    }
    return take(bucket, setHeader)
  }
  return { take }
}

/** Takes another slice, of as much as was used here so far, so that what a quiet process holds back is little. */
function ask(deps: Needs, key: string, limit: number, window: Window): Promise<void> {
  const askedAt = deps.now()
  const asked = { bucket: key, limit, need: Math.max(1, window.waiting), want: Math.max(1, window.used) }
  window.asking = sliceOf(deps.db, asked)
    .catch((error) => {
      if (limit <= STRICT_UP_TO || !isFault(error) || error.code !== 'ledger_unavailable') throw error
      // Nothing can be spent meanwhile; reading may go on.
      return { window: window.shared, granted: limit, left: 0, endsInMs: WINDOW_MS }
    })
    .then((slice) => add(window, slice, askedAt))
    .finally(() => {
      window.asking = null
    })
  return window.asking
}

// What is left of a slice of the window before is gone with it.
function add(window: Window, slice: Slice, askedAt: number): void {
  const same = slice.window === window.shared
  window.shared = slice.window
  window.used = same ? window.used : 0
  window.granted = (same ? window.granted : 0) + slice.granted
  window.size = slice.granted
  window.left = slice.left
  window.endsAt = askedAt + slice.endsInMs // of our own clock before the question, so never later than it is
}

function refused({ now, metrics }: Needs, key: string, { endsAt }: Window) {
  metrics?.rateLimited.inc({ kind: key.slice(0, key.indexOf(':')) })
  return fault('rate_limit_exceeded', { retryAfterS: Math.max(1, Math.ceil((endsAt - now()) / 1000)) })
}

function windowOf(windows: Map<string, Window>, key: string, now: number): Window {
  const found = windows.get(key)
  // A window that ends too far ahead was made before the clock was set back.
  if (found && found.endsAt > now && found.endsAt <= now + WINDOW_MS) return found
  const endsAt = now + WINDOW_MS
  const fresh: Window = { shared: 0, used: 0, granted: 0, size: 0, left: 1, endsAt, asking: null, waiting: 0 }
  windows.delete(key) // so that insertion order stays the order of ends
  windows.set(key, fresh)
  if (windows.size > MAX_WINDOWS)
    for (const old of windows.keys()) {
      if (windows.size <= MAX_WINDOWS) break
      windows.delete(old)
    }
  return fresh
}
