// The examples, started as a newcomer would and used as a person would: over their pages, their prompts and the wallet's.
// owns: examples/hosted, grants, developer-pays and cli from the outside. never: their source. (examples/chat is driven by story.spec.ts.)
// always true: each runs against a server of its own, with nothing but its public address.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, bearer, browser } from './server/identity.rig.ts'
import { type App, buy, call, connect, createApp, createKey, must, type Person, register } from './support/api.ts'
import { assertBooks, balanceOf } from './support/relay-world.ts'
import { freePort, type Server, startServer } from './support/server.ts'

const EXAMPLES = join(import.meta.dirname, '../examples')
const STARTER = 4_050_000
const TIMEOUT_MS = 60_000

const children = new Set<ChildProcess>()
const folders: string[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Starts a file of the examples with these settings, and nothing of our own environment. */
function start(file: string, args: string[], env: Record<string, string>, input?: string) {
  const child = spawn(process.execPath, [join(EXAMPLES, file), ...args], {
    env: { PATH: process.env.PATH ?? '', QUOTA_TEST_RUN: process.env.QUOTA_TEST_RUN ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.add(child)
  child.stdin.end(input)
  const said = { out: '', err: '' }
  child.stdout.on('data', (piece) => {
    said.out += piece
  })
  child.stderr.on('data', (piece) => {
    said.err += piece
  })
  const ended = once(child, 'close').then(([code]) => {
    children.delete(child)
    return code as number | null
  })
  const heard = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const until = Date.now() + TIMEOUT_MS
    for (;;) {
      const found = pattern.exec(said.out) ?? pattern.exec(said.err)
      if (found) return found
      if (Date.now() > until || child.exitCode !== null) throw new Error(`${pattern}: not said\n${said.out}${said.err}`)
      await sleep(25)
    }
  }
  return { child, said, ended, heard }
}

function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'quota-example-')))
  return folders.at(-1) ?? ''
}

/** Answers a request for consent with this person's session. @returns where the browser goes on */
async function answer(server: Server, on: Browser, person: Person, uid: string, body: object): Promise<string> {
  const reply = await on.go('POST', `${server.url}/oauth/interactions/${uid}`, {
    headers: bearer(person.session),
    json: body,
  })
  assert.equal(reply.status, 200, reply.text)
  return String(reply.body.redirect_to)
}

/** What the person's wallet shows of the apps they have connected. */
async function connections(server: Server, person: Person) {
  const redirectUri = `${server.url}/wallet/callback`
  const client: App = { id: '', clientId: 'quota-wallet', clientSecret: null, redirectUri }
  const { accessToken } = await connect(server, person, client, {
    scope: 'openid wallet',
    answer: { decision: 'continue' },
  })
  type Change = { topic: string; id: string; row: { status: string; app: { name: string } } }
  const feed = await must<{ changes: Change[] }>(server, 'GET', '/v1/wallet/feed', { bearer: accessToken })
  const last = new Map(feed.changes.filter(({ topic }) => topic === 'connection').map(({ id, row }) => [id, row]))
  return [...last.values()].map(({ app, status }) => [app.name, status])
}

