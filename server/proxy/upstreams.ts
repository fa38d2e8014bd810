// Where model calls go.
// owns: the table of upstreams, their keys and connection pools. never: money; a redirect followed; fetch.
// always true: a caller cannot choose an address or a key; only rows of this table are reachable.

import { Agent, type Dispatcher } from 'undici'
import type { Config } from '../config.ts'

export type Upstream = Readonly<{
  provider: string
  origin: string
  /** Path before `/chat/completions`. */
  basePath: string
  headers: Readonly<Record<string, string>>
}>

export type Upstreams = Readonly<{
  /** The upstream that serves a provider's models, or null. */
  of: (provider: string) => Upstream | null
  /** Providers that can be reached now. */
  providers: readonly string[]
  sandbox: Upstream
  dispatcher: Dispatcher
  close: () => Promise<void>
}>

/**
 * @param config keys and base URLs
 * @param explicitOpenai whether the operator named OPENAI_BASE_URL (a keyless local server is then meant)
 * @param sandboxUrl base of the built-in model, which serves every provider that has no key
 */
export function makeUpstreams(config: Config, explicitOpenai: boolean, sandboxUrl: string): Upstreams {
  const dispatcher = new Agent({
    connections: 512,
    pipelining: 1,
    headersTimeout: config.QUOTA_UPSTREAM_TIMEOUT_S * 1000,
    bodyTimeout: config.QUOTA_STREAM_IDLE_S * 1000,
    connect: { timeout: 10_000 },
  })
  const sandbox = upstream('sandbox', sandboxUrl, {})
  const rows = new Map<string, Upstream>()
  const { OPENAI_API_KEY: key } = config
  if (key || explicitOpenai) {
    rows.set('openai', upstream('openai', config.OPENAI_BASE_URL, key ? { authorization: `Bearer ${key}` } : {}))
  } else rows.set('openai', { ...sandbox, provider: 'openai' })
  return {
    of: (provider) => rows.get(provider) ?? null,
    providers: [...rows.keys()],
    sandbox,
    dispatcher,
    close: () => dispatcher.close(),
  }
}

function upstream(provider: string, base: string, headers: Record<string, string>): Upstream {
  const { origin, pathname } = new URL(base)
  return { provider, origin, basePath: pathname.replace(/\/$/, ''), headers }
}
