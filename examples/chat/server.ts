// Parrot Chat: a small third-party app whose answers are paid for by the person's own wallet.
// owns: the page, the browser session, the conversation. never: prices, limits, keys of a model provider.
// always true: whoever has no session cookie of ours gets nothing but the front page.
//
//   node examples/chat/server.ts        QUOTA_URL (http://127.0.0.1:7070)  PORT (7080)  CHAT_DATA_DIR  CHAT_MODEL
//
// Read quota.ts next: it holds everything that has to do with the wallet.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import cookie from '@fastify/cookie'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import * as quota from './quota.ts'

const COOKIE = 'parrot_session'
const LONGEST_MESSAGE = 4_000
const REMEMBERED_LINES = 20
const MOST_SESSIONS = 10_000

type Shown = quota.Line & { cost?: quota.Cost }
type Session = { leaving: quota.Leaving | null; wallet: quota.Wallet | null; lines: Shown[]; notice: string | null }

/** In memory only: after a restart a person connects again. An app with real users would keep this, sealed, in a database. */
const sessions = new Map<string, Session>()

const config = await quota.setUp()
const app = Fastify({ bodyLimit: 64 * 1024 })
await app.register(cookie)

app.addHook('onRequest', async (request, reply) => {
  // Anything that changes something must come from our own page, not from another site in the same browser.
  const site = request.headers['sec-fetch-site']
  if (request.method !== 'GET' && site !== undefined && site !== 'same-origin') return reply.code(403).send()
})

// --- the page ----------------------------------------------------------------------------------------------------------

const PAGE = readFileSync(join(import.meta.dirname, 'page.html'), 'utf8')

app.get('/', async (_request, reply) => {
  // Only the script and the style of the page itself may run; it may talk to nobody but us.
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  reply.header('content-security-policy', policy.join('; '))
  reply.header('referrer-policy', 'no-referrer').header('x-content-type-options', 'nosniff')
  return reply.type('text/html').send(PAGE.replaceAll('NONCE', nonce))
})

app.get('/state', async (request, reply) => {
  reply.header('cache-control', 'no-store')
  const session = sessionOf(request)
  const notice = session?.notice ?? null
  if (session) session.notice = null
  const balance = session?.wallet ? await balanceOf(session, session.wallet) : null
  const connected = Boolean(session?.wallet)
  return { connected, balance, notice, lines: session?.lines ?? [], walletUrl: `${quota.QUOTA_URL}/wallet` }
})

async function balanceOf(session: Session, wallet: quota.Wallet): Promise<number | null> {
  try {
    return await quota.balance(config, wallet)
  } catch {
    session.wallet = null // disconnected from the wallet's side while the page was closed
    return null
  }
}

// --- connect and disconnect ----------------------------------------------------------------------------------------------

app.get('/login', async (request, reply) => {
  const session = sessionOf(request) ?? newSession(reply)
  const { url, leaving } = await quota.leave(config)
  session.leaving = leaving
  return reply.redirect(url.href)
})

app.get('/callback', async (request, reply) => {
  const before = sessionOf(request)
  const leaving = before?.leaving
  if (!before || !leaving) return reply.redirect('/') // not asked for, or answered already
  before.leaving = null
  const wallet = await quota.comeBack(config, new URL(request.url, quota.APP_URL), leaving).catch((error: unknown) => {
    request.log.error(error)
    return undefined
  })
  // A new session id, so that nobody who planted the old one shares what comes now.
  sessions.delete(request.cookies[COOKIE] ?? '')
  const session = newSession(reply)
  session.lines = before.lines
  session.wallet = wallet ?? null
  if (wallet === null) session.notice = 'You did not connect your wallet. Nothing was charged.'
  if (wallet === undefined) session.notice = 'Connecting did not work. Please try again.'
  return reply.redirect('/')
})

app.post('/disconnect', async (request, reply) => {
  const session = sessionOf(request)
  if (session?.wallet) await quota.disconnect(config, session.wallet)
  sessions.delete(request.cookies[COOKIE] ?? '')
  return reply.clearCookie(COOKIE, { path: '/' }).code(204).send()
})

// --- chat ----------------------------------------------------------------------------------------------------------------

app.post('/chat', async (request, reply) => {
  const session = sessionOf(request)
  const text = (request.body as { text?: unknown } | null)?.text
  if (typeof text !== 'string' || text.trim() === '' || text.length > LONGEST_MESSAGE) return reply.code(400).send()
  if (!session?.wallet) return reply.code(401).send()
  session.lines.push({ role: 'user', content: text })
  const gone = new AbortController()
  // The stop button or a closed page ends the call; the person pays for what was written until then, not more.
  reply.raw.once('close', () => gone.abort())
  return reply.type('application/x-ndjson').send(Readable.from(answerLines(session, session.wallet, gone.signal)))
})

/** One JSON document per line: {text}, {text}, ..., then {cost, balance} or {problem}. */
async function* answerLines(session: Session, wallet: quota.Wallet, signal: AbortSignal): AsyncGenerator<string> {
  const messages = session.lines.slice(-REMEMBERED_LINES).map(({ role, content }) => ({ role, content }))
  const said: Shown = { role: 'assistant', content: '' }
  try {
    for await (const piece of quota.answer(config, wallet, messages, signal)) {
      if ('text' in piece) said.content += piece.text
      if ('cost' in piece) said.cost = piece.cost
      if ('problem' in piece && piece.problem.code === 'disconnected') session.wallet = null
      yield `${JSON.stringify(piece)}\n`
    }
  } finally {
    // An answer that never began leaves no trace, so that the person can simply send the question again.
    if (said.content === '') session.lines.pop()
    else session.lines.push(said)
  }
}

// --- sessions ------------------------------------------------------------------------------------------------------------

function sessionOf(request: FastifyRequest): Session | null {
  return sessions.get(request.cookies[COOKIE] ?? '') ?? null
}

function newSession(reply: FastifyReply): Session {
  const id = randomBytes(32).toString('base64url')
  const session: Session = { leaving: null, wallet: null, lines: [], notice: null }
  const oldest = sessions.keys().next()
  if (sessions.size >= MOST_SESSIONS && !oldest.done) sessions.delete(oldest.value)
  sessions.set(id, session)
  // Lax, not strict: the browser comes back from the wallet's site and has to bring the cookie along.
  reply.setCookie(COOKIE, id, { path: '/', httpOnly: true, sameSite: 'lax', secure: quota.APP_URL.startsWith('https') })
  return session
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    app.server.closeAllConnections()
    app.close().finally(() => process.exit(0))
  })
}
await app.listen({ host: '127.0.0.1', port: quota.PORT })
console.log(`Parrot Chat: ${quota.APP_URL} (wallet: ${quota.QUOTA_URL})`)
