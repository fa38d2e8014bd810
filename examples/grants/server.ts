// Welcome Desk: whoever signs up has some free answers; once they are spent, they pay for more.
// owns: accounts by name (a real app would ask for a password), one page. never: a token of a person, a balance of its own.
// always true: the welcome is given once for each name, however often the sign-up is sent.
//
//   QUOTA_API_KEY=sk-quota-… node examples/grants/server.ts        QUOTA_URL  PORT (7082)  WELCOME (dollars, 0.10)
//
// The key has the mode `user`, and its pool is funded: `q.funding.fund({ credits: usd('5') })`.

import { createHash } from 'node:crypto'
import cookie from '@fastify/cookie'
import { dollars, isLimit, QuotaError, quota, usd } from '@quota-wallet/sdk'
import Fastify from 'fastify'

const PORT = Number(process.env.PORT ?? 7082)
const APP_URL = `http://127.0.0.1:${PORT}`
const WELCOME = usd(process.env.WELCOME ?? '0.10')
const MODEL = process.env.GRANTS_MODEL ?? 'gpt-4o-mini'
const LONGEST = 200

const q = quota({
  baseUrl: process.env.QUOTA_URL ?? 'http://127.0.0.1:7070',
  credential: process.env.QUOTA_API_KEY ?? '',
})

/** Our users by their session: a name they chose, and what they were last told. In memory, as this is an example. */
const sessions = new Map<string, { name: string; told: string }>()
const names = new Set<string>()

const app = Fastify({ bodyLimit: 16 * 1024 })
await app.register(cookie)
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, new URLSearchParams(String(body))),
)
app.addHook('onRequest', async (request, reply) => {
  reply.header('content-security-policy', "default-src 'none'; form-action 'self' http: https:; frame-ancestors 'none'")
  reply.header('cache-control', 'no-store')
  const site = request.headers['sec-fetch-site']
  if (request.method !== 'GET' && site !== undefined && site !== 'same-origin') return reply.code(403).send()
})

app.get('/', async (request, reply) => {
  const user = sessions.get(request.cookies.session ?? '')
  const balance = user && (await q.users.balance({ external_user_id: user.name })).balance
  return reply.type('text/html').send(page(user, balance))
})

app.post('/sign-up', async (request, reply) => {
  const name = field(request.body, 'name')
  if (!/^[a-z]{2,20}$/.test(name) || names.has(name)) return reply.code(400).send('Another name, please: a to z.')
  names.add(name)
  try {
    // Our own name for the person is the key: a sign-up that is sent twice, by whatever accident, gives once.
    const welcome = { external_user_id: name, credits: WELCOME, description: 'Welcome' }
    await q.funding.grant(welcome, { idempotencyKey: `welcome-${name}` })
  } catch (error) {
    names.delete(name)
    // Our pool is empty. People may sign up all the same, in a real app; here we say so.
    if (error instanceof QuotaError && error.code === 'insufficient_balance') return reply.code(503).send(error.message)
    throw error
  }
  const id = createHash('sha256')
    .update(crypto.getRandomValues(new Uint8Array(32)))
    .digest('hex')
  sessions.set(id, { name, told: '' })
  return reply.setCookie('session', id, { path: '/', httpOnly: true, sameSite: 'lax' }).redirect('/', 303)
})

app.post('/ask', async (request, reply) => {
  const user = sessions.get(request.cookies.session ?? '')
  if (!user) return reply.redirect('/', 303)
  const question = field(request.body, 'question').slice(0, LONGEST)
  try {
    const messages = [{ role: 'user', content: question }]
    const answer = await q.user(user.name).chat({ model: MODEL, max_tokens: 100, messages })
    user.told = `${answer.choices[0]?.message.content} (${dollars(answer.quota.credits_used)})`
  } catch (error) {
    if (!isLimit(error)) throw error
    user.told = 'Your free answers are used up. Add money to go on.'
  }
  return reply.redirect('/', 303)
})

app.post('/buy', async (request, reply) => {
  const user = sessions.get(request.cookies.session ?? '')
  if (!user) return reply.redirect('/', 303)
  const back = { success_url: `${APP_URL}/`, cancel_url: `${APP_URL}/` }
  const { url } = await q.checkout({ package_id: 'starter', external_user_id: user.name, ...back })
  return reply.redirect(url, 303)
})

function page(user: { name: string; told: string } | undefined, balance = 0): string {
  const body = user
    ? `<p>Hello ${user.name}, you have ${dollars(balance)}.</p>${user.told && `<p role="status">${escaped(user.told)}</p>`}
<form method="post" action="/ask"><label>Question <input name="question" required></label> <button>Ask</button></form>
<form method="post" action="/buy"><button>Add money</button></form>`
    : '<form method="post" action="/sign-up"><label>Name <input name="name" required pattern="[a-z]{2,20}"></label> <button>Sign up</button></form>'
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Welcome Desk</title><h1>Welcome Desk</h1>${body}</html>`
}

function field(body: unknown, name: string): string {
  return (body instanceof URLSearchParams && body.get(name)) || ''
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    app.server.closeAllConnections()
    app.close().finally(() => process.exit(0))
  })
}
await app.listen({ host: '127.0.0.1', port: PORT })
console.log(`Welcome Desk: ${APP_URL}`)
