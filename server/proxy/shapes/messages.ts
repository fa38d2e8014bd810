// Anthropic's messages.
// owns: how the request is sent on, its usage, its stream and the way the quota block goes out in it. never: a balance.
// always true: tokens read from and written to the cache stand beside input_tokens in its usage, as in our units.

import { z } from 'zod'
import type { Units } from '../../contract/receipts.ts'
import { countText, recordOf, textOf } from '../count.ts'
import { frame, jsonOf } from '../reply-json.ts'
import { splice } from '../splice.ts'
import { type Seen, type SseRules, sseReader } from '../sse.ts'
import { jsonHeaders } from './fields.ts'
import { boundMessages, countMessages, type MessagesAsk, readMessages } from './messages-request.ts'
import type { Answered, Sending, Shape, Target } from './shape.ts'

export const messages: Shape<MessagesAsk> = {
  name: 'messages',
  path: '/messages',
  takes: 'application/json',
  bodyLimitBytes: 24 * 1024 * 1024,
  bareProvider: 'anthropic',
  typedErrors: true,
  read: readMessages,
  bound: boundMessages,
  send,
  answer,
  stream: (ask, type) => (ask.stream && /event-stream/.test(type) ? sseReader(RULES, { hideUsage: false }) : null),
  units: messagesUnits,
  count: ({ body }, { model }, { text, events }) => ({
    input: countMessages(model, body),
    output: text === '' ? events : countText(model, text),
  }),
  ending: (last, quota) =>
    Buffer.from(
      frame(JSON.stringify({ type: 'quota_usage', quota }), 'quota_usage') +
        frame(last.toString('utf8'), 'message_stop'),
    ),
  errorFrame: (body) => frame(JSON.stringify({ type: 'error', ...body }), 'error'),
}

// The model's upstream name and a limit; the rest as it came.
function send({ bytes, stream, limit, model, headers }: MessagesAsk, target: Target, maxOutput: number): Sending {
  const changes: Record<string, unknown> = {}
  if (model !== target.model.upstreamModel) changes.model = target.model.upstreamModel
  if (limit === null) changes.max_tokens = maxOutput
  return { body: splice(bytes, changes), headers: { ...headers, ...jsonHeaders(stream) } }
}

// --- the answer --------------------------------------------------------------------------------------------------------

const Count = z.int().nonnegative()
const Usage = z.looseObject({
  input_tokens: Count,
  output_tokens: Count,
  cache_read_input_tokens: Count.nullish(),
  cache_creation_input_tokens: Count.nullish(),
  cache_creation: z
    .looseObject({ ephemeral_5m_input_tokens: Count.nullish(), ephemeral_1h_input_tokens: Count.nullish() })
    .nullish(),
  output_tokens_details: z.looseObject({ thinking_tokens: Count.nullish() }).nullish(),
})

/** Cache writes are split by how long they live where the usage says so; without a word they live for five minutes. */
function messagesUnits(usage: unknown): Units | null {
  const parsed = Usage.safeParse(usage)
  if (!parsed.success) return null
  const { input_tokens: input, output_tokens: output, cache_creation: lives } = parsed.data
  const hour = lives?.ephemeral_1h_input_tokens ?? 0
  const minutes = lives?.ephemeral_5m_input_tokens ?? 0
  const written = parsed.data.cache_creation_input_tokens ?? hour + minutes
  const thinking = parsed.data.output_tokens_details?.thinking_tokens ?? 0
  if (thinking > output || hour > written || (lives && hour + minutes !== written)) return null
  return {
    input,
    cached_input: parsed.data.cache_read_input_tokens ?? 0,
    cache_write: written - hour,
    cache_write_1h: hour,
    output: output - thinking,
    reasoning: thinking,
  }
}

function answer(body: Buffer): Answered | null {
  const json = jsonOf(body.toString('utf8'))
  if (!json || !Array.isArray(json.content)) return null
  const text = json.content.map(recordOf).map((block) => {
    if (block.type === 'tool_use') return textOf(block.input)
    return textOf(block.text ?? block.thinking)
  })
  return { usage: json.usage, text: text.join('') }
}

// `message_stop` stays here until the books are written. Usage comes in message_start, with the input, and cumulative in
// message_delta; only the latter knows the output, so without it there is none.
const RULES: SseRules = {
  marks: ['"message_start"', '"message_delta"', '"message_stop"', '"error"'],
  textKeys: ['text', 'thinking', 'partial_json'],
  look(seen, { data, json }) {
    if (!json) return undefined
    if (json.type === 'error') {
      seen.failed = true
      return null
    }
    if (json.type === 'message_start') {
      seen.head ??= {}
      takeUsage(seen, recordOf(json.message).usage)
    }
    if (json.type === 'message_delta') {
      takeUsage(seen, json.usage)
      const told = (recordOf(json.usage).output_tokens ?? null) !== null
      if (told && recordOf(json.delta).stop_reason) seen.reported = true
    }
    if (json.type !== 'message_stop') return undefined
    seen.done = true
    seen.head = { ...seen.head, stop: data }
    if (!seen.reported) seen.usage = undefined
    return null
  },
  last: ({ head }) => (typeof head?.stop === 'string' ? head.stop : '{"type":"message_stop"}'),
}

// Later counts replace earlier ones; what a later event leaves out stands.
function takeUsage(seen: Seen, usage: unknown): void {
  if (usage === undefined || usage === null) return
  const told = Object.entries(recordOf(usage)).filter(([, value]) => value !== null)
  seen.usage = { ...recordOf(seen.usage), ...Object.fromEntries(told) }
}
