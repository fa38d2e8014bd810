// The table of providers, the settings and the operator's file that make upstreams of it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readConfig } from '../server/config.ts'
import { authHeaders, limitField, PROVIDERS, providerRow, SHAPES, type ShapeName } from '../server/providers.ts'
import { compilePrices } from '../server/proxy/prices.ts'
import { bundledProviders } from '../server/proxy/prices-data.ts'
import { parsePrices } from '../server/proxy/prices-file.ts'
import { makeUpstreams, type Upstream } from '../server/proxy/upstreams.ts'
import { type FileUpstream, parseUpstreams, readUpstreamsFile } from '../server/proxy/upstreams-file.ts'

const KEY = 'sk-canary'
const SANDBOX = 'http://127.0.0.1:1/v1'
const BEARER = { authorization: `Bearer ${KEY}` }

function upstreams(env: Record<string, string>, file: readonly FileUpstream[] = [], livemode = false) {
  return makeUpstreams({ ...readConfig(env), livemode }, file, SANDBOX)
}
function only(env: Record<string, string>): Upstream {
  const { all } = upstreams(env)
  assert.equal(all.length, 1)
  return all[0] as Upstream
}
/** Where a call of this shape goes: shape paths are the same everywhere. */
const urlOf = (upstream: Upstream, path: string) => `${upstream.origin}${upstream.basePath}${path}`

describe('a provider’s key makes it reachable', () => {
  const rows: [env: Record<string, string>, id: string, base: string, shape: ShapeName, headers: object][] = [
    [{ OPENAI_API_KEY: KEY }, 'openai', 'https://api.openai.com/v1', 'chat', BEARER],
    [
      { ANTHROPIC_API_KEY: KEY },
      'anthropic',
      'https://api.anthropic.com/v1',
      'messages',
      { 'x-api-key': KEY, 'anthropic-version': '2023-06-01' },
    ],
    [{ ANTHROPIC_API_KEY: KEY }, 'anthropic', 'https://api.anthropic.com/v1', 'chat', BEARER],
    [{ GOOGLE_API_KEY: KEY }, 'google', 'https://generativelanguage.googleapis.com/v1beta/openai', 'chat', BEARER],
    [{ GROQ_API_KEY: KEY }, 'groq', 'https://api.groq.com/openai/v1', 'transcriptions', BEARER],
    [{ MISTRAL_API_KEY: KEY }, 'mistral', 'https://api.mistral.ai/v1', 'embeddings', BEARER],
    [{ DEEPSEEK_API_KEY: KEY }, 'deepseek', 'https://api.deepseek.com/v1', 'chat', BEARER],
    [{ XAI_API_KEY: KEY }, 'x-ai', 'https://api.x.ai/v1', 'responses', BEARER],
    [{ TOGETHER_API_KEY: KEY }, 'together', 'https://api.together.xyz/v1', 'chat', BEARER],
    [{ OPENROUTER_API_KEY: KEY }, 'openrouter', 'https://openrouter.ai/api/v1', 'chat', BEARER],
    [
      { AZURE_OPENAI_API_KEY: KEY, AZURE_OPENAI_BASE_URL: 'https://mine.openai.azure.com/openai/v1/' },
      'azure',
      'https://mine.openai.azure.com/openai/v1',
      'responses',
      { 'api-key': KEY },
    ],
    [{ COMPATIBLE_BASE_URL: 'http://127.0.0.1:11434/v1' }, 'compatible', 'http://127.0.0.1:11434/v1', 'chat', {}],
    [{ OPENAI_BASE_URL: 'http://127.0.0.1:8000/v1/' }, 'openai', 'http://127.0.0.1:8000/v1', 'chat', {}],
    [
      { ANTHROPIC_BASE_URL: 'http://127.0.0.1:8000' },
      'anthropic',
      'http://127.0.0.1:8000/v1',
      'messages',
      { 'anthropic-version': '2023-06-01' },
    ],
  ]
  for (const [env, id, base, shape, headers] of rows) {
    it(`${Object.keys(env).join(' and ')}: ${shape} at ${base}`, () => {
      const upstream = only(env)
      assert.equal(urlOf(upstream, '/x'), `${base}/x`)
      assert.deepEqual(upstream.headers[shape], headers)
      assert.deepEqual([upstream.name, upstream.provider, upstream.pricedAs], [id, id, id])
    })
  }

  it('every row of the table is among them', () => {
    assert.deepEqual(new Set(rows.map((row) => row[1])), new Set(PROVIDERS.map(({ id }) => id)))
  })
  it('and has prices in the data under that id, but for the one that only an operator can price', () => {
    const known = new Set(bundledProviders.map(({ id }) => id))
    assert.deepEqual(
      PROVIDERS.map(({ id }) => id).filter((id) => !known.has(id)),
      ['compatible'],
    )
  })

  const nobody = upstreams({})
  it('without any, the sandbox model answers for everybody who has models of their own', () => {
    const stand = new Set(nobody.all.map(({ provider }) => provider))
    assert.deepEqual(
      [...stand],
      PROVIDERS.filter((row) => row.sandbox).map(({ id }) => id),
    )
    assert.ok(nobody.all.every(({ origin, name }) => origin === 'http://127.0.0.1:1' && name === 'sandbox'))
  })
  it('with one, it answers for nobody', () => {
    const { all, serving } = upstreams({ GROQ_API_KEY: KEY })
    assert.deepEqual(
      all.map(({ name }) => name),
      ['groq'],
    )
    assert.deepEqual([serving('chat'), serving('messages')], [['groq'], []])
  })
  it('in live mode nobody pays for it', () => assert.deepEqual(upstreams({}, [], true).all, []))

  const refused: [env: Record<string, string>, message: RegExp][] = [
    [{ AZURE_OPENAI_API_KEY: KEY }, /AZURE_OPENAI_BASE_URL is needed/],
    [{ COMPATIBLE_API_KEY: KEY }, /COMPATIBLE_BASE_URL is needed/],
    [{ OPENAI_API_KEY: 'two\r\nlines' }, /OPENAI_API_KEY must be one line/],
    [{ GROQ_API_KEY: 'with space' }, /GROQ_API_KEY/],
    [{ XAI_BASE_URL: 'ftp://x/v1' }, /XAI_BASE_URL/],
    [{ XAI_BASE_URL: 'x.ai' }, /XAI_BASE_URL/],
  ]
  for (const [env, message] of refused) {
    it(`refuses ${JSON.stringify(env)}`, () => assert.throws(() => readConfig(env), message))
  }
})

