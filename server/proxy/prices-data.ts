// The bundled price data, read into exact rows.
// owns: what of @pydantic/genai-prices we can express, and the reasons for leaving the rest out. never: the network.
// always true: a model is priced in full or left out with a reason; no price is guessed, rounded or partly taken.

import {
  type MatchLogic,
  type ModelInfo,
  type Provider,
  type ModelPrice as RawPrices,
  waitForUpdate,
} from '@pydantic/genai-prices'
import { UnitKind, type UnitPrices } from '../contract/receipts.ts'
import { dearer, hoursOf, pricesAt } from './prices-dates.ts'
import { fillPrices, picosPerUnit } from './prices-decimal.ts'

/** From this many input tokens on (exclusive), the whole call is billed at these prices. */
export type PriceTier = Readonly<{ overInputTokens: number; unitPrices: UnitPrices }>
export type DataRow = Readonly<{
  provider: string
  model: string
  match: MatchLogic
  unitPrices: UnitPrices
  tiers: readonly PriceTier[]
  /** The dearest of the day, where the price changes with the hour; else the same. */
  peak: UnitPrices
  /** When the data says that these prices end, in ms; null when it says nothing. */
  validUntil: number | null
}>
/** `match`: names it would have had; no other model of the provider may be taken for it. */
export type Refusal = Readonly<{ provider: string; model: string; reason: string; match: MatchLogic }>

/**
 * The data as the package ships it. The package hands it out only through this promise, which is resolved from the start and
 * touches the network only after `updatePrices`, which we never call.
 */
export const bundledProviders: readonly Provider[] = (await waitForUpdate()) ?? []

const PER_MILLION = 1_000_000n
const KINDS: Readonly<Record<string, readonly [kind: UnitKind, per: bigint]>> = {
  input_mtok: ['input', PER_MILLION],
  cache_read_mtok: ['cached_input', PER_MILLION],
  cache_write_mtok: ['cache_write', PER_MILLION],
  cache_write_1h_mtok: ['cache_write_1h', PER_MILLION],
  input_audio_mtok: ['input_audio', PER_MILLION],
  cache_audio_read_mtok: ['cached_input_audio', PER_MILLION],
  input_image_mtok: ['input_image', PER_MILLION],
  cache_image_read_mtok: ['cached_input_image', PER_MILLION],
  output_mtok: ['output', PER_MILLION],
  output_reasoning_mtok: ['reasoning', PER_MILLION],
  output_audio_mtok: ['output_audio', PER_MILLION],
  output_image_mtok: ['output_image', PER_MILLION],
  requests_kcount: ['request', 1_000n],
  web_searches_kcount: ['web_search', 1_000n],
  storage_searches_kcount: ['file_search', 1_000n],
  audio_hours: ['second', 3_600n],
  input_audio_hours: ['second', 3_600n],
}

/** Models that cost more than their tokens without being asked, or that belong to somebody: the data cannot say so. */
const UNPRICEABLE: readonly (readonly [name: RegExp, reason: string])[] = [
  [/search-preview|deep-research|search-api/, 'searches, and charges for it, unasked'],
  [/^ft:|\.ft-/, 'a fine-tuned model belongs to one upstream account'],
  [/-audio-preview/, 'its audio units have no price in the data'],
]

/** Whether a model name is one that this server never prices, whatever the data say. */
export function unpriceable(name: string): string | null {
  return UNPRICEABLE.find((row) => row[0].test(name))?.[1] ?? null
}

/** Reads every provider's models. @param at the moment whose prices are wanted, in ms */
export function readPrices(providers: readonly Provider[], at: number): (DataRow | Refusal)[] {
  return providers.flatMap((provider) => provider.models.map((info) => readModel(provider.id, info, at)))
}

function readModel(provider: string, info: ModelInfo, at: number): DataRow | Refusal {
  const refusal = (reason: string) => ({ provider, model: info.id, reason, match: info.match })
  const denied = unpriceable(info.id)
  if (denied !== null) return refusal(denied)
  const current = pricesAt(info, at)
  if (typeof current === 'string') return refusal(current)
  const unitPrices = readUnits(current.prices, 0)
  if (typeof unitPrices === 'string') return refusal(unitPrices)
  const tiers: PriceTier[] = []
  for (const start of tierStarts(current.prices)) {
    const above = readUnits(current.prices, start + 1)
    if (typeof above === 'string') return refusal(above)
    tiers.push({ overInputTokens: start, unitPrices: above })
  }
  const peak = dearestOfDay(info, at, unitPrices)
  return { provider, model: info.id, match: info.match, unitPrices, tiers, peak, validUntil: current.until }
}

function dearestOfDay(info: ModelInfo, at: number, unitPrices: UnitPrices): UnitPrices {
  let peak = unitPrices
  for (const moment of hoursOf(info, at)) {
    const then = pricesAt(info, moment)
    const prices = typeof then === 'string' ? then : readUnits(then.prices, 0)
    if (typeof prices !== 'string') peak = dearer(peak, prices)
  }
  return peak
}

function tierStarts(prices: RawPrices): number[] {
  const starts = new Set<number>()
  for (const price of Object.values(prices)) {
    if (typeof price === 'object') for (const tier of price.tiers) starts.add(tier.start)
  }
  return [...starts].sort((a, b) => a - b)
}

/** The unit prices of a call with this many input tokens, or the reason why they cannot be expressed. */
function readUnits(prices: RawPrices, inputTokens: number): UnitPrices | string {
  const units: UnitPrices = {}
  for (const [key, price] of Object.entries(prices)) {
    if (price === undefined) continue
    const row = KINDS[key]
    if (!row) return `no kind of unit for ${key}`
    let dollars = typeof price === 'number' ? price : price.base
    if (typeof price === 'object') {
      for (const tier of [...price.tiers].sort((a, b) => a.start - b.start))
        if (inputTokens > tier.start) dollars = tier.price
    }
    // String() is the shortest decimal text of the number, which is the text the data was written in.
    const picos = picosPerUnit(String(dollars), row[1])
    if (picos === null) return `${key} is not a whole number of pico-dollars`
    if ((units[row[0]] ?? picos) !== picos) return `two prices for ${row[0]}`
    units[row[0]] = picos
  }
  const positive = UnitKind.options.some((kind) => units[kind] !== undefined && units[kind] !== '0')
  return positive ? fillPrices(units) : 'it has no price above zero'
}
