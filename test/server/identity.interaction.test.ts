// Sign-in and consent: what is asked, who may answer, and what an answer cannot do.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Interaction } from '../../server/contract/api.ts'
import { databases } from '../support/server.ts'
import {
  type Answer,
  ask,
  type Browser,
  bearer,
  browser,
  type Flow,
  type Json,
  OWN,
  type Rig,
  register,
  type Signed,
  startRig,
} from './identity.rig.ts'

for (const database of databases()) {
  describe(`interactions on ${database}`, () => {
    let rig: Rig
    let ann: Signed
    before(async () => {
      rig = await startRig(database)
      ann = await register(rig)
    })
    after(() => rig.close())

    const read = (on: Browser, uid: string, token?: string) =>
      on.go('GET', `/oauth/interactions/${uid}`, token ? { headers: bearer(token) } : {})
    const answer = (on: Browser, uid: string, json: unknown, headers: Record<string, string> = bearer(ann.session)) =>
      on.go('POST', `/oauth/interactions/${uid}`, { headers, json })
    const code = (reply: Answer) => (reply.body.error as Json | undefined)?.code
    /** Nothing was agreed to, and the request still stands. */
    const untouched = async (uid: string, approvals: number) => {
      assert.equal(rig.directory.approvals.length, approvals)
      assert.equal((await read(browser(rig.url), uid)).status, 200)
    }

    describe('what is asked', () => {
      const flow: Flow = { scope: 'openid credits.read', query: { cap_amount: '2000000', cap_period: 'week' } }
      test('nobody is signed in: sign in first, with the facts of the app', async () => {
        const on = browser(rig.url)
        const uid = await ask(on, flow)
        const { body, status } = await read(on, uid)
        assert.equal(status, 200)
        assert.deepEqual(Interaction.parse(body), body)
        assert.deepEqual(body, {
          uid,
          prompt: 'login',
          client: { id: 'app_web', name: 'App web', logo_uri: null, verified_domain: null, markup_bps: 0 },
          scopes: ['openid', 'credits.read'],
          requested_cap: { amount: 2_000_000, period: 'week' },
          estimate: { model: 'gpt-4o-mini', calls: 1000, credits_per_call: 5000 },
          current: null,
          match: null,
        })
      })
      test('somebody is: consent; by bearer and by cookie', async () => {
        const on = browser(rig.url)
        const uid = await ask(on, flow)
        assert.equal((await read(on, uid, ann.session)).body.prompt, 'consent')
        await register(rig, on)
        assert.equal((await read(on, uid)).body.prompt, 'consent')
      })
      test('the wallet asks for sign-in only', async () => {
        const on = browser(rig.url)
        const uid = await ask(on, {
          client: 'quota-wallet',
          redirect: 'http://127.0.0.1:5/callback',
          scope: 'openid wallet',
        })
        const { body } = await read(on, uid, ann.session)
        assert.deepEqual([body.prompt, (body.client as Json).id, body.estimate], ['login', 'quota-wallet', null])
      })
      for (const [name, query, expected] of [
        ['no cap', {}, null],
        ['an amount alone is a month’s', { cap_amount: '1000' }, { amount: 1000, period: 'month' }],
        ['a fraction', { cap_amount: '1.5', cap_period: 'day' }, null],
        ['zero', { cap_amount: '0', cap_period: 'day' }, null],
        ['negative', { cap_amount: '-5', cap_period: 'day' }, null],
        ['text', { cap_amount: 'all', cap_period: 'day' }, null],
        ['too large', { cap_amount: '9999999999999999', cap_period: 'day' }, null],
        ['an unknown period', { cap_amount: '5', cap_period: 'year' }, null],
      ] as const) {
        test(`suggested limit: ${name}`, async () => {
          const on = browser(rig.url)
          const uid = await ask(on, { query })
          assert.deepEqual((await read(on, uid)).body.requested_cap, expected)
        })
      }
      for (const uid of ['unknown', 'a'.repeat(65), '%27OR1', '..']) {
        test(`there is no request ${uid.slice(0, 8)}`, async () => {
          assert.equal((await read(browser(rig.url), uid, ann.session)).status, 404)
        })
      }
    })

    describe('approve', () => {
      test('makes the connection with what the person chose, before there is a code', async () => {
        const on = browser(rig.url)
        const uid = await ask(on)
        const chosen = {
          caps: [{ amount: 1_000_000, period: 'day' }],
          per_call_ceiling: 5000,
          ask_above: null,
          models: ['gpt-4o-mini'],
        }
        const reply = await answer(on, uid, { decision: 'approve', ...chosen })
        assert.equal(reply.status, 200, reply.text)
        const made = rig.directory.approvals.at(-1)
        assert.deepEqual(made, {
          uid,
          userId: ann.id,
          appId: 'app_web',
          scopes: ['openid', 'credits.spend'],
          answer: { decision: 'approve', ...chosen },
          clientMarkupBps: 0,
        })
        const { at } = await on.follow(String(reply.body.redirect_to))
        assert.ok(at.searchParams.get('code'))
        assert.equal((await read(on, uid)).status, 404, 'it has ended')
        assert.equal((await answer(on, uid, { decision: 'approve' })).status, 404)
      })
      test('twice is once', async () => {
        const on = browser(rig.url)
        const uid = await ask(on)
        const approvals = rig.directory.approvals.length
        const first = await answer(on, uid, { decision: 'approve' })
        const second = await answer(on, uid, { decision: 'approve' })
        assert.deepEqual(first.body, second.body)
        assert.equal(rig.directory.approvals.length, approvals + 1)
        assert.equal((await answer(on, uid, { decision: 'deny' })).status, 404)
      })
      test('when the connection cannot be made there is no grant and no code', async () => {
        const on = browser(rig.url)
        const uid = await ask(on)
        const { approve } = rig.directory
        rig.directory.approve = async () => {
          throw new Error('planted')
        }
        const grants = async () =>
          (await rig.db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM oidc_models WHERE kind = 'Grant'`))?.n
        const before = await grants()
        const reply = await quietly(() => answer(on, uid, { decision: 'approve' }))
        rig.directory.approve = approve
        assert.equal(reply.status, 500)
        assert.equal(await grants(), before)
        assert.equal((await read(on, uid)).status, 200)
      })
      test('only the browser that asked can go on', async () => {
        const on = browser(rig.url)
        const uid = await ask(on)
        const reply = await answer(browser(rig.url), uid, { decision: 'approve' })
        assert.equal(reply.status, 200)
        const stranger = await browser(rig.url).go('GET', String(reply.body.redirect_to), {
          headers: { accept: 'application/json' },
        })
        assert.equal(stranger.status, 400)
        assert.ok((await on.follow(String(reply.body.redirect_to))).at.searchParams.get('code'))
      })
    })

    describe('refused answers', () => {
      const caps = (list: unknown) => ({ decision: 'approve', caps: list })
      const cap = { amount: 5, period: 'day' }
      const rows: [string, unknown, number, string, string | null][] = [
        ['caps: none', caps([]), 400, 'bad_request', 'caps'],
        ['caps: null', caps(null), 400, 'bad_request', 'caps'],
        ['caps: an object', caps(cap), 400, 'bad_request', 'caps'],
        ['caps: zero', caps([{ ...cap, amount: 0 }]), 400, 'bad_request', 'caps'],
        ['caps: negative', caps([{ ...cap, amount: -1 }]), 400, 'bad_request', 'caps'],
        ['caps: a fraction', caps([{ ...cap, amount: 1.5 }]), 400, 'bad_request', 'caps'],
        ['caps: text', caps([{ ...cap, amount: '5' }]), 400, 'bad_request', 'caps'],
        ['caps: beyond safe integers', caps([{ ...cap, amount: 2 ** 53 }]), 400, 'bad_request', 'caps'],
        ['caps: an unknown period', caps([{ ...cap, period: 'year' }]), 400, 'bad_request', 'caps'],
        ['caps: a period twice', caps([cap, cap]), 400, 'bad_request', 'caps'],
        ['caps: a field too many', caps([{ ...cap, rollover: true }]), 400, 'bad_request', 'caps'],
        ['an unknown decision', { decision: 'maybe' }, 400, 'bad_request', 'decision'],
        ['no decision', {}, 400, 'bad_request', 'decision'],
        ['an unknown field', { decision: 'approve', user_id: 'x' }, 400, 'bad_request', 'user_id'],
        ['a ceiling of zero', { decision: 'approve', per_call_ceiling: 0 }, 400, 'bad_request', 'per_call_ceiling'],
        ['an array', [], 400, 'bad_request', null],
        ['continue without a consent before', { decision: 'continue' }, 409, 'consent_required', null],
      ]
      for (const [name, json, status, fault, param] of rows) {
        test(name, async () => {
          const person = await register(rig)
          const uid = await ask(browser(rig.url))
          const approvals = rig.directory.approvals.length
          const reply = await answer(browser(rig.url), uid, json, bearer(person.session))
          assert.deepEqual(
            [reply.status, code(reply), (reply.body.error as Json).param],
            [status, fault, param],
            reply.text,
          )
          await untouched(uid, approvals)
        })
      }
    })

    describe('who may answer', () => {
      const approve = { decision: 'approve' }
      test('nobody, without a session', async () => {
        const on = browser(rig.url)
        const uid = await ask(on)
        const approvals = rig.directory.approvals.length
        for (const headers of [{}, OWN, bearer('sess_unknown'), bearer('sk-quota-x')]) {
          assert.equal((await answer(on, uid, approve, headers)).status, 401)
        }
        await untouched(uid, approvals)
      })
      const cookies: [string, Record<string, string>, number][] = [
        ['our page', { ...OWN, origin: 'SELF', 'sec-fetch-site': 'same-origin' }, 200],
        ['without the header', { origin: 'SELF' }, 403],
        ['another origin', { ...OWN, origin: 'https://evil.example' }, 403],
        ['cross-site', { ...OWN, 'sec-fetch-site': 'cross-site' }, 403],
      ]
      for (const [name, headers, status] of cookies) {
        test(`by cookie: ${name} → ${status}`, async () => {
          const on = browser(rig.url)
          await register(rig, on)
          const uid = await ask(on)
          const approvals = rig.directory.approvals.length
          const given = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, v === 'SELF' ? rig.url : v]))
          const reply = await answer(on, uid, approve, given)
          assert.equal(reply.status, status, reply.text)
          if (status === 403) await untouched(uid, approvals)
        })
      }
      test('by cookie, not a request that another browser started (consent phishing)', async () => {
        const attacker = browser(rig.url)
        const uid = await ask(attacker)
        const victim = browser(rig.url)
        await register(rig, victim)
        await ask(victim)
        const approvals = rig.directory.approvals.length
        const reply = await answer(victim, uid, approve, { ...OWN, origin: rig.url, 'sec-fetch-site': 'same-origin' })
        assert.deepEqual([reply.status, code(reply)], [403, 'csrf'])
        await untouched(uid, approvals)
      })
      test('not another account by bearer, where the browser is signed in (login CSRF)', async () => {
        const on = browser(rig.url)
        await register(rig, on)
        const first = await ask(on)
        await on.follow(String((await answer(on, first, approve, { ...OWN, origin: rig.url })).body.redirect_to))
        const second = await ask(on, { scope: 'openid email credits.spend' })
        const approvals = rig.directory.approvals.length
        const reply = await answer(on, second, approve, bearer(ann.session))
        assert.deepEqual([reply.status, code(reply)], [403, 'forbidden'])
        await untouched(second, approvals)
      })
      test('another account by cookie, after changing accounts in that browser', async () => {
        const on = browser(rig.url)
        await register(rig, on)
        const own = { ...OWN, origin: rig.url }
        await on.follow(String((await answer(on, await ask(on), approve, own)).body.redirect_to))
        const uid = await ask(on, { scope: 'openid email credits.spend' })
        const second = await register(rig, on)
        const reply = await answer(on, uid, approve, own)
        assert.equal(reply.status, 200, reply.text)
        assert.equal(rig.directory.approvals.at(-1)?.userId, second.id)
        assert.ok((await on.follow(String(reply.body.redirect_to))).at.searchParams.get('code'))
      })
      for (const query of [{ prompt: 'login' }, { max_age: '0' }]) {
        test(`${JSON.stringify(query)} needs a password given after the request`, async () => {
          const on = browser(rig.url)
          const person = await register(rig, on)
          rig.later(5000)
          const uid = await ask(on, { query: query as unknown as Record<string, string> })
          const own = { ...OWN, origin: rig.url }
          assert.equal((await read(on, uid)).body.prompt, 'login')
          assert.equal((await answer(on, uid, approve, own)).status, 401)
          await on.go('POST', '/auth/login', { json: { email: person.email, password: person.password } })
          assert.equal((await answer(on, uid, approve, own)).status, 200)
        })
      }
    })

    describe('deny', () => {
      for (const [name, as] of [
        ['by a session', 'bearer'],
        ['by the browser that asked, signed in or not', 'page'],
      ]) {
        test(`${name}: access_denied goes back, nothing is agreed to`, async () => {
          const on = browser(rig.url)
          const uid = await ask(on)
          const approvals = rig.directory.approvals.length
          const reply = await answer(
            on,
            uid,
            { decision: 'deny' },
            as === 'bearer' ? bearer(ann.session) : { ...OWN, origin: rig.url },
          )
          const { at } = await on.follow(String(reply.body.redirect_to))
          assert.deepEqual(
            [at.searchParams.get('error'), at.searchParams.get('iss'), at.searchParams.get('state')],
            ['access_denied', rig.url, 'the-state'],
          )
          assert.equal(rig.directory.approvals.length, approvals)
        })
      }
      test('not by a browser that did not ask', async () => {
        const uid = await ask(browser(rig.url))
        assert.equal(
          (await answer(browser(rig.url), uid, { decision: 'deny' }, { ...OWN, origin: rig.url })).status,
          403,
        )
      })
    })

    test('continue suffices once the person has agreed to the same or more', async () => {
      const on = browser(rig.url)
      await answer(on, await ask(on, { scope: 'openid email credits.spend' }), { decision: 'approve' })
      const approvals = rig.directory.approvals.length
      const next = browser(rig.url)
      const reply = await answer(next, await ask(next, { scope: 'openid credits.spend' }), { decision: 'continue' })
      assert.equal(reply.status, 200, reply.text)
      assert.equal(rig.directory.approvals.length, approvals)
      assert.ok((await next.follow(String(reply.body.redirect_to))).at.searchParams.get('code'))
    })

    test('a request is over after an hour, and when its app is gone', async () => {
      const on = browser(rig.url)
      const uid = await ask(on, { client: 'other' })
      const record = rig.directory.clients.get('other')
      rig.directory.clients.delete('other')
      assert.equal((await answer(on, uid, { decision: 'approve' })).status, 404)
      if (record) rig.directory.clients.set('other', record)
      assert.equal((await read(on, uid)).status, 200)
      rig.later(3_601_000)
      assert.equal((await read(on, uid)).status, 404)
    })
  })
}

/** Runs without the stack trace that the rig prints for what is not expected. */
async function quietly<T>(act: () => Promise<T>): Promise<T> {
  const { write } = process.stderr
  process.stderr.write = () => true
  try {
    return await act()
  } finally {
    process.stderr.write = write
  }
}
