// The wallet's own scheme: app://wallet/wallet/… answers with the built files, and nothing but them.
// owns: the scheme's privileges, the list of servable files, the headers of every page. never: a path from a request.
// always true: a request can only name an entry of a list that was made at start, so "..", encodings and links reach nothing.

import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { protocol } from 'electron'
import { BASE, HOST, SCHEME } from './settings.ts'

const INDEX = 'index.html'
const FILES_MAX = 2000
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}

/**
 * Declares the scheme; has to run before the app is ready.
 * `corsEnabled` is on because a scheme with supportFetchAPI alone can be read from other origins (CVE-2026-70604).
 */
export function registerScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true, corsEnabled: true }
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges }])
}

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

/** Starts answering the scheme. @param folder the built renderer (out/renderer) @param server the server's origin */
export function serveWallet(folder: string, server: string): void {
  const files = servable(folder)
  const headers = securityHeaders(server)
  protocol.handle(SCHEME, async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, headers)
    const name = fileFor(request.url, files)
    const path = name === null ? undefined : files.get(name)
    if (path === undefined) return refusal(404, headers)
    const type = TYPES[extname(path)] ?? 'application/octet-stream'
    return new Response(await readFile(path), { headers: { ...headers, 'content-type': type } })
  })
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
function servable(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  if (entries.length > FILES_MAX) throw new Error(`${folder} holds more files than the wallet is made of`)
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [relative(folder, path).split(sep).join('/'), path]
    }),
  )
}

function securityHeaders(server: string): Record<string, string> {
  return {
    'content-security-policy': contentSecurityPolicy(server),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache',
  }
}

function refusal(status: number, headers: Record<string, string>): Response {
  return new Response(null, { status, headers })
}
