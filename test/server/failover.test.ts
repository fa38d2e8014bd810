// Several upstreams for a model: who is asked, who is paid for, and what a failure costs.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { call, must } from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import {
  answer,
  begin,
  broken,
  chunk,
  completion,
  json,
  pieces,
  reset,
  type Script,
  type ScriptedUpstream,
  silent,
  startScripted,
} from '../support/relay-upstream.ts'
import {
  assertBooks,
  callsByModel,
  chargeOf,
  countTokens,
  entries,
  MESSAGES,
  PROMPT_TOKENS,
  personWith,
  relayWorld,
  type World,
} from '../support/relay-world.ts'
import { freePort } from '../support/server.ts'

type Quota = { credits_used: number; base_credits: number; estimated: boolean; receipt: string }

const USAGE = { prompt_tokens: 10, completion_tokens: 4 }
/** Dollars a million: the same model at the first upstream, and dearer at the second. */
const CHEAP = { input: '1', output: '2', max_output: 1000 }
const DEAR = { input: '3', output: '4', max_output: 1000 }
const AT_FIRST = 10 * 1 + 4 * 2
const AT_SECOND = 10 * 3 + 4 * 4
const GOOD = answer({ usage: USAGE })
const failure = (status: number, headers: Record<string, string> = {}): Script =>
  json(status, JSON.stringify({ error: { message: 'no' } }), headers)

/** What the first upstream does, and what follows when the second is well. */
type Row = {
  what: string
  model: string
  first: Script
  stream?: true
  status: number
  /** How often each was asked. */
  asked: [first: number, second: number]
  charge: number
}
const rows: Row[] = [
  { what: 'answers', model: 'f-good', first: GOOD, status: 200, asked: [1, 0], charge: AT_FIRST },
  { what: 'answers 500', model: 'f-500', first: failure(500), status: 200, asked: [1, 1], charge: AT_SECOND },
  {
    what: 'answers 500 to a stream',
    model: 'f-500s',
    first: failure(500),
    stream: true,
    status: 200,
    asked: [1, 1],
    charge: AT_SECOND,
  },
  { what: 'is overloaded', model: 'f-529', first: failure(529), status: 200, asked: [1, 1], charge: AT_SECOND },
  { what: 'answers 429', model: 'f-429', first: failure(429), status: 200, asked: [1, 1], charge: AT_SECOND },
  { what: 'does not take our key', model: 'f-401', first: failure(401), status: 200, asked: [1, 1], charge: AT_SECOND },
  {
    what: 'cuts the connection before its answer',
    model: 'f-reset',
    first: reset,
    status: 200,
    asked: [1, 1],
    charge: AT_SECOND,
  },
  {
    what: 'says nothing for too long',
    model: 'f-hang',
    first: silent(),
    status: 200,
    asked: [1, 1],
    charge: AT_SECOND,
  },
  {
    what: 'does not begin its stream in time',
    model: 'f-hangs',
    first: silent(),
    stream: true,
    status: 200,
    asked: [1, 1],
    charge: AT_SECOND,
  },
  {
    what: 'says that the request is wrong',
    model: 'f-400',
    first: failure(400),
    status: 400,
    asked: [1, 0],
    charge: 0,
  },
  { what: 'does not know the model', model: 'f-404', first: failure(404), status: 400, asked: [1, 0], charge: 0 },
  { what: 'cannot process it', model: 'f-422', first: failure(422), status: 400, asked: [1, 0], charge: 0 },
  {
    what: 'answers with what nobody can read',
    model: 'f-junk',
    first: json(200, '<html>'),
    status: 502,
    asked: [1, 0],
    charge: 0,
  },
  {
    what: 'breaks off in the middle of its JSON',
    model: 'f-half',
    first: (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
      response.write(completion('half', USAGE).slice(0, 40))
      setTimeout(() => response.destroy(), 30)
    },
    status: 502,
    asked: [1, 0],
    charge: 0,
  },
  {
    what: 'dies after the first word of its stream: what was delivered is charged at its price',
    model: 'f-dies',
    first: broken(chunk('Hello there')),
    stream: true,
    status: 200,
    asked: [1, 0],
    charge: PROMPT_TOKENS * 1 + countTokens('Hello there') * 2,
  },
  {
    what: 'dies before any word, but after its head has gone out',
    model: 'f-head',
    first: async (response) => {
      begin(response)
      setTimeout(() => response.destroy(), 30)
    },
    stream: true,
    status: 200,
    asked: [1, 0],
    charge: 0,
  },
]

