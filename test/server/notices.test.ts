// Notices of limits: at 80 % and at 100 % of a window, once each.
// owns: when one is given, what it says, that it is put away everywhere. never: the limits themselves.
// always true: calls below a threshold, and calls that change nothing, give none.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Connection, Notice } from '../../server/contract/records.ts'
import { buy, connect, register } from '../support/api.ts'
import { ask, errorOf } from '../support/relay-client.ts'
import { answer } from '../support/relay-upstream.ts'
import { assertBooks, MESSAGES, relayWorld, type World } from '../support/relay-world.ts'
import { databases } from '../support/server.ts'
import { type Device, deviceOf } from '../support/wallet-device.ts'

for (const db of databases()) {
  describe(`notices (${db})`, () => {
    let world: World
    before(async () => {
      world = await relayWorld({ db, app: { name: 'Sketchpad' } })
    })
    after(async () => {
      await assertBooks(world.server)
      await world.stop()
    })

    async function someone(caps: { amount: number; period: string }[]) {
      const person = await register(world.server, 'ann')
      await buy(world.server, person.session, 'starter')
      const { accessToken } = await connect(world.server, person, world.app, { answer: { caps } })
      return { token: accessToken, device: await deviceOf(world.server, person) }
    }
    /** One call that costs exactly 20 micros a token. */
    const spend = async (bearer: string, tokens: number, name = 't-out') => {
      world.upstream.on(name, answer({ words: 1, usage: { prompt_tokens: 1, completion_tokens: tokens } }))
      const body = { model: name, messages: MESSAGES, max_tokens: tokens }
      return ask(world.server.url, { bearer, body })
    }
    const notices = async (device: Device) => (await device.docs('notice')).map((row) => Notice.parse(row))
    const kinds = async (device: Device) => (await notices(device)).map(({ kind }) => kind)

    test('below 80 % none; at exactly 80 % one; then none until exactly 100 %; never twice', async () => {
      const { token, device } = await someone([{ amount: 2000, period: 'month' }])
      await spend(token, 79) // 1580
      assert.deepEqual(await notices(device), [])
      await spend(token, 1) // 1600
      const [first] = await notices(device)
      assert.equal(first?.kind, 'limit_80')
      assert.equal(first.text, 'Sketchpad has used 80 % of its limit of $0.002 a month.')
      const [connection] = await device.docs<Connection>('connection')
      assert.deepEqual([first.connection_id, first.resets_at], [connection?.id, connection?.caps[0]?.resets_at])
      await spend(token, 5) // 1700
      await spend(token, 14) // 1980
      assert.deepEqual(await kinds(device), ['limit_80'])
      await spend(token, 1) // 2000
      assert.deepEqual(await kinds(device), ['limit_80', 'limit_100'])
      assert.match((await notices(device))[1]?.text ?? '', /has reached its limit of \$0\.002 a month\./)
      assert.equal(errorOf(await spend(token, 1)).code, 'cap_exceeded')
      assert.equal((await device.history('notice')).length, 2)
    })

    test('a call that crosses both tells of the second only', async () => {
      const { token, device } = await someone([{ amount: 2000, period: 'day' }])
      await spend(token, 100)
      assert.deepEqual(await kinds(device), ['limit_100'])
      assert.equal((await device.history('notice')).length, 1)
    })

    test('each window tells of itself', async () => {
      const { token, device } = await someone([
        { amount: 1000, period: 'day' },
        { amount: 2000, period: 'total' },
        { amount: 100_000, period: 'month' },
      ])
      await spend(token, 40) // 800
      assert.deepEqual(
        (await notices(device)).map(({ text }) => text),
        ['Sketchpad has used 80 % of its limit of $0.001 a day.'],
      )
      const [connection] = await device.docs<Connection>('connection')
      const caps = [{ amount: 2000, period: 'total' }]
      await device.edit('connection.set_caps', { connection_id: connection?.id, caps }, connection?.version)
      await spend(token, 40) // 1600 in total
      assert.deepEqual((await notices(device)).map(({ text }) => text).sort(), [
        'Sketchpad has used 80 % of its limit of $0.001 a day.',
        'Sketchpad has used 80 % of its limit of $0.002 in total.',
      ])
    })

    test('a limit raised and reached again in its window does not repeat itself', async () => {
      const { token, device } = await someone([{ amount: 1000, period: 'total' }])
      await spend(token, 40)
      const [connection] = await device.docs<Connection>('connection')
      const caps = [{ amount: 2000, period: 'total' }]
      await device.edit('connection.set_caps', { connection_id: connection?.id, caps }, connection?.version)
      await spend(token, 40)
      assert.deepEqual(await kinds(device), ['limit_80'])
      await spend(token, 20)
      assert.deepEqual(await kinds(device), ['limit_80', 'limit_100'])
    })

    test('twenty calls at once: one notice of each', async () => {
      const { token, device } = await someone([{ amount: 4000, period: 'week' }])
      await Promise.all(Array.from({ length: 20 }, () => spend(token, 10, 't-out')))
      assert.deepEqual((await kinds(device)).sort(), ['limit_100', 'limit_80'])
    })

    test('a failed call, and one that costs nothing, give none', async () => {
      const { token, device } = await someone([{ amount: 1000, period: 'month' }])
      world.upstream.on('t-out', (response) => response.writeHead(500).end())
      await ask(world.server.url, { bearer: token, body: { model: 't-out', messages: MESSAGES, max_tokens: 50 } })
      world.upstream.on('t-out', answer({ words: 0, usage: { prompt_tokens: 0, completion_tokens: 0 } }))
      await ask(world.server.url, { bearer: token, body: { model: 't-out', messages: MESSAGES, max_tokens: 50 } })
      assert.deepEqual(await notices(device), [])
    })

    test('put away on one device it is gone on all; another person’s, an unknown one: refused', async () => {
      const { token, device } = await someone([{ amount: 1000, period: 'month' }])
      const mallory = await someone([{ amount: 1000, period: 'month' }])
      await spend(token, 40)
      const [notice] = await notices(device)
      for (const [who, id] of [
        [mallory.device, notice?.id],
        [device, 'notice_unknown'],
      ] as const) {
        const refused = await who.edit('notice.dismiss', { id })
        assert.deepEqual([refused.status, refused.code], ['rejected', 'not_found'])
      }
      assert.equal((await notices(device)).length, 1)
      assert.equal((await device.edit('notice.dismiss', { id: notice?.id })).status, 'applied')
      assert.deepEqual(await notices(device), [])
      assert.equal((await device.again()).status, 'already_applied')
      await spend(token, 5)
      assert.deepEqual(await notices(device), [])
    })
  })
}
