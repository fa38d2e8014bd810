// The stand-in for Stripe: connected accounts, transfers, reversals, payouts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import Stripe from 'stripe'
import { balanceOf, heard, outcome, type StripeRig, stripeRig } from './support/stripe.ts'

const EXPRESS: Stripe.AccountCreateParams = {
  type: 'express',
  country: 'US',
  email: 'dev@example.com',
  capabilities: { transfers: { requested: true } },
  metadata: { user: 'u1' },
}
const LINK = {
  refresh_url: 'https://wallet.test/again',
  return_url: 'https://wallet.test/done',
  type: 'account_onboarding' as const,
}

async function publisher({ stripe, standIn }: StripeRig): Promise<string> {
  const { id } = await stripe.accounts.create(EXPRESS)
  await standIn.completeOnboarding(id)
  return id
}

describe('onboarding', () => {
  test('a new account may do nothing; its link works once and for minutes; then it may be paid', async (t) => {
    const { stripe, standIn, clock, hooks } = stripeRig(t)
    const { id: account, payouts_enabled, requirements, capabilities } = await stripe.accounts.create(EXPRESS)
    assert.deepEqual([payouts_enabled, capabilities?.transfers], [false, 'inactive'])
    assert.ok((requirements?.currently_due?.length ?? 0) > 0)
    const open = async () => {
      const { url } = await stripe.accountLinks.create({ account, ...LINK })
      return url.split('/').at(-1) ?? ''
    }
    const used = await open()
    assert.deepEqual(await standIn.openAccountLink(used), {
      account,
      returnUrl: LINK.return_url,
      refreshUrl: LINK.refresh_url,
      stale: false,
    })
    assert.equal((await standIn.openAccountLink(used))?.stale, true)
    const late = await open()
    clock.ms += 300_000
    assert.equal((await standIn.openAccountLink(late))?.stale, true)
    assert.equal(await standIn.openAccountLink('nothing'), undefined)
    await standIn.completeOnboarding(account)
    const ready = await stripe.accounts.retrieve(account)
    assert.deepEqual(
      [ready.payouts_enabled, ready.details_submitted, ready.capabilities?.transfers],
      [true, true, 'active'],
    )
    await standIn.deliver()
    const own = hooks.filter(({ event }) => event.account === account)
    assert.deepEqual(
      own.map(({ event }) => event.type),
      ['account.updated', 'capability.updated', 'account.external_account.created'],
    )
  })

  test('a restricted account is told of, and is whole again once it has answered', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const account = await publisher(rig)
    await standIn.deliver()
    heard(hooks)
    await standIn.restrict(account, { reason: 'under_review', due: ['individual.id_number'] })
    const { payouts_enabled, requirements } = await stripe.accounts.retrieve(account)
    assert.deepEqual(
      [payouts_enabled, requirements?.disabled_reason, requirements?.currently_due],
      [false, 'under_review', ['individual.id_number']],
    )
    await standIn.completeOnboarding(account)
    assert.equal((await stripe.accounts.retrieve(account)).payouts_enabled, true)
    await standIn.deliver()
    assert.deepEqual(heard(hooks), ['account.updated', 'capability.updated', 'account.updated', 'capability.updated'])
  })

  const refusals: [string, (stripe: Stripe) => Promise<unknown>, string][] = [
    [
      'an account of another sort',
      (s) => s.accounts.create({ type: 'custom' as never }),
      '400 invalid_request_error type',
    ],
    [
      'an account that is not there',
      (s) => s.accounts.retrieve('acct_nobody'),
      '403 invalid_request_error account_invalid',
    ],
    [
      'acting as one that is not there',
      (s) => s.balance.retrieve({}, { stripeAccount: 'acct_nobody' }),
      '403 invalid_request_error account_invalid',
    ],
    [
      'a link to nobody',
      (s) => s.accountLinks.create({ account: 'acct_nobody', ...LINK }),
      '403 invalid_request_error account_invalid',
    ],
  ]
  for (const [name, call, expected] of refusals) {
    test(`refuses ${name}`, async (t) => {
      assert.equal(await outcome(call(stripeRig(t).stripe)), expected)
    })
  }
  test('refuses a link without a way back, and a login before the onboarding', async (t) => {
    const { stripe } = stripeRig(t)
    const { id: account } = await stripe.accounts.create(EXPRESS)
    const { return_url: _, ...without } = LINK
    assert.equal(
      await outcome(stripe.accountLinks.create({ account, ...without })),
      '400 invalid_request_error parameter_missing return_url',
    )
    assert.equal(await outcome(stripe.accounts.createLoginLink(account)), '400 invalid_request_error')
  })
})

