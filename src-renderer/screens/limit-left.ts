// What was left of a limit after each call.
// owns: that walk back from what is left now. never: storage. always true: pure; calls before the current window have
// no answer, because the limit they counted against is over.

import type { Connection } from '../../server/contract/records.ts'
import type { Entry } from '../db.ts'
import { tightest } from '../pace.ts'

const LENGTH_MS = { day: 86_400_000, week: 7 * 86_400_000, month: 31 * 86_400_000, total: Number.POSITIVE_INFINITY }

/**
 * @param entries newest first, without gaps from the newest on
 * @returns micros left of the tightest limit of the entry's connection, by feed number
 */
export function limitLeft(entries: Entry[], connections: Connection[]): Map<number, number> {
  const running = new Map<string, { left: number; amount: number; since: number }>()
  for (const c of connections) {
    const cap = tightest(c.caps)
    if (!cap) continue
    const since = cap.resets_at ? Date.parse(cap.resets_at) - LENGTH_MS[cap.period] : 0
    running.set(c.id, { left: Math.max(0, cap.amount - cap.spent), amount: cap.amount, since })
  }
  const lefts = new Map<number, number>()
  for (const { rev, at, row } of entries) {
    const limit = row.connection_id === null ? undefined : running.get(row.connection_id)
    if (!limit || at < limit.since || limit.left > limit.amount) continue
    lefts.set(rev, limit.left)
    limit.left += row.credits_used - row.granted_credits
  }
  return lefts
}
