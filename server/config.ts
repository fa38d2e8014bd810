// Settings: read once from the environment, checked, and never read again.
// owns: names, defaults and meaning of every setting. never: behaviour.
// always true: README's table equals SETTINGS; a wrong value stops the start with a sentence that names it.

import { z } from 'zod'
import { PROVIDER_SETTINGS, PROVIDERS } from './providers.ts'

type Setting = { readonly name: string; readonly default: string | null; readonly text: string }

const OWN_SETTINGS = [
  { name: 'QUOTA_PORT', default: '7070', text: 'Port to listen on; 0 picks a free one.' },
  { name: 'QUOTA_HOST', default: '127.0.0.1', text: 'Address to listen on.' },
  {
    name: 'QUOTA_PUBLIC_URL',
    default: null,
    text: 'Where people and apps reach this server; `http://{host}:{port}` when not set.',
  },
  { name: 'QUOTA_DATA_DIR', default: './data', text: 'Folder of the embedded database and the sandbox’s master key.' },
  { name: 'DATABASE_URL', default: null, text: '`postgres://…`; without it, embedded SQLite in the data folder.' },
  {
    name: 'QUOTA_MASTER_KEY',
    default: null,
    text: '32 bytes in base64; seals keys at rest. Required in live mode; the sandbox makes its own.',
  },
  {
    name: 'QUOTA_MASTER_KEY_OLD',
    default: null,
    text: 'The master key before this one: what it sealed still opens, and is sealed anew. Leave it out once the log says that nothing is left.',
  },
  { name: 'QUOTA_ADMIN_TOKEN', default: null, text: 'Bearer for /admin; without it those routes do not exist.' },
  {
    name: 'QUOTA_SMTP_URL',
    default: null,
    text: '`smtps://user:password@host`; where mail goes out. Without it the sandbox writes mails to `{data folder}/mails`.',
  },
  { name: 'QUOTA_MAIL_FROM', default: 'Quota Wallet <no-reply@localhost>', text: 'Sender of those mails.' },
  {
    name: 'QUOTA_SELLER',
    default: 'Quota Wallet',
    text: 'Who sells the balance, as receipts say it: name, address, tax number, on one line.',
  },
  {
    name: 'QUOTA_PRICES_FILE',
    default: null,
    text: 'JSON file of model prices that add to or replace the built-in table.',
  },
  {
    name: 'QUOTA_UPSTREAMS_FILE',
    default: null,
    text: 'JSON file of further upstreams, so that a model has several; see docs/operations.md.',
  },
  {
    name: 'QUOTA_UPSTREAM_FAILURES',
    default: '5',
    text: 'So many failures in a row, and an upstream is left alone for a moment (1 to 60 seconds).',
  },
  {
    name: 'QUOTA_HOLD_TTL_S',
    default: '600',
    text: 'How long a reservation lives unless its stream renews it, in seconds.',
  },
  {
    name: 'QUOTA_APPROVAL_S',
    default: '120',
    text: 'How long a call that its person has to approve waits for them, in seconds.',
  },
  {
    name: 'QUOTA_UPSTREAM_TIMEOUT_S',
    default: '30',
    text: 'How long a model provider may take to begin a stream, in seconds.',
  },
  {
    name: 'QUOTA_ANSWER_TIMEOUT_S',
    default: '300',
    text: 'How long a model provider may take for an answer that is not streamed, in seconds.',
  },
  { name: 'QUOTA_STREAM_IDLE_S', default: '60', text: 'How long a stream may stay silent, in seconds.' },
  { name: 'QUOTA_STREAM_MAX_S', default: '3600', text: 'How long an answer may take altogether, in seconds.' },
  {
    name: 'QUOTA_READER_STALL_S',
    default: '60',
    text: 'How long a caller may take nothing of a stream that waits for them, in seconds; it is then cut, and what was sent is charged.',
  },
  {
    name: 'QUOTA_CONNECTION_CALLS_MAX',
    default: '64',
    text: 'How many calls of one connection may run at once; several server processes share it evenly.',
  },
  {
    name: 'QUOTA_WALLET_ORIGINS',
    default: 'app://wallet',
    text: 'Origins besides our own that may call the wallet’s routes, separated by commas (the desktop’s).',
  },
  {
    name: 'QUOTA_SANDBOX_TOKEN_MS',
    default: '15',
    text: 'Pause between the words of the sandbox model, in milliseconds.',
  },
  { name: 'QUOTA_RATE_LIMIT_SCALE', default: '1', text: 'Multiplies every rate limit; sandbox only.' },
  { name: 'QUOTA_CLOCK_OFFSET_MS', default: '0', text: 'Shifts the server’s clock; sandbox only.' },
  {
    name: 'QUOTA_WEBHOOK_LOCAL',
    default: '0',
    text: '`1`: webhooks may also go to `http://127.0.0.1` and `http://localhost`, at any port; sandbox only.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    default: null,
    text: 'Where traces go, e.g. `http://127.0.0.1:4318` (OTLP over HTTP); without it there are none.',
  },
  { name: 'QUOTA_LOG_LEVEL', default: 'info', text: '`silent`, `error`, `warn`, `info` or `debug`.' },
  {
    name: 'STRIPE_SECRET_KEY',
    default: null,
    text: '`sk_live_…`: money is real. `sk_test_…`: Stripe’s test mode. Without it the server is a sandbox.',
  },
  { name: 'STRIPE_PUBLISHABLE_KEY', default: null, text: '`pk_…`; for the payment page of this server.' },
  {
    name: 'STRIPE_WEBHOOK_SECRET',
    default: null,
    text: '`whsec_…` of the endpoint `/webhooks/stripe`; several (a second endpoint for connected accounts) are separated by commas.',
  },
  { name: 'STRIPE_API_BASE', default: null, text: 'Where Stripe’s API is answered instead of at Stripe (tests).' },
] as const satisfies readonly Setting[]

