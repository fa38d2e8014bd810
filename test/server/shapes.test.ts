// What each API shape of each provider charges, JSON and streamed, and what it refuses.
// owns: provider x route x form x kind of use, with charges worked out by hand. never: endings (shapes-endings.test.ts).
// always true: each row calls its vendor once, with the vendor's own key and path; the receipt says the units of the row.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createKey } from '../support/api.ts'
import { ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { SPOKEN, type SpokenName } from '../support/relay-shapes.ts'
import { chunk, DONE, event, json, pieces, type Script } from '../support/relay-upstream.ts'
import { assertBooks, balanceOf, entries, relayWorld, type World } from '../support/relay-world.ts'

/** Micros a token: input 4, cached 1, cache write 5, for an hour 8, output 20, reasoning 30. */
const PRICES = { input: '4', cached_input: '1', cache_write: '5', cache_write_1h: '8', output: '20', reasoning: '30' }
const PROVIDERS = ['openai', 'anthropic', 'mistral', 'x-ai'] as const
type Provider = (typeof PROVIDERS)[number]
type Units = Record<string, number>
type Row = {
  provider: Provider
  shape: SpokenName
  kind: string
  usage: Record<string, unknown>
  units: Units
  charge: number
  body?: Record<string, unknown>
}

const chatUsage = (input: number, output: number, more: object = {}) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  ...more,
})
const responsesUsage = (input: number, output: number, inputs: object = {}, outputs: object = {}) => ({
  input_tokens: input,
  input_tokens_details: { cached_tokens: 0, ...inputs },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: 0, ...outputs },
  total_tokens: input + output,
})
const messagesUsage = (input: number, output: number, more: object = {}) => ({
  input_tokens: input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: output,
  ...more,
})
const CACHE = { cache_control: { type: 'ephemeral' } }
const cachedFor = (ttl: string) => ({
  system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl } }],
})
const FUNCTION = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }
const FLAT = { type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }
const TOOL = { name: 'f', input_schema: { type: 'object', properties: {} } }

const plainChat = (provider: Provider): Row => ({
  provider,
  shape: 'chat',
  kind: 'plain',
  usage: chatUsage(10, 4),
  units: { input: 10, output: 4 },
  charge: 10 * 4 + 4 * 20,
})

