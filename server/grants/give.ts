// Giving a grant, and linking an external user to a person.
// owns: the two commits that change whose a grant is. never: bought money without a transfer.
// always true: a grant is a transfer from the pool; on linking, bought money moves and granted money stays a grant.

import { lockConnection } from '../connections/caps.ts'
import { connectionChange, connectionRow, statusAt } from '../connections/connections.ts'
import { endIfLeft } from '../connections/consent.ts'
import {
  assignedName,
  type ExternalRow,
  externalById,
  externalUser,
  externalUserFor,
  linkedSince,
  lockExternal,
  markLinked,
  markUnlinked,
  payerOf,
} from '../connections/external.ts'
import type { Granted } from '../contract/developers.ts'
import { dollars } from '../contract/money.ts'
import { procedure, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append, lockFeed } from '../feed/feed.ts'
import { type Answer, type Attempt, once } from '../idempotency/idempotency.ts'
import { account } from '../ledger/chart.ts'
import { money, openAccount, transfer } from '../ledger/ledger.ts'
import { grantChange, grantChanges, moveFree, ownerOf, spendable } from './grants.ts'
import { requireFunds } from './pool.ts'
import { requireWithin } from './settings.ts'

export type NewGrant = {
  publisherId: string
  appId: string
  externalUserId: string
  amount: number
  description: string | null
  expiresAt: number | null
  attempt: Attempt | null
}
/**
 * Gives free balance to an external user, made when new.
 * @throws Fault `insufficient_balance` (the pool), `bad_request`, `user_not_found` (unlinked), `grant_limit_exceeded`,
 *   `idempotency_mismatch`
 */
export const giveGrant = procedure(
  'grants.give',
  (tx: Tx, given: NewGrant): Promise<Answer<Granted>> =>
    once(tx, given.attempt, async () => {
      const { publisherId, appId, externalUserId, amount } = given
      if (given.expiresAt !== null && given.expiresAt <= tx.now) {
        throw fault('bad_request', { message: 'expires_at: must lie in the future.', param: 'expires_at' })
      }
      const pool = account.pool(publisherId)
      await requireFunds(tx, pool, amount)
      const external = await externalUserFor(tx, appId, externalUserId)
      await requireWithin(tx, external, amount)
      const payer = { owner: ownerOf(external), account: payerOf(external).account }
      const before = await spendable(tx, payer, publisherId, tx.now)
      const id = tx.id('grant')
      await openAccount(tx, account.grant(id))
      await transfer(tx, {
        id,
        legs: [{ from: pool, to: account.grant(id), amount }],
        memo: given.description ?? 'grant',
      })
      await tx.run(
        `INSERT INTO grants (id, publisher_id, app_id, external_id, amount, description, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        [id, publisherId, appId, external.id, amount, given.description, tx.now, given.expiresAt],
      )
      await append(tx, payerOf(external).feed, [await grantChange(tx, id)])
      const after = before + amount
      return {
        external_user_id: externalUserId,
        amount_granted: dollars(amount),
        amount_granted_credits: amount,
        balance_before: dollars(before),
        balance_before_credits: before,
        balance_after: dollars(after),
        balance_after_credits: after,
        ledger_id: id,
        duplicate: false,
      }
    }),
)

/** `externalUserId` null: the server assigns one, and the same one to a person who comes again. */
export type Link = { appId: string; externalUserId: string | null; userId: string; connectionId: string }

/**
 * Links an app's user to a person, after consent: bought money moves to the person's balance, grants stay grants and are
 * shown on the person's feed. Linking twice is once.
 * @throws Fault `external_user_taken`, `not_found` (no live connection of this person and app)
 */
export const linkExternal = procedure(
  'grants.link',
  async (tx: Tx, link: Link): Promise<{ externalUserId: string }> => {
    await lockConnection(tx, link.connectionId) // a revoke at the same moment comes before or after, never between
    const connection = await connectionRow(tx, link.connectionId)
    if (connection?.user_id !== link.userId || connection.app_id !== link.appId) throw fault('not_found')
    const status = statusAt(connection, tx.now)
    if (status === 'revoked' || status === 'expired') throw fault('not_found')
    const name = link.externalUserId ?? (await assignedName(tx, link.appId, link.userId)) ?? tx.id('usr')
    const external = (await externalUser(tx, link.appId, name)) ?? (await externalUserFor(tx, link.appId, name))
    if (external.status === 'linked' && external.user_id !== link.userId) throw fault('external_user_taken')
    await markLinked(tx, external, link)
    const moved = await claim(tx, external, link.userId)
    const changes = await grantChanges(tx, external.id, true)
    await append(tx, link.userId, [...(moved ? [await balanceChange(tx, link.userId)] : []), ...changes])
    return { externalUserId: name }
  },
)

/**
 * Unlinks one external user at the app's wish. The grants go off the person's feed; the connection ends when the app has
 * nothing else of it.
 * @throws Fault `user_not_found`
 */
export const unlinkExternal = procedure(
  'grants.unlink',
  async (tx: Tx, { appId, externalUserId }: { appId: string; externalUserId: string }): Promise<void> => {
    const external = await externalUser(tx, appId, externalUserId)
    if (external?.status !== 'linked' || external.user_id === null || external.connection === null)
      throw fault('user_not_found')
    await lockConnection(tx, external.connection)
    if (!(await markUnlinked(tx, external.id))) throw fault('user_not_found')
    const changes = await grantChanges(tx, external.id, false)
    if (await endIfLeft(tx, external.connection)) {
      await lockFeed(tx, external.user_id)
      changes.push(await connectionChange(tx, external.connection))
    }
    if (changes.length > 0) await append(tx, external.user_id, changes)
  },
)

const CALLS_LIVE_MS = 86_400_000
const REST_AT_ONCE = 500

/**
 * Moves what has come free on the accounts of lately linked external users (calls that ran while they were linked).
 * Answers how many it moved; safe to run at any time, twice.
 */
export const claimRests = procedure('grants.claimRests', async (tx: Tx): Promise<number> => {
  const claimed = new Set<string>()
  for (const { id } of await linkedSince(tx, tx.now - CALLS_LIVE_MS, REST_AT_ONCE)) {
    const external = await externalById(tx, id)
    if (external?.status !== 'linked' || external.user_id === null) continue
    if (await claim(tx, external, external.user_id)) claimed.add(external.user_id)
  }
  for (const userId of [...claimed].sort()) await append(tx, userId, [await balanceChange(tx, userId)])
  return claimed.size
})

async function claim(tx: Tx, external: ExternalRow, userId: string): Promise<boolean> {
  await lockExternal(tx, external.id)
  const from = account.external(external.app_id, external.id)
  return (await moveFree(tx, { from, to: account.user(userId), memo: `linked ${external.id}` })) > 0
}

async function balanceChange(tx: Tx, userId: string) {
  return { topic: 'balance', id: userId, row: await money(tx, account.user(userId)) }
}
