// The sealed log as columns, so that a million entries are filtered and grouped without reading them.
// owns: packing entries into columns, and choosing among them. never: storage, words. always true: pure; an entry's
// ordinal is its place in the log from 0, and sealed entries come before the tail's.

import type { Entry, Mark } from './db.ts'

/**
 * Entries of one record of columns; a whole number of blocks, so that an ordinal names its block. A record stays below the
 * 64 KiB from which Chromium keeps a value in a file of its own.
 */
export const CHUNK = 2048

/** Whole numbers from 0 up, in the narrowest form that holds them: a long log is read at every start. */
export type Numbers =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>

/** Up to CHUNK entries side by side: seconds, micros, and indexes into the names that occur in this record. */
export type Columns = {
  n: number
  rev: Numbers
  at: Numbers
  micros: Numbers
  app: Numbers
  model: Numbers
  mark: Numbers
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
    rev: numbersOf(lines.map((l) => l.rev)),
    at: numbersOf(lines.map((l) => l.at)),
    micros: numbersOf(lines.map((l) => l.micros)),
    app: numbersOf(lines.map((l) => place(apps, l.app))),
    model: numbersOf(lines.map((l) => place(models, l.model))),
    mark: numbersOf(lines.map((l) => l.mark)),
    apps: [...apps.keys()],
    models: [...models.keys()],
  }
}

