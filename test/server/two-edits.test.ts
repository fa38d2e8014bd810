// Two edits of one thing at the same moment, on Postgres: each changes what it names and puts nothing else back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appById, setApp } from '../../server/connections/apps.ts'
import type { Tx } from '../../server/db/db.ts'
import { patchProfile, profileOf, setFrozen } from '../../server/identity/users.ts'
import { autoTopup, setAutoTopup } from '../../server/payments/auto-topup.ts'
import { onPostgres } from '../support/databases.ts'
import { meet } from '../support/meeting.ts'
import { app, person } from './money.rig.ts'
import { payWorld } from './pay.rig.ts'

onPostgres('two edits at the same moment', (open) => {
  test('a wallet that was frozen stays so, whatever else is changed of the profile', async () => {
    const { db } = await open()
    const userId = await person(db)
    await meet(
      db,
      (tx) => setFrozen(tx, userId, true),
      () => db.tx(patchProfile, { userId, patch: { name: 'Ann' } }),
    )
    const after = await profileOf(db, userId)
    assert.deepEqual([after?.frozen, after?.name], [true, 'Ann'])
  })

  test('a raised markup, and its notice, stay beside a new name', async () => {
    const { db } = await open()
    const publisherId = await person(db)
    const appId = await app(db, publisherId, 500)
    const set = (changes: Parameters<typeof setApp.run>[1]['changes']) => ({ publisherId, appId, changes })
    await meet(
      db,
      (tx) => setApp.run(tx, set({ markup_bps: 1000 })),
      () => db.tx(setApp, set({ name: 'Renamed' })),
    )
    const after = await appById(db, appId)
    assert.deepEqual([after?.markup_bps, after?.name, after?.consent_due_at !== null], [1000, 'Renamed', true])
  })

  test('an automatic top-up that was turned off is not turned on by who only changes its amount', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    await w.buy({ userId }, 'starter', { saveCard: true })
    const on = { userId, enabled: true, threshold: 2_000_000, packageId: 'starter', monthMaxCents: 5000 }
    await w.db.tx(setAutoTopup, { ...on, recent: true })
    const off = (tx: Tx) => setAutoTopup.run(tx, { userId, enabled: false, recent: false })
    const lower = await meet(w.db, off, () => w.db.tx(setAutoTopup, { ...on, threshold: 1_000_000, recent: false }))
    assert.deepEqual([lower.status, (await autoTopup(w.db, userId, w.deps.now())).enabled], ['rejected', false])
  })
})
