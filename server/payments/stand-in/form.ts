// Stripe's form encoding: names with brackets, values as text.
// owns: reading it. never: a type of a value (params.ts).
// always true: what is read is plain text, arrays and objects without a prototype; a name that contradicts another is refused.

import { invalid } from './errors.ts'

export type Form = { [name: string]: FormValue }
export type FormValue = string | FormValue[] | Form

const NAMES_MAX = 1000
const DEPTH_MAX = 12

/** Reads a query or a body. @throws refusal of a name that cannot be */
export function readForm(text: string): Form {
  const form: Form = Object.create(null)
  const pairs = [...new URLSearchParams(text)]
  if (pairs.length > NAMES_MAX) throw invalid('', 'Too many parameters.')
  for (const [name, value] of pairs) place(form, partsOf(name), value, name)
  return arrays(form) as Form
}

/** `a[b][0]` as `a`, `b`, `0`; an empty bracket is the next place of an array. */
function partsOf(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name)
  if (!match) throw invalid(name, `Invalid parameter name: ${name}`)
  const rest = [...(match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map(([, part]) => part ?? '')
  if (rest.length > DEPTH_MAX) throw invalid(name, `Invalid parameter name: ${name}`)
  return [match[1] ?? '', ...rest]
}

function place(form: Form, parts: string[], value: string, name: string): void {
  let at = form
  for (const part of parts.slice(0, -1)) {
    const next = (at[part] ??= Object.create(null) as Form)
    if (typeof next !== 'object' || Array.isArray(next)) throw invalid(name, `Invalid parameter: ${name}`)
    at = next
  }
  const last = parts.at(-1) ?? ''
  const key = last === '' ? String(Object.keys(at).length) : last
  if (key in at) throw invalid(name, `Parameter given twice: ${name}`)
  at[key] = value
}

function arrays(value: FormValue): FormValue {
  if (typeof value === 'string' || Array.isArray(value)) return value
  const keys = Object.keys(value)
  const inner = keys.map((key) => arrays(value[key] ?? ''))
  if (keys.length > 0 && keys.every((key, index) => key === String(index))) return inner
  const made: Form = Object.create(null)
  for (const [index, key] of keys.entries()) made[key] = inner[index] ?? ''
  return made
}
