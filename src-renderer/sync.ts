// Keeping the copy true.
// owns: when to push and pull, the state of the connection. never: what is shown. always true: one tab of a wallet syncs
// at a time; every connection of the poke stream is followed by a pull; nothing waits for this but the freshness mark.

import { liveQuery } from 'dexie'
import { type Change, FEED_LIMIT_DEFAULT, FEED_LIMIT_MAX, FeedPage } from '../server/contract/feed.ts'
import { type Api, ApiFailure } from './api.ts'
import { serverNow } from './clock.ts'
import { type Cursor, getMeta, readCursor, type Status, setMeta, type WalletDb } from './db.ts'
import { applyPage } from './db-pages.ts'
import { compareHistories, startOver } from './db-restart.ts'
import { guard } from './guarding.ts'
import { listen } from './poke.ts'
import { push } from './push.ts'
import { isFull, storageFine, storageFull } from './trouble.ts'
import type { Checked } from './verify.ts'
import { checkAside } from './verify-aside.ts'
import { say } from './words.ts'

const COALESCE_MS = 100
const RETRY_FIRST_MS = 1000
const RETRY_MAX_MS = 30_000

export type Sync = { stop(): void; now(): void }

/**
 * Starts syncing `db` with the server; waits its turn while another tab of this wallet does.
 * @param mayStart asked before the first exchange, until it resolves: whose token is this?
 */
export function startSync(api: Api, db: WalletDb, mayStart: () => Promise<void>): Sync {
  const over = new AbortController()
  const turn = { wake: () => {} }
  const run = () => lead({ api, db, mayStart: once(mayStart) }, over.signal, turn)
  if (navigator.locks) {
    navigator.locks.request(`sync ${db.name}`, { signal: over.signal }, run).catch(() => {})
  } else void run()
  return { stop: () => over.abort(), now: () => turn.wake() }
}

/** The same promise again once it has been kept; a broken one is asked for anew. */
function once(ask: () => Promise<void>): () => Promise<void> {
  let kept = false
  return async () => {
    if (!kept) await ask()
    kept = true
  }
}

type Lead = { api: Api; db: WalletDb; mayStart: () => Promise<void> }

async function lead({ api, db, mayStart }: Lead, over: AbortSignal, turn: { wake: () => void }): Promise<void> {
  if (over.aborted) return // stopped while its turn was on the way; a kept lock would shut every other tab out
  const report = reporter(db)
  let failures = 0
  let stream: AbortController | null = null

  const wake = oneAtATime(over, async () => {
    try {
      await mayStart()
      await push(api, db)
      await pull(api, db, report)
      await report('live', null)
      storageFine()
      failures = 0
      await guard(db)
      if (!stream) void hold()
    } catch (error) {
      await failed(error)
    }
  })

  const failed = async (error: unknown) => {
    if (over.aborted) return
    stream?.abort()
    failures++
    const failure = error instanceof ApiFailure ? error : null
    if (isFull(error)) storageFull()
    if (failure?.code === 'unauthorized') return report('paused', say('You are signed out.'))
    // A storage that is full or gone cannot keep the state either; the next try comes all the same.
    const said = report(failure?.code === 'offline' ? 'offline' : 'failing', sentence(error))
    await said.catch((cause) => console.warn('sync:', cause))
    wake(backoff(failures))
  }

  /** The poke stream, while there is one; its end is a reason to pull at once, and again more slowly if that fails. */
  const hold = async () => {
    const mine = new AbortController()
    stream = mine
    const signal = AbortSignal.any([over, mine.signal])
    await listen(api, signal, { onOpen: () => wake(0), onPoke: () => wake(COALESCE_MS) }).catch(() => {})
    stream = null
    if (!over.aborted && !mine.signal.aborted) wake(backoff(++failures))
  }

  turn.wake = () => wake(0)
  addEventListener('online', () => wake(0), { signal: over })
  addEventListener('focus', () => wake(0), { signal: over })
  const lost = () => void failed(new ApiFailure('offline', say('This device is offline.')))
  addEventListener('offline', lost, { signal: over })
  const queued = liveQuery(() => db.outbox.where('state').equals('queued').count())
  // An edit goes at once: it may be a pause that has to stop a stream.
  const edits = queued.subscribe((n) => n > 0 && wake(0))
  wake(0)
  await new Promise<void>((done) => over.addEventListener('abort', () => done(), { once: true }))
  edits.unsubscribe()
}

/**
 * Runs `work` when woken, never twice at once; a wake during a run means one more run, and of several wakes the
 * earliest counts, so that a steady rain of pokes cannot put it off for ever.
 */
function oneAtATime(over: AbortSignal, work: () => Promise<void>): (afterMs: number) => void {
  let timer: ReturnType<typeof setTimeout> | null = null
  let due = 0
  let running = false
  let again: number | null = null
  const run = async () => {
    timer = null
    if (over.aborted) return
    if (running) {
      again = 0
      return
    }
    running = true
    again = null
    await work().catch((error) => console.warn('sync:', error))
    running = false
    if (again !== null) wake(again)
  }
  const wake = (afterMs: number) => {
    if (running && afterMs <= COALESCE_MS) again = Math.min(again ?? afterMs, afterMs)
    if (over.aborted || (running && again !== null)) return
    const at = Date.now() + afterMs
    if (timer !== null && due <= at) return
    if (timer !== null) clearTimeout(timer)
    due = at
    timer = setTimeout(run, afterMs)
  }
  over.addEventListener('abort', () => timer !== null && clearTimeout(timer), { once: true })
  return wake
}

