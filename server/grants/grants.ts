// Grants: free balance that a publisher gives from a pool, spendable only in that publisher's apps.
// owns: grants. never: bought money; the burn of a grant in a call (the hold does that).
// always true: what is left of a grant is its account; an expired grant's rest goes back to the pool once.

import { type ExternalRow, externalById, externalsOf, payerOf } from '../connections/external.ts'
import type { Grant } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { isFault } from '../faults.ts'
import { append, type FeedChange } from '../feed/feed.ts'
import { account } from '../ledger/chart.ts'
import { money, stands, transfer } from '../ledger/ledger.ts'

/** Who pays: a person, or an unclaimed external user. */
export type GrantOwner = { userId: string } | { externalId: string }
/** `held` is what running calls have reserved of it. */
export type UsableGrant = { id: string; account: string; available: number; held: number; expiresAt: number | null }

export type GrantRow = {
  id: string
  publisher_id: string
  app_id: string
  external_id: string
  amount: number
  description: string | null
  created_at: number
  expires_at: number | null
  ended_at: number | null
  returned: number
  withdrawn: number
}

export const GRANT_COLUMNS =
  'id, publisher_id, app_id, external_id, amount, description, created_at, expires_at, ended_at, returned, withdrawn'
const COLUMNS = GRANT_COLUMNS
const SWEEP_AT_ONCE = 200

/**
 * The grants that may pay for a call in this publisher's apps, now or once running calls end, in burn order: earliest
 * expiry first, the endless last.
 * Writes nothing; an expired grant is simply not among them.
 */
export async function grantsFor(
  tx: Reader & { now: number },
  owner: GrantOwner,
  publisherId: string,
): Promise<UsableGrant[]> {
  const usable: UsableGrant[] = []
  for (const row of await openGrants(tx, owner, publisherId)) {
    if (row.expires_at !== null && row.expires_at <= tx.now) continue
    const { available, held } = await stands(tx, account.grant(row.id))
    if (available + held > 0)
      usable.push({ id: row.id, account: account.grant(row.id), available, held, expiresAt: row.expires_at })
  }
  return usable
}

/** Whose grants pay for a call that names this external user. */
export function ownerOf(external: ExternalRow): GrantOwner {
  return external.user_id === null ? { externalId: external.id } : { userId: external.user_id }
}

/** What of a payer's money is spendable in this publisher's apps: bought and granted, available now. Micros. */
export async function spendable(
  reader: Reader,
  payer: { owner: GrantOwner; account: string },
  publisherId: string,
  nowMs: number,
): Promise<number> {
  const { available } = await money(reader, payer.account)
  const at: Reader & { now: number } = { get: reader.get, all: reader.all, now: nowMs }
  const grants = await grantsFor(at, payer.owner, publisherId)
  return available + grants.reduce((sum, grant) => sum + grant.available, 0)
}

/** Grants not ended, of an external user, or of all that a person is. Burn order. */
async function openGrants(reader: Reader, owner: GrantOwner, publisherId: string | null): Promise<GrantRow[]> {
  const ids =
    'externalId' in owner ? [owner.externalId] : (await externalsOf(reader, owner.userId)).map((row) => row.id)
  const rows: GrantRow[] = []
  for (const id of ids) {
    rows.push(
      ...(await reader.all<GrantRow>(`SELECT ${COLUMNS} FROM grants WHERE external_id = ? AND ended_at IS NULL`, [id])),
    )
  }
  const end = (row: GrantRow) => row.expires_at ?? Number.MAX_SAFE_INTEGER
  return rows
    .filter((row) => publisherId === null || row.publisher_id === publisherId)
    .sort((a, b) => end(a) - end(b) || (a.id < b.id ? -1 : 1))
}

/** A grant of which nothing is left and nothing held; null for one that has something, or has ended otherwise. */
export async function exhaustedGrant(reader: Reader, id: string): Promise<GrantRow | null> {
  const row = await reader.get<GrantRow>(`SELECT ${COLUMNS} FROM grants WHERE id = ? AND ended_at IS NULL`, [id])
  const { available, held } = await stands(reader, account.grant(id))
  return row && available + held === 0 ? row : null
}

