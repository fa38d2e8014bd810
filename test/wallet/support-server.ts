// A scripted server: the public contract as far as a wallet uses it, and faults on demand.
// owns: HTTP on loopback, sign-in, the feed, the outbox's answers, the built pages. never: rules about money.
// always true: what a spec does not script works; what it scripts happens once, in order.

import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { extname, join } from 'node:path'
import type { Change, FeedPage, Mutation, MutationResult } from '../../server/contract/feed.ts'
import type { AutoTopup } from '../../server/contract/payments.ts'
import type { Connection } from '../../server/contract/records.ts'
import { AUTO_TOPUP, autoTopup, refunds, removedCard } from './support-money.ts'
import { ACCOUNT, World } from './support-world.ts'

const BUILT = process.env.QUOTA_WALLET_BUILT ?? join(import.meta.dirname, '../../out/renderer')
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
/** As the real server sends it, so that a spec fails where the policy would forbid something. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

export type Scripted = {
  /** Changes the next feed answers: a new page, `cut` (half a body), or an error status. */
  feed: ((page: FeedPage) => FeedPage | 'cut' | { status: number; code: string })[]
  /** What becomes of the next mutations. */
  mutations: ((mutation: Mutation) => Partial<MutationResult> | { status: number; code: string; details?: object })[]
  interaction: Record<string, unknown> | null
  autoTopup: AutoTopup
}

export type FakeServer = {
  url: string
  world: World
  script: Scripted
  /** Method and path of every API request so far, and bodies of the mutations and answers received. */
  seen: { method: string; path: string; body: unknown; headers: IncomingMessage['headers'] }[]
  /** A person has a session (cookie) at the server: sign-in passes without a form. */
  session: boolean
  /** Whose tokens are given out. */
  subject: string
  /** Tokens are refused. */
  refuse: boolean
  /** Answers nothing: connections are cut, as when the network is away. */
  down(): void
  up(): void
  poke(): void
  close(): Promise<void>
}

export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> }
export type Request = { url: URL; method: string; body: unknown; headers: IncomingMessage['headers'] }

