// After a call: what it really cost is charged, once, and the rest is free again.
// owns: the charge, its receipt, and the documents a wallet sees of it. never: the network, a price.
// always true: charge <= hold; the receipt, the ledger and the feed are written in one commit or not at all.

import { connectionDocument, noteUse } from '../connections/connections.ts'
import { noticesAfter } from '../connections/notices.ts'
import type { Quota } from '../contract/api.ts'
import { baseMicros, type ReceiptPayload, type UnitPrices, type Units } from '../contract/receipts.ts'
import type { ReceiptRow } from '../contract/records.ts'
import { procedure, type Tx } from '../db/db.ts'
import { type FeedChange, takeRevs, writeChanges } from '../feed/feed.ts'
import { grantChange, grantsFor } from '../grants/grants.ts'
import { account } from '../ledger/chart.ts'
import { type Leg, money, renewHold, settle, voidHold } from '../ledger/ledger.ts'
import { fileReceipt, signReceipt } from '../receipts/receipts.ts'
import { type Split, split } from './fit.ts'
import { type Funding, grantOwner, type Payer, usesGrants } from './hold.ts'
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
 * Charges a call.
 * @returns the quota block the caller gets, or null when the hold had ended before (then nothing moved)
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
    if (ended !== 'settled') return null

    const { balance, balanceAfter, documents } = await documentsAfter(tx, args, parts)
    const { first, receiptHash } = await takeRevs(tx, payer.id, documents.length + 1)
    const payload = payloadOf(tx, args, { base, ...parts }, first, receiptHash)
    const receipt = signReceipt(tx.secrets, payload)
    const row: ReceiptRow = {
      request_id: args.requestId,
      at: new Date(tx.now).toISOString(),
      app_id: payer.appId,
      connection_id: payer.connectionId,
      route: args.route,
      model: args.model,
      units: args.units,
      credits_used: parts.total,
      base_credits: base,
      markup_credits: parts.markup,
      granted_credits: parts.granted,
      estimated: args.estimated,
      balance_after: balance.available,
      receipt,
    }
    await writeChanges(tx, payer.id, first, [{ topic: 'receipt', id: args.requestId, row }, ...documents])
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

// What a wallet is shown of the payer once the charge is made; also what is spendable in this app's publisher's apps.
async function documentsAfter(tx: Tx, { payer, funding }: SettleArgs, { granted, charged }: Split) {
  const usedGrants = granted > 0 ? funding.grants : []
  if (payer.connectionId !== null) await noteUse(tx, payer.connectionId)
  const balance = await money(tx, payer.account)
  const grants = usesGrants(payer) ? await grantsFor(tx, grantOwner(payer), payer.publisherId) : []
  const balanceAfter = balance.available + grants.reduce((sum, grant) => sum + grant.available, 0)
  const documents: FeedChange[] = [{ topic: 'balance', id: payer.id, row: balance }]
  if (payer.connectionId !== null) {
    const row = await connectionDocument(tx, payer.connectionId, tx.now)
    documents.push({ topic: 'connection', id: payer.connectionId, row })
    documents.push(...(await noticesAfter(tx, payer.id, row, { charge: charged, windows: funding.caps })))
  }
  for (const { grantId } of usedGrants) documents.push(await grantChange(tx, grantId))
  return { balance, balanceAfter, documents }
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
    if (ended === 'voided') await freeAnswer(tx, args.holdId)
    return ended === 'voided'
  },
  { bookkeeping: true },
)

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
