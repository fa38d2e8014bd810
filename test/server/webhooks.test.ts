// Webhooks: which addresses are refused, what is sent and how it is signed, what becomes of what fails.
// owns: a receiver on this machine, a server for each database, procedures under a clock of their own. never: the network.
// always true: a delivery is known by its id; nothing goes to an address that is not public, however it is spelled.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { Webhook as Standard } from 'standardwebhooks'
import type { z } from 'zod'
import { verifyWebhook } from '../../packages/sdk/src/webhooks.ts'
import { Deliveries, type Delivery, type Webhook, WebhookBody } from '../../server/contract/developers.ts'
import type { Notice } from '../../server/contract/records.ts'
import type { Db } from '../../server/db/db.ts'
import { isFault } from '../../server/faults.ts'
import { newId } from '../../server/ids.ts'
import { webhookPost } from '../../server/webhook-post.ts'
import { addTest, deliveriesOf, waitingOf } from '../../server/webhooks/deliveries.ts'
import { createWebhook, rotateWebhook, setWebhook, webhookById } from '../../server/webhooks/hooks.ts'
import { sendNow, startSending } from '../../server/webhooks/sender.ts'
import { freshSecret, signedHeaders } from '../../server/webhooks/signing.ts'
import * as api from '../support/api.ts'
import { eachDatabase } from '../support/databases.ts'
import { databases, type Server, startServer } from '../support/server.ts'
import { emitEvent } from './money.procedures.ts'
import { clock, documents, person } from './money.rig.ts'

describe('where a webhook may not go', () => {
  const answers: Record<string, string[]> = {
    'public.example.org': ['93.184.216.34'],
    'inside.example.org': ['10.0.0.8'],
    'both.example.org': ['93.184.216.34', '127.0.0.1'],
  }
  const resolve = async (host: string) => (answers[host] ?? []).map((address) => ({ address, family: 4 }))
  const rows: [string, boolean][] = [
    ['https://public.example.org/hook?a=1', true],
    ['https://93.184.216.34/hook', true],
    ['http://public.example.org/', false],
    ['https://public.example.org:8443/', false],
    ['https://user@public.example.org/', false],
    ['https://public.example.org/#x', false],
    ['https://public.example.org/\\x', false],
    [`https://public.example.org/${'x'.repeat(10_000)}`, false],
    ['https://inside.example.org/', false],
    ['https://both.example.org/', false],
    ['https://nowhere.example.org/', false],
    ['https://localhost/', false],
    ['https://intranet/', false],
    ['https://127.0.0.1/', false],
    ['https://2130706433/', false],
    ['https://0x7f.1/', false],
    ['https://10.1.2.3/', false],
    ['https://169.254.169.254/latest/meta-data/', false],
    ['https://[::1]/', false],
    ['https://[::ffff:127.0.0.1]/', false],
    ['https://[fd00::1]/', false],
    ['https://100.64.0.1/', false],
    ['ftp://public.example.org/', false],
    ['//public.example.org/', false],
    ['', false],
  ]
  for (const [url, good] of rows) {
    test(`${url.slice(0, 60)} is ${good ? 'taken' : 'refused'}`, async () => {
      const { check } = webhookPost({ resolve })
      const refusal = await check(url).then(
        () => null,
        (error) => error,
      )
      if (good) return assert.equal(refusal, null)
      assert.ok(isFault(refusal))
      assert.deepEqual([refusal.code, refusal.options.param], ['url_not_allowed', 'url'])
    })
  }

  test('a name that leads elsewhere once it was taken is not connected to, and an address is looked at too', async () => {
    let asked = 0
    const rebinding = async () => [{ address: asked++ === 0 ? '93.184.216.34' : '127.0.0.1', family: 4 }]
    const { check, post } = webhookPost({ resolve: rebinding })
    await check('https://moves.example.org/')
    await assert.rejects(post('https://moves.example.org/', {}, '{}'), /not a public address/)
    assert.equal(asked, 2)
    await assert.rejects(post('https://127.0.0.1/', {}, '{}'), /not a public address/)
  })
})

test('a delivery is signed by Standard Webhooks, once for each secret, and by the older header', () => {
  const key = Buffer.alloc(32, 7)
  const [first, second] = [freshSecret(key, 'whs_1').secret, freshSecret(key, 'whs_2').secret]
  const headers = signedHeaders([second, first], 'evt_1', '{"a":1}', 1_700_000_000_999)
  const expected = [second, first].map((secret) => {
    const hmac = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    return `v1,${hmac.update('evt_1.1700000000.{"a":1}').digest('base64')}`
  })
  assert.equal(headers['webhook-signature'], expected.join(' '))
  assert.deepEqual([headers['webhook-id'], headers['webhook-timestamp']], ['evt_1', '1700000000'])
  assert.equal(headers['x-quota-signature'], createHmac('sha256', second).update('{"a":1}').digest('hex'))
})