const ROWS: Row[] = [
  ...PROVIDERS.map(plainChat),
  {
    ...plainChat('openai'),
    kind: 'cached',
    usage: chatUsage(10, 4, { prompt_tokens_details: { cached_tokens: 6 } }),
    units: { input: 4, cached_input: 6, output: 4 },
    charge: 4 * 4 + 6 * 1 + 4 * 20,
  },
  {
    ...plainChat('openai'),
    kind: 'cache write',
    usage: chatUsage(10, 4, { prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 3 } }),
    units: { input: 5, cached_input: 2, cache_write: 3, output: 4 },
    charge: 5 * 4 + 2 * 1 + 3 * 5 + 4 * 20,
  },
  {
    ...plainChat('openai'),
    kind: 'reasoning',
    usage: chatUsage(10, 9, { completion_tokens_details: { reasoning_tokens: 5 } }),
    units: { input: 10, output: 4, reasoning: 5 },
    charge: 10 * 4 + 4 * 20 + 5 * 30,
  },
  {
    ...plainChat('x-ai'),
    kind: 'reasoning, counted beside',
    usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 19 },
    units: { input: 10, output: 4, reasoning: 5 },
    charge: 10 * 4 + 4 * 20 + 5 * 30,
  },
  { ...plainChat('openai'), kind: 'tools', body: { tools: [FUNCTION] } },
  { ...plainChat('anthropic'), kind: 'tools', body: { tools: [FUNCTION] } },
  {
    ...plainChat('openai'),
    kind: 'two answers of a JSON schema, with their probabilities',
    body: {
      n: 2,
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: {} } },
    },
    usage: chatUsage(10, 150),
    units: { input: 10, output: 150 },
    charge: 10 * 4 + 150 * 20,
  },
  {
    provider: 'openai',
    shape: 'responses',
    kind: 'plain',
    usage: responsesUsage(10, 4),
    units: { input: 10, output: 4 },
    charge: 10 * 4 + 4 * 20,
  },
  {
    provider: 'x-ai',
    shape: 'responses',
    kind: 'plain',
    usage: responsesUsage(10, 4),
    units: { input: 10, output: 4 },
    charge: 10 * 4 + 4 * 20,
  },
  {
    provider: 'openai',
    shape: 'responses',
    kind: 'cached',
    usage: responsesUsage(10, 4, { cached_tokens: 6 }),
    units: { input: 4, cached_input: 6, output: 4 },
    charge: 4 * 4 + 6 * 1 + 4 * 20,
  },
  {
    provider: 'openai',
    shape: 'responses',
    kind: 'cache write',
    usage: responsesUsage(10, 4, { cached_tokens: 2, cache_write_tokens: 3 }),
    units: { input: 5, cached_input: 2, cache_write: 3, output: 4 },
    charge: 5 * 4 + 2 * 1 + 3 * 5 + 4 * 20,
  },
  {
    provider: 'openai',
    shape: 'responses',
    kind: 'reasoning',
    usage: responsesUsage(10, 9, {}, { reasoning_tokens: 5 }),
    units: { input: 10, output: 4, reasoning: 5 },
    charge: 10 * 4 + 4 * 20 + 5 * 30,
    body: { reasoning: { effort: 'high' } },
  },
  {
    provider: 'openai',
    shape: 'responses',
    kind: 'tools',
    usage: responsesUsage(10, 4),
    units: { input: 10, output: 4 },
    charge: 10 * 4 + 4 * 20,
    body: { tools: [FLAT], input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }] },
  },
  {
    provider: 'anthropic',
    shape: 'messages',
    kind: 'plain',
    usage: messagesUsage(10, 4),
    units: { input: 10, output: 4 },
    charge: 10 * 4 + 4 * 20,
  },
  {
    provider: 'anthropic',
    shape: 'messages',
    kind: 'cached, beside the input',
    usage: messagesUsage(4, 4, { cache_read_input_tokens: 6 }),
    units: { input: 4, cached_input: 6, output: 4 },
    charge: 4 * 4 + 6 * 1 + 4 * 20,
    body: CACHE,
  },
  {
    provider: 'anthropic',
    shape: 'messages',
    kind: 'cache write, lives unsaid',
    usage: messagesUsage(5, 4, { cache_read_input_tokens: 2, cache_creation_input_tokens: 3 }),
    units: { input: 5, cached_input: 2, cache_write: 3, output: 4 },
    charge: 5 * 4 + 2 * 1 + 3 * 5 + 4 * 20,
    body: CACHE,
  },
  {
    provider: 'anthropic',
    shape: 'messages',
    kind: 'cache write, some for an hour',
    usage: messagesUsage(5, 4, {
      cache_creation_input_tokens: 3,
      cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 2 },
    }),
    units: { input: 5, cache_write: 1, cache_write_1h: 2, output: 4 },
    charge: 5 * 4 + 1 * 5 + 2 * 8 + 4 * 20,
    body: cachedFor('1h'),
  },
  {
    provider: 'anthropic',
    shape: 'messages',
    kind: 'thinking',
    usage: messagesUsage(10, 9, { output_tokens_details: { thinking_tokens: 5 } }),
    units: { input: 10, output: 4, reasoning: 5 },
    charge: 10 * 4 + 4 * 20 + 5 * 30,
    body: { thinking: { type: 'adaptive' } },
  },
  {
    provider: 'anthropic',
    shape: 'messages',
    kind: 'tools',
    usage: messagesUsage(10, 4),
    units: { input: 10, output: 4 },
    charge: 10 * 4 + 4 * 20,
    body: { tools: [TOOL] },
  },
]

const TOOL_PIECES = ['{"a":', '"b"}']
const KEYS: Record<Provider, Partial<Record<SpokenName, [header: string, value: string]>>> = {
  openai: { chat: ['authorization', 'Bearer k-openai'], responses: ['authorization', 'Bearer k-openai'] },
  anthropic: { chat: ['authorization', 'Bearer k-anthropic'], messages: ['x-api-key', 'k-anthropic'] },
  mistral: { chat: ['authorization', 'Bearer k-mistral'] },
  'x-ai': { chat: ['authorization', 'Bearer k-x-ai'], responses: ['authorization', 'Bearer k-x-ai'] },
}

const nameOf = (row: Row) => `t-${ROWS.indexOf(row)}`

