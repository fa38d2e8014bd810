// What identity asks of this folder, answered.
// owns: nothing of its own. never: OAuth. always true: a deleted app is no client.

import { baseMicros, markupMicros } from '../contract/receipts.ts'
import type { Cap, Estimate, LimitCalendar } from '../contract/records.ts'
import type { Deps } from '../deps.ts'
import type { ClientRecord, Directory } from '../identity/directory.ts'
import { type AppRow, appByClientId } from './apps.ts'
import { connectionBetween, connectionDocument } from './connections.ts'
import { appLeft, consent } from './consent.ts'
import { calendarOf } from './person.ts'
import { secretHashes } from './secrets.ts'
import { windowAt } from './windows.ts'

const USUAL_MODEL = 'gpt-4o-mini'
/** What people's calls look like, roughly: a page in, half a page out. */
const USUAL_CALL = { input: 1000, output: 500 }

/** The port `Directory` of identity, over our tables. */
export function directoryOf(deps: Deps): Omit<Directory, 'link'> {
  return {
    client: async (clientId) => {
      const row = await appByClientId(deps.db, clientId)
      return row ? clientOf(row, deps.now()) : null
    },
    current: async (userId, appId) => {
      const row = await connectionBetween(deps.db, userId, appId)
      return row ? await connectionDocument(deps.db, row.id, deps.now()) : null
    },
    approve: ({ uid, userId, appId, scopes, answer, clientMarkupBps }) =>
      deps.db.tx(consent, { uid, userId, appId, scopes: [...scopes], answer, clientMarkupBps }),
    estimate: (cap, markupBps) => estimate(deps, cap, markupBps),
    calendar: (userId) => calendar(deps, userId),
    left: (by) => deps.db.tx(appLeft, by),
  }
}

function clientOf(row: AppRow, now: number): ClientRecord {
  return {
    id: row.id,
    client_id: row.client_id,
    name: row.name,
    logo_uri: row.logo_uri,
    verified_domain: row.verified_domain,
    type: row.type,
    secret_hashes: secretHashes(row, now),
    redirect_uris: JSON.parse(row.redirect_uris),
    allowed_scopes: JSON.parse(row.allowed_scopes),
    markup_bps: row.markup_bps,
  }
}

function estimate(deps: Deps, cap: Cap | null, markupBps: number): Estimate | null {
  const model = deps.prices.find(USUAL_MODEL)
  if (!cap || !model) return null
  const base = baseMicros(USUAL_CALL, model.unitPrices)
  const each = base + markupMicros(base, markupBps)
  return each > 0 ? { model: model.name, calls: Math.floor(cap.amount / each), credits_per_call: each } : null
}

async function calendar(deps: Deps, userId: string): Promise<LimitCalendar> {
  const where = await calendarOf(deps.db, userId)
  const end = (period: 'day' | 'week' | 'month') => {
    const { endsAt } = windowAt(period, deps.now(), where)
    if (endsAt === null) throw new Error(`a ${period} without an end`)
    return new Date(endsAt).toISOString()
  }
  return { time_zone: where.zone, resets_at: { day: end('day'), week: end('week'), month: end('month') } }
}
