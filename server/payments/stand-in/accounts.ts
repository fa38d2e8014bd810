// Connected accounts: https://docs.stripe.com/connect/express-accounts
// owns: them, what they may do, and the links to their onboarding. never: their money.
// always true: an account may be paid when its onboarding is done and nothing restricts it; its events are its own.

import type Stripe from 'stripe'
import { z } from 'zod'
import { bankAccount, newAccount, REQUIRED } from './account-shape.ts'
import { changes } from './customers.ts'
import { refusal, refused } from './errors.ts'
import { emit } from './events.ts'
import { letters } from './ids.ts'
import { listed, paged } from './lists.ts'
import { created, flag, listParams, mergedMetadata, metadata, params, text, url } from './params.ts'
import { must, type Work } from './work.ts'

type Account = Stripe.Account
export type Restriction = {
  /** Stripe's reason (`requirements.past_due`, `under_review`, `rejected.fraud`, …). */
  reason?: NonNullable<Stripe.Account.Requirements['disabled_reason']>
  due?: string[]
  /** What it takes away; both unless said. */
  payouts?: boolean
  transfers?: boolean
}

const LINK_LIVES_S = 300

const REQUESTED = z.strictObject({ requested: flag.optional() })
const SHARED = {
  business_profile: z
    .strictObject({
      mcc: text.optional(),
      name: text.optional(),
      product_description: text.optional(),
      url: url.optional(),
    })
    .optional(),
  business_type: z.enum(['company', 'government_entity', 'individual', 'non_profit']).optional(),
  capabilities: z.strictObject({ card_payments: REQUESTED.optional(), transfers: REQUESTED.optional() }).optional(),
  email: text.optional(),
  metadata: metadata.optional(),
}
const CONTROLLER = z.strictObject({
  fees: z.strictObject({ payer: z.enum(['account', 'application']) }).optional(),
  losses: z.strictObject({ payments: z.enum(['application', 'stripe']) }).optional(),
  requirement_collection: z.enum(['application', 'stripe']).optional(),
  stripe_dashboard: z.strictObject({ type: z.enum(['express']) }).optional(),
})
export const ACCOUNT_CREATE = params({
  ...SHARED,
  controller: CONTROLLER.optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  type: z.enum(['express']).optional(),
})
export const ACCOUNT_UPDATE = params(SHARED)
export const ACCOUNT_LIST = listParams({ created: created.optional() })
export type AccountGiven = z.output<typeof ACCOUNT_CREATE>

/** The account a request acts as. @throws refusal 403 when there is none */
export async function actingAs(work: Work): Promise<void> {
  if (work.owner === '' || (await work.as('').find('account', work.owner))) return
  const message = `The provided key does not have access to account '${work.owner}' (or that account does not exist). Application access may have been revoked.`
  throw refusal(403, { code: 'account_invalid', message }, false)
}

/** Whether platform money may go there. */
export function mayReceive(account: Account): boolean {
  return account.capabilities?.transfers === 'active'
}

// --- routes ---------------------------------------------------------------------------------------------------------

export async function createAccount(work: Work, given: AccountGiven): Promise<Account> {
  if (given.type === undefined && given.controller?.stripe_dashboard?.type !== 'express')
    throw refused('This stand-in makes Express accounts only.', { param: 'type' })
  const account = newAccount(work, given)
  work.as('').add('account', account)
  return account
}

export async function retrieveAccount(work: Work, _given: unknown, [id = work.owner]: string[]): Promise<Account> {
  const found = await work.as('').find('account', id)
  if (found) return found
  const message = `The provided key does not have access to account '${id}' (or that account does not exist). Application access may have been revoked.`
  throw refusal(403, { code: 'account_invalid', message })
}

export async function updateAccount(work: Work, given: z.output<typeof ACCOUNT_UPDATE>, [id = '']: string[]) {
  const before = await retrieveAccount(work, {}, [id])
  const asked = Object.entries(given.capabilities ?? {}).filter(([, one]) => one?.requested === true)
  const fresh = asked.filter(([name]) => !(name in (before.capabilities ?? {})))
  return change(work, before, {
    business_profile: { ...before.business_profile, ...clean(given.business_profile) } as Account['business_profile'] &
      object,
    business_type: given.business_type ?? before.business_type ?? null,
    capabilities: { ...before.capabilities, ...Object.fromEntries(fresh.map(([name]) => [name, 'inactive'])) },
    email: given.email ?? before.email,
    metadata: mergedMetadata(before.metadata ?? {}, given.metadata),
  })
}

export async function deleteAccount(work: Work, _given: unknown, [id = '']: string[]): Promise<Stripe.DeletedAccount> {
  await retrieveAccount(work, {}, [id])
  work.as('').remove('account', id)
  return { id, object: 'account', deleted: true }
}

export async function listAccounts(work: Work, given: z.output<typeof ACCOUNT_LIST>) {
  return listed(work.as(''), 'account', '/v1/accounts', given)
}

export async function listCapabilities(work: Work, _given: unknown, [id = '']: string[]) {
  const account = await retrieveAccount(work, {}, [id])
  const all = Object.keys(account.capabilities ?? {}).map((name) => capability(account, name))
  return paged(all, `/v1/accounts/${id}/capabilities`, {})
}

export async function retrieveCapability(work: Work, _given: unknown, [id = '', name = '']: string[]) {
  return capability(await retrieveAccount(work, {}, [id]), name)
}

