// Query parameters.
// owns: the reading of `limit`, `cursor`, dates, choices and other text. never: what is asked for.
// always true: a parameter that is malformed or given twice is refused by name; one that is left out or empty is null, or
// what stands for it.

import type { FastifyRequest } from 'fastify'
import { fault } from './faults.ts'

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 200
const TEXT_MAX = 256
const DAY_MS = 86_400_000

/** A parameter as text. @throws Fault `bad_request` */
export function textOf(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Record<string, unknown>)[name]
  if (value === undefined || value === '') return null
  if (typeof value !== 'string' || value.length > TEXT_MAX) throw refused(name, 'malformed.')
  return value
}

/** How many rows: 50 unless it is said, and never more than `most`. @throws Fault `bad_request` */
export function limitOf(request: FastifyRequest, most: number = LIMIT_MAX): number {
  const text = textOf(request, 'limit')
  if (text === null) return LIMIT_DEFAULT
  if (!/^[1-9]\d{0,5}$/.test(text)) throw refused('limit', 'a whole number above zero.')
  return Math.min(Number(text), most)
}

/** @param none what stands for the beginning. @throws Fault `bad_request` */
export function cursorOf(request: FastifyRequest, none: string): string {
  const text = textOf(request, 'cursor')
  if (text === null) return none
  if (!/^[A-Za-z0-9_.:-]{1,80}$/.test(text)) throw refused('cursor', 'malformed.')
  return text
}

/** The start of a day, UTC, ms: a date, or the date of a time. @throws Fault `bad_request` */
export function dateOf(request: FastifyRequest, name: string): number | null {
  const given = textOf(request, name)
  if (given === null) return null
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(given) ? Date.parse(given) : Number.NaN
  // 30 February is read as 2 March.
  if (!(at >= 0) || !new Date(at).toISOString().startsWith(given.slice(0, 10)))
    throw refused(name, 'a date, as in 2026-11-23.')
  return Math.floor(at / DAY_MS) * DAY_MS
}

/** One of a few. @throws Fault `bad_request` */
export function chosenOf<T extends string>(
  request: FastifyRequest,
  name: string,
  values: { options: readonly T[] },
): T | null {
  const given = textOf(request, name)
  if (given === null) return null
  const found = values.options.find((value) => value === given)
  if (found === undefined) throw refused(name, `one of ${values.options.join(', ')}.`)
  return found
}

/** The refusal of a parameter. */
export function refused(param: string, why: string) {
  return fault('bad_request', { message: `${param}: ${why}`, param })
}
