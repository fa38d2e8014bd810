// Grants as a table in a text file.
// owns: the reading of CSV (RFC 4180) into grants. never: a write.
// always true: pure; amounts are read digit by digit; every line at fault is named, and one is enough to refuse all.

import { GRANT_ROWS_MAX } from '../contract/developers.ts'
import { microsFromDollarText } from '../contract/money.ts'
import { ExternalUserId, GivenTime } from '../contract/records.ts'
import { fault } from '../faults.ts'

/** `line` is where it begins, counted from 1; `expiresAt` in milliseconds. */
export type GrantLine = {
  line: number
  externalUserId: string
  amount: number
  description: string | null
  expiresAt: number | null
}

const COLUMNS = ['external_user_id', 'amount', 'description', 'expires_at'] as const
type Column = (typeof COLUMNS)[number]
const ERRORS_MAX = 20
const DESCRIPTION_MAX = 500

/**
 * Reads grants from CSV.
 * @throws Fault `bad_request` with `details.lines` (GrantsBulkErrors), or naming the field `csv`
 */
export function grantLines(csv: string): GrantLine[] {
  const [head, ...rows] = csvRows(csv.replace(/^\ufeff/, ''))
  const names = head?.cells.map((cell) => cell.trim().toLowerCase()) ?? []
  const unknown = names.find((name) => !(COLUMNS as readonly string[]).includes(name))
  if (
    unknown !== undefined ||
    new Set(names).size !== names.length ||
    !names.includes('external_user_id') ||
    !names.includes('amount')
  )
    throw refusal(`the first line names the columns: ${COLUMNS.join(', ')}; the first two are needed.`)
  if (rows.length === 0) throw refusal('there is no line after the first.')
  if (rows.length > GRANT_ROWS_MAX) throw refusal(`at most ${GRANT_ROWS_MAX} grants at once.`)
  const errors: { line: number; message: string }[] = []
  const lines: GrantLine[] = []
  for (const { line, cells } of rows) {
    const read =
      cells.length === names.length ? grantLine(line, names as Column[], cells) : 'has another number of cells.'
    if (typeof read !== 'string') lines.push(read)
    else if (errors.length < ERRORS_MAX) errors.push({ line, message: read })
  }
  if (errors.length === 0) return lines
  throw fault('bad_request', {
    message: `csv: line ${errors[0]?.line} ${errors[0]?.message}`,
    param: 'csv',
    details: { lines: errors },
  })
}

function refusal(why: string) {
  return fault('bad_request', { message: `csv: ${why}`, param: 'csv' })
}

/** A grant, or what is wrong with its line. */
function grantLine(line: number, names: readonly Column[], cells: readonly string[]): GrantLine | string {
  const cell = (name: Column) => cells[names.indexOf(name)] ?? ''
  const externalUserId = cell('external_user_id')
  if (!ExternalUserId.safeParse(externalUserId).success) return 'external_user_id: 1 to 256 printable characters.'
  const amount = microsFromDollarText(cell('amount').trim())
  if (amount === null) return 'amount: dollars above zero, as in 0.50, with at most six decimals.'
  const description = cell('description').trim()
  if (description.length > DESCRIPTION_MAX) return `description: at most ${DESCRIPTION_MAX} characters.`
  const expires = cell('expires_at').trim()
  if (expires !== '' && !GivenTime.safeParse(expires).success)
    return 'expires_at: a time in UTC, as in 2027-01-31T00:00:00Z.'
  return {
    line,
    externalUserId,
    amount,
    description: description === '' ? null : description,
    expiresAt: expires === '' ? null : Date.parse(expires),
  }
}

type CsvRow = { line: number; cells: string[] }

/** Rows of cells; empty lines are left out. @throws Fault `bad_request` for a quote that does not close */
function csvRows(text: string): CsvRow[] {
  const rows: CsvRow[] = []
  let [line, at] = [1, 0]
  while (at < text.length) {
    const begins = line
    const cells: string[] = []
    for (;;) {
      const cell = text[at] === '"' ? quoted(text, at, line) : plain(text, at)
      cells.push(cell.value)
      line += cell.value.split('\n').length - 1
      at = cell.end
      if (text[at] !== ',') break
      at++
    }
    if (text[at] === '\r') at++
    if (at < text.length && text[at] !== '\n') throw refusal(`line ${line} has something after a closing quote.`)
    at++
    line++
    if (cells.length > 1 || cells[0] !== '') rows.push({ line: begins, cells })
  }
  return rows
}

function plain(text: string, from: number): { value: string; end: number } {
  let end = from
  while (end < text.length && text[end] !== ',' && text[end] !== '\n' && text[end] !== '\r') end++
  return { value: text.slice(from, end), end }
}

function quoted(text: string, from: number, line: number): { value: string; end: number } {
  let value = ''
  for (let at = from + 1; ; ) {
    const close = text.indexOf('"', at)
    if (close === -1) throw refusal(`line ${line} has a quote that does not close.`)
    value += text.slice(at, close)
    if (text[close + 1] !== '"') return { value, end: close + 1 }
    value += '"'
    at = close + 2
  }
}
