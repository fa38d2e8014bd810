// The types of the wire as plain TypeScript, written out from the server's schemas.
// owns: reading src/types.ts line by line, and JSON Schema as TypeScript. never: a shape of its own.
// always true: each exported type of src/types.ts is in the answer, or the build fails.

import { z } from 'zod'

type Schema = {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  propertyNames?: Schema
  items?: Schema
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

const LINE = /^(\/\*\* .* \*\/\n)?export type (\w+) = z\.(infer|input)<typeof (\w+)\.(\w+)>$/gm
const IMPORT = /^import type \* as (\w+) from '\.\.\/(\.\.\/\.\.\/[^']+)'$/gm
const KEYS = 'export type FaultCode = keyof typeof faults.FAULTS'

/** @param source the text of src/types.ts @returns the text of types.d.ts */
export async function typesOf(source: string): Promise<string> {
  const modules: Record<string, Record<string, unknown>> = {}
  for (const [, name = '', path = ''] of source.matchAll(IMPORT)) modules[name] = await import(path)
  const written = [...source.matchAll(LINE)].map(([, comment = '', name, kind, module = '', schema = '']) => {
    const json = z.toJSONSchema(modules[module]?.[schema] as z.ZodType, { io: kind === 'input' ? 'input' : 'output' })
    return `${comment}export type ${name} = ${text(json as Schema)}\n`
  })
  const codes = Object.keys(modules.faults?.FAULTS as object).map(quoted)
  const wanted = [...source.matchAll(/^export type /gm)].length
  if (!source.includes(KEYS) || written.length + 1 !== wanted)
    throw new Error('src/types.ts has a line of another form')
  return [`export type FaultCode = ${codes.join(' | ')}\n`, ...written].join('\n')
}

function text(schema: Schema): string {
  const { anyOf, oneOf, allOf, type } = schema
  if (schema.const !== undefined) return quoted(schema.const)
  if (schema.enum) return schema.enum.map(quoted).join(' | ')
  if (anyOf ?? oneOf) return (anyOf ?? oneOf ?? []).map(text).join(' | ')
  if (allOf) return allOf.map((one) => `(${text(one)})`).join(' & ')
  if (Array.isArray(type)) return type.map((one) => text({ ...schema, type: one })).join(' | ')
  if (type === 'object') return object(schema)
  if (type === 'array') return `(${text(schema.items ?? {})})[]`
  if (type === 'string' || type === 'boolean' || type === 'null') return type
  if (type === 'integer' || type === 'number') return 'number'
  if (type === undefined) return 'unknown'
  throw new Error(`a schema of another form: ${JSON.stringify(schema)}`)
}

function object({ properties, required = [], additionalProperties, propertyNames }: Schema): string {
  if (!properties) {
    const value = typeof additionalProperties === 'object' ? text(additionalProperties) : 'unknown'
    return propertyNames?.enum ? `{ [K in ${text(propertyNames)}]?: ${value} }` : `{ [name: string]: ${value} }`
  }
  const fields = Object.entries(properties).map(([name, one]) => {
    return required.includes(name) ? `${name}: ${text(one)}` : `${name}?: ${text(one)} | undefined`
  })
  return `{ ${fields.join('; ')} }`
}

function quoted(value: unknown): string {
  return JSON.stringify(value)
}