/** A vendor's answer to a row, whole or in events; Anthropic tells its input at the start and everything at the end. */
function script(row: Row, stream: boolean): Script {
  const spoken = SPOKEN[row.shape]
  if (!stream) return json(200, spoken.json('a b', row.usage))
  // Without stream_options the last piece of the answer carries the usage.
  if (row.provider === 'mistral')
    return pieces(
      chunk('a b'),
      event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: row.usage }),
      DONE,
    )
  const tool = row.kind === 'tools' ? spoken.tool(TOOL_PIECES) : []
  return pieces(
    ...spoken.begin({ ...row.usage, output_tokens: 1, output_tokens_details: null }),
    spoken.delta('a b'),
    ...tool,
    ...spoken.end(row.usage, 'a b'),
  )
}

function unitsOf(receipt: string): Units {
  return JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString()).units
}

/** Every provider is the same scripted vendor, each with a key of its own. */
function settings(url: string) {
  return {
    OPENAI_API_KEY: 'k-openai',
    ANTHROPIC_BASE_URL: url.replace(/\/v1$/, ''),
    ANTHROPIC_API_KEY: 'k-anthropic',
    MISTRAL_BASE_URL: url,
    MISTRAL_API_KEY: 'k-mistral',
    XAI_BASE_URL: url,
    XAI_API_KEY: 'k-x-ai',
  }
}

type Quota = { credits_used: number; estimated: boolean; receipt: string; balance_after: number }

/** The quota block of a stream, wherever its shape puts it. */
function quotaIn(frames: readonly Record<string, unknown>[]): Quota | undefined {
  const found = frames.map((frame) => frame.quota ?? (frame.response as Record<string, unknown> | undefined)?.quota)
  return found.filter((quota) => quota !== undefined).at(-1) as Quota | undefined
}

