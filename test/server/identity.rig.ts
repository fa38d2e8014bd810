// A server of identity alone, with apps and consents in memory, and a browser that keeps cookies by path.
// owns: the wiring of these tests. never: an expectation. always true: it listens on loopback, on a free port.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { pino } from 'pino'
import { readConfig } from '../../server/config.ts'
import type { Connection } from '../../server/contract/records.ts'
import type { Db } from '../../server/db/db.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import type { Deps } from '../../server/deps.ts'
import { errorBody, errorHeaders, fault, isFault } from '../../server/faults.ts'
import type { Approval, ClientRecord, Directory } from '../../server/identity/directory.ts'
import { identityRoutes } from '../../server/identity/routes.ts'
import { newId } from '../../server/ids.ts'
import type { Mail } from '../../server/mail.ts'
import { freshDatabase } from '../support/postgres.ts'
import { type Database, freePort } from '../support/server.ts'

export type Json = Record<string, unknown>
export type Rig = {
  url: string
  db: Db
  dir: string
  directory: FakeDirectory
  /** What was handed to the outgoing mail port so far. */
  mails: Mail[]
  now: () => number
  /** Moves the server's clock, and only the server's. */
  later: (ms: number) => void
  /** A second server process on the same database, as far as identity can tell. */
  twin: () => Promise<string>
  close: () => Promise<void>
}
export type FakeDirectory = Directory & {
  clients: Map<string, ClientRecord>
  approvals: Approval[]
  connections: Map<string, Connection>
}

export const SECRET = 'the secret of a confidential app'
const NEVER = '2099-01-01T00:00:00.000Z'
export const REDIRECT = 'https://app.example/callback'
const ALL_SCOPES = ['openid', 'profile', 'email', 'credits.read', 'credits.spend']

/** Starts it. `scale` multiplies the rate limits. */
export async function startRig(database: Database, options: { scale?: number; host?: string } = {}): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'quota-identity-'))
  let shift = 0
  const now = () => Date.now() + shift
  const db = await open(database, dir, now)
  const masterKey = randomBytes(32)
  const directory = fakeDirectory()
  const mails: Mail[] = []
  const closers: (() => Promise<unknown>)[] = []
  const serve = async () => {
    const port = await freePort()
    const deps = depsOf({
      db,
      now,
      masterKey,
      publicUrl: `http://${options.host ?? '127.0.0.1'}:${port}`,
      scale: options.scale ?? 10_000,
      mails,
    })
    const app = await appOf(deps, directory)
    await app.listen({ port, host: '127.0.0.1' })
    closers.push(() => app.close())
    return deps.publicUrl
  }
  const url = await serve()
  return {
    url,
    db,
    dir,
    directory,
    mails,
    now,
    later: (ms) => {
      shift += ms
    },
    twin: serve,
    close: async () => {
      for (const close of closers) await close()
      await db.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function open(database: Database, dir: string, now: () => number): Promise<Db> {
  if (database === 'sqlite') return openSqlite({ dir, now })
  return openPostgres({ url: await freshDatabase(String(process.env.QUOTA_TEST_POSTGRES_URL)), now })
}

function depsOf(given: {
  db: Db
  now: () => number
  masterKey: Buffer
  publicUrl: string
  scale: number
  mails: Mail[]
}): Deps {
  const { publicKey } = generateKeyPairSync('ed25519')
  const { db, now, masterKey, publicUrl } = given
  const here = { db, now, masterKey, publicUrl, config: readConfig({ QUOTA_RATE_LIMIT_SCALE: String(given.scale) }) }
  const rest = {
    id: (prefix: string) => newId(prefix, now()),
    log: pino({ level: 'silent' }),
    mail: { by: 'test', send: async (mail: Mail) => void given.mails.push(mail) },
    owner: 'test',
    draining: () => false,
  }
  // Identity uses neither prices nor upstreams.
  return { ...here, ...rest, receiptKey: { kid: 'k', publicKey } } as unknown as Deps
}

async function appOf(deps: Deps, directory: Directory) {
  const app = Fastify({ genReqId: () => deps.id('req') })
  app.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id))
  app.setErrorHandler((error, request, reply) => {
    const known = isFault(error)
      ? error
      : fault((error as { statusCode?: number }).statusCode === 415 ? 'unsupported_media_type' : 'internal_error', {
          cause: error,
        })
    if (known.status === 500) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    return reply
      .code(known.status)
      .headers(errorHeaders(known))
      .send(errorBody(known, request.id, deps.publicUrl))
  })
  await identityRoutes(app, deps, directory)
  return app
}

