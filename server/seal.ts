// Sealing of secrets at rest.
// owns: the envelope (key id, nonce, tag). never: the keys themselves, a secret in a log.
// always true: AES-256-GCM with a random nonce, bound to the row it belongs to; a copied row does not open.

import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals a text.
 * @param masterKey 32 bytes
 * @param row where it will lie, e.g. "identity_keys/abc"; opening needs the same words
 */
export function seal(masterKey: Buffer, row: string, plain: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', rowKey(masterKey), nonce)
  cipher.setAAD(Buffer.from(row))
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return `${keyId(masterKey)}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`
}

/** Opens what `seal` made. @throws Error when the key, the row or a byte differs */
export function unseal(masterKey: Buffer, row: string, sealed: string): string {
  const [kid, text] = sealed.split('.', 2)
  if (kid !== keyId(masterKey) || !text) throw new Error('sealed with another master key')
  const bytes = Buffer.from(text, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', rowKey(masterKey), bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(row))
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
}

/** SHA-256 in hex; for looking up keys and tokens, which are random and need no slow hash. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function rowKey(masterKey: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', 'quota seal v1', 32))
}

function keyId(masterKey: Buffer): string {
  return createHash('sha256').update('key id').update(masterKey).digest('hex').slice(0, 8)
}
