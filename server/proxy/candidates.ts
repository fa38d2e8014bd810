// Who can answer a call, and at what price.
// owns: the upstreams of a model in an API shape, in the order in which they are asked. never: health; a hold.
// always true: a candidate has a price for what its shape uses; the same model has the same candidates in the same order.

import type { UnitPrices } from '../contract/receipts.ts'
import type { ShapeName } from '../providers.ts'
import type { FoundModel, PriceBook } from './prices.ts'
import type { Upstream } from './upstreams.ts'

/** An upstream, and the model as it is priced and called there: what the person pays for when it answers. */
export type Candidate = Readonly<{ upstream: Upstream; model: FoundModel }>

type Priced = (prices: UnitPrices) => boolean
// A model that may answer with images, or takes them at a price of their own, costs more than its text.
const text: Priced = ({ input, output, input_image, output_image }) =>
  input !== undefined && output !== undefined && input_image === undefined && output_image === undefined

/** Whether a model has prices for what a shape uses; what exactly it uses is bounded by the shape. */
const PRICED: Readonly<Record<ShapeName, Priced>> = {
  chat: text,
  responses: text,
  messages: text,
  embeddings: ({ input }) => input !== undefined,
  images: ({ image, input_image, output_image, input_audio }) =>
    image !== undefined || ((input_image ?? output_image) !== undefined && input_audio === undefined),
  speech: ({ character, input, output }) => (character ?? (input && output)) !== undefined,
  transcriptions: ({ second, input_audio, output }) => (second ?? (input_audio && output)) !== undefined,
}

/** Finds candidates among these upstreams; what was found once for a model of a book is remembered with it. */
export function candidatesAmong(all: readonly Upstream[]) {
  const known = new WeakMap<FoundModel, Map<ShapeName, readonly Candidate[]>>()
  return (book: Pick<PriceBook, 'find'>, found: FoundModel, shape: ShapeName): readonly Candidate[] => {
    let byShape = known.get(found)
    if (!byShape) known.set(found, (byShape = new Map()))
    let candidates = byShape.get(shape)
    if (!candidates) byShape.set(shape, (candidates = all.flatMap((row) => candidateAt(row, book, found, shape))))
    return candidates
  }
}

function candidateAt(
  upstream: Upstream,
  book: Pick<PriceBook, 'find'>,
  found: FoundModel,
  shape: ShapeName,
): Candidate[] {
  if (upstream.provider !== found.provider || upstream.headers[shape] === undefined) return []
  const there = nameAt(upstream, found)
  if (there === null) return []
  const priced = upstream.pricedAs === found.provider ? found : pricedAt(upstream, book, found, there)
  if (priced === null || !PRICED[shape](priced.unitPrices)) return []
  return [{ upstream, model: { ...priced, upstreamModel: there } }]
}

// By the name somebody asked for, else by the family it is priced with.
function nameAt({ models }: Upstream, { upstreamModel, model }: FoundModel): string | null {
  if (models === null) return upstreamModel
  return models.get(upstreamModel) ?? models.get(model) ?? null
}

// A name that an operator gave to a deployment is no model's name; then it is priced by the model it stands for.
function pricedAt({ pricedAs }: Upstream, book: Pick<PriceBook, 'find'>, found: FoundModel, there: string) {
  return book.find(`${pricedAs}/${there}`) ?? book.find(`${pricedAs}/${found.upstreamModel}`)
}
