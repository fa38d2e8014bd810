// Earnings: a publisher's markup, from the charge to the day it may be paid out.
// owns: earnings. never: a charge (the relay makes those); a payout (payouts.ts).
// always true: each charge is one earning, read off the sealed movements, so none is missed or counted twice; what has
// matured rests in `payable:{publisher}`, which has a floor: more than that cannot be paid.

import type { Earning } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { settlementsAfter } from '../ledger/chain.ts'
import { account } from '../ledger/chart.ts'
import { legsFrom, stands, transfer } from '../ledger/ledger.ts'
import { mark, setMark } from './marks.ts'
import { type EarningRisk, earningRisk, MATURE_FLAGGED_MS, MATURE_MS } from './risk.ts'
import { type Told, tell } from './told.ts'

const MARK = 'earnings_seq'
const MATURE_AT_ONCE = 2000

/** Reads the next movements for earnings. Answers how far it came: the same twice means that there is no more. */
export const gatherEarnings = procedure(
  'payments.gatherEarnings',
  async (tx: Tx): Promise<number> => {
    const from = Number((await mark(tx, MARK)) ?? 0)
    const { rows, seq } = await settlementsAfter(tx, 'earnings', from)
    if (seq === from) return seq
    const risks = new Map<string, EarningRisk | null>()
    const publishers = new Set<string>()
    for (const row of rows) {
      for (const leg of legsFrom(row.legs)) {
        if (!leg.to.startsWith('earnings:')) continue
        const [publisher, payer] = [leg.to.slice('earnings:'.length), nameOf(leg.from)]
        const pair = `${publisher} ${payer}`
        if (!risks.has(pair)) risks.set(pair, await riskOf(tx, { publisher, payer, at: row.at }))
        const risk = risks.get(pair) ?? null
        const added = await tx.run(
          `INSERT INTO earnings (id, request_id, publisher, payer, amount, at, matures_at, risk) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
          [
            row.id,
            row.request_id ?? row.id,
            publisher,
            payer,
            leg.amount,
            row.at,
            row.at + (risk ? MATURE_FLAGGED_MS : MATURE_MS),
            risk,
          ],
        )
        if (added === 1) publishers.add(publisher)
      }
    }
    await setMark(tx, MARK, String(seq))
    await tell(tx, await toldEarnings(tx, publishers))
    return seq
  },
  { bookkeeping: true },
)

/** Makes up to 2,000 earnings that are old enough payable. Answers how many. */
export const matureEarnings = procedure(
  'payments.matureEarnings',
  async (tx: Tx): Promise<number> => {
    const rows = await tx.all<{ publisher: string; amount: number }>(
      `UPDATE earnings SET matured_at = ? WHERE matured_at IS NULL AND id IN
     (SELECT id FROM earnings WHERE matured_at IS NULL AND matures_at <= ? ORDER BY matures_at LIMIT ${MATURE_AT_ONCE})
     RETURNING publisher, amount`,
      [tx.now, tx.now],
    )
    const sums = new Map<string, number>()
    for (const { publisher, amount } of rows) sums.set(publisher, (sums.get(publisher) ?? 0) + amount)
    for (const publisher of [...sums.keys()].sort()) {
      const leg = {
        from: account.earnings(publisher),
        to: account.payable(publisher),
        amount: sums.get(publisher) ?? 0,
      }
      await transfer(tx, { id: tx.id('mature'), legs: [leg], memo: 'earnings old enough to be paid out' })
    }
    await tell(tx, await toldEarnings(tx, sums.keys()))
    return rows.length
  },
  { bookkeeping: true },
)

/** What a publisher has earned, as it stands. */
export async function earningOf(reader: Reader, publisher: string): Promise<Earning> {
  const young = await reader.get<{ pending: number; flagged: number }>(
    `SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS pending,
     CAST(COALESCE(SUM(CASE WHEN risk IS NULL THEN 0 ELSE amount END), 0) AS BIGINT) AS flagged
     FROM earnings WHERE publisher = ? AND payout IS NULL AND matured_at IS NULL`,
    [publisher],
  )
  const paid = await reader.get<{ cents: number }>(
    `SELECT CAST(COALESCE(SUM(cents - reversed_cents), 0) AS BIGINT) AS cents FROM payouts WHERE publisher = ? AND status IN ('paid', 'reversed')`,
    [publisher],
  )
  const [payable, reserve] = [
    await stands(reader, account.payable(publisher)),
    await stands(reader, account.reserve(publisher)),
  ]
  return {
    pending: Number(young?.pending ?? 0),
    payable: payable.available,
    reserve: reserve.posted,
    paid: Number(paid?.cents ?? 0) * 10_000,
    flagged: Number(young?.flagged ?? 0),
  }
}

/** What changes for publishers' wallets. */
export async function toldEarnings(tx: Reader, publishers: Iterable<string>): Promise<Told[]> {
  const told: Told[] = []
  for (const publisher of publishers) {
    const row = await earningOf(tx, publisher)
    told.push({ feed: publisher, change: { topic: 'earning', id: publisher, row } })
  }
  return told
}

// --- below: how ------------------------------------------------------------------------------------------------------

/** The payer's id in an account's name: `user:{id}`, `external:{app}:{id}`. */
function nameOf(from: string): string {
  return from.slice(from.lastIndexOf(':') + 1)
}

async function riskOf(
  tx: Tx,
  { publisher, payer, at }: { publisher: string; payer: string; at: number },
): Promise<EarningRisk | null> {
  const lots = await tx.get<{ first: number | null; warned: number }>(
    `SELECT MIN(at) AS first, CAST(COUNT(warned_at) AS BIGINT) AS warned FROM lots WHERE payer = ?`,
    [payer],
  )
  const shared = await tx.get(
    `SELECT 1 AS yes FROM lots a JOIN lots b ON b.fingerprint = a.fingerprint WHERE a.payer = ? AND b.payer = ? LIMIT 1`,
    [payer, publisher],
  )
  const disputed = await tx.get(
    `SELECT 1 AS yes FROM disputes WHERE standing <> 'won' AND payment_intent IN (SELECT payment_intent FROM lots WHERE payer = ?) LIMIT 1`,
    [payer],
  )
  return earningRisk({
    ownApp: payer === publisher,
    sharedCard: payer !== publisher && shared !== undefined,
    firstPaymentAt: lots?.first ?? null,
    warned: Number(lots?.warned ?? 0) > 0,
    disputed: disputed !== undefined,
    at,
  })
}
