// The models a person may choose among, with what a usual call of each costs.
// owns: reading the server's list. never: prices of its own. always true: a list that cannot be read is null, and a limit
// can be set without it.

import { z } from 'zod'
import { baseMicros, markupMicros, UnitPrices } from '../server/contract/receipts.ts'

const ModelList = z.object({
  data: z.array(z.object({ id: z.string(), owned_by: z.string(), pricing: z.object({ unit_prices: UnitPrices }) })),
})

/** `perCall` is the base of a usual call, in micros; the markup of an app comes on top. */
export type Model = { name: string; maker: string; perCall: number }

/** What people's calls look like, roughly: a page in, half a page out. The server's estimates use the same. */
const USUAL_CALL = { input: 1000, output: 500 }

/** Reads the answer of GET /v1/models; a model without a price for text is left out. */
export function readModels(answer: unknown): Model[] {
  return ModelList.parse(answer).data.flatMap(({ id, owned_by, pricing: { unit_prices: prices } }) =>
    prices.input === undefined || prices.output === undefined
      ? []
      : [{ name: id, maker: owned_by, perCall: baseMicros(USUAL_CALL, prices) }],
  )
}

/** What a usual call costs in an app that adds this markup; micros. */
export const withMarkup = (perCall: number, markupBps: number): number => perCall + markupMicros(perCall, markupBps)
