// Early fraud warnings: a card network suspects a payment, often before it is disputed.
// owns: the mark on a lot, and what follows at once. never: a refund (the operator decides).
// always true: a warning takes nothing; the payer's automatic top-ups stop, and what publishers earn from it waits longer.

import { procedure, type Tx } from '../db/db.ts'
import { stopAutoTopup } from './auto-topup.ts'
import { type LotRow, lotOfCharge } from './lots.ts'
import type { Port } from './payments.ts'

const warn = procedure('payments.warn', async (tx: Tx, { charge }: { charge: string }): Promise<LotRow | null> => {
  await tx.run('UPDATE lots SET warned_at = ? WHERE charge = ? AND warned_at IS NULL', [tx.now, charge])
  return (await lotOfCharge(tx, charge)) ?? null
})

/** Marks the lot of a suspected charge. */
export async function warnOf(port: Port, { charge, id }: { charge: string; id: string }): Promise<void> {
  const lot = await port.db.tx(warn, { charge })
  if (!lot) return
  port.metrics.paymentAlarms.inc({ why: 'fraud_warning' })
  port.log.warn(
    { warning: id, payment: lot.payment_intent },
    'a card network suspects fraud: consider a refund before a dispute',
  )
  if (lot.account.startsWith('user:')) await port.db.tx(stopAutoTopup, { userId: lot.payer, why: 'fraud_warning' })
}
