// Apps: OAuth clients as people see them.
// owns: apps. never: a token; a connection's terms.
// always true: a secret is shown once and kept as a hash; a foreign app and an unknown one are both not_found; raising a
// markup starts a notice and touches no consent.

import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { App, type AppCreate, type AppSettings } from '../contract/api.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { tokenHash } from '../seal.ts'
import { revokeKeysOf } from './keys.ts'
import { checkAppName, checkLogoUri, checkRedirectUris } from './names.ts'

const DAY_MS = 86_400_000
const NOTICE_DAYS_DEFAULT = 14
export const APP_SCOPES = ['openid', 'profile', 'email', 'offline_access', 'credits.read', 'credits.spend'] as const

export type AppRow = {
  id: string
  client_id: string
  publisher_id: string
  name: string
  type: 'confidential' | 'public'
  secret_hash: string | null
  secondary_secret_hash: string | null
  secondary_expires_at: number | null
  verified_domain: string | null
  redirect_uris: string
  allowed_scopes: string
  logo_uri: string | null
  markup_bps: number
  markup_notice_days: number
  models: string | null
  consent_due_at: number | null
  created_at: number
  deleted_at: number | null
}

const COLUMNS = `id, client_id, publisher_id, name, type, secret_hash, secondary_secret_hash, secondary_expires_at,
  (SELECT domain FROM app_domains d WHERE d.app_id = apps.id AND d.verified_at IS NOT NULL) AS verified_domain, redirect_uris, allowed_scopes, logo_uri, markup_bps,
  markup_notice_days, models, consent_due_at, created_at, deleted_at`

/** An app that exists and is not deleted. */
export function appByClientId(reader: Reader, clientId: string): Promise<AppRow | undefined> {
  return reader.get<AppRow>(`SELECT ${COLUMNS} FROM apps WHERE client_id = ? AND deleted_at IS NULL`, [clientId])
}

export function appById(reader: Reader, id: string): Promise<AppRow | undefined> {
  return reader.get<AppRow>(`SELECT ${COLUMNS} FROM apps WHERE id = ? AND deleted_at IS NULL`, [id])
}

export function appsOf(reader: Reader, publisherId: string): Promise<AppRow[]> {
  return reader.all<AppRow>(`SELECT ${COLUMNS} FROM apps WHERE publisher_id = ? AND deleted_at IS NULL ORDER BY id`, [
    publisherId,
  ])
}

/** The apps a publisher has archived, newest first; at most 500. */
export function archivedApps(reader: Reader, publisherId: string): Promise<AppRow[]> {
  return reader.all<AppRow>(
    `SELECT ${COLUMNS} FROM apps WHERE publisher_id = ? AND deleted_at IS NOT NULL ORDER BY id DESC LIMIT 500`,
    [publisherId],
  )
}

/** Who publishes an app, deleted ones too. @throws Error when there never was one */
export async function publisherOf(reader: Reader, appId: string): Promise<string> {
  const row = await reader.get<{ publisher_id: string }>('SELECT publisher_id FROM apps WHERE id = ?', [appId])
  if (!row) throw new Error(`no app ${appId}`)
  return row.publisher_id
}

/** An app of this publisher. @throws Fault `not_found`, for another's app as for none */
export async function ownApp(reader: Reader, publisherId: string, id: string): Promise<AppRow> {
  const row = await appById(reader, id)
  if (row?.publisher_id !== publisherId) throw fault('not_found')
  return row
}

/** The same, or one that the publisher has archived: for looking back. @throws Fault `not_found` */
export async function ownAppEver(reader: Reader, publisherId: string, id: string): Promise<AppRow> {
  const row = await reader.get<AppRow>(`SELECT ${COLUMNS} FROM apps WHERE id = ? AND publisher_id = ?`, [
    id,
    publisherId,
  ])
  if (!row) throw fault('not_found')
  return row
}

/** An app as it travels. */
export function appDocument(row: AppRow): App {
  return App.parse({
    ...row,
    redirect_uris: JSON.parse(row.redirect_uris),
    allowed_scopes: JSON.parse(row.allowed_scopes),
    models: row.models === null ? null : JSON.parse(row.models),
    secondary_expires_at: row.secondary_expires_at === null ? null : new Date(row.secondary_expires_at).toISOString(),
    archived_at: row.deleted_at === null ? null : new Date(row.deleted_at).toISOString(),
    created_at: new Date(row.created_at).toISOString(),
  })
}

/** A new secret with what is kept of it: 256 random bits, so a plain hash is enough. */
export function freshSecret(): { secret: string; hash: string } {
  const secret = `quota_secret_${randomBytes(32).toString('base64url')}`
  return { secret, hash: tokenHash(secret) }
}

