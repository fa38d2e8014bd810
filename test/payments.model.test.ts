// 10,000 random lives of cards: purchases, calls, refunds, disputes in any order, told in any order and any number of times.
// The model is two sentences: what a person has is what their payments brought, minus what went back, minus what they spent;
// below zero it is a debt. What a publisher was paid, has in reserve and could be paid is what of their earnings has matured.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Db } from '../server/db/db.ts'
import { isFault } from '../server/faults.ts'
import { sealAll, total } from '../server/ledger/chain.ts'
import { account } from '../server/ledger/chart.ts'
import { stands } from '../server/ledger/ledger.ts'
import { beginCheckout } from '../server/payments/checkouts.ts'
import { onboard } from '../server/payments/connect.ts'
import { recordPayment } from '../server/payments/credit.ts'
import { gatherEarnings, matureEarnings } from '../server/payments/earnings.ts'
import type { DisputeSeen, PaymentSeen, Port, RefundSeen } from '../server/payments/payments.ts'
import { releaseReserves } from '../server/payments/payout-day.ts'
import {
  beginPayout,
  lookAtTransfer,
  type PayoutRow,
  payout,
  refusePayout,
  settlePayout,
} from '../server/payments/payouts.ts'
import { askRefund, refuseRefund } from '../server/payments/refunds.ts'
import { claimRestsOfPayments } from '../server/payments/rests.ts'
import { standIn } from '../server/payments/stand-in/stand-in.ts'
import { earnFrom, holdFrom, settleFrom } from './server/money.procedures.ts'
import { around } from './server/pay.rig.ts'
import { assertInOrder, onSqlite } from './support/databases.ts'

const SEQUENCES = 10_000
const AT_ONCE = 250
const DAY = 86_400_000
const PACKAGES = { starter: [500, 4_050_000], basic: [1000, 8_500_000] } as const

