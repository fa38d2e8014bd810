// Ways to fill a database for the bench of the console.
// owns: rows by the hundred, without the verbs that would make them. never: imported by the server.
// always true: what is written looks as the server itself would have written it, but for the chain of movements.

import { procedure, type Tx, type Value } from '../../server/db/db.ts'

/** Lets the database look at what it holds, as it does by itself after a while. */
export const analyse = procedure('bench.analyse', async (tx: Tx): Promise<void> => void (await tx.run('ANALYZE')), {
  bookkeeping: true,
})

/** Inserts rows of one table. */
export const fill = procedure(
  'bench.fill',
  async (tx: Tx, { table, rows }: { table: string; rows: Record<string, Value>[] }): Promise<void> => {
    const columns = Object.keys(rows[0] ?? {})
    const marks = rows.map(() => `(${columns.map(() => '?').join(', ')})`).join(', ')
    const values = rows.flatMap((row) => columns.map((column) => row[column] ?? null))
    await tx.run(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${marks}`, values)
  },
  { bookkeeping: true },
)
