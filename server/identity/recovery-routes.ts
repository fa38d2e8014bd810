// Routes that answer for a mailbox: a lost password, and proving an address.
// owns: the mapping from HTTP to verbs, and their rates. never: a rule of its own.
// always true: whether an address has an account is told to its mailbox alone; the reply neither says it nor waits for it.

import type { FastifyInstance } from 'fastify'
import { EmailChange, EmailVerify, ResetConfirm, ResetRequest } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { tokenHash } from '../seal.ts'
import { mailTokenStands } from './mail-tokens.ts'
import { behind, makeAndSend, sendLink, sendNotice, sendTaken } from './mails.ts'
import { resetPassword, verifyEmail } from './password.ts'
import { hashPassword } from './passwords.ts'
import { countByAccount, countByAddress, type Rate } from './rates.ts'
import { notFromStrangers, requireSession } from './sessions.ts'
import { requireRecent } from './step-up.ts'
import { checkedEmail, checkedPassword, credentialsOf, isVerified } from './users.ts'

const RESET: Rate = { name: 'reset', perMinute: 3 }
const LINK: Rate = { name: 'link', perMinute: 5 }
const MAIL: Rate = { name: 'mail', perMinute: 3 }

export function recoveryRoutes(app: FastifyInstance, deps: Deps): void {
  const mailing = () => {
    if (deps.mail.by === null) throw fault('mail_unavailable')
  }

  app.post('/auth/reset', async (request, reply) => {
    await countByAddress(deps, request, reply, RESET)
    notFromStrangers(deps, request)
    mailing()
    const email = checkedEmail(body(ResetRequest, request).email)
    await countByAccount(deps, email, reply, RESET)
    behind(deps, 'a reset', async () => {
      const found = await credentialsOf(deps.db, email)
      if (found) await makeAndSend(deps, { userId: found.id, email, purpose: 'reset' })
    })
    return reply.code(202).send({ sent: true })
  })

  app.post('/auth/reset/confirm', async (request, reply) => {
    await countByAddress(deps, request, reply, LINK)
    notFromStrangers(deps, request)
    const { token, password } = body(ResetConfirm, request)
    checkedPassword(password)
    // No hash is made for a link that would not work; its own bits are beyond guessing.
    if (!(await mailTokenStands(deps.db, token, 'reset', deps.now()))) throw fault('invalid_link')
    const { email } = await deps.db.tx(resetPassword, { hash: tokenHash(token), to: await hashPassword(password) })
    sendNotice(deps, email, 'password_reset')
    return { changed: true }
  })

  app.post('/auth/verify', async (request, reply) => {
    await countByAddress(deps, request, reply, LINK)
    notFromStrangers(deps, request)
    const { email, before } = await deps.db.tx(verifyEmail, { hash: tokenHash(body(EmailVerify, request).token) })
    if (before !== null) sendNotice(deps, before, 'email_changed')
    return { email }
  })

  app.post('/account/email/verify', async (request, reply) => {
    const { userId, email } = await requireSession(deps, request, reply)
    await countByAccount(deps, userId, reply, MAIL)
    mailing()
    if (await isVerified(deps.db, userId)) throw fault('already_set')
    sendLink(deps, { userId, email, purpose: 'verify' })
    return reply.code(202).send({ sent: true })
  })

  app.post('/account/email', async (request, reply) => {
    const { userId } = await requireRecent(deps, request, reply)
    await countByAccount(deps, userId, reply, MAIL)
    mailing()
    const email = checkedEmail(body(EmailChange, request).email)
    behind(deps, 'a change of address', async () => {
      if (await credentialsOf(deps.db, email)) await sendTaken(deps, email)
      else await makeAndSend(deps, { userId, email, purpose: 'change' })
    })
    return reply.code(202).send({ sent: true })
  })
}
