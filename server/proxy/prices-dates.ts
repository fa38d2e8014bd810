// Prices that change on a date or with the hour of the day.
// owns: which of a model's prices holds at a moment, until when, and the dearest of a day. never: the clock.
// always true: the last row whose condition holds is the price, as the data's own library has it; a condition that is not
// understood leaves the model out.

import type { ConditionalPrice, ModelInfo, ModelPrice as RawPrices } from '@pydantic/genai-prices'
import type { UnitKind, UnitPrices } from '../contract/receipts.ts'

type Condition = NonNullable<ConditionalPrice['constraint']>

const DAY_MS = 86_400_000
const TIME = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)Z$/

/** The price that holds at a moment, and the next moment at which another may; a reason when there is none. */
export function pricesAt(info: ModelInfo, at: number): { prices: RawPrices; until: number | null } | string {
  if (!Array.isArray(info.prices)) return { prices: info.prices, until: null }
  const conditions = info.prices.map((row) => row.constraint).filter((condition) => condition !== undefined)
  if (!conditions.every(understood)) return 'its price changes in a way that is not understood'
  const row = info.prices.findLast(({ constraint }) => constraint === undefined || holds(constraint, at))
  if (!row) return 'it has no price yet'
  const changes = conditions.flatMap((condition) => changesAfter(condition, at))
  return { prices: row.prices, until: changes.length > 0 ? Math.min(...changes) : null }
}

/** The moments of the day after `at` at which the price changes with the hour; dates beyond it are left aside. */
export function hoursOf(info: ModelInfo, at: number): number[] {
  if (!Array.isArray(info.prices)) return []
  return info.prices.flatMap(({ constraint }) =>
    constraint?.type === 'time_of_date' ? changesAfter(constraint, at) : [],
  )
}

/** The dearer of two prices, kind by kind. */
export function dearer(a: UnitPrices, b: UnitPrices): UnitPrices {
  const both: UnitPrices = { ...a }
  for (const [kind, price] of Object.entries(b) as [UnitKind, string][]) {
    if (BigInt(price) > BigInt(both[kind] ?? '-1')) both[kind] = price
  }
  return both
}

function understood(condition: Condition): boolean {
  if (condition.type === 'start_date') return !Number.isNaN(dateOf(condition.start_date))
  return condition.type === 'time_of_date' && TIME.test(condition.start_time) && TIME.test(condition.end_time)
}

// A window that ends before it begins goes over midnight.
function holds(condition: Condition, at: number): boolean {
  if (condition.type === 'start_date') return at >= dateOf(condition.start_date)
  const [now, start, end] = [at % DAY_MS, timeOf(condition.start_time), timeOf(condition.end_time)]
  return end < start ? now >= start || now < end : now >= start && now < end
}

function changesAfter(condition: Condition, at: number): number[] {
  if (condition.type === 'start_date') return [dateOf(condition.start_date)].filter((start) => start > at)
  const midnight = at - (at % DAY_MS)
  return [condition.start_time, condition.end_time]
    .map((text) => midnight + timeOf(text))
    .map((moment) => (moment > at ? moment : moment + DAY_MS))
}

function dateOf(text: string): number {
  return Date.parse(`${text}T00:00:00Z`)
}

function timeOf(text: string): number {
  const [, hours, minutes, seconds] = TIME.exec(text) ?? []
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
}
