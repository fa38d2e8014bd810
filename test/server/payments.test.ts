// Buying balance: exactly once, the first outcome stands, and nobody is sent anywhere dangerous.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkReturnUrl } from '../../server/connections/names.ts'
import type { Balance, Topup } from '../../server/contract/records.ts'
import { isFault } from '../../server/faults.ts'
import { linkExternal } from '../../server/grants/give.ts'
import { account } from '../../server/ledger/chart.ts'
import { stands } from '../../server/ledger/ledger.ts'
import { type Buyer, beginCheckout, type CheckoutRow, endCheckout } from '../../server/payments/checkouts.ts'
import { packages } from '../../server/payments/packages.ts'
import { sandboxPage, sandboxPolicy } from '../../server/payments/sandbox-page.ts'
import { assertInOrder, eachDatabase, type Open } from '../support/databases.ts'
import { app, clock, connect, documents, PROCEDURES, person, picture, refused } from './money.rig.ts'

const FROM = account.sandbox

async function world(open: Open) {
  const time = clock('2026-11-23T12:00:00Z')
  const { db } = await open({ procedures: PROCEDURES, now: time.now })
  let n = 0
  const begin = async (buyer: Buyer, packageId = 'basic') => {
    const id = `chk_${++n}`
    const urls = { successUrl: 'https://app.example/ok', cancelUrl: 'https://app.example/no' }
    await db.tx(beginCheckout, { id, buyer, packageId, ...urls, livemode: false, attempt: null })
    return id
  }
  const end = (id: string, outcome: CheckoutRow['status']) => {
    assert.ok(outcome !== 'pending')
    return db.tx(endCheckout, { id, outcome, from: FROM })
  }
  return { db, time, begin, end }
}

eachDatabase('payments', (open) => {
  test('the packages of the contract', async () => {
    const { db } = await world(open)
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

  test('100 payments of one checkout at once credit it once, with its documents', async () => {
    const w = await world(open)
    const userId = await person(w.db)
    const id = await w.begin({ userId })
    assert.equal((await documents<Topup>(w.db, userId, 'topup'))[0]?.status, 'pending')
    const rows = await Promise.all(Array.from({ length: 100 }, () => w.end(id, 'paid')))
    assert.ok(rows.every((row) => row.status === 'paid'))
    assert.equal((await stands(w.db, account.user(userId))).posted, 8_500_000)
    const [topup] = await documents<Topup>(w.db, userId, 'topup')
    assert.deepEqual([topup?.status, topup?.paid_at, topup?.livemode], ['paid', '2026-11-23T12:00:00.000Z', false])
    const [balance] = await documents<Balance>(w.db, userId, 'balance')
    assert.deepEqual(balance, { posted: 8_500_000, held: 0, available: 8_500_000 })
    await assertInOrder(w.db)
  })

  test('the first outcome stands, whatever comes at the same time or later', async () => {
    const w = await world(open)
    const userId = await person(w.db)
    const id = await w.begin({ userId })
    assert.equal((await w.end(id, 'declined')).status, 'declined')
    const before = await picture(w.db)
    assert.equal((await w.end(id, 'paid')).status, 'declined')
    assert.equal(await picture(w.db), before)
    const other = await w.begin({ userId })
    const outcomes = ['paid', 'declined', 'expired'] as const
    const rows = await Promise.all(Array.from({ length: 60 }, (_, i) => w.end(other, outcomes[i % 3] ?? 'paid')))
    assert.equal(new Set(rows.map((row) => row.status)).size, 1)
    const credited = rows[0]?.status === 'paid' ? 8_500_000 : 0
    assert.equal((await stands(w.db, account.user(userId))).posted, credited)
  })

  test('refusals and ends without payment move nothing', async () => {
    const w = await world(open)
    const userId = await person(w.db)
    const before = await picture(w.db)
    assert.equal(await refused(w.begin({ userId }, 'gold')), 'bad_request')
    assert.equal(await refused(w.end('chk_unknown', 'paid')), 'not_found')
    assert.equal(await picture(w.db), before)
    const id = await w.begin({ userId })
    w.time.set('2026-11-24T12:00:00Z')
    assert.equal((await w.end(id, 'paid')).status, 'expired', 'a checkout is open for a day')
    assert.equal((await stands(w.db, account.user(userId))).posted, 0)
  })

  test('an external user’s purchase is theirs until they are linked, and the person’s from then on', async () => {
    const w = await world(open)
    const appId = await app(w.db, await person(w.db))
    const buyer = { appId, externalUserId: 'bob' }
    const [first, second] = [await w.begin(buyer), await w.begin(buyer)]
    await w.end(first, 'paid')
    const userId = await person(w.db)
    const connectionId = await connect(w.db, userId, appId)
    await w.db.tx(linkExternal, { appId, externalUserId: 'bob', userId, connectionId })
    assert.equal((await stands(w.db, account.user(userId))).posted, 8_500_000)
    await w.end(second, 'paid')
    assert.equal((await stands(w.db, account.user(userId))).posted, 17_000_000)
    await assertInOrder(w.db)
  })
})

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
    package_id: 'basic',
    package_name: '<img src=x onerror=alert(1)>',
    price_cents: 1000,
    balance_credits: 8_500_000,
    user_id: 'user_1',
    external_id: null,
    success_url: 'https://app.example/ok?a=1&session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:7999/no?"x',
    status: 'pending',
    livemode: 0,
    created_at: 0,
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
