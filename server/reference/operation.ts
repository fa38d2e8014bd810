// What a route is to those who call it.
// owns: the words of the tables in this folder. never: a route.
// always true: a table row says who may call, what is taken, what is answered; everything common to all stands in document.ts.

import { z } from 'zod'
import type { FaultCode } from '../contract/faults.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
/** Credentials, one of which a caller needs; see SCHEMES in document.ts. */
export type Who = 'session' | 'wallet' | 'key' | 'token' | 'client' | 'nobody'

export type Operation = {
  /** "METHOD /path/{parameter}". */
  at: `${Method} /${string}`
  summary: string
  who: readonly Who[]
  /** Query parameters: what each means. */
  query?: Readonly<Record<string, string>>
  body?: z.ZodType
  /** Of the body, where it is not JSON. */
  form?: 'application/x-www-form-urlencoded' | 'multipart/form-data'
  /** A schema of JSON, or another content type. */
  answer: z.ZodType | string
  status?: number
  /** Takes an Idempotency-Key. */
  once?: true
  errors?: readonly FaultCode[]
}
export type Group = { name: string; text: string; operations: readonly Operation[] }

/** An answer with one field. */
export function only<N extends string, S extends z.ZodType>(name: N, schema: S) {
  return z.object({ [name]: schema })
}

export const Deleted = z.object({ id: z.string(), deleted: z.literal(true) })
export const PAGES = { limit: 'At most so many rows.', cursor: '`next_cursor` of the page before.' } as const
export const DEVELOPER = ['session', 'wallet'] as const
