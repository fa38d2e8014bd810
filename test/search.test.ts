// The wallet's pure parts beside the check: searching the log by columns, days, the runaway guard, the clock, edits of two devices.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Connection, ReceiptRow } from '../server/contract/records.ts'
import { skewOf } from '../src-renderer/clock.ts'
import { CHUNK, type Columns, indexOf, pack, remark, revAt, select } from '../src-renderer/columns.ts'
import { dayOf, startOfDay } from '../src-renderer/days.ts'
import type { Doc, Entry, Pending, Written } from '../src-renderer/db.ts'
import { fold, foldWritten } from '../src-renderer/fold.ts'
import { type Charge, spikeOf } from '../src-renderer/guard.ts'
import { choiceOf, type Search, searchOf } from '../src-renderer/search.ts'
import { isFull } from '../src-renderer/trouble.ts'

const APPS = ['app_a', 'app_b', 'app_c']
const MODELS = ['openai/gpt-5-mini', 'anthropic/claude-haiku-4-5']
const START = Date.parse('2026-03-27T00:00:00Z')
const ZONE = 'Europe/Berlin' // its clocks change on 29 March 2026

const entry = (i: number, change: Partial<Entry> & { micros?: number; model?: string } = {}): Entry => {
  const { micros = i, model = MODELS[i % 2] ?? '', ...rest } = change
  const row = { request_id: `req_${i}`, model, credits_used: micros } as ReceiptRow
  return {
    rev: i * 2 + 1,
    id: `req_${i}`,
    at: START + i * 60_000,
    app: APPS[i % 3] ?? '',
    row,
    hash: '',
    mark: 'verified',
    ...rest,
  }
}
/** Packed in steps of uneven length, as pages come; the last `tail` stay single. */
function indexed(entries: Entry[], tail: number, step: number) {
  const sealed = entries.slice(0, entries.length - tail)
  let records: Columns[] = []
  for (let i = 0; i < sealed.length; i += step)
    records = [...records.slice(0, -1), ...replaced(records.at(-1), pack(records.at(-1), sealed.slice(i, i + step)))]
  return indexOf(records, entries.slice(entries.length - tail))
}
const replaced = (last: Columns | undefined, made: Columns[]) =>
  last && made[0]?.n !== last.n ? [last, ...made] : made

const WRITTEN: Written[] = [
  { id: 'req_5', rev: 11, note: 'For the Café talk', tags: ['work'] },
  { id: 'req_8', rev: 17, note: null, tags: ['work', 'client a'] },
]
const known = {
  zone: ZONE,
  apps: APPS,
  models: MODELS,
  nameOf: (app: string) => ({ app_a: 'Parrot Chat' })[app] ?? app,
  written: WRITTEN,
}
const everything = choiceOf({}, known)
const day = (at: number) => dayOf(ZONE, at)

