// Payouts: what publishers have earned goes to their account at the provider, once.
// owns: payouts. never: the transfer itself (carriers.ts); an earning's age.
// always true: a payout is a hold on `payable`, a promise in the outbox, and then one of settle and void; a new attempt has
// a new number only after the one before was definitely refused; what comes back is payable again, once.

import type { Payout } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { account } from '../ledger/chart.ts'
import { STANDING } from '../ledger/leases.ts'
import { hold, type Leg, lockAccount, settle, stands, transfer, voidHold } from '../ledger/ledger.ts'
import { promiseFact } from '../outbox/facts.ts'
import { promise } from '../outbox/outbox.ts'
import { creditsOf } from './cents.ts'
import { accountOf, mayBePaid } from './connect.ts'
import { earningOf } from './earnings.ts'
import type { Port, TransferSeen } from './payments.ts'
import { payoutAmounts, RESERVE_DAYS } from './payout-amounts.ts'
import { DAY_MS } from './risk.ts'
import { type Told, tell, toldNotice } from './told.ts'

export const PAYOUT = 'payout'
const ATTEMPTS_MAX = 8
/** Refusals that are over once the operator has money at the provider again; all others end the payout. */
const LATER = new Set(['balance_insufficient', 'insufficient_funds'])

export type PayoutRow = {
  id: string
  publisher: string
  day: string
  account: string
  status: Payout['status']
  cents: number
  earned: number
  released: number
  carried_in: number
  reserved: number
  carried_out: number
  attempt: number
  transfer: string | null
  reversed_cents: number
  failure: string | null
  created_at: number
  ended_at: number | null
  release_at: number | null
  livemode: number
}

const COLUMNS = `id, publisher, day, account, status, cents, earned, released, carried_in, reserved, carried_out, attempt, transfer,
  reversed_cents, failure, created_at, ended_at, release_at, livemode`

export function payout(reader: Reader, id: string): Promise<PayoutRow | undefined> {
  return reader.get<PayoutRow>(`SELECT ${COLUMNS} FROM payouts WHERE id = ?`, [id])
}

/** A publisher's payouts, newest first, before an id. */
export function payoutsOf(reader: Reader, publisher: string, before: string, limit: number): Promise<PayoutRow[]> {
  return reader.all<PayoutRow>(
    `SELECT ${COLUMNS} FROM payouts WHERE publisher = ? AND id < ? ORDER BY id DESC LIMIT ?`,
    [publisher, before, limit],
  )
}

/** The earnings that a payout consists of, in order of their ids. */
export function linesOf(
  reader: Reader,
  { id, publisher, after, limit }: { id: string; publisher: string; after: string; limit: number },
) {
  return reader.all<{ id: string; request_id: string; at: number; amount: number }>(
    'SELECT id, request_id, at, amount FROM earnings WHERE publisher = ? AND payout = ? AND id > ? ORDER BY id LIMIT ?',
    [publisher, id, after, limit],
  )
}

/**
 * Begins a publisher's payout of the day, if there is enough and the account may be paid.
 * @returns its id, or null
 */
