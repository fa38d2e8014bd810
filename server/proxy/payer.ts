// Who pays for a metered call: the contract's four billing modes as one function.
// owns: the choice of payer. never: whether the payer can afford it (hold.ts).
// always true: an app's key reaches only users of that app; unknown and unlinked users look the same.

import type { FastifyRequest } from 'fastify'
import { appById } from '../connections/apps.ts'
import { termsOf } from '../connections/connections.ts'
import { type KeyCaller, requireCaller, requireScope, type TokenCaller } from '../connections/credentials.ts'
import { findLinked, findPayer } from '../connections/external.ts'
import { ExternalUserId } from '../contract/records.ts'
import { keeping } from '../db/keeping.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { headerText } from '../http.ts'
import { account } from '../ledger/chart.ts'
import { ended, type Payer } from './hold.ts'

/**
 * @param inPath the external user named in the path, or null for a bare route
 * @throws Fault 401, 403 insufficient_scope / connection_paused, 400 user_required / bad_request, 404 user_not_found, 429
 */
export async function payerOf(deps: Deps, request: FastifyRequest, inPath: string | null): Promise<Payer> {
  const caller = await requireCaller(deps, request, 'key', 'token')
  const inHeader = request.headers['x-quota-user']
  if (inHeader !== undefined && (inPath !== null || Array.isArray(inHeader))) {
    throw fault('bad_request', { message: 'Name the user once.', param: 'X-Quota-User' })
  }
  if (caller.kind === 'token') return tokenPayer(deps, caller, inPath ?? inHeader ?? null)
  return keyPayer(deps, caller, inPath, inHeader === undefined ? undefined : headerText(String(inHeader)))
}

async function tokenPayer(deps: Deps, caller: TokenCaller, named: string | null): Promise<Payer> {
  if (named !== null)
    throw fault('bad_request', { message: 'A user’s token names its user already.', param: 'X-Quota-User' })
  requireScope(caller, 'credits.spend')
  return connectionPayer(deps, { connectionId: caller.connectionId, named: false, billingMode: 'user' })
}

async function keyPayer(
  deps: Deps,
  caller: KeyCaller,
  inPath: string | null,
  inHeader: string | undefined,
): Promise<Payer> {
  const { appId, publisherId, billingMode, keyId } = caller
  const models = caller.models ? { models: caller.models } : {}
  if (billingMode === 'test' && deps.config.livemode)
    throw fault('forbidden', { message: 'A test key moves sandbox money only, and this server has real money.' })
  const named = inPath ?? inHeader
  if (named === undefined) {
    if (billingMode === 'user') throw fault('user_required')
    return {
      id: publisherId,
      account: account.user(publisherId),
      appId,
      publisherId,
      connectionId: null,
      keyId,
      billingMode,
      markupBps: 0,
      ...models,
    }
  }
  if (billingMode === 'developer')
    throw fault('bad_request', { message: 'A developer key bills its developer; it cannot name a user.' })
  if (!ExternalUserId.safeParse(named).success) throw fault('user_not_found')
  const facts = keeping(deps.db)
  const found = inPath === null ? await findLinked(facts, appId, named) : await findPayer(facts, appId, named)
  if (found.kind === 'user')
    return connectionPayer(deps, { connectionId: found.connectionId, keyId, named: true, billingMode })
  const app = await appById(facts, appId)
  if (!app) throw fault('user_not_found')
  return {
    id: found.feed,
    account: found.account,
    appId,
    publisherId,
    connectionId: null,
    keyId,
    billingMode,
    markupBps: app.markup_bps,
    ...models,
  }
}

type Through = Required<Pick<Payer, 'named' | 'billingMode'>> & Pick<Payer, 'keyId'> & { connectionId: string }

async function connectionPayer(deps: Deps, through: Through): Promise<Payer> {
  const terms = await termsOf(keeping(deps.db), through.connectionId, deps.now())
  if (!terms || terms.status === 'revoked' || terms.status === 'expired') throw ended(through)
  // A token says its scopes itself; a link may do what the person agreed to.
  if (through.named && !terms.scopes.includes('credits.spend')) throw fault('insufficient_scope')
  const { userId, appId, publisherId, markupBps } = terms
  return { ...through, id: userId, account: account.user(userId), appId, publisherId, markupBps }
}
