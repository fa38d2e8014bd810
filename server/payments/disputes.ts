// Disputes: a card's owner asks their bank for the money back.
// owns: disputes. never: evidence (the operator answers at the provider); the bank's decision.
// always true: opened is not lost: what is there is held, taken when lost, free again when won; what is known of a dispute
// only grows, so an older look at it changes nothing.

import { publisherOf } from '../connections/apps.ts'
import { externalById } from '../connections/external.ts'
import { dollars } from '../contract/money.ts'
import type { Tx } from '../db/db.ts'
import { account } from '../ledger/chart.ts'
import { STANDING } from '../ledger/leases.ts'
import { hold, type Leg, reservedBy, settle, stands, transfer, voidHold } from '../ledger/ledger.ts'
import { promiseFact } from '../outbox/facts.ts'
import { creditsOf } from './cents.ts'
import { topupTold } from './checkouts.ts'
import { collect, take } from './debts.ts'
import { creditsBack, type LotRow, noteReturned } from './lots.ts'
import type { DisputeSeen } from './payments.ts'
import { type Told, toldBalance, toldNotice } from './told.ts'

type DisputeRow = {
  id: string
  cents: number
  standing: 'open' | 'won' | 'lost'
  known: number
  turn: number
  held_credits: number
  taken_credits: number
  taken_cents: number
}

const COLUMNS = 'id, cents, standing, known, turn, held_credits, taken_credits, taken_cents'

/**
 * Brings the books to what was seen of a dispute. The lot is locked by the caller.
 * @returns what to tell
 */
export async function bookDispute(tx: Tx, lot: LotRow, seen: DisputeSeen): Promise<Told[]> {
  const before = await tx.get<DisputeRow>(`SELECT ${COLUMNS} FROM disputes WHERE id = ?`, [seen.id])
  const row = before ?? (await open(tx, lot, seen))
  if (before && isOlder(seen, before)) return []
  await bookMoves(tx, seen)
  if (before && seen.standing === before.standing) {
    await tx.run('UPDATE disputes SET status = ?, known = ? WHERE id = ?', [seen.status, seen.moves.length, row.id])
    return []
  }
  const [paid, owed] = await turnTo(tx, lot, row, seen)
  const told: Told[] = [await topupTold(tx, lot.payment_intent), await toldBalance(tx, lot)]
  const text = words(seen, { paid, owed })
  told.push(
    ...(await toldNotice(tx, lot, {
      subject: `dispute:${seen.id}:${seen.standing}:${row.turn}`,
      kind: `dispute_${seen.standing}`,
      text,
    })),
  )
  return told
}

// --- below: how ------------------------------------------------------------------------------------------------------

// An outcome is not undone by an earlier look; a later outcome comes with a further movement of money.
function isOlder(seen: DisputeSeen, row: DisputeRow): boolean {
  if (seen.moves.length !== row.known) return seen.moves.length < row.known
  return row.standing !== 'open' && seen.standing !== row.standing
}

async function open(tx: Tx, lot: LotRow, seen: DisputeSeen): Promise<DisputeRow> {
  await tx.run(
    `INSERT INTO disputes (id, payment_intent, cents, reason, status, standing, known, opened_at) VALUES (?, ?, ?, ?, ?, 'open', 0, ?)`,
    [seen.id, lot.payment_intent, seen.cents, seen.reason, seen.status, tx.now],
  )
  let held = 0
  if (seen.standing === 'open') {
    await collect(tx, lot)
    const { available } = await stands(tx, lot.account)
    held = Math.max(0, Math.min(available, creditsBack(lot, seen.cents)))
    const legs = [{ from: lot.account, to: account.disputed, amount: held }]
    if (held > 0) await hold(tx, { id: `dispute:${seen.id}`, legs, ...STANDING })
    await tx.run('UPDATE disputes SET held_credits = ? WHERE id = ?', [held, seen.id])
  }
  await disputeFact(tx, lot, seen)
  return {
    id: seen.id,
    cents: seen.cents,
    standing: 'open',
    known: 0,
    turn: 0,
    held_credits: held,
    taken_credits: 0,
    taken_cents: 0,
  }
}

// A purchase that was made for a user of an app is that app's matter; one that a person made in their wallet is not.
async function disputeFact(tx: Tx, lot: LotRow, seen: DisputeSeen): Promise<void> {
  const external = lot.external_id === null ? undefined : await externalById(tx, lot.external_id)
  if (!external) return
  const { app_id: appId, external_user_id, user_id, id } = external
  const user = { user_id: user_id ?? id, external_user_id, app_id: appId }
  const data = { ...user, dispute_id: seen.id, amount_cents: seen.cents, reason: seen.reason }
  await promiseFact(tx, { type: 'dispute.opened', publisherId: await publisherOf(tx, appId), appId, data })
}

