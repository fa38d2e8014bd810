// Routes for those who keep the books.
// owns: /admin/books. never: a change to the books but the comparison's own record.
// always true: only operators see them.

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { sealAll } from '../ledger/chain.ts'
import { onlyOperators } from '../operators.ts'
import { waiting } from '../outbox/outbox.ts'
import { lastReport, reconcileBooks } from './books.ts'
import { csvOf, journalOf, type Span } from './books-export.ts'
import { reached } from './connect.ts'
import { payDue } from './payout-day.ts'

export function booksRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/admin/books/report', async (request) => {
    onlyOperators(deps, request)
    return { report: await lastReport(deps.db), waiting: await waiting(deps.db) }
  })

  app.post('/admin/books/reconcile', async (request) => {
    onlyOperators(deps, request)
    return reached(reconcileBooks(deps))
  })

  app.post('/admin/payouts/run', async (request) => {
    onlyOperators(deps, request)
    return { begun: await payDue(deps) }
  })

  app.get('/admin/books/export.csv', async (request, reply) => {
    onlyOperators(deps, request)
    const span = spanOf(request)
    await sealAll(deps.db)
    return reply.type('text/csv; charset=utf-8').send(Readable.from(csvOf(deps.db, span)))
  })

  app.get('/admin/books/export.journal', async (request, reply) => {
    onlyOperators(deps, request)
    const span = spanOf(request)
    await sealAll(deps.db)
    return reply.type('text/plain; charset=utf-8').send(Readable.from(journalOf(deps.db, span)))
  })
}

/** `from` and `to` as days (UTC), the last one not included. @throws Fault `bad_request` */
function spanOf(request: FastifyRequest): Span {
  const { from, to } = request.query as { from?: unknown; to?: unknown }
  return { fromMs: dayOf(from, 'from') ?? 0, toMs: dayOf(to, 'to') ?? Number.MAX_SAFE_INTEGER }
}

function dayOf(value: unknown, param: string): number | null {
  if (value === undefined) return null
  const ms =
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms)) throw fault('bad_request', { message: `${param}: a day, as 2026-11-26.`, param })
  return ms
}
