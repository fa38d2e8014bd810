// The books beside the provider's: what it says moved, and what we wrote.
// owns: provider_transactions, and the daily comparison. never: a correction (a difference is named, a person decides).
// always true: `world:stripe` is minus the provider's balance; each line there has its movement here, and each movement
// its line; what the provider takes for itself is booked when it is read, once.

import { procedure, type Reader, type Tx } from '../db/db.ts'
import { total } from '../ledger/chain.ts'
import { account } from '../ledger/chart.ts'
import { isMade, transfer } from '../ledger/ledger.ts'
import { CREDITS_PER_CENT, creditsOf } from './cents.ts'
import { mark, setMark } from './marks.ts'
import type { Port, TransactionSeen } from './payments.ts'

export type Difference = { kind: string; what: string; provider_cents: number | null; our_cents: number | null }
export type BooksReport = {
  at: string
  ok: boolean
  lines: number
  /** Minus what `world:stripe` stands at, and the sum of the provider's lines, in credits. */
  ours: number
  provider: number
  /** What stands at the provider at this moment, in cents. */
  balance_cents: number
  differences: Difference[]
}
type Line = {
  id: string
  type: string
  category: string
  source: string | null
  cents: number
  fee_cents: number
  at: number
}

const MARK = 'transactions'
const REPORT = 'books_report'
const AGAIN_MS = 2 * 86_400_000
const PAGE = 500
/** A line younger than this may belong to a movement that is just being written. */
const SETTLING_MS = 600_000
const DIFFERENCES_MAX = 1000

/** Lines that we did not cause: where their amount comes from, or goes to. */
const OURS_TO_BOOK: Readonly<Record<string, string>> = {
  payout: account.bank,
  payout_cancel: account.bank,
  payout_failure: account.bank,
  topup: account.bank,
  topup_reversal: account.bank,
  stripe_fee: account.costs,
  stripe_fx_fee: account.costs,
  tax_fee: account.costs,
}

