// Sealing of secrets at rest.
// owns: the envelope (key id, nonce, tag). never: the keys themselves, a secret in a log.
// always true: AES-256-GCM with a random nonce, bound to the row it belongs to; a copied row does not open.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_ID_LENGTH = 8

/** 32 bytes; or, while a new key takes over, several: the first seals, and each opens what it sealed. */
export type MasterKey = Buffer | readonly [seals: Buffer, ...opens: Buffer[]]

/**
 * Seals a text.
 * @param row where it will lie, e.g. "identity_keys/abc"; opening needs the same words
 */
export function seal(masterKey: MasterKey, row: string, plain: string): string {
  const [key] = keysOf(masterKey)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', rowKey(key), nonce)
  cipher.setAAD(Buffer.from(row))
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return `${keyId(key)}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
}

/** Opens what `seal` made. @throws Error when no key fits, or the row or a byte differs */
export function unseal(masterKey: MasterKey, row: string, sealed: string): string {
  const [kid, text] = sealed.split('.', 2)
  const key = keysOf(masterKey).find((one) => keyId(one) === kid)
  if (!key || !text) throw new Error('sealed with another master key')
  const bytes = Buffer.from(text, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', rowKey(key), bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(row))
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
}

/** What every text begins with that the newest key has sealed. */
export function sealedBegin(masterKey: MasterKey): string {
  return `${keyId(keysOf(masterKey)[0])}.`
}

/** SHA-256 in hex; for looking up keys and tokens, which are random and need no slow hash. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function keysOf(masterKey: MasterKey): readonly [Buffer, ...Buffer[]] {
  return Buffer.isBuffer(masterKey) ? [masterKey] : masterKey
}

function rowKey(masterKey: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', 'quota seal v1', 32))
}

function keyId(masterKey: Buffer): string {
  return createHash('sha256').update('key id').update(masterKey).digest('hex').slice(0, KEY_ID_LENGTH)
}
