// Which addresses may be where.
// owns: the checks of an address, as pure functions. never: Electron, so that a test can read them directly.
// always true: addresses are compared as the URL parser reads them, never as text.

import { BASE } from './settings.ts'

const DEFAULT_SERVER = 'http://127.0.0.1:7070'
const LENGTH_MAX = 2000
const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost'])
/** No "*", ";" or "'", which a host may have for the URL parser: an origin becomes a source in the pages' policy. */
const PLAIN_HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])$/

/**
 * Reads the server's address from the environment.
 * @returns its origin, without path or trailing slash ("http://127.0.0.1:7070"); null where none is set
 * @throws Error in a sentence for the person who set it, when it is no URL, carries a password, or is plain http elsewhere
 */
export function serverOrigin(env: Record<string, string | undefined>): string | null {
  const text = env.QUOTA_SERVER_URL
  if (!text) return null
  const read = readServer(text)
  if (read === 'no-address') throw new Error(`QUOTA_SERVER_URL is not an address: ${text}`)
  if (read === 'insecure') throw new Error(`QUOTA_SERVER_URL has to be https (or http on this machine): ${text}`)
  return read.origin
}

/** The server where none was set and none was chosen: the one that `npm start` brings up on this machine. */
export const defaultServer = (): string => DEFAULT_SERVER

/** Reads an address in full; its path is not kept. */
export function readServer(text: string): { origin: string } | 'no-address' | 'insecure' {
  const url = text.length > LENGTH_MAX ? null : URL.parse(text)
  if (!url || url.username || url.password) return 'no-address'
  if (!/^https?:$/.test(url.protocol) || !PLAIN_HOST.test(url.hostname)) return 'no-address'
  return isSecure(url) ? { origin: url.origin } : 'insecure'
}

/** Reads an address as a person types it, who may leave the scheme out: "wallet.example", "localhost:7070". */
export function typedServer(text: string): ReturnType<typeof readServer> {
  const typed = text.trim()
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) return readServer(typed)
  const host = URL.parse(`http://${typed}`)?.hostname ?? ''
  return readServer(`${LOOPBACK_HOSTS.has(host) ? 'http' : 'https'}://${typed}`)
}

/** https anywhere, or plain http that never leaves this machine. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK_HOSTS.has(url.hostname))
}

/** The origin as Electron writes it, for a scheme of ours too (URL.origin says "null" for those). */
export function originOf(text: string | undefined): string | null {
  const url = text === undefined ? null : URL.parse(text)
  if (!url?.host || url.username || url.password) return null
  return `${url.protocol}//${url.host}`
}

/**
 * Decides whether an address may be opened outside the wallet.
 * @returns the address as the URL parser reads it (what was checked is what is opened), or null when it is refused
 */
export function checkedOutside(text: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (text.length > LENGTH_MAX || /[\u0000-\u0020\u007f\\]/.test(text)) return null
  const url = URL.parse(text)
  if (!url || url.username || url.password || !isSecure(url)) return null
  return url.href
}

/** Whether a payment page's top frame may be at this address. `server` is an origin. */
export function mayPayAt(url: URL, server: string): boolean {
  if (url.username || url.password) return false
  if (url.origin === server) return true
  return url.protocol === 'https:' && (url.hostname === 'stripe.com' || url.hostname.endsWith('.stripe.com'))
}

/**
 * Whether an address is the way back from a payment: the wallet as the server serves it. A checkout made by the wallet
 * names its return addresses there ({server}/wallet/…), which is also where a browser tab comes back to.
 */
export function isReturn(url: URL, server: string): boolean {
  return url.origin === server && url.pathname.startsWith(BASE)
}
