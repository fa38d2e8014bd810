// OpenAI's way of counting tokens.
// owns: making its inclusive counts disjoint. never: the names of the fields around them (chat's and responses' differ).
// always true: what is not a whole number, or is more than the whole it is a part of, is no usage (null).

import { z } from 'zod'
import type { Units } from '../../contract/receipts.ts'

const Count = z.int().nonnegative()
const Counts = z.object({
  input: Count,
  output: Count,
  inputDetails: z.looseObject({ cached_tokens: Count.nullish(), cache_write_tokens: Count.nullish() }).nullish(),
  outputDetails: z.looseObject({ reasoning_tokens: Count.nullish() }).nullish(),
})

/** OpenAI counts cached tokens and cache writes inside input, and reasoning inside output; our units are disjoint. */
export function openaiUnits(usage: Record<keyof z.infer<typeof Counts>, unknown>): Units | null {
  const parsed = Counts.safeParse(usage)
  if (!parsed.success) return null
  const { input, output, inputDetails, outputDetails } = parsed.data
  const cached = inputDetails?.cached_tokens ?? 0
  const written = inputDetails?.cache_write_tokens ?? 0
  const reasoning = outputDetails?.reasoning_tokens ?? 0
  if (cached + written > input || reasoning > output) return null
  return {
    input: input - cached - written,
    cached_input: cached,
    cache_write: written,
    output: output - reasoning,
    reasoning,
  }
}
