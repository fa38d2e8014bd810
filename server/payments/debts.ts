// Debts: what a payer owes when a card takes back money that is spent.
// owns: the taking of money from a payer, and the paying of debts. never: a call (hold.ts reads the floor).
// always true: a debt is the floor of its account and the negative of `receivable:{payer}`; a wallet never stands below
// zero; what comes in pays the debt first.

import type { Tx } from '../db/db.ts'
import { account } from '../ledger/chart.ts'
import { type Leg, lockAccount, setFloor, stands, transfer } from '../ledger/ledger.ts'

/** Whose money: the account it rests in, and the payer's name in `receivable` and the feed. */
export type Owner = { account: string; payer: string }

/**
 * Takes an amount from a payer: as much as is free, the rest becomes a debt.
 * @param args.more legs that belong to the same movement and do not touch the payer
 * @returns what the wallet gave, and what is owed for it
 */
export async function take(
  tx: Tx,
  owner: Owner,
  args: { id: string; credits: number; to: string; more?: readonly Leg[]; memo: string },
): Promise<{ paid: number; owed: number }> {
  await collect(tx, owner)
  const { posted, held, floor } = await stands(tx, owner.account)
  const paid = floor > 0 ? 0 : Math.min(args.credits, posted - held)
  const owed = args.credits - paid
  const legs: Leg[] = [...(args.more ?? [])]
  if (paid > 0) legs.push({ from: owner.account, to: args.to, amount: paid })
  if (owed > 0) legs.push({ from: account.receivable(owner.payer), to: args.to, amount: owed })
  if (legs.length > 0) await transfer(tx, { id: args.id, legs, memo: args.memo })
  if (owed > 0) await setFloor(tx, owner.account, floor + owed)
  return { paid, owed }
}

/**
 * Pays what it can of a debt. Takes the account's lock, so what is read of it after this stays true until the commit.
 * @returns credits paid
 */
export async function collect(tx: Tx, owner: Owner): Promise<number> {
  await lockAccount(tx, owner.account)
  const { posted, held, floor } = await stands(tx, owner.account)
  const paid = Math.min(floor, posted - held)
  if (paid <= 0) return 0
  await setFloor(tx, owner.account, 0)
  const legs = [{ from: owner.account, to: account.receivable(owner.payer), amount: paid }]
  await transfer(tx, { id: tx.id('debt'), legs, memo: 'debt paid' })
  await setFloor(tx, owner.account, floor - paid)
  return paid
}
