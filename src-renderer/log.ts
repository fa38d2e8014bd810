// Reading the usage log.
// owns: pages of the log by key. never: writes, offsets, counts. always true: answers are newest first.

import { CHUNK, daysOf, type Index, indexOf } from './columns.ts'
import { daysIn } from './days.ts'
import { BLOCK, type Entry, readCursor, type WalletDb } from './db.ts'

/** The newest entries. Reads the tail, then as many sealed blocks backwards as it needs. */
export async function newest(db: WalletDb, limit: number): Promise<Entry[]> {
  const found = await db.tail.orderBy('rev').reverse().limit(limit).toArray()
  if (found.length >= limit) return found
  for await (const rows of sealed(db, Math.min(STEP, Math.ceil((limit - found.length) / BLOCK)))) {
    for (let i = rows.length - 1; i >= 0 && found.length < limit; i--) found.push(rows[i] as Entry)
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

/** Blocks newest first, a few at a time. */
async function* sealed(db: WalletDb, step = STEP): AsyncGenerator<Entry[]> {
  let below = Number.MAX_SAFE_INTEGER
  for (;;) {
    const blocks = await db.blocks.where('first').below(below).reverse().limit(step).toArray()
    for (const block of blocks) yield block.rows
    const last = blocks.at(-1)
    if (!last || blocks.length < step) return
    below = last.first
  }
}

/** The whole log, newest first, a block at a time; for export. */
export async function* everything(db: WalletDb): AsyncGenerator<Entry[]> {
  yield await db.tail.orderBy('rev').reverse().toArray()
  for await (const rows of sealed(db)) yield rows.toReversed()
}

// --- by ordinal --------------------------------------------------------------------------------------------------------

/** Records that were read, oldest first; `mark` is of the log they were read from, `whole` when all full ones are there. */
type Kept = { mark: string; records: Index['records']; whole: boolean }
const kept = new WeakMap<WalletDb, Kept>()

/** How many of the newest records are enough to show something at once. */
const GLANCE = 2
/** Records that are read at a time, so that whatever a person does meanwhile waits for no more than these. */
const STEP_RECORDS = 64

/**
 * The columns of the log: of all of it, or at a glance of its newest part, which is there at once. Full records are read
 * once; later calls read the last one and the tail.
 */
export async function readIndex(db: WalletDb, all = true): Promise<Index & { whole: boolean }> {
  return db.transaction('r', [db.columns, db.tail, db.meta], async () => {
    const mark = await markOf(db)
    const before = keptOf(db, mark)
    if (!all && !before?.whole) {
      const some = (await db.columns.orderBy('n').reverse().limit(GLANCE).toArray()).reverse()
      const whole = (some[0]?.n ?? 0) === 0
      return { ...indexOf(some, await db.tail.orderBy('rev').toArray()), whole }
    }
    const full = before?.records ?? []
    const records = [...full, ...(await db.columns.where('n').aboveOrEqual(full.length).toArray())]
    kept.set(db, { mark, records: fullOf(records), whole: true })
    return { ...indexOf(records, await db.tail.orderBy('rev').toArray()), whole: true }
  })
}

/** Whether the whole log is at hand, or was when it was last looked at. */
export const isIndexWarm = (db: WalletDb): boolean => kept.get(db)?.whole === true

/**
 * Reads the full records ahead, a few at a time, so that a long log is there when it is asked for and the page stays
 * quick meanwhile. Does nothing where they are read already.
 */
export function warmIndex(db: WalletDb): Promise<void> {
  const under = warming.get(db) ?? warm(db).finally(() => warming.delete(db))
  warming.set(db, under)
  return under
}
const warming = new WeakMap<WalletDb, Promise<void>>()

async function warm(db: WalletDb): Promise<void> {
  const { zone } = await readCursor(db)
  for (;;) {
    const read = await db.transaction('r', [db.columns, db.meta], async () => {
      const mark = await markOf(db)
      const before = keptOf(db, mark)
      if (before?.whole) return []
      const records = before?.records ?? []
      // Each by its own key: asked for together they come twice as fast as a range of them, and one by one.
      const keys = Array.from({ length: STEP_RECORDS }, (_, i) => records.length + i)
      const full = fullOf((await db.columns.bulkGet(keys)).filter((c) => c !== undefined))
      kept.set(db, { mark, records: [...records, ...full], whole: full.length < STEP_RECORDS })
      return full
    })
    for (const columns of read) daysOf(columns, daysIn(zone))
    if (read.length < STEP_RECORDS) return
    await leisure()
  }
}

/** Lets everything else go first, where the browser knows what else there is. */
export async function leisure(): Promise<void> {
  if (typeof scheduler === 'undefined') await new Promise((soon) => setTimeout(soon))
  else await scheduler.postTask(() => undefined, { priority: 'background' })
}

// A mark that changed is in a record that was full, and another epoch is another log.
async function markOf(db: WalletDb): Promise<string> {
  const cursor = (await db.meta.get('cursor'))?.value as { epoch: string | null; wrong: number } | undefined
  return `${cursor?.epoch} ${cursor?.wrong}`
}

function keptOf(db: WalletDb, mark: string): Kept | null {
  const before = kept.get(db)
  return before?.mark === mark ? before : null
}

const fullOf = (records: Index['records']) => records.filter(({ rev }) => rev.length === CHUNK)

/** Entries by their ordinals, in the order asked for; one that is not there (any more) is left out. */
export async function rowsAt(db: WalletDb, index: Index, ordinals: Iterable<number>): Promise<Map<number, Entry>> {
  const wanted = [...ordinals]
  const firsts = new Map<number, number>()
  for (const ordinal of wanted) {
    if (ordinal >= index.sealed) continue
    const place = ordinal - (ordinal % BLOCK)
    firsts.set(place, index.records[Math.floor(place / CHUNK)]?.rev[place % CHUNK] ?? 0)
  }
  const blocks = await db.blocks.bulkGet([...firsts.values()])
  const byPlace = new Map([...firsts.keys()].map((place, i) => [place, blocks[i]?.rows]))
  const tail = wanted.some((o) => o >= index.sealed) ? await db.tail.orderBy('rev').toArray() : []
  const found = new Map<number, Entry>()
  for (const o of wanted) {
    const row = o < index.sealed ? byPlace.get(o - (o % BLOCK))?.[o % BLOCK] : tail[o - index.sealed]
    if (row) found.set(o, row)
  }
  return found
}

/** Entries whose check failed, newest first, at most `limit`; found by their columns, wherever they are. */
export async function wrongEntries(db: WalletDb, limit: number): Promise<Entry[]> {
  const index = await readIndex(db)
  const ordinals: number[] = []
  let end = index.total
  for (const { mark } of index.records.toReversed()) {
    const first = end - mark.length
    for (let i = mark.length - 1; i >= 0 && ordinals.length < limit; i--)
      if ((mark[i] ?? 0) > 1) ordinals.push(first + i)
    end = first
  }
  return [...(await rowsAt(db, index, ordinals)).values()]
}
