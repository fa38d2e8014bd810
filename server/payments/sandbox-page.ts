// The built-in payment page, as text.
// owns: its words and its look. never: a script, an outside resource, an outcome.
// always true: it says that no money moves; every value is escaped; it works as a plain form.

import { createHash } from 'node:crypto'
import { dollars } from '../contract/money.ts'
import { CREDITS_PER_CENT } from './cents.ts'
import type { CheckoutRow } from './checkouts.ts'

const STYLE = `
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--text:#16191f;--soft:#5c6370;--line:#e2e5ea;--accent:#1f5eff;--on:#fff;--mark:#fff4d6;--mark-text:#6b4a00}
@media(prefers-color-scheme:dark){:root{--bg:#0f1115;--card:#181b21;--text:#eceef2;--soft:#9aa2b1;--line:#2a2f38;--accent:#5b8bff;--on:#0b0d12;--mark:#3a2f0d;--mark-text:#ffdf8a}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;background:var(--bg);color:var(--text);font:16px/1.5 Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums}
main{width:100%;max-width:420px;background:var(--card);border:1px solid var(--line);border-radius:16px;overflow:hidden}
.mark{margin:0;padding:10px 24px;background:var(--mark);color:var(--mark-text);font-size:14px}
.inner{padding:24px}
h1{margin:0 0 4px;font-size:20px;line-height:1.3}
.total{margin:0 0 20px;font-size:34px;font-weight:650;letter-spacing:-.02em}
dl{margin:0 0 24px;border-top:1px solid var(--line)}
dl div{display:flex;justify-content:space-between;gap:16px;padding:10px 0;border-bottom:1px solid var(--line)}
dt{color:var(--soft)}
dd{margin:0;text-align:right}
.get dt,.get dd{font-weight:600;color:var(--text)}
form{display:grid;gap:10px}
button,a.button{display:block;width:100%;padding:12px 16px;border-radius:10px;border:1px solid var(--line);background:transparent;color:var(--text);font:inherit;font-weight:550;text-align:center;text-decoration:none;cursor:pointer}
button.pay{background:var(--accent);border-color:var(--accent);color:var(--on)}
button:focus-visible,a:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.note{margin:20px 0 0;color:var(--soft);font-size:14px}
`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** The page of a checkout: to be paid, or saying how it ended. */
export function sandboxPage(row: CheckoutRow): string {
  const price = dollars(row.price_cents * CREDITS_PER_CENT)
  return row.status === 'pending'
    ? page(`Pay ${price}`, offer(row, price))
    : page(ENDED[row.status].title, ended(row, price))
}

/**
 * The page's policy: nothing but its own style. Where the form leads is named too, because browsers hold a redirect that
 * follows a form to `form-action`.
 */
export function sandboxPolicy(row: Pick<CheckoutRow, 'success_url' | 'cancel_url'>): string {
  const targets = new Set([row.success_url, row.cancel_url].map(originOf))
  return [
    "default-src 'none'",
    `style-src 'sha256-${STYLE_HASH}'`,
    `form-action 'self' ${[...targets].join(' ')}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Stands in for the provider's page where a publisher says who they are and where their bank is. */
export function onboardingPage(token: string): string {
  return page(
    'Payout account',
    `<h1>Payout account</h1>
<p>Stripe would ask here who you are and where your bank is.</p>
<form method="post" action="/sandbox/onboard/${escaped(token)}">
<button class="pay">Fill in everything</button>
</form>`,
  )
}

function offer(row: CheckoutRow, price: string): string {
  const fee = dollars(row.price_cents * CREDITS_PER_CENT - row.balance_credits)
  return `<h1>${escaped(row.package_name)} package</h1>
<p class="total">${price}</p>
<dl>
<div class="get"><dt>You get</dt><dd>${dollars(row.balance_credits)} of balance</dd></div>
<div><dt>Fee</dt><dd>${fee}</dd></div>
<div><dt>Price</dt><dd>${price}</dd></div>
</dl>
<form method="post" action="/sandbox/checkouts/${escaped(row.id)}">
<button class="pay" name="outcome" value="paid">Pay ${price}</button>
<button name="outcome" value="declined">Decline</button>
<a class="button" href="${escaped(returnUrl(row.cancel_url, row.id))}" rel="noreferrer">Cancel</a>
</form>
<p class="note">“Decline” plays a card that the bank refuses. Balance never expires and works in every app.</p>`
}

const ENDED = {
  paid: { title: 'Paid', text: 'The balance has been added.' },
  processing: { title: 'Under way', text: 'The payment is under way. The balance is added when it arrives.' },
  failed: { title: 'Failed', text: 'The payment did not arrive. Nothing was charged.' },
  declined: { title: 'Declined', text: 'The payment was refused. Nothing was charged.' },
  expired: { title: 'Expired', text: 'This payment can no longer be made. Nothing was charged.' },
} as const

function ended(row: CheckoutRow, price: string): string {
  const status = row.status === 'pending' ? 'expired' : row.status
  const back = returnUrl(status === 'paid' ? row.success_url : row.cancel_url, row.id)
  return `<h1>${ENDED[status].title}</h1>
<p class="total">${price}</p>
<p>${ENDED[status].text}</p>
<a class="button" href="${escaped(back)}" rel="noreferrer">Go back</a>`
}

/** Where a person goes afterwards; Stripe's placeholder is filled in as Stripe would. */
export function returnUrl(url: string, checkoutId: string): string {
  return url.replaceAll('{CHECKOUT_SESSION_ID}', checkoutId)
}

function page(title: string, inner: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Quota sandbox</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="mark"><strong>Sandbox.</strong> This is a test payment: no card is asked for and no money moves.</p>
<div class="inner">
${inner}
</div>
</main>
</body>
</html>
`
}

/** An origin as a policy can name it; an IPv6 address has no such form. */
function originOf(url: string): string {
  const { origin, protocol, hostname } = new URL(returnUrl(url, 'x'))
  return hostname.startsWith('[') ? protocol : origin
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
