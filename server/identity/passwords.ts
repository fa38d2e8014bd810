// Passwords: argon2id.
// owns: the parameters and the encoding of a hash. never: a password in a log, a commit that waits for a hash.
// always true: checking a password of nobody takes as long as checking a wrong one.

import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { fault } from '../faults.ts'

// OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
const COST = { memory: 19 * 1024, passes: 2, parallelism: 1, tagLength: 32 } as const
const SALT_BYTES = 16
/** Hashes under way or waiting, at most; each takes 19 MiB. */
const PENDING_MAX = 64
let pending = 0

/** @returns a PHC string; @throws Fault `rate_limit_exceeded` when too many hashes are under way */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await derive(password, salt)
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${b64(salt)}$${b64(tag)}`
}

/**
 * Checks a password.
 * @param hash what hashPassword made; null (no such person) is checked against a hash that nothing matches
 */
export async function passwordMatches(password: string, hash: string | null): Promise<boolean> {
  const [, , , , salt = '', tag = ''] = (hash ?? NOBODY).split('$')
  const expected = Buffer.from(tag, 'base64')
  const given = await derive(password, Buffer.from(salt, 'base64'))
  return expected.length === given.length && timingSafeEqual(expected, given) && hash !== null
}

const NOBODY = `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${b64(randomBytes(SALT_BYTES))}$${b64(randomBytes(32))}`

async function derive(password: string, nonce: Buffer): Promise<Buffer> {
  if (pending >= PENDING_MAX) throw fault('rate_limit_exceeded', { retryAfterS: 1 })
  pending++
  const parameters: Argon2Parameters = { ...COST, message: Buffer.from(password.normalize('NFC'), 'utf8'), nonce }
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      argon2('argon2id', parameters, (error, key) => (error ? reject(error) : resolve(key)))
    })
  } finally {
    pending--
  }
}

function b64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
