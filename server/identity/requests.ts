// Requests for consent as a signed-in wallet sees them, and the one answer that each of them gets.
// owns: consent_requests. never: a connection's terms (consent.ts); what oidc-provider keeps.
// always true: of two answers the first stands, by one guarded write; a request is on a person's feed only because a
// browser that is signed in as that person asked, and only while that sign-in lives.
//
// What somebody who starts a request for a victim can do (consent phishing, prompt bombing), and what holds him:
//   - Start it in his own browser: it is his browser's sign-in that is looked at, never a hint in the address, so the
//     request goes to his own feed or to none. Its link, opened by the victim, lacks the cookie `quota_asked` of the
//     browser that asked: it is not put on the victim's feed, and cannot be approved by the victim's cookie.
//   - Send the victim a link to /oauth/authorize: the victim's own browser asks. Both sides show the same app, "unverified"
//     unless it proved its domain, the same limit and the same two digits; the code goes to the app's registered address.
//     Here only the person can say no; a limit bounds what a yes can cost, and the app cannot choose it.
//   - Make the victim's browser ask again and again, by redirects: one request per app is shown, five in all, twenty in
//     ten minutes; a request nobody answers leaves the wallet by itself after ten minutes, and asks for nothing.
//   - Hope that the wallet confirms what the page of another request shows: each open request of a person has other digits.
//   - Wait at a browser that the victim has left: an answer in the wallet needs the sign-in it was asked under to be alive,
//     when it is given and again when the browser comes for it; signing out there ends both.
//   - Take the result: the wallet's answer carries no code. The browser that asked goes on with cookies of its own.

import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'

/** How long a wallet shows a request; the page in the browser may be answered for longer. */
export const SHOWN_MS = 10 * 60_000
const KEPT_MS = 2 * 3_600_000
const OPEN_MAX = 5
const ASKED_MAX = 20
const SWEEP_ROWS = 200
const FIRST_DIGITS = 10
const LAST_DIGITS = 99

export type Decision = 'approve' | 'deny' | 'continue'
export type RequestRow = {
  uid: string
  user_id: string | null
  shown: 0 | 1
  app_id: string | null
  scopes: string | null
  markup_bps: number | null
  digits: string | null
  session_hash: string | null
  op_session: string | null
  signed_in_at: number | null
  created_at: number
  expires_at: number
  decision: Decision | null
  decided_by: string | null
}

const COLUMNS = `uid, user_id, shown, app_id, scopes, markup_bps, digits, session_hash, op_session, signed_in_at,
  created_at, expires_at, decision, decided_by`

export function requestRow(reader: Reader, uid: string): Promise<RequestRow | undefined> {
  return reader.get<RequestRow>(`SELECT ${COLUMNS} FROM consent_requests WHERE uid = ?`, [uid])
}

/** Whether the browser that asked is still signed in as this person. */
export async function stillSignedIn(reader: Reader, row: RequestRow, userId: string, nowMs: number): Promise<boolean> {
  const session =
    row.session_hash !== null &&
    (await reader.get('SELECT 1 AS one FROM sessions WHERE token_hash = ? AND user_id = ? AND expires_at > ?', [
      row.session_hash,
      userId,
      nowMs,
    ]))
  if (session) return true
  return (
    row.op_session !== null &&
    (await reader.get('SELECT 1 AS one FROM oidc_models WHERE alias = ? AND expires_at > ?', [
      row.op_session,
      nowMs,
    ])) !== undefined
  )
}

export type Offer = {
  uid: string
  userId: string
  appId: string
  scopes: readonly string[]
  markupBps: number
  sessionHash: string | null
  opSession: string | null
  signedInAt: number
  /** The document without its digits, and its times. */
  document: Record<string, unknown>
  /** When the request itself ends, in milliseconds. */
  endsAt: number
  /** A random number of two digits; the next free one is taken. */
  digits: number
}

/** Puts a request on the feed of the person whose browser asked. @returns its digits, or null when it is not shown there */
export const offerRequest = procedure('identity.offerRequest', async (tx: Tx, offer: Offer): Promise<string | null> => {
  const before = await requestRow(tx, offer.uid)
  if (before?.decision) return null
  if (before?.user_id === offer.userId) return refreshed(tx, before, offer)
  if (before) await withdraw(tx, before) // somebody else signed in at this browser
  const asked = await tx.all<RequestRow>(
    `SELECT ${COLUMNS} FROM consent_requests WHERE user_id = ? AND created_at > ? AND uid <> ?`,
    [offer.userId, tx.now - SHOWN_MS, offer.uid],
  )
  const open = asked.filter((row) => row.shown === 1 && row.expires_at > tx.now)
  const older = open.filter((row) => row.app_id === offer.appId)
  for (const row of older) await withdraw(tx, row)
  if (asked.length >= ASKED_MAX || open.length - older.length >= OPEN_MAX) return null
  return show(
    tx,
    offer,
    open.map((row) => row.digits),
  )
})

