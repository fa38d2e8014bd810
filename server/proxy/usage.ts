// What an upstream says it used, as disjoint units.
// owns: reading usage objects of the OpenAI chat shape, and refusing mad ones. never: prices.
// always true: a usage that is malformed or above the bound held for its kind is not believed (null), whoever sent it.

import { z } from 'zod'
import type { Units } from '../contract/receipts.ts'

const Count = z.int().nonnegative()
const ChatUsage = z.looseObject({
  prompt_tokens: Count,
  completion_tokens: Count,
  prompt_tokens_details: z.looseObject({ cached_tokens: Count.nullish() }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: Count.nullish() }).nullish(),
})

export type Bounds = { input: number; output: number }

/**
 * Units of a chat usage. OpenAI counts cached tokens inside prompt_tokens and reasoning inside completion_tokens; ours are disjoint.
 * @param bounds what was held for: input tokens, output tokens of all answers together
 * @returns null when it cannot be believed
 */
export function chatUnits(usage: unknown, bounds: Bounds): Units | null {
  const parsed = ChatUsage.safeParse(usage)
  if (!parsed.success) return null
  const { prompt_tokens: input, completion_tokens: output } = parsed.data
  const cached = parsed.data.prompt_tokens_details?.cached_tokens ?? 0
  const reasoning = parsed.data.completion_tokens_details?.reasoning_tokens ?? 0
  if (cached > input || reasoning > output) return null
  if (input > bounds.input || output > bounds.output) return null
  return units({ input: input - cached, cached_input: cached, output: output - reasoning, reasoning })
}

/** Our own count as units, cut to what was held. */
export function countedUnits(input: number, output: number, bounds: Bounds): Units {
  return units({ input: Math.min(input, bounds.input), output: Math.min(output, bounds.output) })
}

function units(counts: Record<string, number>): Units {
  return Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)) as Units
}

/** All input tokens together, cached ones included: what price tiers go by. */
export function inputOf(units: Units): number {
  return (units.input ?? 0) + (units.cached_input ?? 0) + (units.cache_write ?? 0) + (units.cache_write_1h ?? 0)
}
