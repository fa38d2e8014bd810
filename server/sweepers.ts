// Work that the clock asks for.
// owns: the list of it. never: the work itself.
// always true: each sweep may be run by anyone, at any time, twice.

import type { Deps } from './deps.ts'

export type Sweeper = { everyMs: number; sweep: () => Promise<unknown> }

/** Everything that has to be looked at now and then. */
export function sweepers(_deps: Deps): Sweeper[] {
  return []
}
