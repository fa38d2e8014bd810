// What an operator sees of metered calls: figures, one log line each, and traces at a collector.
// owns: names, attributes and numbers of all three. never: secrets in them (relay-canary.test.ts).
// always true: what is told is told once a call, refused ones too.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { call } from '../support/api.ts'
import { type CollectedSpan, type Collector, startCollector } from '../support/collector.ts'
import { type Answer, ask } from '../support/relay-client.ts'
import { answer, broken, chunk, json } from '../support/relay-upstream.ts'
import { assertBooks, MESSAGES, PRICES, relayWorld, type World } from '../support/relay-world.ts'

const USAGE = {
  prompt_tokens: 10,
  completion_tokens: 4,
  prompt_tokens_details: { cached_tokens: 3 },
  completion_tokens_details: { reasoning_tokens: 1 },
}
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const UNSAMPLED = '00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00'
const SERVER = 2
const CLIENT = 3

describe('what is seen of calls', () => {
  let world: World
  let collector: Collector
  let plain: Answer
  before(async () => {
    collector = await startCollector()
    const models = {
      seen: { ...PRICES.mix, cached_input: '0.5', reasoning: '2' },
      fails: PRICES.mix,
      breaks: PRICES.mix,
    }
    world = await relayWorld({ models, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } })
    world.upstream.on('seen', answer({ words: 2, usage: USAGE }))
    world.upstream.on('fails', json(500, '{}'))
    world.upstream.on('breaks', broken(chunk('word '), chunk('word ')))
    plain = await send('seen', { headers: { traceparent: PARENT } })
    await send('seen', { stream: true })
    await send('seen', { stream: true, headers: { traceparent: UNSAMPLED } })
    await send('fails')
    await send('breaks', { stream: true })
    await send('no-such-model')
    const key = { 'idempotency-key': 'once' }
    await send('seen', { headers: key })
    await send('seen', { headers: key })
  })
  after(async () => {
    await assertBooks(world.server)
    await world.stop()
    await collector.stop()
  })

  const send = (model: string, how: { stream?: boolean; headers?: Record<string, string> } = {}) =>
    ask(world.server.url, {
      bearer: world.developerKey,
      ...(how.headers ? { headers: how.headers } : {}),
      body: { model, messages: MESSAGES, max_tokens: 20, ...(how.stream ? { stream: true } : {}) },
    })
  const named = (spans: CollectedSpan[], name: string) => spans.filter((span) => span.name === name)
  const whole = (spans: CollectedSpan[]) => spans.filter(({ kind }) => kind === SERVER)

  test('a trace: the call, the model’s answer inside, and our own steps', async () => {
    const spans = await collector.until((all) => whole(all).length >= 7)
    const mine = spans.filter(({ traceId }) => traceId === PARENT.slice(3, 35))
    const [root] = whole(mine)
    assert.ok(root, 'no span of the call')
    assert.deepEqual([root.name, root.parentSpanId], ['POST /v1/chat/completions', PARENT.slice(36, 52)])
    const { 'quota.request_id': id, 'quota.price_version': version, ...attributes } = root.attributes
    assert.equal(id, plain.headers['x-request-id'])
    assert.ok(version)
    assert.deepEqual(attributes, {
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'http.response.status_code': 200,
      'quota.billing_mode': 'developer',
      'quota.credits_used': Number(plain.headers['x-quota-credits-used']),
      'quota.estimated': false,
    })
    const [model] = named(mine, 'chat seen')
    assert.ok(model, 'no span of the model')
    assert.deepEqual([model.kind, model.parentSpanId, model.failed], [CLIENT, root.spanId, false])
    assert.deepEqual(model.attributes, {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'seen',
      'gen_ai.request.max_tokens': 20,
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 4,
      'gen_ai.usage.cache_read.input_tokens': 3,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(world.upstream.url).port),
      'quota.upstream': 'openai',
    })
    for (const step of ['hold', 'settle']) {
      const [span] = named(mine, step)
      assert.equal(span?.parentSpanId, root.spanId, step)
      assert.ok(BigInt(span?.endTimeUnixNano ?? 0) > BigInt(span?.startTimeUnixNano ?? 0), step)
    }
  })

  test('the upstream hears of our span, and only of that', () => {
    const [first, second] = world.upstream.of('seen')
    const model = collector.spans().find(({ name, traceId }) => name === 'chat seen' && traceId === PARENT.slice(3, 35))
    assert.equal(first?.headers.traceparent, `00-${PARENT.slice(3, 35)}-${model?.spanId}-01`)
    assert.match(String(second?.headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  })

  test('a trace that its caller does not sample is none of ours either', () => {
    assert.equal(collector.raw().includes(UNSAMPLED.slice(3, 35)), false)
    assert.match(String(world.upstream.of('seen')[2]?.headers.traceparent), /-00$/)
  })

  test('failures are marked with what they are', async () => {
    const spans = await collector.until((all) => whole(all).length >= 7)
    const [failed] = named(spans, 'chat fails')
    assert.deepEqual([failed?.failed, failed?.attributes['error.type']], [true, 'failed'])
    const [broke] = named(spans, 'chat breaks')
    assert.deepEqual([broke?.failed, broke?.attributes['error.type']], [true, 'broken'])
    const codes = whole(spans).map(({ attributes }) => attributes['error.type'])
    assert.ok(codes.includes('upstream_error') && codes.includes('model_not_found'), String(codes))
    assert.equal(whole(spans).filter(({ attributes }) => attributes['quota.replayed'] === true).length, 1)
  })

  test('the figures', async () => {
    const { text } = await call(world.server, 'GET', '/metrics')
    const value = (line: string) =>
      Number(
        text
          .split('\n')
          .find((row) => row.startsWith(`${line} `))
          ?.split(' ')[1],
      )
    assert.equal(value('quota_calls_total{mode="developer",outcome="charged"}'), 5)
    assert.equal(value('quota_calls_total{mode="developer",outcome="free"}'), 1)
    assert.equal(value('quota_calls_total{mode="developer",outcome="replayed"}'), 1)
    assert.equal(value('quota_refusals_total{code="model_not_found"}'), 1)
    assert.equal(value('quota_estimated_total'), 1)
    assert.ok(value('quota_estimated_credits_total') > 0)
    assert.equal(value('quota_losses_total{why="ended_early"}'), 1)
    assert.equal(value('quota_upstream_answers_total{upstream="openai",result="ok"}'), 4)
    assert.equal(value('quota_upstream_answers_total{upstream="openai",result="failed"}'), 1)
    assert.equal(value('quota_upstream_answers_total{upstream="openai",result="broken"}'), 1)
    assert.equal(value('quota_added_seconds_count{stream="true"}'), 3)
    assert.equal(value('quota_added_seconds_count{stream="false"}'), 3)
    assert.ok(value('quota_added_seconds_sum{stream="false"}') > 0)
    assert.equal(value('quota_upstream_seconds_count{upstream="openai"}'), 6)
    assert.ok(value('quota_credits_total{kind="base"}') > 0)
    assert.deepEqual(
      ['quota_open_holds', 'quota_oldest_hold_seconds', 'quota_running_calls', 'quota_settling_calls'].map(value),
      [0, 0, 0, 0],
    )
    assert.ok(value('quota_pokes_total') >= 5)
    assert.ok(value('quota_writer_batch_size_count') >= 10)
  })

  test('one line for each call, at the level debug', () => {
    const lines = world.server
      .logs()
      .split('\n')
      .filter((line) => /"msg":"call( refused| replayed)?"/.test(line))
      .map((line) => JSON.parse(line))
    assert.equal(lines.length, 8)
    assert.ok(lines.every(({ level }) => level === 20))
    const line = lines.find(({ request_id }) => request_id === plain.headers['x-request-id'])
    const { time, level, ms, upstream_ms, request_id, ...rest } = line
    assert.deepEqual(rest, {
      route: '/v1/chat/completions',
      mode: 'developer',
      model: 'seen',
      upstream: 'openai',
      stream: false,
      status: 200,
      code: null,
      result: 'ok',
      units: { input: 7, cached_input: 3, output: 3, reasoning: 1 },
      credits: Number(plain.headers['x-quota-credits-used']),
      estimated: false,
      msg: 'call',
    })
    assert.ok(ms >= upstream_ms)
  })
})

test('without an endpoint nothing is traced, and upstreams hear nothing of a caller’s trace', async () => {
  const world = await relayWorld({ env: { QUOTA_LOG_LEVEL: 'info' } })
  try {
    const headers = { traceparent: PARENT, tracestate: 'a=b' }
    const body = { model: 't-mix', messages: MESSAGES }
    assert.equal((await ask(world.server.url, { bearer: world.developerKey, headers, body })).status, 200)
    assert.deepEqual(
      Object.keys(world.upstream.calls[0]?.headers ?? {}).filter((name) => name.startsWith('trace')),
      [],
    )
    assert.doesNotMatch(world.server.logs(), /"msg":"call"/)
  } finally {
    await world.stop()
  }
})
