// One secret on disk, sealed twice.
// owns: the refresh token's file. never: a secret in clear, or on a machine that has no real key store.
// always true: what cannot be opened reads as "nothing kept" - the person signs in again, nothing crashes.
//
// The outer seal is the operating system's (safeStorage, async calls). It encrypts without authenticating, so inside
// it lies our own AES-256-GCM, whose additional data ties the secret to one server.

import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

/** The calls of Electron's safeStorage that are used here. */
export type KeyStore = {
  isAsyncEncryptionAvailable: () => Promise<boolean>
  encryptStringAsync: (text: string) => Promise<Buffer>
  decryptStringAsync: (sealed: Buffer) => Promise<{ result: string; shouldReEncrypt: boolean }>
  getSelectedStorageBackend?: () => string
}

export type SealedFile = {
  /** The secret, or null when none is kept or it cannot be opened. */
  read: () => Promise<string | null>
  /** Keeps the secret if this machine can; @returns whether it did (false: it lives for this run only) */
  write: (secret: string) => Promise<boolean>
  clear: () => Promise<void>
}

/** Where the secret of one server lies in a profile: a sign-in at another server neither reads nor replaces it. */
export const secretFile = (folder: string, server: string): string =>
  join(folder, `session-${createHash('sha256').update(server).digest('hex').slice(0, 16)}.sealed`)

const MARK = Buffer.from('quota-wallet sealed 1\n')
const Inner = z.strictObject({ key: z.base64(), nonce: z.base64(), tag: z.base64(), body: z.base64() })
/** Linux backends that protect nothing: a fixed password, or none found. */
const NO_PROTECTION = new Set(['basic_text', 'unknown'])

/**
 * Opens the keeper of one secret.
 * @param file absolute path @param boundTo what the secret belongs to (the server's origin); another one cannot open it
 * @param platform process.platform: only Linux names its backend
 */
export function sealedFile(
  file: string,
  { boundTo, keys, platform }: { boundTo: string; keys: KeyStore; platform: string },
): SealedFile {
  const canKeep = async () => {
    if (!(await keys.isAsyncEncryptionAvailable().catch(() => false))) return false
    return platform !== 'linux' || !NO_PROTECTION.has(keys.getSelectedStorageBackend?.() ?? 'unknown')
  }
  const clear = () => rm(file, { force: true })
  const write = async (secret: string) => {
    if (!(await canKeep())) {
      // An older secret that this machine could once keep must not outlive the sign-in that replaced it.
      await clear()
      return false
    }
    await replaceFile(file, Buffer.concat([MARK, await keys.encryptStringAsync(seal(secret, boundTo))]))
    return true
  }
  return {
    clear,
    write,
    async read() {
      const stored = await readFile(file).catch(() => null)
      if (stored === null || !stored.subarray(0, MARK.length).equals(MARK) || !(await canKeep())) return null
      try {
        const outer = await keys.decryptStringAsync(stored.subarray(MARK.length))
        const secret = unseal(outer.result, boundTo)
        if (outer.shouldReEncrypt) await write(secret)
        return secret
      } catch {
        return null
      }
    },
  }
}

function seal(secret: string, boundTo: string): string {
  const key = randomBytes(32)
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo))
  const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  const parts = { key, nonce, tag: cipher.getAuthTag(), body }
  return JSON.stringify(
    Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.toString('base64')])),
  )
}

function unseal(text: string, boundTo: string): string {
  const inner = Inner.parse(JSON.parse(text))
  const [key, nonce, tag, body] = [inner.key, inner.nonce, inner.tag, inner.body].map((part) =>
    Buffer.from(part, 'base64'),
  )
  const decipher = createDecipheriv('aes-256-gcm', key!, nonce!, { authTagLength: 16 })
  decipher.setAAD(Buffer.from(boundTo)).setAuthTag(tag!)
  return Buffer.concat([decipher.update(body!), decipher.final()]).toString('utf8')
}

/** Old or new, never half: a temporary file of mode 0600, synced, then renamed over. */
async function replaceFile(file: string, content: Buffer): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}
