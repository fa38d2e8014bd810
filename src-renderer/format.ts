// How amounts, times and names read.
// owns: text for people. never: arithmetic on money beyond choosing decimals. always true: an amount that is shown
// rounded is shown exactly on hover, through `exact`.

import { dollars, MICROS_PER_DOLLAR, microsFromDollarText, PICOS_PER_MICRO } from '../server/contract/money.ts'
import type { Cap, LimitCalendar, Period } from '../server/contract/records.ts'
import { language, say } from './words.ts'

export { count } from './words.ts'

/** How days and times are written. */
export const LOCALE = language === 'en' ? 'en-GB' : language
const COMMA = language === 'de'

const CENT = MICROS_PER_DOLLAR / 100

/** How dollars are named on this device: where "$" could be another country's, people may want it said. */
export type CurrencyLook = 'plain' | 'us' | 'code'
const UNITS: Record<CurrencyLook, string> = { plain: '$', us: 'US$', code: 'USD' }
const LOOK = 'quota.currency'

export function currencyLook(): CurrencyLook {
  const kept = globalThis.localStorage?.getItem(LOOK)
  return kept === 'us' || kept === 'code' ? kept : 'plain'
}
let look = currencyLook()

/** Takes effect at once for what is drawn from now on. */
export function setCurrencyLook(chosen: CurrencyLook): void {
  localStorage.setItem(LOOK, chosen)
  look = chosen
}

/** "-$1,234.56" as the person wants it, "-1.234,56 $" in German; the figures and the sign stay as they are. */
function dressed(text: string): string {
  if (COMMA) return `${swapped(text.replace('$', ''))}\u00a0${UNITS[look]}`
  if (look === 'plain') return text
  return look === 'us' ? text.replace('$', 'US$') : `${text.replace('$', '')} USD`
}

const swapped = (figures: string): string => figures.replace(/[.,]/g, (mark) => (mark === '.' ? ',' : '.'))

/** An amount in each of the looks, to choose from. */
export const CURRENCY_LOOKS: Readonly<Record<CurrencyLook, string>> = COMMA
  ? { plain: '1,23\u00a0$', us: '1,23\u00a0US$', code: '1,23\u00a0USD' }
  : { plain: '$1.23', us: 'US$1.23', code: '1.23 USD' }

/** The amount to its last digit ("$12.345678"), for titles and receipts. */
export const exact = (micros: number): string => dressed(dollars(micros))

/**
 * An amount as people read it: cents where they are enough (from ten cents on, or exactly), else four decimals.
 * @param micros micro-dollars, of either sign; cut towards zero, so that a balance never looks larger than it is
 */
export function money(micros: number): string {
  const size = Math.abs(micros)
  if (size % CENT === 0 || size >= 10 * CENT) return cents(micros)
  return size < 100 ? exact(micros) : cut(micros, 4)
}

/** The most that something may cost: as `money`, but never less than it is. */
export function atMost(micros: number): string {
  const step = micros >= 10 * CENT ? CENT : micros >= 100 ? 100 : 1
  return money(Math.ceil(micros / step) * step)
}

/** An amount before its point, and from there on: "$12" and ".34", "12" and ",34 $". */
export function parted(amount: string): [whole: string, rest: string] {
  const at = amount.lastIndexOf(COMMA ? ',' : '.')
  return at < 0 ? [amount, ''] : [amount.slice(0, at), amount.slice(at)]
}

/** How many decimals an amount is written with. */
export const decimalsIn = (amount: string): number => /[.,](\d+)\D*$/.exec(amount)?.[1]?.length ?? 0

/** Whole cents, cut towards zero; for columns in which the points are to line up. */
export const cents = (micros: number): string => cut(micros, 2)

/** A charge in a list of charges: four decimals, rounded to the nearest; all six below a tenth of a cent. */
export function charge(micros: number): string {
  if (micros === 0 || Math.abs(micros) >= CENT / 10) return cut(Math.round(micros / 100) * 100, 4)
  return cut(micros, 6)
}

/** How the amounts of one list are written, all with as many decimals as its smallest needs. */
export function alike(all: readonly number[]): (micros: number) => string {
  const decimals = all.every((micros) => money(micros) === cents(micros)) ? 2 : all.every(hasFour) ? 4 : 6
  return (micros) => cut(micros, decimals)
}

