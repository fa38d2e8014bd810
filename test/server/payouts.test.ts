// Earnings on their way out: what matures, what is kept, what is sent, once.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Notice, Payout } from '../../server/contract/records.ts'
import { sealAll } from '../../server/ledger/chain.ts'
import { account } from '../../server/ledger/chart.ts'
import { stands } from '../../server/ledger/ledger.ts'
import { bankRefusal, lookAtBankPayout } from '../../server/payments/bank-payouts.ts'
import { reconcileBooks } from '../../server/payments/books.ts'
import { onboard } from '../../server/payments/connect.ts'
import { earningOf, gatherEarnings, matureEarnings } from '../../server/payments/earnings.ts'
import { payoutAmounts } from '../../server/payments/payout-amounts.ts'
import { payDue, releaseReserves } from '../../server/payments/payout-day.ts'
import { statementCsv } from '../../server/payments/payout-statement.ts'
import { lookAtTransfer, type PayoutRow, payoutsOf } from '../../server/payments/payouts.ts'
import { earningRisk } from '../../server/payments/risk.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { earnFrom, fundUser } from './money.procedures.ts'
import { documents } from './money.rig.ts'
import { type PayWorld, payWorld } from './pay.rig.ts'

const DAY = 86_400_000

describe('what a payout comes to', () => {
  const rows: [
    string,
    Parameters<typeof payoutAmounts>[0],
    null | [cents: number, reserved: number, carried: number],
  ][] = [
    ['$10.000000', { payable: 10_000_000, earned: 10_000_000, released: 0 }, [900, 1_000_000, 0]],
    ['$9.999999', { payable: 9_999_999, earned: 9_999_999, released: 0 }, null],
    ['$12.345678', { payable: 12_345_678, earned: 12_345_678, released: 0 }, [1111, 1_234_567, 1_111]],
    [
      'what was carried is not reserved again',
      { payable: 11_001_111, earned: 11_000_000, released: 0 },
      [990, 1_100_000, 1_111],
    ],
    ['only a reserve that came free', { payable: 10_000_000, earned: 0, released: 10_000_000 }, [1000, 0, 0]],
    ['nothing', { payable: 0, earned: 0, released: 0 }, null],
    [
      '2^53 - 1',
      { payable: Number.MAX_SAFE_INTEGER, earned: Number.MAX_SAFE_INTEGER, released: 0 },
      [810_647_932_926, 900_719_925_474_099, 6_892],
    ],
  ]
  for (const [name, given, expected] of rows) {
    test(name, () => {
      const made = payoutAmounts(given)
      assert.deepEqual(made && [made.cents, made.reserved, made.carriedOut], expected)
      if (made) assert.equal(made.cents * 10_000 + made.reserved + made.carriedOut, given.payable)
    })
  }
})

describe('whose earnings wait longer', () => {
  const facts = { ownApp: false, sharedCard: false, firstPaymentAt: 0, warned: false, disputed: false, at: DAY }
  const rows: [string, Partial<typeof facts>, string | null][] = [
    ['a stranger’s', {}, null],
    ['one’s own, by a fresh card', { ownApp: true }, 'own_app'],
    ['one’s own, by a card of a month', { ownApp: true, at: 31 * DAY }, null],
    ['another account with the same card', { sharedCard: true }, 'same_card'],
    ['a card that is suspected', { warned: true, at: 90 * DAY }, 'fraud_warning'],
    ['a payer under dispute', { disputed: true, at: 90 * DAY }, 'disputed'],
  ]
  for (const [name, given, expected] of rows)
    test(name, () => assert.equal(earningRisk({ ...facts, ...given }), expected))
})