test('the reference library of Standard Webhooks takes each signature, and nothing that was changed', () => {
  const key = Buffer.alloc(32, 7)
  const [first, second] = [freshSecret(key, 'whs_1').secret, freshSecret(key, 'whs_2').secret]
  const body = JSON.stringify({ id: 'evt_1', type: 'user.connected', data: { name: 'Zoë — “quoted”\n' } })
  const headers = signedHeaders([second, first], 'evt_1', body, Date.now())
  for (const secret of [first, second]) assert.deepEqual(new Standard(secret).verify(body, headers), JSON.parse(body))
  const takes = (secret: string, text: string, changed: Record<string, string>) => () =>
    new Standard(secret).verify(text, { ...headers, ...changed })
  const stale = signedHeaders([first], 'evt_1', body, Date.now() - 600_000)
  const refused: [string, () => unknown][] = [
    ['another secret', takes(freshSecret(key, 'whs_3').secret, body, {})],
    ['another body', takes(first, `${body} `, {})],
    ['another id', takes(first, body, { 'webhook-id': 'evt_2' })],
    ['another time', takes(first, body, { 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) })],
    ['no signature', takes(first, body, { 'webhook-signature': 'v1,' })],
    ['sent long ago', takes(first, body, stale)],
  ]
  for (const [what, act] of refused) assert.throws(act, what)
})

const HOUR = 3_600_000
const KEY = Buffer.alloc(32, 9)

/** A webhook, a receiver that answers what it is told, and a clock. */
async function world(db: Db, time: ReturnType<typeof clock>) {
  const sent: { url: string; id: string }[] = []
  let answer: number | Error = 200
  const deps = {
    db,
    now: time.now,
    masterKey: KEY,
    log: pino({ level: 'silent' }),
    webhooks: {
      check: async () => undefined,
      post: async (url: string, headers: Record<string, string>) => {
        sent.push({ url, id: headers['webhook-id'] ?? '' })
        if (answer instanceof Error) throw answer
        return answer
      },
    },
  }
  const publisherId = await person(db)
  const secret = () => freshSecret(KEY, newId('whs', time.now())).kept
  const given = { url: 'https://hooks.example.org/a', events: ['usage.completed' as const] }
  const { id: webhookId } = await db.tx(createWebhook, { publisherId, given, secret: secret() })
  const eventOf = (id: string) => ({
    id,
    type: 'usage.completed',
    created_at: new Date(time.now()).toISOString(),
    data: {},
  })
  const list = () => deliveriesOf(db, { webhookId, status: null, before: '~', limit: 100 })
  return {
    publisherId,
    webhookId,
    sent,
    secret,
    list,
    answers: (next: number | Error) => void (answer = next),
    emit: (id: string) => {
      return db.tx(emitEvent, { publisherId, body: eventOf(id), to: [webhookId] })
    },
    /** What a person has sent to see whether it comes. */
    tests: async (id: string) => {
      const claimed = await db.tx(addTest, { publisherId, webhookId, event: eventOf(id) })
      return { claimed, goesOn: () => sendNow(deps, claimed) }
    },
    send: async () => void (await Promise.all(await startSending(deps))),
    row: async () => {
      const row = await webhookById(db, webhookId)
      assert.ok(row)
      return row
    },
  }
}

