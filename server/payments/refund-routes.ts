// Routes of a person's own money: back to the card, and automatically in.
// owns: /api/payments/refunds, /api/payments/auto-topup, /api/payments/card. never: a rule of its own.
// always true: raising an automatic top-up asks for a fresh proof; lowering, turning off and
// removing the card never do.

import type { FastifyInstance } from 'fastify'
import { requireCaller } from '../connections/credentials.ts'
import { AutoTopupSet, RefundCreate, type RefundsReply } from '../contract/payments.ts'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { body } from '../http.ts'
import { reply as answerOf, attemptOf } from '../idempotency/idempotency.ts'
import { requireRecent } from '../identity/step-up.ts'
import { carryOut } from '../outbox/outbox.ts'
import { autoTopup, setAutoTopup } from './auto-topup.ts'
import { PAYMENT_CARRIERS } from './carriers.ts'
import { CREDITS_PER_CENT, creditsOf } from './cents.ts'
import { lot } from './lots.ts'
import { askRefund, type RefundRow, refundable, refundRow, refundsOf } from './refunds.ts'
import { removeCard } from './saved-cards.ts'

export function refundRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/api/payments/refunds', async (request) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    return refundsReply(deps, userId)
  })

  app.post('/api/payments/refunds', async (request, reply) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    const { amount = null } = body(RefundCreate, request)
    const attempt = attemptOf(request, { route: '/api/payments/refunds', app: '', payer: userId }, { amount })
    const { refunds } = answerOf(reply, await deps.db.tx(askRefund, { userId, amount, attempt }))
    await carryOut(deps, PAYMENT_CARRIERS) // most are done by the time this is answered; the rest later
    const shown: RefundsReply['refunds'] = []
    for (const { id } of refunds) {
      const row = await refundRow(deps.db, id)
      if (row) shown.push(await refundDocument(deps, row))
    }
    return { refunds: shown, amount: refunds.reduce((sum, one) => sum + one.amount, 0) }
  })

  app.get('/api/payments/auto-topup', async (request) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    return autoTopup(deps.db, userId, deps.now())
  })

  app.put('/api/payments/auto-topup', async (request, reply) => {
    const { userId, kind } = await requireCaller(deps, request, 'session', 'wallet')
    const { enabled, threshold, package_id, month_max_cents } = body(AutoTopupSet, request)
    const change = {
      userId,
      enabled,
      ...(threshold === undefined ? {} : { threshold }),
      ...(package_id === undefined ? {} : { packageId: package_id }),
      ...(month_max_cents === undefined ? {} : { monthMaxCents: month_max_cents }),
    }
    try {
      await deps.db.tx(setAutoTopup, { ...change, recent: false })
    } catch (error) {
      // A wallet's token proves nothing about its person: it is asked for on a page that has their session.
      if (!isFault(error) || error.code !== 'step_up_required' || kind === 'wallet') throw error
      await requireRecent(deps, request, reply) // throws with the ways to prove it; only a session can
      await deps.db.tx(setAutoTopup, { ...change, recent: true })
    }
    return autoTopup(deps.db, userId, deps.now())
  })

  app.delete('/api/payments/card', async (request) => {
    const { userId } = await requireCaller(deps, request, 'session', 'wallet')
    await deps.db.tx(removeCard, { userId })
    await carryOut(deps, PAYMENT_CARRIERS) // most are let go by the time this is answered; the rest later
    return autoTopup(deps.db, userId, deps.now())
  })
}

async function refundsReply(deps: Deps, userId: string): Promise<RefundsReply> {
  const whole = (credits: number) => creditsOf(Math.floor(credits / CREDITS_PER_CENT))
  const lots: RefundsReply['lots'] = []
  for (const { paymentIntent, credits } of await refundable(deps.db, userId)) {
    const from = await lot(deps.db, paymentIntent)
    if (from && whole(credits) > 0) lots.push({ topup_id: from.checkout, refundable: whole(credits) })
  }
  const refunds: RefundsReply['refunds'] = []
  for (const row of await refundsOf(deps.db, userId)) refunds.push(await refundDocument(deps, row))
  return { refundable: lots.reduce((sum, one) => sum + one.refundable, 0), lots, refunds }
}

async function refundDocument(deps: Deps, row: RefundRow): Promise<RefundsReply['refunds'][number]> {
  const from = await lot(deps.db, row.payment_intent)
  const at = new Date(row.created_at).toISOString()
  return {
    id: row.id,
    topup_id: from?.checkout ?? '',
    amount: creditsOf(row.cents),
    status: row.status,
    created_at: at,
  }
}