export const LINK_CREATE = params({
  account: text,
  collect: z.enum(['currently_due', 'eventually_due']).optional(),
  collection_options: z
    .strictObject({
      fields: z.enum(['currently_due', 'eventually_due']).optional(),
      future_requirements: z.enum(['include', 'omit']).optional(),
    })
    .optional(),
  refresh_url: url.optional(),
  return_url: url.optional(),
  type: z.enum(['account_onboarding', 'account_update']),
})

/** A page of Stripe's where an account is set up: for one visit, within minutes. */
export async function createLink(work: Work, given: z.output<typeof LINK_CREATE>): Promise<Stripe.AccountLink> {
  const account = await retrieveAccount(work, {}, [given.account])
  if (given.type === 'account_update')
    throw refused(`You cannot create \`account_update\` type Account Links for this account (${account.type}).`, {
      param: 'type',
    })
  for (const name of ['refresh_url', 'return_url'] as const)
    if (given[name] === undefined)
      throw refusal(400, { message: `Missing required param: ${name}.`, code: 'parameter_missing', param: name }, false)
  const token = letters(24)
  const expiresAt = work.nowS + LINK_LIVES_S
  const link = {
    account: account.id,
    refreshUrl: given.refresh_url ?? '',
    returnUrl: given.return_url ?? '',
    expiresAt,
    used: false,
  }
  work.as('').add('_account_link', { id: `_account_link_${token}`, ...link })
  return {
    object: 'account_link',
    created: work.nowS,
    expires_at: expiresAt,
    url: work.settings.pageUrl(`onboard/${token}`),
  }
}

export async function createLoginLink(work: Work, _given: unknown, [id = '']: string[]): Promise<Stripe.LoginLink> {
  const account = await retrieveAccount(work, {}, [id])
  if (!account.details_submitted)
    throw refused('Cannot create a login link for an account that has not completed onboarding.')
  return { object: 'login_link', created: work.nowS, url: work.settings.pageUrl(`express/${letters(24)}`) }
}

// --- what happens to an account outside the API -----------------------------------------------------------------------

/** Someone opens an onboarding link: where it leads; `stale` when it was used or is too old, and they are to be sent to `refreshUrl`. */
export async function openLink(work: Work, token: string) {
  const link = await work.find('_account_link', `_account_link_${token}`)
  if (!link) return undefined
  const stale = link.used || link.expiresAt <= work.nowS
  work.put('_account_link', { ...link, used: true })
  return { account: link.account, returnUrl: link.returnUrl, refreshUrl: link.refreshUrl, stale }
}

/** The person has answered all questions, and given a bank account. */
export async function completeOnboarding(work: Work, id: string): Promise<Account> {
  const before = await must(work, 'account', id, 'account')
  const has = (before.external_accounts?.data.length ?? 0) > 0
  const bank = has ? null : bankAccount(work, id)
  const after = await change(work, before, {
    details_submitted: true,
    charges_enabled: before.capabilities?.card_payments !== undefined,
    payouts_enabled: true,
    requirements: { ...REQUIRED, currently_due: [], eventually_due: [], past_due: [], disabled_reason: null },
    capabilities: each(before.capabilities, 'active'),
    ...(bank
      ? {
          external_accounts: { ...before.external_accounts, data: [bank] } as NonNullable<Account['external_accounts']>,
        }
      : {}),
  })
  if (bank) emit(work.as(id), 'account.external_account.created', bank)
  return after
}

/** Stripe finds something missing or wrong. */
export async function restrict(work: Work, id: string, restriction: Restriction = {}): Promise<Account> {
  const before = await must(work, 'account', id, 'account')
  const {
    reason = 'requirements.past_due',
    due = ['individual.verification.document'],
    payouts = true,
    transfers = true,
  } = restriction
  return change(work, before, {
    payouts_enabled: before.payouts_enabled && !payouts,
    requirements: { ...REQUIRED, currently_due: due, eventually_due: due, past_due: due, disabled_reason: reason },
    capabilities: transfers ? each(before.capabilities, 'inactive') : (before.capabilities ?? {}),
  })
}

// --- below: how -----------------------------------------------------------------------------------------------------

/** Changes an account and tells of it, and of each capability that changed. */
async function change(work: Work, before: Account, change: Partial<Account>): Promise<Account> {
  const after: Account = { ...before, ...change }
  const own = work.as(after.id)
  work.as('').put('account', after)
  const previous = changes(before, after)
  if (Object.keys(previous).length === 0) return after
  emit(own, 'account.updated', after, previous)
  for (const [name, status] of Object.entries(after.capabilities ?? {})) {
    const was = (before.capabilities as Record<string, string> | undefined)?.[name]
    if (was !== undefined && was !== status) emit(own, 'capability.updated', capability(after, name), { status: was })
  }
  return after
}

function capability(account: Account, name: string): Stripe.Capability {
  const status = (account.capabilities as Record<string, string> | undefined)?.[name]
  const due = account.requirements?.currently_due ?? []
  return {
    id: name,
    object: 'capability',
    account: account.id,
    requested: status !== undefined,
    requested_at: status === undefined ? null : (account.created ?? null),
    requirements: {
      alternatives: [],
      current_deadline: null,
      currently_due: due,
      disabled_reason: due.length > 0 ? 'requirements.fields_needed' : null,
      errors: [],
      eventually_due: due,
      past_due: [],
      pending_verification: [],
    },
    status: (status ?? 'unrequested') as Stripe.Capability.Status,
  }
}

function each(
  capabilities: Account['capabilities'],
  status: 'active' | 'inactive',
): NonNullable<Account['capabilities']> {
  return Object.fromEntries(Object.keys(capabilities ?? {}).map((name) => [name, status]))
}

function clean(given: object | undefined): object {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined))
}
