// "Ask me above": calls that wait for their person, and everything that can happen to them meanwhile.
// owns: what a caller hears, what the wallet is shown, and that nothing moves until the person has agreed.
// never: the endings of calls that run. always true: a refusal of any kind has cost nothing and reserved nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Approval } from '../../server/contract/records.ts'
import { books, buy, connect, createKey, type Person, register } from '../support/api.ts'
import { type Answer, type Asked, ask, errorOf } from '../support/relay-client.ts'
import { answer } from '../support/relay-upstream.ts'
import { assertBooks, balanceOf, entries, MESSAGES, relayWorld, type World } from '../support/relay-world.ts'
import { databases, startServer } from '../support/server.ts'
import { type Device, deviceOf } from '../support/wallet-device.ts'

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')
const BALANCE = 4_050_000
const WAITING_MAX = 5
/** Longer than any test takes; what happens at its end is tried last, on a restarted server. */
const APPROVAL_S = 60
/** Less than the look that waiting calls take by themselves (every five seconds): what is quicker came by its poke. */
const AT_ONCE_MS = 4500

for (const db of databases()) {
  describe(`ask me above (${db})`, () => {
    let world: World
    before(async () => {
      world = await relayWorld({ db, env: { QUOTA_MASTER_KEY: MASTER_KEY, QUOTA_APPROVAL_S: String(APPROVAL_S) } })
      world.upstream.on('*', answer({ words: 3, usage: { prompt_tokens: 8, completion_tokens: 3 } }))
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    type Someone = { person: Person; token: string; device: Device }
    async function someone(limits: Record<string, unknown> = { ask_above: 100 }): Promise<Someone> {
      const person = await register(world.server, 'ann')
      await buy(world.server, person.session, 'starter')
      const { accessToken } = await connect(world.server, person, world.app, { answer: limits })
      return { person, token: accessToken, device: await deviceOf(world.server, person) }
    }
    const start = (
      bearer: string,
      more: Partial<Asked> = {},
      body: Record<string, unknown> = {},
      url = world.server.url,
    ) => ask(url, { bearer, ...more, body: { model: 't-mix', messages: MESSAGES, max_tokens: 400, ...body } })
    const waiting = async ({ device }: Someone): Promise<Approval> => {
      const [row] = await device.until<Approval>('approval', 1)
      return Approval.parse(row)
    }
    /** The caller heard this, must not try again, and nothing was reserved, spent or asked of a vendor. */
    async function nothing(who: Someone, reply: Answer, expected: [number, string], calls: number): Promise<void> {
      assert.deepEqual([reply.status, errorOf(reply).code], expected, reply.text)
      assert.equal(reply.headers['x-should-retry'], 'false')
      assert.equal(world.upstream.calls.length, calls)
      await unmoved(who)
    }
    async function unmoved({ person, device }: Someone): Promise<void> {
      assert.equal(await balanceOf(world.server, person), BALANCE)
      assert.deepEqual((await books(world.server)).holds.open, [])
      await device.until('approval', 0)
      const mine = (await entries(world.server)).filter((entry) =>
        entry.legs.some(({ from }) => from === `user:${person.id}`),
      )
      assert.deepEqual(
        mine.filter((entry) => entry.kind === 'hold'),
        [],
      )
    }

    test('below the threshold nobody is asked', async () => {
      const who = await someone({ ask_above: 10_000 })
      assert.equal((await start(who.token)).status, 200)
      assert.deepEqual(await who.device.history('approval'), [])
    })

    test('above it: the wallet is shown the call and what it may cost; nothing is reserved; approved, it goes on', async () => {
      const who = await someone()
      const calls = world.upstream.calls.length
      const call = start(who.token, {}, { stream: true })
      const asked = await waiting(who)
      assert.equal(asked.app.id, world.app.id)
      assert.equal(asked.model, 't-mix')
      assert.ok(asked.amount > 800 && asked.amount < 1000, String(asked.amount))
      assert.equal(Date.parse(asked.expires_at) - Date.parse(asked.created_at), APPROVAL_S * 1000)
      assert.deepEqual((await books(world.server)).holds.open, [])
      assert.equal(world.upstream.calls.length, calls)
      assert.equal((await who.device.edit('request.answer', { uid: asked.uid, decision: 'approve' })).status, 'applied')
      const reply = await call
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.frames.at(-1), '[DONE]')
      await who.device.until('approval', 0)
      assert.equal(await balanceOf(world.server, who.person), BALANCE - 14)
    })

    test('refused: 403, at once, and it cost nothing', async () => {
      const who = await someone()
      const calls = world.upstream.calls.length
      const call = start(who.token)
      const { uid } = await waiting(who)
      await who.device.edit('request.answer', { uid, decision: 'deny' })
      const since = Date.now()
      await nothing(who, await call, [403, 'approval_refused'], calls)
      assert.ok(Date.now() - since < AT_ONCE_MS)
    })

    test('two devices answer at once: one answer stands, the other is told so', async () => {
      const who = await someone()
      const other = await deviceOf(world.server, who.person)
      const call = start(who.token)
      const { uid } = await waiting(who)
      const results = await Promise.all([
        who.device.edit('request.answer', { uid, decision: 'approve' }),
        other.edit('request.answer', { uid, decision: 'deny' }),
      ])
      assert.deepEqual(results.map(({ status }) => status).sort(), ['applied', 'rejected'])
      const reply = await call
      assert.equal(reply.status, results[0]?.status === 'applied' ? 200 : 403)
    })

    test('a replayed edit is one edit, and the approval allows one call only', async () => {
      const who = await someone()
      const call = start(who.token)
      const { uid } = await waiting(who)
      await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.equal((await who.device.again()).status, 'already_applied')
      assert.equal((await call).status, 200)
      const again = await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.deepEqual([again.status, again.code], ['rejected', 'not_found'])
      const next = start(who.token)
      const second = await waiting(who)
      assert.notEqual(second.uid, uid)
      await who.device.edit('request.answer', { uid: second.uid, decision: 'deny' })
      assert.equal(errorOf(await next).code, 'approval_refused')
    })

    test('somebody else cannot answer, and learns nothing', async () => {
      const who = await someone()
      const mallory = await someone()
      const call = start(who.token)
      const { uid } = await waiting(who)
      const theirs = await mallory.device.edit('request.answer', { uid, decision: 'approve' })
      assert.deepEqual([theirs.status, theirs.code], ['rejected', 'not_found'])
      assert.deepEqual(await mallory.device.history('approval'), [])
      assert.equal((await who.device.docs('approval')).length, 1)
      await who.device.edit('request.answer', { uid, decision: 'deny' })
      assert.equal((await call).status, 403)
    })

    test('an approval of one call lets no other go on', async () => {
      const who = await someone()
      const first = start(who.token)
      const asked = await waiting(who)
      const second = start(who.token)
      const both = await who.device.until<Approval>('approval', 2)
      const other = both.find(({ uid }) => uid !== asked.uid)
      await who.device.edit('request.answer', { uid: asked.uid, decision: 'approve' })
      assert.equal((await first).status, 200)
      assert.equal((await who.device.docs('approval')).length, 1)
      await who.device.edit('request.answer', { uid: other?.uid, decision: 'deny' })
      assert.equal(errorOf(await second).code, 'approval_refused')
    })

    test('the caller hangs up: the question is taken back, and answering it does nothing', async () => {
      const who = await someone()
      const calls = world.upstream.calls.length
      let leave = () => {}
      const leaving = new Promise<void>((resolve) => {
        leave = resolve
      })
      const call = start(who.token, { leaveWhen: leaving })
      const { uid } = await waiting(who)
      leave()
      assert.equal((await call).status, 0)
      await who.device.until('approval', 0, 1500)
      const late = await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.equal(late.status, 'rejected')
      await sleep(100)
      assert.equal(world.upstream.calls.length, calls)
      await unmoved(who)
    })

    for (const [name, act, expected] of [
      ['freeze', (who, _id) => who.device.edit('wallet.freeze', {}), [403, 'connection_paused']],
      ['pause', (who, id) => who.device.edit('connection.pause', { connection_id: id }), [403, 'connection_paused']],
      ['revoke', (who, id) => who.device.edit('connection.revoke', { connection_id: id }), [403, 'connection_revoked']],
    ] as const satisfies [string, (who: Someone, id: string) => Promise<unknown>, [number, string]][]) {
      test(`${name} while it waits: it ends at once`, async () => {
        const who = await someone()
        const calls = world.upstream.calls.length
        const call = start(who.token)
        const { connection_id } = await waiting(who)
        await act(who, connection_id)
        const since = Date.now()
        const reply = await call
        assert.ok(Date.now() - since < AT_ONCE_MS)
        assert.deepEqual([reply.status, errorOf(reply).code], expected, reply.text)
        assert.equal(world.upstream.calls.length, calls)
        await unmoved(who)
      })
    }

    test('the limit is lowered while it waits: approved, it is refused all the same, without a hold', async () => {
      const who = await someone()
      const calls = world.upstream.calls.length
      const call = start(who.token)
      const { uid, connection_id } = await waiting(who)
      await who.device.edit('connection.set_caps', { connection_id, caps: [{ amount: 50, period: 'month' }] })
      await who.device.edit('request.answer', { uid, decision: 'approve' })
      await nothing(who, await call, [402, 'cap_exceeded'], calls)
    })

    test('what does not fit is refused before anybody is asked', async () => {
      const who = await someone({ ask_above: 100, caps: [{ amount: 300, period: 'day' }] })
      await nothing(who, await start(who.token), [402, 'cap_exceeded'], world.upstream.calls.length)
      assert.deepEqual(await who.device.history('approval'), [])
    })

    test('without an output limit, the call may cost what was shown and no more', async () => {
      const who = await someone({ ask_above: 100, caps: [{ amount: 1500, period: 'day' }] })
      const call = start(who.token, {}, { max_tokens: undefined })
      const { uid, amount, connection_id } = await waiting(who)
      assert.ok(amount > 1400 && amount <= 1500, String(amount))
      const [connection] = await who.device.docs<{ version: number }>('connection')
      const raised = { connection_id, caps: [{ amount: 1_000_000, period: 'day' }] }
      assert.equal((await who.device.edit('connection.set_caps', raised, connection?.version)).status, 'applied')
      await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.equal((await call).status, 200)
      const held = (await entries(world.server)).filter(
        (entry) => entry.kind === 'hold' && entry.legs.some(({ from }) => from === `user:${who.person.id}`),
      )
      assert.equal(held.length, 1)
      assert.ok((held[0]?.legs[0]?.amount ?? Infinity) <= amount)
    })

    test('one Idempotency-Key asks once; the answer is replayed without asking', async () => {
      const who = await someone()
      const keyed = { headers: { 'idempotency-key': 'one-call' } }
      const call = start(who.token, keyed)
      const { uid } = await waiting(who)
      assert.equal(errorOf(await start(who.token, keyed)).code, 'idempotency_in_progress')
      assert.equal(errorOf(await start(who.token, keyed, { max_tokens: 401 })).code, 'idempotency_mismatch')
      assert.equal((await who.device.docs('approval')).length, 1)
      await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.equal((await call).status, 200)
      const replayed = await start(who.token, keyed)
      assert.deepEqual([replayed.status, replayed.headers['idempotency-replayed']], [200, 'true'])
      assert.equal((await who.device.history('approval')).length, 2)
    })

    test('a refused call frees its Idempotency-Key', async () => {
      const who = await someone()
      const keyed = { headers: { 'idempotency-key': 'again' } }
      for (let n = 0; n < 2; n++) {
        const call = start(who.token, keyed)
        const { uid } = await waiting(who)
        await who.device.edit('request.answer', { uid, decision: 'deny' })
        assert.equal(errorOf(await call).code, 'approval_refused')
        await who.device.until('approval', 0)
      }
    })

    test(`at most ${WAITING_MAX} calls of an app wait at once; one more is refused, not queued`, async () => {
      const who = await someone()
      const calls = Array.from({ length: WAITING_MAX + 3 }, () => start(who.token))
      const refused = Promise.withResolvers<void>()
      let heard = 0
      for (const call of calls) void call.then(() => ++heard === 3 && refused.resolve())
      await refused.promise // else one that comes late finds the place of one that was answered
      const rows = await who.device.until<Approval>('approval', WAITING_MAX)
      for (const { uid } of rows) await who.device.edit('request.answer', { uid, decision: 'deny' })
      const codes = (await Promise.all(calls)).map((reply) => `${reply.status} ${errorOf(reply).code}`).sort()
      assert.deepEqual(codes, [
        ...Array(WAITING_MAX).fill('403 approval_refused'),
        ...Array(3).fill('403 approval_required'),
      ])
      await unmoved(who)
    })

    test('an app that asks again and again is not asked for any more after thirty', async () => {
      const who = await someone()
      for (let n = 0; n < 30; n++) {
        const call = start(who.token)
        const { uid } = await waiting(who)
        await who.device.edit('request.answer', { uid, decision: 'deny' })
        assert.equal(errorOf(await call).code, 'approval_refused')
        await who.device.until('approval', 0)
      }
      await nothing(who, await start(who.token), [403, 'approval_required'], world.upstream.calls.length)
    })

    test('an app that pays itself asks nobody, and an unknown user is asked for nothing', async () => {
      const who = await someone()
      assert.equal((await start(world.developerKey)).status, 200)
      const key = await createKey(world.server, world.developer, world.app, 'user')
      const unknown = await start(key, { path: '/v1/users/nobody/chat/completions' })
      assert.equal(unknown.status, 404)
      await unmoved(who)
    })

    if (db === 'postgres') {
      test('the answer is given in another process: the call goes on at once', async () => {
        const second = await startServer({
          db,
          env: { ...world.env, DATABASE_URL: world.server.databaseUrl, QUOTA_PUBLIC_URL: world.server.url },
        })
        try {
          const who = await someone()
          const far = await deviceOf(world.server, who.person, second)
          const call = start(who.token)
          const { uid } = await waiting(who)
          await far.edit('request.answer', { uid, decision: 'approve' })
          const since = Date.now()
          assert.equal((await call).status, 200)
          assert.ok(Date.now() - since < AT_ONCE_MS)
        } finally {
          await second.stop()
        }
      })
    }

    test('its process dies: the question leaves the wallet, and nothing was reserved', async () => {
      const who = await someone()
      const call = start(who.token)
      const { uid } = await waiting(who)
      await world.server.kill9()
      assert.equal((await call).status, 0)
      await world.server.restart({ QUOTA_CLOCK_OFFSET_MS: String(APPROVAL_S * 1000) })
      const late = await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.equal(late.status, 'rejected')
      assert.equal(await balanceOf(world.server, who.person), BALANCE)
      assert.deepEqual((await books(world.server)).holds.open, [])
    })

    test('nobody answers: 403 after its time, and a late answer is refused', async () => {
      await world.server.restart({ QUOTA_APPROVAL_S: '3', QUOTA_CLOCK_OFFSET_MS: String(APPROVAL_S * 1000) })
      const who = await someone()
      const calls = world.upstream.calls.length
      const call = start(who.token)
      const { uid } = await waiting(who)
      await nothing(who, await call, [403, 'approval_timeout'], calls)
      const late = await who.device.edit('request.answer', { uid, decision: 'approve' })
      assert.deepEqual([late.status, late.code], ['rejected', 'not_found'])
    })
  })
}
