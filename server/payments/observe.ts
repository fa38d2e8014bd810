// Looking at the provider, and bringing the books to what is seen there.
// owns: which object to look at for which reason - an event, a landing, the clock. never: a decision (credit.ts, ...).
// always true: events say where to look and nothing else; a look may be repeated by anyone and changes nothing twice; no
// look happens inside a commit.

import { lookAtBankPayout } from './bank-payouts.ts'
import type { CheckoutRow } from './checkouts.ts'
import { checkout, checkoutOfSession, LIVES_MS, noteLook, openCheckouts } from './checkouts.ts'
import { lookAtAccount } from './connect.ts'
import { recordPayment, type Seen } from './credit.ts'
import { lot, lotOfCharge } from './lots.ts'
import { mark, noteMark } from './marks.ts'
import type { EventSeen, PaymentSeen, Port, SessionSeen, Subject } from './payments.ts'
import { lookAtTransfer } from './payouts.ts'
import { warnOf } from './warnings.ts'

/**
 * Looks at a payment and books what is seen; keyed by the payment, whoever asks.
 * @returns the checkout it belongs to, or null when it is none of ours
 */
export async function observePayment(port: Port, paymentIntent: string): Promise<CheckoutRow | null> {
  const payment = await port.payments.payment(paymentIntent)
  if (!payment) return null
  const known = await lot(port.db, paymentIntent)
  const checkoutId = known?.checkout ?? payment.checkoutId
  if (checkoutId === null) {
    port.log.warn({ payment: paymentIntent }, 'a payment at the provider belongs to no checkout of ours')
    return null
  }
  return record(port, { checkoutId, session: null, payment, livemode: port.payments.livemode })
}

/** Looks at a checkout: at its session, and at the payment made in it. */
export async function observeCheckout(
  port: Port,
  row: CheckoutRow,
  ending?: 'declined' | 'expired',
): Promise<CheckoutRow | null> {
  if (row.session_id === null) return neverOpened(port, row)
  const session = await port.payments.session(row.session_id)
  if (!session) return row
  return recordSession(port, row.id, session, ending)
}

/** No page was ever opened for it, so nobody can have paid: after a day it is over. */
async function neverOpened(port: Port, row: CheckoutRow): Promise<CheckoutRow | null> {
  if (row.created_at + LIVES_MS > port.now()) return row
  const { livemode } = port.payments
  const nothing = { id: '', paymentIntent: null, url: null, clientSecret: null, livemode }
  const session: SessionSeen = { ...nothing, checkoutId: row.id, status: 'expired' }
  return record(port, { checkoutId: row.id, session, payment: null, livemode })
}

async function recordSession(port: Port, checkoutId: string, session: SessionSeen, ending?: 'declined' | 'expired') {
  const payment = session.paymentIntent === null ? null : await port.payments.payment(session.paymentIntent)
  const seen = { checkoutId, session, payment, livemode: port.payments.livemode }
  return record(port, ending === undefined ? seen : { ...seen, ending })
}

async function record(port: Port, seen: Seen): Promise<CheckoutRow | null> {
  const { row, alarm } = await port.db.tx(recordPayment, seen)
  if (alarm !== null) {
    port.metrics.paymentAlarms.inc({ why: alarm })
    const about = { checkout: seen.checkoutId, payment: seen.payment?.id ?? null, session: seen.session?.id ?? null }
    port.log.error({ ...about, alarm }, 'a payment is not what was expected')
  }
  return row
}

/** Books a payment that was seen as the answer to a request. */
export function recordSeen(port: Port, checkoutId: string, payment: PaymentSeen): Promise<CheckoutRow | null> {
  return record(port, { checkoutId, session: null, payment, livemode: port.payments.livemode })
}

/** Acts on an event: looks at what it is about. One of the other mode, or about nothing of ours, moves nothing. */
export async function observeEvent(port: Port, event: EventSeen): Promise<void> {
  if (event.livemode !== port.payments.livemode) {
    port.metrics.paymentAlarms.inc({ why: 'wrong_mode' })
    port.log.error({ event: event.id, type: event.type }, 'an event of the other mode was ignored')
    return
  }
  if (event.subject) await observe(port, event.subject)
}

