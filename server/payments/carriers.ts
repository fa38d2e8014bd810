// What this folder does outside because a commit promised it: refunds, payouts, automatic top-ups, cards let go.
// owns: the order of look, act and book. never: a decision about who may have what (that was made in the commit).
// always true: after a first try it looks before it acts, so an answer that was lost is found and not asked for again; a
// definite refusal is booked as one; what is unknown is asked again with the same key.

import type { Deps } from '../deps.ts'
import { account } from '../ledger/chart.ts'
import { money } from '../ledger/ledger.ts'
import type { Carrier, Carriers } from '../outbox/outbox.ts'
import { AUTO_TOPUP, armedTopups, fireAutoTopup, isOn } from './auto-topup.ts'
import { checkout } from './checkouts.ts'
import { accountOf, lookAtAccount, mayBePaid } from './connect.ts'
import { recordPayment } from './credit.ts'
import { observePayment, recordSeen } from './observe.ts'
import { isRefused } from './payments.ts'
import { PAYOUT, payout, refusePayout, settlePayout } from './payouts.ts'
import { REFUND, refundRow, refuseRefund } from './refunds.ts'
import { DETACH_CARD, savedCard } from './saved-cards.ts'

const PAUSED_MS = 3_600_000
const POOR_MS = 6 * 3_600_000
const LOOK_MS = 5_000

const refund: Carrier = async (deps, { subject: id, tries }) => {
  const row = await refundRow(deps.db, id)
  if (row?.status !== 'promised') return 'done'
  if (tries > 1) {
    await observePayment(deps, row.payment_intent)
    if ((await refundRow(deps.db, id))?.status !== 'promised') return 'done'
  }
  const answer = await deps.payments.refund({
    id,
    paymentIntent: row.payment_intent,
    cents: row.cents,
    attempt: row.attempt,
  })
  if (isRefused(answer)) {
    await deps.db.tx(refuseRefund, { id, failure: answer.refused.code })
    return 'done'
  }
  await observePayment(deps, row.payment_intent)
  return (await refundRow(deps.db, id))?.status === 'promised' ? { againMs: LOOK_MS } : 'done'
}

const pay: Carrier = async (deps, { subject: id, tries }) => {
  const row = await payout(deps.db, id)
  if (row?.status !== 'pending') return 'done'
  if (tries > 1) {
    const made = await deps.payments.findTransfer(id)
    if (made) {
      await deps.db.tx(settlePayout, { id, transfer: made })
      return 'done'
    }
  }
  await lookAtAccount(deps, row.account)
  const to = await accountOf(deps.db, row.publisher)
  if (!to || to.account !== row.account || !mayBePaid(to)) return { againMs: PAUSED_MS }
  const { account: destination, cents, attempt } = row
  const answer = await deps.payments.transfer({ id, account: destination, cents, attempt })
  if (!isRefused(answer)) {
    await deps.db.tx(settlePayout, { id, transfer: answer })
    return 'done'
  }
  deps.log.error({ payout: id, code: answer.refused.code }, 'a transfer was refused')
  return (await deps.db.tx(refusePayout, { id, attempt, code: answer.refused.code })) ? { againMs: POOR_MS } : 'done'
}

const topUp: Carrier = async (deps, { subject: id, tries }) => {
  const row = await checkout(deps.db, id)
  const card = row?.user_id ? await savedCard(deps.db, row.user_id) : undefined
  if (row?.status !== 'pending') return 'done'
  const { livemode } = deps.payments
  const end = (ending: 'declined' | 'expired', more: { failure?: string } = {}) =>
    deps.db.tx(recordPayment, { checkoutId: id, session: null, payment: null, livemode, ending, ...more })
  const refuse = (failure: string) => end('declined', { failure })
  if (!card) {
    await refuse('no_card')
    return 'done'
  }
  const before = tries > 1 ? await deps.payments.findPayment(id, card.customer) : null
  if (before !== null) {
    await observePayment(deps, before)
    if ((await checkout(deps.db, id))?.status !== 'pending') return 'done'
  }
  // It may have waited for the provider, and its person has turned them off since: nothing is begun any more.
  if (before === null && !(await isOn(deps.db, row.user_id ?? ''))) {
    await end('expired')
    return 'done'
  }
  const answer = await deps.payments.chargeSaved({ checkoutId: id, cents: row.price_cents, card })
  if (isRefused(answer)) await refuse(answer.refused.code)
  else await recordSeen(deps, id, answer)
  return 'done'
}

/** Twice is once, so every try has a key of its own: an error that the provider remembers is not met again. */
const detach: Carrier = async (deps, { subject: id, tries }) => {
  await deps.payments.detachCard({ id, attempt: tries })
  return 'done'
}

/** By kind of promise. */
export const PAYMENT_CARRIERS: Carriers = {
  [REFUND]: refund,
  [PAYOUT]: pay,
  [AUTO_TOPUP]: topUp,
  [DETACH_CARD]: detach,
}

/** Looks at everyone who has automatic top-ups on, and begins a purchase for those below their threshold. */
export async function sweepAutoTopups(deps: Deps): Promise<void> {
  const scale = deps.payments.livemode ? 1 : deps.config.QUOTA_RATE_LIMIT_SCALE
  for (const { user_id: userId, threshold } of await armedTopups(deps.db, deps.now())) {
    const { available } = await money(deps.db, account.user(userId))
    if (available >= threshold) continue
    await deps.db.tx(fireAutoTopup, { userId, id: deps.id('chk'), livemode: deps.payments.livemode, scale })
  }
}
