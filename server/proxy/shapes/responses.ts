// OpenAI's responses.
// owns: its usage, its stream and the way the quota block goes out in it. never: a balance; an answer kept upstream.
// always true: `store: false` is always sent; the event that ends a stream stays here until the books are written.

import type { Quota } from '../../contract/api.ts'
import type { Units } from '../../contract/receipts.ts'
import { countText, recordOf, textOf } from '../count.ts'
import { frame, jsonOf, withQuota } from '../reply-json.ts'
import { memberText, splice } from '../splice.ts'
import { type SseRules, sseReader } from '../sse.ts'
import { jsonHeaders } from './fields.ts'
import { openaiUnits } from './openai-usage.ts'
import { boundResponses, countResponses, type ResponsesAsk, readResponses } from './responses-request.ts'
import type { Answered, Sending, Shape, Target } from './shape.ts'

export const responses: Shape<ResponsesAsk> = {
  name: 'responses',
  path: '/responses',
  takes: 'application/json',
  bodyLimitBytes: 24 * 1024 * 1024,
  bareProvider: 'openai',
  typedErrors: false,
  read: readResponses,
  bound: boundResponses,
  send,
  answer,
  stream: (ask, type) => (ask.stream && /event-stream/.test(type) ? sseReader(RULES, { hideUsage: false }) : null),
  units,
  count: ({ body }, { model }, { text, events }) => ({
    input: countResponses(model, body),
    output: text === '' ? events : countText(model, text),
  }),
  ending: (last, quota) => Buffer.from(ending(last, quota)),
  errorFrame,
}

// The model's upstream name, a limit, `store: false` (the upstream's default is true); the rest as it came.
function send({ bytes, stream, limit, model }: ResponsesAsk, target: Target, maxOutput: number): Sending {
  const changes: Record<string, unknown> = { store: false }
  if (model !== target.model.upstreamModel) changes.model = target.model.upstreamModel
  if (limit === null) changes.max_output_tokens = maxOutput
  return { body: splice(bytes, changes), headers: jsonHeaders(stream) }
}

// --- the answer --------------------------------------------------------------------------------------------------------

function units(usage: unknown): Units | null {
  const { input_tokens: input, output_tokens: output, ...details } = recordOf(usage)
  const { input_tokens_details: inputDetails, output_tokens_details: outputDetails } = details
  return openaiUnits({ input, output, inputDetails, outputDetails })
}

function answer(body: Buffer): Answered | null {
  const json = jsonOf(body.toString('utf8'))
  if (!json || !Array.isArray(json.output)) return null
  // What failed without a usage has produced nothing.
  if (json.status === 'failed' && !json.usage) return null
  return { usage: json.usage, text: json.output.map(recordOf).map(textOfItem).join('') }
}

function textOfItem({ content, summary, arguments: given, input }: Readonly<Record<string, unknown>>): string {
  const parts = [content, summary].flatMap((list) => (Array.isArray(list) ? list.map(recordOf) : []))
  return parts.map((part) => textOf(part.text ?? part.refusal)).join('') + textOf(given) + textOf(input)
}

const ENDS = ['response.completed', 'response.incomplete', 'response.failed']

// Every text comes twice: in pieces, and whole in the events that end its part and the stream. Only the pieces count.
const RULES: SseRules = {
  marks: [...ENDS.map((name) => `"${name}"`), '"error"'],
  textKeys: ['delta'],
  look(seen, { data, json }) {
    if (!json) return undefined
    seen.head ??= {}
    const type = textOf(json.type)
    if (type === 'error' || (json.error && !json.response)) {
      seen.failed = true
      return null
    }
    if (!ENDS.includes(type)) return undefined
    seen.done = true
    seen.failed = type === 'response.failed'
    seen.usage = recordOf(json.response).usage ?? undefined
    seen.head = { last: data }
    return null
  },
  last: ({ head }) => textOf(head?.last),
}

// The upstream's own last event, with the quota block at the end of its `response`.
function ending(last: Buffer, quota: Quota): string {
  const data = last.toString('utf8')
  const response = memberText(last, 'response')
  const at = response === null ? -1 : data.lastIndexOf(response)
  const type = textOf(jsonOf(data)?.type)
  if (response === null || at === -1) return frame(withQuota(data, quota), type)
  return frame(data.slice(0, at) + withQuota(response, quota) + data.slice(at + response.length), type)
}

// OpenAI's own error event names code, message and param at its top level; its SDK reads `error`.
function errorFrame(body: object): string {
  const { code, message, param } = recordOf(recordOf(body).error)
  return frame(JSON.stringify({ type: 'error', code, message, param, ...body }), 'error')
}
