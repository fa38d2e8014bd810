// The shape of a connected account.
// owns: its fields as they are when it is made. never: a change.
// always true: a new account has answered nothing and may do nothing.

import type Stripe from 'stripe'
import type { AccountGiven } from './accounts.ts'
import { mergedMetadata } from './params.ts'
import type { Work } from './work.ts'

const QUESTIONS = [
  'business_profile.url',
  'business_type',
  'external_account',
  'individual.dob.day',
  'individual.first_name',
  'individual.last_name',
  'tos_acceptance.date',
]

/** What an account that has been asked nothing further owes. */
export const REQUIRED: Stripe.Account.Requirements = {
  alternatives: [],
  current_deadline: null,
  currently_due: QUESTIONS,
  disabled_reason: 'requirements.past_due',
  errors: [],
  eventually_due: QUESTIONS,
  past_due: QUESTIONS,
  pending_verification: [],
}

export function newAccount(work: Work, given: AccountGiven): Stripe.Account {
  const id = work.id('acct')
  const asked = Object.entries(given.capabilities ?? {}).filter(([, one]) => one?.requested === true)
  const { mcc, name, product_description, url } = given.business_profile ?? {}
  return {
    id,
    object: 'account',
    business_profile: {
      annual_revenue: null,
      estimated_worker_count: null,
      mcc: mcc ?? null,
      minority_owned_business_designation: null,
      name: name ?? null,
      product_description: product_description ?? null,
      specified_commercial_transactions_act_url: null,
      support_address: null,
      support_email: null,
      support_phone: null,
      support_url: null,
      url: url ?? null,
    },
    business_type: given.business_type ?? null,
    capabilities: Object.fromEntries(asked.map(([one]) => [one, 'inactive'])),
    charges_enabled: false,
    controller: {
      fees: { payer: 'application_express' },
      is_controller: true,
      losses: { payments: 'application' },
      requirement_collection: 'stripe',
      stripe_dashboard: { type: 'express' },
      type: 'application',
    },
    country: given.country ?? 'US',
    created: work.nowS,
    default_currency: 'usd',
    details_submitted: false,
    email: given.email ?? null,
    external_accounts: { object: 'list', data: [], has_more: false, url: `/v1/accounts/${id}/external_accounts` },
    future_requirements: { ...REQUIRED, currently_due: [], disabled_reason: null, eventually_due: [], past_due: [] },
    metadata: mergedMetadata(null, given.metadata),
    payouts_enabled: false,
    requirements: REQUIRED,
    settings: SETTINGS,
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type: 'express',
  }
}

export function bankAccount(work: Work, account: string): Stripe.BankAccount {
  return {
    id: work.id('ba'),
    object: 'bank_account',
    account,
    account_holder_name: 'Jenny Rosen',
    account_holder_type: 'individual',
    account_type: 'checking',
    available_payout_methods: ['standard'],
    bank_name: 'STRIPE TEST BANK',
    country: 'US',
    currency: 'usd',
    default_for_currency: true,
    fingerprint: 'standin6789finge',
    future_requirements: null,
    last4: '6789',
    metadata: {},
    requirements: null,
    routing_number: '110000000',
    status: 'new',
  }
}

const SETTINGS: Stripe.Account.Settings = {
  branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
  card_payments: {
    decline_on: { avs_failure: false, cvc_failure: false },
    statement_descriptor_prefix: null,
    statement_descriptor_prefix_kana: null,
    statement_descriptor_prefix_kanji: null,
  },
  dashboard: { display_name: null, timezone: 'Etc/UTC' },
  payments: {
    statement_descriptor: null,
    statement_descriptor_kana: null,
    statement_descriptor_kanji: null,
    statement_descriptor_prefix_kana: null,
    statement_descriptor_prefix_kanji: null,
  },
  payouts: {
    debit_negative_balances: true,
    schedule: { delay_days: 2, interval: 'daily' },
    statement_descriptor: null,
  },
}
