// Sending what waits.
// owns: the workers of this process, the order of claim, post and note. never: an address (webhook-post.ts guards those).
// always true: a slow or silent receiver delays nobody else's deliveries; what was claimed and not noted is tried again.

import type { Delivery } from '../contract/developers.ts'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import {
  claimDeliveries,
  type DeliveryRow,
  deliveryDocument,
  deliveryOf,
  dueWebhooks,
  noteTry,
  type Tried,
} from './deliveries.ts'
import { giveUpWaiting, noteHealth, webhookById } from './hooks.ts'
import { opened, secretsOf, signedHeaders } from './signing.ts'

/** Webhooks served at once, and deliveries of each. */
const WORKERS_MAX = 32
const AT_ONCE = 4
const ROUNDS_MAX = 500
const TROUBLE_MAX = 200
const GONE = 410

/** A try is written with what it says of its webhook's health, in one commit. */
const noteTried = procedure(
  'webhooks.noteTried',
  async (tx: Tx, { webhookId, tried }: { webhookId: string; tried: Tried }): Promise<void> => {
    const well = isWell(tried)
    await noteTry(tx, tried, well)
    await noteHealth(tx, webhookId, well, tried.status === GONE)
  },
  { bookkeeping: true },
)

type Needs = Pick<Deps, 'db' | 'now' | 'log' | 'masterKey' | 'webhooks'>

const working = new WeakMap<Deps['db'], Set<string>>()

/** Begins to send what is due; does not wait for receivers. Safe to run at any time, in several processes. */
export async function startSending(deps: Needs): Promise<Promise<void>[]> {
  const busy = working.get(deps.db) ?? new Set<string>()
  working.set(deps.db, busy)
  const begun: Promise<void>[] = []
  for (const webhookId of await dueWebhooks(deps.db, deps.now(), WORKERS_MAX * 2)) {
    if (busy.has(webhookId) || busy.size >= WORKERS_MAX) continue
    busy.add(webhookId)
    const work = serve(deps, webhookId)
      .catch((error) => deps.log.warn({ webhook: webhookId, err: String(error) }, 'deliveries wait for the next look'))
      .finally(() => busy.delete(webhookId))
    begun.push(work)
  }
  return begun
}

// Until nothing of it is due, a few at a time.
async function serve(deps: Needs, webhookId: string): Promise<void> {
  const webhook = await webhookById(deps.db, webhookId)
  if (webhook?.status !== 'enabled') return deps.db.tx(giveUpWaiting, { webhookId })
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const claimed = await deps.db.tx(claimDeliveries, { webhookId, limit: AT_ONCE })
    if (claimed.length === 0) return
    await Promise.all(claimed.map((row) => send(deps, row)))
  }
}

/** Sends one delivery now, which its caller has claimed. @returns what became of it */
export async function sendNow(deps: Needs, claimed: DeliveryRow): Promise<Delivery> {
  await send(deps, claimed)
  return deliveryDocument(await deliveryOf(deps.db, claimed.webhook_id, claimed.id))
}

async function send(deps: Needs, row: DeliveryRow): Promise<void> {
  const { db, now, masterKey, webhooks } = deps
  const webhook = await webhookById(db, row.webhook_id)
  if (!webhook) return
  const secrets = (await secretsOf(db, webhook.id, now())).map((secret) => opened(masterKey, secret))
  const began = performance.now()
  const result = { status: null as number | null, error: null as string | null }
  try {
    result.status = await webhooks.post(webhook.url, signedHeaders(secrets, row.event_id, row.body, now()), row.body)
    if (!isWell(result)) result.error = `answered ${result.status}`
  } catch (error) {
    result.error = reasonOf(error)
  }
  const durationMs = Math.round(performance.now() - began)
  await db.tx(noteTried, { webhookId: webhook.id, tried: { id: row.id, ...result, durationMs } })
}

function isWell({ status }: { status: number | null }): boolean {
  return status !== null && status >= 200 && status < 300
}

// Without addresses: what a name resolves to inside the operator's network is nobody's business.
function reasonOf(error: unknown): string {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown }
  if (message === 'not a public address') return 'not a public address'
  if (name === 'TimeoutError') return 'no answer in time'
  return typeof code === 'string' && /^[A-Z_]{3,60}$/.test(code) ? code : 'the connection failed'.slice(0, TROUBLE_MAX)
}
