// The price book: which models exist here, and what a unit of each costs.
// owns: model names and their prices. never: the cost of a call (contract/receipts.ts), which providers have keys.
// always true: prices are whole pico-dollars; one version names one table; a model without a price does not exist.

import { createHash } from 'node:crypto'
import type { MatchLogic, Provider } from '@pydantic/genai-prices'
import type { PriceTable, UnitPrices } from '../contract/receipts.ts'
import { bundledProviders, type DataRow, type PriceTier, type Refusal, readPrices, unpriceable } from './prices-data.ts'
import type { Override } from './prices-file.ts'
import { limitsOf } from './prices-limits.ts'

export type ModelPrice = Readonly<{
  provider: string
  /** The provider's name for it, as the price data spells it; what receipts and price tables are keyed by is `name`. */
  model: string
  /** Bare for OpenAI, `provider/model` for everybody else. */
  name: string
  unitPrices: UnitPrices
  /** Empty unless the book was compiled with `tiers: true`; see `pricesFor`. */
  tiers: readonly PriceTier[]
  /** An upper bound on input + output tokens, or null: then bound the input by its bytes. */
  contextWindow: number | null
  /** The output limit to hold for and to send upstream when the caller names none. */
  maxOutput: number
}>

/** A model as somebody asked for it. `upstreamModel` is what the provider is to be sent: a snapshot's own name, without a prefix. */
export type FoundModel = ModelPrice & Readonly<{ upstreamModel: string }>

/** `bare`: the provider a bare name belongs to first (default OpenAI). `among`: providers that can be reached; default all. */
export type FindOptions = Readonly<{ bare?: string; among?: readonly string[] }>

export type PriceBook = Readonly<{
  version: string
  /** When some price in this book ends by the data's own word, in ms; then compile again. */
  validUntil: number | null
  find: (name: string, options?: FindOptions) => FoundModel | null
  list: () => readonly ModelPrice[]
  table: () => PriceTable
  /** What the data holds and this book does not, each with its reason. */
  refused: readonly Refusal[]
}>

export type PriceOptions = Readonly<{
  /** From readPriceFile; each replaces the data's model of that provider and name, or adds one. */
  overrides?: readonly Override[]
  /** The moment whose prices are wanted, in ms; some change on a date. */
  at: number
  /**
   * Whether models priced in tiers by input size are in the book. Only a relay that holds with `pricesFor(model, bound)` and settles
   * with `pricesFor(model, input)` may say yes: `unitPrices` alone is the cheapest tier.
   */
  tiers?: boolean
  /** The data; a test's own, else the bundled one. */
  providers?: readonly Provider[]
}>

type Entry = Readonly<{ price: ModelPrice; match: MatchLogic }>

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/
const FOUND_LIMIT = 4_096

/** Compiles the data and the operator's overrides into one exact table. Pure; a few milliseconds. */
export function compilePrices(options: PriceOptions): PriceBook {
  const { rows, refused } = readPrices(options.providers ?? bundledProviders, options.at)
  const overrides = options.overrides ?? []
  const replaced = new Set(overrides.map((row) => `${row.provider}/${row.model}`.toLowerCase()))
  const kept: DataRow[] = []
  for (const row of rows) {
    if (replaced.has(`${row.provider}/${row.model}`.toLowerCase())) continue
    if (row.tiers.length > 0 && options.tiers !== true)
      refused.push({ ...ids(row), reason: 'its price is tiered by input size' })
    else kept.push(row)
  }
  const entries: Entry[] = [...overrides.map(overrideEntry), ...kept.map(dataEntry)]
  const table = tableOf(entries)
  const ends = kept.map((row) => row.validUntil).filter((end) => end !== null)
  return {
    version: table.version,
    validUntil: ends.length > 0 ? Math.min(...ends) : null,
    find: finder(entries),
    list: () => entries.map((entry) => entry.price),
    table: () => table,
    refused,
  }
}

/**
 * The unit prices of a call with so many input tokens (all kinds of input together, cached included: that is what vendors compare).
 * With an upper bound on the input it gives the prices to hold at: tiers only get dearer, which compilePrices' test asserts.
 */
export function pricesFor(model: ModelPrice, inputTokens: number): UnitPrices {
  let prices = model.unitPrices
  for (const tier of model.tiers) if (inputTokens > tier.overInputTokens) prices = tier.unitPrices
  return prices
}

function ids(row: DataRow): { provider: string; model: string } {
  return { provider: row.provider, model: row.model }
}

