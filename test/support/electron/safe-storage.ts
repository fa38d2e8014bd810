// safeStorage with a key in a file.
// owns: the same calls and failures as Electron's, by STANDIN_KEYCHAIN: "ok", "basic" or "unavailable".
// never: a secret store - it stands in for one. always true: what one profile sealed no other opens.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loud } from './loud.ts'
import { runtime } from './runtime.ts'

const PREFIX = 'v11'
const NONCE = 12
const TAG = 16
const mode = () => process.env.STANDIN_KEYCHAIN ?? 'ok'

const sync = {
  isEncryptionAvailable: () => runtime.isReady && mode() !== 'unavailable',
  getSelectedStorageBackend: () => {
    if (!runtime.isReady) return 'unknown'
    return mode() === 'ok' ? 'gnome_libsecret' : 'basic_text'
  },
  encryptString(text: string): Buffer {
    if (typeof text !== 'string') throw new TypeError('Error processing argument at index 0, conversion failure')
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv(
      'aes-256-gcm',
      key('encrypting the text provided to safeStorage.encryptString'),
      nonce,
    )
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.from(PREFIX), nonce, cipher.getAuthTag(), body])
  },
  decryptString(sealed: Buffer): string {
    const what = 'decrypting the ciphertext provided to safeStorage.decryptString'
    const bytes = sealed.subarray(PREFIX.length)
    try {
      const decipher = createDecipheriv('aes-256-gcm', key(what), bytes.subarray(0, NONCE), { authTagLength: TAG })
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
      return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8')
    } catch {
      throw new Error(`Error while ${what}.`)
    }
  },
}

export const safeStorage = loud('safeStorage', {
  ...sync,
  setUsePlainTextEncryption: () => {},
  isAsyncEncryptionAvailable: async () => sync.isEncryptionAvailable(),
  encryptStringAsync: async (text: string) => sync.encryptString(text),
  decryptStringAsync: async (sealed: Buffer) => ({ shouldReEncrypt: false, result: sync.decryptString(sealed) }),
})

function key(what: string): Buffer {
  if (!runtime.isReady) throw new Error('safeStorage cannot be used before app is ready')
  if (mode() === 'unavailable') throw new Error(`Error while ${what}. Encryption is not available.`)
  const file = join(runtime.userData(), 'standin.key')
  mkdirSync(runtime.userData(), { recursive: true })
  if (!existsSync(file)) writeFileSync(file, randomBytes(32), { mode: 0o600 })
  return readFileSync(file)
}