/** A publisher whose account may be paid, and a platform that has the money. */
async function publisher(w: PayWorld): Promise<{ id: string; account: string }> {
  const id = await w.person()
  const urls = { refresh: 'https://x.example/r', return: 'https://x.example/b' }
  const { stripe_account_id } = await onboard(w.deps, { userId: id, email: `${id}@example.org` }, urls)
  await w.stripe.completeOnboarding(stripe_account_id)
  return { id, account: stripe_account_id }
}

async function earn(w: PayWorld, to: string, amount: number, from?: string): Promise<void> {
  const payer = from ?? (await w.person())
  if (from === undefined) await w.db.tx(fundUser, { to: account.user(payer), amount })
  await w.db.tx(earnFrom, { from: account.user(payer), publisher: to, amount })
}

/** What the sweepers do, once; answers how many payouts began. */
async function day(w: PayWorld): Promise<number> {
  await sealAll(w.db)
  for (let before = -1, now = 0; before !== now; ) [before, now] = [now, await w.db.tx(gatherEarnings, undefined)]
  await w.db.tx(matureEarnings, undefined)
  await w.db.tx(releaseReserves, undefined)
  const begun = await payDue(w.deps)
  await w.carry()
  return begun
}

const payable = async (w: PayWorld, id: string) => (await stands(w.db, account.payable(id))).posted
const reserve = async (w: PayWorld, id: string) => (await stands(w.db, account.reserve(id))).posted
const sentTo = async (w: PayWorld, id: string) =>
  (await payoutsOf(w.db, id, '~', 100)).map((row) => [row.status, row.cents, row.attempt])