function nameOf(provider: string, model: string): string {
  return provider === 'openai' ? model : `${provider}/${model}`
}

function dataEntry(row: DataRow): Entry {
  const { provider, model, unitPrices, tiers } = row
  const price = { provider, model, name: nameOf(provider, model), unitPrices, tiers, ...limitsOf(provider, model) }
  return { price, match: { or: [row.match, { equals: row.model }] } }
}

function overrideEntry(row: Override): Entry {
  const known = limitsOf(row.provider, row.model)
  const contextWindow = row.contextWindow ?? known.contextWindow
  const maxOutput = row.maxOutput ?? known.maxOutput
  const { provider, model, unitPrices } = row
  return {
    price: { provider, model, name: nameOf(provider, model), unitPrices, tiers: [], contextWindow, maxOutput },
    match: { equals: row.model },
  }
}

/** The public table. A tier is a row of its own beside its model: "name#input>272000". */
function tableOf(entries: readonly Entry[]): PriceTable {
  const rows: [string, UnitPrices][] = []
  for (const { price } of entries) {
    rows.push([price.name, sorted(price.unitPrices)])
    for (const tier of price.tiers) rows.push([`${price.name}#input>${tier.overInputTokens}`, sorted(tier.unitPrices)])
  }
  rows.sort((a, b) => (a[0] < b[0] ? -1 : 1))
  const models = Object.fromEntries(rows)
  const version = createHash('sha256').update(JSON.stringify(models)).digest('base64url').slice(0, 22)
  return { version, models }
}

function sorted(prices: UnitPrices): UnitPrices {
  return Object.fromEntries(Object.entries(prices).sort((a, b) => (a[0] < b[0] ? -1 : 1)))
}

function finder(entries: readonly Entry[]): PriceBook['find'] {
  const byProvider = Map.groupBy(entries, (entry) => entry.price.provider)
  const found = new Map<string, FoundModel | null>()
  const within = (provider: string, model: string): FoundModel | null => {
    const key = `${provider}/${model}`
    const seen = found.get(key)
    if (seen !== undefined) return seen
    const entry = byProvider.get(provider)?.find((candidate) => matches(candidate.match, model))
    const result = entry ? { ...entry.price, upstreamModel: model, ...limitsAs(entry.price, model) } : null
    if (found.size >= FOUND_LIMIT) found.clear()
    found.set(key, result)
    return result
  }
  return (name, options = {}) => {
    if (!NAME.test(name) || unpriceable(name) !== null) return null
    const open = (provider: string): boolean => options.among === undefined || options.among.includes(provider)
    const slash = name.indexOf('/')
    const prefix = name.slice(0, Math.max(slash, 0)).toLowerCase()
    if (byProvider.has(prefix)) return open(prefix) ? within(prefix, name.slice(slash + 1)) : null
    const bare = options.bare ?? 'openai'
    const own = open(bare) ? within(bare, name) : null
    if (own) return own
    const others = [...byProvider.keys()].filter((provider) => provider !== bare && open(provider))
    const having = others.map((provider) => within(provider, name)).filter((model) => model !== null)
    return having.length === 1 ? (having[0] ?? null) : null
  }
}

/** A snapshot may have other limits than the family it is priced with. An operator's own limits stand. */
function limitsAs(price: ModelPrice, upstreamModel: string): { contextWindow: number | null; maxOutput: number } {
  const family = limitsOf(price.provider, price.model)
  const snapshot = limitsOf(price.provider, upstreamModel)
  const untouched = family.contextWindow === price.contextWindow && family.maxOutput === price.maxOutput
  return untouched && snapshot.contextWindow !== null
    ? snapshot
    : { contextWindow: price.contextWindow, maxOutput: price.maxOutput }
}

/** The data's own matching rules: without regard to case, but for expressions. */
function matches(rule: MatchLogic, name: string): boolean {
  const text = name.toLowerCase()
  if ('or' in rule) return rule.or.some((part) => matches(part, name))
  if ('and' in rule) return rule.and.every((part) => matches(part, name))
  if ('equals' in rule) return text === rule.equals.toLowerCase()
  if ('starts_with' in rule) return text.startsWith(rule.starts_with.toLowerCase())
  if ('ends_with' in rule) return text.endsWith(rule.ends_with.toLowerCase())
  if ('contains' in rule) return text.includes(rule.contains.toLowerCase())
  return new RegExp(rule.regex).test(name)
}
