// What a wallet and an app's server ask over HTTP: feed, pokes, numbered edits, checkouts, funding.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change, FeedPage, MutationResult } from '../../server/contract/feed.ts'
import type { Connection } from '../../server/contract/records.ts'
import {
  type App,
  books,
  buy,
  call,
  chat,
  connect,
  createApp,
  createKey,
  grant,
  must,
  type Person,
  register,
  WALLET,
} from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'

type Fault = { error: { code: string; param: string | null; details: Record<string, unknown> | null } }
type Edit = { mid: number; name: string; args: Record<string, unknown>; base_version?: number }
type Edited = { results: MutationResult[]; last_mid: number }

for (const database of databases()) {
  describe(`wallet and money routes (${database})`, () => {
    let server: Server
    let dev: Person
    let app: App
    let key: string
    before(async () => {
      server = await startServer({ db: database })
      dev = await register(server, 'dev')
      app = await createApp(server, dev)
      key = await createKey(server, dev, app)
    })
    after(() => server.stop())

    const walletOf = async (person: Person) =>
      (await connect(server, person, WALLET, { scope: 'openid wallet' })).accessToken
    const feed = (bearer: string, query = '') => must<FeedPage>(server, 'GET', `/v1/wallet/feed${query}`, { bearer })
    const edit = (bearer: string, mutations: Edit[], client = 'laptop') =>
      call<Edited & Fault>(server, 'POST', '/v1/wallet/mutations', { bearer, body: { client, mutations } })
    const last = (changes: Change[], topic: string) => changes.findLast((change) => change.topic === topic)?.row
    const someone = async (answer: Record<string, unknown> = {}) => {
      const person = await register(server)
      const wallet = await walletOf(person)
      const { accessToken } = await connect(server, person, app, { answer })
      const connection = last((await feed(wallet)).changes, 'connection') as unknown as Connection
      return { person, wallet, accessToken, connection }
    }

    test('the feed is dense from 1, pages by its cursor, and another epoch or a future starts it over', async () => {
      const { person, wallet } = await someone()
      await buy(server, person.session)
      const whole = await feed(wallet)
      assert.deepEqual(
        whole.changes.map(({ rev }) => rev),
        whole.changes.map((_, i) => i + 1),
      )
      assert.equal(whole.more, false)
      const paged: Change[] = []
      let page = await feed(wallet, '?limit=2')
      for (; page.more; page = await feed(wallet, `?limit=2&after=${page.cursor}`)) paged.push(...page.changes)
      assert.deepEqual([...paged, ...page.changes], whole.changes)
      assert.deepEqual((await feed(wallet, `?after=${whole.cursor}`)).changes, [])
      const text = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      for (const cursor of [text(['other', 1]), text([whole.epoch, 999])]) {
        const again = await feed(wallet, `?after=${cursor}`)
        assert.deepEqual([again.changes.length, again.epoch], [whole.changes.length, whole.epoch])
      }
      for (const query of [
        '?after=xyz',
        `?after=${text([whole.epoch, -1])}`,
        '?limit=0',
        '?limit=-1',
        '?limit=x',
        '?client=a%20b',
      ]) {
        assert.equal((await call(server, 'GET', `/v1/wallet/feed${query}`, { bearer: wallet })).status, 400, query)
      }
    })

    test('nobody but a wallet’s token comes in', async () => {
      const { person, accessToken } = await someone()
      const rows: [string | undefined, number][] = [
        [undefined, 401],
        [key, 401],
        [person.session, 401],
        [accessToken, 403],
        ['x'.repeat(43), 401],
      ]
      for (const [bearer, status] of rows) {
        for (const path of ['/v1/wallet/feed', '/v1/wallet/poke']) {
          assert.equal((await call(server, 'GET', path, bearer ? { bearer } : {})).status, status, `${path} ${bearer}`)
        }
      }
      const wallet = await walletOf(person)
      assert.equal((await chat(server, wallet)).status, 403)
    })

    test('edits are numbered: once each, in order, refused ones consume their number', async () => {
      const { wallet, connection } = await someone({ caps: [{ amount: 1000, period: 'day' }] })
      const { id, version } = connection
      const lower = {
        mid: 1,
        name: 'connection.set_caps',
        args: { connection_id: id, caps: [{ amount: 500, period: 'day' }] },
      }
      const first = await edit(wallet, [lower])
      assert.deepEqual(first.body, { results: [{ mid: 1, status: 'applied' }], last_mid: 1 })
      assert.deepEqual((await edit(wallet, [lower])).body.results, [{ mid: 1, status: 'already_applied' }])

      const gap = await edit(wallet, [{ mid: 3, name: 'connection.pause', args: { connection_id: id } }])
      assert.deepEqual(
        [gap.status, gap.body.error.code, gap.body.error.details?.expected_mid],
        [409, 'mutation_gap', 2],
      )
      const other = await edit(wallet, [{ ...lower, name: 'connection.pause', args: { connection_id: id } }])
      assert.deepEqual([other.status, other.body.error.code], [422, 'idempotency_mismatch'])

      const raise = (mid: number, base_version?: number) => ({
        mid,
        name: 'connection.set_caps',
        args: { connection_id: id, caps: [{ amount: 501, period: 'day' }] },
        ...(base_version === undefined ? {} : { base_version }),
      })
      const refusals = await edit(wallet, [
        raise(2),
        raise(3, version), // what the person saw before they lowered it
        { mid: 4, name: 'connection.explode', args: {} },
        { mid: 5, name: 'connection.pause', args: { connection_id: id, extra: 1 } },
        { mid: 6, name: 'connection.pause', args: { connection_id: 'conn_unknown' } },
        { mid: 7, name: 'request.answer', args: { uid: 'x', decision: 'approve' } },
        raise(8, version + 1),
      ])
      assert.deepEqual(
        refusals.body.results.map(({ mid, status, code }) => [mid, status, code]),
        [
          [2, 'rejected', 'version_conflict'],
          [3, 'rejected', 'version_conflict'],
          [4, 'rejected', 'bad_request'],
          [5, 'rejected', 'bad_request'],
          [6, 'rejected', 'not_found'],
          [7, 'rejected', 'not_found'],
          [8, 'applied', undefined],
        ],
      )
      assert.deepEqual(
        (await edit(wallet, [raise(2)])).body.results.map(({ status, code }) => [status, code]),
        [['rejected', 'version_conflict']],
      )
      const page = await feed(wallet, '?client=laptop')
      assert.equal(page.last_mid, 8)
      assert.equal((await feed(wallet, '?client=phone')).last_mid, 0)
      const shown = last(page.changes, 'connection') as unknown as Connection
      assert.deepEqual([shown.caps[0]?.amount, shown.version], [501, version + 2])
    })

    test('an edit made offline, whose end has passed on the way, still lowers: the connection is over at once', async () => {
      const { wallet, accessToken, connection } = await someone({ caps: [{ amount: 1000, period: 'day' }] })
      const args = {
        connection_id: connection.id,
        caps: [{ amount: 500, period: 'day' }],
        expires_at: '2026-01-01T00:00:00+00:00',
      }
      const reply = await edit(wallet, [{ mid: 1, name: 'connection.set_caps', args }])
      assert.deepEqual(reply.body.results, [{ mid: 1, status: 'applied' }])
      const shown = last((await feed(wallet)).changes, 'connection') as unknown as Connection
      assert.deepEqual([shown.status, shown.caps[0]?.amount], ['expired', 500])
      assert.equal((await chat(server, accessToken)).status, 401)
      const later = { ...args, expires_at: '2026-01-02T00:00:00Z' }
      const raised = await edit(wallet, [{ mid: 2, name: 'connection.set_caps', args: later }])
      assert.equal(raised.body.results[0]?.code, 'version_conflict', 'a later end is a raise, in the past too')
    })

    test('a new time zone moves where windows end, and the documents say so', async () => {
      const { wallet, connection } = await someone({ caps: [{ amount: 1000, period: 'month' }] })
      const set = (mid: number, args: Record<string, unknown>) => edit(wallet, [{ mid, name: 'profile.set', args }])
      assert.equal((await set(1, { time_zone: 'Mars/Olympus' })).body.results[0]?.code, 'bad_request')
      assert.equal((await set(2, { time_zone: 'Asia/Tokyo' })).body.results[0]?.status, 'applied')
      const shown = last((await feed(wallet)).changes, 'connection') as unknown as Connection
      const [before, after] = [connection, shown].map(({ caps }) => Date.parse(caps[0]?.resets_at ?? ''))
      assert.equal(Number(before) - Number(after), 9 * 3_600_000)
    })

    test('the same edit 30 times at once is carried out once', async () => {
      const { wallet, connection } = await someone()
      const rename = { mid: 1, name: 'connection.rename', args: { connection_id: connection.id, name: 'Bird' } }
      const replies = await Promise.all(Array.from({ length: 30 }, () => edit(wallet, [rename])))
      const statuses = replies.flatMap(({ body }) => body.results.map(({ status }) => status))
      assert.deepEqual(statuses.sort(), [...Array(29).fill('already_applied'), 'applied'])
      const names = (await feed(wallet)).changes.filter(
        ({ topic, row }) => topic === 'connection' && row?.name === 'Bird',
      )
      assert.equal(names.length, 1)
    })

    test('another person’s connection does not exist', async () => {
      const [ann, eve] = [await someone(), await someone()]
      const before = await feed(ann.wallet)
      const args = { connection_id: ann.connection.id }
      const edits = ['connection.pause', 'connection.resume', 'connection.revoke'].map((name, i) => ({
        mid: i + 1,
        name,
        args,
      }))
      const { body } = await edit(eve.wallet, edits)
      assert.deepEqual(
        body.results.map(({ code }) => code),
        ['not_found', 'not_found', 'not_found'],
      )
      assert.deepEqual(await feed(ann.wallet), before)
    })

    test('pause, resume, freeze and revoke act on the next call; nothing is charged for a refused one', async () => {
      const { person, wallet, accessToken, connection } = await someone()
      await buy(server, person.session)
      const args = { connection_id: connection.id }
      let mid = 0
      const act = async (name: string, base_version?: number, given: Record<string, unknown> = args) => {
        const one = { mid: ++mid, name, args: given, ...(base_version === undefined ? {} : { base_version }) }
        return (await edit(wallet, [one])).body.results[0]
      }
      const code = async () => {
        const reply = await chat(server, accessToken)
        return reply.status === 200 ? 200 : (reply.body as unknown as Fault).error.code
      }
      const profile = async () => last((await feed(wallet)).changes, 'profile') as { version: number; frozen: boolean }
      assert.equal(await code(), 200)
      const spent = async () => JSON.stringify(last((await feed(wallet)).changes, 'balance'))
      const before = await spent()
      assert.equal((await act('connection.pause'))?.status, 'applied')
      assert.equal(await code(), 'connection_paused')
      assert.equal((await act('connection.resume'))?.code, 'version_conflict')
      assert.equal((await act('connection.resume', connection.version + 1))?.status, 'applied')
      assert.equal((await act('wallet.freeze', undefined, {}))?.status, 'applied')
      assert.equal((await profile()).frozen, true)
      assert.equal(await code(), 'connection_paused')
      assert.equal((await act('wallet.unfreeze', undefined, {}))?.code, 'version_conflict')
      assert.equal((await act('wallet.unfreeze', (await profile()).version, {}))?.status, 'applied')
      assert.equal((await act('connection.revoke'))?.status, 'applied')
      assert.equal(await code(), 'invalid_token')
      assert.equal((await act('connection.resume', 99))?.code, 'connection_revoked')
      assert.equal((await act('connection.revoke'))?.status, 'applied')
      assert.equal(await spent(), before)
      const again = await connect(server, person, app)
      assert.equal((await chat(server, again.accessToken)).status, 200)
      assert.equal((await chat(server, accessToken)).status, 401, 'the old token stays dead')
    })

    test('a receipt is annotated by its payer alone, and sent again with the note in it', async () => {
      const [ann, eve] = [await someone(), await someone()]
      await buy(server, ann.person.session)
      const { quota } = (await chat(server, ann.accessToken)).body as { quota: { request_id: string; receipt: string } }
      const note = (mid: number, more: Record<string, unknown>) => [
        { mid, name: 'receipt.annotate', args: { request_id: quota.request_id, ...more } },
      ]
      assert.equal((await edit(eve.wallet, note(1, { note: 'mine' }))).body.results[0]?.code, 'not_found')
      assert.equal(
        (await edit(ann.wallet, note(1, { note: 'for work', add_tags: ['a', 'b'] }))).body.results[0]?.status,
        'applied',
      )
      await edit(ann.wallet, note(2, { remove_tags: ['a'], add_tags: ['c', 'b'] }))
      const { changes } = await feed(ann.wallet)
      const shown = changes.findLast(({ topic }) => topic === 'receipt')?.row
      assert.deepEqual([shown?.note, shown?.tags, shown?.receipt], ['for work', ['b', 'c'], quota.receipt])
    })

    test('a poke comes at once, after each change, as one for many, and says nothing but the number', async () => {
      const { person, wallet } = await someone()
      const stop = new AbortController()
      const reply = await fetch(`${server.url}/v1/wallet/poke`, {
        headers: { authorization: `Bearer ${wallet}` },
        signal: stop.signal,
      })
      assert.equal(reply.headers.get('content-type'), 'text/event-stream')
      let heard = ''
      const reading = (async () => {
        for await (const piece of reply.body ?? []) heard += Buffer.from(piece).toString()
      })().catch(() => undefined)
      const until = async (rev: number) => {
        for (let i = 0; i < 200 && !heard.includes(`{"rev":${rev}}`); i++) await sleep(10)
        assert.ok(heard.includes(`event: poke\ndata: {"rev":${rev}}\n\n`), heard)
      }
      const now = async () => (await feed(wallet)).changes.length
      await until(await now())
      await buy(server, person.session)
      await until(await now())
      assert.doesNotMatch(heard.replaceAll(/event: poke\ndata: \{"rev":\d+\}\n\n/g, ''), /\S/)
      stop.abort()
      await reading
    })

    test('checkout: who pays for whom, where to, and what is refused', async () => {
      const person = await register(server)
      const wallet = await walletOf(person)
      const urls = { success_url: 'https://app.example/ok', cancel_url: 'http://127.0.0.1:9/no' }
      const begin = (bearer: string | undefined, more: Record<string, unknown>) =>
        call<Fault & { id: string; url: string }>(server, 'POST', '/api/payments/checkout', {
          ...(bearer ? { bearer } : {}),
          body: { package_id: 'starter', ...urls, ...more },
        })
      const before = JSON.stringify(await feed(wallet))
      const rows: [string | undefined, Record<string, unknown>, number, string][] = [
        [undefined, {}, 401, 'invalid_api_key'],
        [wallet, { package_id: 'gold' }, 400, 'bad_request'],
        [wallet, { success_url: 'http://app.example/ok' }, 400, 'bad_request'],
        [wallet, { cancel_url: 'javascript:alert(1)' }, 400, 'bad_request'],
        [wallet, { external_user_id: 'bob' }, 400, 'bad_request'],
        [wallet, { amount: 1 }, 400, 'bad_request'],
        [wallet, { success_url: undefined }, 400, 'bad_request'],
        [key, { external_user_id: 'a\u0000b' }, 400, 'bad_request'],
      ]
      for (const [bearer, more, status, code] of rows) {
        const reply = await begin(bearer, more)
        assert.deepEqual([reply.status, reply.body.error.code], [status, code], JSON.stringify(more))
      }
      assert.equal(JSON.stringify(await feed(wallet)), before)
      const { body } = await begin(wallet, {})
      assert.equal(body.url, `${server.url}/sandbox/checkouts/${body.id}`)
      const page = await call(server, 'GET', `/sandbox/checkouts/${body.id}`)
      assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/)
      assert.match(page.text, /Pay \$5\.00/)
      const form = (outcome: string) =>
        call(server, 'POST', `/sandbox/checkouts/${body.id}`, {
          raw: `outcome=${outcome}`,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        })
      assert.equal((await form('free')).status, 400)
      const paid = await Promise.all(Array.from({ length: 20 }, () => form('paid')))
      assert.deepEqual(
        new Set(paid.map(({ status, headers }) => `${status} ${headers.get('location')}`)),
        new Set([`303 ${urls.success_url}`]),
      )
      assert.equal((await form('declined')).headers.get('location'), urls.success_url, 'the first outcome stands')
      const { changes } = await feed(wallet)
      assert.deepEqual(last(changes, 'balance'), { posted: 4_050_000, held: 0, available: 4_050_000 })
      assert.equal(last(changes, 'topup')?.status, 'paid')
      assert.equal((await call(server, 'GET', '/sandbox/checkouts/chk_unknown')).status, 404)
    })

    test('a checkout with an Idempotency-Key is one checkout', async () => {
      const person = await register(server)
      const urls = { success_url: 'https://app.example/ok', cancel_url: 'https://app.example/no' }
      const begin = (packageId: string) =>
        call<{ id: string }>(server, 'POST', '/api/payments/checkout', {
          bearer: person.session,
          headers: { 'idempotency-key': 'once' },
          body: { package_id: packageId, ...urls },
        })
      const replies = await Promise.all(Array.from({ length: 10 }, () => begin('basic')))
      assert.equal(new Set(replies.map(({ body }) => body.id)).size, 1)
      assert.equal(replies.filter(({ headers }) => headers.get('idempotency-replayed') === 'true').length, 9)
      assert.equal((await begin('pro')).status, 422)
    })

    test('funding: dollars in, dollars and credits out; the seed’s own example; refusals move nothing', async () => {
      await buy(server, dev.session)
      const bad = ['1e2', '0.0000001', '"0.5"', '-1', '0', '1e400', '0.5, "amount": 1', 'null']
      const pool = () => must(server, 'GET', '/v1/funding/pool', { bearer: key })
      const before = await pool()
      for (const text of bad) {
        const headers = { 'content-type': 'application/json' }
        const raw = `{"external_user_id": "user_123", "amount": ${text}}`
        const reply = await call<Fault>(server, 'POST', '/v1/funding/grant', { bearer: key, headers, raw })
        assert.deepEqual([reply.status, reply.body.error.code], [400, 'bad_request'], text)
        const into = await call<Fault>(server, 'POST', '/v1/funding/pool', {
          bearer: key,
          headers,
          raw: `{"amount": ${text}}`,
        })
        assert.equal(into.status, 400, text)
      }
      const small = await call<Fault>(server, 'POST', '/v1/funding/grant', {
        bearer: key,
        body: { external_user_id: 'u', amount: 1 },
      })
      assert.deepEqual([small.status, small.body.error.code], [402, 'insufficient_balance'])
      assert.equal((await call(server, 'GET', '/v1/users/u/balance', { bearer: key })).status, 404)
      assert.deepEqual(await pool(), before)
      const made = await grant(server, key, 'user_123', 0.5, { description: 'Welcome bonus' })
      assert.deepEqual(
        [made.amount_granted, made.balance_before, made.balance_after, made.duplicate],
        ['$0.50', '$0.00', '$0.50', false],
      )
      assert.match(String(made.ledger_id), /^[A-Za-z0-9_-]{1,64}$/)
      assert.equal((await chat(server, key, { path: '/v1/users/user_123/chat/completions' })).status, 200)
      const { balance } = (await books(server)).balance.units.usd ? await books(server) : { balance: { ok: false } }
      assert.ok(balance.ok)
    })

    test('a grant’s replay is the first answer with duplicate: true; the key is the app’s own', async () => {
      await buy(server, dev.session)
      await must(server, 'POST', '/v1/funding/pool', { bearer: key, body: { amount: 3 } })
      const send = (bearer: string, amount: number, user = 'zoe@example.org') =>
        call<Record<string, unknown>>(server, 'POST', '/v1/funding/grant', {
          bearer,
          headers: { 'idempotency-key': 'grant-1' },
          body: { external_user_id: user, amount },
        })
      const first = await send(key, 0.25)
      const replay = await send(key, 0.25)
      assert.deepEqual(replay.body, { ...first.body, duplicate: true })
      assert.deepEqual(
        [first.headers.get('idempotency-replayed'), replay.headers.get('idempotency-replayed')],
        [null, 'true'],
      )
      assert.equal((await send(key, 0.26)).status, 422)
      assert.equal((await send(key, 0.25, 'other')).status, 422)
      const other = await createKey(server, dev, await createApp(server, dev))
      assert.equal((await send(other, 0.25)).body.duplicate, false)
      const { balance } = await must<{ balance: number }>(server, 'GET', '/v1/users/zoe%40example.org/balance', {
        bearer: key,
      })
      assert.equal(balance, 250_000)
    })

    test('unknown users and users of another app look the same', async () => {
      await buy(server, dev.session)
      await grant(server, key, 'only-here', 0.1)
      const foreign = await createKey(server, dev, await createApp(server, dev))
      const body = (reply: { text: string }) => reply.text.replace(/"request_id":"[^"]*"/, '')
      for (const path of ['balance', '']) {
        const replies = await Promise.all(
          ['only-here', 'nobody', '%00', 'a'.repeat(300), 'ONLY-HERE'].map((name) =>
            call(server, 'GET', `/v1/users/${name}${path ? `/${path}` : ''}`, { bearer: foreign }),
          ),
        )
        const [a, b, nul, long, upper] = replies
        assert.deepEqual([a?.status, b?.status, nul?.status, long?.status, upper?.status], [404, 404, 400, 404, 404])
        assert.equal(new Set([a, b, long, upper].map((reply) => body(reply ?? { text: '' }))).size, 1)
        assert.match(a?.text ?? '', /user_not_found/)
      }
      assert.deepEqual((await must<{ users: unknown[] }>(server, 'GET', '/v1/users', { bearer: key })).users, [])
      assert.equal((await call(server, 'DELETE', '/v1/users/only-here', { bearer: key })).status, 404)
    })
  })
}
