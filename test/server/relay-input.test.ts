// Bad input on the metered routes, and good input that nobody here needs to understand.
// owns: what is refused and by which name; what the vendor is sent. never: money beyond "nothing moved".
// always true: a refusal names its field, reached no vendor, wrote no entry; what is not ours to read arrives untouched.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Answer, ask, errorOf } from '../support/relay-client.ts'
import { post, raw } from '../support/relay-raw.ts'
import { assertBooks, entries, MESSAGES, PRICES, relayWorld, type World } from '../support/relay-world.ts'

const OK = { model: 'plain', messages: MESSAGES, max_tokens: 20 }

/** Field by field: a value that must be refused, and how. */
const FIELDS: [string, Record<string, unknown>, string, string?][] = [
  ['model missing', { model: undefined }, 'bad_request', 'model'],
  ['model null', { model: null }, 'bad_request', 'model'],
  ['model a number', { model: 1 }, 'bad_request', 'model'],
  ['model empty', { model: '' }, 'bad_request', 'model'],
  ['model a list', { model: ['plain'] }, 'bad_request', 'model'],
  ['model unknown', { model: 'gpt-99' }, 'model_not_found', 'model'],
  ['model that climbs', { model: '../x' }, 'model_not_found', 'model'],
  ['model of 10 kB', { model: 'x'.repeat(10_000) }, 'model_not_found', 'model'],
  ['model of a prototype', { model: '__proto__' }, 'model_not_found', 'model'],
  ['model called constructor', { model: 'constructor' }, 'model_not_found', 'model'],
  ['model with a space', { model: 'plain ' }, 'model_not_found', 'model'],
  ['messages missing', { messages: undefined }, 'bad_request', 'messages'],
  ['messages empty', { messages: [] }, 'bad_request', 'messages'],
  ['messages a text', { messages: 'Hello' }, 'bad_request', 'messages'],
  ['messages an object', { messages: { 0: MESSAGES[0] } }, 'bad_request', 'messages'],
  ['stream a text', { stream: 'true' }, 'bad_request', 'stream'],
  ['stream a number', { stream: 1 }, 'bad_request', 'stream'],
  ['stream_options a text', { stream: true, stream_options: 'x' }, 'bad_request', 'stream_options'],
  ['stream_options a list', { stream: true, stream_options: [] }, 'bad_request', 'stream_options'],
  ['max_tokens 0', { max_tokens: 0 }, 'bad_request', 'max_tokens'],
  ['max_tokens -1', { max_tokens: -1 }, 'bad_request', 'max_tokens'],
  ['max_tokens 1.5', { max_tokens: 1.5 }, 'bad_request', 'max_tokens'],
  ['max_tokens a text', { max_tokens: '50' }, 'bad_request', 'max_tokens'],
  ['max_tokens 1e9', { max_tokens: 1e9 }, 'bad_request', 'max_tokens'],
  ['max_tokens true', { max_tokens: true }, 'bad_request', 'max_tokens'],
  ['max_tokens a list', { max_tokens: [5] }, 'bad_request', 'max_tokens'],
  ['max_completion_tokens 0', { max_completion_tokens: 0 }, 'bad_request', 'max_completion_tokens'],
  ['two limits that differ', { max_tokens: 5, max_completion_tokens: 6 }, 'bad_request', 'max_tokens'],
  ['n 0', { n: 0 }, 'bad_request', 'n'],
  ['n 1000', { n: 1000 }, 'bad_request', 'n'],
  ['n a text', { n: '2' }, 'bad_request', 'n'],
  ['n 1.5', { n: 1.5 }, 'bad_request', 'n'],
  ...[
    'api_base',
    'base_url',
    'api_key',
    'organization',
    'extra_headers',
    'extra_body',
    'proxy',
    'mock_response',
    'user_config',
    'previous_response_id',
    'conversation',
    'container',
    'file_id',
  ].map((name): [string, Record<string, unknown>, string, string] => [
    `parameter ${name}`,
    { [name]: 'x' },
    'unsupported_parameter',
    name,
  ]),
  ['background true', { background: true }, 'unsupported_parameter', 'background'],
  ['audio out', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }, 'unsupported_parameter'],
  ['modalities with audio', { modalities: ['audio'] }, 'unsupported_parameter', 'modalities'],
  ['a priority tier', { service_tier: 'priority' }, 'unsupported_parameter', 'service_tier'],
  ['search that costs extra', { web_search_options: {} }, 'unsupported_parameter', 'web_search_options'],
  ['a tool that costs extra', { tools: [{ type: 'web_search' }] }, 'unsupported_parameter', 'tools'],
  ['a tool without a type', { tools: [{}] }, 'unsupported_parameter', 'tools'],
  [
    'sound in a message',
    { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    'unsupported_parameter',
    'messages[0].content[0].type',
  ],
  [
    'a file in a message',
    { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'x' } }] }] },
    'unsupported_parameter',
    'messages[0].content[0].type',
  ],
]

