// Before a call: everything it may cost is reserved in one commit.
// owns: the reservation's legs - grants in burn order, then balance, and every limit's window. never: the network.
// always true: no upstream is called before this commit is durable; a refusal leaves nothing behind.

import { spendApproval } from '../connections/approvals.ts'
import { openWindows } from '../connections/caps.ts'
import { termsOf } from '../connections/connections.ts'
import type { LimitDetails } from '../contract/faults.ts'
import type { UnitPrices } from '../contract/receipts.ts'
import { procedure, type Tx } from '../db/db.ts'
import { fault, isFault } from '../faults.ts'
import { type GrantOwner, grantsFor, type UsableGrant } from '../grants/grants.ts'
import { account } from '../ledger/chart.ts'
import { type AccountState, hold, type Leg, stands } from '../ledger/ledger.ts'
import { type Bound, boundMicros, fits, type Limit, largestOutput, type Means, refusal, split } from './fit.ts'
import { type Claim, claimAnswer, type KeptAnswer } from './kept-answers.ts'

/** Who pays, for which app; the same from admission to receipt. */
export type Payer = {
  /** Feed and receipt chain: a person's id or an unclaimed external user's. */
  id: string
  account: string
  appId: string
  publisherId: string
  connectionId: string | null
  /** The key that asked; none with a user's own token. */
  keyId?: string
  /** Named by the app's key, in the path or header: a connection that has ended is then a user who is not there. */
  named?: boolean
  billingMode: 'user' | 'developer' | 'test'
  /** The app's markup where there is no connection to have agreed to another. */
  markupBps: number
  /** The models its app may call, where it has a list and no connection says it. */
  models?: readonly string[]
}

export type HoldArgs = {
  requestId: string
  owner: string
  ttlMs: number
  payer: Payer
  bound: Bound
  maxOutput: number
  explicit: boolean
  claim: Claim | null
  /** What the person answered to this call, where it had to wait for them (parked.ts). */
  approval: string | null
  /** Kept with the hold, so that any process can end it. */
  call: {
    route: string
    model: string
    priceVersion: string
    /** Of the lowest tier: what a call whose process died is settled at. */
    unitPrices: UnitPrices
    /** The models that could answer at another price. */
    others?: readonly { model: string; unitPrices: UnitPrices }[]
  }
}

/** Whose grants may pay: a person's, or an unclaimed external user's. */
export function grantOwner({ id, account: where }: Payer): GrantOwner {
  return where.startsWith('user:') ? { userId: id } : { externalId: id }
}

/** A publisher who pays for their own app has no grants there. */
export function usesGrants({ connectionId, account: where }: Payer): boolean {
  return connectionId !== null || !where.startsWith('user:')
}

export type Funding = {
  grants: { account: string; grantId: string; amount: number }[]
  caps: string[]
  markupBps: number
}
/** What is kept with a hold, so that any process can end it. */
export type HoldMemo = { payer: Payer; call: HoldArgs['call']; funding: Funding }
export type Held = {
  holdId: string
  maxOutput: number
  baseHeld: number
  funding: Funding
  /** How long the call had waited for its person. */
  waitedMs?: number
}

/** Thrown when another commit took the money between our look and our guarded update; the commit is then tried again. */
const raced = () => Object.assign(new Error('another call was faster'), { code: '40001' })

/**
 * Reserves the worst case of a call.
 * @returns what was held, or the kept answer of an earlier call with the same Idempotency-Key
 * @throws Fault 402 with LimitDetails, 403 connection_paused / model_not_allowed, 403 approval_required with
 *   details.amount (nothing stands then; the person has to be asked), 409 consent_required,
 *   409 idempotency_in_progress, 422 idempotency_mismatch
 */
export const holdCall = procedure(
  'proxy.hold',
  async (tx: Tx, args: HoldArgs): Promise<Held | { kept: KeptAnswer }> => {
    const holdId = `hold_${args.requestId}`
    if (args.claim) {
      const kept = await claimAnswer(tx, args.claim, holdId)
      if (kept) return { kept }
    }
    const { means, grants, capAccounts, askAbove } = await meansOf(tx, args)
    const allowed = await allowedFor(tx, args, askAbove)
    const within = args.approval === null ? means : { ...means, perCall: Math.min(means.perCall ?? allowed, allowed) }
    const maxOutput = args.explicit ? args.maxOutput : largestOutput(args.bound, args.maxOutput, within)
    const base = boundMicros(args.bound, Math.max(1, maxOutput))
    if (!fits(base, means)) throw refusal(base, means)

    const { granted, charged } = split(base, means.grants, means.markupBps)
    if (charged > allowed) throw fault('approval_required', { details: { amount: charged } })
    const usedGrants = burn(grants, granted)
    const legs: Leg[] = usedGrants.map((grant) => ({ from: grant.account, to: account.sales, amount: grant.amount }))
    if (charged > 0) {
      legs.push({ from: args.payer.account, to: account.sales, amount: charged })
      for (const cap of capAccounts) legs.push({ from: cap, to: account.limits, amount: charged })
    }
    const funding: Funding = { grants: usedGrants, caps: capAccounts, markupBps: means.markupBps }
    try {
      const memo = JSON.stringify({ payer: args.payer, call: args.call, funding } satisfies HoldMemo)
      await hold(tx, { id: holdId, legs, requestId: args.requestId, owner: args.owner, ttlMs: args.ttlMs, memo })
    } catch (error) {
      if (isFault(error) && error.code === 'insufficient_balance') throw raced()
      throw error
    }
    return { holdId, maxOutput, baseHeld: base, funding }
  },
  { bookkeeping: true },
)