const PROVIDERS: [setting: string, model: string, header: string, value: (key: string) => string][] = [
  ['ANTHROPIC', 'anthropic/claude-haiku-4-5', 'authorization', (key) => `Bearer ${key}`],
  ['GOOGLE', 'google/gemini-2.5-flash', 'authorization', (key) => `Bearer ${key}`],
  ['GROQ', 'groq/llama-3.3-70b-versatile', 'authorization', (key) => `Bearer ${key}`],
  ['MISTRAL', 'mistral/mistral-large-2512', 'authorization', (key) => `Bearer ${key}`],
  ['DEEPSEEK', 'deepseek/deepseek-v3.2', 'authorization', (key) => `Bearer ${key}`],
  ['XAI', 'x-ai/grok-3', 'authorization', (key) => `Bearer ${key}`],
  ['TOGETHER', 'together/meta-llama/Llama-3.3-70B-Instruct-Turbo', 'authorization', (key) => `Bearer ${key}`],
  ['OPENROUTER', 'openrouter/openai/gpt-4o', 'authorization', (key) => `Bearer ${key}`],
  ['AZURE_OPENAI', 'azure/gpt-4o', 'api-key', (key) => key],
  ['COMPATIBLE', 'compatible/llama', 'authorization', (key) => `Bearer ${key}`],
]

const lastQuota = (reply: Answer) => parsedFrames(reply).at(-1)?.quota as Quota

