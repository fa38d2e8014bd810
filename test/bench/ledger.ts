// How many hold-and-settle pairs a second the ledger makes durable, without HTTP around it.
// owns: this one measurement. never: a figure that was not measured in this run.
// always true: a pair is two commits, each durable (fsync on) before it counts, and the books balance afterwards.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from '../../server/db/db.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { openSqlite } from '../../server/db/sqlite.ts'
import { trialBalance } from '../../server/ledger/chain.ts'
import { freshDatabase } from '../support/postgres.ts'
import type { Database } from '../support/server.ts'
import { acts } from '../support/test-procedures.ts'

const PROCEDURES = new URL('../support/test-procedures.ts', import.meta.url).href
const CONCURRENCY = [1, 32, 256]
const USERS = 64
const DURATION_MS = 2000

/** @returns pairs per second at a few degrees of concurrency */
export async function ledgerCommits(db: Database, postgresUrl?: string): Promise<{ name: string; perS: number }[]> {
  const dir = mkdtempSync(join(tmpdir(), 'quota-bench-'))
  const store =
    db === 'postgres'
      ? await openPostgres({ url: await freshDatabase(postgresUrl ?? ''), now: Date.now })
      : await openSqlite({ dir, procedures: PROCEDURES, now: Date.now })
  try {
    await fund(store)
    const figures: { name: string; perS: number }[] = []
    for (const concurrency of CONCURRENCY) {
      const perS = await pairs(store, concurrency)
      figures.push({ name: `${concurrency} at a time, ${USERS} payers`, perS })
    }
    const { ok } = await trialBalance(store)
    if (!ok) throw new Error('the trial balance is off after the ledger bench')
    return figures
  } finally {
    await store.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function fund(store: Db): Promise<void> {
  await store.tx(acts, [
    { verb: 'open', account: 'world:sandbox' },
    { verb: 'open', account: 'sales' },
  ])
  for (let n = 0; n < USERS; n++) {
    const legs = [{ from: 'world:sandbox', to: `user:b${n}`, amount: 1_000_000_000_000 }]
    await store.tx(acts, [
      { verb: 'open', account: `user:b${n}` },
      { verb: 'transfer', id: `fund${n}`, legs },
    ])
  }
}

let pair = 0

async function pairs(store: Db, concurrency: number): Promise<number> {
  const began = performance.now()
  let done = 0
  const worker = async () => {
    while (performance.now() - began < DURATION_MS) {
      const n = pair++
      const leg = { from: `user:b${n % USERS}`, to: 'sales' }
      const id = `bench${n}`
      await store.tx(acts, [{ verb: 'hold', id, legs: [{ ...leg, amount: 1000 }], owner: 'bench', ttlMs: 600_000 }])
      await store.tx(acts, [{ verb: 'settle', holdId: id, legs: [{ ...leg, amount: 400 }] }])
      done++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return done / ((performance.now() - began) / 1000)
}
