// Apps as oidc-provider's clients.
// owns: the translation, the check of a client's secret, the rate of its token requests. never: a secret in clear.
// always true: secrets are compared by their SHA-256, in constant time, during a rotation against both.

import { timingSafeEqual } from 'node:crypto'
import {
  type Adapter,
  type AdapterPayload,
  type AllClientMetadata,
  errors,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import type { Deps } from '../deps.ts'
import { errorHeaders, isFault, oauthErrorBody } from '../faults.ts'
import { bucketOfAddress, rateLimits } from '../rate-limit.ts'
import { tokenHash } from '../seal.ts'
import { type ClientRecord, type Directory, WALLET_CLIENT_ID } from './directory.ts'
import { SCOPES } from './policy.ts'

/** Name of the metadata that carries the hashes of a client's secrets. */
export const SECRET_HASHES = 'secret_hashes'
const TOKEN_PER_MINUTE = 60
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const LOOPBACKS = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** oidc-provider's storage of clients: read from the directory, never written. */
export function clientAdapter(deps: Deps, directory: Directory): Adapter {
  const nothing = async () => undefined
  return {
    find: async (clientId) => {
      const record = await directory.client(clientId)
      if (!record) return undefined
      await countTokenRequest(deps, record)
      return metadataOf(record) as AdapterPayload
    },
    findByUid: nothing,
    findByUserCode: nothing,
    upsert: nothing,
    consume: nothing,
    destroy: nothing,
    revokeByGrantId: nothing,
  }
}

/** A record in the words of RFC 7591. */
export function metadataOf(record: ClientRecord): AllClientMetadata & Record<string, unknown> {
  const wallet = record.client_id === WALLET_CLIENT_ID
  const redirects = record.redirect_uris.length > 0
  const allowed = SCOPES.filter((scope) => record.allowed_scopes.includes(scope) && (wallet || scope !== 'wallet'))
  const scopes = wallet ? allowed : [...new Set([...allowed, 'offline_access'])]
  return {
    client_id: record.client_id,
    client_name: record.name,
    application_type: record.redirect_uris.every(fitsNative) ? 'native' : 'web',
    redirect_uris: [...record.redirect_uris],
    // Without an address to come back to, an app has the device flow alone.
    response_types: redirects ? ['code'] : [],
    // Never for the wallet: whoever shows a person a code would get the whole wallet (device code phishing).
    grant_types: [...(redirects ? ['authorization_code'] : []), 'refresh_token', ...(wallet ? [] : [DEVICE_GRANT])],
    scope: scopes.join(' '),
    ...(record.type === 'public'
      ? { token_endpoint_auth_method: 'none' }
      : {
          token_endpoint_auth_method: 'client_secret_basic',
          client_secret: 'only its hash is known',
          [SECRET_HASHES]: [...record.secret_hashes],
        }),
  }
}

// "native" gives the free port of a registered loopback address (RFC 8252, 7.3), and forbids what is not one.
function fitsNative(uri: string): boolean {
  const url = URL.parse(uri)
  if (!url) return false
  return url.protocol === 'https:'
    ? !LOOPBACKS.has(url.hostname)
    : url.protocol !== 'http:' || LOOPBACKS.has(url.hostname)
}

/** Whether a secret hashes to one of these; every hash is looked at. */
export function secretMatches(secret: string, hashes: readonly string[]): boolean {
  const given = Buffer.from(tokenHash(secret), 'hex')
  let matches = false
  for (const hash of hashes) {
    const expected = Buffer.from(hash, 'hex')
    if (expected.length === given.length && timingSafeEqual(expected, given)) matches = true
  }
  return matches
}

// A public client is the same one on every device, so there the address counts along.
async function countTokenRequest(deps: Deps, record: ClientRecord): Promise<void> {
  const ctx = Provider.ctx
  if (ctx?.oidc.route !== 'token') return
  const key = `token:${record.client_id}${record.type === 'public' ? `:${ctx.ip}` : ''}`
  try {
    await rateLimits(deps).take({ key, perMinute: TOKEN_PER_MINUTE }, (name, value) => ctx.set(name, value))
  } catch (error) {
    if (!isFault(error)) throw error
    ctx.set('retry-after', String(error.options.retryAfterS ?? 60))
    const slower = new errors.CustomOIDCProviderError('rate_limit_exceeded', 'too many token requests')
    throw Object.assign(slower, { status: 429, statusCode: 429 })
  }
}

/** A token request whose client nobody knows counts by its address. */
export async function countNameless(deps: Deps, ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  if (ctx.res.hasHeader('x-ratelimit-limit')) return
  try {
    await rateLimits(deps).take(bucketOfAddress(ctx), (name, value) => ctx.set(name, value))
  } catch (error) {
    if (!isFault(error)) throw error
    ctx.status = error.status
    ctx.set(errorHeaders(error))
    ctx.body = oauthErrorBody(error)
  }
}
