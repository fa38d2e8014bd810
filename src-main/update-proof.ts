// Who may say that there is a new version.
// owns: the signature over a release, and the order of versions. never: a download, Electron.
// always true: a release that is not newer, or whose version, files and hashes were not signed together by the key that this
// program was built with, is none. (electron-updater's own check on Linux is a hash from the same unsigned file.)

import { createPublicKey, sign, verify } from 'node:crypto'
import { z } from 'zod'

/** The part of latest*.yml that is signed; `signature` is put there by sign-release.ts. */
const Release = z.object({
  version: z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/),
  files: z.array(z.object({ url: z.string().min(1), sha512: z.string().min(80) })).min(1),
  signature: z.base64(),
})

/** What is signed: the version, and each file with its hash, in their order. */
export function statement({ version, files }: { version: string; files: { url: string; sha512: string }[] }): Buffer {
  return Buffer.from(JSON.stringify(['quota-wallet release 1', version, files.map((f) => [f.url, f.sha512])]))
}

/** Ed25519. @param key a private key in PEM @returns base64 */
export function signRelease(release: Parameters<typeof statement>[0], key: string): string {
  return sign(null, statement(release), key).toString('base64')
}

/**
 * Reads a release as a server describes it.
 * @param publicKey Ed25519, SubjectPublicKeyInfo in base64 @param current the version that runs
 * @returns its version, or why it is none
 */
export function provenRelease(
  info: unknown,
  { publicKey, current }: { publicKey: string; current: string },
): { version: string } | { refused: 'malformed' | 'not newer' | 'not signed by us' } {
  const read = Release.safeParse(info)
  if (!read.success) return { refused: 'malformed' }
  if (!isNewer(read.data.version, current)) return { refused: 'not newer' }
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
  const signed = verify(null, statement(read.data), key, Buffer.from(read.data.signature, 'base64'))
  return signed ? { version: read.data.version } : { refused: 'not signed by us' }
}

/** Whether one plain version (three numbers) is above another; a version of another shape never is. */
export function isNewer(version: string, current: string): boolean {
  const [a, b] = [version, current].map((text) => text.split('.').map(Number))
  if (a!.length !== 3 || b!.length !== 3 || ![...a!, ...b!].every(Number.isSafeInteger)) return false
  const at = a!.findIndex((part, i) => part !== b![i])
  return at >= 0 && a![at]! > b![at]!
}
