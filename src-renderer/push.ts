// Sending the person's edits.
// owns: the conversation of POST /v1/wallet/mutations. never: the order of push and pull, retries.
// always true: an edit leaves the outbox only through a pull (or by the person); a refused one keeps its reason.

import { type Mutation, MutationsReply } from '../server/contract/feed.ts'
import { type Api, ApiFailure } from './api.ts'
import { getMeta, type Pending, type WalletDb } from './db.ts'
import { renumber, settleEdits } from './db-outbox.ts'
import { fromServer } from './server-words.ts'
import { say } from './words.ts'

const BATCH = 100

/** Sends what is queued, in order, until nothing is. Throws ApiFailure when the server cannot be asked now. */
export async function push(api: Api, db: WalletDb): Promise<void> {
  for (let renumbered = 0; ; ) {
    const queued = (await db.outbox.where('state').equals('queued').sortBy('n')).slice(0, BATCH)
    if (queued.length === 0) return
    try {
      await sendBatch(api, db, queued)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      const forgotten = error.code === 'mutation_gap' || error.code === 'idempotency_mismatch'
      if (forgotten && renumbered++ < 2) await renumber(db)
      else if (error.status === 400) await refuseMalformed(api, db, queued, error)
      else throw error
    }
  }
}

async function sendBatch(api: Api, db: WalletDb, batch: Pending[]): Promise<void> {
  const client = await getMeta(db, 'client')
  const mutations = batch.map(({ mid, name, args, base_version }): Mutation => {
    return base_version === undefined ? { mid, name, args } : { mid, name, args, base_version }
  })
  const reply = MutationsReply.parse(await api.post('/v1/wallet/mutations', { client: client?.id, mutations }))
  const byMid = new Map(reply.results.map((r) => [r.mid, r]))
  const answers = batch.flatMap((edit): { n: number; change: Partial<Pending> }[] => {
    const result = byMid.get(edit.mid)
    if (!result || edit.n === undefined) return []
    if (result.status !== 'rejected') return [{ n: edit.n, change: { state: 'sent' } }]
    const { code = 'bad_request', message } = result
    const why = message === undefined ? say('The server refused this.') : fromServer(message)
    return [{ n: edit.n, change: { state: 'refused', code, message: why } }]
  })
  if (answers.length === 0)
    throw new ApiFailure('internal_error', say('The server did not say what became of the changes.'))
  await settleEdits(db, answers)
}

/**
 * The server could not read a batch. One edit is at fault: found by sending singly, it is refused here with the
 * server's words, and those behind it are numbered anew, so that one bad edit never blocks the rest.
 */
async function refuseMalformed(api: Api, db: WalletDb, batch: Pending[], error: ApiFailure): Promise<void> {
  const [first] = batch
  if (!first?.n) return
  if (batch.length > 1) {
    try {
      return await sendBatch(api, db, [first])
    } catch (alone) {
      if (!(alone instanceof ApiFailure) || alone.status !== 400) throw alone
    }
  }
  await settleEdits(db, [{ n: first.n, change: { state: 'refused', code: error.code, message: error.message } }])
  await renumber(db)
}
