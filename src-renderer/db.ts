// The person's own copy: its tables, and how it is opened.
// owns: the local database's shape, what is passed on from an older shape, the meta table. never: the network, the log's
// and the outbox's transactions (db-pages.ts, db-outbox.ts). always true: a new shape is a new database, filled again from
// the server; what only this device has (unsent edits, known keys) goes over to it.

import { Dexie, liveQuery, type Subscription, type Table } from 'dexie'
import type { AutoTopup } from '../server/contract/payments.ts'
import { Id, type Package, type ReceiptRow } from '../server/contract/records.ts'
import type { Checkout } from './checkout.ts'
import type { Columns } from './columns.ts'
import type { Rollup } from './rollup.ts'

/** What the check on this device found: fine, not checkable here, or the first thing that is wrong. */
export type Mark = 'verified' | 'unchecked' | 'signature' | 'chain' | 'row' | 'base' | 'granted' | 'markup' | 'total'

export type Entry = { rev: number; id: string; at: number; app: string; row: ReceiptRow; hash: string; mark: Mark }
export type Block = { first: number; last: number; rows: Entry[] }
/** What the person wrote beside a receipt. */
export type Written = { id: string; rev: number; note: string | null; tags: string[] }
/** An entry of a history that the server no longer has, as this device had checked it. `batch` is when it was put away. */
export type Evidence = Entry & { n?: number; epoch: string | null; batch: number }
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
  /** The feed number of the receipt that is written on. */
  rev?: number
}

export type Cursor = {
  cursor: string | null
  epoch: string | null
  rev: number
  hash: string | null
  entries: number
  wrong: number
  /** Of the entries, those whose signature could not be checked here. */
  unchecked: number
  zone: string
}
export type Status = {
  state: 'connecting' | 'filling' | 'live' | 'offline' | 'paused' | 'failing'
  /** Since when it is in this state, and when the server last answered; device time, ms. */
  since: number
  contact: number | null
  message: string | null
}
/** What became of the newest entries that were held before the copy was rebuilt. Amounts are micros. */
export type Verdict = {
  kind: 'same' | 'restored' | 'rewritten'
  kept: number
  gone: number
  goneMicros: number
  /** When the first entry that is gone was made, ms. */
  since: number | null
}
/** `lost`: the copy itself was gone (erased by the browser or the person), not the server's history. */
export type Rebuilt = { at: number; entries: number; rev: number; lost?: boolean; verdict?: Verdict }
/** Apps that the runaway guard paused and nobody has answered for; amounts of a stretch that the person called fine. */
export type Guarded = {
  pauses: { id: string; at: number; spent: number; usual: number }[]
  allowed: Record<string, { day: string; spent: number }>
}
/** This device's own; what is not said is on. */
export type Preferences = { guard?: boolean; notify?: boolean }

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
  guarded: Guarded
  preferences: Preferences
  /** The receipt for whose sake the history was read again. */
  doubted: { hash: string }
}
type MetaKey = keyof MetaValues

export type WalletDb = Dexie & {
  blocks: Table<Block, number>
  tail: Table<Entry, number>
  rollup: Table<Rollup, [string, string]>
  docs: Table<Doc, [string, string]>
  outbox: Table<Pending, number>
  meta: Table<{ key: MetaKey; value: unknown }, string>
  columns: Table<Columns, number>
  written: Table<Written, string>
  /** The newest entries of a history the server no longer has; never shown as current. */
  evidence: Table<Evidence, number>
}

export const BLOCK = 128
export const TAIL_MAX = 256
const SCHEMA = 2

/** Where a server is, in a copy's name: host and port; https is not told from http but by its port. */
export const placeOf = (origin: string): string => {
  const { protocol, port, host } = new URL(origin)
  return protocol === 'http:' && port === '' ? `${host}:80` : host
}

/** The name carries schema, server and account: nothing of one person or server is ever opened for another. */
export const dbName = (origin: string, account: string, schema = SCHEMA): string =>
  `quota-wallet.${schema}.${placeOf(origin)}.${account}`

/** The accounts whose copies are on this device, of one server. */
export const accountsKept = async (origin: string): Promise<string[]> =>
  accountsAmong(origin, await Dexie.getDatabaseNames())

/** The same of names; an account is an id, without a dot: "a.example" has no part in the copies of "a.example.com". */
export function accountsAmong(origin: string, names: readonly string[]): string[] {
  const schemas = Array.from({ length: SCHEMA }, (_, i) => dbName(origin, '', i + 1))
  const accounts = names.flatMap((n) => schemas.filter((s) => n.startsWith(s)).map((s) => n.slice(s.length)))
  return [...new Set(accounts.filter((account) => Id.safeParse(account).success))]
}

