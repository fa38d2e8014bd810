// What app://wallet serves, and under which policy.
// owns: the list of servable files, and which of them answers an address. never: Electron; a path made from a request.
// always true: a request can only name an entry of a list that was made at start, so "..", encodings and links reach nothing.

import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { BASE, HOST, SCHEME } from './settings.ts'

const INDEX = 'index.html'
const FILES_MAX = 2000

/** The policy of every page: own files only, and one server to talk to. */
export function contentSecurityPolicy(server: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src ${server}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ')
}

/**
 * Names the file that answers a URL: an exact entry of the list, or the index for a route of the wallet.
 * A route is a path whose last part has no dot and that is not under assets/, so a missing file stays a 404.
 * @returns null when there is none
 */
export function fileFor(text: string, files: ReadonlyMap<string, string>): string | null {
  const url = URL.parse(text)
  if (!url || url.protocol !== `${SCHEME}:` || url.host !== HOST || url.username) return null
  if (!url.pathname.startsWith(BASE)) return null
  const name = url.pathname.slice(BASE.length)
  if (files.has(name)) return name
  const isRoute = !name.startsWith('assets/') && /^[A-Za-z0-9_/-]*$/.test(name)
  return isRoute && files.has(INDEX) ? INDEX : null
}

/** Lists the folder's plain files by their name in a URL; links are left out. */
export function servable(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  if (entries.length > FILES_MAX) throw new Error(`${folder} holds more files than the wallet is made of`)
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [relative(folder, path).split(sep).join('/'), path]
    }),
  )
}
