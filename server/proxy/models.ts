// GET /v1/models: every model that can be called here, with its prices.
// owns: the shape of that list. never: prices themselves (prices.ts).
// always true: a model that is not priced or cannot be reached is not listed.

import type { UnitPrices } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'

const PICOS_PER_DOLLAR = 1e12

/** `pricing`: dollars per 1,000 units for display, and exact pico-dollars per unit as text. */
export function modelList(deps: Pick<Deps, 'prices' | 'upstreams'>) {
  const providers = new Set(deps.upstreams.all.map(({ provider }) => provider))
  const data = deps.prices
    .list()
    .filter((model) => providers.has(model.provider))
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
        price_version: deps.prices.version,
        unit_prices: model.unitPrices satisfies UnitPrices,
      },
    }))
  return { object: 'list', data }
}

function per1k(picos: string | undefined): number {
  return (Number(picos ?? '0') * 1000) / PICOS_PER_DOLLAR
}
