// Apps, keys, credentials, consent and its edits - the refusals above all.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setApp } from '../../server/connections/apps.ts'
import { type Limits, loosens } from '../../server/connections/limits.ts'
import { cleanName } from '../../server/connections/names.ts'
import { bpsOf } from '../../server/connections/routes.ts'
import {
  type App,
  call,
  connect as connectOver,
  createApp,
  createKey,
  must,
  type Person,
  register,
} from '../support/api.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { databases, type Server, startServer } from '../support/server.ts'
import { documentOf, terms } from './money.procedures.ts'
import { app, clock, connect, live, person, refused } from './money.rig.ts'

describe('when an edit loosens', () => {
  const base: Limits = {
    caps: [
      { period: 'day', amount: 100 },
      { period: 'month', amount: 1000 },
    ],
    perCallCeiling: 50,
    askAbove: 20,
    models: ['a', 'b'],
    expiresAt: 1000,
  }
  const rows: [string, Partial<Limits>, boolean][] = [
    ['nothing changed', {}, false],
    [
      'a lower amount',
      {
        caps: [
          { period: 'day', amount: 99 },
          { period: 'month', amount: 1000 },
        ],
      },
      false,
    ],
    [
      'a higher amount',
      {
        caps: [
          { period: 'day', amount: 101 },
          { period: 'month', amount: 1000 },
        ],
      },
      true,
    ],
    [
      'one lower, one higher',
      {
        caps: [
          { period: 'day', amount: 1 },
          { period: 'month', amount: 1001 },
        ],
      },
      true,
    ],
    ['a window removed', { caps: [{ period: 'day', amount: 100 }] }, true],
    [
      'a window replaced',
      {
        caps: [
          { period: 'day', amount: 100 },
          { period: 'week', amount: 1 },
        ],
      },
      true,
    ],
    ['a window added', { caps: [...base.caps, { period: 'week', amount: 1 }] }, false],
    ['a ceiling removed', { perCallCeiling: null }, true],
    ['a ceiling raised', { perCallCeiling: 51 }, true],
    ['a ceiling lowered', { perCallCeiling: 49 }, false],
    ['asking less often', { askAbove: 21 }, true],
    ['never asking', { askAbove: null }, true],
    ['a model added', { models: ['a', 'b', 'c'] }, true],
    ['any model', { models: null }, true],
    ['a model removed', { models: ['a'] }, false],
    ['no model at all', { models: [] }, false],
    ['a later end', { expiresAt: 1001 }, true],
    ['no end', { expiresAt: null }, true],
    ['an earlier end', { expiresAt: 999 }, false],
  ]
  for (const [situation, change, expected] of rows) {
    test(`${situation}: ${expected}`, () => assert.equal(loosens(base, { ...base, ...change }), expected))
  }
  test('from no bound at all, every bound is a tightening', () => {
    const open: Limits = { caps: [], perCallCeiling: null, askAbove: null, models: null, expiresAt: null }
    assert.equal(loosens(open, base), false)
  })
})

describe('a margin as a fraction is hundredths of a percent, exactly', () => {
  const rows: [number, number | 'refused'][] = [
    [0.2, 2000],
    [0.29, 2900],
    [0.57, 5700],
    [1.1, 11_000],
    [0.0001, 1],
    [0, 0],
    [10, 100_000],
    [0.00001, 'refused'],
    [1e-7, 'refused'],
    [0.1 + 0.2, 'refused'],
  ]
  for (const [fraction, bps] of rows) {
    test(`${fraction} → ${bps}`, async () => {
      if (bps === 'refused') assert.throws(() => bpsOf(fraction), { code: 'bad_request' })
      else assert.equal(bpsOf(fraction), bps)
    })
  }
})

describe('names', () => {
  const rows: [string, string | null][] = [
    ['Parrot', 'Parrot'],
    ['  A   B  ', 'A B'],
    ['Cafe\u0301', 'Caf\u00e9'],
    ['safe\u202Egnp.exe', null],
    ['a\u200Bb', null],
    ['a\u0000b', null],
    ['a\nb', null],
    ['\u2066x\u2069', null],
    ['   ', null],
  ]
  for (const [given, expected] of rows) {
    test(`${JSON.stringify(given)} → ${expected}`, () => {
      if (expected === null) assert.throws(() => cleanName(given), { code: 'bad_request' })
      else assert.equal(cleanName(given), expected)
    })
  }
})

