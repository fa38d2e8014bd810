// Leaving, with everything or without.
// owns: the mapping from HTTP to verbs. never: a rule of its own.
// always true: deleting asks for a fresh proof of who is asking.

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { AccountDelete } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { body } from '../http.ts'
import type { Directory } from '../identity/directory.ts'
import { sendNotice } from '../identity/mails.ts'
import { listDevices } from '../identity/security.ts'
import { requireSession, setSessionCookie } from '../identity/sessions.ts'
import { requireRecent } from '../identity/step-up.ts'
import { exportOf } from './export.ts'
import { leave } from './leave.ts'

export function leavingRoutes(app: FastifyInstance, deps: Deps, directory: Pick<Directory, 'client'>): void {
  app.get('/account/export', async (request, reply) => {
    const session = await requireSession(deps, request, reply)
    const sessions = await listDevices(deps, directory, session)
    return reply
      .type('application/json; charset=utf-8')
      .header('content-disposition', 'attachment; filename="quota-wallet-account.json"')
      .send(Readable.from(exportOf(deps, session.userId, sessions)))
  })

  app.delete('/account', async (request, reply) => {
    const { userId } = await requireRecent(deps, request, reply)
    const { forfeit = 0 } = body(AccountDelete, request)
    const { email } = await deps.db.tx(leave, { userId, forfeit })
    sendNotice(deps, email, 'account_deleted')
    setSessionCookie(deps, reply, null)
    return { deleted: true }
  })
}
