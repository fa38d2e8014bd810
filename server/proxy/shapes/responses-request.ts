// What a request for a response may say, and how much it can use.
// owns: its fields, their refusal, the bound on its input, our own count of it. never: an answer.
// always true: tools that run at the provider's, what its account keeps and other prices than our table's are refused by name.

import {
  countText,
  IMAGE_TOKENS,
  imageExtra,
  PER_MESSAGE,
  REPLY_PRIMING,
  recordOf,
  renderedExtra,
  TEMPLATE_FIXED,
  textOf,
  UnsupportedPart,
} from '../count.ts'
import type { ModelPrice } from '../prices.ts'
import {
  bad,
  bounded,
  countOf,
  functionToolsOnly,
  modelOf,
  objectBody,
  openaiPricesOnly,
  streamOf,
  unsupported,
} from './fields.ts'
import type { Ask, Bound, Incoming, Json } from './shape.ts'

export type ResponsesAsk = Ask & Readonly<{ limit: number | null }>

/** `prompt` is kept in the account; compaction, moderation and access programs are the provider's own work or rights. */
const REFUSED = ['prompt', 'context_management', 'moderation', 'access_programs', 'modalities', 'audio']

/** Reads a request. @throws Fault bad_request, unsupported_parameter */
export function readResponses(incoming: Incoming): ResponsesAsk {
  const body = objectBody(incoming, REFUSED)
  openaiPricesOnly(body)
  functionToolsOnly(body)
  const { mode } = recordOf(body.reasoning)
  if (mode !== undefined && mode !== null && mode !== 'standard') throw unsupported('reasoning.mode')
  const model = modelOf(body)
  const { input } = body
  if (!(typeof input === 'string' && input.length > 0) && !(Array.isArray(input) && input.length > 0))
    throw bad('input', 'input is a non-empty text or list')
  return { body, bytes: incoming.bytes, model, stream: streamOf(body), limit: countOf(body, 'max_output_tokens') }
}

/** The bound: see `inputBound` for why bytes bound tokens; images and what is rendered anew cost more than their bytes. */
export function boundResponses({ body, bytes, limit }: ResponsesAsk, model: ModelPrice): Bound {
  const fixed = model.provider === 'openai' && !model.model.startsWith('gpt-oss') ? 0 : TEMPLATE_FIXED
  const inputTokens = bounded(() => {
    const rendered = renderedExtra(body.tools, recordOf(body.text).format)
    return bytes.length + fixed + rendered + itemsSurplus(body.input, model.model)
  })
  return {
    inputTokens,
    fixed: [{ kinds: ['input', 'cached_input', 'cache_write', 'cache_write_1h'], count: inputTokens }],
    perOutput: { kinds: ['output', 'reasoning'], count: 1 },
    maxOutput: limit ?? model.maxOutput,
    explicit: limit !== null,
  }
}

/** Items of the input that cost what their bytes do; where each has its parts. An item without a type is a message. */
const ITEMS: Readonly<Record<string, readonly string[]>> = {
  message: ['content'],
  function_call: [],
  function_call_output: ['output'],
  custom_tool_call: [],
  custom_tool_call_output: ['output'],
  reasoning: ['content', 'summary'],
}
const TEXT_PARTS = ['input_text', 'output_text', 'refusal', 'summary_text', 'reasoning_text', 'text']

function itemsSurplus(input: unknown, model: string): number {
  if (!Array.isArray(input)) return 0
  return input.map(recordOf).reduce((sum, item, index) => {
    const type = item.type === undefined ? 'message' : textOf(item.type)
    const places = Object.hasOwn(ITEMS, type) ? ITEMS[type] : undefined
    if (!places) throw new UnsupportedPart(`input[${index}].type`, `an item of type "${type.slice(0, 40)}"`)
    return sum + places.reduce((more, name) => more + partsSurplus(item[name], `input[${index}].${name}`, model), 0)
  }, 0)
}

function partsSurplus(parts: unknown, at: string, model: string): number {
  if (!Array.isArray(parts)) return 0
  return parts.map(recordOf).reduce((sum, part, place) => {
    const type = textOf(part.type)
    if (TEXT_PARTS.includes(type)) return sum
    if (type !== 'input_image')
      throw new UnsupportedPart(`${at}[${place}].type`, `a part of type "${type.slice(0, 40)}"`)
    if (part.file_id !== undefined && part.file_id !== null)
      throw new UnsupportedPart(`${at}[${place}].file_id`, 'a file of an upstream account')
    return sum + imageExtra(model, part.image_url)
  }, 0)
}

/** Our own count of a prompt: its texts, three tokens an item, tools and calls as their JSON. */
export function countResponses(model: string, body: Json): number {
  let tokens = REPLY_PRIMING + countText(model, textOf(body.instructions))
  if (typeof body.input === 'string') tokens += PER_MESSAGE + countText(model, body.input)
  for (const item of Array.isArray(body.input) ? body.input.map(recordOf) : []) {
    tokens += PER_MESSAGE + countText(model, textOf(item.role)) + countParts(model, item.content)
    tokens += countParts(model, item.output) + countText(model, textOf(item.arguments) + textOf(item.input))
  }
  return body.tools === undefined ? tokens : tokens + countText(model, textOf(body.tools))
}

function countParts(model: string, content: unknown): number {
  if (typeof content === 'string') return countText(model, content)
  if (!Array.isArray(content)) return 0
  return content.map(recordOf).reduce((sum, part) => {
    return sum + (part.type === 'input_image' ? IMAGE_TOKENS : countText(model, textOf(part.text ?? part.refusal)))
  }, 0)
}
