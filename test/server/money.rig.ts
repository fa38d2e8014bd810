// People, apps and consents for tests that call procedures rather than routes.
// owns: the shortest way to a connection. never: an expectation. always true: everything goes through the server's own procedures.

import { randomBytes } from 'node:crypto'
import { createApp, freshSecret } from '../../server/connections/apps.ts'
import { consent } from '../../server/connections/consent.ts'
import type { InteractionAnswer } from '../../server/contract/api.ts'
import type { Db } from '../../server/db/db.ts'
import { isFault } from '../../server/faults.ts'
import { changesAfter } from '../../server/feed/feed.ts'
import { patchProfile, registerPerson } from '../../server/identity/users.ts'
import { newId } from '../../server/ids.ts'

/** A clock that a test moves. */
export function clock(iso: string) {
  let ms = Date.parse(iso)
  return {
    now: () => ms,
    set: (to: string) => {
      ms = Date.parse(to)
    },
  }
}

export async function person(
  db: Db,
  place: { zone?: string; week?: 'monday' | 'sunday' | 'saturday' } = {},
): Promise<string> {
  const id = newId('user', Date.now())
  const device = { id: newId('dev', Date.now()), userId: id, keyHash: id }
  const seen = { ...device, kind: 'browser' as const, clientId: null, agent: null, address: null }
  const session = { tokenHash: id, userId: id, expiresAt: Number.MAX_SAFE_INTEGER, replaces: null, seen }
  await db.tx(registerPerson, { id, email: `${id}@example.org`, passwordHash: 'none', livemode: false, session })
  if (place.zone || place.week) await live(db, id, place)
  return id
}

export async function live(db: Db, userId: string, place: { zone?: string; week?: 'monday' | 'sunday' | 'saturday' }) {
  await db.tx(patchProfile, { userId, patch: { time_zone: place.zone, week_start: place.week } })
}

export async function app(db: Db, publisherId: string, markupBps = 0): Promise<string> {
  const made = await db.tx(createApp, {
    publisherId,
    clientId: `quota_client_${randomBytes(8).toString('hex')}`,
    secretHash: freshSecret().hash,
    given: { name: 'App', redirect_uris: ['https://app.example/cb'], markup_bps: markupBps },
  })
  return made.id
}

export async function connect(
  db: Db,
  userId: string,
  appId: string,
  answer: Partial<InteractionAnswer> = {},
  clientMarkupBps = 0,
): Promise<string> {
  const scopes = ['credits.read', 'credits.spend']
  const made = await db.tx(consent, {
    uid: `request_${randomBytes(6).toString('hex')}`,
    userId,
    appId,
    scopes,
    answer: { decision: 'approve', ...answer },
    clientMarkupBps,
  })
  return made.connectionId
}

/** The code of the fault a promise ends with. */
export async function refused(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (isFault(error)) return error.code
    throw error
  }
  return 'nothing refused'
}

/** Everything that says where value stands and what was told: to assert that nothing moved. */
export async function picture(db: Db): Promise<string> {
  const accounts = await db.all('SELECT id, posted, held, floor FROM accounts ORDER BY id')
  const feeds = await db.all('SELECT id, rev FROM feeds ORDER BY id')
  const movements = await db.get('SELECT COUNT(*) AS n FROM movements')
  return JSON.stringify([accounts, feeds, movements])
}

/** The documents a feed holds last, by topic. */
export async function documents<T>(db: Db, feed: string, topic: string): Promise<T[]> {
  const last = new Map<string, T | null>()
  for (const change of await changesAfter(db, feed, 0, 10_000)) {
    if (change.topic === topic) last.set(change.doc, change.row === null ? null : JSON.parse(change.row))
  }
  return [...last.values()].filter((row): row is NonNullable<typeof row> => row !== null) as T[]
}
