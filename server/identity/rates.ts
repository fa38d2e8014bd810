// How often the routes of an account may be tried.
// owns: the buckets by address and by account. never: counting (rate-limit.ts).
// always true: an account's bucket is named by what was typed, so it fills whether or not there is such an account.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../deps.ts'
import { rateLimits } from '../rate-limit.ts'

export type Rate = { name: string; perMinute: number }
/** Passwords, codes and passkeys alike. */
export const TRY_PER_MINUTE = 5

/** @throws Fault `rate_limit_exceeded` */
export function countByAddress(deps: Deps, request: FastifyRequest, reply: FastifyReply, rate: Rate): Promise<void> {
  return take(deps, reply, `${rate.name}:address:${request.ip}`, rate.perMinute)
}

/** @param account an e-mail address as it is compared, or a person's id; @throws Fault `rate_limit_exceeded` */
export function countByAccount(deps: Deps, account: string, reply: FastifyReply, rate: Rate): Promise<void> {
  return take(deps, reply, `${rate.name}:account:${account}`, rate.perMinute)
}

async function take(deps: Deps, reply: FastifyReply, key: string, perMinute: number): Promise<void> {
  await rateLimits(deps).take({ key, perMinute }, (name, value) => void reply.header(name, value))
}
