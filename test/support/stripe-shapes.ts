// Checks what passes between the SDK and the stand-in against Stripe's published shapes.
// owns: reading `../shared/stripe-openapi*.json`, and what a violation is. never: a shape of its own.
// always true: a schema is compiled when something of its kind is first seen; where the folder is not there, nothing is
// checked, and `MISSING` says so by name.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type AnySchema, type ErrorObject, type SchemaValidateFunction, type ValidateFunction } from 'ajv'
import type Stripe from 'stripe'
import type { Exchange } from '../../server/payments/stand-in/exchange.ts'

type Schema = { [keyword: string]: unknown }
type Operation = {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content: Record<string, { schema: Schema }> }>
}
type Document = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } }

const FOLDER = join(import.meta.dirname, '../../../shared')
const CURRENT = join(FOLDER, 'stripe-openapi-current.json')
const WITH_INTEGERS = join(FOLDER, 'stripe-openapi.json')

/** Why nothing can be checked here; false where it can. */
export const MISSING: string | false =
  existsSync(CURRENT) && existsSync(WITH_INTEGERS) ? false : 'Stripe’s published shapes are not beside this repository'

/** Routes that the SDK has and the published file was cut without; their objects are checked where their kind is known. */
const OUTSIDE = [
  /^\/v1\/payment_methods(\/|$)/,
  /^\/v1\/customers\/[^/]+\/payment_methods(\/|$)/,
  /^\/v1\/radar\/early_fraud_warnings(\/|$)/,
]
/** Kinds of objects that the file does not describe. */
const UNDESCRIBED = new Set(['radar.early_fraud_warning'])

export type Checker = {
  /** Sentences that say what is wrong with an exchange; none when it is as published. */
  exchange(exchange: Exchange): string[]
  event(event: Stripe.Event): string[]
}

let shared: Checker | undefined

/** The checker of this process: what it has compiled serves all tests. */
export function shapeChecker(): Checker {
  return (shared ??= newChecker())
}

function newChecker(): Checker {
  const { document, integers } = readShapes()
  const answers = validators(document, integers, false)
  const requests = validators(document, integers, true)

  return {
    exchange: ({ method, path, params, status, body }) => {
      const where = `${method} ${path}`
      const operation = operationOf(document, method, path)
      if (status >= 400)
        return [...errorFindings(answers, body, where), ...(status === 400 || !operation ? [] : asked(operation))]
      if (!operation && !OUTSIDE.some((one) => one.test(path)))
        return [`${where} was answered, but Stripe has no such route`]
      return [...(operation ? asked(operation) : []), ...answered(operation)]

      function asked(found: Operation): string[] {
        const copy = JSON.parse(JSON.stringify(params))
        return requests.against(requestSchema(found), copy, `request ${where}`)
      }
      function answered(found: Operation | undefined): string[] {
        const objects = objectsOf(body)
        if (objects.some((one) => one.object === 'event')) return objects.flatMap((one) => eventFindings(answers, one))
        const schema = found?.responses['200']?.content['application/json']?.schema
        if (schema) return answers.against(schema, body, `answer to ${where}`)
        return objects.flatMap((one) => answers.object(one, `answer to ${where}`))
      }
    },
    event: (event) => eventFindings(answers, event as unknown as Schema),
  }
}

// --- what is checked ------------------------------------------------------------------------------------------------

type Validators = ReturnType<typeof validators>

function eventFindings(answers: Validators, event: Schema): string[] {
  const type = String(event.type)
  const where = `event ${type}`
  const name = `${type
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Event`
  if (answers.knows(name)) return answers.against({ $ref: `#/components/schemas/${name}` }, event, where)
  const data = event.data as { object: Schema }
  return answers.object(data.object, where)
}

function errorFindings(answers: Validators, body: unknown, where: string): string[] {
  const error = (body as { error?: Schema }).error ?? {}
  const inner = [error.payment_intent, error.payment_method].filter((one) => one !== undefined) as Schema[]
  return [
    ...answers.against({ $ref: '#/components/schemas/ErrorResponse' }, body, `error of ${where}`),
    ...inner.flatMap((one) => answers.object(one, `error of ${where}`)),
  ]
}

