// Buying balance: exactly once, the first outcome stands, and nobody is sent anywhere dangerous.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { leave } from '../../server/account/leave.ts'
import { checkReturnUrl } from '../../server/connections/names.ts'
import type { Balance, Topup } from '../../server/contract/records.ts'
import { isFault } from '../../server/faults.ts'
import { linkExternal } from '../../server/grants/give.ts'
import { account } from '../../server/ledger/chart.ts'
import { beginCheckout, type CheckoutRow } from '../../server/payments/checkouts.ts'
import { recordPayment } from '../../server/payments/credit.ts'
import { observeCheckout } from '../../server/payments/observe.ts'
import { packages } from '../../server/payments/packages.ts'
import type { PaymentSeen } from '../../server/payments/payments.ts'
import { refundable } from '../../server/payments/refunds.ts'
import { claimRestsOfPayments } from '../../server/payments/rests.ts'
import { sandboxPage, sandboxPolicy } from '../../server/payments/sandbox-page.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { app, connect, documents, picture } from './money.rig.ts'
import { payWorld, refusal } from './pay.rig.ts'

eachDatabase('payments', (open) => {
  test('the packages of the contract', async () => {
    const { db } = await payWorld(open)
    assert.deepEqual(
      (await packages(db)).map((p) => [p.id, p.name, p.price_cents, p.balance_credits, p.balance_display]),
      [
        ['starter', 'Starter', 500, 4_050_000, '$4.05'],
        ['basic', 'Basic', 1000, 8_500_000, '$8.50'],
        ['plus', 'Plus', 2500, 22_500_000, '$22.50'],
        ['pro', 'Pro', 5000, 46_500_000, '$46.50'],
      ],
    )
  })

  test('40 looks at one payment at once credit it once, with its documents', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const row = await w.begin({ userId })
    assert.equal((await documents<Topup>(w.db, userId, 'topup'))[0]?.status, 'pending')
    await w.stripe.pay(row.session_id ?? '')
    const seen = await Promise.all(Array.from({ length: 40 }, () => observeCheckout(w.deps, row)))
    assert.ok(seen.every((one) => one?.status === 'paid'))
    assert.equal((await w.balance(userId)).posted, 8_500_000)
    const [topup] = await documents<Topup>(w.db, userId, 'topup')
    assert.deepEqual([topup?.status, topup?.paid_at, topup?.livemode], ['paid', '2026-11-23T12:00:00.000Z', false])
    const [balance] = await documents<Balance>(w.db, userId, 'balance')
    assert.deepEqual(balance, { posted: 8_500_000, held: 0, available: 8_500_000 })
    assert.deepEqual([await w.total(account.stripe), await w.total(account.fees)], [-10_000_000, 1_500_000])
    await assertInOrder(w.db)
  })

  test('looks at what is not paid move nothing', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const before = await picture(w.db)
    assert.equal(await refusal(w.begin({ userId }, 'gold')), 'bad_request')
    assert.equal(await picture(w.db), before)
    const row = await w.begin({ userId })
    const begun = await picture(w.db)
    assert.equal((await observeCheckout(w.deps, row))?.status, 'pending', 'opened and not paid')
    await w.stripe.decline(row.session_id ?? '')
    assert.equal((await observeCheckout(w.deps, row))?.status, 'pending', 'a declined try may be tried again there')
    assert.equal(await picture(w.db), begun)
    w.advance(25 * 3_600_000)
    await w.stripe.tick()
    assert.equal((await observeCheckout(w.deps, row))?.status, 'expired')
    await w.db.tx(beginCheckout, { id: 'chk_unopened', buyer: { userId }, packageId: 'basic', ...NOWHERE })
    await w.reconcile()
    assert.equal((await w.found('chk_unopened')).status, 'pending')
    w.advance(25 * 3_600_000)
    await w.reconcile()
    assert.equal((await w.found('chk_unopened')).status, 'expired', 'no page was ever opened for it')
    assert.equal((await w.balance(userId)).posted, 0)
  })

  test('a delayed method is under way until it arrives or fails', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    for (const [outcome, status, posted] of [
      ['settle', 'paid', 8_500_000],
      ['fail', 'failed', 8_500_000],
    ] as const) {
      const row = await w.begin({ userId })
      const { intent } = await w.stripe.pay(row.session_id ?? '', { method: 'pm_usBankAccount' })
      assert.equal((await observeCheckout(w.deps, row))?.status, 'processing')
      await w.stripe[outcome](intent?.id ?? '')
      assert.equal((await observeCheckout(w.deps, row))?.status, status)
      assert.equal((await w.balance(userId)).posted, posted)
    }
    await assertInOrder(w.db)
  })

  test('nobody leaves while a payment is under way: its money would come to nobody', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const row = await w.begin({ userId })
    const { intent } = await w.stripe.pay(row.session_id ?? '', { method: 'pm_usBankAccount' })
    await observeCheckout(w.deps, row)
    await assert.rejects(w.db.tx(leave, { userId, forfeit: 0 }), (error) => {
      assert.ok(isFault(error) && error.code === 'account_not_empty')
      assert.deepEqual(error.options.details, { balance: 0, held: 0, pool: 0, earnings: 0, apps: 0, payments: 1 })
      return true
    })
    await w.stripe.settle(intent?.id ?? '')
    await observeCheckout(w.deps, row)
    assert.equal((await w.balance(userId)).posted, 8_500_000)
    await w.db.tx(leave, { userId, forfeit: 8_500_000 })
    await assertInOrder(w.db)
  })

  test('what the provider says was received is credited, not what an event or our row says', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const row = await w.begin({ userId })
    const rows: [string, Partial<PaymentSeen>, number, string | null][] = [
      ['a tenth of the price', { receivedCents: 100 }, 850_000, 'wrong_amount'],
      ['another currency', { id: 'pi_eur', currency: 'eur' }, 850_000, 'wrong_currency'],
      ['the other mode', { id: 'pi_live', livemode: true }, 850_000, 'wrong_mode'],
      [
        'a second payment of the same checkout is money too',
        { id: 'pi_2', receivedCents: 1000 },
        9_350_000,
        'second_payment',
      ],
    ]
    for (const [name, given, posted, alarm] of rows) {
      const payment = { ...SEEN, checkoutId: row.id, ...given }
      const recorded = await w.db.tx(recordPayment, { checkoutId: row.id, session: null, payment, livemode: false })
      assert.deepEqual([(await w.balance(userId)).posted, recorded.alarm], [posted, alarm], name)
    }
    const unknown = { checkoutId: 'chk_nobody', session: null, payment: SEEN, livemode: false }
    assert.equal((await w.db.tx(recordPayment, unknown)).alarm, 'unknown_checkout')
    await assertInOrder(w.db)
  })

  test('an external user’s purchase is theirs until they are linked, and the person’s from then on', async () => {
    const w = await payWorld(open)
    const appId = await app(w.db, await w.person())
    const buyer = { appId, externalUserId: 'bob' }
    await w.buy(buyer)
    const second = await w.begin(buyer)
    const userId = await w.person()
    const connectionId = await connect(w.db, userId, appId)
    await w.db.tx(linkExternal, { appId, externalUserId: 'bob', userId, connectionId })
    assert.equal((await w.balance(userId)).posted, 8_500_000)
    await w.stripe.pay(second.session_id ?? '')
    await observeCheckout(w.deps, second)
    assert.equal((await w.balance(userId)).posted, 17_000_000)
    assert.equal((await refundable(w.db, userId)).length, 1, 'what was bought before the link is not theirs yet')
    await w.db.tx(claimRestsOfPayments, undefined)
    assert.equal((await refundable(w.db, userId)).length, 2)
    await assertInOrder(w.db)
  })

  test('a purchase is refused when there are too many, before anybody is asked for a card', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const begin = (i: number) =>
      w.db.tx(beginCheckout, {
        id: `chk_many_${i}`,
        buyer: { userId },
        packageId: 'starter',
        successUrl: '',
        cancelUrl: '',
        livemode: false,
        attempt: null,
      })
    for (let i = 0; i < 60; i++) await begin(i)
    assert.equal(await refusal(begin(60)), 'rate_limit_exceeded')
    w.advance(3_600_001)
    await begin(61)
  })
})

