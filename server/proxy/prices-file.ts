// The operator's price file.
// owns: its shape. never: defaults for prices. always true: a fault names the file, the place in it and what was expected.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { UnitKind, type UnitPrices } from '../contract/receipts.ts'
import { fillPrices, picosPerUnit } from './prices-decimal.ts'

const PER_MILLION = 1_000_000n

/** Dollars per million units of any kind (tokens, requests, images, ...), as decimal text: "0.15", "20". Becomes picos per unit. */
const Price = z.string().transform((text, context) => {
  const picos = picosPerUnit(text, PER_MILLION)
  if (picos !== null) return picos
  context.addIssue('expected dollars per million units as decimal text with at most six decimals, like "0.15"')
  return z.NEVER
})

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/

const Model = z.strictObject({
  provider: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a provider id in lower case, like "openai"')
    .default('openai'),
  ...z.object(Object.fromEntries(UnitKind.options.map((kind) => [kind, Price.optional()]))).shape,
  context_window: z.int().positive().max(100_000_000).optional(),
  max_output: z.int().positive().max(10_000_000).optional(),
})

// A model of text has both prices, be it "0", so that none is forgotten; one that is billed otherwise may have neither.
const Complete = Model.superRefine((model, context) => {
  const { input, output, ...others } = model as Partial<Record<UnitKind, string>>
  const otherwise = UnitKind.options.some((kind) => others[kind as keyof typeof others] !== undefined)
  if (input === undefined && output === undefined && otherwise) return
  for (const [name, price] of Object.entries({ input, output }))
    if (price === undefined) context.addIssue({ code: 'custom', path: [name], message: 'expected a price' })
})

export const PriceFile = z.strictObject({
  models: z.record(z.string().regex(NAME, 'expected a model name'), Complete),
})

export type Override = Readonly<{
  provider: string
  model: string
  unitPrices: UnitPrices
  contextWindow: number | null
  maxOutput: number | null
}>

/**
 * Reads an operator's price file.
 * @param path a JSON file: {"models": {"name": {"provider"?, "input", "output", "cached_input"?, ..., "context_window"?, "max_output"?}}}
 * @throws Error whose message names the file and the path of the fault inside it
 */
export function readPriceFile(path: string): Override[] {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new Error(`price file ${path}: ${cause instanceof Error ? cause.message : 'cannot be read'}`, { cause })
  }
  return parsePrices(content, `price file ${path}`)
}

/** The same from a parsed document. @param source how an error message names the document */
export function parsePrices(content: unknown, source: string): Override[] {
  const parsed = PriceFile.safeParse(content)
  if (!parsed.success) {
    const lines = parsed.error.issues
      .slice(0, 10)
      .map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`)
    throw new Error(`${source}: ${lines.join('; ')}`)
  }
  return Object.entries(parsed.data.models).map(([name, row]) => {
    const { provider, context_window, max_output, ...prices } = row
    const model = name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name
    const unitPrices = fillPrices(prices)
    if (Object.values(unitPrices).every((price) => price === '0'))
      throw new Error(`${source}: models.${name}: every price is zero`)
    return { provider, model, unitPrices, contextWindow: context_window ?? null, maxOutput: max_output ?? null }
  })
}
