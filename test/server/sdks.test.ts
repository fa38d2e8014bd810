// The SDKs that app developers use, unchanged, against a server as it starts without any provider's key.
// owns: what each SDK makes of our answers, streams and refusals. never: a look at bytes (shapes.test.ts).
// always true: only a base URL and a key are set; everything else is the SDK's own default, but for its retries.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { embed, generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { buy, createApp, createKey, type Person, register } from '../support/api.ts'
import { assertBooks, balanceOf, personWith } from '../support/relay-world.ts'
import { type Server, startServer } from '../support/server.ts'

const GPT = 'gpt-4o-mini'
const CLAUDE = 'claude-haiku-4-5'
const QUESTION = 'Hello there, who are you?'
type WithQuota = { quota?: { credits_used: number; estimated: boolean } }

let server: Server
let developer: Person
let key: string
let poorKey: string
before(async () => {
  server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
  developer = await register(server, 'developer')
  key = await createKey(server, developer, await createApp(server, developer), 'developer')
  await buy(server, developer.session, 'pro')
  poorKey = (await personWith(server, 0, 'poor')).key
})
after(() => server.stop())

/** Runs an act; it must have cost something. */
async function charged<T>(act: () => Promise<T>): Promise<T> {
  const balance = await balanceOf(server, developer)
  const result = await act()
  assert.ok((await balanceOf(server, developer)) < balance, 'nothing was charged')
  return result
}

describe('openai', () => {
  const client = (apiKey = key) => new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: QUESTION }]

  test('chat completions', async () => {
    const reply = await charged(() => client().chat.completions.create({ model: GPT, messages }))
    assert.match(reply.choices[0]?.message.content ?? '', /who are you\?/)
    const quota = (reply as WithQuota).quota
    assert.deepEqual([typeof quota?.credits_used, quota?.estimated], ['number', false])
  })
  test('chat completions, streamed', async () => {
    const text = await charged(async () => {
      let told = ''
      for await (const part of await client().chat.completions.create({ model: GPT, messages, stream: true }))
        told += part.choices[0]?.delta.content ?? ''
      return told
    })
    assert.match(text, /who are you\?/)
  })
  test('an Anthropic model on chat completions', async () => {
    const model = `anthropic/${CLAUDE}`
    const reply = await charged(() => client().chat.completions.create({ model, messages }))
    assert.match(reply.choices[0]?.message.content ?? '', /who are you\?/)
  })
  test('responses', async () => {
    const reply = await charged(() => client().responses.create({ model: GPT, input: QUESTION }))
    assert.match(reply.output_text, /who are you\?/)
    assert.equal(reply.status, 'completed')
    assert.equal((reply as WithQuota).quota?.estimated, false)
  })
  test('responses, streamed', async () => {
    const final = await charged(async () => {
      const types: string[] = []
      const stream = client().responses.stream({ model: GPT, input: QUESTION })
      for await (const event of stream) types.push(event.type)
      assert.deepEqual([types[0], types.at(-1)], ['response.created', 'response.completed'])
      return await stream.finalResponse()
    })
    assert.match(final.output_text, /who are you\?/)
    assert.equal(typeof (final as WithQuota).quota?.credits_used, 'number')
  })
  test('embeddings', async () => {
    const model = 'text-embedding-3-small'
    const reply = await charged(() => client().embeddings.create({ model, input: ['a'.repeat(400), QUESTION] }))
    assert.deepEqual([reply.data.length, reply.data[0]?.embedding.length], [2, 1536])
    assert.equal(typeof (reply as WithQuota).quota?.credits_used, 'number')
  })
  test('refusals are its own errors', async () => {
    const wrong = client('sk-quota-wrong').responses.create({ model: GPT, input: 'x' })
    await assert.rejects(wrong, (error) => error instanceof OpenAI.AuthenticationError)
    const tools = [{ type: 'web_search' as const }]
    const search = client().responses.create({ model: GPT, input: 'x', tools })
    await assert.rejects(search, (error) => {
      return (
        error instanceof OpenAI.BadRequestError && error.code === 'unsupported_parameter' && error.param === 'tools'
      )
    })
    const poor = client(poorKey).chat.completions.create({ model: GPT, messages, stream: true })
    await assert.rejects(poor, (error) => {
      return error instanceof OpenAI.APIError && error.status === 402 && error.code === 'insufficient_credits'
    })
  })
})

