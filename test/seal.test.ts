// Sealing of secrets at rest, and ids.
// owns: what a sealed text gives away and refuses. never: where keys come from.
// always true: another key, another row or a changed byte does not open.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { newId } from '../server/ids.ts'
import { seal, tokenHash, unseal } from '../server/seal.ts'

const key = randomBytes(32)
const ROW = 'identity_keys/abc'

test('what is sealed opens with the same key and row', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (plain, row) => {
      assert.equal(unseal(key, row, seal(key, row, plain)), plain.isWellFormed() ? plain : plain.toWellFormed())
    }),
    { numRuns: 200 },
  )
})

test('the same text sealed twice differs, and neither holds the text', () => {
  const secret = 'sk-canary-7f3a9c'
  const [a, b] = [seal(key, ROW, secret), seal(key, ROW, secret)]
  assert.notEqual(a, b)
  for (const sealed of [a, b]) {
    assert.equal(sealed.includes('canary'), false)
    assert.equal(Buffer.from(sealed.split('.')[1] ?? '', 'base64url').includes('canary'), false)
  }
})

test('another row, another key, the key of another row: nothing opens', () => {
  const sealed = seal(key, ROW, 'secret')
  assert.throws(() => unseal(key, 'identity_keys/abd', sealed))
  assert.throws(() => unseal(key, '', sealed))
  assert.throws(() => unseal(randomBytes(32), ROW, sealed), /another master key/)
  const otherKey = randomBytes(32)
  const relabelled = `${seal(otherKey, ROW, 'x').split('.')[0]}.${sealed.split('.')[1]}`
  assert.throws(() => unseal(otherKey, ROW, relabelled))
})

test('each byte counts: a text with any one byte changed does not open', () => {
  const sealed = seal(key, ROW, 'a secret of some length')
  const [kid, text] = sealed.split('.')
  const bytes = Buffer.from(text ?? '', 'base64url')
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes)
    changed[i] = (changed[i] ?? 0) ^ 1
    assert.throws(() => unseal(key, ROW, `${kid}.${changed.toString('base64url')}`), `byte ${i}`)
  }
})

test('what is cut short does not open, however short: a tag has all its 16 bytes', () => {
  const sealed = seal(key, ROW, '')
  const [kid, text] = sealed.split('.')
  const bytes = Buffer.from(text ?? '', 'base64url')
  assert.equal(bytes.length, 28)
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => unseal(key, ROW, `${kid}.${bytes.subarray(0, length).toString('base64url')}`),
      `${length} bytes`,
    )
  }
})

test('what is no sealed text at all does not open', () => {
  for (const text of [
    '',
    '.',
    'x',
    `${seal(key, ROW, 'x').split('.')[0]}`,
    `${seal(key, ROW, 'x').split('.')[0]}.`,
    'a.b.c',
  ]) {
    assert.throws(() => unseal(key, ROW, text), text)
  }
})

test('a token is looked up by its SHA-256 in hex', () => {
  assert.equal(tokenHash('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  assert.notEqual(tokenHash('abc '), tokenHash('abc'))
})

test('ids have their shape, never repeat, and sort by making even when the clock stands or goes back', () => {
  const ids: string[] = []
  const start = Date.now() + 1_000_000
  for (let i = 0; i < 50_000; i++) ids.push(newId('req', start - (i % 7) * 1000 + (i % 100 === 0 ? i : 0)))
  for (const id of ids) assert.match(id, /^req_[0-9a-hjkmnp-tv-z]{26}$/)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(ids, ids.toSorted())
})

test('ids say their time, and fit the wire', () => {
  const later = newId('user', 2 ** 47)
  assert.ok(later.length <= 64)
  assert.match(later, /^[A-Za-z0-9_-]{1,64}$/)
})
