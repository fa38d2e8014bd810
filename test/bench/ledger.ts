// How many hold-and-settle pairs a second the ledger makes durable, without HTTP around it.
// owns: this one measurement. never: a figure that was not measured in this run.
// always true: null says that nothing was measured.

import type { Database } from '../support/server.ts'

/** @returns pairs per second at a few degrees of concurrency */
export async function ledgerCommits(
  _db: Database,
  _postgresUrl: string | undefined,
): Promise<{ name: string; perS: number }[] | null> {
  return null
}
