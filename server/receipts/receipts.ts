// Signing and filing of receipts.
// owns: the compact JWS of a charge, the receipts table, published price tables. never: what a charge is (proxy decides).
// always true: each payer's receipts form one chain by `prev`, in feed order; a price table that was named can be read.

import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { PriceTable, ReceiptPayload } from '../contract/receipts.ts'
import { procedure, type Reader, type Secrets, type Tx } from '../db/db.ts'
import { setReceiptHash } from '../feed/feed.ts'

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
  estimated: boolean
}

/** Files a receipt and makes it the head of its payer's chain. */
export async function fileReceipt(tx: Tx, filed: FiledReceipt, compact: string): Promise<void> {
  await tx.run(
    `INSERT INTO receipts (request_id, payer, rev, app_id, publisher_id, connection_id, at, model, base, markup, granted, estimated)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
      filed.estimated ? 1 : 0,
    ],
  )
  await setReceiptHash(tx, filed.payer, receiptHash(compact))
}

/** Receipts of an app (and, when given, of one payer in it), newest first, before a cursor (a request id). */
export function usage(
  reader: Reader,
  scope: { appId: string; payer: string | null },
  before: string | null,
  limit: number,
): Promise<{ request_id: string; payer: string; rev: number }[]> {
  const mine = scope.payer === null ? '' : 'AND payer = ?'
  return reader.all(
    `SELECT request_id, payer, rev FROM receipts WHERE app_id = ? ${mine} AND request_id < ? ORDER BY request_id DESC LIMIT ?`,
    [scope.appId, ...(scope.payer === null ? [] : [scope.payer]), before ?? '~', limit],
  )
}

/** Where a receipt's document lies: whose feed, and its number there. */
export function receiptPlace(reader: Reader, requestId: string): Promise<{ payer: string; rev: number } | undefined> {
  return reader.get('SELECT payer, rev FROM receipts WHERE request_id = ?', [requestId])
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
