// Routes of funding, and what an app may read of its users.
// owns: /v1/funding, /v1/balance, /v1/me, /v1/users. never: a decision.
// always true: an app sees its own users alone, and of their money only what is spendable there.

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type KeyCaller, requireCaller, requireScope } from '../connections/credentials.ts'
import { GrantCreate, PoolMove } from '../contract/api.ts'
import { ExternalUserId } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body, parse } from '../http.ts'
import { reply as answerOf, attemptOf } from '../idempotency/idempotency.ts'
import { dollarAmount } from './amount.ts'
import { giveGrant, unlinkExternal } from './give.ts'
import { movePool, poolDocument } from './pool.ts'
import { balanceOf, listUsers, personOf, userBalance, userDocument } from './reads.ts'

/** The real schema follows once `amount` has been read from its text. */
const AnyObject = z.record(z.string(), z.unknown())

type ByUser = { Params: { user: string } }

export function grantsRoutes(app: FastifyInstance, deps: Deps): void {
  fundingRoutes(app, deps)
  readRoutes(app, deps)
}

function fundingRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/v1/funding/pool', async (request) => {
    const { publisherId } = await requireCaller(deps, request, 'key')
    return poolDocument(deps.db, publisherId)
  })

  for (const [path, direction] of [
    ['/v1/funding/pool', 'in'],
    ['/v1/funding/pool/withdraw', 'out'],
  ] as const) {
    app.post(path, async (request, reply) => {
      const caller = await fundingCaller(deps, request)
      const amount = dollarAmount(request.rawBody)
      parse(PoolMove, { ...body(AnyObject, request), amount })
      const scope = { route: path, app: caller.appId, payer: caller.publisherId }
      const attempt = attemptOf(request, scope, { amount })
      return answerOf(
        reply,
        await deps.db.tx(movePool, { publisherId: caller.publisherId, amount, direction, attempt }),
      )
    })
  }

  app.post('/v1/funding/grant', async (request, reply) => {
    const { appId, publisherId } = await fundingCaller(deps, request)
    const amount = dollarAmount(request.rawBody)
    const given = parse(GrantCreate, { ...body(AnyObject, request), amount })
    const attempt = attemptOf(request, { route: '/v1/funding/grant', app: appId, payer: publisherId }, given)
    const made = await deps.db.tx(giveGrant, {
      publisherId,
      appId,
      externalUserId: given.external_user_id,
      amount,
      description: given.description ?? null,
      expiresAt: given.expires_at === undefined ? null : Date.parse(given.expires_at),
      attempt,
    })
    return { ...answerOf(reply, made), duplicate: made.replayed }
  })
}

function readRoutes(app: FastifyInstance, deps: Deps): void {
  app.get<{ Querystring: { external_user_id?: string } }>('/v1/balance', async (request) => {
    const caller = await requireCaller(deps, request, 'key', 'token')
    requireScope(caller, 'credits.read')
    const named = request.query.external_user_id
    if (named === undefined) return balanceOf(deps, caller)
    if (caller.kind !== 'key')
      throw fault('bad_request', { message: 'A user’s token names its user already.', param: 'external_user_id' })
    return userBalance(deps, caller, userName(named))
  })

  app.get('/v1/me', async (request) => {
    const caller = await requireCaller(deps, request, 'key', 'token')
    requireScope(caller, 'credits.read')
    return personOf(deps, caller)
  })

  app.get<{ Querystring: { limit?: string; cursor?: string } }>('/v1/users', async (request) => {
    const caller = await requireCaller(deps, request, 'key')
    return listUsers(deps, caller, request.query)
  })

  app.get<ByUser>('/v1/users/:user', async (request) => {
    const caller = await requireCaller(deps, request, 'key')
    return userDocument(deps, caller, userName(request.params.user))
  })

  app.get<ByUser>('/v1/users/:user/balance', async (request) => {
    const caller = await requireCaller(deps, request, 'key')
    return userBalance(deps, caller, userName(request.params.user))
  })

  app.delete<ByUser>('/v1/users/:user', async (request) => {
    const { appId } = await requireCaller(deps, request, 'key')
    const externalUserId = userName(request.params.user)
    await deps.db.tx(unlinkExternal, { appId, externalUserId })
    return { external_user_id: externalUserId, deleted: true }
  })
}

/** A name that cannot be a user's is a user that is not there. @throws Fault `user_not_found` */
function userName(text: string): string {
  if (!ExternalUserId.safeParse(text).success) throw fault('user_not_found')
  return text
}

/** Test keys move no real money. @throws Fault 401, `forbidden` */
async function fundingCaller(deps: Deps, request: Parameters<typeof requireCaller>[1]): Promise<KeyCaller> {
  const caller = await requireCaller(deps, request, 'key')
  if (caller.billingMode === 'test' && deps.config.livemode) throw fault('forbidden')
  return caller
}