function fakeDirectory(): FakeDirectory {
  const clients = new Map<string, ClientRecord>()
  const connections = new Map<string, Connection>()
  const approvals: Approval[] = []
  const add = (client_id: string, more: Partial<ClientRecord>) =>
    clients.set(client_id, {
      id: `app_${client_id}`,
      client_id,
      name: `App ${client_id}`,
      logo_uri: null,
      verified_domain: null,
      type: 'confidential',
      secret_hashes: more.type === 'public' ? [] : [sha(SECRET)],
      redirect_uris: [REDIRECT],
      allowed_scopes: ALL_SCOPES,
      markup_bps: 0,
      ...more,
    })
  add('web', {})
  add('other', {})
  add('rotating', { secret_hashes: [sha('new secret'), sha(SECRET)] })
  add('narrow', { allowed_scopes: ['openid', 'credits.read'] })
  add('spa', { type: 'public', redirect_uris: ['https://spa.example/cb'] })
  add('native', { type: 'public', redirect_uris: ['http://127.0.0.1/cb', 'http://[::1]/cb'] })
  return {
    clients,
    connections,
    approvals,
    client: async (id) => clients.get(id) ?? null,
    current: async (userId, appId) => connections.get(`${userId} ${appId}`) ?? null,
    link: async () => null,
    left: async () => undefined,
    estimate: () => ({ model: 'gpt-4o-mini', calls: 1000, credits_per_call: 5000 }),
    calendar: async () => ({ time_zone: 'UTC', resets_at: { day: NEVER, week: NEVER, month: NEVER } }),
    approve: async (approval) => {
      approvals.push(approval)
      const { userId, appId, scopes, clientMarkupBps } = approval
      const id = `conn_${approvals.length}`
      const some = { id, status: 'active', scopes: [...scopes], markup_bps: clientMarkupBps, caps: [] }
      connections.set(`${userId} ${appId}`, some as unknown as Connection)
      return { connectionId: id }
    },
  }
}

export function sha(text: string, encoding: 'hex' | 'base64url' = 'hex'): string {
  return createHash('sha256').update(text).digest(encoding)
}

// --- a browser -------------------------------------------------------------------------------------------------------

type Cookie = { name: string; value: string; path: string }
export type Answer = { status: number; headers: Headers; body: Json; text: string; location: string }
export type Browser = {
  cookies: Cookie[]
  /** One request; redirects are not followed, cookies are kept and sent by path. */
  go: (
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; json?: unknown; form?: Record<string, string> },
  ) => Promise<Answer>
  /** Follows redirects of our server until one leads elsewhere or nowhere. @returns the last address and answer */
  follow: (path: string) => Promise<{ at: URL; answer: Answer }>
}

export function browser(url: string): Browser {
  const cookies: Cookie[] = []
  const go: Browser['go'] = async (method, path, options = {}) => {
    const at = new URL(path, url)
    const cookie = cookies
      .filter((c) => at.pathname.startsWith(c.path))
      .map((c) => `${c.name}=${c.value}`)
      .join('; ')
    const headers: Record<string, string> = { ...(cookie ? { cookie } : {}), ...options.headers }
    let body: string | undefined
    if (options.json !== undefined) {
      body = typeof options.json === 'string' ? options.json : JSON.stringify(options.json)
      headers['content-type'] ??= 'application/json'
    } else if (options.form) {
      body = new URLSearchParams(options.form).toString()
      headers['content-type'] = 'application/x-www-form-urlencoded'
    }
    const reply = await fetch(at, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) })
    for (const line of reply.headers.getSetCookie()) keep(cookies, line)
    const text = await reply.text()
    return {
      status: reply.status,
      headers: reply.headers,
      text,
      body: parsed(text),
      location: reply.headers.get('location') ?? '',
    }
  }
  const follow: Browser['follow'] = async (path) => {
    let at = new URL(path, url)
    for (let step = 0; step < 8; step++) {
      const answer = await go('GET', at.href)
      if (!answer.location) return { at, answer }
      at = new URL(answer.location, at)
      if (at.origin !== new URL(url).origin || at.pathname.startsWith('/wallet/')) return { at, answer }
    }
    throw new Error('too many redirects')
  }
  return { cookies, go, follow }
}

function keep(cookies: Cookie[], line: string): void {
  const [pair = '', ...attributes] = line.split('; ')
  const name = pair.slice(0, pair.indexOf('='))
  const value = pair.slice(pair.indexOf('=') + 1)
  const path = attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? '/'
  const gone = value === '' || attributes.some((a) => /^max-age=0$/i.test(a) || /expires=Thu, 01 Jan 1970/i.test(a))
  const at = cookies.findIndex((c) => c.name === name && c.path === path)
  if (at >= 0) cookies.splice(at, 1)
  if (!gone) cookies.push({ name, value, path })
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return {}
  }
}

