// Answers that would never end: endless streams, bodies that drip, callers who do not read.
// owns: when they end, and what they cost. never: an upstream that falls silent (relay-endings.test.ts).
// always true: nothing stays reserved for longer than the settings say; what was delivered is charged, what was not is not.

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { ask, errorOf, parsedFrames } from '../support/relay-client.ts'
import { begin, chunk } from '../support/relay-upstream.ts'
import {
  assertBooks,
  callsByModel,
  chargeOf,
  countTokens,
  entries,
  MESSAGES,
  PRICES,
  PROMPT_TOKENS,
  relayWorld,
  settled,
  type World,
} from '../support/relay-world.ts'

describe('answers without an end', () => {
  let world: World
  /** Here only the patience with readers is short: on a slow machine the two bounds would race. */
  let floods: World
  const flowing = new Set<NodeJS.Timeout>()
  before(async () => {
    world = await relayWorld({
      models: { endless: PRICES.mix, drips: PRICES.mix },
      env: { QUOTA_STREAM_MAX_S: '2', QUOTA_HOLD_TTL_S: '1' },
    })
    floods = await relayWorld({
      models: { flood: { ...PRICES.mix, max_output: 10_000_000 } },
      env: { QUOTA_READER_STALL_S: '1', QUOTA_HOLD_TTL_S: '1' },
    })
    /** Writes a piece now and again until the connection closes. */
    const every = (ms: number, piece: string) => (response: ServerResponse) => {
      const timer = setInterval(() => response.write(piece), ms)
      flowing.add(timer)
      response.on('close', () => clearInterval(timer))
    }
    world.upstream.on('endless', (response) => {
      begin(response)
      every(50, chunk('word '))(response)
    })
    world.upstream.on('drips', (response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"choices": [')
      every(50, ' ')(response)
    })
    floods.upstream.on('flood', (response) => {
      begin(response)
      every(5, chunk('word '.repeat(20_000)))(response)
    })
  })
  after(async () => {
    for (const timer of flowing) clearInterval(timer)
    for (const { server, stop } of [world, floods]) {
      await assertBooks(server)
      await stop()
    }
  })

  const body = (model: string, stream: boolean) => ({ model, messages: MESSAGES, max_tokens: 900, stream })
  const endingOf = async (model: string, { server } = world) => {
    const [call] = callsByModel(await entries(server)).get(model) ?? []
    assert.ok(call?.ending, `${model} has not ended`)
    return call.ending
  }

  test('an endless stream is ended, with a last frame that says so and its bill', async () => {
    const reply = await ask(world.server.url, { bearer: world.developerKey, body: body('endless', true) })
    assert.ok(reply.complete && !reply.text.includes('[DONE]'))
    const frames = parsedFrames(reply)
    const last = frames.at(-1) as { error: { code: string }; quota: { credits_used: number; estimated: boolean } }
    assert.deepEqual([last.error.code, last.quota.estimated], ['gateway_timeout', true])
    const delivered = 'word '.repeat(frames.length - 1)
    assert.equal(last.quota.credits_used, PROMPT_TOKENS + 2 * countTokens(delivered))
    assert.equal(chargeOf(await endingOf('endless')), last.quota.credits_used)
  })

  test('a body that drips is given up, and costs nothing', async () => {
    const reply = await ask(world.server.url, { bearer: world.developerKey, body: body('drips', false) })
    assert.deepEqual([reply.status, errorOf(reply).code], [504, 'gateway_timeout'])
    assert.equal((await endingOf('drips')).kind, 'void')
  })

  test('a caller who reads nothing is cut, and pays for what they were sent', async () => {
    const { promise: over, resolve: readOn } = Promise.withResolvers<void>()
    const asked = { ...body('flood', true), max_tokens: 500_000 }
    const reply = ask(floods.server.url, { bearer: floods.developerKey, body: asked, pauseUntil: over })
    while (floods.upstream.of('flood').length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await settled(floods.server, 60_000)
    const ending = await endingOf('flood', floods)
    assert.deepEqual([ending.kind, ending.memo?.outcome], ['settle', 'the caller took nothing any more'])
    assert.ok(chargeOf(ending) > PROMPT_TOKENS + 2 * 20_000)
    readOn()
    assert.equal((await reply).complete, false)
  })
})
