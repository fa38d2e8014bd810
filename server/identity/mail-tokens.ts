// Links that are sent by mail.
// owns: mail_tokens. never: the token at rest, the mail itself.
// always true: a link works once, within the hour, for the purpose and the address it was made for.

import { randomBytes } from 'node:crypto'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { tokenHash } from '../seal.ts'
import { lockPerson } from './users.ts'

export type Purpose = 'verify' | 'reset' | 'change'
export const LINK_LIVES_MS = 3_600_000
/** Another link of one kind is made a minute later at the earliest, so that nobody's mailbox is filled. */
const AGAIN_AFTER_MS = 60_000

export function freshMailToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: tokenHash(token) }
}

export type NewMailToken = { hash: string; userId: string; purpose: Purpose; email: string }

/** Keeps a new link and ends the older ones of its kind. @returns false when one was made a moment ago */
export const keepMailToken = procedure('identity.keepMailToken', async (tx: Tx, token: NewMailToken) => {
  const { hash, userId, purpose, email } = token
  if (!(await lockPerson(tx, userId))) return false // two requests at once make one link
  const last = await tx.get<{ created_at: number }>(
    'SELECT created_at FROM mail_tokens WHERE user_id = ? AND purpose = ? AND email = ? ORDER BY created_at DESC LIMIT 1',
    [userId, purpose, email],
  )
  if (last && last.created_at > tx.now - AGAIN_AFTER_MS) return false
  await tx.run('DELETE FROM mail_tokens WHERE user_id = ? AND purpose = ?', [userId, purpose])
  await tx.run(
    'INSERT INTO mail_tokens (hash, user_id, purpose, email, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    [hash, userId, purpose, email, tx.now, tx.now + LINK_LIVES_MS],
  )
  return true
})

/** Whether a link would work, without using it. */
export async function mailTokenStands(
  reader: Reader,
  token: string,
  purpose: Purpose,
  nowMs: number,
): Promise<boolean> {
  const row = await reader.get('SELECT hash FROM mail_tokens WHERE hash = ? AND purpose = ? AND expires_at > ?', [
    tokenHash(token),
    purpose,
    nowMs,
  ])
  return row !== undefined
}

/** Uses a link up, with the caller's commit. @throws Fault `invalid_link` for unknown, used, old and foreign ones alike */
export async function takeMailToken(
  tx: Tx,
  hash: string,
  purposes: readonly Purpose[],
): Promise<{ userId: string; purpose: Purpose; email: string }> {
  const row = await tx.get<{ user_id: string; purpose: Purpose; email: string; expires_at: number }>(
    'SELECT user_id, purpose, email, expires_at FROM mail_tokens WHERE hash = ?',
    [hash],
  )
  if (!row || row.expires_at <= tx.now || !purposes.includes(row.purpose)) throw fault('invalid_link')
  if ((await tx.run('DELETE FROM mail_tokens WHERE hash = ?', [hash])) !== 1) throw fault('invalid_link')
  return { userId: row.user_id, purpose: row.purpose, email: row.email }
}

/** Ends a person's links, those of one kind or all, with the caller's commit. */
export async function endMailTokens(tx: Tx, userId: string, purpose?: Purpose): Promise<void> {
  if (purpose) await tx.run('DELETE FROM mail_tokens WHERE user_id = ? AND purpose = ?', [userId, purpose])
  else await tx.run('DELETE FROM mail_tokens WHERE user_id = ?', [userId])
}

export const sweepMailTokens = procedure('identity.sweepMailTokens', (tx: Tx, _args: Record<string, never>) =>
  tx.run('DELETE FROM mail_tokens WHERE expires_at <= ?', [tx.now]),
)
