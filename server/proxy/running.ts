// The calls this process is in the middle of.
// owns: their renewal, how many of a connection may run at once, and ending them when their person pauses, revokes or
// freezes, or their publisher revokes the key or deletes the app. never: how they are charged.
// always true: a running call's hold is renewed well before it expires; a change of its connection, key or app is looked
// at as soon as the feed says so, in whatever process it was made.

import { appById } from '../connections/apps.ts'
import { type Terms, termsOf } from '../connections/connections.ts'
import { isRevoked } from '../connections/keys.ts'
import type { FaultCode } from '../contract/faults.ts'
import type { Units } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { fault } from '../faults.ts'
import { livingProcesses } from '../ledger/leases.ts'
import type { Payer } from './hold.ts'
import { renewCall } from './settle.ts'

export type RunningCall = {
  holdId: string
  payer: Payer
  /** Units delivered so far, or null before there are any. */
  progress: () => Units | null
  end: (code: FaultCode) => void
}

export type Running = {
  /** How many changes were heard of so far; `add` is told what it was before the call's hold. */
  readonly heard: number
  /**
   * Counts a call in, before its hold.
   * @returns what counts it out again; to be called once
   * @throws Fault `rate_limit_exceeded`, with Retry-After, when as many of its connection are under way
   */
  enter(payer: Payer): () => void
  add(call: RunningCall, heardBefore: number): void
  remove(call: RunningCall): void
  readonly size: number
  stop(): void
}

const RENEW_AT_LEAST_MS = 250
const RENEW_AT_MOST_MS = 30_000
/** A publisher's feed may be busy: what it says is looked at so often, and well within the second that is promised. */
const PUBLISHER_LOOK_MS = 50
const PROCESSES_EVERY_MS = 5000

/** Why no call of a connection may go on; null when it may. */
export function endedBy(terms: Terms | null): FaultCode | null {
  if (!terms || terms.status === 'revoked') return 'connection_revoked'
  return terms.status === 'active' && !terms.frozen ? null : 'connection_paused'
}

type Needs = Pick<Deps, 'db' | 'config' | 'log' | 'now'>

/** Starts looking after running calls. */
export function watchRunning(deps: Needs): Running {
  const byPayer = groups()
  const byPublisher = groups()
  const crowd = crowds(deps)
  const ttlMs = deps.config.QUOTA_HOLD_TTL_S * 1000
  let size = 0
  let heard = 0
  const warned = (what: string, id: string) => (error: unknown) =>
    deps.log.warn({ id, err: String(error) }, `a ${what} could not be looked at`)
  const lookAtPayer = (payerId: string) => {
    for (const id of distinct(byPayer.of(payerId), (payer) => payer.connectionId))
      checkConnection(deps, byPayer.of(payerId), id).catch(warned('connection', id))
  }
  const publishers = soon(PUBLISHER_LOOK_MS, (publisherId) => {
    checkPublisher(deps, byPublisher.of(publisherId)).catch(warned('publisher', publisherId))
  })
  const lookAtAll = () => {
    for (const payerId of byPayer.keys()) lookAtPayer(payerId)
    for (const publisherId of byPublisher.keys()) publishers.plan(publisherId)
  }
  const beat = () => {
    for (const call of byPayer.all()) renew(deps, call, ttlMs)
    lookAtAll() // for a change whose poke was lost
  }
  const timer = setInterval(beat, Math.max(RENEW_AT_LEAST_MS, Math.min(RENEW_AT_MOST_MS, ttlMs / 3)))
  const off = deps.db.onPoke(({ feed }) => {
    heard++
    if (byPayer.has(feed)) lookAtPayer(feed)
    if (byPublisher.has(feed)) publishers.plan(feed)
  })
  return {
    get heard() {
      return heard
    },
    enter: crowd.enter,
    add(call, heardBefore) {
      size++
      byPayer.add(call.payer.id, call)
      byPublisher.add(call.payer.publisherId, call)
      // A change between the hold's commit and this line was heard of before anybody listened for this call.
      if (heard === heardBefore) return
      lookAtPayer(call.payer.id)
      publishers.plan(call.payer.publisherId)
    },
    remove(call) {
      if (!byPayer.remove(call.payer.id, call)) return
      byPublisher.remove(call.payer.publisherId, call)
      size--
    },
    get size() {
      return size
    },
    stop() {
      clearInterval(timer)
      publishers.stop()
      crowd.stop()
      off()
    },
  }
}

