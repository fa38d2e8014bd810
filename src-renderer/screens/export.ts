// The log as files.
// owns: the CSV and JSON forms, and handing a file to the person. never: the network. always true: every entry asked for is in
// it, with its receipt; a text cell never starts like a formula; the JSON form is whole, so that it can be verified.

import { dollars } from '../../server/contract/money.ts'
import { FORMAT, type WalletExport } from '../audit.ts'
import { type Entry, getMeta, readCursor, type WalletDb } from '../db.ts'
import { writtenOn } from '../db-pages.ts'
import { everything, rowsAt } from '../log.ts'
import { tokensOf } from '../rollup.ts'
import type { Found } from './activity.tsx'

const HEAD =
  'time,app,model,tokens,base_usd,markup_usd,granted_usd,total_usd,balance_after_usd,check,tags,note,request_id,receipt\n'
const STEP = 1024

/** What a search found, newest first, a step at a time. */
export async function* foundRows(db: WalletDb, { index, selection }: Pick<Found, 'index' | 'selection'>) {
  for (let from = 0; from < selection.ordinals.length; from += STEP) {
    yield [...(await rowsAt(db, index, selection.ordinals.subarray(from, from + STEP))).values()]
  }
}

/** The entries found, as CSV (RFC 4180). */
export async function csvOf(rows: AsyncIterable<Entry[]>, nameOf: (app: string) => string): Promise<Blob> {
  const parts = [HEAD]
  for await (const step of rows) for (const entry of step) parts.push(`${cellsOf(entry, nameOf).map(cell).join(',')}\n`)
  return new Blob(parts, { type: 'text/csv' })
}

function cellsOf(entry: Entry, nameOf: (app: string) => string): string[] {
  const { row } = entry
  const { note, tags } = writtenOn(entry)
  const amounts = [row.base_credits, row.markup_credits, row.granted_credits, row.credits_used, row.balance_after]
  return [
    row.at,
    nameOf(entry.app),
    row.model,
    String(tokensOf(row.units)),
    ...amounts.map((micros) => dollars(micros).replace('$', '')),
    entry.mark,
    tags.join(' '),
    note ?? '',
    row.request_id,
    row.receipt,
  ]
}

function cell(text: string): string {
  const safe = /^[=+@\t\r-]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Everything that this device holds, for `quota-wallet verify` and for another wallet. */
export async function jsonOf(db: WalletDb, { server, account }: { server: string; account: string }): Promise<Blob> {
  const evidence = await db.evidence.orderBy('n').toArray()
  const head: Omit<WalletExport, 'receipts'> = {
    format: FORMAT,
    version: 1,
    made_at: new Date().toISOString(),
    server,
    account,
    time_zone: (await readCursor(db)).zone,
    keys: ((await getMeta(db, 'keys'))?.jwks ?? []) as Record<string, unknown>[],
    documents: await db.docs.toArray(),
    evidence: evidence.map(({ epoch, batch, rev, row }) => ({ epoch, batch, rev, row })),
  }
  const blocks: string[] = []
  for await (const rows of everything(db)) {
    blocks.push(
      rows
        .toReversed()
        .map(({ rev, row }) => `\n    ${JSON.stringify({ rev, row })}`)
        .join(','),
    )
  }
  const receipts = blocks.reverse().filter((text) => text !== '')
  const text = JSON.stringify(head, null, 2).slice(0, -2)
  return new Blob([text, ',\n  "receipts": [', receipts.join(','), '\n  ]\n}\n'], { type: 'application/json' })
}

/** Gives the person a file. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
