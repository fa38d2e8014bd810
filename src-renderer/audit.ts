// An export, checked as the wallet checks a page.
// owns: the form of an export, the report over one and the comparison of two. never: files, the network, words.
// always true: the same functions as in the wallet (verify.ts) decide; nothing of an export is believed that they do not.

import { z } from 'zod'
import type { Change } from '../server/contract/feed.ts'
import type { Entry } from './db.ts'
import { plus, type Rollup, sumUp } from './rollup.ts'
import { checkReceipts, isWrong, keyFinder, payloadOf } from './verify.ts'

export const FORMAT = 'quota-wallet'
const Row = z.looseObject({ request_id: z.string(), receipt: z.string() })
const Numbered = z.object({ rev: z.int().positive(), row: Row })

/** What the wallet saves: the whole log oldest first, the keys it was checked with, and what vanished from the server. */
export const WalletExport = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  made_at: z.string(),
  server: z.string(),
  account: z.string(),
  time_zone: z.string(),
  keys: z.array(z.record(z.string(), z.unknown())),
  documents: z.array(z.unknown()),
  evidence: z.array(z.object({ epoch: z.string().nullable(), batch: z.number(), rev: z.int(), row: Row })),
  receipts: z.array(Numbered),
})
export type WalletExport = z.infer<typeof WalletExport>

/** What the account page saves ("Export everything"): the receipts without their numbers, and no keys. */
const AccountExport = z.object({
  exported_at: z.string(),
  profile: z.looseObject({ id: z.string() }),
  receipts: z.array(Row),
})

/** Reads either kind of export; null for anything else. */
export function readExport(value: unknown): WalletExport | null {
  const own = WalletExport.safeParse(value)
  if (own.success) return own.data
  const other = AccountExport.safeParse(value)
  if (!other.success) return null
  const { exported_at, profile, receipts } = other.data
  const numbered = receipts.map((row, i) => ({ rev: payloadOf(row.receipt)?.rev ?? i + 1, row }))
  return {
    format: FORMAT,
    version: 1,
    made_at: exported_at,
    server: payloadOf(receipts[0]?.receipt ?? '')?.iss ?? '',
    account: profile.id,
    time_zone: typeof profile.time_zone === 'string' ? profile.time_zone : 'UTC',
    keys: [],
    documents: [],
    evidence: [],
    receipts: numbered,
  }
}

export type Month = { month: string } & Omit<Rollup, 'app' | 'day'>
export type AuditReport = {
  total: number
  verified: number
  /** Receipts that fail, and those that are no receipt at all (`entry` null). */
  wrong: { rev: number; entry: Entry | null }[]
  months: Month[]
  entries: Entry[]
  /** Of the receipts that the server no longer names, those that it did sign. */
  evidence: { total: number; genuine: number }
}

const STEP = 2000

/** Checks every receipt of an export. @param jwks the server's receipt keys */
export async function audit(file: WalletExport, jwks: JsonWebKey[]): Promise<AuditReport> {
  const { keyOf } = keyFinder(jwks)
  const entries: Entry[] = []
  const wrong: AuditReport['wrong'] = []
  for (let from = 0; from < file.receipts.length; from += STEP) {
    const part = file.receipts.slice(from, from + STEP).map(changeOf)
    const { entries: read, again } = await checkReceipts(part, entries.at(-1)?.hash ?? null, keyOf)
    // A number that is not its own: the receipt was left out where it belongs, or is there twice.
    const misplaced = again.map(({ entry, arrived }): Entry => ({ ...entry, rev: arrived, mark: 'chain' }))
    const seen = new Set([...read, ...misplaced].map(({ rev }) => rev))
    wrong.push(...part.filter(({ rev }) => !seen.has(rev)).map(({ rev }) => ({ rev, entry: null })))
    entries.push(...[...read, ...misplaced].sort((a, b) => a.rev - b.rev))
  }
  wrong.push(...entries.filter(({ mark }) => isWrong(mark)).map((entry) => ({ rev: entry.rev, entry })))
  const { entries: old } = await checkReceipts(file.evidence.map(changeOf), null, keyOf)
  return {
    total: file.receipts.length,
    verified: entries.filter(({ mark }) => mark === 'verified').length,
    wrong: wrong.sort((a, b) => a.rev - b.rev),
    months: monthsOf([...sumUp(entries, file.time_zone).values()]),
    entries,
    evidence: { total: file.evidence.length, genuine: old.filter(({ mark }) => mark !== 'signature').length },
  }
}

const changeOf = ({ rev, row }: { rev: number; row: z.infer<typeof Row> }): Change => ({
  rev,
  topic: 'receipt',
  id: row.request_id,
  row,
})

/** Sums of days as sums of months, newest first. */
export function monthsOf(rows: Rollup[]): Month[] {
  const sums = new Map<string, Rollup>()
  for (const row of rows) {
    const month = row.day.slice(0, 7)
    sums.set(month, plus({ ...row, app: '', day: month }, sums.get(month)))
  }
  return [...sums.values()]
    .map(({ app: _, day, ...rest }) => ({ month: day, ...rest }))
    .sort((a, b) => b.month.localeCompare(a.month))
}

/**
 * Where two exports of one account tell different stories: the first number at which both hold a genuine receipt and it
 * is not the same one. An export that is merely older ends earlier, and is no other story.
 */
export function firstFork(a: Entry[], b: Entry[]): { rev: number; a: Entry; b: Entry } | null {
  const other = new Map(b.map((entry) => [entry.rev, entry]))
  for (const entry of a) {
    const twin = other.get(entry.rev)
    if (twin && twin.hash !== entry.hash) return { rev: entry.rev, a: entry, b: twin }
  }
  return null
}
