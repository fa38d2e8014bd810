// kill -9 at any moment, and a start on the same data.
// owns: what holds after a power cut, as callers and operators see it. never: a clean stop.
// always true: whoever saw the end of an answer has its receipt; every hold ends exactly once; nothing is lost or doubled.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '../support/api.ts'
import { type Answer, ask, jsonOf, parsedFrames } from '../support/relay-client.ts'
import { answer, type Script } from '../support/relay-upstream.ts'
import {
  assertBooks,
  balanceOf,
  type CallEntries,
  callsByModel,
  chargeOf,
  countTokens,
  type Entry,
  entries,
  MESSAGES,
  PRICES,
  PROMPT_TOKENS,
  relayWorld,
  settled,
  type World,
} from '../support/relay-world.ts'
import { databases, startServer } from '../support/server.ts'

const ROUNDS = { sqlite: 20, postgres: 5 } as const
const CALLS = 14
const MASTER_KEY = Buffer.alloc(32, 9).toString('base64')
/** A lease lives 15 s, and is looked at every 5 s. */
const LEASE_WAIT_MS = 180_000
const USAGE = { prompt_tokens: 10, completion_tokens: 20 }

/** Streams of about 150 ms, JSON after up to 120 ms: a kill finds calls in every state. */
const mixed: Script = async (response, call) => {
  if (call.body.stream === true) return answer({ words: 20, intervalMs: 7, usage: USAGE })(response, call)
  await sleep(Math.random() * 120)
  return answer({ words: 20, usage: USAGE })(response, call)
}

type Quota = { request_id: string; credits_used: number; receipt: string }
/** The quota block of an answer whose end was seen; null when it was not. */
function seenEnd(reply: Answer): Quota | null {
  if (reply.status !== 200 || !reply.complete) return null
  if (!reply.text.startsWith('data:')) return jsonOf(reply).quota as Quota
  return reply.frames.at(-1) === '[DONE]' ? (parsedFrames(reply).at(-1)?.quota as Quota) : null
}

type Log = { data: { request_id: string; receipt: string; credits_used: number }[]; next_cursor: string | null }
async function usageLog(world: World): Promise<Map<string, Log['data'][number]>> {
  const found = new Map<string, Log['data'][number]>()
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: Log = await must<Log>(world.server, 'GET', `/v1/usage?limit=200${cursor && `&cursor=${cursor}`}`, {
      bearer: world.developerKey,
    })
    for (const row of page.data) found.set(row.request_id, row)
    cursor = page.next_cursor
  }
  return found
}

function endingsOf(all: readonly Entry[]): Map<string, CallEntries> {
  const calls = [...callsByModel(all).values()].flat()
  return new Map(calls.map((made) => [String(made.hold.request_id), made]))
}

