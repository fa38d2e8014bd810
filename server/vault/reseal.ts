// A new master key takes over: everything that an older one has sealed is sealed anew.
// owns: the walk over the sealed columns. never: which columns there are (sweepers.ts lists them), a plain text that is kept.
// always true: it may be run by any process, at any time, twice; a row that changes meanwhile is left for the next run.

import type { SealedColumn } from '../db/sealed.ts'
import type { Deps } from '../deps.ts'
import { seal, sealedBegin, unseal } from '../seal.ts'

const ROWS_AT_ONCE = 200

/**
 * Seals anew what is not under the newest key.
 * @returns how many rows, and how many no key opens: those were sealed with a key that is given neither as the master key
 * nor as the one before it
 */
export async function reseal(
  deps: Pick<Deps, 'db' | 'masterKey' | 'log'>,
  columns: readonly SealedColumn[],
): Promise<{ resealed: number; unreadable: number }> {
  const sum = { resealed: 0, unreadable: 0 }
  for (const column of columns) {
    for (let after = ''; ; ) {
      const rows = await column.behind(deps.db, sealedBegin(deps.masterKey), after, ROWS_AT_ONCE)
      const last = rows.at(-1)
      if (!last) break
      after = last.key
      const replacements = rows.flatMap((row) => {
        const to = anew(deps, column.place(row), row.sealed)
        return to === null ? [] : [{ key: row.key, from: row.sealed, to }]
      })
      sum.unreadable += rows.length - replacements.length
      if (replacements.length > 0) sum.resealed += await deps.db.tx(column.replace, replacements)
    }
  }
  if (sum.resealed + sum.unreadable > 0) deps.log.info(sum, 'sealed anew with the newest master key')
  return sum
}

function anew({ masterKey }: Pick<Deps, 'masterKey'>, place: string, sealed: string): string | null {
  try {
    return seal(masterKey, place, unseal(masterKey, place, sealed))
  } catch {
    return null // counted, and told to the operator; nobody else can open it either
  }
}
