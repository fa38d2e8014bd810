// Routes of the grant pool and of grants, for the console.
// owns: /developers/grants, an app's grant settings. never: a decision.
// always true: amounts are credits here (dollars are /v1/funding's, and the CSV's); what is another's does not exist.

import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ownApp } from '../connections/apps.ts'
import { requireDeveloper } from '../connections/credentials.ts'
import { checkReturnUrl } from '../connections/names.ts'
import {
  DeveloperGrantCreate,
  GrantSettings,
  GrantStatus,
  GrantsBulk,
  PoolChange,
  PoolCheckout,
} from '../contract/developers.ts'
import { Id } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { grantLines } from '../grants/csv.ts'
import { developerGrant, giveBulk, giveOwnGrant, grantsOf, ownGrant, withdrawGrant } from '../grants/developer.ts'
import { grantSettings, setGrantSettings } from '../grants/settings.ts'
import { body } from '../http.ts'
import { reply as answerOf, attemptOf } from '../idempotency/idempotency.ts'
import { payAt } from '../payments/purchase.ts'
import { returnUrl } from '../payments/sandbox-page.ts'
import { cursorOf, limitOf, textOf } from '../query.ts'
import { beginPoolCheckout, moveOwnPool, poolState, sweepPurchases } from './pool.ts'

type ById = { Params: { id: string } }
const SECRET_BYTES = 16
const NEWEST = '~'

export function grantRoutes(app: FastifyInstance, deps: Deps): void {
  poolRoutes(app, deps)
  giveRoutes(app, deps)
  bulkRoute(app, deps)

  const settings = '/developers/apps/:id/grant-settings'
  app.get<ById>(settings, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    await ownApp(deps.db, publisherId, request.params.id)
    return grantSettings(deps.db, request.params.id)
  })
  app.put<ById>(settings, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const given = body(GrantSettings, request)
    return deps.db.tx(setGrantSettings, { publisherId, appId: request.params.id, settings: given })
  })
}

function poolRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/developers/grants/pool', async (request) => poolState(deps, await requireDeveloper(deps, request)))

  for (const [path, direction] of [
    ['/developers/grants/pool', 'in'],
    ['/developers/grants/pool/withdraw', 'out'],
  ] as const) {
    app.post(path, async (request, reply) => {
      const publisherId = await requireDeveloper(deps, request)
      const { amount } = body(PoolChange, request)
      const attempt = attemptOf(request, { route: path, app: '', payer: publisherId }, { amount })
      await sweepPurchases(deps, publisherId)
      return answerOf(reply, await deps.db.tx(moveOwnPool, { publisherId, amount, direction, attempt }))
    })
  }

  app.post('/developers/grants/pool/checkout', async (request, reply) => {
    const publisherId = await requireDeveloper(deps, request)
    const given = body(PoolCheckout, request)
    checkReturnUrl(returnUrl(given.success_url, 'id'), 'success_url')
    checkReturnUrl(returnUrl(given.cancel_url, 'id'), 'cancel_url')
    const made = await deps.db.tx(beginPoolCheckout, {
      publisherId,
      id: `${deps.id('chk')}${randomBytes(SECRET_BYTES).toString('hex')}`,
      buyer: { userId: publisherId },
      packageId: given.package_id,
      successUrl: given.success_url,
      cancelUrl: given.cancel_url,
      livemode: deps.payments.livemode,
      scale: deps.payments.livemode ? 1 : deps.config.QUOTA_RATE_LIMIT_SCALE,
      attempt: attemptOf(request, { route: '/developers/grants/pool/checkout', app: '', payer: publisherId }, given),
    })
    const { id } = answerOf(reply, made)
    const { url } = await payAt(deps, id)
    return { id, url }
  })
}

function giveRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/developers/grants', async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const limit = limitOf(request)
    const status = textOf(request, 'status')
    if (status !== null && !GrantStatus.safeParse(status).success)
      throw fault('bad_request', { message: 'status: open, expired or withdrawn.', param: 'status' })
    const rows = await grantsOf(deps.db, {
      publisherId,
      appId: textOf(request, 'app_id'),
      externalUserId: named(request),
      status: status as 'open' | null,
      before: cursorOf(request, NEWEST),
      limit: limit + 1,
    })
    const grants = rows.slice(0, limit)
    return { grants, next_cursor: rows.length > limit ? (grants.at(-1)?.id ?? null) : null }
  })

  app.post('/developers/grants', async (request, reply) => {
    const publisherId = await requireDeveloper(deps, request)
    const given = body(DeveloperGrantCreate, request)
    const { app_id: appId, external_user_id: externalUserId, amount, description } = given
    await ownApp(deps.db, publisherId, appId)
    const made = await deps.db.tx(giveOwnGrant, {
      publisherId,
      appId,
      externalUserId,
      amount,
      description: description ?? null,
      expiresAt: given.expires_at === undefined ? null : Date.parse(given.expires_at),
      attempt: attemptOf(request, { route: '/developers/grants', app: appId, payer: publisherId }, given),
    })
    return { grant: answerOf(reply, made), duplicate: made.replayed }
  })

  app.get<ById>('/developers/grants/:id', async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    return { grant: await developerGrant(deps.db, await ownGrant(deps.db, publisherId, idOf(request.params.id))) }
  })

  app.post<ById>('/developers/grants/:id/withdraw', async (request, reply) => {
    const publisherId = await requireDeveloper(deps, request)
    const grantId = idOf(request.params.id)
    const scope = { route: '/developers/grants/{id}/withdraw', app: '', payer: publisherId }
    const attempt = attemptOf(request, scope, { grantId })
    return { grant: answerOf(reply, await deps.db.tx(withdrawGrant, { publisherId, grantId, attempt })) }
  })
}

function bulkRoute(app: FastifyInstance, deps: Deps): void {
  app.post('/developers/grants/bulk', async (request, reply) => {
    const publisherId = await requireDeveloper(deps, request)
    const given = body(GrantsBulk, request)
    const made = await deps.db.tx(giveBulk, {
      publisherId,
      appId: given.app_id,
      lines: grantLines(given.csv),
      dryRun: given.dry_run === true,
      attempt: attemptOf(request, { route: '/developers/grants/bulk', app: given.app_id, payer: publisherId }, given),
    })
    return { ...answerOf(reply, made), duplicate: made.replayed }
  })
}

// A user is named within an app.
function named(request: FastifyRequest): string | null {
  const name = textOf(request, 'external_user_id')
  if (name !== null && textOf(request, 'app_id') === null)
    throw fault('bad_request', { message: 'external_user_id: name the app_id too.', param: 'app_id' })
  return name
}

function idOf(text: string): string {
  if (!Id.safeParse(text).success) throw fault('not_found')
  return text
}
