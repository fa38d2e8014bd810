// Identifiers that sort by the time they were made.
// owns: their shape. never: meaning. always true: `^[a-z]+_[0-9a-z]{26}$`, later ids sort after earlier ones of one process.

import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
let lastMs = 0
let lastTail = 0n
const TAIL_BITS = 80n

/**
 * Makes an id in the manner of ULID: 48 bits of time, 80 bits of randomness, counted up within a millisecond.
 * @param prefix short word that says what it names ("req", "user")
 * @param nowMs milliseconds since the epoch
 */
export function newId(prefix: string, nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs
    lastTail = BigInt(`0x${chance(10).toString('hex')}`) >> 1n
  } else {
    lastTail += 1n + BigInt(chance(1)[0] ?? 0)
  }
  return `${prefix}_${base32(BigInt(lastMs), 10)}${base32(lastTail & ((1n << TAIL_BITS) - 1n), 16)}`
}

// Random bytes from a pool: asking the system for ten at a time costs more than the id.
const POOL_BYTES = 4096
let pool = Buffer.alloc(0)
function chance(bytes: number): Buffer {
  if (pool.length < bytes) pool = randomBytes(POOL_BYTES)
  const taken = pool.subarray(0, bytes)
  pool = pool.subarray(bytes)
  return taken
}

function base32(value: bigint, length: number): string {
  let text = ''
  for (let rest = value, i = 0; i < length; i++, rest >>= 5n) text = ALPHABET[Number(rest & 31n)] + text
  return text
}
