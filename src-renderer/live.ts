// What screens read.
// owns: live queries over the local copy. never: writes, the network. always true: an answer is undefined only until the
// first read of the local database, which takes milliseconds.

import { useLiveQuery } from 'dexie-react-hooks'
import { useEffect, useRef, useState } from 'react'
import type { Balance, Grant, Notice, Topup } from '../server/contract/records.ts'
import { type Month, monthsOf } from './audit.ts'
import { onClock, serverNow } from './clock.ts'
import type { Index } from './columns.ts'
import { type Entry, getMeta, type MetaValues, type Pending, readCursor, type WalletDb, type Written } from './db.ts'
import { fold, foldWritten, type View } from './fold.ts'
import { dayIn } from './format.ts'
import { entryAt, isIndexWarm, leisure, newest, readIndex, rowsAt, warmIndex, wrongEntries } from './log.ts'
import { monthEnd } from './pace.ts'
import { plus, type Rollup } from './rollup.ts'
import { useWallet } from './session.ts'

const VIEW_TOPICS = ['profile', 'connection', 'consent_request', 'approval']

/** Profile, connections and open requests, with the person's pending edits on top. */
export function useView(): View | undefined {
  const { db } = useWallet()
  const read = async () => {
    const docs = await db.docs.where('topic').anyOf(VIEW_TOPICS).toArray()
    return fold(docs, await db.outbox.orderBy('n').toArray())
  }
  return useRemembered('view', read, [])
}

export function useDocs<T>(topic: string): T[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(
    async () => (await db.docs.where('topic').equals(topic).toArray()).map((d) => d.row as T),
    [db, topic],
  )
}

/** Null while the server has not said what the balance is. */
export function useBalance(): Balance | null | undefined {
  const rows = useDocs<Balance>('balance')
  return rows && (rows[0] ?? null)
}

export const useTopups = (): Topup[] | undefined =>
  useDocs<Topup>('topup')?.sort((a, b) => b.created_at.localeCompare(a.created_at))

export const useGrants = (): Grant[] | undefined => useDocs<Grant>('grant')

/** Notices not yet put away on this device, newest first. */
export function useNotices(): Notice[] | undefined {
  const notices = useDocs<Notice>('notice')
  const dismissed = useMeta('dismissed')
  if (!notices || dismissed === undefined) return undefined
  return notices.filter((n) => !dismissed?.ids.includes(n.id)).sort((a, b) => b.at.localeCompare(a.at))
}

/** A stored fact: undefined while reading, null when there is none. */
export function useMeta<K extends keyof MetaValues>(key: K): MetaValues[K] | null | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => (await getMeta(db, key)) ?? null, [db, key])
}

export function useCursor() {
  const { db } = useWallet()
  return useRemembered('cursor', () => readCursor(db), [])
}

export function useEdits(): Pending[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(() => db.outbox.orderBy('n').toArray(), [db])
}

/** The newest entries; none are read while `on` is false. */
export function useNewest(limit: number, on = true): Entry[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => (on ? newest(db, limit) : undefined), [db, limit, on])
}

const answers = new WeakMap<WalletDb, Map<string, unknown>>()

/** A live query whose last answer is there at once when a screen that asks it opens again; the new one follows in milliseconds. */
function useRemembered<T>(name: string, query: () => Promise<T>, deps: unknown[]): T | undefined {
  const { db } = useWallet()
  return useLiveQuery(() => remember(db, name, query), [db, ...deps], answers.get(db)?.get(name) as T | undefined)
}

async function remember<T>(db: WalletDb, name: string, query: () => Promise<T>): Promise<T> {
  const answer = await query()
  const known = answers.get(db) ?? new Map<string, unknown>()
  answers.set(db, known.set(name, answer))
  return answer
}

/** The columns of the log; first those of its newest part, then `whole`. */
export function useIndex() {
  const { db } = useWallet()
  const [isWarm, setWarm] = useState(() => isIndexWarm(db))
  const index = useRemembered('index', () => readIndex(db, isWarm), [isWarm])
  const there = index !== undefined
  useEffect(() => {
    const done = () => setWarm(true)
    if (there && !isWarm) warmIndex(db).then(done, done) // where it cannot be read, the query says so
  }, [db, there, isWarm])
  return index
}

/** Reads ahead, once the first screen is there: what Activity shows first, then the columns of the whole log. */
export function useWarmLog(): void {
  const { db } = useWallet()
  const there = useCursor() !== undefined
  useEffect(() => {
    if (there) readAhead(db).catch(() => undefined) // a screen that asks says what is the matter
  }, [db, there])
}

