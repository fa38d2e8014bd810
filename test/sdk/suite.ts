// What the SDK promises, told in a way that any runtime can run: Node, a browser, Bun, Deno, an edge runtime.
// owns: one case per promise. never: a module of a runtime. always true: a case needs a World and nothing else.

import {
  checkChain,
  checkReceipt,
  dollars,
  everyPage,
  type HostedOptions,
  hostedWallet,
  isDisconnected,
  isLimit,
  keepFresh,
  oauth,
  type PublicKeys,
  QuotaError,
  quota,
  readReceipt,
  type Spend,
  usd,
  verifyWebhook,
} from '../../packages/sdk/src/index.ts'
import { METERED, ROUTES } from '../../packages/sdk/src/routes.ts'
import { unseal } from '../../packages/sdk/src/seal.ts'

/** What a case is given: a server with money in it. Plain data, so that it can be handed to a page. */
export type World = {
  baseUrl: string
  /** Of mode `user`, its publisher's pool is funded. */
  userKey: string
  developerKey: string
  session: string
  /** Linked to a person with money. */
  linkedUser: string
  clientId: string
  clientSecret: string
  redirectUri: string
  /** Of a person with money, connected through a public client. */
  publicClientId: string
  tokens: { access_token: string; refresh_token: string }
  /** A webhook as the reference implementation signs it, at `now`. */
  webhook: { body: string; headers: Record<string, string>; secret: string; now: number }
}
/** `where`: `server` holds an API key, which the server refuses from a page; `page` is one of another origin. */
export type Case = { name: string; where: 'anywhere' | 'server' | 'page'; run: (world: World) => Promise<void> }

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }
let names = 0
/** A user nobody has named before. */
const stranger = () => `user_${Date.now()}_${Math.random()}_${names++}@example.org/ü`

