// Automatic top-ups: a saved card buys a package when the balance falls below a threshold.
// owns: auto_topups. never: a call (calls do not wait for it, and do not look at it); the charge itself.
// always true: one crossing begins one purchase: the row is disarmed in the commit that begins it and armed again by its
// outcome; it stays within its month and day, and stops after three failures.

import { dollars } from '../contract/money.ts'
import type { AutoTopup } from '../contract/payments.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault, isFault } from '../faults.ts'
import { account } from '../ledger/chart.ts'
import { money } from '../ledger/ledger.ts'
import { promise } from '../outbox/outbox.ts'
import { creditsOf } from './cents.ts'
import { type CheckoutRow, checkoutsSince, newCheckout, type Status } from './checkouts.ts'
import { packageOffered } from './packages.ts'
import { DAY_MS } from './risk.ts'
import { savedCard } from './saved-cards.ts'
import { type Told, tell, toldNotice } from './told.ts'

export const AUTO_TOPUP = 'auto_topup'
export const PER_DAY_MAX = 3
const FAILURES_MAX = 3
const AFTER_FAILURE_MS = 3_600_000
const AFTER_LIMIT_MS = 600_000
const AT_ONCE = 500

type Stopped = NonNullable<AutoTopup['stopped']>
type Row = {
  user_id: string
  enabled: number
  threshold: number
  package_id: string
  month_max_cents: number
  armed: number
  failures: number
  next_at: number
  stopped: Stopped | null
  version: number
}

function rowOf(reader: Reader, userId: string): Promise<Row | undefined> {
  return reader.get<Row>(
    `SELECT user_id, enabled, threshold, package_id, month_max_cents, armed, failures, next_at, stopped, version
     FROM auto_topups WHERE user_id = ?`,
    [userId],
  )
}

/** The settings as they are shown. */
export async function autoTopup(reader: Reader, userId: string, nowMs: number): Promise<AutoTopup> {
  const [row, card] = [await rowOf(reader, userId), await savedCard(reader, userId)]
  const { today, month } = usedOf(await checkoutsSince(reader, userId, monthStart(nowMs) - DAY_MS), nowMs)
  return {
    enabled: row?.enabled === 1,
    threshold: row?.threshold ?? null,
    package_id: row?.package_id ?? null,
    month_max_cents: row?.month_max_cents ?? null,
    spent_this_month_cents: month,
    today,
    per_day_max: PER_DAY_MAX,
    card: card ? { brand: card.brand, last4: card.last4 } : null,
    stopped: row?.stopped ?? null,
    version: row?.version ?? 0,
  }
}

export type AutoTopupChange = {
  userId: string
  enabled: boolean
  threshold?: number
  packageId?: string
  monthMaxCents?: number
  /** Whether the person has just proved that it is them. */
  recent: boolean
}

/**
 * Changes the settings. Turning it off and lowering always applies; turning it on and raising needs a recent proof.
 * @throws Fault `step_up_required`, `bad_request` (no card, no such package, a threshold above the package's balance)
 */
export const setAutoTopup = procedure(
  'payments.setAutoTopup',
  async (tx: Tx, change: AutoTopupChange): Promise<void> => {
    // The row's lock: whether this raises anything is judged by what stands, not by what is being turned off.
    await tx.run('UPDATE auto_topups SET version = version WHERE user_id = ?', [change.userId])
    const before = await rowOf(tx, change.userId)
    const packageId = change.packageId ?? before?.package_id
    const threshold = change.threshold ?? before?.threshold
    const monthMax = change.monthMaxCents ?? before?.month_max_cents
    if (packageId === undefined || threshold === undefined || monthMax === undefined) {
      if (!change.enabled) return
      throw fault('bad_request', { message: 'Name threshold, package_id and month_max_cents the first time.' })
    }
    const [now, was] = [
      await packageOffered(tx, packageId),
      before ? await packageOffered(tx, before.package_id) : undefined,
    ]
    if (!now) throw fault('bad_request', { message: 'package_id: there is no such package.', param: 'package_id' })
    if (threshold > now.balance_credits)
      throw fault('bad_request', { message: 'threshold: at most what the package brings.', param: 'threshold' })
    if (change.enabled && !(await savedCard(tx, change.userId)))
      throw fault('bad_request', { message: 'Save a card first: buy a package with save_card.', param: 'enabled' })
    const raised =
      !before ||
      before.enabled === 0 ||
      threshold > before.threshold ||
      now.price_cents > (was?.price_cents ?? 0) ||
      monthMax > before.month_max_cents
    if (change.enabled && raised && !change.recent) throw fault('step_up_required')
    await tx.run(
      `INSERT INTO auto_topups (user_id, enabled, threshold, package_id, month_max_cents) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (user_id) DO UPDATE SET enabled = excluded.enabled, threshold = excluded.threshold,
     package_id = excluded.package_id, month_max_cents = excluded.month_max_cents, failures = 0, next_at = 0, stopped = NULL,
     version = auto_topups.version + 1`,
      [change.userId, change.enabled ? 1 : 0, threshold, packageId, monthMax],
    )
  },
)

/** Whether a person's automatic top-ups are on. */
export async function isOn(reader: Reader, userId: string): Promise<boolean> {
  return (await rowOf(reader, userId))?.enabled === 1
}