/** A grant as it travels. `remaining` leaves out what running calls have reserved. */
export async function grantDocument(reader: Reader, id: string): Promise<Grant> {
  const row = await reader.get<GrantRow>(`SELECT ${COLUMNS} FROM grants WHERE id = ?`, [id])
  if (!row) throw new Error(`no grant ${id}`)
  const { available } = await stands(reader, account.grant(id))
  return {
    id,
    app_id: row.app_id,
    publisher: row.publisher_id,
    amount: row.amount,
    remaining: row.ended_at === null ? available : 0,
    description: row.description,
    created_at: new Date(row.created_at).toISOString(),
    expires_at: row.expires_at === null ? null : new Date(row.expires_at).toISOString(),
  }
}

/** The change that shows a grant as it stands now, for the commit of a call that burnt some of it. */
export async function grantChange(tx: Tx, id: string): Promise<FeedChange> {
  return { topic: 'grant', id, row: await grantDocument(tx, id) }
}

/** Every grant of an external user that is not ended, as changes for its payer's feed; `row` null takes them off it. */
export async function grantChanges(tx: Tx, externalId: string, shown: boolean): Promise<FeedChange[]> {
  const changes: FeedChange[] = []
  for (const { id } of await openGrants(tx, { externalId }, null)) {
    changes.push(shown ? await grantChange(tx, id) : { topic: 'grant', id, row: null })
  }
  return changes
}

/**
 * Ends up to 200 expired grants: what is left goes back to the pool. What running calls hold goes back by a later sweep,
 * when they have ended. Two sweeps at once return it once. Answers how many grants it looked at.
 */
export const endExpired = procedure('grants.endExpired', async (tx: Tx): Promise<number> => {
  const rows = await tx.all<GrantRow>(
    `SELECT ${COLUMNS} FROM grants WHERE ended_at IS NULL AND expires_at IS NOT NULL AND expires_at <= ?
     ORDER BY id LIMIT ${SWEEP_AT_ONCE}`,
    [tx.now],
  )
  const shown: { feed: string; id: string }[] = []
  for (const row of rows) {
    if (!(await giveBack(tx, row, 'grant expired'))) continue
    const feed = await feedOf(tx, row)
    if (feed !== null) shown.push({ feed, id: row.id })
  }
  shown.sort((a, b) => (a.feed < b.feed ? -1 : 1))
  for (const { feed, id } of shown) await append(tx, feed, [await grantChange(tx, id)])
  return rows.length
})

/** Whose feed shows a grant; none while its user is unlinked. */
export async function feedOf(reader: Reader, row: GrantRow): Promise<string | null> {
  const external = await externalById(reader, row.external_id)
  return external && external.status !== 'unlinked' ? payerOf(external).feed : null
}

/** Moves what is free of a grant back to its pool; true when nothing of it is left or held, and it has ended. */
export async function giveBack(tx: Tx, row: GrantRow, memo: string): Promise<boolean> {
  // The row's lock makes a second sweep wait, and then find the grant ended (Postgres).
  const mine = await tx.run('UPDATE grants SET ended_at = NULL WHERE id = ? AND ended_at IS NULL', [row.id])
  if (mine !== 1) return false
  const from = account.grant(row.id)
  const moved = await moveFree(tx, { from, to: account.pool(row.publisher_id), memo })
  if (moved > 0) await tx.run('UPDATE grants SET returned = returned + ? WHERE id = ?', [moved, row.id])
  const { held } = await stands(tx, from)
  if (held > 0) return false
  await tx.run('UPDATE grants SET ended_at = ? WHERE id = ?', [tx.now, row.id])
  return true
}

/**
 * Moves all that is free of an account. The caller holds a lock that keeps others from doing the same. When a call takes
 * some of it between our look and the move, the commit is tried again (40001 is what db.tx retries).
 * @returns micros moved
 */
export async function moveFree(
  tx: Tx,
  { from, to, memo }: { from: string; to: string; memo: string },
): Promise<number> {
  const { available } = await stands(tx, from)
  if (available <= 0) return 0
  try {
    await transfer(tx, { id: tx.id('free'), legs: [{ from, to, amount: available }], memo })
  } catch (error) {
    if (!isFault(error) || error.code !== 'insufficient_balance') throw error
    throw Object.assign(new Error('a call was faster'), { code: '40001' })
  }
  return available
}
