// A new master key takes over a server that has everything sealed that can be; and what lies in one row opens in no other.
// owns: rotation from the outside, the list of sealed columns. never: the envelope itself (seal.test.ts).
// always true: whatever column begins to hold sealed texts is found here by its looks, and fails until it is listed.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { modelAdapter } from '../../server/identity/adapter.ts'
import { newId } from '../../server/ids.ts'
import {
  type App,
  buy,
  call,
  chat,
  connect,
  createApp,
  createKey,
  exchange,
  must,
  type Person,
  register,
  type Tokens,
} from '../support/api.ts'
import { eachDatabase } from '../support/databases.ts'
import { databases, type Server, startServer } from '../support/server.ts'

const kidOf = (key: Buffer) => createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8)
const NO_CODE = { code: '', verifier: '' }
const DONE = 'nothing is left that only QUOTA_MASTER_KEY_OLD opens'

for (const db of databases()) {
  describe(`a new master key (${db})`, () => {
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const [FIRST, SECOND] = [first, second].map((key) => key.toString('base64')) as [string, string]
    let server: Server
    let ann: Person
    let app: App
    let tokens: Tokens
    let key: string
    const idempotent = () => ({ headers: { 'idempotency-key': 'once' } })
    let answer = ''
    before(async () => {
      server = await startServer({
        db,
        env: { QUOTA_MASTER_KEY: FIRST, QUOTA_LOG_LEVEL: 'info', QUOTA_SANDBOX_TOKEN_MS: '0' },
      })
      ann = await register(server)
      await buy(server, ann.session, 'starter')
      app = await createApp(server, ann)
      key = await createKey(server, ann, app, 'developer')
      tokens = await connect(server, ann, app)
      answer = (await chat(server, key, idempotent())).text
      await must(server, 'POST', '/account/totp', { bearer: ann.session, body: {} })
    })
    after(() => server.stop())

    const refresh = async () => {
      const form = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken, redirect_uri: '' }
      const reply = await exchange(server, app, NO_CODE, form)
      assert.equal(reply.status, 200, reply.text)
      const { access_token: accessToken = '', refresh_token: refreshToken = '', scope = '' } = reply.body
      tokens = { accessToken, refreshToken, scope }
    }
    const everythingWorks = async () => {
      assert.equal((await chat(server, tokens.accessToken)).status, 200)
      await refresh()
      assert.equal((await chat(server, tokens.accessToken)).status, 200)
      const again = await chat(server, key, idempotent())
      assert.deepEqual([again.headers.get('idempotency-replayed'), again.text], ['true', answer])
    }
    const published = async () =>
      [
        await call(server, 'GET', '/.well-known/jwks.json'),
        await call(server, 'GET', '/.well-known/quota-receipts.json'),
      ]
        .map(({ text }) => text)
        .join('\n')

    test('another key alone: the server does not start, and says why', async () => {
      await assert.rejects(server.restart({ QUOTA_MASTER_KEY: SECOND }), /sealed with another master key/)
    })

    test('with the old one beside it everything works, and is sealed anew; then without the old one', async () => {
      await server.restart({ QUOTA_MASTER_KEY: FIRST })
      const keys = await published()
      const sealed = await cellsOf(server, kidOf(first))
      assert.deepEqual(
        [...sealed.keys()].sort(),
        ['identity_keys.sealed', 'kept_answers.sealed', 'oidc_models.payload', 'receipt_keys.sealed', 'totps.sealed'],
        'every kind of sealed text is there to be taken over',
      )
      await server.restart({ QUOTA_MASTER_KEY: SECOND, QUOTA_MASTER_KEY_OLD: FIRST })
      await everythingWorks()
      const until = Date.now() + 60_000
      while (!server.logs().includes(DONE)) {
        assert.ok(Date.now() < until, server.logs())
        await sleep(100)
      }
      assert.match(server.logs(), /"unreadable":0,"msg":"nothing is left/)
      assert.deepEqual([...(await cellsOf(server, kidOf(first)))], [])
      const anew = await cellsOf(server, kidOf(second))
      for (const [column, count] of sealed)
        assert.ok((anew.get(column) ?? 0) >= count, `${column}: ${anew.get(column)}`)
      await server.restart({ QUOTA_MASTER_KEY: SECOND })
      await everythingWorks()
      assert.equal(await published(), keys, 'the signing keys are the same')
      await assert.rejects(server.restart({ QUOTA_MASTER_KEY: FIRST }), /sealed with another master key/)
      await server.restart({ QUOTA_MASTER_KEY: SECOND })
    })

    test('a key of another length is refused at the start', async () => {
      const short = randomBytes(31).toString('base64')
      await assert.rejects(
        server.restart({ QUOTA_MASTER_KEY: SECOND, QUOTA_MASTER_KEY_OLD: short }),
        /QUOTA_MASTER_KEY_OLD must be 32 bytes/,
      )
      await server.restart({ QUOTA_MASTER_KEY: SECOND })
    })

    test('the payload of one token copied into another’s row gets nobody tokens', async () => {
      const eve = await register(server)
      const evil = await connect(server, eve, app)
      const copy = `UPDATE oidc_models SET payload = (SELECT payload FROM oidc_models WHERE kind = 'RefreshToken' AND
        user_id = '${ann.id}' ORDER BY id LIMIT 1) WHERE kind = 'RefreshToken' AND user_id = '${eve.id}'`
      assert.equal(await run(server, copy), 1)
      const form = { grant_type: 'refresh_token', refresh_token: evil.refreshToken, redirect_uri: '' }
      const reply = await exchange(server, app, NO_CODE, form)
      assert.equal(reply.status, 500)
      assert.equal(reply.body.access_token, undefined)
    })
  })
}

