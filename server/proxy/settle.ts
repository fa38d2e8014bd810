// After a call: what it really cost is charged, once, and the rest is free again.
// owns: the charge, its receipt, and the documents a wallet sees of it. never: the network, a price.
// always true: charge <= hold; the receipt, the ledger and the feed are written in one commit or not at all.

import { connectionChange, noteUse } from '../connections/connections.ts'
import { noticesAfter } from '../connections/notices.ts'
import type { Quota } from '../contract/api.ts'
import { baseMicros, type ReceiptPayload, type UnitPrices, type Units } from '../contract/receipts.ts'
import type { Balance, Connection, ReceiptRow } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import {
  append,
  changesAfter,
  documentsBefore,
  type FeedChange,
  lockFeed,
  takeRevs,
  writeChanges,
} from '../feed/feed.ts'
import { grantChange, grantsFor } from '../grants/grants.ts'
import { account } from '../ledger/chart.ts'
import { holdMade, type Leg, type Money, money, renewHold, settle, voidHold } from '../ledger/ledger.ts'
import { tokensOf } from '../receipts/charges.ts'
import { fileReceipt, receiptPlace, signReceipt } from '../receipts/receipts.ts'
import { type Split, split } from './fit.ts'
import { type Funding, grantOwner, type HoldMemo, type Payer, usesGrants } from './hold.ts'
import { freeAnswer, keepAnswer } from './kept-answers.ts'

export type SettleArgs = {
  requestId: string
  holdId: string
  payer: Payer
  funding: Funding
  route: string
  model: string
  priceVersion: string
  unitPrices: UnitPrices
  units: Units
  estimated: boolean
  /** The answer to keep for an Idempotency-Key, sealed; null without one. */
  sealedAnswer: string | null
  /** Whether an Idempotency-Key was claimed, and must be filled or freed. */
  claimed: boolean
  /** Why it ended as it did, for the audit: "done", "caller_gone", "upstream_died", "paused", "unknown". */
  outcome: string
}

/**
 * Charges a call. The same charge again is told again: the answer to the first may have been lost with the connection.
 * @returns the quota block the caller gets, or null when the hold had ended otherwise (then nothing moved)
 */
export const settleCall = procedure(
  'proxy.settle',
  async (tx: Tx, args: SettleArgs): Promise<Quota | null> => {
    const { payer, funding } = args
    const base = baseMicros(args.units, args.unitPrices)
    const heldByGrants = funding.grants.reduce((sum, grant) => sum + grant.amount, 0)
    const parts = split(base, heldByGrants, funding.markupBps)
    const memo = JSON.stringify({ outcome: args.outcome, estimated: args.estimated })
    const ended = await settle(tx, {
      holdId: args.holdId,
      legs: chargeLegs(args, parts.granted, parts.rest, parts.markup),
      memo,
    })
    if (ended === 'exists') return toldBefore(tx, args)
    if (ended !== 'settled') return null

    const usedGrants = parts.granted > 0 ? funding.grants : []
    if (payer.connectionId !== null) await noteUse(tx, payer.connectionId)
    const { first, receiptHash } = await takeRevs(tx, payer.id, 1 + documentsOf(payer, usedGrants))
    // Read under the feed's lock: what somebody else has told before us is in it, and what they tell later comes later.
    const { balance, balanceAfter } = await spendableAfter(tx, payer)
    const documents = await documentsAfter(tx, payer, { balance, grants: usedGrants })
    const payload = payloadOf(tx, args, { base, ...parts }, first, receiptHash)
    const receipt = signReceipt(tx.secrets, payload)
    const row = rowOf(tx, args, { base, ...parts }, balance.available, receipt)
    await writeChanges(tx, payer.id, first, [{ topic: 'receipt', id: args.requestId, row }, ...documents])
    const notices = await noticesOf(tx, args, documents, parts)
    if (notices.length > 0) await append(tx, payer.id, notices)
    const { requestId, estimated, model } = args
    const { appId, publisherId, connectionId } = payer
    await fileReceipt(
      tx,
      {
        requestId,
        payer: payer.id,
        rev: first,
        appId,
        publisherId,
        connectionId,
        model,
        base,
        markup: parts.markup,
        granted: parts.granted,
        grantsAfter: balanceAfter - balance.available,
        estimated,
        tokens: tokensOf(args.units),
      },
      receipt,
    )
    const quota = quotaOf(args, { base, ...parts }, balanceAfter, receipt)
    if (args.sealedAnswer !== null) await keepAnswer(tx, args.holdId, args.sealedAnswer, quota)
    else if (args.claimed) await freeAnswer(tx, args.holdId)
    return quota
  },
  { bookkeeping: true },
)