export async function startFake(world = new World()): Promise<FakeServer> {
  const sockets = new Set<Socket>()
  const streams = new Set<ServerResponse>()
  let away = false
  const server = createServer((request, response) => {
    void handle(fake, streams, request, response)
  })
  server.on('connection', (socket) => {
    if (away) return socket.destroy()
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const fake: FakeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    script: { feed: [], mutations: [], interaction: null, autoTopup: AUTO_TOPUP },
    seen: [],
    session: true,
    subject: ACCOUNT,
    refuse: false,
    down() {
      away = true
      for (const socket of sockets) socket.destroy()
    },
    up() {
      away = false
    },
    poke() {
      for (const stream of streams) stream.write(`event: poke\ndata: {"rev":${world.changes.length}}\n\n`)
    },
    async close() {
      fake.down()
      await new Promise((done) => server.close(done))
    },
  }
  return fake
}

async function handle(
  fake: FakeServer,
  streams: Set<ServerResponse>,
  incoming: IncomingMessage,
  response: ServerResponse,
) {
  const url = new URL(incoming.url ?? '/', fake.url)
  const { method = 'GET', headers } = incoming
  const cors = {
    'access-control-allow-origin': headers.origin ?? fake.url,
    'access-control-allow-methods': 'GET, POST, PUT, DELETE',
    'access-control-allow-headers': 'authorization, content-type, idempotency-key, x-quota-wallet',
    'access-control-expose-headers': 'x-request-id, date',
  }
  response.setHeader('date', new Date(fake.world.now()).toUTCString())
  if (method === 'OPTIONS') return void response.writeHead(204, cors).end()
  if (url.pathname.startsWith('/wallet')) return page(url, response)
  const request = { url, method, headers, body: await bodyOf(incoming) }
  fake.seen.push({ method, path: url.pathname + url.search, body: request.body, headers })
  if (url.pathname === '/v1/wallet/poke') {
    if (fake.refuse) return void response.writeHead(401, cors).end('{}')
    response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' })
    response.write('event: heartbeat\ndata: {}\n\n')
    streams.add(response)
    response.on('close', () => streams.delete(response))
    return
  }
  const answer = answerTo(fake, request)
  const text = answer.body === undefined ? '' : JSON.stringify(answer.body)
  response.writeHead(answer.status ?? 200, { ...cors, 'content-type': 'application/json', ...answer.headers })
  if (answer.headers?.['x-cut']) {
    response.write(text.slice(0, Math.floor(text.length / 2)))
    setTimeout(() => response.destroy(), 20)
  } else response.end(text)
}

function page(url: URL, response: ServerResponse): void {
  if (url.pathname === '/wallet') return void response.writeHead(308, { location: '/wallet/' }).end()
  const name = url.pathname.slice('/wallet/'.length)
  const file = join(BUILT, name)
  const found = name !== '' && !name.includes('..') && extname(name) !== '' && existsSync(file)
  if (!found && extname(name) !== '') return void response.writeHead(404).end()
  const path = found ? file : join(BUILT, 'index.html')
  const text = readFileSync(path)
  const body = found ? text : text.toString().replaceAll('"./', '"/wallet/')
  response.writeHead(200, {
    'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
  })
  response.end(body)
}

function answerTo(fake: FakeServer, request: Request): Answer {
  const { url, method } = request
  const path = url.pathname
  if (path === '/.well-known/openid-configuration') return { body: discovery(fake.url) }
  if (path === '/.well-known/jwks.json') return { body: { keys: [RSA_JWK] } }
  if (path === '/.well-known/quota-receipts.json') return { body: { keys: [fake.world.jwk] } }
  if (path === '/oauth/authorize') return authorize(fake, url)
  if (path === '/oauth/token') return token(fake, request)
  if (path.startsWith('/oauth/interactions/')) return interaction(fake, request)
  if (path === '/auth/login' || path === '/auth/register') return signIn(fake, request)
  if (path === '/auth/logout' || path === '/oauth/revoke') return { body: {} }
  if (path === '/v1/models') return { body: MODELS }
  if (path === '/v1/packages') return { body: { packages: PACKAGES } }
  if (fake.refuse) return fault(401, 'invalid_token')
  if (path === '/oauth/userinfo') return { body: { sub: fake.subject } }
  if (path === '/v1/wallet/feed') return feed(fake, url)
  if (path === '/v1/wallet/mutations' && method === 'POST') return mutations(fake, request)
  if (path === '/account')
    return { body: { ...fake.world.doc<object>('profile', ACCOUNT), balance: 0, email_verified: true } }
  if (path === '/api/payments/card' && method === 'DELETE') return removedCard(fake)
  if (path === '/api/payments/auto-topup') return autoTopup(fake, request)
  if (path === '/api/payments/refunds') return refunds(fake, request)
  if (path === '/api/payments/checkout')
    return { body: { id: 'top_new', url: `${fake.url}/wallet/add-money?topup=done` } }
  return fault(404, 'not_found')
}

export const fault = (status: number, code: string, details: object | null = null): Answer => ({
  status,
  body: {
    error: {
      message: `Scripted: ${code}.`,
      type: 'x',
      code,
      param: null,
      details,
      hint: null,
      docs_url: '',
      request_id: 'r',
    },
  },
})

const PACKAGES = [
  ['starter', 'Starter', 500, 4_050_000],
  ['basic', 'Basic', 1000, 8_500_000],
  ['plus', 'Plus', 2500, 22_500_000],
  ['pro', 'Pro', 5000, 46_500_000],
].map(([id, name, price_cents, balance_credits]) => ({ id, name, price_cents, balance_credits, balance_display: '' }))

const MODELS = {
  object: 'list',
  data: [
    ['gpt-4o-mini', '150000', '600000'],
    ['gpt-4o', '2500000', '10000000'],
  ].map(([id, input, output]) => ({ id, owned_by: 'openai', pricing: { unit_prices: { input, output } } })),
}

// --- sign-in ---------------------------------------------------------------------------------------------------------

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const RSA_JWK = { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'id-1', alg: 'RS256', use: 'sig' }

const discovery = (issuer: string) => ({
  issuer,
  authorization_endpoint: `${issuer}/oauth/authorize`,
  token_endpoint: `${issuer}/oauth/token`,
  userinfo_endpoint: `${issuer}/oauth/userinfo`,
  revocation_endpoint: `${issuer}/oauth/revoke`,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
  id_token_signing_alg_values_supported: ['RS256'],
  authorization_response_iss_parameter_supported: true,
})

const codes = new Map<string, { nonce: string | null; challenge: string | null }>()

function authorize(fake: FakeServer, url: URL): Answer {
  const query = url.searchParams
  const back = new URL(query.get('redirect_uri') ?? '')
  back.searchParams.set('state', query.get('state') ?? '')
  back.searchParams.set('iss', fake.url)
  if (fake.session) {
    const code = randomUUID()
    codes.set(code, { nonce: query.get('nonce'), challenge: query.get('code_challenge') })
    back.searchParams.set('code', code)
  } else if (query.get('prompt') === 'none') back.searchParams.set('error', 'login_required')
  else return { status: 303, headers: { location: '/wallet/interaction/login-1' } }
  return { status: 303, headers: { location: back.href } }
}

function token(fake: FakeServer, { body }: Request): Answer {
  const form = new URLSearchParams(String(body))
  const code = codes.get(form.get('code') ?? '')
  codes.delete(form.get('code') ?? '')
  const verifier = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  const good = form.get('grant_type') === 'refresh_token' || (code && code.challenge === verifier)
  if (!good) return { status: 400, body: { error: 'invalid_grant' } }
  const now = Math.floor(fake.world.now() / 1000)
  const claims = {
    iss: fake.url,
    sub: fake.subject,
    aud: 'quota-wallet',
    iat: now,
    exp: now + 3600,
    nonce: code?.nonce ?? undefined,
  }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'RS256', kid: 'id-1' })}.${part(claims)}`
  const id_token = `${text}.${sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')}`
  return {
    body: { access_token: randomUUID(), token_type: 'bearer', expires_in: 3600, refresh_token: randomUUID(), id_token },
  }
}

