// What is left of a feed when its person goes.
// owns: that choice. never: the counter and the chain's head, which stay as they are.
// always true: every receipt stays as it was signed; what the person wrote beside it, and every other document, is gone.

import type { Tx } from '../db/db.ts'

/** Takes all documents out of a feed but each receipt's first, within the caller's commit. */
export async function forgetFeed(tx: Tx, feed: string): Promise<void> {
  await tx.run(`DELETE FROM changes WHERE feed = ? AND topic <> 'receipt'`, [feed])
  // A note sends the receipt's document again, at a later number.
  await tx.run(
    `DELETE FROM changes WHERE feed = ? AND rev NOT IN (SELECT MIN(rev) FROM changes WHERE feed = ? GROUP BY doc)`,
    [feed, feed],
  )
}
