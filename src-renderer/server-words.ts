// What the server says to a person, in the person's language.
// owns: finding a sentence of the server's again, with its figures. never: a sentence of the wallet. always true: one that is
// not known here is shown as the server wrote it, in English.

import { amountIn, exact, PERIOD_WORDS } from './format.ts'
import { language, say, translated } from './words.ts'

const LIMIT = '(\\$[\\d.]+) (a day|a week|a month|in total)'

/** Sentences with figures or names in them: server/connections/notices.ts, server/payments, and refusals the console hears. */
const SENTENCES: [RegExp, (...parts: string[]) => string][] = [
  [
    new RegExp(`^(.+) has reached its limit of ${LIMIT}\\.$`),
    (app = '', sum, each) => say('{app} has reached its limit of {limit}.', { app, limit: limitOf(sum, each) }),
  ],
  [
    new RegExp(`^(.+) has used 80 % of its limit of ${LIMIT}\\.$`),
    (app = '', sum, each) => say('{app} has used 80 % of its limit of {limit}.', { app, limit: limitOf(sum, each) }),
  ],
  [
    /^An automatic top-up of (\$[\d.]+) was refused by your bank\. Nothing was charged\.( Automatic top-ups are off now\.)?$/,
    (sum, off) =>
      off
        ? say(
            'An automatic top-up of {sum} was refused by your bank. Nothing was charged. Automatic top-ups are off now.',
            { sum: sumOf(sum) },
          )
        : say('An automatic top-up of {sum} was refused by your bank. Nothing was charged.', { sum: sumOf(sum) }),
  ],
  [
    /^A refund of (\$[\d.]+) did not reach your card\. The money is in your wallet again\.$/,
    (sum) => say('A refund of {sum} did not reach your card. The money is in your wallet again.', { sum: sumOf(sum) }),
  ],
  [/^The proof was not found at (.+)\.$/, (place = '') => say('The proof was not found at {place}.', { place })],
  [
    /^(?:csv: line|Line) (\d+):? (.+)$/,
    (line = '', message = '') => say('Line {line}: {message}', { line, message: translated(message) }),
  ],
  // What is wrong with a field, which keeps the name it has in the API.
  [/^([a-z_]+): (.+)$/, (field = '', why = '') => `${field}: ${translated(why)}`],
]

/** A sentence of the server's (a notice, a refusal). */
export function fromServer(english: string): string {
  if (language === 'en') return english
  const whole = translated(english)
  if (whole !== english) return whole
  for (const [pattern, words] of SENTENCES) {
    const found = pattern.exec(english)
    if (found) return words(...found.slice(1))
  }
  return english
}

function sumOf(text = ''): string {
  const micros = amountIn(text)
  return micros === null ? text : exact(micros)
}

const limitOf = (sum?: string, each?: string): string =>
  `${sumOf(sum)} ${{ 'a day': PERIOD_WORDS.day, 'a week': PERIOD_WORDS.week, 'a month': PERIOD_WORDS.month }[each ?? '']?.each ?? PERIOD_WORDS.total.each}`
