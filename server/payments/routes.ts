// Routes of buying balance.
// owns: /v1/packages, /api/payments/checkout, /sandbox/checkouts. never: a decision about money.
// always true: a return address is https or loopback; the sandbox's routes do not exist in live mode.

import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Caller, requireCaller } from '../connections/credentials.ts'
import { checkReturnUrl } from '../connections/names.ts'
import { CheckoutCreate, SandboxOutcome } from '../contract/api.ts'
import { Id } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body, parse } from '../http.ts'
import { reply as answerOf, attemptOf } from '../idempotency/idempotency.ts'
import { type Buyer, beginCheckout, type CheckoutRow, checkout, endCheckout, isStale } from './checkouts.ts'
import { packages } from './packages.ts'
import { paymentsOf } from './payments.ts'
import { returnUrl, sandboxPage, sandboxPolicy } from './sandbox-page.ts'

const FORM = 'application/x-www-form-urlencoded'
const FORM_MAX_BYTES = 1024
const SECRET_BYTES = 16

export function paymentsRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/v1/packages', async () => ({ packages: await packages(deps.db) }))
  app.post('/api/payments/checkout', (request, reply) => begin(deps, request, reply))
  if (!paymentsOf(deps).livemode) app.register(async (scope) => sandboxRoutes(scope, deps))
}

async function begin(deps: Deps, request: FastifyRequest, reply: FastifyReply) {
  const caller = await requireCaller(deps, request, 'session', 'key', 'wallet')
  const given = body(CheckoutCreate, request)
  checkReturnUrl(returnUrl(given.success_url, 'id'), 'success_url')
  checkReturnUrl(returnUrl(given.cancel_url, 'id'), 'cancel_url')
  const payments = paymentsOf(deps)
  const buyer = buyerOf(caller, given.external_user_id)
  const [app, payer] = caller.kind === 'key' ? [caller.appId, caller.publisherId] : ['', caller.userId]
  const made = await deps.db.tx(beginCheckout, {
    id: `${deps.id('chk')}${randomBytes(SECRET_BYTES).toString('hex')}`,
    buyer,
    packageId: given.package_id,
    successUrl: given.success_url,
    cancelUrl: given.cancel_url,
    livemode: payments.livemode,
    attempt: attemptOf(request, { route: '/api/payments/checkout', app, payer }, given),
  })
  const { id } = answerOf(reply, made)
  const { url, clientSecret } = await payments.start(id)
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

type ById = { Params: { id: string } }

function sandboxRoutes(app: FastifyInstance, deps: Deps): void {
  if (!app.hasContentTypeParser(FORM)) {
    app.addContentTypeParser(
      FORM,
      { parseAs: 'string', bodyLimit: FORM_MAX_BYTES },
      async (_request: FastifyRequest, text: string) => Object.fromEntries(new URLSearchParams(text)),
    )
  }

  app.get<ById>('/sandbox/checkouts/:id', async (request, reply) => {
    let row = await found(deps, request.params.id)
    if (isStale(row, deps.now())) row = await end(deps, row.id, 'expired')
    return reply
      .header('content-security-policy', sandboxPolicy(row))
      .type('text/html; charset=utf-8')
      .send(sandboxPage(row))
  })

  app.post<ById>('/sandbox/checkouts/:id', async (request, reply) => {
    const { id } = await found(deps, request.params.id)
    const { outcome } = parse(SandboxOutcome, request.body)
    const row = await end(deps, id, outcome)
    if (!request.headers['content-type']?.startsWith(FORM)) return { id, status: row.status, livemode: false }
    return reply.redirect(returnUrl(row.status === 'paid' ? row.success_url : row.cancel_url, id), 303)
  })
}

function end(deps: Deps, id: string, outcome: 'paid' | 'declined' | 'expired'): Promise<CheckoutRow> {
  return deps.db.tx(endCheckout, { id, outcome, from: paymentsOf(deps).source })
}

async function found(deps: Deps, id: string): Promise<CheckoutRow> {
  const row = Id.safeParse(id).success ? await checkout(deps.db, id) : undefined
  if (!row) throw fault('not_found')
  return row
}
