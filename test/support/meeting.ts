// Two commits that meet on Postgres in the one order that matters.
// owns: that order. never: an expectation. always true: no clock decides it; the second has begun, and waits or is over,
// before the first commits.

import { type Db, procedure, type Tx } from '../../server/db/db.ts'

let meetings = 0

/** Runs `second` while the commit of `first`, all written, is still open. */
export async function meet<T>(
  db: Db,
  first: (tx: Tx) => Promise<unknown>,
  second: () => Promise<T>,
): Promise<PromiseSettledResult<T>> {
  const [written, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slowly = procedure(`test.meeting_${++meetings}`, async (tx: Tx) => {
    await first(tx)
    written.resolve()
    await over.promise
  })
  const committing = db.tx(slowly, undefined)
  await Promise.race([written.promise, committing])
  let ended = false
  const running = Promise.allSettled([second()]).finally(() => {
    ended = true
  })
  while (!ended && !(await waits(db)));
  over.resolve()
  await committing
  const [result] = await running
  if (!result) throw new Error('nothing ran')
  return result
}

/** Whether a commit of this database waits for another one's lock. */
const waits = async (db: Db) =>
  (await db.get(
    `SELECT 1 AS yes FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1`,
  )) !== undefined