// How much this call may cost its person. Without an answer a call is not made smaller to stay below the threshold: the
// person is asked for what it may really cost. With one, it may cost what they saw and no more.
async function allowedFor(tx: Tx, { approval, payer, requestId }: HoldArgs, askAbove: number | null): Promise<number> {
  if (approval === null || payer.connectionId === null) return askAbove ?? Number.MAX_SAFE_INTEGER
  const answered = await spendApproval(tx, { id: approval, connectionId: payer.connectionId, requestId })
  return Math.max(answered, askAbove ?? Number.MAX_SAFE_INTEGER)
}

/** Grants in burn order (earliest expiry first), as much of each as is needed for `amount`. */
export function burn(grants: readonly UsableGrant[], amount: number): Funding['grants'] {
  const used: Funding['grants'] = []
  let rest = amount
  for (const { id: grantId, account: from, available } of grants) {
    const part = Math.min(rest, available)
    if (part > 0) used.push({ account: from, grantId, amount: part })
    rest -= part
  }
  return used
}

// A debt is a floor (payments/debts.ts). Nothing is spent before it is paid, a grant no more than a balance.
function inDebt({ held, floor }: AccountState) {
  const nothing = { period: null, amount: null, spent: null, available: 0, resets_at: null }
  const details: LimitDetails = { limit: 'debt', held, required: floor, ...nothing }
  return fault('account_in_debt', {
    details,
    hint: 'Add money to the wallet: it pays the debt first.',
  })
}

/** How a connection that has ended looks to who called: with a key 404, with a user's own token 401. */
export function ended({ named }: Pick<Payer, 'named'>) {
  return fault(named ? 'user_not_found' : 'invalid_token')
}

const NOT_OF_THE_APP = { message: 'This app does not offer this model.', param: 'model' }

async function meansOf(tx: Tx, { payer, call }: HoldArgs) {
  const terms = payer.connectionId === null ? null : await termsOf(tx, payer.connectionId, tx.now)
  if (payer.connectionId !== null && !terms) throw ended(payer)
  if (terms) {
    if (terms.status === 'revoked' || terms.status === 'expired') throw ended(payer)
    if (terms.status === 'paused' || terms.frozen) throw fault('connection_paused')
    if (terms.consentDue) throw fault('consent_required')
    if (terms.models && !terms.models.includes(call.model)) throw fault('model_not_allowed', { param: 'model' })
  }
  const appModels = terms ? terms.appModels : payer.models
  if (appModels && !appModels.includes(call.model)) throw fault('model_not_allowed', { ...NOT_OF_THE_APP })
  const grants = usesGrants(payer) ? await grantsFor(tx, grantOwner(payer), payer.publisherId) : []
  const windows = payer.connectionId === null ? [] : await openWindows(tx, payer.connectionId)
  const money = await stands(tx, payer.account)
  if (money.floor > 0) throw inDebt(money) // read with the balance anyway: it costs those without a debt nothing
  const balance: Limit = {
    limit: 'balance',
    period: null,
    amount: null,
    spent: null,
    held: money.held,
    available: money.available,
    resetsAt: null,
  }
  const caps = windows.map(
    (window): Limit => ({
      limit: 'cap',
      period: window.period,
      amount: window.limit,
      spent: window.spent,
      held: window.held,
      available: window.available,
      resetsAt: window.resetsAt,
    }),
  )
  const means: Means = {
    grants: grants.reduce((sum, grant) => sum + grant.available, 0),
    grantsHeld: grants.reduce((sum, grant) => sum + grant.held, 0),
    markupBps: terms?.markupBps ?? payer.markupBps,
    balance,
    caps,
    perCall: terms?.perCallCeiling ?? null,
  }
  return { means, grants, capAccounts: windows.map((window) => window.account), askAbove: terms?.askAbove ?? null }
}
