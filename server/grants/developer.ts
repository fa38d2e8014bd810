// Grants as their publisher works with them: looked over, taken back, given by the hundred.
// owns: the lists of a publisher's grants, and withdrawal. never: another publisher's grant.
// always true: what is taken back is what no call has spent or holds; a bulk is all of its rows or none.

import { ownApp, ownAppEver } from '../connections/apps.ts'
import { externalById, externalUser } from '../connections/external.ts'
import type { DeveloperGrant, GrantsGiven } from '../contract/developers.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault, isFault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { type Answer, type Attempt, once } from '../idempotency/idempotency.ts'
import { postedTogether } from '../ledger/chain.ts'
import { account } from '../ledger/chart.ts'
import { stands } from '../ledger/ledger.ts'
import type { GrantLine } from './csv.ts'
import { giveGrant, type NewGrant } from './give.ts'
import { feedOf, GRANT_COLUMNS, type GrantRow, giveBack, grantChange } from './grants.ts'
import { requireFunds } from './pool.ts'

export type GrantQuery = {
  publisherId: string
  appId: string | null
  externalUserId: string | null
  status: 'open' | 'expired' | 'withdrawn' | null
  before: string
  limit: number
}

const STATUS = {
  open: 'ended_at IS NULL AND withdrawn = 0',
  expired: 'ended_at IS NOT NULL AND withdrawn = 0',
  withdrawn: 'withdrawn = 1',
} as const

/** A publisher's grants, newest first. @throws Fault `not_found` for an app that is not theirs */
export async function grantsOf(reader: Reader, query: GrantQuery): Promise<DeveloperGrant[]> {
  const { publisherId, appId, externalUserId, status, before, limit } = query
  if (appId !== null) await ownAppEver(reader, publisherId, appId)
  const external = appId !== null && externalUserId !== null ? await externalUser(reader, appId, externalUserId) : null
  if (externalUserId !== null && !external) return []
  const [column, value] = external
    ? ['external_id', external.id]
    : appId
      ? ['app_id', appId]
      : ['publisher_id', publisherId]
  const rows = await reader.all<GrantRow>(
    `SELECT ${GRANT_COLUMNS} FROM grants WHERE ${column} = ? AND id < ?${status ? ` AND ${STATUS[status]}` : ''} ORDER BY id DESC LIMIT ?`,
    [value, before, limit],
  )
  const documents: DeveloperGrant[] = []
  for (const row of rows) documents.push(await developerGrant(reader, row))
  return documents
}

/** One grant of a publisher. @throws Fault `not_found` */
export async function ownGrant(reader: Reader, publisherId: string, id: string): Promise<GrantRow> {
  const row = await reader.get<GrantRow>(`SELECT ${GRANT_COLUMNS} FROM grants WHERE id = ? AND publisher_id = ?`, [
    id,
    publisherId,
  ])
  if (!row) throw fault('not_found')
  return row
}

/** A grant as its publisher sees it. */
export async function developerGrant(reader: Reader, row: GrantRow): Promise<DeveloperGrant> {
  const external = await externalById(reader, row.external_id)
  const { available, held } = await stands(reader, account.grant(row.id))
  return {
    id: row.id,
    app_id: row.app_id,
    external_user_id: external?.external_user_id ?? '',
    status: row.withdrawn === 1 ? 'withdrawn' : row.ended_at === null ? 'open' : 'expired',
    amount: row.amount,
    remaining: available,
    held,
    spent: row.amount - row.returned - available - held,
    returned: row.returned,
    description: row.description,
    created_at: new Date(row.created_at).toISOString(),
    expires_at: row.expires_at === null ? null : new Date(row.expires_at).toISOString(),
    ended_at: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
  }
}

