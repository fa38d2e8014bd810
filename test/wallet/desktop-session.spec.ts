// Sign-in on the desktop: the system's browser, the loopback return, the secret on disk.
// owns: what must never leave the main process, and what ends a session. never: the product's own sign-in page.
// always true: the refresh tokens looked for are the ones the server really issued.

import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import type { Page } from '@playwright/test'
import { secretFile } from '../../src-main/sealed.ts'
import type { Wallet } from '../support/driver.ts'
import { type FakeServer, startFakeServer } from '../support/driver-oidc.ts'
import { expect, test } from '../support/driver-test.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startFake } from './support-server.ts'

let fake: FakeServer
test.beforeEach(async () => {
  fake = await startFakeServer()
})
test.afterEach(() => fake.close())

const token = (page: Page) => page.evaluate(() => window.shell!.accessToken())
const tokenOrError = (page: Page) =>
  page.evaluate(() => window.shell!.accessToken().catch((error: Error) => `failed: ${error.message}`))

/** Starts a sign-in; answers its end and the page that opened in the system's browser. */
async function begin(wallet: Wallet): Promise<{ ended: Promise<boolean>; outside: Page }> {
  const page = await wallet.window()
  const ended = page.evaluate(() => window.shell!.signIn())
  ended.catch(() => {})
  return { ended, outside: await wallet.outside() }
}

async function signIn(wallet: Wallet): Promise<Page> {
  const { ended, outside } = await begin(wallet)
  await outside.getByRole('button', { name: 'Approve' }).click()
  expect(await ended).toBe(true)
  await expect(outside.getByText('You are signed in.')).toBeVisible()
  return wallet.window()
}

