// Money that goes back: refunds of what is unspent, disputes, debts. Whatever happens twice happens once.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Balance, Notice, Topup } from '../../server/contract/records.ts'
import { account } from '../../server/ledger/chart.ts'
import { creditsBack, parts, unspent } from '../../server/payments/lots.ts'
import { observePayment } from '../../server/payments/observe.ts'
import { refundable } from '../../server/payments/refunds.ts'
import { claimRestsOfPayments } from '../../server/payments/rests.ts'
import { refundParts } from '../../src-renderer/refund-parts.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { holdFrom, settleFrom } from './money.procedures.ts'
import { documents, picture } from './money.rig.ts'
import { type PayWorld, payWorld, refusal } from './pay.rig.ts'

const DOLLAR = 1_000_000

/** Spends, as a call does. */
let calls = 0
async function spend(w: PayWorld, userId: string, amount: number): Promise<void> {
  const holdId = `call_${++calls}`
  await w.db.tx(holdFrom, { from: account.user(userId), holdId, amount })
  await w.db.tx(settleFrom, { from: account.user(userId), holdId, amount })
}

const standing = async (w: PayWorld, userId: string) => {
  const { posted, held, floor } = await w.balance(userId)
  return [posted, held, floor, await w.total(account.receivable(userId))]
}

eachDatabase('refunds', (open) => {
  test('what is unspent goes back, oldest first, whole cents, without the fee; nothing more than that', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const first = await w.buy({ userId }, 'starter')
    w.advance(1000)
    const second = await w.buy({ userId }, 'basic')
    await spend(w, userId, 1_234_567) // of the first: 4.05 - 1.234567 = 2.815433 is left
    const before = await picture(w.db)
    for (const [amount, code] of [
      [12 * DOLLAR, 'insufficient_balance'],
      [11_320_000, 'insufficient_balance'],
      [1_234_567, 'bad_request'],
    ] as const)
      assert.equal(await refusal(w.askRefund(userId, amount)), code, String(amount))
    assert.equal(await picture(w.db), before)
    assert.deepEqual(
      (await refundable(w.db, userId)).map(({ credits }) => credits),
      [2_815_433, 8_500_000],
    )
    const two = await Promise.allSettled([w.askRefund(userId, 11_310_000), w.askRefund(userId, 11_310_000)])
    assert.equal(two.filter(({ status }) => status === 'fulfilled').length, 1, 'twice at once is once')
    assert.deepEqual(await standing(w, userId), [11_315_433, 11_310_000, 0, 0])
    assert.equal(await refusal(w.askRefund(userId)), 'insufficient_balance')
    await w.carry()
    assert.deepEqual(await standing(w, userId), [5_433, 0, 0, 0])
    await w.tell()
    await w.carry()
    assert.deepEqual(await standing(w, userId), [5_433, 0, 0, 0])
    const there = [await w.payments.payment(first.payment), await w.payments.payment(second.payment)]
    assert.deepEqual(
      there.map((one) => one?.refunds.map(({ cents }) => cents)),
      [[281], [850]],
    )
    const topups = await documents<Topup>(w.db, userId, 'topup')
    assert.deepEqual(
      topups.map((one) => [one.returned_credits, one.refunding_credits]),
      [
        [2_810_000, undefined],
        [8_500_000, undefined],
      ],
    )
    assert.deepEqual([await w.total(account.stripe), await w.total(account.fees)], [-3_690_000, 2_450_000])
    await assertInOrder(w.db)
  })

  test('the provider’s answer is lost, late, a refusal or a failure: nothing goes twice, nothing is lost', async () => {
    const w = await payWorld(open)
    const path = '/v1/refunds'
    const rows: [string, () => Promise<void> | void, Parameters<PayWorld['buy']>[2], number][] = [
      [
        'the connection is cut before',
        () => w.stripe.faults.requests([{ method: 'POST', path, at: 'edge', ends: 'reset', times: 3 }]),
        {},
        0,
      ],
      [
        'the connection is cut after',
        () => w.stripe.faults.requests([{ method: 'POST', path, at: 'after', ends: 'reset', times: 3 }]),
        {},
        0,
      ],
      ['it fails later', () => undefined, { method: 'pm_card_refundFail' }, 8_500_000],
      ['it takes days', () => undefined, { method: 'pm_card_pendingRefund' }, 0],
    ]
    for (const [name, plan, how, left] of rows) {
      const userId = await w.person()
      const { payment } = await w.buy({ userId }, 'basic', how)
      plan()
      await w.askRefund(userId)
      for (let i = 0; i < 4; i++) {
        await w.carry()
        w.advance(10_000)
      }
      w.stripe.faults.clear()
      const [refund] = (await w.payments.payment(payment))?.refunds ?? []
      if (how?.method === 'pm_card_refundFail' && refund) await w.stripe.refundFails(refund.id).catch(() => undefined)
      if (how?.method === 'pm_card_pendingRefund' && refund) await w.stripe.refundArrives(refund.id)
      await observePayment(w.deps, payment)
      await observePayment(w.deps, payment)
      assert.deepEqual(await standing(w, userId), [left, 0, 0, 0], name)
      assert.equal((await w.payments.payment(payment))?.refunds.length, 1, name)
    }
    await assertInOrder(w.db)
  })

  test('a refund that the provider refuses is the person’s money again', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const { payment } = await w.buy({ userId })
    // The operator has given all of it back at the provider, and we have not heard of it.
    await w.payments.refund({ id: 'elsewhere', paymentIntent: payment, cents: 1000, attempt: 1 })
    await w.askRefund(userId)
    await w.carry()
    assert.deepEqual(await standing(w, userId), [8_500_000, 0, 0, 0])
    await observePayment(w.deps, payment)
    assert.deepEqual(await standing(w, userId), [0, 0, 0, 0])
    assert.deepEqual([await w.total(account.stripe), await w.total(account.fees)], [0, 0])
    assert.equal((await documents<Notice>(w.db, userId, 'notice'))[0]?.kind, 'refund_failed')
    await assertInOrder(w.db)
  })
})

