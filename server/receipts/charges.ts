// Charges in the order in which they were sealed, for those who count them and those who tell of them.
// owns: the way from the chain to receipts. never: a write, a mark (each reader keeps its own).
// always true: a reader that goes on from where it stopped meets each charge once and misses none.

import { countOf, INPUT_TOKENS, OUTPUT_TOKENS } from '../contract/charge.ts'
import type { Units } from '../contract/receipts.ts'
import type { ReceiptRow } from '../contract/records.ts'
import type { Reader } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { documentsAt } from '../feed/feed.ts'
import { settlementsAfter } from '../ledger/chain.ts'
import { legsFrom } from '../ledger/ledger.ts'

/** Amounts are micros, `at` milliseconds. */
export type Charge = {
  requestId: string
  payer: string
  rev: number
  appId: string
  publisherId: string
  model: string
  at: number
  base: number
  markup: number
  granted: number
  /** Of all kinds, in and out; null when only its document says it (a charge from before this was noted). */
  tokens: number | null
  /** Ids of the grants that paid some of it. */
  grants: readonly string[]
}

type Row = {
  request_id: string
  payer: string
  rev: number
  app_id: string
  publisher_id: string
  model: string
  at: number
  base: number
  markup: number
  granted: number
  tokens: number | null
}

/** Tokens of all kinds; images, characters, seconds and searches are none. */
export function tokensOf(units: Units): number {
  return countOf(units, INPUT_TOKENS) + countOf(units, OUTPUT_TOKENS)
}

/**
 * The charges among the next sealed movements.
 * @param seq where the last look ended
 * @returns them in order, and where this look ended; the same `seq` means that there is no more
 */
export async function chargesAfter(reader: Reader, seq: number): Promise<{ charges: Charge[]; seq: number }> {
  const looked = await settlementsAfter(reader, null, seq)
  const ids = looked.rows.flatMap(({ request_id }) => (request_id === null ? [] : [request_id]))
  const found = new Map<string, Charge>()
  for (const list of padded(ids)) {
    const rows = await reader.all<Row>(
      `SELECT request_id, payer, rev, app_id, publisher_id, model, at, base, markup, granted, tokens FROM receipts
       WHERE request_id IN (${marks(list)})`,
      list,
    )
    for (const { request_id: requestId, app_id: appId, publisher_id: publisherId, ...row } of rows)
      found.set(requestId, { requestId, appId, publisherId, ...row, grants: [] })
  }
  for (const { request_id: id, legs } of looked.rows) {
    const charge = id !== null && legs.includes('"grant:') ? found.get(id) : undefined
    if (charge) found.set(charge.requestId, { ...charge, grants: grantsIn(legs) })
  }
  return { charges: ids.flatMap((id) => found.get(id) ?? []), seq: looked.seq }
}

function grantsIn(legs: string): string[] {
  return legsFrom(legs).flatMap(({ from }) => (from.startsWith('grant:') ? [from.slice('grant:'.length)] : []))
}

/** The documents of charges as they were first written, by request id; one whose payer has left is not there. */
export async function documentsOf(reader: Reader, charges: readonly Charge[]): Promise<Map<string, ReceiptRow>> {
  const rows = await documentsAt(
    reader,
    charges.map(({ payer: feed, rev }) => ({ feed, rev })),
  )
  const documents = new Map<string, ReceiptRow>()
  for (const { doc, row } of rows) if (row !== null) documents.set(doc, JSON.parse(row))
  return documents
}