eachDatabase('consent', (open) => {
  const world = async () => {
    const time = clock('2026-11-23T12:00:00Z')
    const { db } = await open({ now: time.now })
    const [publisherId, userId] = [await person(db), await person(db)]
    return { db, time, publisherId, userId, appId: await app(db, publisherId, 1000) }
  }

  test('no connection exists without a cap: the default is five dollars a month, in the person’s zone', async () => {
    const w = await world()
    await live(w.db, w.userId, { zone: 'Asia/Tokyo' })
    const id = await connect(w.db, w.userId, w.appId)
    assert.deepEqual((await w.db.tx(documentOf, { id })).caps, [
      { period: 'month', amount: 5_000_000, spent: 0, held: 0, resets_at: '2026-11-30T15:00:00.000Z' },
    ])
  })

  test('a second consent replaces limits and raises the version; 20 at once are one connection', async () => {
    const w = await world()
    const answers = Array.from({ length: 20 }, (_, i) => ({ caps: [{ period: 'day' as const, amount: i + 1 }] }))
    const ids = await Promise.all(answers.map((answer) => connect(w.db, w.userId, w.appId, answer)))
    assert.equal(new Set(ids).size, 1)
    const [id = ''] = ids
    const document = await w.db.tx(documentOf, { id })
    assert.deepEqual([document.caps.length, document.version], [1, 20])
    await connect(w.db, w.userId, w.appId, { per_call_ceiling: 7, models: ['gpt-4o'] })
    await connect(w.db, w.userId, w.appId, {})
    const replaced = await w.db.tx(documentOf, { id })
    assert.deepEqual([replaced.per_call_ceiling, replaced.models, replaced.caps[0]?.period], [null, null, 'month'])
    await assertInOrder(w.db)
  })

  test('malformed limits are refused by name, and no connection comes of it', async () => {
    const w = await world()
    const bad = [
      { caps: [] },
      { caps: [{ period: 'day' as const, amount: 0 }] },
      { caps: [{ period: 'day' as const, amount: 1.5 }] },
      { caps: [{ period: 'day' as const, amount: 2 ** 53 }] },
      {
        caps: [
          { period: 'day' as const, amount: 1 },
          { period: 'day' as const, amount: 2 },
        ],
      },
      { expires_at: '2026-11-23T12:00:00Z' },
    ]
    for (const answer of bad) assert.equal(await refused(connect(w.db, w.userId, w.appId, answer)), 'bad_request')
    assert.equal(await refused(connect(w.db, w.userId, 'app_unknown')), 'not_found')
    assert.deepEqual(await w.db.all('SELECT id FROM connections'), [])
  })

  test('an expired connection says so by the clock alone', async () => {
    const w = await world()
    const id = await connect(w.db, w.userId, w.appId, { expires_at: '2026-11-24T00:00:00Z' })
    assert.equal((await w.db.tx(terms, { id }))?.status, 'active')
    w.time.set('2026-11-24T00:00:00Z')
    assert.equal((await w.db.tx(terms, { id }))?.status, 'expired')
  })

  test('a raised markup: old terms until the notice has run out, then consent; a lowered one at once', async () => {
    const w = await world()
    const id = await connect(w.db, w.userId, w.appId, {}, 1000)
    const set = (changes: Record<string, number>) =>
      w.db.tx(setApp, { publisherId: w.publisherId, appId: w.appId, changes })
    const state = async () => {
      const now = await w.db.tx(terms, { id })
      return [now?.markupBps, now?.consentDue]
    }
    await set({ markup_bps: 2000, markup_notice_days: 7 })
    assert.deepEqual(await state(), [1000, false])
    w.time.set('2026-12-07T11:59:59Z')
    assert.deepEqual(await state(), [1000, false], 'the notice in force when it was raised is 14 days')
    w.time.set('2026-12-07T12:00:00Z')
    assert.deepEqual(await state(), [1000, true])
    await connect(w.db, w.userId, w.appId, {}, 2000)
    assert.deepEqual(await state(), [2000, false])
    await set({ markup_bps: 500 })
    assert.deepEqual(await state(), [500, false])
    await set({ markup_bps: 2000 })
    assert.deepEqual(await state(), [2000, false], 'back to what was consented to')
  })
})

