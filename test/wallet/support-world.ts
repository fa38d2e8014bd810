// One person's records, as a scripted server would hold them.
// owns: changes with dense numbers, signed receipts that chain. never: HTTP. always true: what it makes is right unless a
// spec asks for a wrong one by name.

import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Change } from '../../server/contract/feed.ts'
import { baseMicros, markupMicros, type ReceiptPayload } from '../../server/contract/receipts.ts'
import type { CapState, Connection, ConsentRequest, Profile, ReceiptRow, Topup } from '../../server/contract/records.ts'

export const ACCOUNT = 'usr_ann'
const PRICES = { input: '150000', cached_input: '75000', output: '600000', reasoning: '600000' }
const MODELS = ['openai/gpt-5-mini', 'anthropic/claude-haiku-4-5', 'openai/gpt-5-nano']
const DAY_MS = 86_400_000

export type Forge = 'signature' | 'sum' | 'row' | 'chain' | 'left out'

/** Everything of one person on one server history. */
export class World {
  epoch = 'epoch-1'
  changes: Change[] = []
  lastHash: string | null = null
  available = 0
  readonly kid = 'key-1'
  readonly key: KeyObject
  readonly jwk: Record<string, unknown>
  readonly now: () => number

  /** @param now its clock, ms; another than the machine's where pictures have to come out alike on any day */
  constructor(now: () => number = Date.now) {
    this.now = now
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    this.key = privateKey
    this.jwk = { ...publicKey.export({ format: 'jwk' }), kid: this.kid, alg: 'EdDSA', use: 'sig' }
  }

  put(topic: string, id: string, row: object | null): void {
    this.changes.push({ rev: this.changes.length + 1, topic, id, row: row as Change['row'] })
  }

  /** The document as it stands now. */
  doc<T>(topic: string, id: string): T | null {
    return (this.changes.findLast((c) => c.topic === topic && c.id === id)?.row as T | undefined) ?? null
  }

  profile(change: Partial<Profile> = {}): void {
    const now = this.doc<Profile>('profile', ACCOUNT)
    const first: Profile = {
      id: ACCOUNT,
      email: 'ann@example.com',
      name: 'Ann Lee',
      time_zone: 'Europe/Berlin',
      week_start: 'monday',
      frozen: false,
      livemode: false,
      created_at: '2026-01-02T10:00:00.000Z',
      version: 0,
    }
    this.put('profile', ACCOUNT, { ...(now ?? first), ...change, version: (now?.version ?? 0) + 1 })
  }

  balance(posted: number, held = 0): void {
    this.available = posted - held
    this.put('balance', ACCOUNT, { posted, held, available: posted - held })
  }

  connection(id: string, name: string, change: Partial<Connection> = {}): void {
    const now = this.doc<Connection>('connection', id)
    const first: Connection = {
      id,
      app: { id: `app_${id}`, name, logo_uri: null },
      name: null,
      status: 'active',
      scopes: ['openid', 'credits.read', 'credits.spend'],
      markup_bps: 2000,
      caps: [this.cap(5_000_000, 0)],
      per_call_ceiling: null,
      ask_above: null,
      models: null,
      created_at: new Date(this.now() - 40 * DAY_MS).toISOString(),
      last_used_at: null,
      expires_at: null,
      version: 0,
    }
    this.put('connection', id, { ...(now ?? first), ...change, version: (now?.version ?? 0) + 1 })
  }

  cap(amount: number, spent: number, change: Partial<CapState> = {}): CapState {
    return cap(amount, spent, change, this.now())
  }

  request(uid: string, name: string, change: Partial<ConsentRequest> = {}): void {
    this.put('consent_request', uid, {
      uid,
      client: { id: `client_${uid}`, name, logo_uri: null, verified_domain: null, markup_bps: 1500 },
      scopes: ['openid', 'credits.read', 'credits.spend'],
      requested_cap: { amount: 8_000_000, period: 'month' },
      match: '47',
      created_at: new Date(this.now()).toISOString(),
      expires_at: new Date(this.now() + 600_000).toISOString(),
      ...change,
    } satisfies ConsentRequest)
  }

