// The key that signs receipts, and the public keys that check them.
// owns: receipt_keys. never: a private key in clear on disk or in a log.
// always true: every key that ever signed stays published.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type Db, procedure, type Reader, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import { type MasterKey, seal, unseal } from '../seal.ts'

type KeyRow = { kid: string; public_jwk: string; sealed: string }

const addKey = procedure('receipts.addKey', async (tx: Tx, row: KeyRow) => {
  const there = await tx.get('SELECT kid FROM receipt_keys LIMIT 1')
  if (there) return // another process was first; its key is read below
  await tx.run('INSERT INTO receipt_keys (kid, public_jwk, sealed, created_at) VALUES (?, ?, ?, ?)', [
    row.kid,
    row.public_jwk,
    row.sealed,
    tx.now,
  ])
})

export type ReceiptKey = { kid: string; privateKeyPem: string; publicKey: KeyObject }

/**
 * The newest signing key; made on the first start.
 * @throws Error when the master key is not the one that sealed it
 */
export async function receiptKey(db: Db, masterKey: MasterKey): Promise<ReceiptKey> {
  if (!(await newest(db))) await db.tx(addKey, freshKey(masterKey))
  const row = await newest(db)
  if (!row) throw new Error('no receipt key')
  const privateKeyPem = unseal(masterKey, sealedAt(row.kid), row.sealed)
  return { kid: row.kid, privateKeyPem, publicKey: createPublicKey(createPrivateKey(privateKeyPem)) }
}

function newest(reader: Reader): Promise<KeyRow | undefined> {
  return reader.get<KeyRow>('SELECT kid, public_jwk, sealed FROM receipt_keys ORDER BY created_at DESC, kid LIMIT 1')
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
