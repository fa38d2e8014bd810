// The log as a file; files that a page hands over.
// owns: the log's CSV form, the saving. never: the network. always true: every entry held on this device is in it, with its receipt, and
// a text cell never starts like a formula.

import type { WalletDb } from '../db.ts'
import { exact } from '../format.ts'
import { everything } from '../log.ts'
import { tokensOf } from './entry-line.tsx'

const HEAD =
  'time,app,model,tokens,base_usd,markup_usd,granted_usd,total_usd,balance_after_usd,check,request_id,receipt\n'

/** Saves the whole local log as a CSV file (RFC 4180). */
export async function saveCsv(db: WalletDb, nameOf: (app: string) => string): Promise<void> {
  const parts = [HEAD]
  for await (const rows of everything(db)) {
    for (const entry of rows) {
      const { row } = entry
      const amounts = [row.base_credits, row.markup_credits, row.granted_credits, row.credits_used, row.balance_after]
      const cells = [
        row.at,
        nameOf(entry.app),
        row.model,
        String(tokensOf(entry)),
        ...amounts.map((micros) => exact(micros).replace('$', '')),
        entry.mark,
        row.request_id,
        row.receipt,
      ]
      parts.push(`${cells.map(cell).join(',')}\n`)
    }
  }
  saveFile(new Blob(parts, { type: 'text/csv' }), 'quota-wallet-activity.csv')
}

/** Lets the person save what this page holds. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

function cell(text: string): string {
  const safe = /^[=+@\t\r-]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
