// oidc-provider's storage port, over the rows of models.ts.
// owns: sealing of payloads, the move between clocks, the words of a second use. never: SQL, policy.
// always true: the id of a model is not in its row; what is used twice is refused, by one guarded write.

import { type Adapter, type AdapterPayload, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { seal, unseal } from '../seal.ts'
import { skewMs } from './clock.ts'
import { holderOf, noteModel, resaveModel } from './devices.ts'
import {
  consumeModel,
  findModel,
  findModelByAlias,
  type ModelRow,
  modelAt,
  modelId,
  putModel,
  putModelOnce,
  removeGrant,
  removeModel,
  type StoredModel,
} from './models.ts'

type Ports = Pick<Deps, 'db' | 'now' | 'id' | 'masterKey'>

/** Kinds that are worth nothing once their grant is gone. */
const OF_A_GRANT = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode'])
/** Kinds reached by a second name, which then have to say their own id; it lies in the sealed payload. */
const WITH_ALIAS = new Set(['Session', 'DeviceCode'])
const TIMES = ['iat', 'iiat', 'authTime', 'loginTs'] as const

/**
 * The storage of one kind of model.
 * @param kind oidc-provider's name of it ("AccessToken", …)
 */
export function modelAdapter(deps: Ports, kind: string): Adapter {
  const open = (id: string | null, stored: StoredModel | undefined) => payloadOf(deps, kind, id, stored)
  return {
    find: (id) =>
      reading(async () => {
        const found = await findModel(deps.db, modelId(kind, id), deps.now())
        if (found && kind === 'Session') noteRead(id)
        return open(id, found)
      }),
    findByUid: (uid) =>
      reading(async () => open(null, await findModelByAlias(deps.db, aliasOf(kind, uid), deps.now()))),
    findByUserCode: (code) =>
      reading(async () => open(null, await findModelByAlias(deps.db, aliasOf(kind, code), deps.now()))),
    upsert: (id, payload, expiresIn) =>
      reading(async () => {
        const row = rowOf(deps, kind, id, payload, expiresIn)
        if (kind === 'Session' && wasRead(id)) return deps.db.tx(resaveModel, row)
        if (kind !== 'ReplayDetection') {
          await deps.db.tx(putModel, row)
          return noteDevice(deps, kind, row)
        }
        if (!(await deps.db.tx(putModelOnce, row))) throw new errors.InvalidDpopProof('DPoP proof was used before')
      }),
    consume: (id) =>
      reading(async () => {
        if (await deps.db.tx(consumeModel, { id: modelId(kind, id) })) return
        if (kind === 'PushedAuthorizationRequest') throw new errors.InvalidRequestUri('request_uri was used before')
        throw new errors.InvalidGrant(`${kind} was used before`)
      }),
    destroy: (id) => reading(() => deps.db.tx(removeModel, { id: modelId(kind, id) })),
    revokeByGrantId: (grantId) => reading(() => deps.db.tx(removeGrant, { grantId: modelId('Grant', grantId) })),
  }
}

function aliasOf(kind: string, name: string): string {
  return modelId(`${kind}.alias`, name)
}

function rowOf(deps: Ports, kind: string, id: string, payload: AdapterPayload, expiresIn?: number): ModelRow {
  if (expiresIn === undefined) throw new Error(`${kind} without an end`)
  const rowId = modelId(kind, id)
  const alias = kind === 'Session' ? payload.uid : kind === 'DeviceCode' ? payload.userCode : undefined
  const { jti: _, consumed: __, ...kept } = { ...payload, ...shifted(payload, skewMs(deps)) }
  const plain = WITH_ALIAS.has(kind) ? { ...kept, jti: id } : kept
  return {
    id: rowId,
    kind,
    payload: seal(deps.masterKey, modelAt(kind, rowId), JSON.stringify(plain)),
    grant_id: OF_A_GRANT.has(kind) && payload.grantId ? modelId('Grant', payload.grantId) : null,
    user_id: ownerOf(kind, payload),
    client_id: payload.clientId ?? null,
    scope: payload.scope ?? null,
    dpop_key: payload.jkt ?? null,
    alias: alias === undefined ? null : aliasOf(kind, alias),
    expires_at: deps.now() + expiresIn * 1000,
  }
}

// Who may end it by signing out everywhere: also a request that was answered, but has not come back yet.
function ownerOf(kind: string, payload: AdapterPayload): string | null {
  if (kind !== 'Interaction') return payload.accountId ?? null
  const { result, session } = payload as {
    result?: { login?: { accountId?: string } }
    session?: { accountId?: string }
  }
  return result?.login?.accountId ?? session?.accountId ?? null
}

// A sign-in that was read by this request is only saved over, never made anew: it may have been ended meanwhile.
const read = new WeakMap<object, Set<string>>()

function noteRead(id: string): void {
  const { ctx } = Provider
  if (ctx) read.set(ctx, (read.get(ctx) ?? new Set()).add(id))
}

function wasRead(id: string): boolean {
  const { ctx } = Provider
  return ctx !== undefined && (read.get(ctx)?.has(id) ?? false)
}

/** Notes on which device a browser's sign-in, or the grant of a refresh token, is. */
async function noteDevice(deps: Ports, kind: string, row: ModelRow): Promise<void> {
  const ctx = Provider.ctx as KoaContextWithOIDC | undefined
  if (!ctx || row.user_id === null || !(kind === 'Session' || kind === 'RefreshToken')) return
  const seen = holderOf(ctx, { id: deps.id('dev'), userId: row.user_id }, row)
  if (seen) await deps.db.tx(noteModel, { seen, model: row.grant_id ?? row.id })
}

function payloadOf(
  deps: Ports,
  kind: string,
  id: string | null,
  stored: StoredModel | undefined,
): AdapterPayload | undefined {
  if (!stored) return undefined
  const plain = unseal(deps.masterKey, modelAt(kind, stored.id), stored.payload)
  const payload = JSON.parse(plain) as AdapterPayload
  const skew = skewMs(deps)
  return {
    ...payload,
    ...shifted(payload, -skew),
    ...(id === null ? {} : { jti: id }),
    ...(stored.consumed_at === null ? {} : { consumed: Math.floor((stored.consumed_at - skew) / 1000) }),
    exp: Math.floor((stored.expires_at - skew) / 1000),
  }
}

function shifted(payload: AdapterPayload, byMs: number): Partial<AdapterPayload> {
  const moved: Record<string, number> = {}
  for (const name of TIMES) {
    const seconds = (payload as Record<string, unknown>)[name]
    if (typeof seconds === 'number') moved[name] = seconds + Math.round(byMs / 1000)
  }
  return moved
}

/** A store that is away is said in the protocol's own words (RFC 6749 4.1.2.1), with the status 503. */
export async function reading<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFault(error) || error.code !== 'ledger_unavailable') throw error
    const away = new errors.TemporarilyUnavailable('the store is not available, try again', undefined)
    throw Object.assign(away, { status: 503, statusCode: 503, expose: true })
  }
}
