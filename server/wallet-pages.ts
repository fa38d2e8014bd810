// The wallet's built pages, for the browser shell.
// owns: serving out/renderer under /wallet, with its content security policy. never: data.
// always true: any path under /wallet that is not a built file gets the wallet itself, which reads its own address.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyReply } from 'fastify'
import { fault } from './faults.ts'
import type { Routes } from './http.ts'

const BUILT = fileURLToPath(new URL('../out/renderer/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
}

// Nothing from elsewhere, nothing inline, nobody's frame.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "object-src 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

export const walletPages: Routes = (app) => {
  app.get('/wallet', async (_request, reply) => reply.redirect('/wallet/', 308))
  app.get('/', async (_request, reply) => reply.redirect('/wallet/', 302))
  app.get<{ Params: { '*': string } }>('/wallet/*', async (request, reply) => {
    const path = normalize(`/${decodeURIComponent(request.params['*'])}`)
    if (path.includes('\0')) throw fault('not_found')
    const file = join(BUILT, path)
    if (path !== '/' && file.startsWith(BUILT) && existsSync(file) && statSync(file).isFile())
      return send(reply, file, path)
    if (extname(path) !== '') throw fault('not_found')
    return send(reply, join(BUILT, 'index.html'), path)
  })
}

function send(reply: FastifyReply, file: string, path: string): FastifyReply {
  if (!existsSync(file)) throw fault('not_found', { hint: 'The wallet is not built yet: npm start builds it.' })
  const immutable = path.startsWith('/assets/')
  return reply
    .header('content-security-policy', POLICY)
    .header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    .type(TYPES[extname(file)] ?? 'application/octet-stream')
    .send(readFileSync(file))
}
