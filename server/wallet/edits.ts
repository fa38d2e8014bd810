// What each of a wallet's named edits does.
// owns: the table from name to effect. never: numbering, replays (mutations.ts); the rules of a connection (consent.ts).
// always true: an edit touches the person's own things alone, and throws before it writes.

import { answerApproval } from '../connections/approvals.ts'
import { connectionChange, liveConnections, tellConnection } from '../connections/connections.ts'
import { answerRequest, type Edit, pause, rename, resume, revoke, sawThis, setLimits } from '../connections/consent.ts'
import { cleanName } from '../connections/names.ts'
import { dismissNotice } from '../connections/notices.ts'
import { MUTATIONS, type MutationArgs, type MutationName } from '../contract/feed.ts'
import type { Tx } from '../db/db.ts'
import { fault } from '../faults.ts'
import { append, changesAfter, type FeedChange } from '../feed/feed.ts'
import { grantChanges } from '../grants/grants.ts'
import { parse } from '../http.ts'
import { changeProfile, lockPerson, profileOf, setFrozen } from '../identity/users.ts'
import { receiptPlace } from '../receipts/receipts.ts'

type Context = { userId: string; baseVersion: number | undefined }
type Effect<N extends MutationName> = (tx: Tx, context: Context, args: MutationArgs<N>) => Promise<void>

const TAGS_MAX = 50

const EFFECTS: { [N in MutationName]: Effect<N> } = {
  'connection.set_caps': async (tx, context, { connection_id, ...limits }) => {
    await setLimits(tx, editOf(context, connection_id), limits)
    await tellConnection(tx, context.userId, connection_id)
  },
  'connection.pause': async (tx, context, { connection_id }) => {
    await pause(tx, editOf(context, connection_id))
    await tellConnection(tx, context.userId, connection_id)
  },
  'connection.resume': async (tx, context, { connection_id }) => {
    await resume(tx, editOf(context, connection_id))
    await tellConnection(tx, context.userId, connection_id)
  },
  'connection.revoke': async (tx, context, { connection_id }) => {
    const unlinked = await revoke(tx, { userId: context.userId, connectionId: connection_id })
    const gone: FeedChange[] = []
    for (const externalId of unlinked) gone.push(...(await grantChanges(tx, externalId, false)))
    await tellConnection(tx, context.userId, connection_id, gone)
  },
  'connection.rename': async (tx, context, { connection_id, name }) => {
    await rename(tx, editOf(context, connection_id), name)
    await tellConnection(tx, context.userId, connection_id)
  },
  'wallet.freeze': async (tx, { userId }) => {
    await setFrozen(tx, userId, true)
  },
  'wallet.unfreeze': async (tx, { userId, baseVersion }) => {
    const profile = (await lockPerson(tx, userId)) ? await profileOf(tx, userId) : null
    if (!profile) throw fault('not_found')
    if (profile.frozen) sawThis(profile.version, baseVersion)
    await setFrozen(tx, userId, false)
  },
  'receipt.annotate': annotate,
  'profile.set': async (tx, { userId }, args) => {
    await changeProfile(tx, userId, args)
    if (args.time_zone === undefined && args.week_start === undefined) return
    // Windows end elsewhere in another calendar, and the documents say where.
    const moved: FeedChange[] = []
    for (const id of await liveConnections(tx, userId)) moved.push(await connectionChange(tx, id))
    if (moved.length > 0) await append(tx, userId, moved)
  },
  'notice.dismiss': (tx, { userId }, { id }) => dismissNotice(tx, userId, id),
  'request.answer': async (tx, { userId }, args) => {
    if (await answerApproval(tx, userId, args)) return
    await answerRequest(tx, userId, args)
  },
}

/**
 * Carries out one edit in the caller's commit.
 * @throws Fault `bad_request` (unknown name, malformed args), `not_found`, `version_conflict`, `connection_revoked`
 */
export async function carryOut(tx: Tx, context: Context, name: string, args: unknown): Promise<void> {
  if (!Object.hasOwn(MUTATIONS, name)) throw fault('bad_request', { message: 'This server does not know this edit.' })
  const known = name as MutationName
  const effect = EFFECTS[known] as Effect<MutationName>
  await effect(tx, context, parse(MUTATIONS[known], args) as MutationArgs<MutationName>)
}

function editOf({ userId, baseVersion }: Context, connectionId: string): Edit {
  return { userId, connectionId, baseVersion }
}

/** Writes beside a receipt, and sends the receipt's document again with the note and tags in it. */
async function annotate(tx: Tx, { userId }: Context, args: MutationArgs<'receipt.annotate'>): Promise<void> {
  const place = await receiptPlace(tx, args.request_id)
  if (place?.payer !== userId) throw fault('not_found')
  const [change] = await changesAfter(tx, userId, place.rev - 1, 1)
  if (!change?.row || change.doc !== args.request_id) throw new Error(`receipt ${args.request_id} has no document`)
  const before = await tx.get<{ note: string | null; tags: string }>(
    'SELECT note, tags FROM annotations WHERE user_id = ? AND request_id = ?',
    [userId, args.request_id],
  )
  const removed = new Set(args.remove_tags ?? [])
  const added = (args.add_tags ?? []).map((tag) => cleanName(tag, 'add_tags'))
  const kept = (before ? (JSON.parse(before.tags) as string[]) : []).filter((tag) => !removed.has(tag))
  const tags = [...new Set([...kept, ...added])]
  if (tags.length > TAGS_MAX)
    throw fault('bad_request', { message: `A receipt has at most ${TAGS_MAX} tags.`, param: 'add_tags' })
  const note = args.note === undefined ? (before?.note ?? null) : args.note
  await tx.run(
    `INSERT INTO annotations (user_id, request_id, note, tags) VALUES (?, ?, ?, ?)
     ON CONFLICT (user_id, request_id) DO UPDATE SET note = excluded.note, tags = excluded.tags`,
    [userId, args.request_id, note, JSON.stringify(tags)],
  )
  await append(tx, userId, [{ topic: 'receipt', id: args.request_id, row: { ...JSON.parse(change.row), note, tags } }])
}
