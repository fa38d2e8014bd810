// The authorization server's own keys.
// owns: identity_keys. never: a private key in clear on disk or in a log.
// always true: made once, kept sealed, the same for every process on one database.

import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { procedure, type Tx } from '../db/db.ts'
import { sealedColumn } from '../db/sealed.ts'
import type { Deps } from '../deps.ts'
import { seal, unseal } from '../seal.ts'

export type SigningKey = Record<string, unknown> & { kty: 'RSA'; kid: string }
export type IdentityKeys = { jwks: { keys: SigningKey[] }; cookieKeys: string[] }

const RSA_BITS = 2048

// The first process to come wins; the others read what it wrote.
const addKey = procedure('identity.addKey', async (tx: Tx, row: { name: string; sealed: string }) => {
  await tx.run('INSERT INTO identity_keys (name, sealed, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING', [
    row.name,
    row.sealed,
    tx.now,
  ])
})

/** The keys; made on the first start. @throws Error when the master key is not the one that sealed them */
export async function identityKeys(deps: Pick<Deps, 'db' | 'masterKey'>): Promise<IdentityKeys> {
  const jwks = await kept(deps, 'jwks', async () => ({ keys: [await freshSigningKey()] }))
  const cookieKeys = await kept(deps, 'cookies', async () => [randomBytes(32).toString('base64url')])
  return { jwks, cookieKeys }
}

async function kept<T>(deps: Pick<Deps, 'db' | 'masterKey'>, name: string, make: () => Promise<T>): Promise<T> {
  const read = () => deps.db.get<{ sealed: string }>('SELECT sealed FROM identity_keys WHERE name = ?', [name])
  if (!(await read())) {
    await deps.db.tx(addKey, { name, sealed: seal(deps.masterKey, sealedAt(name), JSON.stringify(await make())) })
  }
  const row = await read()
  if (!row) throw new Error(`no identity key ${name}`)
  return JSON.parse(unseal(deps.masterKey, sealedAt(name), row.sealed)) as T
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
