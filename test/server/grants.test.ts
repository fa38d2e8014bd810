// Grants: exact dollars, a pool that cannot be overdrawn, burn order, expiry that returns once, linking that moves once.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pino } from 'pino'
import { externalUser, findPayer } from '../../server/connections/external.ts'
import type { Connection, Grant } from '../../server/contract/records.ts'
import { isFault } from '../../server/faults.ts'
import { dollarAmount, numberToken } from '../../server/grants/amount.ts'
import { claimRests, giveGrant, linkExternal, type NewGrant, unlinkExternal } from '../../server/grants/give.ts'
import { endExpired } from '../../server/grants/grants.ts'
import { movePool, poolDocument } from '../../server/grants/pool.ts'
import { account } from '../../server/ledger/chart.ts'
import { stands } from '../../server/ledger/ledger.ts'
import { mutate } from '../../server/wallet/mutations.ts'
import { assertInOrder, eachDatabase, type Open } from '../support/databases.ts'
import { fundUser, holdFrom, makeExternal, settleFrom, usableGrants } from './money.procedures.ts'
import { app, clock, connect, documents, person, picture, refused } from './money.rig.ts'

describe('dollars, exactly', () => {
  const rows: [string, number | 'refused'][] = [
    ['0.1', 100_000],
    ['0.50', 500_000],
    ['12', 12_000_000],
    ['0.000001', 1],
    ['3.000001', 3_000_001],
    ['9007199254.740991', 9_007_199_254_740_991],
    ['9007199254.740992', 'refused'],
    ['0.29', 290_000],
    ['5e-05', 50],
    ['1e-06', 1],
    ['1e-6', 1],
    ['1.5E-5', 15],
    ['2.5e-1', 250_000],
    ['1e-07', 'refused'],
    ['1.5e-06', 'refused'],
    ['0e-06', 'refused'],
    ['-1e-05', 'refused'],
    ['12e-05', 'refused'],
    ['1e-', 'refused'],
    ['1e2', 'refused'],
    ['1E2', 'refused'],
    ['0.0000001', 'refused'],
    ['0.1234567', 'refused'],
    ['"0.5"', 'refused'],
    ['-1', 'refused'],
    ['0', 'refused'],
    ['0.0', 'refused'],
    ['1e400', 'refused'],
    ['null', 'refused'],
    ['true', 'refused'],
    ['[1]', 'refused'],
    ['{"amount":1}', 'refused'],
    ['12345678901', 'refused'],
  ]
  for (const [text, expected] of rows) {
    test(`amount ${text} → ${expected}`, () => {
      const raw = Buffer.from(`{"description": "\\"amount\\": 7", "x": {"amount": 9}, "amount" : ${text} , "y": 1}`)
      try {
        assert.equal(dollarAmount(raw), expected)
      } catch (error) {
        if (!isFault(error)) throw error
        assert.deepEqual([error.code, error.options.param, expected], ['bad_request', 'amount', 'refused'])
      }
    })
  }
  test('the key is found by meaning, at the top level only', () => {
    assert.equal(numberToken('{"a\\u006dount":0.5}', 'amount'), '0.5')
    assert.equal(numberToken('{"x":{"amount":1}}', 'amount'), null)
    assert.equal(numberToken('["amount", 1]', 'amount'), null)
    assert.equal(numberToken('{"x":"amount","y":2}', 'amount'), null)
    assert.equal(numberToken('{"x":"\\\\","amount":3}', 'amount'), '3')
    assert.throws(() => dollarAmount(null))
  })
})

const NOON = '2026-11-23T12:00:00Z'

async function world(open: Open, pool: number) {
  const time = clock(NOON)
  const { db } = await open({ now: time.now })
  const publisherId = await person(db)
  const appId = await app(db, publisherId)
  await db.tx(fundUser, { to: account.user(publisherId), amount: pool + 1000 })
  if (pool > 0) await db.tx(movePool, { publisherId, amount: pool, direction: 'in', attempt: null })
  const give = (amount: number, more: Partial<NewGrant> = {}) =>
    db.tx(giveGrant, {
      publisherId,
      appId,
      externalUserId: 'ann@example.org',
      amount,
      description: null,
      expiresAt: null,
      attempt: null,
      ...more,
    })
  const external = async (name = 'ann@example.org') => {
    const row = await externalUser(db, appId, name)
    assert.ok(row)
    return row
  }
  return { db, time, publisherId, appId, give, external }
}

