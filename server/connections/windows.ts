// Calendar windows: which day, week or month a moment lies in, where a person lives.
// owns: calendar arithmetic in IANA zones. never: rows, money, the clock.
// always true: the windows of a period tile time without gap or overlap, and their labels rise with time.

import { Temporal } from 'temporal-polyfill'
import type { Period } from '../contract/records.ts'

export type WeekStart = 'monday' | 'sunday' | 'saturday'
/** Where a person's calendar is: an IANA zone, and the day their week begins. */
export type Calendar = { zone: string; weekStart: WeekStart }
/** `endsAt` is the first millisecond that is no longer inside; null when it never ends. */
export type Window = { label: string; startsAt: number; endsAt: number | null }

const FIRST_DAY: Record<WeekStart, number> = { monday: 1, saturday: 6, sunday: 7 }
const THURSDAY = 4
const CACHE_MAX = 4096

/**
 * The window a moment lies in. Labels sort as text. A week is named by its Thursday, which lies in the same week whatever
 * day weeks begin on, so a change of the first day does not make a second week of the same days.
 * @param nowMs milliseconds since the epoch
 * @throws RangeError when the zone is unknown
 */
export function windowAt(period: Period, nowMs: number, { zone, weekStart }: Calendar): Window {
  if (period === 'total') return { label: 'total', startsAt: 0, endsAt: null }
  const name = `${period} ${zone} ${period === 'week' ? weekStart : ''}`
  const known = cache.get(name)
  if (known && known.startsAt <= nowMs && known.endsAt !== null && nowMs < known.endsAt) return known
  const today = Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(zone).toPlainDate()
  let first = firstDay(period, today, weekStart)
  let window = windowFrom(period, first, zone)
  // Where clocks go back over midnight, a little of the old date comes again after the new one began: it is the new one's.
  while (window.endsAt <= nowMs) {
    first = nextFirst(period, first)
    window = windowFrom(period, first, zone)
  }
  if (cache.size >= CACHE_MAX) cache.clear()
  cache.set(name, window)
  return window
}

/** When the window of a label (as `windowAt` gave it) ends, in a calendar that may have changed since. Null: never. */
export function endOfLabel(label: string, { zone, weekStart }: Calendar): number | null {
  const found = /^(day|week|month)-(\d{4}-\d{2}(?:-\d{2})?)$/.exec(label)
  if (!found) return null
  const period = found[1] as 'day' | 'week' | 'month'
  const named = Temporal.PlainDate.from(period === 'month' ? `${found[2]}-01` : String(found[2]))
  return windowFrom(period, firstDay(period, named, weekStart), zone).endsAt
}

// The same few windows are asked for on every call; computing one costs more than the rest of a check.
const cache = new Map<string, Window>()

function firstDay(period: Period, day: Temporal.PlainDate, weekStart: WeekStart): Temporal.PlainDate {
  if (period === 'month') return day.with({ day: 1 })
  if (period === 'week') return day.subtract({ days: (day.dayOfWeek - FIRST_DAY[weekStart] + 7) % 7 })
  return day
}

function nextFirst(period: Period, first: Temporal.PlainDate): Temporal.PlainDate {
  return first.add(period === 'month' ? { months: 1 } : { days: period === 'week' ? 7 : 1 })
}

function windowFrom(period: Period, first: Temporal.PlainDate, zone: string): Window & { endsAt: number } {
  return {
    label: labelOf(period, first),
    startsAt: startOf(first, zone),
    endsAt: startOf(nextFirst(period, first), zone),
  }
}

function labelOf(period: Period, first: Temporal.PlainDate): string {
  if (period === 'month') return `month-${first.toString().slice(0, 7)}`
  if (period === 'week') return `week-${first.add({ days: (THURSDAY - first.dayOfWeek + 7) % 7 })}`
  return `day-${first}`
}

/** The first moment of a day; not always midnight, where clocks spring over it. */
function startOf(day: Temporal.PlainDate, zone: string): number {
  return day.toZonedDateTime(zone).epochMilliseconds
}
