// The sandbox model: OpenAI's wire shape, exact counts, the same words for the same question.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { countText } from '../server/proxy/count.ts'
import { type SandboxModel, startSandboxModel } from '../server/proxy/sandbox-model.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
let sandbox: SandboxModel
let openai: OpenAI
before(async () => {
  sandbox = await startSandboxModel({ clock: () => NOW, tokenMs: 0 })
  openai = new OpenAI({ baseURL: sandbox.baseUrl, apiKey: 'sandbox', maxRetries: 0 })
})
after(() => sandbox.close())

const ask = (content: string, more: object = {}) => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user' as const, content }],
  ...more,
})
const post = (body: string, path = '/chat/completions', method = 'POST') =>
  fetch(`${sandbox.baseUrl}${path}`, { method, ...(method === 'GET' ? {} : { body }) })

async function streamed(content: string, more: object = {}) {
  const chunks: OpenAI.ChatCompletionChunk[] = []
  for await (const chunk of await openai.chat.completions.create({ ...ask(content, more), stream: true }))
    chunks.push(chunk)
  const of = (index: number) => chunks.flatMap((c) => c.choices.filter((choice) => choice.index === index))
  const text = (index = 0) =>
    of(index)
      .map((choice) => choice.delta.content ?? '')
      .join('')
  return { chunks, of, text }
}

describe('a JSON answer', () => {
  it('has the shape the stock SDK expects, and refers to the last message', async () => {
    const reply = await openai.chat.completions.create(ask('How do I keep bees on a balcony?'))
    assert.match(reply.id, /^chatcmpl-/)
    assert.deepEqual(
      [reply.object, reply.created, reply.model, reply.system_fingerprint],
      ['chat.completion', NOW / 1000, 'gpt-4o-mini', 'sandbox'],
    )
    const [choice] = reply.choices
    assert.equal(choice?.finish_reason, 'stop')
    assert.match(choice?.message.content ?? '', /How do I keep bees on a balcony\?/)
  })

  it('counts exactly: the published rule for the prompt, the tokenizer for the text', async () => {
    const reply = await openai.chat.completions.create(ask('hello'))
    // 3 for the message, 1 for "user", 1 for "hello", 3 for the answer's priming.
    assert.equal(reply.usage?.prompt_tokens, 8)
    const tokens = countText('gpt-4o-mini', reply.choices[0]?.message.content ?? '')
    assert.equal(reply.usage?.completion_tokens, tokens)
    assert.equal(reply.usage?.total_tokens, 8 + tokens)
  })

  it('says the same to the same question, and something else to another or to the next choice', async () => {
    const text = async (content: string) => {
      const reply = await openai.chat.completions.create(ask(content, { n: 2 }))
      return reply.choices.map((choice) => choice.message.content)
    }
    const [first, again, other] = [await text('one'), await text('one'), await text('two')]
    assert.deepEqual(first, again)
    assert.notDeepEqual(first, other)
    assert.notEqual(first[0], first[1])
  })

  it('stops at the limit, by either name, on exactly that many tokens', async () => {
    for (const limit of [1, 2, 7, 30]) {
      for (const name of ['max_tokens', 'max_completion_tokens']) {
        const reply = await openai.chat.completions.create(ask('Tell me about the sea', { [name]: limit }))
        const content = reply.choices[0]?.message.content ?? ''
        assert.equal(reply.choices[0]?.finish_reason, 'length')
        assert.equal(reply.usage?.completion_tokens, limit)
        assert.equal(countText('gpt-4o-mini', content), limit)
      }
    }
  })

  it('never counts more than the limit or other than the text, whatever is quoted', async () => {
    for (const question of [
      '👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿 𝔘𝔫𝔦',
      '漢字かな交じり文',
      '\u0000\u0001',
      'ﷺﷺﷺ',
      '<|endoftext|>',
      '',
      '\ufffd"\\',
    ]) {
      for (const limit of [3, 11, 12, 13, 14, 15, 16, 17, 18, 1_000]) {
        const reply = await openai.chat.completions.create(ask(question, { max_tokens: limit }))
        const content = reply.choices[0]?.message.content ?? ''
        assert.ok((reply.usage?.completion_tokens ?? 0) <= limit)
        assert.equal(countText('gpt-4o-mini', content), reply.usage?.completion_tokens)
        assert.ok(!content.includes('\ufffd'))
      }
    }
  })

  it('bills every choice, and cuts at a stop sequence', async () => {
    const three = await openai.chat.completions.create(ask('hi', { n: 3, max_tokens: 10 }))
    assert.equal(three.choices.length, 3)
    assert.equal(three.usage?.completion_tokens, 30)
    const stopped = await openai.chat.completions.create(ask('hi', { stop: ['sandbox'] }))
    assert.ok(!stopped.choices[0]?.message.content?.includes('sandbox'))
    assert.equal(stopped.choices[0]?.finish_reason, 'stop')
  })
})