describe('transfers', () => {
  test('leave one balance and arrive on the other; nothing moves without funds or to a restricted account', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const account = await publisher(rig)
    await standIn.deliver()
    heard(hooks)
    const send = (amount: number, more: Partial<Stripe.TransferCreateParams> = {}) =>
      stripe.transfers.create({ amount, currency: 'usd', destination: account, transfer_group: 'p1', ...more })
    assert.equal(await outcome(send(900)), '400 invalid_request_error balance_insufficient')
    await standIn.fund(1000)
    await standIn.restrict(account)
    assert.equal(await outcome(send(900)), '400 invalid_request_error insufficient_capabilities_for_transfer')
    await standIn.completeOnboarding(account)
    assert.equal(
      await outcome(send(900, { destination: 'acct_nobody' })),
      '400 invalid_request_error resource_missing destination',
    )
    assert.equal(await outcome(send(0)), '400 invalid_request_error parameter_invalid_integer amount')
    assert.deepEqual(
      [await balanceOf(stripe), await balanceOf(stripe, account)],
      [
        { available: 1000, pending: 0 },
        { available: 0, pending: 0 },
      ],
    )
    const { id, destination_payment } = await send(900)
    assert.equal(await outcome(send(101)), '400 invalid_request_error balance_insufficient')
    assert.deepEqual(
      [await balanceOf(stripe), await balanceOf(stripe, account)],
      [
        { available: 100, pending: 0 },
        { available: 900, pending: 0 },
      ],
    )
    assert.deepEqual(
      (await stripe.transfers.list({ transfer_group: 'p1' })).data.map((one) => one.id),
      [id],
    )
    const arrived = await stripe.charges.retrieve(String(destination_payment), {}, { stripeAccount: account })
    assert.equal(arrived.source_transfer, id)
    assert.equal(
      await outcome(stripe.charges.retrieve(String(destination_payment))),
      '404 invalid_request_error resource_missing id',
    )
    await standIn.deliver()
    assert.equal(heard(hooks).filter((type) => type === 'transfer.created').length, 1)
  })

  test('come back as far as they went, while the money is there', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn } = rig
    const account = await publisher(rig)
    await standIn.fund(1000)
    const { id } = await stripe.transfers.create({ amount: 900, currency: 'usd', destination: account })
    await stripe.transfers.createReversal(id, { amount: 300 })
    assert.equal(
      await outcome(stripe.transfers.createReversal(id, { amount: 601 })),
      '400 invalid_request_error amount',
    )
    await standIn.payOutAll(account)
    assert.equal(await outcome(stripe.transfers.createReversal(id)), '400 invalid_request_error balance_insufficient')
    const after = await stripe.transfers.retrieve(id)
    assert.deepEqual([after.amount_reversed, after.reversed, after.reversals.data.length], [300, false, 1])
    assert.deepEqual(
      [await balanceOf(stripe), await balanceOf(stripe, account)],
      [
        { available: 400, pending: 0 },
        { available: 0, pending: 0 },
      ],
    )
  })
})

describe('payouts', () => {
  test('of a connected account: paid, then sent back by the bank, once', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn, hooks } = rig
    const stripeAccount = await publisher(rig)
    await standIn.fund(1000)
    await stripe.transfers.create({ amount: 900, currency: 'usd', destination: stripeAccount })
    const payout = await standIn.payOutAll(stripeAccount)
    assert.deepEqual([payout?.amount, payout?.status, payout?.automatic], [900, 'pending', true])
    assert.equal(await standIn.payOutAll(stripeAccount), null)
    const id = payout?.id ?? ''
    await standIn.payoutPaid(stripeAccount, id)
    await standIn.payoutFails(stripeAccount, id)
    await assert.rejects(standIn.payoutFails(stripeAccount, id), /has ended already/)
    const failed = await stripe.payouts.retrieve(id, {}, { stripeAccount })
    assert.deepEqual([failed.status, failed.failure_code], ['failed', 'account_closed'])
    assert.deepEqual(await balanceOf(stripe, stripeAccount), { available: 900, pending: 0 })
    await standIn.deliver()
    const told = hooks.filter(({ event }) => event.type.startsWith('payout.'))
    assert.deepEqual(
      told.map(({ event }) => [event.type, event.account]),
      [
        ['payout.created', stripeAccount],
        ['payout.paid', stripeAccount],
        ['payout.failed', stripeAccount],
      ],
    )
    assert.equal((await stripe.events.list({ type: 'payout.*' })).data.length, 0)
    assert.equal((await stripe.events.list({ type: 'payout.*' }, { stripeAccount })).data.length, 3)
  })

  test('by hand: not beyond the balance, not of a restricted account, canceled while pending', async (t) => {
    const rig = stripeRig(t)
    const { stripe, standIn } = rig
    const stripeAccount = await publisher(rig)
    await standIn.fund(1000)
    await stripe.transfers.create({ amount: 900, currency: 'usd', destination: stripeAccount })
    const pay = (amount: number) => stripe.payouts.create({ amount, currency: 'usd' }, { stripeAccount })
    assert.equal(await outcome(pay(901)), '400 invalid_request_error balance_insufficient')
    const { id } = await pay(400)
    await stripe.payouts.cancel(id, {}, { stripeAccount })
    assert.equal(await outcome(stripe.payouts.cancel(id, {}, { stripeAccount })), '400 invalid_request_error')
    await standIn.restrict(stripeAccount)
    assert.equal(await outcome(pay(100)), '400 invalid_request_error payouts_not_allowed')
    assert.deepEqual(await balanceOf(stripe, stripeAccount), { available: 900, pending: 0 })
  })
})

describe('webhooks of connected accounts', () => {
  test('go to the endpoints that want them', async (t) => {
    const heardBy: Record<string, string[]> = {}
    const rig = stripeRig(t, {
      endpoints: [
        { url: 'https://own.test', secret: 'whsec_1', of: 'platform' },
        { url: 'https://connect.test', secret: 'whsec_2', of: 'connected', types: ['account.*'] },
      ],
      post: async (url, headers, payload) => {
        const secret = url.includes('own') ? 'whsec_1' : 'whsec_2'
        const event = Stripe.webhooks.constructEvent(payload, headers['stripe-signature'] ?? '', secret, 1e10)
        heardBy[url] = [...(heardBy[url] ?? []), event.type]
        return 200
      },
    })
    await publisher(rig)
    await rig.stripe.customers.create({})
    await rig.standIn.deliver()
    assert.deepEqual(heardBy, {
      'https://own.test': ['customer.created'],
      'https://connect.test': ['account.updated', 'account.external_account.created'],
    })
  })
})