describe('quirks', () => {
  const rows: [id: string, model: string, asked: 'max_tokens' | 'max_completion_tokens' | null, sent: string][] = [
    ['openai', 'gpt-4o', null, 'max_tokens'],
    ['openai', 'gpt-4o', 'max_completion_tokens', 'max_completion_tokens'],
    ['openai', 'gpt-4o', 'max_tokens', 'max_tokens'],
    ['openai', 'gpt-5', 'max_tokens', 'max_completion_tokens'],
    ['openai', 'o3-mini', null, 'max_completion_tokens'],
    ['azure', 'o1', 'max_tokens', 'max_completion_tokens'],
    ['anthropic', 'claude-opus-4-5', 'max_completion_tokens', 'max_completion_tokens'],
    ['mistral', 'mistral-large', 'max_completion_tokens', 'max_tokens'],
    ['deepseek', 'deepseek-v3.2', 'max_completion_tokens', 'max_tokens'],
    ['groq', 'llama-3.3-70b-versatile', 'max_tokens', 'max_completion_tokens'],
    ['x-ai', 'grok-4', 'max_tokens', 'max_completion_tokens'],
    ['my-own-vllm', 'gpt-5', 'max_completion_tokens', 'max_tokens'],
  ]
  for (const [id, model, asked, sent] of rows) {
    it(`${id}/${model}, asked by ${asked}: sent as ${sent}`, () =>
      assert.equal(limitField(providerRow(id).quirks, model, asked), sent))
  }
  it('only Mistral is not asked for usage in streams', () => {
    const without = PROVIDERS.filter((row) => !row.quirks.streamOptions)
    assert.deepEqual(
      without.map(({ id }) => id),
      ['mistral'],
    )
  })
  it('a key goes into one header, and none without a key', () => {
    assert.deepEqual(authHeaders('api-key', null), {})
    assert.deepEqual(authHeaders('bearer', null), {})
    assert.deepEqual(authHeaders('x-api-key', null), { 'anthropic-version': '2023-06-01' })
  })
})

