// A receipt is one signed charge, and this page recomputes it.
// owns: the payload of a receipt and the arithmetic of a charge. never: keys, signatures, the clock.
// always true: server and wallet compute a charge with the same functions, in integers, offline.

import { z } from 'zod'
import { PICOS_PER_MICRO } from './money.ts'

/**
 * Kinds of units a call is billed in; disjoint: `input` is without cached, cache writes, audio and images, `output` without
 * reasoning, audio and images. Those seven are tokens; `image` and `second` (of audio) are what some vendors count instead.
 */
export const UnitKind = z.enum([
  'input',
  'cached_input',
  'cache_write',
  'cache_write_1h',
  'input_audio',
  'cached_input_audio',
  'input_image',
  'cached_input_image',
  'output',
  'reasoning',
  'output_audio',
  'output_image',
  'request',
  'web_search',
  'file_search',
  'image',
  'character',
  'second',
])
export type UnitKind = z.infer<typeof UnitKind>

/** Counts per kind; a kind that does not occur is left out. */
export const Units = z.partialRecord(UnitKind, z.int().nonnegative())
export type Units = z.infer<typeof Units>

/** Price of one unit in pico-dollars, as decimal text. */
export const UnitPrices = z.partialRecord(UnitKind, z.string().regex(/^\d{1,18}$/))
export type UnitPrices = z.infer<typeof UnitPrices>

/** The payload of a receipt, a compact JWS (EdDSA, Ed25519; RFC 7515, RFC 8037). Amounts are micros. */
export const ReceiptPayload = z.object({
  v: z.literal(1),
  iss: z.string(),
  iat: z.int(),
  jti: z.string(),
  sub: z.string(),
  app: z.string(),
  connection: z.string().nullable(),
  route: z.string(),
  model: z.string(),
  price_version: z.string(),
  units: Units,
  unit_prices: UnitPrices,
  base: z.int().nonnegative(),
  markup_bps: z.int().nonnegative(),
  markup: z.int().nonnegative(),
  granted: z.int().nonnegative(),
  total: z.int().nonnegative(),
  estimated: z.boolean(),
  rev: z.int().positive(),
  prev: z.string().nullable(),
})
export type ReceiptPayload = z.infer<typeof ReceiptPayload>

/**
 * The base cost of a call: the sum of units times unit prices, rounded up once to a whole micro-dollar.
 * @param units counts per kind
 * @param prices pico-dollars per unit, as text; every kind in `units` must be priced
 * @returns micro-dollars
 * @throws RangeError when a counted kind has no price
 */
export function baseMicros(units: Units, prices: UnitPrices): number {
  let picos = 0n
  for (const [kind, count] of Object.entries(units)) {
    if (!count) continue
    const price = prices[kind as UnitKind]
    if (price === undefined) throw new RangeError(`no price for ${kind}`)
    picos += BigInt(count) * BigInt(price)
  }
  return Number((picos + PICOS_PER_MICRO - 1n) / PICOS_PER_MICRO)
}

/**
 * The markup of a call. Grants pay base only, so it is taken on the part of the base paid from bought money.
 * @param basePaidFromBalance micro-dollars of base not covered by grants
 * @param markupBps hundredths of a percent
 * @returns micro-dollars, rounded down (in the payer's favour)
 */
export function markupMicros(basePaidFromBalance: number, markupBps: number): number {
  return Number((BigInt(basePaidFromBalance) * BigInt(markupBps)) / 10_000n)
}

/**
 * Recomputes a receipt from its own units and prices.
 * @returns null when every figure agrees, else the name of the first figure that does not
 */
export function disagreement(receipt: ReceiptPayload): 'base' | 'granted' | 'markup' | 'total' | null {
  if (baseMicros(receipt.units, receipt.unit_prices) !== receipt.base) return 'base'
  if (receipt.granted > receipt.base) return 'granted'
  if (markupMicros(receipt.base - receipt.granted, receipt.markup_bps) !== receipt.markup) return 'markup'
  return receipt.base + receipt.markup === receipt.total ? null : 'total'
}

/** Public price table of one version: model → unit prices, at `/v1/prices/{version}`. */
export const PriceTable = z.object({
  version: z.string(),
  models: z.record(z.string(), UnitPrices),
})
export type PriceTable = z.infer<typeof PriceTable>
