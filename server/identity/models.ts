// What oidc-provider keeps, as rows.
// owns: oidc_models. never: oidc-provider itself, a token in clear.
// always true: a token is found by its hash only; it is used up by one commit; without its grant it is worth nothing.

import { procedure, type Reader, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import { tokenHash } from '../seal.ts'

export type ModelRow = {
  id: string
  kind: string
  payload: string
  grant_id: string | null
  user_id: string | null
  client_id: string | null
  scope: string | null
  dpop_key: string | null
  alias: string | null
  expires_at: number
}
export type StoredModel = { id: string; payload: string; consumed_at: number | null; expires_at: number }

/** How long a used refresh token stays recognisable as used; later it is merely unknown. */
const REUSE_SEEN_MS = 30 * 86_400_000
const SWEEP_ROWS = 500

/** Where a model lies: a hash, so that the row does not tell the token. */
export function modelId(kind: string, id: string): string {
  return tokenHash(`${kind}:${id}`)
}

/** The words that a payload's seal is bound to. */
export function modelAt(kind: string, rowId: string): string {
  return `oidc_models/${kind}/${rowId}`
}

export const sealedModels = sealedColumn({
  table: 'oidc_models',
  key: 'id',
  column: 'payload',
  detail: 'kind',
  place: ({ key, detail }) => modelAt(String(detail), key),
})

const LIVE = `expires_at > ? AND (grant_id IS NULL OR EXISTS (SELECT 1 FROM oidc_models g WHERE g.id = m.grant_id AND g.expires_at > ?))`
const FIND = 'SELECT id, payload, consumed_at, expires_at FROM oidc_models m WHERE'

export function findModel(reader: Reader, id: string, now: number): Promise<StoredModel | undefined> {
  return reader.get<StoredModel>(`${FIND} id = ? AND ${LIVE}`, [id, now, now])
}

/** By the second name a model has: a session's uid, a device's user code. */
export function findModelByAlias(reader: Reader, alias: string, now: number): Promise<StoredModel | undefined> {
  return reader.get<StoredModel>(`${FIND} alias = ? AND ${LIVE}`, [alias, now, now])
}

const COLUMNS = 'id, kind, payload, grant_id, user_id, client_id, scope, dpop_key, alias, expires_at'

// Lock order on Postgres: whatever touches a grant and its tokens takes the grant's row first.
export const putModel = procedure('identity.putModel', async (tx: Tx, row: ModelRow) => {
  // A grant lives as long as its newest refresh token, so that "90 days" slides.
  if (row.kind === 'RefreshToken') {
    await tx.run('UPDATE oidc_models SET expires_at = ? WHERE id = ? AND expires_at < ?', [
      row.expires_at,
      row.grant_id,
      row.expires_at,
    ])
  }
  await tx.run(
    `INSERT INTO oidc_models (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, grant_id = excluded.grant_id, user_id = excluded.user_id,
     client_id = excluded.client_id, scope = excluded.scope, dpop_key = excluded.dpop_key, alias = excluded.alias,
     expires_at = excluded.expires_at`,
    values(row),
  )
})

/** Keeps a model that may exist once only (a DPoP proof's jti). @returns false when it was there */
export const putModelOnce = procedure('identity.putModelOnce', async (tx: Tx, row: ModelRow) => {
  await tx.run('DELETE FROM oidc_models WHERE id = ? AND expires_at <= ?', [row.id, tx.now])
  const inserted = await tx.run(
    `INSERT INTO oidc_models (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    values(row),
  )
  return inserted === 1
})

function values(row: ModelRow) {
  const { id, kind, payload, grant_id, user_id, client_id, scope, dpop_key, alias, expires_at } = row
  return [id, kind, payload, grant_id, user_id, client_id, scope, dpop_key, alias, expires_at]
}

/**
 * Uses up a code, refresh token or request, once.
 * @returns false when it was used before (or is gone); then its whole family has died in the same commit
 */
export const consumeModel = procedure('identity.consumeModel', async (tx: Tx, { id }: { id: string }) => {
  const row = await tx.get<{ grant_id: string | null }>('SELECT grant_id FROM oidc_models WHERE id = ?', [id])
  if (!row) return false
  if (row.grant_id) {
    const alive = await tx.run('UPDATE oidc_models SET consumed_at = consumed_at WHERE id = ?', [row.grant_id])
    if (alive !== 1) return false
  }
  const forgetAt = tx.now + REUSE_SEEN_MS
  const used = await tx.run(
    `UPDATE oidc_models SET consumed_at = ?, expires_at = CASE WHEN expires_at < ? THEN expires_at ELSE ? END
     WHERE id = ? AND consumed_at IS NULL`,
    [tx.now, forgetAt, forgetAt, id],
  )
  if (used !== 1 && row.grant_id) await removeFamily(tx, row.grant_id)
  return used === 1
})

export const removeModel = procedure('identity.removeModel', async (tx: Tx, { id }: { id: string }) => {
  await tx.run('DELETE FROM oidc_models WHERE id = ?', [id])
})

/** Ends a grant: one sign-in or consent on one device, with every code and token that came of it. */
export const removeGrant = procedure('identity.removeGrant', async (tx: Tx, { grantId }: { grantId: string }) => {
  await removeFamily(tx, grantId)
})

// Tokens that are being issued at this moment are not seen here; without their grant they are worth nothing either.
async function removeFamily(tx: Tx, grantId: string): Promise<void> {
  await tx.run('DELETE FROM oidc_models WHERE id = ?', [grantId])
  await tx.run('DELETE FROM oidc_models WHERE grant_id = ?', [grantId])
}

/** Removes rows whose time is over, a bounded number a commit. @returns how many went */
export const sweepIdentity = procedure('identity.sweep', async (tx: Tx, _args: Record<string, never>) => {
  const models = await tx.run(
    'DELETE FROM oidc_models WHERE id IN (SELECT id FROM oidc_models WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    [tx.now, SWEEP_ROWS],
  )
  const sessions = await tx.run(
    'DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    [tx.now, SWEEP_ROWS],
  )
  return models + sessions
})

// --- for the rest of the server --------------------------------------------------------------------------------------

export type AccessToken = {
  userId: string
  clientId: string
  scopes: readonly string[]
  /** One sign-in or consent on one device; opaque. */
  grantId: string
  /** Milliseconds since the epoch. */
  expiresAt: number
  /** Thumbprint of the DPoP key the token is bound to (RFC 9449); such a token is nothing as a mere bearer. */
  dpopKey: string | null
}

/**
 * Looks an access token up, by its hash; no provider machinery.
 * @param now milliseconds since the epoch
 * @returns null when it is unknown, expired or revoked
 */
export async function findAccessToken(reader: Reader, token: string, now: number): Promise<AccessToken | null> {
  const row = await reader.get<{
    user_id: string
    client_id: string
    scope: string | null
    grant_id: string
    dpop_key: string | null
    expires_at: number
    grant_expires_at: number
  }>(
    `SELECT t.user_id, t.client_id, t.scope, t.grant_id, t.dpop_key, t.expires_at, g.expires_at AS grant_expires_at
     FROM oidc_models t JOIN oidc_models g ON g.id = t.grant_id WHERE t.id = ?`,
    [modelId('AccessToken', token)],
  )
  if (!row || row.expires_at <= now || row.grant_expires_at <= now) return null
  return {
    userId: row.user_id,
    clientId: row.client_id,
    scopes: row.scope ? row.scope.split(' ') : [],
    grantId: row.grant_id,
    expiresAt: row.expires_at,
    dpopKey: row.dpop_key,
  }
}

/** Whether a client holds anything of a person's that still works: a token, or a code under way. */
export async function holdsAccess(
  reader: Reader,
  { userId, clientId }: { userId: string; clientId: string },
  now: number,
): Promise<boolean> {
  const row = await reader.get(
    `SELECT 1 AS held FROM oidc_models m WHERE user_id = ? AND client_id = ? AND consumed_at IS NULL
     AND kind IN ('AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode') AND ${LIVE} LIMIT 1`,
    [userId, clientId, now, now],
  )
  return row !== undefined
}

/** Ends everything a person ever gave a client: all devices, all codes and tokens; with the caller's commit. */
export async function revokeGrantsOf(tx: Tx, args: { userId: string; clientId: string }): Promise<void> {
  const { userId, clientId } = args
  await tx.run(`DELETE FROM oidc_models WHERE user_id = ? AND client_id = ? AND kind = 'Grant'`, [userId, clientId])
  await tx.run('DELETE FROM oidc_models WHERE user_id = ? AND client_id = ?', [userId, clientId])
}
