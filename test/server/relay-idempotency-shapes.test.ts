// Idempotency-Key in every API shape, and the end of what is kept.
// owns: that each shape's answer is replayed in its own words, and is gone after a day. never: conflicts and scopes (relay-idempotency.test.ts).
// always true: a replay is the first answer byte for byte, calls nobody and charges nothing.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { sweepKept } from '../../server/proxy/kept-answers.ts'
import { eachDatabase } from '../support/databases.ts'
import { type Answer, ask, errorOf } from '../support/relay-client.ts'
import { answer, completion, json } from '../support/relay-upstream.ts'
import { assertBooks, entries, MESSAGES, PRICES, relayWorld, type World } from '../support/relay-world.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const TEXT = 'An answer — with “quotes”, 語 and 🙂'

type Row = { path: string; model: string; body: Record<string, unknown>; json: object; stream?: [string, object][] }

const part = { type: 'output_text', text: TEXT, annotations: [] }
const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [part] }
const whole = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  output: [item],
  usage: { input_tokens: 9, output_tokens: 5, total_tokens: 14 },
}
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'theirs',
  content: [{ type: 'text', text: TEXT }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 5 },
}

const ROWS: Row[] = [
  {
    path: '/v1/responses',
    model: 'kept-responses',
    body: { input: 'Hello', max_output_tokens: 50 },
    json: whole,
    stream: [
      ['response.created', { type: 'response.created', response: { ...whole, output: [], usage: null } }],
      ['response.output_text.delta', { type: 'response.output_text.delta', delta: TEXT }],
      ['response.completed', { type: 'response.completed', response: whole }],
    ],
  },
  {
    path: '/v1/messages',
    model: 'kept-messages',
    body: { messages: MESSAGES, max_tokens: 50 },
    json: message,
    stream: [
      ['message_start', { type: 'message_start', message: { ...message, content: [], stop_reason: null } }],
      ['content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }],
      ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: TEXT } }],
      ['content_block_stop', { type: 'content_block_stop', index: 0 }],
      ['message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } }],
      ['message_stop', { type: 'message_stop' }],
    ],
  },
  {
    path: '/v1/embeddings',
    model: 'kept-embeddings',
    body: { input: ['Hello'] },
    json: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.1, -0.2] }],
      model: 'theirs',
      usage: { prompt_tokens: 1, total_tokens: 1 },
    },
  },
]

describe('Idempotency-Key in every shape', () => {
  let world: World
  before(async () => {
    const models = {
      'kept-responses': PRICES.mix,
      'kept-messages': { ...PRICES.mix, provider: 'anthropic' },
      'kept-embeddings': PRICES.mix,
      old: PRICES.mix,
    }
    world = await relayWorld({ models })
    const base = world.upstream.url.replace(/\/v1$/, '')
    await world.server.restart({ ANTHROPIC_BASE_URL: base, ANTHROPIC_API_KEY: 'sk-ant-test' })
    for (const row of ROWS) {
      world.upstream.on(row.model, (response: ServerResponse, call) => {
        if (call.body.stream !== true || !row.stream) return json(200, JSON.stringify(row.json))(response)
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const [event, data] of row.stream) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        return response.end()
      })
    }
  })
  after(async () => {
    await assertBooks(world.server)
    await world.stop()
  })

  const send = (path: string, key: string, body: Record<string, unknown>): Promise<Answer> =>
    ask(world.server.url, { bearer: world.developerKey, path, headers: { 'idempotency-key': key }, body })
  const charges = async () => (await entries(world.server)).filter(({ kind }) => kind === 'settle').length

  for (const row of ROWS) {
    for (const stream of row.stream ? [false, true] : [false]) {
      test(`${row.path}, ${stream ? 'stream' : 'JSON'}`, async () => {
        const key = `key of ${row.path} ${stream}`.replaceAll(' ', '-')
        const body = { model: row.model, ...row.body, ...(stream ? { stream } : {}) }
        const before = await charges()
        const first = await send(row.path, key, body)
        assert.equal(first.status, 200, first.text)
        assert.ok(first.text.includes('"quota"') && first.complete)
        const again = await send(row.path, key, body)
        assert.deepEqual(
          [again.status, again.headers['idempotency-replayed'], again.headers['content-type']],
          [200, 'true', first.headers['content-type']],
        )
        assert.equal(again.text, first.text)
        assert.ok(again.headers['x-quota-receipt'])
        assert.equal(await charges(), before + 1)
        const other = await send(row.path, key, { ...body, user: 'another' })
        assert.equal(other.status, 422, other.text)
        assert.ok(other.text.includes('idempotency_mismatch'))
      })
    }
  }

  test('the same key on another route is another key', async () => {
    const key = 'one-key'
    world.upstream.on('old', json(200, completion('x', { prompt_tokens: 1, completion_tokens: 1 })))
    const chat = await send('/v1/chat/completions', key, { model: 'old', messages: MESSAGES, max_tokens: 5 })
    const embedding = await send('/v1/embeddings', key, { model: 'kept-embeddings', input: 'Hello' })
    assert.deepEqual([chat.status, embedding.status], [200, 200], errorOf(embedding).code)
    assert.equal(embedding.headers['idempotency-replayed'], undefined)
  })

  // Last: the clock stays a day ahead.
  test('after a day the key is free again', async () => {
    world.upstream.on('old', answer({ usage: { prompt_tokens: 1, completion_tokens: 1 } }))
    const body = { model: 'old', messages: MESSAGES, max_tokens: 6 }
    const path = '/v1/chat/completions'
    const first = await send(path, 'of-yesterday', body)
    await world.server.restart({ QUOTA_CLOCK_OFFSET_MS: String(DAY_MS - 60_000) })
    assert.equal((await send(path, 'of-yesterday', body)).text, first.text, 'it is kept for nearly a day')
    await world.server.restart({ QUOTA_CLOCK_OFFSET_MS: String(DAY_MS + 1000) })
    const before = await charges()
    const anew = await send(path, 'of-yesterday', body)
    assert.deepEqual([anew.status, anew.headers['idempotency-replayed']], [200, undefined])
    assert.equal(await charges(), before + 1)
  })
})

eachDatabase('what is kept for a key', (open) => {
  test('is gone after its day, also when nobody asks again', async () => {
    let now = 1_000_000
    const { db, outside } = await open({ now: () => now })
    for (const [scope, until] of [
      ['a', 2_000_000],
      ['b', 3_000_000],
    ])
      await outside(
        `INSERT INTO kept_answers (scope, body_hash, hold_id, sealed, expires_at) VALUES ('${scope}', 'h', '${scope}', 's', ${until})`,
      )
    const left = async () =>
      (await db.all<{ scope: string }>('SELECT scope FROM kept_answers')).map(({ scope }) => scope)
    assert.deepEqual([await db.tx(sweepKept, undefined), (await left()).sort()], [0, ['a', 'b']])
    now = 2_000_000
    assert.deepEqual([await db.tx(sweepKept, undefined), await left()], [1, ['b']])
  })
})
