// A price that rose more than threefold is not charged before the operator has said yes.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { call, must } from '../support/api.ts'
import { type Answer, ask, errorOf, jsonOf } from '../support/relay-client.ts'
import { answer } from '../support/relay-upstream.ts'
import { assertBooks, entries, relayWorld, type World } from '../support/relay-world.ts'
import { ADMIN_TOKEN, databases } from '../support/server.ts'

type Waiting = { version: string; waiting: { model: string; kind: string; before: string; now: string }[] }

for (const db of databases()) {
  describe(`a rise of prices on ${db}`, () => {
    let world: World
    before(async () => {
      world = await relayWorld({
        db,
        models: { riser: { input: '1', output: '2' }, steady: { input: '1', output: '2' } },
      })
      world.upstream.on('*', answer({ usage: { prompt_tokens: 10, completion_tokens: 4 } }))
    })
    after(() => world.stop())

    const chat = (model: string): Promise<Answer> =>
      ask(world.server.url, {
        bearer: world.developerKey,
        body: { model, max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] },
      })
    const charged = async (model: string) => {
      const reply = await chat(model)
      assert.equal(reply.status, 200, reply.text)
      return jsonOf(reply).quota as { base_credits: number; price_version: string }
    }
    const admin = <T>(method: string, path: string, body?: object) =>
      call<T>(world.server, method, path, { bearer: ADMIN_TOKEN, body })
    const waiting = async () => (await admin<Waiting>('GET', '/admin/prices')).body
    const listed = async () => {
      const { data } = await must<{ data: { id: string }[] }>(world.server, 'GET', '/v1/models', {
        bearer: world.developerKey,
      })
      return data.map(({ id }) => id)
    }
    const restartWith = async (prices: Record<string, object>) => {
      const file = world.env.QUOTA_PRICES_FILE ?? ''
      const content = JSON.parse(readFileSync(file, 'utf8'))
      writeFileSync(file, JSON.stringify({ models: { ...content.models, ...prices } }))
      await world.server.restart()
    }

    let firstVersion = ''
    it('at first every price is the operator’s own', async () => {
      const quota = await charged('riser')
      assert.equal(quota.base_credits, 10 * 1 + 4 * 2)
      firstVersion = quota.price_version
      assert.deepEqual((await waiting()).waiting, [])
    })

    it('three times is charged, more is not callable, and nothing moves', async () => {
      await restartWith({ riser: { input: '3.000001', output: '2' }, steady: { input: '3', output: '6' } })
      assert.equal((await charged('steady')).base_credits, 10 * 3 + 4 * 6)
      const moved = (await entries(world.server)).length
      const asked = world.upstream.of('riser').length
      const reply = await chat('riser')
      assert.deepEqual([reply.status, errorOf(reply).code], [404, 'model_not_found'])
      assert.equal((await entries(world.server)).length, moved)
      assert.equal(world.upstream.of('riser').length, asked)
      const names = await listed()
      assert.deepEqual([names.includes('riser'), names.includes('steady')], [false, true])
    })

    it('the log, the figures and GET /admin/prices say which and by how much', async () => {
      assert.match(world.server.logs(), /"model":"riser","kind":"input","before":"1000000","now":"3000001"/)
      const { text } = await call(world.server, 'GET', '/metrics')
      assert.match(text, /^quota_prices_waiting 1$/m)
      const [first] = (await waiting()).waiting
      assert.deepEqual(first, { model: 'riser', kind: 'input', before: '1000000', now: '3000001' })
      const { version } = await waiting()
      const table = await must<{ models: Record<string, object> }>(world.server, 'GET', `/v1/prices/${version}`)
      assert.deepEqual([table.models.riser, typeof table.models.steady], [undefined, 'object'])
    })

    const refused: [why: string, bearer: string | undefined, body: object, status: number][] = [
      ['nobody', undefined, { models: 'all' }, 404],
      ['a developer', 'key', { models: 'all' }, 404],
      ['a model that does not wait', ADMIN_TOKEN, { models: ['riser', 'steady'] }, 404],
      ['an unknown field', ADMIN_TOKEN, { models: 'all', force: true }, 400],
      ['no model', ADMIN_TOKEN, { models: [] }, 400],
      ['nothing', ADMIN_TOKEN, {}, 400],
    ]
    for (const [why, bearer, body, status] of refused) {
      it(`${why} accepts nothing`, async () => {
        const by = bearer === 'key' ? world.developerKey : bearer
        const reply = await call(world.server, 'POST', '/admin/prices/accept', { ...(by ? { bearer: by } : {}), body })
        assert.equal(reply.status, status, reply.text)
        assert.equal((await chat('riser')).status, 404)
      })
    }

    it('once accepted it is callable at the new price; the old table can still be read', async () => {
      const reply = await admin<Waiting & { accepted: string[] }>('POST', '/admin/prices/accept', { models: ['riser'] })
      assert.deepEqual([reply.status, reply.body.accepted, reply.body.waiting], [200, ['riser'], []])
      const quota = await charged('riser')
      assert.equal(quota.base_credits, 39) // 10 × 3.000001 + 4 × 2 micros, rounded up once
      assert.notEqual(quota.price_version, firstVersion)
      for (const [version, input] of [
        [firstVersion, '1000000'],
        [quota.price_version, '3000001'],
      ]) {
        const table = await must<{ models: Record<string, { input: string }> }>(
          world.server,
          'GET',
          `/v1/prices/${version}`,
        )
        assert.equal(table.models.riser?.input, input)
      }
    })

    it('a model that was away does not come back at any price', async () => {
      const file = world.env.QUOTA_PRICES_FILE ?? ''
      const { steady: _, ...others } = JSON.parse(readFileSync(file, 'utf8')).models
      writeFileSync(file, JSON.stringify({ models: others }))
      await world.server.restart()
      assert.equal((await charged('riser')).base_credits, 39) // a yes outlives its process
      assert.deepEqual((await waiting()).waiting, [])
      assert.equal((await chat('steady')).status, 404)
      await restartWith({ steady: { input: '10', output: '6' } })
      assert.equal((await chat('steady')).status, 404)
      assert.ok((await waiting()).waiting.some(({ model, before }) => model === 'steady' && before === '3000000'))
      await assertBooks(world.server)
    })
  })
}
