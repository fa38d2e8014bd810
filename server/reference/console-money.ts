// The reference of grants, figures and payouts.
// owns: the table of those. never: a route.
// always true: each row is a route of the server; a test compares the two.

import { z } from 'zod'
import * as A from '../contract/analytics.ts'
import * as D from '../contract/developers.ts'
import { ConnectOnboard, ConnectOnboarded, ConnectStatus, PayoutStatement, PayoutsReply } from '../contract/payments.ts'
import { DEVELOPER, type Group, type Method, type Operation, only, PAGES } from './operation.ts'

const app = (method: Method, path: string) => `${method} /developers/apps${path}` as const
const missing = ['not_found'] as const
const DATES = {
  startDate: 'A date, UTC; 30 days ago by default.',
  endDate: 'The last day; today by default.',
  app_id: 'Of one app.',
} as const
const FORMAT = { format: '`json` or `csv`.' } as const

export const GRANTS: Group = {
  name: 'Grants',
  text: 'Free balance for users, out of a pool that its publisher funds. Spent before bought balance, earliest expiry first, in this publisher’s apps.',
  operations: [
    {
      at: 'GET /developers/grants/pool',
      summary: 'The pool, and what became of what was granted.',
      who: DEVELOPER,
      answer: D.PoolState,
    },
    ...(['', '/withdraw'] as const).map(
      (path): Operation => ({
        at: `POST /developers/grants/pool${path}`,
        summary: path === '' ? 'Moves own balance into the pool.' : 'Moves it back.',
        who: DEVELOPER,
        body: D.PoolChange,
        answer: D.PoolState,
        once: true,
        errors: ['insufficient_balance', 'idempotency_mismatch'],
      }),
    ),
    {
      at: 'POST /developers/grants/pool/checkout',
      summary: 'Funds the pool by card: what is paid goes on into it.',
      who: DEVELOPER,
      body: D.PoolCheckout,
      answer: z.object({ id: z.string(), url: z.string() }),
      once: true,
      errors: ['payments_unavailable'],
    },
    {
      at: 'GET /developers/grants',
      summary: 'Grants, newest first.',
      who: DEVELOPER,
      query: {
        app_id: 'Of one app.',
        external_user_id: 'Of one user of that app.',
        status: '`open`, `expired` or `withdrawn`.',
        ...PAGES,
      },
      answer: D.DeveloperGrants,
      errors: missing,
    },
    {
      at: 'POST /developers/grants',
      summary: 'Gives one.',
      who: DEVELOPER,
      body: D.DeveloperGrantCreate,
      answer: D.DeveloperGranted,
      once: true,
      errors: ['insufficient_balance', 'grant_limit_exceeded', 'user_not_found', 'not_found', 'idempotency_mismatch'],
    },
    {
      at: 'POST /developers/grants/bulk',
      summary: 'Gives up to 500 from a CSV, all or none.',
      who: DEVELOPER,
      body: D.GrantsBulk,
      answer: D.GrantsGiven,
      once: true,
      errors: ['insufficient_balance', 'grant_limit_exceeded', 'user_not_found', 'not_found', 'idempotency_mismatch'],
    },
    {
      at: 'GET /developers/grants/{id}',
      summary: 'One grant.',
      who: DEVELOPER,
      answer: only('grant', D.DeveloperGrant),
      errors: missing,
    },
    {
      at: 'POST /developers/grants/{id}/withdraw',
      summary: 'Takes back what is not spent.',
      who: DEVELOPER,
      answer: only('grant', D.DeveloperGrant),
      errors: missing,
    },
    {
      at: app('GET', '/{id}/grant-settings'),
      summary: 'The welcome grant, and the most for one user.',
      who: DEVELOPER,
      answer: D.GrantSettings,
      errors: missing,
    },
    {
      at: app('PUT', '/{id}/grant-settings'),
      summary: 'Sets them.',
      who: DEVELOPER,
      body: D.GrantSettings,
      answer: D.GrantSettings,
      errors: missing,
    },
  ],
}

export const FIGURES: Group = {
  name: 'Figures and logs',
  text: 'Figures count every charge that was made before the question, or say that they do not: `complete` is false while a long history is being counted (after an upgrade), and `counted_until` says how far they go. Amounts are credits, days are UTC. A ranking of very many users may say `exact: false`: its figures are exact, but somebody who is not named could belong among them.',
  operations: [
    {
      at: 'GET /developers/analytics/summary',
      summary: 'A period in one row.',
      who: DEVELOPER,
      query: DATES,
      answer: A.AnalyticsSummary,
      errors: missing,
    },
    {
      at: 'GET /developers/analytics/timeseries',
      summary: 'A period in steps.',
      who: DEVELOPER,
      query: {
        metric: A.Metric.options.join(', '),
        interval: A.Interval.options.join(', '),
        ...DATES,
        model: 'Of one model.',
        ...FORMAT,
      },
      answer: A.AnalyticsTimeseries,
      errors: missing,
    },
    {
      at: 'GET /developers/analytics/breakdown',
      summary: 'Where a period’s figures come from, highest first.',
      who: DEVELOPER,
      query: {
        groupBy: A.GroupBy.options.join(', '),
        metric: A.Metric.options.join(', '),
        ...DATES,
        model: 'Of one model.',
        limit: 'At most so many rows.',
        ...FORMAT,
      },
      answer: A.AnalyticsBreakdown,
      errors: missing,
    },
    {
      at: 'GET /developers/logs',
      summary: 'Model calls that got no answer, and why; newest first.',
      who: DEVELOPER,
      query: { app_id: 'Of one app.', code: 'With one code.', ...PAGES },
      answer: D.RefusedCalls,
      errors: missing,
    },
  ],
}

export const PAYOUTS: Group = {
  name: 'Earnings and payouts',
  text: 'The markup is the publisher’s. It may be paid out after seven days; a tenth is kept back for ninety.',
  operations: [
    {
      at: 'POST /developers/connect/onboard',
      summary: 'A page where the payout account is set up; usable once.',
      who: ['session'],
      body: ConnectOnboard,
      status: 201,
      answer: ConnectOnboarded,
      errors: ['step_up_required', 'payments_unavailable'],
    },
    { at: 'GET /developers/connect/status', summary: 'That account.', who: DEVELOPER, answer: ConnectStatus },
    {
      at: 'GET /developers/payouts',
      summary: 'Earnings, the rules, and payouts, newest first.',
      who: DEVELOPER,
      query: { cursor: PAGES.cursor },
      answer: PayoutsReply,
    },
    {
      at: 'GET /developers/payouts/{id}',
      summary: 'A payout, line by line.',
      who: DEVELOPER,
      query: { cursor: PAGES.cursor },
      answer: PayoutStatement,
      errors: missing,
    },
    {
      at: 'GET /developers/payouts/{id}/csv',
      summary: 'The same as a file, whole; its lines add up to zero.',
      who: DEVELOPER,
      answer: 'text/csv',
      errors: missing,
    },
  ],
}
