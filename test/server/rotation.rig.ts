// A database alone, with the procedures of money and apps.
// owns: opening and closing it. never: an expectation. always true: new for every caller.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from '../../server/db/db.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { Database } from '../support/server.ts'

export async function openFresh(
  database: Database,
  now: () => number,
): Promise<{ db: Db; close: () => Promise<void> }> {
  if (database === 'postgres') {
    const db = await openPostgres({ url: await freshDatabase(String(process.env.QUOTA_TEST_POSTGRES_URL)), now })
    return { db, close: () => db.close() }
  }
  const dir = mkdtempSync(join(tmpdir(), 'quota-rotation-'))
  const db = await openSqlite({ dir, now })
  return {
    db,
    close: async () => {
      await db.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
