// Embeddings.
// owns: its input and its usage. never: an output unit (vectors are not counted), a stream.
// always true: input is text or token ids; an input of any other kind is refused.

import type { Units } from '../../contract/receipts.ts'
import { countText, recordOf } from '../count.ts'
import type { ModelPrice } from '../prices.ts'
import { jsonOf } from '../reply-json.ts'
import { splice } from '../splice.ts'
import { bad, jsonHeaders, modelOf, objectBody } from './fields.ts'
import type { Answered, Ask, Bound, Incoming, Json, Sending, Shape, Target } from './shape.ts'

/** What models that are not OpenAI's put around each text, twice over ("[CLS]", "[SEP]", a task's prefix). */
const PER_INPUT_TOKENS = 16

export const embeddings: Shape = {
  name: 'embeddings',
  path: '/embeddings',
  takes: 'application/json',
  bodyLimitBytes: 24 * 1024 * 1024,
  bareProvider: 'openai',
  typedErrors: false,
  read,
  bound,
  send,
  answer,
  stream: () => null,
  units,
  count: ({ body }, { model }) => ({
    input: inputsOf(body).reduce((sum, one) => sum + (typeof one === 'string' ? countText(model, one) : one.length), 0),
  }),
  ending: (last) => last,
  errorFrame: () => '',
}

function read(incoming: Incoming): Ask {
  const body = objectBody(incoming, [])
  const model = modelOf(body)
  if (inputsOf(body).length === 0) throw bad('input', 'input is a non-empty text, or a list of texts or of token ids')
  return { body, bytes: incoming.bytes, model, stream: false }
}

type Input = string | readonly number[]

/** Each text, or list of token ids, that becomes a vector; none when the input is anything else. */
function inputsOf({ input }: Json): readonly Input[] {
  if (typeof input === 'string') return input === '' ? [] : [input]
  const list: readonly unknown[] = Array.isArray(input) ? input : []
  if (isTokens(list)) return list.length === 0 ? [] : [list]
  return list.every(isInput) ? list : []
}

function isInput(value: unknown): value is Input {
  return typeof value === 'string' || (Array.isArray(value) && isTokens(value))
}

function isTokens(value: readonly unknown[]): value is readonly number[] {
  return value.every((id) => Number.isSafeInteger(id))
}

// A text has at most as many tokens as bytes; token ids are counted already.
function bound({ body }: Ask, _model: ModelPrice): Bound {
  const inputTokens = inputsOf(body).reduce(
    (sum, one) => sum + PER_INPUT_TOKENS + (typeof one === 'string' ? Buffer.byteLength(one) : one.length),
    0,
  )
  return {
    inputTokens,
    fixed: [{ kinds: ['input'], count: inputTokens }],
    perOutput: null,
    maxOutput: 0,
    explicit: true,
  }
}

function send({ bytes, model }: Ask, target: Target): Sending {
  const { upstreamModel } = target.model
  const body = model === upstreamModel ? bytes : splice(bytes, { model: upstreamModel })
  return { body, headers: jsonHeaders(false) }
}

function answer(body: Buffer): Answered | null {
  const json = jsonOf(body.toString('utf8'))
  return json && Array.isArray(json.data) ? { usage: json.usage, text: '' } : null
}

function units(usage: unknown): Units | null {
  const { prompt_tokens: input } = recordOf(usage)
  return Number.isSafeInteger(input) && Number(input) >= 0 ? { input: Number(input) } : null
}
