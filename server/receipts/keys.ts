// The key that signs receipts, and the public keys that check them.
// owns: receipt_keys. never: a private key in clear on disk or in a log.
// always true: every key that ever signed stays published.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Db, procedure, type Reader, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import { type MasterKey, seal, unseal } from '../seal.ts'

type KeyRow = { kid: string; public_jwk: string; sealed: string }

const DAY_MS = 86_400_000
/** After how long a new key takes over by itself. */
const KEY_AGE_MS = 90 * DAY_MS
/** A key is published before it signs: longer than any copy of the published ones is kept (routes.ts). */
const PUBLISHED_AHEAD_MS = 600_000

type NewKey = KeyRow & { inPlaceOf: string | null }

const addKey = procedure('receipts.addKey', async (tx: Tx, row: NewKey): Promise<boolean> => {
  // Takes the old key's row, so that of several at once the later ones see what the first has written.
  if (row.inPlaceOf) await tx.run('UPDATE receipt_keys SET kid = kid WHERE kid = ?', [row.inPlaceOf])
  if (((await newest(tx))?.kid ?? null) !== row.inPlaceOf) return false // another process was first
  await tx.run('INSERT INTO receipt_keys (kid, public_jwk, sealed, created_at) VALUES (?, ?, ?, ?)', [
    row.kid,
    row.public_jwk,
    row.sealed,
    tx.now,
  ])
  return true
})

export type ReceiptKey = { kid: string; privateKeyPem: string; publicKey: KeyObject }
type Ports = { db: Db; masterKey: MasterKey; now: () => number }

/**
 * The key that signs now: the newest that has been published long enough; the first one is made at the first start.
 * @throws Error when the master key is not the one that sealed it
 */
export async function receiptKey({ db, masterKey, now }: Ports): Promise<ReceiptKey> {
  if (!(await newest(db))) await db.tx(addKey, { ...freshKey(masterKey), inPlaceOf: null })
  const row = await signing(db, now() - PUBLISHED_AHEAD_MS)
  if (!row) throw new Error('no receipt key')
  const privateKeyPem = unseal(masterKey, sealedAt(row.kid), row.sealed)
  return { kid: row.kid, privateKeyPem, publicKey: createPublicKey(createPrivateKey(privateKeyPem)) }
}

/**
 * Publishes a new key, which signs in ten minutes; the old ones stay published for good.
 * @param olderThanMs only when the newest is that old
 * @returns the new key's id and when it begins; null when none was needed, or another process was first
 */
export async function rotateReceiptKey(
  { db, masterKey, now }: Ports,
  olderThanMs = 0,
): Promise<{ kid: string; signsFrom: number } | null> {
  const last = await newest(db)
  if (last && olderThanMs > 0 && last.created_at > now() - olderThanMs) return null
  const fresh = freshKey(masterKey)
  const added = await db.tx(addKey, { ...fresh, inPlaceOf: last?.kid ?? null })
  return added ? { kid: fresh.kid, signsFrom: now() + PUBLISHED_AHEAD_MS } : null
}

/** A new key after ninety days. */
export function rotateOldReceiptKey(ports: Ports): Promise<unknown> {
  return rotateReceiptKey(ports, KEY_AGE_MS)
}

function newest(reader: Reader): Promise<(KeyRow & { created_at: number }) | undefined> {
  return reader.get(
    'SELECT kid, public_jwk, sealed, created_at FROM receipt_keys ORDER BY created_at DESC, kid LIMIT 1',
  )
}

// While none has been published long enough, the first one.
function signing(reader: Reader, publishedBy: number): Promise<KeyRow | undefined> {
  return reader.get<KeyRow>(
    `SELECT kid, public_jwk, sealed FROM receipt_keys
     ORDER BY CASE WHEN created_at <= ? THEN 0 ELSE 1 END, CASE WHEN created_at <= ? THEN -created_at ELSE created_at END, kid
     LIMIT 1`,
    [publishedBy, publishedBy],
  )
}

function freshKey(masterKey: MasterKey): KeyRow {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = publicKey.export({ format: 'jwk' })
  const kid = String(jwk.x).slice(0, 16)
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return {
    kid,
    public_jwk: JSON.stringify({ ...jwk, kid, alg: 'EdDSA', use: 'sig' }),
    sealed: seal(masterKey, sealedAt(kid), pem),
  }
}

function sealedAt(kid: string): string {
  return `receipt_keys/${kid}`
}

export const sealedReceiptKeys = sealedColumn({
  table: 'receipt_keys',
  key: 'kid',
  column: 'sealed',
  place: ({ key }) => sealedAt(key),
})

/** The JWKS (RFC 7517) with every public key. */
export async function jwks(reader: Reader): Promise<{ keys: unknown[] }> {
  const rows = await reader.all<{ public_jwk: string }>('SELECT public_jwk FROM receipt_keys ORDER BY created_at, kid')
  return { keys: rows.map((row) => JSON.parse(row.public_jwk)) }
}
