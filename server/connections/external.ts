// External users: an app's users by the app's own names.
// owns: external_users. never: another app's names; what a grant is.
// always true: unknown and unlinked give one indistinguishable answer; an id is linked to at most one person.

import type { Reader, Tx } from '../db/db.ts'
import { marks, padded } from '../db/lists.ts'
import { fault } from '../faults.ts'
import { account } from '../ledger/chart.ts'
import { openAccount } from '../ledger/ledger.ts'

export type ExternalRow = {
  id: string
  app_id: string
  external_user_id: string
  status: 'unclaimed' | 'linked' | 'unlinked'
  user_id: string | null
  connection: string | null
}

/** Who pays for a call that names an external user; `account` is where their bought money rests, `feed` whose feed hears of it. */
export type Payer =
  | { kind: 'external'; externalId: string; account: string; feed: string }
  | { kind: 'user'; externalId: string; userId: string; connectionId: string; account: string; feed: string }

const COLUMNS = 'id, app_id, external_user_id, status, user_id, connection'

export function externalUser(reader: Reader, appId: string, externalUserId: string): Promise<ExternalRow | undefined> {
  return reader.get<ExternalRow>(`SELECT ${COLUMNS} FROM external_users WHERE app_id = ? AND external_user_id = ?`, [
    appId,
    externalUserId,
  ])
}

export function externalById(reader: Reader, id: string): Promise<ExternalRow | undefined> {
  return reader.get<ExternalRow>(`SELECT ${COLUMNS} FROM external_users WHERE id = ?`, [id])
}

/**
 * Who pays when an app names one of its users. Whether the connection of a linked one may be used now is `termsOf`'s to say.
 * @throws Fault `user_not_found`: unknown, or unlinked
 */
export async function findPayer(reader: Reader, appId: string, externalUserId: string): Promise<Payer> {
  const row = await externalUser(reader, appId, externalUserId)
  if (!row || row.status === 'unlinked') throw fault('user_not_found')
  return payerOf(row)
}

/**
 * The same where only a linked user will do (hosted token storage).
 * @throws Fault `user_not_found`
 */
export async function findLinked(
  reader: Reader,
  appId: string,
  externalUserId: string,
): Promise<Extract<Payer, { kind: 'user' }>> {
  const payer = await findPayer(reader, appId, externalUserId)
  if (payer.kind !== 'user') throw fault('user_not_found')
  return payer
}

export function payerOf(row: ExternalRow): Payer {
  if (row.status === 'linked' && row.user_id !== null && row.connection !== null) {
    const { id, user_id: userId, connection: connectionId } = row
    return { kind: 'user', externalId: id, userId, connectionId, account: account.user(userId), feed: userId }
  }
  return { kind: 'external', externalId: row.id, account: account.external(row.app_id, row.id), feed: row.id }
}

/**
 * The external user of this name, made when new (by a grant, or a checkout that names it).
 * @throws Fault `user_not_found` when it was linked once and is not now
 */
export async function externalUserFor(tx: Tx, appId: string, externalUserId: string): Promise<ExternalRow> {
  await tx.run(
    `INSERT INTO external_users (id, app_id, external_user_id, status, created_at) VALUES (?, ?, ?, 'unclaimed', ?)
     ON CONFLICT (app_id, external_user_id) DO NOTHING`,
    [tx.id('ext'), appId, externalUserId, tx.now],
  )
  const row = await externalUser(tx, appId, externalUserId)
  if (!row) throw new Error('an external user just written is gone')
  if (row.status === 'unlinked') throw fault('user_not_found')
  if (row.status === 'unclaimed') await openAccount(tx, account.external(appId, row.id))
  return row
}

/** Takes the row lock of an external user (Postgres): one mover of its money at a time. */
export async function lockExternal(tx: Tx, id: string): Promise<void> {
  await tx.run('UPDATE external_users SET status = status WHERE id = ?', [id])
}

/** Marks an external user as this person's. @throws Fault `external_user_taken` when it is another's */
export async function markLinked(
  tx: Tx,
  row: ExternalRow,
  link: { userId: string; connectionId: string },
): Promise<void> {
  const changed = await tx.run(
    `UPDATE external_users SET status = 'linked', user_id = ?, connection = ?, linked_at = ? WHERE id = ? AND (status <> 'linked' OR user_id = ?)`,
    [link.userId, link.connectionId, tx.now, row.id, link.userId],
  )
  if (changed !== 1) throw fault('external_user_taken')
}

