// A process dies between the provider's answer and our commit, or between the commit and the note that it is done: nothing
// goes twice, nothing is lost. A hundred rounds at every such point, in process, and a whole server that is really killed;
// processes that are really killed at known points are in payments-kill.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../server/db/db.ts'
import type { Deps } from '../../server/deps.ts'
import { sealAll } from '../../server/ledger/chain.ts'
import { account } from '../../server/ledger/chart.ts'
import { stands } from '../../server/ledger/ledger.ts'
import { carryOut, releaseClaims } from '../../server/outbox/outbox.ts'
import { fireAutoTopup, setAutoTopup } from '../../server/payments/auto-topup.ts'
import { reconcileBooks } from '../../server/payments/books.ts'
import { PAYMENT_CARRIERS } from '../../server/payments/carriers.ts'
import { checkoutsSince } from '../../server/payments/checkouts.ts'
import { onboard } from '../../server/payments/connect.ts'
import { gatherEarnings, matureEarnings } from '../../server/payments/earnings.ts'
import type { Payments } from '../../server/payments/payments.ts'
import { payDue } from '../../server/payments/payout-day.ts'
import { payoutsOf } from '../../server/payments/payouts.ts'
import { payAt } from '../../server/payments/purchase.ts'
import { earnFrom, forgetSession, fundUser } from '../server/money.procedures.ts'
import { type PayWorld, payWorld } from '../server/pay.rig.ts'
import { buy, call, must, register } from '../support/api.ts'
import { assertInOrder, eachDatabase } from '../support/databases.ts'
import { ADMIN_TOKEN, databases, startServer } from '../support/server.ts'

const ROUNDS = { sqlite: 100, postgres: 20 } as const
const KILLS = { sqlite: 1, postgres: 1 } as const
const DAY = 86_400_000

/** Where a process dies. */
const POINTS = ['before the call', 'after the call', 'before the commit', 'after the commit'] as const
type Point = (typeof POINTS)[number]

const died = () => new Error('the process died here')

/** The same ports, of which one dies at a point: at `method`, or at the commit that follows it. */
function dying(deps: Deps, method: keyof Payments, at: Point): Deps {
  let dead = false
  let called = false
  const real = deps.payments[method] as unknown as (...args: unknown[]) => Promise<unknown>
  const fake = async (...args: unknown[]) => {
    if (at === 'before the call') dead = true
    if (dead) throw died()
    const answer = await real(...args)
    called = true
    if (at === 'after the call') dead = true
    if (dead) throw died()
    return answer
  }
  const tx: Db['tx'] = async (procedure, args) => {
    if (dead || (called && at === 'before the commit')) {
      dead = true
      throw died()
    }
    const answer = await deps.db.tx(procedure, args)
    if (called && at === 'after the commit') dead = true
    return answer
  }
  return { ...deps, db: { ...deps.db, tx }, payments: { ...deps.payments, [method]: fake } }
}

/** What a round does, with the method at which it dies, and what must be true in the end. */
type Story = { method: keyof Payments; begin: (w: PayWorld) => Promise<() => Promise<void>> }

const STORIES: Record<string, Story> = {
  refund: {
    method: 'refund',
    begin: async (w) => {
      const userId = await w.person()
      const { payment } = await w.buy({ userId })
      await w.askRefund(userId, 5_000_000)
      return async () => {
        const seen = await w.payments.payment(payment)
        assert.deepEqual(
          seen?.refunds.map(({ cents }) => cents),
          [500],
        )
        const { posted, held } = await w.balance(userId)
        assert.deepEqual([posted, held], [3_500_000, 0])
      }
    },
  },
  'automatic top-up': {
    method: 'chargeSaved',
    begin: async (w) => {
      const userId = await w.person()
      await w.buy({ userId }, 'starter', { saveCard: true })
      const set = {
        userId,
        enabled: true,
        threshold: 4_050_000,
        packageId: 'starter',
        monthMaxCents: 10_000,
        recent: true,
      }
      await w.db.tx(setAutoTopup, { ...set, threshold: 4_050_000 })
      await w.db.tx(earnFrom, { from: account.user(userId), publisher: 'nobody', amount: 1_000_000 })
      const fire = () => w.db.tx(fireAutoTopup, { userId, id: w.deps.id('chk'), livemode: false, scale: 1000 })
      const fired = await Promise.all([fire(), fire(), fire()])
      assert.deepEqual(fired.sort(), [false, false, true])
      return async () => {
        const { posted } = await w.balance(userId)
        assert.equal(posted, 2 * 4_050_000 - 1_000_000)
        const begun = await checkoutsSince(w.db, userId, 0)
        assert.deepEqual(begun.map(({ kind, status }) => `${kind} ${status}`).sort(), ['auto paid', 'page paid'])
      }
    },
  },
  payout: {
    method: 'transfer',
    begin: async (w) => {
      const publisher = await w.person()
      const urls = { refresh: 'https://x.example/r', return: 'https://x.example/b' }
      const { stripe_account_id } = await onboard(w.deps, { userId: publisher, email: 'p@example.org' }, urls)
      await w.stripe.completeOnboarding(stripe_account_id)
      await onboard(w.deps, { userId: publisher, email: 'p@example.org' }, urls)
      const payer = await w.person()
      await w.db.tx(fundUser, { to: account.user(payer), amount: 10_000_000 })
      await w.db.tx(earnFrom, { from: account.user(payer), publisher, amount: 10_000_000 })
      await sealAll(w.db)
      for (let before = -1, now = 0; before !== now; ) [before, now] = [now, await w.db.tx(gatherEarnings, undefined)]
      w.advance(7 * DAY)
      await w.db.tx(matureEarnings, undefined)
      assert.equal(await payDue(w.deps), 1)
      return async () => {
        const rows = await payoutsOf(w.db, publisher, '~', 10)
        assert.deepEqual(
          rows.map(({ status, cents }) => [status, cents]),
          [['paid', 900]],
        )
        assert.equal((await w.payments.findTransfer(rows[0]?.id ?? ''))?.cents, 900)
        assert.equal((await stands(w.db, account.reserve(publisher))).posted, 1_000_000)
      }
    },
  },
}

