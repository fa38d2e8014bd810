// The authorization server: oidc-provider, configured as data.
// owns: its settings. never: storage, routes of ours, a decision about money.
// always true: authorization code with PKCE S256 for every client; refresh tokens rotate at every use.

import type { EventEmitter } from 'node:events'
import { type Configuration, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Deps } from '../deps.ts'
import { modelAdapter } from './adapter.ts'
import { clientAdapter, countNameless, SECRET_HASHES, secretMatches } from './clients.ts'
import { skewMs } from './clock.ts'
import { type Directory, WALLET_CLIENT_ID, walletClient } from './directory.ts'
import { isTimely, PROOF_ALGORITHMS } from './dpop.ts'
import { addHostedExchange } from './hosted.ts'
import { offerAtOnce } from './interaction.ts'
import { type IdentityKeys, identityKeys } from './keys.ts'
import { deviceConfirmPage, deviceDonePage, deviceInputPage, errorPage } from './pages.ts'
import { checkScopes, loadGrant, promptsFor, SCOPES } from './policy.ts'
import { personById } from './users.ts'

const HOUR_S = 3600
const DAY_S = 24 * HOUR_S
export const ACCESS_TOKEN_S = HOUR_S
export const CODE_S = 60
export const REFRESH_TOKEN_S = 90 * DAY_S
/** The browser's sign-in: a day from its last use, a month at most from the password. */
const OP_SESSION_S = DAY_S
const OP_SESSION_MAX_S = 30 * DAY_S
export const OP_COOKIES = { session: 'quota_op', interaction: 'quota_interaction', resume: 'quota_resume' }
/** Ties the answer to the browser that asked; see interaction.ts. */
export const ASKED_COOKIE = 'quota_asked'

export const ROUTES = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  introspection: '/oauth/introspect',
  userinfo: '/oauth/userinfo',
  pushed_authorization_request: '/oauth/par',
  device_authorization: '/oauth/device',
  code_verification: '/oauth/device/verify',
  end_session: '/oauth/logout',
  jwks: '/.well-known/jwks.json',
} as const

export type Serving = {
  /** Not to be kept: a change of keys makes a new one. */
  readonly provider: Provider
  /** Takes up the keys as they are now, whichever process changed them. */
  refresh(): Promise<void>
}

/** The provider with today's keys; makes them on the first start. What it keeps is in the store, so it can be replaced. */
export async function serveProvider(deps: Deps, directory: Directory): Promise<Serving> {
  let keys = await identityKeys(deps)
  let provider = buildProvider(deps, directory, keys)
  return {
    get provider() {
      return provider
    },
    refresh: async () => {
      const next = await identityKeys(deps)
      const same = next.jwks.keys.map(({ kid }) => kid).join() === keys.jwks.keys.map(({ kid }) => kid).join()
      if (same) return
      provider = buildProvider(deps, directory, next)
      keys = next
    },
  }
}

function buildProvider(deps: Deps, directory: Directory, { jwks, cookieKeys }: IdentityKeys): Provider {
  const wallet = walletClient(deps.publicUrl)
  const all: Directory = {
    ...directory,
    client: async (id) => (id === WALLET_CLIENT_ID ? wallet : directory.client(id)),
  }
  const provider: Provider = new Provider(deps.publicUrl, {
    ...settings(deps),
    adapter: (kind: string) => (kind === 'Client' ? clientAdapter(deps, all) : modelAdapter(deps, kind)),
    jwks: jwks as NonNullable<Configuration['jwks']>,
    cookies: cookies(cookieKeys),
    interactions: {
      policy: promptsFor(all, deps.publicUrl),
      // The person's wallet is asked beside the page, never instead of it: when that fails, the page is still there.
      url: async (ctx, asked) => {
        await offerAtOnce({ deps, provider, directory: all }, asked).catch((error) =>
          deps.log.warn({ err: String(error) }, 'a request was not shown to a wallet'),
        )
        return askedAt(ctx, asked)
      },
    },
    findAccount: (_ctx, id) => accountOf(deps, id),
  })
  provider.proxy = true // mount.ts overwrites the headers that this trusts
  provider.Client.prototype.compareClientSecret = function compare(secret: string) {
    return secretMatches(secret, (this as unknown as Record<string, string[]>)[SECRET_HASHES] ?? [])
  }
  provider.use((ctx, next) =>
    ctx.method === 'POST' && ctx.path === ROUTES.token ? countNameless(deps, ctx as KoaContextWithOIDC, next) : next(),
  )
  provider.use(plainOauth)
  provider.use(shortVerifier)
  provider.use((ctx, next) => {
    // oidc-provider would take a proof for five minutes; ours are good for one, here as on our own routes.
    if (!isTimely(deps, ctx.req.headers.dpop)) ctx.req.headers.dpop = 'a proof of another time'
    return next()
  })
  provider.use((ctx, next) => noticeLeaving(all, ctx as KoaContextWithOIDC, next))
  addHostedExchange(provider, all)
  provider.on('server_error', (ctx, error) =>
    deps.log.error({ path: ctx.path, err: { message: error.message, stack: error.stack } }, 'oauth'),
  )
  ;(provider as EventEmitter).on('error', (error: Error) =>
    deps.log.error({ err: { message: error.message, stack: error.stack } }, 'oauth'),
  )
  return provider
}

