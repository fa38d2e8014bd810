// Hosted token storage: what an app holds of a person without holding a token.
// owns: the commit that turns a code into a link. never: an OAuth token; another app's users.
// always true: a code becomes one link or none; who is refused has used nothing up.
//
// No token is kept here, sealed or not. Every token of ours would be issued by this server to this server, and could do
// only what the link says anyway: this app, for this person, within this connection. A link has nothing that could be
// stolen, expires by the connection's own rules, needs no refresh, and is gone in the commit that ends the connection.

import { appByClientId } from '../connections/apps.ts'
import { lockConnection } from '../connections/caps.ts'
import { connectionBetween } from '../connections/connections.ts'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { type Link, linkExternal } from '../grants/give.ts'
import type { Directory, HostedCode } from '../identity/directory.ts'
import { consumeModel } from '../identity/models.ts'

/** The part of identity's port `Directory` that links. */
export function linksOf({ db }: Pick<Deps, 'db'>): Pick<Directory, 'link'> {
  return {
    link: async ({ codeId, userId, clientId, externalUserId }: HostedCode) => {
      const app = await appByClientId(db, clientId)
      const connection = app && (await connectionBetween(db, userId, app.id))
      if (!app || !connection) throw fault('not_found')
      return db.tx(linkByCode, { codeId, appId: app.id, externalUserId, userId, connectionId: connection.id })
    },
  }
}

/**
 * Uses up a code and links. On null the code had been used; what the first use made stands.
 * @throws Fault `external_user_taken`, `not_found`: nothing is written, and the code is still good
 */
const linkByCode = procedure(
  'vault.link',
  async (tx: Tx, { codeId, ...link }: Link & { codeId: string }): Promise<{ externalUserId: string } | null> => {
    await lockConnection(tx, link.connectionId) // before the code's rows, as a revoke does
    if (!(await consumeModel.run(tx, { id: codeId }))) return null
    return linkExternal.run(tx, link)
  },
)
