// The developers' console over HTTP: apps, keys, grants, users, refused calls and figures, on one server for each database.
// owns: the routes as a console calls them. never: the procedures' own races (developers-money.test.ts, analytics.test.ts).
// always true: what is another developer's does not exist; a refusal moves nothing.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { z } from 'zod'
import { AnalyticsBreakdown, AnalyticsSummary, AnalyticsTimeseries } from '../../server/contract/analytics.ts'
import type { App, Key } from '../../server/contract/api.ts'
import {
  AppUsers,
  DeveloperGranted,
  DeveloperGrants,
  GrantsGiven,
  PoolState,
  RefusedCalls,
} from '../../server/contract/developers.ts'
import * as api from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'

type Fault = { error: { code: string; param: string | null; details: Record<string, unknown> | null } }

for (const db of databases()) {
  describe(`the developers’ console (${db})`, () => {
    let server: Server
    let dev: api.Person
    let eve: api.Person
    let ann: api.Person
    let app: api.App
    let key: string
    before(async () => {
      server = await startServer({ db })
      ;[dev, eve, ann] = [
        await api.register(server, 'dev'),
        await api.register(server, 'eve'),
        await api.register(server, 'ann'),
      ]
      await api.buy(server, dev.session, 'basic')
      app = await api.createApp(server, dev, { markup_bps: 2000 })
      key = await api.createKey(server, dev, app)
    })
    after(() => server.stop())

    const ask = (method: string, path: string, body?: unknown, who = dev, headers?: Record<string, string>) =>
      api.call<Fault>(server, method, `/developers${path}`, {
        bearer: who.session,
        ...(body === undefined ? {} : { body }),
        ...(headers ? { headers } : {}),
      })
    /** One request that must succeed, read by its schema. */
    const read = async <S extends z.ZodType>(schema: S, ...given: Parameters<typeof ask>): Promise<z.output<S>> => {
      const reply = await ask(...given)
      assert.ok(reply.status < 300, `${given[0]} ${given[1]}: ${reply.status} ${reply.text}`)
      return schema.parse(reply.body)
    }
    const pool = () => read(PoolState, 'GET', '/grants/pool')

    test('an app is read, changed and archived; its history stays to be read', async () => {
      const other = await api.createApp(server, dev, { name: 'Other', models: ['gpt-4o-mini'] })
      const one = async () => ((await ask('GET', `/apps/${other.id}`)).body as unknown as { app: App }).app
      assert.deepEqual([(await one()).models, (await one()).archived_at], [['gpt-4o-mini'], null])
      const settings = { models: null, allowed_scopes: ['openid', 'credits.read'], name: 'Renamed' }
      assert.equal((await ask('PATCH', `/apps/${other.id}/settings`, settings)).status, 200)
      const { models, allowed_scopes: scopes, name } = await one()
      assert.deepEqual([models, scopes, name], [null, ['openid', 'credits.read'], 'Renamed'])
      for (const bad of [{ models: [] }, { models: [''] }, { allowed_scopes: ['wallet'] }, { archived_at: null }])
        assert.equal((await ask('PATCH', `/apps/${other.id}/settings`, bad)).status, 400, JSON.stringify(bad))
      assert.equal((await ask('GET', `/apps/${other.id}`, undefined, eve)).status, 404)
      await ask('DELETE', `/apps/${other.id}`)
      assert.ok((await one()).archived_at)
      const list = async (query: string) =>
        ((await ask('GET', `/apps${query}`)).body as unknown as { apps: App[] }).apps.map(({ id }) => id)
      assert.deepEqual([(await list('')).includes(other.id), await list('?archived=true')], [false, [other.id]])
      assert.equal((await ask('PATCH', `/apps/${other.id}/settings`, { name: 'X' })).status, 404)
    })

    test('a key is renamed, slowed and rotated: both work during the overlap, none but the new one without', async () => {
      const secret = await api.createKey(server, dev, app)
      const keys = async () => ((await ask('GET', '/keys')).body as unknown as { keys: Key[] }).keys
      const mine = (await keys()).find(({ prefix }) => secret.startsWith(prefix))
      assert.ok(mine)
      const changed = await ask('PATCH', `/keys/${mine.id}`, { name: 'Slow', rate_limit_per_min: 7 })
      const { key: after } = changed.body as unknown as { key: Key }
      assert.deepEqual([after.name, after.rate_limit_per_min, after.revokes_at], ['Slow', 7, null])
      for (const [path, body, who] of [
        [`/keys/${mine.id}`, { billing_mode: 'developer' }, dev],
        [`/keys/${mine.id}`, { rate_limit_per_min: 0 }, dev],
      ] as const)
        assert.equal((await ask('PATCH', path, body, who)).status, 400)
      assert.equal((await ask('PATCH', `/keys/${mine.id}`, { name: 'Mine' }, eve)).status, 404)
      assert.equal((await ask('POST', `/keys/${mine.id}/rotate`, {}, eve)).status, 404)

      type Rotated = { key: Key; secret: string; replaced: Key | null }
      const rotate = async (id: string, body: unknown) =>
        (await ask('POST', `/keys/${id}/rotate`, body)).body as unknown as Rotated
      const works = async (text: string) =>
        (await api.call(server, 'GET', '/v1/balance', { bearer: text })).status === 200
      const second = await rotate(mine.id, { overlap_s: 3600 })
      assert.deepEqual([second.key.name, second.key.rate_limit_per_min], ['Slow', 7])
      assert.ok(second.replaced?.revokes_at)
      assert.deepEqual([await works(secret), await works(second.secret)], [true, true])
      const third = await rotate(second.key.id, { overlap_s: 0 })
      assert.equal(third.replaced, null)
      assert.deepEqual([await works(second.secret), await works(third.secret)], [false, true])
      assert.equal((await ask('POST', `/keys/${second.key.id}/rotate`, {})).status, 404, 'it has ended')
    })

    test('the pool is funded from the balance and by card; refusals move nothing', async () => {
      const before = await pool()
      assert.equal((await ask('POST', '/grants/pool', { amount: before.own_balance_credits + 1 })).status, 402)
      for (const amount of [0, -1, 0.5, '1', null])
        assert.equal((await ask('POST', '/grants/pool', { amount })).status, 400)
      assert.deepEqual(await pool(), before)
      const headers = { 'idempotency-key': 'pool-1' }
      const fund = () => read(PoolState, 'POST', '/grants/pool', { amount: 2_000_000 }, dev, headers)
      const first = await fund()
      assert.equal(first.balance_credits, before.balance_credits + 2_000_000)
      await read(PoolState, 'POST', '/grants/pool/withdraw', { amount: 500_000 })
      assert.deepEqual(await fund(), first, 'the first answer again, whatever came after it')
      const after = await pool()
      assert.deepEqual(
        [after.balance_credits, after.balance, before.own_balance_credits - after.own_balance_credits],
        [1_500_000, '$1.50', 1_500_000],
      )
      const urls = { success_url: `${server.url}/ok`, cancel_url: `${server.url}/no` }
      const far = { ...urls, success_url: 'http://far.example/' }
      assert.equal((await ask('POST', '/grants/pool/checkout', { package_id: 'starter', ...far })).status, 400)
      const buying = await ask('POST', '/grants/pool/checkout', { package_id: 'starter', ...urls })
      const { id } = buying.body as unknown as { id: string }
      assert.deepEqual([(await pool()).waiting_credits, (await pool()).balance_credits], [4_050_000, 1_500_000])
      await api.must(server, 'POST', `/sandbox/checkouts/${id}`, { body: { outcome: 'paid' } })
      for (let i = 0; i < 3; i++) {
        const paid = await pool()
        assert.deepEqual(
          [paid.balance_credits, paid.own_balance_credits, paid.waiting_credits],
          [5_550_000, after.own_balance_credits, 0],
        )
      }
    })

    test('grants are given, listed, taken back, and given by the hundred or not at all', async () => {
      const give = { app_id: app.id, external_user_id: 'bob@example.org', amount: 100_000, description: 'Hello' }
      const headers = { 'idempotency-key': 'grant-1' }
      const first = await read(DeveloperGranted, 'POST', '/grants', give, dev, headers)
      const again = await read(DeveloperGranted, 'POST', '/grants', give, dev, headers)
      assert.deepEqual([again.grant.id, again.duplicate, first.duplicate], [first.grant.id, true, false])
      assert.equal(
        (await ask('POST', '/grants', { ...give, amount: 5 }, dev, headers)).body.error.code,
        'idempotency_mismatch',
      )
      assert.equal((await ask('POST', '/grants', give, eve)).status, 404)
      assert.equal(
        (await ask('POST', '/grants', { ...give, amount: 90_000_000 })).body.error.code,
        'insufficient_balance',
      )
      const rest = (await pool()).balance_credits

      const bulk = (csv: string, more = {}) => ask('POST', '/grants/bulk', { app_id: app.id, csv, ...more })
      const refusals: [string, number, string][] = [
        ['external_user_id,amount\n', 400, 'bad_request'],
        ['user,amount\na,1\n', 400, 'bad_request'],
        ['external_user_id,amount\na,0.01\nb,1e3\n', 400, 'bad_request'],
        ['external_user_id,amount\n"a,0.01\n', 400, 'bad_request'],
        ['external_user_id,amount,expires_at\na,0.01,2020-01-01T00:00:00Z\n', 400, 'bad_request'],
        ['external_user_id,amount\na,0.01\nb,99\n', 402, 'insufficient_balance'],
      ]
      for (const [csv, status, code] of refusals) {
        const reply = await bulk(csv)
        assert.deepEqual([reply.status, reply.body.error.code], [status, code], csv)
      }
      assert.deepEqual((await bulk(refusals[2]?.[0] ?? '')).body.error.details, {
        lines: [{ line: 3, message: 'amount: dollars above zero, as in 0.50, with at most six decimals.' }],
      })
      assert.equal((await pool()).balance_credits, rest, 'a refused file moved something')
      const csv =
        '\ufeffexternal_user_id,amount,description,expires_at\r\n"o""hara, p",0.25,"two\nlines",2099-01-01T00:00:00Z\r\n\r\ncarl,0.50,,2099-01-01T00:00:00+00:00\r\n'
      const dry = GrantsGiven.parse((await bulk(csv, { dry_run: true })).body)
      assert.deepEqual(dry, { grants: 2, total_credits: 750_000, dry_run: true, duplicate: false })
      assert.equal((await pool()).balance_credits, rest)
      const sent = { app_id: app.id, csv }
      for (const duplicate of [false, true]) {
        const given = await read(GrantsGiven, 'POST', '/grants/bulk', sent, dev, { 'idempotency-key': 'bulk-1' })
        assert.deepEqual([given.grants, given.total_credits, given.duplicate], [2, 750_000, duplicate])
      }
      assert.equal((await pool()).balance_credits, rest - 750_000)

      const list = (query = '', who = dev) => read(DeveloperGrants, 'GET', `/grants${query}`, undefined, who)
      const { grants } = await list(`?app_id=${app.id}`)
      assert.deepEqual(
        grants.map((grant) => [grant.external_user_id, grant.amount, grant.description]),
        [
          ['carl', 500_000, null],
          ['o"hara, p', 250_000, 'two\nlines'],
          ['bob@example.org', 100_000, 'Hello'],
        ],
      )
      const page = await list('?limit=2')
      assert.equal((await list(`?limit=2&cursor=${page.next_cursor}`)).grants[0]?.id, first.grant.id)
      assert.deepEqual((await list('', eve)).grants, [])
      assert.equal((await ask('GET', `/grants/${first.grant.id}`, undefined, eve)).status, 404)
      assert.equal((await ask('POST', `/grants/${first.grant.id}/withdraw`, undefined, eve)).status, 404)
      for (const [key, replayed] of [
        ['w-1', null],
        ['w-1', 'true'],
        ['w-2', null],
      ] as const) {
        const path = `/grants/${first.grant.id}/withdraw`
        const reply = await ask('POST', path, undefined, dev, { 'idempotency-key': key })
        const { grant } = DeveloperGranted.partial().parse(reply.body)
        assert.equal(reply.headers.get('idempotency-replayed'), replayed)
        assert.deepEqual([grant?.status, grant?.remaining, grant?.returned, grant?.spent], ['withdrawn', 0, 100_000, 0])
      }
      assert.equal((await pool()).balance_credits, rest - 650_000)
      const state = await pool()
      assert.equal(state.spent_credits + state.remaining_credits + state.returned_credits, state.granted_credits)
      const until: [string, number][] = [
        ['2099-01-01T00:00:00Z', 200],
        ['2099-01-01T00:00:00.123456+00:00', 200],
        ['2099-01-01T00:00:00+02:00', 400],
        ['2099-01-01T00:00:00', 400],
        ['2099-01-01', 400],
        ['2099-02-30T00:00:00Z', 400],
      ]
      for (const [expires_at, status] of until)
        assert.equal((await ask('POST', '/grants', { ...give, amount: 1, expires_at })).status, status, expires_at)
      const last = await read(DeveloperGranted, 'POST', '/grants', give, dev, headers)
      assert.deepEqual(last, again, 'the first answer again, though it was withdrawn since')
      assert.deepEqual(
        (await list('?status=withdrawn')).grants.map(({ id }) => id),
        [first.grant.id],
      )
    })

    test('a most for each user, and a welcome for each new one, once', async () => {
      const path = `/apps/${app.id}/grant-settings`
      assert.equal((await ask('PUT', path, { welcome: null, per_user_max: 1 }, eve)).status, 404)
      assert.equal(
        (await ask('PUT', path, { welcome: { amount: 0, expires_after_days: 1 }, per_user_max: null })).status,
        400,
      )
      const settings = { welcome: { amount: 300_000, expires_after_days: 30 }, per_user_max: 400_000 }
      assert.deepEqual((await ask('PUT', path, settings)).body, settings)
      assert.deepEqual((await ask('GET', path)).body, settings)
      const before = (await pool()).balance_credits
      const { accessToken } = await api.connect(server, ann, app, { scope: 'openid email credits.read credits.spend' })
      assert.equal((await pool()).balance_credits, before - 300_000, 'the welcome is there with the token')
      const paid = await api.chat(server, accessToken, { body: { max_tokens: 5 } })
      assert.equal(paid.status, 200, paid.text)
      const { quota } = paid.body as { quota: { funded_by: unknown[]; markup_credits: number } }
      assert.deepEqual([quota.funded_by.length, quota.markup_credits], [1, 0])
      await api.connect(server, ann, app)
      assert.equal((await pool()).balance_credits, before - 300_000, 'and not again')
      const [given] = (await read(DeveloperGrants, 'GET', '/grants')).grants
      assert.match(given?.external_user_id ?? '', /^usr_/)
      const more = { app_id: app.id, external_user_id: given?.external_user_id, amount: 100_001 }
      const refused = await ask('POST', '/grants', more)
      assert.deepEqual(
        [refused.status, refused.body.error.code, refused.body.error.details],
        [403, 'grant_limit_exceeded', { limit: 400_000, given: 300_000, required: 100_001 }],
      )
      assert.equal((await ask('POST', '/grants', { ...more, amount: 100_000 })).status, 200)
      await ask('PUT', path, { welcome: null, per_user_max: null })
    })

    test('users are listed with what they agreed to and what they used; no other developer sees them', async () => {
      const { users } = await read(AppUsers, 'GET', `/apps/${app.id}/users`)
      const mine = users.find(({ id }) => id === ann.id)
      assert.deepEqual(
        [mine?.status, mine?.email, mine?.name, mine?.totals.requests],
        ['active', null, null, 1],
        'the last consent left the address out',
      )
      assert.ok((mine?.balance ?? 0) > 0)
      assert.deepEqual(
        users.filter(({ status }) => status === 'unclaimed').map(({ external_user_ids: [name] }) => name),
        ['bob@example.org', 'o"hara, p', 'carl'],
      )
      const seen: string[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: z.output<typeof AppUsers> = await read(
          AppUsers,
          'GET',
          `/apps/${app.id}/users?limit=1&cursor=${cursor}`,
        )
        seen.push(...page.users.map(({ id }) => id))
        cursor = page.next_cursor
      }
      assert.deepEqual(
        seen,
        users.map(({ id }) => id),
      )
      assert.equal((await ask('GET', `/apps/${app.id}/users`, undefined, eve)).status, 404)
    })

    test('calls that were refused say why, and nothing of what was asked', async () => {
      const CANARY = 'canary-of-a-prompt'
      const refuse = (options: Parameters<typeof api.chat>[2]) =>
        api.chat(server, key, { ...options, body: { messages: [{ role: 'user', content: CANARY }], ...options?.body } })
      await refuse({ path: '/v1/users/bob%40example.org/chat/completions', body: { max_tokens: 10 } })
      await refuse({ path: '/v1/users/nobody/chat/completions' })
      await refuse({})
      await refuse({ path: '/v1/users/carl/chat/completions', body: { model: `${CANARY}-7` } })
      await refuse({ path: '/v1/users/carl/chat/completions', body: { base_url: CANARY } })
      await ask('PATCH', `/apps/${app.id}/settings`, { models: ['gpt-4o'] })
      await refuse({ path: '/v1/users/carl/chat/completions', body: { max_tokens: 5 } })
      await ask('PATCH', `/apps/${app.id}/settings`, { models: null })
      const reply = await ask('GET', `/logs?app_id=${app.id}`)
      const { calls } = RefusedCalls.parse(reply.body)
      assert.deepEqual(
        calls.map(({ status, code, user, model, limit, param }) => [status, code, user, model, limit, param]).reverse(),
        [
          [402, 'insufficient_credits', 'bob@example.org', 'gpt-4o-mini', 'balance', null],
          [404, 'user_not_found', 'nobody', 'gpt-4o-mini', null, null],
          [400, 'user_required', null, 'gpt-4o-mini', null, null],
          [404, 'model_not_found', 'carl', null, null, 'model'],
          [400, 'unsupported_parameter', 'carl', 'gpt-4o-mini', null, 'base_url'],
          [403, 'model_not_allowed', 'carl', 'gpt-4o-mini', null, 'model'],
        ],
      )
      assert.ok(!reply.text.includes(CANARY))
      const some = RefusedCalls.parse((await ask('GET', '/logs?code=user_not_found')).body)
      assert.equal(some.calls.length, 1)
      const page = RefusedCalls.parse((await ask('GET', '/logs?limit=4')).body)
      assert.equal(
        RefusedCalls.parse((await ask('GET', `/logs?limit=4&cursor=${page.next_cursor}`)).body).calls.length,
        2,
      )
      assert.deepEqual(RefusedCalls.parse((await ask('GET', '/logs', undefined, eve)).body).calls, [])
      assert.equal((await ask('GET', `/logs?app_id=${app.id}`, undefined, eve)).status, 404)
    })

    test('figures count every charge that was answered, and only one’s own', async () => {
      const used = await api.must<{
        data: { base_credits: number; markup_credits: number; granted_credits: number; units: Record<string, number> }[]
      }>(server, 'GET', '/v1/usage', { bearer: key })
      const sum = (of: (row: (typeof used.data)[number]) => number) => used.data.reduce((all, row) => all + of(row), 0)
      // Who asks at the same time counts at the same time, and nothing twice.
      await Promise.all(Array.from({ length: 8 }, () => ask('GET', '/analytics/summary')))
      const { summary } = await read(AnalyticsSummary, 'GET', '/analytics/summary')
      assert.deepEqual(summary, {
        requests: used.data.length,
        users: 1,
        cost: sum((row) => row.base_credits),
        profit: sum((row) => row.markup_credits),
        revenue: sum((row) => row.base_credits + row.markup_credits),
        granted: sum((row) => row.granted_credits),
        tokens: sum((row) => Object.values(row.units).reduce((all, n) => all + n, 0)),
      })
      for (const interval of ['hour', 'day', 'week', 'month']) {
        const { series } = await read(
          AnalyticsTimeseries,
          'GET',
          `/analytics/timeseries?interval=${interval}&metric=users`,
        )
        const total = (of: (point: (typeof series)[number]) => number) =>
          series.reduce((all, point) => all + of(point), 0)
        assert.deepEqual([total(({ requests }) => requests), total(({ value }) => value)], [1, 1], interval)
      }
      for (const [groupBy, name] of [
        ['app', 'Test app'],
        ['model', 'gpt-4o-mini'],
        ['user', /^usr_/],
      ] as const) {
        const { rows } = await read(
          AnalyticsBreakdown,
          'GET',
          `/analytics/breakdown?groupBy=${groupBy}&metric=requests`,
        )
        assert.deepEqual([rows.length, rows[0]?.value], [1, 1])
        assert.match(rows[0]?.name ?? '', new RegExp(name))
      }
      const csv = await ask('GET', '/analytics/timeseries?format=csv&interval=month')
      assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/)
      assert.match(csv.text, /^start,requests,users,revenue,cost,profit,granted,tokens\r\n20/)
      const theirs = await read(AnalyticsSummary, 'GET', '/analytics/summary', undefined, eve)
      assert.deepEqual([theirs.summary.requests, theirs.summary.users], [0, 0])
      const bad: [string, number][] = [
        ['summary?startDate=yesterday', 400],
        ['summary?startDate=2026-02-30', 400],
        ['summary?startDate=2028-02-29T23:00:00Z&endDate=2028-02-29', 200],
        ['summary?startDate=2026-02-02&endDate=2026-02-01', 400],
        ['timeseries?interval=minute', 400],
        ['timeseries?interval=hour&startDate=2026-01-01&endDate=2026-03-01', 400],
        ['timeseries?metric=users&model=gpt-4o', 400],
        ['breakdown?groupBy=planet', 400],
        ['breakdown?groupBy=model&metric=users', 400],
        ['summary?app_id=app_unknown', 404],
      ]
      for (const [query, status] of bad) assert.equal((await ask('GET', `/analytics/${query}`)).status, status, query)
      assert.equal((await ask('GET', `/analytics/summary?app_id=${app.id}`, undefined, eve)).status, 404)
    })

    test('a wallet may, a key and an app’s token may not', async () => {
      const client = {
        id: '',
        clientId: 'quota-wallet',
        clientSecret: null,
        redirectUri: 'http://127.0.0.1:7997/callback',
      }
      const wallet = await api.connect(server, dev, client, { scope: 'openid wallet' })
      const { accessToken } = await api.connect(server, ann, app)
      const paths = ['/apps', `/apps/${app.id}`, '/keys', '/grants', '/grants/pool', '/logs', '/analytics/summary']
      for (const path of paths) {
        const as = (bearer?: string) => api.call<Fault>(server, 'GET', `/developers${path}`, bearer ? { bearer } : {})
        assert.equal((await as(wallet.accessToken)).status, 200, path)
        for (const bearer of [key, accessToken, undefined]) {
          const reply = await as(bearer)
          assert.deepEqual([reply.status, reply.body.error.code], [401, 'unauthorized'], path)
        }
      }
    })
  })
}
