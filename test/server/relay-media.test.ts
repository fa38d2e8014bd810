// Images, speech and transcriptions as their caller sees them: the answer and the bill.
// owns: what each of them charges, worked out by hand; what they refuse. never: the ways a call can break (relay-endings.test.ts).
// always true: a refusal left no hold and reached no vendor; units and charge are read from the receipt's own payload.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import OpenAI from 'openai'
import { disagreement, ReceiptPayload } from '../../server/contract/receipts.ts'
import { transcriptions } from '../../server/proxy/shapes/transcriptions.ts'
import { createKey, grant } from '../support/api.ts'
import { broken, json, pieces, type Script } from '../support/relay-upstream.ts'
import { assertBooks, balanceOf, entries, relayWorld, type World } from '../support/relay-world.ts'

type Body = Record<string, unknown> | FormData
type Got = { status: number; headers: Headers; bytes: Buffer; json: Record<string, never> }
type Charged = { units: Record<string, number>; base: number; estimated?: boolean }
type Row = Charged & { case: string; body: Record<string, unknown>; answer: Script }

const MODELS = {
  'dall-e-3': { input: '0', output: '0', image: '40000' }, // $0.04 an image
  'tts-1': { input: '0', output: '0', character: '15' }, // $15 a million
}

let world: World
let testKey: string
before(async () => {
  world = await relayWorld({ models: MODELS })
  testKey = await createKey(world.server, world.developer, world.app, 'test')
})
after(async () => {
  await assertBooks(world.server)
  await world.stop()
})

async function send(path: string, body: Body, headers: Record<string, string> = {}): Promise<Got> {
  const about: Record<string, string> = { authorization: `Bearer ${world.developerKey}`, ...headers }
  if (!(body instanceof FormData)) about['content-type'] = 'application/json'
  const sent = body instanceof FormData ? body : JSON.stringify(body)
  const reply = await fetch(new URL(path, world.server.url), { method: 'POST', headers: about, body: sent })
  const bytes = Buffer.from(await reply.arrayBuffer())
  const isJson = /json/.test(reply.headers.get('content-type') ?? '')
  return { status: reply.status, headers: reply.headers, bytes, json: isJson ? JSON.parse(bytes.toString()) : {} }
}

/** What the receipt in an answer's headers says. */
function billOf({ status, headers, bytes }: Pick<Got, 'status' | 'headers' | 'bytes'>): Charged {
  assert.equal(status, 200, bytes.toString().slice(0, 500))
  const bill = billIn(headers.get('x-quota-receipt') ?? '')
  assert.equal(headers.get('x-quota-credits-used'), String(bill.base)) // no markup here
  return bill
}

function billIn(compact: string): Charged {
  const [, payload = ''] = compact.split('.')
  const receipt = ReceiptPayload.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()))
  assert.equal(disagreement(receipt), null)
  return { units: receipt.units, base: receipt.base, estimated: receipt.estimated }
}

async function assertCharges(path: string, row: Row, body: Body = row.body): Promise<Got> {
  world.upstream.on('*', row.answer)
  world.upstream.on(String(row.body.model), row.answer)
  const before = await balanceOf(world.server, world.developer)
  const got = await send(path, body)
  assert.deepEqual(billOf(got), { units: row.units, base: row.base, estimated: row.estimated ?? false })
  assert.equal(await balanceOf(world.server, world.developer), before - row.base)
  return got
}

/** No hold was made and no vendor was called. */
async function assertRefused(path: string, body: Body, code: string, param: string | null): Promise<void> {
  const holds = async () => (await entries(world.server)).filter(({ kind }) => kind === 'hold').length
  const [held, called] = [await holds(), world.upstream.calls.length]
  const got = await send(path, body)
  const { error } = got.json as { error?: { code: string; param: string | null } }
  assert.deepEqual([error?.code, error?.param ?? null], [code, param], got.bytes.toString())
  assert.equal(await holds(), held, 'a hold was made')
  assert.equal(world.upstream.calls.length, called, 'a vendor was called')
}

