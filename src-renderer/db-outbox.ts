// The outbox: what the person changed and the server has not said yes to.
// owns: its rows and their numbers. never: the network. always true: an edit is written down durably before it is sent, and
// numbers are dense per client.

import type { MutationArgs, MutationName } from '../server/contract/feed.ts'
import { getMeta, type Pending, setMeta, type WalletDb } from './db.ts'
import { isFull, storageFull } from './trouble.ts'

/**
 * Writes one edit down, durably, before anything is sent. `baseVersion` is given when the edit loosens a limit, `rev` when
 * it is about a receipt.
 */
export async function enqueue<N extends MutationName>(
  db: WalletDb,
  name: N,
  args: MutationArgs<N>,
  baseVersion?: number,
  rev?: number,
): Promise<void> {
  await written(db, async () => {
    const client = await getMeta(db, 'client')
    if (!client) throw new Error('the local database has no client id')
    const edit: Pending = { mid: client.next, name, args, state: 'queued', at: Date.now() }
    if (baseVersion !== undefined) edit.base_version = baseVersion
    if (rev !== undefined) edit.rev = rev
    await db.outbox.add(edit)
    await setMeta(db, 'client', { ...client, next: client.next + 1 })
  })
}

/** One transaction of the outbox; when the storage is full, the person hears that their change was not kept. */
async function written(db: WalletDb, work: () => Promise<void>): Promise<void> {
  try {
    await db.transaction('rw', db.outbox, db.meta, work)
  } catch (error) {
    if (isFull(error)) storageFull(true)
    throw error
  }
}

/** What the server said about edits; `refused` ones stay, with their reason, until the person has seen them. */
export async function settleEdits(db: WalletDb, answers: { n: number; change: Partial<Pending> }[]): Promise<void> {
  await db.transaction('rw', db.outbox, async () => {
    for (const { n, change } of answers) await db.outbox.update(n, change)
  })
}

export const dropEdit = (db: WalletDb, n: number): Promise<void> => db.outbox.delete(n)

/** Numbers what is unsent from 1 for a new client id: the server does not know the old one's numbers any more. */
export async function renumber(db: WalletDb): Promise<void> {
  await db.transaction('rw', db.outbox, db.meta, async () => {
    const waiting = (await db.outbox.orderBy('n').toArray()).filter((p) => p.state !== 'refused')
    await db.outbox.bulkPut(waiting.map((p, i) => ({ ...p, mid: i + 1, state: 'queued' as const })))
    await setMeta(db, 'client', { id: crypto.randomUUID(), next: waiting.length + 1 })
  })
}
