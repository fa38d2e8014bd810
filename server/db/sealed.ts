// Columns that hold sealed texts, so that a new master key can take them over (vault/reseal.ts).
// owns: finding rows that another key has sealed, and putting a new text in their place. never: a key, a plain text.
// always true: a text is replaced only while it is still the one that was read.

import { type Procedure, procedure, type Reader, type Tx } from './db.ts'

export type SealedRow = { key: string; sealed: string }
export type Replacement = { key: string; from: string; to: string }
export type SealedColumn = {
  readonly table: string
  /** The words that a row's text is bound to. */
  readonly place: (row: SealedRow & { detail: string | null }) => string
  /** Rows after a key, in its order, whose text does not begin with `begin`. */
  readonly behind: (reader: Reader, begin: string, after: string, limit: number) => Promise<SealedFound[]>
  readonly replace: Procedure<readonly Replacement[], number>
}
export type SealedFound = SealedRow & { detail: string | null }

/**
 * Declares one. Every column that holds what `seal` made needs this, at the top level of its module.
 * @param at.detail a further column that `place` needs
 */
export function sealedColumn(at: {
  table: string
  key: string
  column: string
  detail?: string
  place: SealedColumn['place']
}): SealedColumn {
  const { table, key, column, place } = at
  return {
    table,
    place,
    behind: (reader, begin, after, limit) =>
      reader.all<SealedFound>(
        `SELECT ${key} AS key, ${column} AS sealed, ${at.detail ?? 'NULL'} AS detail FROM ${table}
         WHERE ${key} > ? AND ${column} IS NOT NULL AND substr(${column}, 1, ?) <> ? ORDER BY ${key} LIMIT ?`,
        [after, begin.length, begin, limit],
      ),
    replace: procedure(`reseal.${table}`, async (tx: Tx, rows: readonly Replacement[]) => {
      let replaced = 0
      for (const row of rows)
        replaced += await tx.run(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ? AND ${column} = ?`, [
          row.to,
          row.key,
          row.from,
        ])
      return replaced
    }),
  }
}
