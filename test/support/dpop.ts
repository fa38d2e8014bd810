// A caller that holds a key, and proves it (RFC 9449).
// owns: keys and proofs of tests, also wrong ones. never: an expectation. always true: every proof is new unless said otherwise.

import { createHash, randomBytes } from 'node:crypto'
import * as jose from 'jose'
import { type App, call, codeFor, type Person, type Reply } from './api.ts'
import type { Server } from './server.ts'

export type Holder = { privateKey: jose.CryptoKey; jwk: jose.JWK; jkt: string }
/** What differs from a right proof; a claim that is undefined is left out. */
export type Wrong = {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  by?: Holder
  /** Seconds that the proof's clock is ahead. */
  aheadS?: number
}

export async function holder(): Promise<Holder> {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
  const jwk = await jose.exportJWK(publicKey)
  return { privateKey, jwk, jkt: await jose.calculateJwkThumbprint(jwk) }
}

/** A proof for one request. */
export async function proofFor(
  own: Holder,
  request: { method: string; url: string; token?: string },
  wrong: Wrong = {},
): Promise<string> {
  const key = wrong.by ?? own
  const claims = {
    htm: request.method,
    htu: request.url.split('?')[0],
    jti: randomBytes(12).toString('hex'),
    iat: Math.floor(Date.now() / 1000) + (wrong.aheadS ?? 0),
    ...(request.token ? { ath: createHash('sha256').update(request.token).digest('base64url') } : {}),
    ...wrong.claims,
  }
  return await new jose.SignJWT(claims as jose.JWTPayload)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk, ...wrong.header } as jose.JWTHeaderParameters)
    .sign(key.privateKey)
}

/** Connects a person to an app with tokens that are bound to the holder's key. */
export async function boundTokens(
  server: Server,
  person: Person,
  app: App,
  own: Holder,
  options: { scope?: string } = {},
): Promise<{ access: string; refresh: string; type: string }> {
  const { code, verifier } = await codeFor(server, person, app, options)
  const reply = await formPost(server, '/oauth/token', own, {
    grant_type: 'authorization_code',
    client_id: app.clientId,
    ...(app.clientSecret ? { client_secret: app.clientSecret } : {}),
    code,
    redirect_uri: app.redirectUri,
    code_verifier: verifier,
  })
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.text}`)
  const { access_token: access = '', refresh_token: refresh = '', token_type: type = '' } = reply.body
  return { access, refresh, type }
}

/** A form posted with a proof. */
export async function formPost(
  server: Server,
  path: string,
  own: Holder,
  form: Record<string, string>,
  wrong: Wrong = {},
): Promise<Reply<Record<string, string>>> {
  const proof = await proofFor(own, { method: 'POST', url: `${server.url}${path}` }, wrong)
  return call(server, 'POST', path, {
    raw: new URLSearchParams(form).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', dpop: proof },
  })
}

/** A request to our own routes with a bound token. */
export async function boundCall(
  server: Server,
  own: Holder,
  token: string,
  request: { method?: string; path: string; body?: unknown; headers?: Record<string, string> },
  wrong: Wrong = {},
) {
  const method = request.method ?? 'GET'
  const dpop = await proofFor(own, { method, url: `${server.url}${request.path}`, token }, wrong)
  const { body } = request
  return call<{ error?: { code: string } }>(server, method, request.path, {
    headers: { authorization: `DPoP ${token}`, dpop, ...request.headers },
    ...(body === undefined ? {} : { body }),
  })
}
