// The store is away for some seconds while answers come, or the server is asked to stop.
// owns: what callers and books see of it. never: a store that is gone for good.
// always true: an answer that was delivered is charged when the store is back, once; nothing is relayed that could not be held.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Answer, ask, errorOf, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { answer } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  callsByModel,
  chargeOf,
  entries,
  MESSAGES,
  PRICES,
  relayWorld,
  settled,
  type World,
} from '../support/relay-world.ts'
import { databases, type Server } from '../support/server.ts'

const USAGE = { prompt_tokens: 10, completion_tokens: 4 }
const PRICE = 18
/** Longer than the server waits for a lock (2 s), shorter than it keeps trying to write down what was delivered. */
const AWAY_MS = 3200

/** Keeps everybody else from writing until it is called. */
async function takeStore({ dataDir, databaseUrl }: Server): Promise<() => Promise<void>> {
  if (databaseUrl === undefined) {
    const other = new DatabaseSync(join(dataDir, 'quota.db'), { timeout: 5000 })
    other.exec('BEGIN IMMEDIATE')
    return async () => {
      other.exec('ROLLBACK')
      other.close()
    }
  }
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('BEGIN')
  await client.query('LOCK TABLE movements IN ACCESS EXCLUSIVE MODE')
  return () => client.end()
}

function usedBy(reply: Answer): number | undefined {
  const quota = (reply.text.startsWith('data:') ? parsedFrames(reply).at(-1) : jsonOf(reply))?.quota
  return (quota as { credits_used: number } | undefined)?.credits_used
}

async function called(world: World, count: number): Promise<void> {
  const until = Date.now() + 60_000
  while (world.upstream.of('slow').length < count && Date.now() < until) await sleep(20)
  assert.equal(world.upstream.of('slow').length, count)
}

describe('a store that is away', { concurrency: 2 }, () => {
  for (const db of databases()) {
    const begin = async (after: (act: () => unknown) => void) => {
      const world = await relayWorld({ db, models: { slow: PRICES.mix, quick: PRICES.mix } })
      after(() => world.stop())
      return world
    }
    const send = (world: World, model: string, stream: boolean): Promise<Answer> =>
      ask(world.server.url, { bearer: world.developerKey, body: { model, messages: MESSAGES, max_tokens: 50, stream } })

    test(`between hold and settlement: charged when it is back (${db})`, async (t) => {
      const world = await begin((act) => t.after(act))
      const before = await balanceOf(world.server, world.developer)
      const gate = Promise.withResolvers<void>()
      world.upstream.on('slow', async (response, call) => {
        await gate.promise
        return answer({ usage: USAGE })(response, call)
      })
      const running = [send(world, 'slow', true), send(world, 'slow', false)]
      await called(world, 2)
      const giveBack = await takeStore(world.server)
      gate.resolve()
      await sleep(300)
      const seen = world.upstream.calls.length
      // This one is refused, or waits until the store is back; it never goes on without a hold.
      const late = send(world, 'quick', false)
      await sleep(AWAY_MS)
      assert.equal(world.upstream.calls.length, seen, 'a call without a hold reached the vendor')
      await giveBack()
      const [stream, whole] = await Promise.all(running)
      assert.ok(stream && whole)
      assert.equal(stream.frames.at(-1), '[DONE]', stream.text)
      assert.deepEqual([usedBy(stream), usedBy(whole)], [PRICE, PRICE])
      const other = await late
      if (other.status !== 200) {
        assert.deepEqual(
          [other.status, errorOf(other).code, other.headers['retry-after']],
          [503, 'ledger_unavailable', '1'],
        )
      }
      await settled(world.server)
      assert.equal(await balanceOf(world.server, world.developer), before - (other.status === 200 ? 3 : 2) * PRICE)
      const made = callsByModel(await entries(world.server)).get('slow') ?? []
      assert.deepEqual(
        made.map(({ ending }) => ending && [ending.kind, chargeOf(ending)]),
        [
          ['settle', PRICE],
          ['settle', PRICE],
        ],
      )
      await assertBooks(world.server)
    })

    test(`a stop while answers stream: they come to their end (${db})`, async (t) => {
      const world = await begin((act) => t.after(act))
      world.upstream.on('slow', answer({ words: 30, intervalMs: 50, usage: USAGE }))
      const running = Array.from({ length: 6 }, (_, n) => send(world, 'slow', n % 2 === 0))
      await called(world, 6)
      const stopped = world.server.restart()
      await sleep(100)
      const late = await send(world, 'quick', false)
      assert.ok(late.status === 0 || late.status === 503, String(late.status))
      for (const reply of await Promise.all(running)) {
        assert.equal(reply.status, 200)
        assert.ok(reply.complete)
        assert.equal(usedBy(reply), PRICE)
      }
      await stopped
      assert.equal(world.upstream.of('quick').length, 0)
      await assertBooks(world.server)
    })
  }
})
