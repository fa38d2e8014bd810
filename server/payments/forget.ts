// What payments forget with a person.
// owns: that list. never: a movement, a lot, a refund, a dispute, a payout (the books stay).
// always true: no card is charged for somebody who has left.

import type { Tx } from '../db/db.ts'
import { forgetCard } from './saved-cards.ts'

/** Forgets a person's card, automatic top-ups and account at the provider. */
export async function forgetPayments(tx: Tx, userId: string): Promise<void> {
  await tx.run('DELETE FROM auto_topups WHERE user_id = ?', [userId])
  await forgetCard(tx, userId)
  await tx.run('DELETE FROM connect_accounts WHERE user_id = ?', [userId])
}