/** Every file of the profile, but for Chromium's own caches of code. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

test('a sign-in ends in a token that is kept, sealed, for this person alone', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url, restarts: true }) // Chromium's profile is searched too
  const page = await signIn(wallet)
  expect(await token(page)).toBe(fake.accessTokens[0])
  const sealed = secretFile(wallet.userData, fake.url)
  expect(statSync(sealed).mode & 0o777).toBe(0o600)
  expect(readdirSync(wallet.userData).filter((name) => name.includes('.sealed'))).toEqual([basename(sealed)])

  await wallet.restart()
  expect(await token(await wallet.window())).toBe(fake.accessTokens[1])
  expect(fake.asked).toEqual({ authorization_code: 1, refresh_token: 1 })

  await wallet.restart({ kill: true })
  expect(await token(await wallet.window())).toBe(fake.accessTokens[2])

  expect(fake.refreshTokens).toHaveLength(3)
  for (const file of filesOf(wallet.userData)) {
    const content = readFileSync(file)
    for (const secret of fake.refreshTokens) {
      const forms = [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]
      expect(
        forms.filter((form) => content.includes(form)),
        file,
      ).toEqual([])
    }
  }
})

test('no refresh token reaches the page', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const page = await signIn(wallet)
  await page.evaluate(async () => Object.assign(window, { held: await window.shell!.accessToken() }))
  const session = await page.context().newCDPSession(page)
  let heap = ''
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => {
    heap += chunk
  })
  await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  expect(heap.includes(fake.accessTokens[0]!)).toBe(true)
  expect(heap.includes(fake.refreshTokens[0]!)).toBe(false)
})

test('ten callers at once cost one refresh', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  await signIn(wallet)
  await wallet.restart()
  const page = await wallet.window()
  fake.tokens = 'slow'
  const tokens = await page.evaluate(() => Promise.all(Array.from({ length: 10 }, () => window.shell!.accessToken())))
  expect(new Set(tokens)).toEqual(new Set([fake.accessTokens[1]]))
  expect(fake.asked.refresh_token).toBe(1)
})

test('a server that cannot be reached keeps the session; one that says it is over ends it', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  await signIn(wallet)
  await wallet.restart()
  const page = await wallet.window()
  await page.evaluate(() => {
    Object.assign(window, { nudges: 0 })
    window.shell!.on('session', () => void ((window as unknown as { nudges: number }).nudges += 1))
  })
  const nudges = () => page.evaluate(() => (window as unknown as { nudges: number }).nudges)
  const sealed = secretFile(wallet.userData, fake.url)

  fake.tokens = 'down'
  expect(await tokenOrError(page)).toMatch(/failed: .*The server cannot be reached\./)
  expect({ nudges: await nudges(), kept: existsSync(sealed) }).toEqual({ nudges: 0, kept: true })

  fake.tokens = 'fine'
  expect(await token(page)).toBe(fake.accessTokens[1])

  await wallet.restart()
  const again = await wallet.window()
  await again.evaluate(() => void window.shell!.on('session', () => Object.assign(window, { nudged: true })))
  fake.tokens = 'gone'
  expect(await token(again)).toBeNull()
  await expect.poll(() => again.evaluate(() => Reflect.get(window, 'nudged'))).toBe(true)
  expect(existsSync(sealed)).toBe(false)
})

test('a clock that went back does not keep an old token alive', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const page = await signIn(wallet)
  expect(await token(page)).toBe(fake.accessTokens[0])
  await wallet.main(() => {
    const real = Date.now
    Date.now = () => real() - 86_400_000
  }, null)
  expect(await token(page)).toBe(fake.accessTokens[1])
})

test('signing out forgets the secret and ends it at the server', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const page = await signIn(wallet)
  await page.evaluate(() => window.shell!.signOut())
  expect(await token(page)).toBeNull()
  expect(existsSync(secretFile(wallet.userData, fake.url))).toBe(false)
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'quota-wallet',
    refresh_token: fake.refreshTokens[0]!,
  })
  const refused = await fetch(`${fake.url}/token`, { method: 'POST', body })
  expect(await refused.json()).toMatchObject({ error: 'invalid_grant' })
})

test('a denied sign-in is told to the page and changes nothing', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const { ended, outside } = await begin(wallet)
  await outside.getByRole('button', { name: 'Deny' }).click()
  expect(await ended).toBe(false)
  await expect(outside.getByText('You were not signed in.')).toBeVisible()
  expect(await token(await wallet.window())).toBeNull()
  expect(existsSync(secretFile(wallet.userData, fake.url))).toBe(false)
})

test('a sign-in without a server says so', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const page = await wallet.window()
  await fake.close()
  await expect(page.evaluate(() => window.shell!.signIn())).rejects.toThrow('The server cannot be reached.')
  expect(await wallet.opened()).toEqual([])
})

test('a newer sign-in takes the place of one that was left lying', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const first = await begin(wallet)
  const second = await begin(wallet)
  expect(await first.ended).toBe(false)
  await second.outside.getByRole('button', { name: 'Approve' }).click()
  expect(await second.ended).toBe(true)
})

test('the loopback listener takes the one return that is its own', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  const { ended, outside } = await begin(wallet)
  const asked = new URL((await wallet.opened())[0]!)
  const redirect = new URL(asked.searchParams.get('redirect_uri')!)
  const state = asked.searchParams.get('state')!
  expect(redirect.hostname).toBe('127.0.0.1')
  expect(asked.searchParams.get('code_challenge_method')).toBe('S256')
  expect(asked.searchParams.get('nonce')).toBeTruthy()

  const knock = (path: string, { method = 'GET', host = redirect.host } = {}) =>
    new Promise<number>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: redirect.port, path, method, headers: { host } }
      const sent = httpRequest(options, (response) => {
        response.resume()
        expect(response.headers['referrer-policy']).toBe('no-referrer')
        resolve(response.statusCode!)
      })
      sent.on('error', reject)
      sent.end()
    })
  const right = `state=${state}&iss=${encodeURIComponent(fake.url)}`
  expect(await knock('/')).toBe(404)
  expect(await knock(`/callback/?${right}&code=x`)).toBe(404)
  expect(await knock(`/callbackx?${right}&code=x`)).toBe(404)
  expect(await knock(`/callback?${right}&code=x`, { method: 'POST' })).toBe(404)
  expect(await knock(`/callback?${right}&code=x`, { host: 'evil.example' })).toBe(404)
  expect(await knock(`/callback?${right}&code=x`, { host: `localhost:${redirect.port}` })).toBe(404)
  expect(await knock('/callback?code=x')).toBe(400)
  expect(await knock(`/callback?code=x&state=other&iss=${encodeURIComponent(fake.url)}`)).toBe(400)
  expect(await knock(`/callback?code=x&state=${state}`)).toBe(400)
  expect(await knock(`/callback?code=x&state=${state}&iss=https://evil.example`)).toBe(400)
  expect(await knock(`/callback?code=x&${right}&state=${state}`)).toBe(400)
  expect(fake.tried).toBe(0)

  await outside.getByRole('button', { name: 'Approve' }).click()
  expect(await ended).toBe(true)
  await expect(knock(`/callback?${right}&code=x`)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/)
  expect(fake.asked).toEqual({ authorization_code: 1 })
})

for (const keychain of ['basic', 'unavailable'] as const) {
  test(`with a key store that is ${keychain}, the session lives for this run and leaves nothing on disk`, async ({
    openWallet,
  }) => {
    test.skip(process.env.QUOTA_ELECTRON === 'real', 'needs a key store that can be made to fail')
    const wallet = await openWallet({ bare: true, serverUrl: fake.url, keychain })
    const page = await signIn(wallet)
    expect(await token(page)).toBe(fake.accessTokens[0])
    expect(readdirSync(wallet.userData).filter((name) => /session|sealed/.test(name))).toEqual([])
    await wallet.restart()
    expect(await token(await wallet.window())).toBeNull()
    expect(fake.asked).toEqual({ authorization_code: 1 })
  })
}

test('a secret that cannot be opened means signing in again, not a crash', async ({ openWallet }) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  await signIn(wallet)
  const file = secretFile(wallet.userData, fake.url)
  const good = readFileSync(file)
  const changed = Buffer.from(good)
  changed[changed.length - 1]! ^= 1
  const rows: [what: string, content: Buffer][] = [
    ['one bit changed', changed],
    ['cut off', good.subarray(0, 40)],
    ['empty', Buffer.alloc(0)],
    ['something else', Buffer.from('{"refresh_token":"x"}')],
  ]
  for (const [what, content] of rows) {
    writeFileSync(file, content)
    await wallet.restart()
    expect(await token(await wallet.window()), what).toBeNull()
  }
  expect(fake.asked).toEqual({ authorization_code: 1 })
  await signIn(wallet)
  expect(await token(await wallet.window())).toBe(fake.accessTokens[1])
})

test('each server has a secret of its own: it is of no use to another one, and stays when that one comes and goes', async ({
  openWallet,
}) => {
  const wallet = await openWallet({ bare: true, serverUrl: fake.url })
  await signIn(wallet)
  await wallet.close()
  const other = await startFakeServer()
  const { userData } = wallet
  copyFileSync(secretFile(userData, fake.url), secretFile(userData, other.url))
  const elsewhere = await openWallet({ bare: true, serverUrl: other.url, userData })
  expect(await token(await elsewhere.window())).toBeNull()
  expect(other.tried).toBe(0)
  const page = await signIn(elsewhere)
  await page.evaluate(() => window.shell!.signOut())
  await elsewhere.close()
  await other.close()
  const back = await openWallet({ bare: true, serverUrl: fake.url, userData })
  expect(await token(await back.window())).toBe(fake.accessTokens[1])
  expect(fake.asked).toEqual({ authorization_code: 1, refresh_token: 1 })
  await back.close()
})

const change = (page: Page, act: 'add' | 'choose' | 'remove', address: string) =>
  page.evaluate(([what, where]) => window.shell!.changeServer(what, where), [act, address] as const)
const servers = (page: Page) => page.evaluate(() => window.shell!.servers())

/** Whether a page gets an answer of a server. */
const reached = (page: Page, url: string) =>
  page.evaluate(
    (to) =>
      fetch(to).then(
        () => 'yes',
        () => 'no',
      ),
    `${url}/v1/models`,
  )

