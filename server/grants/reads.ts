// What an app may read: its own balance, and its users'.
// owns: the shapes of these answers. never: a write; a person's other apps.
// always true: a user's balance is what is spendable in this app; an e-mail address is told only with the scope for it;
// a linked user whose connection has ended is not there.

import { publisherOf } from '../connections/apps.ts'
import { type ConnectionRow, connectionRow, statusAt } from '../connections/connections.ts'
import type { KeyCaller, TokenCaller } from '../connections/credentials.ts'
import { type ExternalRow, externalUser, findPayer, linkedUsers } from '../connections/external.ts'
import { dollars } from '../contract/money.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { personById } from '../identity/users.ts'
import { account } from '../ledger/chart.ts'
import { money } from '../ledger/ledger.ts'
import { ownerOf, spendable } from './grants.ts'

const PAGE_DEFAULT = 50
const PAGE_MAX = 200
/** There is one plan. */
const PLAN = 'pay_as_you_go'

/** GET /v1/balance: a developer's own, or of the person behind a token. */
export async function balanceOf(deps: Deps, caller: KeyCaller | TokenCaller) {
  if (caller.kind === 'token') {
    const publisherId = await publisherOf(deps.db, caller.appId)
    const payer = { owner: { userId: caller.userId }, account: account.user(caller.userId) }
    const balance = await spendable(deps.db, payer, publisherId, deps.now())
    return { ...shown(balance), wallet: 'oauth_user', plan: PLAN, user_id: caller.userId, billing_mode: 'user' }
  }
  const { available } = await money(deps.db, account.user(caller.publisherId))
  const wallet = { wallet: 'developer', developer_balance: available, plan: PLAN, user_id: caller.publisherId }
  return { ...shown(available), ...wallet, billing_mode: caller.billingMode }
}

/** GET /v1/users/{id}/balance. @throws Fault `user_not_found`, `insufficient_scope` */
export async function userBalance(deps: Deps, caller: KeyCaller, externalUserId: string) {
  const payer = await findPayer(deps.db, caller.appId, externalUserId)
  if (payer.kind === 'user') {
    const connection = await standing(deps, payer.connectionId)
    if (!connection) throw fault('user_not_found')
    if (!mayRead(connection)) throw fault('insufficient_scope')
  }
  const owner = payer.kind === 'user' ? { userId: payer.userId } : { externalId: payer.externalId }
  const balance = await spendable(deps.db, { owner, account: payer.account }, caller.publisherId, deps.now())
  return { external_user_id: externalUserId, ...shown(balance), billing_mode: 'user' }
}

/** GET /v1/users/{id}: a linked user. @throws Fault `user_not_found` */
export async function userDocument(deps: Deps, caller: KeyCaller, externalUserId: string) {
  const row = await externalUser(deps.db, caller.appId, externalUserId)
  const user = row?.status === 'linked' ? await linkedUser(deps, caller, row) : null
  if (!user) throw fault('user_not_found')
  return { user }
}

/** GET /v1/users: linked users, oldest first. @throws Fault `bad_request` */
export async function listUsers(deps: Deps, caller: KeyCaller, query: { limit?: string; cursor?: string }) {
  const limit = query.limit === undefined ? PAGE_DEFAULT : Number(query.limit)
  if (!Number.isInteger(limit) || limit < 1)
    throw fault('bad_request', { message: 'limit: a whole number above zero.', param: 'limit' })
  const cursor = query.cursor ?? ''
  if (cursor !== '' && !/^ext_[0-9a-z]{26}$/.test(cursor))
    throw fault('bad_request', { message: 'cursor: malformed.', param: 'cursor' })
  const rows = await linkedUsers(deps.db, caller.appId, cursor, Math.min(limit, PAGE_MAX) + 1)
  const page = rows.slice(0, Math.min(limit, PAGE_MAX))
  const users: unknown[] = []
  for (const row of page) {
    const user = await linkedUser(deps, caller, row)
    if (user) users.push(user)
  }
  return { users, next_cursor: rows.length > page.length ? (page.at(-1)?.id ?? null) : null }
}

/** GET /v1/me: the person behind a token, or the developer behind a key. */
export async function personOf(deps: Deps, caller: KeyCaller | TokenCaller) {
  const userId = caller.kind === 'key' ? caller.publisherId : caller.userId
  const person = await personById(deps.db, userId)
  if (!person) throw fault('not_found')
  const scopes = caller.kind === 'key' ? ['email', 'profile'] : caller.scopes
  const { balance } = await balanceOf(deps, caller)
  return { user: { ...visible(person, scopes), balance } }
}

async function linkedUser(deps: Deps, caller: KeyCaller, row: ExternalRow) {
  if (row.user_id === null || row.connection === null) return null
  const person = await personById(deps.db, row.user_id)
  const connection = await standing(deps, row.connection)
  if (!person || !connection) return null
  const payer = { owner: ownerOf(row), account: account.user(row.user_id) }
  const balance = mayRead(connection) ? await spendable(deps.db, payer, caller.publisherId, deps.now()) : null
  return {
    ...visible(person, JSON.parse(connection.scopes)),
    external_user_id: row.external_user_id,
    ...(balance === null ? { balance: null, balance_display: null } : shown(balance)),
  }
}

/** A connection that has neither been revoked nor expired; a paused one stops calls, and nothing else. */
async function standing(deps: Deps, connectionId: string): Promise<ConnectionRow | null> {
  const row = await connectionRow(deps.db, connectionId)
  const status = row ? statusAt(row, deps.now()) : 'revoked'
  return row && (status === 'active' || status === 'paused') ? row : null
}

// What a token would need: the person agreed to it for this app, whichever way the app asks.
function mayRead(connection: ConnectionRow): boolean {
  return (JSON.parse(connection.scopes) as string[]).includes('credits.read')
}

type Person = NonNullable<Awaited<ReturnType<typeof personById>>>

function visible({ id, email, name }: Person, scopes: readonly string[]) {
  return { id, email: scopes.includes('email') ? email : null, name: scopes.includes('profile') ? name : null }
}

function shown(balance: number) {
  return { balance, balance_display: dollars(balance) }
}