eachDatabase('disputes', (open) => {
  test('opened holds, lost takes and leaves a debt, the next money pays it, won gives back; told twice changes nothing', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const { charge, payment } = await w.buy({ userId })
    await spend(w, userId, 6_000_000)
    const { id } = await w.stripe.dispute(charge)
    const twice = async () => {
      await observePayment(w.deps, payment)
      const once = await picture(w.db)
      await observePayment(w.deps, payment)
      assert.equal(await picture(w.db), once)
    }
    await twice()
    assert.deepEqual(await standing(w, userId), [2_500_000, 2_500_000, 0, 0])
    assert.equal(await refusal(w.askRefund(userId)), 'insufficient_balance', 'a payment under dispute is not refunded')
    await w.stripe.closeDispute(id, 'lost')
    await twice()
    assert.deepEqual(await standing(w, userId), [0, 0, 6_000_000, -6_000_000])
    const [balance] = await documents<Balance>(w.db, userId, 'balance')
    assert.deepEqual(balance, { posted: 0, held: 0, available: 0, debt: 6_000_000 })
    assert.equal((await documents<Topup>(w.db, userId, 'topup'))[0]?.dispute, 'lost')
    await w.buy({ userId }, 'starter')
    assert.deepEqual(await standing(w, userId), [0, 0, 1_950_000, -1_950_000], 'later money pays first')
    await w.buy({ userId }, 'basic')
    assert.deepEqual(await standing(w, userId), [6_550_000, 0, 0, 0])
    assert.equal(await w.total(account.disputed), 0)
    assert.deepEqual(
      (await documents<Notice>(w.db, userId, 'notice')).map(({ kind }) => kind),
      ['dispute_open', 'dispute_lost'],
    )
    await assertInOrder(w.db)
  })

  test('won: what was held is free again; seen only at its end: the same', async () => {
    const w = await payWorld(open)
    for (const seen of [true, false]) {
      for (const [outcome, left] of [
        ['won', 8_500_000],
        ['lost', 0],
      ] as const) {
        const userId = await w.person()
        const { charge, payment } = await w.buy({ userId })
        const { id } = await w.stripe.dispute(charge)
        if (seen) await observePayment(w.deps, payment)
        await w.stripe.closeDispute(id, outcome)
        await observePayment(w.deps, payment)
        assert.deepEqual(await standing(w, userId), [left, 0, 0, 0], `${outcome}, ${seen ? 'seen' : 'not seen'} open`)
      }
    }
    assert.equal(await w.total(account.disputed), 0)
    await assertInOrder(w.db)
  })

  test('an inquiry takes nothing; an older look at a dispute changes nothing', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const { charge, payment, checkoutId } = await w.buy({ userId })
    const { id } = await w.stripe.dispute(charge, { inquiry: true })
    const early = await w.payments.payment(payment)
    await observePayment(w.deps, payment)
    assert.deepEqual(await standing(w, userId), [8_500_000, 8_500_000, 0, 0])
    await w.stripe.escalate(id)
    await observePayment(w.deps, payment)
    await w.stripe.closeDispute(id, 'lost')
    await observePayment(w.deps, payment)
    const end = await picture(w.db)
    assert.ok(early)
    const { recordPayment } = await import('../../server/payments/credit.ts')
    await w.db.tx(recordPayment, { checkoutId, session: null, payment: early, livemode: false })
    assert.equal(await picture(w.db), end)
    assert.deepEqual(await standing(w, userId), [0, 0, 0, 0])
    await assertInOrder(w.db)
  })

  test('what a running call holds is taken when the call has ended', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const { charge, payment } = await w.buy({ userId })
    await w.db.tx(holdFrom, { from: account.user(userId), holdId: `run_${userId}`, amount: 8_000_000 })
    const { id } = await w.stripe.dispute(charge)
    await w.stripe.closeDispute(id, 'lost')
    await observePayment(w.deps, payment)
    assert.deepEqual(await standing(w, userId), [8_000_000, 8_000_000, 8_000_000, -8_000_000])
    await w.db.tx(settleFrom, { from: account.user(userId), holdId: `run_${userId}`, amount: 3_000_000 })
    await w.db.tx(claimRestsOfPayments, undefined)
    assert.deepEqual(await standing(w, userId), [0, 0, 3_000_000, -3_000_000])
    await assertInOrder(w.db)
  })
})