describe('failover', () => {
  let world: World
  let first: ScriptedUpstream
  let second: ScriptedUpstream
  const folder = mkdtempSync(join(tmpdir(), 'quota-failover-'))

  before(async () => {
    second = await startScripted()
    const third = await startScripted() // stands for the other providers
    const file = join(folder, 'upstreams.json')
    const nowhere = `http://127.0.0.1:${await freePort()}/v1`
    const origin = third.url.replace(/\/v1$/, '')
    writeFileSync(
      file,
      JSON.stringify({
        upstreams: [
          {
            name: 'second',
            provider: 'openai',
            base_url: second.url,
            prices_of: 'second',
            key_env: 'SECOND_KEY',
            priority: 200,
          },
          { name: 'nowhere', provider: 'openai', base_url: nowhere, models: ['f-refused'], priority: 1 },
          { name: 'alone', provider: 'lonely', base_url: nowhere },
        ],
      }),
    )
    const names = [
      ...rows.map(({ model }) => model),
      'f-refused',
      'f-both',
      'f-both429',
      'f-rest',
      'f-other',
      'f-down',
      'f-hold',
    ]
    const models = Object.fromEntries([
      ...names.flatMap((name) => [
        [name, CHEAP],
        [`second/${name}`, { provider: 'second', ...DEAR }],
      ]),
      ['lonely/m', { provider: 'lonely', ...CHEAP }],
      ['compatible/llama', { provider: 'compatible', ...CHEAP }],
    ])
    const keys = PROVIDERS.flatMap(([setting]) => [
      [`${setting}_API_KEY`, `key-of-${setting}`],
      [`${setting}_BASE_URL`, `${origin}/${setting}${setting === 'ANTHROPIC' ? '' : '/v1'}`],
    ])
    const env = {
      ...Object.fromEntries(keys),
      QUOTA_UPSTREAMS_FILE: file,
      SECOND_KEY: 'sk-of-the-second',
      QUOTA_UPSTREAM_FAILURES: '5',
      QUOTA_UPSTREAM_TIMEOUT_S: '2',
      QUOTA_ANSWER_TIMEOUT_S: '2',
    }
    world = await relayWorld({ models, env }).catch(async (error) => {
      await Promise.all([second.stop(), third.stop()])
      throw error
    })
    first = world.upstream
    first.on('*', GOOD)
    second.on('*', GOOD)
    third.on('*', GOOD)
    others = third
  })
  let others: ScriptedUpstream
  after(async () => {
    await world.stop()
    await Promise.all([second.stop(), others.stop()])
    rmSync(folder, { recursive: true })
  })

  const chat = (model: string, more: Record<string, unknown> = {}, bearer = world.developerKey): Promise<Answer> =>
    ask(world.server.url, { bearer, body: { model, max_tokens: 20, messages: MESSAGES, ...more } })
  const asked = (model: string) => [first.of(model).length, second.of(model).length]
  const charges = async (model: string) => {
    const calls = callsByModel(await entries(world.server)).get(model) ?? []
    return calls.map(({ ending }) => (ending ? chargeOf(ending) : null))
  }
  // A success between rows: failures of several rows are not one outage.
  const well = async () => assert.equal((await chat('t-mix')).status, 200)

  for (const row of rows) {
    it(`the first ${row.what}: ${row.status}, ${row.charge} charged`, async () => {
      await well()
      first.on(row.model, row.first)
      const reply = await chat(row.model, row.stream ? { stream: true } : {})
      assert.equal(reply.status, row.status, reply.text)
      assert.deepEqual(asked(row.model), row.asked)
      assert.deepEqual(await charges(row.model), [row.charge])
      if (row.asked[1] === 0) return
      // The receipt names the model at the price of the one that answered; that one got its own key and our own name for it.
      const quota = row.stream ? lastQuota(reply) : (jsonOf(reply).quota as Quota)
      const receipt = JSON.parse(Buffer.from(quota.receipt.split('.')[1] ?? '', 'base64url').toString())
      assert.deepEqual(
        [receipt.model, receipt.unit_prices],
        [`second/${row.model}`, { input: '3000000', output: '4000000' }],
      )
      assert.equal(second.of(row.model)[0]?.headers.authorization, 'Bearer sk-of-the-second')
      if (row.stream) assert.equal(reply.frames.at(-1), '[DONE]')
    })
  }

  it('the first refuses the connection: the next in line answers, which is not the last', async () => {
    const reply = await chat('f-refused')
    assert.equal((jsonOf(reply).quota as Quota).base_credits, AT_FIRST)
    assert.deepEqual(asked('f-refused'), [1, 0])
  })

  it('both fail: 502, nothing is charged, each was asked once', async () => {
    for (const upstream of [first, second]) upstream.on('f-both', failure(500))
    const reply = await chat('f-both')
    assert.deepEqual([reply.status, errorOf(reply).code], [502, 'upstream_error'])
    assert.deepEqual([asked('f-both'), await charges('f-both')], [[1, 1], [0]])
    await well()
  })

  it('what is held covers the dearest, and who cannot pay that is refused before anybody is asked', async () => {
    const body = { model: 'f-hold', max_tokens: 20, messages: MESSAGES }
    // Each byte may be a token; 256 more are what a template of the second may add; then 20 tokens of output.
    const dearest = (JSON.stringify(body).length + 256) * 3 + 20 * 4
    const poor = await personWith(world.server, dearest - 1, 'poor')
    const refused = await chat('f-hold', {}, poor.key)
    assert.deepEqual([refused.status, errorOf(refused).details?.required], [402, dearest])
    assert.deepEqual(asked('f-hold'), [0, 0])
    assert.equal((await chat('f-hold')).status, 200)
    const [made] = callsByModel(await entries(world.server)).get('f-hold') ?? []
    assert.deepEqual(
      made?.hold.legs.map(({ amount }) => amount),
      [dearest],
    )
    assert.deepEqual([asked('f-hold'), made?.ending && chargeOf(made.ending)], [[1, 0], AT_FIRST])
  })

  it('Retry-After: the model is not asked for there again so soon, other models are', async () => {
    first.on('f-rest', failure(429, { 'retry-after': '50' }))
    assert.equal((await chat('f-rest')).status, 200)
    assert.equal((await chat('f-rest')).status, 200)
    assert.deepEqual(asked('f-rest'), [1, 2])
    await well()
    assert.equal((await chat('f-other')).status, 200)
    assert.deepEqual(asked('f-other'), [1, 0])
  })

  it('when both say so, the caller is told when to come back, without a hold', async () => {
    for (const upstream of [first, second]) upstream.on('f-both429', failure(429, { 'retry-after': '50' }))
    assert.equal((await chat('f-both429')).status, 429)
    const again = await chat('f-both429')
    assert.deepEqual([again.status, errorOf(again).code], [429, 'rate_limit'])
    const wait = Number(again.headers['retry-after'])
    assert.ok(wait > 20 && wait <= 50, String(wait))
    assert.deepEqual([asked('f-both429'), await charges('f-both429')], [[1, 1], [0]])
    await well()
  })

  it('one that keeps failing is left alone, tried again by one call, and comes back', async () => {
    first.on('*', failure(500))
    const askedBefore = () => first.of('f-down').length
    let before = -1
    for (let n = 0; before !== askedBefore(); n++) {
      assert.ok(n < 40, 'it was never left alone')
      before = askedBefore()
      assert.equal((await chat('f-down')).status, 200) // the second answers
    }
    assert.ok(before >= 5)
    assert.match((await call(world.server, 'GET', '/metrics')).text, /^quota_upstream_open\{upstream="openai"\} 1$/m)
    first.on('*', GOOD)
    for (const until = Date.now() + 60_000; askedBefore() === before; ) {
      assert.ok(Date.now() < until, 'it never came back')
      await chat('f-down')
    }
    assert.match((await call(world.server, 'GET', '/metrics')).text, /^quota_upstream_open\{upstream="openai"\} 0$/m)
  })

  it('when nobody else has the model, calls are refused at once while it is left alone: no hold, nothing charged', async () => {
    const replies: Answer[] = []
    while (replies.at(-1)?.status !== 503) {
      assert.ok(replies.length < 40, 'it was never left alone')
      replies.push(await chat('lonely/m'))
    }
    const last = replies.pop()
    assert.equal(last && errorOf(last).code, 'provider_unavailable')
    assert.ok(Number(last?.headers['retry-after']) >= 1)
    assert.deepEqual([...new Set(replies.map(({ status }) => status))], [502])
    assert.deepEqual(
      await charges('lonely/m'),
      replies.map(() => 0),
    )
  })

  for (const [setting, model, header, value] of PROVIDERS) {
    it(`${model} is asked at its own address with its own key`, async () => {
      const reply = await chat(model, { stream: true })
      assert.equal(reply.status, 200, reply.text)
      const there = model.slice(model.indexOf('/') + 1)
      const [made] = others.of(there)
      assert.deepEqual(
        [made?.path, made?.headers[header], made?.body.model],
        [`/${setting}/v1/chat/completions`, value(`key-of-${setting}`), there],
      )
      assert.equal('stream_options' in (made?.body ?? {}), setting !== 'MISTRAL')
      assert.equal(lastQuota(reply).estimated, false)
    })
  }

  it('reasoning that only the total holds is charged: 10 in, 4 out and 30 of thought', async () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 4,
      total_tokens: 44,
      completion_tokens_details: { reasoning_tokens: 30 },
    }
    others.on(
      'grok-3',
      pieces(chunk('word '), `data: ${JSON.stringify({ choices: [], usage })}\n\n`, 'data: [DONE]\n\n'),
    )
    const reply = await chat('x-ai/grok-3', { stream: true, max_tokens: 100 })
    const quota = lastQuota(reply)
    assert.deepEqual([quota.base_credits, quota.estimated], [10 * 3 + 34 * 15, false]) // grok-3: $3 in, $15 out
  })

  it('the list of models holds what can be reached, once each', async () => {
    const { data } = await must<{ data: { id: string }[] }>(world.server, 'GET', '/v1/models', {
      bearer: world.developerKey,
    })
    const ids = data.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    const shown = ['f-good', 'lonely/m', 'azure/gpt-4o', 'second/f-good', 'cohere/command-r'].map((id) =>
      ids.includes(id),
    )
    assert.deepEqual(shown, [true, true, true, false, false])
  })

  it('every hold is ended, and the books agree', () => assertBooks(world.server))
})