/** Every setting: the server's own, then a pair for each provider. */
export const SETTINGS: readonly Setting[] = [...OWN_SETTINGS, ...PROVIDER_SETTINGS]

type Name = (typeof OWN_SETTINGS)[number]['name']

const integer = z
  .string()
  .regex(/^-?\d{1,15}$/, 'must be a whole number')
  .transform(Number)
const positive = integer.refine((n) => n > 0, 'must be above zero')
const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/$/, ''))

const key = z.string().refine((s) => Buffer.from(s, 'base64').length === 32, 'must be 32 bytes in base64')

const SHAPE = {
  QUOTA_PORT: integer.refine((n) => n >= 0 && n < 65_536, 'must be a port'),
  QUOTA_HOST: z.string().min(1),
  QUOTA_PUBLIC_URL: url.optional(),
  QUOTA_DATA_DIR: z.string().min(1),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .optional(),
  QUOTA_MASTER_KEY: key.optional(),
  QUOTA_MASTER_KEY_OLD: key.optional(),
  QUOTA_ADMIN_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  QUOTA_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  QUOTA_MAIL_FROM: z.string().regex(/^[^\r\n]{3,200}$/, 'must be one line'),
  QUOTA_SELLER: z.string().regex(/^[^\r\n]{1,300}$/, 'must be one line'),
  QUOTA_PRICES_FILE: z.string().min(1).optional(),
  QUOTA_UPSTREAMS_FILE: z.string().min(1).optional(),
  QUOTA_UPSTREAM_FAILURES: positive,
  QUOTA_HOLD_TTL_S: positive,
  QUOTA_APPROVAL_S: positive,
  QUOTA_UPSTREAM_TIMEOUT_S: positive,
  QUOTA_ANSWER_TIMEOUT_S: positive,
  QUOTA_STREAM_IDLE_S: positive,
  QUOTA_STREAM_MAX_S: positive.refine((n) => n <= 2_000_000, 'must be at most 2000000'),
  QUOTA_READER_STALL_S: positive.refine((n) => n <= 2_000_000, 'must be at most 2000000'),
  QUOTA_CONNECTION_CALLS_MAX: positive,
  QUOTA_WALLET_ORIGINS: z.string().transform((s) =>
    s
      .split(',')
      .map((o) => o.trim())
      .filter(Boolean),
  ),
  QUOTA_SANDBOX_TOKEN_MS: integer.refine((n) => n >= 0, 'must not be negative'),
  QUOTA_RATE_LIMIT_SCALE: z
    .string()
    .transform(Number)
    .refine((n) => n > 0 && n <= 1e6, 'must be above zero'),
  QUOTA_CLOCK_OFFSET_MS: integer,
  QUOTA_WEBHOOK_LOCAL: z.enum(['0', '1']),
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  QUOTA_LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^(sk|rk)_(live|test)_\S+$/, 'must begin with sk_live_ or sk_test_')
    .optional(),
  STRIPE_PUBLISHABLE_KEY: z
    .string()
    .regex(/^pk_\S+$/, 'must begin with pk_')
    .optional(),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_\S+$/, 'must begin with whsec_')
    .optional(),
  STRIPE_API_BASE: url.optional(),
} satisfies Record<Name, z.ZodType>