/** Unlinks one external user; it keeps its grants. False when it was not linked. */
export async function markUnlinked(tx: Tx, id: string): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE external_users SET status = 'unlinked', user_id = NULL, connection = NULL WHERE id = ? AND status = 'linked'`,
    [id],
  )
  return changed === 1
}

/** Unlinks every external user of a connection; they keep their grants. Answers their ids. */
export async function unlinkConnection(tx: Tx, connectionId: string): Promise<string[]> {
  const rows = await tx.all<{ id: string }>('SELECT id FROM external_users WHERE connection = ?', [connectionId])
  await tx.run(
    `UPDATE external_users SET status = 'unlinked', user_id = NULL, connection = NULL WHERE connection = ?`,
    [connectionId],
  )
  return rows.map((row) => row.id)
}

/** Whether any external user is linked through this connection. */
export async function hasLink(reader: Reader, connectionId: string): Promise<boolean> {
  return (
    (await reader.get('SELECT 1 AS linked FROM external_users WHERE connection = ? LIMIT 1', [connectionId])) !==
    undefined
  )
}

/** The name that the server has given this person in this app, while it is linked. */
export async function assignedName(reader: Reader, appId: string, userId: string): Promise<string | undefined> {
  const row = await reader.get<{ external_user_id: string }>(
    `SELECT external_user_id FROM external_users WHERE app_id = ? AND user_id = ? AND status = 'linked'
     AND substr(external_user_id, 1, 4) = 'usr_' AND length(external_user_id) = 30 ORDER BY id LIMIT 1`,
    [appId, userId],
  )
  return row?.external_user_id
}

/** The linked users of an app, oldest first, after an id. */
export function linkedUsers(reader: Reader, appId: string, afterId: string, limit: number): Promise<ExternalRow[]> {
  return reader.all<ExternalRow>(
    `SELECT ${COLUMNS} FROM external_users WHERE app_id = ? AND status = 'linked' AND id > ? ORDER BY id LIMIT ?`,
    [appId, afterId, limit],
  )
}

/** Users of an app who are nobody's now (never claimed, or unlinked), oldest first, after an id. */
export function unclaimedUsers(
  reader: Reader,
  appId: string,
  afterId: string,
  limit: number,
): Promise<(ExternalRow & { created_at: number })[]> {
  return reader.all(
    `SELECT ${COLUMNS}, created_at FROM external_users WHERE app_id = ? AND status <> 'linked' AND id > ? ORDER BY id LIMIT ?`,
    [appId, afterId, limit],
  )
}

/** Ids of external users linked since a moment: calls that ran while they were linked may leave money behind. */
export function linkedSince(reader: Reader, sinceMs: number, limit: number): Promise<{ id: string }[]> {
  return reader.all(
    `SELECT id FROM external_users WHERE status = 'linked' AND linked_at > ? ORDER BY linked_at LIMIT ?`,
    [sinceMs, limit],
  )
}

/** Ids of the external users that were linked last, newest first. */
export function lastLinked(reader: Reader, limit: number): Promise<{ id: string }[]> {
  return reader.all(`SELECT id FROM external_users WHERE status = 'linked' ORDER BY linked_at DESC, id DESC LIMIT ?`, [
    limit,
  ])
}

/** Every external user that is this person now. */
export function externalsOf(reader: Reader, userId: string): Promise<ExternalRow[]> {
  return reader.all<ExternalRow>(`SELECT ${COLUMNS} FROM external_users WHERE user_id = ? ORDER BY id`, [userId])
}

/**
 * What apps call those who pay: an external user by their own name, a person by the oldest of their names in these apps. Who
 * has none there is left out. A few statements, however many payers.
 */
export async function namesOfPayers(
  reader: Reader,
  payers: readonly string[],
  appIds: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  const [external, people] = [
    payers.filter((id) => id.startsWith('ext_')),
    payers.filter((id) => !id.startsWith('ext_')),
  ]
  for (const [column, ids] of [
    ['id', external],
    ['user_id', people],
  ] as const)
    for (const list of padded(ids)) {
      const rows = await reader.all<ExternalRow & { payer: string }>(
        `SELECT ${column} AS payer, app_id, external_user_id FROM external_users
         WHERE ${column} IN (${marks(list)}) ORDER BY id`,
        list,
      )
      for (const { payer, app_id: appId, external_user_id: name } of rows)
        if (appIds.has(appId) && !names.has(payer)) names.set(payer, name)
    }
  return names
}