/** Whose balance may have crossed: everyone whose settings are on, armed and due. */
export function armedTopups(reader: Reader, nowMs: number): Promise<{ user_id: string; threshold: number }[]> {
  return reader.all(
    `SELECT user_id, threshold FROM auto_topups WHERE enabled = 1 AND armed = 1 AND next_at <= ? ORDER BY next_at, user_id LIMIT ${AT_ONCE}`,
    [nowMs],
  )
}

export type Fire = { userId: string; id: string; livemode: boolean; scale: number }

/** Begins a purchase when the balance is below the threshold. True when it did. */
export const fireAutoTopup = procedure('payments.fireAutoTopup', async (tx: Tx, fire: Fire): Promise<boolean> => {
  const { userId } = fire
  // The row's lock: of two looks at one crossing the second finds it disarmed.
  const locked = await tx.run(
    'UPDATE auto_topups SET armed = 0 WHERE user_id = ? AND enabled = 1 AND armed = 1 AND next_at <= ?',
    [userId, tx.now],
  )
  const row = locked === 1 ? await rowOf(tx, userId) : undefined
  if (!row) return false
  const later = async (ms: number) => {
    await tx.run('UPDATE auto_topups SET armed = 1, next_at = ? WHERE user_id = ?', [tx.now + ms, userId])
    return false
  }
  const { available } = await money(tx, account.user(userId))
  if (available >= row.threshold) return later(0)
  const offered = await packageOffered(tx, row.package_id)
  if (!offered || !(await savedCard(tx, userId))) {
    await stop(tx, userId, 'no_card')
    return false
  }
  const { today, month } = usedOf(await checkoutsSince(tx, userId, monthStart(tx.now) - DAY_MS), tx.now)
  if (today >= PER_DAY_MAX || month + offered.price_cents > row.month_max_cents) return later(AFTER_LIMIT_MS)
  try {
    const none = { successUrl: '', cancelUrl: '', attempt: null }
    await newCheckout(tx, { ...fire, buyer: { userId }, packageId: row.package_id, kind: 'auto', ...none })
  } catch (error) {
    if (isFault(error) && error.code === 'rate_limit_exceeded') return later(AFTER_FAILURE_MS)
    throw error
  }
  await promise(tx, { id: `${AUTO_TOPUP}:${fire.id}`, kind: AUTO_TOPUP, subject: fire.id })
  return true
})

/** Stops buying for whoever's card is suspected. */
export const stopAutoTopup = procedure(
  'payments.stopAutoTopup',
  async (tx: Tx, { userId, why }: { userId: string; why: Stopped }): Promise<void> => stop(tx, userId, why),
)

/** What the outcome of a purchase does to the settings that began it. @returns what to tell */
export async function noteOutcome(
  tx: Tx,
  row: CheckoutRow,
  { status, failure }: { status: Status; failure: string | null },
): Promise<Told[]> {
  const userId = row.user_id
  if (row.kind !== 'auto' || userId === null || status === 'processing' || status === 'pending') return []
  if (status === 'paid') {
    await tx.run('UPDATE auto_topups SET armed = 1, failures = 0, next_at = 0 WHERE user_id = ?', [userId])
    return []
  }
  // Turned off before the card was charged: nobody refused anything.
  if (status === 'expired') {
    await tx.run('UPDATE auto_topups SET armed = 1 WHERE user_id = ?', [userId])
    return []
  }
  await tx.run('UPDATE auto_topups SET armed = 1, failures = failures + 1, next_at = ? WHERE user_id = ?', [
    tx.now + AFTER_FAILURE_MS,
    userId,
  ])
  const failures = (await rowOf(tx, userId))?.failures ?? 0
  const mustAsk = failure === 'authentication_required'
  if (mustAsk || failures >= FAILURES_MAX) await stop(tx, userId, mustAsk ? 'authentication_required' : 'declined')
  const over = mustAsk || failures >= FAILURES_MAX ? ' Automatic top-ups are off now.' : ''
  const text = `An automatic top-up of ${dollars(creditsOf(row.price_cents))} was refused by your bank. Nothing was charged.${over}`
  const owner = { account: account.user(userId), payer: userId }
  return toldNotice(tx, owner, { subject: `topup:${row.id}`, kind: 'auto_topup_failed', text })
}

async function stop(tx: Tx, userId: string, why: Stopped): Promise<void> {
  const stopped = await tx.run(
    'UPDATE auto_topups SET enabled = 0, armed = 1, stopped = ?, version = version + 1 WHERE user_id = ? AND enabled = 1',
    [why, userId],
  )
  if (stopped === 0 || why !== 'no_card') return
  const text = 'Automatic top-ups are off: there is no card, or the package is no longer offered.'
  const owner = { account: account.user(userId), payer: userId }
  await tell(tx, await toldNotice(tx, owner, { subject: `auto_topup:${tx.now}`, kind: 'auto_topup_off', text }))
}

/** Begun automatically within a day, and paid for (or about to be) in this calendar month, UTC. */
function usedOf(rows: readonly CheckoutRow[], nowMs: number): { today: number; month: number } {
  const auto = rows.filter((row) => row.kind === 'auto')
  const live = auto.filter(({ status }) => status === 'paid' || status === 'processing' || status === 'pending')
  const thisMonth = live.filter((row) => row.created_at >= monthStart(nowMs))
  return {
    today: auto.filter((row) => row.created_at > nowMs - DAY_MS).length,
    month: thisMonth.reduce((sum, row) => sum + row.price_cents, 0),
  }
}

function monthStart(nowMs: number): number {
  const now = new Date(nowMs)
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)
}
