// The stamp on a database: whose money it holds, and which history it is.
// owns: the rows `mode` and `epoch` of meta. never: money.
// always true: sandbox, test and live money never share a database; the epoch changes when a history is restored.

import { type Db, procedure, type Reader, type Tx } from './db.ts'

const stampDatabase = procedure('db.stamp', async (tx: Tx, { mode }: { mode: string }) => {
  await tx.run('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING', ['mode', mode])
  await tx.run('INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING', ['epoch', tx.id('epoch')])
})

/** Stamps a new database; refuses one of the other mode. */
export async function claimDatabase(db: Db, mode: 'sandbox' | 'test' | 'live'): Promise<void> {
  await db.tx(stampDatabase, { mode })
  const found = await metaOf(db, 'mode')
  if (found !== mode) throw new Error(`This database holds ${found} money; it cannot be used in ${mode} mode.`)
}

export async function metaOf(reader: Reader, name: 'mode' | 'epoch'): Promise<string> {
  return (await reader.get<{ value: string }>('SELECT value FROM meta WHERE name = ?', [name]))?.value ?? ''
}
