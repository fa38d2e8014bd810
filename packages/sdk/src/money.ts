// Money as an app handles it.
// owns: text in and out. never: a float. always true: amounts are whole micro-dollars ("credits": 1,000,000 are one dollar),
// written and read by the very code of the server.

import { microsFromDollarText } from '../../../server/contract/amounts.ts'

export { dollars } from '../../../server/contract/amounts.ts'

/**
 * Reads an amount of dollars, exactly.
 * @param text decimal text with at most six decimals: "0.50", "12"
 * @returns micro-dollars
 * @throws RangeError when the text is no such amount, or zero
 */
export function usd(text: string): number {
  const micros = microsFromDollarText(text)
  if (micros === null) throw new RangeError(`not an amount of dollars with at most six decimals: ${text}`)
  return micros
}

/**
 * The decimal text of an amount, as the funding routes take it.
 * @param micros a positive, safe count of micro-dollars
 * @throws RangeError for anything else
 */
export function dollarText(micros: number): string {
  if (!Number.isSafeInteger(micros) || micros <= 0) throw new RangeError(`not a positive whole amount: ${micros}`)
  const digits = String(micros).padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`
}