async function observe(port: Port, subject: Subject): Promise<void> {
  if (subject.kind === 'payment') await observePayment(port, subject.id)
  else if (subject.kind === 'session') await observeSession(port, subject.id)
  else if (subject.kind === 'charge') await observeCharge(port, subject.id)
  else if (subject.kind === 'warning') {
    await observeCharge(port, subject.charge)
    await warnOf(port, subject)
  } else if (subject.kind === 'account') await lookAtAccount(port, subject.id)
  else if (subject.kind === 'transfer') await lookAtTransfer(port, subject.id)
  else if (subject.account !== null) await lookAtBankPayout(port, { account: subject.account, id: subject.id })
  else if (subject.failed) port.log.error(subject, 'our own bank refused a payout; its money waits at the provider')
}

async function observeSession(port: Port, sessionId: string): Promise<void> {
  const session = await port.payments.session(sessionId)
  if (!session) return
  const row =
    (await checkoutOfSession(port.db, sessionId)) ??
    (session.checkoutId === null ? undefined : await checkout(port.db, session.checkoutId))
  // A session that names a checkout which is paid in another one is not believed.
  if (row && (row.session_id === null || row.session_id === sessionId)) await recordSession(port, row.id, session)
}

async function observeCharge(port: Port, chargeId: string): Promise<void> {
  const known = await lotOfCharge(port.db, chargeId)
  const payment = known?.payment_intent ?? (await port.payments.paymentOfCharge(chargeId))
  if (payment) await observePayment(port, payment)
}

const LOOK_AFTER_MS = 15_000
const LOOK_AT_ONCE = 20
const EVENTS_AGAIN_MS = 600_000
const TRIED_FOR_MS = 86_400_000
/** The provider forgets its events after 30 days. */
const EVENTS_KEPT_MS = 29 * 86_400_000

/**
 * The reconciler: looks at what webhooks should have told and may not have. Open checkouts, the longest unseen first, and
 * every event since the last time (and a little before: events may appear late).
 */
export async function reconcile(port: Port): Promise<void> {
  for (const row of await openCheckouts(port.db, port.now() - LOOK_AFTER_MS, LOOK_AT_ONCE)) {
    await port.db.tx(noteLook, { id: row.id })
    if (row.kind === 'page') await observeCheckout(port, row).catch((error) => trouble(port, row, error))
  }
  await readEvents(port)
}

// The provider is away, or one checkout cannot be read: the others are looked at all the same.
function trouble(port: Port, row: CheckoutRow, error: unknown): null {
  port.log.warn({ checkout: row.id, err: String(error) }, 'a checkout was not seen')
  return null
}

/** Events since the mark. One that cannot be acted on is tried again each time, for a day, and does not stop the others. */
async function readEvents(port: Port): Promise<void> {
  const begun = port.now()
  const before = await mark(port.db, 'events')
  const since = (before === null ? begun : Number(before)) - EVENTS_AGAIN_MS
  const done = new Set((await mark(port.db, 'events_done'))?.split(' ') ?? [])
  const events = await port.payments.events(Math.max(since, begun - EVENTS_KEPT_MS))
  let upTo = begun
  const acted: EventSeen[] = []
  for (const event of events) {
    if (done.has(event.id) || (await act(port, event))) acted.push(event)
    else if (event.at > begun - TRIED_FOR_MS) upTo = Math.min(upTo, event.at)
  }
  const fresh = acted.some(({ id }) => !done.has(id))
  if (before !== null && !fresh && begun < Number(before) + EVENTS_AGAIN_MS / 2) return
  const kept = acted.filter(({ at }) => at >= upTo - EVENTS_AGAIN_MS).map(({ id }) => id)
  await port.db.tx(noteMark, { events: String(upTo), events_done: kept.join(' ') })
}

async function act(port: Port, event: EventSeen): Promise<boolean> {
  try {
    await observeEvent(port, event)
    return true
  } catch (error) {
    port.metrics.paymentAlarms.inc({ why: 'event_failed' })
    port.log.error({ event: event.id, type: event.type, err: String(error) }, 'an event could not be acted on')
    return false
  }
}