// Side by side: what takes long here is waiting for leases.
describe('kill -9', { concurrency: 3 }, () => {
  for (const db of databases()) {
    const name = (text: string) => `${text} (${db})`
    test(name(`${ROUNDS[db]} rounds of mixed calls`), async (t) => {
      const world = await relayWorld({ db, env: { QUOTA_MASTER_KEY: MASTER_KEY }, models: { mixed: PRICES.mix } })
      t.after(() => world.stop())
      world.upstream.on('mixed', mixed)
      const started = await balanceOf(world.server, world.developer)
      const seen: Quota[] = []
      let cut = 0
      for (let round = 0; round < ROUNDS[db]; round++) {
        const key = randomUUID()
        const before = world.upstream.calls.length
        const body = { model: 'mixed', messages: MESSAGES, max_tokens: 50 }
        const send = (n: number, headers = {}) =>
          ask(world.server.url, {
            bearer: world.developerKey,
            headers,
            body: { ...body, ...(n % 3 ? { stream: true } : {}) },
          })
        const calls = [send(1, { 'idempotency-key': key }), ...Array.from({ length: CALLS - 1 }, (_, n) => send(n))]
        // Killed when some of them have come to their end, at whatever moment that leaves the others.
        const enough = Math.floor(Math.random() * (CALLS - 1))
        let ended = 0
        for (const one of calls) void one.then(() => ended++)
        const until = Date.now() + 60_000
        while ((world.upstream.calls.length === before || ended < enough) && Date.now() < until) await sleep(2)
        await sleep(Math.random() * 30)
        await world.server.kill9()
        const replies = await Promise.all(calls)
        await world.server.restart()

        const ends = replies.map(seenEnd)
        seen.push(...ends.filter((quota) => quota !== null))
        cut += ends.filter((quota) => quota === null).length
        const endings = endingsOf(await entries(world.server))
        for (const quota of ends) {
          if (quota)
            assert.equal(
              endings.get(quota.request_id)?.ending?.kind,
              'settle',
              `round ${round}: a seen end is not settled`,
            )
        }
        if (db === 'postgres') continue // there the lease of the dead process has to run out first
        for (const { hold, ending } of endings.values())
          assert.ok(ending, `round ${round}: hold ${hold.id} is open after the start`)
        const again = await send(1, { 'idempotency-key': key })
        assert.equal(again.status, 200, again.text)
        if (ends[0]) assert.equal(again.text, replies[0]?.text, 'what was seen is replayed as it was')
        const other = seenEnd(again)
        if (other && !seen.some(({ request_id }) => request_id === other.request_id)) seen.push(other)
      }
      assert.ok(seen.length > 0 && cut > 0, `${seen.length} ends seen and ${cut} cut: the moments were badly chosen`)

      await settled(world.server, LEASE_WAIT_MS)
      const all = await entries(world.server)
      const endings = endingsOf(all)
      const log = await usageLog(world)
      for (const { request_id, credits_used, receipt } of seen) {
        const made = endings.get(request_id)
        assert.ok(made?.ending)
        assert.deepEqual([made.ending.kind, chargeOf(made.ending)], ['settle', credits_used])
        assert.deepEqual([log.get(request_id)?.receipt, log.get(request_id)?.credits_used], [receipt, credits_used])
      }
      let charged = 0
      for (const { hold, ending } of endings.values()) {
        assert.ok(ending, `hold ${hold.id} never ended`)
        if (ending.kind === 'expire') assert.equal(ending.memo?.outcome, 'unknown')
        if (ending.kind === 'settle') assert.ok(log.has(String(hold.request_id)), 'a charge without a receipt')
        charged += chargeOf(ending)
      }
      assert.equal(log.size, [...endings.values()].filter(({ ending }) => ending?.kind === 'settle').length)
      assert.equal(await balanceOf(world.server, world.developer), started - charged)
      await assertBooks(world.server)
    })

    test(name('a long stream is settled at its last checkpoint, and says so'), async (t) => {
      const env = { QUOTA_MASTER_KEY: MASTER_KEY, QUOTA_HOLD_TTL_S: '3' }
      const world = await relayWorld({ db, env, models: { long: PRICES.mix } })
      t.after(() => world.stop())
      world.upstream.on(
        'long',
        answer({ words: 400, intervalMs: 25, usage: { prompt_tokens: 10, completion_tokens: 400 } }),
      )
      let frames = 0
      const stream = () =>
        ask(world.server.url, {
          bearer: world.developerKey,
          body: { model: 'long', messages: MESSAGES, max_tokens: 500, stream: true },
          onFrame: (_data, n) => {
            if (n === 20) frames++
          },
        })
      const calls = Array.from({ length: 5 }, stream)
      const until = Date.now() + 60_000
      while (frames < 5 && Date.now() < until) await sleep(10)
      await sleep(2200) // a renewal comes every second
      await world.server.kill9()
      const replies = await Promise.all(calls)
      await world.server.restart()
      await settled(world.server, LEASE_WAIT_MS)
      const endings = endingsOf(await entries(world.server))
      for (const reply of replies) {
        const { ending } = endings.get(String(reply.headers['x-request-id'])) ?? {}
        assert.ok(ending, 'no ending')
        assert.deepEqual([ending.kind, ending.memo?.outcome, ending.memo?.estimated], ['settle', 'unknown', true])
        const delivered = PROMPT_TOKENS + 2 * countTokens('word '.repeat(reply.frames.length))
        const charged = chargeOf(ending)
        assert.ok(charged > PROMPT_TOKENS && charged <= delivered, `charged ${charged} for at most ${delivered}`)
      }
      await assertBooks(world.server)
    })

    if (db === 'postgres') {
      test('a living peer ends the holds of a dead process, and never those of a living one', async (t) => {
        const world = await relayWorld({
          db,
          env: { QUOTA_MASTER_KEY: MASTER_KEY },
          models: { short: PRICES.mix, slow: PRICES.mix },
        })
        t.after(() => world.stop())
        const env = { ...world.env, DATABASE_URL: world.server.databaseUrl, QUOTA_PUBLIC_URL: world.server.url }
        const peer = await startServer({ db, env })
        t.after(() => peer.stop())
        world.upstream.on('short', answer({ words: 1000, intervalMs: 20 }))
        world.upstream.on(
          'slow',
          answer({ words: 100, intervalMs: 250, usage: { prompt_tokens: 10, completion_tokens: 100 } }),
        )
        const stream = (url: string, model: string) =>
          ask(url, { bearer: world.developerKey, body: { model, messages: MESSAGES, max_tokens: 500, stream: true } })
        const dying = Array.from({ length: 3 }, () => stream(world.server.url, 'short'))
        const living = stream(peer.url, 'slow')
        while (world.upstream.of('short').length < 3 || world.upstream.of('slow').length < 1) await sleep(25)
        await world.server.kill9()
        await Promise.all(dying)
        const until = Date.now() + LEASE_WAIT_MS
        let ended = 0
        while (ended < 3 && Date.now() < until) {
          await sleep(500)
          const made = callsByModel(await entries(peer)).get('short') ?? []
          ended = made.filter(({ ending }) => ending !== null).length
        }
        assert.equal(ended, 3)
        const whole = await living
        assert.equal(whole.frames.at(-1), '[DONE]', 'the living process’s own call went on to its end')
        assert.equal(seenEnd(whole)?.credits_used, 210)
        await assertBooks(peer)
        await world.server.restart()
      })
    }
  }
})
