// Where a person is signed in, and signing out from afar.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { SignedInDevice } from '../../server/contract/api.ts'
import { databases } from '../support/server.ts'
import { as, login, newPerson, refused, succeeds } from './account.rig.ts'
import {
  type Answer,
  type Browser,
  browser,
  OWN,
  type Rig,
  refresh,
  type Signed,
  startRig,
  tokensFor,
} from './identity.rig.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0'
const desktop = { client: 'quota-wallet', redirect: 'http://127.0.0.1:4567/callback', scope: 'openid wallet' }

for (const database of databases()) {
  describe(`devices on ${database}`, () => {
    let rig: Rig
    before(async () => {
      rig = await startRig(database)
    })
    after(() => rig.close())
    const inTab = () => ({ ...desktop, redirect: `${rig.url}/wallet/callback` })
    const list = async (session: string) =>
      (await succeeds(as(rig, session, 'GET', '/account/sessions'))).body.sessions as SignedInDevice[]
    const silently = async (on: Browser): Promise<string | null> => {
      const { redirect } = inTab()
      const query = new URLSearchParams({
        client_id: 'quota-wallet',
        response_type: 'code',
        scope: 'openid wallet',
        prompt: 'none',
        redirect_uri: redirect,
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      })
      const { at } = await on.follow(`/oauth/authorize?${query}`)
      return at.searchParams.get('error')
    }
    const asBrowser = (on: Browser): Browser => ({
      ...on,
      go: (method, path, options = {}) =>
        on.go(method, path, { ...options, headers: { 'user-agent': FIREFOX, ...options.headers } }),
    })
    /** A browser that is signed in twice over: on our pages, and at the authorization server. */
    const signedIn = async (person: Signed) => {
      const on = asBrowser(browser(rig.url))
      const reply = await succeeds(login(rig, person, {}, on))
      // The wallet in a tab sends its cookies along to the token endpoint, which is of its own origin.
      const session = String(reply.body.session_token)
      assert.equal(await signInAtServer(on), null)
      return { on, session }
    }
    const signInAtServer = async (on: Browser) => {
      const query = new URLSearchParams({
        client_id: 'quota-wallet',
        response_type: 'code',
        scope: 'openid wallet',
        redirect_uri: inTab().redirect,
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      })
      const { at } = await on.follow(`/oauth/authorize?${query}`)
      const uid = at.pathname.split('/').at(-1)
      const answer = await on.go('POST', `/oauth/interactions/${uid}`, { headers: OWN, json: { decision: 'continue' } })
      await on.follow(String(answer.body.redirect_to))
      return silently(on)
    }

    test('a browser, a desktop wallet and an app are three lines, by name, the one asking marked', async () => {
      const ann = await newPerson(rig)
      await tokensFor(rig, ann, desktop)
      await tokensFor(rig, ann)
      const devices = await list(ann.session)
      assert.deepEqual(devices.map(({ kind, name, current }) => [kind, name, current]).sort(), [
        ['app', 'App web', false],
        ['browser', 'node', true],
        ['wallet', 'Quota Wallet', false],
      ])
      for (const device of devices) {
        assert.match(device.id, /^dev_\w{26}$/)
        assert.equal(device.address, '127.0.0.1')
      }
      assert.ok(!JSON.stringify(devices).includes('sess_'))
    })

    test('one browser stays one line, however often it signs in and its pages are loaded', async () => {
      const ann = await newPerson(rig)
      const { on } = await signedIn(ann)
      for (let i = 0; i < 3; i++) {
        await succeeds(login(rig, ann, {}, on))
        assert.equal(await silently(on), null)
      }
      const browsers = (await list(ann.session)).filter(({ name }) => name === 'Firefox on Linux')
      assert.equal(browsers.length, 1)
    })

    test('signing out a browser from afar ends its session and its sign-in at the authorization server, and no other', async () => {
      const ann = await newPerson(rig)
      const [first, second] = [await signedIn(ann), await signedIn(ann)]
      const wallet = await tokensFor(rig, ann, desktop)
      const mine = (await list(first.session)).find(({ current }) => current)
      await succeeds(as(rig, ann.session, 'DELETE', `/account/sessions/${mine?.id}`))
      assert.equal((await as(rig, first.session, 'GET', '/auth/me')).status, 401)
      assert.equal(await silently(first.on), 'login_required')
      assert.equal((await as(rig, second.session, 'GET', '/auth/me')).status, 200)
      assert.equal(await silently(second.on), null)
      assert.equal((await refresh(rig, desktop, wallet.refresh)).status, 200)
      assert.ok(!(await list(ann.session)).some(({ id }) => id === mine?.id))
    })

    test('signing out a desktop ends its tokens at once; an app’s line ends that app’s tokens', async () => {
      const ann = await newPerson(rig)
      const wallet = await tokensFor(rig, ann, desktop)
      const app = await tokensFor(rig, ann)
      for (const [kind, flow, tokens] of [
        ['wallet', desktop, wallet],
        ['app', {}, app],
      ] as const) {
        const info = () =>
          browser(rig.url).go('GET', '/oauth/userinfo', { headers: { authorization: `Bearer ${tokens.access}` } })
        assert.equal((await info()).status, 200)
        const device = (await list(ann.session)).find((one) => one.kind === kind)
        await succeeds(as(rig, ann.session, 'DELETE', `/account/sessions/${device?.id}`))
        assert.equal((await info()).status, 401)
        assert.equal((await refresh(rig, flow, tokens.refresh)).body.error, 'invalid_grant')
      }
    })

    test('signing out the browser that asks takes its cookie away', async () => {
      const ann = await newPerson(rig)
      const { on, session } = await signedIn(ann)
      const mine = (await list(session)).find(({ current }) => current)
      const reply = await succeeds(on.go('DELETE', `/account/sessions/${mine?.id}`, { headers: OWN }))
      assert.match(reply.headers.getSetCookie()[0] ?? '', /^quota_session=; .*Max-Age=0/)
      assert.equal((await on.go('GET', '/auth/me')).status, 401)
    })

    describe('refused', () => {
      const tries: [string, (mine: string, theirs: string, session: string) => Promise<Answer>, number, string][] = [
        [
          'another person’s device',
          (_, theirs, session) => as(rig, session, 'DELETE', `/account/sessions/${theirs}`),
          404,
          'not_found',
        ],
        [
          'an unknown device',
          (_, __, session) => as(rig, session, 'DELETE', '/account/sessions/dev_x'),
          404,
          'not_found',
        ],
        [
          'without a session',
          (mine) => browser(rig.url).go('DELETE', `/account/sessions/${mine}`),
          401,
          'unauthorized',
        ],
        ['a list without a session', () => browser(rig.url).go('GET', '/account/sessions'), 401, 'unauthorized'],
      ]
      for (const [name, act, status, code] of tries)
        test(name, async () => {
          const [ann, bob] = [await newPerson(rig), await newPerson(rig)]
          const [mine, theirs] = [(await list(ann.session))[0]?.id ?? '', (await list(bob.session))[0]?.id ?? '']
          await refused(rig, () => act(mine, theirs, ann.session), status, code)
        })

      test('with a cookie, from another page', async () => {
        const ann = await newPerson(rig)
        const { on, session } = await signedIn(ann)
        const mine = (await list(session)).find(({ current }) => current)
        await refused(rig, () => on.go('DELETE', `/account/sessions/${mine?.id}`), 403, 'csrf')
      })

      test('a wallet’s own token opens none of these routes', async () => {
        const ann = await newPerson(rig)
        const { access } = await tokensFor(rig, ann, desktop)
        for (const path of ['/account/sessions', '/account/security', '/account'])
          await refused(rig, () => as(rig, access, 'GET', path), 401, 'unauthorized')
      })
    })

    test('last use moves with use, a minute at a time', async () => {
      const ann = await newPerson(rig)
      const before = Date.parse((await list(ann.session))[0]?.last_used_at ?? '')
      rig.later(120_000)
      await as(rig, ann.session, 'GET', '/auth/me')
      await new Promise((done) => setTimeout(done, 200))
      const after = Date.parse((await list(ann.session))[0]?.last_used_at ?? '')
      assert.ok(after - before >= 119_000, `${after - before}`)
    })
  })
}
