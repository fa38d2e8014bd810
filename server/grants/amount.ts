// Dollars as they are written.
// owns: the number token of `amount` in a raw body. never: a float.
// always true: pure; what is read is what was written, digit by digit, or it is refused.

import { MICROS_PER_DOLLAR, microsFromDollarText } from '../contract/money.ts'
import { fault } from '../faults.ts'

// Python writes 0.00005 as 5e-05: the same number, and still no float.
const SMALL = /^(\d)(?:\.(\d{1,6}))?[eE]-0{0,3}([1-6])$/
const MICROS_TEXT = `1/${MICROS_PER_DOLLAR}`

/**
 * The amount of a funding request: dollars, a decimal number with at most six decimals (`0.50`, and `5e-05` as some
 * programs write a small one).
 * @param raw the body's bytes; they have been read as JSON without doubled top-level keys before
 * @returns micro-dollars
 * @throws Fault `bad_request`
 */
export function dollarAmount(raw: Buffer | null): number {
  const token = raw === null ? null : numberToken(raw.toString('utf8'), 'amount')
  const micros = token === null ? null : microsFromDollarText(plain(token))
  if (micros === null) {
    const message = `amount: dollars above zero, as a plain decimal number with at most six decimals (steps of ${MICROS_TEXT}).`
    throw fault('bad_request', { message, param: 'amount' })
  }
  return micros
}

function plain(token: string): string {
  const [, whole = '', decimals = '', exponent = ''] = SMALL.exec(token) ?? []
  return whole === '' ? token : `0.${'0'.repeat(Number(exponent) - 1)}${whole}${decimals}`
}

/** The text of the number that stands at a key of a JSON object's top level; null when the key or a number is missing. */
export function numberToken(json: string, key: string): string | null {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const c = json[i]
    if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
    if (c !== '"') continue
    const end = stringEnd(json, i)
    const value = depth === 1 ? valueStart(json, end) : null
    if (value !== null && unquoted(json.slice(i, end)) === key)
      return /^-?\d[\d.eE+-]*/.exec(json.slice(value, value + 400))?.[0] ?? null
    i = end - 1
  }
  return null
}

/** The index after a string that begins at `start`. */
function stringEnd(json: string, start: number): number {
  let i = start + 1
  while (i < json.length && json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i + 1
}

/** Where the value begins when a colon follows, else null: then the string was no key. */
function valueStart(json: string, from: number): number | null {
  const found = /^[ \t\r\n]*:[ \t\r\n]*/.exec(json.slice(from, from + 1000))
  return found ? from + found[0].length : null
}

function unquoted(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