describe('searching the log by its columns', () => {
  const entries = Array.from({ length: 3 * CHUNK + 77 }, (_, i) => entry(i))
  const index = indexed(entries, 77, 1000)
  const revs = (search: Search) =>
    Array.from(select(index, choiceOf(search, known), day).ordinals, (o) => revAt(index, o))

  test('everything is there, newest first, by day, and each ordinal names its entry', () => {
    const { ordinals, groups, micros } = select(index, everything, day)
    assert.equal(index.total, entries.length)
    assert.deepEqual(
      Array.from(ordinals, (o) => revAt(index, o)),
      entries.map(({ rev }) => rev).reverse(),
    )
    assert.equal(
      micros,
      entries.reduce((sum, { row }) => sum + row.credits_used, 0),
    )
    assert.equal(
      groups.reduce((sum, { count }) => sum + count, 0),
      entries.length,
    )
    assert.deepEqual(
      groups.map((g) => g.day),
      [...new Set(groups.map((g) => g.day))].sort().reverse(),
    )
  })
  test('any choice finds what reading every entry would find', () => {
    const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
    const amount = fc.integer({ min: 1, max: 13_000 })
    const choices = fc.record({
      app: some(fc.constantFrom(...APPS)),
      model: some(fc.constantFrom(...MODELS)),
      min: some(amount),
      max: some(amount),
    })
    fc.assert(
      fc.property(choices, ({ app, model, min, max }) => {
        const choice = {
          ...everything,
          apps: app ? new Set([app]) : null,
          models: model ? new Set([model]) : null,
          min: min ?? null,
          max: max ?? null,
        }
        const found = Array.from(select(index, choice, day).ordinals, (o) => revAt(index, o))
        const read = entries.filter(
          (e) =>
            (!app || e.app === app) &&
            (!model || e.row.model === model) &&
            e.row.credits_used >= (min ?? 0) &&
            e.row.credits_used <= (max ?? Infinity),
        )
        assert.deepEqual(found, read.map(({ rev }) => rev).reverse())
      }),
      { numRuns: 40 },
    )
  })
  test('each number is kept exactly, in the narrowest form that holds all of its record', () => {
    const limits = [0, 2 ** 8 - 1, 2 ** 8, 2 ** 16 - 1, 2 ** 16, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]
    const forms = [
      Uint8Array,
      Uint8Array,
      Uint16Array,
      Uint16Array,
      Uint32Array,
      Uint32Array,
      Float64Array,
      Float64Array,
    ]
    let last: Columns | undefined
    for (const [i, micros] of limits.entries()) {
      last = pack(last, [entry(i, { micros })])[0]
      assert.equal(last?.micros.constructor, forms[i], `${micros}`)
      assert.deepEqual(Array.from(last?.micros ?? []), limits.slice(0, i + 1))
    }
  })
  test('records in the wide form of before are searched like these', () => {
    const wide = (c: Columns): Columns => ({
      ...c,
      rev: Float64Array.from(c.rev),
      micros: Float64Array.from(c.micros),
      app: Uint16Array.from(c.app),
      model: Uint16Array.from(c.model),
    })
    const mixed = { ...index, records: index.records.map((c, i) => (i % 2 ? c : wide(c))) }
    for (const search of [{}, { app: 'app_b' }, { q: 'haiku', min: '0.001' }, { tag: 'work' }] satisfies Search[]) {
      const choice = choiceOf(search, known)
      const found = select(index, choice, day)
      assert.ok(found.ordinals.length > 0)
      assert.deepEqual(select(mixed, choice, day), found)
    }
  })
  test('what is known of whole records is what looking into them says, whatever order entries came in', () => {
    const jitter = fc.array(fc.integer({ min: -600, max: 600 }), { minLength: 40, maxLength: 40 })
    fc.assert(
      fc.property(jitter, fc.integer({ min: 0, max: 77 }), (minutes, tail) => {
        const mixed = entries.map((e, i) => ({ ...e, at: e.at + (minutes[(i * 7919) % 40] ?? 0) * 60_000 }))
        const one = indexed(mixed, tail, 2500)
        const longer = indexOf(
          one.records.filter(({ n }) => n >= 0),
          [...mixed.slice(mixed.length - tail), entry(9999)],
        )
        for (const log of [one, one, longer])
          assert.deepEqual(select(log, everything, day), select(log, { ...everything, min: 0 }, day))
      }),
      { numRuns: 15 },
    )
  })
  const rows: [string, Search, number[]][] = [
    ['a note, without case or accents', { q: 'cafe TALK' }, [11]],
    ['a tag as text', { q: 'client' }, [17]],
    ['a request', { q: 'req_8' }, [17]],
    ['a tag', { tag: 'work' }, [17, 11]],
    ['a tag and an app', { tag: 'work', app: 'app_c' }, [17, 11]],
    ['a tag and another app', { tag: 'work', app: 'app_a' }, []],
    ['nothing like it', { q: 'nowhere' }, []],
    ['an exact amount', { min: '0.000005', max: '0.000005' }, [11]],
    ['from the future', { from: '2030-01-01' }, []],
    ['to the past', { to: '2020-01-01' }, []],
    ['what does not check out', { check: 'wrong' }, []],
  ]
  for (const [what, search, found] of rows) test(what, () => assert.deepEqual(revs(search), found))
  test('the name of an app finds its calls', () =>
    assert.equal(revs({ q: 'parrot' }).length, Math.ceil(entries.length / 3)))
  test('a day is the person’s, an hour short when the clocks change', () =>
    assert.equal(revs({ from: '2026-03-29', to: '2026-03-29' }).length, 23 * 60))
  test('an entry with another mark is found by it', () => {
    const [first] = index.records
    if (first) remark(first, 11, 'row')
    assert.deepEqual(revs({ check: 'wrong' }), [11])
  })
})

