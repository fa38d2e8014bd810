// Webhooks: events on their way to endpoints, signed: https://docs.stripe.com/webhooks
// owns: attempts, their times, signatures, and what the plan of faults does to them. never: an event's content.
// always true: each attempt carries a signature of its own moment; what is not taken with a 2xx is tried again for three days.

import Stripe from 'stripe'
import type { FaultPlan } from './faults.ts'
import { fitsType } from './faults.ts'
import type { Delivery, Work } from './work.ts'

export type Endpoint = {
  url: string
  /** `whsec_…` */
  secret: string
  /** Types it wants ("charge.*"); all when not given. */
  types?: readonly string[]
  /** Whose events: the platform's, connected accounts', or both (the default). */
  of?: 'platform' | 'connected'
}
/** Sends one; answers the status, or throws when nobody answers. */
export type Post = (url: string, headers: Record<string, string>, body: string) => Promise<number>

export type WebhookDeps = {
  now: () => number
  plan: FaultPlan
  endpoints: () => readonly Endpoint[]
  post: Post
  work: <T>(act: (work: Work) => Promise<T>) => Promise<T>
  onEvent: ((event: Stripe.Event) => void) | undefined
}
export type Sent = { event: Stripe.Event; url: string; status: number | 'no answer' | 'lost' | 'held' | 'late' }

const MINUTE_MS = 60_000
/** How long after each attempt the next one comes; Stripe says "up to three days with an exponential back off". */
const AGAIN_MS = [1, 5, 30, 120, 300, 600, 720, 720, 720, 720].map((minutes) => minutes * MINUTE_MS)
/** While one process sends, no other does. */
const CLAIM_MS = MINUTE_MS
const POST_TIMEOUT_MS = 10_000

export const overHttp: Post = async (url, headers, body) => {
  const answer = await fetch(url, {
    method: 'POST',
    headers,
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(POST_TIMEOUT_MS),
  })
  await answer.body?.cancel()
  return answer.status
}

/** The endpoints that want an event. */
export function wanted(endpoints: readonly Endpoint[], type: string, owner: string): string[] {
  return endpoints
    .filter(({ of, types }) => {
      if (of !== undefined && (of === 'connected') !== (owner !== '')) return false
      return types === undefined || types.some((pattern) => fitsType(pattern, type))
    })
    .map(({ url }) => url)
}

/** Sends all that is due, in the order of the events. */
export async function deliverDue(deps: WebhookDeps): Promise<Sent[]> {
  const sent: Sent[] = []
  for (const delivery of await claim(deps)) {
    const does = delivery.planned ? undefined : deps.plan.forWebhook(delivery.type)
    if (does === undefined || does === 'duplicate') {
      sent.push(await sendOnce(deps, delivery))
      if (does === 'duplicate') sent.push(await sendOnce(deps, { ...delivery, attempt: 0 }))
    } else sent.push(await putOff(deps, delivery, does))
  }
  return sent
}

/**
 * Sends what is held back, in an order of the caller's choice; what it leaves out stays held, what it names twice comes twice.
 * @param order given the held events in the order in which they happened
 */
export async function releaseHeld(
  deps: WebhookDeps,
  order: (events: readonly Stripe.Event[]) => readonly Stripe.Event[],
): Promise<Sent[]> {
  const held = await deps.work((work) => deliveries(work, ({ dueAt }) => dueAt === null))
  const events = new Map(held.map(({ event, document }) => [event, document]))
  const sent: Sent[] = []
  for (const { id } of order([...events.values()]))
    for (const delivery of held.filter(({ event }) => event === id)) sent.push(await sendOnce(deps, delivery))
  return sent
}

// --- below: how -----------------------------------------------------------------------------------------------------

type Ready = Delivery & { type: string; document: Stripe.Event }

function claim(deps: WebhookDeps): Promise<Ready[]> {
  const nowMs = deps.now()
  return deps.work(async (work) => {
    const due = await deliveries(work, ({ dueAt }) => dueAt !== null && dueAt <= nowMs)
    for (const { type: _, document: __, ...delivery } of due)
      work.put('_delivery', { ...delivery, dueAt: nowMs + CLAIM_MS })
    return due
  })
}

/** Deliveries with their events, oldest first. */
async function deliveries(work: Work, fits: (delivery: Delivery) => boolean): Promise<Ready[]> {
  const found: Ready[] = []
  for await (const delivery of work.all('_delivery')) {
    if (!fits(delivery)) continue
    const document = await work.as(delivery.owner).find('event', delivery.event)
    if (document) found.push({ ...delivery, type: document.type, document })
  }
  return found.reverse()
}

async function sendOnce(deps: WebhookDeps, delivery: Ready): Promise<Sent> {
  const { url, document } = delivery
  const endpoint = deps.endpoints().find((one) => one.url === url)
  const status = endpoint ? await post(deps, endpoint, document) : ('no answer' as const)
  const arrived = typeof status === 'number' && status >= 200 && status < 300
  await deps.work((work) => (arrived ? close(work, delivery) : again(work, delivery, deps.now())))
  return { event: document, url, status }
}

async function post(deps: WebhookDeps, { url, secret }: Endpoint, event: Stripe.Event): Promise<Sent['status']> {
  deps.onEvent?.(event)
  const payload = JSON.stringify(event, null, 2)
  const timestamp = Math.floor(deps.now() / 1000)
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp })
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'stripe-signature': signature,
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
  }
  return deps.post(url, headers, payload).catch(() => 'no answer' as const)
}

async function close(work: Work, { id, owner, event }: Ready): Promise<void> {
  if ((await work.find('_delivery', id)) === undefined) return
  work.remove('_delivery', id)
  const own = work.as(owner)
  const kept = await own.find('event', event)
  if (kept) own.put('event', { ...kept, pending_webhooks: Math.max(0, kept.pending_webhooks - 1) })
}

async function again(work: Work, { id }: Ready, nowMs: number): Promise<void> {
  const kept = await work.find('_delivery', id)
  if (kept === undefined) return
  const wait = AGAIN_MS[kept.attempt]
  if (wait === undefined) work.remove('_delivery', id)
  else work.put('_delivery', { ...kept, attempt: kept.attempt + 1, dueAt: nowMs + wait, planned: true })
}

async function putOff(deps: WebhookDeps, delivery: Ready, does: 'lose' | 'hold' | { lateMs: number }): Promise<Sent> {
  const { id, url, document } = delivery
  const nowMs = deps.now()
  await deps.work(async (work) => {
    const kept = await work.find('_delivery', id)
    if (kept === undefined) return
    if (does === 'lose') work.remove('_delivery', id)
    else work.put('_delivery', { ...kept, dueAt: does === 'hold' ? null : nowMs + does.lateMs, planned: true })
  })
  return { event: document, url, status: does === 'lose' ? 'lost' : does === 'hold' ? 'held' : 'late' }
}
