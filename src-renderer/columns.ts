// The sealed log as columns, so that a million entries are filtered and grouped without reading them.
// owns: packing entries into columns, and choosing among them. never: storage, words. always true: pure; an entry's
// ordinal is its place in the log from 0, and sealed entries come before the tail's.

import type { Entry, Mark } from './db.ts'

/**
 * Entries of one record of columns; a whole number of blocks, so that an ordinal names its block. A record stays below the
 * 64 KiB from which Chromium keeps a value in a file of its own.
 */
export const CHUNK = 2048

/** Up to CHUNK entries side by side: seconds, micros, and indexes into the names that occur in this record. */
export type Columns = {
  n: number
  rev: Float64Array
  at: Uint32Array
  micros: Float64Array
  app: Uint16Array
  model: Uint16Array
  mark: Uint8Array
  apps: string[]
  models: string[]
}

export const MARKS: readonly Mark[] = [
  'verified',
  'unchecked',
  'signature',
  'chain',
  'row',
  'base',
  'granted',
  'markup',
  'total',
]
const FIRST_WRONG = 2

/** Adds entries behind a record of columns (or begins with them); full records come first, the last may have room. */
export function pack(last: Columns | undefined, entries: Entry[]): Columns[] {
  const rows = entries.map(lineOf)
  const before = last && last.rev.length < CHUNK ? linesOf(last) : []
  const all = [...before, ...rows]
  const from = last ? last.n + (before.length > 0 ? 0 : 1) : 0
  const made: Columns[] = []
  for (let i = 0; i < all.length; i += CHUNK) made.push(recordOf(from + made.length, all.slice(i, i + CHUNK)))
  return made
}

/** Gives one entry of a record another mark. */
export function remark(columns: Columns, rev: number, mark: Mark): void {
  const i = columns.rev.indexOf(rev)
  if (i !== -1) columns.mark[i] = MARKS.indexOf(mark)
}

type Line = { rev: number; at: number; micros: number; app: string; model: string; mark: number }

const lineOf = ({ rev, at, app, row, mark }: Entry): Line => ({
  rev,
  at: Math.max(0, Math.floor(at / 1000)),
  micros: row.credits_used,
  app,
  model: row.model,
  mark: MARKS.indexOf(mark),
})

const linesOf = (c: Columns): Line[] =>
  Array.from(c.rev, (rev, i) => ({
    rev,
    at: c.at[i] ?? 0,
    micros: c.micros[i] ?? 0,
    app: c.apps[c.app[i] ?? 0] ?? '',
    model: c.models[c.model[i] ?? 0] ?? '',
    mark: c.mark[i] ?? 0,
  }))

function recordOf(n: number, lines: Line[]): Columns {
  const apps = new Map<string, number>()
  const models = new Map<string, number>()
  const place = (known: Map<string, number>, name: string): number => {
    if (!known.has(name)) known.set(name, known.size)
    return known.get(name) ?? 0
  }
  return {
    n,
    rev: Float64Array.from(lines, (l) => l.rev),
    at: Uint32Array.from(lines, (l) => l.at),
    micros: Float64Array.from(lines, (l) => l.micros),
    app: Uint16Array.from(lines, (l) => place(apps, l.app)),
    model: Uint16Array.from(lines, (l) => place(models, l.model)),
    mark: Uint8Array.from(lines, (l) => l.mark),
    apps: [...apps.keys()],
    models: [...models.keys()],
  }
}

// --- choosing --------------------------------------------------------------------------------------------------------

/** Everything there is, oldest first: sealed records, then the tail as one more. */
export type Index = { records: Columns[]; sealed: number; total: number }

/** The tail joins as a record of its own, behind the sealed ones. */
export function indexOf(sealed: Columns[], tail: Entry[]): Index {
  const count = sealed.reduce((sum, c) => sum + c.rev.length, 0)
  const records = tail.length > 0 ? [...sealed, recordOf(-1, tail.map(lineOf))] : sealed
  return { records, sealed: count, total: count + tail.length }
}

/** Null means: whatever. Times are ms, `until` exclusive; amounts are micros, both inclusive. */
export type Choice = {
  apps: ReadonlySet<string> | null
  models: ReadonlySet<string> | null
  /** What was searched for is in the app's name, or the model's, or in a note, a tag or the request's id. */
  text: { apps: ReadonlySet<string>; models: ReadonlySet<string>; revs: ReadonlySet<number> } | null
  /** Only these, whatever else is chosen (a tag). */
  onlyRevs: ReadonlySet<number> | null
  from: number | null
  until: number | null
  min: number | null
  max: number | null
  wrong: boolean
}

