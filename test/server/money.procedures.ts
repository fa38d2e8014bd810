// Procedures that only these tests call, beside all of the server's.
// owns: ways to reach windows, holds and grants through db.tx. never: imported by the server.
// always true: each does one thing in a commit of its own.

import { openWindows } from '../../server/connections/caps.ts'
import { connectionDocument, type Terms, termsOf, writeConnection } from '../../server/connections/connections.ts'
import { setLimits } from '../../server/connections/consent.ts'
import { externalUserFor } from '../../server/connections/external.ts'
import type { Cap } from '../../server/contract/records.ts'
import { procedure, type Tx } from '../../server/db/db.ts'
import { type GrantOwner, grantsFor } from '../../server/grants/grants.ts'
import { account } from '../../server/ledger/chart.ts'
import { hold, settle, transfer, voidHold } from '../../server/ledger/ledger.ts'
import { promise } from '../../server/outbox/outbox.ts'
import { forgetPayments } from '../../server/payments/forget.ts'
import { addEvent, type NewEvent } from '../../server/webhooks/deliveries.ts'

export const windowsOf = procedure('test.windows', (tx: Tx, { id }: { id: string }) => openWindows(tx, id))

/** Holds an amount in every window of a connection, as a call does. */
export const holdOn = procedure(
  'test.holdOn',
  async (tx: Tx, { id, holdId, amount }: { id: string; holdId: string; amount: number }) => {
    const windows = await openWindows(tx, id)
    const legs = windows.map((window) => ({ from: window.account, to: account.limits, amount }))
    await hold(tx, { id: holdId, legs, owner: 'test', ttlMs: 600_000 })
    return windows.map((window) => window.account)
  },
)

export const settleOn = procedure(
  'test.settleOn',
  async (tx: Tx, { holdId, accounts, amount }: { holdId: string; accounts: string[]; amount: number }) =>
    amount === 0
      ? voidHold(tx, { holdId })
      : settle(tx, { holdId, legs: accounts.map((from) => ({ from, to: account.limits, amount })) }),
)

export const fundUser = procedure('test.fund', (tx: Tx, { to, amount }: { to: string; amount: number }) =>
  transfer(tx, { id: tx.id('seed'), legs: [{ from: account.sandbox, to, amount }] }),
)

/** Holds part of one account, as a call does. */
export const holdFrom = procedure(
  'test.holdFrom',
  (tx: Tx, { from, holdId, amount }: { from: string; holdId: string; amount: number }) =>
    hold(tx, { id: holdId, legs: [{ from, to: account.sales, amount }], owner: 'test', ttlMs: 600_000 }),
)

export const settleFrom = procedure(
  'test.settleFrom',
  (tx: Tx, { from, holdId, amount }: { from: string; holdId: string; amount: number }) =>
    settle(tx, { holdId, legs: amount === 0 ? [] : [{ from, to: account.sales, amount }] }),
)

export const usableGrants = procedure('test.grants', (tx: Tx, args: { owner: GrantOwner; publisherId: string }) =>
  grantsFor(tx, args.owner, args.publisherId),
)

export const makeExternal = procedure('test.external', (tx: Tx, args: { appId: string; externalUserId: string }) =>
  externalUserFor(tx, args.appId, args.externalUserId),
)

export const documentOf = procedure('test.document', (tx: Tx, { id }: { id: string }) =>
  connectionDocument(tx, id, tx.now),
)

export const terms = procedure(
  'test.terms',
  (tx: Tx, { id }: { id: string }): Promise<Terms | null> => termsOf(tx, id, tx.now),
)

export const setCapsOf = procedure(
  'test.setCaps',
  async (tx: Tx, args: { userId: string; id: string; caps: Cap[]; version: number }) => {
    await setLimits(tx, { userId: args.userId, connectionId: args.id, baseVersion: args.version }, { caps: args.caps })
    await writeConnection(tx, args.id)
  },
)

/** A whole call in one commit: `amount` of markup goes from a payer to a publisher. */
export const earnFrom = procedure(
  'test.earnFrom',
  async (tx: Tx, { from, publisher, amount }: { from: string; publisher: string; amount: number }) => {
    const holdId = tx.id('earn')
    await hold(tx, { id: holdId, legs: [{ from, to: account.sales, amount }], owner: 'test', ttlMs: 600_000 })
    return settle(tx, { holdId, legs: [{ from, to: account.earnings(publisher), amount }] })
  },
)

/** As if a process had died before it noted which session it had made. */
export const forgetSession = procedure('test.forgetSession', async (tx: Tx, { id }: { id: string }) => {
  await tx.run('UPDATE checkouts SET session_id = NULL WHERE id = ?', [id])
})

/** Purchases of so many other users of an app, made from one that there is. */
export const crowdLots = procedure('test.crowdLots', async (tx: Tx, { n }: { n: number }) => {
  for (let i = 0; i < n; i++)
    await tx.run(
      `INSERT INTO lots (payment_intent, checkout, charge, account, payer, external_id, cents, credits, at)
       SELECT CAST(? AS TEXT), checkout, NULL, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), cents, credits, at + 1 FROM lots WHERE charge IS NOT NULL`,
      [`pi_crowd_${i}`, `external:crowd:${i}`, `ext_crowd_${i}`, `ext_crowd_${i}`],
    )
})

export const promiseAll = procedure(
  'test.promiseAll',
  async (tx: Tx, given: { kind: string; ids: readonly string[] }) => {
    for (const id of given.ids) await promise(tx, { id, kind: given.kind, subject: id })
  },
)

/** What payments forget with a person who leaves. */
export const forgetPaymentsOf = procedure('test.forgetPayments', (tx: Tx, { userId }: { userId: string }) =>
  forgetPayments(tx, userId),
)

export const emitEvent = procedure('test.emitEvent', (tx: Tx, event: NewEvent) => addEvent(tx, event))
