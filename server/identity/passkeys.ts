// Passkeys (Web Authentication Level 3): adding them, signing in and stepping up with them.
// owns: passkeys, challenges. never: a private key, attestation (any authenticator is welcome).
// always true: a challenge is answered once, for the purpose and the session it was given to; the person was verified by
// the authenticator, so a passkey is both factors at once; a signature counter never goes back.
//
// A passkey is bound to the name in our public address, so it is used on pages of that origin alone. The desktop wallet
// signs in on such a page in the system's browser, and never speaks WebAuthn itself.

import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Passkey } from '../contract/api.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { tokenHash } from '../seal.ts'

const CHALLENGE_LIVES_MS = 300_000
const PER_PERSON_MAX = 20
const NAME = 'Quota Wallet'
/** EdDSA, ES256 and RS256 (IANA COSE Algorithms): what every authenticator has one of. */
const ALGORITHMS = [-8, -7, -257]

type Ports = Pick<Deps, 'db' | 'now' | 'publicUrl' | 'log'>
type Purpose = 'sign_in' | 'register' | 'step_up'
type Challenge = { hash: string; purpose: Purpose; session: string }
type Row = {
  id: string
  user_id: string
  credential_id: string
  public_key: string
  counter: number
  transports: string
  name: string
  created_at: number
  last_used_at: number | null
}

/** 330 modules, which a server needs only once somebody has a passkey. */
const webAuthn = () => import('@simplewebauthn/server')

/** A bare address cannot be the name that a passkey is bound to. */
export function passkeysPossible(publicUrl: string): boolean {
  const { hostname } = new URL(publicUrl)
  return !/^[\d.]+$/.test(hostname) && !hostname.startsWith('[')
}

export async function passkeysOf(reader: Reader, userId: string): Promise<Passkey[]> {
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString())
  return (await rowsOf(reader, userId)).map(({ id, name, created_at, last_used_at }) => ({
    id,
    name,
    created_at: new Date(created_at).toISOString(),
    last_used_at: time(last_used_at),
  }))
}

// --- adding --------------------------------------------------------------------------------------------------------

type Owner = { id: string; email: string; session: string }