eachDatabase('grants', (open) => {
  test('a grant comes from the pool and shows on the external user’s feed', async () => {
    const w = await world(open, 500)
    const { answer } = await w.give(200, { description: 'Welcome' })
    assert.deepEqual(
      [
        answer.amount_granted_credits,
        answer.balance_before_credits,
        answer.balance_after_credits,
        answer.amount_granted,
      ],
      [200, 0, 200, '$0.0002'],
    )
    assert.deepEqual(await poolDocument(w.db, w.publisherId), {
      balance: '$0.0003',
      balance_credits: 300,
      granted_total_credits: 200,
    })
    const [grant] = await documents<Grant>(w.db, (await w.external()).id, 'grant')
    assert.deepEqual([grant?.amount, grant?.remaining, grant?.description], [200, 200, 'Welcome'])
    await assertInOrder(w.db)
  })

  test('refusals move nothing: a pool too small, a date gone by, an empty pocket', async () => {
    const w = await world(open, 500)
    const before = await picture(w.db)
    assert.equal(await refused(w.give(501)), 'insufficient_balance')
    assert.equal(await refused(w.give(1, { expiresAt: Date.parse(NOON) })), 'bad_request')
    const move = { publisherId: w.publisherId, attempt: null }
    assert.equal(await refused(w.db.tx(movePool, { ...move, amount: 1001, direction: 'in' })), 'insufficient_balance')
    assert.equal(await refused(w.db.tx(movePool, { ...move, amount: 501, direction: 'out' })), 'insufficient_balance')
    assert.equal(await picture(w.db), before)
    assert.equal(await externalUser(w.db, w.appId, 'ann@example.org'), undefined, 'a refused grant made a user')
  })

  test('100 grants at once never overdraw the pool', async () => {
    const w = await world(open, 500)
    // A row that many want may stay locked for longer than a commit waits, on a slow machine: 503, nothing happened, again.
    const give = async (externalUserId: string): Promise<string> => {
      const code = await refused(w.give(10, { externalUserId }))
      return code === 'ledger_unavailable' ? give(externalUserId) : code
    }
    const codes = await Promise.all(Array.from({ length: 100 }, (_, i) => give(`user_${i % 7}`)))
    assert.equal(codes.filter((code) => code === 'nothing refused').length, 50)
    assert.equal((await poolDocument(w.db, w.publisherId)).balance_credits, 0)
    await assertInOrder(w.db)
  })

  test('the same Idempotency-Key 50 times at once is one grant; other content is refused', async () => {
    const w = await world(open, 500)
    const attempt = { scopeHash: 's', bodyHash: 'b' }
    const all = await Promise.all(Array.from({ length: 50 }, () => w.give(10, { attempt })))
    assert.equal(all.filter(({ replayed }) => !replayed).length, 1)
    assert.equal(new Set(all.map(({ answer }) => answer.ledger_id)).size, 1)
    assert.equal((await poolDocument(w.db, w.publisherId)).balance_credits, 490)
    const before = await picture(w.db)
    assert.equal(await refused(w.give(11, { attempt: { ...attempt, bodyHash: 'c' } })), 'idempotency_mismatch')
    assert.equal(await picture(w.db), before)
    w.time.set('2026-12-24T12:00:00Z') // 31 days later the key is free again
    assert.equal((await w.give(10, { attempt })).replayed, false)
  })

  test('a refusal leaves the key free', async () => {
    const w = await world(open, 0)
    const attempt = { scopeHash: 's', bodyHash: 'b' }
    assert.equal(await refused(w.give(10, { attempt })), 'insufficient_balance')
    await w.db.tx(movePool, { publisherId: w.publisherId, amount: 10, direction: 'in', attempt: null })
    assert.equal((await w.give(10, { attempt })).replayed, false)
  })

  test('burn order: earliest expiry first, the endless last, the expired never, another publisher’s never', async () => {
    const w = await world(open, 500)
    await w.give(1)
    await w.give(2, { expiresAt: Date.parse('2026-12-31T00:00:00Z') })
    await w.give(3, { expiresAt: Date.parse('2026-12-01T00:00:00Z') })
    await w.give(4, { expiresAt: Date.parse('2026-11-23T12:00:01Z') })
    w.time.set('2026-11-23T12:00:01Z')
    const owner = { externalId: (await w.external()).id }
    const usable = await w.db.tx(usableGrants, { owner, publisherId: w.publisherId })
    assert.deepEqual(
      usable.map((grant) => grant.available),
      [3, 2, 1],
    )
    assert.deepEqual(await w.db.tx(usableGrants, { owner, publisherId: 'user_other' }), [])
  })

  test('expiry returns the rest to the pool once, however many sweep; what a call holds follows when it ends', async () => {
    const w = await world(open, 500)
    await w.give(100, { expiresAt: Date.parse('2026-11-24T00:00:00Z') })
    const [grant] = await w.db.tx(usableGrants, {
      owner: { externalId: (await w.external()).id },
      publisherId: w.publisherId,
    })
    assert.ok(grant)
    await w.db.tx(holdFrom, { from: grant.account, holdId: 'h', amount: 30 })
    w.time.set('2026-11-24T00:00:00Z')
    await Promise.all(Array.from({ length: 10 }, () => w.db.tx(endExpired, undefined)))
    assert.equal((await poolDocument(w.db, w.publisherId)).balance_credits, 470)
    await w.db.tx(settleFrom, { from: grant.account, holdId: 'h', amount: 20 })
    await Promise.all(Array.from({ length: 10 }, () => w.db.tx(endExpired, undefined)))
    assert.equal((await poolDocument(w.db, w.publisherId)).balance_credits, 480)
    assert.equal((await stands(w.db, grant.account)).posted, 0)
    const [shown] = await documents<Grant>(w.db, (await w.external()).id, 'grant')
    assert.equal(shown?.remaining, 0)
    const before = await picture(w.db)
    await w.db.tx(endExpired, undefined)
    assert.equal(await picture(w.db), before)
    await assertInOrder(w.db)
  })
})

