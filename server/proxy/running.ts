// The calls this process is in the middle of.
// owns: their renewal, and ending them when their person pauses, revokes or freezes. never: how they are charged.
// always true: a running call's hold is renewed well before it expires; a change of its connection is looked at as soon
// as the feed says so, in whatever process it was made.

import { type Terms, termsOf } from '../connections/connections.ts'
import type { FaultCode } from '../contract/faults.ts'
import type { Units } from '../contract/receipts.ts'
import type { Deps } from '../deps.ts'
import { renewCall } from './settle.ts'

export type RunningCall = {
  holdId: string
  payerId: string
  connectionId: string | null
  /** Units delivered so far, or null before there are any. */
  progress: () => Units | null
  end: (code: FaultCode) => void
}

export type Running = {
  /** How many changes were heard of so far; `add` is told what it was before the call's hold. */
  readonly heard: number
  add(call: RunningCall, heardBefore: number): void
  remove(call: RunningCall): void
  readonly size: number
  stop(): void
}

const RENEW_AT_LEAST_MS = 250
const RENEW_AT_MOST_MS = 30_000

/** Why no call of a connection may go on; null when it may. */
export function endedBy(terms: Terms | null): FaultCode | null {
  if (!terms || terms.status === 'revoked') return 'connection_revoked'
  return terms.status === 'active' && !terms.frozen ? null : 'connection_paused'
}

/** Starts looking after running calls. */
export function watchRunning(deps: Pick<Deps, 'db' | 'config' | 'log' | 'now'>): Running {
  const byPayer = new Map<string, Set<RunningCall>>()
  const ttlMs = deps.config.QUOTA_HOLD_TTL_S * 1000
  let size = 0
  let heard = 0

  const renewAll = () => {
    for (const calls of byPayer.values()) {
      for (const call of calls) {
        deps.db.tx(renewCall, { holdId: call.holdId, ttlMs, units: call.progress() }).catch((error) => {
          deps.log.warn({ hold_id: call.holdId, err: String(error) }, 'a hold could not be renewed')
        })
      }
    }
  }
  const timer = setInterval(renewAll, Math.max(RENEW_AT_LEAST_MS, Math.min(RENEW_AT_MOST_MS, ttlMs / 3)))
  // One look for each connection, however many calls of it are running.
  const check = async (payerId: string, connectionId: string) => {
    const terms = await termsOf(deps.db, connectionId, deps.now())
    const code = endedBy(terms)
    if (code === null) return
    for (const call of byPayer.get(payerId) ?? []) if (call.connectionId === connectionId) call.end(code)
  }
  const look = (payerId: string, connectionId: string) =>
    check(payerId, connectionId).catch((error) => {
      deps.log.warn({ connection_id: connectionId, err: String(error) }, 'a connection could not be looked at')
    })
  const off = deps.db.onPoke(({ feed }) => {
    heard++
    const connections = new Set([...(byPayer.get(feed) ?? [])].map((call) => call.connectionId))
    for (const id of connections) if (id !== null) look(feed, id)
  })

  return {
    get heard() {
      return heard
    },
    add(call, heardBefore) {
      size++
      const calls = byPayer.get(call.payerId)
      if (calls) calls.add(call)
      else byPayer.set(call.payerId, new Set([call]))
      // A pause between the hold's commit and this line was heard of before anybody listened for this call.
      if (heard !== heardBefore && call.connectionId !== null) look(call.payerId, call.connectionId)
    },
    remove(call) {
      const calls = byPayer.get(call.payerId)
      if (!calls?.delete(call)) return
      size--
      if (calls.size === 0) byPayer.delete(call.payerId)
    },
    get size() {
      return size
    },
    stop() {
      clearInterval(timer)
      off()
    },
  }
}
