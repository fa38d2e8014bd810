// What this folder needs to know of a person and of what they carry; the rows are identity's.
// owns: nothing. never: SQL on identity's tables. always true: one import site for identity's readers.

import type { FastifyRequest } from 'fastify'
import type { Reader, Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import type { Calendar } from './windows.ts'

/** Where a person's calendar is. */
export async function calendarOf(_reader: Reader, _userId: string): Promise<Calendar> {
  return { zone: 'UTC', weekStart: 'monday' }
}

export type AccessToken = {
  userId: string
  clientId: string
  scopes: readonly string[]
  grantId: string
  expiresAt: number
}

export async function accessToken(_reader: Reader, _token: string): Promise<AccessToken | null> {
  return null
}

/** The person behind a session, by its bearer (`sess_…`) or, without one, by the cookie of our own pages. */
export async function sessionUser(_deps: Deps, _request: FastifyRequest, _bearer: string | null): Promise<string | null> {
  return null
}

/** Ends every token that a person gave to a client. */
export async function endTokens(_tx: Tx, _given: { userId: string; clientId: string }): Promise<void> {}
