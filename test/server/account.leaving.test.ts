// Leaving: an export that holds everything, and a deletion that loses no money unnamed and keeps no name.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import {
  type App,
  books,
  buy,
  call,
  chat,
  chatStream,
  connect,
  createApp,
  createKey,
  grant,
  must,
  type Person,
  type Reply,
  register,
  WALLET,
} from '../support/api.ts'
import { databases, type Server, startServer } from '../support/server.ts'

type Json = Record<string, unknown>
const BASIC = 8_500_000
for (const database of databases()) {
  describe(`leaving on ${database}`, () => {
    let server: Server
    let developer: Person
    let shop: App
    before(async () => {
      server = await startServer({ db: database })
      developer = await register(server, 'developer')
      shop = await createApp(server, developer, { markup_bps: 1000 })
    })
    after(() => server.stop())

    const leave = (person: Person, body: Json = {}) =>
      call(server, 'DELETE', '/account', { bearer: person.session, body })
    const errorOf = (reply: Reply) => reply.body.error as Json
    const stands = async (person: Person) =>
      (await must<{ balance: number }>(server, 'GET', '/auth/me', { bearer: person.session })).balance
    /** Refused, with everything as it was: the session, the balance and the connection still work. */
    const refuses = async (person: Person, body: Json, code: string, token?: string): Promise<Json> => {
      const before = await stands(person)
      const reply = await leave(person, body)
      assert.equal(errorOf(reply).code, code, reply.text)
      assert.equal(await stands(person), before)
      if (token) assert.equal((await call(server, 'GET', '/v1/balance', { bearer: token })).status, 200)
      return (errorOf(reply).details ?? {}) as Json
    }
    const rich = async (name: string) => {
      const person = await register(server, name)
      await buy(server, person.session)
      return { ...person, ...(await connect(server, person, shop)) }
    }

    describe('refused', () => {
      test('with money in it, unless exactly that is given up', async () => {
        const ann = await rich('ann')
        const details = await refuses(ann, {}, 'account_not_empty', ann.accessToken)
        assert.deepEqual(details, { balance: BASIC, held: 0, pool: 0, earnings: 0, apps: 0, payments: 0 })
        for (const forfeit of [BASIC - 1, BASIC + 1, 0, 1])
          await refuses(ann, { forfeit }, 'account_not_empty', ann.accessToken)
        for (const forfeit of [true, -1, 0.5, '8500000', null])
          await refuses(ann, { forfeit }, 'bad_request', ann.accessToken)
        await refuses(ann, { everything: true }, 'bad_request', ann.accessToken)
        const reply = await leave(ann, { forfeit: BASIC })
        assert.deepEqual([reply.status, reply.body], [200, { deleted: true }])
        assert.ok((await books(server)).balance.ok)
      })

      test('without money, what is named has to be nothing', async () => {
        const ann = await register(server)
        await refuses(ann, { forfeit: 1 }, 'account_not_empty')
        assert.equal((await leave(ann, { forfeit: 0 })).status, 200)
      })

      test('while a call runs, whatever is named; afterwards what is left can be', async () => {
        const ann = await rich('caller')
        const running = await chatStream(server, ann.accessToken, {
          body: { messages: [{ role: 'user', content: 'Write a long story. '.repeat(20) }] },
        })
        await running.events.next()
        const details = await refuses(ann, { forfeit: BASIC }, 'account_not_empty', ann.accessToken)
        assert.ok(Number(details.held) > 0)
        for await (const _ of running.events);
        const left = await stands(ann)
        assert.ok(left < BASIC)
        await refuses(ann, { forfeit: BASIC }, 'account_not_empty', ann.accessToken)
        assert.equal((await leave(ann, { forfeit: left })).status, 200)
      })

      test('with a pool, with an app, with earnings: they end otherwise', async () => {
        const publisher = await register(server, 'publisher')
        const app = await createApp(server, publisher, { markup_bps: 1000 })
        const key = await createKey(server, publisher, app)
        await buy(server, publisher.session)
        await grant(server, key, 'someone', 1)
        await must(server, 'POST', '/v1/funding/pool', { bearer: key, body: { amount: 1 } })
        const buyer = await register(server, 'buyer')
        await buy(server, buyer.session)
        const { accessToken } = await connect(server, buyer, app)
        assert.equal(
          (await chat(server, accessToken, { body: { messages: [{ role: 'user', content: 'x'.repeat(40_000) }] } }))
            .status,
          200,
        )
        const left = await stands(publisher)
        const details = await refuses(publisher, { forfeit: left }, 'account_not_empty')
        assert.deepEqual([details.pool, details.apps], [1_000_000, 1])
        await must(server, 'POST', '/v1/funding/pool/withdraw', { bearer: key, body: { amount: 1 } })
        await must(server, 'DELETE', `/developers/apps/${app.id}`, { bearer: publisher.session })
        await must(server, 'GET', '/admin/audit/entries', { bearer: 'admin-token-of-the-tests' }) // seals, so earnings are summed
        const more = await refuses(publisher, { forfeit: left + 1_000_000 }, 'account_not_empty')
        assert.ok(Number(more.earnings) > 0)
        assert.equal(more.apps, 0)
      })

      test('without a session, with an app’s key or a user’s token', async () => {
        const ann = await rich('tokens')
        const key = await createKey(server, developer, shop)
        for (const bearer of [undefined, key, ann.accessToken]) {
          const reply = await call(server, 'DELETE', '/account', {
            ...(bearer ? { bearer } : {}),
            body: { forfeit: BASIC },
          })
          assert.equal(reply.status, 401, reply.text)
        }
        assert.equal(await stands(ann), BASIC)
      })
    })

    test('20 times at once: one deletion, the balance forfeited once', async () => {
      const ann = await rich('race')
      const replies = await Promise.all(Array.from({ length: 20 }, () => leave(ann, { forfeit: BASIC })))
      const statuses = replies.map((reply) => reply.status)
      assert.equal(statuses.filter((status) => status === 200).length, 1, String(statuses))
      assert.ok(statuses.every((status) => status === 200 || status === 401))
      assert.ok((await books(server)).balance.ok)
    })

    test('what goes and what stays', async () => {
      const ann = await rich('leaver')
      const name = 'Annabella Leaver-Unusual'
      await must(server, 'PATCH', '/account', { bearer: ann.session, body: { name } })
      const wallet = await connect(server, ann, WALLET, { scope: 'openid wallet', answer: {} })
      const spent = await chat(server, ann.accessToken)
      const { receipt, request_id } = spent.body.quota as { receipt: string; request_id: string }
      const mutation = {
        mid: 1,
        name: 'receipt.annotate',
        args: { request_id, note: 'a very private note', add_tags: ['private-tag'] },
      }
      await must(server, 'POST', '/v1/wallet/mutations', {
        bearer: wallet.accessToken,
        body: { client: 'd1', mutations: [mutation] },
      })
      const left = await stands(ann)
      assert.equal((await leave(ann, { forfeit: left })).status, 200)

      assert.equal((await call(server, 'GET', '/auth/me', { bearer: ann.session })).status, 401)
      for (const token of [ann.accessToken, wallet.accessToken])
        assert.equal((await call(server, 'GET', '/oauth/userinfo', { bearer: token })).status, 401)
      assert.equal((await chat(server, ann.accessToken)).status, 401)
      const login = await call(server, 'POST', '/auth/login', { body: { email: ann.email, password: ann.password } })
      assert.equal(errorOf(login).code, 'invalid_credentials')

      const kept = await dump(server, database)
      for (const gone of [ann.email, name, 'a very private note', 'private-tag'])
        assert.ok(!kept.includes(gone), `${gone} is still there`)
      assert.ok(kept.includes(receipt), 'the receipt is gone')
      assert.ok(kept.includes(`forfeit:${ann.id}`), 'the movement is gone')
      const keys = await call(server, 'GET', '/.well-known/quota-receipts.json')
      assert.equal(keys.status, 200)

      const again = await call(server, 'POST', '/auth/register', { body: { email: ann.email, password: ann.password } })
      assert.equal(again.status, 201)
      assert.notEqual((again.body.user as Json).id, ann.id)
      assert.equal((again.body.user as Json).balance, 0)
    })

    test('the export holds the profile, security, connections, top-ups, notes and every receipt, and no secret', async () => {
      const ann = await rich('exporter')
      const wallet = await connect(server, ann, WALLET, { scope: 'openid wallet', answer: {} })
      const receipts: string[] = []
      for (let i = 0; i < 4; i++)
        receipts.push(((await chat(server, ann.accessToken)).body.quota as Json).receipt as string)
      const page = await must<{ changes: { topic: string; id: string }[] }>(server, 'GET', '/v1/wallet/feed', {
        bearer: wallet.accessToken,
      })
      const request_id = page.changes.find((change) => change.topic === 'receipt')?.id
      const mutation = {
        mid: 1,
        name: 'receipt.annotate',
        args: { request_id, note: '=HYPERLINK("https://evil.example")' },
      }
      await must(server, 'POST', '/v1/wallet/mutations', {
        bearer: wallet.accessToken,
        body: { client: 'd1', mutations: [mutation] },
      })
      const reply = await call(server, 'GET', '/account/export', { bearer: ann.session })
      assert.equal(reply.status, 200)
      assert.match(
        reply.headers.get('content-disposition') ?? '',
        /^attachment; filename="quota-wallet-account\.json"$/,
      )
      const all = JSON.parse(reply.text) as Record<string, Json[]> & { profile: Json }
      assert.equal(all.profile.email, ann.email)
      assert.deepEqual(
        all.receipts?.map((row) => row.receipt),
        receipts,
      )
      assert.deepEqual(all.annotations, [{ request_id, note: '=HYPERLINK("https://evil.example")', tags: [] }])
      assert.equal(all.connections?.length, 1)
      assert.equal(all.topups?.length, 1)
      assert.deepEqual([all.apps, all.keys, all.grants], [[], [], []])
      for (const secret of [ann.session, ann.accessToken, ann.refreshToken, 'argon2id'])
        assert.ok(!reply.text.includes(secret))
      const other = await call(server, 'GET', '/account/export', { bearer: ann.accessToken })
      assert.equal(other.status, 401)
    })

    test('an export of nothing is whole JSON too', async () => {
      const ann = await register(server)
      const reply = await call(server, 'GET', '/account/export', { bearer: ann.session })
      const all = JSON.parse(reply.text) as Record<string, unknown>
      assert.deepEqual([all.receipts, all.annotations, all.connections], [[], [], []])
    })

    test('in the sandbox a mail lies as a text file in the data folder, for nobody else to read', async () => {
      const ann = await register(server, 'mailed')
      await call(server, 'POST', '/auth/reset', { body: { email: ann.email } })
      const folder = join(server.dataDir, 'mails')
      const mine = () =>
        readdirSync(folder)
          .map((name) => readFileSync(join(folder, name), 'utf8'))
          .filter((mail) => mail.includes(`To: ${ann.email}\n`))
      for (let i = 0; i < 100 && mine().length < 2; i++) await new Promise((done) => setTimeout(done, 20))
      const reset = mine().find((mail) => mail.includes('Subject: Quota Wallet: Set a new password\n')) ?? ''
      const token = /\/wallet\/reset\?token=([\w-]{43})\n/.exec(reset)?.[1]
      const set = await call(server, 'POST', '/auth/reset/confirm', { body: { token, password: 'another password' } })
      assert.equal(set.status, 200, set.text)
    })
  })
}

/** Every row of every table, as text. */
async function dump(server: Server, database: string): Promise<string> {
  if (database === 'sqlite') {
    const db = new DatabaseSync(join(server.dataDir, 'quota.db'), { readOnly: true })
    const tables = db.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all() as { name: string }[]
    const rows = tables.map(({ name }) => JSON.stringify(db.prepare(`SELECT * FROM ${name}`).all()))
    db.close()
    return rows.join('\n')
  }
  const client = new pg.Client({ connectionString: server.databaseUrl })
  await client.connect()
  const tables = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
  )
  const rows: string[] = []
  for (const { name } of tables.rows) rows.push(JSON.stringify((await client.query(`SELECT * FROM ${name}`)).rows))
  await client.end()
  return rows.join('\n')
}