async function toldBefore(tx: Tx, args: SettleArgs): Promise<Quota | null> {
  const place = await receiptPlace(tx, args.requestId)
  const [change] = place ? await changesAfter(tx, place.payer, place.rev - 1, 1) : []
  if (!place || !change?.row || change.doc !== args.requestId) return null
  const row: ReceiptRow = JSON.parse(change.row)
  const { base_credits: base, markup_credits: markup, granted_credits: granted, credits_used: total } = row
  const charge = { base, markup, granted, total, charged: total - granted, rest: base - granted }
  return quotaOf({ ...args, estimated: row.estimated }, charge, row.balance_after + place.grants_after, row.receipt)
}

/** What the payer has now; `balanceAfter` is what is spendable in this app's publisher's apps. */
async function spendableAfter(tx: Tx, payer: Payer): Promise<{ balance: Money; balanceAfter: number }> {
  const balance = await money(tx, payer.account)
  const grants = usesGrants(payer) ? await grantsFor(tx, grantOwner(payer), payer.publisherId) : []
  return { balance, balanceAfter: balance.available + grants.reduce((sum, grant) => sum + grant.available, 0) }
}

type UsedGrants = Funding['grants']

const documentsOf = ({ connectionId }: Payer, grants: UsedGrants) => 1 + (connectionId === null ? 0 : 1) + grants.length

/** What a wallet is shown of the payer when a call has ended: so many documents as `documentsOf` says. */
async function documentsAfter(
  tx: Tx,
  { id, connectionId }: Payer,
  { balance, grants }: { balance: Money; grants: UsedGrants },
): Promise<FeedChange[]> {
  const documents: FeedChange[] = [{ topic: 'balance', id, row: balance }]
  if (connectionId !== null) documents.push(await connectionChange(tx, connectionId))
  for (const { grantId } of grants) documents.push(await grantChange(tx, grantId))
  return documents
}

async function noticesOf(
  tx: Tx,
  { payer, funding }: SettleArgs,
  documents: readonly FeedChange[],
  { charged }: Split,
): Promise<FeedChange[]> {
  const shown = documents.find(({ topic }) => topic === 'connection')?.row as Connection | undefined
  return shown ? noticesAfter(tx, payer.id, shown, { charge: charged, windows: funding.caps }) : []
}

/** Ends a hold without a charge. True when this call ended it. */
export const voidCall = procedure(
  'proxy.void',
  async (tx: Tx, args: { holdId: string; outcome: string; kind?: 'void' | 'expire' }): Promise<boolean> => {
    const ended = await voidHold(
      tx,
      { holdId: args.holdId, memo: JSON.stringify({ outcome: args.outcome }) },
      args.kind,
    )
    if (ended !== 'voided') return false
    await freeAnswer(tx, args.holdId)
    await tellFreed(tx, args.holdId)
    return true
  },
  { bookkeeping: true },
)

/** The payer, funding and call of a hold, and when it was made, in ms; null when it is not a call's. */
export async function memoOf(reader: Reader, holdId: string): Promise<{ memo: HoldMemo; at: number } | null> {
  const made = await holdMade(reader, holdId)
  return made?.memo ? { memo: JSON.parse(made.memo), at: made.at } : null
}

