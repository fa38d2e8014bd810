// Charges become events: a call that was charged, the balance after it, a grant that is used up.
// owns: webhook_mark, webhook_lows, what is said of a charge. never: the charge; what was asked or answered in it.
// always true: events and the mark of how far was read are one commit, so each charge is told of once, to whoever listened
// when it was read; without listeners nothing is read.

import { connectionBetween } from '../connections/connections.ts'
import { externalById, externalsOf } from '../connections/external.ts'
import { countOf, INPUT_TOKENS, OUTPUT_TOKENS } from '../contract/charge.ts'
import type { WebhookBody } from '../contract/developers.ts'
import type { ReceiptRow } from '../contract/records.ts'
import { procedure, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { exhaustedGrant, spendable } from '../grants/grants.ts'
import { hasUnsealed, headSeq, sealAll } from '../ledger/chain.ts'
import { account } from '../ledger/chart.ts'
import { type Charge, chargesAfter, documentsOf } from '../receipts/charges.ts'
import { addEvent, type NewEvent, WAITING_MAX, waitingOf } from './deliveries.ts'
import { disable, hasListeners, hears, listeners, type WebhookRow, webhookById } from './hooks.ts'

/** A payer whose balance may have fallen below what a webhook wants to be told of. */
type Low = { webhookId: string; payer: string; below: boolean; event: NewEvent }
type Told = { from: number; to: number; events: NewEvent[]; lows: Low[] }

const writeEvents = procedure(
  'webhooks.writeEvents',
  async (tx: Tx, { from, to, events, lows }: Told): Promise<void> => {
    const moved = await tx.run('UPDATE webhook_mark SET seq = ? WHERE id = 1 AND seq = ?', [to, from])
    if (moved !== 1) return // another process was first
    for (const event of events) await addEvent(tx, event)
    for (const low of lows) await noteLow(tx, low)
    await stopOverrun(tx, new Set(events.flatMap((event) => [...event.to])))
  },
  { bookkeeping: true },
)

/** Reads the next charges for events. Answers whether there may be more. */
export async function tellSome(deps: Pick<Deps, 'db' | 'now'>): Promise<boolean> {
  const { db } = deps
  const from = (await db.get<{ seq: number }>('SELECT seq FROM webhook_mark WHERE id = 1'))?.seq ?? 0
  if (!(await hasListeners(db))) {
    // Far behind it would cost a long look once somebody listens; nobody wants to hear of what was before.
    const head = await headSeq(db)
    if (head > from + SKIP_AFTER) await db.tx(writeEvents, { from, to: head, events: [], lows: [] })
    return false
  }
  const { charges, seq } = await chargesAfter(db, from)
  if (seq === from) return false
  await db.tx(writeEvents, { from, to: seq, ...(await eventsOf(deps, charges)) })
  return true
}

const SKIP_AFTER = 1000

/** Reads every charge that was committed before. Safe to run at any time, in several processes. */
export async function tellCharges(deps: Pick<Deps, 'db' | 'now'>): Promise<void> {
  if ((await hasListeners(deps.db)) && (await hasUnsealed(deps.db))) await sealAll(deps.db)
  while (await tellSome(deps));
}

async function eventsOf(
  deps: Pick<Deps, 'db' | 'now'>,
  charges: readonly Charge[],
): Promise<Omit<Told, 'from' | 'to'>> {
  const { db } = deps
  const hooks = new Map<string, WebhookRow[]>()
  const heard: { charge: Charge; rows: WebhookRow[] }[] = []
  for (const charge of charges) {
    const { publisherId, appId } = charge
    const key = `${publisherId} ${appId}`
    if (!hooks.has(key)) hooks.set(key, await listeners(db, { publisherId, appId }))
    const rows = hooks.get(key) ?? []
    if (rows.length > 0) heard.push({ charge, rows })
  }
  const documents = await documentsOf(
    db,
    heard.map(({ charge }) => charge),
  )
  const events: NewEvent[] = []
  const lows = new Map<string, Low>()
  for (const { charge, rows } of heard) {
    const document = documents.get(charge.requestId)
    if (!document) continue // its payer has left since
    const about = await aboutOf(deps, charge, document)
    for (const [type, data] of Object.entries(said(charge, document, about)))
      events.push(eventOf(charge, `${charge.requestId}-${type}`, type, data, rows))
    for (const grantId of charge.grants) {
      const grant = await exhaustedGrant(db, grantId)
      const data = grant && { ...about.user, grant_id: grantId, amount: grant.amount }
      if (data) events.push(eventOf(charge, grantId, 'grant.exhausted', data, rows))
    }
    for (const low of lowsOf(charge, about, rows)) lows.set(`${low.webhookId} ${low.payer}`, low)
  }
  return { events: events.filter(({ to }) => to.length > 0), lows: [...lows.values()] }
}

type About = { user: { user_id: string; external_user_id: string | null }; balance: number | null }

/** Who paid, by the names that the app knows, and what they can spend there now; null where the app may not know that. */
async function aboutOf({ db, now }: Pick<Deps, 'db' | 'now'>, charge: Charge, document: ReceiptRow): Promise<About> {
  const { payer, appId, publisherId } = charge
  if (document.connection_id === null && payer === publisherId)
    return { user: { user_id: payer, external_user_id: null }, balance: document.balance_after }
  if (document.connection_id === null) {
    const external = await externalById(db, payer)
    const owner = { owner: { externalId: payer }, account: account.external(appId, payer) }
    const user = { user_id: payer, external_user_id: external?.external_user_id ?? null }
    return { user, balance: await spendable(db, owner, publisherId, now()) }
  }
  const named = (await externalsOf(db, payer)).find((row) => row.app_id === appId)
  const connection = await connectionBetween(db, payer, appId)
  const may = connection !== undefined && (JSON.parse(connection.scopes) as string[]).includes('credits.read')
  const owner = { owner: { userId: payer }, account: account.user(payer) }
  return {
    user: { user_id: payer, external_user_id: named?.external_user_id ?? null },
    balance: may ? await spendable(db, owner, publisherId, now()) : null,
  }
}

function said(
  { appId }: Charge,
  document: ReceiptRow,
  { user, balance }: About,
): Record<string, Record<string, unknown>> {
  const { units, model, route: endpoint, request_id, credits_used } = document
  const prompt_tokens = countOf(units, INPUT_TOKENS)
  const completion_tokens = countOf(units, OUTPUT_TOKENS)
  const about = { ...user, app_id: appId, request_id, model, endpoint }
  return {
    'usage.completed': {
      ...about,
      prompt_tokens,
      completion_tokens,
      total_tokens: prompt_tokens + completion_tokens,
      credits_used,
      base_credits: document.base_credits,
      markup_credits: document.markup_credits,
    },
    ...(balance === null ? {} : { 'balance.updated': { ...about, new_balance: balance, amount_spent: credits_used } }),
  }
}

function lowsOf(charge: Charge, { user, balance }: About, rows: readonly WebhookRow[]): Low[] {
  if (balance === null) return []
  return rows.flatMap((row) => {
    const threshold = row.low_balance_threshold
    if (threshold === null || !hears(row, 'balance.low')) return []
    const data = { ...user, app_id: charge.appId, current_balance: balance, threshold }
    const event = eventOf(charge, `${charge.requestId}-low-${row.id.slice(-10)}`, 'balance.low', data, [row])
    return [{ webhookId: row.id, payer: charge.payer, below: balance < threshold, event }]
  })
}

/** Told once, and again only when the balance was above in between. */
async function noteLow(tx: Tx, { webhookId, payer, below, event }: Low): Promise<void> {
  if (!below) {
    await tx.run('DELETE FROM webhook_lows WHERE webhook_id = ? AND payer = ?', [webhookId, payer])
    return
  }
  const first = await tx.run('INSERT INTO webhook_lows (webhook_id, payer) VALUES (?, ?) ON CONFLICT DO NOTHING', [
    webhookId,
    payer,
  ])
  if (first === 1) await addEvent(tx, event)
}

/** A webhook that takes nothing while its app is busy may not fill the database. */
async function stopOverrun(tx: Tx, webhookIds: Set<string>): Promise<void> {
  for (const id of [...webhookIds].sort()) {
    if ((await waitingOf(tx, id)) <= WAITING_MAX) continue
    const row = await webhookById(tx, id)
    if (row) await disable(tx, row, 'overrun')
  }
}

function eventOf(
  { publisherId, at }: Charge,
  subject: string,
  type: string,
  data: Record<string, unknown>,
  rows: readonly WebhookRow[],
): NewEvent {
  const body: WebhookBody = {
    id: `evt_${subject.replace(/^[a-z]+_/, '').replaceAll('.', '_')}`,
    type,
    created_at: new Date(at).toISOString(),
    data,
  }
  return { publisherId, body, to: rows.filter((row) => hears(row, type)).map((row) => row.id) }
}
