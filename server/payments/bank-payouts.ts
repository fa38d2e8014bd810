// What publishers' banks say of payouts from their accounts at the provider.
// owns: bank_refusals, and when a payout last arrived. never: a movement (the money left us before, and is theirs).
// always true: a refusal is told once; it is over when a later payout has arrived, in whatever order we hear of them.

import { dollars } from '../contract/money.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { account as accounts } from '../ledger/chart.ts'
import { creditsOf } from './cents.ts'
import { lookAtAccount } from './connect.ts'
import type { BankPayoutSeen, Port } from './payments.ts'
import { tell, toldNotice } from './told.ts'

const noteBankPayout = procedure(
  'payments.noteBankPayout',
  async (tx: Tx, { account, seen }: { account: string; seen: BankPayoutSeen }): Promise<void> => {
    const owner = await tx.get<{ user_id: string }>('SELECT user_id FROM connect_accounts WHERE account = ?', [account])
    if (!owner) return
    if (seen.status === 'paid') {
      await tx.run('UPDATE connect_accounts SET bank_paid_at = ? WHERE account = ? AND bank_paid_at < ?', [
        seen.at,
        account,
        seen.at,
      ])
      return
    }
    const fresh = await tx.run(
      'INSERT INTO bank_refusals (id, account, cents, code, at, seen_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
      [seen.id, account, seen.cents, seen.code, seen.at, tx.now],
    )
    if (fresh === 0) return
    const text = `Your bank refused a payout of ${dollars(creditsOf(seen.cents))} from your payout account. The money is still there and is paid out again once the bank details of that account are right.`
    const person = { account: accounts.user(owner.user_id), payer: owner.user_id }
    await tell(tx, await toldNotice(tx, person, { subject: `bank:${seen.id}`, kind: 'bank_payout_failed', text }))
  },
)

/** Looks at a payout of a publisher's account, for an event that names it; at the account too, which a refusal may change. */
export async function lookAtBankPayout(port: Port, { account, id }: { account: string; id: string }): Promise<void> {
  const seen = await port.payments.bankPayout(id, account)
  if (!seen) return
  await port.db.tx(noteBankPayout, { account, seen })
  if (seen.status === 'failed') await lookAtAccount(port, account)
}

/** The last refusal that no later payout has made good; null when there is none. */
export async function bankRefusal(
  reader: Reader,
  account: string,
): Promise<{ amount_cents: number; code: string; at: string } | null> {
  const row = await reader.get<{ cents: number; code: string; at: number }>(
    `SELECT r.cents, r.code, r.at FROM bank_refusals r JOIN connect_accounts a ON a.account = r.account
     WHERE r.account = ? AND r.at >= a.bank_paid_at ORDER BY r.at DESC, r.id DESC LIMIT 1`,
    [account],
  )
  return row ? { amount_cents: row.cents, code: row.code, at: new Date(row.at).toISOString() } : null
}
