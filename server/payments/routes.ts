// Routes of buying balance, and what the provider calls.
// owns: /v1/packages, /api/payments/checkout, /payments/landing, /webhooks/stripe. never: a decision about money.
// always true: a return address is https or loopback; a webhook is read as the bytes that were signed.

import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Caller, requireCaller } from '../connections/credentials.ts'
import { checkReturnUrl } from '../connections/names.ts'
import { CheckoutCreate } from '../contract/api.ts'
import { Id } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { reply as answerOf, attemptOf } from '../idempotency/idempotency.ts'
import { bucketOfAddress } from '../rate-limit.ts'
import { booksRoutes } from './books-routes.ts'
import { type Buyer, beginCheckout, type CheckoutRow, checkout } from './checkouts.ts'
import { observeEvent } from './observe.ts'
import { packages } from './packages.ts'
import { payPageRoutes } from './pay-page.ts'
import { payoutRoutes } from './payout-routes.ts'
import { land, payAt } from './purchase.ts'
import { purchaseRoutes } from './purchase-routes.ts'
import { refundRoutes } from './refund-routes.ts'
import { returnUrl } from './sandbox-page.ts'
import { sandboxRoutes } from './sandbox-routes.ts'

const SECRET_BYTES = 16
const WEBHOOK_MAX_BYTES = 1_048_576

export function paymentsRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/v1/packages', async () => ({ packages: await packages(deps.db) }))
  app.post('/api/payments/checkout', (request, reply) => begin(deps, request, reply))
  app.get<{ Params: { id: string } }>('/payments/landing/:id', async (request, reply) => {
    const to = await land(deps, await foundCheckout(deps, request.params.id))
    return reply.redirect(to, 303)
  })
  app.register(async (scope) => webhookRoute(scope, deps))
  refundRoutes(app, deps)
  purchaseRoutes(app, deps)
  payoutRoutes(app, deps)
  booksRoutes(app, deps)
  if (deps.payments.mode === 'sandbox') app.register(async (scope) => sandboxRoutes(scope, deps))
  else payPageRoutes(app, deps)
}

async function begin(deps: Deps, request: FastifyRequest, reply: FastifyReply) {
  const caller = await requireCaller(deps, request, 'session', 'key', 'wallet')
  const given = body(CheckoutCreate, request)
  checkReturnUrl(returnUrl(given.success_url, 'id'), 'success_url')
  checkReturnUrl(returnUrl(given.cancel_url, 'id'), 'cancel_url')
  const buyer = buyerOf(caller, given.external_user_id)
  if (given.save_card && caller.kind === 'key')
    throw fault('bad_request', { message: 'save_card: only a person’s own wallet keeps a card.', param: 'save_card' })
  const [app, payer] = caller.kind === 'key' ? [caller.appId, caller.publisherId] : ['', caller.userId]
  const made = await deps.db.tx(beginCheckout, {
    id: `${deps.id('chk')}${randomBytes(SECRET_BYTES).toString('hex')}`,
    buyer,
    packageId: given.package_id,
    successUrl: given.success_url,
    cancelUrl: given.cancel_url,
    livemode: deps.payments.livemode,
    // The form needs the provider's script, and that needs a key for pages; without one the provider's own page serves.
    embedded: given.ui === 'embedded' && deps.payments.publishableKey !== null,
    saveCard: given.save_card === true,
    scale: deps.payments.livemode ? 1 : deps.config.QUOTA_RATE_LIMIT_SCALE,
    attempt: attemptOf(request, { route: '/api/payments/checkout', app, payer }, given),
  })
  const { id } = answerOf(reply, made)
  const { url, clientSecret } = await payAt(deps, id)
  return clientSecret === undefined ? { id, url } : { id, url, client_secret: clientSecret }
}

/** @throws Fault `bad_request` when someone but an app names a user */
function buyerOf(caller: Exclude<Caller, { kind: 'token' }>, externalUserId: string | undefined): Buyer {
  if (caller.kind === 'key') {
    return externalUserId === undefined ? { userId: caller.publisherId } : { appId: caller.appId, externalUserId }
  }
  if (externalUserId !== undefined) {
    throw fault('bad_request', {
      message: 'external_user_id: only an app’s key names a user.',
      param: 'external_user_id',
    })
  }
  return { userId: caller.userId }
}

/** @throws Fault `not_found`: the id is the secret */
export async function foundCheckout(deps: Deps, id: string): Promise<CheckoutRow> {
  const row = Id.safeParse(id).success ? await checkout(deps.db, id) : undefined
  if (!row) throw fault('not_found')
  return row
}

/**
 * What the provider tells us: verified over the raw bytes, then looked at anew. An answer other than 2xx makes it tell us
 * again (https://docs.stripe.com/webhooks#retries).
 */
function webhookRoute(app: FastifyInstance, deps: Deps): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: WEBHOOK_MAX_BYTES },
    async (_: FastifyRequest, raw: Buffer) => raw,
  )
  app.post('/webhooks/stripe', { bodyLimit: WEBHOOK_MAX_BYTES }, async (request) => {
    const signature = request.headers['stripe-signature']
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const event = typeof signature === 'string' ? await deps.payments.verifyEvent(raw, signature, deps.now()) : null
    if (!event) {
      deps.metrics.paymentAlarms.inc({ why: 'bad_signature' })
      await request.countAgainst(bucketOfAddress(request))
      throw fault('invalid_signature')
    }
    await observeEvent(deps, event).catch((cause) => {
      throw fault('payments_unavailable', { cause })
    })
    return { received: true }
  })
}
