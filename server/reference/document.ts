// The API as one OpenAPI 3.1 document.
// owns: what is common to all routes (credentials, errors, headers), and the way from a table row to an operation.
// never: a route; a shape that is not the one the route checks.
// always true: made from the schemas that the server itself reads requests with.

import { z } from 'zod'
import { ErrorBody, FAULTS, type FaultCode } from '../contract/faults.ts'
import { WIRE_VERSION } from '../contract/version.ts'
import { ACCOUNTS } from './accounts.ts'
import { BUYING } from './buying.ts'
import { CALLS } from './calls.ts'
import { APPS } from './console.ts'
import { FIGURES, GRANTS, PAYOUTS } from './console-money.ts'
import { WEBHOOKS } from './console-webhooks.ts'
import { OAUTH } from './oauth.ts'
import type { Group, Operation, Who } from './operation.ts'

/** In the order in which a newcomer needs them. */
export const GROUPS: readonly Group[] = [
  ...APPS,
  GRANTS,
  ...CALLS,
  FIGURES,
  PAYOUTS,
  WEBHOOKS,
  ...BUYING,
  OAUTH,
  ...ACCOUNTS,
]

export type Schema = { [key: string]: unknown }
type Json = Record<string, unknown>

export const SCHEMES: Record<Exclude<Who, 'nobody'>, { scheme: Json; text: string }> = {
  session: {
    scheme: { type: 'http', scheme: 'bearer', bearerFormat: 'sess_…' },
    text: 'A session of POST /auth/login; on the server’s own pages its cookie.',
  },
  wallet: {
    scheme: { type: 'http', scheme: 'bearer' },
    text: 'An access token of the wallet itself (scope `wallet`).',
  },
  key: {
    scheme: { type: 'http', scheme: 'bearer', bearerFormat: 'sk-quota-…' },
    text: 'An app’s key, as a bearer or in X-API-Key; never in a browser.',
  },
  token: { scheme: { type: 'http', scheme: 'bearer' }, text: 'A person’s access token for one app, by OAuth.' },
  client: {
    scheme: { type: 'http', scheme: 'basic' },
    text: 'An app’s client id and secret, here or in the form; a public app gives its client_id alone.',
  },
}
/** Every route may answer these. */
const COMMON: readonly FaultCode[] = ['bad_request', 'rate_limit_exceeded', 'internal_error']
const REFUSALS: Record<Who, FaultCode | null> = {
  session: 'unauthorized',
  wallet: 'unauthorized',
  key: 'invalid_api_key',
  token: 'invalid_token',
  client: null,
  nobody: null,
}

/** A schema as JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export function schemaOf(type: z.ZodType): Schema {
  const { $schema: _, ...schema } = z.toJSONSchema(type, {
    io: 'input',
    unrepresentable: 'any',
    target: 'draft-2020-12',
  })
  return schema
}

/** The method and path of an operation. */
export function placeOf({ at }: Operation): { method: string; path: string } {
  const [method = '', path = ''] = at.split(' ')
  return { method: method.toLowerCase(), path }
}

/** Codes an operation may answer, by status. */
export function faultsOf({ errors = [], who }: Operation): Map<number, FaultCode[]> {
  const refusals = who.map((one) => REFUSALS[one]).filter((code) => code !== null)
  const open = who.includes('nobody')
  const codes = [...new Set([...(open ? [] : refusals), ...errors, ...COMMON])]
  const byStatus = new Map<number, FaultCode[]>()
  for (const code of codes.sort((a, b) => FAULTS[a][0] - FAULTS[b][0]))
    byStatus.set(FAULTS[code][0], [...(byStatus.get(FAULTS[code][0]) ?? []), code])
  return byStatus
}

/** The whole document. @param publicUrl where this server is reached */
export function documentOf(publicUrl: string): Json {
  const paths: Record<string, Json> = {}
  for (const group of GROUPS) {
    for (const operation of group.operations) {
      const { method, path } = placeOf(operation)
      paths[path] = { ...paths[path], [method]: operationOf(operation, group.name, publicUrl) }
    }
  }
  const schemes = Object.entries(SCHEMES).map(([name, { scheme, text }]) => [name, { ...scheme, description: text }])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Quota Wallet',
      version: String(WIRE_VERSION),
      description:
        'A wallet for the AI inside other people’s apps. Amounts are credits: 1,000,000 are one dollar. Readable at /docs.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: publicUrl }],
    tags: GROUPS.map(({ name, text }) => ({ name, description: text })),
    paths,
    components: {
      securitySchemes: Object.fromEntries(schemes),
      schemas: { Error: schemaOf(ErrorBody) },
    },
    'x-errors': Object.fromEntries(
      Object.entries(FAULTS).map(([code, [status, type, message]]) => [
        code,
        { status, type, message, docs_url: `${publicUrl}/docs#${code}` },
      ]),
    ),
  }
}

function operationOf(operation: Operation, tag: string, publicUrl: string): Json {
  const { summary, who, body, form, answer, status = 200 } = operation
  const responses: Json = { [status]: { description: 'Done.', content: contentOf(answer) } }
  for (const [code, codes] of faultsOf(operation)) {
    const links = codes.map((name) => `[${name}](${publicUrl}/docs#${name}): ${FAULTS[name][2]}`)
    responses[code] = {
      description: links.join('\n\n'),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    }
  }
  return {
    operationId: idOf(operation),
    tags: [tag],
    summary,
    security: who.map((one) => (one === 'nobody' ? {} : { [one]: [] })),
    parameters: parametersOf(operation),
    ...(body
      ? { requestBody: { required: true, content: { [form ?? 'application/json']: { schema: schemaOf(body) } } } }
      : {}),
    responses,
  }
}

/** A name that is also the anchor in the reference: `post-v1-chat-completions`. */
export function idOf({ at }: Operation): string {
  return at
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '')
}

function contentOf(answer: z.ZodType | string): Json {
  if (typeof answer === 'string') return { [answer]: {} }
  return { 'application/json': { schema: schemaOf(answer) } }
}

function parametersOf({ at, query = {}, once }: Operation): Json[] {
  const text = { type: 'string' }
  const inPath = [...at.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: text }))
  const inQuery = Object.entries(query).map(([name, description]) => ({ name, in: 'query', description, schema: text }))
  const header = {
    name: 'Idempotency-Key',
    in: 'header',
    schema: { type: 'string', maxLength: 255 },
    description: 'The same key and body again: the first answer again, and one effect.',
  }
  return [...inPath, ...inQuery, ...(once ? [header] : [])]
}

export const WHO_WORDS: Record<Who, string> = {
  session: 'session',
  wallet: 'wallet',
  key: 'API key',
  token: 'access token',
  client: 'client credentials',
  nobody: 'anyone',
}