const noteLines = procedure(
  'payments.noteTransactions',
  async (tx: Tx, { lines, upTo }: { lines: TransactionSeen[]; upTo: number | null }): Promise<void> => {
    for (const line of lines) {
      const added = await tx.run(
        `INSERT INTO provider_transactions (id, type, category, source, cents, fee_cents, net_cents, currency, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
        [
          line.id,
          line.type,
          line.category,
          line.source,
          line.cents,
          line.feeCents,
          line.netCents,
          line.currency,
          line.at,
        ],
      )
      if (added === 1) await bookLine(tx, line)
    }
    if (upTo !== null) await setMark(tx, MARK, String(upTo))
  },
)

async function bookLine(tx: Tx, line: TransactionSeen): Promise<void> {
  await move(tx, `fee:${line.id}`, account.costs, -line.feeCents)
  const against = OURS_TO_BOOK[line.type]
  if (against !== undefined) await move(tx, `line:${line.id}`, against, line.cents)
}

/** Moves what the provider's balance grew by (or shrank by, below zero) against an account. */
async function move(tx: Tx, id: string, against: string, cents: number): Promise<void> {
  if (cents === 0) return
  const amount = creditsOf(Math.abs(cents))
  const leg = cents > 0 ? { from: account.stripe, to: against, amount } : { from: against, to: account.stripe, amount }
  await transfer(tx, { id, legs: [leg] })
}

/** Reads the provider's lines since the last time, and two days before it: some appear late. */
export async function readTransactions(port: Port): Promise<void> {
  const begun = port.now()
  const from = Number((await mark(port.db, MARK)) ?? 0)
  const lines = await port.payments.transactions(Math.max(0, from - AGAIN_MS), begun + 1000)
  for (let i = 0; i < lines.length; i += PAGE)
    await port.db.tx(noteLines, { lines: lines.slice(i, i + PAGE), upTo: null })
  await port.db.tx(noteLines, { lines: [], upTo: begun })
}

/** Compares once: reads what is new, and names each difference. The result is kept, counted and logged. */
export async function reconcileBooks(port: Port): Promise<BooksReport> {
  await readTransactions(port)
  const balanceCents = await port.payments.balanceCents()
  const report = await port.db.snapshot((reader) => compare(reader, { nowMs: port.now(), balanceCents }))
  await port.db.tx(keepReport, { report })
  port.metrics.bookDifferences.set(report.differences.length)
  const { ok, lines, differences } = report
  if (ok) port.log.info({ lines }, 'the books agree with the payment provider')
  else
    port.log.error({ lines, differences: differences.slice(0, 20) }, 'the books do not agree with the payment provider')
  return report
}

const keepReport = procedure('payments.keepReport', (tx: Tx, { report }: { report: BooksReport }) =>
  setMark(tx, REPORT, JSON.stringify(report)),
)

/** The last comparison, or null. */
export async function lastReport(reader: Reader): Promise<BooksReport | null> {
  const text = await mark(reader, REPORT)
  return text === null ? null : JSON.parse(text)
}

/** Compares when the last comparison was on another day (UTC). */
export async function reconcileDaily(port: Port): Promise<void> {
  const day = new Date(port.now()).toISOString().slice(0, 10)
  if ((await lastReport(port.db))?.at.slice(0, 10) !== day) await reconcileBooks(port)
}

// --- below: the comparison ---------------------------------------------------------------------------------------------

async function compare(
  reader: Reader,
  { nowMs, balanceCents }: { nowMs: number; balanceCents: number },
): Promise<BooksReport> {
  const differences: Difference[] = []
  let lines = 0
  for (let after = ''; ; ) {
    const page = await reader.all<Line>(
      `SELECT id, type, category, source, cents, fee_cents, at FROM provider_transactions WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
      [after],
    )
    for (const line of page) {
      after = line.id
      lines++
      const difference = await differenceOf(reader, line)
      if (difference) differences.push(difference)
    }
    if (page.length < PAGE) break
  }
  differences.push(...(await withoutLine(reader, nowMs - SETTLING_MS)))
  const sums = await reader.get<{ net: number; latest: number }>(
    'SELECT CAST(COALESCE(SUM(net_cents), 0) AS BIGINT) AS net, CAST(COALESCE(MAX(at), 0) AS BIGINT) AS latest FROM provider_transactions',
  )
  const net = Number(sums?.net ?? 0)
  const ours = -(await total(reader, account.stripe))
  if (ours !== net * CREDITS_PER_CENT)
    differences.push({ kind: 'total', what: account.stripe, provider_cents: net, our_cents: ours / CREDITS_PER_CENT })
  // What moved at the provider while we read is no difference yet.
  if (balanceCents !== net && Number(sums?.latest ?? 0) < nowMs - SETTLING_MS)
    differences.push({
      kind: 'balance',
      what: 'the balance at the provider',
      provider_cents: balanceCents,
      our_cents: net,
    })
  return {
    at: new Date(nowMs).toISOString(),
    ok: differences.length === 0,
    lines,
    ours,
    provider: net * CREDITS_PER_CENT,
    balance_cents: balanceCents,
    differences: differences.slice(0, DIFFERENCES_MAX),
  }
}

/** What we have for a line of the provider: cents of the same sign, or null for nothing. */
const OUR_SIDE: Readonly<Record<string, (reader: Reader, line: Line) => Promise<number | null>>> = {
  charge: lotCents,
  payment: lotCents,
  refund: refundCents,
  payment_refund: refundCents,
  refund_failure: failedRefundCents,
  payment_failure_refund: failedRefundCents,
  adjustment: disputeCents,
  payment_reversal: disputeCents,
  transfer: payoutCents,
  transfer_refund: reversedCents,
  transfer_cancel: reversedCents,
  transfer_failure: reversedCents,
}

async function differenceOf(reader: Reader, line: Line): Promise<Difference | null> {
  if (OURS_TO_BOOK[line.type] !== undefined) return null
  const ours = await OUR_SIDE[line.type]?.(reader, line)
  if (ours === line.cents) return null
  const kind = ours === undefined ? 'unknown_line' : ours === null ? 'not_in_our_books' : 'amount'
  return {
    kind,
    what: `${line.type} ${line.id} (${line.source ?? '-'})`,
    provider_cents: line.cents,
    our_cents: ours ?? null,
  }
}

async function one(reader: Reader, sql: string, source: string | null): Promise<number | null> {
  const row = await reader.get<{ cents: number }>(sql, [source ?? ''])
  return row ? Number(row.cents) : null
}

function lotCents(reader: Reader, { source }: Line): Promise<number | null> {
  return one(reader, 'SELECT cents FROM lots WHERE charge = ?', source)
}

function refundCents(reader: Reader, { source }: Line): Promise<number | null> {
  return one(reader, `SELECT -cents AS cents FROM refunds WHERE stripe_id = ? AND status <> 'promised'`, source)
}

function failedRefundCents(reader: Reader, { source }: Line): Promise<number | null> {
  return one(reader, `SELECT cents FROM refunds WHERE stripe_id = ? AND status = 'failed'`, source)
}

/** A movement of a dispute is named after the line that caused it. */
async function disputeCents(reader: Reader, { id, source, cents }: Line): Promise<number | null> {
  const known = await reader.get<{ id: string }>('SELECT id FROM disputes WHERE id = ?', [source ?? ''])
  if (known) return (await isMade(reader, `dispute:${known.id}:${id}`)) ? cents : null
  // Some lines name the charge in the place of the dispute.
  const ids = await reader.all<{ id: string }>(
    'SELECT id FROM disputes WHERE payment_intent IN (SELECT payment_intent FROM lots WHERE charge = ?)',
    [source ?? ''],
  )
  for (const dispute of ids) if (await isMade(reader, `dispute:${dispute.id}:${id}`)) return cents
  return null
}

function payoutCents(reader: Reader, { source }: Line): Promise<number | null> {
  return one(reader, `SELECT -cents AS cents FROM payouts WHERE transfer = ?`, source)
}

/** Reversals are compared as a sum: the lines that came back, and what payouts say came back. */
async function reversedCents(reader: Reader, { cents }: Line): Promise<number | null> {
  const lines = await reader.get<{ cents: number }>(
    `SELECT CAST(COALESCE(SUM(cents), 0) AS BIGINT) AS cents FROM provider_transactions
     WHERE type IN ('transfer_refund', 'transfer_cancel', 'transfer_failure')`,
  )
  const ours = await reader.get<{ cents: number }>(
    'SELECT CAST(COALESCE(SUM(reversed_cents), 0) AS BIGINT) AS cents FROM payouts',
  )
  return Number(lines?.cents ?? 0) === Number(ours?.cents ?? 0) ? cents : Number(ours?.cents ?? 0)
}

/** What we wrote and the provider has no line for. */
async function withoutLine(reader: Reader, beforeMs: number): Promise<Difference[]> {
  const missing = async (kind: string, sql: string): Promise<Difference[]> => {
    const rows = await reader.all<{ id: string; cents: number }>(`${sql} LIMIT ${DIFFERENCES_MAX}`, [beforeMs])
    return rows.map(({ id, cents }) => ({
      kind: 'not_at_the_provider',
      what: `${kind} ${id}`,
      provider_cents: null,
      our_cents: Number(cents),
    }))
  }
  const none = (column: string) => `NOT EXISTS (SELECT 1 FROM provider_transactions p WHERE p.source = ${column})`
  return [
    ...(await missing(
      'payment',
      `SELECT payment_intent AS id, cents FROM lots l WHERE at < ? AND ${none('l.charge')}`,
    )),
    ...(await missing(
      'refund',
      `SELECT id, -cents AS cents FROM refunds r WHERE created_at < ? AND status <> 'promised' AND stripe_id IS NOT NULL AND ${none('r.stripe_id')}`,
    )),
    ...(await missing(
      'payout',
      `SELECT id, -cents AS cents FROM payouts o WHERE ended_at < ? AND transfer IS NOT NULL AND ${none('o.transfer')}`,
    )),
  ]
}
