// What an app and an operator change from time to time: a client's secret, the proved domain, the keys that sign.
// owns: what works before, during and after each change, in every process. never: how a key is made.
// always true: what was signed or handed out before a change goes on being good for as long as it was promised.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as jose from 'jose'
import { directoryOf } from '../../server/connections/directory.ts'
import { recheckDomains, setDomain, verifyDomain } from '../../server/connections/domains.ts'
import { checkAppName, checkDomain } from '../../server/connections/names.ts'
import type { Db } from '../../server/db/db.ts'
import type { Deps } from '../../server/deps.ts'
import { isFault } from '../../server/faults.ts'
import { identityKeys, rotateOldSigningKey, rotateSigningKey } from '../../server/identity/keys.ts'
import { jwks, receiptKey, rotateOldReceiptKey } from '../../server/receipts/keys.ts'
import {
  type App,
  buy,
  call,
  chat,
  codeFor,
  connect,
  createApp,
  exchange,
  must,
  type Person,
  register,
} from '../support/api.ts'
import { ADMIN_TOKEN, databases, type Server, startServer } from '../support/server.ts'
import * as rig from './money.rig.ts'
import { openFresh } from './rotation.rig.ts'

const DAY_MS = 86_400_000
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64')
type Keys = { keys: (jose.JWK & { kid: string; kty: string; d?: string })[] }