eachDatabase('a process that dies', (open, dialect) => {
  test(`${ROUNDS[dialect]} times between the provider and the books`, async () => {
    const w = await payWorld(open)
    await w.stripe.fund(10_000_000)
    const rounds = Array.from({ length: ROUNDS[dialect] }, (_, i) => i)
    const names = Object.keys(STORIES)
    for (const i of rounds) {
      const name = names[i % names.length] ?? ''
      const story = STORIES[name]
      const point = POINTS[Math.floor(i / names.length) % POINTS.length] ?? 'before the call'
      assert.ok(story)
      const check = await story.begin(w)
      await carryOut(dying(w.deps, story.method, point), PAYMENT_CARRIERS).catch(() => undefined)
      await w.db.tx(releaseClaims, undefined) // the next start knows that it is dead
      w.advance(60_000)
      await w.carry()
      w.advance(60_000)
      await w.carry()
      await check().catch((error) => {
        throw new Error(`round ${i}, ${name}, died ${point}: ${error.message}`, { cause: error })
      })
    }
    await w.tell()
    await assertInOrder(w.db)
    const { differences } = await reconcileBooks(w.deps)
    assert.deepEqual(
      differences.filter(({ kind }) => kind !== 'unknown_line'),
      [],
    )
  })

  test('a checkout whose session was made and not noted is one session', async () => {
    const w = await payWorld(open)
    const userId = await w.person()
    const row = await w.begin({ userId })
    await w.db.tx(forgetSession, { id: row.id })
    await payAt(w.deps, row.id)
    assert.equal((await w.found(row.id)).session_id, row.session_id)
  })
})

for (const db of databases()) {
  test(`${KILLS[db]} times kill -9 while refunds are under way (${db})`, async (t) => {
    const server = await startServer({ db })
    t.after(() => server.stop())
    const admin = { bearer: ADMIN_TOKEN }
    for (let round = 0; round < KILLS[db]; round++) {
      const person = await register(server)
      await buy(server, person.session, 'basic')
      const asked = call(server, 'POST', '/api/payments/refunds', {
        bearer: person.session,
        body: { amount: 5_000_000 },
        headers: { 'idempotency-key': `r${round}` },
      }).catch(() => null)
      await sleep(5 + Math.random() * 60)
      await server.kill9()
      await asked
      await server.restart()
      const again = await call(server, 'POST', '/api/payments/refunds', {
        bearer: person.session,
        body: { amount: 5_000_000 },
        headers: { 'idempotency-key': `r${round}` },
      })
      assert.equal(again.status, 200)
      type Shown = { refunds: { status: string; amount: number }[] }
      const read = () => must<Shown>(server, 'GET', '/api/payments/refunds', { bearer: person.session })
      const until = Date.now() + 120_000
      for (;;) {
        const { refunds } = await read()
        if (refunds.every(({ status }) => status === 'succeeded')) break
        assert.ok(Date.now() < until, JSON.stringify(refunds))
        await sleep(200)
      }
      assert.deepEqual(
        (await read()).refunds.map(({ amount, status }) => [amount, status]),
        [[5_000_000, 'succeeded']],
      )
      assert.equal(
        (await must<{ balance: number }>(server, 'GET', '/account', { bearer: person.session })).balance,
        3_500_000,
      )
    }
    type Report = { ok: boolean; differences: unknown[] }
    const report = await must<Report>(server, 'POST', '/admin/books/reconcile', { ...admin, body: {} })
    assert.deepEqual([report.ok, report.differences], [true, []])
  })
}
