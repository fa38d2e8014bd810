// Reading what a domain says: what is read, and where this server cannot be sent (security.md H01, D04-D06).

import assert from 'node:assert/strict'
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { domainProofs, isPublic, PROOF_FILE } from '../../server/domain-proofs.ts'
import { call, createApp, must, type Person, register } from '../support/api.ts'
import { type Server, startServer } from '../support/server.ts'

const LINE = 'quota-wallet-verify=abc'

describe('the proof of a domain', () => {
  let http: HttpServer
  let port: number
  let answer: RequestListener
  const asked: string[] = []
  before(async () => {
    http = createServer((request, response) => {
      asked.push(`${request.headers.host} ${request.url}`)
      answer(request, response)
    })
    await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
    ;({ port } = http.address() as AddressInfo)
  })
  after(() => {
    http.closeAllConnections()
    http.close()
  })
  const loopback = async () => [{ address: '127.0.0.1', family: 4 }]
  const reachable = () =>
    domainProofs({
      origin: (domain) => `http://${domain}:${port}`,
      resolve: loopback,
      allowed: () => true,
      totalMs: 700,
    })

  test('the lines of the file, trimmed', async () => {
    answer = (_request, response) => response.end(`# ours\r\n  ${LINE} \n`)
    assert.deepEqual(await reachable().file('app.example'), ['# ours', LINE, ''])
    assert.equal(asked.at(-1), `app.example:${port} ${PROOF_FILE}`)
  })

  const refused: [string, RequestListener][] = [
    ['a redirect', (_q, r) => r.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(LINE)],
    ['a page that is not there', (_q, r) => r.writeHead(404).end(LINE)],
    ['an answer without an end', (_q, r) => void r.write(`${LINE}\n`)],
    ['no answer', () => undefined],
    ['more than 4 kB', (_q, r) => r.end(`${LINE}\n${'x'.repeat(5000)}`)],
    ['a head of 20 kB', (_q, r) => r.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end(LINE)],
    ['a connection that breaks', (_q, r) => void r.destroy()],
  ]
  for (const [name, listener] of refused) {
    test(`refused: ${name}, and soon`, async () => {
      answer = listener
      const before = asked.length
      const at = Date.now()
      await assert.rejects(reachable().file('app.example'))
      assert.ok(Date.now() - at < 3000)
      assert.equal(asked.length, before + 1, 'asked once, and nowhere else')
    })
  }
  test('a packed answer is not unpacked', async () => {
    answer = (_q, r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end(LINE)
    assert.deepEqual(await reachable().file('app.example'), [LINE])
  })

  const addresses: [string, boolean][] = [
    ['93.184.215.14', true],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', true],
    ['127.0.0.1', false],
    ['127.9.9.9', false],
    ['0.0.0.0', false],
    ['10.0.0.1', false],
    ['172.16.0.1', false],
    ['192.168.1.1', false],
    ['169.254.169.254', false],
    ['100.64.0.1', false],
    ['198.18.0.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['::1', false],
    ['::', false],
    ['fe80::1', false],
    ['fd00::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:10.0.0.1', false],
    ['64:ff9b::7f00:1', false],
    ['2002:7f00:1::', false],
    ['not an address', false],
  ]
  for (const [address, open] of addresses) {
    test(`${address} is ${open ? 'public' : 'not to be asked'}`, async () => {
      assert.equal(isPublic(address), open)
      if (open) return
      answer = (_q, r) => r.end(LINE)
      const before = asked.length
      // A name that leads to one such address beside a public one leads nowhere.
      for (const found of [[address], ['93.184.215.14', address]]) {
        const proofs = domainProofs({
          origin: (domain) => `http://${domain}:${port}`,
          resolve: async () => found.map((one) => ({ address: one, family: one.includes(':') ? 6 : 4 })),
        })
        await assert.rejects(proofs.file('app.example'), (error) => /not a public address/.test(String(error)))
      }
      assert.equal(asked.length, before)
    })
  }

  test('TXT records are joined and looked up under a name of their own', async () => {
    const names: string[] = []
    const proofs = domainProofs({
      resolveTxt: async (name) => {
        names.push(name)
        return [['quota-wallet-', 'verify=abc'], ['other']]
      },
    })
    assert.deepEqual(await proofs.dns('app.example'), [LINE, 'other'])
    assert.deepEqual(names, ['_quota-wallet.app.example'])
  })
})

describe('routes of an app’s domain', () => {
  let server: Server
  let dev: Person
  before(async () => {
    server = await startServer()
    dev = await register(server, 'dev')
  })
  after(() => server.stop())

  test('named, shown with what to publish, not verified by that, removed', async () => {
    const app = await createApp(server, dev)
    const path = `/developers/apps/${app.id}/domain`
    assert.equal((await call(server, 'GET', path, { bearer: dev.session })).status, 404)
    const named = await must<Record<string, unknown>>(server, 'POST', path, {
      bearer: dev.session,
      body: { domain: 'App.Example' },
    })
    const proof = named.proof as { value: string; file: string; dns: string }
    assert.deepEqual([named.domain, named.verified, named.checked_at], ['app.example', false, null])
    assert.match(proof.value, /^quota-wallet-verify=[\w-]{24}$/)
    assert.deepEqual([proof.file, proof.dns], [`https://app.example${PROOF_FILE}`, '_quota-wallet.app.example'])
    assert.deepEqual(await must(server, 'GET', path, { bearer: dev.session }), named)
    const eve = await register(server, 'eve')
    for (const method of ['GET', 'DELETE'])
      assert.equal((await call(server, method, path, { bearer: eve.session })).status, 404)
    const body = { by: 'file' }
    assert.equal((await call(server, 'POST', `${path}/verify`, { bearer: eve.session, body })).status, 404)
    assert.equal((await call(server, 'POST', path, { bearer: eve.session, body: { domain: 'a.example' } })).status, 404)
    await must(server, 'DELETE', path, { bearer: dev.session })
    assert.equal((await call(server, 'GET', path, { bearer: dev.session })).status, 404)
  })

  for (const domain of ['localhost', '127.0.0.1', 'metadata.internal', 'http://a.example', '', 7]) {
    test(`refused: ${domain}`, async () => {
      const app = await createApp(server, dev)
      const reply = await call(server, 'POST', `/developers/apps/${app.id}/domain`, {
        bearer: dev.session,
        body: { domain },
      })
      assert.equal(reply.status, 400, reply.text)
    })
  }
})
