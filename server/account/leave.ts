// Deleting an account.
// owns: what has to be empty first, and the order of what goes. never: the rows of another folder.
// always true: all of it is one commit; money is never lost unnamed; receipts and the books stay, under an id that no
// longer says who it was.

import { appsOf } from '../connections/apps.ts'
import { liveConnections } from '../connections/connections.ts'
import { revoke } from '../connections/consent.ts'
import { procedure, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { forgetFeed } from '../feed/forget.ts'
import { forgetPerson } from '../identity/forget.ts'
import { lockPerson, personById } from '../identity/users.ts'
import { account } from '../ledger/chart.ts'
import { stands, transfer } from '../ledger/ledger.ts'
import { underWay } from '../payments/checkouts.ts'
import { earningOf } from '../payments/earnings.ts'
import { forgetPayments } from '../payments/forget.ts'
import { forgetWallet } from '../wallet/notes.ts'
import { forgetWebhooks } from '../webhooks/hooks.ts'

type Leaving = { userId: string; forfeit: number }

/**
 * Deletes an account: its apps' connections, its money (forfeited by name), its person.
 * @param leaving.forfeit the balance that the person gives up, in micros; exactly what stands there
 * @returns the address, to tell the person
 * @throws Fault `account_not_empty` (NotEmptyDetails), `account_in_debt`, `unauthorized` when it is gone already
 */
export const leave = procedure('account.leave', async (tx: Tx, leaving: Leaving): Promise<{ email: string }> => {
  const { userId } = leaving
  // Two deletions at once come one after the other, and the second finds nobody.
  const person = (await lockPerson(tx, userId)) ? await personById(tx, userId) : null
  if (!person) throw fault('unauthorized')
  for (const connectionId of await liveConnections(tx, userId)) await revoke(tx, { userId, connectionId })
  await emptyOut(tx, leaving)
  await forgetWallet(tx, userId)
  await forgetWebhooks(tx, userId)
  await forgetPayments(tx, userId)
  await forgetFeed(tx, userId)
  await forgetPerson(tx, userId)
  return { email: person.email }
})

/** Takes the balance the person named; refuses when it is another one, or when there is more than a balance. */
async function emptyOut(tx: Tx, { userId, forfeit }: Leaving): Promise<void> {
  const apps = await appsOf(tx, userId)
  const own = await stands(tx, account.user(userId))
  const pool = await stands(tx, account.pool(userId))
  const earnings = await unpaid(tx, userId)
  if (own.floor > 0) throw fault('account_in_debt')
  const payments = await underWay(tx, userId)
  const rest = own.held + pool.posted + Math.abs(earnings) + apps.length + payments
  if (rest > 0 || own.posted !== forfeit) {
    const details = { balance: own.posted, held: own.held, pool: pool.posted, earnings, apps: apps.length, payments }
    throw fault('account_not_empty', { details, hint: rest > 0 ? HINT_REST : HINT_BALANCE })
  }
  if (forfeit === 0) return
  await transfer(tx, {
    id: `forfeit:${userId}`,
    legs: [{ from: account.user(userId), to: account.forfeited, amount: forfeit }],
    memo: 'given up with the account',
  })
}

/** What a publisher has earned and not been paid, wherever it rests by now. */
async function unpaid(tx: Tx, userId: string): Promise<number> {
  const { pending, payable, reserve } = await earningOf(tx, userId)
  const young = (await stands(tx, account.earnings(userId))).posted // sealed and perhaps not yet read as earnings
  return Math.max(Math.abs(young), pending) + payable + reserve
}

const HINT_REST =
  'Wait until running calls and payments have ended, withdraw your grant pool, have your earnings paid out, and delete your apps.'
const HINT_BALANCE = 'Spend the balance, or name it in `forfeit` to give it up.'
