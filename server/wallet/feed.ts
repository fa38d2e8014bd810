// A page of the feed, as a wallet pulls it.
// owns: the cursor. never: a write. always true: a cursor of another history, or of a future, is answered from the start
// with the epoch that says so.

import { FEED_LIMIT_DEFAULT, FEED_LIMIT_MAX, type FeedPage } from '../contract/feed.ts'
import { Id } from '../contract/records.ts'
import type { Reader } from '../db/db.ts'
import { fault } from '../faults.ts'
import { changesAfter, latestRev } from '../feed/feed.ts'
import { lastMid } from './mutations.ts'

export type FeedQuery = { after?: string; client?: string; limit?: string }

/**
 * The changes after a cursor, oldest first.
 * @param epoch which history this database is
 * @throws Fault `bad_request`
 */
export async function feedPage(reader: Reader, userId: string, epoch: string, query: FeedQuery): Promise<FeedPage> {
  const limit = limitOf(query.limit)
  const client = query.client === undefined ? null : clientOf(query.client)
  // Read before the changes: then every edit up to it has its effect in the changes that follow.
  const last_mid = client === null ? 0 : await lastMid(reader, userId, client)
  const latest = await latestRev(reader, userId)
  const given = cursorOf(query.after)
  const from = given && given.epoch === epoch && given.rev <= latest ? given.rev : 0
  const stored = await changesAfter(reader, userId, from, limit)
  const changes = stored.map(({ rev, topic, doc, row }) => ({
    rev,
    topic,
    id: doc,
    row: row === null ? null : JSON.parse(row),
  }))
  const rev = changes.at(-1)?.rev ?? from
  return { changes, cursor: cursorText(epoch, rev), epoch, more: rev < latest, last_mid }
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return FEED_LIMIT_DEFAULT
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw fault('bad_request', { message: 'limit: a whole number above zero.', param: 'limit' })
  return Math.min(Number(text), FEED_LIMIT_MAX)
}

function clientOf(text: string): string {
  if (!Id.safeParse(text).success) throw fault('bad_request', { message: 'client: malformed.', param: 'client' })
  return text
}

function cursorText(epoch: string, rev: number): string {
  return Buffer.from(JSON.stringify([epoch, rev])).toString('base64url')
}

/** @throws Fault `bad_request` for what was never a cursor of ours */
function cursorOf(text: string | undefined): { epoch: string; rev: number } | null {
  if (text === undefined || text === '') return null
  try {
    const [epoch, rev] = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as unknown[]
    if (typeof epoch === 'string' && typeof rev === 'number' && Number.isSafeInteger(rev) && rev >= 0)
      return { epoch, rev }
  } catch {
    // the fault below says it
  }
  throw fault('bad_request', { message: 'after: malformed.', param: 'after' })
}
