// When an edit of a permission loosens it.
// owns: the meaning of "raising". never: rows. always true: pure; what is not loosening may always be applied.

import type { Cap } from '../contract/records.ts'

/** What a person decides about an app; `expiresAt` in milliseconds, null where there is no such bound. */
export type Limits = {
  caps: readonly Cap[]
  perCallCeiling: number | null
  askAbove: number | null
  models: readonly string[] | null
  expiresAt: number | null
}

/**
 * Whether new limits allow anything that the old ones did not: a higher amount, a window or a ceiling removed, a later
 * expiry, a model added.
 */
export function loosens(before: Limits, after: Limits): boolean {
  return (
    before.caps.some((old) =>
      higher(old.amount, after.caps.find((cap) => cap.period === old.period)?.amount ?? null),
    ) ||
    higher(before.perCallCeiling, after.perCallCeiling) ||
    higher(before.askAbove, after.askAbove) ||
    higher(before.expiresAt, after.expiresAt) ||
    modelAdded(before.models, after.models)
  )
}

/** Null is no bound, and so above every bound. */
function higher(before: number | null, after: number | null): boolean {
  return before !== null && (after === null || after > before)
}

function modelAdded(before: readonly string[] | null, after: readonly string[] | null): boolean {
  return before !== null && (after === null || after.some((model) => !before.includes(model)))
}
