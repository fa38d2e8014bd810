// "Is it really you?", asked again before what would be hard to undo.
// owns: what counts as an answer, and how long it counts. never: the change that asked for it.
// always true: an answer marks the one session that gave it.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { StepUp } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { passkeysOf, verifyPasskey } from './passkeys.ts'
import { passwordMatches } from './passwords.ts'
import { markRecent, RECENT_MS, requireSession, type Session } from './sessions.ts'
import { hasTotp, secondFactor } from './totp.ts'
import { credentialsOf } from './users.ts'

/**
 * The session of a route that needs a fresh proof.
 * @throws Fault `step_up_required` (details.methods), and those of requireSession
 */
export async function requireRecent(deps: Deps, request: FastifyRequest, reply: FastifyReply): Promise<Session> {
  const session = await requireSession(deps, request, reply)
  if (session.recentAt + RECENT_MS > deps.now()) return session
  throw fault('step_up_required', { details: { methods: await methodsOf(deps, session.userId) } })
}

async function methodsOf(deps: Deps, userId: string): Promise<string[]> {
  const [totp, passkeys] = [await hasTotp(deps.db, userId), await passkeysOf(deps.db, userId)]
  return ['password', ...(totp ? ['totp'] : []), ...(passkeys.length > 0 ? ['passkey'] : [])]
}

/**
 * Marks a session as recent by a password, a code or a passkey.
 * @returns until when, in milliseconds
 * @throws Fault `bad_request`, `invalid_credentials`, `invalid_second_factor`, `invalid_passkey`, `rate_limit_exceeded`
 */
export async function stepUp(deps: Deps, session: Session, given: z.infer<typeof StepUp>): Promise<number> {
  if (Object.values(given).filter((value) => value !== undefined).length !== 1)
    throw fault('bad_request', { message: 'Give one of password, totp and passkey.' })
  const { userId, email } = session
  if (given.password !== undefined) {
    const found = await credentialsOf(deps.db, email)
    if (!(await passwordMatches(given.password, found?.password_hash ?? null))) throw fault('invalid_credentials')
  } else if (given.totp !== undefined) {
    if ((await secondFactor(deps, userId, { totp: given.totp })) === null) throw fault('invalid_second_factor')
  } else if (given.passkey !== undefined) {
    await verifyPasskey(deps, given.passkey, { id: userId, session: session.tokenHash })
  }
  await deps.db.tx(markRecent, { tokenHash: session.tokenHash })
  return deps.now() + RECENT_MS
}
