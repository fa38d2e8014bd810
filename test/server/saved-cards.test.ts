// A saved card is let go: here at once, at the provider as soon as it answers, and nothing of it is charged again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import Stripe from 'stripe'
import { account } from '../../server/ledger/chart.ts'
import { fireAutoTopup, setAutoTopup } from '../../server/payments/auto-topup.ts'
import { removeCard, savedCard } from '../../server/payments/saved-cards.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { earnFrom, forgetPaymentsOf } from './money.procedures.ts'
import { type PayWorld, payWorld, refusal } from './pay.rig.ts'

const TERMS = { enabled: true, threshold: 4_000_000, packageId: 'starter', monthMaxCents: 100_000 }

/** A person with $4.05, a saved card and automatic top-ups below $4. */
async function saved(w: PayWorld, method = 'pm_card_visa') {
  const userId = await w.person()
  await w.buy({ userId }, 'starter', { method, saveCard: true })
  await w.db.tx(setAutoTopup, { userId, ...TERMS, recent: true })
  const card = await savedCard(w.db, userId)
  assert.ok(card)
  return { userId, card }
}

const direct = (w: PayWorld) =>
  new Stripe('sk_test_rig', { httpClient: Stripe.createFetchHttpClient(w.stripe.fetch), maxNetworkRetries: 0 })
/** Whose a card is at the provider. */
const ownerThere = async (w: PayWorld, id: string) => (await direct(w).paymentMethods.retrieve(id)).customer
const outbox = (w: PayWorld) => w.db.all<{ id: string; tries: number }>('SELECT id, tries FROM outbox ORDER BY id')
const settings = (w: PayWorld, userId: string) =>
  w.db.get('SELECT enabled, armed, stopped FROM auto_topups WHERE user_id = ?', [userId])
const detaching = (id: string) => ({ method: 'POST', path: `/v1/payment_methods/${id}/detach` })

eachDatabase('a saved card', (open) => {
  test('is removed: here, at Stripe, and from automatic top-ups; nobody else’s moves, and no money does', async () => {
    const w = await payWorld(open)
    const [{ userId, card }, other] = [await saved(w), await saved(w, 'pm_card_mastercard')]
    const before = await w.balance(userId)
    await w.db.tx(removeCard, { userId })
    assert.deepEqual(await settings(w, userId), { enabled: 0, armed: 1, stopped: null })
    assert.equal(await refusal(w.db.tx(removeCard, { userId })), 'not_found', 'it is gone already')
    assert.equal(await w.carry(), 1)
    assert.equal(await ownerThere(w, card.paymentMethod), null)
    assert.deepEqual([await outbox(w), await w.balance(userId)], [[], before])

    assert.equal(await refusal(w.db.tx(setAutoTopup, { userId, ...TERMS, recent: true })), 'bad_request')
    await w.tell() // that its payment is seen again is no reason to keep the card again
    assert.equal(await savedCard(w.db, userId), undefined)
    const charged = await w.payments.chargeSaved({ checkoutId: 'chk_x', cents: 500, card })
    assert.deepEqual(Object.keys(charged), ['refused'])

    assert.deepEqual(await savedCard(w.db, other.userId), other.card)
    assert.equal(await ownerThere(w, other.card.paymentMethod), other.card.customer)
    assert.deepEqual(await settings(w, other.userId), { enabled: 1, armed: 1, stopped: null })
    assert.equal(await refusal(w.db.tx(removeCard, { userId: await w.person() })), 'not_found', 'never had one')
    await assertInOrder(w.db)
  })

  test('whatever Stripe answers: it is let go there once, and asked for until it is', async () => {
    const w = await payWorld(open)
    const remembered = { at: 'before', ends: 500, times: 3 } as const
    const rows: [string, (id: string) => unknown, number][] = [
      ['the connection is cut before', (id) => plan(id, { at: 'edge', ends: 'reset', times: 3 }), 1],
      ['the connection is cut after', (id) => plan(id, { at: 'after', ends: 'reset', times: 3 }), 1],
      ['it breaks, and the key remembers that', (id) => plan(id, remembered), 1],
      ['it is detached there already', (id) => direct(w).paymentMethods.detach(id), 0],
    ]
    const plan = (id: string, fault: Omit<Parameters<typeof w.stripe.faults.requests>[0][number], 'path'>) =>
      w.stripe.faults.requests([{ ...detaching(id), ...fault }])
    for (const [name, goesWrong, waits] of rows) {
      const { userId, card } = await saved(w)
      await goesWrong(card.paymentMethod)
      await w.db.tx(removeCard, { userId })
      await w.carry()
      assert.deepEqual([await savedCard(w.db, userId), (await outbox(w)).length], [undefined, waits], name)
      w.stripe.faults.clear()
      w.advance(3_600_000)
      await w.carry()
      assert.deepEqual([await ownerThere(w, card.paymentMethod), await outbox(w)], [null, []], name)
    }
    await w.payments.detachCard({ id: 'pm_that_never_was', attempt: 1 })
    await assertInOrder(w.db)
  })

  test('stays while it is being charged; a charge that was begun is credited, and none is begun after', async () => {
    const w = await payWorld(open)
    const { userId, card } = await saved(w)
    await w.db.tx(earnFrom, { from: account.user(userId), publisher: 'nobody', amount: 1_000_000 })
    const fire = (id: string) => w.db.tx(fireAutoTopup, { userId, id, livemode: false, scale: 1000 })
    assert.equal(await fire('chk_auto'), true)
    const before = await settings(w, userId)
    assert.equal(await refusal(w.db.tx(removeCard, { userId })), 'topup_in_progress')
    assert.deepEqual([await savedCard(w.db, userId), await settings(w, userId)], [card, before], 'nothing moved')
    await w.carry()
    assert.equal((await w.balance(userId)).posted, 7_100_000)
    await w.db.tx(earnFrom, { from: account.user(userId), publisher: 'nobody', amount: 6_000_000 })
    const [fired] = await Promise.all([fire('chk_race'), w.db.tx(removeCard, { userId }).catch(() => undefined)])
    await w.carry()
    const kept = await savedCard(w.db, userId)
    const posted = (await w.balance(userId)).posted
    assert.deepEqual([kept !== undefined, posted], fired ? [true, 5_150_000] : [false, 1_100_000], 'one of the two')
    await assertInOrder(w.db)
  })

  test('is let go at Stripe too when another takes its place, and when its person leaves', async () => {
    const w = await payWorld(open)
    const { userId, card } = await saved(w)
    await w.buy({ userId }, 'starter', { method: 'pm_card_mastercard', saveCard: true })
    await w.carry()
    const next = await savedCard(w.db, userId)
    assert.ok(next && next.paymentMethod !== card.paymentMethod)
    const there = async () => [await ownerThere(w, card.paymentMethod), await ownerThere(w, next.paymentMethod)]
    assert.deepEqual(await there(), [null, next.customer])
    await w.db.tx(forgetPaymentsOf, { userId })
    await w.carry()
    assert.deepEqual([await there(), await savedCard(w.db, userId), await outbox(w)], [[null, null], undefined, []])
  })
})
