// People: one account each, whether they pay, publish, or both.
// owns: users. never: passwords in clear, balances (those are the ledger's).
// always true: a profile changes in the commit that writes it to the person's feed.

import type { Profile } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { insertSession, type NewSession } from './sessions.ts'

export type Person = {
  id: string
  email: string
  name: string | null
  timeZone: string
  weekStart: Profile['week_start']
  frozen: boolean
  emailVerified: boolean
  createdAt: number
}
export type ProfilePatch = {
  name?: string | null | undefined
  time_zone?: string | undefined
  week_start?: Profile['week_start'] | undefined
}
type UserRow = {
  id: string
  email: string
  password_hash: string
  name: string | null
  time_zone: string
  week_start: Profile['week_start']
  frozen: number
  livemode: number
  version: number
  created_at: number
  email_verified_at: number | null
}

const COLUMNS = 'id, email, password_hash, name, time_zone, week_start, frozen, livemode, version, created_at'
const READ = `${COLUMNS}, email_verified_at`

/** The person with this id; null when there is none. */
export async function personById(reader: Pick<Reader, 'get'>, id: string): Promise<Person | null> {
  const row = await rowById(reader, id)
  if (!row) return null
  const { email, name, time_zone: timeZone, week_start: weekStart, created_at: createdAt } = row
  const [frozen, emailVerified] = [row.frozen === 1, row.email_verified_at !== null]
  return { id, email, name, timeZone, weekStart, frozen, emailVerified, createdAt }
}

/** The profile as the wallet and GET /account show it; null when there is no such person. */
export async function profileOf(reader: Pick<Reader, 'get'>, id: string): Promise<Profile | null> {
  const row = await rowById(reader, id)
  return row ? profile(row) : null
}

export function credentialsOf(
  reader: Reader,
  email: string,
): Promise<{ id: string; password_hash: string } | undefined> {
  return reader.get('SELECT id, password_hash FROM users WHERE email = ?', [email])
}

export type Registration = { id: string; email: string; passwordHash: string; livemode: boolean; session: NewSession }

/** A new person, their first session and the first documents of their feed, in one commit. @throws Fault `email_exists` */
export const registerPerson = procedure('identity.register', async (tx: Tx, args: Registration) => {
  const { id, email, passwordHash, livemode } = args
  const created = await tx.run(
    `INSERT INTO users (${COLUMNS}) VALUES (?, ?, ?, NULL, 'UTC', 'monday', 0, ?, 1, ?) ON CONFLICT (email) DO NOTHING`,
    [id, email, passwordHash, livemode ? 1 : 0, tx.now],
  )
  if (created !== 1) throw fault('email_exists')
  await insertSession(tx, args.session)
  const row = await rowById(tx, id)
  if (!row) throw new Error('a person who was just written is gone')
  await append(tx, id, [
    { topic: 'profile', id, row: profile(row) },
    { topic: 'balance', id, row: { posted: 0, held: 0, available: 0 } },
  ])
})

export const patchProfile = procedure(
  'identity.patchProfile',
  (tx: Tx, args: { userId: string; patch: ProfilePatch }) => changeProfile(tx, args.userId, args.patch),
)

/**
 * Changes a profile, within the caller's commit, and writes its new version to the feed.
 * @throws Fault `bad_request` naming the field, `not_found`
 */
export async function changeProfile(tx: Tx, userId: string, patch: ProfilePatch): Promise<Profile> {
  const row = await lockedRow(tx, userId)
  const next = {
    ...row,
    name: patch.name === undefined ? row.name : patch.name === null ? null : checkedName(patch.name),
    time_zone: patch.time_zone === undefined ? row.time_zone : checkedTimeZone(patch.time_zone),
    week_start: patch.week_start ?? row.week_start,
  }
  return write(tx, row, next)
}

/** Writes a profile to the feed as it stands now, within the caller's commit that changed it. */
export async function rewriteProfile(tx: Tx, userId: string): Promise<void> {
  const row = await rowById(tx, userId)
  if (!row) throw fault('not_found')
  await append(tx, userId, [{ topic: 'profile', id: userId, row: profile(row) }])
}