describe('examples/hosted', () => {
  let server: Server
  let ann: Person
  let home: string
  let url: string
  let running: ReturnType<typeof start>
  const open = async () => {
    url = `http://127.0.0.1:${await freePort()}`
    const env = { QUOTA_URL: server.url, PORT: new URL(url).port, HOSTED_DATA_DIR: home }
    running = start('hosted/server.ts', [], env)
    await running.heard(/Haiku Desk: http/)
  }
  const close = async () => {
    running.child.kill('SIGTERM')
    assert.equal(await running.ended, 0, running.said.err)
  }
  before(async () => {
    server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
    ann = await register(server, 'ann')
    await buy(server, ann.session, 'starter')
    home = folder()
    await open()
  })
  after(async () => {
    await close()
    await server.stop()
  })

  /** From the app's link to the request for consent. */
  const ask = async (on: Browser): Promise<string> => {
    const left = await on.go('GET', `${url}/connect`)
    assert.equal(new URL(left.location).origin, server.url)
    const asked = await on.go('GET', left.location)
    return asked.location.split('/').at(-1) ?? ''
  }
  const comeBack = async (on: Browser, to: string) => {
    const resumed = await on.go('GET', new URL(to, server.url).href)
    assert.ok(resumed.location.startsWith(`${url}/callback?`), resumed.location)
    assert.equal((await on.go('GET', resumed.location)).location, '/')
    return { callback: resumed.location, page: (await on.go('GET', url)).text }
  }

  test('connect, pay, disconnect: without a token, without a script, and the wallet says the same', async () => {
    const on = browser(url)
    assert.match((await on.go('GET', '/')).text, /Connect your wallet/)
    const denied = await comeBack(on, await answer(server, on, ann, await ask(on), { decision: 'deny' }))
    assert.match(denied.page, /did not connect[\s\S]*Connect your wallet/)

    const linked = await comeBack(on, await answer(server, on, ann, await ask(on), { decision: 'approve' }))
    assert.match(linked.page, /Your wallet is connected\.[\s\S]*You have \$4\.05/)
    assert.doesNotMatch(linked.page, /<script/)
    const again = await on.go('GET', linked.callback)
    assert.equal(again.location, '/', 'the same answer a second time does nothing')

    assert.equal((await on.go('POST', '/haiku', { form: { topic: 'the sea' } })).status, 303)
    const written = (await on.go('GET', '/')).text
    const spent = STARTER - (await balanceOf(server, ann))
    assert.ok(spent > 0)
    assert.match(written, new RegExp(`<blockquote>[^<]+</blockquote>[\\s\\S]*You paid \\$0\\.0*${spent}`))
    assert.deepEqual(await connections(server, ann), [['Haiku Desk', 'active']])

    const kept = readdirSync(home).map((file) => readFileSync(join(home, file), 'utf8'))
    assert.deepEqual(Object.keys(JSON.parse(kept[0] ?? '{}')), ['quotaUrl', 'clientId', 'clientSecret', 'apiKey'])
    assert.equal(statSync(join(home, 'credentials.json')).mode & 0o777, 0o600)

    await close() // nothing of the person has to be kept: after a restart the link is still there
    const cookies = [...on.cookies]
    await open()
    const later = browser(url)
    later.cookies.push(...cookies)
    assert.match((await later.go('GET', '/')).text, /to spend here/)
    assert.match((await browser(url).go('GET', '/')).text, /Connect your wallet/, 'another browser is another user')

    assert.equal((await later.go('POST', '/disconnect', { form: {} })).status, 303)
    assert.match((await later.go('GET', '/')).text, /Connect your wallet/)
    assert.deepEqual(await connections(server, ann), [['Haiku Desk', 'expired']])
    await assertBooks(server)
  })

  test('a limit that is reached is told in the wallet’s words, and costs nothing', async () => {
    const [on, bob] = [browser(url), await register(server, 'bob')]
    await buy(server, bob.session, 'starter')
    const caps = [{ amount: 1, period: 'day' }]
    await comeBack(on, await answer(server, on, bob, await ask(on), { decision: 'approve', caps }))
    await on.go('POST', '/haiku', { form: { topic: 'money' } })
    assert.match((await on.go('GET', '/')).text, /<p role="alert">The limit set for this app is reached\.<\/p>/)
    assert.equal(await balanceOf(server, bob), STARTER)
  })

  describe('refused', () => {
    test('an answer that this browser did not ask for links nothing', async () => {
      const [asking, other] = [browser(url), browser(url)]
      await other.go('GET', '/')
      const to = await answer(server, asking, ann, await ask(asking), { decision: 'approve' })
      const resumed = await asking.go('GET', new URL(to, server.url).href)
      for (const callback of [resumed.location, resumed.location.replace(/state=[^&]+/, 'state=x')]) {
        await ask(other) // it has a question of its own open
        await other.go('GET', callback)
        assert.match((await other.go('GET', '/')).text, /Connecting did not work[\s\S]*Connect your wallet/)
      }
    })
    test('an answer of another server, or of none (RFC 9207)', async () => {
      for (const iss of ['iss=https%3A%2F%2Fevil.example', '']) {
        const on = browser(url)
        const to = await answer(server, on, ann, await ask(on), { decision: 'approve' })
        const resumed = await on.go('GET', new URL(to, server.url).href)
        await on.go('GET', resumed.location.replace(/iss=[^&]+/, iss))
        assert.match((await on.go('GET', '/')).text, /Connecting did not work/)
      }
    })
    test('a form of another site; a topic with markup is text', async () => {
      const headers = { 'sec-fetch-site': 'cross-site' }
      assert.equal((await browser(url).go('POST', '/disconnect', { form: {}, headers })).status, 403)
      const on = browser(url)
      await on.go('POST', '/haiku', { form: { topic: '<script>' } })
      assert.doesNotMatch((await on.go('GET', '/')).text, /<script/)
    })
  })
})

