// Work that the clock asks for.
// owns: the list of it. never: the work itself.
// always true: each sweep may be run by anyone, at any time, twice.

import { sweepApprovals } from './connections/approvals.ts'
import type { Deps } from './deps.ts'
import { claimRests } from './grants/give.ts'
import { endExpired } from './grants/grants.ts'
import { sweepAnswers } from './idempotency/idempotency.ts'
import { sweepRequests } from './identity/requests.ts'

export type Sweeper = { everyMs: number; sweep: () => Promise<unknown> }

/** Everything that has to be looked at now and then. */
export function sweepers({ db }: Deps): Sweeper[] {
  return [
    { everyMs: 60_000, sweep: () => db.tx(endExpired, undefined) },
    { everyMs: 60_000, sweep: () => db.tx(claimRests, undefined) },
    { everyMs: 10_000, sweep: () => db.tx(sweepRequests, {}) },
    { everyMs: 10_000, sweep: () => db.tx(sweepApprovals, {}) },
    { everyMs: 3_600_000, sweep: () => db.tx(sweepAnswers, undefined) },
  ]
}
