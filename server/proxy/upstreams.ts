// Where model calls go.
// owns: the table of upstreams, their keys and connection pools. never: money; a redirect followed; fetch.
// always true: a caller cannot choose an address or a key; only rows of this table are reachable; their order is theirs
// alone: priority, then the place in the settings or the file.

import { Agent, type Dispatcher } from 'undici'
import type { Config } from '../config.ts'
import {
  type Auth,
  authHeaders,
  PROVIDERS,
  type Provider,
  providerRow,
  type Quirks,
  SHAPES,
  type ShapeName,
} from '../providers.ts'
import { type Breaker, makeBreaker } from './breaker.ts'
import { candidatesAmong } from './candidates.ts'
import { DEFAULT_PRIORITY, type FileUpstream } from './upstreams-file.ts'

export type Upstream = Readonly<{
  /** Unique; in logs and figures. */
  name: string
  /** Whose models it serves. */
  provider: string
  /** The provider whose prices hold here. */
  pricedAs: string
  /** The lowest is asked first. */
  priority: number
  origin: string
  /** Path before `/chat/completions`. */
  basePath: string
  /** The key's headers for each shape it speaks; a shape without an entry is not spoken. */
  headers: Readonly<Partial<Record<ShapeName, Readonly<Record<string, string>>>>>
  /** A model's name to the name it goes by here; null: all of the provider's models, under their own names. */
  models: ReadonlyMap<string, string> | null
  quirks: Quirks
}>

export type Upstreams = Readonly<{
  /** In the order in which they are asked. */
  all: readonly Upstream[]
  /** The upstreams of a model in an API shape, in the order in which they are asked. */
  candidates: ReturnType<typeof candidatesAmong>
  health: Breaker
  /** Providers that can be reached in an API shape. */
  serving: (shape: ShapeName) => readonly string[]
  sandbox: Upstream
  dispatcher: Dispatcher
  close: () => Promise<void>
}>

/** What the built-in model understands. */
const SANDBOX_SPEAKS: Provider['speaks'] = {
  chat: 'bearer',
  responses: 'bearer',
  messages: 'bearer',
  embeddings: 'bearer',
  images: 'bearer',
  speech: 'bearer',
  transcriptions: 'bearer',
}

type Patience = Pick<Config, 'QUOTA_UPSTREAM_TIMEOUT_S' | 'QUOTA_STREAM_IDLE_S' | 'QUOTA_UPSTREAM_FAILURES'>

/**
 * @param config keys and base URLs
 * @param further the operator's own list
 * @param sandboxUrl base of the built-in model, which answers for every provider when nobody has a key
 */
export function makeUpstreams(
  config: Patience & Pick<Config, 'providers' | 'livemode'>,
  further: readonly FileUpstream[],
  sandboxUrl: string,
): Upstreams {
  const dispatcher = new Agent({
    connections: 512,
    pipelining: 1,
    headersTimeout: config.QUOTA_UPSTREAM_TIMEOUT_S * 1000,
    bodyTimeout: config.QUOTA_STREAM_IDLE_S * 1000,
    connect: { timeout: 10_000 },
  })
  const sandbox = sandboxFor('sandbox', sandboxUrl)
  const all = upstreamsOf(config, further, sandboxUrl)
  const serving = new Map(SHAPES.map((shape) => [shape, providersIn(all, shape)]))
  return {
    all,
    candidates: candidatesAmong(all),
    health: makeBreaker(config.QUOTA_UPSTREAM_FAILURES),
    serving: (shape) => serving.get(shape) ?? [],
    sandbox,
    dispatcher,
    close: () => dispatcher.close(),
  }
}

function providersIn(all: readonly Upstream[], shape: ShapeName): string[] {
  return [...new Set(all.filter(({ headers }) => shape in headers).map(({ provider }) => provider))]
}

// Real money never pays for the sandbox model's answers.
function upstreamsOf(
  { providers, livemode }: Pick<Config, 'providers' | 'livemode'>,
  further: readonly FileUpstream[],
  sandboxUrl: string,
): Upstream[] {
  const rows = [...providers.map(fromSettings), ...further.map(fromFile)].sort((a, b) => a.priority - b.priority)
  if (rows.length > 0 || livemode) return rows
  return PROVIDERS.filter((row) => row.sandbox).map((row) => sandboxFor(row.id, sandboxUrl))
}

function fromSettings({ id, key, base }: Config['providers'][number]): Upstream {
  const row = providerRow(id)
  const address = base ?? row.base
  if (address === null) throw new Error(`${row.setting}_BASE_URL is needed`)
  return {
    ...place(`${address}${row.version}`),
    name: id,
    provider: id,
    pricedAs: id,
    priority: DEFAULT_PRIORITY,
    headers: headersOf(row.speaks, key),
    models: null,
    quirks: row.quirks,
  }
}

function fromFile(given: FileUpstream): Upstream {
  const row = providerRow(given.like ?? given.provider)
  const { name, provider, priority, models } = given
  return {
    ...place(`${given.base_url.replace(/\/$/, '')}${row.version}`),
    name,
    provider,
    pricedAs: given.prices_of ?? provider,
    priority,
    headers: headersOf(speaksOf(row, given), given.key),
    models,
    quirks: row.quirks,
  }
}

function speaksOf({ speaks }: Provider, { shapes, auth }: FileUpstream): Provider['speaks'] {
  const named = shapes ?? (Object.keys(speaks) as ShapeName[])
  return Object.fromEntries(named.map((shape) => [shape, auth ?? speaks[shape] ?? 'bearer']))
}

function headersOf(speaks: Provider['speaks'], key: string | null): Upstream['headers'] {
  const shapes = Object.entries(speaks) as [ShapeName, Auth][]
  return Object.fromEntries(shapes.map(([shape, auth]) => [shape, authHeaders(auth, key)]))
}

function sandboxFor(provider: string, base: string): Upstream {
  const { quirks } = providerRow('openai')
  // Under a provider's name it speaks what the provider would; by itself, for test keys, all that it can.
  const { speaks } = provider === 'sandbox' ? { speaks: SANDBOX_SPEAKS } : providerRow(provider)
  const shared = (Object.keys(SANDBOX_SPEAKS) as ShapeName[]).filter((shape) => shape in speaks)
  const headers = headersOf(Object.fromEntries(shared.map((shape) => [shape, 'bearer'])), null)
  const priority = DEFAULT_PRIORITY
  return { ...place(base), name: 'sandbox', provider, pricedAs: provider, priority, headers, models: null, quirks }
}

function place(base: string): { origin: string; basePath: string } {
  const { origin, pathname } = new URL(base)
  return { origin, basePath: pathname.replace(/\/$/, '') }
}
