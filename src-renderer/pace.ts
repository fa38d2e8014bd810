// How fast a limit is being used.
// owns: the window a limit counts in, and the guess from its pace. never: storage. always true: pure.

import type { CapState, Period } from '../server/contract/records.ts'
import { nextDay, startOfDay } from './days.ts'
import { dayIn } from './format.ts'

const DAY_MS = 86_400_000

export type Pace =
  | { kind: 'unknown' | 'quiet' | 'reached' }
  /** `at` is when the limit would be reached; `total` what the window would end with, in micros. */
  | { kind: 'reaches'; at: number }
  | { kind: 'fits'; total: number }

/** What part of the window has passed, 0 to 1, where its days are those of `zone`; null for a limit without an end. */
export function elapsed(cap: Pick<CapState, 'period' | 'resets_at'>, now: number, zone: string): number | null {
  if (!cap.resets_at) return null
  const end = Date.parse(cap.resets_at)
  const start = startOf(cap.period, end, zone)
  return Math.min(1, Math.max(0, (now - start) / (end - start)))
}

/**
 * Where a window that ends then began: so many days of the calendar there before, however long its days and months are. (A
 * window ends at a midnight there; what is beside it, as of a clock that is not the server's, stays beside it.)
 */
function startOf(period: Period, end: number, zone: string): number {
  const last = dayIn(zone, end - DAY_MS / 2)
  const first = period === 'month' ? `${last.slice(0, 8)}01` : period === 'week' ? daysBefore(last, 6) : last
  const [from, to] = [startOfDay(zone, first), startOfDay(zone, nextDay(last))]
  return from === null || to === null ? end - DAY_MS : end - (to - from)
}

const daysBefore = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) - days * DAY_MS).toISOString().slice(0, 10)

const TOO_EARLY = 0.05

/** Where spending so far leads, if it goes on like this. */
export function pace(cap: CapState, now: number, zone: string): Pace {
  if (cap.spent >= cap.amount) return { kind: 'reached' }
  if (cap.spent === 0) return { kind: 'quiet' }
  const part = elapsed(cap, now, zone)
  if (part === null || part < TOO_EARLY || part >= 1 || !cap.resets_at) return { kind: 'unknown' }
  const total = Math.round(cap.spent / part)
  if (total <= cap.amount) return { kind: 'fits', total }
  const end = Date.parse(cap.resets_at)
  const start = startOf(cap.period, end, zone)
  return { kind: 'reaches', at: start + ((now - start) * cap.amount) / cap.spent }
}

/** What is left of a limit after what is spent and reserved; never below zero. */
export const left = (cap: CapState): number => Math.max(0, cap.amount - cap.spent - cap.held)

/** The limit that speaks first: the one with least left. */
export const tightest = (caps: CapState[]): CapState | null =>
  caps.reduce<CapState | null>((least, cap) => (least === null || left(cap) < left(least) ? cap : least), null)

const ALMOST = 0.8

export const nearlyReached = (cap: CapState): boolean => (cap.spent + cap.held) / cap.amount >= ALMOST

const MONTH_DAYS_KNOWN = 3

/** What a calendar month ends with if it goes on like this; null in its first days, and when nothing was spent. */
export function monthEnd(spent: number, zone: string, today: string, now: number): number | null {
  const [year = 0, month = 0] = today.split('-').map(Number)
  const next = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10)
  const [start, end] = [startOfDay(zone, `${today.slice(0, 7)}-01`), startOfDay(zone, next)]
  if (spent === 0 || start === null || end === null || now - start < MONTH_DAYS_KNOWN * DAY_MS) return null
  return Math.round((spent * (end - start)) / Math.min(now - start, end - start))
}