describe('candidates of a model', () => {
  const price = (provider: string, more = {}) => ({ provider, input: '1', output: '2', ...more })
  const overrides = parsePrices(
    {
      models: {
        m: price('openai'),
        'openrouter/openai/m': price('openrouter'),
        'azure/m': price('azure'),
        embed: { provider: 'openai', input: '1', output: '0' },
        whisper: { provider: 'openai', second: '100' },
        tts: { provider: 'openai', character: '15' },
        dall: { provider: 'openai', image: '40000' },
        painter: price('openai', { output_image: '30' }),
        'own/m': price('own'),
      },
    },
    'test',
  )
  const book = compilePrices({ at: 0, providers: [], overrides })
  const base_url = 'https://x.example/v1'
  const file = parseUpstreams(
    {
      upstreams: [
        {
          name: 'router',
          provider: 'openai',
          like: 'openrouter',
          prices_of: 'openrouter',
          base_url,
          models: { m: 'openai/m' },
        },
        {
          name: 'deployed',
          provider: 'openai',
          like: 'azure',
          prices_of: 'azure',
          base_url,
          models: { m: 'eu-m' },
          priority: 1,
        },
        { name: 'unpriced', provider: 'openai', prices_of: 'groq', base_url },
        { name: 'words', provider: 'openai', base_url, shapes: ['embeddings'], priority: 200 },
        { name: 'cellar', provider: 'own', base_url },
      ],
    },
    {},
    'test',
  )
  const { candidates } = upstreams({ OPENAI_API_KEY: KEY }, file)
  const rows: [model: string, shape: ShapeName, candidates: [name: string, there: string, priced: string][]][] = [
    [
      'm',
      'chat',
      [
        ['deployed', 'eu-m', 'azure/m'],
        ['openai', 'm', 'm'],
        ['router', 'openai/m', 'openrouter/openai/m'],
      ],
    ],
    [
      'm',
      'embeddings',
      [
        ['deployed', 'eu-m', 'azure/m'],
        ['openai', 'm', 'm'],
        ['router', 'openai/m', 'openrouter/openai/m'],
        ['words', 'm', 'm'],
      ],
    ],
    ['m', 'messages', []],
    ['own/m', 'chat', [['cellar', 'm', 'own/m']]],
    [
      'embed',
      'embeddings',
      [
        ['openai', 'embed', 'embed'],
        ['words', 'embed', 'embed'],
      ],
    ],
    ['whisper', 'transcriptions', [['openai', 'whisper', 'whisper']]],
    ['whisper', 'chat', []],
    ['tts', 'speech', [['openai', 'tts', 'tts']]],
    ['tts', 'chat', []],
    ['dall', 'images', [['openai', 'dall', 'dall']]],
    ['dall', 'chat', []],
    ['painter', 'images', [['openai', 'painter', 'painter']]],
    ['painter', 'chat', []], // its text prices do not cover the images it may answer with
  ]
  for (const [name, shape, expected] of rows) {
    it(`${name} by ${shape}: ${expected.map(([upstream]) => upstream).join(', ') || 'nobody'}`, () => {
      const found = book.find(name)
      assert.ok(found)
      const shown = candidates(book, found, shape).map(({ upstream, model }) => [
        upstream.name,
        model.upstreamModel,
        model.name,
      ])
      assert.deepEqual(shown, expected)
    })
  }
})

