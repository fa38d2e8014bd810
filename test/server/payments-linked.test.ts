// Purchases made for an app's user, once that user is a person: whose money, whose refund, whose dispute.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { linkExternal } from '../../server/grants/give.ts'
import { account } from '../../server/ledger/chart.ts'
import { observeCheckout, observePayment } from '../../server/payments/observe.ts'
import { refundable } from '../../server/payments/refunds.ts'
import { claimRestsOfPayments } from '../../server/payments/rests.ts'
import { mutate } from '../../server/wallet/mutations.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { crowdLots } from './money.procedures.ts'
import { app, connect } from './money.rig.ts'
import { type PayWorld, payWorld } from './pay.rig.ts'

const BOB = 'bob'

async function appOf(w: PayWorld): Promise<string> {
  return app(w.db, await w.person())
}

/** A person who links the app's user of that name. */
async function linked(w: PayWorld, appId: string, externalUserId = BOB) {
  const userId = await w.person()
  const connectionId = await connect(w.db, userId, appId)
  await w.db.tx(linkExternal, { appId, externalUserId, userId, connectionId })
  return { userId, connectionId }
}

async function revoke(w: PayWorld, { userId, connectionId }: { userId: string; connectionId: string }): Promise<void> {
  const edit = { mid: 1, name: 'connection.revoke', args: { connection_id: connectionId } }
  await mutate({ db: w.db, log: pino({ level: 'silent' }) }, userId, 'laptop', [edit])
}

const standing = async (w: PayWorld, userId: string) => {
  const { posted, held, floor } = await w.balance(userId)
  return [posted, held, floor]
}

eachDatabase('purchases of linked users', (open) => {
  for (const outcome of ['won', 'lost'] as const)
    test(`a dispute that was open when its user was linked is ${outcome}`, async () => {
      const w = await payWorld(open)
      const appId = await appOf(w)
      const { charge, payment } = await w.buy({ appId, externalUserId: BOB })
      const { id } = await w.stripe.dispute(charge)
      await observePayment(w.deps, payment)
      const { userId } = await linked(w, appId)
      assert.deepEqual(await standing(w, userId), [0, 0, 0], 'what is disputed does not move yet')
      w.advance(20 * 86_400_000)
      await w.stripe.closeDispute(id, outcome)
      await observePayment(w.deps, payment)
      await observePayment(w.deps, payment)
      assert.deepEqual(await standing(w, userId), [outcome === 'won' ? 8_500_000 : 0, 0, 0])
      assert.deepEqual([await w.total(account.disputed), await w.total(account.receivable(userId))], [0, 0])
      await assertInOrder(w.db)
    })

  test('a name that is linked to another person later does not take the first one’s purchases along', async () => {
    const w = await payWorld(open)
    const appId = await appOf(w)
    const { charge, payment } = await w.buy({ appId, externalUserId: BOB })
    const first = await linked(w, appId)
    await w.db.tx(claimRestsOfPayments, undefined)
    await revoke(w, first)
    const second = await linked(w, appId)
    await w.buy({ userId: second.userId })
    await w.stripe.closeDispute((await w.stripe.dispute(charge)).id, 'lost')
    await observePayment(w.deps, payment)
    assert.deepEqual(await standing(w, second.userId), [8_500_000, 0, 0], 'nobody pays for another one’s card')
    assert.deepEqual(await standing(w, first.userId), [0, 0, 0])
    assert.equal((await refundable(w.db, second.userId)).length, 1)
    await assertInOrder(w.db)
  })

  test('a purchase that was begun while linked is that person’s, also when it is paid after a revoke', async () => {
    const w = await payWorld(open)
    const appId = await appOf(w)
    const first = await linked(w, appId)
    const begun = await w.begin({ appId, externalUserId: BOB })
    await revoke(w, first)
    const second = await linked(w, appId)
    await w.stripe.pay(begun.session_id ?? '')
    await observeCheckout(w.deps, begun)
    await w.db.tx(claimRestsOfPayments, undefined)
    assert.deepEqual(await standing(w, first.userId), [8_500_000, 0, 0])
    assert.deepEqual(await standing(w, second.userId), [0, 0, 0])
    assert.equal((await refundable(w.db, first.userId)).length, 1)
    await assertInOrder(w.db)
  })

  test('what was bought before the link can be refunded after it, however many others have bought', async () => {
    const w = await payWorld(open)
    const appId = await appOf(w)
    await w.buy({ appId, externalUserId: BOB })
    await w.db.tx(crowdLots, { n: 501 })
    const { userId } = await linked(w, appId)
    await w.db.tx(claimRestsOfPayments, undefined)
    assert.deepEqual(
      (await refundable(w.db, userId)).map(({ credits }) => credits),
      [8_500_000],
    )
  })
})
