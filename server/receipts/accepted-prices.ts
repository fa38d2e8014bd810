// The prices that the operator has seen.
// owns: that one document. never: what a rise is (proxy/prices-rise.ts).
// always true: a model keeps its last price here also while it is gone, so that it cannot come back at any price; two
// processes that write at once both get theirs in.

import type { UnitPrices } from '../contract/receipts.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'

type Rows = Readonly<Record<string, UnitPrices>>
/** `seq` rises with every change. */
export type Accepted = Readonly<{ seq: number; rows: Rows }>

/**
 * What was accepted so far; where nothing was, the newest published table, for a database that is older than this document.
 */
export async function acceptedPrices(reader: Reader): Promise<Accepted> {
  const found = await reader.get<{ seq: number; body: string }>('SELECT seq, body FROM accepted_prices WHERE id = 1')
  if (found) return { seq: found.seq, rows: JSON.parse(found.body) }
  const table = await reader.get<{ body: string }>('SELECT body FROM price_tables ORDER BY at DESC LIMIT 1')
  return { seq: 0, rows: table ? (JSON.parse(table.body) as { models: Rows }).models : {} }
}

/** The number of the newest change; 0 before the first. */
export async function acceptedSeq(reader: Reader): Promise<number> {
  return (await reader.get<{ seq: number }>('SELECT seq FROM accepted_prices WHERE id = 1'))?.seq ?? 0
}

/** Adds prices to those that are accepted, each in place of what its model had. @returns the document after it */
export const acceptPrices = procedure('receipts.acceptPrices', async (tx: Tx, rows: Rows): Promise<Accepted> => {
  const before = await acceptedPrices(tx)
  const models = new Set(Object.keys(rows).map(modelOf))
  const kept = Object.entries(before.rows).filter(([row]) => !models.has(modelOf(row)))
  const after = Object.fromEntries([...kept, ...Object.entries(rows)].sort((a, b) => (a[0] < b[0] ? -1 : 1)))
  const body = JSON.stringify(after)
  if (before.seq > 0 && body === JSON.stringify(before.rows)) return before
  const seq = before.seq + 1
  const written =
    before.seq === 0
      ? await tx.run(
          'INSERT INTO accepted_prices (id, seq, body, at) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
          [seq, body, tx.now],
        )
      : await tx.run('UPDATE accepted_prices SET seq = ?, body = ?, at = ? WHERE id = 1 AND seq = ?', [
          seq,
          body,
          tx.now,
          before.seq,
        ])
  // Another process was faster; the commit is tried again.
  if (written === 0) throw Object.assign(new Error('the accepted prices changed'), { code: '40001' })
  return { seq, rows: after }
})

// A tier's row goes with its model's.
function modelOf(row: string): string {
  return row.split('#input>', 1)[0] ?? row
}
