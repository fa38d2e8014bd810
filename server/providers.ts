// The model vendors this server can call: one row each.
// owns: their names, settings, addresses, how each is given its key, the shapes it speaks, and where it differs.
// never: a key, a price, a request. always true: an id is the one that @pydantic/genai-prices uses, so that a row's models have
// prices; a shape that a row does not name is never asked of it.

/** API shapes, named after their route: /v1/chat/completions, /v1/responses, /v1/messages, ... */
export const SHAPES = ['chat', 'responses', 'messages', 'embeddings', 'images', 'speech', 'transcriptions'] as const
export type ShapeName = (typeof SHAPES)[number]

/** Which header carries the key. `x-api-key` is Anthropic's, and goes with `anthropic-version`. */
export const AUTHS = ['bearer', 'x-api-key', 'api-key'] as const
export type Auth = (typeof AUTHS)[number]

export type LimitField = 'max_tokens' | 'max_completion_tokens'

/** Where a vendor's chat completions are not OpenAI's. */
export type Quirks = Readonly<{
  /** What its models call the limit on their output; the first row that fits. Without one both names are understood. */
  limitFields: readonly (readonly [model: RegExp, field: LimitField])[]
  /** Whether `stream_options` asks it for usage in streams. Where not, it reports usage unasked and refuses the field. */
  streamOptions: boolean
  /** Whether its `completion_tokens` leave reasoning out, so that only `total_tokens` holds it. */
  reasoningInTotal: boolean
}>

export type Provider = Readonly<{
  id: string
  name: string
  /** Its two settings are `{setting}_API_KEY` and `{setting}_BASE_URL`. */
  setting: string
  /** Null: there is no address before the operator names one. */
  base: string | null
  /** What such an address looks like. */
  example?: string
  /** What is added to the base before a shape's path; only Anthropic's base is named without its version. */
  version: string
  speaks: Readonly<Partial<Record<ShapeName, Auth>>>
  quirks: Quirks
  /** Providers whose prices hold here too for models that the data does not list; see the data's `fallback_model_providers`. */
  pricedAs: readonly string[]
  /** Whether the sandbox model answers for it where no provider has a key; resellers would only say everything twice. */
  sandbox: boolean
}>

const OPENAI: Quirks = { limitFields: [], streamOptions: true, reasoningInTotal: false }
const everywhere = (field: LimitField): Quirks['limitFields'] => [[/^/, field]]
/** OpenAI's reasoning models refuse max_tokens; its older ones, and most servers that copy its API, know nothing else. */
const REASONING: Quirks['limitFields'] = [[/^(o\d|gpt-[5-9])/, 'max_completion_tokens']]

function by(auth: Auth, ...shapes: ShapeName[]): Provider['speaks'] {
  return Object.fromEntries(shapes.map((shape) => [shape, auth]))
}

const ROW = { version: '', pricedAs: [], sandbox: true, quirks: OPENAI } as const

