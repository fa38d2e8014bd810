// Packages: what may be bought.
// owns: packages. never: a payment. always true: what is offered is one table that an operator can change.

import { dollars } from '../contract/money.ts'
import type { Package } from '../contract/records.ts'
import type { Reader } from '../db/db.ts'

type Row = { id: string; name: string; price_cents: number; balance_credits: number }

/** What is offered, in the operator's order. */
export async function packages(reader: Reader): Promise<Package[]> {
  const rows = await reader.all<Row>(
    'SELECT id, name, price_cents, balance_credits FROM packages WHERE offered = 1 ORDER BY position, id',
  )
  return rows.map((row) => ({ ...row, balance_display: dollars(row.balance_credits) }))
}

export async function packageOffered(reader: Reader, id: string): Promise<Row | undefined> {
  return reader.get<Row>('SELECT id, name, price_cents, balance_credits FROM packages WHERE id = ? AND offered = 1', [
    id,
  ])
}