describe('the operator’s upstreams', () => {
  const base = { name: 'second', provider: 'openai', base_url: 'https://second.example/v1' }
  const parse = (row: object, env: NodeJS.ProcessEnv = {}) =>
    parseUpstreams({ upstreams: [{ ...base, ...row }] }, env, 'upstreams file x.json')
  const one = (row: object, env: NodeJS.ProcessEnv = {}) => {
    const found = upstreams({ OPENAI_API_KEY: KEY }, parse(row, env)).all.find(({ name }) => name === 'second')
    assert.ok(found)
    return found
  }

  it('a plain one is like its provider, has its models and prices, and comes after the settings', () => {
    const { all } = upstreams({ OPENAI_API_KEY: KEY }, parse({}))
    assert.deepEqual(
      all.map(({ name, priority }) => [name, priority]),
      [
        ['openai', 100],
        ['second', 100],
      ],
    )
    const second = one({})
    assert.deepEqual([second.provider, second.pricedAs, second.models], ['openai', 'openai', null])
    assert.deepEqual(second.headers.chat, {})
    assert.deepEqual(Object.keys(second.headers), Object.keys(providerRow('openai').speaks))
  })
  it('a lower priority is asked first, wherever it stands', () => {
    const { all } = upstreams({ OPENAI_API_KEY: KEY }, parse({ priority: 99 }))
    assert.deepEqual(
      all.map(({ name }) => name),
      ['second', 'openai'],
    )
  })
  it('Azure with OpenAI’s models, under the names of deployments', () => {
    const second = one({ like: 'azure', key_env: 'EU_KEY', models: { 'gpt-4o': 'eu-4o' } }, { EU_KEY: 'k' })
    assert.deepEqual(second.headers.chat, { 'api-key': 'k' })
    assert.deepEqual([...(second.models ?? [])], [['gpt-4o', 'eu-4o']])
  })
  it('OpenRouter with OpenAI’s models at OpenRouter’s prices', () => {
    const row = { like: 'openrouter', prices_of: 'openrouter', key_env: 'R', shapes: ['chat'], models: ['gpt-4o'] }
    const second = one(row, { R: 'k' })
    assert.deepEqual([second.pricedAs, second.headers], ['openrouter', { chat: { authorization: 'Bearer k' } }])
    assert.deepEqual([...(second.models ?? [])], [['gpt-4o', 'gpt-4o']])
  })
  it('an own server with an own provider id and its own way to take a key', () => {
    const second = one({ provider: 'my-vllm', key_env: 'V', auth: 'api-key', shapes: ['chat', 'speech'] }, { V: 'k' })
    assert.deepEqual(second.headers, { chat: { 'api-key': 'k' }, speech: { 'api-key': 'k' } })
    assert.equal(second.quirks.streamOptions, true)
  })
  it('a shape that an upstream does not name is not asked of it', () => {
    const { serving } = upstreams({}, parse({ shapes: ['embeddings'] }))
    assert.deepEqual(
      SHAPES.filter((shape) => serving(shape).length > 0),
      ['embeddings'],
    )
  })

  const bad: [why: string, row: object, message: RegExp][] = [
    ['a missing address', { base_url: undefined }, /upstreams\.0\.base_url/],
    ['an address with a key in it', { base_url: 'https://key@second.example/v1' }, /base_url.*without credentials/],
    ['an address with a query', { base_url: 'https://second.example/v1?key=1' }, /base_url/],
    ['another protocol', { base_url: 'file:///etc/passwd' }, /base_url/],
    ['a key in the file', { key: 'sk-1' }, /upstreams\.0.*key/],
    ['a key that is not set', { key_env: 'NOT_SET' }, /upstreams\.0\.key_env: NOT_SET is not set/],
    ['a variable’s name that is none', { key_env: 'sk-live-123' }, /key_env.*name of an environment variable/],
    ['a name of the settings', { name: 'groq' }, /upstreams\.0\.name: groq is taken/],
    ['a name in capitals', { name: 'Second' }, /upstreams\.0\.name/],
    ['an unknown shape', { shapes: ['chats'] }, /upstreams\.0\.shapes\.0/],
    ['no shape', { shapes: [] }, /upstreams\.0\.shapes/],
    ['an unknown kind', { like: 'bedrock' }, /upstreams\.0\.like/],
    ['priority zero', { priority: 0 }, /upstreams\.0\.priority/],
    ['no models', { models: [] }, /upstreams\.0\.models/],
    ['a model with a space', { models: { 'a b': 'c' } }, /upstreams\.0\.models/],
  ]
  for (const [why, row, message] of bad) {
    it(`refuses ${why}, naming the place`, () => assert.throws(() => parse(row), message))
  }
  it('refuses two of one name', () =>
    assert.throws(() => parseUpstreams({ upstreams: [base, base] }, {}, 'x'), /upstreams\.1\.name: second is taken/))
  it('names the file when it is missing, or no JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'quota-upstreams-'))
    const path = join(folder, 'upstreams.json')
    assert.throws(() => readUpstreamsFile(path, {}), /upstreams file .*upstreams\.json/)
    writeFileSync(path, '{"upstreams": [')
    assert.throws(() => readUpstreamsFile(path, {}), /upstreams file .*upstreams\.json/)
    writeFileSync(path, JSON.stringify({ upstreams: [base] }))
    assert.equal(readUpstreamsFile(path, {}).length, 1)
    rmSync(folder, { recursive: true })
  })
})
