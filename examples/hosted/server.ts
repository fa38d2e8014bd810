// Haiku Desk: a small server-rendered app whose haikus are paid for by the person's own wallet. No script in its pages.
// owns: the pages, our users. never: a token; prices, limits, keys of a model provider.
// always true: whoever changes something has our cookie and comes from our own page.
//
//   node examples/hosted/server.ts      QUOTA_URL (http://127.0.0.1:7070)  PORT (7081)  HOSTED_DATA_DIR  HOSTED_MODEL
//
// Read quota.ts next: it holds everything that has to do with the wallet.

import { createHash, randomBytes } from 'node:crypto'
import cookie from '@fastify/cookie'
import { dollars } from '@quota-wallet/sdk'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import * as wallet from './quota.ts'

const COOKIE = 'haiku_user'
const A_YEAR_S = 365 * 86_400
const MOST_PEOPLE = 10_000

/** What we show next, and who is away at the wallet. In memory only: losing it costs a person one click. */
type Desk = { leaving: wallet.Leaving | null; last: wallet.Haiku | null; notice: string | null }
const desks = new Map<string, Desk>()

const quota = await wallet.setUp()
const app = Fastify({ bodyLimit: 16 * 1024 })
await app.register(cookie)
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, new URLSearchParams(String(body))),
)

app.addHook('onRequest', async (request, reply) => {
  reply.header(
    'content-security-policy',
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  )
  reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer')
  // Anything that changes something must come from our own page, not from another site in the same browser.
  const site = request.headers['sec-fetch-site']
  if (request.method !== 'GET' && site !== undefined && site !== 'same-origin') return reply.code(403).send()
})

app.get('/', async (request, reply) => {
  const { userId, desk } = person(request, reply)
  const balance = await wallet.balance(quota, userId)
  const { notice, last } = desk
  desk.notice = null
  return reply.type('text/html').send(page({ notice, last, balance }))
})

app.get('/connect', async (request, reply) => {
  const { desk } = person(request, reply)
  const { url, leaving } = await wallet.leave(quota)
  desk.leaving = leaving
  return reply.redirect(url)
})

app.get('/callback', async (request, reply) => {
  const { userId, desk } = person(request, reply)
  const { leaving } = desk
  desk.leaving = null
  if (!leaving) return reply.redirect('/') // not asked for, or answered already
  try {
    const back = new URL(request.url, wallet.APP_URL)
    const linked = await wallet.link(quota, back, leaving, userId)
    desk.notice = linked ? 'Your wallet is connected.' : 'You did not connect your wallet. Nothing was charged.'
  } catch (error) {
    console.error(error)
    desk.notice = 'Connecting did not work. Please try again.'
  }
  return reply.redirect('/')
})

app.post('/haiku', async (request, reply) => {
  const { userId, desk } = person(request, reply)
  const topic = (request.body as URLSearchParams).get('topic')?.trim() ?? ''
  if (topic !== '' && topic.length <= 200) desk.last = await wallet.haiku(quota, userId, topic)
  return reply.redirect('/', 303)
})

app.post('/disconnect', async (request, reply) => {
  const { userId, desk } = person(request, reply)
  await wallet.unlink(quota, userId)
  desk.last = null
  return reply.redirect('/', 303)
})

/**
 * Our user behind a request. The cookie is the secret; its hash is our id for the person, so that the id that travels
 * to the wallet is no credential with us.
 */
function person(request: FastifyRequest, reply: FastifyReply): { userId: string; desk: Desk } {
  let secret = request.cookies[COOKIE] ?? ''
  if (!/^[\w-]{43}$/.test(secret)) {
    secret = randomBytes(32).toString('base64url')
    // Lax, not strict: the browser comes back from the wallet's site and has to bring the cookie along.
    const secure = wallet.APP_URL.startsWith('https')
    reply.setCookie(COOKIE, secret, { path: '/', httpOnly: true, sameSite: 'lax', secure, maxAge: A_YEAR_S })
  }
  const userId = `reader_${createHash('sha256').update(secret).digest('hex').slice(0, 32)}`
  const desk = desks.get(userId) ?? { leaving: null, last: null, notice: null }
  const oldest = desks.keys().next()
  if (desks.size >= MOST_PEOPLE && !oldest.done) desks.delete(oldest.value)
  desks.set(userId, desk)
  return { userId, desk }
}

// --- the page ------------------------------------------------------------------------------------------------------------

function page(shown: { notice: string | null; last: wallet.Haiku | null; balance: number | null }): string {
  const { notice, last, balance } = shown
  const answer = last === null ? '' : 'text' in last ? haikuOf(last) : `<p role="alert">${escaped(last.problem)}</p>`
  const body =
    balance === null
      ? '<p>A haiku costs less than a cent. You pay with your own wallet, up to the limit that you set there.</p><p><a class="button" href="/connect">Connect your wallet</a></p>'
      : `<form method="post" action="/haiku"><label>Topic <input name="topic" maxlength="200" required autofocus></label> <button>Write</button></form>${answer}
<p class="small">You have ${dollars(balance)} to spend here.</p><form method="post" action="/disconnect"><button class="plain">Disconnect</button></form>`
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Haiku Desk</title><style>${STYLE}</style><main><h1>Haiku Desk</h1>${notice ? `<p role="status">${escaped(notice)}</p>` : ''}${body}</main></html>`
}

function haikuOf({ text, cost }: Extract<wallet.Haiku, { text: string }>): string {
  return `<blockquote>${escaped(text)}</blockquote><p class="small">You paid ${dollars(cost)}.</p>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

const STYLE = `:root{color-scheme:light dark}body{font:1.05rem/1.6 system-ui,sans-serif;margin:0}main{max-width:34rem;margin:4rem auto;padding:0 1rem}
blockquote{font:italic 1.3rem/1.6 Georgia,serif;white-space:pre-line;margin:2rem 0}.small{opacity:.75;font-size:.9rem}
input,button,.button{font:inherit;padding:.5rem .9rem;border-radius:.5rem;border:1px solid currentColor;background:none;color:inherit;text-decoration:none}.plain{border:0;padding:0;text-decoration:underline}`

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    app.server.closeAllConnections()
    app.close().finally(() => process.exit(0))
  })
}
await app.listen({ host: '127.0.0.1', port: wallet.PORT })
console.log(`Haiku Desk: ${wallet.APP_URL} (wallet: ${wallet.QUOTA_URL})`)
