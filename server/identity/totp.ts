// Codes of an authenticator app (RFC 6238), and the recovery codes for when it is lost.
// owns: totps, recovery_codes. never: a secret or a code in clear at rest.
// always true: a time step and a recovery code are used once, also by two requests at once; guessing is stopped per person.

import { randomBytes } from 'node:crypto'
import { generateSecret, generateURI, verifySync } from 'otplib'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { seal, tokenHash, unseal } from '../seal.ts'

const ISSUER = 'Quota Wallet'
/** A clock may be off by one step of 30 s (RFC 6238, 5.2). */
const TOLERANCE_S = 30
const RECOVERY_CODES = 10
/** So many wrong codes in a row close the second factor for an hour: below one chance in a thousand a day. */
const FAILURES_MAX = 10
const BLOCKED_MS = 3_600_000
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'

export type Given = { totp?: string | undefined; recoveryCode?: string | undefined }
type TotpRow = { sealed: string; last_step: number; blocked_until: number; confirmed_at: number | null }
type Ports = Pick<Deps, 'db' | 'now' | 'masterKey'>

function rowOf(reader: Reader, userId: string): Promise<TotpRow | undefined> {
  return reader.get<TotpRow>('SELECT sealed, last_step, blocked_until, confirmed_at FROM totps WHERE user_id = ?', [
    userId,
  ])
}

/** Whether signing in asks for a code. */
export async function hasTotp(reader: Reader, userId: string): Promise<boolean> {
  return ((await rowOf(reader, userId))?.confirmed_at ?? null) !== null
}

export async function recoveryCodesLeft(reader: Reader, userId: string): Promise<number> {
  return (
    (await reader.get<{ n: number }>('SELECT COUNT(*) AS n FROM recovery_codes WHERE user_id = ?', [userId]))?.n ?? 0
  )
}

// --- setting up ----------------------------------------------------------------------------------------------------

const putSecret = procedure('totp.put', async (tx: Tx, { userId, sealed }: { userId: string; sealed: string }) => {
  const put = await tx.run(
    `INSERT INTO totps (user_id, sealed, created_at) VALUES (?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET
     sealed = excluded.sealed, created_at = excluded.created_at, last_step = 0 WHERE totps.confirmed_at IS NULL`,
    [userId, sealed, tx.now],
  )
  if (put !== 1) throw fault('already_set')
})

/** A new secret, to be confirmed by a first code. @throws Fault `already_set` */
export async function startTotp(deps: Ports, person: { id: string; email: string }) {
  const secret = generateSecret()
  await deps.db.tx(putSecret, {
    userId: person.id,
    sealed: seal(deps.masterKey, sealedAt(person.id), secret),
  })
  return { secret, uri: generateURI({ issuer: ISSUER, label: person.email, secret }) }
}

type Confirmed = { userId: string; sealed: string; step: number; hashes: string[] }
const confirm = procedure('totp.confirm', async (tx: Tx, { userId, sealed, step, hashes }: Confirmed) => {
  const confirmed = await tx.run(
    'UPDATE totps SET confirmed_at = ?, last_step = ?, failures = 0 WHERE user_id = ? AND sealed = ? AND confirmed_at IS NULL',
    [tx.now, step, userId, sealed],
  )
  if (confirmed !== 1) throw fault('already_set')
  await putCodes(tx, userId, hashes)
})

/**
 * Confirms the secret by its first code; from now on signing in asks for one.
 * @returns the recovery codes, to be shown this once
 * @throws Fault `not_found` (nothing to confirm), `invalid_second_factor`, `already_set`
 */
export async function confirmTotp(deps: Ports, userId: string, code: string): Promise<string[]> {
  const row = await rowOf(deps.db, userId)
  if (!row) throw fault('not_found')
  if (row.confirmed_at !== null) throw fault('already_set')
  const step = stepOf(deps, userId, row, code)
  if (step === null) throw fault('invalid_second_factor')
  const codes = freshCodes()
  await deps.db.tx(confirm, { userId, sealed: row.sealed, step, hashes: codes.map((c) => codeHash(userId, c)) })
  return codes
}

const replaceCodes = procedure('totp.codes', async (tx: Tx, args: { userId: string; hashes: string[] }) => {
  if (!(await hasTotp(tx, args.userId))) throw fault('not_found')
  await putCodes(tx, args.userId, args.hashes)
})

/** New recovery codes; the old ones end. @throws Fault `not_found` without an authenticator app */
export async function newRecoveryCodes(deps: Ports, userId: string): Promise<string[]> {
  const codes = freshCodes()
  await deps.db.tx(replaceCodes, { userId, hashes: codes.map((c) => codeHash(userId, c)) })
  return codes
}

/** Takes the authenticator app and its recovery codes away, with the caller's commit. @returns whether there was one */
export async function dropTotp(tx: Tx, userId: string): Promise<boolean> {
  await tx.run('DELETE FROM recovery_codes WHERE user_id = ?', [userId])
  return (await tx.run('DELETE FROM totps WHERE user_id = ? AND confirmed_at IS NOT NULL', [userId])) === 1
}

