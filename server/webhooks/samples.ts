// What a test event says.
// owns: made-up data for each type. never: anything true.
// always true: it has the fields of a real event of its type.

import type { WebhookEvent } from '../contract/developers.ts'

const WHO = { user_id: 'user_00000000000000000000000000', external_user_id: 'test-user' }
const APP = { ...WHO, app_id: 'app_00000000000000000000000000' }
const CALL = {
  ...APP,
  request_id: 'req_00000000000000000000000000',
  model: 'gpt-4o-mini',
  endpoint: '/v1/chat/completions',
}

const SAMPLES: Readonly<Record<WebhookEvent, Record<string, unknown>>> = {
  'balance.updated': { ...CALL, new_balance: 4_999_550, amount_spent: 450 },
  'balance.low': { ...APP, current_balance: 990_000, threshold: 1_000_000 },
  'usage.completed': {
    ...CALL,
    prompt_tokens: 1000,
    completion_tokens: 500,
    total_tokens: 1500,
    credits_used: 540,
    base_credits: 450,
    markup_credits: 90,
  },
  'user.connected': { ...APP, connected_at: '2026-01-01T00:00:00.000Z' },
  'user.disconnected': { ...APP, disconnected_at: '2026-01-01T00:00:00.000Z' },
  'grant.exhausted': { ...WHO, grant_id: 'grant_00000000000000000000000000', amount: 500_000 },
  'payout.paid': { payout_id: 'payout_00000000000000000000000000', amount_cents: 900 },
  'payout.failed': { payout_id: 'payout_00000000000000000000000000', amount_cents: 900, failure: 'account_closed' },
  'dispute.opened': { ...APP, dispute_id: 'dp_0000000000', amount_cents: 1000, reason: 'fraudulent' },
}

export function sampleOf(type: WebhookEvent): Record<string, unknown> {
  return SAMPLES[type]
}