test('search parameters: what makes no sense is left out, and nothing else', () => {
  const raw = {
    q: ' ',
    app: 'a',
    from: '2026-1-1',
    to: '2026-01-01',
    min: 2,
    max: '-1',
    check: 'yes',
    entry: '7',
    x: 1,
  }
  assert.deepEqual(searchOf(raw), { app: 'a', to: '2026-01-01', min: '2', entry: 7 })
})

test('where a day begins, around clock changes', () => {
  const rows: [string, string, string][] = [
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', '2026-10-26', '2026-10-25T23:00:00.000Z'],
    ['America/Santiago', '2026-09-06', '2026-09-06T04:00:00.000Z'], // midnight does not exist that day
    ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00.000Z'],
    ['Asia/Kathmandu', '2026-01-01', '2025-12-31T18:15:00.000Z'],
    ['No/Such_Zone', '2026-01-01', '2026-01-01T00:00:00.000Z'],
  ]
  for (const [zone, date, start] of rows) {
    const at = startOfDay(zone, date)
    assert.equal(at && new Date(at).toISOString(), start, `${zone} ${date}`)
    assert.deepEqual(dayOf(zone, (at ?? 0) + 3_600_000), { day: date, start: at }, `${zone} ${date}`)
  }
  assert.equal(startOfDay('UTC', 'yesterday'), null)
})

describe('the runaway guard', () => {
  const now = Date.parse('2026-11-26T12:00:00Z')
  const today = '2026-11-26'
  const days = [300_000, 400_000, 350_000].map((spent, i) => ({ day: `2026-11-2${i}`, spent }))
  const burst = (spent: number, minutesAgo = 1): Charge[] => [{ at: now - minutesAgo * 60_000, spent }]
  const rows: [string, Parameters<typeof spikeOf>[0], Charge[], number, object | null][] = [
    ['its usual pace', days, burst(100_000), 0, null],
    ['as much as on its busiest day', days, burst(400_000), 0, null],
    ['a micro more', days, burst(400_001), 0, { spent: 400_001, usual: 400_000 }],
    [
      'in many small calls',
      days,
      Array.from({ length: 500 }, () => burst(1000)).flat(),
      0,
      { spent: 500_000, usual: 400_000 },
    ],
    ['longer ago than ten minutes', days, burst(9_000_000, 11), 0, null],
    ['an app hardly known', days.slice(1), burst(9_000_000), 0, null],
    [
      'the spike is no excuse for itself',
      [...days, { day: today, spent: 9_000_000 }],
      burst(9_000_000),
      0,
      { spent: 9_000_000, usual: 400_000 },
    ],
    [
      'a busy day long ago',
      [...days, { day: '2026-10-20', spent: 9_000_000 }],
      burst(500_000),
      0,
      { spent: 500_000, usual: 400_000 },
    ],
    ['pennies', days.map((d) => ({ ...d, spent: 100 })), burst(250_000), 0, null],
    ['the person said it is fine', days, burst(900_000), 1_000_000, null],
  ]
  for (const [what, known, charges, allowed, spike] of rows)
    test(what, () => assert.deepEqual(spikeOf(known, charges, { today, now, allowed }), spike))
})

