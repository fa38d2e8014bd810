// Asking the authorization server, from a page of its own origin.
// owns: authorization code + PKCE (RFC 6749 4.1, RFC 7636) for the public client of the wallet. never: keeping anything.
// always true: a refusal of the server is null ("nobody is signed in"); no answer is an exception.

import * as oidc from 'openid-client'
import { say } from '../words.ts'

const CLIENT_ID = 'quota-wallet'
const SCOPE = 'openid wallet'
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/** What has to be known again when the answer comes. */
export type PendingSignIn = { verifier: string; state: string; nonce: string }

/** The wallet's conversation with the server at `origin`, whose answers come to `redirectUri`. */
export function authorization(origin: string, redirectUri: string) {
  let found: Promise<oidc.Configuration> | null = null
  const server = (): Promise<oidc.Configuration> => {
    found ??= discover(origin)
    found.catch(() => {
      found = null
    })
    return found
  }

  const request = async (extra: Record<string, string>): Promise<{ url: URL; pending: PendingSignIn }> => {
    const pending = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
    const url = oidc.buildAuthorizationUrl(await server(), {
      redirect_uri: redirectUri,
      scope: SCOPE,
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
      state: pending.state,
      nonce: pending.nonce,
      ...extra,
    })
    return { url, pending }
  }

  const exchange = async (url: URL, { verifier, state, nonce }: PendingSignIn) =>
    oidc.authorizationCodeGrant(await server(), url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })

  return {
    request,
    exchange,
    refresh: async (refreshToken: string) => oidc.refreshTokenGrant(await server(), refreshToken).catch(nullIfRefused),
    revoke: async (token: string) => oidc.tokenRevocation(await server(), token),
    /**
     * Asks for a code without a page (`prompt=none`, OpenID Connect Core 3.1.2.1). Pages and server share one origin,
     * so a fetch may follow the redirects and read where they ended: no frame is needed, and frames stay forbidden.
     */
    async silently() {
      const { url, pending } = await request({ prompt: 'none' })
      const answer = await fetch(url, { credentials: 'same-origin', redirect: 'follow', cache: 'no-store' })
      if (answer.status >= 500) throw new TypeError(say('The server answered {status}.', { status: answer.status }))
      const landed = new URL(answer.url)
      if (landed.origin + landed.pathname !== redirectUri) return null
      return exchange(landed, pending).catch(nullIfRefused)
    },
  }
}

/** Discovery (RFC 8414). Plain http is accepted on loopback alone, where a self-hosted server is tried out. */
function discover(origin: string): Promise<oidc.Configuration> {
  const url = new URL(origin)
  const loopback = url.protocol === 'http:' && LOOPBACK.includes(url.hostname)
  return oidc.discovery(url, CLIENT_ID, undefined, oidc.None(), {
    execute: loopback ? [oidc.allowInsecureRequests] : [],
  })
}

function nullIfRefused(error: unknown): null {
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError) return null
  throw error
}