const hasFour = (micros: number): boolean => micros === 0 || Math.abs(micros) >= 100

function cut(micros: number, decimals: 2 | 4 | 6): string {
  const size = Math.abs(micros)
  const whole = Math.floor(size / MICROS_PER_DOLLAR).toLocaleString('en-US')
  const fraction = String(size % MICROS_PER_DOLLAR)
    .padStart(6, '0')
    .slice(0, decimals)
  return dressed(`${micros < 0 ? '-' : ''}$${whole}.${fraction}`)
}

/** Pico-dollars exactly: "$2.50", "$0.00001525". */
export function picoDollars(picos: bigint): string {
  const perDollar = PICOS_PER_MICRO * 1_000_000n
  const fraction = String(picos % perDollar)
    .padStart(12, '0')
    .replace(/0{1,10}$/, '')
  return COMMA ? `${picos / perDollar},${fraction}\u00a0$` : `$${picos / perDollar}.${fraction}`
}

/** A limit on a button: "$2", "$2.50". */
export function short(micros: number): string {
  return dressed(bare(micros))
}

function bare(micros: number): string {
  const text = dollars(micros)
  return text.endsWith('.00') ? text.slice(0, -3) : text
}

/** Micro-dollars as addresses have them: "5", "2.50". */
export const figures = (micros: number): string => bare(micros).slice(1)

/** Micro-dollars as a person would type them: "5", "2.50"; in German "2,50". */
export const typed = (micros: number): string => local(figures(micros))

/** Figures of an address ("2.50") as they are typed here, and as an amount. */
export const local = (plain: string): string => (COMMA ? swapped(plain) : plain)
export const dollarsOf = (plain: string): string => (COMMA ? `${swapped(plain)}\u00a0$` : `$${plain}`)

/** Micro-dollars of "5", "$2.50" or "2,50" in any language, as addresses have them; null for what is no amount above zero. */
export const amountIn = (text: string): number | null =>
  microsFromDollarText(text.trim().replace(/^\$/, '').replace(',', '.'))

/** "1,000" and "12,345.60": commas that part thousands. "2,50" and "0,125" have one for a point. */
const THOUSANDS = /^\s*\$?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?\s*$/

/** What a person typed, as `amountIn`; in English "1,000" is a thousand, in German "1.000" could be one, and is no amount. */
export function amountOf(text: string): number | null {
  if (!COMMA) return amountIn(THOUSANDS.test(text) ? text.replaceAll(',', '') : text)
  return /[1-9]\d{0,2}\.\d{3}/.test(text) ? null : amountIn(text.replace(/\s*\$\s*$/, ''))
}

export const PERIOD_WORDS: Record<Period, { each: string; short: string; window: string }> = {
  day: { each: say('a day'), short: say('Day'), window: say('today') },
  week: { each: say('a week'), short: say('Week'), window: say('this week') },
  month: { each: say('a month'), short: say('Month'), window: say('this month') },
  total: { each: say('in total'), short: say('In total'), window: say('in total') },
}

/** "$5 a month". */
export const limitWords = (cap: Pick<Cap, 'amount' | 'period'>): string =>
  `${short(cap.amount)} ${PERIOD_WORDS[cap.period].each}`

/** When a limit starts again, where the person lives: "Starts again on 1 Dec, 00:00 (Europe/Berlin)." */
export function resetWords(period: Period, { time_zone, resets_at }: LimitCalendar): string {
  if (period === 'total') return say('It never starts again by itself.')
  const zone = time_zone.replaceAll('_', ' ')
  return say('Starts again on {time} ({zone}).', { time: inZone(time_zone, Date.parse(resets_at[period])), zone })
}

function inZone(timeZone: string, at: number): string {
  const parts = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  try {
    return new Intl.DateTimeFormat(LOCALE, { ...parts, timeZone }).format(at)
  } catch {
    return new Intl.DateTimeFormat(LOCALE, parts).format(at)
  }
}

