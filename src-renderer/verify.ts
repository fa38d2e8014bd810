// Checking receipts on the person's own device.
// owns: signature (RFC 7515, RFC 8037), chain and arithmetic of a receipt. never: storage, the network.
// always true: a receipt is "verified" only if the server's key signed it, it follows the one before, its sum comes out
// the same here, and the row shown beside it says the same.

import { base64url, compactVerify, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import type { Change } from '../server/contract/feed.ts'
import { disagreement, ReceiptPayload } from '../server/contract/receipts.ts'
import { ReceiptRow } from '../server/contract/records.ts'
import type { Entry, Mark } from './db.ts'

/** Finds a verification key by its id; null when the server has published no such key. */
export type KeyOf = (kid: string | undefined) => Promise<CryptoKey | null>

export const isWrong = (mark: Mark): boolean => mark !== 'verified' && mark !== 'unchecked'

/** Receipts of a page: new ones, and those sent again (with a note, say), which carry their first number. */
export type Checked = { entries: Entry[]; again: { entry: Entry; arrived: number }[] }

/**
 * Checks the receipts of one page. Hashes and signatures are computed side by side, the chain in order.
 * @param changes those of topic `receipt`
 * @param before hash of the last receipt held, or null
 */
export async function checkReceipts(changes: Change[], before: string | null, keyOf: KeyOf): Promise<Checked> {
  const read = await Promise.all(changes.map((change) => readReceipt(change, keyOf)))
  const entries: Entry[] = []
  const again: Checked['again'] = []
  let prev = before
  for (const one of read) {
    if (one === null) continue
    const { change, row, payload, hash } = one
    const rev = Math.min(payload?.rev ?? change.rev, change.rev)
    const mark = markOf(one, prev)
    const entry: Entry = { rev, id: change.id, at: Date.parse(row.at), app: row.app_id, row, hash, mark }
    const first = rev < change.rev && entries.find((e) => e.rev === rev && e.hash === hash)
    if (first) first.row = row
    else if (rev < change.rev) again.push({ entry, arrived: change.rev })
    else {
      entries.push(entry)
      prev = hash
    }
  }
  return { entries, again }
}

type Read = {
  change: Change
  row: ReceiptRow
  payload: ReceiptPayload | null
  hash: string
  signed: 'verified' | 'unchecked' | 'signature'
}

const Row = ReceiptRow.loose()

async function readReceipt(change: Change, keyOf: KeyOf): Promise<Read | null> {
  const row = Row.safeParse(change.row)
  if (!row.success) return null
  const { receipt } = row.data
  const [hash, signed] = await Promise.all([hashOf(receipt), signature(receipt, keyOf)])
  return { change, row: row.data, payload: payloadOf(receipt), hash, signed }
}

/** A receipt's content, unchecked; null when it is no receipt at all. */
export function payloadOf(receipt: string): ReceiptPayload | null {
  try {
    const payload = ReceiptPayload.safeParse(decodeJwt(receipt))
    return payload.success ? payload.data : null
  } catch {
    return null
  }
}

function markOf({ change, row, payload, signed }: Read, prev: string | null): Mark {
  if (!payload || signed === 'signature') return 'signature'
  const sum = sumOf(payload)
  if (sum) return sum
  const same =
    payload.jti === row.request_id &&
    payload.app === row.app_id &&
    payload.model === row.model &&
    payload.total === row.credits_used &&
    payload.base === row.base_credits &&
    payload.markup === row.markup_credits &&
    payload.granted === row.granted_credits
  if (!same || payload.rev > change.rev) return 'row'
  return payload.rev === change.rev && payload.prev !== prev ? 'chain' : signed
}

function sumOf(payload: ReceiptPayload): Mark | null {
  try {
    return disagreement(payload)
  } catch {
    return 'base'
  }
}

async function signature(receipt: string, keyOf: KeyOf): Promise<'verified' | 'unchecked' | 'signature'> {
  if (!globalThis.crypto?.subtle) return 'unchecked'
  try {
    const key = await keyOf(decodeProtectedHeader(receipt).kid)
    if (!key) return 'signature'
    await compactVerify(receipt, key, { algorithms: ['EdDSA', 'Ed25519'] })
    return 'verified'
  } catch (error) {
    return error instanceof DOMException && error.name === 'NotSupportedError' ? 'unchecked' : 'signature'
  }
}

async function hashOf(receipt: string): Promise<string> {
  if (!globalThis.crypto?.subtle) return ''
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(receipt))))
}

/** A key finder over a set of keys, and the ids that were asked for in vain. */
export function keyFinder(jwks: JsonWebKey[]): { keyOf: KeyOf; unknown: Set<string> } {
  const unknown = new Set<string>()
  const imported = new Map<string, Promise<CryptoKey | null>>()
  const find = async (kid: string): Promise<CryptoKey | null> => {
    const jwk = jwks.find((key) => (key as { kid?: string }).kid === kid)
    if (!jwk) unknown.add(kid)
    return jwk ? ((await importJWK({ ...jwk, alg: 'EdDSA' } as JWK, 'EdDSA')) as CryptoKey) : null
  }
  const keyOf: KeyOf = (kid) => {
    if (kid === undefined) return Promise.resolve(null)
    const known = imported.get(kid) ?? find(kid)
    imported.set(kid, known)
    return known
  }
  return { keyOf, unknown }
}
