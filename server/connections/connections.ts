// Connections: one person's standing permission to one app.
// owns: connections, connection_uses. never: money; what an app may ask for (apps.ts).
// always true: one connection per person and app; its document on the person's feed follows every edit in the same
// commit; a markup above what the person consented to is never applied.

import type { Connection } from '../contract/records.ts'
import type { Reader, Tx } from '../db/db.ts'
import { append, type FeedChange, lockFeed } from '../feed/feed.ts'
import { capStates, capsOf } from './caps.ts'
import type { Limits } from './limits.ts'
import { isFrozen } from './person.ts'

export type ConnectionRow = {
  id: string
  user_id: string
  app_id: string
  name: string | null
  status: 'active' | 'paused' | 'revoked'
  scopes: string
  markup_bps: number
  per_call_ceiling: number | null
  ask_above: number | null
  models: string | null
  created_at: number
  expires_at: number | null
  generation: number
  version: number
}

type Status = Connection['status']

const COLUMNS = `c.id, c.user_id, c.app_id, c.name, c.status, c.scopes, c.markup_bps, c.per_call_ceiling, c.ask_above, c.models,
  c.created_at, c.expires_at, c.generation, c.version`

export function connectionRow(reader: Reader, id: string): Promise<ConnectionRow | undefined> {
  return reader.get<ConnectionRow>(`SELECT ${COLUMNS} FROM connections c WHERE c.id = ?`, [id])
}

export function connectionBetween(reader: Reader, userId: string, appId: string): Promise<ConnectionRow | undefined> {
  return reader.get<ConnectionRow>(`SELECT ${COLUMNS} FROM connections c WHERE c.user_id = ? AND c.app_id = ?`, [
    userId,
    appId,
  ])
}

/** Ids of a person's connections that are not revoked. */
export async function liveConnections(reader: Reader, userId: string): Promise<string[]> {
  const rows = await reader.all<{ id: string }>(
    `SELECT id FROM connections WHERE user_id = ? AND status <> 'revoked' ORDER BY id`,
    [userId],
  )
  return rows.map((row) => row.id)
}

/** The connections of an app, oldest first, after an id. */
export function connectionsOfApp(
  reader: Reader,
  appId: string,
  after: string,
  limit: number,
): Promise<ConnectionRow[]> {
  return reader.all<ConnectionRow>(
    `SELECT ${COLUMNS} FROM connections c WHERE c.app_id = ? AND c.id > ? ORDER BY c.id LIMIT ?`,
    [appId, after, limit],
  )
}

/** When a connection was last used, in milliseconds; null when it never was. */
export async function lastUsed(reader: Reader, id: string): Promise<number | null> {
  const row = await reader.get<{ at: number }>('SELECT last_used_at AS at FROM connection_uses WHERE connection = ?', [
    id,
  ])
  return row?.at ?? null
}

/** What a call through a connection must respect. Amounts are micros, times milliseconds. */
export type Terms = {
  connectionId: string
  userId: string
  appId: string
  publisherId: string
  /** `expired` is by the clock; `frozen` stops every connection of the person. */
  status: Status
  frozen: boolean
  scopes: readonly string[]
  /** The lower of what the person consented to and what the app asks for now. */
  markupBps: number
  /** The app asks for more than was consented to, and its notice has run out. */
  consentDue: boolean
  perCallCeiling: number | null
  askAbove: number | null
  models: readonly string[] | null
  /** The models the app may call at all; null: every one. */
  appModels: readonly string[] | null
}

