// kill -9 while Stripe is being asked: a real process, really killed, with many movements of money under way at once, each
// of them at a known point. Nothing goes twice, nothing is lost.
// In each life of the process every movement is cut at one of three points: before Stripe has done it, after Stripe has
// done it and before its answer, and just after the answer (in the commit, before it or after it, as it happens).

import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { sealAll } from '../../server/ledger/chain.ts'
import { account } from '../../server/ledger/chart.ts'
import { stands } from '../../server/ledger/ledger.ts'
import { releaseClaims } from '../../server/outbox/outbox.ts'
import { setAutoTopup } from '../../server/payments/auto-topup.ts'
import { reconcileBooks } from '../../server/payments/books.ts'
import { checkoutsSince, openCheckouts } from '../../server/payments/checkouts.ts'
import { onboard } from '../../server/payments/connect.ts'
import { gatherEarnings, matureEarnings } from '../../server/payments/earnings.ts'
import { observeCheckout } from '../../server/payments/observe.ts'
import { payoutsOf } from '../../server/payments/payouts.ts'
import type { Asking, Ending } from '../../server/payments/stand-in/exchange.ts'
import { type Listening, listen } from '../../server/payments/stand-in/http.ts'
import { type StandIn, standIn } from '../../server/payments/stand-in/stand-in.ts'
import { earnFrom, fundUser } from '../server/money.procedures.ts'
import { around } from '../server/pay.rig.ts'
import { assertInOrder, eachDatabase, type Open } from '../support/databases.ts'
import type { Task } from './payments-victim.ts'

/** Lives of the process; 16 movements are cut in each: 112 on SQLite, and as many on Postgres with `QUOTA_TEST_LIVES=7`. */
const PATIENCE = Number(process.env.QUOTA_TEST_LIVES ?? 0)
const LIVES = { sqlite: PATIENCE || 7, postgres: PATIENCE || 1 }
const KINDS = ['refund', 'payout', 'auto', 'purchase'] as const
const OF_EACH = 4
const POINTS = ['before it is done', 'before its answer', 'after its answer'] as const
const DAY = 86_400_000
const VICTIM = join(import.meta.dirname, 'payments-victim.ts')

/** The request by which a movement is made, or (a purchase, which was made by the person) seen. */
const ASKS: Record<Task['kind'], RegExp> = {
  refund: /^POST \/v1\/refunds$/,
  payout: /^POST \/v1\/transfers$/,
  auto: /^POST \/v1\/payment_intents$/,
  purchase: /^GET \/v1\/payment_intents\/\w+(\?|$)/,
}

type World = ReturnType<typeof around>

/** A Stripe that lives on when the server dies, and keeps the next awaited request at a point. */
async function stripeWithGate(stripe: StandIn) {
  let awaited: { ask: RegExp; point: (typeof POINTS)[number]; met: () => void } | null = null
  const kept: (() => void)[] = []
  const answer = async (asking: Asking): Promise<Ending> => {
    const here = awaited
    if (!here?.ask.test(`${asking.method} ${asking.url}`)) return stripe.answer(asking)
    awaited = null
    const ending = here.point === 'before it is done' ? 'hang' : await stripe.answer(asking)
    const answered = here.point === 'after its answer'
    const released = answered ? new Promise<void>((go) => kept.push(go)) : null
    here.met()
    await released
    return answered ? ending : 'hang'
  }
  const listening: Listening = await listen(answer)
  return {
    listening,
    /** Resolves when the request has come, and is kept. */
    next: (ask: RegExp, point: (typeof POINTS)[number]) =>
      new Promise<void>((met) => {
        awaited = { ask, point, met }
      }),
    /** Answers what is kept to be answered. */
    release: () => kept.splice(0).map((go) => go()),
  }
}

type Prepared = Task & { check: (w: World) => Promise<void> }

