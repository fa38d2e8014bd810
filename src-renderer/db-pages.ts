// The log: how a page of the feed lands, and what happens when the server's history is not the one held.
// owns: the transactions on blocks, tail, columns, counters and documents. never: the network, what a screen shows.
// always true: a page lands whole or not at all - entries, counters, documents and cursor in one transaction; the log is
// append-only, kept as sealed blocks of 128 entries (with columns to search them by) behind a short tail of single rows.

import type { Change } from '../server/contract/feed.ts'
import { pack, remark } from './columns.ts'
import { BLOCK, type Block, type Entry, readCursor, setMeta, TAIL_MAX, type WalletDb, type Written } from './db.ts'
import { minus, plus, type Rollup, sumUp, zoneOf } from './rollup.ts'
import { type Checked, isWrong } from './verify.ts'

export type CheckedPage = Checked & {
  base: { rev: number; epoch: string | null }
  cursor: string
  epoch: string
  lastMid: number
  docs: Change[]
  rev: number
}

/** Applies one checked page in one transaction. Throws when another page was applied since `page.base` was read. */
export async function applyPage(db: WalletDb, page: CheckedPage): Promise<void> {
  const tables = [db.blocks, db.tail, db.columns, db.written, db.rollup, db.docs, db.outbox, db.meta]
  await db.transaction('rw', tables, async () => {
    const held = await readCursor(db)
    if (held.rev !== page.base.rev || held.epoch !== page.base.epoch) throw new Error('another page came first')
    await putDocs(db, page.docs)
    const again = await putAgain(db, page.again)
    const added = [...page.entries, ...again.unknown].sort((a, b) => a.rev - b.rev)
    const zone = zoneOf(page.docs) ?? held.zone
    await append(db, added)
    await putWritten(db, [...page.entries, ...page.again.map(({ entry }) => entry)])
    if (zone !== held.zone) await recount(db, zone)
    else await addToRollup(db, [...sumUp(added, zone).values(), ...again.changed(zone)])
    await setMeta(db, 'cursor', {
      cursor: page.cursor,
      epoch: page.epoch,
      rev: page.rev,
      hash: page.entries.at(-1)?.hash ?? held.hash,
      entries: held.entries + added.length,
      wrong: held.wrong + added.filter((e) => isWrong(e.mark)).length + again.nowWrong,
      unchecked: held.unchecked + added.filter((e) => e.mark === 'unchecked').length,
      zone,
    })
    await db.outbox.filter((p) => p.state === 'sent' && p.mid <= page.lastMid).delete()
  })
}

async function putDocs(db: WalletDb, changes: Change[]): Promise<void> {
  const last = new Map(changes.map((c) => [`${c.topic}\n${c.id}`, c]))
  const gone = [...last.values()].filter((c) => c.row === null)
  await db.docs.bulkPut([...last.values()].flatMap(({ topic, id, rev, row }) => (row ? [{ topic, id, rev, row }] : [])))
  await db.docs.bulkDelete(gone.map((c): [string, string] => [c.topic, c.id]))
}

type Again = { unknown: Entry[]; nowWrong: number; changed: (zone: string) => Rollup[] }

/**
 * Receipts sent again replace the row they were first sent with, and are counted once; a row that no longer says what
 * its receipt says takes the mark with it. One that claims to be older and is not held is a charge that was left out of
 * the log: it is added where it arrived, and marked.
 */
async function putAgain(db: WalletDb, again: Checked['again']): Promise<Again> {
  const unknown: Entry[] = []
  const replaced: { before: Entry; after: Entry }[] = []
  for (const { entry, arrived } of again) {
    const found = await replaceIn(db, entry)
    if (found) replaced.push(found)
    else unknown.push({ ...entry, rev: arrived, mark: isWrong(entry.mark) ? entry.mark : 'chain' })
  }
  const turned = replaced.filter(({ before, after }) => isWrong(after.mark) && !isWrong(before.mark))
  const sums = (entries: Entry[], zone: string) => [...sumUp(entries, zone).values()]
  const changed = (zone: string) =>
    turned.flatMap(({ before, after }) => [...sums([before], zone).map(minus), ...sums([after], zone)])
  return { unknown, nowWrong: turned.length, changed }
}