/** The terms of a connection at a moment, or null when there is none. */
export async function termsOf(reader: Reader, connectionId: string, nowMs: number): Promise<Terms | null> {
  const row = await reader.get<ConnectionRow & AppTerms>(
    `SELECT ${COLUMNS}, a.publisher_id, a.markup_bps AS app_markup_bps, a.models AS app_models, a.consent_due_at FROM connections c
     JOIN apps a ON a.id = c.app_id WHERE c.id = ?`,
    [connectionId],
  )
  if (!row) return null
  return {
    connectionId: row.id,
    userId: row.user_id,
    appId: row.app_id,
    publisherId: row.publisher_id,
    status: statusAt(row, nowMs),
    frozen: await isFrozen(reader, row.user_id),
    scopes: JSON.parse(row.scopes),
    markupBps: Math.min(row.markup_bps, row.app_markup_bps),
    consentDue: row.app_markup_bps > row.markup_bps && row.consent_due_at !== null && row.consent_due_at <= nowMs,
    perCallCeiling: row.per_call_ceiling,
    askAbove: row.ask_above,
    models: row.models === null ? null : JSON.parse(row.models),
    appModels: row.app_models === null ? null : JSON.parse(row.app_models),
  }
}
type AppTerms = {
  publisher_id: string
  app_markup_bps: number
  app_models: string | null
  consent_due_at: number | null
}

export function statusAt(row: ConnectionRow, nowMs: number): Status {
  return row.status !== 'revoked' && row.expires_at !== null && row.expires_at <= nowMs ? 'expired' : row.status
}

/** Everything the person decided about an app, as loosens() compares it. */
export async function limitsOf(reader: Reader, row: ConnectionRow): Promise<Limits> {
  return {
    caps: await capsOf(reader, row.id),
    perCallCeiling: row.per_call_ceiling,
    askAbove: row.ask_above,
    models: row.models === null ? null : JSON.parse(row.models),
    expiresAt: row.expires_at,
  }
}

/** A connection as it travels, with its windows of this moment. @throws Error when there is none */
export async function connectionDocument(reader: Reader, id: string, nowMs: number): Promise<Connection> {
  const row = await reader.get<
    ConnectionRow & { app_name: string; logo_uri: string | null; last_used_at: number | null }
  >(
    `SELECT ${COLUMNS}, a.name AS app_name, a.logo_uri, u.last_used_at FROM connections c JOIN apps a ON a.id = c.app_id
     LEFT JOIN connection_uses u ON u.connection = c.id WHERE c.id = ?`,
    [id],
  )
  if (!row) throw new Error(`no connection ${id}`)
  return {
    id: row.id,
    app: { id: row.app_id, name: row.app_name, logo_uri: row.logo_uri },
    name: row.name,
    status: statusAt(row, nowMs),
    scopes: JSON.parse(row.scopes),
    markup_bps: row.markup_bps,
    caps: await capStates(reader, id, nowMs),
    per_call_ceiling: row.per_call_ceiling,
    ask_above: row.ask_above,
    models: row.models === null ? null : JSON.parse(row.models),
    created_at: time(row.created_at),
    last_used_at: row.last_used_at === null ? null : time(row.last_used_at),
    expires_at: row.expires_at === null ? null : time(row.expires_at),
    version: row.version,
  }
}

/** The change that puts a connection on its person's feed, for a commit that writes several. */
export async function connectionChange(tx: Tx, id: string): Promise<FeedChange> {
  return { topic: 'connection', id, row: await connectionDocument(tx, id, tx.now) }
}

/** Puts a connection on its person's feed. Call it last: the feed's counter is locked after everything else. */
export async function writeConnection(tx: Tx, id: string): Promise<void> {
  const row = await connectionRow(tx, id)
  if (!row) throw new Error(`no connection ${id}`)
  await tellConnection(tx, row.user_id, id)
}

/** The same for a person who is known, with what else changed. Its document is read under the feed's lock. */
export async function tellConnection(
  tx: Tx,
  userId: string,
  id: string,
  more: readonly FeedChange[] = [],
): Promise<void> {
  await lockFeed(tx, userId)
  await append(tx, userId, [await connectionChange(tx, id), ...more])
}

/** Notes that a connection was used; may be called in the commit that settles a call. */
export async function noteUse(tx: Tx, id: string): Promise<void> {
  await tx.run(
    `INSERT INTO connection_uses (connection, last_used_at) VALUES (?, ?)
     ON CONFLICT (connection) DO UPDATE SET last_used_at = excluded.last_used_at`,
    [id, tx.now],
  )
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
