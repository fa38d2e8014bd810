// The HTTP server: one visible list of routes, and what all of them share.
// owns: request ids, refusals of malformed requests, the one error renderer, headers, CORS for the wallet.
// never: a decision about money. always true: every reply carries x-request-id; every failure has the contract's shape.

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import cookie from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { leavingRoutes } from './account/routes.ts'
import { adminRoutes } from './admin.ts'
import { analyticsRoutes } from './analytics/routes.ts'
import { callerOf, namesSomebody } from './connections/credentials.ts'
import { directoryOf } from './connections/directory.ts'
import { connectionsRoutes } from './connections/routes.ts'
import type { Db } from './db/db.ts'
import type { Deps } from './deps.ts'
import { developersRoutes } from './developers/routes.ts'
import { docsRoutes } from './docs.ts'
import { errorBody, errorHeaders, type Fault, fault, isFault, oauthErrorBody } from './faults.ts'
import { grantsRoutes } from './grants/routes.ts'
import { welcoming } from './grants/welcome.ts'
import { asFault, MAX_BODY_BYTES, readJson } from './http.ts'
import { identityRoutes } from './identity/routes.ts'
import { paymentsRoutes } from './payments/routes.ts'
import { proxyRoutes } from './proxy/routes.ts'
import { bucketOfAddress, rateLimits } from './rate-limit.ts'
import { receiptRoutes } from './receipts/routes.ts'
import { linksOf } from './vault/links.ts'
import { walletRoutes } from './wallet/routes.ts'
import { walletPages } from './wallet-pages.ts'
import { webhookRoutes } from './webhooks/routes.ts'

const SINGLE_HEADERS = new Set([
  'host',
  'authorization',
  'dpop',
  'x-api-key',
  'x-quota-user',
  'idempotency-key',
  'content-type',
])
const MAX_URL = 8192

/** Builds the server around its ports. It does not listen yet. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    genReqId: () => deps.id('req'),
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 4096, caseSensitive: true },
    trustProxy: false,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: 30_000,
      connectionsCheckingInterval: 5000,
      maxHeaderSize: 16_384,
      requireHostHeader: false,
    },
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => refuseUnread(deps, error, socket),
    frameworkErrors: (error, request, reply) =>
      void sendError(deps, error, request as FastifyRequest, reply as FastifyReply),
  })
  app.server.maxHeadersCount = 100
  const methods = knownMethods(app)
  jsonOnly(app)
  app.decorateRequest('rawBody', null)
  app.decorateRequest('calledBy', null)
  app.decorateRequest('countAgainst', () => undefined)
  app.addHook('onRequest', async (request, reply) => onRequest(deps, request, reply))
  countTheRest(app, deps)
  tellOnlyWhatIsKept(app, deps.db)
  app.setErrorHandler((error, request, reply) => sendError(deps, error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const known = methods(request.url.split('?', 1)[0] ?? '')
    if (known.length > 0) reply.header('allow', known.join(', '))
    return sendError(deps, fault(known.length > 0 ? 'method_not_allowed' : 'not_found'), request, reply)
  })
  await app.register(cookie)

  adminRoutes(app, deps)
  docsRoutes(app, deps)
  receiptRoutes(app, deps)
  const answers = directoryOf(deps)
  const directory = { ...answers, ...welcoming(deps, answers), ...linksOf(deps) }
  await identityRoutes(app, deps, directory)
  leavingRoutes(app, deps, directory)
  connectionsRoutes(app, deps)
  grantsRoutes(app, deps)
  analyticsRoutes(app, deps)
  webhookRoutes(app, deps)
  developersRoutes(app, deps)
  paymentsRoutes(app, deps)
  proxyRoutes(app, deps)
  walletRoutes(app, deps)
  walletPages(app, deps)
  return app
}

// JSON is the only body type; a route that takes another (forms, OAuth) registers it in a scope of its own.
function jsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      request.rawBody = bytes
      return bytes.length === 0 ? {} : readJson(bytes)
    },
  )
}

async function onRequest(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { raw } = request
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  reply.header('referrer-policy', 'no-referrer')
  reply.header('cache-control', 'no-store')
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  if (deps.publicUrl.startsWith('https:')) reply.header('strict-transport-security', 'max-age=31536000')
  if (cors(deps, request, reply)) return reply.code(204).send()
  request.countAgainst = (bucket) => rateLimits(deps).take(bucket, (name, value) => void reply.header(name, value))
  if (raw.url && raw.url.length > MAX_URL) throw fault('uri_too_long')
  if (raw.url && /%00|[^\x21-\x7e]/.test(raw.url))
    throw fault('bad_request', { message: 'The address holds a forbidden character.' })
  if (raw.headers.host === undefined && raw.httpVersion === '1.1')
    throw fault('bad_request', { message: 'The header host is missing.' })
  refuseDoubled(raw)
  if (isAnonymous(request)) await request.countAgainst(bucketOfAddress(request))
  const encoding = raw.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') throw fault('unsupported_media_type')
  return undefined
}

/** These read nothing of the books: a disk that hangs keeps nobody from them. */
const OF_NO_BOOKS = /^\/(wallet|healthz)(\/|\?|$)/

/** An answer to a GET waits until what it may have seen is on disk; after a POST its own commit is. */
export function tellOnlyWhatIsKept(app: FastifyInstance, db: Pick<Db, 'settled'>): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const reads = request.method === 'GET' && reply.statusCode < 400 && !OF_NO_BOOKS.test(request.raw.url ?? '')
    const settled = reads ? db.settled() : null
    if (settled === null) return done()
    settled.then(() => done(), done)
  })
}

