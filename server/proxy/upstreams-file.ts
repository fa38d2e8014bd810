// The operator's list of further upstreams.
// owns: its shape. never: a key (the file names the environment's variable that holds it), a default address.
// always true: a fault names the file, the place in it and what was expected; names are unique.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AUTHS, PROVIDERS, SHAPES } from '../providers.ts'

/** Where an upstream stands that says nothing of its priority, those of the settings among them; the lowest is asked first. */
export const DEFAULT_PRIORITY = 100

const Id = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected lower-case letters, digits, dots and dashes')
const ModelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$/, 'expected a model name')
const BaseUrl = z.url({ protocol: /^https?$/ }).refine((text) => {
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === ''
}, 'expected an address without credentials, query or fragment')

const Row = z.strictObject({
  /** Of this upstream, in logs and figures. */
  name: Id,
  /** Whose models it serves: callers name them as that provider's. */
  provider: Id,
  /** The provider that its API is like (how it is given its key, which shapes, which limits): `azure` for OpenAI's models on Azure. */
  like: z.enum(PROVIDERS.map(({ id }) => id)).optional(),
  /** The provider whose prices hold here: what the person pays when this upstream answers. */
  prices_of: Id.optional(),
  base_url: BaseUrl,
  /** The variable of the environment that holds its key; without one it is asked without a key. */
  key_env: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'expected the name of an environment variable')
    .optional(),
  auth: z.enum(AUTHS).optional(),
  priority: z.int().min(1).max(1000).default(DEFAULT_PRIORITY),
  shapes: z.array(z.enum(SHAPES)).min(1).optional(),
  /** The models it has: their names, or each with the name it goes by there. Without it, every model of the provider. */
  models: z.union([z.array(ModelName).min(1), z.record(ModelName, ModelName)]).optional(),
})
export const UpstreamsFile = z.strictObject({ upstreams: z.array(Row).max(100) })

export type FileUpstream = Readonly<
  Omit<z.infer<typeof Row>, 'key_env' | 'models'> & {
    key: string | null
    /** A model's name to the name it goes by there; null means all of them, under their own names. */
    models: ReadonlyMap<string, string> | null
  }
>

/**
 * Reads the operator's upstreams.
 * @param path a JSON file: {"upstreams": [{"name", "provider", "base_url", "key_env"?, "like"?, "prices_of"?, "priority"?, ...}]}
 * @param env where their keys are
 * @throws Error whose message names the file and the path of the fault inside it
 */
export function readUpstreamsFile(path: string, env: NodeJS.ProcessEnv): FileUpstream[] {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new Error(`upstreams file ${path}: ${cause instanceof Error ? cause.message : 'cannot be read'}`, { cause })
  }
  return parseUpstreams(content, env, `upstreams file ${path}`)
}

/** The same from a parsed document. @param source how an error message names the document */
export function parseUpstreams(content: unknown, env: NodeJS.ProcessEnv, source: string): FileUpstream[] {
  const parsed = UpstreamsFile.safeParse(content)
  if (!parsed.success) {
    const lines = parsed.error.issues
      .slice(0, 10)
      .map((issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`)
    throw new Error(`${source}: ${lines.join('; ')}`)
  }
  const taken = new Set<string>(PROVIDERS.map(({ id }) => id))
  return parsed.data.upstreams.map(({ key_env: variable, models, ...row }, index) => {
    const at = `${source}: upstreams.${index}`
    if (taken.has(row.name)) throw new Error(`${at}.name: ${row.name} is taken`)
    taken.add(row.name)
    const key = variable === undefined ? null : (env[variable] ?? '')
    if (key !== null && !/^[\x21-\x7e]{1,1000}$/.test(key))
      throw new Error(`${at}.key_env: ${variable} is not set, or not one line of printable characters`)
    return { ...row, key, models: models === undefined ? null : namesOf(models) }
  })
}

function namesOf(models: readonly string[] | Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  if (Array.isArray(models)) return new Map(models.map((name: string) => [name, name]))
  return new Map(Object.entries(models))
}
