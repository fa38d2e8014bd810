// A code exchanged for a link instead of tokens: `storage_mode=hosted` at the token endpoint.
// owns: the reading of storage_mode and external_user_id, and the answer. never: the link itself (the directory makes it).
// always true: where an access token would have been stored, the link is made, in the commit that uses up the code; such
// an exchange stores no token and tells none.
//
// oidc-provider has no hook between "the code is good" and "a token is saved", so three methods of its models are
// wrapped, as provider.ts does with a client's secret. Everything before them - the client's secret, the code, PKCE,
// redirect_uri, the person's grant - is checked by the library exactly as for tokens.

import { errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { ExternalUserId } from '../contract/records.ts'
import { isFault } from '../faults.ts'
import { reading } from './adapter.ts'
import type { Directory } from './directory.ts'
import { modelId } from './models.ts'

/** `externalUserId` null: the server assigns one. */
type Asked = { ctx: KoaContextWithOIDC; externalUserId: string | null }

const CODE_GRANT = 'authorization_code'
/** The links made, by the request that made them. */
const made = new WeakMap<object, { externalUserId: string }>()

/** Teaches the token endpoint to link. */
export function addHostedExchange(provider: Provider, directory: Pick<Directory, 'link'>): void {
  const { AuthorizationCode, RefreshToken, DeviceCode, AccessToken } = provider
  for (const Source of [AuthorizationCode, RefreshToken, DeviceCode]) {
    const consume = Source.prototype.consume
    Source.prototype.consume = async function consumeUnlessHosted(): Promise<void> {
      // A code that is exchanged for a link is used up in the commit that makes the link.
      if (!asked()) await consume.call(this)
    }
  }
  const saveAccess = AccessToken.prototype.save
  AccessToken.prototype.save = async function saveOrLink(): Promise<string> {
    const request = asked()
    if (!request) return saveAccess.call(this)
    made.set(request.ctx, await link(directory, request))
    return 'linked'
  }
  const saveRefresh = RefreshToken.prototype.save
  RefreshToken.prototype.save = async function saveUnlessHosted(): Promise<string> {
    return asked() ? 'linked' : saveRefresh.call(this)
  }
  provider.use((ctx, next) => answerWithLink(ctx as KoaContextWithOIDC, next))
}

/**
 * What this token request asks for; null when it is tokens.
 * @throws InvalidRequest, UnauthorizedClient (RFC 6749, 5.2)
 */
function asked(): Asked | null {
  const ctx = Provider.ctx
  if (ctx?.oidc.route !== 'token') return null
  const { storage_mode: mode, external_user_id: name } = (ctx.oidc.body ?? {}) as Record<string, unknown>
  if (mode === undefined || mode === 'client') return null
  if (mode !== 'hosted') throw new errors.InvalidRequest('storage_mode is "hosted" or "client", once')
  if (ctx.oidc.params?.grant_type !== CODE_GRANT)
    throw new errors.InvalidRequest('storage_mode goes with an authorization code')
  if (ctx.oidc.client?.clientAuthMethod === 'none')
    throw new errors.UnauthorizedClient('storage_mode=hosted is for confidential clients')
  // There would be no token to bind (RFC 9449, 5).
  if (ctx.get('dpop') !== '') throw new errors.InvalidRequest('storage_mode=hosted and DPoP exclude each other')
  if (name === undefined) return { ctx, externalUserId: null }
  const checked = ExternalUserId.safeParse(name)
  if (!checked.success)
    throw new errors.InvalidRequest('external_user_id is 1 to 256 printable characters, given once; or left out')
  return { ctx, externalUserId: checked.data }
}

async function link(
  directory: Pick<Directory, 'link'>,
  { ctx, externalUserId }: Asked,
): Promise<{ externalUserId: string }> {
  const { AuthorizationCode: code } = ctx.oidc.entities
  if (!code?.accountId || !code.clientId) throw new errors.InvalidGrant('the code is nobody’s')
  const { accountId: userId, clientId } = code
  const codeId = modelId('AuthorizationCode', code.jti)
  const linked = await reading(() => directory.link({ codeId, userId, clientId, externalUserId })).catch((error) => {
    throw refusal(error)
  })
  if (!linked) throw new errors.InvalidGrant('authorization code was used before')
  return linked
}

function refusal(error: unknown): unknown {
  if (!isFault(error)) return error
  if (error.code === 'not_found') return new errors.InvalidGrant('the person has ended the connection')
  if (error.code !== 'external_user_taken') return error
  // Not an error of RFC 6749: the contract's own code in the RFC's shape, with the status of a conflict.
  const taken = new errors.CustomOIDCProviderError(error.code, error.message)
  return Object.assign(taken, { status: 409, statusCode: 409 })
}

async function answerWithLink(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  const linked = made.get(ctx)
  if (!linked || ctx.status !== 200) return
  const { scope } = ctx.body as { scope: string }
  ctx.body = { external_user_id: linked.externalUserId, storage_mode: 'hosted', scope }
}
