// Pausing an app whose pace is not its own.
// owns: looking after each page that brought new charges, the pause, what is remembered of it. never: the pace (guard.ts).
// always true: a pause goes out like the person's own, and waits for their answer; it is made once for one spike.

import type { Connection } from '../server/contract/records.ts'
import { serverNow } from './clock.ts'
import { type Guarded, getMeta, readCursor, setMeta, type WalletDb } from './db.ts'
import { enqueue } from './db-outbox.ts'
import { fold } from './fold.ts'
import { dayIn } from './format.ts'
import { STRETCH_MS, spikeOf } from './guard.ts'
import { newest } from './log.ts'

const CHARGES_LOOKED_AT = 1000

/** Looks at every app that has spent just now; what came as history is too old to be looked at. */
export async function guard(db: WalletDb): Promise<void> {
  const preferences = await getMeta(db, 'preferences')
  if (preferences?.guard === false) return
  const now = serverNow()
  const recent = (await newest(db, CHARGES_LOOKED_AT)).filter(({ at }) => at > now - STRETCH_MS)
  if (recent.length === 0) return
  const { zone } = await readCursor(db)
  const { connections } = fold(await db.docs.where('topic').equals('connection').toArray(), [])
  const today = dayIn(zone, now)
  for (const connection of connections) {
    const charges = recent.filter(({ row }) => row.connection_id === connection.id)
    if (connection.status !== 'active' || charges.length === 0) continue
    const days = await db.rollup.where('[app+day]').between([connection.app.id, ''], [connection.app.id, '9']).toArray()
    const spent = charges.map(({ at, row }) => ({ at, spent: row.credits_used - row.granted_credits }))
    const held = (await getMeta(db, 'guarded')) ?? { pauses: [], allowed: {} }
    const allowed = held.allowed[connection.id]
    const spike = spikeOf(days, spent, { today, now, allowed: allowed?.day === today ? allowed.spent : 0 })
    if (spike) await pause(db, held, connection, { ...spike, at: now })
  }
}

async function pause(db: WalletDb, held: Guarded, connection: Connection, spike: Omit<Guarded['pauses'][0], 'id'>) {
  if (held.pauses.some(({ id, at }) => id === connection.id && at > spike.at - STRETCH_MS)) return
  const others = held.pauses.filter(({ id }) => id !== connection.id)
  await setMeta(db, 'guarded', { ...held, pauses: [...others, { id: connection.id, ...spike }] })
  await enqueue(db, 'connection.pause', { connection_id: connection.id })
}

/**
 * The person's answer to a pause: it goes on, and so much in a stretch is fine for today (twice what it was, so that it
 * does not ask again at once); or it stays paused.
 */
export async function answerPause(db: WalletDb, id: string, goesOn: { version: number } | null): Promise<void> {
  const held = await getMeta(db, 'guarded')
  if (!held) return
  const one = held.pauses.find((p) => p.id === id)
  const { zone } = await readCursor(db)
  const allowed = { ...held.allowed }
  if (one && goesOn) allowed[id] = { day: dayIn(zone, serverNow()), spent: one.spent * 2 }
  await setMeta(db, 'guarded', { pauses: held.pauses.filter((p) => p.id !== id), allowed })
  if (goesOn) await enqueue(db, 'connection.resume', { connection_id: id }, goesOn.version)
}
