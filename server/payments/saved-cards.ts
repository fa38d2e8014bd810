// Cards that people have kept: one each, for automatic top-ups.
// owns: saved_cards. never: a charge (carriers.ts); a card's number (the provider has it).
// always true: whatever is kept no longer - removed, replaced, its person gone - is promised to be detached at the provider
// in the same commit, so that nothing could charge it; no card goes while a charge of it is under way.

import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { promise } from '../outbox/outbox.ts'
import type { CardSeen } from './payments.ts'

export const DETACH_CARD = 'detach_card'

export function savedCard(reader: Reader, userId: string): Promise<CardSeen | undefined> {
  return reader.get<CardSeen>(
    `SELECT customer, payment_method AS "paymentMethod", brand, last4 FROM saved_cards WHERE user_id = ?`,
    [userId],
  )
}

/** Keeps a card that its person agreed to have kept; the last one counts, and the one before is let go. */
export async function noteCard(tx: Tx, userId: string, card: CardSeen): Promise<void> {
  const before = await savedCard(tx, userId)
  await tx.run(
    `INSERT INTO saved_cards (user_id, customer, payment_method, brand, last4, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (user_id) DO UPDATE SET customer = excluded.customer, payment_method = excluded.payment_method,
     brand = excluded.brand, last4 = excluded.last4, at = excluded.at`,
    [userId, card.customer, card.paymentMethod, card.brand, card.last4, tx.now],
  )
  if (before && before.paymentMethod !== card.paymentMethod) await letGo(tx, before)
}

/**
 * Removes a person's card, and turns their automatic top-ups off: they have nothing to charge.
 * @throws Fault `not_found` when there is no card; `topup_in_progress` while one is charging it
 */
export const removeCard = procedure(
  'payments.removeCard',
  async (tx: Tx, { userId }: { userId: string }): Promise<void> => {
    // The settings' row first: whoever begins a top-up has its lock, and finds it off afterwards.
    await tx.run('UPDATE auto_topups SET version = version + 1 WHERE user_id = ?', [userId])
    const card = await savedCard(tx, userId)
    if (!card) throw fault('not_found', { message: 'There is no saved card.' })
    const charging = await tx.get(
      `SELECT 1 AS yes FROM checkouts WHERE user_id = ? AND kind = 'auto' AND status IN ('pending', 'processing') LIMIT 1`,
      [userId],
    )
    if (charging) throw fault('topup_in_progress')
    await tx.run('UPDATE auto_topups SET enabled = 0, stopped = NULL WHERE user_id = ?', [userId])
    await forgetCard(tx, userId)
  },
)

/** Forgets a person's card, if there is one. */
export async function forgetCard(tx: Tx, userId: string): Promise<void> {
  const card = await savedCard(tx, userId)
  if (!card) return
  await tx.run('DELETE FROM saved_cards WHERE user_id = ?', [userId])
  await letGo(tx, card)
}

const letGo = (tx: Tx, { paymentMethod }: CardSeen): Promise<void> =>
  promise(tx, { id: `${DETACH_CARD}:${paymentMethod}`, kind: DETACH_CARD, subject: paymentMethod })
