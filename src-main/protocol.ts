// The wallet's own scheme: app://wallet/wallet/… answers with the built files, and nothing but them.
// owns: the scheme's privileges, and the headers of every answer. never: a path from a request (files.ts).
// always true: every answer, a refusal too, carries the content security policy.

import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { protocol } from 'electron'
import { contentSecurityPolicy, fileFor, servable } from './files.ts'
import { SCHEME } from './settings.ts'

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

/** Starts answering the scheme. @param folder the built renderer (out/renderer) @param server the chosen one's origin, now */
export function serveWallet(folder: string, server: () => string): void {
  const files = servable(folder)
  protocol.handle(SCHEME, async (request) => {
    const headers = securityHeaders(server())
    if (request.method !== 'GET' && request.method !== 'HEAD') return refusal(405, headers)
    const name = fileFor(request.url, files)
    const path = name === null ? undefined : files.get(name)
    if (path === undefined) return refusal(404, headers)
    const type = TYPES[extname(path)] ?? 'application/octet-stream'
    return new Response(await readFile(path), { headers: { ...headers, 'content-type': type } })
  })
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
  return new Response('There is nothing here.', { status, headers: { ...headers, 'content-type': 'text/plain' } })
}
