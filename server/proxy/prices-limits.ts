// How much a model reads and writes at most.
// owns: context windows and output ceilings. never: prices. always true: a window is an upper bound or null, never a guess.

import * as catalogue from 'gpt-tokenizer/models'

/** The ceiling of a model that no table knows. It is safe because the relay always sends the limit it holds for. */
export const DEFAULT_MAX_OUTPUT = 16_384

export type ModelLimits = Readonly<{ contextWindow: number | null; maxOutput: number }>

/** Output ceilings as the vendors document them; the first row that fits wins. Dearer to overstate than to understate: see above. */
const MAX_OUTPUT: readonly (readonly [provider: string, model: RegExp, tokens: number])[] = [
  ['anthropic', /^claude-(2|v|3-haiku|3-opus|3-sonnet)/, 4_096],
  ['anthropic', /^claude-3[.-]5/, 8_192],
  ['anthropic', /^claude-(opus-4|4-opus)-?[01]?($|@|-2)/, 32_000],
  ['anthropic', /^claude-/, 64_000],
  ['google', /^gemini-(flash-)?1|^gemini-2\.0/, 8_192],
  ['google', /^gemini-/, 65_536],
  ['openai', /^gpt-3\.5|^gpt-35|^gpt-4-(turbo|vision|0125|1106)/, 4_096],
  ['openai', /^gpt-4($|-0|-32k)/, 8_192],
  ['deepseek', /^deepseek-(chat|reasoner)/, 8_192],
]

type Spec = Readonly<{ context_window?: number | undefined; max_output_tokens?: number | undefined }>
const specs = new Map<string, Spec>(Object.entries(catalogue as Readonly<Record<string, Spec & object>>))

/**
 * The limits of a model: OpenAI's from its catalogue as gpt-tokenizer carries it, others' from the table above.
 * The price data's own `context_window` is not used: it rounds (1,000,000 for 1,048,576), and a window that is too small
 * would make the bound on input tokens wrong. Null means: bound the input by its bytes alone.
 */
export function limitsOf(provider: string, model: string): ModelLimits {
  const maker = provider === 'azure' ? 'openai' : provider // the same models
  const spec = maker === 'openai' ? specs.get(model) : undefined
  const ceiling = MAX_OUTPUT.find((row) => row[0] === maker && row[1].test(model))?.[2]
  const maxOutput = spec?.max_output_tokens ?? ceiling ?? DEFAULT_MAX_OUTPUT
  return { contextWindow: spec?.context_window ?? null, maxOutput }
}
