// The price book: which models exist here, and what a unit of each costs.
// owns: model names and their prices. never: the cost of a call (contract/receipts.ts), which providers have keys.
// always true: prices are whole pico-dollars; one version names one table; a model without a price does not exist, nor
// does one that rose more than threefold before the operator has said yes.

import { createHash } from 'node:crypto'
import type { MatchLogic, Provider } from '@pydantic/genai-prices'
import type { PriceTable, UnitPrices } from '../contract/receipts.ts'
import { PROVIDERS } from '../providers.ts'
import { bundledProviders, type DataRow, type PriceTier, type Refusal, readPrices } from './prices-data.ts'
import type { Override } from './prices-file.ts'
import { limitsOf } from './prices-limits.ts'
import { finder } from './prices-names.ts'
import { type PriceRows, type Rise, risesOf, tierName } from './prices-rise.ts'

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
  /** The dearest of the day of everything in this book: what the next one's prices are compared with. */
  peaks: PriceRows
  /** What rose too much and is kept out, and its prices, to be accepted. */
  rises: readonly Rise[]
  risen: PriceRows
}>

export type PriceOptions = Readonly<{
  /** From readPriceFile; each replaces the data's model of that provider and name, or adds one. */
  overrides?: readonly Override[]
  /** The moment whose prices are wanted, in ms; some change on a date or with the hour. */
  at: number
  /**
   * Whether models priced in tiers by input size are in the book. Only a relay that holds with `pricesFor(model, bound)` and settles
   * with `pricesFor(model, input)` may say yes: `unitPrices` alone is the cheapest tier.
   */
  tiers?: boolean
  /** The data; a test's own, else the bundled one. */
  providers?: readonly Provider[]
  /** The prices that the operator has seen; a model that rose more than threefold against them is kept out. */
  accepted?: PriceRows
}>

type Offer = Readonly<{ price: ModelPrice; match: MatchLogic; peaks: PriceRows; until: number | null }>

const OVERRIDDEN = 'the operator’s price file replaces it'
const TIERED = 'its price is tiered by input size'
const RISEN = 'its price rose more than threefold, and the operator has not said yes'

/** Compiles the data and the operator's overrides into one exact table. Pure; some ten milliseconds. */
export function compilePrices(options: PriceOptions): PriceBook {
  const overrides = options.overrides ?? []
  const replaced = new Set(overrides.map(idOf))
  const data = readPrices(options.providers ?? bundledProviders, options.at)
  const asked = [
    ...overrides.map(overrideOffer),
    ...[...data, ...borrowed(data)].map((row) => offerOf(row, replaced.has(idOf(row)), options.tiers === true)),
  ]
  const rises: Rise[] = []
  const risen: [string, UnitPrices][] = []
  const rows = asked.map((offer): Offer | Refusal => {
    const found = 'reason' in offer ? [] : risesOf(options.accepted ?? {}, offer.price.name, offer.peaks)
    if ('reason' in offer || found.length === 0) return offer
    rises.push(...found)
    risen.push(...Object.entries(offer.peaks))
    return { ...offer.price, match: offer.match, reason: RISEN }
  })
  return bookOf(rows, { rises, risen: Object.fromEntries(risen) })
}

function bookOf(rows: readonly (Offer | Refusal)[], kept: Pick<PriceBook, 'rises' | 'risen'>): PriceBook {
  const offers = rows.filter((row): row is Offer => !('reason' in row))
  const prices = offers.map(({ price }) => price)
  const table = tableOf(prices)
  const ends = offers.map(({ until }) => until).filter((end) => end !== null)
  return {
    version: table.version,
    validUntil: ends.length > 0 ? Math.min(...ends) : null,
    find: finder(
      rows.map((row) =>
        'reason' in row
          ? { provider: row.provider, price: null, match: row.match }
          : { provider: row.price.provider, price: row.price, match: row.match },
      ),
    ),
    list: () => prices,
    table: () => table,
    refused: rows.filter((row) => 'reason' in row),
    peaks: Object.fromEntries(offers.flatMap(({ peaks }) => Object.entries(peaks))),
    ...kept,
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

// Providers that sell another's models at that provider's price, where the data lists no price of their own.
function borrowed(data: readonly (DataRow | Refusal)[]): (DataRow | Refusal)[] {
  return PROVIDERS.flatMap(({ id, pricedAs }) => {
    const own = new Set(data.filter((row) => row.provider === id).map(({ model }) => model))
    return data
      .filter((row) => pricedAs.includes(row.provider) && !own.has(row.model))
      .map((row) => ({ ...row, provider: id }))
  })
}

function idOf({ provider, model }: { provider: string; model: string }): string {
  return `${provider}/${model}`.toLowerCase()
}

function nameOf(provider: string, model: string): string {
  return provider === 'openai' ? model : `${provider}/${model}`
}

function offerOf(row: DataRow | Refusal, replaced: boolean, tiers: boolean): Offer | Refusal {
  if ('reason' in row) return row
  const { provider, model, unitPrices } = row
  const match = { or: [row.match, { equals: model }] }
  if (replaced) return { provider, model, match, reason: OVERRIDDEN }
  if (row.tiers.length > 0 && !tiers) return { provider, model, match, reason: TIERED }
  const name = nameOf(provider, model)
  const price = { provider, model, name, unitPrices, tiers: row.tiers, ...limitsOf(provider, model) }
  return { price, match, peaks: { [name]: row.peak, ...tierRows(name, row.tiers) }, until: row.validUntil }
}

function overrideOffer(row: Override): Offer {
  const known = limitsOf(row.provider, row.model)
  const contextWindow = row.contextWindow ?? known.contextWindow
  const maxOutput = row.maxOutput ?? known.maxOutput
  const { provider, model, unitPrices } = row
  const name = nameOf(provider, model)
  const price = { provider, model, name, unitPrices, tiers: [], contextWindow, maxOutput }
  return { price, match: { equals: model }, peaks: { [name]: unitPrices }, until: null }
}

/** The public table. A tier is a row of its own beside its model: "name#input>272000". */
function tableOf(prices: readonly ModelPrice[]): PriceTable {
  const rows = prices.flatMap(({ name, unitPrices, tiers }) =>
    Object.entries({ [name]: unitPrices, ...tierRows(name, tiers) }),
  )
  rows.sort((a, b) => (a[0] < b[0] ? -1 : 1))
  const models = Object.fromEntries(rows.map(([name, unitPrices]) => [name, sorted(unitPrices)]))
  const version = createHash('sha256').update(JSON.stringify(models)).digest('base64url').slice(0, 22)
  return { version, models }
}

function tierRows(name: string, tiers: readonly PriceTier[]): PriceRows {
  return Object.fromEntries(tiers.map((tier) => [tierName(name, tier.overInputTokens), tier.unitPrices]))
}

function sorted(prices: UnitPrices): UnitPrices {
  return Object.fromEntries(Object.entries(prices).sort((a, b) => (a[0] < b[0] ? -1 : 1)))
}
