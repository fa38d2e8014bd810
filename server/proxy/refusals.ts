// The developer's log of calls that got no answer.
// owns: refused_calls. never: a word of a prompt or an answer, a sentence that may quote one; anything that a call waits for.
// always true: it holds at most so much of each app; what comes faster than it is written is counted and left out.

import type { FastifyRequest } from 'fastify'
import { publisherOf } from '../connections/apps.ts'
import type { RefusedCall } from '../contract/developers.ts'
import { ExternalUserId } from '../contract/records.ts'
import { type Db, procedure, type Reader, type Tx } from '../db/db.ts'
import type { Deps } from '../deps.ts'
import { isFault } from '../faults.ts'
import { headerText } from '../http.ts'

const KEPT_OF_AN_APP = 1000
const KEPT_MS = 30 * 86_400_000
const WAITING_MAX = 2000
const WAITING_OF_AN_APP_MAX = 100
const SWEEP_AT_ONCE = 5000
/** What a field may be called; anything else is not repeated. */
const PLAIN = /^[A-Za-z0-9_.:/@[\]-]{1,120}$/

type Noted = Omit<RefusedCall, 'at'> & { atMs: number }
type Waiting = { rows: Noted[]; ofApp: Map<string, number>; dropped: number; writing: Promise<void> }
const buffers = new WeakMap<Db, Waiting>()

function waitingOf(db: Db): Waiting {
  let found = buffers.get(db)
  if (!found) buffers.set(db, (found = { rows: [], ofApp: new Map(), dropped: 0, writing: Promise.resolve() }))
  return found
}

/** Notes a call that got no answer; it is written a moment later. Calls of nobody known are nobody's to see. */
export function noteRefusal(deps: Deps, request: FastifyRequest, route: string, error: unknown): void {
  const caller = request.calledBy
  if (caller?.kind !== 'key' && caller?.kind !== 'token') return
  const waiting = waitingOf(deps.db)
  const count = waiting.ofApp.get(caller.appId) ?? 0
  if (count >= WAITING_OF_AN_APP_MAX || waiting.rows.length >= WAITING_MAX) return void waiting.dropped++
  waiting.ofApp.set(caller.appId, count + 1)
  const details = isFault(error) ? error.options.details : undefined
  waiting.rows.push({
    request_id: request.id,
    app_id: caller.appId,
    key_id: caller.kind === 'key' ? caller.keyId : null,
    user: caller.kind === 'token' ? caller.userId : named(request),
    route,
    model: modelOf(deps, request),
    status: isFault(error) ? error.status : 500,
    code: isFault(error) ? error.code : 'internal_error',
    param: plain(isFault(error) ? error.options.param : undefined),
    limit: plain(details?.limit),
    period: plain(details?.period),
    atMs: deps.now(),
  })
}

/** Writes what waits; when it returns, everything noted before it is written, by whomever. Safe to run at any time. */
export function flushRefusals({ db }: Pick<Deps, 'db'>): Promise<void> {
  const waiting = waitingOf(db)
  const write = async () => {
    if (waiting.rows.length === 0) return
    const rows = waiting.rows.splice(0)
    waiting.ofApp.clear()
    await db.tx(writeRefusals, rows)
  }
  waiting.writing = waiting.writing.then(write, write)
  return waiting.writing
}

const writeRefusals = procedure(
  'proxy.writeRefusals',
  async (tx: Tx, rows: readonly Noted[]): Promise<void> => {
    const publishers = new Map<string, string>()
    for (const row of rows) {
      let publisher = publishers.get(row.app_id)
      if (publisher === undefined) publishers.set(row.app_id, (publisher = await publisherOf(tx, row.app_id)))
      await tx.run(
        `INSERT INTO refused_calls (app_id, request_id, publisher_id, key_id, user_name, route, model, status, code, param, limit_name,
         period, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        [
          row.app_id,
          row.request_id,
          publisher,
          row.key_id,
          row.user,
          row.route,
          row.model,
          row.status,
          row.code,
          row.param,
          row.limit,
          row.period,
          row.atMs,
        ],
      )
    }
    for (const appId of publishers.keys()) {
      await tx.run(
        `DELETE FROM refused_calls WHERE app_id = ? AND request_id <=
         (SELECT request_id FROM refused_calls WHERE app_id = ? ORDER BY request_id DESC LIMIT 1 OFFSET ${KEPT_OF_AN_APP})`,
        [appId, appId],
      )
    }
  },
  { bookkeeping: true },
)

/** Forgets what is older than thirty days. */
export const sweepRefusals = procedure(
  'proxy.sweepRefusals',
  async (tx: Tx): Promise<number> =>
    tx.run(
      `DELETE FROM refused_calls WHERE request_id IN
       (SELECT request_id FROM refused_calls WHERE at <= ? ORDER BY at LIMIT ${SWEEP_AT_ONCE})`,
      [tx.now - KEPT_MS],
    ),
  { bookkeeping: true },
)

export type RefusalQuery = {
  publisherId: string
  appId: string | null
  code: string | null
  before: string
  limit: number
}

type Row = Omit<RefusedCall, 'at' | 'user' | 'limit'> & {
  user_name: string | null
  limit_name: string | null
  at: number
}

/** Refused calls of a publisher, newest first. What waits to be written is written first. */
export async function refusals(db: Db, query: RefusalQuery): Promise<{ calls: RefusedCall[]; dropped: number }> {
  await flushRefusals({ db })
  const rows = await rowsOf(db, query)
  const calls = rows.map(({ user_name: user, limit_name: limit, at, ...row }) => ({
    ...row,
    user,
    limit,
    at: new Date(at).toISOString(),
  }))
  return { calls, dropped: waitingOf(db).dropped }
}

function rowsOf(reader: Reader, { publisherId, appId, code, before, limit }: RefusalQuery): Promise<Row[]> {
  const filters = `${appId === null ? '' : ' AND app_id = ?'}${code === null ? '' : ' AND code = ?'}`
  const values = [appId, code].filter((value) => value !== null)
  return reader.all<Row>(
    `SELECT request_id, app_id, key_id, user_name, route, model, status, code, param, limit_name, period, at FROM refused_calls
     WHERE publisher_id = ?${filters} AND request_id < ? ORDER BY request_id DESC LIMIT ?`,
    [publisherId, ...values, before, limit],
  )
}

/** The name of a model that this server knows, as its list has it; what else a caller wrote there may be anything. */
function modelOf({ prices }: Deps, { body }: FastifyRequest): string | null {
  const asked = (body as { model?: unknown } | null)?.model
  return typeof asked === 'string' ? (prices.find(asked)?.name ?? null) : null
}

function plain(value: unknown): string | null {
  return typeof value === 'string' && PLAIN.test(value) ? value : null
}

function named(request: FastifyRequest): string | null {
  const inPath = (request.params as { user?: unknown }).user
  const inHeader = request.headers['x-quota-user']
  const name = inPath ?? (typeof inHeader === 'string' ? headerText(inHeader) : undefined)
  return ExternalUserId.safeParse(name).success ? String(name) : null
}
