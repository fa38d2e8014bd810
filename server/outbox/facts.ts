// Facts that a developer may have asked to hear of.
// owns: how they are promised. never: who hears of them (webhooks/ decides that when it carries the promise out).
// always true: a fact is promised in the commit that makes it one, under the id that every telling of it carries.

import type { Tx } from '../db/db.ts'
import { promise } from './outbox.ts'

export const FACT = 'fact'

/** `data` is what a webhook says of it; `appId` null: of no app in particular. */
export type Fact = {
  type: string
  publisherId: string
  appId: string | null
  data: Record<string, unknown>
  at: number
}

/** Promises that a fact is told. */
export async function promiseFact(tx: Tx, fact: Omit<Fact, 'at'>): Promise<void> {
  const subject = JSON.stringify({ ...fact, at: tx.now } satisfies Fact)
  await promise(tx, { id: tx.id('evt'), kind: FACT, subject })
}
