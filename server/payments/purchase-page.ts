// The receipt of a purchase as a page, to be read and printed.
// owns: its look. never: a script, an outside resource. always true: every value is escaped.

import { createHash } from 'node:crypto'
import type { PurchaseFacts } from './purchase-facts.ts'
import { ABOUT, headOf, type Line, linesOf, NOT_REAL } from './purchase-words.ts'

const STYLE = `
:root{color-scheme:light dark;--bg:#f6f6f3;--card:#fff;--text:#1a1d1a;--soft:#5b6059;--line:#e0e0da;--accent:#0a6650;--mark:#fbefd6;--mark-text:#7d5000}
@media(prefers-color-scheme:dark){:root{--bg:#111311;--card:#191c19;--text:#eceeea;--soft:#a2a89f;--line:#2d322d;--accent:#6dd2ae;--mark:#332911;--mark-text:#ecbf66}}
*{box-sizing:border-box}
body{margin:0;padding:32px 16px;background:var(--bg);color:var(--text);font:16px/1.5 Inter,system-ui,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:640px;margin:0 auto;background:var(--card);border:1px solid var(--line);border-radius:16px;padding:32px;overflow-wrap:anywhere}
h1{margin:0 0 4px;font-size:26px;letter-spacing:-.02em}
p{margin:0}.soft,dt{color:var(--soft)}
.mark{margin:0 0 24px;padding:8px 14px;border-radius:10px;background:var(--mark);color:var(--mark-text);font-size:14px}
section{margin-top:28px}h2{margin:0 0 4px;font-size:14px;font-weight:500;color:var(--soft)}
dl{margin:28px 0 0}dl div{display:flex;justify-content:space-between;gap:24px;padding:10px 0;border-bottom:1px solid var(--line)}
dd{margin:0;text-align:end}.strong dt,.strong dd{font-weight:650;color:var(--text)}
.note{margin-top:28px;color:var(--soft);font-size:14px}
a{color:var(--accent)}a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media print{body{padding:0;background:#fff}main{border:0;padding:0}.screen{display:none}}
`
export const RECEIPT_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export function receiptPage(facts: PurchaseFacts, pdfPath: string): string {
  const { billedTo } = facts
  return page(
    `Receipt ${facts.number}`,
    `${facts.real ? '' : `<p class="mark">${NOT_REAL}</p>\n`}<h1>Receipt</h1>
<p class="soft">${escaped(facts.seller)}</p>
${list(headOf(facts))}
${billedTo ? `<section>\n<h2>Billed to</h2>\n${billedTo.name ? `<p><bdi>${escaped(billedTo.name)}</bdi></p>\n` : ''}<p>${escaped(billedTo.email)}</p>\n</section>` : ''}
${list(linesOf(facts))}
<p class="note">${ABOUT}</p>
<p class="note screen"><a href="${escaped(pdfPath)}">Save as PDF</a></p>`,
  )
}

/** For somebody whose sign-in the receipt asks for. */
export const signInPage = (): string =>
  page(
    'Receipt',
    `<h1>Sign in to see this receipt</h1>
<p class="note">It is shown to the person who paid. <a href="/wallet/account">Sign in</a>, then open it again.</p>`,
  )

const list = (lines: Line[]): string =>
  `<dl>\n${lines
    .map(
      ({ name, amount, strong }) =>
        `<div${strong ? ' class="strong"' : ''}><dt>${escaped(name)}</dt><dd>${escaped(amount)}</dd></div>`,
    )
    .join('\n')}\n</dl>`

function page(title: string, inner: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${inner}
</main>
</body>
</html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
