// Events that the server sends to an app.
// owns: whether an event is the server's, and recent (Standard Webhooks 1.0). never: what to do about it.
// always true: the raw body is checked, before it is read as JSON; comparison is the runtime's own, in constant time.

import { bytesOf, utf8 } from './bytes.ts'
import type { Setting } from './credentials.ts'
import { parsed, QuotaError } from './errors.ts'

type Event<T extends string, D> = { id: string; type: T; created_at: string; test?: true; data: D & More }
/** A newer server may tell more. */
type More = { [name: string]: unknown }
/** `external_user_id` is the app's own name, where it has one for them. */
type Who = { user_id: string; external_user_id?: string | null }
type Call = Who & { app_id: string; request_id: string; model: string; endpoint: string }
/** Amounts are micro-dollars unless a name says cents. A type that is not listed is a newer server's: ignore it. */
export type WebhookEvent =
  | Event<'balance.updated', Call & { new_balance: number; amount_spent: number }>
  | Event<'balance.low', Who & { current_balance: number; threshold: number }>
  | Event<'usage.completed', Call & { credits_used: number; total_tokens: number }>
  | Event<'user.connected', Who & { connected_at: string }>
  | Event<'user.disconnected', Who & { disconnected_at: string }>
  | Event<'grant.exhausted', Who & { grant_id: string; amount: number }>
  | Event<'payout.paid' | 'payout.failed', { payout_id: string; amount_cents: number }>
  | Event<'dispute.opened', Who & { dispute_id: string; amount_cents: number }>

const TOLERANCE_S = 300

/**
 * Checks a delivery and reads its event. Answer 2xx within a few seconds; the same `id` may come again.
 * @param given.body the raw body, as it came
 * @param given.secret `whsec_…`, or several while one is being replaced
 * @param given.now milliseconds since 1970; the clock's, by default
 * @throws QuotaError `invalid_signature`
 */
export async function verifyWebhook(given: {
  body: string | Uint8Array
  headers: Headers | Record<string, string | string[] | undefined>
  secret: Setting | readonly string[]
  toleranceSeconds?: number
  now?: number
}): Promise<WebhookEvent> {
  const header = (name: string) => headerOf(given.headers, name)
  const id = header('webhook-id')
  const at = header('webhook-timestamp')
  const signatures = header('webhook-signature')
  if (!id || !at || !signatures) throw refused('a header is missing')
  const age = Math.abs((given.now ?? Date.now()) / 1000 - (/^\d{1,12}$/.test(at) ? Number(at) : Number.NaN))
  if (!(age <= (given.toleranceSeconds ?? TOLERANCE_S))) throw refused('it is too old, or from the future')
  const body = typeof given.body === 'string' ? utf8(given.body) : given.body
  const signed = joined(utf8(`${id}.${at}.`), body)
  for (const secret of [given.secret].flat()) {
    if (await fits(secret, signatures, signed)) return eventOf(body)
  }
  throw refused('no signature fits')
}

async function fits(secret: Setting, signatures: string, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const bytes = bytesOf((secret ?? '').replace(/^whsec_/, ''))
  if (!bytes || bytes.length === 0) throw new TypeError('the secret is not a whsec_… in base64')
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  for (const one of signatures.split(' ')) {
    const signature = one.startsWith('v1,') ? bytesOf(one.slice(3)) : null
    if (signature && (await crypto.subtle.verify('HMAC', key, signature, signed))) return true
  }
  return false
}

function eventOf(body: Uint8Array): WebhookEvent {
  const event = parsed(new TextDecoder().decode(body)) as WebhookEvent | undefined
  if (typeof event?.type !== 'string' || typeof event.id !== 'string') throw refused('it is no event')
  return event
}

function headerOf(headers: Headers | Record<string, string | string[] | undefined>, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name)
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof found === 'string' ? found : null
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

function refused(why: string): QuotaError {
  return new QuotaError({ code: 'invalid_signature', message: `The webhook is not accepted: ${why}.` })
}
