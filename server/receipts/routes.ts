// Public facts that let anyone recompute a charge.
// owns: the routes of receipt keys and price tables. never: private material.
// always true: both answers may be cached; a price table never changes.

import { fault } from '../faults.ts'
import type { Routes } from '../http.ts'
import { jwks } from './keys.ts'
import { priceTable } from './receipts.ts'

export const receiptRoutes: Routes = (app, deps) => {
  app.get('/.well-known/quota-receipts.json', async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return jwks(deps.db)
  })

  app.get<{ Params: { version: string } }>('/v1/prices/:version', async (request, reply) => {
    const body = await priceTable(deps.db, request.params.version)
    if (body === null) throw fault('not_found')
    reply.header('cache-control', 'public, max-age=31536000, immutable').type('application/json')
    return body
  })
}
