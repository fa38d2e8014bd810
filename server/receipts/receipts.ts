// Signing and filing of receipts.
// owns: the compact JWS of a charge, the receipts table, published price tables. never: what a charge is (proxy decides).
// always true: each payer's receipts form one chain by `prev`, in feed order; a price table that was named can be read.

import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { PriceTable, ReceiptPayload } from '../contract/receipts.ts'
import type { ReceiptRow } from '../contract/records.ts'
import { procedure, type Reader, type Secrets, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { documentsBefore, setReceiptHash } from '../feed/feed.ts'

/** Signs a payload as a compact JWS, EdDSA over Ed25519 (RFC 7515, RFC 8037). */
export function signReceipt(secrets: Secrets, payload: ReceiptPayload): string {
  const input = `${headerFor(secrets.receiptKid)}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`
  return `${input}.${sign(null, Buffer.from(input), keyFor(secrets.receiptKeyPem)).toString('base64url')}`
}

/** What the payer's next receipt names as `prev`: base64url of SHA-256 over this compact receipt. */
export function receiptHash(compact: string): string {
  return createHash('sha256').update(compact).digest('base64url')
}

export type FiledReceipt = {
  requestId: string
  payer: string
  rev: number
  appId: string
  publisherId: string
  connectionId: string | null
  model: string
  base: number
  markup: number
  granted: number
  /** What the publisher's grants to this payer have left, micros. */
  grantsAfter: number
  estimated: boolean
  tokens: number
}

/** Files a receipt and makes it the head of its payer's chain. */
export async function fileReceipt(tx: Tx, filed: FiledReceipt, compact: string): Promise<void> {
  await tx.run(
    `INSERT INTO receipts (request_id, payer, rev, app_id, publisher_id, connection_id, at, model, base, markup, granted,
       grants_after, estimated, tokens)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      filed.requestId,
      filed.payer,
      filed.rev,
      filed.appId,
      filed.publisherId,
      filed.connectionId,
      tx.now,
      filed.model,
      filed.base,
      filed.markup,
      filed.granted,
      filed.grantsAfter,
      filed.estimated ? 1 : 0,
      filed.tokens,
    ],
  )
  await setReceiptHash(tx, filed.payer, receiptHash(compact))
}

/** Where a receipt's document lies (whose feed, its number there), and what the grants had left, micros. */
export type Place = { payer: string; rev: number; grants_after: number }

/** Receipts of an app, newest first, before a cursor (a request id). */
export function usageOfApp(
  reader: Reader,
  appId: string,
  before: string | null,
  limit: number,
): Promise<(Place & { request_id: string })[]> {
  return reader.all<Place & { request_id: string }>(
    'SELECT request_id, payer, rev, grants_after FROM receipts WHERE app_id = ? AND request_id < ? ORDER BY request_id DESC LIMIT ?',
    [appId, before ?? '~', limit],
  )
}

/** A receipt's document as its app sees it: what is left is what is spendable there, the publisher's grants included. */
export function shownToApp(document: ReceiptRow, { grants_after }: Pick<Place, 'grants_after'>): ReceiptRow {
  return { ...document, balance_after: document.balance_after + grants_after }
}

const LOOKED_AT_MAX = 2000

/**
 * Receipts of one payer in an app, newest first, before a cursor (a request id of theirs): read from the payer's own
 * feed, so it costs no index and no walk through what others did in a large app.
 * @returns the page, which may be short, and the next cursor; null at the end
 * @throws Fault `bad_request` for a cursor that is none
 */
export async function usageOfPayer(
  reader: Reader,
  { payer, appId }: { payer: string; appId: string },
  before: string | null,
  limit: number,
): Promise<{ rows: ReceiptRow[]; next: string | null }> {
  const from = before === null ? null : await receiptPlace(reader, before)
  if (before !== null && from?.payer !== payer) throw fault('bad_request', { param: 'cursor' })
  const older = { feed: payer, topic: 'receipt', rev: from?.rev ?? Number.MAX_SAFE_INTEGER }
  const looked = await documentsBefore(reader, older, LOOKED_AT_MAX)
  const rows: ReceiptRow[] = []
  let last: string | null = null
  for (const { rev, doc, row } of looked) {
    // What a person wrote beside a receipt sends its document again, at a later number: that is no app's business.
    const place = await receiptPlace(reader, doc)
    if (place?.rev !== rev) continue
    last = doc
    const document: ReceiptRow = JSON.parse(row)
    if (document.app_id === appId) rows.push(shownToApp(document, place))
    if (rows.length === limit) return { rows, next: last }
  }
  return { rows, next: looked.length === LOOKED_AT_MAX ? last : null }
}

export function receiptPlace(reader: Reader, requestId: string): Promise<Place | undefined> {
  return reader.get('SELECT payer, rev, grants_after FROM receipts WHERE request_id = ?', [requestId])
}

/** Publishes a price table; the same version is written once. */
export const publishPrices = procedure('receipts.publishPrices', async (tx: Tx, table: PriceTable) => {
  await tx.run('INSERT INTO price_tables (version, body, at) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING', [
    table.version,
    JSON.stringify(table),
    tx.now,
  ])
})

export async function priceTable(reader: Reader, version: string): Promise<string | null> {
  return (
    (await reader.get<{ body: string }>('SELECT body FROM price_tables WHERE version = ?', [version]))?.body ?? null
  )
}

// One key and one header live as long as the process; parsing a PEM per receipt would cost more than signing.
let cached: { pem: string; key: KeyObject } | null = null
function keyFor(pem: string): KeyObject {
  if (cached?.pem !== pem) cached = { pem, key: createPrivateKey(pem) }
  return cached.key
}

const headers = new Map<string, string>()
function headerFor(kid: string): string {
  let header = headers.get(kid)
  if (!header) {
    header = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'quota-receipt+jws', kid })).toString('base64url')
    headers.set(kid, header)
  }
  return header
}
