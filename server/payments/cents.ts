// Cents and credits: the provider counts in cents, our books in micro-dollars.
// owns: the only conversions between the two. never: a float.
// always true: cents become credits exactly; credits become cents rounded down, and the rest is answered, not lost.

export const CREDITS_PER_CENT = 10_000

/** Whole cents as credits, exactly. @throws Error when it is no safe count of cents */
export function creditsOf(cents: number): number {
  const credits = cents * CREDITS_PER_CENT
  if (!Number.isSafeInteger(cents) || !Number.isSafeInteger(credits) || cents < 0)
    throw new Error(`${cents} is no amount in cents`)
  return credits
}

/** The whole cents in an amount, and the credits that are left over (fewer than a cent's). */
export function centsIn(credits: number): { cents: number; rest: number } {
  if (!Number.isSafeInteger(credits) || credits < 0) throw new Error(`${credits} is no amount in credits`)
  return { cents: Math.floor(credits / CREDITS_PER_CENT), rest: credits % CREDITS_PER_CENT }
}

/**
 * What a payment brings: the package's balance, or the same share of it when another amount was received.
 * @returns credits, rounded down
 */
export function creditsFor(receivedCents: number, terms: { price_cents: number; balance_credits: number }): number {
  if (receivedCents === terms.price_cents) return terms.balance_credits
  return Number((BigInt(receivedCents) * BigInt(terms.balance_credits)) / BigInt(terms.price_cents))
}
