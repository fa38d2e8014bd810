// Hosted mode as a handful of web handlers: Request in, Response out, for any server framework.
// owns: the round trip of connecting, and what the React components ask the app's own server. never: a token of a person.
// always true: only who began to connect can finish it (a sealed cookie, bound to the app's user); what changes something
// comes from the app's own pages.

import { type Client, quota } from './client.ts'
import { given, type Setting } from './credentials.ts'
import { isDisconnected, QuotaError } from './errors.ts'
import { type OAuth, oauth, type Pending } from './oauth.ts'
import { seal, unseal } from './seal.ts'

export type HostedOptions = {
  /** Where Quota Wallet is. */
  baseUrl: Setting
  clientId: Setting
  clientSecret: Setting
  /** `sk-quota-…` of a key whose mode is `user`. */
  apiKey: Setting
  /** The app's own address, `https://app.example`; `{appUrl}{path}/callback` has to be registered as a redirect URI. */
  appUrl: Setting
  /** Where these handlers are mounted; `/api/quota` by default. */
  path?: string
  /** At least 32 characters, from chance; the same on every server of the app. */
  cookieSecret: Setting
  /** Who is signed in with the app: its own name for them (never an e-mail address that may change hands), or null. */
  userOf: (request: Request) => string | null | Promise<string | null>
  /** The limit to suggest, in micro-dollars. */
  cap?: { amount: number; period: 'day' | 'week' | 'month' | 'total' }
  scope?: string
  /** Where people go on, once they have connected or paid; `/` by default. It gets `?quota=connected|denied|failed|paid|unpaid`. */
  after?: string
  /** Is told why connecting failed. */
  onError?: (error: unknown) => void
  fetch?: typeof fetch
}

export type HostedWallet = {
  /**
   * Answers every route below `path`: GET connect, callback, me, packages; POST checkout, disconnect.
   * @returns 404 for anything else
   */
  handle: (request: Request) => Promise<Response>
  /** For calls: `wallet.quota.hosted(user).chat(…)`. */
  quota: Client
}

const COOKIE = 'quota_pending'
const PENDING_MS = 600_000

type Held = Pending & { user: string }
type Given = HostedOptions & { appUrl: string; cookieSecret: string }
type Ctx = { options: Given; path: string; auth: OAuth; q: Client }
type Handler = (ctx: Ctx, request: Request, user: string) => Promise<Response>

const HANDLERS: Record<string, Handler> = {
  'GET connect': connect,
  'GET callback': callback,
  'GET me': async ({ q }, _request, user) => json(await standing(q, user)),
  'GET packages': async ({ q }) => json(await q.packages()),
  'POST checkout': checkout,
  'POST disconnect': disconnect,
}

/** @throws TypeError when a setting is missing */
export function hostedWallet(settings: HostedOptions): HostedWallet {
  const needed = given(settings, 'baseUrl', 'clientId', 'clientSecret', 'apiKey', 'appUrl', 'cookieSecret')
  const options: Given = { ...settings, ...needed }
  const path = options.path ?? '/api/quota'
  const { baseUrl, clientId, clientSecret, apiKey } = options
  const redirectUri = `${options.appUrl}${path}/callback`
  const auth = oauth({ baseUrl, clientId, clientSecret, redirectUri, fetch: options.fetch })
  const q = quota({ baseUrl, credential: apiKey, fetch: options.fetch })
  const ctx = { options, path, auth, q }
  return { handle: (request) => handle(ctx, request), quota: q }
}

async function handle(ctx: Ctx, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const name = pathname.startsWith(`${ctx.path}/`) ? pathname.slice(ctx.path.length + 1) : ''
  const key = `${request.method} ${name}`
  const handler = Object.hasOwn(HANDLERS, key) ? HANDLERS[key] : undefined
  if (!handler) return refused(404, 'not_found')
  if (request.method !== 'GET' && !isOwnPage(request, ctx.options.appUrl)) return refused(403, 'csrf')
  const user = await ctx.options.userOf(request)
  if (user === null || user === '') return refused(401, 'unauthorized')
  try {
    return await handler(ctx, request, user)
  } catch (error) {
    if (!(error instanceof QuotaError)) throw error
    return refused(error.status || 502, error.code, error.message)
  }
}