function objectsOf(body: unknown): Schema[] {
  const whole = body as Schema
  return whole.object === 'list' ? (whole.data as Schema[]) : [whole]
}

function operationOf({ paths }: Document, method: string, path: string): Operation | undefined {
  const parts = path.split('/')
  const template = Object.keys(paths)
    .filter((one) => {
      const wanted = one.split('/')
      return wanted.length === parts.length && wanted.every((part, i) => part.startsWith('{') || part === parts[i])
    })
    .sort((a, b) => a.split('{').length - b.split('{').length)[0]
  return template === undefined ? undefined : paths[template]?.[method.toLowerCase()]
}

const REQUESTS = new WeakMap<Operation, Schema>()
function requestSchema(operation: Operation): Schema {
  const known = REQUESTS.get(operation)
  if (known) return known
  const body = operation.requestBody?.content['application/x-www-form-urlencoded']?.schema
  const query = (operation.parameters ?? []).filter((one) => one.in === 'query')
  const made = body ?? {
    type: 'object',
    properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
    required: query.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  }
  REQUESTS.set(operation, made)
  return made
}

// --- how ------------------------------------------------------------------------------------------------------------

function readShapes(): { document: Document; integers: Set<string> } {
  const document: Document = JSON.parse(readFileSync(CURRENT, 'utf8'))
  const typed: Document = JSON.parse(readFileSync(WITH_INTEGERS, 'utf8'))
  return { document, integers: onlyIntegers(typed.components.schemas) }
}

/** Names of fields that are whole numbers wherever Stripe's own file has them; the current file calls all numbers alike. */
function onlyIntegers(schemas: Record<string, Schema>): Set<string> {
  const whole = new Set<string>()
  const broken = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { properties } = value as { properties?: Record<string, Schema> }
    for (const [name, { type }] of Object.entries(properties ?? {})) {
      if (type === 'integer') whole.add(name)
      if (type === 'number') broken.add(name)
    }
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(schemas)
  return new Set([...whole].filter((name) => !broken.has(name)))
}

function validators({ components: { schemas } }: Document, integers: Set<string>, coerces: boolean) {
  const ajv = new Ajv({
    allErrors: true,
    strict: false,
    coerceTypes: coerces,
    validateFormats: false,
    // The shapes are valid as published; checking and polishing them would cost more than all that they check.
    validateSchema: false,
    meta: false,
    code: { optimize: false },
  })
  const byName = new Map<string, ValidateFunction>()
  const bySchema = new WeakMap<Schema, ValidateFunction>()
  const kinds = new Map(Object.entries(schemas).flatMap(([name, schema]) => kindOf(schema).map((kind) => [kind, name])))
  const compile = (schema: Schema) => ajv.compile(jsonSchema(schema, integers, !coerces) as AnySchema)

  function named(name: string): ValidateFunction {
    const known = byName.get(name)
    if (known) return known
    const made = compile(schemas[name] ?? { not: {} })
    byName.set(name, made)
    return made
  }
  // A reference is followed when a value gets there: whole families of objects are never compiled that no test sees.
  const follow: SchemaValidateFunction = (name: string, data: unknown, _schema, at) => {
    const path = at?.instancePath ?? ''
    const other = notMeant(schemas[name] ?? {}, data as Schema | null)
    if (other !== undefined) {
      follow.errors = [{ keyword: 'follow', instancePath: path, message: other, params: {} }]
      return false
    }
    const validate = named(name)
    const fits = validate(data)
    follow.errors = fits
      ? []
      : (validate.errors ?? []).map((one) => ({ ...one, instancePath: path + one.instancePath }))
    return fits
  }
  ajv.addKeyword({ keyword: 'follow', schemaType: 'string', validate: follow, errors: 'full' })

  const against = (schema: Schema, value: unknown, where: string): string[] => {
    const validate = bySchema.get(schema) ?? compile(schema)
    bySchema.set(schema, validate)
    return validate(value) ? [] : told(validate.errors ?? [], where)
  }
  return {
    against,
    knows: (name: string) => name in schemas,
    /** By the kind that the object says it is. */
    object: (value: Schema, where: string): string[] => {
      const kind = String(value.object)
      const name = value.deleted === true ? `Deleted${kinds.get(kind)}` : kinds.get(kind)
      if (name === undefined) return UNDESCRIBED.has(kind) ? [] : [`${where}: Stripe has no object called ${kind}`]
      return against({ $ref: `#/components/schemas/${name}` }, value, where)
    },
  }
}

