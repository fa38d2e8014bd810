// Signing in and out, on the desktop.
// owns: the authorization code flow with PKCE in the system's browser (RFC 8252), and its end at the server.
// never: a code, verifier or refresh token outside this process. always true: a sign-in takes one return that carries its
// own state and issuer; a newer attempt ends an older one.

import * as oidc from 'openid-client'
import { type Listener, listenForReturn } from './loopback.ts'
import { CLIENT_ID, SCOPE } from './settings.ts'
import { createTokens, remembered, type Tokens, type TokensDeps, UNREACHABLE } from './tokens.ts'
import { say } from './words.ts'

export type SessionDeps = Omit<TokensDeps, 'server'> & {
  /** The server's origin, which is also its issuer. */
  issuer: string
  /** Shows an address of that issuer in the system's browser. */
  browse: (url: string) => Promise<void>
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
  /** Ends a sign-in that is under way; no browser is opened for it any more. */
  stop: () => void
}

type Flow = { verifier: string; state: string; nonce: string }

const TIMEOUT_S = 15
const signedIn = () => say('You are signed in. You can close this page and go back to Quota Wallet.')
const notSignedIn = () => say('You were not signed in. Go back to Quota Wallet to try again.')

/** Builds the session; nothing is asked of the server before it is needed. */
export function createSession({ issuer, browse, ...deps }: SessionDeps): Session {
  const server = remembered(() => discover(issuer))
  const tokens = createTokens({ ...deps, server })
  let listening: Listener | null = null
  let attempt = 0
  const stop = () => {
    attempt++
    listening?.close()
  }
  return {
    accessToken: tokens.accessToken,
    stop,
    async signIn() {
      stop()
      const mine = attempt
      const as = await server()
      const flow = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
      const ear = await listenForReturn((url) => belongsTo(url, flow.state, as.serverMetadata().issuer))
      try {
        if (mine !== attempt) return false // a newer one began, or all ended, while the server was asked
        listening = ear
        await browse(await authorizationUrl(as, ear.redirectUri, flow))
        const arrival = await ear.arrival
        if (!arrival) return false
        const issued = await exchange(as, arrival.url, flow)
        if (issued) await tokens.begin(issued)
        arrival.tell(issued ? signedIn() : notSignedIn())
        return issued !== null
      } finally {
        ear.close()
      }
    },
    async signOut() {
      stop()
      const had = await tokens.end()
      // Best effort: the token is gone from here either way, and the server forgets it in its own time.
      if (had)
        await server()
          .then((as) => oidc.tokenRevocation(as, had))
          .catch(() => {})
    },
  }
}

/** RFC 8414 discovery; plain http only where the issuer is this machine (addresses.ts has checked that). */
async function discover(issuer: string): Promise<oidc.Configuration> {
  const insecure = issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []
  const execute = [...insecure, oidc.enableNonRepudiationChecks]
  try {
    return await oidc.discovery(new URL(issuer), CLIENT_ID, undefined, oidc.None(), { execute, timeout: TIMEOUT_S })
  } catch (cause) {
    throw new Error(UNREACHABLE, { cause })
  }
}

async function authorizationUrl(as: oidc.Configuration, redirectUri: string, flow: Flow): Promise<string> {
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
async function exchange(as: oidc.Configuration, url: URL, flow: Flow): Promise<Tokens | null> {
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

/** What may be logged of a failure: its code. Messages and causes can hold parts of tokens. */
function codeOf(error: unknown): string {
  return error instanceof Error ? String((error as { code?: unknown }).code ?? error.name) : 'unknown'
}