const NOWHERE = { successUrl: '', cancelUrl: '', livemode: false, attempt: null }
const SEEN: PaymentSeen = {
  id: 'pi_1',
  checkoutId: null,
  status: 'succeeded',
  receivedCents: 1000,
  currency: 'usd',
  livemode: false,
  failure: null,
  charge: 'ch_1',
  fingerprint: null,
  savedCard: null,
  refunds: [],
  disputes: [],
}

describe('return addresses', () => {
  const rows: [string, boolean][] = [
    ['https://app.example/ok?x=1', true],
    ['http://127.0.0.1:7999/callback', true],
    ['http://[::1]:80/cb', true],
    ['http://localhost:3000/', true],
    ['http://app.example/ok', false],
    ['http://127.0.0.1.evil.example/', false],
    ['http://localhost.evil.example/', false],
    ['http://localhost@evil.example/', false],
    ['https://user:pass@app.example/', false],
    ['https://app.example/#x', false],
    ['https://app.example/#', false],
    ['https://*.example.com/', false],
    ['https://app.example\\@evil.example/', false],
    ['javascript:alert(1)', false],
    ['data:text/html,x', false],
    ['app://wallet/x', false],
    ['//evil.example/', false],
    ['https:evil.example', false],
    ['https:///evil.example', false],
    [' https://app.example/', false],
    ['https://app.example/\n', false],
    ['https://аpp.example/', false],
    ['', false],
  ]
  for (const [url, allowed] of rows) {
    test(`${JSON.stringify(url)} is ${allowed ? 'allowed' : 'refused'}`, () => {
      try {
        checkReturnUrl(url, 'success_url')
        assert.ok(allowed)
      } catch (error) {
        if (!isFault(error)) throw error
        assert.deepEqual([error.code, error.options.param, allowed], ['bad_request', 'success_url', false])
      }
    })
  }
})