async function show(tx: Tx, offer: Offer, taken: readonly (string | null)[]): Promise<string | null> {
  const digits = freeDigits(offer.digits, taken)
  const expiresAt = Math.min(offer.endsAt, tx.now + SHOWN_MS)
  const shown = await tx.run(
    `INSERT INTO consent_requests (${COLUMNS}) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)
     ON CONFLICT (uid) DO UPDATE SET user_id = excluded.user_id, shown = 1, app_id = excluded.app_id, scopes = excluded.scopes,
     markup_bps = excluded.markup_bps, digits = excluded.digits, session_hash = excluded.session_hash,
     op_session = excluded.op_session, signed_in_at = excluded.signed_in_at, expires_at = excluded.expires_at
     WHERE consent_requests.decision IS NULL`,
    [
      offer.uid,
      offer.userId,
      offer.appId,
      JSON.stringify(offer.scopes),
      offer.markupBps,
      digits,
      offer.sessionHash,
      offer.opSession,
      offer.signedInAt,
      tx.now,
      expiresAt,
    ],
  )
  if (shown !== 1) return null
  const row = {
    ...offer.document,
    match: digits,
    created_at: new Date(tx.now).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  }
  await append(tx, offer.userId, [{ topic: 'consent_request', id: offer.uid, row }])
  return digits
}

/** The same browser came again, perhaps with a sign-in that it did not have before. */
async function refreshed(tx: Tx, row: RequestRow, offer: Offer): Promise<string | null> {
  await tx.run(
    'UPDATE consent_requests SET session_hash = COALESCE(?, session_hash), op_session = COALESCE(?, op_session) WHERE uid = ?',
    [offer.sessionHash, offer.opSession, row.uid],
  )
  return row.shown === 1 && row.expires_at > tx.now ? row.digits : null
}

function freeDigits(first: number, taken: readonly (string | null)[]): string {
  const span = LAST_DIGITS - FIRST_DIGITS + 1
  for (let n = 0; n < span; n++) {
    const digits = String(FIRST_DIGITS + ((first - FIRST_DIGITS + n) % span))
    if (!taken.includes(digits)) return digits
  }
  throw new Error('more requests are open than there are numbers')
}

export type Answered = { uid: string; decision: Decision; userId: string | null }

/**
 * Gives a request its answer, in the caller's commit. Call it first: its row is locked before a connection's, and the
 * document leaves the feed with `leaveFeed` at the end.
 * @returns `again` when it has this answer of this person already
 * @throws Fault `not_found` when it was answered otherwise
 */
export async function decideRequest(tx: Tx, { uid, decision, userId }: Answered): Promise<'first' | 'again'> {
  const first = await tx.run(
    `INSERT INTO consent_requests (uid, created_at, expires_at, decision, decided_by) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (uid) DO UPDATE SET decision = excluded.decision, decided_by = excluded.decided_by
     WHERE consent_requests.decision IS NULL`,
    [uid, tx.now, tx.now, decision, userId],
  )
  if (first === 1) return 'first'
  const row = await requestRow(tx, uid)
  if (row?.decision !== decision || row.decided_by !== userId) throw over()
  return 'again'
}

/** Takes a request off the feed it stands on, if any. Call it last: a feed's counter is locked after everything else. */
export async function leaveFeed(tx: Tx, uid: string): Promise<void> {
  const row = await requestRow(tx, uid)
  if (row) await withdraw(tx, row)
}

/** An answer that makes no connection. */
export const settleRequest = procedure('identity.settleRequest', async (tx: Tx, answered: Answered) => {
  const first = await decideRequest(tx, answered)
  await leaveFeed(tx, answered.uid)
  return first
})

/**
 * The request that a person may answer in their wallet.
 * @throws Fault `not_found`: none, another person's, answered, expired, or its browser is no longer signed in
 */
export async function requestForWallet(tx: Tx, userId: string, uid: string): Promise<RequestRow> {
  const row = await requestRow(tx, uid)
  const open = row?.user_id === userId && row.shown === 1 && row.decision === null && row.expires_at > tx.now
  if (!row || !open) throw over()
  if (!(await stillSignedIn(tx, row, userId, tx.now))) {
    throw fault('not_found', { message: 'The browser that asked is signed out.' })
  }
  return row
}

/** Requests whose time is over leave the feed; old rows go. Bounded. */
export const sweepRequests = procedure('identity.sweepRequests', async (tx: Tx, _args: Record<string, never>) => {
  const late = await tx.all<RequestRow>(
    `SELECT ${COLUMNS} FROM consent_requests WHERE shown = 1 AND expires_at <= ? ORDER BY user_id, uid LIMIT ?`,
    [tx.now, SWEEP_ROWS],
  )
  for (const row of late) await withdraw(tx, row)
  await tx.run('DELETE FROM consent_requests WHERE created_at <= ? AND shown = 0', [tx.now - KEPT_MS])
  return late.length
})

// --- below: how ------------------------------------------------------------------------------------------------------

async function withdraw(tx: Tx, { uid, user_id }: RequestRow): Promise<void> {
  if (user_id === null) return
  const taken = await tx.run('UPDATE consent_requests SET shown = 0 WHERE uid = ? AND shown = 1', [uid])
  if (taken === 1) await append(tx, user_id, [{ topic: 'consent_request', id: uid, row: null }])
}

function over() {
  return fault('not_found', { message: 'This request is over: it was answered, or its time ran out.' })
}