function interaction(fake: FakeServer, { method, url, body, headers }: Request): Answer {
  const uid = url.pathname.split('/').at(-1)
  if (headers['x-quota-wallet'] !== '1') return fault(403, 'csrf')
  if (uid === 'gone') return fault(404, 'not_found')
  if (method === 'POST') {
    const { decision } = body as { decision: string }
    if (uid === 'login-1' && !fake.session) return fault(401, 'unauthorized')
    return { body: { redirect_to: uid === 'login-1' ? '/wallet/' : `/wallet/interaction/done?answer=${decision}` } }
  }
  const own = { id: 'quota-wallet', name: 'Quota Wallet', logo_uri: null, verified_domain: null, markup_bps: 0 }
  const login = { uid, prompt: 'login', client: own, scopes: ['openid', 'wallet'], requested_cap: null, estimate: null }
  return { body: uid === 'login-1' ? login : { uid, ...fake.script.interaction } }
}

function signIn(fake: FakeServer, { url, body, headers }: Request): Answer {
  const { email, password } = body as { email: string; password: string }
  if (headers['x-quota-wallet'] !== '1') return fault(403, 'csrf')
  if (url.pathname === '/auth/register' && email === 'ann@example.com') return fault(409, 'email_exists')
  if (url.pathname === '/auth/login' && password !== 'correct horse') return fault(401, 'invalid_credentials')
  fake.session = true
  return {
    body: { user: { id: ACCOUNT, email, balance: 0 }, session_token: 'sess_x', expires_at: new Date().toISOString() },
  }
}

// --- the feed and the outbox -------------------------------------------------------------------------------------------