for (const db of databases()) {
  describe(`a client's secret (${db})`, () => {
    let server: Server
    let dev: Person
    let ann: Person
    before(async () => {
      server = await startServer({ db })
      dev = await register(server, 'dev')
      ann = await register(server, 'ann')
    })
    after(() => server.stop())

    type Rotated = { app: { secondary_expires_at: string | null }; client_secret: string }
    const rotate = (app: App) =>
      must<Rotated>(server, 'POST', `/developers/apps/${app.id}/rotate-secret`, { bearer: dev.session })
    const works = async (app: App, secret: string | null) => {
      const { status, body } = await exchange(server, { ...app, clientSecret: secret }, await codeFor(server, ann, app))
      if (status !== 200) assert.deepEqual([status, body.error], [401, 'invalid_client'])
      return status === 200
    }

    test('the new one is shown once and works; the old one works for 30 days, and not a second longer', async () => {
      const app = await createApp(server, dev)
      const { app: shown, client_secret: next } = await rotate(app)
      assert.match(next, /^quota_secret_[A-Za-z0-9_-]{43}$/)
      const endsAt = Date.parse(shown.secondary_expires_at ?? '')
      assert.ok(Math.abs(endsAt - Date.now() - 30 * DAY_MS) < 60_000)
      const list = await call(server, 'GET', '/developers/apps', { bearer: dev.session })
      assert.ok(!list.text.includes(next) && !list.text.includes('hash'))
      assert.deepEqual([await works(app, next), await works(app, app.clientSecret)], [true, true])
      await server.restart({ QUOTA_CLOCK_OFFSET_MS: String(30 * DAY_MS + 60_000) })
      ann = await register(server, 'ann')
      dev = await login(server, dev)
      assert.deepEqual([await works(app, next), await works(app, app.clientSecret)], [true, false])
    })

    test('rotating again ends the one before the last at once; two at most work', async () => {
      const app = await createApp(server, dev)
      const { client_secret: second } = await rotate(app)
      const { client_secret: third } = await rotate(app)
      const working = [await works(app, app.clientSecret), await works(app, second), await works(app, third)]
      assert.deepEqual(working, [false, true, true])
    })

    test('the old one can be ended now; doing it twice is once; the new one goes on', async () => {
      const app = await createApp(server, dev)
      const { client_secret: next } = await rotate(app)
      const path = `/developers/apps/${app.id}/revoke-secondary-secret`
      for (let i = 0; i < 2; i++) {
        const { app: shown } = await must<Rotated>(server, 'POST', path, { bearer: dev.session })
        assert.equal(shown.secondary_expires_at, null)
      }
      assert.deepEqual([await works(app, next), await works(app, app.clientSecret)], [true, false])
    })

    test('tokens handed out before a rotation go on', async () => {
      const app = await createApp(server, dev)
      const { accessToken } = await connect(server, ann, app)
      await rotate(app)
      assert.equal((await call(server, 'GET', '/v1/balance', { bearer: accessToken })).status, 200)
    })

    const refused: [string, number, (app: App, open: App, key: string) => Promise<[string, string | undefined]>][] = [
      ['by another developer', 404, async (app) => [app.id, (await register(server, 'eve')).session]],
      ['of no app', 404, async () => ['app_none', dev.session]],
      ['without a session', 401, async (app) => [app.id, undefined]],
      ['with an app’s key', 401, async (app, _open, key) => [app.id, key]],
      ['of a public app', 400, async (_app, open) => [open.id, dev.session]],
    ]
    for (const [name, status, of] of refused) {
      test(`refused ${name}: nothing changes`, async () => {
        const app = await createApp(server, dev)
        const open = await createApp(server, dev, { type: 'public' })
        const { secret } = await must<{ secret: string }>(server, 'POST', '/developers/keys', {
          bearer: dev.session,
          body: { app_id: app.id, name: 'k' },
        })
        const [id, bearer] = await of(app, open, secret)
        for (const act of ['rotate-secret', 'revoke-secondary-secret']) {
          const reply = await call(server, 'POST', `/developers/apps/${id}/${act}`, bearer ? { bearer } : {})
          assert.equal(reply.status, status, reply.text)
          assert.doesNotMatch(reply.text, /quota_secret_/)
        }
        assert.equal(await works(app, app.clientSecret), true)
      })
    }
  })

  describe(`the keys that sign (${db})`, () => {
    let server: Server
    let ann: Person
    let app: App
    before(async () => {
      server = await startServer({ db, env: { QUOTA_MASTER_KEY: MASTER_KEY } })
      ann = await register(server, 'ann')
      await buy(server, ann.session, 'starter')
      app = await createApp(server, ann)
    })
    after(() => server.stop())
    const published = () => must<Keys>(server, 'GET', '/.well-known/jwks.json')
    const receiptKeys = () => must<Keys>(server, 'GET', '/.well-known/quota-receipts.json')
    const idToken = async () => {
      const { body } = await exchange(server, app, await codeFor(server, ann, app))
      return String(body.id_token)
    }
    const kidOf = (jws: string) => jose.decodeProtectedHeader(jws).kid
    const rotate = (body = {}) =>
      must<{ id_tokens: { kid: string }; receipts: { kid: string } }>(server, 'POST', '/admin/rotate-keys', {
        bearer: ADMIN_TOKEN,
        body,
      })
    const receipt = async () => {
      const { accessToken } = await connect(server, ann, app)
      const reply = await chat(server, accessToken, { body: { max_tokens: 5 } })
      assert.equal(reply.status, 200, reply.text)
      return String((reply.body.quota as { receipt: string }).receipt)
    }
    /** Until every process has taken the keys up. */
    const until = async (holds: () => Promise<boolean>) => {
      for (const end = Date.now() + 90_000; !(await holds()); await new Promise((go) => setTimeout(go, 300)))
        assert.ok(Date.now() < end, 'it never came')
    }

    test('only an operator may; nothing secret is published', async () => {
      for (const bearer of [undefined, ann.session, 'wrong-admin-token-0000']) {
        const reply = await call(server, 'POST', '/admin/rotate-keys', bearer ? { bearer } : {})
        assert.equal(reply.status, 404)
      }
      assert.equal((await published()).keys.length, 1)
      for (const key of [...(await published()).keys, ...(await receiptKeys()).keys]) assert.equal(key.d, undefined)
    })

    test('a new key is published first and signs later; the old one stays until what it signed is over, then goes', async () => {
      const [first] = (await published()).keys
      const [oldToken, oldReceipt] = [await idToken(), await receipt()]
      assert.equal(kidOf(oldToken), first?.kid)
      const { id_tokens: next, receipts: nextReceipt } = await rotate()
      await until(async () => (await published()).keys.length === 2)
      assert.equal(kidOf(await idToken()), first?.kid, 'not yet: clients may hold the old list for an hour')
      assert.equal(kidOf(await receipt()), kidOf(oldReceipt), 'nor the receipts’')

      await server.restart({ QUOTA_CLOCK_OFFSET_MS: String(61 * 60_000) })
      ann = await login(server, ann)
      const set = await published()
      assert.deepEqual(set.keys.map(({ kid }) => kid).sort(), [first?.kid, next.kid].sort())
      assert.equal(kidOf(await idToken()), next.kid)
      await jose.jwtVerify(await idToken(), jose.createLocalJWKSet(set), { algorithms: ['RS256'] })
      await jose.jwtVerify(oldToken, jose.createLocalJWKSet(set), { algorithms: ['RS256'] })
      assert.equal(kidOf(await receipt()), nextReceipt.kid)
      for (const jws of [oldReceipt, await receipt()])
        await jose.compactVerify(jws, jose.createLocalJWKSet(await receiptKeys()))

      await server.restart({ QUOTA_CLOCK_OFFSET_MS: String(2 * DAY_MS) })
      ann = await login(server, ann)
      assert.deepEqual(
        (await published()).keys.map(({ kid }) => kid),
        [next.kid],
      )
      await jose.compactVerify(oldReceipt, jose.createLocalJWKSet(await receiptKeys())) // for good
    })

    test('at once: the old one is withdrawn, and the new one signs', async () => {
      const before = await codeFor(server, ann, app)
      const { id_tokens: next } = await rotate({ at_once: true })
      await until(async () => (await published()).keys[0]?.kid === next.kid)
      assert.equal((await published()).keys.length, 1)
      assert.equal(kidOf(await idToken()), next.kid)
      const { status, body } = await exchange(server, app, before)
      assert.deepEqual([status, kidOf(String(body.id_token))], [200, next.kid], 'a code from before goes on')
    })

    if (db === 'postgres') {
      test('another process publishes it too, and signs with it', async () => {
        const second = await startServer({
          db,
          env: {
            DATABASE_URL: server.databaseUrl,
            QUOTA_MASTER_KEY: MASTER_KEY,
            QUOTA_PUBLIC_URL: server.url,
            QUOTA_CLOCK_OFFSET_MS: String(2 * DAY_MS),
          },
        })
        try {
          const { id_tokens: next } = await rotate({ at_once: true })
          const there = () => must<Keys>(second, 'GET', '/.well-known/jwks.json')
          await until(async () => (await there()).keys[0]?.kid === next.kid)
          const { body } = await exchange({ ...server, url: second.url }, app, await codeFor(server, ann, app))
          assert.equal(kidOf(String(body.id_token)), next.kid)
        } finally {
          await second.stop()
        }
      })
    }

    test('refused: an unknown field', async () => {
      const reply = await call(server, 'POST', '/admin/rotate-keys', { bearer: ADMIN_TOKEN, body: { now: true } })
      assert.equal(reply.status, 400)
    })
  })

  test(`after ninety days a key is replaced by itself, once, whoever looks (${db})`, async () => {
    let clock = Date.parse('2026-11-23T12:00:00Z')
    const { db: store, close } = await openFresh(db, () => clock)
    const ports = { db: store, masterKey: Buffer.alloc(32, 1), now: () => clock }
    const counts = async () => [(await identityKeys(ports)).jwks.keys.length, (await jwks(store)).keys.length]
    const look = () => Promise.all([1, 2, 3].flatMap(() => [rotateOldSigningKey(ports), rotateOldReceiptKey(ports)]))
    try {
      await receiptKey(ports)
      assert.deepEqual(await counts(), [1, 1])
      const first = (await receiptKey(ports)).kid
      clock += 89 * DAY_MS
      await look()
      assert.deepEqual(await counts(), [1, 1])
      clock += 2 * DAY_MS
      await look()
      await look()
      assert.deepEqual(await counts(), [2, 2])
      assert.equal((await receiptKey(ports)).kid, first, 'published first')
      clock += 3_600_000
      assert.notEqual((await receiptKey(ports)).kid, first)
      clock += 2 * DAY_MS
      await look()
      assert.deepEqual(await counts(), [1, 2])
      // By hand, twice at the same moment: one of the two is told that it was not first.
      const made = await Promise.all([rotateSigningKey(ports), rotateSigningKey(ports)])
      assert.equal(made.filter((key) => key !== null).length, 1)
      const kept = (await identityKeys(ports)).jwks.keys.map(({ kid }) => kid)
      assert.ok(kept.includes(made.find((key) => key !== null)?.kid ?? ''))
    } finally {
      await close()
    }
  })

  describe(`the domain of an app (${db})`, () => {
    let open: { db: Db; close: () => Promise<void> }
    let clock = Date.parse('2026-11-23T12:00:00Z')
    let said: Record<string, string[] | Error>
    let deps: Deps
    let publisherId: string
    let appId: string
    before(async () => {
      open = await openFresh(db, () => clock)
      const look = (by: string) => async (domain: string) => {
        const answer = said[`${by} ${domain}`] ?? []
        if (answer instanceof Error) throw answer
        return answer
      }
      deps = { db: open.db, now: () => clock, domains: { file: look('file'), dns: look('dns') } } as unknown as Deps
    })
    after(() => open.close())
    const begin = async (domain = 'app.example') => {
      said = {}
      publisherId = await rig.person(open.db)
      appId = await rig.app(open.db, publisherId)
      return open.db.tx(setDomain, { publisherId, appId, domain, proof: `proof-${appId}` })
    }
    const shown = async () => {
      const row = await open.db.get<{ client_id: string }>('SELECT client_id FROM apps WHERE id = ?', [appId])
      const client = await directoryOf(deps).client(row?.client_id ?? '')
      const [document] = await rig.documents<{ verified_domain: string | null }>(open.db, publisherId, 'app')
      assert.equal(document?.verified_domain, client?.verified_domain, 'the publisher’s feed says the same')
      return client?.verified_domain
    }
    const verify = (by: 'file' | 'dns') => verifyDomain(deps, { publisherId, appId }, by)

    for (const by of ['file', 'dns'] as const) {
      test(`by ${by}: shown once the proof is there, never before`, async () => {
        const { proof } = await begin()
        assert.equal(await shown(), null)
        const wrongs: (string[] | Error)[] = [
          [],
          ['proof-of-another'],
          [`x${proof.value}`],
          [`${proof.value}x`],
          new Error('timeout'),
        ]
        for (const wrong of wrongs) {
          said = { [`${by} app.example`]: wrong }
          assert.equal(await rig.refused(verify(by)), 'bad_request')
          assert.equal(await shown(), null)
        }
        said = { [`${by} app.example`]: ['something else', proof.value] }
        assert.equal((await verify(by)).verified, true)
        assert.equal(await shown(), 'app.example')
      })
    }

    test('a proof in the one place does not count for the other, nor on another domain', async () => {
      const { proof } = await begin()
      said = { 'file app.example': [proof.value], 'dns www.app.example': [proof.value] }
      assert.equal(await rig.refused(verify('dns')), 'bad_request')
      assert.equal(await shown(), null)
    })

    test('another’s app is not there, and its proof proves nothing for mine', async () => {
      const { proof } = await begin()
      said = { 'file app.example': [proof.value] }
      const theirs = { publisherId: await rig.person(open.db), appId }
      assert.equal(await rig.refused(verifyDomain(deps, theirs, 'file')), 'not_found')
      await begin()
      said = { 'file app.example': [proof.value] }
      assert.equal(await rig.refused(verify('file')), 'bad_request')
    })

    test('naming another domain begins anew; naming the same one changes nothing', async () => {
      const { proof } = await begin()
      said = { 'file app.example': [proof.value] }
      await verify('file')
      await open.db.tx(setDomain, { publisherId, appId, domain: 'app.example', proof: 'fresh' })
      assert.equal(await shown(), 'app.example')
      await open.db.tx(setDomain, { publisherId, appId, domain: 'bank.example', proof: 'fresh' })
      assert.equal(await shown(), null)
    })

    test('a lost proof is forgiven twice in a row, then the domain is gone; two processes count one look', async () => {
      const { proof } = await begin()
      said = { 'dns app.example': [proof.value] }
      await verify('dns')
      const looks = [
        { after: 23 * 3_600_000, there: false, shown: 'app.example' }, // too early: not looked at
        { after: 2 * 3_600_000, there: false, shown: 'app.example' },
        { after: 2 * 3_600_000, there: false, shown: 'app.example' },
        { after: 2 * 3_600_000, there: true, shown: 'app.example' },
        { after: 25 * 3_600_000, there: false, shown: 'app.example' },
        { after: 2 * 3_600_000, there: false, shown: 'app.example' },
        { after: 2 * 3_600_000, there: false, shown: null },
        { after: 2 * 3_600_000, there: true, shown: null }, // only its publisher can prove it again
      ]
      for (const [i, look] of looks.entries()) {
        clock += look.after
        said = { 'dns app.example': look.there ? [proof.value] : new Error('away') }
        await Promise.all([recheckDomains(deps), recheckDomains(deps)])
        assert.equal(await shown(), look.shown, `look ${i}`)
      }
      assert.equal((await verify('dns')).verified, true)
    })
  })
}

