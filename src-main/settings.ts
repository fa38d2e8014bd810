// What the desktop shell is called, where its pages live, and which server it belongs to.
// owns: names, addresses and the reading of QUOTA_SERVER_URL. never: Electron, files, network.
// always true: the server is one origin, https or loopback http, and nothing else of it is kept.

export const PRODUCT = 'Quota Wallet'
export const APP_ID = 'com.quota.wallet'

/** Scheme and host of the wallet's own pages, and the path at which both shells serve the one build. */
export const SCHEME = 'app'
export const HOST = 'wallet'
export const ORIGIN = `${SCHEME}://${HOST}`
export const BASE = '/wallet/'
export const HOME = `${ORIGIN}${BASE}`

export const LINK_SCHEME = 'quota'
export const CLIENT_ID = 'quota-wallet'
export const SCOPE = 'openid wallet'
const DEFAULT_SERVER = 'http://127.0.0.1:7070'

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** Whether a URL's host is this machine by name or literal. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK_HOSTS.has(url.hostname)
}

/** https anywhere, or plain http that never leaves this machine. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
}

/**
 * Reads the server's address.
 * @returns its origin, without path or trailing slash ("http://127.0.0.1:7070")
 * @throws Error in a sentence for the person who set it, when it is no URL, carries a password, or is plain http elsewhere
 */
export function serverOrigin(env: Record<string, string | undefined>): string {
  const text = env.QUOTA_SERVER_URL || DEFAULT_SERVER
  const url = URL.parse(text)
  if (!url || url.username || url.password) throw new Error(`QUOTA_SERVER_URL is not an address: ${text}`)
  if (!isSecure(url)) throw new Error(`QUOTA_SERVER_URL has to be https (or http on this machine): ${url.origin}`)
  return url.origin
}