/** 1 s, 2 s, 4 s … 30 s, each between a half and the whole of it, so that many wallets do not come back at once. */
const backoff = (failures: number): number =>
  Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 8)) * (0.5 + Math.random() / 2)

const sentence = (error: unknown): string | null => {
  if (isFull(error)) return say('The storage of this device is full.')
  return error instanceof Error ? error.message : null
}

type Report = (state: Status['state'], message: string | null) => Promise<void>

function reporter(db: WalletDb): Report {
  return async (state, message) => {
    const before = await getMeta(db, 'status')
    const now = serverNow()
    const answered = state === 'live' || state === 'filling'
    const since = before?.state === state ? before.since : now
    await setMeta(db, 'status', { state, since, contact: answered ? now : (before?.contact ?? null), message })
  }
}

/** Pulls until the server has no more. A page that does not follow what is held is not applied. */
async function pull(api: Api, db: WalletDb, report: Report): Promise<void> {
  let ahead: { after: string; page: Promise<FeedPage | 'unknown-cursor'> } | null = null
  for (;;) {
    const base = await readCursor(db)
    const page: FeedPage | 'unknown-cursor' =
      ahead !== null && ahead.after === base.cursor ? await ahead.page : await fetchPage(api, db, base.cursor)
    ahead = null
    if (page === 'unknown-cursor' || isOtherHistory(base, page)) {
      await startOver(db, serverNow())
      continue
    }
    const fresh = page.changes.filter((c) => c.rev > base.rev)
    const cut = fresh.findIndex((c, i) => c.rev !== base.rev + 1 + i)
    if (cut !== -1) throw new ApiFailure('incomplete', say('A page of the history came incomplete; asking again.'))
    if (page.more) {
      // The next page is on its way while this one is checked and kept; it counts only if this one does.
      ahead = { after: page.cursor, page: fetchPage(api, db, page.cursor) }
      ahead.page.catch(() => {})
    }
    const receipts = fresh.filter((c) => c.topic === 'receipt' && c.row)
    const checked = await check(api, db, receipts, base.hash)
    if (await forksHere(db, base, checked)) {
      await startOver(db, serverNow())
      continue
    }
    const docs = fresh.filter((c) => c.topic !== 'receipt')
    const rev = fresh.at(-1)?.rev ?? base.rev
    await applyPage(db, { base, cursor: page.cursor, epoch: page.epoch, lastMid: page.last_mid, docs, ...checked, rev })
    if (!page.more) return compareHistories(db)
    await report('filling', null)
    await push(api, db) // a pause does not wait for the rest of the history
  }
}

/** Another epoch; or the server begins again from 1 when asked for what follows, because it has not come so far. */
const isOtherHistory = (base: Cursor, page: FeedPage): boolean =>
  base.epoch !== null && (page.epoch !== base.epoch || (base.rev > 0 && page.changes[0]?.rev === 1))

/**
 * Whether the first new receipt, genuine in itself, does not follow the last one held: then the history before it may be
 * another one by now, and is read again from the start, once for that receipt.
 */
async function forksHere(db: WalletDb, base: Cursor, { entries }: Checked): Promise<boolean> {
  const [first] = entries
  if (base.hash === null || first?.mark !== 'chain') return false
  if ((await getMeta(db, 'doubted'))?.hash === first.hash) return false
  await setMeta(db, 'doubted', { hash: first.hash })
  return true
}

async function fetchPage(api: Api, db: WalletDb, cursor: string | null): Promise<FeedPage | 'unknown-cursor'> {
  const client = await getMeta(db, 'client')
  const limit = cursor === null ? FEED_LIMIT_DEFAULT : FEED_LIMIT_MAX
  const query = new URLSearchParams({
    client: client?.id ?? '',
    limit: String(limit),
    ...(cursor && { after: cursor }),
  })
  try {
    const page = FeedPage.safeParse(await api.get(`/v1/wallet/feed?${query}`))
    if (!page.success)
      throw new ApiFailure('too_new', say('The server speaks a newer version of the wallet’s language.'))
    return page.data
  } catch (error) {
    const refused = error instanceof ApiFailure && [400, 409, 410, 412].includes(error.status)
    if (cursor !== null && refused) return 'unknown-cursor'
    throw error
  }
}

/** Checks receipts with the keys that are kept, joined by newly published ones. A kept key is never replaced. */
async function check(api: Api, db: WalletDb, receipts: Change[], before: string | null): Promise<Checked> {
  const kept = (await getMeta(db, 'keys'))?.jwks ?? []
  const found = await checkAside(receipts, before, kept)
  if (found.unknown.length === 0) return found.checked
  const published = (await api.open('/.well-known/quota-receipts.json')) as { keys?: JsonWebKey[] }
  const kid = (key: JsonWebKey) => (key as { kid?: string }).kid
  const known = new Set(kept.map(kid))
  const jwks = [...kept, ...(published.keys ?? []).filter((key) => !known.has(kid(key)))]
  if (jwks.length === kept.length) return found.checked
  await setMeta(db, 'keys', { jwks })
  return (await checkAside(receipts, before, jwks)).checked
}
