// The page that holds the provider's form (Embedded Checkout).
// owns: /pay. never: a card's number (the form is the provider's, in a frame of its own), a session of ours.
// always true: what it loads is Stripe's and nobody else's, and its own script says where; the id in its address opens one
// purchase and nothing more.

import type { FastifyInstance } from 'fastify'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { payAt } from './purchase.ts'
import { foundCheckout } from './routes.ts'
import { returnUrl } from './sandbox-page.ts'

// https://docs.stripe.com/security/guide#content-security-policy
const POLICY = [
  "default-src 'none'",
  "script-src 'self' https://js.stripe.com https://*.js.stripe.com https://checkout.stripe.com",
  "style-src 'self'",
  'frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com https://checkout.stripe.com',
  'connect-src https://api.stripe.com https://checkout.stripe.com',
  'img-src https://*.stripe.com',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const STRIPE_JS = 'https://js.stripe.com/dahlia/stripe.js'

const SCRIPT = `const { key, secret } = document.currentScript.dataset
Stripe(key)
  .createEmbeddedCheckoutPage({ clientSecret: secret })
  .then((checkout) => checkout.mount('#checkout'))
  .catch(() => {
    document.querySelector('#trouble').hidden = false
  })
`
const STYLE = `:root{color-scheme:light dark}body{margin:0;padding:24px;font:16px/1.5 Inter,system-ui,sans-serif}
main{max-width:1000px;margin:0 auto}a{color:inherit}`

export function payPageRoutes(app: FastifyInstance, deps: Deps): void {
  app.get('/pay/pay.js', async (_request, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT))
  app.get('/pay/pay.css', async (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE))
  app.get<{ Params: { id: string } }>('/pay/:id', async (request, reply) => {
    const row = await foundCheckout(deps, request.params.id)
    const key = deps.payments.publishableKey
    if (row.embedded !== 1 || key === null) throw fault('not_found')
    const back = returnUrl(row.status === 'paid' ? row.success_url : row.cancel_url, row.id)
    const { clientSecret } = row.status === 'pending' ? await payAt(deps, row.id) : {}
    if (clientSecret === undefined) return reply.redirect(back, 303)
    return reply
      .header('content-security-policy', POLICY)
      .type('text/html; charset=utf-8')
      .send(page({ key, secret: clientSecret, back, name: row.package_name }))
  })
}

function page({ key, secret, back, name }: { key: string; secret: string; back: string; name: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(name)} package</title>
<link rel="stylesheet" href="/pay/pay.css">
<script src="${STRIPE_JS}"></script>
</head>
<body>
<main>
<p><a href="${escaped(back)}" rel="noreferrer">Back without paying</a></p>
<p id="trouble" role="alert" hidden>The payment form could not be loaded. Nothing was charged.</p>
<div id="checkout"></div>
</main>
<script src="/pay/pay.js" data-key="${escaped(key)}" data-secret="${escaped(secret)}"></script>
</body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
