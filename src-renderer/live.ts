// What screens read.
// owns: live queries over the local copy. never: writes, the network. always true: an answer is undefined only until the
// first read of the local database, which takes milliseconds.

import { useLiveQuery } from 'dexie-react-hooks'
import { useEffect, useState } from 'react'
import type { Balance, Grant, Notice, Topup } from '../server/contract/records.ts'
import { type Entry, getMeta, type MetaValues, type Pending, readCursor } from './db.ts'
import { fold, type View } from './fold.ts'
import { dayIn } from './format.ts'
import { entryAt, newest, wrongEntries } from './log.ts'
import { plus, type Rollup } from './rollup.ts'
import { useWallet } from './session.ts'

const VIEW_TOPICS = ['profile', 'connection', 'consent_request', 'approval']

/** Profile, connections and open requests, with the person's pending edits on top. */
export function useView(): View | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => {
    const docs = await db.docs.where('topic').anyOf(VIEW_TOPICS).toArray()
    return fold(docs, await db.outbox.orderBy('n').toArray())
  }, [db])
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
  return useLiveQuery(() => readCursor(db), [db])
}

export function useEdits(): Pending[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(() => db.outbox.orderBy('n').toArray(), [db])
}

export function useNewest(limit: number, app: string | null): Entry[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(() => newest(db, { limit, app }), [db, limit, app])
}

export function useEntry(rev: number | null): Entry | null | undefined {
  const { db } = useWallet()
  return useLiveQuery(async () => (rev === null ? null : entryAt(db, rev)), [db, rev])
}

const WRONG_LOOKED_THROUGH = 500

/** Receipts that failed the check, among the newest; empty without looking when none ever failed. */
export function useWrong(): Entry[] | undefined {
  const { db } = useWallet()
  return useLiveQuery(
    async () => ((await readCursor(db)).wrong === 0 ? [] : wrongEntries(db, WRONG_LOOKED_THROUGH)),
    [db],
  )
}

export type Spend = { days: { day: string; spent: number }[]; month: Rollup[]; monthSpent: number }
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
    const byDay = new Map<string, number>()
    for (const row of rows) byDay.set(row.day, (byDay.get(row.day) ?? 0) + row.spent)
    const days = Array.from({ length: DAYS }, (_, i) => {
      const day = dayIn(zone, now - (DAYS - 1 - i) * DAY_MS)
      return { day, spent: byDay.get(day) ?? 0 }
    })
    const month = byApp(rows.filter((r) => r.day >= monthStart))
    return { days, month, monthSpent: month.reduce((sum, r) => sum + r.spent, 0) }
  }, [db, minute])
}

function byApp(rows: Rollup[]): Rollup[] {
  const sums = new Map<string, Rollup>()
  for (const row of rows) sums.set(row.app, plus(row, sums.get(row.app)))
  return [...sums.values()].sort((a, b) => b.spent - a.spent || b.calls - a.calls)
}

/** The device's time, again every half minute. It only words things; the server's time orders and sums them. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  return now
}
