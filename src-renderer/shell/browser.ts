// The shell of a browser tab.
// owns: signing in and out of a tab, its access token in memory. never: tokens in storage.
// always true: a token lives as long as the page; after a reload it is asked for anew, without a word, while the
// server's own session lasts.

import type * as oidc from 'openid-client'
import type { Shell, ShellEvent } from '../../server/contract/shell.ts'
import { say } from '../words.ts'
import { authorization } from './authorization.ts'

const PENDING = 'quota.sign-in'
const RENEW_BEFORE_MS = 60_000
const LIFE_WHEN_UNSAID_S = 300

type Answer = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers

export type BrowserShell = Shell & {
  /** Finishes a sign-in at /wallet/callback; answers the path to go on with. Throws when the server refused. */
  readonly finishSignIn: (url: URL) => Promise<string>
}

/** Builds the shell of this tab; `origin` serves both the pages and the API. */
export function browserShell(origin: string): BrowserShell {
  const listeners: Record<ShellEvent, Set<() => void>> = { returned: new Set(), session: new Set() }
  const nudge = () => {
    for (const listener of listeners.session) listener()
  }
  const server = authorization(origin, `${origin}/wallet/callback`)
  const held = tokenHolder(server, nudge)
  return {
    kind: 'browser',
    apiOrigin: async () => origin,
    async signIn() {
      const { url, pending } = await server.request({})
      sessionStorage.setItem(PENDING, JSON.stringify({ ...pending, back: returnPath() }))
      location.assign(url)
      return new Promise<boolean>(() => {}) // the page goes away
    },
    async signOut() {
      const access = held.drop()
      await fetch(`${origin}/auth/logout`, { method: 'POST', headers: { 'x-quota-wallet': '1' } }).catch(() => null)
      if (access) await server.revoke(access).catch(() => null)
      nudge()
    },
    accessToken: held.accessToken,
    async open(url) {
      window.open(url, '_blank', 'noopener,noreferrer')
    },
    async notify({ title, body }) {
      if ('Notification' in window && Notification.permission === 'granted') new Notification(title, { body })
    },
    async show(standing) {
      // Where the wallet is installed as an app of the browser, its icon carries the count.
      const { setAppBadge } = navigator as { setAppBadge?: (count: number) => Promise<void> }
      await setAppBadge?.call(navigator, standing?.waiting ?? 0)
    },
    async pay({ url }) {
      location.assign(url)
    },
    servers: async () => ({ chosen: origin, known: [origin] }),
    changeServer: async () => 'fixed',
    takeReturn: async () => null,
    on(event, listener) {
      listeners[event].add(listener)
      return () => listeners[event].delete(listener)
    },
    async finishSignIn(url) {
      const kept = sessionStorage.getItem(PENDING)
      sessionStorage.removeItem(PENDING)
      if (!kept) throw new Error(say('This sign-in was not started in this tab. Start again.'))
      const { back, ...pending } = JSON.parse(kept)
      held.keep(await server.exchange(url, pending))
      return String(back)
    },
  }
}

/** The one access token of this tab; asked for anew a minute before it ends, once at a time. */
function tokenHolder(server: ReturnType<typeof authorization>, changed: () => void) {
  let tokens: { access: string; refresh: string | null; until: number } | null = null
  let subject: string | null = null
  let renewing: Promise<string | null> | null = null

  const keep = (answer: Answer): string => {
    const lifeMs = (answer.expiresIn() ?? LIFE_WHEN_UNSAID_S) * 1000
    tokens = { access: answer.access_token, refresh: answer.refresh_token ?? null, until: Date.now() + lifeMs }
    const before = subject
    subject = answer.claims()?.sub ?? before
    // Another person signed in to this browser meanwhile: their records are not to land in this one's copy.
    if (before !== null && subject !== before) changed()
    return answer.access_token
  }

  const renew = async (): Promise<string | null> => {
    const refresh = tokens?.refresh
    tokens = null
    const answer = (refresh && (await server.refresh(refresh))) || (await server.silently())
    return answer ? keep(answer) : null
  }

  return {
    keep,
    drop(): string | null {
      const access = tokens?.access ?? null
      tokens = null
      subject = null
      return access
    },
    async accessToken(): Promise<string | null> {
      if (tokens && tokens.until - Date.now() > RENEW_BEFORE_MS) return tokens.access
      renewing ??= renew().finally(() => {
        renewing = null
      })
      return renewing
    },
  }
}

function returnPath(): string {
  const path = location.pathname.replace(/^\/wallet/, '') || '/'
  return path.startsWith('/callback') ? '/' : path + location.search
}
