// The readable reference: one page, made of the same tables and schemas as the OpenAPI document.
// owns: its HTML. never: a script, anything from another server.
// always true: every route and every error code has its anchor; what stands in it is escaped.

import { createHash } from 'node:crypto'
import { FAULTS } from '../contract/faults.ts'
import { faultsOf, GROUPS, idOf, SCHEMES, type Schema, schemaOf, WHO_WORDS } from './document.ts'
import type { Operation } from './operation.ts'
import { QUICKSTART } from './quickstart.ts'

const STYLE = `:root{color-scheme:light dark;--line:#8884;--soft:#8882}
body{font:16px/1.55 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:1.5rem 1rem 6rem}
h1{font-size:1.6rem}h2{margin-top:3rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}h3{font-size:1rem;margin:2rem 0 .25rem}
nav ul{columns:2;padding-left:1.2rem}table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{background:var(--soft);padding:1rem;overflow-x:auto;border-radius:.4rem}
.m{display:inline-block;min-width:4.2rem;font-weight:700}.who{opacity:.75;font-size:.9rem}
:target{background:#6c8cff33}details{margin:.4rem 0}summary{cursor:pointer}`

/** What the page may load: its own style, known by its hash, and nothing else. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The page. @param publicUrl where this server is reached */
export function pageOf(publicUrl: string): string {
  const groups = GROUPS.map(({ name, text, operations }) => {
    const sections = operations.map(sectionOf).join('')
    return `<h2 id="${slug(name)}">${escaped(name)}</h2><p>${words(text)}</p>${sections}`
  })
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Quota Wallet: API reference</title><style>${STYLE}</style></head><body>
<h1>Quota Wallet: API reference</h1>
<p>The same as a document for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
<nav><ul><li><a href="#start">Ten minutes</a></li><li><a href="#common">What all routes share</a></li>${GROUPS.map(
    ({ name }) => `<li><a href="#${slug(name)}">${escaped(name)}</a></li>`,
  ).join('')}<li><a href="#errors">Errors</a></li></ul></nav>
${startOf(publicUrl)}${COMMON_PART}${groups.join('')}${errorsPart()}</body></html>`
}

function startOf(publicUrl: string): string {
  return `<h2 id="start">Ten minutes</h2>
<p>From an account to the first payout: one script, as it stands, with Node 20 or newer (<code>node start.mjs</code>). It registers a developer and an app,
funds a grant pool, grants a user a dollar, makes a call that the grant pays, and looks at the revenue and the payout.
In the sandbox no money is real.</p>
<pre id="start-script">${escaped(QUICKSTART.replaceAll('{{url}}', publicUrl))}</pre>`
}

const COMMON_PART = `<h2 id="common">What all routes share</h2>
<p>Amounts are integer credits: 1,000,000 are one dollar. Only <code>/v1/funding</code> takes dollars. Times are RFC 3339, UTC. An unknown field of a body is refused,
but for model calls, which pass it on. Every answer carries <code>x-request-id</code>; quote it when you ask for help. Limits of rates are told by
<code>X-RateLimit-Limit</code>, <code>-Remaining</code> and <code>-Reset</code>. Routes that move money take an <code>Idempotency-Key</code>: the same key and body are answered again, once done.</p>
<table><thead><tr><th>Credential</th><th>What it is</th></tr></thead><tbody>${Object.entries(SCHEMES)
  .map(
    ([name, { text }]) =>
      `<tr><td>${escaped(WHO_WORDS[name as keyof typeof SCHEMES])}</td><td>${words(text)}</td></tr>`,
  )
  .join('')}</tbody></table>`

function sectionOf(operation: Operation): string {
  const { at, summary, who, query = {}, body, form, answer, status = 200, once } = operation
  const [method = '', path = ''] = at.split(' ')
  const faults = [...faultsOf(operation)].map(
    ([code, codes]) => `${code} ${codes.map((name) => `<a href="#${name}"><code>${name}</code></a>`).join(', ')}`,
  )
  const questions = Object.entries(query).map(([name, text]) => row(name, 'text', words(text)))
  return `<section id="${idOf(operation)}"><h3><span class="m">${method}</span><code>${escaped(path)}</code></h3>
<p>${words(summary)}${once ? ' Takes an <code>Idempotency-Key</code>.' : ''} <span class="who">By: ${who.map((one) => WHO_WORDS[one]).join(', ')}.</span></p>
${questions.length > 0 ? `<details><summary>Query</summary><table><tbody>${questions.join('')}</tbody></table></details>` : ''}
${body ? `<details><summary>Body${form ? ` (${form})` : ''}</summary>${tableOf(schemaOf(body))}</details>` : ''}
<details><summary>Answer ${status}</summary>${typeof answer === 'string' ? `<p><code>${escaped(answer)}</code></p>` : tableOf(schemaOf(answer))}</details>
<details><summary>Errors</summary><p>${faults.join(' · ')}</p></details></section>`
}

const DEPTH_MAX = 4

function tableOf(schema: Schema): string {
  const rows = fieldsOf(schema, '', 0)
  if (rows.length === 0) return `<p><code>${escaped(typeOf(schema))}</code></p>`
  return `<table><tbody>${rows.join('')}</tbody></table>`
}

/** A row for each field, and for the fields within it. */
function fieldsOf(schema: Schema, before: string, depth: number): string[] {
  const inner = innerOf(schema)
  const { properties, required = [] } = inner.schema as { properties?: Record<string, Schema>; required?: string[] }
  if (!properties || depth > DEPTH_MAX) return []
  return Object.entries(properties).flatMap(([name, field]) => {
    const full = `${before}${inner.many ? '[].' : before ? '.' : ''}${name}`
    return [row(full, typeOf(field), required.includes(name) ? '' : 'optional'), ...fieldsOf(field, full, depth + 1)]
  })
}

/** An object, whether it stands alone, in a list, or may be null. */
function innerOf(schema: Schema): { schema: Schema; many: boolean } {
  if (schema.type === 'array') return { schema: innerOf((schema.items ?? {}) as Schema).schema, many: true }
  const choices = (schema.anyOf ?? []) as Schema[]
  const object = choices.find((choice) => choice.type === 'object' || choice.type === 'array')
  return object ? innerOf(object) : { schema, many: false }
}

function typeOf(schema: Schema): string {
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (choices) return [...new Set(choices.map(typeOf))].join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.type === 'array') return `${typeOf((schema.items ?? {}) as Schema)}[]`
  return String(schema.format === 'date-time' ? 'time' : (schema.type ?? 'any'))
}

function row(name: string, type: string, text: string): string {
  return `<tr><td><code>${escaped(name)}</code></td><td><code>${escaped(type)}</code></td><td>${text}</td></tr>`
}

function errorsPart(): string {
  const rows = Object.entries(FAULTS).map(
    ([code, [status, type, message]]) =>
      `<tr id="${code}"><td>${status}</td><td><code>${code}</code></td><td><code>${type}</code></td><td>${escaped(message)}</td></tr>`,
  )
  return `<h2 id="errors">Errors</h2>
<p>Every error has this body: <code>{"error": {message, type, code, param, details, hint, docs_url, request_id}}</code>; <code>docs_url</code> leads to its row here.
A 402 says in <code>details</code> which limit spoke and when it resets; it is never worth a retry by itself.</p>
<table><thead><tr><th>Status</th><th>Code</th><th>Type</th><th>What it says</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

/** Text with `code` in it. */
function words(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z]+/g, '-')
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
