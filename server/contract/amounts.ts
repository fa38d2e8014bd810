// Amounts of money as integers, and their decimal text.
// owns: the two units and the only conversions between them and text. never: floats that hold money; an import.
// always true: 1_000_000 micros ("credits" on the wire) are one dollar, and one micro is 1_000_000 picos (the unit of unit
// prices). This page and charge.ts import no package, so that the SDK carries this very source.

export const MICROS_PER_DOLLAR = 1_000_000
export const PICOS_PER_MICRO = 1_000_000n

/**
 * Reads a dollar amount exactly, from its decimal text.
 * @param text decimal text with at most six decimals ("0.50", "12", "3.000001")
 * @returns micro-dollars, or null when the text is no such amount or is not a positive safe integer of micros
 */
export function microsFromDollarText(text: string): number | null {
  const match = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text)
  if (!match) return null
  const micros = Number(match[1]) * MICROS_PER_DOLLAR + Number((match[2] ?? '').padEnd(6, '0'))
  return Number.isSafeInteger(micros) && micros > 0 ? micros : null
}

/**
 * Shows micro-dollars as people read them: two decimals, or as many (up to six) as the amount needs.
 * @param micros micro-dollars, of either sign
 * @returns "$10.00", "$0.0031", "-$2.50"
 */
export function dollars(micros: number): string {
  const sign = micros < 0 ? '-' : ''
  const whole = Math.floor(Math.abs(micros) / MICROS_PER_DOLLAR)
  const decimals = String(Math.abs(micros) % MICROS_PER_DOLLAR).padStart(6, '0')
  const shown = decimals.replace(/0{1,4}$/, '')
  return `${sign}$${whole}.${shown}`
}