const sdk = (apiKey: string) => new OpenAI({ apiKey, baseURL: `${world.server.url}/v1`, maxRetries: 0 })

describe('images', () => {
  const PATH = '/v1/images/generations'
  const drawn = (images: number, usage?: object) =>
    json(200, JSON.stringify({ created: 1, data: Array(images).fill({ b64_json: 'AAAA' }), usage }))
  const cat = (model: string, more: object = {}) => ({ model, prompt: 'A cat', ...more })
  const SMALL = { size: '1024x1024', quality: 'low' }
  const CAT = countTokens('A cat')

  const rows: Row[] = [
    {
      case: 'gpt-image-1: $5 in, $40 out: 20 × 5 + 1,056 × 40',
      body: cat('gpt-image-1', { quality: 'medium', background: 'transparent' }),
      answer: drawn(1, {
        input_tokens: 20,
        output_tokens: 1056,
        input_tokens_details: { text_tokens: 20, image_tokens: 0 },
      }),
      units: { input: 20, output: 1056 },
      base: 42_340,
    },
    {
      case: 'gpt-image-1.5, cached input and text beside the image: 32 × 5 + 8 × 1.25 + 1,056 × 32 + 44 × 10',
      body: cat('gpt-image-1.5', { quality: 'medium' }),
      answer: drawn(1, {
        input_tokens: 40,
        output_tokens: 1100,
        input_tokens_details: { text_tokens: 40, image_tokens: 0, cached_tokens: 8 },
        output_tokens_details: { text_tokens: 44, image_tokens: 1056 },
      }),
      units: { input: 32, cached_input: 8, output_image: 1056, output: 44 },
      base: 34_402,
    },
    {
      case: 'gpt-image-2, whose largest of this size is 7,024 tokens: 10 × 5 + 7,024 × 30',
      body: cat('gpt-image-2', { size: '1024x1024', quality: 'high' }),
      answer: drawn(1, { input_tokens: 10, output_tokens: 7024 }),
      units: { input: 10, output: 7024 },
      base: 210_770,
    },
    {
      case: 'two of gpt-image-1-mini: 10 × 2 + 544 × 8',
      body: cat('gpt-image-1-mini', { ...SMALL, n: 2 }),
      answer: drawn(2, { input_tokens: 10, output_tokens: 544 }),
      units: { input: 10, output: 544 },
      base: 4_372,
    },
    {
      case: 'zero usage is zero',
      body: cat('gpt-image-1', SMALL),
      answer: drawn(1, { input_tokens: 0, output_tokens: 0 }),
      units: {},
      base: 0,
    },
    ...[
      ['no usage', undefined],
      ['a token more than an image of this size has', { input_tokens: 5, output_tokens: 273 }],
      [
        'pictures read, where none were sent',
        { input_tokens: 5, output_tokens: 272, input_tokens_details: { image_tokens: 5 } },
      ],
      ['negative', { input_tokens: -5, output_tokens: 272 }],
    ].map(([what, usage]) => ({
      case: `not believed: ${what}; one of two images came, and is charged as one: ${CAT} × 5 + 272 × 40`,
      body: cat('gpt-image-1', { ...SMALL, ...(usage === undefined ? { n: 2 } : {}) }),
      answer: drawn(1, usage as object | undefined),
      units: { input: CAT, output: 272 },
      base: 10_880 + 5 * CAT,
      estimated: true,
    })),
    {
      case: 'by the image, at the operator’s price: two of three came: 2 × 40,000',
      body: cat('dall-e-3', { n: 3, size: '1024x1024', quality: 'standard', style: 'vivid' }),
      answer: drawn(2),
      units: { image: 2 },
      base: 80_000,
    },
    {
      case: 'by the image: more than were asked for are not believed',
      body: cat('dall-e-3'),
      answer: drawn(2),
      units: { image: 1 },
      base: 40_000,
      estimated: true,
    },
  ]
  for (const row of rows) test(row.case, async () => void (await assertCharges(PATH, row)))

  const refused: [code: string, param: string, body: object][] = [
    ['unsupported_parameter', 'stream', { stream: true }],
    ['unsupported_parameter', 'partial_images', { partial_images: 2 }],
    ['unsupported_parameter', 'output_format', { output_format: 'svg' }],
    ['unsupported_parameter', 'frame_count', { frame_count: 3 }],
    ['unsupported_parameter', 'image', { image: 'https://example.org/cat.png' }],
    ['unsupported_parameter', 'steps', { steps: 50 }],
    ['unsupported_parameter', 'background', { background: true }],
    ['unsupported_parameter', 'api_base', { api_base: 'https://example.org' }],
    ['unsupported_parameter', 'quality', { model: 'dall-e-3', quality: 'hd' }],
    ['unsupported_parameter', 'size', { model: 'dall-e-3', size: '1792x1024' }],
    ['bad_request', 'n', { n: 11 }],
    ['bad_request', 'n', { n: 9, size: '1536x1024' }],
    ['bad_request', 'n', { n: 1.5 }],
    ['bad_request', 'prompt', { prompt: '' }],
    ['bad_request', 'size', { size: 1024 }],
    ['model_not_found', 'model', { model: 'dall-e-2' }],
    ['model_not_found', 'model', { model: 'gpt-4o-mini' }],
  ]
  for (const [code, param, body] of refused)
    test(`${JSON.stringify(body)} is refused as ${code}`, () =>
      assertRefused(PATH, { ...cat('gpt-image-1'), ...body }, code, param))

  test('a model that draws does not chat: its images would be counted as text', () =>
    assertRefused(
      '/v1/chat/completions',
      { model: 'gpt-image-1.5', messages: [{ role: 'user', content: 'A cat' }], max_tokens: 5 },
      'model_not_found',
      'model',
    ))

  test('an upstream that fails charges nothing', async () => {
    world.upstream.on('gpt-image-1', json(500, '{"error":{"message":"no"}}'))
    const before = await balanceOf(world.server, world.developer)
    assert.equal((await send(PATH, cat('gpt-image-1'))).status, 502)
    assert.equal(await balanceOf(world.server, world.developer), before)
  })

  test('the same key draws once; a user is named in the path', async () => {
    world.upstream.on('gpt-image-1', drawn(1, { input_tokens: 2, output_tokens: 272 }))
    const called = world.upstream.of('gpt-image-1').length
    const headers = { 'idempotency-key': 'a-cat' }
    const first = await send(PATH, cat('gpt-image-1', SMALL), headers)
    const again = await send(PATH, cat('gpt-image-1', SMALL), headers)
    assert.deepEqual(again.bytes, first.bytes)
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    assert.equal(world.upstream.of('gpt-image-1').length, called + 1)
    await grant(world.server, world.userKey, 'painter', 0.5)
    const authorization = `Bearer ${world.userKey}`
    const path = '/v1/users/painter/images/generations'
    assert.equal(billOf(await send(path, cat('gpt-image-1', SMALL), { authorization })).base, 2 * 5 + 272 * 40)
  })

  test('the stock SDK, and the sandbox model behind a test key', async () => {
    const called = world.upstream.calls.length
    const client = sdk(testKey)
    const { data, response } = await client.images
      .generate({ model: 'gpt-image-1.5', prompt: 'A cat', n: 2, size: '1024x1024', quality: 'low' })
      .withResponse()
    const png = Buffer.from(data.data?.[1]?.b64_json ?? '', 'base64')
    assert.deepEqual([...png.subarray(1, 4)], [...Buffer.from('PNG')])
    const bill = billOf({ status: response.status, headers: response.headers, bytes: Buffer.alloc(0) })
    assert.deepEqual(bill, {
      units: { input: 2 * CAT, output_image: 544 },
      base: 2 * CAT * 5 + 544 * 32,
      estimated: false,
    })
    const url = (await client.images.generate({ model: 'dall-e-3', prompt: 'A cat' })).data?.[0]?.url
    assert.match(url ?? '', /^data:image\/png;base64,/)
    assert.equal(world.upstream.calls.length, called)
  })
})

