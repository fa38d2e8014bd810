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
  const flowing = new Set<NodeJS.Timeout>()
  before(async () => {
    const models = { endless: PRICES.mix, drips: PRICES.mix, flood: { ...PRICES.mix, max_output: 10_000_000 } }
    world = await relayWorld({
      models,
      env: { QUOTA_STREAM_MAX_S: '2', QUOTA_READER_STALL_S: '1', QUOTA_HOLD_TTL_S: '1' },
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
    world.upstream.on('flood', (response) => {
      begin(response)
      every(5, chunk('word '.repeat(20_000)))(response)
    })
  })
  after(async () => {
    for (const timer of flowing) clearInterval(timer)
    await assertBooks(world.server)
    await world.stop()
  })

  const body = (model: string, stream: boolean) => ({ model, messages: MESSAGES, max_tokens: 900, stream })
  const endingOf = async (model: string) => {
    const [call] = callsByModel(await entries(world.server)).get(model) ?? []
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
    const asked = { bearer: world.developerKey, body: { ...body('flood', true), max_tokens: 500_000 }, pauseMs: 20_000 }
    const reply = ask(world.server.url, asked)
    while (world.upstream.of('flood').length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await settled(world.server, 10_000)
    const ending = await endingOf('flood')
    assert.deepEqual([ending.kind, ending.memo?.outcome], ['settle', 'the caller took nothing any more'])
    assert.ok(chargeOf(ending) > PROMPT_TOKENS + 2 * 20_000)
    assert.equal((await reply).complete, false)
  })
})
