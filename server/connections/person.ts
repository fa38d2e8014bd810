// What this folder needs to know of a person; the rows are identity's.
// owns: nothing. never: SQL on identity's tables. always true: a person who is gone has a calendar all the same.

import type { Reader } from '../db/db.ts'
import { personById } from '../identity/users.ts'
import type { Calendar } from './windows.ts'

/** Where a person's calendar is. */
export async function calendarOf(reader: Reader, userId: string): Promise<Calendar> {
  const person = await personById(reader, userId)
  return { zone: person?.timeZone ?? 'UTC', weekStart: person?.weekStart ?? 'monday' }
}

/** Whether a person has stopped every app at once. */
export async function isFrozen(reader: Reader, userId: string): Promise<boolean> {
  return (await personById(reader, userId))?.frozen ?? false
}
