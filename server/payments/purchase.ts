// A purchase on the provider's page, from its beginning to the landing.
// owns: the order of commit and call. never: a credit.
// always true: our row is written before the provider hears of it, under an id that makes the same session of a second try.

import type { Deps } from '../deps.ts'
import { type CheckoutRow, checkout, LIVES_MS, noteSession } from './checkouts.ts'
import { reached } from './connect.ts'
import { observeCheckout } from './observe.ts'
import type { SessionSeen } from './payments.ts'
import { returnUrl } from './sandbox-page.ts'
import { savedCard } from './saved-cards.ts'

export type PayAt = { url: string; clientSecret?: string }

/**
 * Where a person pays a checkout that was written before; the same answer each time.
 * @throws Fault `payments_unavailable`; the checkout stays, and the next try goes on with it
 */
export async function payAt(deps: Deps, id: string): Promise<PayAt> {
  const row = await checkout(deps.db, id)
  if (!row) throw new Error(`checkout ${id} is gone`)
  const session = await reached(row.session_id === null ? openedOnce(deps, row) : deps.payments.session(row.session_id))
  if (!session) throw new Error(`the session of ${id} is gone at the provider`)
  if (deps.payments.mode === 'sandbox') return { url: `${deps.publicUrl}/sandbox/checkouts/${id}` }
  const { clientSecret } = session
  if (row.embedded === 1 && clientSecret !== null) return { url: `${deps.publicUrl}/pay/${id}`, clientSecret }
  return { url: session.url ?? returnUrl(row.cancel_url, id) }
}

// Requests for one checkout at the same moment share one call: the provider refuses a key that is in use (409).
const opening = new Map<string, Promise<SessionSeen | null>>()

function openedOnce(deps: Deps, row: CheckoutRow): Promise<SessionSeen | null> {
  const under = opening.get(row.id)
  if (under) return under
  const made = opened(deps, row)
    .catch((error) => openedElsewhere(deps, row, error))
    .finally(() => opening.delete(row.id))
  opening.set(row.id, made)
  return made
}

/** Another process may have been first. @throws what we were told, when none was */
async function openedElsewhere(deps: Deps, row: CheckoutRow, error: unknown): Promise<SessionSeen | null> {
  const sessionId = (await checkout(deps.db, row.id))?.session_id
  if (!sessionId) throw error
  return deps.payments.session(sessionId)
}

async function opened(deps: Deps, row: CheckoutRow): Promise<SessionSeen> {
  const card = row.user_id === null ? undefined : await savedCard(deps.db, row.user_id)
  const session = await deps.payments.createSession({
    checkoutId: row.id,
    packageName: row.package_name,
    cents: row.price_cents,
    successUrl: `${deps.publicUrl}/payments/landing/${row.id}`,
    cancelUrl: returnUrl(row.cancel_url, row.id),
    embedded: row.embedded === 1,
    saveCard: row.save_card === 1,
    customer: card?.customer ?? null,
  })
  await deps.db.tx(noteSession, { id: row.id, sessionId: session.id })
  return session
}

/**
 * What a person who comes back from the provider's page is shown next: looks at the payment, whatever the address says.
 * @returns where to go on; a look that fails sends them on, for the reconciler looks again
 */
export async function land(deps: Deps, row: CheckoutRow): Promise<string> {
  const seen = await observeCheckout(deps, row).catch((error) => {
    deps.log.warn({ checkout: row.id, err: String(error) }, 'a payment was not seen at its landing')
    return row
  })
  const paid = seen?.status === 'paid' || seen?.status === 'processing'
  return returnUrl(paid ? row.success_url : row.cancel_url, row.id)
}

/**
 * Ends a checkout as the sandbox's page says: does at the stand-in what a person would do there, then looks.
 * @returns the checkout with the outcome that stands
 */
export async function endInSandbox(
  deps: Deps,
  row: CheckoutRow,
  outcome: 'paid' | 'declined' | 'expired',
): Promise<CheckoutRow> {
  if (row.status !== 'pending') return row
  await payAt(deps, row.id)
  const open = (await checkout(deps.db, row.id)) ?? row
  if (open.session_id === null || deps.payments.people === null) throw new Error('there is no session to end')
  const stale = row.created_at + LIVES_MS <= deps.now()
  await deps.payments.people.endSession(open.session_id, stale ? 'expired' : outcome)
  return (await observeCheckout(deps, open, outcome === 'declined' && !stale ? 'declined' : undefined)) ?? open
}
