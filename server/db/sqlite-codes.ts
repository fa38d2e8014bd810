// What SQLite's result codes mean to us (https://sqlite.org/rescode.html).
// owns: telling a store that failed from a statement that was refused. never: a retry.
// always true: extended codes are read by their primary code, the low eight bits.

export const SQLITE_BUSY = 5

/** BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB: the store itself, not the statement. */
const STORE_CODES = new Set([SQLITE_BUSY, 6, 7, 8, 10, 11, 13, 14, 15, 26])

/** The primary result code of an error that SQLite raised; null for any other error. */
export function resultCode(error: unknown): number | null {
  const raised = error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
  return raised && 'errcode' in error ? Number(error.errcode) & 0xff : null
}

/** Whether the store could not do its work: full, read-only, locked, broken, away. */
export function isStoreError(error: unknown): boolean {
  const code = resultCode(error)
  return code !== null && STORE_CODES.has(code)
}
