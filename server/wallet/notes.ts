// What a person wrote beside their receipts, read out and forgotten as a whole.
// owns: reading and removing it. never: writing it (edits.ts). always true: only the person's own rows are touched.

import type { Reader, Tx } from '../db/db.ts'

export type Note = { request_id: string; note: string | null; tags: string[] }

/** A person's notes after a request id, in its order. */
export async function notesAfter(reader: Reader, userId: string, after: string, limit: number): Promise<Note[]> {
  const rows = await reader.all<{ request_id: string; note: string | null; tags: string }>(
    'SELECT request_id, note, tags FROM annotations WHERE user_id = ? AND request_id > ? ORDER BY request_id LIMIT ?',
    [userId, after, limit],
  )
  return rows.map((row) => ({ ...row, tags: JSON.parse(row.tags) as string[] }))
}

/** Forgets a person's notes, and how far their devices' edits had come, within the caller's commit. */
export async function forgetWallet(tx: Tx, userId: string): Promise<void> {
  await tx.run('DELETE FROM annotations WHERE user_id = ?', [userId])
  await tx.run('DELETE FROM wallet_mutations WHERE user_id = ?', [userId])
  await tx.run('DELETE FROM wallet_clients WHERE user_id = ?', [userId])
}
