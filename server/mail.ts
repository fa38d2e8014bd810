// Outgoing mail.
// owns: how a mail leaves: by SMTP, or as a file of the sandbox's folder. never: what a mail says, who gets one.
// always true: a recipient is one address that was checked before; nothing of a mail is written to the log.

import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from './config.ts'

export type Mail = { to: string; subject: string; text: string }
export type Mailer = {
  /** Where mails go, for the start's log line; null when this server cannot send any. */
  readonly by: string | null
  /** Hands a mail over. @throws Error when it was not taken */
  send(mail: Mail): Promise<void>
}

const SMTP_TIMEOUT_MS = 15_000

/** SMTP where it is set, else a folder in the sandbox, else none. */
export async function makeMailer(config: Config, now: () => number): Promise<Mailer> {
  if (config.QUOTA_SMTP_URL) return smtpMailer(config.QUOTA_SMTP_URL, config.QUOTA_MAIL_FROM)
  if (!config.livemode) return folderMailer(join(config.QUOTA_DATA_DIR, 'mails'), config.QUOTA_MAIL_FROM, now)
  return { by: null, send: () => Promise.reject(new Error('no QUOTA_SMTP_URL')) }
}

async function smtpMailer(url: string, from: string): Promise<Mailer> {
  const { createTransport } = await import('nodemailer') // not loaded where no mail leaves
  const transport = createTransport(
    { url, connectionTimeout: SMTP_TIMEOUT_MS, greetingTimeout: SMTP_TIMEOUT_MS, socketTimeout: SMTP_TIMEOUT_MS },
    { from, disableFileAccess: true, disableUrlAccess: true },
  )
  return {
    by: 'SMTP',
    async send({ to, subject, text }) {
      // As an object, the address is taken as it is and never read as a list.
      await transport.sendMail({ to: { name: '', address: to }, subject, text })
    },
  }
}

/** One text file a mail, named by its time; a mail to oneself on a machine without a mail server. */
function folderMailer(folder: string, from: string, now: () => number): Mailer {
  return {
    by: folder,
    async send({ to, subject, text }) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const at = new Date(now()).toISOString()
      const name = `${at.replaceAll(':', '-')}-${randomBytes(4).toString('hex')}.txt`
      const head = `From: ${from}\nTo: ${to}\nSubject: ${subject}\nDate: ${at}\n\n`
      await writeFile(join(folder, name), `${head}${text}`, { mode: 0o600 })
    },
  }
}
