// The reference, for people and for programs.
// owns: GET /docs, GET /openapi.json. never: behaviour, a word of it (reference/ has those).
// always true: both are made from the tables and schemas that the server works with, so no error code is missing.

import type { Routes } from './http.ts'
import { documentOf } from './reference/document.ts'
import { PAGE_POLICY, pageOf } from './reference/page.ts'

const CACHE = 'public, max-age=300'

export const docsRoutes: Routes = (app, { publicUrl }) => {
  // Made when first asked for: a start needs neither.
  let page: string | null = null
  let document: string | null = null

  app.get('/docs', async (_request, reply) => {
    page ??= pageOf(publicUrl)
    return reply
      .header('content-security-policy', PAGE_POLICY)
      .header('cache-control', CACHE)
      .type('text/html; charset=utf-8')
      .send(page)
  })

  app.get('/openapi.json', async (_request, reply) => {
    document ??= JSON.stringify(documentOf(publicUrl))
    return reply
      .header('access-control-allow-origin', '*')
      .header('cache-control', CACHE)
      .type('application/json')
      .send(document)
  })
}
