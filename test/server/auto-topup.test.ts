// Automatic top-ups: once a crossing, within their limits, off by themselves when the bank says no.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Notice, Topup } from '../../server/contract/records.ts'
import { account } from '../../server/ledger/chart.ts'
import { autoTopup, setAutoTopup } from '../../server/payments/auto-topup.ts'
import { sweepAutoTopups } from '../../server/payments/carriers.ts'
import { warnOf } from '../../server/payments/warnings.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { earnFrom } from './money.procedures.ts'
import { documents } from './money.rig.ts'
import { type PayWorld, payWorld, refusal } from './pay.rig.ts'

const HOUR = 3_600_000

/** A person with $4.05, a saved card, and a top-up of the same below $4. */
async function saved(w: PayWorld, method = 'pm_card_visa', more: Partial<{ monthMaxCents: number }> = {}) {
  const userId = await w.person()
  const { charge } = await w.buy({ userId }, 'starter', { method, saveCard: true })
  const set = { userId, enabled: true, threshold: 4_000_000, packageId: 'starter', monthMaxCents: 100_000, ...more }
  await w.db.tx(setAutoTopup, { ...set, recent: true })
  return { userId, charge, set }
}

const spend = (w: PayWorld, userId: string, amount: number) =>
  w.db.tx(earnFrom, { from: account.user(userId), publisher: 'nobody', amount })

/** Looks, several at once, and carries out what was promised. */
async function look(w: PayWorld): Promise<void> {
  await Promise.all([sweepAutoTopups(w.deps), sweepAutoTopups(w.deps), sweepAutoTopups(w.deps)])
  await w.carry()
  await w.carry()
}

const bought = async (w: PayWorld, userId: string) =>
  (await documents<Topup>(w.db, userId, 'topup')).filter(({ auto }) => auto).map(({ status }) => status)

eachDatabase('automatic top-ups', (open) => {
  test('one crossing is one purchase, whoever looks; the next one is another; three a day', async () => {
    const w = await payWorld(open)
    const { userId } = await saved(w)
    await look(w)
    assert.deepEqual(await bought(w, userId), [], 'above the threshold')
    for (const [n, left] of [
      [1, 1_000_000],
      [2, 1_000_000],
      [3, 1_000_000],
    ] as const) {
      await spend(w, userId, (await w.balance(userId)).posted - left)
      await look(w)
      await look(w)
      assert.equal((await bought(w, userId)).length, n)
      assert.equal((await w.balance(userId)).posted, left + 4_050_000)
    }
    await spend(w, userId, 4_000_000)
    await look(w)
    assert.equal((await bought(w, userId)).length, 3, 'three a day')
    w.advance(24 * HOUR)
    await look(w)
    assert.deepEqual(await bought(w, userId), ['paid', 'paid', 'paid', 'paid'])
    await assertInOrder(w.db)
  })

  test('the month’s ceiling holds, in cents of price', async () => {
    const w = await payWorld(open)
    const { userId } = await saved(w, 'pm_card_visa', { monthMaxCents: 1_000 })
    for (let i = 0; i < 3; i++) {
      await spend(w, userId, (await w.balance(userId)).posted - 10_000)
      await look(w)
      w.advance(HOUR)
    }
    assert.deepEqual(await bought(w, userId), ['paid', 'paid'])
    w.set('2026-12-01T00:00:01Z')
    await look(w)
    assert.equal((await bought(w, userId)).length, 3)
    await assertInOrder(w.db)
  })

  test('a card that is refused is tried three times, an hour apart, and then no more', async () => {
    const w = await payWorld(open)
    const { userId } = await saved(w, 'pm_card_chargeCustomerFail')
    await spend(w, userId, 4_000_000)
    for (let i = 0; i < 6; i++) {
      await look(w)
      await look(w)
      w.advance(HOUR)
      if (i === 2) w.advance(24 * HOUR)
    }
    assert.deepEqual(await bought(w, userId), ['declined', 'declined', 'declined'])
    const settings = await autoTopup(w.db, userId, w.deps.now())
    assert.deepEqual([settings.enabled, settings.stopped], [false, 'declined'])
    assert.equal((await documents<Notice>(w.db, userId, 'notice')).length, 3)
    assert.equal((await w.balance(userId)).posted, 50_000)
    await assertInOrder(w.db)
  })

  test('what waits for the provider is not charged once they are off; on again, the next crossing is', async () => {
    const w = await payWorld(open)
    const { userId, set } = await saved(w)
    await spend(w, userId, 1_000_000)
    w.stripe.faults.requests([{ method: 'POST', path: '/v1/payment_intents', at: 'edge', ends: 'reset', times: 9 }])
    await look(w)
    assert.deepEqual(await bought(w, userId), ['pending'])
    await w.db.tx(setAutoTopup, { userId, enabled: false, recent: false })
    w.stripe.faults.clear()
    w.advance(HOUR)
    await look(w)
    assert.deepEqual([await bought(w, userId), (await w.balance(userId)).posted], [['expired'], 3_050_000])
    assert.deepEqual(await documents<Notice>(w.db, userId, 'notice'), [])
    await w.db.tx(setAutoTopup, { ...set, recent: true })
    await look(w)
    assert.deepEqual([await bought(w, userId), (await w.balance(userId)).posted], [['expired', 'paid'], 7_100_000])
    await assertInOrder(w.db)
  })

  test('a charge whose answer was lost is found, though they were turned off meanwhile', async () => {
    const w = await payWorld(open)
    const { userId } = await saved(w)
    await spend(w, userId, 1_000_000)
    w.stripe.faults.requests([{ method: 'POST', path: '/v1/payment_intents', at: 'after', ends: 'reset', times: 9 }])
    await look(w)
    await w.db.tx(setAutoTopup, { userId, enabled: false, recent: false })
    w.stripe.faults.clear()
    w.advance(HOUR)
    await look(w)
    assert.deepEqual([await bought(w, userId), (await w.balance(userId)).posted], [['paid'], 7_100_000])
    await assertInOrder(w.db)
  })

  test('who may change what', async () => {
    const w = await payWorld(open)
    const bare = await w.person()
    const first = {
      userId: bare,
      enabled: true,
      threshold: 1_000_000,
      packageId: 'starter',
      monthMaxCents: 1_000,
      recent: true,
    }
    assert.equal(await refusal(w.db.tx(setAutoTopup, first)), 'bad_request', 'there is no card')
    const { userId, set, charge } = await saved(w)
    const rows: [string, Partial<typeof set>, string][] = [
      ['a higher threshold', { threshold: 4_000_001 }, 'step_up_required'],
      ['a dearer package', { packageId: 'basic' }, 'step_up_required'],
      ['a higher ceiling', { monthMaxCents: 100_001 }, 'step_up_required'],
      ['a threshold above the package', { threshold: 4_050_001 }, 'bad_request'],
      ['no such package', { packageId: 'gold' }, 'bad_request'],
      ['a lower threshold', { threshold: 3_000_000 }, 'nothing refused'],
      ['off', { enabled: false }, 'nothing refused'],
      ['on again', { enabled: true }, 'step_up_required'],
    ]
    for (const [name, given, code] of rows)
      assert.equal(await refusal(w.db.tx(setAutoTopup, { ...set, ...given, recent: false })), code, name)
    await w.db.tx(setAutoTopup, { ...set, recent: true })
    await warnOf(w.deps, { charge, id: 'issfr_1' })
    assert.deepEqual((await autoTopup(w.db, userId, w.deps.now())).stopped, 'fraud_warning')
  })
})
