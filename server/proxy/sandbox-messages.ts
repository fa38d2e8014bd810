// The sandbox model's messages.
// owns: Anthropic's form of a message and of its events. never: the words. always true: usage is the exact count.

import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { contentText } from './count.ts'
import { type Frame, pieces, type Reply, type Said, say, typed } from './sandbox-words.ts'
import { countMessages } from './shapes/messages-request.ts'

export const MessagesRequest = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  max_tokens: z.int().nonnegative(),
  stop_sequences: z.array(z.string()).nullish(),
  stream: z.boolean().nullish(),
})
type MessagesRequest = z.infer<typeof MessagesRequest>

type Answer = Readonly<{ id: string; model: string; said: Said; input: number }>

export function messagesReply(request: MessagesRequest): Reply {
  const { model, messages } = request
  const said = say({
    model,
    question: contentText(messages.findLast((message) => message.role === 'user') ?? {}),
    seed: JSON.stringify([model, messages.map(contentText)]),
    first: messages.every((message) => message.role !== 'assistant'),
    limit: request.max_tokens,
    stops: (request.stop_sequences ?? []).filter((stop) => stop !== ''),
  })
  const id = `msg_${randomBytes(15).toString('base64url')}`
  const answer = { id, model, said, input: countMessages(model, request) }
  if (request.stream) return { frames: frames(answer) }
  const content = [{ type: 'text', text: said.text, citations: null }]
  return { json: { ...head(answer, said.tokens.length), content, stop_reason: reason(said) } }
}

function head({ id, model, input }: Answer, output: number) {
  const cache = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
  const usage = { input_tokens: input, ...cache, output_tokens: output, service_tier: 'standard' }
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [] as object[],
    stop_reason: null,
    stop_sequence: null,
    usage,
  }
}

function reason({ finish }: Said): string {
  return finish === 'length' ? 'max_tokens' : 'end_turn'
}

function* frames(answer: Answer): Generator<Frame> {
  const { model, said, input } = answer
  yield typed({ type: 'message_start', message: head(answer, 0) })
  yield typed({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
  for (const text of pieces(model, said.tokens))
    yield typed({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }, true)
  yield typed({ type: 'content_block_stop', index: 0 })
  const usage = {
    input_tokens: input,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: said.tokens.length,
  }
  yield typed({ type: 'message_delta', delta: { stop_reason: reason(said), stop_sequence: null }, usage })
  yield typed({ type: 'message_stop' })
}