type Recorded = { standin: { trays: { toolTip: string }[]; notifications: { _choose: () => void }[] } }

/** Goes over to a server; answers its page, once the one before is gone. */
async function goOver(wallet: Wallet, page: Page, server: string): Promise<Page> {
  const ended = page.waitForEvent('close')
  await change(page, 'choose', server).catch(() => {}) // its page may be gone before it hears the answer
  await ended
  return wallet.window()
}

test('only a server that says it is one is kept, and nothing is sent to it before it is chosen', async ({
  openWallet,
}) => {
  const [first, second] = [await startFake(), await startFake()]
  const wallet = await openWallet({ bare: true, serverUrl: first.url })
  const page = await wallet.window()
  const rows: [typed: string, answer: string][] = [
    ['', 'no-address'],
    ['not an address', 'no-address'],
    ['ftp://127.0.0.1', 'no-address'],
    ['javascript://wallet.example', 'no-address'],
    ['https://ann:secret@wallet.example', 'no-address'],
    ['https://*.example', 'no-address'], // would be a wildcard in the pages' policy
    ["https://a;script-src'x", 'no-address'],
    ['http://wallet.example', 'insecure'],
    ['127.0.0.1:1', 'unreachable'],
    [fake.url, 'no-server'], // it signs people in, but has no receipts
  ]
  for (const [typed, answer] of rows) expect(await change(page, 'add', typed), typed).toBe(answer)
  expect(await change(page, 'choose', second.url), 'not known').toBe('no-address')
  expect(await change(page, 'remove', first.url), 'it is open').toBe('no-address')
  expect(await servers(page)).toEqual({ chosen: first.url, known: [first.url] })

  expect(await change(page, 'add', `${second.url}/wallet/settings?x#y`)).toBe('done')
  expect(await servers(page)).toEqual({ chosen: first.url, known: [first.url, second.url] })
  expect(second.seen.map(({ path }) => path).sort()).toEqual([
    '/.well-known/openid-configuration',
    '/.well-known/quota-receipts.json',
  ])
  for (const { headers } of second.seen) {
    expect([headers.authorization, headers.cookie, headers.origin]).toEqual([undefined, undefined, undefined])
  }
  const file = join(wallet.userData, 'servers.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  await Promise.all([first.close(), second.close()])
})

test('a server whose certificate nobody vouches for is not added, signed in to, asked by the page or paid at', async ({
  openWallet,
}) => {
  const heard: string[] = []
  const server = createServer(selfSigned(), (request, response) => {
    heard.push(String(request.url))
    response.end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const refused = await openWallet({ bare: true, serverUrl: url })
  const page = await refused.window()
  expect(await change(page, 'add', url.replace('127.0.0.1', 'localhost'))).toBe('untrusted')
  await expect(page.evaluate(() => window.shell!.signIn())).rejects.toThrow('cannot be reached')
  const pay = page.evaluate((at) => window.shell!.pay({ topup_id: 'top_1', url: `${at}/pay` }), url)
  await expect(pay).rejects.toThrow('cannot be reached')
  expect(await reached(page, url)).toBe('no')
  expect({ heard, opened: await refused.opened(), windows: refused.windows().length }).toEqual({
    heard: [],
    opened: [],
    windows: 1,
  })
  server.close()
})

test('going over to another server ends everything of the one before; no token of one reaches the other', async ({
  openWallet,
}) => {
  const [first, second] = [await startFake(), await startFake()]
  const wallet = await openWallet({ bare: true, serverUrl: first.url })
  const enter = async (page: Page) => {
    const ended = page.evaluate(() => window.shell!.signIn())
    await wallet.outside()
    expect(await ended).toBe(true)
    return String(await token(page))
  }
  const page = await wallet.window()
  const firstToken = await enter(page)
  await change(page, 'add', second.url)

  // A sign-in that waits for the browser, a payment under way, a link nobody took, a notification, a balance in the tray.
  const opened = (await wallet.opened()).length
  await page.evaluate(() => void window.shell!.signIn())
  await expect.poll(async () => (await wallet.opened()).length).toBe(opened + 1)
  await page.evaluate((url) => window.shell!.pay({ topup_id: 'top_1', url }), `${first.url}/v1/models`)
  expect(wallet.windows()).toHaveLength(2)
  await wallet.deepLink('quota://request/abc')
  await page.evaluate(async () => {
    await window.shell!.notify({ kind: 'request', subject: 'r1', title: 'An app asks', body: 'Sketchpad' })
    await window.shell!.show({ available: 5_000_000, frozen: false, waiting: 0 })
  })
  const next = await goOver(wallet, page, second.url)
  expect(await servers(next)).toEqual({ chosen: second.url, known: [first.url, second.url] })
  expect(await next.evaluate(() => window.shell!.apiOrigin())).toBe(second.url)
  await expect.poll(() => wallet.windows()).toHaveLength(1)
  await expect(wallet.outside(), 'nobody waits for that sign-in').rejects.toThrow('ERR_CONNECTION_REFUSED')
  expect(await next.evaluate(() => window.shell!.takeReturn()), 'nor for the payment or the link').toBeNull()
  if (wallet.can('recorded')) {
    expect(await wallet.main(() => (globalThis as unknown as Recorded).standin.trays[0]!.toolTip, null)).toBe(
      'Quota Wallet',
    )
    await wallet.main(() => (globalThis as unknown as Recorded).standin.notifications[0]!._choose(), null)
    expect(await next.evaluate(() => window.shell!.takeReturn()), 'an old notification leads nowhere').toBeNull()
  }
  expect(await token(next)).toBeNull()
  const asked = first.seen.length
  const secondToken = await enter(next)
  expect([await reached(next, first.url), await reached(next, second.url)]).toEqual(['no', 'yes'])
  expect(first.seen, 'nothing more was asked of it').toHaveLength(asked)

  const again = await goOver(wallet, next, first.url)
  expect(await token(again), 'it is still signed in there').toBe(firstToken)
  await wallet.main(() => {
    const real = Date.now
    Date.now = () => real() - 86_400_000 // a clock that went back asks for a new one
  }, null)
  expect(await token(again)).not.toBe(firstToken)
  const sealed = secretFile(wallet.userData, second.url)
  expect(existsSync(sealed)).toBe(true)
  expect(await change(again, 'remove', second.url)).toBe('done')
  expect({ kept: existsSync(sealed), known: (await servers(again)).known }).toEqual({ kept: false, known: [first.url] })

  // What each was sent, headers and bodies: the refresh token of the first is in its body of the renewal.
  const sent = (server: typeof first, path: string) =>
    server.seen.filter((one) => one.path === path).map(({ body }) => new URLSearchParams(String(body)))
  const renewed = sent(first, '/oauth/token')
    .map((form) => form.get('refresh_token'))
    .filter(Boolean)
  const revoked = sent(second, '/oauth/revoke').map((form) => form.get('token'))
  expect([renewed.length, revoked.length]).toEqual([1, 1])
  for (const [server, secrets] of [
    [second, [firstToken, ...renewed]],
    [first, [secondToken, ...revoked]],
  ] as const) {
    const all = JSON.stringify(server.seen)
    expect(secrets.filter((secret) => all.includes(String(secret)))).toEqual([])
  }
  await Promise.all([first.close(), second.close()])
})
