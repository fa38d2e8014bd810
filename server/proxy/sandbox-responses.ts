// The sandbox model's responses.
// owns: OpenAI's form of a response and of its events. never: the words. always true: usage is the exact count.

import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { recordOf, textOf } from './count.ts'
import { type Frame, pieces, type Reply, type Said, say, typed } from './sandbox-words.ts'
import { countResponses } from './shapes/responses-request.ts'

export const ResponsesRequest = z.looseObject({
  model: z.string().min(1).max(256),
  input: z.union([z.string().min(1), z.array(z.looseObject({})).min(1)]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  stream: z.boolean().nullish(),
})
type ResponsesRequest = z.infer<typeof ResponsesRequest>

type Answer = Readonly<{
  id: string
  item: string
  created: number
  said: Said
  input: number
  request: ResponsesRequest
}>

/** @param now in ms */
export function responsesReply(request: ResponsesRequest, now: number): Reply {
  const { model, input } = request
  const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input.map(recordOf)
  const texts = items.map(itemText)
  const asked = items.findLastIndex((item) => item.role === 'user')
  const said = say({
    model,
    question: texts[asked] ?? '',
    seed: JSON.stringify([model, texts]),
    first: items.every((item) => item.role !== 'assistant'),
    limit: request.max_output_tokens ?? Number.POSITIVE_INFINITY,
  })
  const [id, item] = [`resp_${randomBytes(18).toString('hex')}`, `msg_${randomBytes(18).toString('hex')}`]
  const created = Math.floor(now / 1000)
  const answer = { id, item, created, said, input: countResponses(model, request), request }
  return request.stream ? { frames: frames(answer) } : { json: whole(answer) }
}

function itemText({ content }: Readonly<Record<string, unknown>>): string {
  if (!Array.isArray(content)) return textOf(content)
  return content.map((part) => textOf(recordOf(part).text)).join('')
}

function base({ id, created, request }: Answer) {
  const { model, instructions = null, tools = [], max_output_tokens: limit = null } = request
  const fixed = { temperature: 1, top_p: 1, tool_choice: 'auto', parallel_tool_calls: true, truncation: 'disabled' }
  const text = { format: { type: 'text' } }
  const about = { model, instructions, tools, max_output_tokens: limit, metadata: {}, text, store: false }
  return { id, object: 'response', created_at: created, error: null, ...about, ...fixed, previous_response_id: null }
}

function itemOf({ item, said }: Answer, status: string, text = said.text) {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }]
  return { id: item, type: 'message', status, role: 'assistant', content }
}

function whole(answer: Answer): Record<string, unknown> {
  const { said, input } = answer
  const output = said.tokens.length
  const status = said.finish === 'length' ? 'incomplete' : 'completed'
  const usage = {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  }
  const why = said.finish === 'length' ? { reason: 'max_output_tokens' } : null
  return { ...base(answer), status, incomplete_details: why, output: [itemOf(answer, status)], usage }
}

function* frames(answer: Answer): Generator<Frame> {
  let sequence = 0
  const event = (type: string, fields: object, word = false) =>
    typed({ type, sequence_number: sequence++, ...fields }, word)
  const begun = { ...base(answer), status: 'in_progress', incomplete_details: null, output: [], usage: null }
  const place = { item_id: answer.item, output_index: 0, content_index: 0 }
  const { text } = answer.said
  const part = { type: 'output_text', annotations: [], logprobs: [] }
  yield event('response.created', { response: begun })
  yield event('response.in_progress', { response: begun })
  yield event('response.output_item.added', {
    output_index: 0,
    item: { ...itemOf(answer, 'in_progress'), content: [] },
  })
  yield event('response.content_part.added', { ...place, part: { ...part, text: '' } })
  for (const delta of pieces(answer.request.model, answer.said.tokens))
    yield event('response.output_text.delta', { ...place, delta, logprobs: [] }, true)
  yield event('response.output_text.done', { ...place, text, logprobs: [] })
  yield event('response.content_part.done', { ...place, part: { ...part, text } })
  const response = whole(answer)
  yield event('response.output_item.done', { output_index: 0, item: itemOf(answer, textOf(response.status)) })
  yield event(`response.${textOf(response.status)}`, { response })
}
