// What time it is, when this device's clock is wrong.
// owns: the difference between the server's clock and this device's. never: refusing anything for it. always true: times that
// decide what is shown (a request that ran out, a limit's window) are the server's as far as it is known.

const KEPT = 'quota.clock'
/** The server names whole seconds, and an answer takes its time: less than this is no difference. */
const NOTHING_MS = 5_000

let skewMs = keptSkew()
const changed = new EventTarget()

/** Calls back whenever the difference turns out to be another; the answer ends that. */
export function onClock(listener: () => void): () => void {
  changed.addEventListener('change', listener)
  return () => changed.removeEventListener('change', listener)
}

/** The server's time as well as it is known, ms. */
export const serverNow = (): number => Date.now() + skewMs

/** By how much the server's clock is ahead of this device's, ms; 0 while they agree. */
export const clockSkew = (): number => skewMs

/**
 * Learns from an answer of the server.
 * @param date its Date header (RFC 9110 6.6.1), or null where it cannot be read
 * @param askedAt when it was asked, ms on this device's clock; its answer is there now
 */
export function hearDate(date: string | null, askedAt: number): void {
  const said = date === null ? Number.NaN : Date.parse(date)
  if (Number.isNaN(said)) return
  const skew = skewOf(said, askedAt, Date.now())
  if (skew === skewMs) return
  skewMs = skew
  changed.dispatchEvent(new Event('change'))
  try {
    localStorage.setItem(KEPT, String(skew))
  } catch {
    // a full storage: it is known for as long as this page lives
  }
}

/** The difference, or 0 where the answer may well have been given when this device says so. */
export function skewOf(said: number, askedAt: number, answeredAt: number): number {
  if (said + 1000 + NOTHING_MS >= askedAt && said - NOTHING_MS <= answeredAt) return 0
  return Math.round(said + 500 - (askedAt + answeredAt) / 2)
}

function keptSkew(): number {
  const kept = Number(globalThis.localStorage?.getItem(KEPT) ?? 0)
  return Number.isFinite(kept) ? kept : 0
}
