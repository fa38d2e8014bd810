// Ids that look like Stripe's.
// owns: their shape by prefix. never: meaning. always true: letters and digits after the prefix, and no two alike.

import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** What Stripe puts between the prefix and the chance, and how long all after the prefix is. */
const SHAPES: Record<string, { mark: string; length: number }> = {
  cs_test: { mark: 'a1', length: 60 },
  cus: { mark: '', length: 14 },
  acct: { mark: '1', length: 16 },
  req: { mark: '', length: 14 },
  prod: { mark: '', length: 14 },
  pi: { mark: '3', length: 24 },
  ch: { mark: '3', length: 24 },
  re: { mark: '3', length: 24 },
}
const USUAL = { mark: '1', length: 24 }

/** @param prefix what the id begins with, without the underscore ("pi", "cs_test") */
export function stripeId(prefix: string): string {
  const { mark, length } = SHAPES[prefix] ?? USUAL
  return `${prefix}_${mark}${letters(length - mark.length)}`
}

/** Letters and digits by chance; what is left of 256 beyond whole alphabets is thrown away, so none is likelier. */
export function letters(count: number): string {
  let made = ''
  while (made.length < count) {
    for (const byte of randomBytes(count)) {
      if (byte < 4 * ALPHABET.length && made.length < count) made += ALPHABET[byte % ALPHABET.length]
    }
  }
  return made
}
