// The books for an accountant.
// owns: two forms of them - CSV, and a journal that hledger and ledger read. never: a figure that is not a movement.
// always true: each line is a posting of a sealed movement, in chain order, in dollars with six decimals; what was only
// held is not in it; a journal's transactions sum to zero.

import type { Reader } from '../db/db.ts'
import { entriesAfter, type MovementRow } from '../ledger/chain.ts'
import { kindOf } from '../ledger/chart.ts'
import { type Leg, legsFrom, netByAccount } from '../ledger/ledger.ts'

const PAGE = 2000

/**
 * Our accounts under the names of double-entry bookkeeping. What we owe is a liability: our sign is the other one, so
 * every amount is turned.
 */
const NAMES: Readonly<Record<string, string>> = {
  user: 'liabilities:wallets',
  external: 'liabilities:wallets:unclaimed',
  pool: 'liabilities:pools',
  grant: 'liabilities:grants',
  earnings: 'liabilities:publishers:earnings',
  payable: 'liabilities:publishers:payable',
  reserve: 'liabilities:publishers:reserve',
  receivable: 'assets:receivable',
  disputed: 'assets:disputed',
  sales: 'income:sales',
  fees: 'income:fees',
  forfeited: 'income:forfeited',
  costs: 'expenses:provider',
  loss: 'expenses:loss',
  'world:stripe': 'assets:stripe',
  'world:bank': 'assets:bank',
  world: 'equity',
}

export type Span = { fromMs: number; toMs: number }

/** Rows of a CSV file (RFC 4180): date, seq, movement, kind, account, amount. */
export async function* csvOf(reader: Reader, span: Span): AsyncGenerator<string> {
  yield 'date,seq,movement,kind,account,name,amount,memo\r\n'
  for await (const { row, net } of moved(reader, span)) {
    let text = ''
    for (const [id, change] of net) {
      const cells = [
        new Date(row.at).toISOString(),
        row.seq,
        row.id,
        row.kind,
        id,
        nameOf(id),
        decimal(-change),
        memoOf(row),
      ]
      text += `${cells.map(cell).join(',')}\r\n`
    }
    yield text
  }
}

/** A journal: https://hledger.org/hledger.html#journal */
export async function* journalOf(reader: Reader, span: Span): AsyncGenerator<string> {
  yield 'commodity USD 1000.000000\n\n'
  for await (const { row, net } of moved(reader, span)) {
    let text = `${new Date(row.at).toISOString().slice(0, 10)} * (${row.seq}) ${plain(row.id)}${memoOf(row) ? ` | ${plain(memoOf(row))}` : ''}\n`
    for (const [id, change] of net) text += `    ${nameOf(id)}  USD ${decimal(-change)}\n`
    yield `${text}\n`
  }
}

async function* moved(
  reader: Reader,
  { fromMs, toMs }: Span,
): AsyncGenerator<{ row: MovementRow; net: [string, number][] }> {
  for (let seq = 0; ; ) {
    const rows = await entriesAfter(reader, seq, PAGE)
    for (const row of rows) {
      seq = row.seq ?? seq
      if (row.kind === 'hold' || row.at < fromMs || row.at >= toMs) continue
      const net = [...netByAccount(legsFrom(row.legs).filter(isMoney))].filter(([, change]) => change !== 0)
      if (net.length > 0) yield { row, net }
    }
    if (rows.length < PAGE) return
  }
}

function isMoney({ from }: Leg): boolean {
  return kindOf(from).unit === 'usd'
}

function nameOf(id: string): string {
  const exact = NAMES[id]
  if (exact) return exact
  const [kind = '', ...rest] = id.split(':')
  return [NAMES[kind] ?? kind, ...rest.map((part) => part.replaceAll(/[^A-Za-z0-9_-]/g, '_'))].join(':')
}

/** Micro-dollars as dollars with six decimals. */
export function decimal(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(7, '0')
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
}

/** A memo in words; what was kept for a program stays out. */
function memoOf({ memo }: MovementRow): string {
  return memo === null || memo.startsWith('{') ? '' : memo
}

function plain(text: string): string {
  return text.replaceAll(/[\r\n;|]/g, ' ')
}

function cell(value: string | number | null): string {
  const text = String(value ?? '')
  // A leading sign of a formula is kept from spreadsheets (OWASP, CSV injection); amounts are ours and stay as they are.
  const safe = /^[=+@\t]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
