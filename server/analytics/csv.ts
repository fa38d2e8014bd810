// Figures as a text file for a spreadsheet.
// owns: the writing of CSV (RFC 4180). never: a figure.
// always true: pure; no cell begins as a formula would, whatever a user or a model is called.

type Cell = string | number | null

/** Rows with a head, as CSV. */
export function csvOf(columns: readonly string[], rows: readonly Readonly<Record<string, Cell>>[]): string {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? null))]
  return lines.map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('')
}

function cellOf(cell: Cell): string {
  if (cell === null) return ''
  const text = typeof cell === 'string' && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
