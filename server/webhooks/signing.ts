// What a delivery is signed with.
// owns: webhook_secrets, the headers of a delivery. never: a secret in clear but in the answer that made it.
// always true: Standard Webhooks 1.0 (https://www.standardwebhooks.com): HMAC-SHA256 over "id.timestamp.body", one
// signature for each secret that is valid at that moment, the newest first.

import { createHmac, randomBytes } from 'node:crypto'
import type { Reader, Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import { type MasterKey, seal, unseal } from '../seal.ts'

const SECRET_BYTES = 24

export type NewSecret = { id: string; sealed: string }
export type SecretRow = { id: string; sealed: string; created_at: number; expires_at: number | null }

/** A new secret (`whsec_` and base64), and what is kept of it. */
export function freshSecret(masterKey: MasterKey, id: string): { secret: string; kept: NewSecret } {
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`
  return { secret, kept: { id, sealed: seal(masterKey, placeOf(id), secret) } }
}

export async function addSecret(tx: Tx, webhookId: string, { id, sealed }: NewSecret): Promise<void> {
  await tx.run('INSERT INTO webhook_secrets (id, webhook_id, sealed, created_at) VALUES (?, ?, ?, ?)', [
    id,
    webhookId,
    sealed,
    tx.now,
  ])
}

/** Lets every secret but this one end at a moment, or as soon as it would anyway. */
export async function endOthers(tx: Tx, webhookId: string, keptId: string, atMs: number): Promise<void> {
  await tx.run('DELETE FROM webhook_secrets WHERE webhook_id = ? AND id <> ? AND expires_at <= ?', [
    webhookId,
    keptId,
    tx.now,
  ])
  await tx.run(
    'UPDATE webhook_secrets SET expires_at = ? WHERE webhook_id = ? AND id <> ? AND (expires_at IS NULL OR expires_at > ?)',
    [atMs, webhookId, keptId, atMs],
  )
}

/** The secrets that sign at a moment, the newest first. */
export function secretsOf(reader: Reader, webhookId: string, nowMs: number): Promise<SecretRow[]> {
  return reader.all<SecretRow>(
    `SELECT id, sealed, created_at, expires_at FROM webhook_secrets WHERE webhook_id = ? AND (expires_at IS NULL OR expires_at > ?)
     ORDER BY created_at DESC, id DESC`,
    [webhookId, nowMs],
  )
}

export function opened(masterKey: MasterKey, { id, sealed }: NewSecret): string {
  return unseal(masterKey, placeOf(id), sealed)
}

/**
 * The headers of a delivery.
 * @param secrets in clear, the newest first
 * @param nowMs when this try is made
 */
export function signedHeaders(
  secrets: readonly string[],
  id: string,
  body: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'content-type': 'application/json',
    'user-agent': 'quota-wallet',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
    // The older header: without a time, keyed by the newest secret as it is written.
    'x-quota-signature': createHmac('sha256', secrets[0] ?? '')
      .update(body)
      .digest('hex'),
  }
}

function placeOf(id: string): string {
  return `webhook_secrets/${id}`
}

export const sealedWebhookSecrets = sealedColumn({
  table: 'webhook_secrets',
  key: 'id',
  column: 'sealed',
  place: ({ key }) => placeOf(key),
})
