// Routes for those who run the server: health, and the audit.
// owns: /healthz, /readyz, /metrics, /admin/audit, /admin/rotate-keys, /admin/prices. never: a change to the books.
// always true: without QUOTA_ADMIN_TOKEN the admin routes do not exist; each audit answer is of one moment.

import { Readable } from 'node:stream'
import { AcceptPrices, RotateKeys } from './contract/api.ts'
import type { Deps } from './deps.ts'
import { fault } from './faults.ts'
import { body, type Routes } from './http.ts'
import { rotateSigningKey } from './identity/keys.ts'
import { audit, entriesAfter, type MovementRow, sealAll, trialBalance } from './ledger/chain.ts'
import { holdsReport, openHolds } from './ledger/leases.ts'
import { legsFrom } from './ledger/ledger.ts'
import { onlyOperators } from './operators.ts'
import { rotateReceiptKey } from './receipts/keys.ts'

const PAGE = 2000

export const adminRoutes: Routes = (app, deps) => {
  pricesRoutes(app, deps)
  app.get('/healthz', async () => ({ ok: true }))

  app.get('/readyz', async () => {
    if (deps.draining()) throw fault('draining')
    try {
      await deps.db.get('SELECT 1 AS one')
    } catch (cause) {
      throw fault('ledger_unavailable', { cause })
    }
    return { ok: true, livemode: deps.config.livemode }
  })

  app.get('/metrics', async (_request, reply) => {
    await lookAtHolds(deps)
    reply.type(deps.metrics.registry.contentType)
    return deps.metrics.registry.metrics()
  })

  app.get('/admin/audit/entries', async (request, reply) => {
    onlyOperators(deps, request)
    await sealAll(deps.db)
    reply.type('application/x-ndjson')
    return reply.send(Readable.from(exportOf(deps)))
  })

  app.get('/admin/audit/trial-balance', async (request) => {
    onlyOperators(deps, request)
    return deps.db.snapshot(trialBalance)
  })

  app.get('/admin/audit/holds', async (request) => {
    onlyOperators(deps, request)
    return deps.db.snapshot((reader) => holdsReport(reader, deps.now()))
  })

  app.post('/admin/rotate-keys', async (request) => {
    onlyOperators(deps, request)
    const { at_once = false } = body(RotateKeys, request)
    const [signing, receipts] = [await rotateSigningKey(deps, { atOnce: at_once }), await rotateReceiptKey(deps)]
    return { id_tokens: rotated(signing), receipts: rotated(receipts) }
  })

  app.get('/admin/audit/report', async (request) => {
    onlyOperators(deps, request)
    return deps.db.snapshot(audit)
  })
}

function pricesRoutes(...[app, deps]: Parameters<Routes>): void {
  app.get('/admin/prices', async (request) => {
    onlyOperators(deps, request)
    const { version, rises, refused } = deps.prices
    const leftOut = refused.map(({ provider, model, reason }) => ({ provider, model, reason }))
    return { version, waiting: rises, left_out: leftOut }
  })

  app.post('/admin/prices/accept', async (request) => {
    onlyOperators(deps, request)
    const { models } = body(AcceptPrices, request)
    const accepted = await deps.priceKeeper.accept(models === 'all' ? null : models)
    return { version: deps.prices.version, accepted, waiting: deps.prices.rises }
  })
}

// Null when another process did it at the same moment.
function rotated(key: { kid: string; signsFrom: number } | null) {
  return key && { kid: key.kid, signs_from: new Date(key.signsFrom).toISOString() }
}

async function lookAtHolds({ db, metrics, now }: Deps): Promise<void> {
  const { count, oldestMs } = await openHolds(db, now()).catch(() => ({ count: Number.NaN, oldestMs: Number.NaN }))
  metrics.openHolds.set(count)
  metrics.oldestHold.set(oldestMs / 1000)
}

async function* exportOf(deps: Deps): AsyncGenerator<string> {
  for (let seq = 0; ; ) {
    const rows = await entriesAfter(deps.db, seq, PAGE)
    if (rows.length === 0) return
    yield rows.map((row) => `${JSON.stringify(entryOf(row))}\n`).join('')
    seq = rows.at(-1)?.seq ?? seq
  }
}

// `postings` are what the movement did: signed, summing to zero per unit; a hold and a void move nothing.
function entryOf(row: MovementRow) {
  const legs = legsFrom(row.legs)
  const moved = row.kind === 'hold' ? [] : legs
  return {
    seq: row.seq,
    id: row.id,
    kind: row.kind,
    hold_id: row.hold_id,
    request_id: row.request_id,
    at: new Date(row.at).toISOString(),
    legs,
    postings: moved.flatMap(({ from, to, amount }) => [
      { account: from, amount: -amount },
      { account: to, amount },
    ]),
    memo: row.memo === null ? null : memoOf(row.memo),
    prev_hash: row.prev_hash,
    hash: row.hash,
  }
}

function memoOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