// A charge or a purchase beside the call has told the wallet of what was reserved; nothing else will tell that it is free.
async function tellFreed(tx: Tx, holdId: string): Promise<void> {
  const made = await memoOf(tx, holdId)
  if (!made) return
  const { payer, funding } = made.memo
  await lockFeed(tx, payer.id)
  const last = async (topic: string) =>
    (await documentsBefore(tx, { feed: payer.id, topic, rev: Number.MAX_SAFE_INTEGER }, 1))[0]?.row
  const shown = await last('balance')
  if (shown === undefined) return
  const charged = await last('receipt')
  const meanwhile = charged !== undefined && Date.parse((JSON.parse(charged) as ReceiptRow).at) >= made.at
  if ((JSON.parse(shown) as Balance).held === 0 && !meanwhile) return
  const balance = await money(tx, payer.account)
  await append(tx, payer.id, await documentsAfter(tx, payer, { balance, grants: funding.grants }))
}

/** Keeps the hold of a running call alive, with the units provably delivered so far. */
export const renewCall = procedure(
  'proxy.renew',
  async (tx: Tx, args: { holdId: string; ttlMs: number; units: Units | null }): Promise<boolean> =>
    renewHold(tx, args.holdId, args.ttlMs, args.units === null ? null : JSON.stringify(args.units)),
  { bookkeeping: true },
)

type Charge = { base: number; granted: number; rest: number; markup: number; total: number; charged: number }

function chargeLegs({ payer, funding }: SettleArgs, granted: number, rest: number, markup: number): Leg[] {
  const legs: Leg[] = []
  let left = granted
  for (const grant of funding.grants) {
    const part = Math.min(left, grant.amount)
    if (part > 0) legs.push({ from: grant.account, to: account.sales, amount: part })
    left -= part
  }
  if (rest > 0) legs.push({ from: payer.account, to: account.sales, amount: rest })
  if (markup > 0) legs.push({ from: payer.account, to: account.earnings(payer.publisherId), amount: markup })
  if (rest + markup > 0)
    for (const cap of funding.caps) legs.push({ from: cap, to: account.limits, amount: rest + markup })
  return legs
}

function payloadOf(tx: Tx, args: SettleArgs, charge: Charge, rev: number, prev: string | null): ReceiptPayload {
  return {
    v: 1,
    iss: tx.secrets.issuer,
    iat: Math.floor(tx.now / 1000),
    jti: args.requestId,
    sub: args.payer.id,
    app: args.payer.appId,
    connection: args.payer.connectionId,
    route: args.route,
    model: args.model,
    price_version: args.priceVersion,
    units: args.units,
    unit_prices: Object.fromEntries(
      Object.keys(args.units).map((kind) => [kind, args.unitPrices[kind as keyof UnitPrices]]),
    ),
    base: charge.base,
    markup_bps: args.funding.markupBps,
    markup: charge.markup,
    granted: charge.granted,
    total: charge.total,
    estimated: args.estimated,
    rev,
    prev,
  }
}

function rowOf(tx: Tx, args: SettleArgs, charge: Charge, balanceAfter: number, receipt: string): ReceiptRow {
  return {
    request_id: args.requestId,
    at: new Date(tx.now).toISOString(),
    app_id: args.payer.appId,
    connection_id: args.payer.connectionId,
    route: args.route,
    model: args.model,
    units: args.units,
    credits_used: charge.total,
    base_credits: charge.base,
    markup_credits: charge.markup,
    granted_credits: charge.granted,
    estimated: args.estimated,
    balance_after: balanceAfter,
    receipt,
  }
}

function quotaOf(args: SettleArgs, charge: Charge, balanceAfter: number, receipt: string): Quota {
  const fundedBy: Quota['funded_by'] = []
  if (charge.granted > 0) fundedBy.push({ source: 'grant', credits: charge.granted })
  if (charge.charged > 0) fundedBy.push({ source: 'balance', credits: charge.charged })
  return {
    request_id: args.requestId,
    billing_mode: args.payer.billingMode,
    credits_used: charge.total,
    base_credits: charge.base,
    markup_credits: charge.markup,
    funded_by: fundedBy,
    balance_before: balanceAfter + charge.total,
    balance_after: balanceAfter,
    estimated: args.estimated,
    price_version: args.priceVersion,
    receipt,
  }
}
