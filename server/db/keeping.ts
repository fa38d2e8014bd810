// Reads that are kept for as long as they are true.
// owns: the answers kept. never: a balance, a clock, a fact that a bookkeeping procedure changes.
// always true: an answer is given again only while no commit since could have changed it; where other processes commit
// too, nothing is kept.

import type { Db, Reader, Value } from './db.ts'

const MOST_ANSWERS = 20_000

type Kept = { at: number; size: number; answers: Map<string, Map<string, Promise<unknown>>> }

const kept = new WeakMap<Db, Kept>()

/**
 * A reader for facts that change seldom: who a key is, whom a name means, what a connection allows. The answers are shared,
 * so nobody may change them; the parameters are few and short.
 */
export function keeping(db: Db): Reader {
  return {
    get: <T>(sql: string, params: readonly Value[] = []) => answer(db, sql, params, () => db.get<T>(sql, params)),
    all: <T>(sql: string, params: readonly Value[] = []) => answer(db, sql, params, () => db.all<T>(sql, params)),
  }
}

function answer<T>(db: Db, sql: string, params: readonly Value[], read: () => Promise<T>): Promise<T> {
  const at = db.changes()
  if (at === null) return read()
  let mine = kept.get(db)
  if (!mine || mine.at !== at || mine.size >= MOST_ANSWERS) {
    mine = { at, size: 0, answers: new Map() }
    kept.set(db, mine)
  }
  let answers = mine.answers.get(sql)
  if (!answers) mine.answers.set(sql, (answers = new Map()))
  const key = params.join('\u0000')
  const known = answers.get(key)
  if (known) return known as Promise<T>
  const fresh = read()
  answers.set(key, fresh)
  mine.size++
  const mineAnswers = answers
  fresh.catch(() => mineAnswers.delete(key)) // a store that was away may be back
  return fresh
}