export const beginPayout = procedure(
  'payments.beginPayout',
  async (tx: Tx, { publisher, livemode }: { publisher: string; livemode: boolean }): Promise<string | null> => {
    const payable = account.payable(publisher)
    await lockAccount(tx, payable)
    const to = await accountOf(tx, publisher)
    const day = new Date(tx.now).toISOString().slice(0, 10)
    if (!to || !mayBePaid(to)) return null
    if (await tx.get('SELECT 1 AS yes FROM payouts WHERE publisher = ? AND day = ?', [publisher, day])) return null
    const amounts = payoutAmounts({
      payable: (await stands(tx, payable)).available,
      earned: await sumOf(
        tx,
        'SUM(amount)',
        'earnings',
        'publisher = ? AND payout IS NULL AND matured_at IS NOT NULL',
        publisher,
      ),
      released: await sumOf(
        tx,
        'SUM(reserved)',
        'payouts',
        'publisher = ? AND released_at IS NOT NULL AND released_in IS NULL',
        publisher,
      ),
    })
    if (!amounts) return null
    const id = tx.id('payout')
    const { cents, earned, released, carriedIn, reserved, carriedOut } = amounts
    await hold(tx, { id: `payout:${id}`, legs: legsOf({ publisher, cents, reserved }), ...STANDING })
    await tx.run(
      `INSERT INTO payouts (id, publisher, day, account, status, cents, earned, released, carried_in, reserved, carried_out,
       created_at, livemode) VALUES (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        id,
        publisher,
        day,
        to.account,
        cents,
        earned,
        released,
        carriedIn,
        reserved,
        carriedOut,
        tx.now,
        livemode ? 1 : 0,
      ],
    )
    await tx.run('UPDATE earnings SET payout = ? WHERE publisher = ? AND payout IS NULL AND matured_at IS NOT NULL', [
      id,
      publisher,
    ])
    await tx.run(
      'UPDATE payouts SET released_in = ? WHERE publisher = ? AND released_at IS NOT NULL AND released_in IS NULL',
      [id, publisher],
    )
    await promise(tx, { id: `payout:${id}`, kind: PAYOUT, subject: id })
    await tell(tx, await toldPayout(tx, id))
    return id
  },
)

/** The transfer exists: the held money has left. */
export const settlePayout = procedure(
  'payments.settlePayout',
  async (tx: Tx, { id, transfer: made }: { id: string; transfer: TransferSeen }): Promise<void> => {
    const row = await lockPayout(tx, id)
    if (row?.status !== 'pending') return
    if (made.cents !== row.cents) throw new Error(`the transfer ${made.id} is not what payout ${id} promised`)
    const ended = await settle(tx, { holdId: `payout:${id}`, legs: legsOf(row), memo: made.id })
    if (ended !== 'settled') throw new Error(`payout ${id} was pending and its hold has ended (${ended})`)
    await tx.run(
      `UPDATE payouts SET status = 'paid', transfer = ?, ended_at = ?, release_at = ?, failure = NULL WHERE id = ?`,
      [made.id, tx.now, row.reserved > 0 ? tx.now + RESERVE_DAYS * DAY_MS : null, id],
    )
    await payoutFact(tx, row, 'payout.paid')
    await tell(tx, await toldPayout(tx, id))
  },
)

/**
 * The transfer was definitely refused. When that may change, the next attempt gets a new number; else the payout is over
 * and its money payable again.
 * @returns whether to try again
 */
export const refusePayout = procedure(
  'payments.refusePayout',
  async (tx: Tx, { id, attempt, code }: { id: string; attempt: number; code: string }): Promise<boolean> => {
    const row = await lockPayout(tx, id)
    if (row?.status !== 'pending' || row.attempt !== attempt) return row?.status === 'pending'
    if (LATER.has(code) && attempt < ATTEMPTS_MAX) {
      await tx.run('UPDATE payouts SET attempt = attempt + 1, failure = ? WHERE id = ?', [code, id])
      return true
    }
    const ended = await voidHold(tx, { holdId: `payout:${id}`, memo: code })
    if (ended !== 'voided') throw new Error(`payout ${id} was pending and its hold has ended (${ended})`)
    await tx.run('UPDATE earnings SET payout = NULL WHERE publisher = ? AND payout = ?', [row.publisher, id])
    await tx.run('UPDATE payouts SET released_in = NULL WHERE released_in = ?', [id])
    await tx.run(`UPDATE payouts SET status = 'failed', failure = ?, ended_at = ? WHERE id = ?`, [code, tx.now, id])
    await payoutFact(tx, row, 'payout.failed', code)
    await tell(
      tx,
      await toldPayout(tx, id, 'A payout could not be made. Your earnings are kept; look at your payout account.'),
    )
    return false
  },
)

/** Money of a transfer has come back: it is payable again. `reversedCents` is what came back in all, so each look is exact. */
const notePayoutReversed = procedure(
  'payments.payoutReversed',
  async (tx: Tx, { id, reversedCents }: { id: string; reversedCents: number }): Promise<void> => {
    const row = await lockPayout(tx, id)
    if (!row || row.status === 'pending' || row.status === 'failed' || reversedCents <= row.reversed_cents) return
    const leg = {
      from: account.stripe,
      to: account.payable(row.publisher),
      amount: creditsOf(reversedCents - row.reversed_cents),
    }
    await transfer(tx, { id: `payout:${id}:back:${reversedCents}`, legs: [leg], memo: 'transfer reversed' })
    const status = reversedCents === row.cents ? 'reversed' : row.status
    await tx.run('UPDATE payouts SET reversed_cents = ?, status = ? WHERE id = ?', [reversedCents, status, id])
    if (status === 'reversed') await payoutFact(tx, row, 'payout.failed', 'reversed')
    await tell(tx, await toldPayout(tx, id, 'A payout was reversed. The money is among your earnings again.'))
  },
)

/** Looks at a transfer, for an event that names it. */
export async function lookAtTransfer(port: Port, transferId: string): Promise<void> {
  const seen = await port.payments.transferById(transferId)
  const row = seen?.ourId ? await payout(port.db, seen.ourId) : undefined
  if (!seen || !row || row.cents !== seen.cents) return
  await port.db.tx(settlePayout, { id: row.id, transfer: seen })
  if (seen.reversedCents > 0) await port.db.tx(notePayoutReversed, { id: row.id, reversedCents: seen.reversedCents })
}

/** A payout as it is shown. */
export function payoutDocument(row: PayoutRow): Payout {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    id: row.id,
    status: row.status,
    created_at: new Date(row.created_at).toISOString(),
    ended_at: time(row.ended_at),
    amount_cents: row.cents,
    sent: creditsOf(row.cents),
    earned: row.earned,
    reserved: row.reserved,
    released: row.released,
    carried_in: row.carried_in,
    carried_out: row.carried_out,
    reserve_release_at: time(row.release_at),
    failure: row.failure,
    livemode: row.livemode === 1,
  }
}

// --- below: how ------------------------------------------------------------------------------------------------------

async function payoutFact(
  tx: Tx,
  row: PayoutRow,
  type: 'payout.paid' | 'payout.failed',
  failure?: string,
): Promise<void> {
  const data = { payout_id: row.id, amount_cents: row.cents, ...(failure === undefined ? {} : { failure }) }
  await promiseFact(tx, { type, publisherId: row.publisher, appId: null, data })
}

function legsOf({ publisher, cents, reserved }: Pick<PayoutRow, 'publisher' | 'cents' | 'reserved'>): Leg[] {
  const from = account.payable(publisher)
  const legs: Leg[] = [{ from, to: account.stripe, amount: creditsOf(cents) }]
  if (reserved > 0) legs.push({ from, to: account.reserve(publisher), amount: reserved })
  return legs
}

async function lockPayout(tx: Tx, id: string): Promise<PayoutRow | undefined> {
  await tx.run('UPDATE payouts SET attempt = attempt WHERE id = ?', [id])
  return payout(tx, id)
}

async function sumOf(
  tx: Tx,
  sum: string,
  table: 'earnings' | 'payouts',
  where: string,
  publisher: string,
): Promise<number> {
  const row = await tx.get<{ sum: number }>(
    `SELECT CAST(COALESCE(${sum}, 0) AS BIGINT) AS sum FROM ${table} WHERE ${where}`,
    [publisher],
  )
  return Number(row?.sum ?? 0)
}

async function toldPayout(tx: Tx, id: string, notice?: string): Promise<Told[]> {
  const row = await payout(tx, id)
  if (!row) throw new Error(`payout ${id} is gone`)
  const told: Told[] = [{ feed: row.publisher, change: { topic: 'payout', id, row: payoutDocument(row) } }]
  told.push({
    feed: row.publisher,
    change: { topic: 'earning', id: row.publisher, row: await earningOf(tx, row.publisher) },
  })
  if (notice === undefined) return told
  const owner = { account: account.user(row.publisher), payer: row.publisher }
  const subject = `payout:${id}:${row.status}:${row.reversed_cents}`
  return [...told, ...(await toldNotice(tx, owner, { subject, kind: `payout_${row.status}`, text: notice }))]
}
