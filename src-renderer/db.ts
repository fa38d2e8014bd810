// The person's own copy: tables, and every write to them.
// owns: the local database's shape, its transactions. never: the network, what a screen shows.
// always true: a feed page lands whole or not at all - entries, counters, documents and cursor in one transaction; the
// log is append-only, kept as sealed blocks of 128 entries behind a short tail of single rows.

import { Dexie, type Table } from 'dexie'
import type { Change, MutationArgs, MutationName } from '../server/contract/feed.ts'
import type { AutoTopup } from '../server/contract/payments.ts'
import type { Package, ReceiptRow } from '../server/contract/records.ts'
import type { Checkout } from './checkout.ts'
import { plus, type Rollup, sumUp, zoneOf } from './rollup.ts'
import type { Checked } from './verify.ts'

/** What the check on this device found: fine, not checkable here, or the first thing that is wrong. */
export type Mark = 'verified' | 'unchecked' | 'signature' | 'chain' | 'row' | 'base' | 'granted' | 'markup' | 'total'

export type Entry = { rev: number; id: string; at: number; app: string; row: ReceiptRow; hash: string; mark: Mark }
export type Block = { first: number; last: number; apps: string[]; rows: Entry[] }
export type Doc = { topic: string; id: string; rev: number; row: Record<string, unknown> }
export type Pending = {
  n?: number
  mid: number
  name: string
  args: Record<string, unknown>
  base_version?: number
  state: 'queued' | 'sent' | 'refused'
  code?: string
  message?: string
  at: number
}

export type Cursor = {
  cursor: string | null
  epoch: string | null
  rev: number
  hash: string | null
  entries: number
  wrong: number
  zone: string
}
export type Status = {
  state: 'connecting' | 'filling' | 'live' | 'offline' | 'paused' | 'failing'
  /** Since when it is in this state, and when the server last answered; device time, ms. */
  since: number
  contact: number | null
  message: string | null
}
export type Rebuilt = { at: number; entries: number; rev: number }

export type MetaValues = {
  client: { id: string; next: number }
  cursor: Cursor
  status: Status
  keys: { jwks: JsonWebKey[] }
  packages: { packages: Package[]; at: number }
  checkout: Checkout
  auto_topup: { settings: AutoTopup; at: number }
  dismissed: { ids: string[] }
  alerted: { ids: string[] }
  rebuilt: Rebuilt
}
type MetaKey = keyof MetaValues

export type WalletDb = Dexie & {
  blocks: Table<Block, number>
  tail: Table<Entry, number>
  rollup: Table<Rollup, [string, string]>
  docs: Table<Doc, [string, string]>
  outbox: Table<Pending, number>
  meta: Table<{ key: MetaKey; value: unknown }, string>
  /** The newest entries of a history the server no longer has; evidence, never shown as current. */
  evidence: Table<Entry & { n?: number; epoch: string | null }, number>
}

export const BLOCK = 128
export const TAIL_MAX = 256
const EVIDENCE_MAX = 2000
const SCHEMA = 1

/** The name carries schema, server and account: nothing of one person or server is ever opened for another. */
export const dbName = (origin: string, account: string): string => namePrefix(origin) + account

const namePrefix = (origin: string): string => `quota-wallet.${SCHEMA}.${new URL(origin).host}.`

/** The accounts whose copies are on this device, of one server. */
export async function accountsKept(origin: string): Promise<string[]> {
  const names = await Dexie.getDatabaseNames()
  return names.filter((n) => n.startsWith(namePrefix(origin))).map((n) => n.slice(namePrefix(origin).length))
}

export async function openDb(origin: string, account: string): Promise<WalletDb> {
  const name = dbName(origin, account)
  const db = new Dexie(name, { cache: 'disabled', chromeTransactionDurability: 'strict' }) as WalletDb
  db.version(SCHEMA).stores({
    blocks: 'first, *apps',
    tail: 'rev, [app+rev]',
    rollup: '[app+day], day',
    docs: '[topic+id], topic',
    outbox: '++n, state',
    meta: 'key',
    evidence: '++n',
  })
  try {
    await db.open()
  } catch {
    // A copy that cannot be opened is worth nothing: delete it once and fill it again from the server.
    await Dexie.delete(name)
    await db.open()
  }
  await db.transaction('rw', db.meta, async () => {
    if (!(await getMeta(db, 'client'))) await setMeta(db, 'client', { id: crypto.randomUUID(), next: 1 })
  })
  return db
}

export const deleteDb = (db: WalletDb): Promise<void> => db.delete()

export async function getMeta<K extends MetaKey>(db: WalletDb, key: K): Promise<MetaValues[K] | undefined> {
  return (await db.meta.get(key))?.value as MetaValues[K] | undefined
}

export async function setMeta<K extends MetaKey>(db: WalletDb, key: K, value: MetaValues[K] | null): Promise<void> {
  await (value === null ? db.meta.delete(key) : db.meta.put({ key, value }))
}

export async function readCursor(db: WalletDb): Promise<Cursor> {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return (await getMeta(db, 'cursor')) ?? { cursor: null, epoch: null, rev: 0, hash: null, entries: 0, wrong: 0, zone }
}

