// The authorization server's own keys.
// owns: identity_keys, which of the signing keys signs, and how long each is published. never: a private key in clear
// on disk or in a log.
// always true: kept sealed, the same for every process on one database; a key is published before it signs, and until
// what it signed has ended.

import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { procedure, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import type { Deps } from '../deps.ts'
import { seal, unseal } from '../seal.ts'

export type SigningKey = Record<string, unknown> & { kty: 'RSA'; kid: string }
export type IdentityKeys = { jwks: { keys: SigningKey[] }; cookieKeys: string[] }

/** Times in milliseconds since the epoch; `goneAt` null: nothing has taken its place yet. */
type Times = { madeAt: number; signsFrom: number; goneAt: number | null }
/** As it is kept. A key without times is the first one, from before there was a second. */
type KeySet = { keys: SigningKey[]; times?: Record<string, Times> }
type KeptRow = { sealed: string; created_at: number }
type Ports = Pick<Deps, 'db' | 'masterKey' | 'now'>

const RSA_BITS = 2048
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** After how long a new key takes over by itself. */
const KEY_AGE_MS = 90 * DAY_MS
/** As long as clients may keep the published keys (mount.ts). */
const PUBLISHED_AHEAD_MS = HOUR_MS
/** More than an id_token lives. */
const PUBLISHED_AFTER_MS = DAY_MS
const FIRST: Times = { madeAt: 0, signsFrom: 0, goneAt: null }

// The first process to come wins; the others read what it wrote.
const addKey = procedure('identity.addKey', async (tx: Tx, row: { name: string; sealed: string }) => {
  await tx.run('INSERT INTO identity_keys (name, sealed, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING', [
    row.name,
    row.sealed,
    tx.now,
  ])
})

const replaceKeys = procedure('identity.replaceKeys', async (tx: Tx, row: { from: string; to: string }) => {
  const sql = `UPDATE identity_keys SET sealed = ? WHERE name = 'jwks' AND sealed = ?`
  return (await tx.run(sql, [row.to, row.from])) === 1
})

/**
 * The keys that are published now, the one that signs first; made on the first start.
 * @throws Error when the master key is not the one that sealed them
 */
export async function identityKeys(deps: Ports): Promise<IdentityKeys> {
  const { value: set } = await keySet(deps)
  const { value: cookieKeys } = await kept(deps, 'cookies', async () => [randomBytes(32).toString('base64url')])
  return { jwks: { keys: inForce(set, deps.now()) }, cookieKeys }
}

export type Rotated = { kid: string; signsFrom: number }

/**
 * Publishes a new signing key. It signs in an hour, and the others stay published for a day more.
 * @param options.atOnce it signs now and the others are withdrawn: for a key that was stolen
 * @param options.olderThanMs only when the newest is that old
 * @returns null when none was needed, or another process was first
 */
export async function rotateSigningKey(
  deps: Ports,
  options: { atOnce?: boolean; olderThanMs?: number } = {},
): Promise<Rotated | null> {
  const { value: set, sealed: from, madeAt } = await keySet(deps)
  const now = deps.now()
  // Looked at in the set that is replaced below: after another process's change the answer would be another.
  const newest = Math.max(madeAt, ...set.keys.map(({ kid }) => timesOf(set, kid).madeAt))
  if (options.olderThanMs !== undefined && newest > now - options.olderThanMs) return null
  const fresh = await freshSigningKey()
  const signsFrom = options.atOnce ? now : now + PUBLISHED_AHEAD_MS
  const goneAt = options.atOnce ? now : signsFrom + PUBLISHED_AFTER_MS
  const keys = options.atOnce ? [] : inForce(set, now)
  const times: Record<string, Times> = { [fresh.kid]: { madeAt: now, signsFrom, goneAt: null } }
  for (const { kid } of keys) {
    const old = timesOf(set, kid)
    times[kid] = { ...old, goneAt: old.goneAt ?? goneAt }
  }
  const next: KeySet = { keys: [...keys, fresh], times }
  const to = seal(deps.masterKey, sealedAt('jwks'), JSON.stringify(next))
  return (await deps.db.tx(replaceKeys, { from, to })) ? { kid: fresh.kid, signsFrom } : null
}

/** A new key after ninety days. */
export async function rotateOldSigningKey(deps: Ports): Promise<void> {
  await rotateSigningKey(deps, { olderThanMs: KEY_AGE_MS })
}

// Those published at a moment: first the newest of those that may sign.
function inForce(set: KeySet, now: number): SigningKey[] {
  const published = set.keys.filter(({ kid }) => (timesOf(set, kid).goneAt ?? Number.POSITIVE_INFINITY) > now)
  const since = ({ kid }: SigningKey) => timesOf(set, kid).signsFrom
  const may = published.filter((key) => since(key) <= now).sort((a, b) => since(b) - since(a))
  return [...may, ...published.filter((key) => since(key) > now)]
}

function timesOf(set: KeySet, kid: string): Times {
  return set.times?.[kid] ?? FIRST
}

function keySet(deps: Ports) {
  return kept<KeySet>(deps, 'jwks', async () => ({ keys: [await freshSigningKey()] }))
}

async function kept<T>(
  deps: Pick<Deps, 'db' | 'masterKey'>,
  name: string,
  make: () => Promise<T>,
): Promise<{ value: T; sealed: string; madeAt: number }> {
  const read = () => deps.db.get<KeptRow>('SELECT sealed, created_at FROM identity_keys WHERE name = ?', [name])
  if (!(await read())) {
    await deps.db.tx(addKey, { name, sealed: seal(deps.masterKey, sealedAt(name), JSON.stringify(await make())) })
  }
  const row = await read()
  if (!row) throw new Error(`no identity key ${name}`)
  const value = JSON.parse(unseal(deps.masterKey, sealedAt(name), row.sealed)) as T
  return { value, sealed: row.sealed, madeAt: row.created_at }
}

function sealedAt(name: string): string {
  return `identity_keys/${name}`
}

export const sealedIdentityKeys = sealedColumn({
  table: 'identity_keys',
  key: 'name',
  column: 'sealed',
  place: ({ key }) => sealedAt(key),
})

async function freshSigningKey(): Promise<SigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  const kid = randomBytes(9).toString('base64url')
  return { ...privateKey.export({ format: 'jwk' }), kty: 'RSA', kid, alg: 'RS256', use: 'sig' }
}