describe('examples/grants and examples/developer-pays', () => {
  let server: Server
  let developer: Person
  let app: App
  let key: string
  before(async () => {
    server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
    developer = await register(server, 'developer')
    await buy(server, developer.session, 'starter')
    app = await createApp(server, developer)
    key = await createKey(server, developer, app)
  })
  after(() => server.stop())

  test('a sign-up is welcomed once, spends it, is told when it is used up, and pays', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const env = { QUOTA_URL: server.url, QUOTA_API_KEY: key, PORT: new URL(url).port, WELCOME: '0.0001' }
    const running = start('grants/server.ts', [], env)
    await running.heard(/Welcome Desk: http/)
    const on = browser(url)
    const shown = async () => (await on.go('GET', '/')).text
    const send = async (path: string, form: Record<string, string> = {}) => on.go('POST', path, { form })
    assert.equal((await send('/sign-up', { name: 'ann' })).status, 503, 'the pool is empty, and that is said')
    await must(server, 'POST', '/v1/funding/pool', { bearer: key, body: { amount: 1 } })
    assert.equal((await send('/sign-up', { name: '<b>' })).status, 400)
    assert.equal((await send('/sign-up', { name: 'ann' })).status, 303)
    assert.match(await shown(), /Hello ann, you have \$0\.0001\./)
    assert.equal(
      (await browser(url).go('POST', '/sign-up', { form: { name: 'ann' } })).status,
      400,
      'the name is taken',
    )

    await send('/ask', { question: '<script>' })
    const answered = await shown()
    assert.match(answered, /<p role="status">[^<]+\(\$0\.0000\d+\)<\/p>/)
    assert.doesNotMatch(answered, /<script/)
    for (let asked = 0; asked < 20 && !/used up/.test(await shown()); asked++) await send('/ask', { question: 'More?' })
    assert.match(await shown(), /Your free answers are used up\. Add money to go on\./)

    const { location } = await send('/buy')
    const checkout = location.split('/').at(-1) ?? ''
    await must(server, 'POST', `/sandbox/checkouts/${checkout}`, { body: { outcome: 'paid' } })
    await send('/ask', { question: 'And now?' })
    assert.match(await shown(), /you have \$4\.0[\s\S]*\(\$0\.0/)
    const pool = await must<{ balance_credits: number }>(server, 'GET', '/v1/funding/pool', { bearer: key })
    assert.equal(pool.balance_credits, 1_000_000 - 100, 'one welcome of $0.0001, once')
    running.child.kill('SIGTERM')
    assert.equal(await running.ended, 0, running.said.err)
    await assertBooks(server)
  })

  test('the plain OpenAI SDK: the developer pays, and without money the server’s sentence is all there is', async () => {
    const own = await createKey(server, developer, app, 'developer')
    const before = await balanceOf(server, developer)
    const run = start('developer-pays/summarize.ts', [], { QUOTA_URL: server.url, QUOTA_API_KEY: own }, 'Long notes.')
    assert.equal(await run.ended, 0, run.said.err)
    const spent = before - (await balanceOf(server, developer))
    assert.ok(spent > 0 && run.said.out.trim().length > 0)
    assert.equal(run.said.err, `${spent} credits, ${before - spent} left\n`)

    const poor = await register(server, 'poor')
    const poorKey = await createKey(server, poor, await createApp(server, poor), 'developer')
    const refused = start(
      'developer-pays/summarize.ts',
      [],
      { QUOTA_URL: server.url, QUOTA_API_KEY: poorKey },
      'Notes.',
    )
    assert.deepEqual([await refused.ended, refused.said.out], [1, ''])
    assert.equal(refused.said.err, 'The balance does not cover this call.\n')
  })
})

