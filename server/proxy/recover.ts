// Holds whose process has died.
// owns: ending them. never: those of a living process.
// always true: settled at what was provably delivered, else void; marked `unknown` either way.

import { baseMicros, UnitKind, type UnitPrices, Units } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { type OpenHold, orphans } from '../ledger/leases.ts'
import type { HoldArgs, HoldMemo } from './hold.ts'
import { memoOf, settleCall, voidCall } from './settle.ts'

type Needs = Pick<Deps, 'db' | 'now' | 'log'> & Partial<Pick<Deps, 'metrics'>>

/** Ends every hold that nobody looks after. @returns how many it ended */
export async function endOrphans(deps: Needs): Promise<number> {
  let ended = 0
  for (const hold of await orphans(deps.db, deps.now())) {
    const memo = (await memoOf(deps.db, hold.id))?.memo
    deps.metrics?.losses.inc({ why: 'orphaned' })
    if (memo && hold.checkpoint !== null) await settleAt(deps, hold, memo)
    else await deps.db.tx(voidCall, { holdId: hold.id, outcome: 'unknown', kind: 'expire' })
    ended++
  }
  if (ended > 0) deps.log.warn({ ended }, 'ended the holds of a process that had died')
  return ended
}

async function settleAt(deps: Pick<Deps, 'db'>, hold: OpenHold, { payer, call, funding }: HoldMemo): Promise<void> {
  const units = Units.parse(JSON.parse(hold.checkpoint ?? '{}'))
  await deps.db.tx(settleCall, {
    requestId: hold.request_id ?? hold.id,
    holdId: hold.id,
    payer,
    funding,
    route: call.route,
    ...cheapest(call, units),
    priceVersion: call.priceVersion,
    units,
    estimated: true,
    sealedAnswer: null,
    claimed: true,
    outcome: 'unknown',
  })
}

// Nobody knows any more which upstream answered: the person pays what the cheapest would have cost.
function cheapest({ model, unitPrices, others = [] }: HoldArgs['call'], units: Units) {
  const priced = [{ model, unitPrices }, ...others].filter((offer) => priceless(units, offer.unitPrices) === null)
  const [first = { model, unitPrices }, ...more] = priced
  return more.reduce((least, offer) => {
    return baseMicros(units, offer.unitPrices) < baseMicros(units, least.unitPrices) ? offer : least
  }, first)
}

function priceless(units: Units, prices: UnitPrices): UnitKind | null {
  return UnitKind.options.find((kind) => units[kind] && prices[kind] === undefined) ?? null
}