async function readAhead(db: WalletDb): Promise<void> {
  await leisure()
  if (isIndexWarm(db)) return
  const index = await remember(db, 'index', () => readIndex(db, false))
  const newest = Array.from({ length: Math.min(WINDOW, index.total) }, (_, i) => index.total - 1 - i)
  await remember(db, 'rows', () => rowsByRev(db, index, newest))
  await remember(db, 'written', () => readWritten(db))
  await warmIndex(db)
  await remember(db, 'index', () => readIndex(db))
}

/** Notes and tags, with those on top that are still on their way. */
export function useWritten(): Written[] | undefined {
  const { db } = useWallet()
  return useRemembered('written', () => readWritten(db), [])
}

const readWritten = async (db: WalletDb): Promise<Written[]> =>
  foldWritten(await db.written.toArray(), await db.outbox.orderBy('n').toArray())

const WINDOW = 64

/** The entries at places `from` to `to` of a selection, by feed number; those read before stay while others are read. */
export function useRows(index: Index, ordinals: Uint32Array, from: number, to: number): ReadonlyMap<number, Entry> {
  const { db } = useWallet()
  const [first, end] = [Math.floor(from / WINDOW) * WINDOW, (Math.floor(to / WINDOW) + 1) * WINDOW]
  const read = useRemembered('rows', () => rowsByRev(db, index, ordinals.subarray(first, end)), [
    index,
    ordinals,
    first,
    end,
  ])
  const kept = useRef<ReadonlyMap<number, Entry>>(new Map())
  if (read) kept.current = read
  return kept.current
}

async function rowsByRev(db: WalletDb, index: Index, ordinals: Iterable<number>): Promise<ReadonlyMap<number, Entry>> {
  const rows = await rowsAt(db, index, ordinals)
  return new Map([...rows.values()].map((entry) => [entry.rev, entry]))
}

export function useEntry(rev: number | null): Entry | null | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => (rev === null ? null : entryAt(db, rev)), [db, rev])
}

const WRONG_NAMED = 100

/** The newest receipts that failed the check; empty without looking when none ever failed. */
export function useWrong(): Entry[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => ((await readCursor(db)).wrong === 0 ? [] : wrongEntries(db, WRONG_NAMED)), [db])
}

export type Day = { day: string; spent: number }
export type Spend = {
  days: Day[]
  /** The same days of each app that spent on any of them. */
  appDays: ReadonlyMap<string, { days: Day[]; calls: number }>
  month: Rollup[]
  monthSpent: number
  /** What the month would end with at this pace; null while it is too young to say. */
  monthEnd: number | null
}
const DAYS = 30
const DAY_MS = 86_400_000

/** Spending by day over the last 30 days, and by app in this calendar month, in the person's time zone. */
export function useSpend(now: number): Spend | undefined {
  const { db } = useWallet()
  const minute = Math.floor(now / 60_000)
  return useLiveQuery(async () => {
    const { zone } = await readCursor(db)
    const today = dayIn(zone, now)
    const first = dayIn(zone, now - (DAYS - 1) * DAY_MS)
    const monthStart = `${today.slice(0, 7)}-01`
    const from = first < monthStart ? first : monthStart
    const rows = await db.rollup.where('day').between(from, today, true, true).toArray()
    const all = Array.from({ length: DAYS }, (_, i) => dayIn(zone, now - (DAYS - 1 - i) * DAY_MS))
    const appDays = new Map(
      [...new Set(rows.map((r) => r.app))].map((app) => {
        const own = rows.filter((r) => r.app === app && r.day >= first)
        return [app, { days: byDay(own, all), calls: own.reduce((sum, r) => sum + r.calls, 0) }]
      }),
    )
    const month = byApp(rows.filter((r) => r.day >= monthStart))
    const monthSpent = month.reduce((sum, r) => sum + r.spent, 0)
    return { days: byDay(rows, all), appDays, month, monthSpent, monthEnd: monthEnd(monthSpent, zone, today, now) }
  }, [db, minute])
}

/** Charges and checks by month, newest first; undefined while `on` is false. */
export function useMonths(on: boolean): Month[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => (on ? monthsOf(await db.rollup.toArray()) : undefined), [db, on])
}

function byDay(rows: Rollup[], days: string[]): Day[] {
  const sums = new Map<string, number>()
  for (const row of rows) sums.set(row.day, (sums.get(row.day) ?? 0) + row.spent)
  return days.map((day) => ({ day, spent: sums.get(day) ?? 0 }))
}

function byApp(rows: Rollup[]): Rollup[] {
  const sums = new Map<string, Rollup>()
  for (const row of rows) sums.set(row.app, plus(row, sums.get(row.app)))
  return [...sums.values()].sort((a, b) => b.spent - a.spent || b.calls - a.calls)
}

/** The server's time as this device knows it, again every half minute. It only words things. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const look = () => setNow(serverNow())
    const timer = setInterval(look, 30_000)
    const deaf = onClock(look)
    return () => {
      clearInterval(timer)
      deaf()
    }
  }, [])
  return now
}
