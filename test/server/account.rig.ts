// What the tests of accounts share: a person with a second factor, an authenticator in software, and "nothing else moved".
// owns: these helpers. never: an expectation of its own but "nothing moved".
// always true: the authenticator signs as a real one would, and every lie it can tell is named.

import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import type { Mail } from '../../server/mail.ts'
import {
  type Answer,
  type Browser,
  bearer,
  browser,
  type Json,
  type Rig,
  register,
  type Signed,
} from './identity.rig.ts'

const STEP_MS = 30_000

/** Rows of every table that a refusal must leave alone. Uses and failed tries are counted elsewhere. */
const WATCHED = [
  'SELECT id, email, password_hash, email_verified_at, version FROM users ORDER BY id',
  'SELECT token_hash, recent_at FROM sessions ORDER BY token_hash',
  'SELECT id, kind FROM devices ORDER BY id',
  'SELECT user_id, sealed, last_step, confirmed_at FROM totps ORDER BY user_id',
  'SELECT hash FROM recovery_codes ORDER BY hash',
  'SELECT id, counter, last_used_at FROM passkeys ORDER BY id',
  'SELECT hash, purpose FROM mail_tokens ORDER BY hash',
  `SELECT id, consumed_at FROM oidc_models WHERE kind IN ('Grant', 'RefreshToken', 'AccessToken', 'Session') ORDER BY id`,
]

async function rowsOf(rig: Rig): Promise<Set<string>> {
  const rows = new Set<string>()
  for (const sql of WATCHED)
    for (const row of await rig.db.all(sql)) rows.add(`${/FROM (\w+)/.exec(sql)?.[1]} ${JSON.stringify(row)}`)
  return rows
}

export async function standing(rig: Rig): Promise<string> {
  return [...(await rowsOf(rig))].join('\n')
}

/** A new account, once the mail that confirms its address is out: nothing of it is under way any more. */
export async function newPerson(rig: Rig, on?: Browser): Promise<Signed> {
  const person = await register(rig, on)
  await mailsTo(rig, person.email, 1)
  return person
}

/** Does something that is refused, and looks that it left everything as it was. */
export async function refused(rig: Rig, act: () => Promise<Answer>, status: number, code: string): Promise<Json> {
  const before = await rowsOf(rig)
  const answer = await act()
  const error = answer.body.error as Json | undefined
  assert.deepEqual([answer.status, error?.code], [status, code], answer.text)
  const after = await rowsOf(rig)
  const moved = [...before].filter((row) => !after.has(row)).concat([...after].filter((row) => !before.has(row)))
  assert.deepEqual(moved, [])
  return error ?? {}
}

export async function succeeds(answer: Promise<Answer> | Answer, status = 200): Promise<Answer> {
  const got = await answer
  assert.equal(got.status, status, got.text)
  return got
}

export function login(rig: Rig, person: Signed, more: Json = {}, on: Browser = browser(rig.url)): Promise<Answer> {
  return on.go('POST', '/auth/login', { json: { email: person.email, password: person.password, ...more } })
}

/** A request with a person's session. */
export function as(rig: Rig, session: string, method: string, path: string, json?: unknown): Promise<Answer> {
  return browser(rig.url).go(method, path, { headers: bearer(session), ...(json === undefined ? {} : { json }) })
}

/** The mails to an address so far, once there are so many. */
export async function mailsTo(rig: Rig, email: string, count: number): Promise<Mail[]> {
  for (let i = 0; i < 6000; i++) {
    const found = rig.mails.filter((mail) => mail.to === email)
    if (found.length >= count) return found
    await sleep(10)
  }
  throw new Error(`fewer than ${count} mails to ${email}: ${rig.mails.map((m) => `${m.to} ${m.subject}`).join('; ')}`)
}

export function tokenIn(mail: Mail | undefined): string {
  const token = /\?token=([\w-]{43})\n/.exec(mail?.text ?? '')?.[1]
  if (!token) throw new Error(`no link in: ${mail?.text}`)
  return token
}

// --- authenticator apps --------------------------------------------------------------------------------------------