test('the clock: an hour wrong is known, a slow answer is not mistaken for it', () => {
  const said = Date.parse('2026-11-26T12:00:00Z')
  const hour = 3_600_000
  const rows: [string, number, number, number][] = [
    ['right', said + 100, said + 300, 0],
    ['right, a slow answer', said - 20_000, said + 500, 0],
    ['right, the date was made long before it came', said - 200, said + 25_000, 0],
    ['an hour fast', said + hour, said + hour + 200, -hour + 400],
    ['an hour slow', said - hour, said - hour + 200, hour + 400],
  ]
  for (const [what, asked, answered, skew] of rows) assert.equal(skewOf(said, asked, answered), skew, what)
})

test('a full storage is known inside the failure of its transaction, and nothing else is taken for it', () => {
  const quota = new DOMException('full', 'QuotaExceededError')
  assert.equal(isFull(quota), true)
  assert.equal(isFull({ name: 'AbortError', inner: quota }), true)
  assert.equal(isFull({ name: 'BulkError', failures: [new Error('x'), quota] }), true)
  for (const other of [null, undefined, new Error('x'), { name: 'AbortError', inner: new Error('y') }])
    assert.equal(isFull(other), false)
})

describe('two devices edit the same limit offline', () => {
  const connection = (amount: number, version: number): Doc => {
    const caps = [{ period: 'month', amount, spent: 1_000_000, held: 0, resets_at: null }]
    const row = { id: 'c1', status: 'active', version, caps } as unknown as Connection
    return { topic: 'connection', id: 'c1', rev: version, row: row as unknown as Doc['row'] }
  }
  const setCaps = (amount: number, state: Pending['state'], base_version?: number): Pending => {
    const args = { connection_id: 'c1', caps: [{ period: 'month', amount }] }
    return {
      mid: 1,
      name: 'connection.set_caps',
      args,
      state,
      at: 0,
      ...(base_version === undefined ? {} : { base_version }),
    }
  }
  const shown = (doc: Doc, edits: Pending[]) => {
    const [c] = fold([doc], edits).connections
    return { amount: c?.caps[0]?.amount, spent: c?.caps[0]?.spent, pending: c?.pending }
  }
  test('each shows its own until the server has said which stands; then both show the same', () => {
    const before = connection(5_000_000, 3)
    assert.deepEqual(shown(before, [setCaps(2_000_000, 'queued')]), {
      amount: 2_000_000,
      spent: 1_000_000,
      pending: true,
    })
    assert.deepEqual(shown(before, [setCaps(9_000_000, 'queued', 3)]), {
      amount: 9_000_000,
      spent: 1_000_000,
      pending: true,
    })
    // The lowering came first; the raising named a version that had passed, and was refused.
    const stands = connection(2_000_000, 4)
    const one = shown(stands, [])
    const other = shown(stands, [{ ...setCaps(9_000_000, 'refused', 3), code: 'version_conflict' }])
    assert.deepEqual(one, other)
    assert.deepEqual(one, { amount: 2_000_000, spent: 1_000_000, pending: false })
  })
})

test('notes and tags: edits on their way are shown, refused ones are not, and a tag of another device stays', () => {
  const edit = (args: object, state: Pending['state'] = 'queued'): Pending => ({
    mid: 1,
    name: 'receipt.annotate',
    args: { request_id: 'req_8', ...args },
    state,
    at: 0,
    rev: 17,
  })
  const of = (edits: Pending[], id = 'req_8') => foldWritten(WRITTEN, edits).find((w) => w.id === id)
  assert.deepEqual(of([edit({ add_tags: ['x'] })])?.tags, ['work', 'client a', 'x'])
  assert.deepEqual(of([edit({ remove_tags: ['work'] }), edit({ add_tags: ['x'] })])?.tags, ['client a', 'x'])
  assert.deepEqual(of([edit({ add_tags: ['x'] }, 'refused')])?.tags, ['work', 'client a'])
  assert.equal(of([edit({ remove_tags: ['work', 'client a'] })]), undefined)
  assert.deepEqual(of([edit({ request_id: 'req_9', note: 'n' })], 'req_9'), {
    id: 'req_9',
    rev: 17,
    note: 'n',
    tags: [],
  })
})