eachDatabase('deliveries', (open) => {
  const opened = async () => {
    const time = clock('2026-11-23T12:00:00Z')
    const { db } = await open({ now: time.now })
    const passes = (ms: number) => time.set(new Date(time.now() + ms).toISOString())
    return { db, passes, ...(await world(db, time)) }
  }

  test('what fails is tried again later and later, under the same id, and once well it is over', async () => {
    const w = await opened()
    w.answers(503)
    await w.emit('evt_a')
    await Promise.all([w.send(), w.send()])
    assert.equal(w.sent.length, 1, 'two senders at once')
    await w.send()
    assert.equal(w.sent.length, 1, 'not before its time')
    const [first] = await w.list()
    assert.deepEqual(
      [first?.status, first?.tries, first?.response_status, first?.error],
      ['waiting', 1, 503, 'answered 503'],
    )
    const pauses: number[] = []
    for (let i = 0; i < 5; i++) {
      const [row] = await w.list()
      const pause = (row?.next_at ?? 0) - Date.parse('2026-11-23T12:00:00Z') - pauses.reduce((sum, ms) => sum + ms, 0)
      pauses.push(pause)
      w.passes(pause)
      await w.send()
    }
    assert.deepEqual(pauses, [5_000, 30_000, 120_000, 600_000, 1_800_000])
    assert.deepEqual([...new Set(w.sent.map(({ id }) => id))], ['evt_a'])
    w.answers(new Error('reset'))
    w.passes(HOUR)
    await w.send()
    w.answers(204)
    w.passes(2 * HOUR)
    await w.send()
    const [row] = await w.list()
    assert.deepEqual([row?.status, row?.response_status, row?.error], ['delivered', 204, null])
    assert.equal((await w.row()).failing_since, null)
    w.passes(100 * HOUR)
    const before = w.sent.length
    await w.send()
    assert.equal(w.sent.length, before)
  })

  test('after three days of failure it is turned off, its publisher is told once, and nothing waits any more', async () => {
    const w = await opened()
    w.answers(500)
    await w.emit('evt_a')
    for (let hour = 0; hour < 72; hour += 12) {
      await w.send()
      assert.equal((await w.row()).status, 'enabled', `after ${hour} hours`)
      w.passes(12 * HOUR)
    }
    await w.emit('evt_b')
    await w.send()
    const row = await w.row()
    assert.deepEqual([row.status, row.disabled_reason], ['disabled', 'failing'])
    assert.equal(await waitingOf(w.db, w.webhookId), 0)
    assert.deepEqual(
      (await w.list()).map(({ status }) => status),
      ['failed', 'failed'],
    )
    const notices = await documents<Notice>(w.db, w.publisherId, 'notice')
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['webhook_disabled'],
    )
    assert.match(notices[0]?.text ?? '', /hooks\.example\.org/)
    const count = w.sent.length
    w.passes(24 * HOUR)
    await w.send()
    assert.equal(w.sent.length, count, 'something went to a webhook that is off')
    w.answers(200)
    await w.db.tx(setWebhook, { publisherId: w.publisherId, webhookId: w.webhookId, changes: { status: 'enabled' } })
    await w.emit('evt_c')
    await w.send()
    assert.deepEqual([w.sent.at(-1)?.id, (await w.row()).failing_since], ['evt_c', null])
  })

  test('a test is its asker’s to send, who hears what became of it; one whose asker died is sent all the same', async () => {
    const w = await opened()
    w.answers(503)
    const { goesOn } = await w.tests('evt_a')
    await w.send()
    assert.deepEqual(w.sent, [], 'a sender at work took it')
    const told = await goesOn()
    assert.deepEqual([told.status, told.tries, told.response_status], ['waiting', 1, 503])
    w.answers(200)
    await w.tests('evt_b')
    w.passes(60_000)
    await w.send()
    assert.deepEqual(
      [w.sent.map(({ id }) => id).sort(), await waitingOf(w.db, w.webhookId)],
      [['evt_a', 'evt_a', 'evt_b'], 0],
    )
  })

  test('an event that was written while its webhook was being turned off is given up', async () => {
    const w = await opened()
    const turn = (status: 'enabled' | 'disabled') =>
      w.db.tx(setWebhook, { publisherId: w.publisherId, webhookId: w.webhookId, changes: { status } })
    await turn('disabled')
    await w.emit('evt_a')
    await w.send()
    assert.deepEqual([w.sent, (await w.list()).map(({ status }) => status)], [[], ['failed']])
    await turn('enabled')
    await w.emit('evt_b')
    await w.send()
    assert.deepEqual(
      w.sent.map(({ id }) => id),
      ['evt_b'],
    )
  })

  test('410 turns it off at once', async () => {
    const w = await opened()
    w.answers(410)
    await w.emit('evt_a')
    await w.send()
    assert.deepEqual([(await w.row()).disabled_reason, (await w.list())[0]?.status], ['gone', 'failed'])
  })

  test('a rotation lets both secrets sign for as long as was asked, and the old one no longer', async () => {
    const w = await opened()
    const rotate = (overlapS: number) =>
      w.db.tx(rotateWebhook, { publisherId: w.publisherId, webhookId: w.webhookId, secret: w.secret(), overlapS })
    assert.equal((await rotate(3600)).secrets.length, 2)
    w.passes(HOUR)
    assert.equal((await rotate(0)).secrets.length, 1)
    assert.equal((await rotate(60)).secrets.length, 2)
  })
})

