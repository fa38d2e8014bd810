// How often something may be done: counts in 60-second windows, in memory.
// owns: the windows, the X-RateLimit-* headers, the refusal. never: who is asking (the caller names the bucket).
// always true: a refused request counts in no bucket; memory is bounded; several processes each keep their own count.

import type { Deps } from './deps.ts'
import { fault } from './faults.ts'

const WINDOW_MS = 60_000
const MAX_WINDOWS = 100_000

/** One thing that is counted, e.g. { key: 'login:address:127.0.0.1', perMinute: 5 }. */
export type Bucket = { key: string; perMinute: number }
declare module 'fastify' {
  interface FastifyRequest {
    /** Counts this request against a limit, and tells the reply's X-RateLimit-* headers. @throws Fault rate_limit_exceeded */
    countAgainst: (bucket: Bucket) => void
  }
}

type Window = { count: number; endsAt: number }
type Needs = Pick<Deps, 'now' | 'config'>

export type RateLimits = {
  /**
   * Counts one request in every bucket, or in none.
   * @param setHeader receives X-RateLimit-Limit, -Remaining and -Reset (unix seconds) of the tightest bucket
   * @throws Fault `rate_limit_exceeded`, with Retry-After, when any bucket is full
   */
  take: (buckets: readonly Bucket[], setHeader?: (name: string, value: string) => void) => void
}

const made = new WeakMap<Needs, RateLimits>()

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
  return {
    take(buckets, setHeader = () => undefined) {
      const now = deps.now()
      const states = buckets.map(({ key, perMinute }) => {
        const limit = Math.max(1, Math.floor(perMinute * deps.config.QUOTA_RATE_LIMIT_SCALE))
        return { limit, window: windowOf(windows, key, now) }
      })
      const full = states.filter(({ limit, window }) => window.count >= limit)
      if (full.length === 0) for (const { window } of states) window.count++
      const [tightest] = [...states].sort((a, b) => a.limit - a.window.count - (b.limit - b.window.count))
      if (!tightest) return
      setHeader('x-ratelimit-limit', String(tightest.limit))
      setHeader('x-ratelimit-remaining', String(Math.max(0, tightest.limit - tightest.window.count)))
      setHeader('x-ratelimit-reset', String(Math.ceil(tightest.window.endsAt / 1000)))
      if (full.length === 0) return
      const waitMs = Math.max(...full.map(({ window }) => window.endsAt)) - now
      throw fault('rate_limit_exceeded', { retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) })
    },
  }
}

function windowOf(windows: Map<string, Window>, key: string, now: number): Window {
  const found = windows.get(key)
  // A window that ends too far ahead was made before the clock was set back.
  if (found && found.endsAt > now && found.endsAt <= now + WINDOW_MS) return found
  const fresh = { count: 0, endsAt: now + WINDOW_MS }
  windows.delete(key) // so that insertion order stays the order of ends
  windows.set(key, fresh)
  if (windows.size > MAX_WINDOWS)
    for (const old of windows.keys()) {
      if (windows.size <= MAX_WINDOWS) break
      windows.delete(old)
    }
  return fresh
}
