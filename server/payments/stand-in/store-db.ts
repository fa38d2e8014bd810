// The stand-in's memory in the main database: for the built-in sandbox.
// owns: stand_in_objects, stand_in_revision. never: a meaning of an object; live mode.
// always true: a unit of work reads one snapshot, and commits only if nobody committed since; else it is run again. So
// several server processes on one Postgres share one stand-in, as they would share Stripe.

import { type Db, procedure, type Reader, type Tx } from '../../db/db.ts'
import type { Kept, Store, StoreReader, Write } from './store.ts'

const TRIES = 50
const WRITES_MAX = 10_000

type Row = { id: string; kind: string; owner: string; seq: number; doc: string }

/** Writes a unit of work, unless somebody else wrote since `revision`. */
const commit = procedure(
  'standIn.commit',
  async (tx: Tx, { revision, writes }: { revision: number; writes: Write[] }): Promise<boolean> => {
    const sql = 'UPDATE stand_in_revision SET revision = revision + 1 WHERE id = 1 AND revision = ?'
    if ((await tx.run(sql, [revision])) !== 1) return false
    for (const [index, { id, kind, owner, doc }] of writes.entries()) {
      if (doc === null) await tx.run('DELETE FROM stand_in_objects WHERE id = ?', [id])
      else
        await tx.run(
          `INSERT INTO stand_in_objects (id, kind, owner, seq, doc) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET doc = excluded.doc`,
          [id, kind, owner, (revision + 1) * WRITES_MAX + index, JSON.stringify(doc)],
        )
    }
    return true
  },
  { bookkeeping: true },
)

/** A store that survives its process. */
export function dbStore(db: Db): Store {
  // Units of this process follow one another, so that only other processes make them run again.
  let turn: Promise<unknown> = Promise.resolve()

  async function attempt<T>(act: Parameters<Store['work']>[0]): Promise<{ done: boolean; result: T }> {
    const { revision, result, writes } = await db.snapshot(async (reader) => {
      const row = await reader.get<{ revision: number }>('SELECT revision FROM stand_in_revision WHERE id = 1')
      return { revision: row?.revision ?? 0, ...(await act(over(reader))) }
    })
    if (writes.length >= WRITES_MAX) throw new Error(`a unit of work writes ${writes.length} objects`)
    const done = writes.length === 0 || (await db.tx(commit, { revision, writes: [...writes] }))
    return { done, result: result as T }
  }
  return {
    work: <T>(act: Parameters<Store['work']>[0]) => {
      const run = turn.then(async () => {
        for (let tries = 0; tries < TRIES; tries++) {
          const { done, result } = await attempt<T>(act)
          if (done) return result
        }
        throw new Error('the stand-in could not commit: others always came first')
      })
      turn = run.catch(() => undefined)
      return run
    },
  }
}

function over(reader: Reader): StoreReader {
  const kept = ({ doc, ...row }: Row): Kept => ({ ...row, doc: JSON.parse(doc) })
  return {
    get: async (id) => {
      const row = await reader.get<Row>('SELECT id, kind, owner, seq, doc FROM stand_in_objects WHERE id = ?', [id])
      return row && kept(row)
    },
    page: async (kind, owner, { before = Number.MAX_SAFE_INTEGER, limit }) => {
      const rows = await reader.all<Row>(
        `SELECT id, kind, owner, seq, doc FROM stand_in_objects WHERE kind = ? AND owner = ? AND seq < ?
         ORDER BY seq DESC LIMIT ?`,
        [kind, owner, before, limit],
      )
      return rows.map(kept)
    },
  }
}
