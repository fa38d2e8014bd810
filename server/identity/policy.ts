// When a person is asked, and what may be asked for.
// owns: the interaction policy as prompts and checks, the scopes. never: answering for a person.
// always true: every code has a grant of its own, so that ending one sign-in ends no other device's.

import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { Connection } from '../contract/records.ts'
import { type ClientRecord, type Directory, WALLET_CLIENT_ID } from './directory.ts'

export const SCOPES = [
  'openid',
  'profile',
  'email',
  'offline_access',
  'credits.read',
  'credits.spend',
  'wallet',
] as const
const { Check } = interactionPolicy

/** login, then consent, then (asking nobody) a grant for the code that is about to be made. */
export function promptsFor(directory: Directory, publicUrl: string): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base()
  const login = policy.get('login')
  const consent = policy.get('consent')
  if (!login || !consent) throw new Error('oidc-provider has other prompts than login and consent')
  login.checks.add(
    new Check('desktop_sign_in', 'the person has to be present', 'interaction_required', (ctx) => {
      const { client, params, result } = ctx.oidc
      // Any program on a machine can listen on a loopback port: a code goes there only after somebody pressed a button.
      return (
        client?.clientId === WALLET_CLIENT_ID &&
        params?.redirect_uri !== `${publicUrl}/wallet/callback` &&
        !result?.login
      )
    }),
  )
  // Replaced by `unproven_client`: our clients are all "native" to the library, for the free port of loopback.
  consent.checks.remove('native_client_prompt')
  consent.checks.add(
    new Check('unproven_client', 'the identity of the client cannot be assured', 'consent_required', (ctx) => {
      const { client, params, result } = ctx.oidc
      if (!client || client.clientId === WALLET_CLIENT_ID || result?.consent) return false
      return client.clientAuthMethod === 'none' && !String(params?.redirect_uri ?? '').startsWith('https:') // RFC 8252, 8.6
    }),
  )
  consent.checks.add(
    new Check('no_connection', 'the person has not agreed to these terms', 'consent_required', async (ctx) => {
      const { client, account, result, requestParamScopes } = ctx.oidc
      if (!client || !account || client.clientId === WALLET_CLIENT_ID || result?.consent) return false
      const record = await directory.client(client.clientId)
      if (!record) return true
      return !agreed(await directory.current(account.accountId, record.id), record, [...requestParamScopes])
    }),
  )
  policy.add(
    new interactionPolicy.Prompt(
      { name: 'own_grant' },
      new Check('own_grant', 'never asks', async (ctx) => ownGrant(ctx)),
    ),
  )
  return policy
}

/** Whether a standing connection covers these scopes at today's markup. Paused ones do: pausing stops calls, not consent. */
export function agreed(current: Connection | null, client: ClientRecord, scopes: readonly string[]): boolean {
  if (!current || !(current.status === 'active' || current.status === 'paused')) return false
  const covered = scopes.every((scope) => scope === 'offline_access' || current.scopes.includes(scope))
  return covered && client.markup_bps <= current.markup_bps
}

// Runs last, and only when nobody has to be asked. A grant that an answer has just made is this code's already.
async function ownGrant(ctx: KoaContextWithOIDC): Promise<boolean> {
  const { account, client, grant, provider, requestParamOIDCScopes, result, session } = ctx.oidc
  if (!account || !client || !grant || !session || result?.consent) return Check.NO_NEED_TO_PROMPT
  const own = new provider.Grant({ accountId: account.accountId, clientId: client.clientId })
  own.addOIDCScope(grant.getOIDCScopeFiltered(requestParamOIDCScopes))
  await own.save()
  ctx.oidc.entity('Grant', own)
  session.ensureClientContainer(client.clientId)
  session.grantIdFor(client.clientId, own.jti)
  return Check.NO_NEED_TO_PROMPT
}

/** The wallet is ours and needs no consent; any other client needs the grant of this browser's last consent. */
export async function loadGrant(ctx: KoaContextWithOIDC) {
  const { account, client, provider, result, session } = ctx.oidc
  if (!client || !account) return undefined
  const grantId = result?.consent?.grantId ?? session?.grantIdFor(client.clientId)
  const found = grantId ? await provider.Grant.find(grantId) : undefined
  if (found?.accountId === account.accountId) return found
  if (client.clientId !== WALLET_CLIENT_ID) return undefined
  const grant = new provider.Grant({ accountId: account.accountId, clientId: client.clientId })
  grant.addOIDCScope('openid wallet')
  return grant
}

/**
 * Looks at the scopes as they were sent: oidc-provider has dropped the ones it does not know by now.
 * @throws InvalidScope for a scope we do not have, or for none at all (RFC 6749, 3.3)
 */
export function checkScopes(ctx: KoaContextWithOIDC): void {
  const sent = ctx.oidc.route === 'authorization' ? ctx.query.scope : ctx.oidc.body?.scope
  const unknown = words(sent).find((scope) => !(SCOPES as readonly string[]).includes(scope))
  if (unknown !== undefined) throw new errors.InvalidScope('requested scope is unknown', unknown)
  if (words(ctx.oidc.params?.scope).length === 0) throw new errors.InvalidScope('a scope is required', '')
}

function words(scope: unknown): string[] {
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []
}