const Environment = z.object(SHAPE)
/** A key is what a header can carry. */
const ProviderKey = z.string().regex(/^[\x21-\x7e]{1,1000}$/, 'must be one line of printable characters')
const Providers = z.object(
  Object.fromEntries<z.ZodType<string | undefined>>(
    PROVIDERS.flatMap(({ setting }) => [
      [`${setting}_API_KEY`, ProviderKey.optional()],
      [`${setting}_BASE_URL`, url.optional()],
    ]),
  ),
)

/** What the operator said of a provider: at least one of the two. */
export type ProviderSetting = Readonly<{ id: string; key: string | null; base: string | null }>
/** Who takes the money: nobody, Stripe's test mode, or Stripe. */
export type MoneyMode = 'sandbox' | 'test' | 'live'
export type Config = Readonly<z.infer<typeof Environment>> & {
  readonly mode: MoneyMode
  readonly livemode: boolean
  /** In the order of the table. */
  readonly providers: readonly ProviderSetting[]
}

/**
 * Reads the settings.
 * @throws Error one sentence per wrong setting
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given: Record<string, string | undefined> = {}
  for (const setting of OWN_SETTINGS) given[setting.name] = env[setting.name] || (setting.default ?? undefined)
  // An address that is only the default does not make a provider reachable: what was given is kept apart.
  for (const { name } of PROVIDER_SETTINGS) given[name] = env[name] || undefined
  const parsed = Environment.safeParse(given)
  const providers = Providers.safeParse(given)
  if (!parsed.success || !providers.success) {
    const issues = [...(parsed.error?.issues ?? []), ...(providers.error?.issues ?? [])]
    throw new Error(issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'))
  }
  const mode = modeOf(parsed.data.STRIPE_SECRET_KEY)
  const publishable = parsed.data.STRIPE_PUBLISHABLE_KEY
  // A page would take cards for one mode and the server look for their payments in the other.
  if (mode !== 'sandbox' && publishable && !publishable.startsWith(`pk_${mode}_`))
    throw new Error(`STRIPE_PUBLISHABLE_KEY must begin with pk_${mode}_, as STRIPE_SECRET_KEY is of that mode`)
  if (mode === 'live') requireLive(parsed.data)
  return { ...parsed.data, mode, livemode: mode === 'live', providers: providersOf(providers.data) }
}

function modeOf(key: string | undefined): MoneyMode {
  if (!key) return 'sandbox'
  return key.slice(3).startsWith('live_') ? 'live' : 'test'
}

// With real money nothing is guessed, and nothing of a test may bend it.
function requireLive(given: z.infer<typeof Environment>): void {
  const missing = (['QUOTA_MASTER_KEY', 'STRIPE_WEBHOOK_SECRET'] as const).filter((name) => !given[name])
  if (missing.length > 0) throw new Error(missing.map((name) => `${name} is required in live mode`).join('\n'))
  if (given.QUOTA_CLOCK_OFFSET_MS !== 0) throw new Error('QUOTA_CLOCK_OFFSET_MS is for the sandbox only')
  if (given.QUOTA_WEBHOOK_LOCAL !== '0') throw new Error('QUOTA_WEBHOOK_LOCAL is for the sandbox only')
  if (given.QUOTA_RATE_LIMIT_SCALE !== 1) throw new Error('QUOTA_RATE_LIMIT_SCALE is for the sandbox only')
}

function providersOf(given: Readonly<Record<string, string | undefined>>): ProviderSetting[] {
  return PROVIDERS.flatMap(({ id, setting, base }) => {
    const key = given[`${setting}_API_KEY`] ?? null
    const named = given[`${setting}_BASE_URL`] ?? null
    if (key === null && named === null) return []
    if (base === null && named === null) throw new Error(`${setting}_BASE_URL is needed beside ${setting}_API_KEY`)
    return [{ id, key, base: named }]
  })
}
