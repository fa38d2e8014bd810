// The sandbox model's chat completions.
// owns: OpenAI's form of a completion and of its chunks. never: the words. always true: usage is the exact count.

import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { contentText, countPrompt } from './count.ts'
import { type Frame, pieces, type Reply, type Said, say } from './sandbox-words.ts'

const MAX_CHOICES = 128

const Limit = z.int().positive().nullish()
export const ChatRequest = z.looseObject({
  model: z.string().min(1).max(256),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  n: z.int().min(1).max(MAX_CHOICES).nullish(),
  max_tokens: Limit,
  max_completion_tokens: Limit,
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
})
type ChatRequest = z.infer<typeof ChatRequest>

type Answer = Readonly<{ id: string; created: number; model: string; choices: readonly Said[]; usage: object }>

/** @param now in ms */
export function chatReply(request: ChatRequest, now: number): Reply {
  const answer = answerTo(request, now)
  if (request.stream) return { frames: frames(answer, request.stream_options?.include_usage === true) }
  return { json: completion(answer) }
}

function answerTo(request: ChatRequest, now: number): Answer {
  const { model } = request
  const question = contentText(request.messages.findLast((message) => message.role === 'user') ?? {})
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY
  const stops = (typeof request.stop === 'string' ? [request.stop] : (request.stop ?? [])).filter((stop) => stop !== '')
  const seed = JSON.stringify([model, request.messages.map(contentText)])
  const first = request.messages.every((message) => message.role !== 'assistant')
  const choices = Array.from({ length: request.n ?? 1 }, (_, index) =>
    say({ model, question, seed: `${seed}#${index}`, first, limit, stops }),
  )
  const input = countPrompt(model, request)
  const output = choices.reduce((sum, choice) => sum + choice.tokens.length, 0)
  const usage = {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
  const id = `chatcmpl-${randomBytes(15).toString('base64url')}`
  return { id, created: Math.floor(now / 1000), model, choices, usage }
}

function completion(answer: Answer): object {
  const choices = answer.choices.map((choice, index) => ({
    index,
    message: { role: 'assistant', content: choice.text, refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: choice.finish,
  }))
  return { ...head(answer, 'chat.completion'), choices, usage: answer.usage }
}

function head(answer: Answer, object: string): object {
  const { id, created, model } = answer
  return { id, object, created, model, service_tier: 'default', system_fingerprint: 'sandbox' }
}

/** One token a chunk, then the finish, the usage if asked for, and [DONE]. */
function* frames(answer: Answer, withUsage: boolean): Generator<Frame> {
  const start = head(answer, 'chat.completion.chunk')
  const chunk = (fields: object, word = false): Frame => {
    const usage = withUsage && !('usage' in fields) ? { usage: null } : {}
    return { text: `data: ${JSON.stringify({ ...start, ...fields, ...usage })}\n\n`, word }
  }
  const delta = (index: number, content: object, finish: string | null = null, word = false) =>
    chunk({ choices: [{ index, delta: content, logprobs: null, finish_reason: finish }] }, word)
  for (const [index, choice] of answer.choices.entries()) {
    yield delta(index, { role: 'assistant', content: '', refusal: null })
    for (const content of pieces(answer.model, choice.tokens)) yield delta(index, { content }, null, true)
    yield delta(index, {}, choice.finish)
  }
  if (withUsage) yield chunk({ choices: [], usage: answer.usage })
  yield { text: 'data: [DONE]\n\n', word: false }
}