export type Otp = { secret: string; codes: string[] }

/** The code at a moment; `steps` moves it by half minutes. */
export function codeAt(secret: string, nowMs: number, steps = 0): string {
  return generateSync({ secret, epoch: Math.floor((nowMs + steps * STEP_MS) / 1000) })
}

/**
 * Adds an authenticator app. The code used is that of the step before now, so that now's is unused; half a minute begins
 * anew, so that none ends between a code and its use.
 */
export async function addTotp(rig: Rig, person: Signed): Promise<Otp> {
  rig.later(STEP_MS - (rig.now() % STEP_MS))
  const { body } = await succeeds(as(rig, person.session, 'POST', '/account/totp'))
  const secret = String(body.secret)
  const confirmed = await succeeds(
    as(rig, person.session, 'POST', '/account/totp/confirm', { totp: codeAt(secret, rig.now(), -1) }),
  )
  return { secret, codes: confirmed.body.recovery_codes as string[] }
}

// --- passkeys ------------------------------------------------------------------------------------------------------

export type Lies = {
  origin?: string
  rpId?: string
  challenge?: string
  type?: string
  /** Flags of the authenticator data (Web Authentication Level 3, 6.1). */
  present?: boolean
  verified?: boolean
  counter?: number
  badSignature?: boolean
  userHandle?: string
}

export type Authenticator = {
  id: string
  create: (options: Json, lies?: Lies) => Json
  get: (options: Json, lies?: Lies) => Json
}

/** One passkey on an authenticator that counts its signatures. */
export function authenticator(url: string): Authenticator {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const raw = randomBytes(32)
  const id = raw.toString('base64url')
  let counter = 0
  let userHandle = ''
  const clientData = (type: string, options: Json, lies: Lies) => {
    const data = {
      type: lies.type ?? type,
      challenge: lies.challenge ?? options.challenge,
      origin: lies.origin ?? new URL(url).origin,
      crossOrigin: false,
    }
    return Buffer.from(JSON.stringify(data))
  }
  const authData = (lies: Lies, attested?: Buffer) => {
    const rpIdHash = createHash('sha256')
      .update(lies.rpId ?? new URL(url).hostname)
      .digest()
    const flags = (lies.present === false ? 0 : 1) | (lies.verified === false ? 0 : 4) | (attested ? 0x40 : 0)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(lies.counter ?? ++counter)
    return Buffer.concat([rpIdHash, Buffer.from([flags]), count, attested ?? Buffer.alloc(0)])
  }
  return {
    id,
    create(options, lies = {}) {
      userHandle = String((options.user as Json).id)
      const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, raw.length]), raw, coseKey(x, y)])
      const data = authData(lies, attested)
      const attestationObject = Buffer.concat([
        Buffer.from([0xa3]),
        text('fmt'),
        text('none'),
        text('attStmt'),
        Buffer.from([0xa0]),
        text('authData'),
        bytes(data),
      ])
      const response = {
        clientDataJSON: clientData('webauthn.create', options, lies).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal'],
      }
      return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response }
    },
    get(options, lies = {}) {
      const client = clientData('webauthn.get', options, lies)
      const data = authData(lies)
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
      const signature = sign(
        'sha256',
        lies.badSignature ? Buffer.concat([signed, Buffer.from('x')]) : signed,
        privateKey,
      )
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle: lies.userHandle ?? userHandle,
      }
      return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response }
    },
  }
}

// The little of CBOR (RFC 8949) that is needed.
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)])
}

function bytes(value: Buffer): Buffer {
  const head =
    value.length < 256 ? Buffer.from([0x58, value.length]) : Buffer.from([0x59, value.length >> 8, value.length & 255])
  return Buffer.concat([head, value])
}

/** An ES256 key as COSE (RFC 9053, 7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}. */
function coseKey(x: string, y: string): Buffer {
  const coordinate = (label: number, value: string) =>
    Buffer.concat([Buffer.from([label]), bytes(Buffer.from(value, 'base64url'))])
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01]),
    coordinate(0x21, x),
    coordinate(0x22, y),
  ])
}
