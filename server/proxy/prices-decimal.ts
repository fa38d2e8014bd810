// Dollars in decimal text become whole pico-dollars, or nothing.
// owns: that one conversion. never: float arithmetic on money. always true: what is not exact is refused, not rounded.

import type { UnitPrices } from '../contract/receipts.ts'

const PICOS_PER_DOLLAR = 1_000_000_000_000n
const LONGEST_PRICE = 18
const DECIMAL = /^(\d{1,12})(?:\.(\d{1,24}))?(?:e([+-]\d{1,2}))?$/

/**
 * Reads "0.15 dollars per 1,000,000 units" as 150,000 picos per unit.
 * @param text decimal text; the shortest text of a JSON number ("7.5e-7") is understood too
 * @param per how many units the price is for
 * @returns pico-dollars per unit as text, or null when the text is no such number or the price is no whole number of picos
 */
export function picosPerUnit(text: string, per: bigint): string | null {
  const match = DECIMAL.exec(text)
  if (!match) return null
  const decimals = match[2] ?? ''
  const exponent = Number(match[3] ?? '0') - decimals.length
  const digits = BigInt(`${match[1]}${decimals}`)
  const scale = 10n ** BigInt(Math.abs(exponent))
  const above = digits * PICOS_PER_DOLLAR * (exponent > 0 ? scale : 1n)
  const below = per * (exponent < 0 ? scale : 1n)
  if (above % below !== 0n) return null
  const picos = String(above / below)
  return picos.length <= LONGEST_PRICE ? picos : null
}

/**
 * Fills the kinds that vendors bill at another kind's price, so that a receipt names the price of every unit it counts:
 * cached input and cache writes cost what input costs, one-hour cache writes what cache writes cost, reasoning what output costs.
 */
export function fillPrices(given: UnitPrices): UnitPrices {
  const filled: UnitPrices = { ...given }
  if (filled.input !== undefined) {
    filled.cached_input ??= filled.input
    filled.cache_write ??= filled.input
    filled.cache_write_1h ??= filled.cache_write
  }
  if (filled.output !== undefined) filled.reasoning ??= filled.output
  if (filled.input_audio !== undefined) filled.cached_input_audio ??= filled.input_audio
  if (filled.input_image !== undefined) filled.cached_input_image ??= filled.input_image
  return filled
}
