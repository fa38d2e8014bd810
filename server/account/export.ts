// Everything we hold about a person, as one JSON document.
// owns: its shape. never: secrets, hashes, other people's data.
// always true: it is made piece by piece, so a long history needs no more memory than a short one.

import { appDocument, appsOf } from '../connections/apps.ts'
import { keysOf } from '../connections/keys.ts'
import type { SignedInDevice } from '../contract/api.ts'
import type { Reader } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { changesAfter, type StoredChange } from '../feed/feed.ts'
import { securityOf } from '../identity/security.ts'
import { profileOf } from '../identity/users.ts'
import { notesAfter } from '../wallet/notes.ts'
import { webhookDocuments } from '../webhooks/hooks.ts'

const PAGE = 500
/** Where the documents of the feed go; receipts come last, one by one. */
const LISTS = { connection: 'connections', topup: 'topups', grant: 'grants', notice: 'notices' } as const

/** The document in pieces of text. */
export async function* exportOf(
  deps: Deps,
  userId: string,
  sessions: readonly SignedInDevice[],
): AsyncGenerator<string> {
  const { db } = deps
  const head = {
    exported_at: new Date(deps.now()).toISOString(),
    profile: await profileOf(db, userId),
    security: await securityOf(deps, userId),
    sessions,
    apps: (await appsOf(db, userId)).map(appDocument),
    keys: await keysOf(db, userId),
    webhooks: await webhookDocuments(db, userId, deps.now()),
    ...(await listsOf(db, userId)),
  }
  yield `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "annotations": [`
  yield* rows(notes(db, userId))
  yield '],\n  "receipts": ['
  yield* rows(receipts(db, userId))
  yield ']\n}\n'
}

async function listsOf(db: Reader, userId: string): Promise<Record<string, unknown[]>> {
  const latest = new Map<string, { list: string; row: unknown }>()
  for await (const { topic, doc, row } of changes(db, userId)) {
    const list = (LISTS as Record<string, string>)[topic]
    if (!list) continue
    if (row === null) latest.delete(`${topic} ${doc}`)
    else latest.set(`${topic} ${doc}`, { list, row: JSON.parse(row) })
  }
  const lists: Record<string, unknown[]> = Object.fromEntries(Object.values(LISTS).map((list) => [list, []]))
  for (const { list, row } of latest.values()) lists[list]?.push(row)
  return lists
}

/** Each receipt as it was signed; a note sends its document again, and is among the annotations. */
async function* receipts(db: Reader, userId: string): AsyncGenerator<unknown> {
  for await (const { topic, row } of changes(db, userId)) {
    const document = topic === 'receipt' && row !== null ? (JSON.parse(row) as object) : null
    if (document && !('tags' in document)) yield document
  }
}

async function* notes(db: Reader, userId: string): AsyncGenerator<unknown> {
  for (let after = ''; ; ) {
    const page = await notesAfter(db, userId, after, PAGE)
    yield* page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.request_id
  }
}

async function* changes(db: Reader, userId: string): AsyncGenerator<StoredChange> {
  for (let rev = 0; ; ) {
    const page = await changesAfter(db, userId, rev, PAGE)
    yield* page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    rev = last.rev
  }
}

async function* rows(from: AsyncIterable<unknown>): AsyncGenerator<string> {
  let first = true
  for await (const row of from) {
    yield `${first ? '' : ','}\n    ${JSON.stringify(row)}`
    first = false
  }
}
