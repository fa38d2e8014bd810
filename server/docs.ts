// The page that every error points to.
// owns: GET /docs, a table of the failures by code. never: behaviour.
// always true: it is made from the same table that errors are made from, so no code is missing.

import { FAULTS } from './contract/faults.ts'
import type { Routes } from './http.ts'

const STYLE = `:root{color-scheme:light dark;--line:#8884}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid var(--line);vertical-align:top}
code{font-family:ui-monospace,monospace}tr:target{background:#6c8cff33}`

export const docsRoutes: Routes = (app) => {
  const page = pageOf()
  app.get('/docs', async (_request, reply) =>
    reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      .type('text/html; charset=utf-8')
      .send(page),
  )
}

function pageOf(): string {
  const rows = Object.entries(FAULTS).map(
    ([code, [status, type, message]]) =>
      `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td><code>${type}</code></td><td>${escaped(message)}</td></tr>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Quota Wallet: errors</title>
<style>${STYLE}</style><h1>Errors</h1>
<p>Every error has this body: <code>{"error": {message, type, code, param, details, hint, docs_url, request_id}}</code>.
A 402 says in <code>details</code> which limit spoke and when it resets. Quote <code>request_id</code> when you ask for help.</p>
<table><thead><tr><th>Status</th><th>Code</th><th>Type</th><th>What it says</th></tr></thead><tbody>${rows.join('')}</tbody></table></html>`
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}