/** Numbers choose among what is possible at that moment. */
const Step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pay' as const),
      package: fc.constantFrom('starter' as const, 'basic' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('spend' as const, 'earn' as const, 'call' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('hangup' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('ask' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('accept' as const, 'refuse' as const, 'fail' as const),
      pick: fc.nat(9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('operator' as const),
      pick: fc.nat(9),
      cents: fc.integer({ min: 1, max: 1000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dispute' as const), pick: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('win' as const, 'lose' as const), pick: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('tell' as const, 'retell' as const), pick: fc.nat(9) }) },
)
const Life = fc.array(Step, { minLength: 3, maxLength: 14 })
type Life = typeof Life extends fc.Arbitrary<infer T> ? T : never
type Step = Life[number]

type Payment = { seen: PaymentSeen; checkoutId: string; credits: number; old: PaymentSeen[] }

/** The provider, and what the person did, as plain data. */
type State = {
  id: string
  payments: Payment[]
  spent: number
  earned: number
  calls: { id: string; held: number }[]
  asked: { id: string; payment: string; cents: number }[]
  n: number
}

async function live(db: Db, id: string, life: Life): Promise<State> {
  const s: State = { id, payments: [], spent: 0, earned: 0, calls: [], asked: [], n: 0 }
  for (const step of life) await take(db, s, step)
  // In the end everything is told, calls are over, and what the person asked for has an outcome.
  for (const { id: holdId } of s.calls) await db.tx(settleFrom, { from: account.user(id), holdId, amount: 0 })
  for (const one of s.asked.splice(0)) await db.tx(refuseRefund, { id: one.id, failure: 'over' })
  for (const payment of s.payments) await tell(db, payment, payment.seen)
  return s
}

async function take(db: Db, s: State, step: Step): Promise<void> {
  const user = account.user(s.id)
  const free = async () => Math.max(0, (await stands(db, user)).available)
  const name = (prefix: string) => `${prefix}_${s.id}_${++s.n}`
  if (step.do === 'pay') {
    const [cents, credits] = PACKAGES[step.package]
    const checkoutId = name('chk')
    await db.tx(beginCheckout, {
      id: checkoutId,
      buyer: { userId: s.id },
      packageId: step.package,
      successUrl: '',
      cancelUrl: '',
      livemode: false,
      scale: 1000,
      attempt: null,
    })
    s.payments.push({ seen: paid(name('pi'), checkoutId, cents), checkoutId, credits, old: [] })
    return
  }
  if (step.do === 'spend' || step.do === 'earn' || step.do === 'call') {
    const amount = Math.floor((await free()) * step.part)
    if (amount <= 0) return
    const holdId = name('call')
    if (step.do === 'earn') {
      await db.tx(earnFrom, { from: user, publisher: 'pub', amount })
      s.earned += amount
    } else await db.tx(holdFrom, { from: user, holdId, amount })
    if (step.do === 'spend') await db.tx(settleFrom, { from: user, holdId, amount })
    if (step.do === 'call') s.calls.push({ id: holdId, held: amount })
    else s.spent += amount
    return
  }
  if (step.do === 'hangup') {
    const call = s.calls.pop()
    if (!call) return
    const amount = Math.floor(call.held * step.part)
    await db.tx(settleFrom, { from: user, holdId: call.id, amount })
    s.spent += amount
    return
  }
  if (step.do === 'ask') {
    const cents = Math.floor(((await free()) * step.part) / 10_000)
    if (cents === 0) return
    try {
      const { answer } = await db.tx(askRefund, { userId: s.id, amount: cents * 10_000, attempt: null })
      for (const one of answer.refunds) {
        const payment = s.payments.find(({ checkoutId }) => checkoutId === one.topup_id)
        s.asked.push({ id: one.id, payment: payment?.seen.id ?? '', cents: one.amount / 10_000 })
      }
    } catch (error) {
      assert.ok(
        isFault(error) && (error.code === 'insufficient_balance' || error.code === 'account_in_debt'),
        String(error),
      )
    }
    return
  }
  if (!('pick' in step)) return
  if (step.do === 'accept' || step.do === 'refuse') return answer(db, s, { do: step.do, pick: step.pick })
  await atProvider(db, s, step, name)
}

/** The provider takes a refund that was asked for, or does not. */
async function answer(db: Db, s: State, step: { do: 'accept' | 'refuse'; pick: number }): Promise<void> {
  const asked = s.asked[step.pick % Math.max(1, s.asked.length)]
  const payment = s.payments.find(({ seen }) => seen.id === asked?.payment)
  if (!asked || !payment) return
  s.asked.splice(s.asked.indexOf(asked), 1)
  if (step.do === 'refuse' || asked.cents > refundableAt(payment.seen))
    return void (await db.tx(refuseRefund, { id: asked.id, failure: 'refused' }))
  change(payment, {
    refunds: [
      ...payment.seen.refunds,
      { id: `re_${asked.id}`, ourId: asked.id, cents: asked.cents, status: 'pending' },
    ],
  })
  await tell(db, payment, payment.seen) // the answer itself is looked at
}

/** What happens at the provider; nobody is told by that. */
async function atProvider(
  db: Db,
  s: State,
  step: Extract<Step, { pick: number }>,
  name: (prefix: string) => string,
): Promise<void> {
  const payment = s.payments[step.pick % Math.max(1, s.payments.length)]
  if (!payment) return
  const { seen } = payment
  if (step.do === 'tell') return tell(db, payment, seen)
  if (step.do === 'retell') return tell(db, payment, payment.old[step.pick % Math.max(1, payment.old.length)] ?? seen)
  if (step.do === 'fail') {
    const [refund, ...others] = seen.refunds.filter(({ status }) => status !== 'failed')
    if (!refund) return
    const failed: RefundSeen = { ...refund, status: 'failed' }
    return change(payment, {
      refunds: [...seen.refunds.filter(({ status }) => status === 'failed'), ...others, failed],
    })
  }
  if (step.do === 'operator') {
    const cents = Math.min(step.cents, refundableAt(seen))
    const refund: RefundSeen = { id: name('re'), ourId: null, cents, status: 'succeeded' }
    return cents > 0 ? change(payment, { refunds: [...seen.refunds, refund] }) : undefined
  }
  if (step.do === 'dispute') {
    if (seen.disputes.length > 0) return
    const cents = refundableAt(seen)
    const dispute: DisputeSeen = {
      id: name('dp'),
      cents,
      reason: 'fraudulent',
      status: 'needs_response',
      standing: 'open',
      moves: [{ id: name('txn'), cents: -cents }],
    }
    return cents > 0 ? change(payment, { disputes: [dispute] }) : undefined
  }
  const [dispute] = seen.disputes
  if (!dispute || dispute.standing === 'won' || (dispute.standing === 'lost' && step.do !== 'win')) return
  const standing = step.do === 'win' ? 'won' : 'lost'
  const moves = step.do === 'win' ? [...dispute.moves, { id: name('txn'), cents: dispute.cents }] : dispute.moves
  change(payment, { disputes: [{ ...dispute, standing, status: standing, moves }] })
}

function change(payment: Payment, to: Partial<PaymentSeen>): void {
  payment.old.push(payment.seen)
  payment.seen = { ...payment.seen, ...to }
}

async function tell(db: Db, { checkoutId }: Payment, payment: PaymentSeen): Promise<void> {
  const { alarm } = await db.tx(recordPayment, { checkoutId, session: null, payment, livemode: false })
  assert.equal(alarm, null)
}

function paid(id: string, checkoutId: string, receivedCents: number): PaymentSeen {
  const nothing = { failure: null, fingerprint: null, savedCard: null, refunds: [], disputes: [] }
  return {
    id,
    checkoutId,
    status: 'succeeded',
    receivedCents,
    currency: 'usd',
    livemode: false,
    charge: `ch_${id}`,
    ...nothing,
  }
}

/** Cents of a payment that are gone: refunds that did not fail, and what banks took. */
function gone({ refunds, disputes }: PaymentSeen, lostOnly: boolean): number {
  const refunded = refunds.filter(({ status }) => status !== 'failed').reduce((sum, { cents }) => sum + cents, 0)
  return (
    refunded +
    disputes
      .filter(({ standing }) => standing === 'lost' || (!lostOnly && standing === 'open'))
      .reduce((sum, { cents }) => sum + cents, 0)
  )
}

const refundableAt = (seen: PaymentSeen) => seen.receivedCents - gone(seen, false)

/** The model. */
function expected({ payments, spent }: State): number {
  return (
    payments.reduce((sum, { seen, credits }) => sum + credits - Math.min(credits, gone(seen, true) * 10_000), 0) - spent
  )
}

const ENDINGS = ['paid', 'paid', 'refused', 'reversed', 'reversed in part', 'not yet'] as const

/** A day of payouts of the one publisher: what is old enough is payable, and its payout ends in one of the ways there are. */
async function payday(db: Db, ending: (typeof ENDINGS)[number]): Promise<void> {
  await sealAll(db)
  for (let before = -1, seen = 0; before !== seen; ) [before, seen] = [seen, await db.tx(gatherEarnings, undefined)]
  while ((await db.tx(matureEarnings, undefined)) > 0);
  while ((await db.tx(releaseReserves, undefined)) > 0);
  const id = await db.tx(beginPayout, { publisher: 'pub', livemode: false })
  assert.equal(await db.tx(beginPayout, { publisher: 'pub', livemode: false }), null, 'one a day')
  const row = id === null ? undefined : await payout(db, id)
  if (!row || ending === 'not yet') return
  if (ending === 'refused') {
    await db.tx(refusePayout, { id: row.id, attempt: row.attempt, code: 'account_closed' })
    return
  }
  const made = { id: `tr_${row.id}`, cents: row.cents, reversedCents: 0, ourId: row.id }
  for (let i = 0; i < 2; i++) await db.tx(settlePayout, { id: row.id, transfer: made })
  if (ending === 'paid') return
  const reversedCents = ending === 'reversed' ? row.cents : Math.ceil(row.cents / 3)
  const port = { db, payments: { transferById: async () => ({ ...made, reversedCents }) } } as unknown as Port
  for (let i = 0; i < 2; i++) await lookAtTransfer(port, made.id)
}

/** What was sent and is not back, what is on its way, in reserve and payable: all of what has matured, and no more. */
async function assertPaidWithin(db: Db): Promise<number> {
  const [payable, reserve] = [await stands(db, account.payable('pub')), await stands(db, account.reserve('pub'))]
  const payouts = await db.all<Pick<PayoutRow, 'status' | 'cents' | 'reversed_cents'>>(
    'SELECT status, cents, reversed_cents FROM payouts',
  )
  const sent = payouts
    .filter(({ status }) => status === 'paid' || status === 'reversed')
    .reduce((sum, { cents, reversed_cents }) => sum + (cents - reversed_cents) * 10_000, 0)
  const matured = await db.get<{ sum: number }>(
    'SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS sum FROM earnings WHERE matured_at IS NOT NULL',
  )
  assert.ok(payable.available >= 0 && reserve.posted >= 0)
  assert.equal(sent + payable.posted + reserve.posted, Number(matured?.sum))
  return sent
}

onSqlite('lives of cards', (open) => {
  test(`${SEQUENCES} of them end as the model says, and the books are whole`, async () => {
    let now = Date.parse('2026-11-23T12:00:00Z')
    const { db } = await open({ now: () => now })
    const seed = Number(process.env.QUOTA_TEST_SEED ?? 20_261_123)
    const lives = fc.sample(Life, { numRuns: SEQUENCES, seed })
    const endings = fc.sample(fc.constantFrom(...ENDINGS), { numRuns: SEQUENCES / AT_ONCE, seed })
    const w = around(db, standIn({ now: () => now }), () => now)
    const urls = { refresh: 'https://x.example/r', return: 'https://x.example/b' }
    const publisher = { userId: 'pub', email: 'p@example.org' }
    await w.stripe.completeOnboarding((await onboard(w.deps, publisher, urls)).stripe_account_id)
    await onboard(w.deps, publisher, urls)
    let earned = 0
    for (let i = 0; i < SEQUENCES; i += AT_ONCE) {
      const group = lives.slice(i, i + AT_ONCE)
      const states = await Promise.all(group.map((life, j) => live(db, `u${i + j}`, life)))
      while ((await db.tx(claimRestsOfPayments, undefined)) > 0);
      for (const [j, state] of states.entries()) {
        const { posted, held, floor } = await stands(db, account.user(state.id))
        const open = state.payments.reduce(
          (sum, { seen }) => sum + seen.disputes.filter(({ standing }) => standing === 'open').length,
          0,
        )
        const want = expected(state)
        const say = () => `seed ${seed}, life ${i + j}: ${JSON.stringify(group[j])}`
        assert.deepEqual([posted - floor, Math.min(posted - held, floor)], [want, 0], say())
        assert.ok(open > 0 || held === 0, say())
        earned += state.earned
      }
      now += 4 * DAY
      await payday(db, endings[i / AT_ONCE] ?? 'paid')
      await assertPaidWithin(db)
    }
    now += 400 * DAY
    await payday(db, 'paid')
    const sent = await assertPaidWithin(db)
    assert.ok(sent > 0 && (await db.all(`SELECT 1 FROM payouts WHERE released_at IS NOT NULL`)).length > 0)
    const [payable, reserve] = [await stands(db, account.payable('pub')), await stands(db, account.reserve('pub'))]
    assert.equal(sent + payable.posted + reserve.posted, earned)
    assert.equal(await db.snapshot((reader) => total(reader, account.earnings('pub'))), 0)
    const debts = await db.get<{ sum: number }>(`SELECT SUM(floor) AS sum FROM accounts WHERE id LIKE 'user:%'`)
    const owed = await db.get<{ sum: number }>(`SELECT SUM(posted) AS sum FROM accounts WHERE id LIKE 'receivable:%'`)
    assert.equal(-Number(owed?.sum), Number(debts?.sum), 'each debt is a floor')
    await assertInOrder(db)
  })
})
