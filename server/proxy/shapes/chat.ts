// Chat completions: OpenAI's shape, which most providers speak.
// owns: its fields, its usage, its stream and the way the quota block goes out in it. never: a balance.
// always true: the bound is never below the use of any answer the upstream may give to what we send.

import type { Units } from '../../contract/receipts.ts'
import { fault } from '../../faults.ts'
import { limitField, type Quirks } from '../../providers.ts'
import { countPrompt, countText, inputBound, recordOf } from '../count.ts'
import type { ModelPrice } from '../prices.ts'
import { frame, jsonOf, withQuota } from '../reply-json.ts'
import { splice } from '../splice.ts'
import { type Seen, type SseRules, sseReader } from '../sse.ts'
import {
  bad,
  bounded,
  countOf,
  functionToolsOnly,
  jsonHeaders,
  modelOf,
  objectBody,
  openaiPricesOnly,
  streamOf,
  unsupported,
} from './fields.ts'
import { openaiUnits } from './openai-usage.ts'
import type { Answered, Ask, Bound, Incoming, Json, Sending, Shape, Target } from './shape.ts'

export type ChatAsk = Ask &
  Readonly<{
    /** Answers asked for (`n`). */
    choices: number
    /** Output limit per answer, where the caller named one. */
    limit: number | null
    wantsUsage: boolean
  }>

const REFUSED = ['web_search_options', 'audio', 'prediction', 'best_of']
const MAX_CHOICES = 128
const LIMIT_FIELDS = ['max_tokens', 'max_completion_tokens'] as const

export const chat: Shape<ChatAsk> = {
  name: 'chat',
  path: '/chat/completions',
  takes: 'application/json',
  bodyLimitBytes: 24 * 1024 * 1024,
  bareProvider: 'openai',
  typedErrors: false,
  read,
  bound,
  send,
  answer,
  stream: (ask, type) =>
    ask.stream && /event-stream/.test(type) ? sseReader(RULES, { hideUsage: !ask.wantsUsage }) : null,
  units: chatUnits,
  count: ({ body }, { model }, { text, events }) => ({
    input: countPrompt(model, body),
    output: text === '' ? events : countText(model, text),
  }),
  ending: (last, quota) => Buffer.from(frame(withQuota(last.toString('utf8'), quota)) + frame('[DONE]')),
  errorFrame: (body) => frame(JSON.stringify(body)),
}

// --- the request -------------------------------------------------------------------------------------------------------

function read(incoming: Incoming): ChatAsk {
  const body = objectBody(incoming, REFUSED)
  refuse(body)
  const model = modelOf(body)
  if (!Array.isArray(body.messages) || body.messages.length === 0) throw bad('messages', 'messages is a non-empty list')
  const stream = streamOf(body)
  const choices = countOf(body, 'n') ?? 1
  if (choices > MAX_CHOICES) throw bad('n', `n is at most ${MAX_CHOICES}`)
  const options = body.stream_options as { include_usage?: unknown } | null | undefined
  const wantsUsage = options?.include_usage === true
  return { body, bytes: incoming.bytes, model, stream, choices, limit: outputLimit(body), wantsUsage }
}

function refuse(body: Json): void {
  openaiPricesOnly(body)
  functionToolsOnly(body)
  if (Array.isArray(body.modalities) && body.modalities.some((kind) => kind !== 'text')) throw unsupported('modalities')
  const options = body.stream_options
  if (options !== undefined && options !== null && (typeof options !== 'object' || Array.isArray(options)))
    throw bad('stream_options', 'stream_options is an object')
}

function outputLimit(body: Json): number | null {
  const old = countOf(body, 'max_tokens')
  const now = countOf(body, 'max_completion_tokens')
  if (old !== null && now !== null && old !== now)
    throw bad('max_tokens', 'max_tokens and max_completion_tokens differ')
  return now ?? old
}

