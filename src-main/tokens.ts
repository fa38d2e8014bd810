// The tokens of whoever is signed in.
// owns: the refresh token, the access token in memory, and when they are renewed. never: how somebody signs in.
// always true: one renewal runs at a time; the server's word `invalid_grant` ends a session, no answer or any other does not.

import * as oidc from 'openid-client'
import type { SealedFile } from './sealed.ts'

export type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers
export type TokensDeps = {
  server: () => Promise<oidc.Configuration>
  kept: SealedFile
  /** Milliseconds. */
  now: () => number
  /** Somebody signed in, out, or was signed out by the server. */
  changed: () => void
}
export type TokenKeeper = {
  /** @returns null when nobody is signed in. @throws Error when somebody is, but the server cannot be asked */
  accessToken: () => Promise<string | null>
  /** Starts a session with what the server issued. */
  begin: (tokens: Tokens) => Promise<void>
  /** Ends the session here. @returns the refresh token it had, for the server to be told */
  end: () => Promise<string | null>
}

export const UNREACHABLE = 'The server cannot be reached.'
const RENEW_BEFORE_MS = 60_000
const LIFE_WHEN_UNSAID_S = 300

/** Builds the keeper; the kept token is read when it is first needed. */
export function createTokens({ server, kept, now, changed }: TokensDeps): TokenKeeper {
  let refreshToken: string | null = null
  let access: { token: string; from: number; until: number } | null = null
  let renewing: Promise<string | null> | null = null
  const stored = remembered(async () => {
    refreshToken ??= await kept.read()
  })

  const take = async (tokens: Tokens): Promise<string> => {
    if (tokens.refresh_token) {
      refreshToken = tokens.refresh_token
      await kept.write(refreshToken).catch((error) => console.error('the session could not be kept', error))
    }
    const lifeMs = (tokens.expiresIn() ?? LIFE_WHEN_UNSAID_S) * 1000
    access = { token: tokens.access_token, from: now(), until: now() + lifeMs - RENEW_BEFORE_MS }
    return access.token
  }
  const end = async (): Promise<string | null> => {
    await stored()
    const had = refreshToken
    refreshToken = null
    access = null
    await kept.clear()
    changed()
    return had
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
      if (refreshToken === used) await end()
      return null
    }
  }
  return {
    end,
    async begin(tokens) {
      await stored()
      await take(tokens)
      changed()
    },
    async accessToken() {
      // A clock that went back says nothing about the token's age, so the token is renewed.
      if (access && access.from <= now() && now() < access.until) return access.token
      renewing ??= renew().finally(() => {
        renewing = null
      })
      return renewing
    },
  }
}

/** Runs once and remembers the success; a failure is forgotten, so that the next call tries again. */
export function remembered<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null
  return () => {
    made ??= make().catch((error) => {
      made = null
      throw error
    })
    return made
  }
}

function isEnded(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant'
}