describe('the sandbox’s payment page', () => {
  const row: CheckoutRow = {
    id: 'chk_1',
    kind: 'page',
    package_id: 'basic',
    package_name: '<img src=x onerror=alert(1)>',
    price_cents: 1000,
    balance_credits: 8_500_000,
    user_id: 'user_1',
    external_id: null,
    linked_user: null,
    success_url: 'https://app.example/ok?a=1&session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:7999/no?"x',
    embedded: 0,
    save_card: 0,
    session_id: null,
    payment_intent: null,
    status: 'pending',
    failure: null,
    livemode: 0,
    created_at: 0,
    looked_at: 0,
    ended_at: null,
  }
  test('says price, fee and what one gets, names the amount on the button, is marked, and has no script', () => {
    const page = sandboxPage(row)
    for (const text of ['Pay $10.00', '$1.50', '$8.50 of balance', 'Decline', 'Cancel', 'no money moves']) {
      assert.ok(page.includes(text), text)
    }
    assert.doesNotMatch(page, /<script|<img|javascript:|style=/)
    assert.ok(!page.includes('no?"x'))
  })
  test('its policy allows its own style and the two ways back, nothing else', () => {
    const policy = sandboxPolicy(row)
    assert.match(
      policy,
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; form-action 'self' https:\/\/app\.example http:\/\/127\.0\.0\.1:7999; base-uri 'none'; frame-ancestors 'none'$/,
    )
  })
  test('an ended checkout cannot be paid again', () => {
    for (const status of ['paid', 'declined', 'expired'] as const)
      assert.doesNotMatch(sandboxPage({ ...row, status }), /<form|<button/)
    assert.match(sandboxPage({ ...row, status: 'paid' }), /session=chk_1/)
  })
})