/** @throws Fault `bad_request` */
export function checkedScopes(scopes: readonly string[] | undefined): readonly string[] {
  const unknown = scopes?.find((scope) => !(APP_SCOPES as readonly string[]).includes(scope))
  if (unknown !== undefined) {
    throw fault('bad_request', {
      message: `allowed_scopes: ${JSON.stringify(unknown).slice(0, 60)} is not offered to apps.`,
      param: 'allowed_scopes',
    })
  }
  return scopes === undefined ? APP_SCOPES : [...new Set(scopes)]
}

/** A list of models as it is kept; null allows all. */
function modelsText(models: readonly string[] | null): string | null {
  return models === null ? null : JSON.stringify([...new Set(models)])
}

export type NewApp = {
  publisherId: string
  clientId: string
  secretHash: string | null
  given: z.output<typeof AppCreate>
}

export const createApp = procedure(
  'apps.create',
  async (tx: Tx, { publisherId, clientId, secretHash, given }: NewApp): Promise<App> => {
    const id = tx.id('app')
    await tx.run(
      `INSERT INTO apps (id, client_id, publisher_id, name, type, secret_hash, redirect_uris, allowed_scopes, logo_uri, markup_bps,
       markup_notice_days, models, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        id,
        clientId,
        publisherId,
        checkAppName(given.name),
        given.type ?? 'confidential',
        secretHash,
        JSON.stringify(checkRedirectUris(given.redirect_uris)),
        JSON.stringify(checkedScopes(given.allowed_scopes)),
        checkLogoUri(given.logo_uri ?? null),
        given.markup_bps ?? 0,
        NOTICE_DAYS_DEFAULT,
        modelsText(given.models ?? null),
        tx.now,
      ],
    )
    return writeApp(tx, publisherId, id)
  },
)

export type Settings = {
  publisherId: string
  appId: string
  changes: Omit<z.output<typeof AppSettings>, 'profit_margin'>
}

/** Changes an app's settings. A raised markup starts the notice that the settings in force before it name. */
export const setApp = procedure('apps.set', async (tx: Tx, { publisherId, appId, changes }: Settings): Promise<App> => {
  // The whole row is written: what another request changes at the same moment must be in it (Postgres).
  await tx.run('UPDATE apps SET created_at = created_at WHERE id = ?', [appId])
  const row = await ownApp(tx, publisherId, appId)
  const raised = changes.markup_bps !== undefined && changes.markup_bps > row.markup_bps
  const noticeDays = Math.max(row.markup_notice_days, changes.markup_notice_days ?? 0)
  await tx.run(
    `UPDATE apps SET name = ?, redirect_uris = ?, allowed_scopes = ?, logo_uri = ?, models = ?, markup_bps = ?, markup_notice_days = ?,
     consent_due_at = ? WHERE id = ?`,
    [
      changes.name === undefined ? row.name : checkAppName(changes.name),
      changes.redirect_uris === undefined
        ? row.redirect_uris
        : JSON.stringify(checkRedirectUris(changes.redirect_uris)),
      changes.allowed_scopes === undefined ? row.allowed_scopes : JSON.stringify(checkedScopes(changes.allowed_scopes)),
      changes.logo_uri === undefined ? row.logo_uri : checkLogoUri(changes.logo_uri),
      changes.models === undefined ? row.models : modelsText(changes.models),
      changes.markup_bps ?? row.markup_bps,
      changes.markup_notice_days ?? row.markup_notice_days,
      raised ? tx.now + noticeDays * DAY_MS : row.consent_due_at,
      appId,
    ],
  )
  return writeApp(tx, publisherId, appId)
})

/** Deletes an app: its keys stop working, its tokens resolve to nothing; connections and receipts keep naming it. */
export const deleteApp = procedure(
  'apps.delete',
  async (tx: Tx, { publisherId, appId }: { publisherId: string; appId: string }) => {
    await ownApp(tx, publisherId, appId)
    await tx.run('UPDATE apps SET deleted_at = ? WHERE id = ?', [tx.now, appId])
    const keys = await revokeKeysOf(tx, appId)
    await append(tx, publisherId, [
      ...keys.map((id) => ({ topic: 'key', id, row: null })),
      { topic: 'app', id: appId, row: null },
    ])
  },
)

/** Tells an app's publisher of it, as it stands. */
export async function writeApp(tx: Tx, publisherId: string, id: string): Promise<App> {
  const row = await appById(tx, id)
  if (!row) throw new Error('an app just written is gone')
  const document = appDocument(row)
  await append(tx, publisherId, [{ topic: 'app', id, row: document }])
  return document
}