export async function openDb(origin: string, account: string): Promise<WalletDb> {
  const name = dbName(origin, account)
  const db = new Dexie(name, { cache: 'disabled', chromeTransactionDurability: 'strict' }) as WalletDb
  db.version(SCHEMA).stores({
    blocks: 'first',
    tail: 'rev',
    columns: 'n',
    written: 'id, *tags',
    rollup: '[app+day], day',
    docs: '[topic+id], topic',
    outbox: '++n, state',
    meta: 'key',
    evidence: '++n, batch',
  })
  try {
    await db.open()
  } catch {
    // A copy that cannot be opened is worth nothing: delete it once and fill it again from the server.
    await Dexie.delete(name)
    await db.open()
    await setMeta(db, 'rebuilt', { at: Date.now(), entries: 0, rev: 0, lost: true })
  }
  const names = await Dexie.getDatabaseNames()
  for (let schema = SCHEMA - 1; schema > 0; schema--) {
    const older = dbName(origin, account, schema)
    if (names.includes(older)) await takeOver(db, older)
  }
  await db.transaction('rw', db.meta, async () => {
    if (!(await getMeta(db, 'client'))) await setMeta(db, 'client', { id: crypto.randomUUID(), next: 1 })
  })
  return db
}

const PASSED_ON: MetaKey[] = ['client', 'keys', 'checkout', 'dismissed', 'alerted', 'guarded', 'preferences']

/** Moves what only this device has out of a copy of an older shape, and deletes that copy. */
async function takeOver(db: WalletDb, older: string): Promise<void> {
  const old = new Dexie(older)
  try {
    await old.open()
    const edits = (await old.table('outbox').toArray()) as Pending[]
    const meta = (await old.table('meta').toArray()) as { key: MetaKey; value: unknown }[]
    await db.transaction('rw', db.meta, db.outbox, async () => {
      if (await getMeta(db, 'client')) return // it was passed on before, and only the deletion is left
      await db.meta.bulkPut(meta.filter(({ key }) => PASSED_ON.includes(key)))
      await db.outbox.bulkPut(edits)
    })
  } catch (error) {
    console.warn('an older copy could not be read:', error)
  } finally {
    old.close()
  }
  await Dexie.delete(older)
}

/** Every copy on this device that has today's shape, of any server and account, with what it says of itself. */
export async function copiesKept() {
  const names = (await Dexie.getDatabaseNames()).filter((n) => n.startsWith(`quota-wallet.${SCHEMA}.`))
  return Promise.all(names.map(describeCopy))
}

async function describeCopy(name: string) {
  const rest = name.slice(`quota-wallet.${SCHEMA}.`.length)
  const host = rest.slice(0, rest.lastIndexOf('.')) // as placeOf() has it
  const copy = new Dexie(name)
  try {
    await copy.open()
    const profile = (await copy.table('docs').where('topic').equals('profile').first()) as Doc | undefined
    const edits = (await copy.table('outbox').toArray()) as Pending[]
    const email = typeof profile?.row.email === 'string' ? profile.row.email : null
    return {
      name,
      host,
      account: rest.slice(host.length + 1),
      email,
      unsent: edits.filter((e) => e.state === 'queued').length,
    }
  } catch {
    return { name, host, account: rest.slice(host.length + 1), email: null, unsent: 0 }
  } finally {
    copy.close()
  }
}

/** Deletes every copy of one server, of older shapes too. */
export async function deleteCopiesOf(origin: string): Promise<void> {
  for (const account of await accountsKept(origin))
    for (let schema = SCHEMA; schema > 0; schema--) await Dexie.delete(dbName(origin, account, schema))
}

export const deleteCopy = (name: string): Promise<void> => Dexie.delete(name)

export const deleteDb = (db: WalletDb): Promise<void> => db.delete()

export async function getMeta<K extends MetaKey>(db: WalletDb, key: K): Promise<MetaValues[K] | undefined> {
  return (await db.meta.get(key))?.value as MetaValues[K] | undefined
}

export async function setMeta<K extends MetaKey>(db: WalletDb, key: K, value: MetaValues[K] | null): Promise<void> {
  await (value === null ? db.meta.delete(key) : db.meta.put({ key, value }))
}

export async function readCursor(db: WalletDb): Promise<Cursor> {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const none = { cursor: null, epoch: null, rev: 0, hash: null, entries: 0, wrong: 0, unchecked: 0, zone }
  return (await getMeta(db, 'cursor')) ?? none
}

/** Tells the log's time zone whenever it changes, until it is unsubscribed or the copy is gone. */
export const watchZone = (db: WalletDb, heard: (zone: string) => void): Subscription =>
  liveQuery(async () => (await readCursor(db)).zone).subscribe({ next: heard, error: () => {} })
