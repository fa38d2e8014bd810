// Prices that rose so much that somebody has to look at them.
// owns: what counts as such a rise. never: the prices themselves, what is done about it.
// always true: a model that was never priced here has not risen; no kind of unit, and no size of input, gets more than three
// times as dear unnoticed.

import type { UnitKind, UnitPrices } from '../contract/receipts.ts'

export const MOST_RISE = 3n

/** Prices by the names that price tables have: a model's, or `name#input>N` for a tier of it. */
export type PriceRows = Readonly<Record<string, UnitPrices>>
/** Pico-dollars per unit, as text. `model` as in PriceRows. */
export type Rise = Readonly<{ model: string; kind: UnitKind; before: string; now: string }>

/** The name of a tier in a price table: what holds above so many input tokens. */
export function tierName(name: string, overInputTokens: number): string {
  return `${name}#input>${overInputTokens}`
}

/** The model that a row of a price table belongs to. */
export function modelOf(row: string): string {
  return row.split('#input>', 1)[0] ?? row
}

/**
 * What got more than three times as dear.
 * @param before prices that the operator has seen
 * @param now a model's prices: its own row first, then its tiers
 */
export function risesOf(before: PriceRows, name: string, now: PriceRows): Rise[] {
  if (before[name] === undefined) return []
  return Object.entries(now).flatMap(([row, prices]) => {
    const old = pricesBefore(before, name, row)
    return (Object.entries(prices) as [UnitKind, string][]).flatMap(([kind, price]) => {
      // A kind that had no price could not be used, but for the fee of each call, which nobody asks for.
      const was = old[kind] ?? (kind === 'request' ? '0' : price)
      return price !== was && BigInt(price) > BigInt(was) * MOST_RISE
        ? [{ model: row, kind, before: was, now: price }]
        : []
    })
  })
}

// A tier is compared with what held for as long an input: the highest old tier that is not above it, or the model's own row.
function pricesBefore(before: PriceRows, name: string, row: string): UnitPrices {
  const own = before[name] ?? {}
  if (row === name) return own
  const size = sizeOf(row)
  const tiers = Object.keys(before).filter((key) => key.startsWith(`${name}#input>`) && sizeOf(key) <= size)
  const highest = tiers.sort((a, b) => sizeOf(b) - sizeOf(a))[0]
  return (highest === undefined ? undefined : before[highest]) ?? own
}

function sizeOf(row: string): number {
  return Number(row.slice(row.lastIndexOf('>') + 1))
}
