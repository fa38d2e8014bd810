// Deliveries: one event on its way to one webhook.
// owns: webhook_events, webhook_deliveries. never: the network, a signature.
// always true: an event is written once under its id; a delivery waits until it is delivered or given up, is claimed by
// one process at a time, and says what became of its last try.

import type { Delivery, WebhookBody } from '../contract/developers.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'

/** When the next try is made, after so many. Then every twelve hours, until three days are over. */
const BACK_OFF_S = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200] as const
const GIVEN_UP_MS = 3 * 86_400_000
const KEPT_MS = 33 * 86_400_000
/** Longer than a try takes. */
const CLAIM_MS = 60_000
const SWEEP_AT_ONCE = 2000
export const WAITING_MAX = 50_000

export type DeliveryRow = {
  id: string
  webhook_id: string
  event_id: string
  type: string
  body: string
  status: 'waiting' | 'delivered' | 'failed'
  tries: number
  next_at: number
  response_status: number | null
  error: string | null
  duration_ms: number | null
  created_at: number
  ended_at: number | null
}

const ROWS = `SELECT d.id, d.webhook_id, d.event_id, e.type, e.body, d.status, d.tries, d.next_at, d.response_status, d.error,
  d.duration_ms, d.created_at, d.ended_at FROM webhook_deliveries d JOIN webhook_events e ON e.id = d.event_id`

/** A delivery as it travels. */
export function deliveryDocument(row: DeliveryRow): Delivery {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return {
    id: row.id,
    event_id: row.event_id,
    type: row.type,
    status: row.status,
    tries: row.tries,
    next_try_at: row.status === 'waiting' ? time(row.next_at) : null,
    response_status: row.response_status,
    error: row.error,
    duration_ms: row.duration_ms,
    created_at: new Date(row.created_at).toISOString(),
    ended_at: time(row.ended_at),
  }
}

export type NewEvent = { publisherId: string; body: WebhookBody; to: readonly string[] }

/** Writes an event and a delivery to each webhook. An id that was written before is that event, and nothing is added. */
export async function addEvent(tx: Tx, { publisherId, body, to }: NewEvent): Promise<string[]> {
  if (to.length === 0) return []
  const fresh = await tx.run(
    'INSERT INTO webhook_events (id, publisher_id, type, body, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    [body.id, publisherId, body.type, JSON.stringify(body), tx.now],
  )
  if (fresh !== 1) return []
  const ids: string[] = []
  for (const webhookId of to) ids.push(await addDelivery(tx, webhookId, body.id))
  return ids
}

/** Writes an event for one webhook, whatever it listens to. @returns its delivery, claimed by the caller, who sends it */
export const addTest = procedure(
  'webhooks.addTest',
  async (tx: Tx, given: { publisherId: string; webhookId: string; event: WebhookBody }): Promise<DeliveryRow> => {
    const { publisherId, webhookId, event } = given
    const [id] = await addEvent(tx, { publisherId, body: event, to: [webhookId] })
    if (id === undefined) throw new Error('a test event was there before')
    return claimed(tx, webhookId, id)
  },
  { bookkeeping: true },
)

async function addDelivery(tx: Tx, webhookId: string, eventId: string): Promise<string> {
  const id = tx.id('dlv')
  await tx.run(
    `INSERT INTO webhook_deliveries (id, webhook_id, event_id, status, next_at, created_at) VALUES (?, ?, ?, 'waiting', ?, ?)`,
    [id, webhookId, eventId, tx.now, tx.now],
  )
  return id
}

/**
 * An event once more to a webhook of its publisher, as a delivery of its own.
 * @returns it, claimed by the caller, who sends it
 * @throws Fault `not_found`
 */
export const replayDelivery = procedure(
  'webhooks.replay',
  async (tx: Tx, { webhookId, deliveryId }: { webhookId: string; deliveryId: string }): Promise<DeliveryRow> => {
    const row = await deliveryOf(tx, webhookId, deliveryId)
    return claimed(tx, webhookId, await addDelivery(tx, webhookId, row.event_id))
  },
)

/** @throws Fault `not_found` */
export async function deliveryOf(reader: Reader, webhookId: string, id: string): Promise<DeliveryRow> {
  const row = await reader.get<DeliveryRow>(`${ROWS} WHERE d.id = ? AND d.webhook_id = ?`, [id, webhookId])
  if (!row) throw fault('not_found')
  return row
}

/** Deliveries of a webhook, newest first. */
export function deliveriesOf(
  reader: Reader,
  { webhookId, status, before, limit }: { webhookId: string; status: string | null; before: string; limit: number },
): Promise<DeliveryRow[]> {
  return reader.all<DeliveryRow>(
    `${ROWS} WHERE d.webhook_id = ? AND d.id < ?${status === null ? '' : ' AND d.status = ?'} ORDER BY d.id DESC LIMIT ?`,
    [webhookId, before, ...(status === null ? [] : [status]), limit],
  )
}

