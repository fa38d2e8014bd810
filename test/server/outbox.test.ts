// What was promised is carried out by whoever carries its kind, and by nobody else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Deps } from '../../server/deps.ts'
import { type Carriers, carryOut } from '../../server/outbox/outbox.ts'
import { standIn } from '../../server/payments/stand-in/stand-in.ts'
import { eachDatabase } from '../support/databases.ts'
import { promiseAll } from './money.procedures.ts'
import { around } from './pay.rig.ts'

eachDatabase('the outbox', (open) => {
  test('a carrier is not held up by promises of other kinds, and leaves them as they are', async () => {
    let ms = Date.parse('2026-11-23T12:00:00Z')
    const now = () => ms
    const { db } = await open({ now })
    const { deps } = around(db, standIn({ now }), now)
    const others = Array.from({ length: 45 }, (_, i) => `other:${String(i).padStart(2, '0')}`)
    await db.tx(promiseAll, { kind: 'other', ids: others })
    ms += 1
    await db.tx(promiseAll, { kind: 'mine', ids: ['mine:1', 'mine:2'] }) // due after all of those
    const carried: string[] = []
    const carriers = (kind: string): Carriers => ({
      [kind]: async (_deps: Deps, { id }) => {
        carried.push(id)
        return 'done'
      },
    })
    const left = () => db.all('SELECT id, tries, due_at, claimed_until, trouble FROM outbox ORDER BY id')
    const before = await left()

    assert.equal(await carryOut(deps, carriers('nobodys')), 0)
    assert.deepEqual([carried, await left()], [[], before])

    assert.equal(await carryOut(deps, carriers('mine')), 2)
    assert.deepEqual(carried.splice(0), ['mine:1', 'mine:2'])
    assert.deepEqual(
      await left(),
      before.filter(({ id }) => String(id).startsWith('other:')),
      'nothing of the others moved',
    )

    const rounds: number[] = []
    for (let n = 1; n > 0; rounds.push(n)) n = await carryOut(deps, carriers('other'))
    assert.deepEqual([rounds, carried, await left()], [[20, 20, 5, 0], others, []])
  })
})
