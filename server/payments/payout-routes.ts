// Routes of publishers' earnings and payouts.
// owns: /developers/connect, /developers/payouts. never: a payout.
// always true: a publisher sees their own and nothing else; where the money goes is set up after a fresh proof.

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { requireCaller } from '../connections/credentials.ts'
import { checkReturnUrl } from '../connections/names.ts'
import { ConnectOnboard } from '../contract/payments.ts'
import { Id } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { requireSession } from '../identity/sessions.ts'
import { requireRecent } from '../identity/step-up.ts'
import { cursorOf } from '../query.ts'
import { bankRefusal } from './bank-payouts.ts'
import { connectStatus, onboard } from './connect.ts'
import { earningOf } from './earnings.ts'
import { MINIMUM, RESERVE_DAYS, RESERVE_PERCENT } from './payout-amounts.ts'
import { releasedIn, statementCsv } from './payout-statement.ts'
import { linesOf, type PayoutRow, payout, payoutDocument, payoutsOf } from './payouts.ts'
import { DAY_MS, MATURE_MS } from './risk.ts'

const PAGE = 50
const LINES = 1000
const LAST = '~'

export function payoutRoutes(app: FastifyInstance, deps: Deps): void {
  const urls = (given: { return_url?: string | undefined; refresh_url?: string | undefined } = {}) => ({
    refresh: given.refresh_url ?? `${deps.publicUrl}/developers/connect/refresh`,
    return: given.return_url ?? `${deps.publicUrl}/wallet/`,
  })

  app.post('/developers/connect/onboard', async (request, reply) => {
    const { userId, email } = await requireRecent(deps, request, reply)
    const given = body(ConnectOnboard, request)
    if (given.return_url !== undefined) checkReturnUrl(given.return_url, 'return_url')
    if (given.refresh_url !== undefined) checkReturnUrl(given.refresh_url, 'refresh_url')
    return reply.code(201).send(await onboard(deps, { userId, email }, urls(given)))
  })

  // Where the provider sends a publisher whose link was used or is too old: a fresh one of their own account.
  app.get('/developers/connect/refresh', async (request, reply) => {
    const { userId, email } = await requireSession(deps, request, reply)
    // A first account is made after a fresh proof alone, in the console.
    if ((await connectStatus(deps, userId)).status === 'none')
      return reply.redirect(`${deps.publicUrl}/wallet/developer/payouts`, 303)
    const { onboarding_url } = await onboard(deps, { userId, email }, urls())
    return reply.redirect(onboarding_url, 303)
  })

  app.get('/developers/connect/status', async (request) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    const status = await connectStatus(deps, userId)
    const at = status.stripe_account_id
    return { ...status, bank_refusal: at === null ? null : await bankRefusal(deps.db, at) }
  })

  payoutReads(app, deps)
}

function payoutReads(app: FastifyInstance, deps: Deps): void {
  app.get('/developers/payouts', async (request) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    const rows = await payoutsOf(deps.db, userId, cursorOf(request, LAST), PAGE + 1)
    const page = rows.slice(0, PAGE)
    return {
      earnings: await earningOf(deps.db, userId),
      rules: {
        matures_after_days: MATURE_MS / DAY_MS,
        minimum: MINIMUM,
        reserve_percent: RESERVE_PERCENT,
        reserve_days: RESERVE_DAYS,
      },
      payouts: page.map(payoutDocument),
      next_cursor: rows.length > PAGE ? (page.at(-1)?.id ?? null) : null,
    }
  })

  app.get<{ Params: { id: string } }>('/developers/payouts/:id', async (request) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    const row = await ownPayout(deps, request.params.id, userId)
    const { id } = row
    const rows = await linesOf(deps.db, { id, publisher: userId, after: cursorOf(request, ''), limit: LINES + 1 })
    const page = rows.slice(0, LINES)
    return {
      payout: payoutDocument(row),
      lines: page.map((line) => ({
        request_id: line.request_id,
        at: new Date(line.at).toISOString(),
        amount: line.amount,
      })),
      released: await releasedIn(deps.db, id),
      next_cursor: rows.length > LINES ? (page.at(-1)?.id ?? null) : null,
    }
  })

  app.get<{ Params: { id: string } }>('/developers/payouts/:id/csv', async (request, reply) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    const row = await ownPayout(deps, request.params.id, userId)
    return reply
      .header('content-disposition', `attachment; filename="payout-${row.day}.csv"`)
      .type('text/csv; charset=utf-8')
      .send(Readable.from(statementCsv(deps.db, row)))
  })
}

/** @throws Fault `not_found` */
async function ownPayout(deps: Deps, id: string, userId: string): Promise<PayoutRow> {
  const row = Id.safeParse(id).success ? await payout(deps.db, id) : undefined
  if (row?.publisher !== userId) throw fault('not_found')
  return row
}
