// A request for consent in two places: the page of the browser that asked, and the wallet of whoever is signed in there.
// owns: who is shown it, which answer stands, what the other side hears, what an attacker cannot do. never: the chooser.
// always true: one request has one answer; a refused answer has made no connection and no code.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Interaction } from '../../server/contract/api.ts'
import { type Connection, ConsentRequest } from '../../server/contract/records.ts'
import { type App, call, createApp, must, type Person, register } from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'
import { type Device, deviceOf } from '../support/wallet-device.ts'
import { type Browser, bearer, ask as begin, browser, OWN } from './identity.rig.ts'

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')
const CAPS = [{ amount: 2_000_000, period: 'week' }]

for (const db of databases()) {
  describe(`requests in the wallet (${db})`, () => {
    let server: Server
    let developer: Person
    let app: App
    const env = { QUOTA_MASTER_KEY: MASTER_KEY, QUOTA_RATE_LIMIT_SCALE: '10000' }
    before(async () => {
      server = await startServer({ db, env })
      developer = await register(server, 'developer')
      app = await createApp(server, developer, { name: 'Sketchpad', markup_bps: 500 })
    })
    after(() => server.stop())

    type Someone = { person: Person; on: Browser; device: Device }
    /** A person whose browser holds our session cookie, and whose wallet is signed in elsewhere. */
    async function someone(): Promise<Someone> {
      const person = await register(server, 'ann')
      const on = browser(server.url)
      on.cookies.push({ name: 'quota_session', value: person.session, path: '/' })
      return { person, on, device: await deviceOf(server, person) }
    }
    const ask = (on: Browser, of = app, query: Record<string, string> = {}) =>
      begin(on, { client: of.clientId, redirect: of.redirectUri, scope: 'openid credits.spend', query })
    const read = (on: Browser, uid: string, headers: Record<string, string> = {}) =>
      on.go('GET', `/oauth/interactions/${uid}`, { headers })
    const post = (on: Browser, uid: string, json: unknown, headers: Record<string, string> = OWN) =>
      on.go('POST', `/oauth/interactions/${uid}`, { json, headers })
    const shown = async ({ device }: Someone) => {
      const [row] = await device.until('consent_request', 1)
      return ConsentRequest.parse(row)
    }
    const answer = (device: Device, uid: string, decision: 'approve' | 'deny', more: Record<string, unknown> = {}) =>
      device.edit('request.answer', { uid, decision, ...more })
    /** Where the browser ends up when it goes on. */
    const goesTo = async (on: Browser, path: unknown) => {
      assert.equal(typeof path, 'string')
      return (await on.follow(String(path))).at.searchParams
    }
    const over = async (device: Device, uid: string, decision: 'approve' | 'deny' = 'approve') => {
      const { status, code } = await answer(device, uid, decision)
      assert.deepEqual([status, code], ['rejected', 'not_found'])
    }
    const none = async (device: Device) => assert.deepEqual(await device.docs('connection'), [])

    describe('the same request in both places', () => {
      test('as soon as the page is read, with the same digits, terms and calendar', async () => {
        const who = await someone()
        const uid = await ask(who.on, app, { cap_amount: '3000000', cap_period: 'day' })
        const page = Interaction.parse((await read(who.on, uid)).body)
        const row = await shown(who)
        assert.match(String(page.match), /^[1-9]\d$/)
        assert.deepEqual(
          [row.uid, row.match, row.client, row.scopes, row.requested_cap, row.estimate],
          [uid, page.match, page.client, page.scopes, page.requested_cap, page.estimate],
        )
        assert.equal(row.client.verified_domain, null)
        assert.equal(row.calendar?.time_zone, 'UTC')
        assert.deepEqual(page.calendar, row.calendar)
        assert.equal(Date.parse(row.expires_at) - Date.parse(row.created_at), 600_000)
      })

      test('a browser that is signed in at the authorization server: before any page is read', async () => {
        const who = await someone()
        const first = await ask(who.on)
        await post(who.on, first, { decision: 'approve', caps: CAPS })
        await who.on.follow(`/oauth/authorize/${first}`)
        const second = await createApp(server, developer, { name: 'Second' })
        who.on.cookies.splice(0, who.on.cookies.length, ...who.on.cookies.filter((c) => c.name !== 'quota_session'))
        const uid = await ask(who.on, second)
        const row = await shown(who)
        assert.deepEqual([row.uid, row.client.name], [uid, 'Second'])
        await answer(who.device, uid, 'approve', { caps: CAPS })
        const { body } = await read(who.on, uid)
        assert.ok((await goesTo(who.on, body.redirect_to)).get('code'))
      })

      test('the price of a usual call counts the app’s markup', async () => {
        const who = await someone()
        const dear = await createApp(server, developer, { name: 'Dear', markup_bps: 10_000 })
        const free = await createApp(server, developer, { name: 'Free', markup_bps: 0 })
        const pages = []
        for (const each of [dear, free])
          pages.push(Interaction.parse((await read(who.on, await ask(who.on, each))).body))
        const [more, less] = pages.map((page) => page.estimate?.credits_per_call ?? 0)
        assert.equal(more, 2 * (less ?? 0))
      })
    })

    describe('the first answer stands, the other side hears of it', () => {
      test('approved in the wallet: the page is told where to go on, the app gets its code', async () => {
        const who = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        const terms = { caps: CAPS, per_call_ceiling: 5000, ask_above: 4000, models: ['gpt-4o-mini'] }
        assert.equal((await answer(who.device, uid, 'approve', terms)).status, 'applied')
        assert.deepEqual(await who.device.docs('consent_request'), [])
        const [connection] = await who.device.docs<Connection>('connection')
        assert.deepEqual(
          [connection?.caps.map(({ amount, period }) => ({ amount, period })), connection?.per_call_ceiling],
          [CAPS, 5000],
        )
        assert.deepEqual(
          [connection?.ask_above, connection?.models, connection?.markup_bps],
          [4000, ['gpt-4o-mini'], 500],
        )
        const page = Interaction.parse((await read(who.on, uid)).body)
        assert.equal(page.match, null)
        const result = await goesTo(who.on, page.redirect_to)
        assert.ok(result.get('code'))
      })

      test('denied in the wallet: the app hears access_denied', async () => {
        const who = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        await answer(who.device, uid, 'deny')
        const { body } = await read(who.on, uid)
        assert.equal((await goesTo(who.on, body.redirect_to)).get('error'), 'access_denied')
        await none(who.device)
      })

      for (const decision of ['approve', 'deny'] as const) {
        test(`answered in the browser (${decision}): it leaves the wallet, whose answer is refused`, async () => {
          const who = await someone()
          const uid = await ask(who.on)
          await read(who.on, uid)
          await shown(who)
          assert.equal((await post(who.on, uid, { decision, caps: CAPS })).status, 200)
          await who.device.until('consent_request', 0)
          await over(who.device, uid)
          await over(who.device, uid, 'deny')
          assert.equal((await who.device.docs('connection')).length, decision === 'approve' ? 1 : 0)
        })
      }

      test('after the wallet has denied, the browser cannot approve; after it has approved, its limits stand', async () => {
        const who = await someone()
        const denied = await ask(who.on)
        await read(who.on, denied)
        await answer(who.device, denied, 'deny')
        assert.equal((await post(who.on, denied, { decision: 'approve', caps: CAPS })).status, 404)
        await none(who.device)
        const approved = await ask(who.on)
        await read(who.on, approved)
        await answer(who.device, approved, 'approve', { caps: CAPS })
        const reply = await post(who.on, approved, { decision: 'approve', caps: [{ amount: 9e9, period: 'total' }] })
        assert.equal(reply.status, 200, reply.text)
        const [connection] = await who.device.docs<Connection>('connection')
        assert.deepEqual(
          connection?.caps.map(({ amount, period }) => ({ amount, period })),
          CAPS,
        )
        assert.equal((await post(who.on, approved, { decision: 'deny' })).status, 404)
      })

      test('both at once, twenty times: exactly one answer stands', async () => {
        const who = await someone()
        for (let n = 0; n < 20; n++) {
          const of = await createApp(server, developer, { name: `Race ${n}` })
          const uid = await ask(who.on, of)
          await read(who.on, uid)
          const [here, there] = await Promise.all([
            post(who.on, uid, { decision: 'approve', caps: CAPS }),
            answer(who.device, uid, 'deny'),
          ])
          const inBrowser = here.status === 200
          assert.notEqual(inBrowser, there.status === 'applied', `${here.status} ${there.status}`)
          const made = (await who.device.docs<Connection>('connection')).some((row) => row.app.id === of.id)
          assert.equal(made, inBrowser)
          const { body } = await read(who.on, uid)
          const result = await goesTo(who.on, body.redirect_to)
          assert.equal(result.has('code'), inBrowser)
        }
      })

      test('two devices answer at once: one answer stands', async () => {
        const who = await someone()
        const other = await deviceOf(server, who.person)
        const uid = await ask(who.on)
        await read(who.on, uid)
        const results = await Promise.all([
          answer(who.device, uid, 'approve', { caps: CAPS }),
          answer(other, uid, 'deny'),
        ])
        assert.deepEqual(results.map(({ status }) => status).sort(), ['applied', 'rejected'])
        assert.equal((await who.device.docs('connection')).length, results[0]?.status === 'applied' ? 1 : 0)
      })

      test('a replayed edit is one answer; malformed limits answer nothing', async () => {
        const who = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        for (const more of [
          { caps: [] },
          { caps: [{ amount: 0, period: 'day' }] },
          { caps: CAPS, expires_at: '2001-01-01T00:00:00Z' },
          { caps: CAPS, decision: 'continue' },
        ]) {
          const refused = await answer(who.device, uid, 'approve', more)
          assert.deepEqual([refused.status, refused.code], ['rejected', 'bad_request'])
        }
        await none(who.device)
        await answer(who.device, uid, 'approve', { caps: CAPS })
        assert.equal((await who.device.again()).status, 'already_applied')
        const [connection] = await who.device.docs<Connection>('connection')
        assert.equal(connection?.version, 1)
      })
    })

    describe('what an attacker cannot do', () => {
      test('his own browser’s request is on nobody’s feed, whoever opens its link', async () => {
        const victim = await someone()
        const his = browser(server.url)
        const uid = await ask(his, app, { login_hint: victim.person.email })
        const opened = await read(victim.on, uid) // the victim follows the link
        assert.deepEqual([opened.status, opened.body.match], [200, null])
        assert.deepEqual(await victim.device.docs('consent_request'), [])
        await over(victim.device, uid)
        assert.equal((await post(victim.on, uid, { decision: 'approve' })).status, 403)
        await none(victim.device)
      })

      test('a request of one person is not answered, shown or withdrawn by another', async () => {
        const who = await someone()
        const mallory = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        await over(mallory.device, uid)
        await over(mallory.device, uid, 'deny')
        assert.equal((await read(mallory.on, uid)).body.match, null)
        assert.deepEqual(await mallory.device.docs('consent_request'), [])
        assert.equal((await who.device.docs('consent_request')).length, 1)
        assert.equal((await read(browser(server.url), uid)).body.redirect_to, undefined)
      })

      test('asked of an app once more, the newer request replaces the older; five apps at most, with other digits', async () => {
        const who = await someone()
        const old = await ask(who.on)
        await read(who.on, old)
        const uid = await ask(who.on)
        await read(who.on, uid)
        assert.equal((await shown(who)).uid, uid)
        await over(who.device, old)
        for (let n = 0; n < 6; n++) {
          const of = await createApp(server, developer, { name: `Bomb ${n}` })
          const page = await read(who.on, await ask(who.on, of))
          assert.equal(page.body.match === null, n >= 4)
        }
        const rows = await who.device.docs<ConsentRequest>('consent_request')
        assert.equal(rows.length, 5)
        assert.equal(new Set(rows.map((row) => row.match)).size, 5)
      })

      test('prompt bombing by one app ends after twenty', async () => {
        const who = await someone()
        let seen = 0
        for (let n = 0; n < 23; n++) if ((await read(who.on, await ask(who.on))).body.match !== null) seen++
        assert.equal(seen, 20)
        assert.deepEqual(await who.device.docs('consent_request'), [])
      })

      test('signed out at the browser: the wallet’s answer is refused', async () => {
        const who = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        await must(server, 'POST', '/auth/logout', { bearer: who.person.session })
        await over(who.device, uid)
        await none(who.device)
      })

      test('signed out between the wallet’s answer and the page: the browser gets no code', async () => {
        const who = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        await answer(who.device, uid, 'approve', { caps: CAPS })
        await must(server, 'POST', '/auth/logout', { bearer: who.person.session })
        const { body } = await read(who.on, uid)
        assert.equal(body.redirect_to, undefined)
        const { at } = await who.on.follow(`/oauth/authorize/${uid}`)
        assert.equal(at.searchParams.get('code'), null)
      })

      test('somebody else signs in at that browser: the request moves to their wallet', async () => {
        const who = await someone()
        const next = await someone()
        const uid = await ask(who.on)
        await read(who.on, uid)
        await shown(who)
        const cookie = who.on.cookies.find(({ name }) => name === 'quota_session')
        assert.ok(cookie)
        cookie.value = next.person.session
        await read(who.on, uid)
        await who.device.until('consent_request', 0)
        assert.equal((await shown(next)).uid, uid)
        await over(who.device, uid)
        assert.equal((await answer(next.device, uid, 'approve', { caps: CAPS })).status, 'applied')
        await none(who.device)
      })

      test('the app raises its markup, or asks for more, while the wallet shows the request: what was shown is agreed to', async () => {
        const who = await someone()
        const of = await createApp(server, developer, { name: 'Shifty', markup_bps: 100 })
        const uid = await ask(who.on, of)
        await read(who.on, uid)
        await must(server, 'PATCH', `/developers/apps/${of.id}/settings`, {
          bearer: developer.session,
          body: { markup_bps: 50_000 },
        })
        await answer(who.device, uid, 'approve', { caps: CAPS })
        const [connection] = await who.device.docs<Connection>('connection')
        assert.deepEqual([connection?.markup_bps, connection?.scopes], [100, ['openid', 'credits.spend']])
      })

      test('the app is deleted meanwhile: nothing is agreed to', async () => {
        const who = await someone()
        const of = await createApp(server, developer, { name: 'Gone' })
        const uid = await ask(who.on, of)
        await read(who.on, uid)
        await call(server, 'DELETE', `/developers/apps/${of.id}`, { bearer: developer.session })
        await over(who.device, uid)
        await none(who.device)
      })
    })

    test('agreeing anew: the page is told what stands, so that it can say what changed', async () => {
      const who = await someone()
      const of = await createApp(server, developer, { name: 'Growing', markup_bps: 100 })
      const uid = await ask(who.on, of)
      await post(who.on, uid, { decision: 'approve', caps: CAPS })
      await who.on.follow(`/oauth/authorize/${uid}`)
      await must(server, 'PATCH', `/developers/apps/${of.id}/settings`, {
        bearer: developer.session,
        body: { markup_bps: 900 },
      })
      const again = await ask(who.on, of)
      const page = Interaction.parse((await read(who.on, again)).body)
      assert.deepEqual([page.current?.markup_bps, page.client.markup_bps], [100, 900])
      assert.deepEqual(
        page.current?.caps.map(({ amount, period }) => ({ amount, period })),
        CAPS,
      )
    })

    test('a request that nobody answers leaves the wallet by itself', async () => {
      const late = await startServer({ db, env: { ...env, QUOTA_CLOCK_OFFSET_MS: '0' } })
      try {
        const person = await register(late, 'ann')
        const on = browser(late.url)
        const own = await createApp(late, await register(late, 'dev'))
        const device = await deviceOf(late, person)
        const uid = await begin(on, { client: own.clientId, redirect: own.redirectUri, scope: 'openid' })
        const page = await on.go('GET', `/oauth/interactions/${uid}`, { headers: bearer(person.session) })
        assert.ok(page.body.match)
        await late.restart({ QUOTA_CLOCK_OFFSET_MS: '601000' })
        const { status, code } = await device.edit('request.answer', { uid, decision: 'approve' })
        assert.deepEqual([status, code], ['rejected', 'not_found'])
        const again = await on.go('GET', `/oauth/interactions/${uid}`, { headers: bearer(person.session) })
        assert.deepEqual([again.status, again.body.match], [200, null])
        await device.until('consent_request', 0, 20_000)
      } finally {
        await late.stop()
      }
    })
  })
}