describe('what each shape charges', () => {
  let world: World
  before(async () => {
    const priced = ROWS.map((row): [string, object] => [
      nameOf(row),
      { ...PRICES, provider: row.provider, max_output: 1000 },
    ])
    const models = { ...Object.fromEntries(priced), 't-vectors': { input: '4', output: '0' } }
    world = await relayWorld({ models, env: settings })
  })
  after(() => world.stop())

  for (const row of ROWS) {
    for (const stream of [false, true]) {
      const spoken = SPOKEN[row.shape]
      test(`${row.provider} ${spoken.path} ${stream ? 'stream' : 'JSON'}, ${row.kind}`, async () => {
        const model = nameOf(row)
        world.upstream.on(model, script(row, stream))
        const calls = world.upstream.of(model).length
        const balance = await balanceOf(world.server, world.developer)
        const seen = await ask(world.server.url, {
          path: `/v1${spoken.path}`,
          bearer: world.developerKey,
          body: { ...spoken.ask(`${row.provider}/${model}`, stream), ...row.body },
        })
        assert.equal(seen.status, 200, seen.text)
        const quota = stream ? quotaIn(parsedFrames(seen)) : (jsonOf(seen).quota as Quota)
        assert.ok(quota, seen.text)
        assert.deepEqual([quota.credits_used, quota.estimated], [row.charge, false])
        assert.deepEqual(unitsOf(quota.receipt), row.units)
        assert.equal(await balanceOf(world.server, world.developer), balance - row.charge, 'nothing else moved')

        const [call, ...more] = world.upstream.of(model).slice(calls)
        assert.equal(more.length, 0)
        assert.equal(call?.path, `/v1${spoken.path}`)
        assert.deepEqual(KEYS[row.provider][row.shape], [
          KEYS[row.provider][row.shape]?.[0],
          call?.headers[KEYS[row.provider][row.shape]?.[0] ?? ''],
        ])
        assert.ok(!JSON.stringify(call?.headers).includes('sk-quota-'), 'our key goes nowhere')
        if (row.shape === 'responses') assert.equal(call?.body.store, false)
        if (stream) assertStreamed(row, seen.text)
        else
          assert.ok(seen.text.startsWith(spoken.json('a b', row.usage).slice(0, -1)), 'the answer itself is untouched')
      })
    }
  }

  // The bytes before the end are the vendor's own; then come ours, and nothing after.
  function assertStreamed(row: Row, text: string): void {
    const spoken = SPOKEN[row.shape]
    if (row.provider !== 'mistral') {
      const tool = row.kind === 'tools' ? spoken.tool(TOOL_PIECES) : []
      const passed = [spoken.delta('a b'), ...tool].join('')
      assert.ok(text.includes(passed), text)
    }
    const events = text
      .trimEnd()
      .split('\n\n')
      .map((one) => /^event: (.*)$/m.exec(one)?.[1] ?? one.replace(/^data: /, ''))
    assert.deepEqual(events.slice(-spoken.last.length), spoken.last)
  }

  describe('embeddings', () => {
    const vectors = (usage: unknown) =>
      JSON.stringify({ object: 'list', data: [{ embedding: [0.1] }], model: 'm', usage })
    const rows: [kind: string, input: unknown, usage: unknown, charge: number, estimated: boolean][] = [
      ['a text', 'Hello', { prompt_tokens: 3, total_tokens: 3 }, 12, false],
      ['texts', ['Hello', 'you'], { prompt_tokens: 5 }, 20, false],
      ['token ids', [1, 2, 3], { prompt_tokens: 3 }, 12, false],
      ['lists of token ids', [[1], [2, 3]], { prompt_tokens: 0 }, 0, false],
      ['no usage: our own count', ['Hello', [1, 2]], undefined, 3 * 4, true],
      ['a usage above the bound', 'Hello', { prompt_tokens: 22 }, 4, true],
      ['a usage at the bound', 'Hello', { prompt_tokens: 21 }, 84, false],
      ['a mad usage', 'Hello', { prompt_tokens: -1 }, 4, true],
    ]
    for (const [kind, input, usage, charge, estimated] of rows) {
      test(kind, async () => {
        world.upstream.on('t-vectors', json(200, vectors(usage)))
        const path = '/v1/embeddings'
        const seen = await ask(world.server.url, {
          path,
          bearer: world.developerKey,
          body: { model: 't-vectors', input },
        })
        assert.equal(seen.status, 200, seen.text)
        const quota = jsonOf(seen).quota as Quota
        assert.deepEqual([quota.credits_used, quota.estimated], [charge, estimated])
        assert.deepEqual(world.upstream.of('t-vectors').at(-1)?.body, { model: 't-vectors', input })
      })
    }
    for (const input of [undefined, '', [], 7, [1, 'x'], [['x']], {}]) {
      test(`refused: ${JSON.stringify(input)}`, async () => {
        const path = '/v1/embeddings'
        const seen = await ask(world.server.url, {
          path,
          bearer: world.developerKey,
          body: { model: 't-vectors', input },
        })
        assert.deepEqual([seen.status, errorOf(seen).param], [400, 'input'])
      })
    }
  })

  test('each route bills a user in the path form too', async () => {
    const [row] = ROWS.filter(({ shape }) => shape === 'messages')
    assert.ok(row)
    for (const shape of ['chat', 'responses', 'messages'] as const) {
      const path = `/v1/users/nobody${SPOKEN[shape].path}`
      const body = SPOKEN[shape].ask(`anthropic/${nameOf(row)}`, false)
      const seen = await ask(world.server.url, { path, bearer: world.userKey, body })
      assert.deepEqual([seen.status, errorOf(seen).code], [404, 'user_not_found'])
    }
  })

  test('a bare name is Anthropic’s on /v1/messages, and nobody’s shape is spoken for another', async () => {
    const row = ROWS.find(({ shape }) => shape === 'messages')
    assert.ok(row)
    world.upstream.on(nameOf(row), script(row, false))
    const bearer = world.developerKey
    const messages = (model: string) =>
      ask(world.server.url, { path: '/v1/messages', bearer, body: SPOKEN.messages.ask(model, false) })
    assert.equal((await messages(nameOf(row))).status, 200)
    const other = await messages('openai/t-0')
    assert.deepEqual([other.status, errorOf(other).code, jsonOf(other).type], [404, 'model_not_found', 'error'])
    const body = SPOKEN.responses.ask('mistral/t-2', false)
    assert.equal((await ask(world.server.url, { path: '/v1/responses', bearer, body })).status, 404)
  })

  describe('refused by name, before anything is held', () => {
    const file = { type: 'file', file_id: 'file_1' }
    const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })
    const item = (given: unknown) => ({ input: [given] })
    const rows: [shape: SpokenName, body: Record<string, unknown>, param: string][] = [
      ['messages', { mcp_servers: [{ url: 'x' }] }, 'mcp_servers'],
      ['messages', { container: 'c' }, 'container'],
      ['messages', { context_management: {} }, 'context_management'],
      ['messages', { speed: 'fast' }, 'speed'],
      ['messages', { inference_geo: 'us' }, 'inference_geo'],
      ['messages', { service_tier: 'priority' }, 'service_tier'],
      ['messages', { diagnostics: { previous_message_id: 'msg_1' } }, 'diagnostics.previous_message_id'],
      ['messages', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools[0].type'],
      ['messages', { tools: [TOOL, { type: 'code_execution_20250825', name: 'c' }] }, 'tools[1].type'],
      ['messages', { tools: [{ type: 'web_fetch_20250910', name: 'f' }] }, 'tools[0].type'],
      ['messages', { tools: [{ type: 'tool_search_tool_regex', name: 'f' }] }, 'tools[0].type'],
      ['messages', user([{ type: 'image', source: file }]), 'messages[0].content[0].source.file_id'],
      ['messages', user([{ type: 'document', source: file }]), 'messages[0].content[0].source.type'],
      [
        'messages',
        user([{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' } }]),
        'messages[0].content[0].source.type',
      ],
      [
        'messages',
        user([{ type: 'document', source: { type: 'text', data: 'x' }, citations: { enabled: true } }]),
        'messages[0].content[0].citations',
      ],
      ['messages', user([{ type: 'container_upload', file_id: 'f' }]), 'messages[0].content[0].type'],
      [
        'messages',
        user([{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source: file }] }]),
        'messages[0].content[0].content[0].source.file_id',
      ],
      ['messages', { system: [{ type: 'image', source: file }] }, 'system[0].source.file_id'],
      ['responses', { previous_response_id: 'resp_1' }, 'previous_response_id'],
      ['responses', { conversation: 'conv_1' }, 'conversation'],
      ['responses', { background: true }, 'background'],
      ['responses', { prompt: { id: 'pmpt_1' } }, 'prompt'],
      ['responses', { context_management: [{ type: 'compaction' }] }, 'context_management'],
      ['responses', { moderation: { model: 'm' } }, 'moderation'],
      ['responses', { service_tier: 'priority' }, 'service_tier'],
      ['responses', { reasoning: { mode: 'pro' } }, 'reasoning.mode'],
      ['responses', { prompt_cache_options: { ttl: '12h' } }, 'prompt_cache_options.ttl'],
      ['responses', { tools: [{ type: 'web_search' }] }, 'tools'],
      ['responses', { tools: [{ type: 'mcp', server_url: 'x' }] }, 'tools'],
      ['responses', item({ type: 'item_reference', id: 'msg_1' }), 'input[0].type'],
      [
        'responses',
        item({ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }),
        'input[0].content[0].type',
      ],
      ['responses', item({ role: 'user', content: [{ type: 'input_audio' }] }), 'input[0].content[0].type'],
      [
        'responses',
        item({ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }),
        'input[0].content[0].file_id',
      ],
      [
        'responses',
        item({ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_file', file_url: 'x' }] }),
        'input[0].output[0].type',
      ],
      [
        'chat',
        { prompt_cache_options: { comparison_response_id: 'x' } },
        'prompt_cache_options.comparison_response_id',
      ],
      ['chat', { service_tier: 'flex' }, 'service_tier'],
    ]
    for (const [shape, more, param] of rows) {
      test(`${shape}: ${param} ${JSON.stringify(more).slice(0, 60)}`, async () => {
        const model = shape === 'messages' ? 'anthropic/t-17' : 't-0'
        const moved = (await entries(world.server)).length
        const calls = world.upstream.calls.length
        const body = { ...SPOKEN[shape].ask(model, false), ...more }
        const seen = await ask(world.server.url, { path: `/v1${SPOKEN[shape].path}`, bearer: world.developerKey, body })
        assert.equal(seen.status, 400, seen.text)
        assert.deepEqual([errorOf(seen).code, errorOf(seen).param], ['unsupported_parameter', param])
        assert.equal(jsonOf(seen).type, shape === 'messages' ? 'error' : undefined)
        assert.deepEqual([(await entries(world.server)).length, world.upstream.calls.length], [moved, calls])
      })
    }
  })

  test('the version and harmless betas go on to Anthropic, others do not', async () => {
    const row = ROWS.find(({ shape }) => shape === 'messages')
    assert.ok(row)
    const model = nameOf(row)
    world.upstream.on(model, script(row, false))
    const headers = {
      'x-api-key': world.developerKey,
      'anthropic-version': '2024-01-01',
      'anthropic-beta': 'interleaved-thinking-2025-05-14,files-api-2025-04-14, effort-2025-11-24,mcp-client-2025-04-04',
      'anthropic-dangerous-direct-browser-access': 'true',
    }
    const seen = await ask(world.server.url, { path: '/v1/messages', headers, body: SPOKEN.messages.ask(model, false) })
    assert.equal(seen.status, 200, seen.text)
    const sent = world.upstream.of(model).at(-1)?.headers ?? {}
    assert.equal(sent['anthropic-version'], '2024-01-01')
    assert.equal(sent['anthropic-beta'], 'interleaved-thinking-2025-05-14,effort-2025-11-24')
    assert.deepEqual([sent['x-api-key'], sent['anthropic-dangerous-direct-browser-access']], ['k-anthropic', undefined])
  })

  test('limits nobody named are ours, under the vendor’s name for them', async () => {
    const rows: [shape: SpokenName, model: string, field: string][] = [
      ['responses', 't-0', 'max_output_tokens'],
      ['messages', 'anthropic/t-1', 'max_tokens'],
      ['chat', 'anthropic/t-1', 'max_tokens'],
      ['chat', 'x-ai/t-3', 'max_completion_tokens'],
    ]
    for (const [shape, model, field] of rows) {
      const bare = model.replace(/^.*\//, '')
      const usage = ROWS.find((row) => row.shape === shape)?.usage
      world.upstream.on(bare, json(200, SPOKEN[shape].json('a', usage)))
      const { max_tokens, max_output_tokens, ...body } = SPOKEN[shape].ask(model, false)
      const seen = await ask(world.server.url, { path: `/v1${SPOKEN[shape].path}`, bearer: world.developerKey, body })
      assert.equal(seen.status, 200, seen.text)
      assert.equal(seen.headers['x-quota-max-output-tokens'], '1000')
      assert.equal(world.upstream.of(bare).at(-1)?.body[field], 1000)
    }
  })

  test('test keys are answered by the sandbox model in every shape', async () => {
    const key = await createKey(world.server, world.developer, world.app, 'test')
    const calls = world.upstream.calls.length
    for (const shape of ['chat', 'responses', 'messages'] as const) {
      const model = shape === 'messages' ? 'anthropic/t-1' : 't-0'
      for (const stream of [false, true]) {
        const body = SPOKEN[shape].ask(model, stream)
        const seen = await ask(world.server.url, { path: `/v1${SPOKEN[shape].path}`, bearer: key, body })
        const quota = stream ? quotaIn(parsedFrames(seen)) : (jsonOf(seen).quota as Quota)
        assert.equal(seen.status, 200, seen.text)
        assert.equal(quota?.estimated, false, seen.text)
        assert.ok((quota?.credits_used ?? 0) > 0)
      }
    }
    assert.equal(world.upstream.calls.length, calls, 'no vendor is called')
  })

  for (const shape of ['chat', 'responses', 'messages'] as const) {
    for (const stream of [false, true]) {
      test(`an Idempotency-Key gives the first answer again: ${shape}, ${stream ? 'stream' : 'JSON'}`, async () => {
        const row = ROWS.find((found) => found.shape === shape && found.kind === 'plain')
        assert.ok(row)
        const model = nameOf(row)
        world.upstream.on(model, script(row, stream))
        const calls = world.upstream.of(model).length
        const balance = await balanceOf(world.server, world.developer)
        const again = () =>
          ask(world.server.url, {
            path: `/v1${SPOKEN[shape].path}`,
            bearer: world.developerKey,
            headers: { 'idempotency-key': `again-${stream}` },
            body: SPOKEN[shape].ask(`${row.provider}/${model}`, stream),
          })
        const [first, second] = [await again(), await again()]
        assert.deepEqual([first.status, second.status, second.text], [200, 200, first.text])
        assert.equal(second.headers['idempotency-replayed'], 'true')
        assert.equal(second.headers['content-type'], first.headers['content-type'])
        assert.equal(world.upstream.of(model).length, calls + 1, 'the vendor is called once')
        assert.equal(await balanceOf(world.server, world.developer), balance - row.charge, 'charged once')
      })
    }
  }

  test('and the books agree', () => assertBooks(world.server))
})
