// Words of the sandbox model, cut into tokens.
// owns: what it says within a limit, and its frames. never: the form of an answer (the sandbox's shapes say that).
// always true: a cut text counts, read on its own, exactly as many tokens as it was cut to.

import { countText, encodeText, tokenizerFor } from './count.ts'
import { sandboxText } from './sandbox-text.ts'

export type Said = Readonly<{ text: string; tokens: readonly number[]; finish: 'stop' | 'length' }>

/** One piece of a stream; before a `word` the model takes a breath. */
export type Frame = Readonly<{ text: string; word: boolean }>

/** What a path of the sandbox answers: JSON or bytes at once, or frames. */
export type Reply = { json: object } | { bytes: Buffer; type: string } | { frames: Iterable<Frame> }

export type Question = Readonly<{
  model: string
  question: string
  seed: string
  first: boolean
  /** Output tokens. */
  limit: number
  stops?: readonly string[]
}>

/** The same words for the same question. */
export function say({ model, question, seed, first, limit, stops = [] }: Question): Said {
  return cut(model, untilStop(sandboxText(question, seed, first), stops), limit)
}

/**
 * The longest beginning of a text within a number of tokens that counts exactly as many tokens when it is read on its own.
 * That is nearly always the limit itself; a cut through a character of several tokens falls back by a few.
 */
function cut(model: string, text: string, limit: number): Said {
  const tokens = encodeText(model, text)
  if (tokens.length <= limit) return { text, tokens, finish: 'stop' }
  const { decode } = tokenizerFor(model)
  for (let length = limit; length > 0; length--) {
    const beginning = decode(tokens.slice(0, length))
    if (text.startsWith(beginning) && countText(model, beginning) === length) {
      return { text: beginning, tokens: tokens.slice(0, length), finish: 'length' }
    }
  }
  return { text: '', tokens: [], finish: 'length' }
}

function untilStop(text: string, stops: readonly string[]): string {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0)
  return text.slice(0, Math.min(text.length, ...places))
}

/** One token a piece; a character of several tokens waits for its last. */
export function* pieces(model: string, tokens: readonly number[]): Generator<string> {
  const { decode } = tokenizerFor(model)
  let pending: number[] = []
  for (const token of tokens) {
    pending.push(token)
    const text = decode(pending)
    if (text.endsWith('\ufffd')) continue
    yield text
    pending = []
  }
  if (pending.length > 0) yield decode(pending)
}

/** One server-sent event with the name of its type. */
export function typed(data: Readonly<{ type: string } & Record<string, unknown>>, word = false): Frame {
  return { text: `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`, word }
}