describe('speech', () => {
  const PATH = '/v1/audio/speech'
  const HELLO = 'Hello there.' // 12 characters: 0.8 s at 15 a second, 17 tokens at 1,250 a minute
  const TOKENS = countTokens(HELLO)
  const ESTIMATE = { units: { input: TOKENS, output: 17 }, base: Math.ceil(TOKENS * 0.6 + 17 * 12), estimated: true }
  const say = (model: string, more: object = {}) => ({ model, input: HELLO, voice: 'alloy', ...more })
  const sound = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'audio/mpeg' })
    response.end(SOUND)
  }
  const SOUND = Buffer.from([0xff, 0xfb, 0x90, 0x00, 0x0d, 0x0a, 0x00, 0xff])
  const delta = (from: number, to: number) =>
    `data: ${JSON.stringify({ type: 'speech.audio.delta', audio: SOUND.subarray(from, to).toString('base64') })}\n\n`
  const spoken = (usage?: object) =>
    pieces(delta(0, 5), delta(5, 8), `data: ${JSON.stringify({ type: 'speech.audio.done', usage })}\n\n`)

  const rows: Row[] = [
    {
      case: 'tts-1, at the operator’s price: 14 characters × 15, whatever they are in bytes',
      body: say('tts-1', { input: 'Hello, wörld 👋', response_format: 'opus' }),
      answer: sound,
      units: { character: 14 },
      base: 210,
    },
    {
      case: 'gpt-4o-mini-tts: $0.60 in, $12 out: 40 × 0.6 + 500 × 12',
      body: say('gpt-4o-mini-tts', { instructions: 'Speak slowly.' }),
      answer: spoken({ input_tokens: 40, output_tokens: 500, total_tokens: 540 }),
      units: { input: 40, output: 500 },
      base: 6_024,
    },
    ...[
      ['audio without usage', sound],
      ['events without usage', spoken()],
      // 12 bytes at two a second and a minute of silence are 66 s, or 1,375 tokens.
      ['a token more than it can be', spoken({ input_tokens: 3, output_tokens: 1376 })],
    ].map(([what, answer]) => ({
      case: `not believed: ${what}: ${TOKENS} × 0.6 + 17 × 12`,
      body: say('gpt-4o-mini-tts'),
      answer: answer as Row['answer'],
      ...ESTIMATE,
    })),
  ]
  for (const row of rows)
    test(row.case, async () => {
      const got = await assertCharges(PATH, row)
      assert.deepEqual(got.bytes, SOUND)
      assert.equal(got.headers.get('content-type'), 'audio/mpeg')
    })

  test('a model of tokens is asked for events, as only they tell usage; one of characters is asked as it is', async () => {
    const asked = (model: string) => world.upstream.of(model).map(({ body }) => body.stream_format)
    assert.deepEqual(new Set(asked('gpt-4o-mini-tts')), new Set(['sse']))
    assert.deepEqual(new Set(asked('tts-1')), new Set([undefined]))
  })

  test('events that were asked for go through as they come, with the bill in the last', async () => {
    world.upstream.on('gpt-4o-mini-tts', spoken({ input_tokens: 40, output_tokens: 500 }))
    const got = await send(PATH, say('gpt-4o-mini-tts', { stream_format: 'sse' }))
    const text = got.bytes.toString()
    assert.ok(text.startsWith(delta(0, 5) + delta(5, 8)), text)
    const done = JSON.parse(text.split('data: ').at(-1) ?? '')
    assert.equal(done.type, 'speech.audio.done')
    assert.deepEqual(billIn(done.quota.receipt), { units: { input: 40, output: 500 }, base: 6_024, estimated: false })
  })

  test('events that break off are charged by the rule, events that never came are free', async () => {
    world.upstream.on('gpt-4o-mini-tts', broken(delta(0, 5)))
    const got = await send(PATH, say('gpt-4o-mini-tts', { stream_format: 'sse' }))
    const last = JSON.parse(got.bytes.toString().split('data: ').at(-1) ?? '')
    assert.equal(last.error.code, 'upstream_error')
    assert.deepEqual(billIn(last.quota.receipt), ESTIMATE)
    const before = await balanceOf(world.server, world.developer)
    for (const body of [say('gpt-4o-mini-tts'), say('tts-1')]) {
      world.upstream.on(body.model, json(200, '{"error":{"message":"no voice"}}'))
      assert.equal((await send(PATH, body)).status, 502)
    }
    assert.equal(await balanceOf(world.server, world.developer), before)
  })

  const refused: [code: string, param: string, body: object][] = [
    ['unsupported_parameter', 'stream_format', { model: 'tts-1', stream_format: 'sse' }],
    ['unsupported_parameter', 'stream_format', { stream_format: 'websocket' }],
    ['unsupported_parameter', 'response_format', { response_format: 'midi' }],
    ['unsupported_parameter', 'voice', { voice: { id: 'voice_123' } }],
    ['unsupported_parameter', 'reference_audio', { reference_audio: 'AAAA' }],
    ['unsupported_parameter', 'base_url', { base_url: 'https://example.org' }],
    ['bad_request', 'speed', { speed: 0.1 }],
    ['bad_request', 'input', { input: '' }],
    ['model_not_found', 'model', { model: 'tts-1-hd' }],
    ['model_not_found', 'model', { model: 'gpt-4o-mini' }],
  ]
  for (const [code, param, body] of refused)
    test(`${JSON.stringify(body)} is refused as ${code}`, () =>
      assertRefused(PATH, { ...say('gpt-4o-mini-tts'), ...body }, code, param))

  test('the same key speaks once; a user is named in the path', async () => {
    world.upstream.on('gpt-4o-mini-tts', spoken({ input_tokens: 3, output_tokens: 20 }))
    const called = world.upstream.of('gpt-4o-mini-tts').length
    const headers = { 'idempotency-key': 'a-word' }
    const first = await send(PATH, say('gpt-4o-mini-tts'), headers)
    const again = await send(PATH, say('gpt-4o-mini-tts'), headers)
    assert.deepEqual([again.bytes, again.headers.get('idempotency-replayed')], [SOUND, 'true'])
    assert.deepEqual(billOf(again), billOf(first))
    assert.equal(world.upstream.of('gpt-4o-mini-tts').length, called + 1)
    world.upstream.on('tts-1', sound)
    await grant(world.server, world.userKey, 'speaker', 0.5)
    const authorization = `Bearer ${world.userKey}`
    const path = '/v1/users/speaker/audio/speech'
    assert.equal(billOf(await send(path, say('tts-1'), { authorization })).base, 12 * 15)
  })

  test('the stock SDK, and the sandbox model behind a test key', async () => {
    const called = world.upstream.calls.length
    const response = await sdk(testKey).audio.speech.create({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: HELLO })
    const wav = Buffer.from(await response.arrayBuffer())
    assert.equal(wav.toString('latin1', 0, 4), 'RIFF')
    assert.equal(response.headers.get('content-type'), 'audio/wav')
    const bill = billOf({ status: response.status, headers: response.headers, bytes: wav })
    assert.deepEqual(bill, {
      units: { input: TOKENS, output: 10 },
      base: Math.ceil(TOKENS * 0.6 + 120),
      estimated: false,
    })
    assert.equal(world.upstream.calls.length, called)
  })
})