// --- journeys --------------------------------------------------------------------------------------------------------

export type Signed = { id: string; email: string; password: string; session: string }

export async function register(rig: Rig, on: Browser = browser(rig.url)): Promise<Signed> {
  const email = `p-${randomBytes(6).toString('hex')}@example.org`
  const password = 'correct horse battery'
  const reply = await on.go('POST', '/auth/register', { json: { email, password } })
  if (reply.status !== 201) throw new Error(`register: ${reply.status} ${reply.text}`)
  return { id: (reply.body.user as Json).id as string, email, password, session: String(reply.body.session_token) }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
export const OWN = { 'x-quota-wallet': '1' }

export type Flow = {
  client?: string
  redirect?: string
  scope?: string
  query?: Record<string, string>
  verifier?: string
}
export const VERIFIER = 'v'.repeat(64)

/** The address that begins a sign-in; a query value of '' leaves the parameter out. */
export function authorizePath(flow: Flow = {}): string {
  const query: Record<string, string> = {
    client_id: flow.client ?? 'web',
    redirect_uri: flow.redirect ?? REDIRECT,
    response_type: 'code',
    scope: flow.scope ?? 'openid credits.spend',
    state: 'the-state',
    code_challenge: sha(flow.verifier ?? VERIFIER, 'base64url'),
    code_challenge_method: 'S256',
    ...flow.query,
  }
  return `/oauth/authorize?${new URLSearchParams(Object.entries(query).filter(([, v]) => v !== ''))}`
}

/** From authorize to the request's uid. */
export async function ask(on: Browser, flow: Flow = {}): Promise<string> {
  const { at, answer } = await on.follow(authorizePath(flow))
  const uid = /\/wallet\/interaction\/([\w-]+)$/.exec(at.pathname)?.[1]
  if (!uid) throw new Error(`no interaction: ${at.href} ${answer.status} ${answer.text}`)
  return uid
}

/** From authorize to the code, answered with a session bearer. */
export async function codeFor(
  rig: Rig,
  person: Signed,
  flow: Flow = {},
  on: Browser = browser(rig.url),
): Promise<string> {
  // A browser that is signed in and has agreed goes straight through.
  const { at: first } = await on.follow(authorizePath(flow))
  const silent = first.searchParams.get('code')
  if (silent) return silent
  const uid = first.pathname.split('/').at(-1)
  const decision = flow.client === 'quota-wallet' ? 'continue' : 'approve'
  const answer = await on.go('POST', `/oauth/interactions/${uid}`, {
    headers: bearer(person.session),
    json: { decision },
  })
  if (answer.status !== 200) throw new Error(`answer: ${answer.status} ${answer.text}`)
  const { at, answer: last } = await on.follow(String(answer.body.redirect_to))
  const code = at.searchParams.get('code')
  if (!code) throw new Error(`no code: ${at.href} ${last.status} ${last.text}`)
  return code
}

/** One token request. Clients other than public ones authenticate with SECRET unless `form` says otherwise. */
export function tokenRequest(rig: Rig, flow: Flow, form: Record<string, string>): Promise<Answer> {
  const client = flow.client ?? 'web'
  const secret: Record<string, string> = ['spa', 'native', 'quota-wallet'].includes(client)
    ? {}
    : { client_secret: SECRET }
  const all = { client_id: client, ...secret, ...form }
  return browser(rig.url).go('POST', '/oauth/token', {
    form: Object.fromEntries(Object.entries(all).filter(([, v]) => v !== '')),
  })
}

export function exchange(rig: Rig, flow: Flow, code: string, form: Record<string, string> = {}): Promise<Answer> {
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: flow.redirect ?? REDIRECT,
    code_verifier: flow.verifier ?? VERIFIER,
  }
  return tokenRequest(rig, flow, { ...fields, ...form })
}

export function refresh(
  rig: Rig,
  flow: Flow,
  refreshToken: string,
  form: Record<string, string> = {},
): Promise<Answer> {
  return tokenRequest(rig, flow, { grant_type: 'refresh_token', refresh_token: refreshToken, ...form })
}

export type Tokens = { access: string; refresh: string; body: Json }

/** The whole way, on a new browser unless one is given. */
export async function tokensFor(rig: Rig, person: Signed, flow: Flow = {}, on?: Browser): Promise<Tokens> {
  const reply = await exchange(rig, flow, await codeFor(rig, person, flow, on))
  if (reply.status !== 200) throw new Error(`token: ${reply.status} ${reply.text}`)
  return { access: String(reply.body.access_token), refresh: String(reply.body.refresh_token), body: reply.body }
}