/** A monitor asks for these often, or they are guarded by a secret of their own. */
const WITHOUT_LIMIT = /^\/(wallet|healthz|readyz|metrics|admin|sandbox|webhooks\/stripe)(\/|\?|$)/

// What no handler has counted (a public route, a body that is none, a path that is none) counts for whom it names, else
// for its address: a cookie or a bearer that nobody reads opens no way around the limits.
function countTheRest(app: FastifyInstance, deps: Deps): void {
  const count = async (request: FastifyRequest, reply: FastifyReply) => {
    if (namesSomebody(request))
      await callerOf(deps, request).catch((error) => {
        if (isFault(error) && error.code === 'rate_limit_exceeded') throw error
      })
    if (!reply.hasHeader('x-ratelimit-limit')) await request.countAgainst(bucketOfAddress(request))
  }
  app.addHook('onSend', (request, reply, payload, done) => {
    const preflight = request.method === 'OPTIONS' && reply.statusCode === 204
    if (preflight || reply.hasHeader('x-ratelimit-limit') || WITHOUT_LIMIT.test(request.raw.url ?? ''))
      return done(null, payload)
    count(request, reply).then(
      () => done(null, payload),
      (error) => {
        if (!isFault(error) || error.code !== 'rate_limit_exceeded') return done(null, payload)
        reply.code(error.status).headers(errorHeaders(error)).type('application/json').removeHeader('content-length')
        done(null, errorText(deps, error, request))
      },
    )
  })
}

const OWN_LIMITS = /^\/(oauth|auth)(\/|\?|$)/

function isAnonymous(request: FastifyRequest): boolean {
  const { url = '' } = request.raw
  return !namesSomebody(request) && !WITHOUT_LIMIT.test(url) && !OWN_LIMITS.test(url)
}

// Node merges or drops doubled headers silently; the raw list does not.
function refuseDoubled(raw: IncomingMessage): void {
  const seen = new Set<string>()
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    const name = raw.rawHeaders[i]?.toLowerCase() ?? ''
    if (!SINGLE_HEADERS.has(name)) continue
    if (seen.has(name)) throw fault('bad_request', { message: `The header ${name} is given twice.` })
    seen.add(name)
  }
}

// The desktop's pages come from their own origin; nobody else's pages may read our answers with credentials.
// Answers whether the request was a preflight, which needs nothing more.
function cors(deps: Deps, request: FastifyRequest, reply: FastifyReply): boolean {
  const { origin } = request.headers
  if (!origin) return false
  if (!deps.config.QUOTA_WALLET_ORIGINS.includes(origin))
    return OPEN_TO_PAGES.test(request.url) && openTo(request, reply)
  reply.header('access-control-allow-origin', origin)
  reply.header('vary', 'origin')
  reply.header('access-control-expose-headers', 'x-request-id, retry-after, date')
  if (request.method !== 'OPTIONS') return false
  reply.header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
  reply.header('access-control-allow-headers', 'authorization, content-type, idempotency-key, x-quota-wallet, accept')
  reply.header('access-control-max-age', '600')
  return true
}

/** What an app's own pages may call with the access token they hold. */
const OPEN_TO_PAGES = /^\/(v1\/(?!wallet\/)|\.well-known\/quota-receipts\.json)/

// Any origin, because nothing comes along by itself: without allow-credentials a browser sends no cookie of ours, and who
// holds no token reads what anybody reads (Fetch, 3.3.5).
function openTo(request: FastifyRequest, reply: FastifyReply): boolean {
  reply.header('access-control-allow-origin', '*')
  reply.header('access-control-expose-headers', '*')
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false
  reply.header('access-control-allow-methods', 'GET, POST, DELETE')
  reply.header('access-control-allow-headers', 'authorization, *')
  reply.header('access-control-max-age', '600')
  return true
}

// The endpoints of OAuth speak the protocol's own error shape, whoever of us refuses.
const OF_OAUTH = /^\/oauth\/(authorize|token|revoke|introspect|par|device|userinfo)(\?|$)/

function sendError(deps: Deps, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = asFault(deps, error, request.id)
  return reply
    .code(known.status)
    .headers({ 'x-request-id': request.id, ...errorHeaders(known) })
    .type('application/json')
    .send(errorText(deps, known, request))
}

function errorText(deps: Deps, error: Fault, request: FastifyRequest): string {
  if (OF_OAUTH.test(request.raw.url ?? '')) return JSON.stringify(oauthErrorBody(error))
  const body = errorBody(error, request.id, deps.publicUrl)
  return JSON.stringify(request.routeOptions?.config.typedErrors ? { type: 'error', ...body } : body)
}

const UNREAD: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Answers what Node could not read as a request: no route and no hook sees it. */
function refuseUnread(deps: Deps, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const id = deps.id('req')
  const body = JSON.stringify(errorBody(fault('bad_request'), id, deps.publicUrl))
  const head = [
    `HTTP/1.1 ${UNREAD[error.code ?? ''] ?? '400 Bad Request'}`,
    `x-request-id: ${id}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

// Fastify answers 404 for a known path with another method; the honest answer is 405 with Allow (RFC 9110, 15.5.6).
function knownMethods(app: FastifyInstance): (path: string) => string[] {
  const routes: { method: string; pattern: RegExp }[] = []
  app.addHook('onRoute', (route) => {
    if (route.url.includes('*')) return
    const pattern = new RegExp(`^${route.url.replace(/[.+?^$()[\]{}|\\]/g, '\\$&').replace(/:[A-Za-z_]+/g, '[^/]+')}$`)
    for (const method of [route.method].flat()) routes.push({ method: String(method), pattern })
  })
  return (path) => [...new Set(routes.filter((route) => route.pattern.test(path)).map((route) => route.method))]
}
