// Routes of accounts, sessions, sign-in and consent.
// owns: the mapping from HTTP to verbs, and their rates. never: a rule of its own.
// always true: signing in takes as long for nobody as for somebody, and says the same.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Provider } from 'oidc-provider'
import { AccountPatch, Credentials } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { body } from '../http.ts'
import { account } from '../ledger/chart.ts'
import { stands } from '../ledger/ledger.ts'
import { rateLimits } from '../rate-limit.ts'
import type { Directory } from './directory.ts'
import { type Asking, answerInteraction, parseAnswer, readInteraction } from './interaction.ts'
import { sweepIdentity } from './models.ts'
import { mountProvider } from './mount.ts'
import { hashPassword, passwordMatches } from './passwords.ts'
import { ASKED_COOKIE, buildProvider, OP_COOKIES } from './provider.ts'
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
  setSessionCookie,
} from './sessions.ts'
import { checkedEmail, checkedPassword, credentialsOf, patchProfile, profileOf, registerPerson } from './users.ts'

const REGISTER_PER_MINUTE = 3
const LOGIN_PER_MINUTE = 5
const SWEEP_EVERY_MS = 60_000

/** Adds identity's routes; makes the authorization server's keys on the first start. */
export async function identityRoutes(app: FastifyInstance, deps: Deps, directory: Directory): Promise<void> {
  const provider = await buildProvider(deps, directory)
  await mountProvider(app, deps, provider)
  accountRoutes(app, deps, provider)
  interactionRoutes(app, { deps, provider, directory })
  const sweeping = setInterval(() => {
    deps.db.tx(sweepIdentity, {}).catch((error) => deps.log.warn({ err: String(error) }, 'identity sweep'))
  }, SWEEP_EVERY_MS)
  sweeping.unref()
  app.addHook('onClose', async () => clearInterval(sweeping))
}

function accountRoutes(app: FastifyInstance, deps: Deps, provider: Provider): void {
  app.post('/auth/register', async (request, reply) => {
    const { email, password } = credentials(deps, request, reply, { name: 'register', perMinute: REGISTER_PER_MINUTE })
    checkedPassword(password)
    const id = deps.id('user')
    const { token, session } = freshSession(deps, id, request)
    const passwordHash = await hashPassword(password)
    await deps.db.tx(registerPerson, { id, email, passwordHash, livemode: deps.config.livemode, session })
    return begun(deps, provider, request, reply.code(201), { id, email, token, expiresAt: session.expiresAt })
  })

  app.post('/auth/login', async (request, reply) => {
    const { email, password } = credentials(deps, request, reply, { name: 'login', perMinute: LOGIN_PER_MINUTE })
    const found = await credentialsOf(deps.db, email)
    if (!(await passwordMatches(password, found?.password_hash ?? null)) || !found) throw fault('invalid_credentials')
    const { token, session } = freshSession(deps, found.id, request)
    await deps.db.tx(beginSession, session)
    return begun(deps, provider, request, reply, { id: found.id, email, token, expiresAt: session.expiresAt })
  })

  app.get('/auth/me', async (request, reply) => {
    const { userId, email } = await requireSession(deps, request, reply)
    return { id: userId, email, balance: await balanceOf(deps, userId) }
  })

  app.post('/auth/logout', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    await deps.db.tx(endSession, { tokenHash: session.tokenHash })
    await endBrowserSignIn(provider, request, reply)
    setSessionCookie(deps, reply, null)
    return { success: true }
  })

  app.get('/account', async (request, reply) => {
    const { userId } = await requireSession(deps, request, reply)
    const profile = await profileOf(deps.db, userId)
    if (!profile) throw fault('unauthorized')
    return { ...profile, balance: await balanceOf(deps, userId) }
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
    countSession(deps, request, reply, session)
    return readInteraction(asking, request.params.uid, session)
  })

  app.post<OfUid>('/oauth/interactions/:uid', async (request, reply) => {
    const session = await findSession(deps, request)
    countSession(deps, request, reply, session)
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

function credentials(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  rate: { name: string; perMinute: number },
) {
  const take = (key: string) =>
    rateLimits(deps).take(
      [{ key: `${rate.name}:${key}`, perMinute: rate.perMinute }],
      (name, value) => void reply.header(name, value),
    )
  take(`address:${request.ip}`)
  notFromStrangers(deps, request)
  const given = body(Credentials, request)
  const email = checkedEmail(given.email)
  take(`account:${email}`)
  return { email, password: given.password }
}

async function begun(
  deps: Deps,
  provider: Provider,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, email, token, expiresAt }: { id: string; email: string; token: string; expiresAt: number },
) {
  await endBrowserSignIn(provider, request, reply, id)
  setSessionCookie(deps, reply, token)
  return {
    user: { id, email, balance: await balanceOf(deps, id) },
    session_token: token,
    expires_at: new Date(expiresAt).toISOString(),
  }
}

async function balanceOf(deps: Deps, userId: string): Promise<number> {
  return (await stands(deps.db, account.user(userId))).available
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