describe('names that an app may give itself', () => {
  const domains: [string, string | null][] = [
    ['app.example', 'app.example'],
    ['App.Example.COM', 'app.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['pаypal.example', 'xn--pypal-4ve.example'], // a Cyrillic letter: shown as what it is
    ['localhost', null],
    ['app.localhost', null],
    ['printer.local', null],
    ['db.internal', null],
    ['1.2.3.4', null],
    ['0x7f.1', null],
    ['2130706433', null],
    ['[::1]', null],
    ['example', null],
    ['app.example:8443', null],
    ['app.example/path', null],
    ['user@app.example', null],
    ['app.example.', null],
    ['*.example.com', null],
    ['a..example.com', null],
    ['-a.example.com', null],
    ['app.example com', null],
    ['app%2eexample.com', null],
    ['1.0.0.127.in-addr.arpa', null],
    ['', null],
    [`${'a'.repeat(64)}.example`, null],
  ]
  for (const [given, kept] of domains)
    test(`domain ${JSON.stringify(given).slice(0, 40)}: ${kept ?? 'refused'}`, () =>
      assert.equal(
        orCode(() => checkDomain(given)),
        kept ?? 'url_not_allowed',
      ))
  const names: [string, boolean][] = [
    ['Sketchpad', true],
    ['Écoute 2', true],
    ['Пример', true],
    ['Пример Studio', true],
    ['東京 Notes', true],
    ['Ελλάδα App', true],
    ['Quоta', false], // Cyrillic о
    ['ΡayPal', false], // Greek Ρ
    ['Quota\u202Ewallet', false],
    ['Quota\u200Bwallet', false],
    ['a\u0300\u0301\u0302\u0303\u0304', false],
    ['   ', false],
    ['Quota Wallet', false],
    ['ＱＵＯＴＡ－wallet™', false],
    ['the Quota Wallét!', false],
    ['Quota Wallet Helper', true],
    ['Quota', true],
  ]
  for (const [name, fine] of names)
    test(`name ${JSON.stringify(name)} is ${fine ? 'taken' : 'refused'}`, () =>
      assert.equal(
        orCode(() => checkAppName(name)),
        fine ? name : 'bad_request',
      ))
})

function orCode(act: () => string): string {
  try {
    return act()
  } catch (error) {
    if (isFault(error)) return error.code
    throw error
  }
}

/** A session is a day's; the clock has been moved further. */
async function login(server: Server, person: Person): Promise<Person> {
  const { email, password } = person
  const reply = await must<{ session_token: string }>(server, 'POST', '/auth/login', { body: { email, password } })
  return { ...person, session: reply.session_token }
}
