// What the screen shows: the server's documents with the person's pending edits on top.
// owns: the meaning of each edit. never: storage, time, balances (those are the server's alone).
// always true: pure; the same documents and edits give the same view, in any order of arrival of the documents.

import type { MutationArgs } from '../server/contract/feed.ts'
import type { Approval, Cap, CapState, Connection, ConsentRequest, Profile } from '../server/contract/records.ts'
import type { Doc, Pending, Written } from './db.ts'

export type Shown<T> = T & { pending: boolean }
export type View = {
  profile: Shown<Profile> | null
  connections: Shown<Connection>[]
  requests: ConsentRequest[]
  approvals: Approval[]
}

/** Folds edits that are waiting (queued, or sent and not yet seen in the feed) over documents. */
export function fold(docs: Doc[], edits: Pending[]): View {
  const waiting = edits.filter((e) => e.state !== 'refused')
  const of = (topic: string) => docs.filter((d) => d.topic === topic).map((d) => d.row)
  const profile = (of('profile')[0] as Profile | undefined) ?? null
  const answered = new Set(waiting.filter((e) => e.name === 'request.answer').map((e) => e.args.uid))
  return {
    profile: profile && waiting.reduce(onProfile, { ...profile, pending: false }),
    connections: (of('connection') as Connection[]).map((c) => waiting.reduce(onConnection, { ...c, pending: false })),
    requests: (of('consent_request') as ConsentRequest[]).filter((r) => !answered.has(r.uid)),
    approvals: (of('approval') as Approval[]).filter((a) => !answered.has(a.uid)),
  }
}

function onProfile(profile: Shown<Profile>, edit: Pending): Shown<Profile> {
  if (edit.name === 'wallet.freeze' || edit.name === 'wallet.unfreeze') {
    const frozen = edit.name === 'wallet.freeze'
    return { ...profile, frozen, pending: true, version: profile.version + Number(profile.frozen !== frozen) }
  }
  if (edit.name !== 'profile.set') return profile
  const { name, time_zone, week_start } = edit.args as MutationArgs<'profile.set'>
  return {
    ...profile,
    name: name ?? profile.name,
    time_zone: time_zone ?? profile.time_zone,
    week_start: week_start ?? profile.week_start,
    pending: true,
  }
}

function onConnection(connection: Shown<Connection>, edit: Pending): Shown<Connection> {
  if (edit.args.connection_id !== connection.id) return connection
  // Each edit that changes something raises the version by one, so what follows it on this device has seen that.
  const shown = { ...connection, pending: true, version: connection.version + 1 }
  if (edit.name === 'connection.pause') return standing(connection, shown, 'paused')
  if (edit.name === 'connection.resume') return standing(connection, shown, 'active')
  if (edit.name === 'connection.revoke') return { ...shown, status: 'revoked' }
  if (edit.name === 'connection.rename')
    return { ...shown, name: (edit.args as MutationArgs<'connection.rename'>).name }
  if (edit.name !== 'connection.set_caps') return connection
  const { caps, per_call_ceiling, ask_above, models, expires_at } = edit.args as MutationArgs<'connection.set_caps'>
  return {
    ...shown,
    caps: caps.map((cap) => withSpent(cap, connection.caps)),
    per_call_ceiling: per_call_ceiling === undefined ? connection.per_call_ceiling : per_call_ceiling,
    ask_above: ask_above === undefined ? connection.ask_above : ask_above,
    models: models === undefined ? connection.models : models,
    expires_at: expires_at === undefined ? connection.expires_at : expires_at,
  }
}

function standing(
  before: Shown<Connection>,
  after: Shown<Connection>,
  status: Connection['status'],
): Shown<Connection> {
  return before.status === status ? { ...before, pending: true } : { ...after, status }
}

/** Notes and tags with edits on top; an edit of a receipt that had none carries the receipt's number in `rev`. */
export function foldWritten(written: Written[], edits: Pending[]): Written[] {
  const byId = new Map(written.map((w) => [w.id, w]))
  for (const { state, name, args, rev } of edits) {
    if (state === 'refused' || name !== 'receipt.annotate') continue
    const { request_id, note, add_tags = [], remove_tags = [] } = args as MutationArgs<'receipt.annotate'>
    const before = byId.get(request_id) ?? { id: request_id, rev: rev ?? 0, note: null, tags: [] }
    const tags = [...new Set([...before.tags.filter((t) => !remove_tags.includes(t)), ...add_tags])]
    byId.set(request_id, { ...before, tags, note: note === undefined ? before.note : note })
  }
  return [...byId.values()].filter(({ note, tags }) => note !== null || tags.length > 0)
}

/** A limit that is not yet the server's keeps what is known of its window; a new window starts unknown, at zero. */
function withSpent(cap: Cap, known: CapState[]): CapState {
  const held = known.find((k) => k.period === cap.period)
  return held ? { ...held, amount: cap.amount } : { ...cap, spent: 0, held: 0, resets_at: null }
}

/**
 * Whether new limits loosen old ones anywhere: a higher amount, or a window that is gone. Such an edit names the version
 * the person saw; a tightening one always applies.
 */
export function loosens(before: Pick<Cap, 'amount' | 'period'>[], after: Cap[]): boolean {
  return before.some((old) => {
    const next = after.find((cap) => cap.period === old.period)
    return next === undefined || next.amount > old.amount
  })
}
