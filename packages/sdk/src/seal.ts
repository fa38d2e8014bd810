// A small value in a cookie, which its bearer can neither read nor change.
// owns: AES-GCM by the web's own crypto. never: a long life. always true: what does not open, or is too old, is null.

import { base64url, bytesOf, sha256, textOf, utf8 } from './bytes.ts'
import { parsed } from './errors.ts'

const IV_BYTES = 12
const SECRET_MIN = 32

/** @param secret at least 32 characters, from chance: `openssl rand -base64 32` */
export async function seal(value: unknown, secret: string, expiresAt: number): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const text = utf8(JSON.stringify({ value, expiresAt }))
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await keyOf(secret), text))
  return `${base64url(iv)}.${base64url(sealed)}`
}

export async function unseal(text: string, secret: string, now: number): Promise<unknown> {
  const [iv, sealed] = text.split('.').map(bytesOf)
  if (!iv || !sealed || iv.length !== IV_BYTES) return null
  const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await keyOf(secret), sealed).catch(() => null)
  const told = opened && (parsed(textOf(new Uint8Array(opened))) as { value: unknown; expiresAt: number })
  return told && told.expiresAt > now ? told.value : null
}

async function keyOf(secret: string): Promise<CryptoKey> {
  if (secret.length < SECRET_MIN) throw new TypeError(`a cookie secret has at least ${SECRET_MIN} characters`)
  return crypto.subtle.importKey('raw', await sha256(secret), 'AES-GCM', false, ['encrypt', 'decrypt'])
}