/** Gives a grant, and answers it as its publisher sees it. @throws Fault as `giveGrant` */
export const giveOwnGrant = procedure(
  'grants.giveOwn',
  (tx: Tx, given: NewGrant): Promise<Answer<DeveloperGrant>> =>
    once(tx, given.attempt, async () => {
      const { answer } = await giveGrant.run(tx, { ...given, attempt: null })
      return developerGrant(tx, await ownGrant(tx, given.publisherId, answer.ledger_id))
    }),
)

export type Withdrawal = { publisherId: string; grantId: string; attempt: Attempt | null }

/**
 * Takes back what is free of a grant; what running calls hold of it follows when they end. Doing it twice is once.
 * @throws Fault `not_found`, `idempotency_mismatch`
 */
export const withdrawGrant = procedure(
  'grants.withdraw',
  (tx: Tx, { publisherId, grantId, attempt }: Withdrawal): Promise<Answer<DeveloperGrant>> =>
    once(tx, attempt, async () => {
      const row = await ownGrant(tx, publisherId, grantId)
      if (row.ended_at === null) {
        // From now on it is expired as well, so that no call begins with it and the sweep fetches the rest.
        await tx.run('UPDATE grants SET withdrawn = 1, expires_at = ? WHERE id = ? AND ended_at IS NULL', [
          tx.now,
          grantId,
        ])
        await giveBack(tx, row, 'grant withdrawn')
        const feed = await feedOf(tx, row)
        if (feed !== null) await append(tx, feed, [await grantChange(tx, grantId)])
      }
      return developerGrant(tx, await ownGrant(tx, publisherId, grantId))
    }),
)

/** What a publisher's grants came to, in micros. `remaining` is in open grants, with what running calls hold. */
export async function grantSums(reader: Reader, publisherId: string) {
  const sums = await reader.get<{ granted: number; returned: number; open: number }>(
    `SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS granted, CAST(COALESCE(SUM(returned), 0) AS BIGINT) AS returned,
     CAST(COALESCE(SUM(CASE WHEN ended_at IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS open FROM grants WHERE publisher_id = ?`,
    [publisherId],
  )
  const open = await reader.all<{ id: string }>('SELECT id FROM grants WHERE publisher_id = ? AND ended_at IS NULL', [
    publisherId,
  ])
  const remaining = await postedTogether(
    reader,
    open.map(({ id }) => account.grant(id)),
  )
  return { granted: sums?.granted ?? 0, returned: sums?.returned ?? 0, open: sums?.open ?? 0, remaining }
}

export type Bulk = {
  publisherId: string
  appId: string
  lines: readonly GrantLine[]
  dryRun: boolean
  attempt: Attempt | null
}

/**
 * Gives every line, or none. A dry run goes the same way and gives nothing.
 * @throws Fault `not_found`, `insufficient_balance` (the pool, with what all of it takes), `bad_request` with
 *   GrantsBulkErrors, `grant_limit_exceeded` and `user_not_found` likewise with their line in `details`
 */
export const giveBulk = procedure('grants.bulk', async (tx: Tx, bulk: Bulk): Promise<Answer<GrantsGiven>> => {
  const { publisherId, appId, lines, dryRun } = bulk
  await ownApp(tx, publisherId, appId)
  return once(tx, dryRun ? null : bulk.attempt, async () => {
    const total = lines.reduce((sum, { amount }) => sum + amount, 0)
    await requireFunds(tx, account.pool(publisherId), total)
    if (!dryRun) for (const line of lines) await giveLine(tx, bulk, line)
    return { grants: lines.length, total_credits: total, dry_run: dryRun, duplicate: false }
  })
})

async function giveLine(tx: Tx, { publisherId, appId }: Bulk, { line, ...given }: GrantLine): Promise<void> {
  try {
    await giveGrant.run(tx, { publisherId, appId, ...given, attempt: null })
  } catch (error) {
    if (!isFault(error)) throw error
    throw fault(error.code, {
      ...error.options,
      message: `Line ${line}: ${error.message}`,
      details: { ...error.options.details, lines: [{ line, message: error.message }] },
    })
  }
}