/** Why an object is plainly not the one that a schema is about: another kind, or not deleted. */
function notMeant(schema: Schema, data: Schema | null): string | undefined {
  const [kind] = kindOf(schema)
  if (kind !== undefined) return data?.object === kind ? undefined : `is no ${kind}`
  const isStub = (schema.required as string[] | undefined)?.includes('deleted') ?? false
  return isStub && data?.deleted !== true ? 'is not deleted' : undefined
}

/** What `object` says in an object of this schema; none where it is no object of Stripe's own. */
function kindOf(schema: Schema): string[] {
  const properties = schema.properties as Record<string, { enum?: string[] }> | undefined
  const kind = properties?.object?.enum?.[0]
  const isPlain =
    properties !== undefined &&
    'id' in properties &&
    !('deleted' in properties && (schema.required as string[]).includes('deleted'))
  return kind === undefined || kind === 'event' || !isPlain ? [] : [kind]
}

/** The deepest findings: the others are choices that were not meant. */
function told(errors: readonly Partial<ErrorObject>[], where: string): string[] {
  const depthOf = ({ instancePath = '' }: Partial<ErrorObject>) => instancePath.split('/').length
  const found = errors.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'allOf')
  const depth = Math.max(...found.map(depthOf))
  const deepest = found.filter((one) => depthOf(one) === depth)
  const said = deepest.filter(({ keyword }) => keyword !== 'type' && keyword !== 'follow')
  const lines = (said.length > 0 ? said : deepest).map(({ instancePath, message, params }) => {
    const { allowedValues, additionalProperty } = params ?? {}
    const extra = allowedValues ? `: ${allowedValues.join(', ')}` : additionalProperty ? `: ${additionalProperty}` : ''
    return `${where}: ${instancePath || '/'} ${message}${extra}`
  })
  return [...new Set(lines)]
}

/** A schema of OpenAPI 3.0 as JSON Schema; `closed`: a field that is not described is wrong, and so is a value that is not known. */
function jsonSchema(schema: unknown, integers: Set<string>, closed: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((one) => jsonSchema(one, integers, closed))
  if (typeof schema !== 'object' || schema === null) return schema
  const { nullable, $ref, description: _, ...rest } = schema as Schema
  const known = rest['x-knownValues'] as string[] | undefined
  const plain: Schema = {}
  for (const [keyword, value] of Object.entries(rest)) {
    if (keyword.startsWith('x-')) continue
    plain[keyword] =
      keyword === 'properties' ? properties(value as Record<string, Schema>, integers, closed) : deeper(keyword, value)
  }
  if (known) plain.enum = known
  if (closed && plain.properties !== undefined && plain.additionalProperties === undefined)
    plain.additionalProperties = false
  const whole = typeof $ref === 'string' ? { follow: $ref.split('/').at(-1) } : plain
  return nullable === true ? { anyOf: [{ type: 'null' }, whole] } : whole

  function deeper(keyword: string, value: unknown): unknown {
    return ['items', 'anyOf', 'allOf', 'oneOf', 'not', 'additionalProperties'].includes(keyword)
      ? jsonSchema(value, integers, closed)
      : value
  }
}

function properties(given: Record<string, Schema>, integers: Set<string>, closed: boolean): Schema {
  const made = Object.entries(given).map(([name, schema]) => {
    const typed = schema.type === 'number' && integers.has(name) ? { ...schema, type: 'integer' } : schema
    return [name, jsonSchema(typed, integers, closed)]
  })
  return Object.fromEntries(made)
}
