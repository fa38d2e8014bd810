// The calls this process is in the middle of.
// owns: their renewal, and ending them when their person pauses, revokes or freezes. never: how they are charged.
// always true: a running call's hold is renewed well before it expires; a change of its connection is looked at as soon
// as the feed says so, in whatever process it was made.

import { termsOf } from '../connections/connections.ts'
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
  add(call: RunningCall): void
  remove(call: RunningCall): void
  readonly size: number
  stop(): void
}

/** Starts looking after running calls. */
export function watchRunning(deps: Pick<Deps, 'db' | 'config' | 'log' | 'now'>): Running {
  const byPayer = new Map<string, Set<RunningCall>>()
  const ttlMs = deps.config.QUOTA_HOLD_TTL_S * 1000
  let size = 0

  const renewAll = () => {
    for (const calls of byPayer.values()) {
      for (const call of calls) {
        deps.db.tx(renewCall, { holdId: call.holdId, ttlMs, units: call.progress() }).catch((error) => {
          deps.log.warn({ hold_id: call.holdId, err: String(error) }, 'a hold could not be renewed')
        })
      }
    }
  }
  const timer = setInterval(renewAll, Math.max(1000, Math.min(30_000, ttlMs / 3)))
  const check = async (call: RunningCall) => {
    if (call.connectionId === null) return
    const terms = await termsOf(deps.db, call.connectionId, deps.now())
    if (!terms || terms.status === 'revoked') call.end('connection_revoked')
    else if (terms.status !== 'active' || terms.frozen) call.end('connection_paused')
  }
  const off = deps.db.onPoke(({ feed }) => {
    for (const call of byPayer.get(feed) ?? []) check(call).catch(() => undefined)
  })

  return {
    add(call) {
      size++
      const calls = byPayer.get(call.payerId)
      if (calls) calls.add(call)
      else byPayer.set(call.payerId, new Set([call]))
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
