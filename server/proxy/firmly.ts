// Writing down what has been delivered, also when the store is away for some seconds.
// owns: how often and how long that is tried. never: an act that may not be done twice; waiting before an upstream is called.
// always true: only a store that is away is tried again; the hold is renewed by its call meanwhile.

import { setTimeout as sleep } from 'node:timers/promises'
import { isFault } from '../faults.ts'

/** About 25 s in all, beside what each try waits by itself. */
const WAITS_MS = [50, 100, 200, 400, 800, 1600, 3000, 3000, 3000, 3000, 3000, 3000, 3000]

/**
 * Does an act whose repetition changes nothing (ending a hold: its id is the hold's).
 * The one retry outside of the store: what an upstream has produced is owed whether or not a lock was free at that moment.
 * @throws Fault ledger_unavailable when the store stays away; whatever else the act throws, at once
 */
export async function firmly<T>(act: () => Promise<T>): Promise<T> {
  for (const wait of WAITS_MS) {
    try {
      return await act()
    } catch (error) {
      if (!isFault(error) || error.code !== 'ledger_unavailable') throw error
      await sleep(wait)
    }
  }
  return act()
}