const STATUS: Record<string, number> = { bad_request: 400, unsupported_parameter: 400, model_not_found: 404 }

describe('bad input on the metered routes', () => {
  let world: World
  before(async () => {
    world = await relayWorld({ models: { plain: PRICES.mix } })
  })
  after(async () => {
    await assertBooks(world.server)
    await world.stop()
  })

  async function nothingMoved<T>(act: () => Promise<T>): Promise<T> {
    const [seen, moved] = [world.upstream.calls.length, (await entries(world.server)).length]
    const reply = await act()
    assert.equal(world.upstream.calls.length, seen, 'the vendor was called')
    assert.equal((await entries(world.server)).length, moved, 'something moved')
    return reply
  }
  const send = (body: unknown, extra: Partial<Parameters<typeof ask>[1]> = {}): Promise<Answer> =>
    ask(world.server.url, { bearer: world.developerKey, body, ...extra })

  for (const [name, fields, code, param] of FIELDS) {
    test(`field: ${name}`, async () => {
      const reply = await nothingMoved(() => send({ ...OK, ...fields }))
      assert.deepEqual([reply.status, errorOf(reply).code], [STATUS[code], code], reply.text)
      if (param) assert.equal(errorOf(reply).param, param)
    })
  }

  const doubled = JSON.stringify(OK).replace('}', ',"max_tokens":20')
  const bodies: [string, string | Buffer, number, string][] = [
    ['no body', '', 400, 'bad_request'],
    ['a text', '"hello"', 400, 'bad_request'],
    ['a list', '[]', 400, 'bad_request'],
    ['null', 'null', 400, 'bad_request'],
    ['a number', '1', 400, 'bad_request'],
    ['broken JSON', '{"model":', 400, 'bad_request'],
    ['two documents', '{}{}', 400, 'bad_request'],
    ['a comment', `/**/${JSON.stringify(OK)}`, 400, 'bad_request'],
    ['NaN', '{"model":"plain","messages":[{}],"max_tokens":NaN}', 400, 'bad_request'],
    [
      'invalid UTF-8',
      Buffer.concat([
        Buffer.from('{"model":"plain","messages":[{"role":"user","content":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}]}'),
      ]),
      400,
      'bad_request',
    ],
    [
      'an overlong form',
      Buffer.concat([
        Buffer.from('{"model":"plain","messages":[{"role":"user","content":"'),
        Buffer.from([0xc0, 0xaf]),
        Buffer.from('"}]}'),
      ]),
      400,
      'bad_request',
    ],
    ['UTF-16', Buffer.from(JSON.stringify(OK), 'utf16le'), 400, 'bad_request'],
    ['a byte order mark', `\ufeff${JSON.stringify(OK)}`, 400, 'bad_request'],
    ['a lone surrogate', '{"model":"plain","messages":[{"role":"user","content":"\\ud800"}]}', 400, 'bad_request'],
    ['a key twice', doubled.replace('{"model"', '{"model":"gpt-4o","model"'), 400, 'bad_request'],
    [
      'a key twice, once escaped',
      '{"model":"plain","messages":[{}],"max_tokens":5,"max_t\\u006fkens":500}',
      400,
      'bad_request',
    ],
    ['__proto__', '{"model":"plain","messages":[{}],"__proto__":{"max_tokens":1}}', 400, 'bad_request'],
    [
      'nested 100 deep',
      `{"model":"plain","messages":[{}],"x":${'['.repeat(100)}${']'.repeat(100)}}`,
      400,
      'bad_request',
    ],
  ]
  for (const [name, body, status, code] of bodies) {
    test(`body: ${name}`, async () => {
      const reply = await nothingMoved(() => send(body))
      assert.deepEqual([reply.status, errorOf(reply).code], [status, code], reply.text)
    })
  }

  const types: [string, Record<string, string>, Buffer | string, number][] = [
    ['text/plain', { 'content-type': 'text/plain' }, JSON.stringify(OK), 415],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'model=plain', 415],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415],
    ['no type', { 'content-type': '' }, JSON.stringify(OK), 415],
    ['a type with a tab', { 'content-type': 'application/json\ta' }, JSON.stringify(OK), 415],
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(JSON.stringify(OK)), 415],
    ['gzip by another name', { 'content-encoding': 'identity, gzip' }, gzipSync(JSON.stringify(OK)), 415],
  ]
  for (const [name, headers, body, status] of types) {
    test(`content: ${name}`, async () => {
      const reply = await nothingMoved(() => send(body, { headers }))
      assert.equal(reply.status, status, reply.text)
      assert.equal(errorOf(reply).code, 'unsupported_media_type')
    })
  }

  test('content: JSON with a charset is JSON', async () => {
    assert.equal((await send(OK, { headers: { 'content-type': 'application/json; charset=utf-8' } })).status, 200)
  })

  const lines = (...more: string[]) => [
    'host: quota',
    `authorization: Bearer ${world.developerKey}`,
    'content-type: application/json',
    ...more,
  ]
  const doubledHeaders: [string, () => string[]][] = [
    ['Authorization', () => lines(`authorization: Bearer ${world.developerKey}`)],
    ['Authorization of another key', () => lines(`authorization: Bearer ${world.userKey}`)],
    ['Host', () => lines('host: other')],
    [
      'X-Quota-User',
      () => [
        'host: quota',
        `authorization: Bearer ${world.userKey}`,
        'content-type: application/json',
        'x-quota-user: a',
        'x-quota-user: b',
      ],
    ],
    ['Idempotency-Key', () => lines('idempotency-key: a', 'idempotency-key: b')],
    ['Content-Type', () => lines('content-type: text/plain')],
    [
      'X-API-Key',
      () => [
        'host: quota',
        'content-type: application/json',
        `x-api-key: ${world.developerKey}`,
        `x-api-key: ${world.developerKey}`,
      ],
    ],
  ]
  for (const [name, headers] of doubledHeaders) {
    test(`doubled header: ${name}`, async () => {
      const reply = await nothingMoved(() =>
        raw(world.server.url, post('/v1/chat/completions', headers(), JSON.stringify(OK))),
      )
      assert.equal(reply.status, 400, reply.head)
    })
  }

  test('two lengths, or a length and chunks: 400 or closed, and nothing is smuggled', async () => {
    const body = JSON.stringify(OK)
    for (const more of ['content-length: 5', 'transfer-encoding: chunked']) {
      const reply = await nothingMoved(() => raw(world.server.url, post('/v1/chat/completions', lines(more), body)))
      assert.ok([400, 0].includes(reply.status), reply.head)
    }
  })

  const unread: [name: string, bytes: string, status: number][] = [
    ['no Host', 'GET /v1/balance HTTP/1.1\r\n\r\n', 400],
    ['no request line', 'HELLO\r\n\r\n', 400],
    ['an unknown method', 'BREW /v1/balance HTTP/1.1\r\nhost: quota\r\n\r\n', 400],
    ['a space in the address', 'GET /v1/a b HTTP/1.1\r\nhost: quota\r\n\r\n', 400],
    ['20 kB of headers', `GET /v1/balance HTTP/1.1\r\nhost: quota\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ]
  for (const [name, bytes, status] of unread) {
    test(`what cannot be read as a request has an id and our shape of an error too: ${name}`, async () => {
      const reply = await nothingMoved(() => raw(world.server.url, bytes))
      assert.equal(reply.status, status, reply.head)
      const { error } = JSON.parse(reply.text) as { error: { code: string; request_id: string } }
      assert.equal(error.code, 'bad_request')
      assert.match(reply.head, new RegExp(`x-request-id: ${error.request_id}`, 'i'))
    })
  }

  const ofOauth: [name: string, path: string, lines: string[], status: number][] = [
    ['Authorization twice', '/oauth/token', ['authorization: Basic eA==', 'authorization: Basic eA=='], 400],
    ['Content-Type twice', '/oauth/par', ['content-type: text/plain'], 400],
    ['compressed', '/oauth/revoke', ['content-encoding: gzip'], 415],
    ['another method', '/oauth/authorize', [], 405],
    ['too long an address', `/oauth/introspect?${'x'.repeat(9000)}`, [], 414],
    ['a forbidden character', '/oauth/userinfo?x=%00', [], 400],
  ]
  for (const [name, path, more, status] of ofOauth) {
    test(`the endpoints of OAuth refuse in the protocol’s own shape: ${name}`, async () => {
      const head = ['host: quota', 'content-type: application/x-www-form-urlencoded', ...more]
      const reply = await nothingMoved(() => raw(world.server.url, post(path, head, 'a=b')))
      const { error, error_description } = JSON.parse(reply.text) as Record<string, string>
      assert.deepEqual([reply.status, error, typeof error_description], [status, 'invalid_request', 'string'])
    })
  }

  test('a body that never ends and a caller who leaves', async () => {
    const half = post('/v1/chat/completions', lines(), '{"model":"plain",', 500)
    const reply = await nothingMoved(() => raw(world.server.url, half, 300))
    assert.equal(reply.status, 0)
  })

  const idempotencyKeys: [string, string][] = [
    ['empty', ''],
    ['of 256 characters', 'k'.repeat(256)],
    ['with a space', 'a b'],
    ['beyond ASCII', 'schl\u00fcssel'],
  ]
  for (const [name, key] of idempotencyKeys) {
    test(`an Idempotency-Key ${name}`, async () => {
      const bytes = post('/v1/chat/completions', lines(`idempotency-key: ${key}`), JSON.stringify(OK))
      const reply = await nothingMoved(() => raw(world.server.url, bytes))
      assert.equal(reply.status, 400, reply.head)
    })
  }

  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) {
    test(`method ${method}`, async () => {
      const reply = await nothingMoved(() => ask(world.server.url, { bearer: world.developerKey, method }))
      assert.equal(reply.status, 405, reply.text)
      assert.match(String(reply.headers.allow), /POST/)
    })
  }

  for (const path of [
    '/v1/completions',
    '/v1/files',
    '/v1/batches',
    '/v1/fine_tuning/jobs',
    '/v1/threads',
    '/v1/realtime',
    '/v1/assistants',
    '/v1/chat',
    '/v1/chat/completions/x',
    '/v1//chat/completions',
    '/V1/chat/completions',
    '/v1/chat/completions%2f',
    '/v1/users/a/b/chat/completions',
    '/v1/users/a/files',
  ]) {
    test(`no such route: ${path}`, async () => {
      const reply = await nothingMoved(() => send(OK, { path }))
      assert.deepEqual([reply.status, errorOf(reply).code], [404, 'not_found'], reply.text)
    })
  }

  test('a websocket is not spoken here', async () => {
    const bytes = [
      'GET /v1/realtime HTTP/1.1',
      'host: quota',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: eHh4eHh4eHh4eHh4eHh4eA==',
      '',
      '',
    ].join('\r\n')
    const reply = await nothingMoved(() => raw(world.server.url, bytes))
    assert.equal(reply.status, 404)
  })

  test('what is not ours to read arrives untouched', async () => {
    const unknown = [
      '"seed": 12345678901234567890',
      '"temperature":1.0',
      '"x": {"b":1e400,"a":[1.10,"\\u00e9", "}\\\\\\""],"a":2}',
      '"logit_bias":{"50256":-100}',
      '"zero":-0',
      '"metadata":null',
      '"name with \\"quotes\\" {" : [[], {}, "]"]',
    ]
    const text = `{ "model" : "plain",\n ${unknown.join(' , ')}, "messages":[{"role":"user","content":"caf\\u00e9 \\/ caf\u00e9","odd":true}],"max_tokens":20}`
    const reply = await send(text)
    assert.equal(reply.status, 200, reply.text)
    const seen = world.upstream.calls.at(-1)?.raw ?? ''
    for (const member of unknown) assert.ok(seen.includes(member), `${member} is missing in ${seen}`)
    assert.ok(seen.includes('"messages":[{"role":"user","content":"caf\\u00e9 \\/ caf\u00e9","odd":true}]'), seen)
    assert.ok(seen.includes('"max_tokens":20'))
    assert.doesNotThrow(() => JSON.parse(seen))
  })

  const changed: [string, string, (seen: Record<string, unknown>) => void][] = [
    ['store is sent as false', '"store":true', (seen) => assert.equal(seen.store, false)],
    ['store is not added', '"x":1', (seen) => assert.equal('store' in seen, false)],
    [
      'usage is asked for, beside other options',
      '"stream":true,"stream_options":{"include_usage":false,"other":1}',
      (seen) => assert.deepEqual(seen.stream_options, { include_usage: true, other: 1 }),
    ],
    [
      'usage is asked for when options are null',
      '"stream":true,"stream_options":null',
      (seen) => assert.deepEqual(seen.stream_options, { include_usage: true }),
    ],
    ['a JSON call gets no stream options', '"stream":false', (seen) => assert.equal('stream_options' in seen, false)],
    [
      'null limits give way to the one held for',
      '"max_tokens":null,"max_completion_tokens":null',
      (seen) => assert.deepEqual([seen.max_tokens, seen.max_completion_tokens ?? null], [1000, null]),
    ],
    [
      'the same limit twice stays',
      '"max_tokens":9,"max_completion_tokens":9',
      (seen) => assert.deepEqual([seen.max_tokens, seen.max_completion_tokens], [9, 9]),
    ],
  ]
  for (const [name, fields, check] of changed) {
    test(`sent on: ${name}`, async () => {
      const reply = await send(`{"model":"plain","messages":[{"role":"user","content":"Hello"}],${fields}}`)
      assert.equal(reply.status, 200, reply.text)
      check(world.upstream.calls.at(-1)?.body ?? {})
    })
  }

  test('10,000 messages, or 20 MiB, are held for by their bytes', async () => {
    const many = Array.from({ length: 10_000 }, () => ({ role: 'user', content: 'a' }))
    assert.equal((await send({ ...OK, messages: many })).status, 200)
    const big = [{ role: 'user', content: 'a'.repeat(20 * 1024 * 1024) }]
    assert.equal((await send({ ...OK, messages: big })).status, 200)
    const reply = await nothingMoved(() =>
      send({ ...OK, messages: [{ role: 'user', content: 'a'.repeat(25 * 1024 * 1024) }] }),
    )
    assert.ok(reply.status === 413 || reply.status === 0, String(reply.status))
  })

  test('the server is well after all of that', async () => {
    assert.equal((await send(OK)).status, 200)
    const surprises = world.server
      .logs()
      .split('\n')
      .filter((line) => line.includes('"msg":"unexpected"'))
    assert.deepEqual(surprises, [])
  })
})
