// The feed: numbered changes per payer.
// owns: the counter, the changes, the head of the receipt chain. never: what a document means.
// always true: `rev` is dense from 1 in commit order, because its row stays locked until the commit.

import type { Reader, Tx } from '../db/db.ts'

export type FeedChange = { topic: string; id: string; row: Record<string, unknown> | null }

/**
 * Takes the next numbers of a feed. Call it after the accounts of the commit are touched, never before (lock order).
 * @param count how many numbers
 * @returns the first number taken, and the hash of the payer's last receipt
 */
export async function takeRevs(
  tx: Tx,
  feed: string,
  count: number,
): Promise<{ first: number; receiptHash: string | null }> {
  const row = await tx.get<{ rev: number; receipt_hash: string | null }>(
    `INSERT INTO feeds (id, rev) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET rev = feeds.rev + excluded.rev
     RETURNING rev, receipt_hash`,
    [feed, count],
  )
  if (!row) throw new Error('a feed did not answer')
  return { first: row.rev - count + 1, receiptHash: row.receipt_hash }
}

/**
 * Takes a feed's lock (Postgres) before documents are read that this commit has not locked otherwise: what others have
 * told is in them, and what others tell next has a later number. After the accounts, like `takeRevs`.
 */
export async function lockFeed(tx: Tx, feed: string): Promise<void> {
  await tx.run('UPDATE feeds SET rev = rev WHERE id = ?', [feed])
}

export async function setReceiptHash(tx: Tx, feed: string, hash: string): Promise<void> {
  await tx.run('UPDATE feeds SET receipt_hash = ? WHERE id = ?', [hash, feed])
}

// One statement for several rows: a call's receipt and what else changed with it.
const ROWS_AT_ONCE = 16

/** Writes changes at numbers taken before, and pokes. */
export async function writeChanges(tx: Tx, feed: string, first: number, changes: readonly FeedChange[]): Promise<void> {
  for (let from = 0; from < changes.length; from += ROWS_AT_ONCE) {
    const rows = changes.slice(from, from + ROWS_AT_ONCE)
    const values = rows.flatMap(({ topic, id, row }, at) => [
      feed,
      first + from + at,
      topic,
      id,
      row === null ? null : JSON.stringify(row),
    ])
    await tx.run(insertOf(rows.length), values)
  }
  if (changes.length > 0) tx.poke(feed, first + changes.length - 1)
}

function insertOf(rows: number): string {
  return `INSERT INTO changes (feed, rev, topic, doc, row) VALUES ${Array(rows).fill('(?, ?, ?, ?, ?)').join(', ')}`
}

/** Takes numbers and writes changes in one go. @returns the last number written */
export async function append(tx: Tx, feed: string, changes: readonly FeedChange[]): Promise<number> {
  const { first } = await takeRevs(tx, feed, changes.length)
  await writeChanges(tx, feed, first, changes)
  return first + changes.length - 1
}

export type StoredChange = { rev: number; topic: string; doc: string; row: string | null }

/** Changes after `rev`, oldest first. */
export function changesAfter(reader: Reader, feed: string, rev: number, limit: number): Promise<StoredChange[]> {
  return reader.all<StoredChange>(
    'SELECT rev, topic, doc, row FROM changes WHERE feed = ? AND rev > ? ORDER BY rev LIMIT ?',
    [feed, rev, limit],
  )
}

/** Documents of one topic before `rev`, newest first. */
export function documentsBefore(
  reader: Reader,
  { feed, topic, rev }: { feed: string; topic: string; rev: number },
  limit: number,
): Promise<{ rev: number; doc: string; row: string }[]> {
  return reader.all(
    'SELECT rev, doc, row FROM changes WHERE feed = ? AND rev < ? AND topic = ? AND row IS NOT NULL ORDER BY rev DESC LIMIT ?',
    [feed, rev, topic, limit],
  )
}

const PLACES_AT_ONCE = [1, 10, 100, 500] as const
const PLACES_MOST = 500

/** The changes at these places of feeds, in no order. */
export async function documentsAt(
  reader: Reader,
  places: readonly { feed: string; rev: number }[],
): Promise<{ feed: string; rev: number; doc: string; row: string | null }[]> {
  const rows: { feed: string; rev: number; doc: string; row: string | null }[] = []
  for (let from = 0; from < places.length; from += PLACES_MOST) {
    const some = places.slice(from, from + PLACES_MOST)
    const size = PLACES_AT_ONCE.find((length) => some.length <= length) ?? PLACES_MOST
    const values = Array.from({ length: size }, (_, at) => some[at] ?? { feed: '', rev: 0 })
    const list = values.map(() => '(CAST(? AS TEXT), CAST(? AS BIGINT))').join(', ')
    const found = await reader.all<(typeof rows)[number]>(
      `SELECT feed, rev, doc, row FROM changes WHERE (feed, rev) IN (VALUES ${list})`,
      values.flatMap(({ feed, rev }) => [feed, rev]),
    )
    rows.push(...found)
  }
  return rows
}

export async function latestRev(reader: Reader, feed: string): Promise<number> {
  return (await reader.get<{ rev: number }>('SELECT rev FROM feeds WHERE id = ?', [feed]))?.rev ?? 0
}
