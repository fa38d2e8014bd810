// What a signed-in developer may call: the console, as a table.
// owns: these rows (docs/developers.md of the server tells their meaning). never: a decision.
// always true: the credential is a session (`sess_…`), or the developer's own wallet token.

import { type Page, raw, route } from './route.ts'
import type {
  AnalyticsBreakdown,
  AnalyticsSummary,
  AnalyticsTimeseries,
  App,
  AppCreate,
  AppSettings,
  AppUsers,
  ConnectOnboard,
  ConnectOnboarded,
  ConnectStatus,
  Deliveries,
  Delivery,
  DeliveryDetail,
  DeveloperGrant,
  DeveloperGrantCreate,
  DeveloperGranted,
  DeveloperGrants,
  DomainState,
  GrantSettings,
  GrantsBulk,
  GrantsGiven,
  GroupBy,
  Interval,
  Key,
  KeyCreate,
  KeyRotated,
  KeySettings,
  Metric,
  PayoutStatement,
  PayoutsReply,
  PoolCheckout,
  PoolState,
  RefusedCalls,
  Webhook,
  WebhookCreate,
  WebhookEventType,
  WebhookPatch,
  WebhookWithSecret,
} from './types.ts'

type ById = { id: string }
type Deleted = { id: string; deleted: true }
type Moved = { amount: number }
type Listed = NonNullable<Page>
/** Dates are UTC days, `2026-01-31`, both included; by default the last 30 days. */
type Days = { startDate?: string; endDate?: string; app_id?: string }
type Series = Days & { metric?: Metric; interval?: Interval; model?: string }
type Grouped = Days & { groupBy?: GroupBy; metric?: Metric; limit?: number }
type Csv = { format: 'csv' }

const apps = {
  create: route<AppCreate, { app: App; client_secret?: string }>('POST', '/developers/apps'),
  list: route<{ archived?: boolean } | undefined, { apps: App[] }>('GET', '/developers/apps'),
  get: route<ById, { app: App }>('GET', '/developers/apps/{id}'),
  update: route<ById & AppSettings, { app: App }>('PATCH', '/developers/apps/{id}/settings'),
  archive: route<ById, Deleted>('DELETE', '/developers/apps/{id}'),
  rotateSecret: route<ById, { app: App; client_secret: string }>('POST', '/developers/apps/{id}/rotate-secret'),
  revokeSecondarySecret: route<ById, { app: App }>('POST', '/developers/apps/{id}/revoke-secondary-secret'),
  domain: route<ById, DomainState>('GET', '/developers/apps/{id}/domain'),
  setDomain: route<ById & { domain: string }, DomainState>('POST', '/developers/apps/{id}/domain'),
  verifyDomain: route<ById & { by: 'file' | 'dns' }, DomainState>('POST', '/developers/apps/{id}/domain/verify'),
  removeDomain: route<ById, Deleted>('DELETE', '/developers/apps/{id}/domain'),
  users: route<ById & Listed, AppUsers>('GET', '/developers/apps/{id}/users'),
  grantSettings: route<ById, GrantSettings>('GET', '/developers/apps/{id}/grant-settings'),
  setGrantSettings: route<ById & GrantSettings, GrantSettings>('PUT', '/developers/apps/{id}/grant-settings'),
}

const keys = {
  create: route<KeyCreate, { key: Key; secret: string }>('POST', '/developers/keys'),
  list: route<undefined, { keys: Key[] }>('GET', '/developers/keys'),
  update: route<ById & KeySettings, { key: Key }>('PATCH', '/developers/keys/{id}'),
  rotate: route<ById & { overlap_s?: number }, KeyRotated>('POST', '/developers/keys/{id}/rotate'),
  revoke: route<ById, Deleted>('DELETE', '/developers/keys/{id}'),
}

/** Amounts are micro-dollars; a CSV is written in dollars. */
const grants = {
  pool: route<undefined, PoolState>('GET', '/developers/grants/pool'),
  fund: route<Moved, PoolState>('POST', '/developers/grants/pool'),
  withdrawPool: route<Moved, PoolState>('POST', '/developers/grants/pool/withdraw'),
  checkout: route<PoolCheckout, { id: string; url: string }>('POST', '/developers/grants/pool/checkout'),
  list: route<(Listed & { app_id?: string; external_user_id?: string; status?: string }) | undefined, DeveloperGrants>(
    'GET',
    '/developers/grants',
  ),
  give: route<DeveloperGrantCreate, DeveloperGranted>('POST', '/developers/grants'),
  giveBulk: route<GrantsBulk, GrantsGiven>('POST', '/developers/grants/bulk'),
  get: route<ById, { grant: DeveloperGrant }>('GET', '/developers/grants/{id}'),
  withdraw: route<ById, { grant: DeveloperGrant }>('POST', '/developers/grants/{id}/withdraw'),
}

const analytics = {
  summary: route<Days | undefined, AnalyticsSummary>('GET', '/developers/analytics/summary'),
  timeseries: route<Series | undefined, AnalyticsTimeseries>('GET', '/developers/analytics/timeseries'),
  timeseriesCsv: raw<Series & Csv>('GET', '/developers/analytics/timeseries'),
  breakdown: route<Grouped | undefined, AnalyticsBreakdown>('GET', '/developers/analytics/breakdown'),
  breakdownCsv: raw<Grouped & Csv>('GET', '/developers/analytics/breakdown'),
}

const webhooks = {
  create: route<WebhookCreate, WebhookWithSecret>('POST', '/developers/webhooks'),
  list: route<undefined, { webhooks: Webhook[] }>('GET', '/developers/webhooks'),
  get: route<ById, { webhook: Webhook }>('GET', '/developers/webhooks/{id}'),
  update: route<ById & WebhookPatch, { webhook: Webhook }>('PATCH', '/developers/webhooks/{id}'),
  remove: route<ById, Deleted>('DELETE', '/developers/webhooks/{id}'),
  rotateSecret: route<ById & { overlap_s?: number }, WebhookWithSecret>(
    'POST',
    '/developers/webhooks/{id}/rotate-secret',
  ),
  test: route<ById & { type?: WebhookEventType }, { delivery: Delivery }>('POST', '/developers/webhooks/{id}/test'),
  deliveries: route<ById & Listed & { status?: string }, Deliveries>('GET', '/developers/webhooks/{id}/deliveries'),
  delivery: route<ById & { delivery: string }, DeliveryDetail>(
    'GET',
    '/developers/webhooks/{id}/deliveries/{delivery}',
  ),
  replay: route<ById & { delivery: string }, { delivery: Delivery }>(
    'POST',
    '/developers/webhooks/{id}/deliveries/{delivery}/replay',
  ),
}

export const DEVELOPER_ROUTES = {
  apps,
  keys,
  grants,
  analytics,
  webhooks,
  logs: route<(Listed & { app_id?: string; code?: string }) | undefined, RefusedCalls>('GET', '/developers/logs'),
  connect: {
    onboard: route<ConnectOnboard, ConnectOnboarded>('POST', '/developers/connect/onboard'),
    status: route<undefined, ConnectStatus>('GET', '/developers/connect/status'),
  },
  payouts: {
    list: route<{ cursor?: string } | undefined, PayoutsReply>('GET', '/developers/payouts'),
    get: route<ById & { cursor?: string }, PayoutStatement>('GET', '/developers/payouts/{id}'),
  },
}
