// A payout's statement, line by line.
// owns: its CSV form, and which reserves came free in it. never: a movement.
// always true: what came in (earned, released, carried in) minus what stayed (reserved, carried out) is what was sent, and
// all lines add up to zero, to the micro-dollar.

import type { Reader } from '../db/db.ts'
import { decimal } from './books-export.ts'
import { creditsOf } from './cents.ts'
import { linesOf, type PayoutRow } from './payouts.ts'

const PAGE = 1000

/** The payouts whose reserve is part of this one. */
export function releasedIn(reader: Reader, id: string): Promise<{ payout_id: string; amount: number }[]> {
  return reader.all('SELECT id AS payout_id, reserved AS amount FROM payouts WHERE released_in = ? ORDER BY id', [id])
}

/** Rows of a CSV file (RFC 4180): date, kind, reference, amount in dollars; the last one is what was sent. */
export async function* statementCsv(reader: Reader, row: PayoutRow): AsyncGenerator<string> {
  const line = (atMs: number, kind: string, reference: string, credits: number) =>
    `${new Date(atMs).toISOString()},${kind},${reference},${decimal(credits)}\r\n`
  const { created_at: at } = row
  yield 'date,kind,reference,amount_usd\r\n'
  for (let after = ''; ; ) {
    const lines = await linesOf(reader, { id: row.id, publisher: row.publisher, after, limit: PAGE })
    yield lines.map((one) => line(one.at, 'earned', one.request_id, one.amount)).join('')
    after = lines.at(-1)?.id ?? ''
    if (lines.length < PAGE) break
  }
  for (const one of await releasedIn(reader, row.id)) yield line(at, 'reserve_released', one.payout_id, one.amount)
  yield line(at, 'carried_in', '', row.carried_in)
  yield line(at, 'reserved', '', -row.reserved)
  yield line(at, 'carried_out', '', -row.carried_out)
  yield line(at, 'sent', row.transfer ?? '', -creditsOf(row.cents))
}
