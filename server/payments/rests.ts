// What calls and links leave behind for payments to see to.
// owns: the paying of debts from money that came free, and the following of lots to their persons. never: a new debt.
// always true: it may run at any time, twice.

import { procedure, type Tx } from '../db/db.ts'
import { payableDebts } from '../ledger/ledger.ts'
import { collect } from './debts.ts'
import { claimLots } from './lots.ts'
import { type Told, tell, toldBalance } from './told.ts'

/** Answers how much it saw to. */
export const claimRestsOfPayments = procedure(
  'payments.claimRests',
  async (tx: Tx): Promise<number> => {
    const told: Told[] = []
    for (const { id: account } of await payableDebts(tx)) {
      const owner = { account, payer: account.slice(account.lastIndexOf(':') + 1) }
      if ((await collect(tx, owner)) > 0) told.push(await toldBalance(tx, owner))
    }
    await tell(tx, told)
    return told.length + (await claimLots(tx))
  },
  { bookkeeping: true },
)
