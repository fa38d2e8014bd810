// The client: the table of routes, as functions.
// owns: one request and its answer. never: a retry of its own (a call moves money; give it an idempotencyKey and decide).
// always true: the credential goes to `baseUrl` and nowhere else.

import { type BilledOptions, billedFetch } from './billed-fetch.ts'
import { authorized, baseOf, type Options } from './credentials.ts'
import { errorOf, parsed, QuotaError } from './errors.ts'
import { dollarText } from './money.ts'
import type { AnyRoute, Route } from './route.ts'
import { type Body, METERED, ROUTES } from './routes.ts'
import { segment } from './segment.ts'
import { eventsOf } from './stream.ts'
import type { Quota } from './types.ts'

export type CallOptions = {
  /** The same key and the same input: the first answer again, charged once. */
  idempotencyKey?: string
  signal?: AbortSignal
  headers?: Record<string, string>
}
type Call<I, O> = undefined extends I
  ? (input?: I, options?: CallOptions) => Promise<O>
  : (input: I, options?: CallOptions) => Promise<O>
type Calls<T> = { [K in keyof T]: T[K] extends Route<infer I, infer O> ? Call<I, O> : Calls<T[K]> }

/** One event of a streamed chat; the last one has no choices, and `quota`. */
export type ChatChunk = {
  choices: {
    index: number
    delta: { content?: string | null } & Record<string, unknown>
    finish_reason: string | null
  }[]
  quota?: Quota
} & Record<string, unknown>

type Metered = Calls<typeof METERED> & {
  /** A streamed chat, event by event. */
  chatStream: (body: Body & { messages: unknown[] }, options?: CallOptions) => AsyncGenerator<ChatChunk>
  /** In the place of `fetch` of any SDK that speaks OpenAI's or Anthropic's API: its calls come here, and are paid here. */
  fetch: typeof fetch
}
/** Calls in the name of one user. */
export type UserClient = Metered
export type Client = Calls<typeof ROUTES> &
  Metered & {
    /** This user pays: one who bought balance, was granted some, or linked a wallet. */
    user: (externalUserId: string) => UserClient
    /** This linked user pays (`X-Quota-User`). */
    hosted: (externalUserId: string) => UserClient
  }

/** A fetch that already knows the credential. */
type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * A client of a Quota Wallet server.
 * @param options.credential decides who pays: an API key, a person's access token (or `keepFresh`), a developer's session
 * @param options.onSpend is told of each paid call, streamed ones included; it must not throw
 */
export function quota(options: Options & Pick<BilledOptions, 'onSpend'>): Client {
  const base = baseOf(options)
  const own = options.fetch ?? fetch
  const plain: Fetch = (url, init) =>
    authorized(options.credential, (authorization) => {
      const headers = new Headers(init.headers)
      if (authorization !== null) headers.set('authorization', authorization)
      return own(url, { ...init, headers })
    })
  return {
    ...(callsOf(ROUTES, base, plain) as Calls<typeof ROUTES>),
    ...metered(base, billedFetch(options)),
    user: (id) => metered(base, billedFetch({ ...options, user: id })),
    hosted: (id) => metered(base, billedFetch({ ...options, hosted: id })),
  }
}

function metered(base: string, billed: typeof fetch): Metered {
  const at = `${base}/v1`
  async function* chatStream(body: Body, call: CallOptions = {}): AsyncGenerator<ChatChunk> {
    const reply = await answered(billed, at, METERED.chat, { ...body, stream: true }, call)
    for await (const data of eventsOf(reply)) {
      if (data === '[DONE]') return
      yield chunkOf(data)
    }
  }
  return { ...(callsOf(METERED, at, billed) as Calls<typeof METERED>), chatStream, fetch: billed }
}

type Tree = { [name: string]: AnyRoute | Tree }

function callsOf(routes: object, base: string, call: Fetch): object {
  const calls = Object.entries(routes as Tree).map(([name, one]) => {
    if (!isRoute(one)) return [name, callsOf(one, base, call)]
    return [
      name,
      (input?: unknown, options: CallOptions = {}) => result(one, answered(call, base, one, input, options)),
    ]
  })
  return Object.fromEntries(calls)
}

function isRoute(one: Tree[string]): one is AnyRoute {
  return typeof one.path === 'string' && typeof one.method === 'string'
}

async function result({ kind }: AnyRoute, answer: Promise<Response>): Promise<unknown> {
  const reply = await answer
  if (kind === 'raw') return reply
  const body = parsed(await reply.text())
  if (body === undefined)
    throw new QuotaError({ code: 'malformed', message: 'the answer is not JSON', status: reply.status })
  return body
}

/** @throws QuotaError for every answer that is no success, and `unreachable` when there is none */
async function answered(
  call: Fetch,
  base: string,
  route: AnyRoute,
  input: unknown,
  options: CallOptions,
): Promise<Response> {
  const { url, body } = requestOf(base, route, input)
  const headers = new Headers(options.headers)
  if (options.idempotencyKey !== undefined) headers.set('idempotency-key', options.idempotencyKey)
  if (typeof body === 'string') headers.set('content-type', 'application/json')
  const init: RequestInit = { method: route.method, headers, ...(body === undefined ? {} : { body }) }
  if (options.signal) init.signal = options.signal
  const reply = await call(url, init).catch((cause: unknown) => {
    if (cause instanceof QuotaError || options.signal?.aborted) throw cause
    throw new QuotaError({ code: 'unreachable', message: `the server at ${base} did not answer`, cause })
  })
  if (!reply.ok) throw await errorOf(reply)
  return reply
}

function requestOf(base: string, { method, path, kind }: AnyRoute, input: unknown) {
  if (kind === 'form') return { url: base + path, body: input as FormData }
  const rest: Record<string, unknown> = { ...(input as object | undefined) }
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = segment(String(rest[name]))
    delete rest[name]
    return value
  })
  if (method === 'GET') {
    const given = Object.entries(rest).filter(([, value]) => value !== undefined)
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
    return { url: base + at + (query && `?${query}`), body: undefined }
  }
  const empty = Object.keys(rest).length === 0
  return { url: base + at, body: kind === 'dollars' ? withDollars(rest) : empty ? undefined : JSON.stringify(rest) }
}

/** An amount goes out as its exact decimal text, so that no float ever holds it. */
function withDollars({ credits, ...rest }: Record<string, unknown>): string {
  const amount = `"amount":${dollarText(credits as number)}`
  const others = JSON.stringify(rest).slice(1, -1)
  return `{${others === '' ? amount : `${others},${amount}`}}`
}

/** @throws QuotaError when the stream ends with a refusal in its last frame */
function chunkOf(data: string): ChatChunk {
  const chunk = parsed(data) as (ChatChunk & { error?: { code: string; message: string } }) | undefined
  if (chunk === undefined) throw new QuotaError({ code: 'malformed', message: 'an event of the stream is not JSON' })
  if (chunk.error) throw new QuotaError(chunk.error)
  return chunk
}