export const CASES: Case[] = [
  {
    name: 'money: exact decimal text in and out, and nothing that is no amount',
    where: 'anywhere',
    run: async () => {
      equal([usd('0.50'), usd('12'), usd('3.000001'), dollars(500_000)], [500_000, 12_000_000, 3_000_001, '$0.50'])
      for (const text of ['', '0', '-1', '0.0000001', '1e3', '1,5', ' 1', '0.1 ']) throws(() => usd(text), 'RangeError')
    },
  },
  {
    name: 'the client: what anybody may ask, and what a key may',
    where: 'server',
    run: async ({ baseUrl, userKey }) => {
      const { packages } = await quota({ baseUrl }).packages()
      equal(packages.map(({ id, balance_credits }) => [id, balance_credits])[0], ['starter', 4_050_000])
      const q = quota({ baseUrl: `${baseUrl}/`, credential: userKey })
      equal((await q.balance()).wallet, 'developer')
      equal(
        (await q.models()).data.some(({ id }) => id === 'gpt-4o-mini'),
        true,
      )
      equal(Object.keys((await q.receiptKeys()).keys[0] ?? {}).includes('kid'), true)
    },
  },
  {
    name: 'a refusal is a QuotaError: code, status, hint, docs_url, request_id, details',
    where: 'server',
    run: async ({ baseUrl, userKey }) => {
      const q = quota({ baseUrl, credential: userKey })
      const error = await refusal(q.chat(HELLO), 'user_required')
      equal([error.status, error instanceof Error, typeof error.request_id], [400, true, 'string'])
      equal(error.docs_url?.endsWith('/docs#user_required'), true)
      await refusal(quota({ baseUrl, credential: 'sk-quota-wrong' }).balance(), 'invalid_api_key')
      await refusal(q.users.get({ external_user_id: 'nobody' }), 'user_not_found')
      for (const name of ['nobody', '渡辺'])
        equal(isDisconnected(await refusal(q.hosted(name).chat(HELLO), 'user_not_found')), true)
      await refusal(q.funding.grant({ external_user_id: 'x', credits: 1, expires_at: 'soon' }), 'bad_request')
    },
  },
  {
    name: 'no server: unreachable; an answer that is no JSON: malformed',
    where: 'anywhere',
    run: async () => {
      const down = quota({ baseUrl: 'http://127.0.0.1:9', fetch: () => Promise.reject(new TypeError('no route')) })
      equal((await refusal(down.packages(), 'unreachable')).status, 0)
      const odd = quota({ baseUrl: 'http://x.example', fetch: async () => new Response('<html>', { status: 502 }) })
      equal((await refusal(odd.packages(), 'malformed')).status, 502)
    },
  },
  {
    name: 'a grant: whole micro-dollars, to the last of them; the same key again gives nothing',
    where: 'server',
    run: async ({ baseUrl, userKey }) => {
      const q = quota({ baseUrl, credential: userKey })
      const id = `${Date.now()}-${Math.random()}`
      const grant = { external_user_id: stranger(), credits: usd('0.100001'), description: 'Welcome' }
      const first = await q.funding.grant(grant, { idempotencyKey: id })
      equal([first.amount_granted_credits, first.amount_granted, first.duplicate], [100_001, '$0.100001', false])
      const again = await q.funding.grant(grant, { idempotencyKey: id })
      equal([again.duplicate, again.ledger_id === first.ledger_id], [true, true])
      const user = { external_user_id: grant.external_user_id }
      equal((await q.users.balance(user)).balance, 100_001)
      for (const credits of [0, -1, 0.5, Number.NaN]) await rejects(q.funding.fund({ credits }), 'RangeError')
    },
  },
  {
    name: 'a user pays by the path; the receipt adds up, has the published prices, and cannot be changed',
    where: 'server',
    run: async ({ baseUrl, userKey }) => {
      const q = quota({ baseUrl, credential: userKey })
      const id = stranger()
      await q.funding.grant({ external_user_id: id, credits: 100_000 })
      const reply = await q.user(id).chat(HELLO)
      equal([reply.choices[0]?.message.role, reply.quota.balance_before], ['assistant', 100_000])
      equal((await q.users.balance({ external_user_id: id })).balance, 100_000 - reply.quota.credits_used)
      const { receipt } = reply.quota
      const payload = readReceipt(receipt)
      const keys = await q.receiptKeys()
      const prices = await q.prices({ version: payload?.price_version ?? '' })
      const check = await checkReceipt(receipt, { keys, prices })
      equal([check.ok, check.ok && check.payload.total], [true, reply.quota.credits_used])
      const second = (await q.user(id).chat(HELLO)).quota.receipt
      equal(await checkChain([receipt, second], { keys, before: null }), null)
      equal(await checkChain([second, receipt], { keys }), { index: 1, problem: 'chain' })
      equal(await checkChain([second], { keys, before: null }), { index: 0, problem: 'chain' })
      await forgeries(receipt, keys, prices)
    },
  },
  {
    name: 'a streamed chat: its text, then its price, told once',
    where: 'server',
    run: async ({ baseUrl, developerKey }) => {
      const told: Spend[] = []
      const q = quota({ baseUrl, credential: developerKey, onSpend: (spend) => told.push(spend) })
      let text = ''
      let price = -1
      for await (const { choices, quota: paid } of q.chatStream(HELLO)) {
        text += choices[0]?.delta.content ?? ''
        price = paid?.credits_used ?? price
      }
      equal([text.length > 0, price > 0, told.map((one) => one.credits_used)], [true, true, [price]])
      const { quota: paid } = await q.chat(HELLO)
      equal(told[1], { credits_used: paid.credits_used, balance_after: paid.balance_after, receipt: paid.receipt })
    },
  },
  {
    name: 'fetch for any SDK: another host, another key, and still our server and our payer',
    where: 'server',
    run: async ({ baseUrl, userKey, developerKey, linkedUser }) => {
      const asked: string[] = []
      const spy: typeof fetch = (input, init) => {
        const headers = new Headers(init?.headers)
        asked.push(
          `${String(input)} ${headers.get('authorization')} ${headers.get('x-api-key')} ${headers.get('x-quota-user')}`,
        )
        return fetch(input, init)
      }
      const init = {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: 'Bearer sk-other',
          'x-api-key': 'sk-other',
          'x-quota-user': 'x',
        },
        body: JSON.stringify(HELLO),
      }
      const url = 'https://api.openai.com/v1/chat/completions'
      const own = quota({ baseUrl, credential: developerKey, fetch: spy })
      equal((await own.fetch(url, init)).status, 200)
      equal((await own.fetch(new Request(url, init))).status, 200)
      const user = quota({ baseUrl, credential: userKey, fetch: spy })
      equal((await user.user(linkedUser).fetch(url, init)).status, 200)
      equal((await user.hosted(linkedUser).fetch(url, init)).status, 200)
      const path = '/v1/chat/completions'
      equal(asked, [
        `${baseUrl}${path} Bearer ${developerKey} null null`,
        `${baseUrl}${path} Bearer ${developerKey} null null`,
        `${baseUrl}/v1/users/${encodeURIComponent(linkedUser)}/chat/completions Bearer ${userKey} null null`,
        `${baseUrl}${path} Bearer ${userKey} null ${linkedUser}`,
      ])
      await rejects(own.fetch('https://api.openai.com/chat'), 'TypeError')
    },
  },
  {
    name: 'a name that an address would swallow is no user of a path',
    where: 'anywhere',
    run: async ({ baseUrl, userKey }) => {
      const q = quota({ baseUrl, credential: userKey })
      for (const name of ['', '.', '..']) {
        throws(() => q.user(name), 'RangeError')
        await rejects(q.users.unlink({ external_user_id: name }), 'RangeError')
      }
    },
  },
  {
    name: 'in a page of another origin: a person’s token is served, a stream read, a receipt checked; a key is refused',
    where: 'page',
    run: async ({ baseUrl, tokens, developerKey }) => {
      const told: Spend[] = []
      const q = quota({ baseUrl, credential: tokens.access_token, onSpend: (spend) => told.push(spend) })
      const { quota: paid } = await q.chat(HELLO)
      for await (const chunk of q.chatStream(HELLO))
        if (chunk.quota) equal(chunk.quota.balance_before, paid.balance_after)
      equal([told.length, told[0]?.credits_used], [2, paid.credits_used])
      const [keys, prices] = await Promise.all([q.receiptKeys(), q.prices({ version: paid.price_version })])
      const check = await checkReceipt(paid.receipt, { keys, prices })
      equal([check.ok, check.ok && check.payload.total], [true, paid.credits_used])
      await forgeries(paid.receipt, keys, prices)
      const error = await refusal(
        quota({ baseUrl, credential: tokens.access_token }).chat({ ...HELLO, model: 'none' }),
        'model_not_found',
      )
      equal(typeof error.request_id, 'string')
      await refusal(quota({ baseUrl, credential: developerKey }).balance(), 'forbidden')
    },
  },
  {
    name: 'an access token that has died: one renewal for many calls, saved before it is used; then never again',
    where: 'anywhere',
    run: async (world) => {
      const { baseUrl, publicClientId, redirectUri } = world
      const log: string[] = []
      const spy: typeof fetch = async (input, init) => {
        const reply = await fetch(input, init)
        log.push(`${new URL(String(input)).pathname} ${reply.status}`)
        return reply
      }
      const auth = oauth({ baseUrl, clientId: publicClientId, redirectUri, fetch: spy })
      const tokens = { ...world.tokens, access_token: 'dead', scope: '', expires_at: 0 }
      const credential = keepFresh({
        oauth: auth,
        tokens,
        save: ({ refresh_token }) => log.push(`saved ${refresh_token !== tokens.refresh_token}`),
      })
      const q = quota({ baseUrl, credential, fetch: spy })
      const balances = await Promise.all([1, 2, 3, 4, 5].map(() => q.balance()))
      equal(
        balances.map(({ wallet }) => wallet),
        Array(5).fill('oauth_user'),
      )
      equal(
        log.filter((line) => line.startsWith('/oauth/token')),
        ['/oauth/token 200'],
      )
      equal(
        log.filter((line) => line.startsWith('saved')),
        ['saved true'],
      )
      equal(log.indexOf('saved true') < log.indexOf('/v1/balance 200'), true)
      const reply = await q.fetch('https://api.openai.com/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(HELLO),
      })
      equal(reply.status, 200)
      // The pair that was used up: reuse ends the sign-in, and the SDK says so instead of asking on and on.
      const stale = keepFresh({ oauth: auth, tokens, save: () => undefined })
      const gone = await refusal(quota({ baseUrl, credential: stale }).balance(), 'invalid_grant')
      equal([isDisconnected(gone), gone.status], [true, 400])
    },
  },
  {
    name: 'OAuth: the question is PKCE; an answer to another question, or of another server, is none',
    where: 'anywhere',
    run: async ({ baseUrl, clientId, clientSecret, redirectUri }) => {
      const auth = oauth({ baseUrl, clientId, clientSecret, redirectUri })
      const { url, pending } = await auth.begin({ cap: { amount: usd('2'), period: 'month' } })
      const asked = Object.fromEntries(new URL(url).searchParams)
      equal([asked.code_challenge_method, asked.code_challenge?.length, asked.cap_amount], ['S256', 43, '2000000'])
      equal([asked.state, url.includes(pending.verifier)], [pending.state, false])
      const back = (query: Record<string, string>) =>
        `${redirectUri}?${new URLSearchParams({ iss: baseUrl, state: pending.state, ...query })}`
      equal(await auth.finish(back({ error: 'access_denied' }), pending), null)
      await refusal(auth.finish(back({ code: 'x', state: 'other' }), pending), 'wrong_answer')
      await refusal(auth.finish(back({ code: 'x', iss: 'https://evil.example' }), pending), 'wrong_answer')
      await refusal(auth.finish(`${redirectUri}?code=x`, pending), 'wrong_answer')
      await refusal(auth.finish(back({ error: 'server_error' }), pending), 'server_error')
    },
  },
  {
    name: 'a limit that spoke says which, and what it would take',
    where: 'server',
    run: async ({ baseUrl, userKey }) => {
      const q = quota({ baseUrl, credential: userKey })
      const id = stranger()
      await q.funding.grant({ external_user_id: id, credits: 1 })
      const error = await refusal(q.user(id).chat({ ...HELLO, max_tokens: 1000 }), 'insufficient_credits')
      equal(isLimit(error) && [error.details.limit, error.details.available, error.details.required > 1], [
        'balance',
        0,
        true,
      ])
      equal(isLimit(new Error('no')), false)
    },
  },
  {
    name: 'webhooks: the reference signature fits; another body, secret, time or id does not',
    where: 'anywhere',
    run: async ({ webhook }) => {
      const event = await verifyWebhook(webhook)
      equal([event.type, event.id], ['user.connected', 'evt_1'])
      equal((await verifyWebhook({ ...webhook, secret: ['whsec_b3RoZXI=', webhook.secret] })).id, 'evt_1')
      equal((await verifyWebhook({ ...webhook, body: new TextEncoder().encode(webhook.body) })).id, 'evt_1')
      equal((await verifyWebhook({ ...webhook, headers: new Headers(webhook.headers) })).id, 'evt_1')
      const headers = (change: Record<string, string>) => ({ ...webhook, headers: { ...webhook.headers, ...change } })
      const signature = webhook.headers['webhook-signature'] ?? ''
      equal((await verifyWebhook(headers({ 'webhook-signature': `v1,AAAA v2,x ${signature}` }))).id, 'evt_1')
      const refused = [
        { ...webhook, body: webhook.body.replace('user', 'user ') },
        { ...webhook, secret: 'whsec_b3RoZXI=' },
        { ...webhook, now: webhook.now + 301_000 },
        { ...webhook, now: webhook.now - 301_000 },
        headers({ 'webhook-id': 'msg_2' }),
        headers({ 'webhook-timestamp': String(Math.floor(webhook.now / 1000) + 1) }),
        headers({ 'webhook-timestamp': 'NaN' }),
        headers({ 'webhook-signature': '' }),
        headers({ 'webhook-signature': signature.replace('v1,', 'v2,') }),
        { ...webhook, headers: {} },
      ]
      for (const one of refused) await refusal(verifyWebhook(one), 'invalid_signature')
    },
  },
  {
    name: 'every route of the tables is one of the server’s',
    where: 'server',
    run: async ({ baseUrl }) => {
      const wrong: string[] = []
      for (const { method, path } of routesOf({ ...ROUTES, ...metered() })) {
        const at = path.replace('{version}', 'none').replace(/\{\w+\}/g, 'x')
        const headers = { 'content-type': 'application/json' }
        const reply = await fetch(baseUrl + at, { method, ...(method === 'GET' ? {} : { headers, body: '{}' }) })
        // Who brings nothing is refused or served; a price table called "none" is the one thing that may not be there.
        if ([404, 405].includes(reply.status) && path !== '/v1/prices/{version}')
          wrong.push(`${method} ${path} ${reply.status}`)
      }
      equal(wrong, [])
    },
  },
  {
    name: 'every public route of the server’s own description is in the tables, but for OAuth’s and the wallet’s',
    where: 'server',
    run: async ({ baseUrl }) => {
      const { paths } = (await (await fetch(`${baseUrl}/openapi.json`)).json()) as { paths: Record<string, object> }
      const plain = (method: string, path: string) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`
      const told = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => plain(method, path)),
      )
      const own = new Set(routesOf({ ...ROUTES, ...metered() }).map(({ method, path }) => plain(method, path)))
      // oauth() and the stock OAuth libraries; the wallet's feed; the sandbox's payment button; receipts as pages for people.
      const others =
        / (\/oauth\/|\/\.well-known\/(openid-configuration|jwks\.json)|\/v1\/wallet\/|\/sandbox\/|\/payments\/receipts\/|\/developers\/payouts\/\{\}\/csv)/
      equal(
        told.filter((one) => !own.has(one) && !others.test(one)),
        [],
      )
      equal(told.length > 100, true)
    },
  },
  {
    name: 'lists page by page',
    where: 'server',
    run: async ({ baseUrl, developerKey }) => {
      const q = quota({ baseUrl, credential: developerKey })
      await q.chat(HELLO)
      await q.chat(HELLO)
      const seen: string[] = []
      for await (const page of everyPage(q.usage, { limit: 1 })) {
        seen.push(...page.data.map(({ request_id }) => request_id))
        if (seen.length >= 2) break
      }
      equal([seen.length, new Set(seen).size], [2, 2])
    },
  },
  {
    name: 'hosted mode: who may come in, and what a cookie of another opens',
    where: 'server',
    run: async (world) => {
      const { handle } = hostedWallet(hostedOptions(world))
      const ask = (path: string, init?: RequestInit) => handle(new Request(`https://app.example${path}`, init))
      equal((await ask('/api/quota/nothing')).status, 404)
      equal((await ask('/api/quota/toString')).status, 404)
      equal((await ask('/api/quota/me', { headers: { 'x-user': '' } })).status, 401)
      const me = await ask('/api/quota/me', { headers: { 'x-user': world.linkedUser } })
      equal([me.status, (await me.json()).connected], [200, true])
      equal(await (await ask('/api/quota/me', { headers: { 'x-user': stranger() } })).json(), {
        connected: false,
        balance: null,
      })
      const left = await ask('/api/quota/connect', { headers: { 'x-user': 'ann' } })
      equal([left.status, left.headers.get('location')?.startsWith(`${world.baseUrl}/oauth/authorize?`)], [303, true])
      const bought = await ask('/api/quota/checkout', {
        method: 'POST',
        headers: { 'x-user': 'ann', 'content-type': 'application/json' },
        body: JSON.stringify({ package_id: 'starter' }),
      })
      equal([bought.status, (await bought.json()).url.startsWith(world.baseUrl)], [200, true])
      const none = await ask('/api/quota/checkout', { method: 'POST', headers: { 'x-user': 'ann' }, body: '{}' })
      equal(none.status, 400)
    },
  },
  {
    name: 'what is sealed opens with its secret alone, and not for ever',
    where: 'anywhere',
    run: async (world) => {
      const { seal } = await import('../../packages/sdk/src/seal.ts')
      const { cookieSecret } = hostedOptions(world)
      const text = await seal({ a: 1 }, cookieSecret, 1000)
      equal(await unseal(text, cookieSecret, 999), { a: 1 })
      equal(await unseal(text, cookieSecret, 1000), null)
      equal(await unseal(text, `${cookieSecret}x`, 999), null)
      const other = text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A')
      for (const wrong of ['', '.', 'a.b', '%.%', other.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))]) {
        equal(await unseal(wrong, cookieSecret, 999), null)
      }
      await rejects(seal(1, 'short', 1000), 'TypeError')
      for (const name of ['baseUrl', 'clientSecret', 'appUrl']) {
        throws(() => hostedWallet({ ...hostedOptions(world), [name]: undefined }), 'TypeError')
      }
      throws(() => quota({ baseUrl: undefined }), 'TypeError')
    },
  },
]

