// The feed: numbers without a gap, whatever fails and however many write at once.
// owns: rev, changes, the head of the receipt chain. never: what a document means (the server's feed tests).
// always true: revs of a feed are 1, 2, 3 … in commit order, and a failed commit takes none.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changesAfter, latestRev } from '../server/feed/feed.ts'
import { eachDatabase } from './support/databases.ts'
import { appendChanges, appendThenThrow, receiptHash } from './support/test-procedures.ts'

const change = (id: string, row: Record<string, unknown> | null = { id }) => ({ topic: 'balance', id, row })

eachDatabase('feed', (open) => {
  test('numbers begin at 1 and follow the order of writing; each feed counts for itself', async () => {
    const { db } = await open()
    assert.equal(await latestRev(db, 'user:ann'), 0)
    assert.deepEqual(await changesAfter(db, 'user:ann', 0, 10), [])
    assert.equal(await db.tx(appendChanges, { feed: 'user:ann', changes: [change('a'), change('b')] }), 2)
    assert.equal(await db.tx(appendChanges, { feed: 'user:bob', changes: [change('x')] }), 1)
    assert.equal(await db.tx(appendChanges, { feed: 'user:ann', changes: [change('a', null)] }), 3)
    assert.deepEqual(await changesAfter(db, 'user:ann', 0, 10), [
      { rev: 1, topic: 'balance', doc: 'a', row: '{"id":"a"}' },
      { rev: 2, topic: 'balance', doc: 'b', row: '{"id":"b"}' },
      { rev: 3, topic: 'balance', doc: 'a', row: null },
    ])
    assert.equal(await latestRev(db, 'user:bob'), 1)
  })

  test('a failed commit takes no number', async () => {
    const { db } = await open()
    await db.tx(appendChanges, { feed: 'f', changes: [change('a')] })
    await assert.rejects(
      db.tx(appendThenThrow, { feed: 'f', changes: [change('b'), change('c')] }),
      /thrown by the test/,
    )
    assert.equal(await latestRev(db, 'f'), 1)
    assert.equal(await db.tx(appendChanges, { feed: 'f', changes: [change('d')] }), 2)
  })

  test('90 writers at once, a third of them failing: dense, each change once', async () => {
    const { db } = await open()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 90 }, (_, i) => {
        const changes = Array.from({ length: 1 + (i % 3) }, (_, k) => change(`${i}.${k}`))
        return i % 3 === 2
          ? db.tx(appendThenThrow, { feed: 'f', changes })
          : db.tx(appendChanges, { feed: 'f', changes })
      }),
    )
    assert.equal(outcomes.filter((one) => one.status === 'rejected').length, 30)
    const changes = await changesAfter(db, 'f', 0, 1000)
    assert.deepEqual(
      changes.map((one) => one.rev),
      Array.from({ length: 90 }, (_, i) => i + 1),
    )
    assert.equal(new Set(changes.map((one) => one.doc)).size, 90)
    assert.equal(await latestRev(db, 'f'), 90)
  })

  test('a page ends at its limit and the next begins where it ended', async () => {
    const { db } = await open()
    await db.tx(appendChanges, { feed: 'f', changes: Array.from({ length: 25 }, (_, i) => change(`d${i}`)) })
    const seen: number[] = []
    for (let after = 0; ; ) {
      const page = await changesAfter(db, 'f', after, 10)
      if (page.length === 0) break
      seen.push(...page.map((one) => one.rev))
      after = page.at(-1)?.rev ?? 0
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, i) => i + 1),
    )
    assert.deepEqual(await changesAfter(db, 'f', 25, 10), [])
    assert.deepEqual(await changesAfter(db, 'f', 999, 10), [])
  })

  test('one poke a commit, with the last number, after the changes can be read', { timeout: 60_000 }, async () => {
    const { db } = await open()
    const heard = new Promise<{ feed: string; rev: number }>((resolve) => void db.onPoke(resolve))
    await db.tx(appendChanges, { feed: 'f', changes: [change('a'), change('b'), change('c')] })
    const poke = await heard
    assert.deepEqual(poke, { feed: 'f', rev: 3 })
    assert.equal((await changesAfter(db, 'f', 0, 10)).length, 3)
  })

  test('the head of the receipt chain is handed on without a fork, 100 at once', async () => {
    const { db } = await open()
    assert.equal(await db.tx(receiptHash, { feed: 'f', hash: 'r0' }), null)
    const before = await Promise.all(
      Array.from({ length: 100 }, (_, i) => db.tx(receiptHash, { feed: 'f', hash: `r${i + 1}` })),
    )
    assert.equal(new Set(before).size, 100, 'two receipts follow the same one')
    assert.equal(before.includes('r0'), true)
    assert.equal(await db.tx(receiptHash, { feed: 'f', hash: null }), await remaining(before))
    assert.equal(await latestRev(db, 'f'), 102)
  })
})

// The hash that nobody has followed yet: the head.
async function remaining(before: (string | null)[]): Promise<string> {
  const all = Array.from({ length: 101 }, (_, i) => `r${i}`)
  const [head = ''] = all.filter((hash) => !before.includes(hash))
  return head
}
