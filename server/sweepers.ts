// Work that the clock asks for.
// owns: the list of it. never: the work itself.
// always true: each sweep may be run by anyone, at any time, twice.

import { catchUp } from './analytics/rollup.ts'
import { sweepApprovals } from './connections/approvals.ts'
import { recheckDomains } from './connections/domains.ts'
import { sweepKeys } from './connections/key-changes.ts'
import type { Deps } from './deps.ts'
import { sweepPurchases } from './developers/pool.ts'
import { claimRests } from './grants/give.ts'
import { endExpired } from './grants/grants.ts'
import { WELCOME_CARRIERS } from './grants/welcome.ts'
import { sweepAnswers } from './idempotency/idempotency.ts'
import { rotateOldSigningKey, sealedIdentityKeys } from './identity/keys.ts'
import { sealedModels } from './identity/models.ts'
import { sweepRequests } from './identity/requests.ts'
import { sealedTotps } from './identity/totp.ts'
import { type Carriers, carryOut, waiting } from './outbox/outbox.ts'
import { reconcileDaily } from './payments/books.ts'
import { PAYMENT_CARRIERS, sweepAutoTopups } from './payments/carriers.ts'
import { gatherEarnings, matureEarnings } from './payments/earnings.ts'
import { reconcile } from './payments/observe.ts'
import { payDue, releaseReserves } from './payments/payout-day.ts'
import { claimRestsOfPayments } from './payments/rests.ts'
import { sealedAnswers, sweepKept } from './proxy/kept-answers.ts'
import { flushRefusals, sweepRefusals } from './proxy/refusals.ts'
import { sweepWindows } from './rate-slices.ts'
import { rotateOldReceiptKey, sealedReceiptKeys } from './receipts/keys.ts'
import { reseal } from './vault/reseal.ts'
import { tellCharges } from './webhooks/charges.ts'
import { sweepDeliveries } from './webhooks/deliveries.ts'
import { FACT_CARRIERS } from './webhooks/facts.ts'
import { startSending } from './webhooks/sender.ts'
import { sealedWebhookSecrets } from './webhooks/signing.ts'

/** Every column that holds sealed texts; a few keys first, then what there may be much of. */
const SEALED = [sealedIdentityKeys, sealedReceiptKeys, sealedWebhookSecrets, sealedTotps, sealedModels, sealedAnswers]

export type Sweeper = { everyMs: number; sweep: () => Promise<unknown> }

/** Who carries out what was promised besides payments, by kind of promise: nobody waits for the payment provider here. */
const OTHER_CARRIERS: Carriers = { ...WELCOME_CARRIERS, ...FACT_CARRIERS }

/** Everything that has to be looked at now and then. */
export function sweepers(deps: Deps): Sweeper[] {
  const { db } = deps
  return [
    { everyMs: 60_000, sweep: () => db.tx(endExpired, undefined) },
    { everyMs: 60_000, sweep: () => db.tx(claimRests, undefined) },
    { everyMs: 10_000, sweep: () => sweepKeys(deps) },
    { everyMs: 10_000, sweep: () => db.tx(sweepRequests, {}) },
    { everyMs: 10_000, sweep: () => db.tx(sweepApprovals, {}) },
    { everyMs: 10_000, sweep: () => db.tx(sweepKept, undefined) },
    { everyMs: 3_600_000, sweep: () => db.tx(sweepAnswers, undefined) },
    { everyMs: 1_000, sweep: () => flushRefusals(deps) },
    { everyMs: 2_000, sweep: () => catchUp(deps) },
    { everyMs: 3_600_000, sweep: () => db.tx(sweepRefusals, undefined) },
    { everyMs: 600_000, sweep: () => recheckDomains(deps) },
    { everyMs: 3_600_000, sweep: () => rotateOldReceiptKey(deps) },
    { everyMs: 3_600_000, sweep: () => rotateOldSigningKey(deps) },
    ...(db.dialect === 'postgres' ? [{ everyMs: 60_000, sweep: () => db.tx(sweepWindows, undefined) }] : []),
    { everyMs: 1_000, sweep: () => tellCharges(deps) },
    { everyMs: 1_000, sweep: () => startSending(deps) },
    { everyMs: 3_600_000, sweep: () => db.tx(sweepDeliveries, undefined) },
    ...moneySweepers(deps),
    ...resealing(deps),
  ]
}

/** What was promised outside, and what nobody told us of. */
function moneySweepers(deps: Deps): Sweeper[] {
  const { db } = deps
  return [
    { everyMs: 1_000, sweep: () => carryOut(deps, PAYMENT_CARRIERS) },
    { everyMs: 1_000, sweep: () => carryOut(deps, OTHER_CARRIERS) },
    { everyMs: 5_000, sweep: () => sweepAutoTopups(deps) },
    { everyMs: 10_000, sweep: () => reconcile(deps) },
    { everyMs: 60_000, sweep: () => db.tx(claimRestsOfPayments, undefined) },
    { everyMs: 2_000, sweep: () => sweepPurchases(deps) },
    { everyMs: 10_000, sweep: () => payouts(deps) },
    { everyMs: 600_000, sweep: () => reconcileDaily(deps) },
    { everyMs: 30_000, sweep: async () => deps.metrics.outboxWaiting.set((await waiting(db)).length) },
  ]
}

/** From charges to payouts: each step takes up where it stopped. */
async function payouts(deps: Deps): Promise<void> {
  const { db } = deps
  for (let before = -1, now = 0; before !== now; ) [before, now] = [now, await db.tx(gatherEarnings, undefined)]
  while ((await db.tx(matureEarnings, undefined)) > 0);
  while ((await db.tx(releaseReserves, undefined)) > 0);
  await payDue(deps)
}

const RESEAL_EVERY_MS = 2_000
const RESEAL_AGAIN_MS = 600_000

/** While there is an older master key: soon after the start, and now and then in case a peer still seals with it. */
function resealing(deps: Deps): Sweeper[] {
  if (Buffer.isBuffer(deps.masterKey)) return []
  let nextAt = 0
  const sweep = async () => {
    if (deps.now() < nextAt) return
    const { resealed, unreadable } = await reseal(deps, SEALED)
    if (resealed > 0) return // look again: what was written meanwhile may be behind
    nextAt = deps.now() + RESEAL_AGAIN_MS
    deps.log.info({ unreadable }, 'nothing is left that only QUOTA_MASTER_KEY_OLD opens')
  }
  return [{ everyMs: RESEAL_EVERY_MS, sweep }]
}
