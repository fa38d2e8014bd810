// Every snippet of the documentation, compiled as a newcomer's compiler would, and run as it stands.
// owns: the snippets of README.md and packages/sdk/README.md. never: a change to one. always true: they see the package as
// it is published (packages/sdk/build.ts), and of the server its address and keys alone, by the environment.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from '../../packages/sdk/build.ts'
import { quota } from '../../packages/sdk/src/client.ts'
import { freePort, type Server, startServer } from '../support/server.ts'
import { bundle } from './bundle.ts'
import { makeWorld } from './world.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Inside the project, so that the packages of the snippets are found. */
const FOLDER = join(ROOT, 'node_modules/.cache/sdk-docs')
const DIST = join(FOLDER, 'node_modules/@quota-wallet/sdk')
const DOCS = ['README.md', 'packages/sdk/README.md']

type Snippet = { name: string; ext: 'ts' | 'tsx'; attributes: string; text: string }
const snippets: Snippet[] = DOCS.flatMap((doc, at) => {
  const found = [...readFileSync(join(ROOT, doc), 'utf8').matchAll(/^```(tsx?)(.*)\n([\s\S]*?)^```$/gm)]
  return found.map(([, ext = '', attributes = '', text = ''], index) => {
    const name = /file=(\w+)/.exec(attributes)?.[1] ?? `doc${at}_${index}`
    return { name, ext: ext as 'ts' | 'tsx', attributes: attributes.trim(), text }
  })
})
const named = (attribute: string) => snippets.find(({ attributes }) => attributes === attribute)?.name ?? ''

before(async () => {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
  await build(DIST)
  writeFileSync(join(FOLDER, 'package.json'), '{"type":"module"}')
})
after(() => rmSync(FOLDER, { recursive: true, force: true }))

/** Compiles files of the folder with the options that `tsc --init` gives, types of libraries checked too. */
function compile(more: { lib?: string[]; include?: string[] } = {}): void {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    lib: more.lib ?? ['es2022', 'dom', 'dom.iterable'],
    strict: true,
    jsx: 'react-jsx',
    types: ['node'],
    skipLibCheck: false,
    rewriteRelativeImportExtensions: true,
    outDir: 'out',
  }
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: more.include ?? ['*.ts', '*.tsx'] }),
  )
  execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', FOLDER], { encoding: 'utf8' })
}

describe('the package as it is published', () => {
  test('needs nothing: every import is its own, or React', () => {
    const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(js|d\.ts)$/.test(file))
    assert.ok(files.length > 20)
    const foreign = files.flatMap((file) => {
      const text = readFileSync(join(DIST, file), 'utf8')
      const from = [...text.matchAll(/(?:from |import\(|import )['"]([^'"]+)['"]/g)].map((found) => found[1] ?? '')
      return from.filter((name) => !/^\.{1,2}\/[\w./-]+\.js$/.test(name) && !/^react(\/jsx-runtime)?$/.test(name))
    })
    assert.deepEqual(foreign, [])
    const { dependencies, private: closed } = JSON.parse(readFileSync(join(DIST, 'package.json'), 'utf8'))
    assert.deepEqual([dependencies, closed], [undefined, undefined])
  })

  test('carries the arithmetic of the server, line by line', () => {
    const plain = (text: string) => text.replace(/\s+/g, '')
    for (const name of ['baseMicros', 'markupMicros']) {
      const body = (file: string) =>
        new RegExp(`function ${name}\\(.*?\\{\\n([\\s\\S]*?)\\n\\}`).exec(readFileSync(file, 'utf8'))?.[1] ?? ''
      const own = plain(body(join(DIST, 'contract/charge.js')))
      const source = plain(
        body(join(ROOT, 'server/contract/charge.ts'))
          .replace(/ as \w+/g, '')
          .replace(/(\d)_(?=\d)/g, '$1'),
      )
      assert.equal(own.replaceAll(';', ''), source, name)
      assert.ok(source.length > 50)
    }
  })

  test('is small: what an app ships of it, minified and compressed', async () => {
    const size = async (code: string) => {
      const entry = join(FOLDER, 'entry.js')
      writeFileSync(entry, code)
      const text = await bundle(entry, ['react', 'react/jsx-runtime'])
      rmSync(entry)
      return gzipSync(text, { level: 9 }).length
    }
    const all = await size("export * from '@quota-wallet/sdk'")
    const client = await size("export { quota } from '@quota-wallet/sdk'")
    const webhook = await size("export { verifyWebhook } from '@quota-wallet/sdk'")
    const react = await size("export * from '@quota-wallet/sdk/react'")
    const most = { all: 10_000, client: 5_000, webhook: 1_500, react: 2_000 }
    for (const [name, bytes] of Object.entries({ all, client, webhook, react })) {
      assert.ok(bytes <= most[name as keyof typeof most], `${name}: ${bytes} bytes`)
    }
    assert.ok(client < all && webhook < client, 'what is not used is left out')
  })

  test('its types say what goes in and comes out, and refuse the rest', () => {
    writeFileSync(join(FOLDER, 'types.ts'), TYPES)
    compile()
    rmSync(join(FOLDER, 'types.ts'))
    // A program without a page has Node's types, and none of a browser's.
    writeFileSync(
      join(FOLDER, 'server.ts'),
      "import { quota } from '@quota-wallet/sdk'\nexport const q = quota({ baseUrl: '' })\n",
    )
    compile({ lib: ['es2022'], include: ['server.ts'] })
    rmSync(join(FOLDER, 'server.ts'))
  })
})