export const PROVIDERS: readonly Provider[] = [
  {
    ...ROW,
    id: 'openai',
    name: 'OpenAI, or any server that speaks its API',
    setting: 'OPENAI',
    base: 'https://api.openai.com/v1',
    speaks: by('bearer', 'chat', 'responses', 'embeddings', 'images', 'speech', 'transcriptions'),
    quirks: { ...OPENAI, limitFields: REASONING },
  },
  {
    ...ROW,
    id: 'anthropic',
    name: 'Anthropic',
    setting: 'ANTHROPIC',
    base: 'https://api.anthropic.com',
    version: '/v1',
    speaks: { ...by('x-api-key', 'messages'), ...by('bearer', 'chat') },
  },
  {
    ...ROW,
    id: 'google',
    name: 'Google (Gemini, by its OpenAI-compatible surface)',
    setting: 'GOOGLE',
    base: 'https://generativelanguage.googleapis.com/v1beta/openai',
    speaks: by('bearer', 'chat', 'embeddings'),
    quirks: { ...OPENAI, limitFields: everywhere('max_tokens'), reasoningInTotal: true },
  },
  {
    ...ROW,
    id: 'groq',
    name: 'Groq',
    setting: 'GROQ',
    base: 'https://api.groq.com/openai/v1',
    speaks: by('bearer', 'chat', 'responses', 'speech', 'transcriptions'),
    quirks: { ...OPENAI, limitFields: everywhere('max_completion_tokens') },
  },
  {
    ...ROW,
    id: 'mistral',
    name: 'Mistral',
    setting: 'MISTRAL',
    base: 'https://api.mistral.ai/v1',
    speaks: by('bearer', 'chat', 'embeddings'),
    // It answers 422 to stream_options and to max_completion_tokens, and reports usage in every last chunk.
    quirks: { ...OPENAI, limitFields: everywhere('max_tokens'), streamOptions: false },
  },
  {
    ...ROW,
    id: 'deepseek',
    name: 'DeepSeek',
    setting: 'DEEPSEEK',
    base: 'https://api.deepseek.com/v1',
    speaks: by('bearer', 'chat'),
    quirks: { ...OPENAI, limitFields: everywhere('max_tokens') },
  },
  {
    ...ROW,
    id: 'x-ai',
    name: 'xAI',
    setting: 'XAI',
    base: 'https://api.x.ai/v1',
    speaks: by('bearer', 'chat', 'responses', 'images'),
    // docs.x.ai, "Consumption and rate limits": reasoning is counted beside completion_tokens, and in total_tokens.
    quirks: { ...OPENAI, limitFields: everywhere('max_completion_tokens'), reasoningInTotal: true },
  },
  {
    ...ROW,
    id: 'together',
    name: 'Together',
    setting: 'TOGETHER',
    base: 'https://api.together.xyz/v1',
    speaks: by('bearer', 'chat', 'embeddings', 'images', 'speech', 'transcriptions'),
    quirks: { ...OPENAI, limitFields: everywhere('max_tokens') },
  },
  {
    ...ROW,
    id: 'openrouter',
    name: 'OpenRouter',
    setting: 'OPENROUTER',
    base: 'https://openrouter.ai/api/v1',
    speaks: by('bearer', 'chat', 'responses', 'embeddings'),
    quirks: { ...OPENAI, limitFields: everywhere('max_tokens') },
    sandbox: false,
  },
  {
    ...ROW,
    id: 'azure',
    name: 'Azure OpenAI (v1 surface); a deployment is called by its name',
    setting: 'AZURE_OPENAI',
    base: null,
    example: 'https://{resource}.openai.azure.com/openai/v1',
    speaks: by('api-key', 'chat', 'responses', 'embeddings', 'images', 'speech', 'transcriptions'),
    quirks: { ...OPENAI, limitFields: REASONING },
    pricedAs: ['openai'],
    sandbox: false,
  },
  {
    ...ROW,
    id: 'compatible',
    name: 'any other server that speaks OpenAI’s API (Ollama, vLLM, llama.cpp, LM Studio); its models need prices in QUOTA_PRICES_FILE',
    setting: 'COMPATIBLE',
    base: null,
    example: 'http://127.0.0.1:11434/v1',
    speaks: by('bearer', 'chat', 'embeddings'),
    quirks: { ...OPENAI, limitFields: everywhere('max_tokens') },
    sandbox: false,
  },
]

const byId = new Map(PROVIDERS.map((row) => [row.id, row]))

/** The row of an id; for an id of the operator's own, what holds for any server that speaks OpenAI's API. */
export function providerRow(id: string): Provider {
  const row = byId.get(id) ?? byId.get('compatible')
  if (!row) throw new Error('the table of providers has lost its last row')
  return row
}

/**
 * How an upstream is given its key.
 * @param key null for a server that wants none
 */
export function authHeaders(auth: Auth, key: string | null): Readonly<Record<string, string>> {
  const version: Record<string, string> = auth === 'x-api-key' ? { 'anthropic-version': '2023-06-01' } : {}
  if (key === null) return version
  return auth === 'bearer' ? { authorization: `Bearer ${key}` } : { ...version, [auth]: key }
}

/**
 * The field that a limit on the output goes by.
 * @param asked what the caller called it; null when they named none
 */
export function limitField(quirks: Quirks, model: string, asked: LimitField | null): LimitField {
  return quirks.limitFields.find((row) => row[0].test(model))?.[1] ?? asked ?? 'max_tokens'
}

/** The settings of the table, for config.ts and the README. */
export const PROVIDER_SETTINGS: readonly { name: string; default: string | null; text: string }[] = PROVIDERS.flatMap(
  (row) => [
    { name: `${row.setting}_API_KEY`, default: null, text: `Key for ${row.name}.` },
    {
      name: `${row.setting}_BASE_URL`,
      default: row.base,
      text: `Base of that API${row.version && `, without \`${row.version}\``}${row.example ? `: \`${row.example}\`` : ''}.`,
    },
  ],
)
