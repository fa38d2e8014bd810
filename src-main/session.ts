// Who is signed in, on the desktop.
// owns: sign-in by authorization code + PKCE in the system's browser, the refresh token, the access token in memory.
// never: a refresh token, verifier or code outside this process. always true: the server's word `invalid_grant` ends a
// session; no answer, or any other one, does not.

import * as oidc from 'openid-client'
import { type Listener, listenForReturn } from './loopback.ts'
import type { SealedFile } from './sealed.ts'
import { CLIENT_ID, SCOPE } from './settings.ts'

export type SessionDeps = {
  /** The server's origin, which is also its issuer. */
  issuer: string
  /** Shows an address of that issuer in the system's browser. */
  browse: (url: string) => Promise<void>
  kept: SealedFile
  /** Milliseconds. */
  now: () => number
  /** Somebody signed in, out, or was signed out by the server. */
  changed: () => void
}

export type Session = {
  /**
   * @returns whether it ended with somebody signed in; a newer attempt ends an older one with false
   * @throws Error when the server cannot be reached
   */
  signIn: () => Promise<boolean>
  signOut: () => Promise<void>
  /** @returns null when nobody is signed in. @throws Error when somebody is, but the server cannot be asked */
  accessToken: () => Promise<string | null>
}

type Access = { token: string; from: number; until: number }
type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers

const RENEW_BEFORE_MS = 60_000
const LIFE_WHEN_UNSAID_S = 300
const TIMEOUT_S = 15

/** Builds the session; the kept token is read when it is first needed. */
export function createSession(deps: SessionDeps): Session {
  const server = remembered(() =>
    discover(deps.issuer).catch((cause) => {
      throw new Error(UNREACHABLE, { cause })
    }),
  )
  const stored = remembered(async () => {
    refreshToken ??= await deps.kept.read()
  })
  let refreshToken: string | null = null
  let access: Access | null = null
  let renewing: Promise<string | null> | null = null
  let listening: Listener | null = null

  const take = async (tokens: Tokens): Promise<string> => {
    if (tokens.refresh_token) {
      refreshToken = tokens.refresh_token
      await deps.kept.write(refreshToken).catch((error) => console.error('the session could not be kept', error))
    }
    const lifeMs = (tokens.expiresIn() ?? LIFE_WHEN_UNSAID_S) * 1000
    access = { token: tokens.access_token, from: deps.now(), until: deps.now() + lifeMs - RENEW_BEFORE_MS }
    return access.token
  }
  const forget = async () => {
    refreshToken = null
    access = null
    await deps.kept.clear()
    deps.changed()
  }
  const renew = async (): Promise<string | null> => {
    await stored()
    const used = refreshToken
    if (used === null) return null
    try {
      const tokens = await oidc.refreshTokenGrant(await server(), used)
      // Signed out or in again meanwhile: this answer belongs to a session that is over.
      return refreshToken === used ? await take(tokens) : null
    } catch (error) {
      if (!isEnded(error)) throw new Error(UNREACHABLE, { cause: error })
      if (refreshToken === used) await forget()
      return null
    }
  }

  return {
    async signIn() {
      listening?.close()
      const as = await server()
      const flow = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
      const ear = await listenForReturn((url) => belongsTo(url, flow.state, as.serverMetadata().issuer))
      listening = ear
      try {
        await deps.browse(await authorizationUrl(as, ear.redirectUri, flow))
        const arrival = await ear.arrival
        if (!arrival) return false
        const tokens = await exchange(as, arrival.url, flow)
        arrival.tell(tokens ? SIGNED_IN : NOT_SIGNED_IN)
        if (!tokens) return false
        await take(tokens)
        deps.changed()
        return true
      } finally {
        ear.close()
      }
    },
    async signOut() {
      await stored()
      const token = refreshToken
      await forget()
      // Best effort: the token is gone from here either way, and the server forgets it in its own time.
      if (token)
        await server()
          .then((as) => oidc.tokenRevocation(as, token))
          .catch(() => {})
    },
    async accessToken() {
      const at = deps.now()
      // A clock that went back says nothing about the token's age, so the token is renewed.
      if (access && access.from <= at && at < access.until) return access.token
      renewing ??= renew().finally(() => {
        renewing = null
      })
      return renewing
    },
  }
}

const UNREACHABLE = 'The server cannot be reached.'
const SIGNED_IN = 'You are signed in. You can close this page and go back to Quota Wallet.'
const NOT_SIGNED_IN = 'You were not signed in. Go back to Quota Wallet to try again.'

/** RFC 8414 discovery; plain http only where the issuer is this machine (settings.ts has checked that). */
function discover(issuer: string): Promise<oidc.Configuration> {
  const insecure = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []
  const execute = [...insecure, oidc.enableNonRepudiationChecks]
  return oidc.discovery(new URL(issuer), CLIENT_ID, undefined, oidc.None(), { execute, timeout: TIMEOUT_S })
}

async function authorizationUrl(
  as: oidc.Configuration,
  redirectUri: string,
  flow: { verifier: string; state: string; nonce: string },
): Promise<string> {
  const url = oidc.buildAuthorizationUrl(as, {
    redirect_uri: redirectUri,
    scope: SCOPE,
    code_challenge: await oidc.calculatePKCECodeChallenge(flow.verifier),
    code_challenge_method: 'S256',
    state: flow.state,
    nonce: flow.nonce,
  })
  return url.href
}

/** State is ours and the issuer the one that was asked (RFC 9207): anything else is some other page's doing. */
function belongsTo(url: URL, state: string, issuer: string): boolean {
  const only = (name: string, value: string) => {
    const given = url.searchParams.getAll(name)
    return given.length === 1 && given[0] === value
  }
  return only('state', state) && only('iss', issuer)
}

/** @returns null when the person or the server said no, or what came back does not verify */
async function exchange(
  as: oidc.Configuration,
  url: URL,
  flow: { verifier: string; state: string; nonce: string },
): Promise<Tokens | null> {
  try {
    return await oidc.authorizationCodeGrant(as, url, {
      pkceCodeVerifier: flow.verifier,
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      idTokenExpected: true,
    })
  } catch (error) {
    if (!(error instanceof oidc.AuthorizationResponseError)) console.error('sign-in failed', codeOf(error))
    return null
  }
}

function isEnded(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant'
}

/** What may be logged of a failure: its code. Messages and causes can hold parts of tokens. */
function codeOf(error: unknown): string {
  return error instanceof Error ? String((error as { code?: unknown }).code ?? error.name) : 'unknown'
}

/** Runs once and remembers the success; a failure is forgotten, so that the next call tries again. */
function remembered<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make().catch((error) => {
      made = null
      throw error
    })
    return made
  }
}
