// Sign-in on the desktop: the system's browser, the loopback return, the secret on disk.
// owns: what must never leave the main process, and what ends a session. never: the product's own sign-in page.
// always true: the refresh tokens looked for are the ones the server really issued.

import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { basename, join } from 'node:path'
import type { Page } from '@playwright/test'
import { secretFile } from '../../src-main/sealed.ts'
import type { Wallet } from '../support/driver.ts'
import { type FakeServer, startFakeServer } from '../support/driver-oidc.ts'
import { expect, test } from '../support/driver-test.ts'

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
