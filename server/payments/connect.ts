// Where publishers are paid: an account of theirs at the provider (Connect Express).
// owns: connect_accounts. never: who a publisher is (the provider asks them); a payout.
// always true: a person has at most one account, made once; what it may do is what was last seen of it there.

import type { ConnectStatus } from '../contract/payments.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import type { AccountSeen, Port } from './payments.ts'

export type ConnectRow = {
  user_id: string
  account: string
  payouts_enabled: number
  transfers_active: number
  details_submitted: number
  disabled_reason: string | null
  due: string
  seen_at: number
}

const COLUMNS = 'user_id, account, payouts_enabled, transfers_active, details_submitted, disabled_reason, due, seen_at'
const LOOK_AGAIN_MS = 30_000

export function accountOf(reader: Reader, userId: string): Promise<ConnectRow | undefined> {
  return reader.get<ConnectRow>(`SELECT ${COLUMNS} FROM connect_accounts WHERE user_id = ?`, [userId])
}

/** Whether the provider would pay it out: a restricted account waits, and goes on by itself when it is whole again. */
export function mayBePaid(row: ConnectRow): boolean {
  return row.payouts_enabled === 1 && row.transfers_active === 1
}

const noteAccount = procedure(
  'payments.noteAccount',
  async (tx: Tx, { userId, account }: { userId: string; account: string }): Promise<string> => {
    await tx.run(
      'INSERT INTO connect_accounts (user_id, account, created_at) VALUES (?, ?, ?) ON CONFLICT (user_id) DO NOTHING',
      [userId, account, tx.now],
    )
    const row = await accountOf(tx, userId)
    if (!row) throw new Error('an account just noted is gone')
    return row.account
  },
)

const noteSeen = procedure(
  'payments.noteAccountSeen',
  async (tx: Tx, { account, seen }: { account: string; seen: AccountSeen | null }): Promise<void> => {
    await tx.run(
      `UPDATE connect_accounts SET payouts_enabled = ?, transfers_active = ?, details_submitted = ?, disabled_reason = ?, due = ?,
       seen_at = ? WHERE account = ?`,
      [
        seen?.payoutsEnabled ? 1 : 0,
        seen?.transfersActive ? 1 : 0,
        seen?.detailsSubmitted ? 1 : 0,
        seen ? seen.disabledReason : 'gone',
        JSON.stringify(seen?.due ?? []),
        tx.now,
        account,
      ],
    )
  },
)

/** Looks at an account, for an event that names it or before money goes there. */
export async function lookAtAccount(port: Port, account: string): Promise<void> {
  const known = await port.db.get('SELECT 1 AS yes FROM connect_accounts WHERE account = ?', [account])
  if (known) await port.db.tx(noteSeen, { account, seen: await port.payments.account(account) })
}

/**
 * A page of the provider where the publisher sets up (or completes) the account; usable once, within minutes.
 * @throws Fault `payments_unavailable`
 */
export async function onboard(
  port: Port,
  person: { userId: string; email: string },
  urls: { refresh: string; return: string },
): Promise<{ onboarding_url: string; stripe_account_id: string }> {
  const { userId } = person
  const account =
    (await accountOf(port.db, userId))?.account ??
    (await port.db.tx(noteAccount, { userId, account: await reached(port.payments.createAccount(person)) }))
  const url = await reached(port.payments.accountLink(account, urls))
  await reached(lookAtAccount(port, account))
  return { onboarding_url: url, stripe_account_id: account }
}

/** The account as it stands: looked at again when the last look is older than half a minute. */
export async function connectStatus(port: Port, userId: string): Promise<ConnectStatus> {
  const before = await accountOf(port.db, userId)
  if (before && before.seen_at + LOOK_AGAIN_MS < port.now()) {
    await lookAtAccount(port, before.account).catch((error) =>
      port.log.warn({ err: String(error) }, 'an account was not seen'),
    )
  }
  const row = await accountOf(port.db, userId)
  return {
    status: !row ? 'none' : mayBePaid(row) ? 'active' : row.details_submitted === 1 ? 'restricted' : 'incomplete',
    stripe_account_id: row?.account ?? null,
    payouts_enabled: row?.payouts_enabled === 1,
    details_submitted: row?.details_submitted === 1,
    requirements_due: row ? JSON.parse(row.due) : [],
    disabled_reason: row?.disabled_reason ?? null,
  }
}

/** @throws Fault `payments_unavailable` in the place of whatever kept us from the provider */
export async function reached<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (cause) {
    throw fault('payments_unavailable', { cause })
  }
}
