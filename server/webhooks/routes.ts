// Routes of developers' webhooks.
// owns: /developers/webhooks. never: a decision.
// always true: a secret is in the answer that made it and in no other; what is another's does not exist.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { requireDeveloper } from '../connections/credentials.ts'
import {
  DeliveryStatus,
  type WebhookBody,
  WebhookCreate,
  WebhookPatch,
  WebhookRotate,
  WebhookTest,
} from '../contract/developers.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { chosenOf, cursorOf, limitOf } from '../query.ts'
import { addTest, deliveriesOf, deliveryDocument, deliveryOf, replayDelivery } from './deliveries.ts'
import {
  createWebhook,
  deleteWebhook,
  ownWebhook,
  rotateWebhook,
  setWebhook,
  webhookDocument,
  webhookDocuments,
} from './hooks.ts'
import { sampleOf } from './samples.ts'
import { sendNow } from './sender.ts'
import { freshSecret } from './signing.ts'

type ById = { Params: { id: string } }
type ByDelivery = { Params: { id: string; delivery: string } }
const PATH = '/developers/webhooks'
/** Each of these makes this server ask another one, or look a name up. */
const LOOKS_PER_MIN = 30
const NEWEST = '~'

export function webhookRoutes(app: FastifyInstance, deps: Deps): void {
  app.post(PATH, async (request, reply) => {
    const publisherId = await lookingOut(deps, request)
    const given = body(WebhookCreate, request)
    await deps.webhooks.check(given.url)
    const { secret, kept } = freshSecret(deps.masterKey, deps.id('whs'))
    const webhook = await deps.db.tx(createWebhook, { publisherId, given, secret: kept })
    return reply.code(201).send({ webhook, secret })
  })

  app.get(PATH, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    return { webhooks: await webhookDocuments(deps.db, publisherId, deps.now()) }
  })

  app.get<ById>(`${PATH}/:id`, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const row = await ownWebhook(deps.db, publisherId, request.params.id)
    return { webhook: await webhookDocument(deps.db, row, deps.now()) }
  })

  app.patch<ById>(`${PATH}/:id`, async (request) => {
    const publisherId = await lookingOut(deps, request)
    const changes = body(WebhookPatch, request)
    if (changes.url !== undefined) await deps.webhooks.check(changes.url)
    return { webhook: await deps.db.tx(setWebhook, { publisherId, webhookId: request.params.id, changes }) }
  })

  app.delete<ById>(`${PATH}/:id`, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    await deps.db.tx(deleteWebhook, { publisherId, webhookId: request.params.id })
    return { id: request.params.id, deleted: true }
  })

  app.post<ById>(`${PATH}/:id/rotate-secret`, async (request) => {
    const publisherId = await lookingOut(deps, request)
    const { overlap_s: overlapS } = body(WebhookRotate, request)
    const { secret, kept } = freshSecret(deps.masterKey, deps.id('whs'))
    const webhookId = request.params.id
    return { webhook: await deps.db.tx(rotateWebhook, { publisherId, webhookId, secret: kept, overlapS }), secret }
  })

  deliveryRoutes(app, deps)
}

function deliveryRoutes(app: FastifyInstance, deps: Deps): void {
  app.post<ById>(`${PATH}/:id/test`, async (request) => {
    const publisherId = await lookingOut(deps, request)
    const { type = 'usage.completed' } = body(WebhookTest, request)
    const webhook = await enabled(deps, publisherId, request.params.id)
    const created_at = new Date(deps.now()).toISOString()
    const event: WebhookBody = { id: deps.id('evt'), type, created_at, test: true, data: sampleOf(type) }
    const claimed = await deps.db.tx(addTest, { publisherId, webhookId: webhook.id, event })
    return { delivery: await sendNow(deps, claimed) }
  })

  app.get<ById>(`${PATH}/:id/deliveries`, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const { id: webhookId } = await ownWebhook(deps.db, publisherId, request.params.id)
    const { status, limit, before } = pageOf(request)
    const rows = await deliveriesOf(deps.db, { webhookId, status, before, limit: limit + 1 })
    const page = rows.slice(0, limit)
    return {
      deliveries: page.map(deliveryDocument),
      next_cursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
    }
  })

  app.get<ByDelivery>(`${PATH}/:id/deliveries/:delivery`, async (request) => {
    const publisherId = await requireDeveloper(deps, request)
    const { id } = await ownWebhook(deps.db, publisherId, request.params.id)
    const row = await deliveryOf(deps.db, id, request.params.delivery)
    return { delivery: deliveryDocument(row), body: row.body }
  })

  app.post<ByDelivery>(`${PATH}/:id/deliveries/:delivery/replay`, async (request) => {
    const publisherId = await lookingOut(deps, request)
    const { id: webhookId } = await enabled(deps, publisherId, request.params.id)
    const claimed = await deps.db.tx(replayDelivery, { webhookId, deliveryId: request.params.delivery })
    return { delivery: await sendNow(deps, claimed) }
  })
}

async function lookingOut(deps: Deps, request: FastifyRequest): Promise<string> {
  const publisherId = await requireDeveloper(deps, request)
  await request.countAgainst({ key: `webhooks:${publisherId}`, perMinute: LOOKS_PER_MIN })
  return publisherId
}

/** @throws Fault `not_found`, `bad_request` for one that is turned off */
async function enabled(deps: Deps, publisherId: string, id: string) {
  const row = await ownWebhook(deps.db, publisherId, id)
  if (row.status === 'disabled')
    throw fault('bad_request', { message: 'This webhook is turned off: turn it on first.', param: 'status' })
  return row
}

function pageOf(request: FastifyRequest) {
  return {
    status: chosenOf(request, 'status', DeliveryStatus),
    limit: limitOf(request),
    before: cursorOf(request, NEWEST),
  }
}