/** Handlers of an app whose user is named by a header. */
export function hostedOptions(world: World): HostedOptions & { cookieSecret: string } {
  return {
    baseUrl: world.baseUrl,
    clientId: world.clientId,
    clientSecret: world.clientSecret,
    apiKey: world.userKey,
    appUrl: 'https://app.example',
    cookieSecret: 'a secret of thirty-two characters, at least',
    userOf: (request) => request.headers.get('x-user'),
  }
}

type Row = { method: string; path: string }

function routesOf(table: object): Row[] {
  return Object.values(table).flatMap((one) => (typeof one.path === 'string' ? [one as Row] : routesOf(one)))
}

function metered(): Row[] {
  return routesOf(METERED).flatMap(({ method, path }) =>
    ['/v1', '/v1/users/{id}'].map((at) => ({ method, path: at + path })),
  )
}

/** Every figure of a receipt changed, and a signature of somebody else's key. */
async function forgeries(receipt: string, keys: PublicKeys, prices: Parameters<typeof checkReceipt>[1]['prices']) {
  const [head = '', body = '', tail = ''] = receipt.split('.')
  const payload = JSON.parse(atob(body.replaceAll('-', '+').replaceAll('_', '/')))
  const text = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  const problem = async (forged: string, set = keys, table = prices) => {
    const check = await checkReceipt(forged, { keys: set, ...(table ? { prices: table } : {}) })
    return check.ok ? 'ok' : check.problem
  }
  equal(await problem(`${head}.${text({ ...payload, total: payload.total - 1 })}.${tail}`), 'signature')
  equal(await problem(`${text({ alg: 'none' })}.${body}.`), 'signature')
  equal(await problem(receipt, { keys: [] }), 'signature')
  for (const wrong of ['', 'a.b', 'a.b.c', `${head}.${text({ ...payload, total: -1 })}.${tail}`])
    equal(await problem(wrong), 'malformed')
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const { kty = '', crv = '', x = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const own = { kty, crv, x, kid: 'own' }
  const signed = async (change: object) => {
    const said = `${text({ alg: 'EdDSA', kid: 'own' })}.${text({ ...payload, ...change })}`
    const bytes = new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, new TextEncoder().encode(said)))
    return `${said}.${btoa(String.fromCharCode(...bytes))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/=+$/, '')}`
  }
  const changes: [object, string][] = [
    [{}, 'ok'],
    [{ base: payload.base + 1 }, 'base'],
    [{ unit_prices: {} }, 'base'],
    [{ granted: payload.base + 1 }, 'granted'],
    [{ markup: payload.markup + 1 }, 'markup'],
    [{ total: payload.total + 1 }, 'total'],
    [{ price_version: 'other' }, 'prices'],
  ]
  for (const [change, expected] of changes) equal(await problem(await signed(change), { keys: [own] }), expected)
}

// --- what the cases say ------------------------------------------------------------------------------------------------

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`expected ${b}, got ${a}`)
}

async function refusal(act: Promise<unknown>, code: string): Promise<QuotaError> {
  const error = await act.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof QuotaError && error.code === code) return error
  throw new Error(`expected a refusal ${code}, got ${error instanceof QuotaError ? error.code : String(error)}`, {
    cause: error,
  })
}

async function rejects(act: Promise<unknown>, name: string): Promise<void> {
  const error = await act.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error) || error.name !== name) throw new Error(`expected ${name}, got ${String(error)}`)
}

function throws(act: () => unknown, name: string): void {
  let error: unknown = null
  try {
    act()
  } catch (reason) {
    error = reason
  }
  if (!(error instanceof Error) || error.name !== name) throw new Error(`expected ${name}, got ${String(error)}`)
}
