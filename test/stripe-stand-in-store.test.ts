// The stand-in's memory in the main database: it survives a restart, and two processes share it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryStore } from '../server/payments/stand-in/store.ts'
import { dbStore } from '../server/payments/stand-in/store-db.ts'
import { eachDatabase } from './support/databases.ts'
import { balanceOf, bought, outcome, PACKAGE, stripeRig } from './support/stripe.ts'

eachDatabase('the stand-in in the database', (open) => {
  test('what was bought is still there after a restart, and keys still mean what they meant', async (t) => {
    const { db, again } = await open()
    const rig = stripeRig(t, { store: dbStore(db) })
    const { session, charge } = await bought(rig)
    const refund = { charge, amount: 400 }
    const first = await rig.stripe.refunds.create(refund, { idempotencyKey: 'refund-1' })
    const { stripe, standIn, hooks } = stripeRig(t, { store: dbStore(await again()) })
    assert.equal((await stripe.checkout.sessions.retrieve(session)).payment_status, 'paid')
    assert.equal((await stripe.refunds.create(refund, { idempotencyKey: 'refund-1' })).id, first.id)
    assert.equal((await stripe.refunds.list({ charge })).data.length, 1)
    assert.equal(await outcome(stripe.refunds.create({ charge, amount: 601 })), '400 invalid_request_error amount')
    await standIn.deliver()
    const events = await stripe.events.list({ limit: 100 })
    assert.deepEqual(
      hooks.map(({ event }) => event.id),
      events.data.map(({ id }) => id).reverse(),
    )
    const { available, pending } = await balanceOf(stripe)
    assert.equal(available + pending, 541)
  })

  test('a session is paid once, however many processes and people try', async (t) => {
    const { db } = await open()
    const [a, b] = [stripeRig(t, { store: dbStore(db) }), stripeRig(t, { store: dbStore(db) })]
    const { id } = await a.stripe.checkout.sessions.create(PACKAGE)
    const tries = await Promise.all([a, b, a, b].map(({ standIn }) => standIn.pay(id)))
    assert.equal(tries.filter(({ error }) => error === null).length, 1)
    assert.equal((await b.stripe.charges.list()).data.length, 1)
    await Promise.all([a, b].map(({ standIn }) => standIn.deliver()))
    const ids = [...a.hooks, ...b.hooks].map(({ event }) => event.id)
    assert.equal(new Set(ids).size, ids.length)
    assert.equal(ids.length, 5)
  })
})

test('a unit that throws writes nothing, and the next one runs', async () => {
  const store = memoryStore()
  const write = (id: string) => ({ id, kind: 'customer', owner: '', doc: { id } })
  await store.work(async () => ({ result: 0, writes: [write('a')] }))
  await assert.rejects(
    store.work(() => Promise.reject(new Error('no'))),
    /no/,
  )
  const seen = await store.work(async (reader) => ({
    result: await reader.page('customer', '', { limit: 9 }),
    writes: [],
  }))
  assert.deepEqual(
    seen.map(({ id }) => id),
    ['a'],
  )
})
