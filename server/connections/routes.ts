// Routes of developers' apps and keys.
// owns: /developers/apps, /developers/keys. never: a decision.
// always true: only a session may come here; what is not the caller's does not exist.

import type { FastifyInstance } from 'fastify'
import { AppCreate, AppSettings, DomainSet, DomainVerify, KeyCreate, KeyRotate, KeySettings } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { appDocument, appsOf, archivedApps, createApp, deleteApp, freshSecret, ownAppEver, setApp } from './apps.ts'
import { requireDeveloper } from './credentials.ts'
import { domainOf, freshProof, removeDomain, setDomain, verifyDomain } from './domains.ts'
import { rotateKey, setKey } from './key-changes.ts'
import { createKey, freshKey, keysOf, revokeKey } from './keys.ts'
import { checkDomain } from './names.ts'
import { revokeSecondary, rotateSecret } from './secrets.ts'

type ById = { Params: { id: string } }

const ROTATIONS_PER_MIN = 5
/** Each may make this server ask another one. */
const DOMAIN_LOOKS_PER_MIN = 10

export function connectionsRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/developers/apps', async (request, reply) => {
    const userId = await requireDeveloper(deps, request)
    const given = body(AppCreate, request)
    const secret = given.type === 'public' ? null : freshSecret()
    const clientId = deps.id('quota_client')
    const made = await deps.db.tx(createApp, { publisherId: userId, clientId, secretHash: secret?.hash ?? null, given })
    reply.code(201)
    return secret ? { app: made, client_secret: secret.secret } : { app: made }
  })

  app.get<{ Querystring: { archived?: string } }>('/developers/apps', async (request) => {
    const userId = await requireDeveloper(deps, request)
    const rows = request.query.archived === 'true' ? archivedApps(deps.db, userId) : appsOf(deps.db, userId)
    return { apps: (await rows).map(appDocument) }
  })

  app.get<ById>('/developers/apps/:id', async (request) => {
    const userId = await requireDeveloper(deps, request)
    return { app: appDocument(await ownAppEver(deps.db, userId, request.params.id)) }
  })

  app.patch<ById>('/developers/apps/:id/settings', async (request) => {
    const userId = await requireDeveloper(deps, request)
    const { profit_margin, ...changes } = body(AppSettings, request)
    if (profit_margin !== undefined) {
      if (changes.markup_bps !== undefined) {
        throw fault('bad_request', { message: 'Give markup_bps or profit_margin, not both.', param: 'profit_margin' })
      }
      changes.markup_bps = bpsOf(profit_margin)
    }
    return { app: await deps.db.tx(setApp, { publisherId: userId, appId: request.params.id, changes }) }
  })

  app.delete<ById>('/developers/apps/:id', async (request) => {
    const userId = await requireDeveloper(deps, request)
    await deps.db.tx(deleteApp, { publisherId: userId, appId: request.params.id })
    return { id: request.params.id, deleted: true }
  })

  app.post<ById>('/developers/apps/:id/rotate-secret', async (request) => {
    const userId = await requireDeveloper(deps, request)
    await request.countAgainst({ key: `rotate:${userId}`, perMinute: ROTATIONS_PER_MIN })
    const { secret, hash } = freshSecret()
    const of = { publisherId: userId, appId: request.params.id }
    return { app: await deps.db.tx(rotateSecret, { ...of, secretHash: hash }), client_secret: secret }
  })

  app.post<ById>('/developers/apps/:id/revoke-secondary-secret', async (request) => {
    const userId = await requireDeveloper(deps, request)
    await request.countAgainst({ key: `rotate:${userId}`, perMinute: ROTATIONS_PER_MIN })
    return { app: await deps.db.tx(revokeSecondary, { publisherId: userId, appId: request.params.id }) }
  })

  domainRoutes(app, deps)
  keyRoutes(app, deps)
}

function domainRoutes(app: FastifyInstance, deps: Deps): void {
  const path = '/developers/apps/:id/domain'
  app.get<ById>(path, async (request) => {
    const userId = await requireDeveloper(deps, request)
    return domainOf(deps.db, { publisherId: userId, appId: request.params.id })
  })

  app.post<ById>(path, async (request) => {
    const userId = await requireDeveloper(deps, request)
    const of = { publisherId: userId, appId: request.params.id }
    const domain = checkDomain(body(DomainSet, request).domain)
    return deps.db.tx(setDomain, { ...of, domain, proof: freshProof() })
  })

  app.post<ById>(`${path}/verify`, async (request) => {
    const userId = await requireDeveloper(deps, request)
    await request.countAgainst({ key: `domain:${userId}`, perMinute: DOMAIN_LOOKS_PER_MIN })
    const of = { publisherId: userId, appId: request.params.id }
    return verifyDomain(deps, of, body(DomainVerify, request).by)
  })

  app.delete<ById>(path, async (request) => {
    const userId = await requireDeveloper(deps, request)
    await deps.db.tx(removeDomain, { publisherId: userId, appId: request.params.id })
    return { id: request.params.id, deleted: true }
  })
}

function keyRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/developers/keys', async (request, reply) => {
    const userId = await requireDeveloper(deps, request)
    const given = body(KeyCreate, request)
    const { secret, hash, prefix } = freshKey()
    const key = await deps.db.tx(createKey, { publisherId: userId, hash, prefix, given })
    reply.code(201)
    return { key, secret }
  })

  app.get('/developers/keys', async (request) => {
    const userId = await requireDeveloper(deps, request)
    return { keys: await keysOf(deps.db, userId) }
  })

  app.patch<ById>('/developers/keys/:id', async (request) => {
    const userId = await requireDeveloper(deps, request)
    const changes = body(KeySettings, request)
    return { key: await deps.db.tx(setKey, { publisherId: userId, keyId: request.params.id, changes }) }
  })

  app.post<ById>('/developers/keys/:id/rotate', async (request) => {
    const userId = await requireDeveloper(deps, request)
    await request.countAgainst({ key: `rotate:${userId}`, perMinute: ROTATIONS_PER_MIN })
    const { overlap_s: overlapS } = body(KeyRotate, request)
    const { secret, hash, prefix } = freshKey()
    const of = { publisherId: userId, keyId: request.params.id }
    return { ...(await deps.db.tx(rotateKey, { ...of, hash, prefix, overlapS })), secret }
  })

  app.delete<ById>('/developers/keys/:id', async (request) => {
    const userId = await requireDeveloper(deps, request)
    await deps.db.tx(revokeKey, { publisherId: userId, keyId: request.params.id })
    return { id: request.params.id, deleted: true }
  })
}

/**
 * A fraction as hundredths of a percent, exactly: its shortest decimal text is read, nothing is multiplied.
 * @throws Fault `bad_request` when it is finer than that
 */
export function bpsOf(fraction: number): number {
  const found = /^(\d{1,2})(?:\.(\d{1,4}))?$/.exec(String(fraction))
  if (!found) throw fault('bad_request', { message: 'profit_margin: at most four decimals.', param: 'profit_margin' })
  return Number(found[1]) * 10_000 + Number((found[2] ?? '').padEnd(4, '0'))
}