describe('@anthropic-ai/sdk', () => {
  const client = (apiKey = key) => new Anthropic({ baseURL: server.url, apiKey, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: QUESTION }]

  test('messages', async () => {
    const reply = await charged(() => client().messages.create({ model: CLAUDE, max_tokens: 300, messages }))
    const [block] = reply.content
    assert.match(block?.type === 'text' ? block.text : '', /who are you\?/)
    assert.equal(reply.stop_reason, 'end_turn')
    assert.equal((reply as WithQuota).quota?.estimated, false)
  })
  test('messages, raw events', async () => {
    const types: string[] = await charged(async () => {
      const body = { model: CLAUDE, max_tokens: 300, messages, stream: true as const }
      const found = []
      for await (const event of await client().messages.create(body)) found.push(event.type as string)
      return found
    })
    assert.equal(types[0], 'message_start')
    assert.deepEqual(types.slice(-3), ['message_delta', 'quota_usage', 'message_stop'])
  })
  test('messages, its stream helper', async () => {
    const final = await charged(() =>
      client().messages.stream({ model: CLAUDE, max_tokens: 5, messages, system: 'Be brief.' }).finalMessage(),
    )
    assert.deepEqual([final.stop_reason, final.usage.output_tokens], ['max_tokens', 5])
  })
  test('an access token or key as its bearer', async () => {
    const bearer = new Anthropic({ baseURL: server.url, authToken: key, apiKey: null, maxRetries: 0 })
    await charged(() => bearer.messages.create({ model: CLAUDE, max_tokens: 5, messages }))
  })
  test('refusals are its own errors, and say their type', async () => {
    const typeOf = (error: unknown) =>
      error instanceof Anthropic.APIError
        ? (error.error as { error?: { type?: string } } | undefined)?.error?.type
        : null
    const wrong = client('sk-quota-wrong').messages.create({ model: CLAUDE, max_tokens: 5, messages })
    await assert.rejects(wrong, (error) => {
      return error instanceof Anthropic.AuthenticationError && typeOf(error) === 'authentication_error'
    })
    const none = client().messages.create({ model: 'claude-nobody', max_tokens: 5, messages })
    await assert.rejects(none, (error) => {
      return error instanceof Anthropic.NotFoundError && typeOf(error) === 'not_found_error'
    })
    const poor = client(poorKey).messages.create({ model: CLAUDE, max_tokens: 5, messages, stream: true })
    await assert.rejects(poor, (error) => error instanceof Anthropic.APIError && error.status === 402)
  })
})

describe('ai', () => {
  const openai = () => createOpenAI({ baseURL: `${server.url}/v1`, apiKey: key })
  const anthropic = () => createAnthropic({ baseURL: `${server.url}/v1`, apiKey: key })
  const models = {
    'openai, responses': () => openai()(GPT),
    'openai, chat': () => openai().chat(GPT),
    anthropic: () => anthropic()(CLAUDE),
  }
  for (const [name, model] of Object.entries(models)) {
    test(`generateText, ${name}`, async () => {
      const reply = await charged(() => generateText({ model: model(), prompt: QUESTION, maxRetries: 0 }))
      assert.match(reply.text, /who are you\?/)
      assert.ok((reply.usage.outputTokens ?? 0) > 0)
    })
    test(`streamText, ${name}`, async () => {
      const text = await charged(async () => {
        let told = ''
        const failed = (failure: { error: unknown }) => assert.fail(String(failure.error))
        const reply = streamText({ model: model(), prompt: QUESTION, maxRetries: 0, onError: failed })
        for await (const part of reply.textStream) told += part
        assert.equal(await reply.finishReason, 'stop')
        return told
      })
      assert.match(text, /who are you\?/)
    })
  }
  test('embed', async () => {
    const model = openai().embedding('text-embedding-3-small')
    const { embedding } = await charged(() => embed({ model, value: 'a'.repeat(400), maxRetries: 0 }))
    assert.equal(embedding.length, 1536)
  })
})

test('and the books agree', () => assertBooks(server))