eachDatabase('linking', (open) => {
  test('bought money moves to the person, granted money stays a grant, and both are spendable there', async () => {
    const w = await world(open, 500)
    await w.give(100)
    const ext = await w.external()
    await w.db.tx(fundUser, { to: account.external(w.appId, ext.id), amount: 70 })
    const userId = await person(w.db)
    const connectionId = await connect(w.db, userId, w.appId)
    const link = { appId: w.appId, externalUserId: 'ann@example.org', userId, connectionId }
    await Promise.all([w.db.tx(linkExternal, link), w.db.tx(linkExternal, link)])
    assert.equal((await stands(w.db, account.user(userId))).posted, 70)
    assert.equal((await stands(w.db, account.external(w.appId, ext.id))).posted, 0)
    const usable = await w.db.tx(usableGrants, { owner: { userId }, publisherId: w.publisherId })
    assert.deepEqual(
      usable.map((grant) => grant.available),
      [100],
    )
    assert.equal((await documents<Grant>(w.db, userId, 'grant')).length, 1)
    await assertInOrder(w.db)
  })

  test('what a call held while the user was linked follows by the sweep, once', async () => {
    const w = await world(open, 0)
    await w.db.tx(makeExternal, { appId: w.appId, externalUserId: 'bob' })
    const from = account.external(w.appId, (await w.external('bob')).id)
    await w.db.tx(fundUser, { to: from, amount: 100 })
    await w.db.tx(holdFrom, { from, holdId: 'h', amount: 40 })
    const userId = await person(w.db)
    const connectionId = await connect(w.db, userId, w.appId)
    await w.db.tx(linkExternal, { appId: w.appId, externalUserId: 'bob', userId, connectionId })
    assert.equal((await stands(w.db, account.user(userId))).posted, 60)
    await w.db.tx(settleFrom, { from, holdId: 'h', amount: 15 })
    await Promise.all(Array.from({ length: 5 }, () => w.db.tx(claimRests, undefined)))
    assert.equal((await stands(w.db, account.user(userId))).posted, 85)
    await assertInOrder(w.db)
  })

  test('an id linked to one person is nobody else’s; a foreign or revoked connection links nothing', async () => {
    const w = await world(open, 0)
    const [ann, eve] = [await person(w.db), await person(w.db)]
    const [annsLink, evesLink] = [await connect(w.db, ann, w.appId), await connect(w.db, eve, w.appId)]
    const link = { appId: w.appId, externalUserId: 'x' }
    await w.db.tx(linkExternal, { ...link, userId: ann, connectionId: annsLink })
    const before = await picture(w.db)
    const tries = [
      { ...link, userId: eve, connectionId: evesLink },
      { ...link, userId: eve, connectionId: annsLink },
      { ...link, appId: await app(w.db, eve), userId: eve, connectionId: evesLink },
    ]
    const codes: string[] = []
    for (const attempt of tries) codes.push(await refused(w.db.tx(linkExternal, attempt)))
    assert.deepEqual(codes, ['external_user_taken', 'not_found', 'not_found'])
    assert.equal((await externalUser(w.db, w.appId, 'x'))?.user_id, ann)
    assert.equal(JSON.parse(before)[0].length, JSON.parse(await picture(w.db))[0].length)
  })

  test('unlinking takes the grants off the person’s feed, keeps them, and linking again revives them', async () => {
    const w = await world(open, 500)
    await w.give(100)
    const userId = await person(w.db)
    const connectionId = await connect(w.db, userId, w.appId)
    const link = { appId: w.appId, externalUserId: 'ann@example.org', userId, connectionId }
    await w.db.tx(linkExternal, link)
    await w.db.tx(unlinkExternal, link)
    assert.deepEqual(await documents<Grant>(w.db, userId, 'grant'), [])
    assert.deepEqual(await w.db.tx(usableGrants, { owner: { userId }, publisherId: w.publisherId }), [])
    assert.equal(await refused(w.give(1)), 'user_not_found')
    assert.equal(await refused(w.db.tx(unlinkExternal, link)), 'user_not_found')
    assert.equal(
      (await documents<Connection>(w.db, userId, 'connection'))[0]?.status,
      'expired',
      'nothing is left of it',
    )
    assert.equal(await refused(w.db.tx(linkExternal, link)), 'not_found', 'an expired connection links nothing')
    assert.equal(await connect(w.db, userId, w.appId), connectionId)
    await w.db.tx(linkExternal, link)
    assert.equal((await w.db.tx(usableGrants, { owner: { userId }, publisherId: w.publisherId }))[0]?.available, 100)
  })

  test('a revoke unlinks: the user is not found, the grants leave the feed and wait; linking again revives them', async () => {
    const w = await world(open, 500)
    await w.give(100)
    const userId = await person(w.db)
    const connectionId = await connect(w.db, userId, w.appId)
    const link = { appId: w.appId, externalUserId: 'ann@example.org', userId, connectionId }
    await w.db.tx(linkExternal, link)
    const revoke = { mid: 1, name: 'connection.revoke', args: { connection_id: connectionId } }
    const log = pino({ level: 'silent' })
    assert.equal((await mutate({ db: w.db, log }, userId, 'laptop', [revoke]))[0]?.status, 'applied')
    const pays = () => refused(findPayer(w.db, w.appId, 'ann@example.org'))
    assert.equal(await pays(), 'user_not_found')
    assert.deepEqual(await documents<Grant>(w.db, userId, 'grant'), [])
    assert.equal(await refused(w.db.tx(linkExternal, link)), 'not_found', 'a revoked connection links nothing')
    assert.equal(await connect(w.db, userId, w.appId), connectionId)
    await w.db.tx(linkExternal, link)
    assert.equal(await pays(), 'nothing refused')
    assert.equal((await documents<Grant>(w.db, userId, 'grant'))[0]?.remaining, 100)
    await assertInOrder(w.db)
  })

  test('a revoke and a link at the same moment: linked to a live connection, or not at all', async () => {
    const w = await world(open, 0)
    const userId = await person(w.db)
    const log = pino({ level: 'silent' })
    for (let mid = 1; mid <= 15; mid++) {
      const connectionId = await connect(w.db, userId, w.appId)
      const revoke = { mid, name: 'connection.revoke', args: { connection_id: connectionId } }
      const link = { appId: w.appId, externalUserId: 'race', userId, connectionId }
      await Promise.all([refused(w.db.tx(linkExternal, link)), mutate({ db: w.db, log }, userId, 'laptop', [revoke])])
      assert.notEqual((await externalUser(w.db, w.appId, 'race'))?.status, 'linked')
    }
  })
})
