// The wire is what server/contract/ says; this notices every change to it.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WIRE_HASH } from '../server/contract/version.ts'

const FOLDER = join(import.meta.dirname, '../server/contract')

/** SHA-256 over names and texts of the contract's files, in order of their names; version.ts holds the hash. */
function hashOf(files: readonly { name: string; text: string }[]): string {
  const hash = createHash('sha256')
  const ordered = [...files].filter(({ name }) => name !== 'version.ts').sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, text } of ordered) hash.update(`${name}\0${text.replaceAll('\r\n', '\n')}\0`)
  return hash.digest('hex')
}

function contractFiles() {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'))
  return names.map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }))
}

test('the contract is the one that WIRE_HASH names', () => {
  const hash = hashOf(contractFiles())
  assert.equal(
    hash,
    WIRE_HASH,
    `server/contract/ changed. If the wire changed its meaning: raise WIRE_VERSION, and write a line of history. In any case set\n\n  WIRE_HASH = '${hash}'\n\nin server/contract/version.ts.`,
  )
})

test('any change of a contract file would be seen, a change of version.ts would not', () => {
  const files = contractFiles()
  const hash = hashOf(files)
  const changed = (name: string) =>
    files.map((file) => (file.name === name ? { ...file, text: `${file.text} ` } : file))
  for (const { name } of files) {
    assert.equal(hashOf(changed(name)) === hash, name === 'version.ts', name)
  }
  assert.notEqual(hashOf([...files, { name: 'extra.ts', text: '' }]), hash)
})
