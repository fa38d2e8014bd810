// What a call can cost at most, before it is made.
// owns: which model and upstream answer it, and the price of its bound. never: a balance; a fact about one API shape.
// always true: the quote is never below the cost of any usage within the bound.

import type { UnitPrices } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { fault, isFault } from '../faults.ts'
import type { Candidate } from './candidates.ts'
import { healthy } from './failover.ts'
import { type FoundModel, pricesFor } from './prices.ts'
import type { Ask, Bound, Ceiling, Shape } from './shapes/shape.ts'

/** A candidate, with the bound of this call there. */
export type Offer = Candidate & Readonly<{ bound: Bound }>

/** Upper bound of a call. Picos as text, for the way into a commit. */
export type Quote = Readonly<{
  /** As the caller means it; each offer has its own. */
  model: FoundModel
  /** Who is asked, in this order. */
  offers: readonly [Offer, ...Offer[]]
  /** Of the first offer: the limit on the output is the same everywhere. */
  bound: Bound
  priceVersion: string
  /** Of the dearest offer, part by part. */
  fixedPicos: string
  picosPerOutput: string
}>

/**
 * Finds who answers, and bounds the cost.
 * @throws Fault model_not_found, unsupported_parameter; provider_unavailable and rate_limit while every upstream is left alone
 */
export function quoteOf(deps: Deps, shape: Shape, ask: Ask, sandboxOnly: boolean): Quote {
  const { upstreams, prices: book } = deps
  const model = book.find(ask.model, { bare: shape.bareProvider, among: upstreams.serving(shape.name) })
  const all = model ? upstreams.candidates(book, model, shape.name) : []
  if (!model || all.length === 0)
    throw fault('model_not_found', { param: 'model', hint: 'GET /v1/models lists the models of this server.' })
  const ready = sandboxOnly ? [{ upstream: upstreams.sandbox, model }] : healthy(deps, all)
  const priced = ready.flatMap((candidate, index) => pricedOffer(shape, ask, candidate, index > 0))
  const [first, ...others] = priced
  if (!first)
    throw fault('model_not_found', { param: 'model', hint: 'This model has no price for what this route uses.' })
  return {
    model,
    offers: [first.offer, ...others.map(({ offer }) => offer)],
    bound: first.offer.bound,
    priceVersion: book.version,
    fixedPicos: String(others.reduce((most, { fixed }) => larger(most, fixed), first.fixed)),
    picosPerOutput: String(others.reduce((most, { perOutput }) => larger(most, perOutput), first.perOutput)),
  }
}

type PricedOffer = { offer: Offer; fixed: bigint; perOutput: bigint }

// What the first candidate refuses is refused. Another one that cannot take this request just does not stand in for it.
function pricedOffer(shape: Shape, ask: Ask, candidate: Candidate, standIn: boolean): PricedOffer[] {
  try {
    const bound = shape.bound(ask, candidate.model)
    // A tier only gets dearer with the input, so the bound's tier covers what comes.
    const prices = pricesFor(candidate.model, bound.inputTokens)
    const parts = bound.fixed.map((ceiling) => dearest(ceiling, prices))
    const perOutput = bound.perOutput ? dearest(bound.perOutput, prices) : 0n
    if (perOutput === null || parts.includes(null)) return []
    const fixed = parts.reduce<bigint>((sum, part) => sum + (part ?? 0n), BigInt(prices.request ?? '0'))
    return [{ offer: { ...candidate, bound }, fixed, perOutput }]
  } catch (error) {
    if (standIn && isFault(error)) return []
    throw error
  }
}

/** The cost of a ceiling that is used up by its dearest kind; null where no kind has a price. */
function dearest({ kinds, count }: Ceiling, prices: UnitPrices): bigint | null {
  const priced = kinds.map((kind) => prices[kind]).filter((price) => price !== undefined)
  if (priced.length === 0) return null
  return priced.map(BigInt).reduce(larger) * BigInt(count)
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