describe('examples/cli', () => {
  let server: Server
  let ann: Person
  let home: string
  before(async () => {
    server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
    ann = await register(server, 'ann')
    await buy(server, ann.session, 'starter')
    home = folder()
  })
  after(() => server.stop())
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
  })

  const ask = (...words: string[]) =>
    start('cli/ask.ts', words, { QUOTA_URL: server.url, HOME: home, ASK_DATA_DIR: home })

  /** What a person does on another device: enters the code, checks it, and answers. */
  const enter = async (address: string, code: string, person: Person, body: object): Promise<string> => {
    const on = browser(server.url)
    const xsrf = /name="xsrf" value="([^"]+)"/.exec((await on.go('GET', address)).text)?.[1] ?? ''
    const shown = await on.go('POST', address, { form: { xsrf, user_code: code } })
    assert.match(shown.text, /Ask asks to be connected/)
    const asked = await on.go('POST', address, { form: { xsrf, user_code: code, confirm: 'yes' } })
    const to = await answer(server, on, person, asked.location.split('/').at(-1) ?? '', body)
    const done = await on.follow(to)
    return done.answer.text
  }

  test('an app without an address to come back to has the device flow alone', async () => {
    const developer = await register(server, 'developer')
    const app = await createApp(server, developer, { type: 'public', redirect_uris: [] })
    const query = new URLSearchParams({
      client_id: app.clientId,
      redirect_uri: 'http://127.0.0.1/callback',
      response_type: 'code',
      scope: 'credits.spend',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    })
    const reply = await call(server, 'GET', `/oauth/authorize?${query}`)
    assert.deepEqual([reply.status, reply.headers.get('location')], [400, null], reply.text)
  })

  test('no question: how to ask one', async () => {
    const run = ask()
    assert.equal(await run.ended, 2)
    assert.match(run.said.err, /^Usage:/)
  })

  test('connects by a code, answers, and is charged; the answer alone is on stdout', async () => {
    const run = ask('Why', 'is the sky blue?')
    const [, address = '', code = ''] = await run.heard(/Open (\S+) and enter this code: (\S+)\n/)
    assert.equal(new URL(address).origin, server.url)
    assert.match(await enter(address, code, ann, { decision: 'approve' }), /Connected/)
    assert.equal(await run.ended, 0, run.said.err)
    const spent = STARTER - (await balanceOf(server, ann))
    assert.ok(spent > 0)
    assert.match(run.said.err, new RegExp(`\\$0\\.0*${spent}, \\$4\\.0\\d+ left\\n$`))
    assert.ok(run.said.out.trim().length > 0)
    assert.doesNotMatch(run.said.out, /Open|Connected|left/)
    assert.equal(statSync(join(home, 'ask.json')).mode & 0o777, 0o600)
    assert.deepEqual(await connections(server, ann), [['Ask', 'active']])
  })

  test('asks again without a code, also when the access token has expired', async () => {
    for (const offset of ['0', '3700000']) {
      await server.restart({ QUOTA_CLOCK_OFFSET_MS: offset })
      const before = readFileSync(join(home, 'ask.json'), 'utf8')
      const run = ask('And at night?')
      assert.equal(await run.ended, 0, run.said.err)
      assert.doesNotMatch(run.said.err, /code/)
      assert.equal(
        readFileSync(join(home, 'ask.json'), 'utf8') === before,
        offset === '0',
        'refreshed when it had to be',
      )
    }
    await server.restart({ QUOTA_CLOCK_OFFSET_MS: '0' })
    await assertBooks(server)
  })

  test('--disconnect: the wallet shows it as ended, and the next question needs a code; no is no', async () => {
    const leave = ask('--disconnect')
    assert.equal(await leave.ended, 0, leave.said.err)
    assert.deepEqual(readdirSync(home), [])
    assert.deepEqual(await connections(server, ann), [['Ask', 'expired']])
    const before = await balanceOf(server, ann)
    const run = ask('Still there?')
    const [, address = '', code = ''] = await run.heard(/Open (\S+) and enter this code: (\S+)\n/)
    await enter(address, code, ann, { decision: 'deny' })
    assert.equal(await run.ended, 1)
    assert.match(run.said.err, /You said no\. Nothing was charged\.\n$/)
    assert.equal(await balanceOf(server, ann), before)
  })

  test('a wallet without money: its own sentence, and exit code 1', async () => {
    const poor = await register(server, 'poor')
    const run = ask('For free?')
    const [, address = '', code = ''] = await run.heard(/Open (\S+) and enter this code: (\S+)\n/)
    await enter(address, code, poor, { decision: 'approve' })
    assert.equal(await run.ended, 1)
    assert.match(run.said.err, /The balance does not cover this call\.\n$/)
    assert.equal(run.said.out, '')
  })
})
