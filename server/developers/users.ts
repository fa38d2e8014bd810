// The users of an app, as its developer may see them.
// owns: the joining of connections, names, balances and counters into one list. never: a write; a person's other apps.
// always true: an e-mail address, a name and a balance are told with the person's scope for them alone; the list goes
// from page to page without missing anybody who was there all along.

import { type Totals, totalsOf } from '../analytics/reads.ts'
import { NOTHING, type Sum } from '../analytics/sums.ts'
import { ownAppEver } from '../connections/apps.ts'
import { type ConnectionRow, connectionsOfApp, lastUsed, statusAt } from '../connections/connections.ts'
import { type ExternalRow, externalsOf, unclaimedUsers } from '../connections/external.ts'
import type { AppUser, UsageTotals } from '../contract/developers.ts'
import type { Reader } from '../db/db.ts'
import { spendable } from '../grants/grants.ts'
import { personById } from '../identity/users.ts'
import { account } from '../ledger/chart.ts'

export type UsersQuery = { publisherId: string; appId: string; after: string; limit: number; now: number }

/**
 * A page of an app's users.
 * @param query.after the cursor: '' at first, then a connection's or an external user's id
 * @throws Fault `not_found`
 */
export async function usersOf(
  reader: Reader,
  query: UsersQuery,
): Promise<{ users: AppUser[]; next_cursor: string | null }> {
  const { publisherId, appId, after, limit } = query
  await ownAppEver(reader, publisherId, appId)
  const people = after.startsWith('ext_') ? [] : await connectionsOfApp(reader, appId, after, limit + 1)
  const room = limit + 1 - people.length
  const rest = room > 0 ? await unclaimedUsers(reader, appId, after.startsWith('ext_') ? after : '', room) : []
  const page = [...people, ...rest].slice(0, limit)
  const payers = page.map((row) => ('scopes' in row ? row.user_id : row.id))
  const totals = await totalsOf(reader, query, payers)
  const users: AppUser[] = []
  for (const row of page)
    users.push('scopes' in row ? await person(reader, query, row, totals) : await unclaimed(reader, query, row, totals))
  return { users, next_cursor: people.length + rest.length > limit ? (page.at(-1)?.id ?? null) : null }
}

type ByPayer = ReadonlyMap<string, Totals>

async function person(
  reader: Reader,
  { publisherId, appId, now }: UsersQuery,
  row: ConnectionRow,
  totals: ByPayer,
): Promise<AppUser> {
  const scopes: string[] = JSON.parse(row.scopes)
  const found = await personById(reader, row.user_id)
  const status = statusAt(row, now)
  const stands = status === 'active' || status === 'paused'
  const names = (await externalsOf(reader, row.user_id)).filter((external) => external.app_id === appId)
  const payer = { owner: { userId: row.user_id }, account: account.user(row.user_id) }
  const used = await lastUsed(reader, row.id)
  const may = (scope: string) => stands && scopes.includes(scope)
  return {
    id: row.user_id,
    external_user_ids: names.map(({ external_user_id }) => external_user_id),
    status,
    email: found && may('email') ? found.email : null,
    name: found && may('profile') ? found.name : null,
    balance: found && may('credits.read') ? await spendable(reader, payer, publisherId, now) : null,
    connected_at: new Date(row.created_at).toISOString(),
    last_used_at: used === null ? null : new Date(used).toISOString(),
    totals: told(totals.get(row.user_id)),
  }
}

async function unclaimed(
  reader: Reader,
  { publisherId, appId, now }: UsersQuery,
  row: ExternalRow & { created_at: number },
  totals: ByPayer,
): Promise<AppUser> {
  const payer = { owner: { externalId: row.id }, account: account.external(appId, row.id) }
  const sums = totals.get(row.id)
  const lastDay = sums?.last_day ?? null
  return {
    id: row.id,
    external_user_ids: [row.external_user_id],
    status: row.status === 'unlinked' ? 'unlinked' : 'unclaimed',
    email: null,
    name: null,
    balance: row.status === 'unclaimed' ? await spendable(reader, payer, publisherId, now) : null,
    connected_at: new Date(row.created_at).toISOString(),
    last_used_at: lastDay === null ? null : new Date(lastDay).toISOString(),
    totals: told(sums),
  }
}

function told({ requests, base, markup, granted, tokens }: Sum = NOTHING): UsageTotals {
  return { requests, base_credits: base, markup_credits: markup, granted_credits: granted, tokens }
}
