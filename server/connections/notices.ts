// Notices: what a person should know of a limit.
// owns: notices. never: a call, a limit's arithmetic (caps.ts).
// always true: each window tells once of each threshold, in the commit that crosses it; a charge that crosses none costs
// no query.

import { dollars } from '../contract/money.ts'
import type { CapState, Connection, Notice, Period } from '../contract/records.ts'
import type { Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append, type FeedChange } from '../feed/feed.ts'

/** Per cent of a limit, highest first: a charge that crosses several tells of the highest. */
const THRESHOLDS = [100, 80] as const
type Threshold = (typeof THRESHOLDS)[number]

/**
 * Notices of the limits that a charge has brought to a threshold, as changes for the commit that settles it.
 * @param connection its document, as it stands after the charge
 * @param charge micros charged to the limits
 * @param windows accounts of the windows that were charged; a call that ends in the next window tells nothing of it
 */
export async function noticesAfter(
  tx: Tx,
  userId: string,
  connection: Connection,
  { charge, windows }: { charge: number; windows: readonly string[] },
): Promise<FeedChange[]> {
  const changes: FeedChange[] = []
  for (const cap of connection.caps) {
    const crossed = THRESHOLDS.filter((threshold) => crosses(cap, charge, threshold))
    const [highest] = crossed
    if (highest === undefined) continue
    const window = await openWindow(tx, connection.id, cap.period)
    if (window === undefined || !windows.includes(window)) continue
    // The lower ones are told with it, and never again.
    const given: (string | null)[] = []
    for (const threshold of crossed) given.push(await give(tx, userId, `${window}:${threshold}`))
    if (given[0]) changes.push(document(tx, given[0], { connection, cap, threshold: highest }))
  }
  return changes
}

/**
 * A notice that is about money rather than a limit, given once per subject.
 * @returns the change for the person's feed, or null when it was given before
 */
export async function noticeOnce(
  tx: Tx,
  userId: string,
  { subject, kind, text }: { subject: string; kind: string; text: string },
): Promise<FeedChange | null> {
  const id = await give(tx, userId, subject)
  if (id === null) return null
  const notice: Notice = { id, kind, at: new Date(tx.now).toISOString(), connection_id: null, text }
  return { topic: 'notice', id, row: notice }
}

/** Puts a notice away, on every device of its person. @throws Fault `not_found` */
export async function dismissNotice(tx: Tx, userId: string, id: string): Promise<void> {
  const known = await tx.run(
    'UPDATE notices SET dismissed_at = COALESCE(dismissed_at, ?) WHERE id = ? AND user_id = ?',
    [tx.now, id, userId],
  )
  if (known !== 1) throw fault('not_found')
  await append(tx, userId, [{ topic: 'notice', id, row: null }])
}

// --- below: how ------------------------------------------------------------------------------------------------------

/** In integers. What is spent of a window is at most a million dollars (caps.ts), so that times a hundred is exact. */
function crosses({ amount, spent }: CapState, charge: number, threshold: Threshold): boolean {
  const line = amount * threshold
  return spent * 100 >= line && (spent - charge) * 100 < line
}

async function openWindow(tx: Tx, connectionId: string, period: Period): Promise<string | undefined> {
  const row = await tx.get<{ account: string }>(
    'SELECT account FROM cap_windows WHERE connection = ? AND period = ? ORDER BY label DESC LIMIT 1',
    [connectionId, period],
  )
  return row?.account
}

/** The notice's id, or null when its subject was told of before. */
async function give(tx: Tx, userId: string, subject: string): Promise<string | null> {
  const id = tx.id('notice')
  const given = await tx.run(
    'INSERT INTO notices (id, user_id, subject, at) VALUES (?, ?, ?, ?) ON CONFLICT (user_id, subject) DO NOTHING',
    [id, userId, subject, tx.now],
  )
  return given === 1 ? id : null
}

type Told = { connection: Connection; cap: CapState; threshold: Threshold }

function document(tx: Tx, id: string, { connection, cap, threshold }: Told): FeedChange {
  const notice: Notice = {
    id,
    kind: `limit_${threshold}`,
    at: new Date(tx.now).toISOString(),
    connection_id: connection.id,
    text: words(connection.name ?? connection.app.name, cap, threshold),
    resets_at: cap.resets_at,
  }
  return { topic: 'notice', id, row: notice }
}

const EACH: Record<Period, string> = { day: ' a day', week: ' a week', month: ' a month', total: ' in total' }

function words(name: string, { amount, period }: CapState, threshold: Threshold): string {
  const limit = `${dollars(amount)}${EACH[period]}`
  return threshold === 100
    ? `${name} has reached its limit of ${limit}.`
    : `${name} has used 80 % of its limit of ${limit}.`
}
