// What a call costs, and whether a receipt says so.
// owns: the kinds of units and the arithmetic of a charge. never: keys, signatures, the clock; an import but amounts.ts.
// always true: server, wallet and SDK compute a charge with these functions, in integers, offline.

import { PICOS_PER_MICRO } from './amounts.ts'

/** Tokens that go in, disjoint: `input` is without cached, cache writes, audio and images. */
export const INPUT_TOKENS = [
  'input',
  'cached_input',
  'cache_write',
  'cache_write_1h',
  'input_audio',
  'cached_input_audio',
  'input_image',
  'cached_input_image',
] as const
/** Tokens that come out, disjoint: `output` is without reasoning, audio and images. */
export const OUTPUT_TOKENS = ['output', 'reasoning', 'output_audio', 'output_image'] as const

/** Kinds of units a call is billed in: tokens, and what some vendors count beside them or instead (`second` is of audio). */
export const UNIT_KINDS = [
  ...INPUT_TOKENS,
  ...OUTPUT_TOKENS,
  'request',
  'web_search',
  'file_search',
  'image',
  'character',
  'second',
] as const
export type UnitKind = (typeof UNIT_KINDS)[number]

type Counts = { [K in UnitKind]?: number | undefined }
type Prices = { [K in UnitKind]?: string | undefined }
/** The figures of a receipt that follow from one another. Amounts are micros, prices pico-dollars as text. */
export type Charge = {
  units: Counts
  unit_prices: Prices
  base: number
  granted: number
  markup_bps: number
  markup: number
  total: number
}

/** How many units of these kinds there are together. */
export function countOf(units: Counts, kinds: readonly UnitKind[]): number {
  return kinds.reduce((sum, kind) => sum + (units[kind] ?? 0), 0)
}

/**
 * The base cost of a call: the sum of units times unit prices, rounded up once to a whole micro-dollar.
 * @param units counts per kind
 * @param prices pico-dollars per unit, as text; every kind in `units` must be priced
 * @returns micro-dollars
 * @throws RangeError when a counted kind has no price
 */
export function baseMicros(units: Counts, prices: Prices): number {
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
export function disagreement(receipt: Charge): 'base' | 'granted' | 'markup' | 'total' | null {
  if (baseMicros(receipt.units, receipt.unit_prices) !== receipt.base) return 'base'
  if (receipt.granted > receipt.base) return 'granted'
  if (markupMicros(receipt.base - receipt.granted, receipt.markup_bps) !== receipt.markup) return 'markup'
  return receipt.base + receipt.markup === receipt.total ? null : 'total'
}
