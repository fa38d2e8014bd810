// Calls that wait for their person ("ask me above").
// owns: approvals. never: a hold, the waiting itself (proxy/parked.ts).
// always true: an approval is answered once, by its person, while it is open; it allows one call, the one it was asked
// for, up to the amount that was shown; nothing is reserved while it waits.

import type { Approval } from '../contract/records.ts'
import { procedure, type Reader, type Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append } from '../feed/feed.ts'
import { lockConnection } from './caps.ts'

/** How many calls of one connection may wait at once: what a person can be asked without losing count. */
export const WAITING_MAX = 5
/** How often an app may ask in ten minutes; more is not asking, it is wearing a person down. */
const ASKED_MAX = 30
const ASKED_WITHIN_MS = 10 * 60_000
const KEPT_MS = 86_400_000
const SWEEP_ROWS = 200

export type ApprovalStatus = 'open' | 'approved' | 'refused' | 'ended' | 'used'
type ApprovalRow = {
  id: string
  user_id: string
  connection: string
  request_id: string
  amount: number
  status: ApprovalStatus
  expires_at: number
}
const COLUMNS = 'id, user_id, connection, request_id, amount, status, expires_at'

export type Question = {
  userId: string
  connectionId: string
  requestId: string
  model: string
  /** The most the call may cost its person, in micros. */
  amount: number
  ttlMs: number
  /** The call's Idempotency-Key, where it has one; see kept-answers.ts. */
  claim: { scope: string; bodyHash: string } | null
}

/**
 * Asks a person for a call.
 * @returns the approval's id and when it ends, in milliseconds
 * @throws Fault `approval_required` when too many wait or were asked, `idempotency_in_progress`, `idempotency_mismatch`
 */
export const askApproval = procedure('connections.askApproval', async (tx: Tx, question: Question) => {
  const { userId, connectionId, amount, claim } = question
  await lockConnection(tx, connectionId)
  const open = await tx.all<{ scope: string | null; body_hash: string | null }>(
    `SELECT scope, body_hash FROM approvals WHERE connection = ? AND status = 'open' AND expires_at > ?`,
    [connectionId, tx.now],
  )
  const twin = claim && open.find((row) => row.scope === claim.scope)
  if (twin) throw fault(twin.body_hash === claim.bodyHash ? 'idempotency_in_progress' : 'idempotency_mismatch')
  if (open.length >= WAITING_MAX) {
    throw fault('approval_required', {
      message: 'The person has to approve this call, and has several to answer already.',
    })
  }
  const asked = await tx.get<{ n: number }>(
    'SELECT COUNT(*) AS n FROM approvals WHERE connection = ? AND created_at > ?',
    [connectionId, tx.now - ASKED_WITHIN_MS],
  )
  if (asked && asked.n >= ASKED_MAX) {
    throw fault('approval_required', {
      message: 'This app has asked the person too often; it may ask again in some minutes.',
    })
  }
  const id = tx.id('appr')
  const expiresAt = tx.now + question.ttlMs
  await tx.run(
    `INSERT INTO approvals (id, user_id, connection, request_id, amount, scope, body_hash, status, created_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)`,
    [
      id,
      userId,
      connectionId,
      question.requestId,
      amount,
      claim?.scope ?? null,
      claim?.bodyHash ?? null,
      tx.now,
      expiresAt,
    ],
  )
  const app = await tx.get<Approval['app']>(
    'SELECT a.id, a.name, a.logo_uri FROM apps a JOIN connections c ON c.app_id = a.id WHERE c.id = ?',
    [connectionId],
  )
  if (!app) throw new Error(`no connection ${connectionId}`)
  const row: Approval = {
    uid: id,
    connection_id: connectionId,
    app: { id: app.id, name: app.name, logo_uri: app.logo_uri },
    model: question.model,
    amount,
    created_at: new Date(tx.now).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  }
  await append(tx, userId, [{ topic: 'approval', id, row }])
  return { id, expiresAt }
})

export async function approvalStatus(reader: Reader, id: string): Promise<ApprovalStatus> {
  return (
    (await reader.get<{ status: ApprovalStatus }>('SELECT status FROM approvals WHERE id = ?', [id]))?.status ?? 'ended'
  )
}

/** Takes a question back: its caller left, its time ran out, the app was stopped. @returns what stands now */
export const endApproval = procedure(
  'connections.endApproval',
  async (tx: Tx, { id }: { id: string }): Promise<ApprovalStatus> => {
    const row = await close(tx, id, 'ended')
    return row ? 'ended' : approvalStatus(tx, id)
  },
)

/**
 * A person's answer to a call that waits, within the commit of their wallet's edit.
 * @returns false when this is no approval at all
 * @throws Fault `not_found`: another person's, answered, over
 */
export async function answerApproval(
  tx: Tx,
  userId: string,
  { uid, decision }: { uid: string; decision: 'approve' | 'deny' },
): Promise<boolean> {
  const row = await tx.get<ApprovalRow>(`SELECT ${COLUMNS} FROM approvals WHERE id = ?`, [uid])
  if (!row) return false
  const mine = row.user_id === userId && row.expires_at > tx.now
  if (!mine || !(await close(tx, uid, decision === 'approve' ? 'approved' : 'refused'))) {
    throw fault('not_found', { message: 'This request is over: it was answered, or its time ran out.' })
  }
  return true
}

/**
 * What an approval allows, in the commit that holds; it is used up by it.
 * @returns micros
 * @throws Fault `approval_required` when it allows nothing to this call
 */
export async function spendApproval(
  tx: Tx,
  { id, connectionId, requestId }: { id: string; connectionId: string; requestId: string },
): Promise<number> {
  const row = await tx.get<ApprovalRow>(
    `UPDATE approvals SET status = 'used' WHERE id = ? AND status = 'approved' AND connection = ? AND request_id = ?
     RETURNING ${COLUMNS}`,
    [id, connectionId, requestId],
  )
  if (!row) throw fault('approval_required')
  return row.amount
}

/** Questions whose time is over leave the feed (their process may have died); old rows go. Bounded. */
export const sweepApprovals = procedure('connections.sweepApprovals', async (tx: Tx, _args: Record<string, never>) => {
  const late = await tx.all<{ id: string }>(
    `SELECT id FROM approvals WHERE status = 'open' AND expires_at <= ? ORDER BY user_id, id LIMIT ?`,
    [tx.now, SWEEP_ROWS],
  )
  for (const { id } of late) await close(tx, id, 'ended')
  await tx.run(`DELETE FROM approvals WHERE created_at <= ? AND status <> 'open'`, [tx.now - KEPT_MS])
  return late.length
})

/** The one way out of `open`; the document leaves the feed with it. */
async function close(tx: Tx, id: string, status: ApprovalStatus): Promise<ApprovalRow | undefined> {
  const row = await tx.get<ApprovalRow>(
    `UPDATE approvals SET status = ? WHERE id = ? AND status = 'open' RETURNING ${COLUMNS}`,
    [status, id],
  )
  if (row) await append(tx, row.user_id, [{ topic: 'approval', id, row: null }])
  return row
}
