// Parameters: what a route takes, and Stripe's sentences for what it does not.
// owns: the kinds of values. never: a look at the state of things.
// always true: an unknown name is refused; a whole number is a safe one; text becomes a typed value here and nowhere else.

import { z } from 'zod'
import { invalid } from './errors.ts'
import type { Form } from './form.ts'

const TEXT_MAX = 5000

export const text = z.string().min(1, 'empty').max(TEXT_MAX)
/** Text that an empty value clears. */
export const clearable = z.string().max(TEXT_MAX)
export const integer = z
  .string()
  .regex(/^-?\d{1,15}$/, 'integer')
  .transform(Number)
/** Cents: a whole number above nothing. */
export const cents = z
  .string()
  .regex(/^-?\d{1,15}$/, 'integer')
  .transform(Number)
  .refine((value) => value > 0, 'positive')
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
export const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/, 'currency')
  .transform((value) => value.toLowerCase())
export const url = z
  .string()
  .max(TEXT_MAX)
  .refine((value) => URL.canParse(value), 'url')

/** https://docs.stripe.com/api/metadata: up to 50 names of 40 characters, values of 500; an empty value removes. */
export const metadata = z.preprocess(
  (value) => (Array.isArray(value) ? { ...value } : value),
  z.union([
    z.literal(''),
    z.record(z.string().max(40), z.string().max(500)).refine((given) => Object.keys(given).length <= 50, 'many'),
  ]),
)
export type MetadataParam = z.output<typeof metadata>

export const expand = z.array(text)
const listed = { limit: integer.optional(), starting_after: text.optional(), ending_before: text.optional() }
const range = z.strictObject({
  gt: integer.optional(),
  gte: integer.optional(),
  lt: integer.optional(),
  lte: integer.optional(),
})
export const created = z.union([integer, range])

/** Parameters of one route; `expand` is every route's. */
export function params<S extends z.core.$ZodShape>(shape: S) {
  return z.strictObject({ ...shape, expand: expand.optional() })
}

/** Parameters of a list: its filters, and where to begin. */
export function listParams<S extends z.core.$ZodShape>(shape: S) {
  return z.strictObject({ ...shape, ...listed, expand: expand.optional() })
}

/** What the parameters say. @throws refusal in Stripe's words, about the first that is wrong */
export function readParams<T>(schema: z.ZodType<T>, form: Form): T {
  const read = schema.safeParse(form, { reportInput: true })
  if (read.success) return read.data
  const issue = read.error.issues[0]
  if (!issue) throw new Error('a refusal without an issue')
  throw refusalFor(deepest(issue))
}

type Issue = z.core.$ZodIssue

/** Within a choice, the alternative that got furthest. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const inner = issue.errors.flat().map((one) => ({ ...one, path: [...issue.path, ...one.path] }) as Issue)
  const best = inner.sort((a, b) => b.path.length - a.path.length)[0]
  return best ? deepest(best) : issue
}

function refusalFor(issue: Issue): Error {
  const name = nameOf(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const unknown = nameOf([...issue.path, issue.keys[0] ?? ''])
    return invalid(
      unknown,
      `Received unknown parameter: ${unknown}. (The stand-in knows a part of Stripe's.)`,
      'parameter_unknown',
    )
  }
  if (issue.input === undefined) return invalid(name, `Missing required param: ${name}.`, 'parameter_missing')
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String)
    const list = allowed.length > 1 ? `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}` : allowed.join('')
    return invalid(name, `Invalid ${name}: must be one of ${list}`)
  }
  const sentence = SENTENCES[issue.message]
  const shown = typeof issue.input === 'string' ? issue.input : JSON.stringify(issue.input)
  return sentence ? invalid(name, sentence.say(name, shown), sentence.code) : invalid(name, `Invalid ${name}`)
}

const SENTENCES: Record<string, { code?: string; say: (name: string, value: string) => string }> = {
  integer: { code: 'parameter_invalid_integer', say: (_, value) => `Invalid integer: ${value}` },
  positive: { code: 'parameter_invalid_integer', say: () => 'This value must be greater than or equal to 1.' },
  currency: { say: (_, value) => `Invalid currency: ${value}.` },
  many: { say: (name) => `Invalid ${name}: at most 50 keys.` },
  url: { code: 'url_invalid', say: () => 'Not a valid URL' },
  empty: {
    code: 'parameter_invalid_empty',
    say: (name) =>
      `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; however '${name}' cannot be unset. You should remove '${name}' from your request or supply a non-empty value.`,
  },
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (index === 0 ? String(part) : `[${String(part)}]`)).join('')
}

/** Metadata after a change: names that are given replace, empty values remove, an empty text clears. */
export function mergedMetadata(before: Record<string, string> | null, given: MetadataParam | undefined) {
  if (given === undefined) return { ...before }
  if (given === '') return {}
  return Object.fromEntries(Object.entries({ ...before, ...given }).filter(([, value]) => value !== ''))
}
