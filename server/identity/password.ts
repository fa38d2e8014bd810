// Changing a password, and setting it anew by a mail; changing and confirming the e-mail address.
// owns: what else each of these ends. never: hashing (passwords.ts), mails.
// always true: a new password signs everybody else out; a link that proves a mailbox gives nothing to whoever opened the
// account before the address was proven.

import { procedure, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { endEverywhere } from './devices.ts'
import { endMailTokens, takeMailToken } from './mail-tokens.ts'
import { dropPasskeys } from './passkeys.ts'
import { eraseTotp } from './totp.ts'
import { rewriteProfile } from './users.ts'

type Change = {
  userId: string
  /** The hash that was checked; another one now means that somebody else was faster. */
  from: string
  to: string
  but: { tokenHash: string; device: string }
}

/** Sets a password, ends links that are under way, and signs out everywhere but here. @throws Fault `invalid_credentials` */
export const changePassword = procedure(
  'identity.changePassword',
  async (tx: Tx, { userId, from, to, but }: Change) => {
    const changed = await tx.run('UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?', [
      to,
      userId,
      from,
    ])
    if (changed !== 1) throw fault('invalid_credentials')
    await endMailTokens(tx, userId)
    await endEverywhere(tx, userId, but)
  },
)

/**
 * Sets a password by a link of a mail, and signs out everywhere. If the address was not proven before, the second
 * factors go as well: they may be those of somebody who took the address before its owner came.
 * @throws Fault `invalid_link`
 */
export const resetPassword = procedure(
  'identity.resetPassword',
  async (tx: Tx, { hash, to }: { hash: string; to: string }): Promise<{ email: string }> => {
    const { userId, email } = await takeMailToken(tx, hash, ['reset'])
    const user = await tx.get<{ email_verified_at: number | null }>(
      'SELECT email_verified_at FROM users WHERE id = ? AND email = ?',
      [userId, email],
    )
    if (!user) throw fault('invalid_link')
    if (user.email_verified_at === null) {
      await eraseTotp(tx, userId)
      await dropPasskeys(tx, userId)
    }
    await tx.run(
      'UPDATE users SET password_hash = ?, email_verified_at = COALESCE(email_verified_at, ?) WHERE id = ?',
      [to, tx.now, userId],
    )
    await endMailTokens(tx, userId)
    await endEverywhere(tx, userId, null)
    return { email }
  },
)

/**
 * Confirms an address by a link of a mail: the account's own, or the one it is to have from now on.
 * @returns the address, and the one before where it changed
 * @throws Fault `invalid_link`, also when the address has got another account meanwhile
 */
export const verifyEmail = procedure(
  'identity.verifyEmail',
  async (tx: Tx, { hash }: { hash: string }): Promise<{ email: string; before: string | null }> => {
    const { userId, email, purpose } = await takeMailToken(tx, hash, ['verify', 'change'])
    const user = await tx.get<{ email: string }>('SELECT email FROM users WHERE id = ?', [userId])
    if (!user || (purpose === 'verify' && user.email !== email)) throw fault('invalid_link')
    if (user.email === email) {
      await tx.run('UPDATE users SET email_verified_at = ? WHERE id = ?', [tx.now, userId])
      return { email, before: null }
    }
    if (await tx.get('SELECT id FROM users WHERE email = ?', [email])) throw fault('invalid_link')
    await tx.run('UPDATE users SET email = ?, email_verified_at = ?, version = version + 1 WHERE id = ?', [
      email,
      tx.now,
      userId,
    ])
    await endMailTokens(tx, userId)
    await rewriteProfile(tx, userId)
    return { email, before: user.email }
  },
)
