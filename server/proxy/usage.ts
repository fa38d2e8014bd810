// Units of a call against what was held for it.
// owns: whether a usage is believed, and cutting our own count. never: prices, a provider's words.
// always true: a usage above the ceiling of its kind is not believed (null), whoever sent it; a count is cut to its ceilings.

import { countOf, INPUT_TOKENS } from '../contract/charge.ts'
import type { UnitKind, Units } from '../contract/receipts.ts'
import type { Bound, Ceiling } from './shapes/shape.ts'

/** The ceilings of a call whose output limit is `maxOutput`. */
export function ceilingsOf(bound: Bound, maxOutput: number): readonly Ceiling[] {
  const { fixed, perOutput } = bound
  return perOutput ? [...fixed, { kinds: perOutput.kinds, count: perOutput.count * maxOutput }] : fixed
}

/** The units without kinds that do not occur; null when one is above its ceiling, or has none. */
export function believed(units: Units | null, ceilings: readonly Ceiling[]): Units | null {
  if (units === null) return null
  const kinds = occurring(units)
  if (kinds.some(([kind]) => !ceilings.some((ceiling) => ceiling.kinds.includes(kind)))) return null
  if (ceilings.some((ceiling) => sumOf(kinds, ceiling) > ceiling.count)) return null
  return Object.fromEntries(kinds)
}

/** Our own count, each kind cut to what its ceiling leaves. */
export function cutTo(units: Units, ceilings: readonly Ceiling[]): Units {
  const left = ceilings.map(({ count }) => count)
  const cut = occurring(units).map(([kind, count]): [UnitKind, number] => {
    const at = ceilings.findIndex((ceiling) => ceiling.kinds.includes(kind))
    const within = Math.min(count, left[at] ?? 0)
    if (at >= 0) left[at] = (left[at] ?? 0) - within
    return [kind, within]
  })
  return Object.fromEntries(cut.filter(([, count]) => count > 0))
}

function occurring(units: Units): [UnitKind, number][] {
  return (Object.entries(units) as [UnitKind, number][]).filter(([, count]) => count > 0)
}

function sumOf(kinds: readonly [UnitKind, number][], ceiling: Ceiling): number {
  return kinds.reduce((sum, [kind, count]) => sum + (ceiling.kinds.includes(kind) ? count : 0), 0)
}

/** All input tokens together, cached ones included: what price tiers go by. */
export function inputOf(units: Units): number {
  return countOf(units, INPUT_TOKENS)
}
