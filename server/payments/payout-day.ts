// What the clock does to earnings: reserves come free, and payouts begin.
// owns: which publishers are looked at, and when. never: what a payout comes to (payouts.ts).
// always true: each reserve is released once; anyone may run this, at any time, twice.

import { procedure, type Tx } from '../db/db.ts'
import { account } from '../ledger/chart.ts'
import { stands, transfer } from '../ledger/ledger.ts'
import { lookAtAccount } from './connect.ts'
import { toldEarnings } from './earnings.ts'
import type { Port } from './payments.ts'
import { MINIMUM } from './payout-amounts.ts'
import { beginPayout } from './payouts.ts'
import { tell } from './told.ts'

const AT_ONCE = 200
const LOOK_AGAIN_MS = 600_000

/** Moves reserves whose time is over back to what is payable; each once. Answers how many. */
export const releaseReserves = procedure(
  'payments.releaseReserves',
  async (tx: Tx): Promise<number> => {
    const rows = await tx.all<{ id: string; publisher: string; reserved: number }>(
      `UPDATE payouts SET released_at = ? WHERE released_at IS NULL AND id IN
     (SELECT id FROM payouts WHERE released_at IS NULL AND release_at <= ? ORDER BY release_at LIMIT ${AT_ONCE})
     RETURNING id, publisher, reserved`,
      [tx.now, tx.now],
    )
    for (const { id, publisher, reserved } of rows.sort((a, b) => (a.publisher < b.publisher ? -1 : 1))) {
      const leg = { from: account.reserve(publisher), to: account.payable(publisher), amount: reserved }
      await transfer(tx, { id: `payout:${id}:release`, legs: [leg], memo: 'reserve released' })
    }
    await tell(tx, await toldEarnings(tx, new Set(rows.map(({ publisher }) => publisher))))
    return rows.length
  },
  { bookkeeping: true },
)

/**
 * Begins the payouts that are due: of every publisher who has enough and whose account may be paid. An account is looked at
 * first when the last look is old: the provider tells of it by webhook alone, and a webhook may be lost.
 * @returns how many began
 */
export async function payDue(port: Port): Promise<number> {
  let begun = 0
  for (let after = ''; ; ) {
    const page = await port.db.all<{ user_id: string; account: string; seen_at: number }>(
      `SELECT user_id, account, seen_at FROM connect_accounts WHERE user_id > ? ORDER BY user_id LIMIT ${AT_ONCE}`,
      [after],
    )
    for (const { user_id: publisher, account: there, seen_at } of page) {
      after = publisher
      if ((await stands(port.db, account.payable(publisher))).available < MINIMUM) continue
      if (seen_at + LOOK_AGAIN_MS < port.now())
        await lookAtAccount(port, there).catch((error) => unseen(port, there, error))
      if (await port.db.tx(beginPayout, { publisher, livemode: port.payments.livemode })) begun++
    }
    if (page.length < AT_ONCE) return begun
  }
}

// It is looked at again next time, and once more before money goes there.
function unseen(port: Port, there: string, error: unknown): void {
  port.log.warn({ account: there, err: String(error) }, 'an account was not seen')
}
