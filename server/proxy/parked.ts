// Calls that wait for their person.
// owns: the waiting - until the person answers, their time runs out, the caller leaves, the app is stopped or this
// process shuts down. never: a hold (nothing is reserved while a call waits), the answer itself (connections/approvals.ts).
// always true: whatever ends the waiting takes the question off the person's feed; the answer may be given in whatever
// process; an approval lets exactly this call go on, with every limit checked anew.

import type { FastifyReply } from 'fastify'
import {
  type ApprovalStatus,
  approvalStatus,
  askApproval,
  endApproval,
  type Question,
} from '../connections/approvals.ts'
import { termsOf } from '../connections/connections.ts'
import type { FaultCode } from '../contract/faults.ts'
import type { Deps } from '../deps.ts'
import { fault, isFault } from '../faults.ts'
import { type Held, type HoldArgs, holdCall } from './hold.ts'
import type { KeptAnswer } from './kept-answers.ts'
import { endedBy } from './running.ts'

/** Pokes wake a call that waits; this is for one that was lost. */
const LOOK_EVERY_MS = 5000

type Why = 'look' | 'late' | 'left' | 'closing'
type Waiting = { payerId: string; wake: (why: Why) => void }

export type Parked = {
  /**
   * Asks the person and waits.
   * @returns the id of their approval, or null when the caller has left
   * @throws Fault `approval_refused`, `approval_timeout`, `approval_required` (too many wait), `connection_paused`,
   *   `connection_revoked`, `draining`, `idempotency_in_progress`, `idempotency_mismatch`
   */
  wait(question: Omit<Question, 'ttlMs'>, reply: FastifyReply): Promise<string | null>
  readonly size: number
  stop(): void
}

/** Starts looking after calls that wait. */
export function parkCalls(deps: Pick<Deps, 'db' | 'config' | 'now' | 'log' | 'metrics'>): Parked {
  const waiting = new Set<Waiting>()
  const off = deps.db.onPoke(({ feed }) => {
    for (const call of waiting) if (call.payerId === feed) call.wake('look')
  })
  return {
    async wait(question, reply) {
      const ttlMs = deps.config.QUOTA_APPROVAL_S * 1000
      const { id } = await deps.db.tx(askApproval, { ...question, ttlMs })
      const { next, stop } = reasons(waiting, question.userId, reply, ttlMs)
      try {
        for (;;) {
          const ended = await look(deps, id, question.connectionId, await next())
          if (ended) return ended.goOn ? id : null
        }
      } finally {
        stop()
      }
    },
    get size() {
      return waiting.size
    },
    stop() {
      off()
      for (const call of waiting) call.wake('closing')
    },
  }
}

/**
 * Reserves the worst case of a call, after asking its person where they want to be asked.
 * @returns as `holdCall`; null when the caller left while it waited
 * @throws Fault as `holdCall` and `Parked.wait`
 */
export async function holdOrAsk(
  deps: Deps,
  parked: Parked,
  reply: FastifyReply,
  args: Omit<HoldArgs, 'approval'>,
): Promise<Held | { kept: KeptAnswer } | null> {
  const hold = async (approval: string | null) => {
    const timer = deps.metrics.hold.startTimer()
    const held = await deps.db.tx(holdCall, { ...args, approval })
    timer()
    return held
  }
  try {
    return await hold(null)
  } catch (error) {
    const { connectionId, id: userId } = args.payer
    const amount = isFault(error) && error.code === 'approval_required' ? error.options.details?.amount : undefined
    if (typeof amount !== 'number' || connectionId === null) throw error
    const { requestId, claim, call } = args
    const askedAt = performance.now()
    const approval = await parked.wait({ userId, connectionId, requestId, model: call.model, amount, claim }, reply)
    return approval === null ? null : { ...(await hold(approval)), waitedMs: performance.now() - askedAt }
  }
}

// --- below: how ------------------------------------------------------------------------------------------------------

/** The reasons to look at a call, one after the other; several at once are one. */
function reasons(waiting: Set<Waiting>, payerId: string, reply: FastifyReply, ttlMs: number) {
  // The answer may have come between the question's commit and this line.
  let pending: Why | null = reply.raw.destroyed ? 'left' : 'look'
  let resolve: ((why: Why) => void) | null = null
  const wake = (why: Why) => {
    if (resolve) {
      resolve(why)
      resolve = null
    } else if (pending === null || pending === 'look') pending = why
  }
  const left = () => wake('left')
  const call: Waiting = { payerId, wake }
  const late = setTimeout(() => wake('late'), ttlMs)
  const again = setInterval(() => wake('look'), LOOK_EVERY_MS)
  waiting.add(call)
  reply.raw.on('close', left)
  return {
    next: (): Promise<Why> => {
      const why = pending
      pending = null
      if (why !== null) return Promise.resolve(why)
      return new Promise((done) => {
        resolve = done
      })
    },
    stop: () => {
      waiting.delete(call)
      clearTimeout(late)
      clearInterval(again)
      reply.raw.off('close', left)
    },
  }
}

const ENDED: Record<Exclude<Why, 'look'>, FaultCode | null> = {
  late: 'approval_timeout',
  left: null,
  closing: 'draining',
}

/** @returns whether the waiting is over and the call goes on; null to wait on */
async function look(
  deps: Pick<Deps, 'db' | 'now'>,
  id: string,
  connectionId: string,
  why: Why,
): Promise<{ goOn: boolean } | null> {
  if (why !== 'look') return over(await deps.db.tx(endApproval, { id }), ENDED[why])
  const terms = await termsOf(deps.db, connectionId, deps.now())
  const stopped = endedBy(terms)
  if (stopped) return over(await deps.db.tx(endApproval, { id }), stopped)
  const status = await approvalStatus(deps.db, id)
  return status === 'open' ? null : over(status, 'approval_timeout')
}

/** What became of the question, and what is said when it merely ended. @throws Fault */
function over(status: ApprovalStatus, ended: FaultCode | null): { goOn: boolean } {
  if (status === 'approved') return { goOn: ended !== null }
  if (status === 'refused' && ended !== null) throw fault('approval_refused')
  if (ended !== null) throw fault(ended)
  return { goOn: false }
}
