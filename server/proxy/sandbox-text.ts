// What the sandbox model says.
// owns: its sentences. never: tokens, the wire. always true: the same question gets the same words.

import { createHash } from 'node:crypto'

const OPENINGS = [
  'Good question.',
  'Happy to help with that.',
  'Here is how I would look at it.',
  'Let me take this step by step.',
  'That is worth a careful answer.',
]
const POINTS = [
  'Start with the part that you can check today, because a small result you trust is worth more than a large one you hope for.',
  'Most of the difficulty is in the first decision; once that is made, the rest tends to follow from it.',
  'It helps to write down what would change your mind before you look at the numbers.',
  'Two things usually matter more than the rest: what it costs when it goes wrong, and how soon you would notice.',
  'If you have done something similar before, the shortest path is to copy what worked and change one thing at a time.',
  'Keep the first version plain, and add to it only when somebody asks for more.',
  'Ask one person who has to live with the outcome; they tend to see what everybody else has missed.',
  'There is a simple test for this: explain it in two sentences, and see which of the two you hesitate on.',
  'A limit that is set in advance makes the decision easier, since you know what the worst case is.',
  'The details depend on your situation, but the order of the steps rarely does.',
]
const CLOSINGS = [
  'Tell me a little more about what you have in mind, and I can be more exact.',
  'If one of these does not fit, say which, and I will suggest another way.',
  'Would you like an example, or the short version as a list?',
  'That should be enough to begin with.',
]
const NOTE =
  'I am the sandbox model of this server: my words are prepared, the tokens and the prices are counted as for a real one.'

const SHORT_POINTS = 3
const LONG_POINTS = 16
const QUOTE_LENGTH = 80

/**
 * An answer in plain English that refers to the question.
 * @param question the person's last message
 * @param seed everything else that the answer depends on (the conversation, the number of the choice)
 * @param first whether this is the first answer of a conversation: then it says who is speaking
 */
export function sandboxText(question: string, seed: string, first = true): string {
  const digest = createHash('sha256').update(`${seed}\n${question}`).digest()
  const pick = (list: readonly string[], at: number): string =>
    list[(digest[at % digest.length] ?? 0) % list.length] ?? ''
  const quote = quoted(question)
  const subject = quote === '' ? 'You did not say much, so I will keep this general.' : `You wrote: “${quote}”.`
  const long = /\b(long|essay|story|detail|explain|article)/i.test(question)
  const points: string[] = []
  for (let i = 0; points.length < (long ? LONG_POINTS : SHORT_POINTS); i++) {
    const start = (digest[1] ?? 0) + i
    points.push(POINTS[start % POINTS.length] ?? '')
    if (points.length % 4 === 0) points.push('\n\n')
  }
  const body = points
    .join(' ')
    .replace(/ ?\n\n ?/g, '\n\n')
    .trim()
  return `${pick(OPENINGS, 2)} ${subject} ${body}\n\n${pick(CLOSINGS, 3)}${first ? ` ${NOTE}` : ''}`
}

/** The beginning of the question on one line, without what a page or a terminal could trip over. */
function quoted(question: string): string {
  const line = question.replace(/[\p{C}\p{Z}\s\ufffd“”]+/gu, ' ').trim()
  const letters = [...line]
  return letters.length <= QUOTE_LENGTH
    ? line
    : `${letters
        .slice(0, QUOTE_LENGTH - 1)
        .join('')
        .trimEnd()}…`
}