async function replaceIn(
  db: WalletDb,
  { rev, hash, row, mark }: Entry,
): Promise<{ before: Entry; after: Entry } | null> {
  const single = await db.tail.get(rev)
  const block = single ? undefined : await db.blocks.where('first').belowOrEqual(rev).last()
  const held = single ?? block?.rows.find((r) => r.rev === rev)
  if (held?.hash !== hash) return null
  const before = { ...held }
  held.row = row
  if (isWrong(mark)) held.mark = mark
  await (block ? db.blocks.put(block) : db.tail.put(held))
  if (block && held.mark !== before.mark) {
    const columns = await db.columns.filter((c) => c.rev.includes(rev)).first()
    if (columns) {
      remark(columns, rev, held.mark)
      await db.columns.put(columns)
    }
  }
  return { before, after: held }
}

async function append(db: WalletDb, added: Entry[]): Promise<void> {
  if (added.length === 0) return
  const tail = await db.tail.orderBy('rev').toArray()
  const rows = [...tail, ...added]
  const sealed: Entry[] = []
  while (rows.length >= TAIL_MAX) sealed.push(...rows.splice(0, BLOCK))
  if (sealed.length > 0) {
    const blocks = Array.from({ length: sealed.length / BLOCK }, (_, i) =>
      seal(sealed.slice(i * BLOCK, (i + 1) * BLOCK)),
    )
    await db.blocks.bulkAdd(blocks)
    await db.columns.bulkPut(pack(await db.columns.orderBy('n').last(), sealed))
    await db.tail
      .where('rev')
      .belowOrEqual(blocks.at(-1)?.last ?? 0)
      .delete()
  }
  await db.tail.bulkPut(rows)
}

const seal = (rows: Entry[]): Block => ({ first: rows[0]?.rev ?? 0, last: rows.at(-1)?.rev ?? 0, rows })

/** Notes and tags, which few receipts have, stand apart so that they are found without reading the log. */
async function putWritten(db: WalletDb, entries: Entry[]): Promise<void> {
  const all = entries.map(writtenOn)
  const empty = ({ note, tags }: Written) => note === null && tags.length === 0
  await db.written.bulkPut(all.filter((w) => !empty(w)))
  const wiped = entries.filter(({ row }) => 'tags' in row || 'note' in row).map(writtenOn)
  await db.written.bulkDelete(wiped.filter(empty).map(({ id }) => id))
}

/** What the row of a receipt says that the person wrote. */
export function writtenOn({ id, rev, row }: Pick<Entry, 'id' | 'rev' | 'row'>): Written {
  const { note, tags } = row as { note?: unknown; tags?: unknown }
  return {
    id,
    rev,
    note: typeof note === 'string' && note !== '' ? note : null,
    tags: Array.isArray(tags) ? tags.filter((t) => typeof t === 'string') : [],
  }
}

async function addToRollup(db: WalletDb, rows: Rollup[]): Promise<void> {
  const sums = new Map<string, Rollup>()
  for (const row of rows) sums.set(`${row.app}\n${row.day}`, plus(row, sums.get(`${row.app}\n${row.day}`)))
  const keys = [...sums.values()].map((r): [string, string] => [r.app, r.day])
  const held = await db.rollup.bulkGet(keys)
  await db.rollup.bulkPut([...sums.values()].map((sum, i) => plus(sum, held[i])))
}

async function recount(db: WalletDb, zone: string): Promise<void> {
  const sums = new Map<string, Rollup>()
  const take = (rows: Entry[]) => {
    for (const [key, sum] of sumUp(rows, zone)) sums.set(key, plus(sum, sums.get(key)))
  }
  await db.blocks.each((block) => take(block.rows))
  take(await db.tail.toArray())
  await db.rollup.clear()
  await db.rollup.bulkPut([...sums.values()])
}
