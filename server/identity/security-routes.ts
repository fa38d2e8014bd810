// Routes of a signed-in person's password, second factors and devices.
// owns: the mapping from HTTP to verbs, and their rates. never: a rule of its own.
// always true: what could lock the owner out, or let somebody else in, asks for a fresh proof.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PasskeyAdd, PasswordChange, StepUp, TotpConfirm } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { endDevice } from './devices.ts'
import type { Directory } from './directory.ts'
import { sendNotice } from './mails.ts'
import { passkeysOf, register, registrationOptions, removePasskey, stepUpOptions } from './passkeys.ts'
import { changePassword } from './password.ts'
import { hashPassword, passwordMatches } from './passwords.ts'
import { countByAccount, TRY_PER_MINUTE } from './rates.ts'
import { listDevices, recentUntil, securityOf } from './security.ts'
import { requireSession, type Session, setSessionCookie } from './sessions.ts'
import { requireRecent, stepUp } from './step-up.ts'
import { confirmTotp, newRecoveryCodes, removeTotp, startTotp } from './totp.ts'
import { checkedName, checkedPassword, credentialsOf } from './users.ts'

type OfId = { Params: { id: string } }

export function securityRoutes(app: FastifyInstance, deps: Deps, directory: Pick<Directory, 'client'>): void {
  app.get('/account/security', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    const secured = await securityOf(deps, session.userId)
    return { email: session.email, ...secured, recent_until: recentUntil(deps, session) }
  })

  app.post('/account/step-up/options', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    return { options: await stepUpOptions(deps, ownerOf(session)) }
  })

  app.post('/account/step-up', async (request, reply) => {
    const session = await tried(deps, request, reply, 'step-up')
    const until = await stepUp(deps, session, body(StepUp, request))
    return { recent_until: new Date(until).toISOString() }
  })

  app.post('/account/password', async (request, reply) => {
    const session = await requireRecent(deps, request, reply)
    await countByAccount(deps, session.userId, reply, { name: 'password', perMinute: TRY_PER_MINUTE })
    const { current_password, password } = body(PasswordChange, request)
    checkedPassword(password)
    const found = await credentialsOf(deps.db, session.email)
    if (!(await passwordMatches(current_password, found?.password_hash ?? null)) || !found)
      throw fault('invalid_credentials', { message: 'The current password is wrong.', param: 'current_password' })
    const to = await hashPassword(password)
    const { userId, tokenHash, device } = session
    await deps.db.tx(changePassword, { userId, from: found.password_hash, to, but: { tokenHash, device } })
    sendNotice(deps, session.email, 'password_changed')
    return { changed: true }
  })

  deviceRoutes(app, deps, directory)
  totpRoutes(app, deps)
  passkeyRoutes(app, deps)
}

function deviceRoutes(app: FastifyInstance, deps: Deps, directory: Pick<Directory, 'client'>): void {
  app.get('/account/sessions', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    return { sessions: await listDevices(deps, directory, session) }
  })

  app.delete<OfId>('/account/sessions/:id', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    const { id } = request.params
    if (!(await deps.db.tx(endDevice, { userId: session.userId, id }))) throw fault('not_found')
    if (id === session.device) setSessionCookie(deps, reply, null)
    return { signed_out: true }
  })
}

function totpRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/account/totp', async (request, reply) => {
    const { userId, email } = await requireRecent(deps, request, reply)
    return startTotp(deps, { id: userId, email })
  })

  app.post('/account/totp/confirm', async (request, reply) => {
    const { userId, email } = await requireRecent(deps, request, reply)
    await countByAccount(deps, userId, reply, { name: 'totp-confirm', perMinute: TRY_PER_MINUTE })
    const recovery_codes = await confirmTotp(deps, userId, body(TotpConfirm, request).totp)
    sendNotice(deps, email, 'totp_added')
    return { recovery_codes }
  })

  app.delete('/account/totp', async (request, reply) => {
    const { userId, email } = await requireRecent(deps, request, reply)
    await deps.db.tx(removeTotp, { userId })
    sendNotice(deps, email, 'totp_removed')
    return { removed: true }
  })

  app.post('/account/recovery-codes', async (request, reply) => {
    const { userId } = await requireRecent(deps, request, reply)
    return { recovery_codes: await newRecoveryCodes(deps, userId) }
  })
}

function passkeyRoutes(app: FastifyInstance, deps: Deps): void {
  app.post('/account/passkeys/options', async (request, reply) => {
    const session = await requireRecent(deps, request, reply)
    return { options: await registrationOptions(deps, ownerOf(session)) }
  })

  app.post('/account/passkeys', async (request, reply) => {
    const session = await requireRecent(deps, request, reply)
    const { name, passkey } = body(PasskeyAdd, request)
    const id = await register(deps, ownerOf(session), checkedName(name), passkey)
    sendNotice(deps, session.email, 'passkey_added')
    return reply.code(201).send((await passkeysOf(deps.db, session.userId)).find((key) => key.id === id))
  })

  app.delete<OfId>('/account/passkeys/:id', async (request, reply) => {
    const { userId, email } = await requireRecent(deps, request, reply)
    await deps.db.tx(removePasskey, { userId, id: request.params.id })
    sendNotice(deps, email, 'passkey_removed')
    return { removed: true }
  })
}

// --- below: how ------------------------------------------------------------------------------------------------------

/** The session of a route where something can be guessed. */
async function tried(deps: Deps, request: FastifyRequest, reply: FastifyReply, name: string): Promise<Session> {
  const session = await requireSession(deps, request, reply)
  await countByAccount(deps, session.userId, reply, { name, perMinute: TRY_PER_MINUTE })
  return session
}

function ownerOf({ userId, email, tokenHash }: Session) {
  return { id: userId, email, session: tokenHash }
}