/** A browser says where a request comes from (Fetch Metadata, Origin); what says neither is no browser with cookies. */
function isOwnPage({ headers }: Request, appUrl: string): boolean {
  const [site, origin] = [headers.get('sec-fetch-site'), headers.get('origin')]
  if (site !== null && site !== 'same-origin') return false
  return origin === null || origin === new URL(appUrl).origin
}

async function connect(ctx: Ctx, _request: Request, user: string): Promise<Response> {
  const { cap, scope } = ctx.options
  const { url, pending } = await ctx.auth.begin({ ...(cap ? { cap } : {}), ...(scope ? { scope } : {}) })
  const held: Held = { ...pending, user }
  return go(url, cookie(ctx, await seal(held, ctx.options.cookieSecret, Date.now() + PENDING_MS), PENDING_MS / 1000))
}

async function callback(ctx: Ctx, request: Request, user: string): Promise<Response> {
  const back = (how: string) => go(after(ctx, how), cookie(ctx, '', 0))
  try {
    const text = cookieOf(request)
    const held = text && ((await unseal(text, ctx.options.cookieSecret, Date.now())) as Held | null)
    if (!held || held.user !== user) return back('failed')
    // Behind a proxy the request may name another host; only what it answers counts.
    const answer = `${ctx.options.appUrl}${ctx.path}/callback${new URL(request.url).search}`
    return back((await ctx.auth.link(answer, held, user)) ? 'connected' : 'denied')
  } catch (error) {
    ctx.options.onError?.(error)
    return back('failed')
  }
}

/** `balance` is what is spendable here, in micro-dollars: of a linked wallet, or what was granted to an unlinked user. */
async function standing(q: Client, user: string): Promise<{ connected: boolean; balance: number | null }> {
  const linked = await known(q.users.get({ external_user_id: user }))
  if (linked) return { connected: true, balance: linked.user.balance }
  const unclaimed = await known(q.users.balance({ external_user_id: user }))
  return { connected: false, balance: unclaimed?.balance ?? null }
}

function known<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((error: unknown) => {
    if (isDisconnected(error)) return null
    throw error
  })
}

async function checkout(ctx: Ctx, request: Request, user: string): Promise<Response> {
  const given = (await request.json().catch(() => null)) as { package_id?: unknown } | null
  if (typeof given?.package_id !== 'string') return refused(400, 'bad_request', 'package_id: a text.')
  const made = await ctx.q.checkout({
    package_id: given.package_id,
    external_user_id: user,
    success_url: after(ctx, 'paid'),
    cancel_url: after(ctx, 'unpaid'),
  })
  return json({ url: made.url })
}

async function disconnect(ctx: Ctx, _request: Request, user: string): Promise<Response> {
  await known(ctx.q.users.unlink({ external_user_id: user }))
  return json({ connected: false })
}

function after({ options }: Ctx, how: string): string {
  const url = new URL(options.after ?? '/', options.appUrl)
  url.searchParams.set('quota', how)
  return url.href
}

/** Lax, not strict: the browser comes back from the wallet's site and has to bring the cookie along. */
function cookie({ options, path }: Ctx, value: string, maxAgeS: number): string {
  const secure = options.appUrl.startsWith('https:') ? '; Secure' : ''
  return `${COOKIE}=${value}; Path=${path}; Max-Age=${maxAgeS}; HttpOnly; SameSite=Lax${secure}`
}

function cookieOf(request: Request): string | null {
  const pairs = (request.headers.get('cookie') ?? '').split('; ')
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? null
}

function go(location: string, setCookie: string): Response {
  return new Response(null, {
    status: 303,
    headers: { location, 'set-cookie': setCookie, 'cache-control': 'no-store' },
  })
}

function json(body: unknown, status = 200): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return new Response(JSON.stringify(body), { status, headers })
}

function refused(status: number, code: string, message: string = code): Response {
  return json({ error: { code, message } }, status)
}
