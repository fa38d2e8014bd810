// Checking receipts on the person's own device.
// owns: signature (RFC 7515, RFC 8037), chain and arithmetic of a receipt. never: storage, the network.
// always true: a receipt is "verified" only if the server's key signed it, it follows the one before, its sum comes out
// the same here, and the row shown beside it says the same.

import { base64url, compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import type { Change } from '../server/contract/feed.ts'
import { disagreement, ReceiptPayload } from '../server/contract/receipts.ts'
import { ReceiptRow } from '../server/contract/records.ts'
import type { Entry, Mark } from './db.ts'

/** Finds a verification key by its id; null when the server has published no such key. */
export type KeyOf = (kid: string | undefined) => Promise<CryptoKey | null>

/**
 * Checks the receipts of one page in order.
 * @param changes those of topic `receipt`
 * @param before hash of the last receipt held, or null
 */
export async function checkReceipts(changes: Change[], before: string | null, keyOf: KeyOf): Promise<Entry[]> {
  const entries: Entry[] = []
  let prev = before
  for (const change of changes) {
    const row = ReceiptRow.loose().safeParse(change.row)
    if (!row.success) continue
    const hash = await hashOf(row.data.receipt)
    const payload = payloadOf(row.data.receipt)
    const again = payload !== null && payload.rev < change.rev
    const mark = await markOf({ row: row.data, payload, rev: change.rev, prev, keyOf })
    entries.push({
      rev: again ? payload.rev : change.rev,
      id: change.id,
      at: Date.parse(row.data.at),
      app: row.data.app_id,
      row: row.data,
      hash,
      mark,
    })
    if (!again) prev = hash
  }
  return entries
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

type Case = { row: ReceiptRow; payload: ReceiptPayload | null; rev: number; prev: string | null; keyOf: KeyOf }

async function markOf({ row, payload, rev, prev, keyOf }: Case): Promise<Mark> {
  if (!payload) return 'signature'
  const signed = await signature(row.receipt, keyOf)
  if (signed === 'signature') return signed
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
  if (!same || payload.rev > rev) return 'row'
  if (payload.rev === rev && payload.prev !== prev) return 'chain'
  return signed
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

/**
 * A key finder over a kept set of keys, which asks for the published set once more when a key is unknown.
 * @param refresh fetches the published keys; its failures are the caller's (a page is then not applied)
 */
export function keyFinder(kept: JsonWebKey[], refresh: () => Promise<JsonWebKey[]>): KeyOf {
  let jwks = kept
  let asked = false
  const imported = new Map<string, CryptoKey>()
  return async (kid) => {
    const find = () => jwks.find((k) => (k as { kid?: string }).kid === kid)
    if (!find() && !asked) {
      asked = true
      jwks = await refresh()
    }
    const jwk = find()
    if (!jwk || kid === undefined) return null
    const known = imported.get(kid)
    if (known) return known
    const key = (await importJWK({ ...jwk, alg: 'EdDSA' } as Parameters<typeof importJWK>[0], 'EdDSA')) as CryptoKey
    imported.set(kid, key)
    return key
  }
}

/** What a failed check means, for people. */
export const MARK_WORDS: Record<Mark, string> = {
  verified: 'Verified on this device',
  unchecked: 'Not checked: this browser cannot check signatures here',
  signature: 'The signature is not the server’s',
  chain: 'It does not follow the receipt before it: one is missing or was changed',
  row: 'The receipt and the log disagree',
  base: 'The units and prices do not add up to the base charge',
  granted: 'More was taken from a grant than the call cost',
  markup: 'The markup is not what was agreed',
  total: 'Base and markup do not add up to the total',
}
