// What a call can cost at most, before it is made.
// owns: which model and upstream answer it, and the price of its bound. never: a balance; a fact about one API shape.
// always true: the quote is never below the cost of any usage within the bound.

import type { UnitPrices } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { type FoundModel, pricesFor } from './prices.ts'
import type { Ask, Bound, Ceiling, Shape } from './shapes/shape.ts'
import type { Upstream } from './upstreams.ts'

/** Upper bound of a call. Picos as text, for the way into a commit. */
export type Quote = Readonly<{
  model: FoundModel
  upstream: Upstream
  bound: Bound
  priceVersion: string
  fixedPicos: string
  picosPerOutput: string
}>

/** Finds who answers, and bounds the cost. @throws Fault model_not_found, provider_unavailable, unsupported_parameter */
export function quoteOf(deps: Deps, shape: Shape, ask: Ask, sandboxOnly: boolean): Quote {
  const model = deps.prices.find(ask.model, { bare: shape.bareProvider, among: deps.upstreams.serving(shape.name) })
  if (!model)
    throw fault('model_not_found', { param: 'model', hint: 'GET /v1/models lists the models of this server.' })
  const upstream = sandboxOnly ? deps.upstreams.sandbox : deps.upstreams.of(model.provider, shape.name)
  if (!upstream) throw fault('provider_unavailable')
  const bound = shape.bound(ask, model)
  const prices = pricesFor(model, bound.inputTokens) // a tier only gets dearer with the input, so the bound's tier covers what comes
  const request = BigInt(prices.request ?? '0')
  return {
    model,
    upstream,
    bound,
    priceVersion: deps.prices.version,
    fixedPicos: String(bound.fixed.reduce((sum, ceiling) => sum + dearest(ceiling, prices), request)),
    picosPerOutput: String(bound.perOutput ? dearest(bound.perOutput, prices) : 0n),
  }
}

/** The cost of a ceiling that is used up by its dearest kind. @throws Fault model_not_found where no kind has a price */
function dearest({ kinds, count }: Ceiling, prices: UnitPrices): bigint {
  const priced = kinds.map((kind) => prices[kind]).filter((price) => price !== undefined)
  if (priced.length === 0)
    throw fault('model_not_found', { param: 'model', hint: 'This model has no price for what this route uses.' })
  let most = 0n
  for (const price of priced.map(BigInt)) if (price > most) most = price
  return most * BigInt(count)
}
