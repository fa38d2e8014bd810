// A month of the log as a statement.
// owns: its facts: balances, sums by app, the count of checks, its lines. never: storage, words, paper.
// always true: pure; sums and counts are of every charge of the month, also where the list of lines is cut.

import type { Topup } from '../server/contract/records.ts'
import type { Entry, Mark } from './db.ts'
import { dayIn } from './format.ts'
import { tokensOf } from './rollup.ts'
import { isWrong } from './verify.ts'

/** Amounts are micros, times ms. `app` is the name a person reads. */
export type StatementLine = { at: number; app: string; model: string; tokens: number } & Parts & { mark: Mark }
type Parts = { base: number; markup: number; total: number; granted: number }
export type AppSum = { app: string; calls: number } & Parts
/** A balance as the receipt of that moment says it. */
export type Known = { at: number; micros: number }

export type Statement = {
  /** "2026-11", in `zone`. */
  month: string
  zone: string
  server: string
  person: string
  real: boolean
  madeAt: number
  /** After the last call before the month, and after the last one in it; null where this device holds none. */
  opening: Known | null
  closing: Known | null
  /** What purchases of the month brought. */
  added: number
  /** The dearest app first. */
  apps: AppSum[]
  sum: AppSum
  checks: { verified: number; wrong: number }
  /** Oldest first. */
  lines: StatementLine[]
  /** Charges that are summed and not listed. */
  unlisted: number
}

/** More lines than these make a file that few programs open. */
export const LINES_MAX = 20_000

export type About = Pick<Statement, 'month' | 'zone' | 'server' | 'person' | 'real' | 'madeAt'>

/**
 * @param steps the month's entries, newest first
 * @param before the newest entry before the month
 */
export async function statementOf(
  about: About,
  steps: AsyncIterable<Entry[]>,
  { before, topups, nameOf }: { before: Entry | null; topups: Topup[]; nameOf: (app: string) => string },
): Promise<Statement> {
  const apps = new Map<string, AppSum>()
  const sum = none('')
  const checks = { verified: 0, wrong: 0 }
  const lines: StatementLine[] = []
  let closing: Known | null = null
  for await (const entries of steps) {
    for (const entry of entries) {
      closing ??= known(entry)
      const line = lineOf(entry, nameOf)
      if (!apps.has(entry.app)) apps.set(entry.app, none(line.app))
      add(apps.get(entry.app) ?? sum, line)
      add(sum, line)
      checks.verified += Number(entry.mark === 'verified')
      checks.wrong += Number(isWrong(entry.mark))
      if (lines.length < LINES_MAX) lines.push(line)
    }
  }
  return {
    ...about,
    opening: before && known(before),
    closing,
    added: addedIn(about, topups),
    apps: [...apps.values()].sort((a, b) => b.total - a.total || a.app.localeCompare(b.app)),
    sum,
    checks,
    lines: lines.reverse(),
    unlisted: sum.calls - lines.length,
  }
}

const none = (app: string): AppSum => ({ app, calls: 0, base: 0, markup: 0, total: 0, granted: 0 })

const known = ({ at, row }: Entry): Known => ({ at, micros: row.balance_after })

function lineOf({ at, app, row, mark }: Entry, nameOf: (app: string) => string): StatementLine {
  const { base_credits: base, markup_credits: markup, credits_used: total, granted_credits: granted } = row
  return { at, app: nameOf(app), model: row.model, tokens: tokensOf(row.units), base, markup, total, granted, mark }
}

function add(sum: AppSum, { base, markup, total, granted }: Parts): void {
  sum.calls++
  sum.base += base
  sum.markup += markup
  sum.total += total
  sum.granted += granted
}

const addedIn = ({ month, zone }: About, topups: Topup[]): number =>
  topups
    .filter((t) => t.status === 'paid' && t.paid_at && dayIn(zone, Date.parse(t.paid_at)).startsWith(month))
    .reduce((micros, t) => micros + t.balance_credits, 0)
