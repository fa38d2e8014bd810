// Checking receipts: anyone can recompute a charge.
// owns: the signature of a receipt (RFC 7515, RFC 8037), its sum, its prices, its place after another. never: the network.
// always true: the sum is the server's own arithmetic, from the same source; what cannot be checked is refused.

import { type Charge, countOf, disagreement, INPUT_TOKENS } from '../../../server/contract/charge.ts'
import { base64url, bytesOf, sha256, textOf, utf8 } from './bytes.ts'
import { parsed } from './errors.ts'
import type { PublicKeys } from './routes.ts'
import type { PriceTable, ReceiptPayload } from './types.ts'

export type ReceiptProblem =
  /** No receipt at all. */
  | 'malformed'
  /** Not signed by a published key. */
  | 'signature'
  /** A figure that does not follow from the others. */
  | 'base'
  | 'granted'
  | 'markup'
  | 'total'
  /** Not the prices that were published under its `price_version`. */
  | 'prices'
  /** It does not name the receipt before it. */
  | 'chain'
export type ReceiptCheck = { ok: true; payload: ReceiptPayload } | { ok: false; problem: ReceiptProblem }

const bad = (problem: ReceiptProblem): ReceiptCheck => ({ ok: false, problem })

/**
 * Checks one receipt.
 * @param receipt `quota.receipt`, a compact JWS
 * @param given.keys `await q.receiptKeys()`; may be kept for long
 * @param given.prices `await q.prices({ version: payload.price_version })`: checks the unit prices too
 */
export async function checkReceipt(
  receipt: string,
  given: { keys: PublicKeys; prices?: PriceTable },
): Promise<ReceiptCheck> {
  const payload = readReceipt(receipt)
  if (!payload) return bad('malformed')
  if (!(await isSigned(receipt, given.keys))) return bad('signature')
  const wrong = sumOf(payload)
  if (wrong) return bad(wrong)
  if (given.prices && !hasPrices(payload, given.prices)) return bad('prices')
  return { ok: true, payload }
}

/**
 * Checks receipts of one payer in the order of their `rev`, each by itself and as the successor of the one before.
 * An app sees a part of a person's chain; a whole one is what a person exports, or what a developer's own balance paid.
 * @param given.before the receipt that the first one follows; left out, the first one's `prev` is not looked at
 * @returns the first receipt that is not right, or null
 */
export async function checkChain(
  receipts: readonly string[],
  given: { keys: PublicKeys; before?: string | null },
): Promise<{ index: number; problem: ReceiptProblem } | null> {
  let before = given.before
  for (const [index, receipt] of receipts.entries()) {
    const check = await checkReceipt(receipt, given)
    if (!check.ok) return { index, problem: check.problem }
    const expected = before === undefined ? check.payload.prev : before && base64url(await sha256(before))
    if (check.payload.prev !== expected) return { index, problem: 'chain' }
    before = receipt
  }
  return null
}

/** A receipt's content, unchecked; null when it is no receipt. */
export function readReceipt(receipt: string): ReceiptPayload | null {
  const part = receipt.split('.')
  const payload = part.length === 3 ? json(part[1] ?? '') : undefined
  return isPayload(payload) ? payload : null
}

const TEXTS = ['iss', 'jti', 'sub', 'app', 'route', 'model', 'price_version'] as const
const COUNTS = ['base', 'markup_bps', 'markup', 'granted', 'total', 'rev', 'iat'] as const

function isPayload(value: unknown): value is ReceiptPayload {
  if (typeof value !== 'object' || value === null) return false
  const one = value as Record<string, unknown>
  return (
    one.v === 1 &&
    TEXTS.every((name) => typeof one[name] === 'string') &&
    COUNTS.every((name) => isCount(one[name])) &&
    (one.prev === null || typeof one.prev === 'string') &&
    every(one.units, isCount) &&
    every(one.unit_prices, (price) => typeof price === 'string' && /^\d{1,18}$/.test(price))
  )
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

function every(value: unknown, fits: (one: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(fits)
}

async function isSigned(receipt: string, { keys }: PublicKeys): Promise<boolean> {
  const [head = '', body = '', tail = ''] = receipt.split('.')
  const header = json(head) as { alg?: string; kid?: string; crit?: unknown } | undefined
  if ((header?.alg !== 'EdDSA' && header?.alg !== 'Ed25519') || header.crit !== undefined) return false
  const jwk = keys.find(({ kid, kty, crv }) => kid === header.kid && kty === 'OKP' && crv === 'Ed25519')
  const signature = bytesOf(tail)
  if (!jwk?.x || !signature) return false
  const key = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x: jwk.x }, 'Ed25519', false, [
    'verify',
  ])
  return crypto.subtle.verify('Ed25519', key, signature, utf8(`${head}.${body}`))
}

function sumOf(payload: Charge): ReceiptProblem | null {
  try {
    return disagreement(payload)
  } catch {
    return 'base' // a unit without a price
  }
}

// A tier by the size of the input is a row of its own, `model#input>N`: the largest N below the input counts. A call that was
// charged when nobody could say any more how it went (`estimated`) may have cost less, by the model's plain row.
function hasPrices(payload: ReceiptPayload, { version, models }: PriceTable): boolean {
  const rows: Record<string, Record<string, string | undefined> | undefined> = models
  const input = countOf(payload.units, INPUT_TOKENS)
  const sizes = Object.keys(models)
    .filter((row) => row.startsWith(`${payload.model}#input>`))
    .map((row) => Number(row.slice(row.lastIndexOf('>') + 1)))
    .filter((size) => input > size)
  const tier = sizes.length === 0 ? payload.model : `${payload.model}#input>${Math.max(...sizes)}`
  const fits = (row: string) =>
    rows[row] !== undefined && Object.entries(payload.unit_prices).every(([kind, price]) => rows[row]?.[kind] === price)
  return version === payload.price_version && (fits(tier) || (payload.estimated === true && fits(payload.model)))
}

function json(part: string): unknown {
  const bytes = bytesOf(part)
  try {
    return bytes ? parsed(textOf(bytes)) : undefined
  } catch {
    return undefined
  }
}