/** Each line below a `refused` has to be an error: the compiler itself complains when one is not. */
const REFUSED = ['// @ts-expect', 'error'].join('-')
const TYPES = `
import { type FaultCode, isLimit, type Quota, quota, type ReceiptPayload, type WebhookEvent } from '@quota-wallet/sdk'
import { type ComponentProps } from 'react'
import { SpendMeter } from '@quota-wallet/sdk/react'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const sure = <T extends true>(_: T[]) => undefined
const q = quota({ baseUrl: 'http://x' })

sure<Equal<Quota['credits_used'], number>>([])
sure<Equal<Quota['funded_by'][number]['source'], 'grant' | 'balance'>>([])
sure<Equal<ReceiptPayload['prev'], string | null>>([])
sure<Equal<ReceiptPayload['units']['input'], number | undefined>>([])
sure<Equal<Awaited<ReturnType<typeof q.speech>>, Response>>([])
sure<Equal<Awaited<ReturnType<typeof q.developers.apps.list>>['apps'][number]['client_id'], string>>([])
sure<Equal<ComponentProps<typeof SpendMeter>['limit'], number | undefined>>([])
const code: FaultCode = 'cap_exceeded'
export async function uses(error: unknown, event: WebhookEvent) {
  if (isLimit(error)) sure<Equal<typeof error.details.limit, 'debt' | 'per_call' | 'cap' | 'balance' | 'held'>>([])
  if (event.type === 'balance.low') sure<Equal<typeof event.data.threshold, number>>([])
  await q.packages()
  await q.users.list()
  await q.users.list({ limit: 1 }, { signal: new AbortController().signal })
  ${REFUSED}
  await q.users.get()
  ${REFUSED}
  await q.funding.grant({ external_user_id: 'x', credits: '0.50' })
  ${REFUSED}
  await q.funding.grant({ external_user_id: 'x', amount: 1 })
  ${REFUSED}
  await q.developers.keys.create({ app_id: 'x', name: 'y', billing_mode: 'free' })
  ${REFUSED}
  await q.developers.analytics.breakdown({ groupBy: 'colour' })
  sure<Equal<Awaited<ReturnType<typeof q.developers.analytics.summary>>['summary']['revenue'], number>>([])
  ${REFUSED}
  await q.chat({ messages: [] })
  ${REFUSED}
  const wrong: FaultCode = 'no_such_code'
  return [code, wrong]
}
`

