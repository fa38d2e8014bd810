// The reference: whole, true, and enough to begin with.
// owns: the comparison with the server's own routes; the first ten minutes, as a newcomer has them. never: a figure of money.
// always true: a route that is added is in the document or on the short list below, with its reason.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { buildApp } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { FAULTS } from '../../server/contract/faults.ts'
import type { Db } from '../../server/db/db.ts'
import type { Deps } from '../../server/deps.ts'
import { newId } from '../../server/ids.ts'
import { makeMetrics } from '../../server/metrics.ts'
import { documentOf, GROUPS, idOf } from '../../server/reference/document.ts'
import { PAGE_POLICY, pageOf } from '../../server/reference/page.ts'
import * as api from '../support/api.ts'
import { onSqlite } from '../support/databases.ts'
import { assertDocumented } from '../support/documented.ts'
import { databases, type Server, startServer } from '../support/server.ts'

/** Routes that are nobody's to program against. */
const NOT_IN_IT: [pattern: RegExp, why: string][] = [
  [/^GET \/(wallet(\/\*)?)?$/, 'pages of the wallet'],
  [/^GET \/(docs|openapi\.json)$/, 'the reference itself'],
  [/^(GET|POST) \/admin\//, 'the operator’s; docs/operations.md has them'],
  [/^GET \/(healthz|readyz|metrics)$/, 'the operator’s monitor'],
  [/^GET \/(pay\/|payments\/landing\/|sandbox\/)/, 'pages that a payment leads to'],
  [/^POST \/sandbox\/onboard\//, 'a page’s button'],
  [/^POST \/webhooks\/stripe$/, 'called by the payment provider'],
  [/^GET \/developers\/connect\/refresh$/, 'where the payment provider sends a publisher’s browser'],
  [/^(GET|POST) \/oauth\/(device\/verify|authorize\/|logout)/, 'steps of a person’s browser'],
  [/^POST \/oauth\/userinfo$/, 'the same as GET'],
  [/^GET \/\.well-known\/oauth-authorization-server$/, 'the same as openid-configuration'],
]

/** As much of a server as its routes need to be added; nothing is asked of it. */
function depsOver(db: Db): Deps {
  const here = {
    db,
    now: Date.now,
    id: (prefix: string) => newId(prefix, Date.now()),
    publicUrl: 'http://127.0.0.1:7070',
  }
  const tools = {
    log: pino({ level: 'silent' }),
    metrics: makeMetrics(),
    masterKey: Buffer.alloc(32, 1),
    tracing: null,
  }
  const rest = {
    config: readConfig({}),
    payments: { mode: 'sandbox', livemode: false },
    mail: { by: null },
    owner: 'test',
  }
  return { ...here, ...tools, ...rest, draining: () => false } as unknown as Deps
}

const plain = (route: string) => route.replace(/:\w+|\{\w+\}/g, '{}')

onSqlite('the OpenAPI document', (open) => {
  test('has every route of the server, but for a short list, and none that is not there', async () => {
    const { db } = await open()
    const routes = new Set<string>()
    const listen = (message: unknown) => {
      const { fastify } = message as { fastify: FastifyInstance }
      fastify.addHook('onRoute', ({ method, url }) => {
        for (const one of [method].flat()) if (one !== 'HEAD' && one !== 'OPTIONS') routes.add(`${one} ${url}`)
      })
    }
    subscribe('fastify.initialization', listen)
    const app = await buildApp(depsOver(db))
    await app.ready()
    unsubscribe('fastify.initialization', listen)
    await app.close()
    const documented = new Set(GROUPS.flatMap(({ operations }) => operations.map(({ at }) => plain(at))))
    const missing = [...routes].filter(
      (route) => !documented.has(plain(route)) && !NOT_IN_IT.some(([pattern]) => pattern.test(route)),
    )
    assert.deepEqual(missing, [])
    const there = new Set([...routes].map(plain))
    assert.deepEqual(
      [...documented].filter((route) => !there.has(route)),
      [],
    )
    const idle = NOT_IN_IT.filter(([pattern]) => ![...routes].some((route) => pattern.test(route)))
    assert.deepEqual(
      idle.map(([, why]) => why).filter((why) => why !== 'pages that a payment leads to'),
      [],
      'an exception that nothing needs',
    )
  })
})

describe('the readable reference', () => {
  const page = pageOf('https://wallet.example')

  test('has an anchor for every code and every route, once, and every link within it leads somewhere', () => {
    const anchors = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
    assert.equal(new Set(anchors).size, anchors.length, 'an anchor is there twice')
    for (const code of Object.keys(FAULTS)) assert.ok(anchors.includes(code), code)
    for (const { operations } of GROUPS)
      for (const operation of operations) assert.ok(anchors.includes(idOf(operation)))
    const dead = [...page.matchAll(/href="#([^"]+)"/g)].filter(([, id]) => !anchors.includes(id))
    assert.deepEqual(dead, [])
  })

  test('stands alone: no script, nothing from elsewhere, a policy that allows its style and no more', () => {
    assert.doesNotMatch(page, /<script|<img|<link|<iframe|\son\w+=|\sstyle=|src=|@import|url\(/i)
    assert.match(PAGE_POLICY, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}';/)
    assert.doesNotMatch(PAGE_POLICY, /unsafe|http|\*/)
  })

  test('names of operations are unique, and every error of the document has its docs_url', () => {
    const ids = GROUPS.flatMap(({ operations }) => operations.map(idOf))
    assert.equal(new Set(ids).size, ids.length)
    const errors = documentOf('https://wallet.example')['x-errors'] as Record<string, { docs_url: string }>
    assert.deepEqual(Object.keys(errors), Object.keys(FAULTS))
    assert.equal(errors.cap_exceeded?.docs_url, 'https://wallet.example/docs#cap_exceeded')
  })
})

for (const db of databases()) {
  describe(`the first ten minutes (${db})`, () => {
    let server: Server
    before(async () => {
      server = await startServer({ db })
    })
    after(() => server.stop())

    test('the script of the page runs as it stands: from an account to what will be paid out', async () => {
      const page = await api.call(server, 'GET', '/docs')
      assert.equal(page.headers.get('content-security-policy'), PAGE_POLICY)
      const escaped = /<pre id="start-script">([\s\S]*?)<\/pre>/.exec(page.text)?.[1] ?? ''
      const script = escaped
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&amp;', '&')
      const folder = mkdtempSync(join(tmpdir(), 'quota-start-'))
      try {
        writeFileSync(join(folder, 'start.mjs'), script)
        const { code, output } = await run(join(folder, 'start.mjs'))
        assert.equal(code, 0, output)
        assert.match(output, /credits used [1-9]\d* paid by grant/)
        assert.match(output, /requests 1 revenue [1-9]\d*/)
        assert.match(output, /pending 0 payable 0 after days 7/)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })

    test('what the routes answer is what the document says', async () => {
      const dev = await api.register(server, 'dev')
      await api.buy(server, dev.session, 'starter')
      const app = await api.createApp(server, dev)
      const key = await api.createKey(server, dev, app)
      await api.grant(server, key, 'bob', 0.5)
      const { accessToken } = await api.connect(server, dev, app)
      const chat = { model: 'gpt-4o-mini', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] }
      const rows: [method: string, path: string, bearer: string | null, body?: unknown][] = [
        ['POST', '/v1/users/bob/chat/completions', key, chat],
        ['POST', '/v1/chat/completions', key, chat],
        ['POST', '/v1/chat/completions', accessToken, { ...chat, model: 'none' }],
        ['GET', '/v1/usage', key],
        ['GET', '/v1/usage', accessToken],
        ['GET', '/v1/balance', key],
        ['GET', '/v1/balance', accessToken],
        ['GET', '/v1/balance', null],
        ['GET', '/v1/me', key],
        ['GET', '/v1/users', key],
        ['GET', '/v1/users/bob', key],
        ['GET', '/v1/users/bob/balance', key],
        ['GET', '/v1/models', key],
        ['GET', '/v1/models/gpt-4o-mini', key],
        ['GET', '/v1/models/none', key],
        ['GET', '/v1/packages', null],
        ['GET', '/v1/funding/pool', key],
        ['POST', '/v1/funding/pool/withdraw', key, { amount: 99 }],
        ['GET', '/.well-known/quota-receipts.json', null],
        ['GET', '/.well-known/openid-configuration', null],
        ['GET', '/.well-known/jwks.json', null],
        ['GET', '/auth/me', dev.session],
        ['GET', '/account', dev.session],
        ['GET', '/account/security', dev.session],
        ['GET', '/account/sessions', dev.session],
        ['GET', '/api/payments/refunds', dev.session],
        ['GET', '/api/payments/auto-topup', dev.session],
        ['GET', '/developers/apps', dev.session],
        ['GET', `/developers/apps/${app.id}`, dev.session],
        ['GET', '/developers/apps/none', dev.session],
        ['PATCH', `/developers/apps/${app.id}/settings`, dev.session, { markup_bps: 100 }],
        ['PATCH', `/developers/apps/${app.id}/settings`, dev.session, { markup: 1 }],
        ['GET', `/developers/apps/${app.id}/users`, dev.session],
        ['GET', `/developers/apps/${app.id}/grant-settings`, dev.session],
        ['GET', '/developers/keys', dev.session],
        ['GET', '/developers/keys', key],
        ['GET', '/developers/grants/pool', dev.session],
        ['GET', '/developers/grants', dev.session],
        ['GET', '/developers/logs', dev.session],
        ['GET', '/developers/analytics/summary', dev.session],
        ['GET', '/developers/analytics/timeseries?interval=week', dev.session],
        ['GET', '/developers/analytics/breakdown?groupBy=app', dev.session],
        ['POST', '/developers/webhooks', dev.session, { url: 'https://93.184.216.34/hook' }],
        ['POST', '/developers/webhooks', dev.session, { url: 'https://127.0.0.1/hook' }],
        ['GET', '/developers/webhooks', dev.session],
        ['GET', '/developers/payouts', dev.session],
        ['GET', '/developers/connect/status', dev.session],
      ]
      for (const [method, path, bearer, body] of rows) {
        const options = { ...(bearer ? { bearer } : {}), ...(body === undefined ? {} : { body }) }
        const reply = await api.call(server, method, path, options)
        assertDocumented(method, path, reply.status, reply.text)
      }
    })
  })
}

function run(file: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece) => {
      output += piece
    })
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, output })))
}
