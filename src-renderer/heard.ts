// Answers of the server that are no part of the feed, as they were last heard (the developers' console).
// owns: those answers in the person's own copy. never: the feed's records.
// always true: an answer is kept under the path it was asked by, with the time it came.

import type { WalletDb } from './db.ts'

export type Heard = { at: number; body: unknown }

export async function heard(db: WalletDb, path: string): Promise<Heard | undefined> {
  return (await db.table('meta').get(`heard:${path}`))?.value as Heard | undefined
}

export async function keepHeard(db: WalletDb, path: string, body: unknown): Promise<void> {
  await db.table('meta').put({ key: `heard:${path}`, value: { at: Date.now(), body } satisfies Heard })
}
