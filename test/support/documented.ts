// Answers, held against the OpenAPI document.
// owns: finding the operation of a request, and the check of its answer. never: a request.
// always true: an answer of a route that the document does not know, or of another shape, is a failure that says where.

import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { documentOf } from '../../server/reference/document.ts'

type Operation = { responses: Record<string, { content?: Record<string, { schema?: object }> }> }
type Document = { paths: Record<string, Record<string, Operation>>; components: object }

const document = documentOf('http://server.example') as unknown as Document
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema({ $id: 'document', components: document.components })
const patterns = Object.entries(document.paths).map(([path, operations]) => ({
  pattern: new RegExp(`^${path.replace(/[.+?^$()[\]|\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`),
  fixed: path.replace(/\{\w+\}/g, '').length,
  operations,
}))
const validators = new Map<object, ValidateFunction>()

/** Checks a JSON answer: its status and shape are in the document. */
export function assertDocumented(method: string, path: string, status: number, text: string): void {
  const where = `${method} ${path} → ${status}`
  const bare = path.split('?', 1)[0] ?? ''
  // A route without a parameter is meant before one with.
  const [found] = patterns.filter(({ pattern }) => pattern.test(bare)).sort((a, b) => b.fixed - a.fixed)
  const operation = found?.operations[method.toLowerCase()]
  assert.ok(operation, `${where}: not in the document`)
  const response = operation.responses[String(status)]
  assert.ok(response, `${where}: this status is not in the document`)
  const schema = response.content?.['application/json']?.schema
  if (!schema) return
  let validate = validators.get(schema)
  if (!validate) {
    const own = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"document#/components'))
    validators.set(schema, (validate = ajv.compile(own)))
  }
  assert.ok(validate(JSON.parse(text)), `${where}: ${ajv.errorsText(validate.errors)}\n${text.slice(0, 2000)}`)
}
