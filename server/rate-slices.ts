// What several processes share of a rate limit's window.
// owns: rate_windows (Postgres only; unlogged, for a window lost in a crash is at most a minute of counting).
// never: who is asking - names are hashes here; a table on SQLite, where one process counts in memory.
// always true: the slices given out of one window never add up to more than its limit; one clock, the database's, says when it ends.

import { createHash } from 'node:crypto'
import { type Db, procedure, type Tx } from './db/db.ts'

export const WINDOW_MS = 60_000

/**
 * What of a window is asked for: `need` now, `want` when there is plenty. Beyond the need a process is given no more
 * than an eighth of what is left, so that the others find something too.
 */
export type SliceAsked = { bucket: string; limit: number; need: number; want: number }
/** `granted` may be spent by this process until the `window` ends, in `endsInMs`; `left` is what nobody holds yet. */
export type Slice = { window: number; granted: number; left: number; endsInMs: number }

const CLOCK = 'CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)'
// A window that ends too far ahead was made before the database's clock was set back.
const OVER = `(w.ends_at <= ${CLOCK} OR w.ends_at > ${CLOCK} + 2 * ${WINDOW_MS})`

const takeSlice = procedure('rates.take', async (tx: Tx, { bucket, limit, need, want }: SliceAsked): Promise<Slice> => {
  const part = (left: string) => `LEAST(${left}, GREATEST(CAST(? AS BIGINT), LEAST(CAST(? AS BIGINT), ${left} / 8)))`
  const left = 'GREATEST(0, CAST(? AS BIGINT) - w.taken)'
  const row = await tx.get<{ granted: number; taken: number; ends_at: number; ends_in: number }>(
    `INSERT INTO rate_windows AS w (bucket, ends_at, taken, granted)
       SELECT CAST(? AS TEXT), ${CLOCK} + ${WINDOW_MS}, first, first FROM (SELECT ${part('CAST(? AS BIGINT)')} AS first) f
       ON CONFLICT (bucket) DO UPDATE SET
         granted = CASE WHEN ${OVER} THEN excluded.granted ELSE ${part(left)} END,
         taken = CASE WHEN ${OVER} THEN excluded.taken ELSE w.taken + ${part(left)} END,
         ends_at = CASE WHEN ${OVER} THEN excluded.ends_at ELSE w.ends_at END
       RETURNING granted, taken, ends_at, ends_at - ${CLOCK} AS ends_in`,
    [hashed(bucket), limit, need, want, limit, limit, need, want, limit, limit, need, want, limit],
  )
  if (!row) throw new Error('no slice')
  const { granted, taken, ends_at: window, ends_in } = row
  return { window, granted, left: Math.max(0, limit - taken), endsInMs: Math.min(WINDOW_MS, ends_in) }
})

/** A slice of a window that all processes share. @throws Fault `ledger_unavailable` */
export function sliceOf(db: Db, asked: SliceAsked): Promise<Slice> {
  return db.tx(takeSlice, asked)
}

/** Forgets windows that are over. */
export const sweepWindows = procedure(
  'rates.sweep',
  async (tx: Tx): Promise<number> => tx.run(`DELETE FROM rate_windows WHERE ends_at < ${CLOCK}`),
)

// Names hold addresses that people typed.
function hashed(bucket: string): string {
  return createHash('sha256').update(bucket).digest('base64url')
}
