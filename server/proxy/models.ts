// GET /v1/models and /v1/models/{model}: what can be called here, with its prices.
// owns: the shape of that list. never: prices themselves (prices.ts).
// always true: a model that is not priced or cannot be reached is not listed.

import type { UnitPrices } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import type { ModelPrice, PriceBook } from './prices.ts'
import { SHAPES } from './shapes/shapes.ts'

const PICOS_PER_DOLLAR = 1e12

type List = { object: 'list'; data: { id: string; [field: string]: unknown }[] }
const lists = new WeakMap<PriceBook, List>()

/** `pricing`: dollars per 1,000 tokens for display (null where it is not priced by them), and exact pico-dollars per unit as text. */
export function modelList({ prices, upstreams }: Pick<Deps, 'prices' | 'upstreams'>): List {
  const known = lists.get(prices)
  if (known) return known
  const data = prices
    .list()
    .filter((model) => isCallable({ prices, upstreams }, model))
    .map((model) => ({
      id: model.name,
      object: 'model',
      created: 0,
      owned_by: model.provider,
      context_window: model.contextWindow,
      max_output_tokens: model.maxOutput,
      pricing: {
        prompt_per_1k_tokens: per1k(model.unitPrices.input),
        completion_per_1k_tokens: per1k(model.unitPrices.output),
        price_version: prices.version,
        unit_prices: model.unitPrices satisfies UnitPrices,
      },
    }))
  const list: List = { object: 'list', data }
  lists.set(prices, list)
  return list
}

function isCallable({ prices, upstreams }: Pick<Deps, 'prices' | 'upstreams'>, model: ModelPrice): boolean {
  const found = { ...model, upstreamModel: model.model }
  return SHAPES.some(({ name }) => upstreams.candidates(prices, found, name).length > 0)
}

function per1k(picos: string | undefined): number | null {
  return picos === undefined ? null : (Number(picos) * 1000) / PICOS_PER_DOLLAR
}
