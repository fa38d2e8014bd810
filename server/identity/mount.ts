// Where Fastify hands a request over to oidc-provider.
// owns: the list of its paths, what it may believe of a request's origin. never: a body (oidc-provider reads it).
// always true: host and protocol are those of our public address, whatever the request says.

import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { Provider } from 'oidc-provider'
import type { Deps } from '../deps.ts'
import { errorHeaders, isFault, oauthErrorBody } from '../faults.ts'
import { type Bucket, bucketOfAddress, rateLimits } from '../rate-limit.ts'
import { tokenHash } from '../seal.ts'
import { ROUTES, type Serving } from './provider.ts'

type Row = readonly [methods: readonly HTTPMethods[], path: string, counted: (request: FastifyRequest) => Bucket | null]

// Guessing a device's code has to be hopeless.
const byGuess = (request: FastifyRequest): Bucket => ({ key: `device:${request.ip}`, perMinute: 10 })
const byToken = (request: FastifyRequest): Bucket => ({
  key: `userinfo:${tokenHash(request.headers.authorization ?? request.ip)}`,
  perMinute: 100,
})
const byClient = (): null => null // counted once the client is known; see clients.ts
const elsewhere = (): null => null // app.ts counts what asks without a credential
const PUBLIC = 'public, max-age=3600'

const PATHS: readonly Row[] = [
  [['GET', 'HEAD', 'OPTIONS'], '/.well-known/openid-configuration', elsewhere],
  [['GET', 'HEAD', 'OPTIONS'], '/.well-known/oauth-authorization-server', elsewhere],
  [['GET', 'HEAD', 'OPTIONS'], ROUTES.jwks, elsewhere],
  [['GET'], ROUTES.authorization, bucketOfAddress],
  [['GET'], `${ROUTES.authorization}/:uid`, bucketOfAddress],
  [['POST', 'OPTIONS'], ROUTES.token, byClient],
  [['POST', 'OPTIONS'], ROUTES.revocation, bucketOfAddress],
  [['POST', 'OPTIONS'], ROUTES.introspection, byToken],
  [['GET', 'POST', 'OPTIONS'], ROUTES.userinfo, byToken],
  [['POST', 'OPTIONS'], ROUTES.pushed_authorization_request, bucketOfAddress],
  [['POST', 'OPTIONS'], ROUTES.device_authorization, bucketOfAddress],
  [['GET', 'POST'], ROUTES.code_verification, byGuess],
  [['GET'], `${ROUTES.code_verification}/:uid`, bucketOfAddress],
  [['POST'], `${ROUTES.end_session}/confirm`, bucketOfAddress],
]

/** Adds the protocol's endpoints to the server. */
export async function mountProvider(app: FastifyInstance, deps: Deps, serving: Serving): Promise<void> {
  const answers = new WeakMap<Provider, ReturnType<Provider['callback']>>()
  const answer = () => {
    const { provider } = serving
    const made = answers.get(provider) ?? provider.callback()
    answers.set(provider, made)
    return made
  }
  await app.register(async (scope) => {
    // The body stays in the socket; oidc-provider reads and bounds it (56 KiB).
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined))
    for (const [methods, url, counted] of PATHS) {
      scope.route({
        method: [...methods],
        url,
        exposeHeadRoute: false,
        handler: async (request, reply) => {
          const refused = await overRate(deps, counted(request), reply)
          if (refused) return refused
          handOver(deps, request, reply, answer())
          return reply
        },
      })
    }
  })
}

// The protocol's endpoints speak the RFC's error shape, here too.
async function overRate(
  deps: Deps,
  bucket: Bucket | null,
  reply: FastifyReply,
): Promise<{ error: string; error_description: string } | null> {
  if (!bucket) return null
  try {
    await rateLimits(deps).take(bucket, (name, value) => void reply.header(name, value))
    return null
  } catch (error) {
    if (!isFault(error)) throw error
    reply.code(error.status).headers(errorHeaders(error))
    return oauthErrorBody(error)
  }
}

function handOver(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: ReturnType<Provider['callback']>,
): void {
  if (request.url.startsWith('/.well-known/')) reply.header('cache-control', PUBLIC)
  // A directive that oidc-provider can add the hash of its form_post script to.
  reply.header(
    'content-security-policy',
    "default-src 'none'; script-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  )
  reply.hijack()
  const { protocol, host } = new URL(deps.publicUrl)
  Object.assign(request.raw.headers, {
    host,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.slice(0, -1),
    'x-forwarded-for': request.ip,
  })
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value)
  void answer(request.raw, reply.raw)
}
