// `fetch` for any SDK that speaks OpenAI's or Anthropic's API: its calls go to Quota Wallet, and are paid there.
// owns: the address, the credential and the user of such a call. never: its body.
// always true: whatever host the SDK means, nothing goes anywhere but to `baseUrl`; keys of the SDK are left out.

import { utf8 } from './bytes.ts'
import { authorized, baseOf, type Options } from './credentials.ts'
import { parsed } from './errors.ts'
import { METERED } from './routes.ts'
import { segment } from './segment.ts'
import { lineReader } from './stream.ts'
import type { Quota } from './types.ts'

/** What one call cost and what is left to spend here, in micro-dollars, with the signed receipt. */
export type Spend = { credits_used: number; balance_after: number; receipt: string }

export type BilledOptions = Options & {
  /** This user pays, by the path. */
  user?: string | undefined
  /** This linked user pays, by `X-Quota-User`. */
  hosted?: string | undefined
  /** Is told of each paid call, at its end; it must not throw. */
  onSpend?: ((spend: Spend) => void) | undefined
}

const METERED_PATHS = new Set(Object.values(METERED).map(({ path }) => path))
const FOREIGN = ['authorization', 'x-api-key', 'openai-organization', 'openai-project', 'x-quota-user']

/**
 * @example new OpenAI({ apiKey: 'unused', fetch: billedFetch({ baseUrl, credential }) })
 * @throws TypeError (from the returned fetch) for an address without `/v1/`
 */
export function billedFetch(options: BilledOptions): typeof fetch {
  const base = baseOf(options)
  const own = options.fetch ?? fetch
  const prefix = options.user === undefined ? '/v1' : `/v1/users/${segment(options.user)}`
  return async (input, init) => {
    const given = input instanceof Request ? input : undefined
    const url = target(new URL(given?.url ?? String(input)), base, prefix)
    const headers = new Headers(init?.headers ?? given?.headers)
    for (const name of FOREIGN) headers.delete(name)
    if (options.hosted !== undefined) headers.set('x-quota-user', headerOf(options.hosted))
    const body = init?.body ?? (given?.body ? await given.arrayBuffer() : undefined)
    const signal = init?.signal ?? given?.signal
    const rest: RequestInit = { method: init?.method ?? given?.method ?? 'GET', headers }
    if (body !== undefined && body !== null) rest.body = body
    if (signal) rest.signal = signal
    const reply = await authorized(options.credential, (authorization) => {
      if (authorization !== null) headers.set('authorization', authorization)
      return own(url, rest)
    })
    return options.onSpend && reply.ok ? watched(reply, options.onSpend) : reply
  }
}

// A header is bytes; fetch takes each of them as a character.
function headerOf(text: string): string {
  return Array.from(utf8(text), (byte) => String.fromCharCode(byte)).join('')
}

function target(url: URL, base: string, prefix: string): string {
  const at = url.pathname.indexOf('/v1/')
  if (at < 0) throw new TypeError(`no /v1/ in ${url.href}`)
  const path = url.pathname.slice(at + 3)
  return base + (METERED_PATHS.has(path) ? prefix : '/v1') + path + url.search
}

/** The amount is in the headers when it is known before them, else in one event near the end of the stream. */
function watched(reply: Response, tell: (spend: Spend) => void): Response {
  const receipt = reply.headers.get('x-quota-receipt')
  if (receipt !== null) {
    const [used, after] = ['x-quota-credits-used', 'x-quota-balance-after'].map((name) =>
      Number(reply.headers.get(name)),
    )
    tell({ credits_used: used ?? 0, balance_after: after ?? 0, receipt })
    return reply
  }
  if (!reply.body || !reply.headers.get('content-type')?.startsWith('text/event-stream')) return reply
  const decoder = new TextDecoder()
  const lines = lineReader()
  const listener = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, out) {
      out.enqueue(bytes)
      for (const line of lines(decoder.decode(bytes, { stream: true }))) {
        const found = line.startsWith('data:') && line.includes('"quota"') ? quotaOf(parsed(line.slice(5))) : undefined
        if (found) tell(found)
      }
    },
  })
  const { status, statusText, headers } = reply
  return new Response(reply.body.pipeThrough(listener), { status, statusText, headers })
}

type Told = { quota?: Quota; response?: { quota?: Quota } } | undefined

function quotaOf(event: unknown): Spend | undefined {
  const found = (event as Told)?.quota ?? (event as Told)?.response?.quota
  if (!found) return undefined
  const { credits_used, balance_after, receipt } = found
  return { credits_used, balance_after, receipt }
}