/** Hundredths of a percent as a percentage: 2000 is "20 %", 50 is "0.5 %". */
export const percent = (bps: number): string => `${COMMA ? swapped(String(bps / 100)) : bps / 100} %`

type Clocks = ReturnType<typeof clocksIn>

/** Undefined is the device's own zone, until an account is open. */
let zone: string | undefined
let clocks: Clocks = clocksIn(zone)
const watchers = new Set<() => void>()

/** The zone that every time is shown in: the account's, where the days of its log begin too. */
export const timeZone = (): string | undefined => zone

/** Takes effect at once for what is drawn from now on; UTC where the zone is unknown to this device, as in `dayIn`. */
export function setTimeZone(wanted: string | undefined): void {
  if (wanted === zone) return
  zone = wanted
  clocks = clocksIn(wanted)
  for (const watcher of watchers) watcher()
}

/** Tells of a change of zone, for what is drawn once. @returns ends it */
export function onTimeZone(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

function clocksIn(timeZone: string | undefined) {
  const inIt = (parts: Intl.DateTimeFormatOptions) => {
    try {
      return new Intl.DateTimeFormat(LOCALE, { ...parts, timeZone })
    } catch {
      return new Intl.DateTimeFormat(LOCALE, { ...parts, timeZone: 'UTC' })
    }
  }
  return {
    absolute: inIt({ dateStyle: 'medium', timeStyle: 'medium' }),
    clock: inIt({ hour: '2-digit', minute: '2-digit' }),
    dayMonth: inIt({ day: 'numeric', month: 'short' }),
    dayMonthYear: inIt({ day: 'numeric', month: 'short', year: 'numeric' }),
    year: inIt({ year: 'numeric' }),
  }
}

/** "17:08". */
export const clockTime = (at: number): string => clocks.clock.format(at)

/** The whole moment, for hover: "23 Nov 2026, 17:08:09". */
export const moment = (at: number): string => clocks.absolute.format(at)

/** A moment as short as it can be understood: "17:08", "23 Nov, 17:08", "23 Nov 2025". */
export function when(at: number, now: number): string {
  const { clock, dayMonth, dayMonthYear } = clocks
  if (dayMonthYear.format(at) === dayMonthYear.format(now)) return clock.format(at)
  return isSameYear(at, now) ? `${dayMonth.format(at)}, ${clock.format(at)}` : dayMonthYear.format(at)
}

const isSameYear = (at: number, now: number): boolean => clocks.year.format(at) === clocks.year.format(now)

const wholeDay = new Intl.DateTimeFormat(LOCALE, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
})
const wholeMonth = new Intl.DateTimeFormat(LOCALE, { month: 'long', year: 'numeric', timeZone: 'UTC' })

/** "Mon, 23 Nov 2026" of "2026-11-23". */
export const dayWords = (day: string): string => wholeDay.format(Date.parse(`${day}T00:00:00Z`))

const wholeShort = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** "23 Nov" of "2026-11-23"; nothing of nothing. */
export const shortDay = (day: string): string => (day ? wholeShort.format(Date.parse(`${day}T00:00:00Z`)) : '')

/** "November 2026" of "2026-11". */
export const monthWords = (month: string): string => wholeMonth.format(Date.parse(`${month}-01T00:00:00Z`))

/** A date without a time: "1 Dec", with the year when it is another one. */
export const date = (at: number, now: number): string =>
  clocks[isSameYear(at, now) ? 'dayMonth' : 'dayMonthYear'].format(at)

/** A name that somebody else chose: no control or direction characters, at most 60 characters. */
export function cleanName(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim()
  return plain.length > 60 ? `${plain.slice(0, 59)}…` : plain || say('Unnamed app')
}

const dayFormats = new Map<string, Intl.DateTimeFormat>()

/** The calendar day ("2026-11-23") of a moment in a time zone; UTC where the zone is unknown to this device. */
export function dayIn(timeZone: string, at: number): string {
  let format = dayFormats.get(timeZone)
  if (!format) {
    format = dayFormat(timeZone)
    dayFormats.set(timeZone, format)
  }
  return format.format(at)
}

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  const parts = { year: 'numeric', month: '2-digit', day: '2-digit' } as const
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone, ...parts })
  } catch {
    return new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC', ...parts })
  }
}
