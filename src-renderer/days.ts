// Calendar days in a time zone.
// owns: where a day begins. never: words. always true: pure; a day with a clock change is as long as it is.

import type { DayOf } from './columns.ts'
import { dayIn } from './format.ts'

const HOUR_MS = 3_600_000
const clocks = new Map<string, Intl.DateTimeFormat>()

/** The calendar day of a moment, and when it began, ms; in `zone`, or UTC where this device does not know it. */
export function dayOf(zone: string, at: number): { day: string; start: number } {
  const day = dayIn(zone, at)
  let start = at - sinceMidnight(zone, at)
  // A clock change since midnight puts the guess an hour off, at most two.
  while (dayIn(zone, start) < day) start += HOUR_MS
  while (dayIn(zone, start - 1) === day) start -= HOUR_MS
  return { day, start }
}

const inZone = new Map<string, DayOf>()

/** The days of a time zone; the same function for the same zone. */
export function daysIn(zone: string): DayOf {
  const known = inZone.get(zone) ?? ((at: number) => dayOf(zone, at))
  inZone.set(zone, known)
  return known
}

/** The first moment of a day ("2026-11-23") in a time zone, ms; null for what is no day. */
export function startOfDay(zone: string, day: string): number | null {
  const noon = Date.parse(`${day}T12:00:00Z`)
  if (Number.isNaN(noon)) return null
  for (const at of [noon, noon - 12 * HOUR_MS, noon + 12 * HOUR_MS]) {
    const found = dayOf(zone, at)
    if (found.day === day) return found.start
  }
  return null
}

/** The day after a day. */
export const nextDay = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 24 * HOUR_MS).toISOString().slice(0, 10)

function sinceMidnight(zone: string, at: number): number {
  let clock = clocks.get(zone)
  if (!clock) {
    clock = clockIn(zone)
    clocks.set(zone, clock)
  }
  const [h = 0, m = 0, s = 0] = clock.format(at).split(':').map(Number)
  return (h * 3600 + m * 60 + s) * 1000 + (((at % 1000) + 1000) % 1000)
}

function clockIn(timeZone: string): Intl.DateTimeFormat {
  const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, ...parts })
  } catch {
    return new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...parts })
  }
}
