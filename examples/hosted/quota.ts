// Everything Haiku Desk knows about Quota Wallet: registering the app, linking a person, calls that the person pays for.
// owns: one API key and one client secret. never: a token of a person; anything of the wallet's own code.
// always true: a person is named by our own id for them; the wallet decides whether that id may spend.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, isDisconnected, type OAuth, oauth, type Pending, QuotaError, quota, usd } from '@quota-wallet/sdk'

export const QUOTA_URL = process.env.QUOTA_URL ?? 'http://127.0.0.1:7070'
export const PORT = Number(process.env.PORT ?? 7081)
export const APP_URL = `http://127.0.0.1:${PORT}`
const DATA_DIR = process.env.HOSTED_DATA_DIR ?? join(import.meta.dirname, '.data')
const MODEL = process.env.HOSTED_MODEL ?? 'gpt-4o-mini'
const MARKUP_BPS = 1_500 // 15 %: what we earn on every haiku
const START_TIMEOUT_MS = 60_000

// --- Once: be a developer, register the app, make a key ------------------------------------------------------------
// A person would do this on the developer pages; a script may do the same over HTTP.

type Credentials = { quotaUrl: string; clientId: string; clientSecret: string; apiKey: string }
/** `api` spends by our key; `auth` sends people to the wallet and takes them back. */
export type Quota = { api: Client; auth: OAuth }

/** Reads our credentials, or registers a developer and the app. Waits for the wallet's server to come up first. */
export async function setUp(): Promise<Quota> {
  await untilReady()
  const known = readCredentials()
  const { clientId, clientSecret, apiKey } = known && (await stillKnown(known)) ? known : await register()
  const redirectUri = `${APP_URL}/callback`
  return {
    api: quota({ baseUrl: QUOTA_URL, credential: apiKey }),
    auth: oauth({ baseUrl: QUOTA_URL, clientId, clientSecret, redirectUri }),
  }
}

async function register(): Promise<Credentials> {
  const email = `haiku-${randomBytes(6).toString('hex')}@example.org`
  const password = randomBytes(18).toString('base64url')
  const { session_token } = await quota({ baseUrl: QUOTA_URL }).auth.register({ email, password })
  const { developers } = quota({ baseUrl: QUOTA_URL, credential: session_token })
  const { app, client_secret = '' } = await developers.apps.create({
    name: 'Haiku Desk',
    type: 'confidential', // hosted storage is for servers that can keep a secret
    redirect_uris: [`${APP_URL}/callback`],
    allowed_scopes: ['openid', 'credits.read', 'credits.spend'],
    markup_bps: MARKUP_BPS,
  })
  const key = await developers.keys.create({ app_id: app.id, name: 'Haiku Desk’s server', billing_mode: 'user' })
  const credentials = { quotaUrl: QUOTA_URL, clientId: app.client_id, clientSecret: client_secret, apiKey: key.secret }
  mkdirSync(DATA_DIR, { recursive: true, mode: 0o700 })
  writeFileSync(join(DATA_DIR, 'credentials.json'), JSON.stringify(credentials, null, 2), { mode: 0o600 })
  return credentials
}

function readCredentials(): Credentials | null {
  try {
    const stored: Credentials = JSON.parse(readFileSync(join(DATA_DIR, 'credentials.json'), 'utf8'))
    return stored.quotaUrl === QUOTA_URL ? stored : null
  } catch {
    return null
  }
}

/** A server whose data were wiped does not know our key any more; then we start over. */
async function stillKnown({ apiKey }: Credentials): Promise<boolean> {
  try {
    await quota({ baseUrl: QUOTA_URL, credential: apiKey }).users.list({ limit: 1 })
    return true
  } catch (error) {
    if (error instanceof QuotaError && error.status === 401) return false
    throw error
  }
}

async function untilReady(): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const ready = await fetch(`${QUOTA_URL}/readyz`).then(
      (reply) => reply.ok,
      () => false,
    )
    if (ready) return
    if (Date.now() > until) throw new Error(`no wallet server at ${QUOTA_URL} (set QUOTA_URL)`)
    await sleep(250)
  }
}

// --- Connect: the person agrees, and our id for them is linked -----------------------------------------------------

/** What one browser's session holds between leaving for the wallet and coming back. */
export type Leaving = Pending

/** The address of the wallet's consent page, with the limit we suggest. The person decides, and can set another. */
export async function leave({ auth }: Quota): Promise<{ url: string; leaving: Leaving }> {
  const scope = 'openid credits.read credits.spend'
  const { url, pending } = await auth.begin({ scope, cap: { amount: usd('2'), period: 'month' } })
  return { url, leaving: pending }
}

/**
 * Hands the code that the person came back with to the wallet, with our id for them. No token comes back: from now on
 * our API key and that id are all it takes.
 * @returns false when the person said no
 */
export async function link({ auth }: Quota, back: URL, leaving: Leaving, userId: string): Promise<boolean> {
  return (await auth.link(back, leaving, userId)) !== null
}

/** What the person can spend here, in millionths of a dollar; null when they are not linked (any more). */
export async function balance({ api }: Quota, userId: string): Promise<number | null> {
  try {
    return (await api.users.get({ external_user_id: userId })).user.balance
  } catch (error) {
    if (isDisconnected(error)) return null
    throw error
  }
}

/** Tells the wallet that we are done with this person. */
export async function unlink({ api }: Quota, userId: string): Promise<void> {
  await api.users.unlink({ external_user_id: userId }).catch((error) => {
    if (!isDisconnected(error)) throw error
  })
}

// --- Spend: our API key, and the person's name with us ---------------------------------------------------------------

/** A haiku with its price in millionths of a dollar, or why there is none. */
export type Haiku = { text: string; cost: number } | { problem: string; code: string }

export async function haiku({ api }: Quota, userId: string, topic: string): Promise<Haiku> {
  const messages = [{ role: 'user', content: `Write a haiku about ${topic}.` }]
  try {
    const answer = await api.hosted(userId).chat({ model: MODEL, max_tokens: 60, messages })
    return { text: answer.choices[0]?.message.content ?? '', cost: answer.quota.credits_used }
  } catch (error) {
    if (!(error instanceof QuotaError)) throw error
    return { problem: error.message, code: error.code }
  }
}
