// Routes of accounts, sessions, sign-in and consent.
// owns: the mapping from HTTP to verbs, and their rates. never: a rule of its own.
// always true: signing in takes as long for nobody as for somebody, and says the same.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Provider } from 'oidc-provider'
import type { z } from 'zod'
import { AccountPatch, Credentials, LoginRequest, PasskeySignIn } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { account } from '../ledger/chart.ts'
import { money } from '../ledger/ledger.ts'
import { sweepDevices } from './devices.ts'
import type { Directory } from './directory.ts'
import { type Asking, answerInteraction, parseAnswer, readInteraction } from './interaction.ts'
import { sweepMailTokens } from './mail-tokens.ts'
import { sendLink, sendNotice } from './mails.ts'
import { sweepIdentity } from './models.ts'
import { mountProvider } from './mount.ts'
import { signInOptions, verifyPasskey } from './passkeys.ts'
import { hashPassword, passwordMatches } from './passwords.ts'
import { ASKED_COOKIE, OP_COOKIES, type Serving, serveProvider } from './provider.ts'
import { countByAccount, countByAddress, type Rate, TRY_PER_MINUTE } from './rates.ts'
import { recoveryRoutes } from './recovery-routes.ts'
import { securityRoutes } from './security-routes.ts'
import {
  beginSession,
  cookieOf,
  countSession,
  endSession,
  findSession,
  freshSession,
  fromOwnPages,
  notFromStrangers,
  requireSession,
  setDeviceCookie,
  setSessionCookie,
} from './sessions.ts'
import { secondFactor } from './totp.ts'
import {
  checkedEmail,
  checkedPassword,
  credentialsOf,
  isVerified,
  patchProfile,
  personById,
  profileOf,
  registerPerson,
} from './users.ts'

const REGISTER: Rate = { name: 'register', perMinute: 3 }
const LOGIN: Rate = { name: 'login', perMinute: TRY_PER_MINUTE }
const PASSKEY: Rate = { name: 'passkey', perMinute: TRY_PER_MINUTE }
const PASSKEY_OPTIONS: Rate = { name: 'passkey-options', perMinute: 20 }
const SWEEP_EVERY_MS = 60_000
/** How soon every process signs with a new key, and publishes one. */
const KEYS_EVERY_MS = 10_000

/** Adds identity's routes; makes the authorization server's keys on the first start. */
export async function identityRoutes(app: FastifyInstance, deps: Deps, directory: Directory): Promise<void> {
  const serving = await serveProvider(deps, directory)
  await mountProvider(app, deps, serving)
  signInRoutes(app, deps, serving)
  accountRoutes(app, deps)
  recoveryRoutes(app, deps)
  securityRoutes(app, deps, directory)
  interactionRoutes(app, {
    deps,
    directory,
    get provider() {
      return serving.provider
    },
  })
  const sweeping = setInterval(() => {
    for (const sweep of [sweepIdentity, sweepDevices, sweepMailTokens])
      deps.db.tx(sweep, {}).catch((error) => deps.log.warn({ err: String(error) }, 'identity sweep'))
  }, SWEEP_EVERY_MS)
  const refreshing = setInterval(() => {
    serving.refresh().catch((error) => deps.log.warn({ err: String(error) }, 'keys of identity'))
  }, KEYS_EVERY_MS)
  for (const timer of [sweeping, refreshing]) timer.unref()
  app.addHook('onClose', async () => {
    clearInterval(sweeping)
    clearInterval(refreshing)
  })
}

function signInRoutes(app: FastifyInstance, deps: Deps, serving: Serving): void {
  app.post('/auth/register', async (request, reply) => {
    const { email, password } = await credentials(deps, request, reply, REGISTER, Credentials)
    checkedPassword(password)
    const id = deps.id('user')
    const fresh = freshSession(deps, id, request)
    const passwordHash = await hashPassword(password)
    await deps.db.tx(registerPerson, {
      id,
      email,
      passwordHash,
      livemode: deps.config.livemode,
      session: fresh.session,
    })
    if (deps.mail.by !== null) sendLink(deps, { userId: id, email, purpose: 'verify' })
    return begun(deps, serving.provider, request, reply.code(201), { id, email, ...fresh })
  })

  app.post('/auth/login', async (request, reply) => {
    const { email, password, totp, recovery_code } = await credentials(deps, request, reply, LOGIN, LoginRequest)
    const found = await credentialsOf(deps.db, email)
    if (!(await passwordMatches(password, found?.password_hash ?? null)) || !found) throw fault('invalid_credentials')
    const used = await secondFactor(deps, found.id, { totp, recoveryCode: recovery_code })
    const fresh = freshSession(deps, found.id, request)
    await deps.db.tx(beginSession, fresh.session)
    if (used === 'recovery_code') sendNotice(deps, email, 'recovery_code_used')
    return begun(deps, serving.provider, request, reply, { id: found.id, email, ...fresh })
  })

  app.post('/auth/passkey/options', async (request, reply) => {
    await countByAddress(deps, request, reply, PASSKEY_OPTIONS)
    notFromStrangers(deps, request)
    return { options: await signInOptions(deps) }
  })

  app.post('/auth/passkey', async (request, reply) => {
    await countByAddress(deps, request, reply, PASSKEY)
    notFromStrangers(deps, request)
    const id = await verifyPasskey(deps, body(PasskeySignIn, request).passkey, null)
    const person = await personById(deps.db, id)
    if (!person) throw fault('invalid_passkey')
    const fresh = freshSession(deps, id, request)
    await deps.db.tx(beginSession, fresh.session)
    return begun(deps, serving.provider, request, reply, { id, email: person.email, ...fresh })
  })

  app.post('/auth/logout', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    await deps.db.tx(endSession, { tokenHash: session.tokenHash })
    await endBrowserSignIn(serving.provider, request, reply)
    setSessionCookie(deps, reply, null)
    return { success: true }
  })
}

function accountRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/auth/me', async (request, reply) => {
    const { userId, email } = await requireSession(deps, request, reply)
    return { id: userId, email, balance: await balanceOf(deps, userId) }
  })

  app.get('/account', async (request, reply) => {
    const { userId } = await requireSession(deps, request, reply)
    const profile = await profileOf(deps.db, userId)
    if (!profile) throw fault('unauthorized')
    const email_verified = await isVerified(deps.db, userId)
    return { ...profile, balance: await balanceOf(deps, userId), email_verified }
  })

  app.patch('/account', async (request, reply) => {
    const { userId } = await requireSession(deps, request, reply)
    const profile = await deps.db.tx(patchProfile, { userId, patch: body(AccountPatch, request) })
    return { ...profile, balance: await balanceOf(deps, userId) }
  })
}

type OfUid = { Params: { uid: string } }

function interactionRoutes(app: FastifyInstance, asking: Asking): void {
  const { deps } = asking
  app.get<OfUid>('/oauth/interactions/:uid', async (request, reply) => {
    const session = await findSession(deps, request)
    await countSession(deps, request, reply, session)
    return readInteraction(asking, request.params.uid, session, session?.via === 'bearer' || isBound(request))
  })

  app.post<OfUid>('/oauth/interactions/:uid', async (request, reply) => {
    const session = await findSession(deps, request)
    await countSession(deps, request, reply, session)
    const answer = parseAnswer(request.body)
    if (session?.via !== 'bearer') {
      if (!session && answer.decision !== 'deny') throw fault('unauthorized')
      fromOwnPages(deps, request)
      if (!isBound(request)) throw fault('csrf', { message: 'This request was started in another browser.' })
    }
    return answerInteraction(asking, request.params.uid, session, answer)
  })
}

function isBound(request: FastifyRequest): boolean {
  return cookieOf(request, ASKED_COOKIE) === (request.params as { uid?: string }).uid
}

// --- below: how ------------------------------------------------------------------------------------------------------

async function credentials<S extends z.ZodType<{ email: string; password: string }>>(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  rate: Rate,
  schema: S,
): Promise<z.output<S>> {
  await countByAddress(deps, request, reply, rate)
  notFromStrangers(deps, request)
  const given = body(schema, request)
  const email = checkedEmail(given.email)
  await countByAccount(deps, email, reply, rate)
  return { ...given, email }
}

async function begun(
  deps: Deps,
  provider: Provider,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, email, token, deviceKey, session }: { id: string; email: string } & ReturnType<typeof freshSession>,
) {
  await endBrowserSignIn(provider, request, reply, id)
  setSessionCookie(deps, reply, token)
  setDeviceCookie(deps, reply, deviceKey)
  return {
    user: { id, email, balance: await balanceOf(deps, id) },
    session_token: token,
    expires_at: new Date(session.expiresAt).toISOString(),
  }
}

async function balanceOf(deps: Deps, userId: string): Promise<number> {
  return (await money(deps.db, account.user(userId))).available
}

/** Ends the browser's sign-in at the authorization server, unless it is this person's own. */
async function endBrowserSignIn(
  provider: Provider,
  request: FastifyRequest,
  reply: FastifyReply,
  unlessOf?: string,
): Promise<void> {
  const id = cookieOf(request, OP_COOKIES.session)
  if (!id) return
  const session = await provider.Session.find(id)
  if (session && unlessOf !== undefined && session.accountId === unlessOf) return
  await session?.destroy()
  for (const name of [OP_COOKIES.session, `${OP_COOKIES.session}.sig`]) {
    reply.header('set-cookie', `${name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`)
  }
}
