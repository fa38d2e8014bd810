// When the server's history is not the one held: the copy is begun again, and the two are compared.
// owns: what is kept as evidence, and the verdict over it. never: the network, words. always true: the person's unsent edits
// survive; nothing that vanished is forgotten without being named.

import { BLOCK, type Entry, type Evidence, getMeta, readCursor, setMeta, type Verdict, type WalletDb } from './db.ts'
import { renumber } from './db-outbox.ts'

const EVIDENCE_MAX = 2000

/**
 * Forgets the server's part, because its history is no longer the one held. The newest entries stay as evidence, the
 * person's unsent edits stay and are numbered anew for a new client id.
 */
export async function startOver(db: WalletDb, now: number): Promise<void> {
  await db.transaction('rw', db.tables, async () => {
    const held = await readCursor(db)
    const blocks = await db.blocks
      .orderBy('first')
      .reverse()
      .limit(EVIDENCE_MAX / BLOCK)
      .toArray()
    const rows = [...blocks.flatMap((b) => b.rows), ...(await db.tail.toArray())]
    await db.evidence.bulkAdd(rows.map((row) => ({ ...row, epoch: held.epoch, batch: now })))
    await Promise.all([db.blocks, db.tail, db.columns, db.written, db.rollup, db.docs].map((table) => table.clear()))
    await db.meta.delete('cursor')
    await setMeta(db, 'rebuilt', { at: now, entries: held.entries, rev: held.rev })
    await renumber(db)
  })
}

/** Compares what was held with what the server says now, once all of that has come; says nothing twice. */
export async function compareHistories(db: WalletDb): Promise<void> {
  const rebuilt = await getMeta(db, 'rebuilt')
  if (!rebuilt || rebuilt.verdict || rebuilt.lost) return
  const before = await db.evidence.where('batch').equals(rebuilt.at).sortBy('rev')
  const now = await entriesFrom(db, before[0]?.rev ?? 0)
  const verdict = judge(before, now)
  const told = new Set(now.map(({ hash }) => hash))
  await db.transaction('rw', db.meta, db.evidence, async () => {
    await setMeta(db, 'rebuilt', { ...rebuilt, verdict })
    await db.evidence.bulkDelete(before.flatMap(({ hash, n }) => (told.has(hash) && n !== undefined ? [n] : [])))
  })
}

async function entriesFrom(db: WalletDb, rev: number): Promise<Entry[]> {
  const start = (await db.blocks.where('first').belowOrEqual(rev).last())?.first ?? 0
  const blocks = await db.blocks.where('first').aboveOrEqual(start).toArray()
  return [...blocks.flatMap((b) => b.rows), ...(await db.tail.toArray())]
}

/**
 * A server put back to an older backup loses its newest entries and goes on from there, so all that is new in its
 * history is later than anything that was held. A server that has other entries for a time already told of tells two
 * stories.
 * @param before what was held, oldest first
 * @param now what the server says about the same numbers and later
 */
export function judge(before: Pick<Evidence, 'hash' | 'at' | 'row'>[], now: Pick<Entry, 'hash' | 'at'>[]): Verdict {
  const told = new Set(now.map(({ hash }) => hash))
  const known = new Set(before.map(({ hash }) => hash))
  const gone = before.filter(({ hash }) => !told.has(hash))
  const [first] = before
  const last = Math.max(...before.map(({ at }) => at))
  const other = first && now.some(({ hash, at }) => !known.has(hash) && at >= first.at && at <= last)
  return {
    kind: other ? 'rewritten' : gone.length > 0 ? 'restored' : 'same',
    kept: before.length - gone.length,
    gone: gone.length,
    goneMicros: gone.reduce((sum, { row }) => sum + row.credits_used, 0),
    since: gone.length > 0 ? Math.min(...gone.map(({ at }) => at)) : null,
  }
}