/** Whether a person's address is proven. */
export async function isVerified(reader: Pick<Reader, 'get'>, userId: string): Promise<boolean> {
  const row = await reader.get<{ at: number | null }>('SELECT email_verified_at AS at FROM users WHERE id = ?', [
    userId,
  ])
  return (row?.at ?? null) !== null
}

/** Keeps everybody else from changing a person until the commit; false when there is no such person. */
export async function lockPerson(tx: Tx, userId: string): Promise<boolean> {
  return (await tx.run('UPDATE users SET version = version WHERE id = ?', [userId])) === 1
}

/** Takes a person's row away, within the caller's commit; what else they had must be gone. */
export async function removePerson(tx: Tx, userId: string): Promise<void> {
  await tx.run('DELETE FROM users WHERE id = ?', [userId])
}

/** Freezes a wallet (nothing is spent from it) or thaws it, within the caller's commit. */
export async function setFrozen(tx: Tx, userId: string, frozen: boolean): Promise<Profile> {
  const row = await lockedRow(tx, userId)
  return write(tx, row, { ...row, frozen: frozen ? 1 : 0 })
}

// --- words that are allowed ------------------------------------------------------------------------------------------

/** An e-mail address as it is kept and compared. @throws Fault `invalid_email` */
export function checkedEmail(text: string): string {
  const email = text.normalize('NFC').toLowerCase()
  if (email.length > 254 || /[\p{C}\p{Z}]/u.test(email) || !/^[^@]{1,64}@[^@.]+(\.[^@.]+)*$/.test(email))
    throw fault('invalid_email')
  return email
}

const PASSWORD_MIN = 8

/** @throws Fault `weak_password` */
export function checkedPassword(text: string): string {
  if ([...text].length < PASSWORD_MIN) throw fault('weak_password', { param: 'password' })
  return text
}

/** A name that people will read. @throws Fault `bad_request` */
export function checkedName(text: string): string {
  const name = text.normalize('NFC').trim()
  // Controls, text direction and other invisible characters could make a name look like another one.
  if (name === '' || /[\p{C}\p{Zl}\p{Zp}]/u.test(name))
    throw fault('bad_request', { message: 'This name has characters that are not allowed.', param: 'name' })
  return name
}

function checkedTimeZone(text: string): string {
  const known = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/.test(text) && isZone(text)
  if (!known) throw fault('bad_request', { message: 'This is not an IANA time zone.', param: 'time_zone' })
  return text
}

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

// --- below: how ------------------------------------------------------------------------------------------------------

function rowById(reader: Pick<Reader, 'get'>, id: string): Promise<UserRow | undefined> {
  return reader.get<UserRow>(`SELECT ${READ} FROM users WHERE id = ?`, [id])
}

// A change writes the whole row: what another one changes at the same moment must be in it, a freeze above all.
async function lockedRow(tx: Tx, id: string): Promise<UserRow> {
  const row = (await lockPerson(tx, id)) ? await rowById(tx, id) : undefined
  if (!row) throw fault('not_found')
  return row
}

async function write(tx: Tx, from: UserRow, to: UserRow): Promise<Profile> {
  const same =
    from.name === to.name &&
    from.time_zone === to.time_zone &&
    from.week_start === to.week_start &&
    from.frozen === to.frozen
  if (same) return profile(from)
  // Counted up by the database, so that two changes at once cannot both claim one version.
  const row = await tx.get<UserRow>(
    `UPDATE users SET name = ?, time_zone = ?, week_start = ?, frozen = ?, version = version + 1 WHERE id = ? RETURNING ${READ}`,
    [to.name, to.time_zone, to.week_start, to.frozen, to.id],
  )
  if (!row) throw fault('not_found')
  const document = profile(row)
  await append(tx, row.id, [{ topic: 'profile', id: row.id, row: document }])
  return document
}

function profile(row: UserRow): Profile {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    time_zone: row.time_zone,
    week_start: row.week_start,
    frozen: row.frozen === 1,
    livemode: row.livemode === 1,
    created_at: new Date(row.created_at).toISOString(),
    version: row.version,
  }
}
