// The sandbox's payment page and what its buttons do.
// owns: /sandbox/checkouts, /sandbox/onboard. never: an outcome (the stand-in decides which came first).
// always true: these routes exist in the sandbox alone.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { SandboxOutcome } from '../contract/api.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { parse } from '../http.ts'
import { LIVES_MS } from './checkouts.ts'
import { lookAtAccount } from './connect.ts'
import { endInSandbox } from './purchase.ts'
import { foundCheckout } from './routes.ts'
import { onboardingPage, returnUrl, sandboxPage, sandboxPolicy } from './sandbox-page.ts'

const FORM = 'application/x-www-form-urlencoded'
const FORM_MAX_BYTES = 1024

type ById = { Params: { id: string } }

export function sandboxRoutes(app: FastifyInstance, deps: Deps): void {
  if (!app.hasContentTypeParser(FORM)) {
    app.addContentTypeParser(
      FORM,
      { parseAs: 'string', bodyLimit: FORM_MAX_BYTES },
      async (_request: FastifyRequest, text: string) => Object.fromEntries(new URLSearchParams(text)),
    )
  }

  app.get<ById>('/sandbox/checkouts/:id', async (request, reply) => {
    let row = await foundCheckout(deps, request.params.id)
    if (row.status === 'pending' && row.created_at + LIVES_MS <= deps.now())
      row = await endInSandbox(deps, row, 'expired')
    return reply
      .header('content-security-policy', sandboxPolicy(row))
      .type('text/html; charset=utf-8')
      .send(sandboxPage(row))
  })

  app.post<ById>('/sandbox/checkouts/:id', async (request, reply) => {
    const found = await foundCheckout(deps, request.params.id)
    const { outcome } = parse(SandboxOutcome, request.body)
    const row = await endInSandbox(deps, found, outcome)
    if (!request.headers['content-type']?.startsWith(FORM)) return { id: row.id, status: row.status, livemode: false }
    return reply.redirect(returnUrl(row.status === 'paid' ? row.success_url : row.cancel_url, row.id), 303)
  })

  type ByToken = { Params: { token: string } }
  app.get<ByToken>('/sandbox/onboard/:token', async (request, reply) => {
    const link = await linkOf(deps, request.params.token)
    if (link.stale) return reply.redirect(link.refreshUrl, 303)
    return reply
      .header('content-security-policy', sandboxPolicy({ success_url: link.returnUrl, cancel_url: link.returnUrl }))
      .type('text/html; charset=utf-8')
      .send(onboardingPage(request.params.token))
  })

  app.post<ByToken>('/sandbox/onboard/:token', async (request, reply) => {
    const link = await linkOf(deps, request.params.token)
    await deps.payments.people?.completeOnboarding(link.account)
    await lookAtAccount(deps, link.account)
    return reply.redirect(link.returnUrl, 303)
  })
}

async function linkOf(deps: Deps, token: string) {
  const link = await deps.payments.people?.openLink(token)
  if (!link) throw fault('not_found')
  return link
}
