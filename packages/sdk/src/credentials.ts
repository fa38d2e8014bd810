// Whose money a call spends: the credential, and how it is kept fresh.
// owns: what goes into `Authorization`, and the one renewal after a 401. never: where tokens are stored.
// always true: parallel calls share one renewal, for a refresh token works once; new tokens are saved before they are used.

import type { OAuth, Tokens } from './oauth.ts'

/** An access token that can be renewed. */
export type TokenSource = {
  token: () => Promise<string>
  /** Called after a 401. @param stale the token that was refused @returns another one @throws QuotaError `invalid_grant` */
  renew: (stale: string) => Promise<string>
}

/**
 * What stands in `Authorization`; it decides who pays. An API key (`sk-quota-…`), a person's access token, a developer's
 * session (`sess_…`), or a source of access tokens.
 */
export type Credential = string | TokenSource

/** Often out of the environment; one that is missing is a TypeError that names it, at once. */
export type Setting = string | undefined

export type Options = {
  /** Where the server is: `https://quota.example`. */
  baseUrl: Setting
  /** Left out for the public routes. */
  credential?: Credential | undefined
  /** In place of the runtime's own. */
  fetch?: typeof fetch | undefined
}

/**
 * Keeps a person's tokens fresh.
 * @param given.save is told the new pair, and awaited, before it is used: the old refresh token is dead by then
 */
export function keepFresh(given: {
  oauth: Pick<OAuth, 'refresh'>
  tokens: Tokens
  save: (tokens: Tokens) => unknown
}): TokenSource {
  let current = given.tokens
  let renewing: Promise<void> | null = null
  const renew = async () => {
    current = await given.oauth.refresh(current)
    await given.save(current)
  }
  return {
    token: async () => current.access_token,
    renew: async (stale) => {
      if (!renewing && current.access_token !== stale) return current.access_token
      renewing ??= renew().finally(() => {
        renewing = null
      })
      await renewing
      return current.access_token
    },
  }
}

/** Calls with the credential; once more after a 401, when it can be renewed. */
export async function authorized(
  credential: Credential | undefined,
  call: (authorization: string | null) => Promise<Response>,
): Promise<Response> {
  if (credential === undefined || typeof credential === 'string') {
    return call(credential === undefined ? null : `Bearer ${credential}`)
  }
  const token = await credential.token()
  const reply = await call(`Bearer ${token}`)
  if (reply.status !== 401) return reply
  await reply.body?.cancel()
  return call(`Bearer ${await credential.renew(token)}`)
}

/** @throws TypeError when a setting is missing or empty */
export function given<N extends string>(settings: { [K in N]: Setting }, ...names: N[]): { [K in N]: string } {
  for (const name of names) if (!settings[name]) throw new TypeError(`${name} is missing`)
  return settings as { [K in N]: string }
}

/** The base without its last slash. @throws TypeError when it is no address, or holds a query */
export function baseOf(settings: { baseUrl: Setting }): string {
  const { baseUrl } = given(settings, 'baseUrl')
  const url = new URL(baseUrl)
  if (url.search || url.hash || url.username) throw new TypeError(`baseUrl: ${baseUrl}`)
  return url.href.replace(/\/+$/, '')
}