// --- pages of the feed ---------------------------------------------------------------------------------------------

export type CheckedPage = Checked & {
  base: Cursor
  cursor: string
  epoch: string
  lastMid: number
  docs: Change[]
  rev: number
}

/** Applies one checked page in one transaction. Throws when another page was applied since `page.base` was read. */
export async function applyPage(db: WalletDb, page: CheckedPage): Promise<void> {
  await db.transaction('rw', [db.blocks, db.tail, db.rollup, db.docs, db.outbox, db.meta], async () => {
    const held = await readCursor(db)
    if (held.rev !== page.base.rev || held.epoch !== page.base.epoch) throw new Error('another page came first')
    await putDocs(db, page.docs)
    const added = [...page.entries, ...(await putAgain(db, page.again))].sort((a, b) => a.rev - b.rev)
    const zone = zoneOf(page.docs) ?? held.zone
    await append(db, added)
    if (zone !== held.zone) await recount(db, zone)
    else await addToRollup(db, added, zone)
    await setMeta(db, 'cursor', {
      cursor: page.cursor,
      epoch: page.epoch,
      rev: page.rev,
      hash: page.entries.at(-1)?.hash ?? held.hash,
      entries: held.entries + added.length,
      wrong: held.wrong + added.filter((e) => isWrong(e.mark)).length,
      zone,
    })
    await db.outbox.filter((p) => p.state === 'sent' && p.mid <= page.lastMid).delete()
  })
}

export const isWrong = (mark: Mark): boolean => mark !== 'verified' && mark !== 'unchecked'

async function putDocs(db: WalletDb, changes: Change[]): Promise<void> {
  const last = new Map(changes.map((c) => [`${c.topic}\n${c.id}`, c]))
  const gone = [...last.values()].filter((c) => c.row === null)
  await db.docs.bulkPut([...last.values()].flatMap(({ topic, id, rev, row }) => (row ? [{ topic, id, rev, row }] : [])))
  await db.docs.bulkDelete(gone.map((c): [string, string] => [c.topic, c.id]))
}

/**
 * Receipts sent again replace the row they were first sent with, and are counted once. One that claims to be older and
 * is not held is a charge that was left out of the log: it is added where it arrived, and marked.
 */
async function putAgain(db: WalletDb, again: CheckedPage['again']): Promise<Entry[]> {
  const unknown: Entry[] = []
  for (const { entry, arrived } of again) {
    const found = await replaceIn(db, entry)
    if (!found) unknown.push({ ...entry, rev: arrived, mark: isWrong(entry.mark) ? entry.mark : 'chain' })
  }
  return unknown
}

async function replaceIn(db: WalletDb, { rev, hash, row }: Entry): Promise<boolean> {
  const single = await db.tail.get(rev)
  const block = single ? undefined : await db.blocks.where('first').belowOrEqual(rev).last()
  const held = single ?? block?.rows.find((r) => r.rev === rev)
  if (held?.hash !== hash) return false
  held.row = row
  await (block ? db.blocks.put(block) : db.tail.put(held))
  return true
}

async function append(db: WalletDb, added: Entry[]): Promise<void> {
  if (added.length === 0) return
  const tail = await db.tail.orderBy('rev').toArray()
  const rows = [...tail, ...added]
  const blocks: Block[] = []
  while (rows.length >= TAIL_MAX) blocks.push(seal(rows.splice(0, BLOCK)))
  if (blocks.length > 0) {
    await db.blocks.bulkAdd(blocks)
    await db.tail
      .where('rev')
      .belowOrEqual(blocks.at(-1)?.last ?? 0)
      .delete()
  }
  await db.tail.bulkPut(rows)
}

const seal = (rows: Entry[]): Block => ({
  first: rows[0]?.rev ?? 0,
  last: rows.at(-1)?.rev ?? 0,
  apps: [...new Set(rows.map((r) => r.app))],
  rows,
})

async function addToRollup(db: WalletDb, entries: Entry[], zone: string): Promise<void> {
  const sums = sumUp(entries, zone)
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
    await db.evidence.bulkAdd(rows.map((row) => ({ ...row, epoch: held.epoch })))
    await Promise.all([db.blocks.clear(), db.tail.clear(), db.rollup.clear(), db.docs.clear()])
    await db.meta.delete('cursor')
    await setMeta(db, 'rebuilt', { at: now, entries: held.entries, rev: held.rev })
    await renumber(db)
  })
}

// --- the outbox ----------------------------------------------------------------------------------------------------

/** Writes one edit down, durably, before anything is sent. `baseVersion` is given when the edit loosens a limit. */
export async function enqueue<N extends MutationName>(
  db: WalletDb,
  name: N,
  args: MutationArgs<N>,
  baseVersion?: number,
): Promise<void> {
  await db.transaction('rw', db.outbox, db.meta, async () => {
    const client = await getMeta(db, 'client')
    if (!client) throw new Error('the local database has no client id')
    const edit: Pending = { mid: client.next, name, args, state: 'queued', at: Date.now() }
    if (baseVersion !== undefined) edit.base_version = baseVersion
    await db.outbox.add(edit)
    await setMeta(db, 'client', { ...client, next: client.next + 1 })
  })
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
