// The stand-in for Stripe: refunds, disputes, early fraud warnings, the balance.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type Stripe from 'stripe'
import { balanceOf, bought, heard, outcome, stripeRig } from './support/stripe.ts'

const DAY_MS = 86_400_000

describe('refunds', () => {
  test('never exceed the charge, and keep the fee', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const { intent, charge } = await bought(rig)
    await standIn.deliver()
    heard(hooks)
    await stripe.refunds.create({ payment_intent: intent, amount: 400, metadata: { refund: 'r1' } })
    assert.equal(await outcome(stripe.refunds.create({ charge, amount: 601 })), '400 invalid_request_error amount')
    await stripe.refunds.create({ charge, amount: 600 })
    assert.equal(await outcome(stripe.refunds.create({ charge })), '400 invalid_request_error charge_already_refunded')
    assert.equal(await outcome(stripe.refunds.create({})), '400 invalid_request_error')
    const after = await stripe.charges.retrieve(charge, { expand: ['refunds'] })
    assert.deepEqual([after.amount_refunded, after.refunded, after.refunds?.data.length], [1000, true, 2])
    const { available, pending } = await balanceOf(stripe)
    assert.equal(available + pending, -59)
    await standIn.deliver()
    assert.deepEqual(heard(hooks), ['refund.created', 'charge.refunded', 'refund.created', 'charge.refunded'])
  })

  test('a refund that fails gives its money back once', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const { charge } = await bought(rig, 'pm_card_pendingRefund')
    const { id, status } = await stripe.refunds.create({ charge, amount: 400 })
    assert.equal(status, 'pending')
    await standIn.refundFails(id)
    await assert.rejects(standIn.refundFails(id), /has failed already/)
    const failed = await stripe.refunds.retrieve(id, { expand: ['failure_balance_transaction'] })
    assert.deepEqual([failed.status, failed.failure_reason], ['failed', 'lost_or_stolen_card'])
    assert.equal((failed.failure_balance_transaction as Stripe.BalanceTransaction).amount, 400)
    assert.equal((await stripe.charges.retrieve(charge)).amount_refunded, 0)
    await standIn.deliver()
    assert.equal(heard(hooks).filter((type) => type === 'refund.failed').length, 1)
  })

  test('an unpaid payment has nothing to refund', async (t) => {
    const rig = stripeRig(t)
    const { intent } = await bought(rig, 'pm_usBankAccount')
    assert.equal(
      await outcome(rig.stripe.refunds.create({ payment_intent: intent })),
      '400 invalid_request_error payment_intent',
    )
  })
})

describe('disputes', () => {
  test('won: the money comes back, the fee does not; lost: it stays gone', async (t) => {
    for (const [ending, standing] of [
      ['won', 941 - 1500],
      ['lost', 941 - 1000 - 1500],
    ] as const) {
      const rig = stripeRig(t)
      const { stripe, standIn, hooks } = rig
      const { charge } = await bought(rig, 'pm_card_createDispute')
      const [dispute] = (await stripe.disputes.list({ charge })).data
      assert.equal(dispute?.status, 'needs_response')
      assert.equal(await outcome(stripe.refunds.create({ charge })), '400 invalid_request_error charge_disputed')
      await stripe.disputes.update(dispute?.id ?? '', { evidence: { uncategorized_text: 'they used it' } })
      await standIn.closeDispute(dispute?.id ?? '', ending)
      await assert.rejects(standIn.closeDispute(dispute?.id ?? '', 'won'), /closed already/)
      assert.equal(
        await outcome(stripe.disputes.close(dispute?.id ?? '')),
        '400 invalid_request_error dispute_already_closed',
      )
      const { available, pending } = await balanceOf(stripe)
      assert.equal(available + pending, standing)
      await standIn.deliver()
      const tail =
        ending === 'won' ? ['charge.dispute.funds_reinstated', 'charge.dispute.closed'] : ['charge.dispute.closed']
      assert.deepEqual(
        heard(hooks).filter((type) => type.startsWith('charge.dispute.')),
        ['charge.dispute.created', 'charge.dispute.funds_withdrawn', 'charge.dispute.updated', ...tail],
      )
    }
  })

  test('an inquiry moves nothing until it becomes a dispute', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn } = rig
    const { charge } = await bought(rig, 'pm_card_createDisputeInquiry')
    const [inquiry] = (await stripe.disputes.list({ charge })).data
    assert.deepEqual([inquiry?.status, inquiry?.is_charge_refundable], ['warning_needs_response', true])
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 941 })
    await assert.rejects(standIn.closeDispute(inquiry?.id ?? '', 'lost'), /cannot end as lost/)
    await standIn.escalate(inquiry?.id ?? '')
    assert.deepEqual(await balanceOf(stripe), { available: -2500, pending: 941 })
  })

  test('a warning of fraud comes by itself, and is no dispute', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const { charge } = await bought(rig, 'pm_card_createIssuerFraudRecord')
    const { data } = await stripe.radar.earlyFraudWarnings.list({ charge })
    assert.deepEqual(
      data.map(({ actionable }) => actionable),
      [true],
    )
    assert.equal((await stripe.charges.retrieve(charge)).disputed, false)
    await standIn.deliver()
    assert.ok(heard(hooks).includes('radar.early_fraud_warning.created'))
  })
})

describe('the balance', () => {
  test('becomes available by the clock; its transactions add up to it', async (t) => {
    const rig = stripeRig(t)
    const { stripe, clock } = rig
    const { charge } = await bought(rig)
    await bought(rig, 'pm_card_bypassPending')
    await stripe.refunds.create({ charge, amount: 300 })
    assert.deepEqual(await balanceOf(stripe), { available: 641, pending: 941 })
    clock.ms += 2 * DAY_MS
    assert.deepEqual(await balanceOf(stripe), { available: 1582, pending: 0 })
    const all = await stripe.balanceTransactions.list({ limit: 100 }).autoPagingToArray({ limit: 1000 })
    assert.equal(
      all.reduce((sum, { net }) => sum + net, 0),
      1582,
    )
    assert.deepEqual([...new Set(all.map(({ status }) => status))], ['available'])
  })

  test('a charge may be booked later, with charge.updated', async (t) => {
    const rig = stripeRig(t, { settings: { balanceTransactions: 'later' } })
    const { stripe, standIn, hooks } = rig
    const { charge } = await bought(rig)
    assert.equal((await stripe.charges.retrieve(charge)).balance_transaction, null)
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 0 })
    await standIn.book(charge)
    await standIn.book(charge)
    assert.deepEqual(await balanceOf(stripe), { available: 0, pending: 941 })
    await standIn.deliver()
    assert.equal(heard(hooks).filter((type) => type === 'charge.updated').length, 1)
  })

  test('of each charge the fee is 2.9 % and 30 cents, half a cent up', async (t) => {
    const { stripe } = stripeRig(t)
    const fees: number[] = []
    for (const amount of [50, 500, 1050, 2500, 5000]) {
      const given = { amount, currency: 'usd', payment_method: 'pm_card_visa', confirm: true }
      const intent = await stripe.paymentIntents.create({ ...given, expand: ['latest_charge.balance_transaction'] })
      const { balance_transaction: booked } = intent.latest_charge as Stripe.Charge
      fees.push((booked as Stripe.BalanceTransaction).fee)
    }
    assert.deepEqual(fees, [31, 45, 60, 103, 175])
  })
})
