// The metered routes, the models, and the usage log of an app.
// owns: paths. never: logic. always true: a route without a price rule does not exist.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { requireCaller, requireScope } from '../connections/credentials.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { changesAfter } from '../feed/feed.ts'
import type { Routes } from '../http.ts'
import { shownToApp, usageOfApp, usageOfPayer } from '../receipts/receipts.ts'
import { readForm, writeForm } from './forms.ts'
import { modelList } from './models.ts'
import { type Parked, parkCalls } from './parked.ts'
import { relay, type Watched } from './relay.ts'
import { type Running, watchRunning } from './running.ts'
import type { Shape } from './shapes/shape.ts'
import { SHAPES } from './shapes/shapes.ts'

const USAGE_DEFAULT = 50
const USAGE_MAX = 200

export const proxyRoutes: Routes = (app, deps) => {
  const running: Running = watchRunning(deps)
  const parked: Parked = parkCalls(deps)
  // Before the server waits for its calls to end: one that waits for a person would wait too long.
  app.addHook('preClose', async () => parked.stop())
  app.addHook('onClose', async () => running.stop())
  const watched: Watched = { running, parked }
  const addShape = (scope: FastifyInstance, shape: Shape) => {
    const { path, bodyLimitBytes: bodyLimit, typedErrors } = shape
    const options = { bodyLimit, config: { typedErrors } }
    scope.post(`/v1${path}`, options, (request, reply) => relay(deps, watched, shape, request, reply, null))
    scope.post<{ Params: { user: string } }>(`/v1/users/:user${path}`, options, (request, reply) =>
      relay(deps, watched, shape, request, reply, request.params.user),
    )
  }
  for (const shape of SHAPES) {
    if (shape.takes === 'application/json') addShape(app, shape)
    else
      app.register(async (scope) => {
        formsOnly(scope)
        addShape(scope, shape)
      })
  }

  app.get('/v1/models', async (request) => {
    // People choose among models too, in their wallet and on the consent page.
    requireScope(await requireCaller(deps, request, 'key', 'token', 'wallet', 'session'), 'credits.read')
    return modelList(deps)
  })

  app.get<{ Params: { model: string } }>('/v1/models/:model', async (request) => {
    requireScope(await requireCaller(deps, request, 'key', 'token', 'wallet', 'session'), 'credits.read')
    const found = modelList(deps).data.find(({ id }) => id === request.params.model)
    if (!found) throw fault('model_not_found', { param: 'model' })
    return found
  })

  app.get<{ Querystring: { limit?: string; cursor?: string } }>('/v1/usage', async (request) => {
    const caller = await requireCaller(deps, request, 'key', 'token')
    requireScope(caller, 'credits.read')
    const limit = limitOf(request.query.limit)
    const cursor = request.query.cursor ?? null
    if (cursor !== null && !/^[A-Za-z0-9_-]{1,64}$/.test(cursor)) throw fault('bad_request', { param: 'cursor' })
    if (caller.kind === 'key') return usagePage(deps, caller.appId, cursor, limit)
    const { rows, next } = await usageOfPayer(deps.db, { payer: caller.userId, appId: caller.appId }, cursor, limit)
    return { object: 'list', data: rows, next_cursor: next }
  })
}

// What is asked with a form is known by the form as it goes on, not by its sender's boundary.
function formsOnly(scope: FastifyInstance): void {
  const type = 'multipart/form-data'
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(type, { parseAs: 'buffer' }, async (request: FastifyRequest, bytes: Buffer) => {
    const form = await readForm(request.headers['content-type'] ?? '', bytes)
    request.rawBody = writeForm(form).body
    return form
  })
}

function limitOf(text: string | undefined): number {
  const limit = text === undefined ? USAGE_DEFAULT : Number(text)
  if (!Number.isInteger(limit) || limit < 1) throw fault('bad_request', { param: 'limit' })
  return Math.min(limit, USAGE_MAX)
}

async function usagePage(deps: Deps, appId: string, cursor: string | null, limit: number) {
  const rows = await usageOfApp(deps.db, appId, cursor, limit)
  const data: unknown[] = []
  for (const place of rows) {
    const [change] = await changesAfter(deps.db, place.payer, place.rev - 1, 1)
    if (change?.row) data.push(shownToApp(JSON.parse(change.row), place))
  }
  return { object: 'list', data, next_cursor: rows.length === limit ? (rows.at(-1)?.request_id ?? null) : null }
}
