// What a refund would come out of.
// owns: the arithmetic of the preview. never: the refund (the server decides it anew, by the same rule).
// always true: pure; oldest unspent money first, and no more of a purchase than it has left.

/** A purchase and what of it is unspent, in credits of whole cents. */
export type LotLeft = { topup_id: string; refundable: number }

/**
 * Which purchases an amount comes back from.
 * @param lots oldest first, as the server lists them
 * @param amount credits, whole cents
 * @returns null when so much is not there
 */
export function refundParts(lots: readonly LotLeft[], amount: number): { topup_id: string; amount: number }[] | null {
  const parts: { topup_id: string; amount: number }[] = []
  let rest = amount
  for (const { topup_id, refundable } of lots) {
    const part = Math.min(rest, refundable)
    if (part > 0) parts.push({ topup_id, amount: part })
    rest -= part
  }
  return rest === 0 ? parts : null
}
