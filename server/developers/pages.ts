// Query parameters of the console's lists.
// owns: `limit`, `cursor` and filters by text. never: a list.
// always true: a parameter that is malformed or given twice is refused by name.

import type { FastifyRequest } from 'fastify'
import { fault } from '../faults.ts'

const LIMIT_DEFAULT = 50
export const LIMIT_MAX = 200
const TEXT_MAX = 256

/** @throws Fault `bad_request` */
export function limitOf(request: FastifyRequest): number {
  const text = textOf(request, 'limit')
  if (text === null) return LIMIT_DEFAULT
  if (!/^[1-9]\d{0,5}$/.test(text)) throw refused('limit', 'a whole number above zero.')
  return Math.min(Number(text), LIMIT_MAX)
}

/** @param none what stands for the beginning. @throws Fault `bad_request` */
export function cursorOf(request: FastifyRequest, none: string): string {
  const text = textOf(request, 'cursor')
  if (text === null) return none
  if (!/^[A-Za-z0-9_.:-]{1,80}$/.test(text)) throw refused('cursor', 'malformed.')
  return text
}

/** A parameter as text; null when it is left out or empty. @throws Fault `bad_request` */
export function textOf(request: FastifyRequest, name: string): string | null {
  const value = (request.query as Record<string, unknown>)[name]
  if (value === undefined || value === '') return null
  if (typeof value !== 'string' || value.length > TEXT_MAX) throw refused(name, 'malformed.')
  return value
}

function refused(param: string, why: string) {
  return fault('bad_request', { message: `${param}: ${why}`, param })
}