function bound({ body, bytes, limit, choices }: ChatAsk, model: ModelPrice): Bound {
  // It would draw here too, and report its images among its text.
  if (model.unitPrices.output_image !== undefined) throw fault('model_not_found', { param: 'model' })
  const inputTokens = bounded(() => inputBound(body, bytes.length, model.provider))
  return {
    inputTokens,
    fixed: [{ kinds: ['input', 'cached_input', 'cache_write', 'cache_write_1h'], count: inputTokens }],
    perOutput: { kinds: ['output', 'reasoning'], count: choices },
    maxOutput: limit ?? model.maxOutput,
    explicit: limit !== null,
  }
}

// The model's upstream name, a limit, `store: false`, usage always asked for; the rest as it came.
function send({ bytes, body, stream, limit, model }: ChatAsk, target: Target, maxOutput: number): Sending {
  const { upstreamModel } = target.model
  const { quirks } = target.upstream
  const changes: Record<string, unknown> = {}
  if (model !== upstreamModel) changes.model = upstreamModel
  if ('store' in body) changes.store = false
  if (stream && quirks.streamOptions)
    changes.stream_options = { ...(body.stream_options as object | null | undefined), include_usage: true }
  else if ('stream_options' in body) changes.stream_options = undefined
  const asked = LIMIT_FIELDS.find((name) => typeof body[name] === 'number') ?? null
  const field = limitField(quirks, upstreamModel, asked)
  if (limit === null || field !== asked) {
    for (const name of LIMIT_FIELDS) if (name in body) changes[name] = undefined
    changes[field] = maxOutput
  }
  return { body: splice(bytes, changes), headers: jsonHeaders(stream) }
}

// --- the answer --------------------------------------------------------------------------------------------------------

/**
 * A chat usage as disjoint units. Some vendors count reasoning beside completion_tokens, and only in total_tokens.
 */
function chatUnits(usage: unknown, { reasoningInTotal }: Pick<Quirks, 'reasoningInTotal'>): Units | null {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total, ...details } = recordOf(usage)
  const beside = reasoningInTotal && Number.isSafeInteger(total) ? Number(total) - Number(input) - Number(output) : 0
  return openaiUnits({
    input,
    output: beside > 0 ? Number(output) + beside : output,
    inputDetails: details.prompt_tokens_details,
    outputDetails: beside > 0 ? { reasoning_tokens: beside } : details.completion_tokens_details,
  })
}

function answer(body: Buffer): Answered | null {
  const json = jsonOf(body.toString('utf8'))
  return json && Array.isArray(json.choices) ? { usage: json.usage, text: textOf(json.choices) } : null
}

type Choice = { message?: { content?: unknown; reasoning_content?: unknown; tool_calls?: unknown } } | null

function textOf(choices: readonly Choice[]): string {
  return choices
    .map((choice) => {
      const { content, reasoning_content: reasoning, tool_calls: tools } = choice?.message ?? {}
      const texts = [content, reasoning].filter((part) => typeof part === 'string')
      return texts.join('') + (tools ? JSON.stringify(tools) : '')
    })
    .join('')
}

// `[DONE]` and the event that carries usage alone stay here: the caller gets ours after the books are written.
const RULES: SseRules = {
  marks: ['[DONE]', '"usage"', '"error"'],
  textKeys: ['content', 'reasoning_content', 'reasoning', 'arguments', 'refusal', 'text'],
  look(seen, { data, json }) {
    if (data === '[DONE]') {
      seen.done = true
      return null
    }
    if (!json) return undefined
    // An upstream's error stays here: it may name keys and addresses of ours, and the caller gets our own.
    if (json.error && !json.choices) {
      seen.failed = true
      return null
    }
    seen.head ??= { id: json.id, created: json.created, model: json.model }
    return json.usage === undefined || json.usage === null ? undefined : takeUsage(seen, json)
  },
  last: (seen) => {
    const usage = seen.hideUsage ? {} : { usage: seen.usage ?? null }
    return JSON.stringify({ ...seen.head, object: 'chat.completion.chunk', choices: [], ...usage })
  },
}

function takeUsage(seen: Seen, json: Json): Buffer | null | undefined {
  seen.usage = json.usage
  if (!Array.isArray(json.choices) || json.choices.length === 0) {
    seen.reported = true
    return null
  }
  if (!seen.hideUsage) return undefined
  const { usage: _, ...visible } = json
  return Buffer.from(frame(JSON.stringify(visible)))
}
