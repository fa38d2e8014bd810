// The wallet's own routes.
// owns: /v1/wallet/feed, /poke, /mutations. never: money; another person's feed.
// always true: only a token of the wallet's client comes in.

import type { FastifyInstance } from 'fastify'
import { requireCaller } from '../connections/credentials.ts'
import { MutationsRequest } from '../contract/feed.ts'
import { metaOf } from '../db/stamp.ts'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { latestRev } from '../feed/feed.ts'
import { body } from '../http.ts'
import { type FeedQuery, feedPage } from './feed.ts'
import { lastMid, mutate } from './mutations.ts'
import { passPokes } from './pokes.ts'

export function walletRoutes(app: FastifyInstance, deps: Deps): void {
  const pokes = passPokes(deps)
  app.addHook('preClose', async () => pokes.stop())

  app.get<{ Querystring: FeedQuery }>('/v1/wallet/feed', async (request) => {
    const { userId } = await requireCaller(deps, request, 'wallet')
    return feedPage(deps.db, userId, await metaOf(deps.db, 'epoch'), request.query)
  })

  app.get('/v1/wallet/poke', async (request, reply) => {
    const { userId } = await requireCaller(deps, request, 'wallet')
    const rev = await latestRev(deps.db, userId)
    const stillAllowed = async () => {
      try {
        await requireCaller(deps, request, 'wallet')
        return true
      } catch (error) {
        return !isFault(error) || (error.status !== 401 && error.status !== 403)
      }
    }
    reply.hijack()
    const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }
    reply.raw.writeHead(200, headers as Record<string, string>)
    pokes.add(userId, reply.raw, rev, stillAllowed)
  })

  app.post('/v1/wallet/mutations', async (request) => {
    const { userId } = await requireCaller(deps, request, 'wallet')
    const { client, mutations } = body(MutationsRequest, request)
    const results = await mutate(deps, userId, client, mutations)
    return { results, last_mid: await lastMid(deps.db, userId, client) }
  })
}
