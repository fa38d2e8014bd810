// Money in and back, as a scripted server answers it.
// owns: automatic top-ups and refunds over the records of a world. never: a rule beyond what the screens need.
// always true: raising asks for a proof, as the real server does; a refund takes the oldest unspent purchase first.

import type { AutoTopup } from '../../server/contract/payments.ts'
import type { Topup } from '../../server/contract/records.ts'
import { refundParts } from '../../src-renderer/refund-parts.ts'
import { type Answer, type FakeServer, fault, type Request } from './support-server.ts'
import type { World } from './support-world.ts'

/** Off, and no card. */
export const AUTO_TOPUP: AutoTopup = {
  enabled: false,
  threshold: null,
  package_id: null,
  month_max_cents: null,
  spent_this_month_cents: 0,
  today: 0,
  per_day_max: 3,
  card: null,
  stopped: null,
  version: 0,
}

export function autoTopup(fake: FakeServer, { method, body, headers }: Request): Answer {
  const before = fake.script.autoTopup
  if (method !== 'PUT') return { body: before }
  const wish = body as Partial<AutoTopup>
  // A wallet's token is never proof enough; a session (no bearer) is, once it has answered.
  if (wish.enabled && headers.authorization) return fault(403, 'step_up_required', { methods: [] })
  fake.script.autoTopup = { ...before, ...wish, stopped: null, version: before.version + 1 }
  return { body: fake.script.autoTopup }
}

/** Removing the card takes no proof; a card that is being charged stays. */
export function removedCard(fake: FakeServer): Answer {
  const before = fake.script.autoTopup
  if (before.card === null) return fault(404, 'not_found')
  if (before.today > 0) return fault(409, 'topup_in_progress')
  fake.script.autoTopup = { ...before, card: null, enabled: false, stopped: null, version: before.version + 1 }
  return { body: fake.script.autoTopup }
}

export function refunds(fake: FakeServer, { method, body }: Request): Answer {
  const lots = lotsOf(fake.world)
  const refundable = lots.reduce((sum, one) => sum + one.refundable, 0)
  if (method !== 'POST') return { body: { refundable, lots, refunds: [] } }
  const { amount } = body as { amount: number }
  const parts = refundParts(lots, amount)
  if (!parts) return fault(402, 'insufficient_balance')
  for (const part of parts) {
    const topup = fake.world.doc<Topup>('topup', part.topup_id)
    const under = (topup?.refunding_credits ?? 0) + part.amount
    fake.world.put('topup', part.topup_id, { ...topup, refunding_credits: under })
  }
  fake.world.balance(fake.world.available - amount)
  const at = new Date(fake.world.now()).toISOString()
  const made = parts.map((part, i) => ({ id: `rfd_${i}`, ...part, status: 'promised', created_at: at }))
  return { body: { refunds: made, amount } }
}

/** Of what is available, the newest purchases are what is left. */
function lotsOf(world: World): { topup_id: string; refundable: number }[] {
  const topups = [...new Set(world.changes.filter((c) => c.topic === 'topup').map((c) => c.id))]
    .map((id) => world.doc<Topup>('topup', id))
    .filter((t): t is Topup => t?.status === 'paid' && t.dispute !== 'open')
    .sort((a, b) => b.created_at.localeCompare(a.created_at))
  const lots: { topup_id: string; refundable: number }[] = []
  let rest = world.available
  for (const t of topups) {
    const left = Math.min(rest, t.balance_credits - (t.returned_credits ?? 0) - (t.refunding_credits ?? 0))
    rest -= left
    if (Math.floor(left / 10_000) > 0) lots.unshift({ topup_id: t.id, refundable: Math.floor(left / 10_000) * 10_000 })
  }
  return lots
}
