// Webhooks: where a publisher wants to be told, and of what.
// owns: webhooks. never: a delivery, a secret in clear.
// always true: a webhook tells of its publisher's apps alone; a disabled one gets nothing, and says why.

import type { z } from 'zod'
import { ownApp } from '../connections/apps.ts'
import { noticeOnce } from '../connections/notices.ts'
import type { Webhook, WebhookCreate, WebhookPatch } from '../contract/developers.ts'
import { WEBHOOK_EVENTS } from '../contract/developers.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { failWaiting, waitingOf } from './deliveries.ts'
import { addSecret, endOthers, type NewSecret, secretsOf } from './signing.ts'

const WEBHOOKS_MAX = 20
const OVERLAP_S_DEFAULT = 86_400

export type WebhookRow = {
  id: string
  publisher_id: string
  app_id: string | null
  url: string
  events: string
  low_balance_threshold: number | null
  status: 'enabled' | 'disabled'
  disabled_reason: 'developer' | 'failing' | 'gone' | 'overrun' | null
  failing_since: number | null
  created_at: number
}

const COLUMNS = `id, publisher_id, app_id, url, events, low_balance_threshold, status, disabled_reason, failing_since, created_at`

export function webhooksOf(reader: Reader, publisherId: string): Promise<WebhookRow[]> {
  return reader.all<WebhookRow>(`SELECT ${COLUMNS} FROM webhooks WHERE publisher_id = ? ORDER BY id`, [publisherId])
}

export function webhookById(reader: Reader, id: string): Promise<WebhookRow | undefined> {
  return reader.get<WebhookRow>(`SELECT ${COLUMNS} FROM webhooks WHERE id = ?`, [id])
}

/** @throws Fault `not_found`, for another's as for none */
export async function ownWebhook(reader: Reader, publisherId: string, id: string): Promise<WebhookRow> {
  const row = await webhookById(reader, id)
  if (row?.publisher_id !== publisherId) throw fault('not_found')
  return row
}

/** Whether anybody wants to be told of anything. */
export async function hasListeners(reader: Reader): Promise<boolean> {
  return (await reader.get(`SELECT 1 AS yes FROM webhooks WHERE status = 'enabled' LIMIT 1`)) !== undefined
}

/** The webhooks that are to hear of something. */
export async function listeners(
  reader: Reader,
  { publisherId, appId }: { publisherId: string; appId: string | null },
): Promise<WebhookRow[]> {
  const rows = await webhooksOf(reader, publisherId)
  return rows.filter(
    (row) => row.status === 'enabled' && (row.app_id === null || appId === null || row.app_id === appId),
  )
}

export function hears(row: WebhookRow, type: string): boolean {
  return (JSON.parse(row.events) as string[]).includes(type)
}

/** A webhook as it travels. */
export async function webhookDocument(reader: Reader, row: WebhookRow, nowMs: number): Promise<Webhook> {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  const secrets = await secretsOf(reader, row.id, nowMs)
  return {
    id: row.id,
    url: row.url,
    app_id: row.app_id,
    events: JSON.parse(row.events),
    low_balance_threshold: row.low_balance_threshold,
    status: row.status,
    disabled_reason: row.disabled_reason,
    failing_since: time(row.failing_since),
    secrets: secrets.map(({ id, created_at, expires_at }) => ({
      id,
      created_at: new Date(created_at).toISOString(),
      expires_at: time(expires_at),
    })),
    waiting: await waitingOf(reader, row.id),
    created_at: new Date(row.created_at).toISOString(),
  }
}

/** All of a publisher's, as they travel. */
export async function webhookDocuments(reader: Reader, publisherId: string, nowMs: number): Promise<Webhook[]> {
  const documents: Webhook[] = []
  for (const row of await webhooksOf(reader, publisherId)) documents.push(await webhookDocument(reader, row, nowMs))
  return documents
}

export type NewWebhook = { publisherId: string; given: z.output<typeof WebhookCreate>; secret: NewSecret }

/** @throws Fault `not_found` (the app), `rate_limit_exceeded` (too many webhooks) */
export const createWebhook = procedure(
  'webhooks.create',
  async (tx: Tx, { publisherId, given, secret }: NewWebhook) => {
    if (given.app_id) await ownApp(tx, publisherId, given.app_id)
    if ((await webhooksOf(tx, publisherId)).length >= WEBHOOKS_MAX)
      throw fault('bad_request', { message: `At most ${WEBHOOKS_MAX} webhooks.` })
    const id = tx.id('hook')
    await tx.run(
      `INSERT INTO webhooks (id, publisher_id, app_id, url, events, low_balance_threshold, status, created_at)
     VALUES (?, ?, ?, ?, ?, ?, 'enabled', ?)`,
      [
        id,
        publisherId,
        given.app_id ?? null,
        given.url,
        JSON.stringify(distinct(given.events ?? WEBHOOK_EVENTS)),
        given.low_balance_threshold ?? null,
        tx.now,
      ],
    )
    await addSecret(tx, id, secret)
    return webhookDocument(tx, await ownWebhook(tx, publisherId, id), tx.now)
  },
)