function settings(deps: Deps): Configuration {
  return {
    routes: ROUTES,
    scopes: [...SCOPES],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false, // profile and email in the id_token too, as most clients expect
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    enabledJWA: { idTokenSigningAlgValues: ['RS256'], dPoPSigningAlgValues: PROOF_ALGORITHMS },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    clientBasedCORS: (_ctx, origin, client) => corsAllowed(deps, String(origin), client),
    extraClientMetadata: { properties: [SECRET_HASHES] },
    extraParams: { cap_amount: (ctx) => checkScopes(ctx), cap_period: null },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: () => true,
    expiresWithSession: () => false,
    loadExistingGrant: loadGrant,
    ttl: {
      AccessToken: ACCESS_TOKEN_S,
      AuthorizationCode: CODE_S,
      IdToken: HOUR_S,
      RefreshToken: REFRESH_TOKEN_S,
      Grant: REFRESH_TOKEN_S,
      Interaction: HOUR_S,
      DeviceCode: 600,
      Session: (_ctx, session) => {
        const since = session.loginTs ? Math.floor((deps.now() - skewMs(deps)) / 1000) - session.loginTs : 0
        return Math.max(1, Math.min(OP_SESSION_S, OP_SESSION_MAX_S - since))
      },
    },
    features: features(),
    renderError: errorPage,
  }
}

function features(): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    // Of an access token or a refresh token alike: it ends that sign-in, and no other device's.
    revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    introspection: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
    pushedAuthorizationRequests: { enabled: true },
    dPoP: { enabled: true },
    deviceFlow: {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      userCodeInputSource: deviceInputPage,
      userCodeConfirmSource: deviceConfirmPage,
      successSource: deviceDonePage,
    },
  }
}

function cookies(keys: string[]): NonNullable<Configuration['cookies']> {
  return {
    keys,
    names: OP_COOKIES,
    long: { httpOnly: true, sameSite: 'lax', signed: true },
    short: { httpOnly: true, sameSite: 'lax', signed: true },
  }
}

function askedAt(ctx: KoaContextWithOIDC, interaction: { uid: string }): string {
  const { uid } = interaction
  ctx.cookies.set(ASKED_COOKIE, uid, {
    path: `/oauth/interactions/${uid}`,
    httpOnly: true,
    sameSite: 'strict',
    signed: false,
    overwrite: true,
  })
  return `/wallet/interaction/${uid}`
}

async function accountOf(deps: Deps, id: string) {
  const person = await personById(deps.db, id)
  if (!person) return undefined
  const name = person.name === null ? {} : { name: person.name }
  return {
    accountId: id,
    claims: async () => ({ sub: id, email: person.email, email_verified: person.emailVerified, ...name }),
  }
}

type ClientOf = {
  clientId: string
  clientAuthMethod?: string | undefined
  redirectUris?: readonly string[] | undefined
}

function corsAllowed(deps: Deps, origin: string, client: ClientOf): boolean {
  if (client.clientId === WALLET_CLIENT_ID)
    return origin === new URL(deps.publicUrl).origin || deps.config.QUOTA_WALLET_ORIGINS.includes(origin)
  return (
    client.clientAuthMethod === 'none' && (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin)
  )
}

// Without `openid` a nonce is a parameter that nobody knows, which is ignored (RFC 6749, 3.1); oidc-provider would refuse it.
function plainOauth(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  const { scope, nonce, ...others } = ctx.query
  const openid = typeof scope !== 'string' || scope.split(' ').includes('openid')
  if (ctx.path === ROUTES.authorization && nonce !== undefined && !openid) ctx.query = { scope, ...others }
  return next()
}

// A verifier that is too short to be one is a wrong verifier (RFC 7636, 4.6), not a malformed request.
async function shortVerifier(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  const body = ctx.body as { error?: string; error_description?: string } | undefined
  if (
    ctx.path === ROUTES.token &&
    body?.error === 'invalid_request' &&
    body.error_description?.startsWith('code_verifier ')
  ) {
    ctx.body = { ...body, error: 'invalid_grant' }
  }
}

// What an app gives back (RFC 7009) may have been its last access to this person.
async function noticeLeaving(directory: Directory, ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  if (ctx.path !== ROUTES.revocation || ctx.status !== 200) return
  const { RefreshToken, AccessToken } = ctx.oidc.entities
  const { accountId: userId, clientId } = RefreshToken ?? AccessToken ?? {}
  if (userId && clientId && clientId === ctx.oidc.client?.clientId) await directory.left({ userId, clientId })
}
