// Proof that a caller holds the key its token is bound to (RFC 9449), for our own routes.
// owns: the checks of section 4.3 there, and that a proof is good once. never: the protocol's endpoints (oidc-provider
// checks theirs, over the same rows of used proofs), a mere bearer's request.
// always true: a proof that is refused has written nothing; one that is taken is used up for every process.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { calculateJwkThumbprint, decodeJwt, EmbeddedJWK, type JWTVerifyResult, jwtVerify } from 'jose'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { seal } from '../seal.ts'
import { skewMs } from './clock.ts'
import { modelAt, modelId, putModelOnce } from './models.ts'

export const PROOF_ALGORITHMS = ['ES256', 'Ed25519', 'EdDSA'] as const
/** How far a proof's clock may be from ours, in seconds. */
const PROOF_WINDOW_S = 60
const MAX_PROOF = 4096
const MAX_JTI = 512
const KIND = 'ReplayDetection'

/** What a token says of itself. */
export type Bound = { token: string /** Thumbprint of the key (RFC 7638). */; dpopKey: string }

/**
 * Checks the proof beside a bound token, and uses it up.
 * @throws Fault `invalid_dpop_proof`, whatever is wrong with it
 */
export async function checkProof(deps: Deps, request: FastifyRequest, bound: Bound): Promise<void> {
  const { protectedHeader, payload } = await verified(request.headers.dpop)
  const { htm, htu, iat, jti, ath } = payload
  if (htm !== request.method) throw refused('htm')
  if (typeof htu !== 'string' || addressOf(htu) !== addressOf(`${deps.publicUrl}${request.raw.url}`))
    throw refused('htu')
  if (typeof iat !== 'number' || !isNear(deps, iat)) throw refused('iat')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI) throw refused('jti')
  if (ath !== createHash('sha256').update(bound.token).digest('base64url')) throw refused('ath')
  if (!protectedHeader.jwk || !same(await calculateJwkThumbprint(protectedHeader.jwk), bound.dpopKey))
    throw refused('another key')
  if (!(await deps.db.tx(putModelOnce, usedProof(deps, bound.dpopKey, jti)))) throw refused('used before')
}

/** Whether a proof, still unchecked, says a time near ours. One that cannot be read is for the checks to refuse. */
export function isTimely(deps: Pick<Deps, 'now'>, proof: string | string[] | undefined): boolean {
  if (typeof proof !== 'string') return true
  try {
    const { iat } = decodeJwt(proof)
    return typeof iat !== 'number' || isNear(deps, iat)
  } catch {
    return true
  }
}

// Proofs are made on other machines, so by real time, which a shifted clock of ours is not.
function isNear(deps: Pick<Deps, 'now'>, iat: number): boolean {
  return Math.abs((deps.now() - skewMs(deps)) / 1000 - iat) <= PROOF_WINDOW_S
}

/** The signature, by the key that the proof itself carries; a private or a shared one is refused by the library. */
async function verified(proof: string | string[] | undefined): Promise<JWTVerifyResult> {
  if (typeof proof !== 'string' || proof.length > MAX_PROOF) throw refused('none, several or too long')
  try {
    return await jwtVerify(proof, EmbeddedJWK, { algorithms: [...PROOF_ALGORITHMS], typ: 'dpop+jwt' })
  } catch (cause) {
    throw refused(cause)
  }
}

function refused(cause: unknown) {
  return fault('invalid_dpop_proof', { cause })
}

// Compared without query and fragment (RFC 9449, 4.3, rule 9), as the same parser writes both.
function addressOf(text: string): string | null {
  const url = URL.parse(text)
  if (!url) return null
  url.search = ''
  url.hash = ''
  return url.href
}

function same(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

// A key's holder alone can make its proofs, so nobody can use up another's name for one.
function usedProof(deps: Deps, dpopKey: string, jti: string) {
  const id = modelId(KIND, `${dpopKey} ${jti}`)
  return {
    id,
    kind: KIND,
    payload: seal(deps.masterKey, modelAt(KIND, id), '{}'), // its being there is all that it says
    grant_id: null,
    user_id: null,
    client_id: null,
    scope: null,
    dpop_key: null,
    alias: null,
    expires_at: deps.now() + 2 * PROOF_WINDOW_S * 1000,
  }
}