describe('the arithmetic of lots', () => {
  const lot = (payment_intent: string, credits: number, returned_credits = 0) => ({
    payment_intent,
    credits,
    returned_credits,
  })
  const LOTS = [lot('a', 4_050_000), lot('b', 8_500_000, 8_500_000), lot('c', 8_500_000)]
  const rows: [string, number, { paymentIntent: string; credits: number }[]][] = [
    ['nothing', 0, []],
    ['less than the newest', 5_000_000, [{ paymentIntent: 'c', credits: 5_000_000 }]],
    [
      'what was returned is not there',
      9_000_000,
      [
        { paymentIntent: 'a', credits: 500_000 },
        { paymentIntent: 'c', credits: 8_500_000 },
      ],
    ],
    [
      'more than all lots brought',
      99_000_000,
      [
        { paymentIntent: 'a', credits: 4_050_000 },
        { paymentIntent: 'c', credits: 8_500_000 },
      ],
    ],
  ]
  for (const [name, available, expected] of rows)
    test(`unspent: ${name}`, () => assert.deepEqual(unspent(LOTS, available), expected))
  test('parts: whole cents, oldest first, all or nothing', () => {
    const left = [
      { paymentIntent: 'a', credits: 19_999 },
      { paymentIntent: 'b', credits: 30_000 },
    ]
    assert.deepEqual(parts(left, 3), [
      { paymentIntent: 'a', cents: 1 },
      { paymentIntent: 'b', cents: 2 },
    ])
    assert.equal(parts(left, 5), null)
  })
  test('the wallet’s preview is what the server would do, for any purchases and amount', () => {
    const whole = (credits: number) => Math.floor(credits / 10_000) * 10_000
    const some = fc.array(fc.nat(60_000), { maxLength: 6 })
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 20 }), (lots, cents) => {
        const left = lots.map((credits, i) => ({ paymentIntent: `p${i}`, credits }))
        const shown = left
          .filter(({ credits }) => whole(credits) > 0)
          .map(({ paymentIntent, credits }) => ({ topup_id: paymentIntent, refundable: whole(credits) }))
        const done = parts(left, cents)?.map((part) => ({ topup_id: part.paymentIntent, amount: part.cents * 10_000 }))
        assert.deepEqual(refundParts(shown, cents * 10_000), done ?? null)
      }),
    )
  })
  test('what goes back takes the balance first, then the fee', () => {
    const back = (returned_cents: number, cents: number) => creditsBack({ credits: 8_500_000, returned_cents }, cents)
    assert.deepEqual([back(0, 500), back(0, 850), back(0, 1000)], [5_000_000, 8_500_000, 8_500_000])
    assert.deepEqual([back(800, 200), back(900, 100)], [500_000, 0])
    assert.deepEqual([back(1000, -500), back(500, -500)], [-3_500_000, -5_000_000], 'what comes again went last')
  })
})