/** How many deliveries of a webhook wait; counted up to one more than may. */
export async function waitingOf(reader: Reader, webhookId: string): Promise<number> {
  const row = await reader.get<{ n: number }>(
    `SELECT COUNT(*) AS n FROM (SELECT 1 FROM webhook_deliveries WHERE webhook_id = ? AND status = 'waiting' LIMIT ${WAITING_MAX + 1}) AS w`,
    [webhookId],
  )
  return Number(row?.n ?? 0)
}

/** The webhooks with something to send now, those that wait longest first. */
export async function dueWebhooks(reader: Reader, nowMs: number, limit: number): Promise<string[]> {
  const rows = await reader.all<{ webhook_id: string }>(
    `SELECT webhook_id, MIN(next_at) AS due FROM webhook_deliveries WHERE status = 'waiting' AND next_at <= ? AND claimed_until <= ?
     GROUP BY webhook_id ORDER BY due LIMIT ?`,
    [nowMs, nowMs, limit],
  )
  return rows.map((row) => row.webhook_id)
}

/** Takes what is due of a webhook, for this process alone and for a minute. */
export const claimDeliveries = procedure(
  'webhooks.claim',
  async (tx: Tx, { webhookId, limit }: { webhookId: string; limit: number }): Promise<DeliveryRow[]> => {
    const due = await tx.all<{ id: string }>(
      `SELECT id FROM webhook_deliveries WHERE webhook_id = ? AND status = 'waiting' AND next_at <= ? AND claimed_until <= ?
       ORDER BY next_at, id LIMIT ?`,
      [webhookId, tx.now, tx.now, limit],
    )
    const mine: DeliveryRow[] = []
    for (const { id } of due) if (await claim(tx, id)) mine.push(await deliveryOf(tx, webhookId, id))
    return mine
  },
  { bookkeeping: true },
)

async function claim(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.run(
    `UPDATE webhook_deliveries SET claimed_until = ?, tries = tries + 1 WHERE id = ? AND claimed_until <= ? AND status = 'waiting'`,
    [tx.now + CLAIM_MS, id, tx.now],
  )
  return rows === 1
}

// In the transaction that wrote it: otherwise a sender at work could take it first, and its asker be told that it waits.
async function claimed(tx: Tx, webhookId: string, id: string): Promise<DeliveryRow> {
  await claim(tx, id)
  return deliveryOf(tx, webhookId, id)
}

export type Tried = { id: string; status: number | null; error: string | null; durationMs: number }

/** Writes what became of a try. */
export async function noteTry(tx: Tx, { id, status, error, durationMs }: Tried, well: boolean): Promise<void> {
  const row = await tx.get<{ tries: number; created_at: number; status: string }>(
    'SELECT tries, created_at, status FROM webhook_deliveries WHERE id = ?',
    [id],
  )
  if (row?.status !== 'waiting') return
  const next = tx.now + (BACK_OFF_S[row.tries - 1] ?? BACK_OFF_S[BACK_OFF_S.length - 1] ?? 0) * 1000
  const ends = well ? 'delivered' : next - row.created_at > GIVEN_UP_MS ? 'failed' : 'waiting'
  await tx.run(
    `UPDATE webhook_deliveries SET status = ?, next_at = ?, claimed_until = 0, response_status = ?, error = ?, duration_ms = ?,
     ended_at = ? WHERE id = ? AND status = 'waiting'`, // its webhook may have been turned off since it was read
    [ends, next, status, error, durationMs, ends === 'waiting' ? null : tx.now, id],
  )
}

/** Gives up what waits of a webhook. */
export async function failWaiting(tx: Tx, webhookId: string): Promise<void> {
  await tx.run(
    `UPDATE webhook_deliveries SET status = 'failed', ended_at = ?, error = COALESCE(error, 'the webhook was turned off')
     WHERE webhook_id = ? AND status = 'waiting'`,
    [tx.now, webhookId],
  )
}

/** Forgets deliveries and events of more than a month ago. Answers how many rows went. */
export const sweepDeliveries = procedure(
  'webhooks.sweep',
  async (tx: Tx): Promise<number> => {
    const old = tx.now - KEPT_MS
    const events = await tx.all<{ id: string }>(
      `SELECT id FROM webhook_events WHERE at <= ? ORDER BY at LIMIT ${SWEEP_AT_ONCE}`,
      [old],
    )
    for (const { id } of events) {
      await tx.run('DELETE FROM webhook_deliveries WHERE event_id = ? AND created_at <= ?', [id, old])
      await tx.run(
        'DELETE FROM webhook_events WHERE id = ? AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.event_id = ?)',
        [id, id],
      )
    }
    return events.length
  },
  { bookkeeping: true },
)