/** Brings a person or publisher to where the movement begins; says what must be true of them in the end. */
const PREPARE: Record<Task['kind'], (w: World) => Promise<Prepared>> = {
  refund: async (w) => {
    const userId = await w.person()
    const { payment } = await w.buy({ userId })
    const check = async (after: World) => {
      const cents = (await after.payments.payment(payment))?.refunds.map((one) => one.cents)
      const { posted, held } = await after.balance(userId)
      assert.deepEqual([cents, posted, held], [[500], 3_500_000, 0])
    }
    return { kind: 'refund', id: userId, check }
  },
  payout: async (w) => {
    const [publisher, payer] = [await w.person(), await w.person()]
    const urls = { refresh: 'https://x.example/r', return: 'https://x.example/b' }
    const { stripe_account_id: there } = await onboard(w.deps, { userId: publisher, email: 'p@example.org' }, urls)
    await w.stripe.completeOnboarding(there)
    await onboard(w.deps, { userId: publisher, email: 'p@example.org' }, urls)
    await w.db.tx(fundUser, { to: account.user(payer), amount: 10_000_000 })
    await w.db.tx(earnFrom, { from: account.user(payer), publisher, amount: 10_000_000 })
    const check = async (after: World) => {
      const [row, ...more] = await payoutsOf(after.db, publisher, '~', 10)
      const made = await after.payments.findTransfer(row?.id ?? '')
      assert.deepEqual([row?.status, row?.cents, more.length, made?.cents], ['paid', 900, 0, 900])
      assert.equal((await stands(after.db, account.reserve(publisher))).posted, 1_000_000)
    }
    return { kind: 'payout', id: publisher, check }
  },
  auto: async (w) => {
    const userId = await w.person()
    await w.buy({ userId }, 'starter', { saveCard: true })
    const terms = { threshold: 4_050_000, packageId: 'starter', monthMaxCents: 10_000 }
    await w.db.tx(setAutoTopup, { userId, enabled: true, ...terms, recent: true })
    await w.db.tx(earnFrom, { from: account.user(userId), publisher: 'nobody', amount: 1_000_000 })
    const check = async (after: World) => {
      const begun = (await checkoutsSince(after.db, userId, 0)).map(({ kind, status }) => `${kind} ${status}`)
      assert.deepEqual([begun.sort(), (await after.balance(userId)).posted], [['auto paid', 'page paid'], 7_100_000])
    }
    return { kind: 'auto', id: userId, check }
  },
  purchase: async (w) => {
    const userId = await w.person()
    const row = await w.begin({ userId })
    await w.stripe.pay(row.session_id ?? '')
    const check = async (after: World) => {
      assert.deepEqual([(await after.found(row.id)).status, (await after.balance(userId)).posted], ['paid', 8_500_000])
    }
    return { kind: 'purchase', id: row.id, check }
  },
}

async function killedOften(open: Open, lives: number): Promise<number> {
  let ms = Date.parse('2026-11-23T12:00:00Z')
  const now = () => ms
  const database = await open({ now })
  const stripe = standIn({ now })
  await stripe.fund(10_000_000)
  const gate = await stripeWithGate(stripe)
  let w = around(database.db, stripe, now)
  let cut = 0
  try {
    for (let life = 0; life < lives; life++) {
      const prepared: Prepared[] = []
      for (const kind of KINDS) for (let i = 0; i < OF_EACH; i++) prepared.push(await PREPARE[kind](w))
      ms += 7 * DAY
      await sealAll(w.db)
      for (let before = -1, moved = 0; before !== moved; )
        [before, moved] = [moved, await w.db.tx(gatherEarnings, undefined)]
      await w.db.tx(matureEarnings, undefined)
      if (w.db.dialect === 'sqlite') await w.db.close() // a folder is one process's
      const child = fork(VICTIM, [database.place, String(ms), gate.listening.url], { stdio: 'inherit', execArgv: [] })
      try {
        cut += await upToTheirPoints(child, gate, prepared, life)
      } finally {
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
      w = around(await database.again(), stripe, now)
      await w.db.tx(releaseClaims, undefined) // the next start knows that it is dead
      for (let look = 0; look < 2; look++) {
        ms += 60_000
        while ((await w.carry()) > 0);
        for (const row of await openCheckouts(w.db, ms, 100))
          if (row.kind === 'page') await observeCheckout(w.deps, row)
      }
      for (const [i, { kind, check }] of prepared.entries())
        await check(w).catch((cause) => {
          throw new Error(`life ${life}, ${kind}, killed ${pointOf(i, life)}: ${cause.message}`, { cause })
        })
    }
    await assertInOrder(w.db)
    const { differences } = await reconcileBooks(w.deps)
    assert.deepEqual(
      differences.filter(({ kind }) => kind !== 'unknown_line'),
      [],
    )
    return cut
  } finally {
    await gate.listening.close()
  }
}

const pointOf = (i: number, life: number) => POINTS[(i + life) % POINTS.length] ?? POINTS[0]

/** Begins everything, one after the other; when all are at their points, kills. Answers how many were under way. */
async function upToTheirPoints(
  child: ChildProcess,
  gate: Awaited<ReturnType<typeof stripeWithGate>>,
  prepared: readonly Prepared[],
  life: number,
): Promise<number> {
  const died = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the victim ended by itself (${code})`)))
  died.catch(() => undefined)
  await Promise.race([once(child, 'message'), died])
  child.on('message', (said) => assert.fail(JSON.stringify(said)))
  for (const [i, { kind, id }] of prepared.entries()) {
    const met = gate.next(ASKS[kind], pointOf(i, life))
    child.send({ kind, id } satisfies Task)
    await Promise.race([met, died])
  }
  gate.release()
  await new Promise(setImmediate) // the answers are on the wire
  child.kill('SIGKILL')
  return prepared.length
}

eachDatabase('a process that is killed', (open, dialect) => {
  test(`${LIVES[dialect]} times, with ${KINDS.length * OF_EACH} movements between Stripe and the books each time`, async () => {
    assert.equal(await killedOften(open, LIVES[dialect]), LIVES[dialect] * KINDS.length * OF_EACH)
  })
})
