// The commits around a call by themselves: told twice, ended without a charge, beside another edit.

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { pino } from 'pino'
import { writeConnection } from '../../server/connections/connections.ts'
import { pause } from '../../server/connections/consent.ts'
import type { Balance, Connection, Grant, ReceiptRow } from '../../server/contract/records.ts'
import type { Db, Tx } from '../../server/db/db.ts'
import { append, latestRev } from '../../server/feed/feed.ts'
import { giveGrant, linkExternal } from '../../server/grants/give.ts'
import { account } from '../../server/ledger/chart.ts'
import { renewLease } from '../../server/ledger/leases.ts'
import { money, stands } from '../../server/ledger/ledger.ts'
import { type Held, type HoldArgs, holdCall, type Payer } from '../../server/proxy/hold.ts'
import { watchOrphans } from '../../server/proxy/recover.ts'
import { type SettleArgs, settleCall, voidCall } from '../../server/proxy/settle.ts'
import { assertInOrder, eachDatabase, type Open, onPostgres } from '../support/databases.ts'
import { meet } from '../support/meeting.ts'
import { fundUser } from './money.procedures.ts'
import { app, connect, documents, person, picture } from './money.rig.ts'

const UNIT_PRICES = { input: '1000000', output: '2000000' }
const NOBODY = { explicit: true, claim: null, approval: null } as const

async function world(open: Open, { granted = 0, now = Date.now } = {}) {
  const { db } = await open({ now })
  const { privateKey } = generateKeyPairSync('ed25519')
  const receiptKeyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  await db.setSecrets({ issuer: 'http://127.0.0.1:7070', receiptKeyPem, receiptKid: 'k1' })
  const publisherId = await person(db)
  const appId = await app(db, publisherId)
  const userId = await person(db)
  const connectionId = await connect(db, userId, appId)
  await db.tx(fundUser, { to: account.user(userId), amount: 1_000_000 })
  if (granted > 0) {
    await db.tx(fundUser, { to: account.pool(publisherId), amount: granted })
    await db.tx(linkExternal, { appId, externalUserId: 'ann', userId, connectionId })
    const gift = { publisherId, appId, externalUserId: 'ann', amount: granted, description: null, expiresAt: null }
    await db.tx(giveGrant, { ...gift, attempt: null })
  }
  const payer: Payer = {
    id: userId,
    account: account.user(userId),
    appId,
    publisherId,
    connectionId,
    billingMode: 'user',
    markupBps: 0,
  }
  return { db, payer, connectionId, userId, ...calls(db, payer) }
}

function calls(db: Db, payer: Payer) {
  const route = '/v1/chat/completions'
  const call: HoldArgs['call'] = { route, model: 'openai/plain', priceVersion: 'p1', unitPrices: UNIT_PRICES }
  /** Holds 10 micros and 2 for each of so many tokens of output. */
  const hold = async (requestId: string, maxOutput: number, owner = 'test'): Promise<Held> => {
    const bound = { fixedPicos: '10000000', picosPerOutput: '2000000' }
    const held = await db.tx(holdCall, {
      requestId,
      owner,
      ttlMs: 600_000,
      payer,
      bound,
      maxOutput,
      ...NOBODY,
      call,
    })
    assert.ok('holdId' in held)
    return held
  }
  const settling = (requestId: string, held: Held, output: number): SettleArgs => ({
    ...call,
    requestId,
    holdId: held.holdId,
    payer,
    funding: held.funding,
    units: { input: 10, output },
    estimated: false,
    sealedAnswer: null,
    claimed: false,
    outcome: 'done',
  })
  return { hold, settling }
}

eachDatabase('the commits of a call', (open) => {
  test('a settlement whose answer was lost is told again when it is asked again', async () => {
    const w = await world(open)
    const held = await w.hold('req_1', 100)
    const args = w.settling('req_1', held, 20)
    const first = await w.db.tx(settleCall, args)
    assert.equal(first?.credits_used, 50)
    const before = await picture(w.db)
    assert.deepEqual(await w.db.tx(settleCall, args), first)
    assert.equal(await picture(w.db), before)
    assert.equal((await documents<ReceiptRow>(w.db, w.userId, 'receipt')).length, 1)
    assert.equal(await w.db.tx(settleCall, { ...args, units: { input: 1 } }), null, 'another charge is not told of')
    await assertInOrder(w.db)
  })

  test('what a call without a charge had reserved is free in the wallet too, where it was told of', async () => {
    const w = await world(open)
    const [one, two] = [await w.hold('req_1', 100), await w.hold('req_2', 400_000)]
    await w.db.tx(settleCall, w.settling('req_1', one, 20))
    const shown = async () => {
      const [balance] = await documents<Balance>(w.db, w.userId, 'balance')
      const [connection] = await documents<Connection>(w.db, w.userId, 'connection')
      return [balance?.available, balance?.held, connection?.caps[0]?.held]
    }
    assert.deepEqual(await shown(), [199_940, 800_010, 800_010])
    await w.db.tx(voidCall, { holdId: two.holdId, outcome: 'failed' })
    assert.equal((await stands(w.db, account.user(w.userId))).held, 0)
    assert.deepEqual(await shown(), [999_950, 0, 0])
    const rev = await latestRev(w.db, w.userId)
    const three = await w.hold('req_3', 100)
    await w.db.tx(voidCall, { holdId: three.holdId, outcome: 'failed' })
    assert.equal(await latestRev(w.db, w.userId), rev, 'what nobody was told of is not taken back')
    await assertInOrder(w.db)
  })

  test('and what it had reserved of a grant', async () => {
    const w = await world(open, { granted: 500_000 })
    const [one, two] = [await w.hold('req_1', 100), await w.hold('req_2', 1000)]
    await w.db.tx(settleCall, w.settling('req_1', one, 20))
    const left = async () => (await documents<Grant>(w.db, w.userId, 'grant')).map(({ remaining }) => remaining)
    assert.deepEqual(await left(), [500_000 - 50 - 2010])
    await w.db.tx(voidCall, { holdId: two.holdId, outcome: 'failed' })
    assert.deepEqual(await left(), [500_000 - 50])
    await assertInOrder(w.db)
  })
})