/** What the card network took and gave back, each movement once, by the provider's name for it. */
async function bookMoves(tx: Tx, seen: DisputeSeen): Promise<void> {
  for (const { id, cents } of seen.moves) {
    if (cents === 0) continue
    const [from, to] = cents < 0 ? [account.disputed, account.stripe] : [account.stripe, account.disputed]
    await transfer(tx, { id: `dispute:${seen.id}:${id}`, legs: [{ from, to, amount: creditsOf(Math.abs(cents)) }] })
  }
}

/** Moves a dispute to another standing. @returns what the wallet gave and what is owed since, in credits */
async function turnTo(tx: Tx, lot: LotRow, row: DisputeRow, seen: DisputeSeen): Promise<[paid: number, owed: number]> {
  const turn = row.turn + 1
  const save = (taken: { credits: number; cents: number }) =>
    tx.run(
      `UPDATE disputes SET standing = ?, status = ?, known = ?, turn = ?, held_credits = ?, taken_credits = ?, taken_cents = ?, ended_at = ?
       WHERE id = ?`,
      [
        seen.standing,
        seen.status,
        seen.moves.length,
        turn,
        seen.standing === 'open' ? row.held_credits : 0,
        taken.credits,
        taken.cents,
        seen.standing === 'open' ? null : tx.now,
        row.id,
      ],
    )
  if (seen.standing === 'lost') {
    const credits = creditsBack(lot, row.cents)
    const [paid, owed] = await lose(tx, lot, row, { credits, turn })
    await noteReturned(tx, lot.payment_intent, { cents: row.cents, credits })
    await save({ credits, cents: row.cents })
    return [paid, owed]
  }
  if (row.standing === 'lost') await giveBack(tx, lot, row, turn)
  else if (seen.standing === 'won') await endHold(tx, lot, row, { credits: 0, memo: 'won' })
  await collect(tx, lot)
  await save({ credits: 0, cents: 0 })
  return [0, 0]
}

/** What was held goes, then what else is there; the rest is owed. Our fee of the purchase goes with it. */
async function lose(
  tx: Tx,
  lot: LotRow,
  row: DisputeRow,
  { credits, turn }: { credits: number; turn: number },
): Promise<[paid: number, owed: number]> {
  const fromHold = Math.min(row.held_credits, credits)
  await endHold(tx, lot, row, { credits: fromHold, memo: 'lost' })
  const fee = creditsOf(row.cents) - credits
  const more: Leg[] = fee > 0 ? [{ from: account.fees, to: account.disputed, amount: fee }] : []
  const id = `dispute:${row.id}:lost:${turn}`
  const { paid, owed } = await take(tx, lot, {
    id,
    credits: credits - fromHold,
    to: account.disputed,
    more,
    memo: 'dispute lost',
  })
  return [fromHold + paid, owed]
}

/**
 * Ends what a dispute held, taking so much of it. It was held where the lot's money was then: if its external user has been
 * linked since, what is free again follows the rest to the person.
 */
async function endHold(
  tx: Tx,
  lot: LotRow,
  row: DisputeRow,
  { credits, memo }: { credits: number; memo: string },
): Promise<void> {
  if (row.held_credits === 0) return
  const holdId = `dispute:${row.id}`
  const [from = lot.account] = (await reservedBy(tx, holdId))?.reserved.keys() ?? []
  if (credits === 0) await voidHold(tx, { holdId, memo })
  else await settle(tx, { holdId, legs: [{ from, to: account.disputed, amount: credits }], memo })
  const rest = Math.min(row.held_credits - credits, (await stands(tx, from)).available)
  if (from === lot.account || rest <= 0) return
  await transfer(tx, { id: `${holdId}:rest`, legs: [{ from, to: lot.account, amount: rest }], memo: 'linked' })
}

async function giveBack(tx: Tx, lot: LotRow, row: DisputeRow, turn: number): Promise<void> {
  const credits = -creditsBack(lot, -row.taken_cents)
  const legs: Leg[] = credits > 0 ? [{ from: account.disputed, to: lot.account, amount: credits }] : []
  const fee = creditsOf(row.taken_cents) - credits
  if (fee > 0) legs.push({ from: account.disputed, to: account.fees, amount: fee })
  if (legs.length > 0) await transfer(tx, { id: `dispute:${row.id}:won:${turn}`, legs, memo: 'dispute won after all' })
  await noteReturned(tx, lot.payment_intent, { cents: -row.taken_cents, credits: -credits })
}

function words({ standing, cents }: DisputeSeen, { paid, owed }: { paid: number; owed: number }): string {
  const amount = dollars(creditsOf(cents))
  if (standing === 'open')
    return `A payment of ${amount} is disputed at your bank. What is left of it is reserved until that is decided.`
  if (standing === 'won') return `The dispute about ${amount} is over, and the money is yours to spend again.`
  const debt =
    owed > 0 ? ` ${dollars(owed)} of it was spent already and is owed; the next money you add pays it first.` : ''
  return `The dispute about ${amount} gave the money back to your card. ${dollars(paid)} was taken from your wallet.${debt}`
}