describe('transcriptions', () => {
  const PATH = '/v1/audio/transcriptions'
  const HEARD = 'Hello there.'
  const WORDS = countTokens(HEARD)
  /** Three seconds of silence, 8 kHz, 16 bit. */
  const WAV = wavOf(3)
  const file = (bytes: Buffer = WAV, name = 'a.wav') => new File([new Uint8Array(bytes)], name, { type: 'audio/wav' })
  const form = (fields: object, ...files: File[]) => {
    const body = new FormData()
    for (const [name, value] of Object.entries({ model: 'whisper-1', ...fields })) body.append(name, value)
    for (const one of files.length > 0 ? files : [file()]) body.append('file', one)
    return body
  }
  const heard = (more: object = {}) => json(200, JSON.stringify({ text: HEARD, ...more }))
  const plain = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(HEARD)
  }
  const tokens = (input: number, text: number, output: number) => ({
    type: 'tokens',
    input_tokens: input,
    input_token_details: { audio_tokens: input - text, text_tokens: text },
    output_tokens: output,
  })

  const rows: Row[] = [
    {
      case: 'whisper-1: $0.36 an hour, 100 a second: 3 × 100',
      body: {},
      answer: heard({ usage: { type: 'duration', seconds: 3 } }),
      units: { second: 3 },
      base: 300,
    },
    {
      case: 'by the length in a long answer, rounded up: 3 × 100',
      body: { response_format: 'verbose_json', 'timestamp_granularities[]': 'word' },
      answer: heard({ duration: 2.4 }),
      units: { second: 3 },
      base: 300,
    },
    {
      case: 'gpt-4o-transcribe: $2.50 text, $6 audio, $10 out: 4 × 2.5 + 30 × 6 + 12 × 10',
      body: { model: 'gpt-4o-transcribe', prompt: 'A greeting.' },
      answer: heard({ usage: tokens(34, 4, 12) }),
      units: { input: 4, input_audio: 30, output: 12 },
      base: 310,
    },
    ...[
      ['a text without usage', { response_format: 'text' }, plain],
      ['no usage', {}, heard()],
      // 3 s × 1.05 + 2 s are 6 whole seconds.
      ['a second more than the file can have', {}, heard({ usage: { type: 'duration', seconds: 7 } })],
      ['tokens of a model that has no price for them', {}, heard({ usage: tokens(34, 4, 12) })],
    ].map(([what, body, answer]) => ({
      case: `not believed: ${what}: the file has 3 seconds, 3 × 100`,
      body: body as Row['body'],
      answer: answer as Row['answer'],
      units: { second: 3 },
      base: 300,
      estimated: true,
    })),
    {
      case: `not believed: seconds of a model of tokens: ten tokens a second, 30 × 3 + ${WORDS} × 5`,
      body: { model: 'gpt-4o-mini-transcribe' },
      answer: heard({ usage: { type: 'duration', seconds: 3 } }),
      units: { input_audio: 30, output: WORDS },
      base: 90 + WORDS * 5,
      estimated: true,
    },
  ]
  for (const row of rows)
    test(row.case, async () => {
      const got = await assertCharges(PATH, row, form(row.body))
      assert.match(got.bytes.toString(), /Hello there\./)
    })

  test('a vendor is billed for ten seconds at least where it says so', () => {
    const groq = { model: { provider: 'groq' } } as never
    assert.deepEqual(transcriptions.units({ type: 'duration', seconds: 3 }, {} as never, groq), { second: 10 })
  })

  test('what is sent on is what was read, the model by its own name', async () => {
    world.upstream.on('*', heard({ usage: { type: 'duration', seconds: 3 } }))
    const body = form(
      { model: 'openai/whisper-1', language: 'en', prompt: 'wörds "quoted"\r\n' },
      file(WAV, 'my "a".wav'),
    )
    billOf(await send(PATH, body))
    const { raw = '', headers, path } = world.upstream.calls.at(-1) ?? {}
    assert.equal(path, PATH)
    const read = await new Response(raw, { headers: { 'content-type': String(headers?.['content-type']) } }).formData()
    const fields = [...read].filter(([name]) => name !== 'file')
    assert.deepEqual(fields, [
      ['model', 'whisper-1'],
      ['language', 'en'],
      ['prompt', 'wörds "quoted"\r\n'],
    ])
    const sent = read.get('file') as File
    assert.deepEqual([sent.name, sent.type], ['my "a".wav', 'audio/wav'])
    assert.deepEqual(Buffer.from(await sent.arrayBuffer()), Buffer.from(WAV.toString('utf8')))
  })

  const twice = (name: string, value: string) => {
    const body = form({})
    body.append(name, value)
    return body
  }
  const refused: [what: string, code: string, param: string | null, body: Body][] = [
    ['a stream', 'unsupported_parameter', 'stream', form({ stream: 'true' })],
    ['an address instead of a file', 'unsupported_parameter', 'url', form({ url: 'https://example.org/a.wav' })],
    [
      'voices to know',
      'unsupported_parameter',
      'known_speaker_references[]',
      form({ 'known_speaker_references[]': 'data:,' }),
    ],
    ['an unknown format', 'unsupported_parameter', 'response_format', form({ response_format: 'xml' })],
    [
      'a text of a model of tokens',
      'unsupported_parameter',
      'response_format',
      form({ model: 'gpt-4o-transcribe', response_format: 'text' }),
    ],
    ['a doubled model', 'bad_request', 'model', twice('model', 'gpt-4o-transcribe')],
    ['two files', 'bad_request', null, form({}, file(), file())],
    ['a file by another name', 'bad_request', 'file', formWithout('file', twice('prompt', 'x'))],
    ['no model', 'bad_request', 'model', formWithout('model', form({}))],
    ['what is no audio', 'bad_request', 'file', form({}, file(Buffer.from('not a sound'.repeat(100))))],
    ['a model without a price', 'model_not_found', 'model', form({ model: 'whisper-2' })],
    ['a model that does not hear', 'model_not_found', 'model', form({ model: 'gpt-4o-mini' })],
    ['JSON', 'unsupported_media_type', null, { model: 'whisper-1' }],
  ]
  for (const [what, code, param, body] of refused)
    test(`${what} is refused as ${code}`, () => assertRefused(PATH, body, code, param))

  test('half a form, a form of too many parts, and a form elsewhere are refused', async () => {
    const many = form({})
    for (let n = 0; n < 70; n++) many.append('include[]', 'logprobs')
    await assertRefused(PATH, many, 'bad_request', null)
    await assertRefused('/v1/audio/speech', form({}), 'unsupported_media_type', null)
    const half = await fetch(new URL(PATH, world.server.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${world.developerKey}`, 'content-type': 'multipart/form-data; boundary=b' },
      body: '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1',
    })
    assert.equal(half.status, 400)
  })

  test('the same key hears once, whatever the boundary; a user is named in the path', async () => {
    world.upstream.on('*', heard({ usage: { type: 'duration', seconds: 3 } }))
    const called = world.upstream.calls.length
    const headers = { 'idempotency-key': 'a-sound' }
    const first = await send(PATH, form({}), headers)
    const again = await send(PATH, form({}), headers)
    assert.deepEqual([again.bytes, again.headers.get('idempotency-replayed')], [first.bytes, 'true'])
    assert.equal((await send(PATH, form({ language: 'en' }), headers)).status, 422)
    assert.equal(world.upstream.calls.length, called + 1)
    await grant(world.server, world.userKey, 'listener', 0.5)
    const authorization = `Bearer ${world.userKey}`
    assert.equal(billOf(await send('/v1/users/listener/audio/transcriptions', form({}), { authorization })).base, 300)
  })

  test('the stock SDK, and the sandbox model behind a test key', async () => {
    const called = world.upstream.calls.length
    const client = sdk(testKey).audio.transcriptions
    const { data, response } = await client
      .create({ model: 'gpt-4o-transcribe', file: file(), timestamp_granularities: ['word'] })
      .withResponse()
    assert.match(data.text, /something was said/)
    const bill = billOf({ status: response.status, headers: response.headers, bytes: Buffer.alloc(0) })
    const output = countTokens(data.text)
    assert.deepEqual(bill, { units: { input_audio: 30, output }, base: 180 + 10 * output, estimated: false })
    const plainly = await client.create({ model: 'whisper-1', file: file(), response_format: 'vtt' })
    assert.match(String(plainly), /^WEBVTT/)
    assert.equal(world.upstream.calls.length, called)
  })
})

function formWithout(name: string, body: FormData): FormData {
  body.delete(name)
  return body
}

function wavOf(seconds: number): Buffer {
  const [rate, head] = [8000, Buffer.alloc(44)]
  const size = rate * 2 * seconds
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + size, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(rate * 2, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36)
  head.writeUInt32LE(size, 40)
  return Buffer.concat([head, Buffer.alloc(size)])
}