/** What the browser needs to make a passkey. @throws Fault `passkeys_unavailable`, `bad_request` (too many) */
export async function registrationOptions(deps: Ports, owner: Owner) {
  const rpID = nameOf(deps)
  const rows = await rowsOf(deps.db, owner.id)
  if (rows.length >= PER_PERSON_MAX)
    throw fault('bad_request', { message: `An account has at most ${PER_PERSON_MAX} passkeys.` })
  const { generateRegistrationOptions } = await webAuthn()
  const options = await generateRegistrationOptions({
    rpName: NAME,
    rpID,
    userName: owner.email,
    userID: new TextEncoder().encode(owner.id),
    excludeCredentials: rows.map((row) => ({ id: row.credential_id, transports: transportsOf(row) })),
    supportedAlgorithmIDs: ALGORITHMS,
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
  await give(deps, options.challenge, 'register', owner.session)
  return options
}

type NewPasskey = {
  userId: string
  credentialId: string
  publicKey: string
  counter: number
  transports: string
  name: string
}
const addPasskey = procedure('passkeys.add', async (tx: Tx, key: NewPasskey): Promise<string> => {
  const id = tx.id('pk')
  const added = await tx.run(
    `INSERT INTO passkeys (id, user_id, credential_id, public_key, counter, transports, name, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (credential_id) DO NOTHING`,
    [id, key.userId, key.credentialId, key.publicKey, key.counter, key.transports, key.name, tx.now],
  )
  if (added !== 1) throw fault('already_set')
  return id
})

/** Keeps a passkey that the browser has made. @throws Fault `invalid_passkey`, `already_set` */
export async function register(deps: Ports, owner: Owner, name: string, given: object): Promise<string> {
  const response = given as RegistrationResponseJSON
  const { verifyRegistrationResponse } = await webAuthn()
  const expectedChallenge = await take(deps, response, 'register', owner.session)
  const checked = await accepted(() =>
    verifyRegistrationResponse({
      response,
      expectedChallenge,
      ...expected(deps),
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  )
  if (!checked.verified) throw fault('invalid_passkey')
  const { credential } = checked.registrationInfo
  return deps.db.tx(addPasskey, {
    userId: owner.id,
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: credential.counter,
    transports: JSON.stringify(credential.transports ?? []),
    name,
  })
}

export const removePasskey = procedure('passkeys.remove', async (tx: Tx, args: { userId: string; id: string }) => {
  if ((await tx.run('DELETE FROM passkeys WHERE id = ? AND user_id = ?', [args.id, args.userId])) !== 1)
    throw fault('not_found')
})

/** With the caller's commit. */
export async function dropPasskeys(tx: Tx, userId: string): Promise<void> {
  await tx.run('DELETE FROM passkeys WHERE user_id = ?', [userId])
}

// --- using ---------------------------------------------------------------------------------------------------------

/** What the browser needs to sign in; it says nothing of who has a passkey. @throws Fault `passkeys_unavailable` */
export async function signInOptions(deps: Ports) {
  const { generateAuthenticationOptions } = await webAuthn()
  const options = await generateAuthenticationOptions({ rpID: nameOf(deps), userVerification: 'required' })
  await give(deps, options.challenge, 'sign_in', '')
  return options
}

/** What the browser needs to confirm that it is this person. @throws Fault `passkeys_unavailable`, `not_found` */
export async function stepUpOptions(deps: Ports, owner: { id: string; session: string }) {
  const rows = await rowsOf(deps.db, owner.id)
  if (rows.length === 0) throw fault('not_found')
  const { generateAuthenticationOptions } = await webAuthn()
  const allowCredentials = rows.map((row) => ({ id: row.credential_id, transports: transportsOf(row) }))
  const options = await generateAuthenticationOptions({
    rpID: nameOf(deps),
    userVerification: 'required',
    allowCredentials,
  })
  await give(deps, options.challenge, 'step_up', owner.session)
  return options
}

const usePasskey = procedure('passkeys.use', async (tx: Tx, { id, counter }: { id: string; counter: number }) => {
  // Authenticators without a counter say zero for ever (Web Authentication Level 3, 6.1.1).
  const used = await tx.run(
    'UPDATE passkeys SET counter = ?, last_used_at = ? WHERE id = ? AND (counter < ? OR (counter = 0 AND ? = 0))',
    [counter, tx.now, id, counter, counter],
  )
  return used === 1
})

/**
 * Checks the answer to a challenge.
 * @param asked whose session asked, for a step-up; null when signing in
 * @returns the person whose passkey it is
 * @throws Fault `invalid_passkey` for every reason alike
 */
export async function verifyPasskey(
  deps: Ports,
  given: object,
  asked: { id: string; session: string } | null,
): Promise<string> {
  const { verifyAuthenticationResponse } = await webAuthn()
  const response = given as AuthenticationResponseJSON
  const expectedChallenge = await take(deps, response, asked ? 'step_up' : 'sign_in', asked?.session ?? '')
  const row = await deps.db.get<Row>('SELECT * FROM passkeys WHERE credential_id = ?', [String(response.id)])
  if (!row || (asked && row.user_id !== asked.id) || !isOwner(response, row.user_id)) throw fault('invalid_passkey')
  const credential = {
    id: row.credential_id,
    publicKey: new Uint8Array(Buffer.from(row.public_key, 'base64url')),
    counter: row.counter,
    transports: transportsOf(row),
  }
  const checked = await accepted(() =>
    verifyAuthenticationResponse({
      response,
      expectedChallenge,
      ...expected(deps),
      credential,
      requireUserVerification: true,
    }),
  )
  if (!checked.verified) throw fault('invalid_passkey')
  if (!(await deps.db.tx(usePasskey, { id: row.id, counter: checked.authenticationInfo.newCounter })))
    throw fault('invalid_passkey')
  return row.user_id
}

// --- challenges ----------------------------------------------------------------------------------------------------

const giveChallenge = procedure('passkeys.giveChallenge', async (tx: Tx, { hash, purpose, session }: Challenge) => {
  await tx.run('DELETE FROM challenges WHERE expires_at <= ?', [tx.now])
  await tx.run('INSERT INTO challenges (hash, purpose, session, expires_at) VALUES (?, ?, ?, ?)', [
    hash,
    purpose,
    session,
    tx.now + CHALLENGE_LIVES_MS,
  ])
})

const takeChallenge = procedure('passkeys.takeChallenge', async (tx: Tx, { hash, purpose, session }: Challenge) => {
  const taken = await tx.run(
    'DELETE FROM challenges WHERE hash = ? AND purpose = ? AND session = ? AND expires_at > ?',
    [hash, purpose, session, tx.now],
  )
  return taken === 1
})

function give(deps: Ports, challenge: string, purpose: Purpose, session: string): Promise<void> {
  return deps.db.tx(giveChallenge, { hash: tokenHash(challenge), purpose, session })
}

/** The challenge that an answer names, used up. @throws Fault `invalid_passkey` when it was not given for this */
async function take(
  deps: Ports,
  { response }: { response?: { clientDataJSON?: unknown } },
  purpose: Purpose,
  session: string,
): Promise<string> {
  const challenge = challengeIn(response?.clientDataJSON)
  const taken = challenge && (await deps.db.tx(takeChallenge, { hash: tokenHash(challenge), purpose, session }))
  if (!challenge || !taken) throw fault('invalid_passkey')
  return challenge
}

function challengeIn(clientDataJSON: unknown): string | null {
  try {
    const { challenge } = JSON.parse(Buffer.from(String(clientDataJSON), 'base64url').toString('utf8'))
    return typeof challenge === 'string' ? challenge : null
  } catch {
    return null
  }
}

// --- below: how ----------------------------------------------------------------------------------------------------

function rowsOf(reader: Reader, userId: string): Promise<Row[]> {
  return reader.all<Row>('SELECT * FROM passkeys WHERE user_id = ? ORDER BY created_at, id', [userId])
}

function nameOf({ publicUrl }: Pick<Deps, 'publicUrl'>): string {
  if (!passkeysPossible(publicUrl)) throw fault('passkeys_unavailable')
  return new URL(publicUrl).hostname
}

function expected(deps: Ports) {
  return { expectedOrigin: new URL(deps.publicUrl).origin, expectedRPID: nameOf(deps) }
}

function transportsOf(row: Row): AuthenticatorTransport[] {
  return JSON.parse(row.transports) as AuthenticatorTransport[]
}

/** An authenticator that says whose key it holds has to say the same as we (Web Authentication Level 3, 7.2). */
function isOwner({ response }: AuthenticationResponseJSON, userId: string): boolean {
  return response.userHandle === undefined || Buffer.from(response.userHandle, 'base64url').toString() === userId
}

/** The library throws for what it refuses, and for what it cannot read. @throws Fault `invalid_passkey` */
async function accepted<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (cause) {
    throw fault('invalid_passkey', { cause })
  }
}