  topup(id: string, change: Partial<Topup> = {}): void {
    this.put('topup', id, {
      id,
      package_id: 'basic',
      price_cents: 1000,
      balance_credits: 8_500_000,
      status: 'paid',
      livemode: false,
      created_at: new Date(this.now() - 5 * DAY_MS).toISOString(),
      paid_at: new Date(this.now() - 5 * DAY_MS).toISOString(),
      ...change,
    })
  }

  /** One call, with its receipt. `forge` makes it wrong in one way. */
  call(connection: string, { at = this.now(), input = 1200, output = 350, model = 0, forge }: CallOptions = {}): void {
    const rev = this.changes.length + 1
    const units = { input, output }
    const base = baseMicros(units, PRICES)
    const markup = markupMicros(base, 2000)
    const total = base + markup
    const app = `app_${connection}`
    const payload: ReceiptPayload = {
      v: 1,
      iss: 'https://fake.test',
      iat: Math.floor(at / 1000),
      jti: `req_${rev}`,
      sub: ACCOUNT,
      app,
      connection,
      route: '/v1/chat/completions',
      model: MODELS[model % MODELS.length] ?? '',
      price_version: '2026-11-01',
      units,
      unit_prices: PRICES,
      base,
      markup_bps: 2000,
      markup,
      granted: 0,
      total: forge === 'sum' ? total + 1000 : total,
      estimated: false,
      rev: forge === 'left out' ? 1 : rev, // as if it had been listed before
      prev: forge === 'chain' ? 'AAAA' : this.lastHash,
    }
    const receipt = this.sign(payload, forge === 'signature')
    if (forge !== 'left out') this.lastHash = createHash('sha256').update(receipt).digest('base64url')
    const row: ReceiptRow = {
      request_id: payload.jti,
      at: new Date(at).toISOString(),
      app_id: app,
      connection_id: connection,
      route: payload.route,
      model: payload.model,
      units,
      credits_used: forge === 'row' ? payload.total * 3 : payload.total,
      base_credits: base,
      markup_credits: markup,
      granted_credits: 0,
      estimated: false,
      balance_after: Math.max(0, this.available),
      receipt,
    }
    this.put('receipt', row.request_id, row)
  }

  private sign(payload: ReceiptPayload, wrongly: boolean): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const text = `${part({ alg: 'EdDSA', kid: this.kid })}.${part(payload)}`
    const key = wrongly ? generateKeyPairSync('ed25519').privateKey : this.key
    return `${text}.${sign(null, Buffer.from(text), key).toString('base64url')}`
  }

  /** A wallet with three apps and some weeks of calls. */
  lived({ calls = 180, balance = 12_345_678 } = {}): this {
    this.profile()
    this.topup('top_1')
    this.topup('top_2', {
      created_at: new Date(this.now() - 20 * DAY_MS).toISOString(),
      paid_at: null,
      status: 'expired',
    })
    this.connection('sketch', 'Sketchpad', { caps: [this.cap(5_000_000, 4_310_000)] })
    this.connection('parrot', 'Parrot Chat', {
      markup_bps: 0,
      caps: [this.cap(2_000_000, 310_500, { period: 'day', held: 250_000 }), this.cap(20_000_000, 6_204_112)],
    })
    this.connection('atlas', 'Atlas Research Assistant', { status: 'paused', caps: [this.cap(10_000_000, 120_000)] })
    const ids = ['sketch', 'parrot', 'parrot', 'atlas', 'parrot', 'sketch']
    const first = this.now() - 29 * DAY_MS
    for (let i = 0; i < calls; i++) {
      const at = first + (i / calls) * 29 * DAY_MS
      const busy = 1 + Math.abs(Math.sin(i / 9)) * 40
      this.call(ids[i % ids.length] ?? 'parrot', {
        at,
        input: Math.round(900 * busy),
        output: Math.round(260 * busy),
        model: i % 5,
      })
    }
    this.balance(balance, 250_000)
    return this
  }
}

type CallOptions = { at?: number; input?: number; output?: number; model?: number; forge?: Forge }

/** A limit in the current calendar month (or day, or week). */
export function cap(amount: number, spent: number, change: Partial<CapState> = {}, at = Date.now()): CapState {
  const now = new Date(at)
  const period = change.period ?? 'month'
  const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)
  const day = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
  const resets =
    period === 'total'
      ? null
      : new Date(period === 'month' ? month : period === 'day' ? day : day + 3 * DAY_MS).toISOString()
  return { period, amount, spent, held: 0, resets_at: resets, ...change }
}
