// Who may call the routes under /admin.
// owns: the check of the operators' bearer. never: what an operator may do.
// always true: without QUOTA_ADMIN_TOKEN those routes do not exist, and a wrong bearer looks the same.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Deps } from './deps.ts'
import { fault } from './faults.ts'

/** @throws Fault `not_found` */
export function onlyOperators(deps: Pick<Deps, 'config'>, request: FastifyRequest): void {
  const token = deps.config.QUOTA_ADMIN_TOKEN
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (!token || !given) throw fault('not_found')
  const digest = (text: string) => createHash('sha256').update(text).digest()
  if (!timingSafeEqual(digest(token), digest(given))) throw fault('not_found')
}
