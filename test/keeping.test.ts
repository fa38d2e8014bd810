// Facts that are kept: given again only while no commit could have changed them.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { keeping } from '../server/db/keeping.ts'
import { renewLease } from '../server/ledger/leases.ts'
import { eachDatabase } from './support/databases.ts'
import { acts } from './support/test-procedures.ts'

const COUNT = 'SELECT COUNT(*) AS n FROM accounts WHERE id = ?'
const USER = 'user:kept'

eachDatabase('kept facts', (open, dialect) => {
  it('are read anew after a commit, by whoever heard its answer', async () => {
    const { db } = await open()
    const count = async () => (await keeping(db).get<{ n: number }>(COUNT, [USER]))?.n
    assert.equal(await count(), 0)
    await db.tx(acts, [{ verb: 'open', account: USER }])
    assert.equal(await count(), 1, 'the answer from before the commit was given again')
    await db.tx(acts, [{ verb: 'open', account: `${USER}2` }])
    assert.equal((await keeping(db).get<{ n: number }>(COUNT, [`${USER}2`]))?.n, 1, 'another parameter, another answer')
  })

  it('outlive bookkeeping where one process commits, and nothing where several do', async () => {
    const { db } = await open()
    const ask = () => keeping(db).get(COUNT, [USER])
    const first = ask()
    await db.tx(renewLease, { owner: 'a', ttlMs: 1000 })
    assert.equal(ask() === first, dialect === 'sqlite')
    assert.equal(db.changes() === null, dialect === 'postgres')
  })

  it('do not keep a failure', async () => {
    const { db } = await open()
    const wrong = () => keeping(db).get('SELECT nothing FROM nowhere')
    const first = wrong()
    await assert.rejects(first)
    const second = wrong()
    assert.notEqual(second, first)
    await assert.rejects(second)
  })
})
