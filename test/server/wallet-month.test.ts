// A wallet that was offline for a month, on a server whose clock has gone on (security.md X24).
// owns: that it still gets in, catches up, and that its queued edits are taken or refused by name. never: the page (wallet/).
// always true: nobody has to type a password within ninety days of the last use, and then has to.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type App,
  buy,
  call,
  chat,
  connect,
  createApp,
  must,
  type Person,
  register,
  type Tokens,
} from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const DAY_MS = 86_400_000
const WALLET: App = {
  id: '',
  clientId: 'quota-wallet',
  clientSecret: null,
  redirectUri: 'http://127.0.0.1:7999/callback',
}
type Change = { rev: number; topic: string; row: { id: string; version: number; status?: string } | null }
type Page = { changes: Change[]; cursor: string; more: boolean; last_mid: number }

for (const db of databases()) {
  describe(`a month offline (${db})`, () => {
    let server: Server
    let ann: Person
    let app: App
    let offline: Tokens
    let idle: Tokens
    let appTokens: Tokens
    let seen: Page
    before(async () => {
      server = await startServer({ db })
      ann = await register(server, 'ann')
      await buy(server, ann.session, 'starter')
      app = await createApp(server, await register(server, 'dev'))
      appTokens = await connect(server, ann, app)
      offline = await connect(server, ann, WALLET, { scope: 'openid wallet' })
      idle = await connect(server, ann, WALLET, { scope: 'openid wallet' })
      seen = await feed(offline.accessToken)
    })
    after(() => server.stop())

    const later = (days: number) => server.restart({ QUOTA_CLOCK_OFFSET_MS: String(days * DAY_MS) })
    const feed = (bearer: string, after = '') =>
      must<Page>(server, 'GET', `/v1/wallet/feed?client=laptop&limit=2&after=${encodeURIComponent(after)}`, { bearer })
    const renew = async (tokens: Tokens, app: App = WALLET) => {
      const form = {
        grant_type: 'refresh_token',
        refresh_token: tokens.refreshToken,
        client_id: app.clientId,
        ...(app.clientSecret ? { client_secret: app.clientSecret } : {}),
      }
      const reply = await call<Record<string, string>>(server, 'POST', '/oauth/token', {
        raw: new URLSearchParams(form).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      const { access_token: accessToken = '', refresh_token: refreshToken = '', scope = '' } = reply.body
      return { status: reply.status, error: reply.body.error, tokens: { accessToken, refreshToken, scope } }
    }
    /** Everything after a cursor, page by page. */
    const caughtUp = async (bearer: string, from: string) => {
      const changes: Change[] = []
      for (let cursor = from, more = true; more; ) {
        const page = await feed(bearer, cursor)
        changes.push(...page.changes)
        ;({ cursor, more } = page)
      }
      return changes
    }
    const mutate = (bearer: string, mutations: object[]) =>
      must<{ results: { status: string; code?: string }[] }>(server, 'POST', '/v1/wallet/mutations', {
        bearer,
        body: { client: 'laptop', mutations },
      })

    test('meanwhile an app spends; after 31 days the wallet gets in without a password and catches up', async () => {
      const cursor = seen.cursor
      await later(20)
      const meanwhile = await renew(appTokens, app)
      assert.equal(meanwhile.status, 200)
      appTokens = meanwhile.tokens
      for (let i = 0; i < 3; i++)
        assert.equal((await chat(server, appTokens.accessToken, { body: { max_tokens: 5 } })).status, 200)
      await later(31)
      const stale = await call(server, 'GET', '/v1/wallet/feed?client=laptop', { bearer: offline.accessToken })
      assert.equal(stale.status, 401, 'an access token lives for an hour')
      const back = await renew(offline)
      assert.equal(back.status, 200, back.error)
      offline = back.tokens
      const changes = await caughtUp(offline.accessToken, cursor)
      const revs = changes.map(({ rev }) => rev)
      assert.deepEqual(
        revs,
        revs.toSorted((a, b) => a - b),
      )
      assert.equal(new Set(revs).size, revs.length, 'a change came twice')
      assert.equal(changes.filter(({ topic }) => topic === 'receipt').length, 3)
    })

    test('edits of the time offline: a tightening is taken, a loosening of what has changed since is refused by name', async () => {
      const changes = await caughtUp(offline.accessToken, '')
      const row = changes.filter(({ topic }) => topic === 'connection').at(-1)?.row
      assert.ok(row)
      const args = (amount: number) => ({ connection_id: row.id, caps: [{ period: 'month', amount }] })
      const { results } = await mutate(offline.accessToken, [
        { mid: 1, name: 'connection.set_caps', args: args(1_000_000) },
        { mid: 2, name: 'connection.set_caps', args: args(9_000_000), base_version: row.version },
        { mid: 3, name: 'connection.pause', args: { connection_id: row.id } },
      ])
      assert.deepEqual(
        results.map(({ status, code }) => [status, code]),
        [
          ['applied', undefined],
          ['rejected', 'version_conflict'],
          ['applied', undefined],
        ],
      )
    })

    test('its session on other devices is a matter of its own: ninety days unused, and it has to sign in', async () => {
      await later(91)
      const gone = await renew(idle)
      assert.deepEqual([gone.status, gone.error], [400, 'invalid_grant'])
      const used = await renew(offline)
      assert.equal(used.status, 200, 'used on day 31, so good until day 121')
      assert.equal((await feed(used.tokens.accessToken)).changes.length > 0, true)
    })
  })
}