// --- below: how ------------------------------------------------------------------------------------------------------

function renew({ db, log }: Needs, call: RunningCall, ttlMs: number): void {
  db.tx(renewCall, { holdId: call.holdId, ttlMs, units: call.progress() }).catch((error) => {
    log.warn({ hold_id: call.holdId, err: String(error) }, 'a hold could not be renewed')
  })
}

// One look for each connection, however many calls of it are running.
async function checkConnection({ db, now }: Needs, calls: Iterable<RunningCall>, connectionId: string): Promise<void> {
  const code = endedBy(await termsOf(db, connectionId, now()))
  if (code === null) return
  for (const call of calls) if (call.payer.connectionId === connectionId) call.end(code)
}

// A key that was revoked and an app that was deleted end what they began.
async function checkPublisher({ db }: Needs, calls: Iterable<RunningCall>): Promise<void> {
  for (const keyId of distinct(calls, (payer) => payer.keyId ?? null)) {
    if (!(await isRevoked(db, keyId))) continue
    for (const call of calls) if (call.payer.keyId === keyId) call.end('invalid_api_key')
  }
  for (const appId of distinct(calls, (payer) => payer.appId)) {
    if (await appById(db, appId)) continue
    for (const call of calls) if (call.payer.appId === appId) call.end('invalid_token')
  }
}

function distinct(calls: Iterable<RunningCall>, of: (payer: Payer) => string | null): Set<string> {
  const found = new Set<string>()
  for (const { payer } of calls) {
    const id = of(payer)
    if (id !== null) found.add(id)
  }
  return found
}

const NONE: ReadonlySet<RunningCall> = new Set()

function groups() {
  const sets = new Map<string, Set<RunningCall>>()
  return {
    has: (id: string) => sets.has(id),
    keys: () => sets.keys(),
    of: (id: string): ReadonlySet<RunningCall> => sets.get(id) ?? NONE,
    *all() {
      for (const set of sets.values()) yield* set
    },
    add(id: string, call: RunningCall) {
      const set = sets.get(id)
      if (set) set.add(call)
      else sets.set(id, new Set([call]))
    },
    remove(id: string, call: RunningCall): boolean {
      const set = sets.get(id)
      if (!set?.delete(call)) return false
      if (set.size === 0) sets.delete(id)
      return true
    },
  }
}

/** Does something for an id a moment after it was asked for, once for many askings. */
function soon(afterMs: number, act: (id: string) => void) {
  const planned = new Map<string, NodeJS.Timeout>()
  return {
    plan(id: string) {
      if (planned.has(id)) return
      const run = () => {
        planned.delete(id)
        act(id)
      }
      planned.set(id, setTimeout(run, afterMs).unref())
    },
    stop() {
      for (const timer of planned.values()) clearTimeout(timer)
    },
  }
}

/** How many calls of each connection are under way here. Of several processes each allows its even share. */
function crowds({ db, config, log, now }: Needs) {
  const underWay = new Map<string, number>()
  const most = Math.max(1, Math.floor(config.QUOTA_CONNECTION_CALLS_MAX * config.QUOTA_RATE_LIMIT_SCALE))
  let processes = 1
  const look = () =>
    livingProcesses(db, now())
      .then((living) => {
        processes = Math.max(1, living)
      })
      .catch((error) => log.warn({ err: String(error) }, 'the other processes could not be counted'))
  const timer = db.dialect === 'postgres' ? setInterval(look, PROCESSES_EVERY_MS) : undefined
  if (timer) void look()
  return {
    enter({ connectionId }: Payer): () => void {
      if (connectionId === null) return () => undefined
      const count = underWay.get(connectionId) ?? 0
      const share = Math.max(1, Math.floor(most / processes))
      if (count >= share) {
        const message = `This connection has ${count} calls under way already; more are taken when some of them end.`
        throw fault('rate_limit_exceeded', { message, retryAfterS: 1 })
      }
      underWay.set(connectionId, count + 1)
      return () => {
        const left = (underWay.get(connectionId) ?? 1) - 1
        if (left > 0) underWay.set(connectionId, left)
        else underWay.delete(connectionId)
      }
    },
    stop: () => clearInterval(timer),
  }
}