eachDatabase('payouts', (open) => {
  test('earnings mature after 7 days; a day’s payout is one; the rest is carried; the reserve comes free once', async () => {
    const w = await payWorld(open)
    await w.stripe.fund(100_000)
    const { id } = await publisher(w)
    await earn(w, id, 12_345_678)
    assert.equal(await day(w), 0)
    assert.deepEqual(await earningOf(w.db, id), { pending: 12_345_678, payable: 0, reserve: 0, paid: 0, flagged: 0 })
    w.advance(7 * DAY - 1)
    assert.equal(await day(w), 0)
    w.advance(1)
    assert.equal(await day(w), 1)
    assert.deepEqual([await payable(w, id), await reserve(w, id)], [1_111, 1_234_567])
    assert.deepEqual(await sentTo(w, id), [['paid', 1111, 1]])
    await earn(w, id, 20_000_000)
    assert.equal(await day(w), 0, 'the same day again')
    const [shown] = await documents<Payout>(w.db, id, 'payout')
    assert.deepEqual([shown?.status, shown?.sent, shown?.carried_out], ['paid', 11_110_000, 1_111])
    w.advance(7 * DAY)
    assert.equal(await day(w), 1)
    assert.deepEqual([await payable(w, id), await reserve(w, id)], [1_111, 3_234_567])
    w.advance(84 * DAY) // the first reserve is 91 days old, the second 84
    await earn(w, id, 10_000_000)
    w.advance(7 * DAY)
    assert.equal(await day(w), 1)
    const [last] = await payoutsOf(w.db, id, '~', 1)
    assert.deepEqual([last?.earned, last?.released, last?.carried_in], [10_000_000, 3_234_567, 1_111])
    assert.equal(await reserve(w, id), 1_000_000)
    assert.equal(await day(w), 0)
    await assertInOrder(w.db)
    const report = await reconcileBooks(w.deps)
    assert.deepEqual(
      report.differences.filter(({ kind }) => kind !== 'total'),
      [],
    )
  })

  test('one’s own spending by a fresh card waits 30 days', async () => {
    const w = await payWorld(open)
    const { id } = await publisher(w)
    await w.buy({ userId: id }, 'pro')
    await earn(w, id, 20_000_000, id)
    w.advance(29 * DAY)
    assert.equal(await day(w), 0)
    assert.deepEqual(await earningOf(w.db, id), {
      pending: 20_000_000,
      payable: 0,
      reserve: 0,
      paid: 0,
      flagged: 20_000_000,
    })
    w.advance(DAY)
    assert.equal(await day(w), 1)
    await assertInOrder(w.db)
  })

  test('a refusal that may pass raises the attempt; an answer that was lost is found; both pay once', async () => {
    const w = await payWorld(open)
    const { id } = await publisher(w)
    await earn(w, id, 10_000_000)
    w.advance(7 * DAY)
    assert.equal(await day(w), 1) // the platform has no money yet
    assert.deepEqual(await sentTo(w, id), [['pending', 900, 2]])
    assert.deepEqual([await payable(w, id), (await stands(w.db, account.payable(id))).held], [10_000_000, 10_000_000])
    await w.stripe.fund(2_000)
    w.stripe.faults.requests([{ method: 'POST', path: '/v1/transfers', at: 'after', ends: 'reset', times: 3 }])
    w.advance(7 * 3_600_000)
    await w.carry()
    assert.deepEqual(await sentTo(w, id), [['pending', 900, 2]], 'nobody knows')
    const [unknown] = await payoutsOf(w.db, id, '~', 1)
    assert.ok(
      await w.payments.findTransfer(unknown?.id ?? ''),
      'a new number: the old one would have been refused again',
    )
    w.advance(25 * 3_600_000)
    await w.carry()
    assert.deepEqual(await sentTo(w, id), [['paid', 900, 2]])
    assert.equal(await w.payments.balanceCents(), 1_100)
    await assertInOrder(w.db)
  })

  test('a restricted account waits and goes on by itself, and nobody else waits with it', async () => {
    const w = await payWorld(open)
    await w.stripe.fund(10_000)
    const [one, other] = [await publisher(w), await publisher(w)]
    for (const { id } of [one, other]) await earn(w, id, 10_000_000)
    w.advance(7 * DAY)
    await w.stripe.restrict(one.account)
    assert.equal(await day(w), 1)
    assert.deepEqual([await sentTo(w, one.id), await sentTo(w, other.id)], [[], [['paid', 900, 1]]])
    assert.equal(await payable(w, one.id), 10_000_000)
    await w.stripe.completeOnboarding(one.account)
    w.advance(11 * 60_000)
    assert.equal(await day(w), 1)
    assert.deepEqual(await sentTo(w, one.id), [['paid', 900, 1]])
    await assertInOrder(w.db)
  })

  test('the statement of a payout adds up to it, line by line', async () => {
    const w = await payWorld(open)
    await w.stripe.fund(100_000)
    const { id } = await publisher(w)
    for (const amount of [7_000_001, 5_345_677]) await earn(w, id, amount)
    w.advance(7 * DAY)
    assert.equal(await day(w), 1)
    w.advance(90 * DAY)
    await earn(w, id, 10_000_000)
    w.advance(7 * DAY)
    assert.equal(await day(w), 1)
    const read = async (row: PayoutRow) => {
      let text = ''
      for await (const part of statementCsv(w.db, row)) text += part
      return text
        .trimEnd()
        .split('\r\n')
        .map((line) => line.split(',').slice(1))
    }
    const [last, first] = await payoutsOf(w.db, id, '~', 2)
    assert.ok(first && last)
    const [head, ...lines] = await read(first)
    assert.deepEqual(head, ['kind', 'reference', 'amount_usd'])
    assert.deepEqual(
      lines.map(([kind, , amount]) => [kind, amount]),
      [
        ['earned', '7.000001'],
        ['earned', '5.345677'],
        ['carried_in', '0.000000'],
        ['reserved', '-1.234567'],
        ['carried_out', '-0.001111'],
        ['sent', '-11.110000'],
      ],
    )
    const again = await read(last)
    assert.deepEqual(
      again
        .filter(([kind]) => kind === 'reserve_released' || kind === 'carried_in')
        .map(([, what, amount]) => [what, amount]),
      [
        [first.id, '1.234567'],
        ['', '0.001111'],
      ],
    )
    for (const [, ...rows] of [await read(first), again])
      assert.equal(
        rows.reduce((sum, [, , amount = '']) => sum + BigInt(amount.replace('.', '')), 0n),
        0n,
      )
  })

  test('a payout that a publisher’s bank refuses is told once, moves nothing, and is over when a later one arrives', async () => {
    const w = await payWorld(open)
    await w.stripe.fund(10_000)
    const { id, account: there } = await publisher(w)
    await earn(w, id, 10_000_000)
    w.advance(7 * DAY)
    assert.equal(await day(w), 1)
    w.advance(3 * DAY)
    const out = await w.stripe.payOutAll(there)
    assert.ok(out)
    const look = (what = out.id) => lookAtBankPayout(w.deps, { account: there, id: what })
    await look()
    assert.equal(await bankRefusal(w.db, there), null, 'on its way')
    await w.stripe.payoutFails(there, out.id)
    const before = await payable(w, id)
    for (let i = 0; i < 3; i++) await look()
    const refusal = await bankRefusal(w.db, there)
    assert.deepEqual([refusal?.amount_cents, refusal?.code], [900, 'account_closed'])
    const notices = (await documents<Notice>(w.db, id, 'notice')).filter(({ kind }) => kind === 'bank_payout_failed')
    assert.equal(notices.length, 1)
    assert.match(notices[0]?.text ?? '', /^Your bank refused a payout of \$9\.00/)
    assert.deepEqual([await payable(w, id), await sentTo(w, id)], [before, [['paid', 900, 1]]])
    assert.equal(await bankRefusal(w.db, 'acct_other'), null)
    w.advance(DAY)
    const next = await w.stripe.payOutAll(there)
    assert.ok(next)
    await w.stripe.payoutPaid(there, next.id)
    await look(next.id)
    assert.equal(await bankRefusal(w.db, there), null)
    await look()
    assert.equal(await bankRefusal(w.db, there), null, 'the older one is heard of again')
    await assertInOrder(w.db)
  })

  test('what is refused for good or reversed is payable again, once, and paid on another day', async () => {
    const w = await payWorld(open)
    await w.stripe.fund(10_000)
    const { id, account: there } = await publisher(w)
    await earn(w, id, 10_000_000)
    w.advance(7 * DAY)
    w.stripe.faults.requests([{ method: 'POST', path: '/v1/transfers', at: 'before', ends: 400 }])
    assert.equal(await day(w), 1)
    assert.deepEqual(await sentTo(w, id), [['failed', 900, 1]])
    assert.deepEqual([await payable(w, id), await reserve(w, id)], [10_000_000, 0])
    assert.equal(await day(w), 0)
    w.advance(DAY)
    assert.equal(await day(w), 1)
    const [row] = await payoutsOf(w.db, id, '~', 1)
    assert.ok(row?.transfer)
    await w.stripe.reverseTransfer(row.transfer, 400)
    await lookAtTransfer(w.deps, row.transfer)
    await lookAtTransfer(w.deps, row.transfer)
    assert.deepEqual(
      [await payable(w, id), await sentTo(w, id)],
      [
        4_000_000,
        [
          ['paid', 900, 1],
          ['failed', 900, 1],
        ],
      ],
    )
    await w.stripe.reverseTransfer(row.transfer)
    await lookAtTransfer(w.deps, row.transfer)
    await lookAtTransfer(w.deps, row.transfer)
    assert.deepEqual([await payable(w, id), await reserve(w, id)], [9_000_000, 1_000_000])
    await earn(w, id, 1_000_000)
    w.advance(7 * DAY)
    assert.equal(await day(w), 1)
    assert.deepEqual((await sentTo(w, id))[0], ['paid', 990, 1], '9.00 that came back, and 0.90 of 1.00')
    assert.ok(there)
    await assertInOrder(w.db)
  })
})
