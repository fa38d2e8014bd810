// What a model vendor says in each API shape that streams or counts tokens.
// owns: the smallest true answer of each shape, as JSON and as events. never: the server's code.
// always true: a usage given here goes out exactly as it is given.

import { chunk, completion, DONE, event, usageEvent } from './relay-upstream.ts'

export type Spoken = {
  /** After /v1. */
  path: string
  ask: (model: string, stream: boolean) => Record<string, unknown>
  /** A whole JSON answer. */
  json: (text: string, usage: unknown) => string
  /** What a stream begins with, each piece of text, and its end with the usage. */
  begin: (usage?: unknown) => string[]
  delta: (text: string) => string
  end: (usage: unknown, text?: string) => string[]
  /** A call of a tool, in pieces. */
  tool: (pieces: readonly string[]) => string[]
  /** Names of the last events a caller sees when all is well. */
  last: string[]
}

const sse = (data: { type: string } & Record<string, unknown>) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
const asked = (model: string, stream: boolean) => ({ model, ...(stream ? { stream: true } : {}) })
const MESSAGES = [{ role: 'user', content: 'Hello' }]

const chat: Spoken = {
  path: '/chat/completions',
  ask: (model, stream) => ({ ...asked(model, stream), messages: MESSAGES, max_tokens: 100 }),
  json: completion,
  begin: () => [],
  delta: chunk,
  end: (usage) => [...(usage === undefined ? [] : [usageEvent(usage as Record<string, unknown>)]), DONE],
  tool: (pieces) =>
    pieces.map((given) =>
      event({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: given } }] } }] }),
    ),
  last: ['[DONE]'],
}

const response = (status: string, text: string, usage: unknown) => ({
  id: 'resp_x',
  object: 'response',
  created_at: 1_700_000_000,
  status,
  error: null,
  model: 'theirs',
  output: [
    {
      id: 'msg_x',
      type: 'message',
      role: 'assistant',
      status,
      content: [{ type: 'output_text', text, annotations: [] }],
    },
  ],
  usage: usage ?? null,
})
const place = { item_id: 'msg_x', output_index: 0, content_index: 0 }

const responses: Spoken = {
  path: '/responses',
  ask: (model, stream) => ({ ...asked(model, stream), input: 'Hello', max_output_tokens: 100 }),
  json: (text, usage) => JSON.stringify(response('completed', text, usage)),
  begin: () => [
    sse({
      type: 'response.created',
      sequence_number: 0,
      response: { ...response('in_progress', '', null), output: [] },
    }),
  ],
  delta: (delta) => sse({ type: 'response.output_text.delta', sequence_number: 1, ...place, delta }),
  end: (usage, text = '') => [
    sse({ type: 'response.output_text.done', sequence_number: 2, ...place, text }),
    sse({ type: 'response.completed', sequence_number: 3, response: response('completed', text, usage) }),
  ],
  tool: (pieces) =>
    pieces.map((delta) =>
      sse({
        type: 'response.function_call_arguments.delta',
        sequence_number: 1,
        item_id: 'fc_x',
        output_index: 0,
        delta,
      }),
    ),
  last: ['response.completed'],
}

const message = (content: unknown[], usage: unknown) => ({
  id: 'msg_x',
  type: 'message',
  role: 'assistant',
  model: 'theirs',
  content,
  stop_reason: null,
  stop_sequence: null,
  usage,
})

const messages: Spoken = {
  path: '/messages',
  ask: (model, stream) => ({ ...asked(model, stream), messages: MESSAGES, max_tokens: 100 }),
  json: (text, usage) => JSON.stringify({ ...message([{ type: 'text', text }], usage), stop_reason: 'end_turn' }),
  begin: (usage) => [
    sse({ type: 'message_start', message: message([], usage) }),
    sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
    sse({ type: 'ping' }),
  ],
  delta: (text) => sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: (usage) => [
    sse({ type: 'content_block_stop', index: 0 }),
    sse({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      ...(usage === undefined ? {} : { usage }),
    }),
    sse({ type: 'message_stop' }),
  ],
  tool: (pieces) => [
    sse({
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 'toolu_x', name: 'f', input: {} },
    }),
    ...pieces.map((json) =>
      sse({ type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: json } }),
    ),
  ],
  last: ['quota_usage', 'message_stop'],
}

export const SPOKEN = { chat, responses, messages } as const
export type SpokenName = keyof typeof SPOKEN

/** One server-sent event of a typed shape. */
export const typedEvent = sse
export const failedResponse = (usage: unknown) =>
  sse({
    type: 'response.failed',
    sequence_number: 3,
    response: { ...response('failed', '', usage), error: { code: 'server_error', message: 'secret-host.internal' } },
  })