eachDatabase('a payload in another row', (open) => {
  for (const kind of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Grant', 'Session', 'DeviceCode']) {
    test(`${kind}: opens in its own row and in no other, by whatever name it is looked up`, async () => {
      const { db, outside } = await open()
      const ports = { db, now: Date.now, masterKey: randomBytes(32), id: (prefix: string) => newId(prefix, Date.now()) }
      const adapter = modelAdapter(ports, kind)
      const grants = modelAdapter(ports, 'Grant')
      for (const who of ['ann', 'eve']) {
        await grants.upsert(`grant-${who}`, { accountId: who }, 600)
        const names = { uid: `uid-${who}`, userCode: `code-${who}`, grantId: `grant-${who}` }
        await adapter.upsert(kind === 'Grant' ? `grant-${who}` : who, { accountId: who, ...names }, 600)
      }
      const finds = (who: string) => [
        adapter.find(kind === 'Grant' ? `grant-${who}` : who),
        ...(kind === 'Session' ? [adapter.findByUid(`uid-${who}`)] : []),
        ...(kind === 'DeviceCode' ? [adapter.findByUserCode(`code-${who}`)] : []),
      ]
      for (const found of await Promise.all(finds('eve'))) assert.equal(found ? found.accountId : null, 'eve')
      const payload = `(SELECT payload FROM oidc_models WHERE kind = '${kind}' AND user_id = 'ann')`
      await outside(`UPDATE oidc_models SET payload = ${payload} WHERE kind = '${kind}' AND user_id = 'eve'`)
      for (const found of await Promise.allSettled(finds('eve')))
        assert.match(found.status === 'rejected' ? String(found.reason) : 'it opened', /unable to authenticate data/)
      for (const found of await Promise.all(finds('ann'))) assert.equal(found ? found.accountId : null, 'ann')
    })
  }
})

// --- below: how -------------------------------------------------------------------------------------------------------

/** How many cells of each column, in whatever table, begin with a key's id. */
async function cellsOf(server: Server, kid: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const texts =
    server.databaseUrl === undefined
      ? `SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'TEXT'`
      : `SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'`
  // One statement for all of them: a connection for each column took longer than the test.
  const columns = (await rows(server, texts)) as { t: string; c: string }[]
  const counts = columns.map(
    ({ t, c }) => `SELECT '${t}.${c}' AS at, COUNT(*) AS n FROM "${t}" WHERE substr("${c}", 1, 9) = '${kid}.'`,
  )
  for (const { at, n } of (await rows(server, counts.join(' UNION ALL '))) as { at: string; n: number }[])
    if (Number(n) > 0) found.set(at, Number(n))
  return found
}

async function rows(server: Server, sql: string): Promise<unknown[]> {
  if (server.databaseUrl !== undefined) return (await onPostgres(server.databaseUrl, sql)).rows
  const file = new DatabaseSync(join(server.dataDir, 'quota.db'), { readOnly: true })
  try {
    return file.prepare(sql).all()
  } finally {
    file.close()
  }
}

/** Past the server, as somebody with the disk would. @returns how many rows it changed */
async function run(server: Server, sql: string): Promise<number> {
  if (server.databaseUrl !== undefined) return (await onPostgres(server.databaseUrl, sql)).rowCount ?? 0
  const file = new DatabaseSync(join(server.dataDir, 'quota.db'), { timeout: 5000 })
  try {
    return Number(file.prepare(sql).run().changes)
  } finally {
    file.close()
  }
}

async function onPostgres(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}