for (const db of databases()) {
  describe(`webhooks over HTTP (${db})`, () => {
    // What a developer's own server does, with our SDK: 200 for what is ours, 401 for what is not.
    let secretOfApp = ''
    const verified: string[] = []
    let refusals = 0
    const appServer = createServer(async (request, response) => {
      const pieces: Buffer[] = []
      for await (const piece of request) pieces.push(piece)
      const given = { body: Buffer.concat(pieces), headers: request.headers, secret: secretOfApp }
      const status = await verifyWebhook(given).then(
        (event) => {
          verified.push(`${event.type} ${event.id}`)
          return 200
        },
        () => {
          refusals++
          return 401
        },
      )
      response.writeHead(status).end()
      heard()
    })
    type Got = { headers: IncomingHttpHeaders; body: z.output<typeof WebhookBody>; raw: string }
    const got: Got[] = []
    let heard = () => {}
    const receiver = createServer(async (request, response) => {
      let raw = ''
      for await (const piece of request) raw += piece
      got.push({ headers: request.headers, body: WebhookBody.parse(JSON.parse(raw)), raw })
      const moved = request.url === '/moved'
      response.writeHead(moved ? 302 : 200, moved ? { location: '/elsewhere' } : {}).end('ignored')
      heard()
    })
    /** Waits until an event of a type has come (of so many). */
    const until = async (type: string, count = 1): Promise<Got[]> => {
      for (;;) {
        const found = got.filter(({ body }) => body.type === type && body.test === undefined)
        if (found.length >= count) return found
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    }
    let server: Server
    let dev: api.Person
    let eve: api.Person
    let app: api.App
    let url: string
    const ask = <T>(method: string, path: string, body?: unknown, who = dev) =>
      api.call<T>(server, method, `/developers/webhooks${path}`, {
        bearer: who.session,
        ...(body === undefined ? {} : { body }),
      })
    before(async () => {
      await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
      await new Promise<void>((resolve) => appServer.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
      server = await startServer({ db, env: { QUOTA_WEBHOOK_LOCAL: '1' } })
      ;[dev, eve] = [await api.register(server, 'dev'), await api.register(server, 'eve')]
      await api.buy(server, dev.session, 'starter')
      app = await api.createApp(server, dev, { markup_bps: 1000 })
    })
    after(async () => {
      await server.stop()
      appServer.closeAllConnections()
      appServer.close()
      receiver.closeAllConnections()
      receiver.close()
    })

    test('what an app’s users do is told, signed, each once; nobody else hears of it', async () => {
      const theirs = await ask('POST', '', { url: `${url}/eve` }, eve)
      assert.equal(theirs.status, 201)
      const made = await ask<{ webhook: Webhook; secret: string }>('POST', '', {
        url: `${url}/dev`,
        low_balance_threshold: 5_000_000,
      })
      const { webhook, secret } = made.body
      assert.match(secret, /^whsec_[A-Za-z0-9+/=]{32}$/)
      const ann = await api.register(server, 'ann')
      await api.buy(server, ann.session, 'starter')
      const { accessToken } = await api.connect(server, ann, app)
      const [connected] = await until('user.connected')
      assert.equal(connected?.body.data.user_id, ann.id)
      for (let i = 0; i < 2; i++)
        assert.equal((await api.chat(server, accessToken, { body: { max_tokens: 5 } })).status, 200)
      const used = await until('usage.completed', 2)
      const balances = await until('balance.updated', 2)
      assert.deepEqual([used.length, balances.length, (await until('balance.low')).length], [2, 2, 1])
      const data: Record<string, unknown> = used[0]?.body.data ?? {}
      assert.deepEqual(
        [
          data.user_id,
          data.app_id,
          data.model,
          Number(data.base_credits) + Number(data.markup_credits) === data.credits_used,
        ],
        [ann.id, app.id, 'gpt-4o-mini', true],
      )
      for (const { headers, raw } of got) {
        const hmac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
        const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${raw}`
        assert.equal(headers['webhook-signature'], `v1,${hmac.update(signed).digest('base64')}`)
      }
      const key = await api.createKey(server, dev, app)
      await api.grant(server, key, 'bob', 0.00001)
      await api.chat(server, key, { path: '/v1/users/bob/chat/completions', body: { max_tokens: 1 } })
      const { deliveries } = Deliveries.parse((await ask('GET', `/${webhook.id}/deliveries`)).body)
      assert.equal(new Set(deliveries.map(({ event_id: id }) => id)).size, deliveries.length)
      assert.equal(new Set(got.map(({ headers }) => headers['webhook-id'])).size, got.length)
      const list = await ask('GET', '')
      assert.ok(!list.text.includes(secret))
      for (const [method, path] of [
        ['GET', ''],
        ['PATCH', ''],
        ['DELETE', ''],
        ['POST', '/rotate-secret'],
        ['POST', '/test'],
        ['GET', '/deliveries'],
        ['GET', `/deliveries/${deliveries[0]?.id}`],
        ['POST', `/deliveries/${deliveries[0]?.id}/replay`],
      ] as const)
        assert.equal(
          (await ask(method, `/${webhook.id}${path}`, method === 'GET' ? undefined : {}, eve)).status,
          404,
          path,
        )
    })

    test('an app that verifies with the SDK takes what this server sends, and nothing of another secret', async () => {
      const to = `http://127.0.0.1:${(appServer.address() as AddressInfo).port}/hooks`
      const other = await api.createApp(server, dev)
      const made = await ask<{ webhook: Webhook; secret: string }>('POST', '', { url: to, app_id: other.id })
      const { webhook, secret } = made.body
      secretOfApp = freshSecret(KEY, 'whs_other').secret
      const refused = await ask<{ delivery: Delivery }>('POST', `/${webhook.id}/test`, {})
      assert.deepEqual([refused.body.delivery.response_status, verified], [401, []])
      secretOfApp = secret
      const carl = await api.register(server, 'carl')
      await api.connect(server, carl, other)
      while (refusals === 1 && !verified.some((line) => line.startsWith('user.connected ')))
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      assert.equal(refusals, 1, 'only what another secret was to fit')
      // Both secrets sign during a rotation, and the app still has the old one.
      await ask('POST', `/${webhook.id}/rotate-secret`, {})
      const tested = await ask<{ delivery: Delivery }>('POST', `/${webhook.id}/test`, { type: 'usage.completed' })
      assert.deepEqual([tested.body.delivery.status, tested.body.delivery.response_status], ['delivered', 200])
      assert.ok(verified.includes(`usage.completed ${tested.body.delivery.event_id}`))
      await ask('DELETE', `/${webhook.id}`)
    })

    test('a test and a replay answer with what became of them; a redirect is not followed', async () => {
      const { webhook } = (
        await ask<{ webhook: Webhook }>('POST', '', { url: `${url}/moved`, events: ['payout.paid'] })
      ).body
      const tested = await ask<{ delivery: Delivery }>('POST', `/${webhook.id}/test`, { type: 'payout.paid' })
      const { delivery } = tested.body
      assert.deepEqual([delivery.status, delivery.response_status, delivery.error], ['waiting', 302, 'answered 302'])
      const last = got.at(-1)
      assert.deepEqual([last?.body.test, last?.body.type], [true, 'payout.paid'])
      await ask('PATCH', `/${webhook.id}`, { url: `${url}/fine` })
      const again = await ask<{ delivery: Delivery }>('POST', `/${webhook.id}/deliveries/${delivery.id}/replay`, {})
      assert.deepEqual([again.body.delivery.status, again.body.delivery.event_id], ['delivered', delivery.event_id])
      assert.equal(got.at(-1)?.headers['webhook-id'], delivery.event_id)
      await ask('PATCH', `/${webhook.id}`, { status: 'disabled' })
      assert.equal((await ask('POST', `/${webhook.id}/test`, {})).status, 400)
      await ask('DELETE', `/${webhook.id}`)
      assert.equal((await ask('GET', `/${webhook.id}`)).status, 404)
    })

    const bad: [string, unknown, string][] = [
      ['a private address', { url: 'https://10.0.0.1/' }, 'url_not_allowed'],
      ['http', { url: 'http://93.184.216.34/' }, 'url_not_allowed'],
      ['no events', { url: 'https://93.184.216.34/', events: [] }, 'bad_request'],
      ['an event there is not', { url: 'https://93.184.216.34/', events: ['user.deleted'] }, 'bad_request'],
      ['another’s app', { url: 'https://93.184.216.34/', app_id: 'app_unknown' }, 'not_found'],
      ['a secret of one’s own', { url: 'https://93.184.216.34/', secret: 'whsec_x' }, 'bad_request'],
    ]
    for (const [what, body, code] of bad)
      test(`${what} is refused`, async () => {
        const count = (await ask<{ webhooks: unknown[] }>('GET', '')).body.webhooks.length
        const reply = await ask<{ error: { code: string } }>('POST', '', body)
        assert.equal(reply.body.error.code, code)
        assert.equal((await ask<{ webhooks: unknown[] }>('GET', '')).body.webhooks.length, count)
      })
  })
}
