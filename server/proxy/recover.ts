// Holds whose process has died.
// owns: ending them. never: those of a living process.
// always true: settled at what was provably delivered, else void; marked `unknown` either way.

import { baseMicros, UnitKind, type UnitPrices, Units } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { LEASE_MS, leases, type OpenHold, orphans, renewLease } from '../ledger/leases.ts'
import type { HoldArgs, HoldMemo } from './hold.ts'
import { memoOf, settleCall, voidCall } from './settle.ts'

type Needs = Pick<Deps, 'db' | 'now' | 'log' | 'owner'> & Partial<Pick<Deps, 'metrics'>>

/** After a gap in its own life a process leaves holds whose time has run out alone for so long: calls renew theirs first. */
const GAP_MS = LEASE_MS
const CALM_MS = 4 * LEASE_MS

/**
 * Looks after the holds of dead processes; what it makes is to be run every few seconds, and answers how many it ended.
 * A peer is dead when its lease was given up, or has stood still under our eyes for as long as a lease lives: by our own
 * steady clock, so neither clocks that differ, nor one that jumps, nor a store that was away makes a living one dead.
 * @param steadyMs a clock that nobody sets
 */
export function watchOrphans(deps: Needs, steadyMs: () => number = () => performance.now()): () => Promise<number> {
  const seen = new Map<string, { livesUntil: number; since: number }>()
  let before: { wall: number; steady: number } | null = null
  let calmFrom = Number.NEGATIVE_INFINITY
  return async () => {
    await deps.db.tx(renewLease, { owner: deps.owner })
    const at = { wall: deps.now(), steady: steadyMs() }
    if (before !== null && Math.max(at.wall - before.wall, at.steady - before.steady) > GAP_MS) {
      seen.clear()
      calmFrom = at.steady + CALM_MS
    }
    before = at
    const dead: string[] = []
    for (const { owner, lives_until: livesUntil } of await leases(deps.db)) {
      const known = seen.get(owner)
      if (known?.livesUntil !== livesUntil) seen.set(owner, { livesUntil, since: at.steady })
      else if (owner !== deps.owner && at.steady - known.since >= LEASE_MS) dead.push(owner)
    }
    return endAll(deps, await orphans(deps.db, dead, at.steady >= calmFrom ? at.wall : null))
  }
}

async function endAll(deps: Needs, holds: readonly OpenHold[]): Promise<number> {
  for (const hold of holds) {
    const memo = (await memoOf(deps.db, hold.id))?.memo
    deps.metrics?.losses.inc({ why: 'orphaned' })
    if (memo && hold.checkpoint !== null) await settleAt(deps, hold, memo)
    else await deps.db.tx(voidCall, { holdId: hold.id, outcome: 'unknown', kind: 'expire' })
  }
  if (holds.length > 0) deps.log.warn({ ended: holds.length }, 'ended the holds of a process that had died')
  return holds.length
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