describe('the snippets', () => {
  let server: Server
  let env: Record<string, string>
  before(async () => {
    server = await startServer({ env: { QUOTA_SANDBOX_TOKEN_MS: '0' } })
    const world = await makeWorld(server, 'http://127.0.0.1:7999/callback')
    env = {
      QUOTA_URL: server.url,
      QUOTA_API_KEY: world.userKey,
      QUOTA_DEVELOPER_KEY: world.developerKey,
      QUOTA_CLIENT_ID: world.clientId,
      QUOTA_CLIENT_SECRET: world.clientSecret,
      QUOTA_WEBHOOK_SECRET: world.webhook.secret,
      COOKIE_SECRET: 'a secret of thirty-two characters, at least',
      APP_URL: 'http://127.0.0.1:7999',
    }
    for (const { name, ext, attributes, text } of snippets) {
      // Next's bundler finds a file without its ending, and refuses it with one; Node is the other way round.
      const found = attributes === 'recipe=next' ? text.replace("'./wallet'", "'./wallet.ts'") : text
      writeFileSync(join(FOLDER, `${name}.${ext}`), found)
    }
    writeFileSync(join(FOLDER, 'css.d.ts'), "declare module '*.css'\n")
    compile()
  })
  after(() => server.stop())

  /** Runs what was compiled. @returns its output, once it has ended or says nothing more but serves */
  function start(name: string, more: Record<string, string> = {}) {
    const child = spawn(process.execPath, [join(FOLDER, 'out', `${name}.js`)], {
      cwd: FOLDER,
      env: { PATH: process.env.PATH ?? '', QUOTA_TEST_RUN: process.env.QUOTA_TEST_RUN ?? '', ...env, ...more },
    })
    const said = { out: '', err: '' }
    child.stdout.on('data', (piece) => (said.out += piece))
    child.stderr.on('data', (piece) => (said.err += piece))
    return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) }
  }

  test('there are some, and each is of a kind that is run', () => {
    assert.ok(snippets.length >= 10, `${snippets.length}`)
    const kinds = new Set(snippets.map(({ attributes }) => attributes))
    assert.deepEqual([...kinds].sort(), [
      '',
      'file=newcomer.ts',
      'file=wallet.ts',
      'recipe=express',
      'recipe=fastify',
      'recipe=next',
    ])
  })

  for (const { name, ext, attributes, text } of snippets) {
    if (attributes.startsWith('recipe=') || attributes === 'file=newcomer.ts' || ext === 'tsx') continue
    test(`runs: ${text.split('\n').find((line) => line && !line.startsWith('import'))}`, async () => {
      const run = start(name)
      assert.equal(await run.ended, 0, run.said.err)
      assert.equal(run.said.err, '')
      if (text.includes('console.log') && !text.includes('export ')) assert.ok(run.said.out.trim().length > 0)
    })
  }

  test('from sign-up to the first revenue and what will be paid out, by the documentation alone', async (t) => {
    const began = performance.now()
    const credentials = { email: `me-${Date.now()}@example.org`, password: 'correct horse battery' }
    const run = start('newcomer', { EMAIL: credentials.email, PASSWORD: credentials.password })
    assert.equal(await run.ended, 0, run.said.err)
    t.diagnostic(`a newcomer’s whole way took ${Math.round(performance.now() - began)} ms`)
    const money = '\\$0\\.(\\d+)'
    const [ann, bob, total, payouts = ''] = run.said.out.trim().split('\n')
    const given = new RegExp(`^ann was given ${money} and pays no markup$`).exec(ann ?? '')
    const paid = new RegExp(`^bob paid ${money} and ${money} of it is yours$`).exec(bob ?? '')
    const came = new RegExp(`^2 calls of 2 users: ${money}, ${money} markup$`).exec(total ?? '')
    const earned = new RegExp(`^${money} earned, payable after 7 days from \\$10\\.00$`).exec(payouts)
    assert.ok(given && paid && came && earned, run.said.out)
    const micros = (digits: string | undefined) => Number((digits ?? '').padEnd(6, '0'))
    assert.ok(micros(paid[2]) > 0)
    assert.equal(micros(came[1]), micros(given[1]) + micros(paid[1]), 'revenue is what both calls came to')
    assert.equal(micros(came[2]), micros(paid[2]))
    const { session_token } = await quota({ baseUrl: server.url }).auth.login(credentials)
    const me = quota({ baseUrl: server.url, credential: session_token })
    // Earnings are read off the sealed movements, by a sweep.
    for (const until = Date.now() + 60_000; ; await sleep(100)) {
      const { earnings } = await me.developers.payouts.list()
      if (earnings.pending === micros(paid[2])) break
      assert.ok(earnings.pending === 0 && Date.now() < until, `${earnings.pending} earned`)
    }
  })

  /** One browserless journey over a recipe's routes: what stands, connecting, buying; and that a stranger gets nothing. */
  async function journey(user: string, ask: (path: string, init?: RequestInit) => Promise<Response>) {
    const cookie = { cookie: `session=${user}` }
    assert.equal((await ask('/api/quota/me')).status, 401)
    const me = await ask('/api/quota/me', { headers: cookie })
    assert.deepEqual([me.status, await me.json()], [200, { connected: false, balance: null }])
    const left = await ask('/api/quota/connect', { headers: cookie, redirect: 'manual' })
    assert.equal(left.status, 303)
    assert.ok(left.headers.get('location')?.startsWith(`${server.url}/oauth/authorize?`))
    assert.match(
      left.headers.get('set-cookie') ?? '',
      /^quota_pending=[\w.-]+; Path=\/api\/quota; .*HttpOnly; SameSite=Lax/,
    )
    const body = JSON.stringify({ package_id: 'starter' })
    const json = { 'content-type': 'application/json' }
    const bought = await ask('/api/quota/checkout', { method: 'POST', headers: { ...cookie, ...json }, body })
    assert.equal(bought.status, 200)
    const cross = { ...cookie, ...json, 'sec-fetch-site': 'cross-site' }
    assert.equal((await ask('/api/quota/checkout', { method: 'POST', headers: cross, body })).status, 403)
  }

  for (const recipe of ['express', 'fastify']) {
    test(`recipe: ${recipe}, as a server`, async () => {
      const port = await freePort()
      const run = start(named(`recipe=${recipe}`), { PORT: String(port) })
      try {
        await journey(recipe, async (path, init) => {
          for (;;) {
            const reply = await fetch(`http://127.0.0.1:${port}${path}`, init).catch(() => null)
            if (reply) return reply
            assert.equal(run.child.exitCode, null, run.said.err)
            await sleep(50)
          }
        })
      } finally {
        run.child.kill('SIGKILL')
        await run.ended
      }
    })
  }

  test('recipe: Next.js, its route module called as Next calls it (Next itself is not among our packages)', async () => {
    Object.assign(process.env, env)
    const file = join(FOLDER, 'out', `${named('recipe=next')}.js`)
    type Handlers = Record<'GET' | 'POST', (request: Request) => Promise<Response>>
    const handlers = (await import(pathToFileURL(file).href)) as Handlers
    await journey('next', async (path, init) => {
      const method = init?.method === 'POST' ? 'POST' : 'GET'
      return handlers[method](new Request(`http://127.0.0.1:7999${path}`, init))
    })
  })
})
