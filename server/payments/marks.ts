// How far something has been read.
// owns: payment_marks. never: what was read.
// always true: a mark is written after what it stands for, so that what is read twice is read again, not missed.

import { procedure, type Reader, type Tx } from '../db/db.ts'

export async function mark(reader: Reader, name: string): Promise<string | null> {
  return (await reader.get<{ value: string }>('SELECT value FROM payment_marks WHERE name = ?', [name]))?.value ?? null
}

export async function setMark(tx: Tx, name: string, value: string): Promise<void> {
  await tx.run(
    'INSERT INTO payment_marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    [name, value],
  )
}

export const noteMark = procedure(
  'payments.mark',
  async (tx: Tx, marks: Record<string, string>): Promise<void> => {
    for (const [name, value] of Object.entries(marks).sort()) await setMark(tx, name, value)
  },
  { bookkeeping: true },
)