/** As dropTotp, with one that was never confirmed too. */
export async function eraseTotp(tx: Tx, userId: string): Promise<void> {
  await tx.run('DELETE FROM recovery_codes WHERE user_id = ?', [userId])
  await tx.run('DELETE FROM totps WHERE user_id = ?', [userId])
}

export const removeTotp = procedure('totp.remove', async (tx: Tx, { userId }: { userId: string }) => {
  if (!(await dropTotp(tx, userId))) throw fault('not_found')
})

// --- being asked ---------------------------------------------------------------------------------------------------

const useStep = procedure('totp.useStep', async (tx: Tx, { userId, step }: { userId: string; step: number }) => {
  const used = await tx.run(
    'UPDATE totps SET last_step = ?, failures = 0 WHERE user_id = ? AND last_step < ? AND confirmed_at IS NOT NULL',
    [step, userId, step],
  )
  return used === 1
})

const useCode = procedure('totp.useCode', async (tx: Tx, { userId, hash }: { userId: string; hash: string }) => {
  if ((await tx.run('DELETE FROM recovery_codes WHERE hash = ? AND user_id = ?', [hash, userId])) !== 1) return false
  await tx.run('UPDATE totps SET failures = 0 WHERE user_id = ?', [userId])
  return true
})

const noteFailure = procedure('totp.noteFailure', async (tx: Tx, { userId }: { userId: string }) => {
  await tx.run('UPDATE totps SET failures = failures + 1 WHERE user_id = ?', [userId])
  await tx.run('UPDATE totps SET failures = 0, blocked_until = ? WHERE user_id = ? AND failures >= ?', [
    tx.now + BLOCKED_MS,
    userId,
    FAILURES_MAX,
  ])
})

/**
 * Asks for the second factor of a person who has one. Call it only after the first one was right.
 * @returns what was used, null when the person has none
 * @throws Fault `second_factor_required` (details.methods), `invalid_second_factor`, `rate_limit_exceeded`
 */
export async function secondFactor(
  deps: Ports,
  userId: string,
  given: Given,
): Promise<'totp' | 'recovery_code' | null> {
  const row = await rowOf(deps.db, userId)
  if (!row || row.confirmed_at === null) return null
  if (given.totp === undefined && given.recoveryCode === undefined)
    throw fault('second_factor_required', { details: { methods: ['totp', 'recovery_code'] } })
  const waitMs = row.blocked_until - deps.now()
  if (waitMs > 0) throw fault('rate_limit_exceeded', { retryAfterS: Math.ceil(waitMs / 1000) })
  if (given.totp !== undefined ? await totpFits(deps, userId, row, given.totp) : await codeFits(deps, userId, given))
    return given.totp !== undefined ? 'totp' : 'recovery_code'
  await deps.db.tx(noteFailure, { userId })
  throw fault('invalid_second_factor')
}

async function totpFits(deps: Ports, userId: string, row: TotpRow, code: string): Promise<boolean> {
  const step = stepOf(deps, userId, row, code)
  return step !== null && (await deps.db.tx(useStep, { userId, step }))
}

function codeFits(deps: Ports, userId: string, { recoveryCode = '' }: Given): Promise<boolean> {
  return deps.db.tx(useCode, { userId, hash: codeHash(userId, recoveryCode) })
}

// --- below: how ----------------------------------------------------------------------------------------------------

/** The time step that a code belongs to; null when it belongs to none that is near and unused. */
function stepOf(deps: Ports, userId: string, row: TotpRow, code: string): number | null {
  if (!/^\d{6}$/.test(code)) return null
  const secret = unseal(deps.masterKey, sealedAt(userId), row.sealed)
  const epoch = Math.floor(deps.now() / 1000)
  const found = verifySync({ secret, token: code, epoch, epochTolerance: TOLERANCE_S })
  if (!found.valid || !('timeStep' in found)) return null
  return found.timeStep > row.last_step ? found.timeStep : null
}

async function putCodes(tx: Tx, userId: string, hashes: readonly string[]): Promise<void> {
  await tx.run('DELETE FROM recovery_codes WHERE user_id = ?', [userId])
  for (const hash of hashes) await tx.run('INSERT INTO recovery_codes (hash, user_id) VALUES (?, ?)', [hash, userId])
}

/** 16 characters of 31, so 79 bits: random enough for a fast hash. */
function freshCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    let text = ''
    while (text.length < 16) {
      const [byte = 255] = randomBytes(1)
      if (byte < ALPHABET.length * 8) text += ALPHABET[byte % ALPHABET.length]
    }
    return text.replace(/(.{4})(?=.)/g, '$1-')
  })
}

function codeHash(userId: string, code: string): string {
  return tokenHash(`recovery:${userId}:${code.toLowerCase().replaceAll(/[\s-]/g, '')}`)
}

function sealedAt(userId: string): string {
  return `totps/${userId}`
}

export const sealedTotps = sealedColumn({
  table: 'totps',
  key: 'user_id',
  column: 'sealed',
  place: ({ key }) => sealedAt(key),
})
