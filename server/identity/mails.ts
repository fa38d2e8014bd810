// What people are written about their account.
// owns: the words, and the sending behind a reply. never: a password, a code in a mail.
// always true: a reply never waits for a mail, so its time does not tell whether one was sent.

import type { Deps } from '../deps.ts'
import { freshMailToken, keepMailToken, type Purpose } from './mail-tokens.ts'

type Notice =
  | 'password_changed'
  | 'password_reset'
  | 'totp_added'
  | 'totp_removed'
  | 'passkey_added'
  | 'passkey_removed'
  | 'recovery_code_used'
  | 'email_changed'
  | 'account_deleted'

const NOTICES: Record<Notice, [subject: string, text: string]> = {
  password_changed: ['Your password was changed', 'Your password was changed, and your other devices were signed out.'],
  password_reset: [
    'Your password was reset',
    'Your password was set anew by a link in a mail, and all devices were signed out.',
  ],
  totp_added: ['An authenticator app was added', 'Signing in now asks for a code of your authenticator app.'],
  totp_removed: ['The authenticator app was removed', 'Signing in no longer asks for a code of an authenticator app.'],
  passkey_added: ['A passkey was added', 'A passkey was added to your account. It signs in without your password.'],
  passkey_removed: ['A passkey was removed', 'A passkey was removed from your account.'],
  recovery_code_used: [
    'A recovery code was used',
    'Somebody signed in with your password and one of your recovery codes.',
  ],
  email_changed: [
    'Your e-mail address was changed',
    'Your account now has another e-mail address. This one is no longer used.',
  ],
  account_deleted: ['Your account was deleted', 'Your account was deleted, as you asked.'],
}

const PAGES: Record<Purpose, string> = { verify: 'verify', change: 'verify', reset: 'reset' }
const LETTERS: Record<Purpose, [subject: string, why: string, otherwise: string]> = {
  verify: [
    'Confirm your e-mail address',
    'Open this link to confirm that this address is yours:',
    'If you did not create an account, leave the link alone: somebody mistyped their address.',
  ],
  change: [
    'Confirm your new e-mail address',
    'Open this link to use this address for your account from now on:',
    'If you did not ask for this, leave the link alone: nothing changes without it.',
  ],
  reset: [
    'Set a new password',
    'Open this link to set a new password:',
    'If you did not ask for this, leave the link alone: your password stays as it is.',
  ],
}

/** Does something after the reply; a failure is logged, without what it was about. */
export function behind(deps: Pick<Deps, 'log'>, what: string, work: () => Promise<unknown>): void {
  setImmediate(() => {
    work().catch((error) => deps.log.warn({ err: String(error) }, what))
  })
}

/** Makes a link and sends it, behind the reply. */
export function sendLink(deps: Deps, to: { userId: string; email: string; purpose: Purpose }): void {
  behind(deps, 'a mail with a link', () => makeAndSend(deps, to))
}

/** As sendLink, when one is behind a reply already. */
export async function makeAndSend(
  deps: Deps,
  { userId, email, purpose }: { userId: string; email: string; purpose: Purpose },
): Promise<void> {
  const { token, hash } = freshMailToken()
  if (!(await deps.db.tx(keepMailToken, { hash, userId, purpose, email }))) return
  const [subject, why, otherwise] = LETTERS[purpose]
  const link = `${deps.publicUrl}/wallet/${PAGES[purpose]}?token=${token}`
  const text = `Hello,\n\n${why}\n\n${link}\n\nIt works once, within an hour.\n${otherwise}\n\nQuota Wallet\n${deps.publicUrl}\n`
  await deps.mail.send({ to: email, subject: `Quota Wallet: ${subject}`, text })
}

/** Tells a person what happened to their account, behind the reply. */
export function sendNotice(deps: Deps, email: string, notice: Notice): void {
  const [subject, what] = NOTICES[notice]
  const text = `Hello,\n\n${what}\n\nIf this was not you, set a new password at once:\n${deps.publicUrl}/wallet/reset\n\nQuota Wallet\n${deps.publicUrl}\n`
  behind(deps, 'a mail about the account', () =>
    deps.mail.send({ to: email, subject: `Quota Wallet: ${subject}`, text }),
  )
}

/** Tells somebody who has an account that an address was to be set that is theirs already, behind the reply. */
export async function sendTaken(deps: Deps, email: string): Promise<void> {
  const text = `Hello,\n\nSomebody wanted to use this address for another account. It has one already, so nothing was changed.\n\nQuota Wallet\n${deps.publicUrl}\n`
  await deps.mail.send({ to: email, subject: 'Quota Wallet: This address has an account', text })
}
