// What identity asks of this folder, answered.
// owns: nothing of its own. never: OAuth. always true: a deleted app is no client.

import { baseMicros } from '../contract/receipts.ts'
import type { Cap } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import type { ClientRecord, Directory, Estimate } from '../identity/directory.ts'
import { type AppRow, appByClientId } from './apps.ts'
import { connectionBetween, connectionDocument } from './connections.ts'
import { appLeft, consent } from './consent.ts'

const USUAL_MODEL = 'gpt-4o-mini'
/** What people's calls look like, roughly: a page in, half a page out. */
const USUAL_CALL = { input: 1000, output: 500 }

/** The port `Directory` of identity, over our tables. */
export function directoryOf(deps: Deps): Omit<Directory, 'link'> {
  return {
    client: async (clientId) => {
      const row = await appByClientId(deps.db, clientId)
      return row ? clientOf(row) : null
    },
    current: async (userId, appId) => {
      const row = await connectionBetween(deps.db, userId, appId)
      return row ? await connectionDocument(deps.db, row.id, deps.now()) : null
    },
    approve: ({ userId, appId, scopes, answer, clientMarkupBps }) =>
      deps.db.tx(consent, { userId, appId, scopes: [...scopes], answer, clientMarkupBps }),
    estimate: (cap) => estimate(deps, cap),
    left: (by) => deps.db.tx(appLeft, by),
  }
}

function clientOf(row: AppRow): ClientRecord {
  return {
    id: row.id,
    client_id: row.client_id,
    name: row.name,
    logo_uri: row.logo_uri,
    verified_domain: null,
    type: row.type,
    secret_hashes: row.secret_hash === null ? [] : [row.secret_hash],
    redirect_uris: JSON.parse(row.redirect_uris),
    allowed_scopes: JSON.parse(row.allowed_scopes),
    markup_bps: row.markup_bps,
  }
}

function estimate(deps: Deps, cap: Cap | null): Estimate | null {
  const model = deps.prices.find(USUAL_MODEL)
  if (!cap || !model) return null
  const each = baseMicros(USUAL_CALL, model.unitPrices)
  return each > 0 ? { model: model.name, calls: Math.floor(cap.amount / each), credits_per_call: each } : null
}
