// Signs what electron-builder made: `QUOTA_UPDATE_KEY=key.pem node src-main/packaging/sign-release.ts dist/latest*.yml`.
// owns: one line added to each file. never: the key (it is read, and stays where it is). always true: a file that is signed
// already, or whose hashes are not those of the files beside it, is refused.

import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { signRelease } from '../update-proof.ts'

/** electron-updater's own reader of these files; the package has no types. */
const { load } = createRequire(import.meta.url)('js-yaml') as { load: (text: string) => unknown }
type Described = { version: string; files: { url: string; sha512: string }[]; signature?: string }

/** Signs one latest*.yml. @param key an Ed25519 private key in PEM @throws Error when it is not what was built */
export function signFile(path: string, key: string): void {
  const described = load(readFileSync(path, 'utf8')) as Described
  if (described.signature !== undefined) throw new Error(`${path} is signed already`)
  for (const { url, sha512 } of described.files) {
    const made = createHash('sha512')
      .update(readFileSync(join(dirname(path), url)))
      .digest('base64')
    if (made !== sha512) throw new Error(`${path} describes another ${url} than the one beside it`)
  }
  appendFileSync(path, `signature: ${signRelease(described, key)}\n`)
}

if (import.meta.main) {
  const key = readFileSync(process.env.QUOTA_UPDATE_KEY ?? '', 'utf8')
  for (const path of process.argv.slice(2)) signFile(path, key)
}