const clients = new WeakMap<FakeServer, Map<string, number>>()
const lastMids = (fake: FakeServer) => {
  const known = clients.get(fake) ?? new Map<string, number>()
  clients.set(fake, known)
  return known
}

function feed(fake: FakeServer, url: URL): Answer {
  const { world, script } = fake
  const limit = Math.min(2000, Number(url.searchParams.get('limit') ?? 500))
  const [epoch, rev] = (url.searchParams.get('after') ?? `${world.epoch}:0`).split(':')
  // As the real one: a cursor of another history, or of a future, is answered from the start.
  const from = epoch === world.epoch && Number(rev) <= world.changes.length ? Number(rev) : 0
  const changes: Change[] = world.changes.slice(from, from + limit)
  const plain: FeedPage = {
    changes,
    cursor: `${world.epoch}:${from + changes.length}`,
    epoch: world.epoch,
    more: from + changes.length < world.changes.length,
    last_mid: lastMids(fake).get(url.searchParams.get('client') ?? '') ?? 0,
  }
  const scripted = script.feed.shift()?.(plain) ?? plain
  if (scripted === 'cut') return { body: plain, headers: { 'x-cut': '1' } }
  return 'status' in scripted ? fault(scripted.status, scripted.code) : { body: scripted }
}

function mutations(fake: FakeServer, { body }: Request): Answer {
  const { client, mutations } = body as { client: string; mutations: Mutation[] }
  const known = lastMids(fake)
  const results: MutationResult[] = []
  for (const mutation of mutations) {
    const last = known.get(client) ?? 0
    if (mutation.mid <= last) {
      results.push({ mid: mutation.mid, status: 'already_applied' })
      continue
    }
    if (mutation.mid !== last + 1) return fault(409, 'mutation_gap', { expected_mid: last + 1 })
    const scripted = fake.script.mutations.shift()?.(mutation)
    if (scripted && typeof scripted.status === 'number') return fault(scripted.status, String(scripted.code), {})
    known.set(client, mutation.mid)
    const result = {
      mid: mutation.mid,
      status: 'applied' as const,
      ...(scripted as Partial<MutationResult> | undefined),
    }
    if (result.status === 'applied') apply(fake.world, mutation)
    results.push(result)
  }
  return { body: { results, last_mid: known.get(client) ?? 0 } }
}

function apply(world: World, { name, args }: Mutation): void {
  const id = String(args.connection_id)
  const held = world.doc<Connection>('connection', id)
  if (name === 'connection.pause') world.connection(id, '', { status: 'paused' })
  if (name === 'connection.resume') world.connection(id, '', { status: 'active' })
  if (name === 'connection.revoke') world.connection(id, '', { status: 'revoked' })
  if (name === 'connection.rename') world.connection(id, '', { name: String(args.name) })
  if (name === 'connection.set_caps') {
    const caps = (args.caps as { period: 'month'; amount: number }[]).map((c) => {
      const before = held?.caps.find((k) => k.period === c.period)
      return { spent: 0, held: 0, resets_at: null, ...before, ...c }
    })
    world.connection(id, '', { caps })
  }
  if (name === 'receipt.annotate') {
    const row = world.doc<object>('receipt', String(args.request_id))
    const { note = null, tags = [] } = (row ?? {}) as { note?: string | null; tags?: string[] }
    const { add_tags = [], remove_tags = [] } = args as { add_tags?: string[]; remove_tags?: string[] }
    const kept = tags.filter((tag) => !remove_tags.includes(tag))
    const written = { note: 'note' in args ? args.note : note, tags: [...new Set([...kept, ...add_tags])] }
    world.put('receipt', String(args.request_id), { ...row, ...written })
  }
  if (name === 'profile.set') world.profile(args)
  if (name === 'wallet.freeze') world.profile({ frozen: true })
  if (name === 'wallet.unfreeze') world.profile({ frozen: false })
  if (name === 'request.answer') world.put('consent_request', String(args.uid), null)
}

async function bodyOf(incoming: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  return incoming.headers['content-type']?.startsWith('application/json') && text ? JSON.parse(text) : text
}
