// Reading the usage log.
// owns: pages of the log by key. never: writes, offsets, counts. always true: answers are newest first.

import type { Entry, WalletDb } from './db.ts'

/** The newest entries, of one app or of all. Reads the tail, then sealed blocks backwards until it has enough. */
export async function newest(db: WalletDb, { limit, app }: { limit: number; app: string | null }): Promise<Entry[]> {
  const tail = app
    ? await db.tail
        .where('[app+rev]')
        .between([app, 0], [app, Number.MAX_SAFE_INTEGER])
        .reverse()
        .limit(limit)
        .toArray()
    : await db.tail.orderBy('rev').reverse().limit(limit).toArray()
  if (tail.length >= limit) return tail
  const found = tail
  for await (const rows of sealed(db, app)) {
    for (let i = rows.length - 1; i >= 0 && found.length < limit; i--) {
      const row = rows[i]
      if (row && (!app || row.app === app)) found.push(row)
    }
    if (found.length >= limit) break
  }
  return found
}

/** One entry by its feed number. */
export async function entryAt(db: WalletDb, rev: number): Promise<Entry | null> {
  const row = await db.tail.get(rev)
  if (row) return row
  const block = await db.blocks.where('first').belowOrEqual(rev).last()
  return block?.rows.find((r) => r.rev === rev) ?? null
}

const STEP = 8

/** Blocks newest first, a few at a time; for one app only those that name it. */
async function* sealed(db: WalletDb, app: string | null): AsyncGenerator<Entry[]> {
  if (app) {
    const keys = (await db.blocks.where('apps').equals(app).primaryKeys()).sort((a, b) => b - a)
    for (let i = 0; i < keys.length; i += STEP) {
      for (const block of await db.blocks.bulkGet(keys.slice(i, i + STEP))) if (block) yield block.rows
    }
    return
  }
  let below = Number.MAX_SAFE_INTEGER
  for (;;) {
    const blocks = await db.blocks.where('first').below(below).reverse().limit(STEP).toArray()
    for (const block of blocks) yield block.rows
    const last = blocks.at(-1)
    if (!last || blocks.length < STEP) return
    below = last.first
  }
}

/** Entries whose check failed, newest first; looks through the newest `limit` entries only. */
export async function wrongEntries(db: WalletDb, limit: number): Promise<Entry[]> {
  const rows = await newest(db, { limit, app: null })
  return rows.filter((e) => e.mark !== 'verified' && e.mark !== 'unchecked')
}

/** The whole log, newest first, a block at a time; for export. */
export async function* everything(db: WalletDb): AsyncGenerator<Entry[]> {
  yield await db.tail.orderBy('rev').reverse().toArray()
  for await (const rows of sealed(db, null)) yield rows.toReversed()
}