describe('a stream', () => {
  it('is the same text as the JSON answer, in pieces of about a token, ended by a reason', async () => {
    const whole = await openai.chat.completions.create(ask('What is a wallet?'))
    const { chunks, of, text } = await streamed('What is a wallet?')
    assert.equal(text(), whole.choices[0]?.message.content)
    assert.equal(of(0).length, (whole.usage?.completion_tokens ?? 0) + 2) // the role first, the reason last
    assert.deepEqual(of(0)[0]?.delta.role, 'assistant')
    assert.equal(of(0).at(-1)?.finish_reason, 'stop')
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1)
    assert.ok(chunks.every((chunk) => chunk.object === 'chat.completion.chunk' && !('usage' in chunk)))
  })

  it('reports usage in a last chunk of its own, only when asked', async () => {
    const { chunks, text } = await streamed('hello', { stream_options: { include_usage: true }, max_tokens: 9 })
    const last = chunks.at(-1)
    assert.deepEqual(last?.choices, [])
    assert.equal(last?.usage?.prompt_tokens, 8)
    assert.equal(last?.usage?.completion_tokens, 9)
    assert.equal(countText('gpt-4o-mini', text()), 9)
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null))
  })

  it('keeps characters of several tokens whole', async () => {
    const { chunks, text } = await streamed('𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🏴󠁧󠁢󠁥󠁮󠁧󠁿')
    assert.match(text(), /𝔘𝔫𝔦𝔠𝔬𝔡𝔢/)
    assert.ok(!JSON.stringify(chunks).includes('\ufffd'))
  })

  it('streams every choice', async () => {
    const { text } = await streamed('hi', { n: 2, max_tokens: 5 })
    assert.equal(countText('gpt-4o-mini', text(0)), 5)
    assert.equal(countText('gpt-4o-mini', text(1)), 5)
  })

  it('ends with [DONE], pauses between tokens, and outlives a caller who hangs up', async () => {
    const slow = await startSandboxModel({ tokenMs: 20 })
    try {
      const url = `${slow.baseUrl}/chat/completions`
      const body = JSON.stringify(ask('hi', { stream: true, max_tokens: 10 }))
      const start = performance.now()
      const text = await (await fetch(url, { method: 'POST', body })).text()
      assert.ok(text.endsWith('data: [DONE]\n\n'))
      assert.ok(performance.now() - start >= 150)
      const hangUp = new AbortController()
      const reply = await fetch(url, { method: 'POST', body, signal: hangUp.signal })
      await reply.body?.getReader().read()
      hangUp.abort()
      assert.equal((await fetch(url, { method: 'POST', body })).status, 200)
    } finally {
      await slow.close()
    }
  })
})

describe('what it refuses, as OpenAI does', () => {
  const rows: [why: string, body: string, status: number][] = [
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['a list', '[]', 400],
    ['no model', '{"messages":[{"role":"user","content":"x"}]}', 400],
    ['no messages', '{"model":"m","messages":[]}', 400],
    ['a message without a role', '{"model":"m","messages":[{}]}', 400],
    ['a limit of zero', JSON.stringify(ask('x', { max_tokens: 0 })), 400],
    ['a fractional limit', JSON.stringify(ask('x', { max_tokens: 1.5 })), 400],
    ['too many choices', JSON.stringify(ask('x', { n: 129 })), 400],
  ]
  for (const [why, body, status] of rows) {
    it(why, async () => {
      const reply = await post(body)
      assert.equal(reply.status, status)
      const { error } = (await reply.json()) as { error: { message: string; type: string } }
      assert.equal(error.type, 'invalid_request_error')
      assert.ok(error.message)
    })
  }
  it('another path or method', async () => {
    assert.equal((await post('{}', '/files')).status, 404)
    assert.equal((await post('', '/chat/completions', 'GET')).status, 404)
  })
})

describe('the other shapes count exactly as well', () => {
  const reply = async (path: string, body: object) => (await post(JSON.stringify(body), path)).json()
  const model = 'gpt-4o-mini'

  it('responses', async () => {
    const whole = await reply('/responses', { model, input: 'hello' })
    const text = whole.output[0].content[0].text
    // 3 for the answer's priming, 3 for the message, 1 for "hello".
    assert.deepEqual([whole.usage.input_tokens, whole.usage.output_tokens], [7, countText(model, text)])
    const short = await reply('/responses', { model, input: 'hello', max_output_tokens: 5 })
    assert.deepEqual([short.status, short.usage.output_tokens], ['incomplete', 5])
  })

  it('messages', async () => {
    const body = { model, max_tokens: 1000, messages: [{ role: 'user', content: 'hello' }], system: 'hello' }
    const whole = await reply('/messages', body)
    // 1 for the system prompt, 3 for the message, 1 for "hello".
    assert.deepEqual(
      [whole.usage.input_tokens, whole.usage.output_tokens],
      [5, countText(model, whole.content[0].text)],
    )
    const short = await reply('/messages', { ...body, max_tokens: 5 })
    assert.deepEqual([short.stop_reason, short.usage.output_tokens], ['max_tokens', 5])
    assert.equal((await reply('/messages', { ...body, max_tokens: 0 })).usage.output_tokens, 0)
  })

  it('embeddings: vectors of length one, the same for the same text', async () => {
    const whole = await reply('/embeddings', { model, input: ['hello', 'hello', 'you'], dimensions: 8 })
    assert.deepEqual(whole.usage, { prompt_tokens: 3, total_tokens: 3 })
    const [one, same, other] = whole.data.map((row: { embedding: number[] }) => row.embedding)
    assert.deepEqual([one.length, one], [8, same])
    assert.notDeepEqual(one, other)
    assert.ok(Math.abs(Math.hypot(...one) - 1) < 1e-6)
  })
})