for (const database of databases()) {
  describe(`developers’ routes (${database})`, () => {
    let server: Server
    let ann: Person
    let eve: Person
    let parrot: App
    before(async () => {
      server = await startServer({ db: database })
      ;[ann, eve] = [await register(server, 'ann'), await register(server, 'eve')]
      parrot = await createApp(server, ann)
    })
    after(() => server.stop())
    const as = (who: Person) => ({ bearer: who.session })

    test('an app is born with an id, a secret shown once, and is listed without it', async () => {
      assert.match(parrot.clientId, /^quota_client_[a-z0-9]+$/)
      assert.match(parrot.clientSecret ?? '', /^quota_secret_[A-Za-z0-9_-]{43}$/)
      const list = await call(server, 'GET', '/developers/apps', as(ann))
      assert.ok(!list.text.includes(parrot.clientSecret ?? '!'))
      assert.doesNotMatch(list.text, /secret/)
      const open = await must(server, 'POST', '/developers/apps', {
        ...as(ann),
        body: { name: 'P', redirect_uris: [], type: 'public' },
      })
      assert.equal(open.client_secret, undefined)
    })

    const bad: [string, Record<string, unknown>][] = [
      ['an unknown field', { owner_id: 'user_x' }],
      ['a hidden field', { client_id: 'quota_client_mine' }],
      ['http for a far host', { redirect_uris: ['http://app.example/cb'] }],
      ['a wildcard', { redirect_uris: ['https://*.app.example/cb'] }],
      ['a fragment', { redirect_uris: ['https://app.example/cb#x'] }],
      ['a user name', { redirect_uris: ['https://a@app.example/cb'] }],
      ['a scheme of its own', { redirect_uris: ['parrot://cb'] }],
      ['a doubled address', { redirect_uris: ['https://a.example/', 'https://a.example/'] }],
      ['the wallet’s scope', { allowed_scopes: ['openid', 'wallet'] }],
      ['a name that turns around', { name: 'Quota\u202Etnuocca' }],
      ['a markup below zero', { markup_bps: -1 }],
      ['a markup that is no integer', { markup_bps: 1.5 }],
      ['a logo by http', { logo_uri: 'http://127.0.0.1/x.png' }],
      ['a logo that is a script', { logo_uri: 'javascript:alert(1)' }],
    ]
    for (const [what, change] of bad) {
      test(`an app with ${what} is refused`, async () => {
        const before = (await must<{ apps: unknown[] }>(server, 'GET', '/developers/apps', as(ann))).apps.length
        const body = { name: 'X', redirect_uris: ['https://app.example/cb'], ...change }
        const reply = await call<{ error: { code: string } }>(server, 'POST', '/developers/apps', { ...as(ann), body })
        assert.deepEqual([reply.status, reply.body.error.code], [400, 'bad_request'])
        const { apps } = await must<{ apps: unknown[] }>(server, 'GET', '/developers/apps', as(ann))
        assert.equal(apps.length, before)
      })
    }

    test('a margin sets the markup; both at once, too fine or too short a notice are refused', async () => {
      const path = `/developers/apps/${parrot.id}/settings`
      const patch = (body: unknown) =>
        call<{ app: { markup_bps: number } }>(server, 'PATCH', path, { ...as(ann), body })
      assert.equal((await patch({ profit_margin: 0.2 })).body.app.markup_bps, 2000)
      assert.equal((await patch({ profit_margin: 0.2, markup_bps: 1 })).status, 400)
      assert.equal((await patch({ profit_margin: 0.00001 })).status, 400)
      assert.equal((await patch({ markup_notice_days: 6 })).status, 400)
      assert.equal((await patch({ balance: 1 })).status, 400)
      const { apps } = await must<{ apps: { id: string; markup_bps: number }[] }>(
        server,
        'GET',
        '/developers/apps',
        as(ann),
      )
      assert.equal(apps.find(({ id }) => id === parrot.id)?.markup_bps, 2000)
    })

    test('another developer’s apps and keys do not exist', async () => {
      const { keys } = await must<{ keys: { id: string }[] }>(server, 'GET', '/developers/keys', as(ann))
      const keyId =
        keys[0]?.id ??
        (
          await must<{ key: { id: string } }>(server, 'POST', '/developers/keys', {
            ...as(ann),
            body: { app_id: parrot.id, name: 'k' },
          })
        ).key.id
      const tries: [string, string, unknown?][] = [
        ['PATCH', `/developers/apps/${parrot.id}/settings`, { name: 'Mine' }],
        ['DELETE', `/developers/apps/${parrot.id}`],
        ['DELETE', `/developers/keys/${keyId}`],
        ['POST', '/developers/keys', { app_id: parrot.id, name: 'k' }],
        ['DELETE', '/developers/apps/app_unknown'],
      ]
      const replies = await Promise.all(
        tries.map(([method, path, body]) => call(server, method, path, { ...as(eve), body })),
      )
      assert.deepEqual(
        replies.map(({ status }) => status),
        [404, 404, 404, 404, 404],
      )
      assert.deepEqual((await must<{ apps: unknown[] }>(server, 'GET', '/developers/apps', as(eve))).apps, [])
    })

    test('a key: its shape, shown once, dead the moment it is revoked, dead with its app', async () => {
      const mine = await createApp(server, ann)
      const made = await must<{ key: { id: string; prefix: string }; secret: string }>(
        server,
        'POST',
        '/developers/keys',
        {
          ...as(ann),
          body: { app_id: mine.id, name: 'k' },
        },
      )
      assert.match(made.secret, /^sk-quota-[A-Za-z0-9_-]{32}$/)
      const list = await call(server, 'GET', '/developers/keys', as(ann))
      assert.ok(!list.text.includes(made.secret))
      const balance = (key: string) => call(server, 'GET', '/v1/balance', { bearer: key })
      assert.equal((await balance(made.secret)).status, 200)
      await must(server, 'DELETE', `/developers/keys/${made.key.id}`, as(ann))
      const dead = await balance(made.secret)
      assert.equal(dead.status, 401)
      const other = await createKey(server, ann, mine)
      await must(server, 'DELETE', `/developers/apps/${mine.id}`, as(ann))
      assert.equal((await balance(other)).status, 401)
    })

    test('credentials: every bad key has one answer; two at once are refused; either header will do', async () => {
      const key = await createKey(server, ann, parrot)
      const ask = (headers: Record<string, string>) => call(server, 'GET', '/v1/balance', { headers })
      const body = (reply: { text: string }) => reply.text.replace(/"request_id":"[^"]*"/, '')
      const bad = [
        {},
        { authorization: 'Bearer nonsense' },
        { authorization: `Bearer sk-quota-${'a'.repeat(32)}` },
        { authorization: 'Bearer sk-quota-short' },
        { authorization: `Basic ${key}` },
        { authorization: "Bearer sk-quota-' OR 1=1--" },
        { 'x-api-key': 'sk-other' },
        { authorization: `Bearer ${ann.session}` },
      ]
      const replies = await Promise.all(bad.map(ask))
      assert.deepEqual(
        replies.map(({ status }) => status),
        bad.map(() => 401),
      )
      assert.equal(new Set(replies.map(body)).size, 1)
      assert.match(replies[0]?.text ?? '', /invalid_api_key/)
      assert.equal((await ask({ 'x-api-key': key })).status, 200)
      assert.equal((await ask({ 'x-api-key': key, authorization: `Bearer ${key}` })).status, 200)
      const other = await createKey(server, ann, parrot)
      assert.equal((await ask({ 'x-api-key': other, authorization: `Bearer ${key}` })).status, 400)
      assert.equal((await ask({ authorization: `Bearer ${key}`, origin: 'https://app.example' })).status, 403)
      const token = await ask({ authorization: `Bearer ${'x'.repeat(43)}` })
      assert.match(token.text, /invalid_token/)
    })

    test('a cookie makes changes only from our own pages; a bearer needs no such proof', async () => {
      const before = await call(server, 'GET', '/developers/apps', as(ann))
      const cookie = `quota_session=${ann.session}`
      const body = { name: 'Planted', redirect_uris: ['https://evil.example/cb'] }
      const send = (headers: Record<string, string>) =>
        call<{ error: { code: string } }>(server, 'POST', '/developers/apps', { headers, body })
      for (const headers of [{ cookie }, { cookie, 'x-quota-wallet': '1', origin: 'https://evil.example' }]) {
        const reply = await send(headers)
        assert.deepEqual([reply.status, reply.body.error.code], [403, 'csrf'])
      }
      assert.equal((await call(server, 'GET', '/developers/apps', as(ann))).text, before.text)
      assert.equal((await call(server, 'GET', '/developers/apps', { headers: { cookie } })).text, before.text)
    })

    test('only a session may manage: keys and tokens are refused', async () => {
      const key = await createKey(server, ann, parrot)
      const { accessToken } = await connectOver(server, eve, parrot)
      for (const bearer of [key, accessToken, undefined]) {
        const reply = await call<{ error: { code: string } }>(
          server,
          'GET',
          '/developers/apps',
          bearer ? { bearer } : {},
        )
        assert.deepEqual([reply.status, reply.body.error.code], [401, 'unauthorized'])
      }
    })

    test('a token sees its own balance only with the scope, and no users', async () => {
      const blind = await connectOver(server, eve, parrot, { scope: 'openid credits.spend' })
      const reply = await call<{ error: { code: string } }>(server, 'GET', '/v1/balance', { bearer: blind.accessToken })
      assert.deepEqual([reply.status, reply.body.error.code], [403, 'insufficient_scope'])
      const seeing = await connectOver(server, eve, parrot, { scope: 'openid credits.read' })
      assert.equal(
        (await must<{ wallet: string }>(server, 'GET', '/v1/balance', { bearer: seeing.accessToken })).wallet,
        'oauth_user',
      )
      assert.equal((await call(server, 'GET', '/v1/users', { bearer: seeing.accessToken })).status, 401)
      assert.equal((await call(server, 'GET', '/v1/wallet/feed', { bearer: seeing.accessToken })).status, 403)
    })
  })
}
