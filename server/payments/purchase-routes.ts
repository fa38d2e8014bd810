// Routes of receipts for purchases.
// owns: /payments/receipts. never: a fact (purchase-facts.ts).
// always true: what is not there and what is somebody else's look alike; nothing of it is kept by a cache.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { requireCaller } from '../connections/credentials.ts'
import { Id } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault, isFault } from '../faults.ts'
import { type PurchaseFacts, purchaseFacts, purchaseFor } from './purchase-facts.ts'
import { RECEIPT_POLICY, receiptPage, signInPage } from './purchase-page.ts'

type ById = { Params: { id: string } }

export function purchaseRoutes(app: FastifyInstance, deps: Deps): void {
  app.get<ById>('/payments/receipts/:id', async (request, reply) => {
    reply.header('content-security-policy', RECEIPT_POLICY).header('cache-control', 'no-store')
    reply.type('text/html; charset=utf-8')
    const userId = await whoAsks(deps, request)
    const facts = await factsFor(deps, request.params.id, userId).catch((error) => {
      if (userId === null && isFault(error) && error.code === 'not_found') return null
      throw error
    })
    if (!facts) return reply.code(401).send(signInPage())
    return receiptPage(facts, `/payments/receipts/${request.params.id}/pdf`)
  })

  app.get<ById>('/payments/receipts/:id/pdf', async (request, reply) => {
    const facts = await factsFor(deps, request.params.id, await whoAsks(deps, request))
    const { receiptPdf } = await import('./purchase-pdf.ts') // with its fonts, when the first one is asked for
    return asFile(reply, `receipt-${facts.number}.pdf`).send(await receiptPdf(facts))
  })
}

/** The person who asks, or null: the receipt may be one that its id alone opens. */
async function whoAsks(deps: Deps, request: FastifyRequest): Promise<string | null> {
  try {
    return (await requireCaller(deps, request, 'session', 'wallet')).userId
  } catch (error) {
    const nobody = isFault(error) && (error.code === 'unauthorized' || error.code === 'invalid_token')
    if (nobody && request.headers.authorization === undefined) return null
    throw error
  }
}

/** @throws Fault `not_found` */
async function factsFor(deps: Deps, id: string, userId: string | null): Promise<PurchaseFacts> {
  const row = Id.safeParse(id).success ? await purchaseFor(deps.db, id, userId) : null
  if (!row) throw fault('not_found')
  return purchaseFacts(deps.db, row, deps.config.QUOTA_SELLER)
}

const asFile = (reply: FastifyReply, name: string): FastifyReply =>
  reply
    .header('content-disposition', `attachment; filename="${name}"`)
    .header('cache-control', 'no-store')
    .type('application/pdf')