type OfWebhook = { publisherId: string; webhookId: string }

/** Changes a webhook; enabling it begins a new count of failures. @throws Fault `not_found` */
export const setWebhook = procedure(
  'webhooks.set',
  async (tx: Tx, { publisherId, webhookId, changes }: OfWebhook & { changes: z.output<typeof WebhookPatch> }) => {
    const row = await ownWebhook(tx, publisherId, webhookId)
    const status = changes.status ?? row.status
    const again = status === 'enabled' && row.status === 'disabled'
    await tx.run(
      `UPDATE webhooks SET url = ?, events = ?, low_balance_threshold = ?, status = ?, disabled_reason = ?, failing_since = ?
       WHERE id = ?`,
      [
        changes.url ?? row.url,
        changes.events ? JSON.stringify(distinct(changes.events)) : row.events,
        changes.low_balance_threshold === undefined ? row.low_balance_threshold : changes.low_balance_threshold,
        status,
        status === 'enabled' ? null : (row.disabled_reason ?? 'developer'),
        again ? null : row.failing_since,
        webhookId,
      ],
    )
    if (status === 'disabled') await failWaiting(tx, webhookId)
    return webhookDocument(tx, await ownWebhook(tx, publisherId, webhookId), tx.now)
  },
)

export const rotateWebhook = procedure(
  'webhooks.rotate',
  async (tx: Tx, given: OfWebhook & { secret: NewSecret; overlapS: number | undefined }) => {
    const { publisherId, webhookId, secret, overlapS } = given
    await ownWebhook(tx, publisherId, webhookId)
    await addSecret(tx, webhookId, secret)
    await endOthers(tx, webhookId, secret.id, tx.now + (overlapS ?? OVERLAP_S_DEFAULT) * 1000)
    return webhookDocument(tx, await ownWebhook(tx, publisherId, webhookId), tx.now)
  },
)

/** Removes a webhook with its secrets and deliveries. @throws Fault `not_found` */
export const deleteWebhook = procedure('webhooks.delete', async (tx: Tx, { publisherId, webhookId }: OfWebhook) => {
  await ownWebhook(tx, publisherId, webhookId)
  await tx.run('DELETE FROM webhooks WHERE id = ?', [webhookId])
})

/** Removes everything of a publisher who leaves. */
export async function forgetWebhooks(tx: Tx, publisherId: string): Promise<void> {
  await tx.run('DELETE FROM webhooks WHERE publisher_id = ?', [publisherId])
}

const WHY = {
  failing: 'did not answer well for three days',
  gone: 'answered that it is gone (410)',
  overrun: 'had more events waiting than are kept',
} as const

/** Stops a webhook by itself: what waits is given up, and its publisher is told. */
export async function disable(tx: Tx, row: WebhookRow, reason: keyof typeof WHY): Promise<void> {
  const mine = await tx.run(
    `UPDATE webhooks SET status = 'disabled', disabled_reason = ? WHERE id = ? AND status = 'enabled'`,
    [reason, row.id],
  )
  if (mine !== 1) return
  await failWaiting(tx, row.id)
  const change = await noticeOnce(tx, row.publisher_id, {
    subject: `webhook:${row.id}:${tx.now}`,
    kind: 'webhook_disabled',
    text: `A webhook was turned off: ${new URL(row.url).hostname} ${WHY[reason]}.`,
  })
  if (change) await append(tx, row.publisher_id, [change])
}

/** Gives up what was written for a webhook while it was being turned off. Nothing of one that is enabled. */
export const giveUpWaiting = procedure(
  'webhooks.giveUp',
  async (tx: Tx, { webhookId }: { webhookId: string }): Promise<void> => {
    const row = await webhookById(tx, webhookId)
    if (row?.status !== 'enabled') await failWaiting(tx, webhookId)
  },
  { bookkeeping: true },
)

/** Notes whether a webhook answered well; after three days of failures it is disabled. */
export async function noteHealth(tx: Tx, webhookId: string, well: boolean, gone: boolean): Promise<void> {
  if (well) {
    await tx.run('UPDATE webhooks SET failing_since = NULL WHERE id = ? AND failing_since IS NOT NULL', [webhookId])
    return
  }
  await tx.run('UPDATE webhooks SET failing_since = COALESCE(failing_since, ?) WHERE id = ?', [tx.now, webhookId])
  const row = await webhookById(tx, webhookId)
  if (!row) return
  if (gone) await disable(tx, row, 'gone')
  else if (row.failing_since !== null && row.failing_since <= tx.now - FAILING_MS) await disable(tx, row, 'failing')
}

/** How long a webhook may fail, and how long a delivery is tried. */
export const FAILING_MS = 3 * 86_400_000

function distinct(events: readonly string[]): string[] {
  return WEBHOOK_EVENTS.filter((event) => events.includes(event))
}