/** A calendar day's entries within a selection, newest first; `first` is the place of its newest. */
export type DayGroup = { day: string; first: number; count: number; micros: number }
export type Selection = { ordinals: Uint32Array; groups: DayGroup[]; micros: number }

/** The day of a moment, and when it began and ends (ms). */
export type DayOf = (at: number) => { day: string; start: number }

/**
 * The chosen entries, newest first, grouped by day. An entry that is a little older than the one before it in the log
 * stays with the day it is listed in, so that no day comes twice.
 */
export function select(index: Index, choice: Choice, dayOf: DayOf): Selection {
  const found = new Uint32Array(index.total)
  const groups: DayGroup[] = []
  let size = 0
  let sum = 0
  let group: DayGroup | null = null
  let start = Number.POSITIVE_INFINITY
  let end = index.total
  for (const columns of index.records.toReversed()) {
    const first = end - columns.rev.length
    const admits = gate(columns, choice)
    for (let i = columns.rev.length - 1; admits && i >= 0; i--) {
      if (!admits(i)) continue
      const at = (columns.at[i] ?? 0) * 1000
      const micros = columns.micros[i] ?? 0
      if (group === null || at < start) {
        const opened = dayOf(at)
        start = opened.start
        group = { day: opened.day, first: size, count: 0, micros: 0 }
        groups.push(group)
      }
      group.count++
      group.micros += micros
      sum += micros
      found[size++] = first + i
    }
    end = first
  }
  return { ordinals: found.subarray(0, size), groups, micros: sum }
}

/** Whether an entry of a record is chosen; null when none of the record can be. */
function gate(c: Columns, choice: Choice): ((i: number) => boolean) | null {
  const apps = among(c.apps, choice.apps)
  const models = among(c.models, choice.models)
  if ((apps && !apps.includes(1)) || (models && !models.includes(1))) return null
  const said = choice.text && saidIn(c, choice.text)
  const { onlyRevs, wrong } = choice
  const from = choice.from === null ? 0 : Math.ceil(choice.from / 1000)
  const until = choice.until === null ? Number.POSITIVE_INFINITY : choice.until / 1000
  const [min, max] = [choice.min ?? 0, choice.max ?? Number.POSITIVE_INFINITY]
  return (i) => {
    const at = c.at[i] as number
    const micros = c.micros[i] as number
    if (at < from || at >= until || micros < min || micros > max) return false
    if ((apps && !apps[c.app[i] as number]) || (models && !models[c.model[i] as number])) return false
    if (wrong && (c.mark[i] as number) < FIRST_WRONG) return false
    if (onlyRevs && !onlyRevs.has(c.rev[i] as number)) return false
    return !said || said(i)
  }
}

const among = (names: string[], chosen: ReadonlySet<string> | null): Uint8Array | null =>
  chosen && Uint8Array.from(names, (name) => Number(chosen.has(name)))

function saidIn(c: Columns, text: NonNullable<Choice['text']>): (i: number) => boolean {
  const apps = among(c.apps, text.apps) as Uint8Array
  const models = among(c.models, text.models) as Uint8Array
  return (i) =>
    apps[c.app[i] as number] === 1 || models[c.model[i] as number] === 1 || text.revs.has(c.rev[i] as number)
}

/** The feed number at an ordinal. */
export function revAt(index: Index, ordinal: number): number {
  if (ordinal < index.sealed) return index.records[Math.floor(ordinal / CHUNK)]?.rev[ordinal % CHUNK] ?? 0
  return index.records.at(-1)?.rev[ordinal - index.sealed] ?? 0
}

/** Sums of a selection by app, the dearest first, and how many of its entries were verified. Amounts are micros. */
export function sumsOf(index: Index, { ordinals }: Selection) {
  const apps = new Map<string, { app: string; calls: number; micros: number }>()
  let verified = 0
  for (const ordinal of ordinals) {
    const [record, i] =
      ordinal < index.sealed
        ? [index.records[Math.floor(ordinal / CHUNK)], ordinal % CHUNK]
        : [index.records.at(-1), ordinal - index.sealed]
    if (!record) continue
    const app = record.apps[record.app[i] ?? 0] ?? ''
    const sum = apps.get(app) ?? { app, calls: 0, micros: 0 }
    sum.calls++
    sum.micros += record.micros[i] ?? 0
    apps.set(app, sum)
    if (record.mark[i] === 0) verified++
  }
  return { byApp: [...apps.values()].sort((a, b) => b.micros - a.micros), verified }
}

/** Names that occur anywhere, for menus. */
export const namesIn = (index: Index, what: 'apps' | 'models'): string[] =>
  [...new Set(index.records.flatMap((c) => c[what]))].sort()