function numbersOf(values: number[]): Numbers {
  const most = values.reduce((a, b) => Math.max(a, b), 0)
  if (most < 2 ** 8) return Uint8Array.from(values)
  if (most < 2 ** 16) return Uint16Array.from(values)
  return most < 2 ** 32 ? Uint32Array.from(values) : Float64Array.from(values)
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

/** The day of a moment, and when it began (ms). One function for each time zone: what it says of a record is kept. */
export type DayOf = (at: number) => { day: string; start: number }

type Stretch = { day: string; start: number; count: number; micros: number }
const stretches = new WeakMap<DayOf, WeakMap<Columns, Stretch[]>>()

/** The days of a full record, newest first; worked out once. */
export function daysOf(columns: Columns, dayOf: DayOf): Stretch[] {
  const known = stretches.get(dayOf) ?? new WeakMap<Columns, Stretch[]>()
  stretches.set(dayOf, known)
  const found = known.get(columns) ?? stretchesOf(columns, () => true, dayOf)
  if (columns.rev.length === CHUNK) known.set(columns, found)
  return found
}

function stretchesOf(c: Columns, admits: (i: number) => boolean, dayOf: DayOf): Stretch[] {
  const found: Stretch[] = []
  let open: Stretch | null = null
  for (let i = c.rev.length - 1; i >= 0; i--) {
    if (!admits(i)) continue
    const at = (c.at[i] as number) * 1000
    if (open === null || at < open.start) {
      open = { ...dayOf(at), count: 0, micros: 0 }
      found.push(open)
    }
    open.count++
    open.micros += c.micros[i] as number
  }
  return found
}

let numbers = new Uint32Array(0)

/** The ordinals from below `end` down to `first`, as a view of one long countdown. */
function downwards(end: number, first: number): Uint32Array {
  if (end > numbers.length) {
    const size = Math.ceil(end / 65_536) * 65_536
    numbers = Uint32Array.from({ length: size }, (_, i) => size - 1 - i)
  }
  return numbers.subarray(numbers.length - end, numbers.length - first)
}

/**
 * The chosen entries, newest first, grouped by day. An entry that is a little older than the one before it in the log
 * stays with the day it is listed in, so that no day comes twice. A record that is chosen whole is not looked into.
 */
export function select(index: Index, choice: Choice, dayOf: DayOf): Selection {
  const ordinals = new Uint32Array(index.total)
  const groups: DayGroup[] = []
  let [size, sum, end] = [0, 0, index.total]
  let start = Number.POSITIVE_INFINITY
  for (const columns of index.records.toReversed()) {
    const first = end - columns.rev.length
    const admits = gate(columns, choice)
    let place = size
    let days: Stretch[] = []
    if (admits === 'all') {
      days = daysOf(columns, dayOf)
      ordinals.set(downwards(end, first), size)
      size = place + columns.rev.length
    } else if (admits) {
      const put = (i: number) => {
        if (!admits(i)) return false
        ordinals[size++] = first + i
        return true
      }
      days = stretchesOf(columns, put, dayOf)
    }
    for (const { day, start: begins, count, micros } of days) {
      let group = groups.at(-1)
      if (!group || begins < start) {
        group = { day, first: place, count: 0, micros: 0 }
        groups.push(group)
        start = begins
      }
      group.count += count
      group.micros += micros
      sum += micros
      place += count
    }
    end = first
  }
  return { ordinals: ordinals.subarray(0, size), groups, micros: sum }
}

/** Whether an entry of a record is chosen; null when none of the record can be, "all" when every one is. */
function gate(c: Columns, choice: Choice): ((i: number) => boolean) | 'all' | null {
  const apps = among(c.apps, choice.apps)
  const models = among(c.models, choice.models)
  const said = choice.text ? saidIn(c, choice.text) : 'all'
  if (apps === null || models === null || said === null) return null
  const { onlyRevs, wrong } = choice
  const from = choice.from === null ? 0 : Math.ceil(choice.from / 1000)
  const until = choice.until === null ? Number.POSITIVE_INFINITY : choice.until / 1000
  const [min, max] = [choice.min ?? 0, choice.max ?? Number.POSITIVE_INFINITY]
  const isBounded = choice.from !== null || choice.until !== null || choice.min !== null || choice.max !== null
  if (apps === 'all' && models === 'all' && said === 'all' && !onlyRevs && !wrong && !isBounded) return 'all'
  return (i) => {
    const at = c.at[i] as number
    const micros = c.micros[i] as number
    if (at < from || at >= until || micros < min || micros > max) return false
    if ((apps !== 'all' && !apps[c.app[i] as number]) || (models !== 'all' && !models[c.model[i] as number]))
      return false
    if (wrong && (c.mark[i] as number) < FIRST_WRONG) return false
    if (onlyRevs && !onlyRevs.has(c.rev[i] as number)) return false
    return said === 'all' || said(i)
  }
}

/** Which of a record's names are chosen: a flag for each, or all of them, or null for none. */
function among(names: string[], chosen: ReadonlySet<string> | null): Uint8Array | 'all' | null {
  const flags = chosen ? Uint8Array.from(names, (name) => Number(chosen.has(name))) : null
  if (!flags?.includes(0)) return 'all'
  return flags.includes(1) ? flags : null
}

function saidIn(
  c: Columns,
  { apps, models, revs }: NonNullable<Choice['text']>,
): ((i: number) => boolean) | 'all' | null {
  const [app, model] = [among(c.apps, apps), among(c.models, models)]
  if (app === 'all' || model === 'all') return 'all'
  if (!app && !model && revs.size === 0) return null
  return (i) => app?.[c.app[i] as number] === 1 || model?.[c.model[i] as number] === 1 || revs.has(c.rev[i] as number)
}

/** The feed number at an ordinal. */
export function revAt(index: Index, ordinal: number): number {
  if (ordinal < index.sealed) return index.records[Math.floor(ordinal / CHUNK)]?.rev[ordinal % CHUNK] ?? 0
  return index.records.at(-1)?.rev[ordinal - index.sealed] ?? 0
}

/** What a selection cost by app or by model, the dearest first; micros. */
export function sumsOf(index: Index, { ordinals }: Selection, what: 'apps' | 'models') {
  const sums = new Map<string, { name: string; calls: number; micros: number }>()
  for (const ordinal of ordinals) {
    const [record, i] =
      ordinal < index.sealed
        ? [index.records[Math.floor(ordinal / CHUNK)], ordinal % CHUNK]
        : [index.records.at(-1), ordinal - index.sealed]
    if (!record) continue
    const name = record[what][(what === 'apps' ? record.app : record.model)[i] ?? 0] ?? ''
    const sum = sums.get(name) ?? { name, calls: 0, micros: 0 }
    sum.calls++
    sum.micros += record.micros[i] ?? 0
    sums.set(name, sum)
  }
  return [...sums.values()].sort((a, b) => b.micros - a.micros || a.name.localeCompare(b.name))
}

/** Names that occur anywhere, for menus. */
export const namesIn = (index: Index, what: 'apps' | 'models'): string[] =>
  [...new Set(index.records.flatMap((c) => c[what]))].sort()
