// What a commit of this folder tells whom.
// owns: the gathering of changes by feed. never: what a change says.
// always true: feeds are written last and in the order of their ids (lock order); of one document the last state is told.

import { noticeOnce } from '../connections/notices.ts'
import type { Tx } from '../db/db.ts'
import { append, type FeedChange } from '../feed/feed.ts'
import { money } from '../ledger/ledger.ts'
import type { Owner } from './debts.ts'

export type Told = { feed: string; change: FeedChange }

/** Writes what is to be told; call it last in a commit. */
export async function tell(tx: Tx, told: readonly Told[]): Promise<void> {
  const feeds = new Map<string, Map<string, FeedChange>>()
  for (const { feed, change } of told) {
    const changes = feeds.get(feed) ?? new Map<string, FeedChange>()
    changes.delete(`${change.topic} ${change.id}`)
    changes.set(`${change.topic} ${change.id}`, change)
    feeds.set(feed, changes)
  }
  for (const feed of [...feeds.keys()].sort()) await append(tx, feed, [...(feeds.get(feed)?.values() ?? [])])
}

export async function toldBalance(tx: Tx, { account, payer }: Owner): Promise<Told> {
  return { feed: payer, change: { topic: 'balance', id: payer, row: await money(tx, account) } }
}

/** A notice for a person, once per subject; an external user has no wallet to read one in. */
export async function toldNotice(
  tx: Tx,
  { account, payer }: Owner,
  notice: { subject: string; kind: string; text: string },
): Promise<Told[]> {
  const change = account.startsWith('user:') ? await noticeOnce(tx, payer, notice) : null
  return change ? [{ feed: payer, change }] : []
}
