// The port to whoever takes the money.
// owns: the port's type, and the choice. never: a credit (checkouts.ts).
// always true: sandbox and live are never mixed: one process has one implementation.

import type { Deps } from '../deps.ts'
import { account } from '../ledger/chart.ts'

export type Payments = {
  readonly livemode: boolean
  /** The account that bought balance comes from. */
  readonly source: string
  /** Where a person pays a checkout that has just been written. */
  start(checkoutId: string): Promise<{ url: string; clientSecret?: string }>
}

/** Who takes the money of this server. */
export function paymentsOf(deps: Deps): Payments {
  return sandboxPayments(deps)
}

/** No money moves: our own page stands in for the provider's. */
function sandboxPayments({ publicUrl }: Pick<Deps, 'publicUrl'>): Payments {
  return {
    livemode: false,
    source: account.sandbox,
    start: async (checkoutId) => ({ url: `${publicUrl}/sandbox/checkouts/${checkoutId}` }),
  }
}
