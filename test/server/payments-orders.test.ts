// Every order of the events of one payment, each told twice, or none told at all: the same end.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Topup } from '../../server/contract/records.ts'
import { account } from '../../server/ledger/chart.ts'
import { observeEvent } from '../../server/payments/observe.ts'
import type { EventSeen } from '../../server/payments/payments.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { documents } from './money.rig.ts'
import { payWorld } from './pay.rig.ts'

const FIVE = [
  'checkout.session.completed',
  'payment_intent.succeeded',
  'charge.succeeded',
  'charge.updated',
  'refund.created',
] as const

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]]
  return items.flatMap((item, i) => ordersOf(items.filter((_, j) => j !== i)).map((rest) => [item, ...rest]))
}

/** A person who paid $10 and whom the operator gave back $3, of which nothing was told yet. */
async function paid(w: Awaited<ReturnType<typeof payWorld>>) {
  const userId = await w.person()
  const row = await w.begin({ userId })
  const { intent } = await w.stripe.pay(row.session_id ?? '')
  const payment = intent?.id ?? ''
  await fetchRefund(w, payment)
  return { userId, payment }
}

async function fetchRefund(w: Awaited<ReturnType<typeof payWorld>>, payment: string): Promise<void> {
  const made = await w.payments.refund({ id: `operator_${payment}`, paymentIntent: payment, cents: 300, attempt: 1 })
  assert.ok(!('refused' in made))
}

/** What must be the same for everybody: the balance, the top-up as it is shown, how many movements there are. */
async function endOf(w: Awaited<ReturnType<typeof payWorld>>, userId: string) {
  const { posted, held, floor } = await w.balance(userId)
  const [topup] = await documents<Topup>(w.db, userId, 'topup')
  const movements = await w.db.all<{ legs: string }>(`SELECT legs FROM movements WHERE legs LIKE ?`, [
    `%"user:${userId}"%`,
  ])
  return { posted, held, floor, status: topup?.status, returned: topup?.returned_credits, movements: movements.length }
}

const END = { posted: 5_500_000, held: 0, floor: 0, status: 'paid', returned: 3_000_000, movements: 2 }

eachDatabase('payments: orders of events', (open) => {
  test('all 120 orders of the five events, each told twice', async () => {
    const w = await payWorld(open)
    const people: { userId: string; payment: string }[] = []
    for (let i = 0; i < 120; i++) people.push(await paid(w))
    const byPayment = new Map<string, Map<string, EventSeen>>()
    for (const event of await w.payments.events(0)) {
      const payment = await paymentOf(w, event)
      const events = byPayment.get(payment) ?? new Map<string, EventSeen>()
      if ((FIVE as readonly string[]).includes(event.type)) events.set(event.type, event)
      byPayment.set(payment, events)
    }
    for (const [i, order] of ordersOf(FIVE).entries()) {
      const { userId, payment } = people[i] ?? { userId: '', payment: '' }
      const events = byPayment.get(payment)
      for (const type of order) {
        // The stand-in tells of a charge's update only when it has one; the object is looked at all the same.
        const event = events?.get(type) ?? {
          id: `evt_${i}`,
          type,
          at: 0,
          livemode: false,
          subject: { kind: 'payment' as const, id: payment },
        }
        await observeEvent(w.deps, event)
        await observeEvent(w.deps, event)
      }
      assert.deepEqual(await endOf(w, userId), END, order.join(' → '))
    }
    assert.deepEqual([await w.total(account.stripe), await w.total(account.fees)], [-120 * 7_000_000, 120 * 1_500_000])
    await assertInOrder(w.db)
  })

  test('nothing is told: the reconciler finds it, and what is told later changes nothing', async () => {
    const w = await payWorld(open)
    const people = [await paid(w), await paid(w), await paid(w)]
    await w.reconcile()
    for (const { userId } of people) assert.deepEqual(await endOf(w, userId), END)
    const unseen = await paid(w) // its events are before the mark by now, and come again with the next look
    w.advance(60_000)
    await w.reconcile()
    assert.deepEqual(await endOf(w, unseen.userId), END)
    await w.tell((events) => [...events].reverse())
    await w.tell()
    for (const { userId } of [...people, unseen]) assert.deepEqual(await endOf(w, userId), END)
    await assertInOrder(w.db)
  })

  test('one event that cannot be acted on does not stop the others', async () => {
    const w = await payWorld(open)
    const [first, second] = [await paid(w), await paid(w)]
    w.stripe.faults.requests([
      { method: 'GET', path: `/v1/payment_intents/${first.payment}`, at: 'edge', ends: 500, times: 30 },
    ])
    await w.reconcile()
    assert.deepEqual([(await w.balance(first.userId)).posted, (await w.balance(second.userId)).posted], [0, END.posted])
    w.stripe.faults.clear()
    w.advance(3 * 3_600_000)
    await w.reconcile()
    assert.deepEqual(await endOf(w, first.userId), END)
    await assertInOrder(w.db)
  })
})

async function paymentOf(w: Awaited<ReturnType<typeof payWorld>>, { subject }: EventSeen): Promise<string> {
  if (subject?.kind === 'payment') return subject.id
  if (subject?.kind === 'session') return (await w.payments.session(subject.id))?.paymentIntent ?? ''
  return ''
}