eachDatabase('the holds of processes that die', (open, dialect) => {
  const SECOND = 1000
  const openHolds = async (db: Db) => (await db.all('SELECT id FROM open_holds')).length

  test('a clock that jumps, or a machine that slept, ends nothing of the process itself', async () => {
    const wall = { now: Date.parse('2026-11-23T12:00:00Z') }
    const w = await world(open, { now: () => wall.now })
    const look = watchOrphans(
      { db: w.db, log: pino({ level: 'silent' }), owner: 'me', now: () => wall.now },
      () => steady,
    )
    let steady = 0
    await look()
    await w.hold('req_1', 100, 'me')
    for (const [what, jump, passes] of [
      ['a minute', 60 * SECOND, 5 * SECOND],
      ['an hour', 3600 * SECOND, 5 * SECOND],
      ['a store that was away', 40 * SECOND, 40 * SECOND],
    ] as const) {
      wall.now += jump
      steady += passes
      assert.equal(await look(), 0, what)
    }
    assert.equal(await openHolds(w.db), 1)
    for (let i = 0; i < 14; i++) {
      steady += 5 * SECOND
      wall.now += 5 * SECOND
      await look()
    }
    assert.equal(await openHolds(w.db), 0, 'what nobody renews ends with its time all the same')
    await assertInOrder(w.db)
  })

  if (dialect === 'postgres')
    test('a peer whose clock is behind, or whose store was away, lives while its lease moves; then it is dead', async () => {
      const wall = { now: Date.parse('2026-11-23T12:00:00Z') }
      const w = await world(open, { now: () => wall.now })
      const log = pino({ level: 'silent' })
      let steady = 0
      const ahead = watchOrphans({ db: w.db, log, owner: 'ahead', now: () => wall.now + 90 * SECOND }, () => steady)
      const renew = () => w.db.tx(renewLease, { owner: 'behind' })
      const pass = (ms: number) => {
        steady += ms
        wall.now += ms
      }
      await renew()
      await w.hold('req_1', 100, 'behind')
      for (let i = 0; i < 6; i++) {
        assert.equal(await ahead(), 0, 'a clock that is behind')
        pass(5 * SECOND)
        await renew()
      }
      pass(30 * SECOND) // nobody could write; the one that looks is back first
      assert.equal(await ahead(), 0, 'the store was away')
      await renew()
      for (const ended of [0, 0, 0, 1]) {
        pass(5 * SECOND)
        assert.equal(await ahead(), ended)
      }
      await assertInOrder(w.db)
    })
})

onPostgres('beside a charge', (open) => {
  test('a pause stays in the wallet, however the two commits meet', async () => {
    const w = await world(open)
    const held = await w.hold('req_1', 100)
    const paused = async (tx: Tx) => {
      await pause(tx, { userId: w.userId, connectionId: w.connectionId, baseVersion: undefined })
      await writeConnection(tx, w.connectionId)
    }
    await meet(w.db, paused, () => w.db.tx(settleCall, w.settling('req_1', held, 20)))
    const [shown] = await documents<Connection>(w.db, w.userId, 'connection')
    assert.deepEqual([shown?.status, shown?.caps[0]?.spent, shown?.caps[0]?.held], ['paused', 50, 0])
  })

  test('and a purchase beside a charge that a grant pays', async () => {
    const w = await world(open, { granted: 500_000 })
    const held = await w.hold('req_1', 100)
    const bought = async (tx: Tx) => {
      await fundUser.run(tx, { to: w.payer.account, amount: 7_000_000 })
      await append(tx, w.userId, [{ topic: 'balance', id: w.userId, row: await money(tx, w.payer.account) }])
    }
    const charged = await meet(w.db, bought, () => w.db.tx(settleCall, w.settling('req_1', held, 20)))
    assert.equal((await documents<Balance>(w.db, w.userId, 'balance'))[0]?.available, 8_000_000)
    assert.equal(charged.status === 'fulfilled' && charged.value?.balance_after, 8_000_000 + 500_000 - 50)
  })
})
