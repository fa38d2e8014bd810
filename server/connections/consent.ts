// Consent and every later edit of it.
// owns: who may change a connection, and when an edit needs the version the person saw. never: a page, a route.
// always true: no connection exists without a cap; tightening always applies, loosening only on top of what the person
// saw; every edit raises the version.

import type { InteractionAnswer } from '../contract/api.ts'
import { type Cap, Caps, DEFAULT_CAP } from '../contract/records.ts'
import { procedure, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { holdsAccess, revokeGrantsOf } from '../identity/models.ts'
import { decideRequest, leaveFeed, requestForWallet } from '../identity/requests.ts'
import { promiseFact } from '../outbox/facts.ts'
import { promise } from '../outbox/outbox.ts'
import { appByClientId, appById, publisherOf } from './apps.ts'
import { lockConnection, setCaps } from './caps.ts'
import {
  type ConnectionRow,
  connectionBetween,
  connectionRow,
  limitsOf,
  statusAt,
  writeConnection,
} from './connections.ts'
import { externalsOf, hasLink, unlinkConnection } from './external.ts'
import { type Limits, loosens } from './limits.ts'
import { cleanName } from './names.ts'

export type Consent = {
  /** The request that this answers. */
  uid: string
  userId: string
  appId: string
  scopes: readonly string[]
  answer: InteractionAnswer
  clientMarkupBps: number
}

/**
 * Makes the connection of a person and an app, or replaces its limits; a revoked one begins anew.
 * The same answer again changes nothing.
 * @throws Fault `bad_request` (param names the field), `not_found` when the app is gone or the request was answered otherwise
 */
export const consent = procedure(
  'connections.consent',
  async (tx: Tx, given: Consent): Promise<{ connectionId: string }> => {
    const { uid, userId, appId, answer } = given
    const first = (await decideRequest(tx, { uid, decision: 'approve', userId })) === 'first'
    const before = first ? undefined : await connectionBetween(tx, userId, appId)
    if (before) return { connectionId: before.id }
    if (!(await appById(tx, appId))) throw fault('not_found')
    const limits = limitsFrom(answer)
    if (limits.expiresAt !== null && limits.expiresAt <= tx.now)
      throw fault('bad_request', { message: 'expires_at: must lie in the future.', param: 'expires_at' })
    const caps = answer.caps === undefined ? [DEFAULT_CAP] : checkedCaps(answer.caps)
    await tx.run(
      `INSERT INTO connections (id, user_id, app_id, status, scopes, markup_bps, created_at, generation, version)
     VALUES (?, ?, ?, 'active', '[]', 0, ?, 0, 0) ON CONFLICT (user_id, app_id) DO NOTHING`,
      [tx.id('conn'), userId, appId, tx.now],
    )
    const found = await connectionBetween(tx, userId, appId)
    if (!found) throw new Error('a connection just written is gone')
    await lockConnection(tx, found.id)
    const row = await own(tx, userId, found.id)
    await tx.run(
      `UPDATE connections SET status = 'active', scopes = ?, markup_bps = ?, per_call_ceiling = ?, ask_above = ?, models = ?,
       expires_at = ?, generation = ?, version = version + 1 WHERE id = ?`,
      [
        JSON.stringify([...given.scopes]),
        given.clientMarkupBps,
        limits.perCallCeiling,
        limits.askAbove,
        limits.models === null ? null : JSON.stringify(limits.models),
        limits.expiresAt,
        row.generation + (row.status === 'revoked' || row.version === 0 ? 1 : 0),
        row.id,
      ],
    )
    await setCaps(tx, row.id, caps)
    await promise(tx, { id: `welcome:${uid}`, kind: 'welcome', subject: row.id })
    if (row.version === 0 || !isLive(row, tx.now)) await factOf(tx, row, 'connected')
    await writeConnection(tx, row.id)
    await leaveFeed(tx, uid)
    return { connectionId: row.id }
  },
)

/**
 * A person's answer to a request on their feed, within the commit of their wallet's edit. What they agree to is what the
 * request showed: its scopes and markup, whatever the app asks for by now.
 * @throws Fault `not_found` (none, another's, answered, expired, signed out there), `bad_request` (limits)
 */
export async function answerRequest(
  tx: Tx,
  userId: string,
  { uid, ...answer }: InteractionAnswer & { uid: string },
): Promise<void> {
  const row = await requestForWallet(tx, userId, uid)
  if (answer.decision !== 'approve') {
    await decideRequest(tx, { uid, decision: 'deny', userId })
    return leaveFeed(tx, uid)
  }
  if (row.app_id === null || row.scopes === null || row.markup_bps === null) throw new Error('a request without terms')
  const scopes: string[] = JSON.parse(row.scopes)
  await consent.run(tx, { uid, userId, appId: row.app_id, scopes, answer, clientMarkupBps: row.markup_bps })
}

/** An edit of a connection by its person; `baseVersion` is the version they saw. */
export type Edit = { userId: string; connectionId: string; baseVersion: number | undefined }
export type LimitArgs = {
  caps: readonly Cap[]
  per_call_ceiling?: number | null | undefined
  ask_above?: number | null | undefined
  models?: readonly string[] | null | undefined
  expires_at?: string | null | undefined
}

/**
 * Sets new limits; what is left out stays. An end that has passed on the way here (an edit made offline) ends it now.
 * @throws Fault `not_found`, `connection_revoked`, `bad_request`, `version_conflict` (loosening, and changed meanwhile)
 */
export async function setLimits(tx: Tx, edit: Edit, args: LimitArgs): Promise<void> {
  const row = await lockedLive(tx, edit)
  const before = await limitsOf(tx, row)
  const caps = checkedCaps(args.caps)
  const given = limitsFrom(args)
  const after: Limits = {
    caps,
    perCallCeiling: args.per_call_ceiling === undefined ? before.perCallCeiling : given.perCallCeiling,
    askAbove: args.ask_above === undefined ? before.askAbove : given.askAbove,
    models: args.models === undefined ? before.models : given.models,
    expiresAt: args.expires_at === undefined ? before.expiresAt : given.expiresAt,
  }
  if (loosens(before, after)) sawThis(row.version, edit.baseVersion)
  await tx.run(
    'UPDATE connections SET per_call_ceiling = ?, ask_above = ?, models = ?, expires_at = ?, version = version + 1 WHERE id = ?',
    [
      after.perCallCeiling,
      after.askAbove,
      after.models === null ? null : JSON.stringify(after.models),
      after.expiresAt,
      row.id,
    ],
  )
  await setCaps(tx, row.id, caps)
}

/** @throws Fault `not_found`, `connection_revoked` */
export async function pause(tx: Tx, edit: Edit): Promise<void> {
  const row = await lockedLive(tx, edit)
  await setStatus(tx, row.id, 'paused')
}

/** @throws Fault `not_found`, `connection_revoked`, `version_conflict` */
export async function resume(tx: Tx, edit: Edit): Promise<void> {
  const row = await lockedLive(tx, edit)
  if (row.status === 'paused') sawThis(row.version, edit.baseVersion)
  await setStatus(tx, row.id, 'active')
}

/**
 * Ends a connection with all its tokens; its external users are unlinked and keep their grants. Revoking twice is one.
 * @returns the ids of the external users that were linked through it
 * @throws Fault `not_found`
 */
export async function revoke(tx: Tx, edit: Omit<Edit, 'baseVersion'>): Promise<string[]> {
  await lockConnection(tx, edit.connectionId)
  const row = await own(tx, edit.userId, edit.connectionId)
  await revokeGrantsOf(tx, { userId: edit.userId, clientId: await clientIdOf(tx, row.app_id) })
  if (isLive(row, tx.now)) await factOf(tx, row, 'disconnected')
  const unlinked = await unlinkConnection(tx, row.id)
  if (row.status !== 'revoked') await setStatus(tx, row.id, 'revoked')
  return unlinked
}

/**
 * Ends a connection whose app has given back its last access: from now on it is `expired`, and a new consent is asked for.
 * Not `revoked`: that would begin a `total` limit anew, at the app's wish.
 * @returns false when it goes on: a token or a linked user is left, or it had ended before
 */
export async function endIfLeft(tx: Tx, connectionId: string): Promise<boolean> {
  await lockConnection(tx, connectionId)
  const row = await connectionRow(tx, connectionId)
  if (!row) return false
  const status = statusAt(row, tx.now)
  if (status === 'revoked' || status === 'expired') return false
  const access = { userId: row.user_id, clientId: await clientIdOf(tx, row.app_id) }
  if ((await hasLink(tx, row.id)) || (await holdsAccess(tx, access, tx.now))) return false
  await tx.run('UPDATE connections SET expires_at = ?, version = version + 1 WHERE id = ?', [tx.now, row.id])
  await factOf(tx, row, 'disconnected')
  return true
}

/** An app has given back tokens of a person. */
export const appLeft = procedure(
  'connections.appLeft',
  async (tx: Tx, { userId, clientId }: { userId: string; clientId: string }): Promise<void> => {
    const app = await appByClientId(tx, clientId)
    const connection = app && (await connectionBetween(tx, userId, app.id))
    if (connection && (await endIfLeft(tx, connection.id))) await writeConnection(tx, connection.id)
  },
)

/** @throws Fault `not_found`, `bad_request` */
export async function rename(tx: Tx, edit: Edit, name: string): Promise<void> {
  await lockConnection(tx, edit.connectionId)
  const row = await own(tx, edit.userId, edit.connectionId)
  await tx.run('UPDATE connections SET name = ?, version = version + 1 WHERE id = ?', [cleanName(name), row.id])
}

/** @throws Fault `version_conflict` unless the person saw the version that stands */
export function sawThis(current: number, base: number | undefined): void {
  if (base !== current) throw fault('version_conflict', { details: { version: current } })
}

// --- below: how -----------------------------------------------------------------------------------------------------

function isLive(row: ConnectionRow, nowMs: number): boolean {
  const status = statusAt(row, nowMs)
  return status === 'active' || status === 'paused'
}

/** What an app's developer may have asked to hear of. */
async function factOf(tx: Tx, row: ConnectionRow, what: 'connected' | 'disconnected'): Promise<void> {
  const [named] = (await externalsOf(tx, row.user_id)).filter((external) => external.app_id === row.app_id)
  const data = { user_id: row.user_id, external_user_id: named?.external_user_id ?? null, app_id: row.app_id }
  const at = new Date(tx.now).toISOString()
  await promiseFact(tx, {
    type: `user.${what}`,
    publisherId: await publisherOf(tx, row.app_id),
    appId: row.app_id,
    data: { ...data, [`${what}_at`]: at },
  })
}

async function setStatus(tx: Tx, id: string, status: ConnectionRow['status']): Promise<void> {
  await tx.run('UPDATE connections SET status = ?, version = version + 1 WHERE id = ? AND status <> ?', [
    status,
    id,
    status,
  ])
}

async function clientIdOf(tx: Tx, appId: string): Promise<string> {
  const app = await tx.get<{ client_id: string }>('SELECT client_id FROM apps WHERE id = ?', [appId])
  if (!app) throw new Error(`no app ${appId}`)
  return app.client_id
}

async function own(tx: Tx, userId: string, id: string): Promise<ConnectionRow> {
  const row = await connectionRow(tx, id)
  if (row?.user_id !== userId) throw fault('not_found')
  return row
}

async function lockedLive(tx: Tx, edit: Edit): Promise<ConnectionRow> {
  await lockConnection(tx, edit.connectionId)
  const row = await own(tx, edit.userId, edit.connectionId)
  if (statusAt(row, tx.now) === 'revoked') throw fault('connection_revoked')
  return row
}

function checkedCaps(caps: readonly Cap[]): readonly Cap[] {
  const result = Caps.safeParse(caps)
  if (!result.success)
    throw fault('bad_request', { message: `caps: ${result.error.issues[0]?.message ?? 'malformed'}.`, param: 'caps' })
  return result.data
}

function limitsFrom(given: Omit<LimitArgs, 'caps'>): Omit<Limits, 'caps'> {
  return {
    perCallCeiling: given.per_call_ceiling ?? null,
    askAbove: given.ask_above ?? null,
    models: given.models == null ? null : [...new Set(given.models)],
    expiresAt: given.expires_at == null ? null : Date.parse(given.expires_at),
  }
}
