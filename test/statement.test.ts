// The statement of a month: its facts, and that they are on the paper.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inflateSync } from 'node:zlib'
import type { ReceiptRow, Topup } from '../server/contract/records.ts'
import type { Entry } from '../src-renderer/db.ts'
import { LINES_MAX, type Statement, statementOf } from '../src-renderer/statement.ts'
import { statementPdf } from '../src-renderer/statement-pdf.ts'

const ABOUT = {
  month: '2026-11',
  zone: 'Europe/Berlin',
  server: 'wallet.example.org',
  person: 'Ann Lee, ann@example.org',
  real: true,
  madeAt: Date.parse('2026-12-01T08:00:00Z'),
}
const NAMES: Record<string, string> = { app_a: 'Sketchpad', app_b: '王小明' }
const nameOf = (app: string) => NAMES[app] ?? app

const entry = (i: number, change: Partial<Entry> & { granted?: number } = {}): Entry => {
  const { granted = 0, ...rest } = change
  const row = {
    model: 'openai/gpt-5-mini',
    units: { input: 1000, output: 200 },
    credits_used: 1_200_000,
    base_credits: 1_000_000,
    markup_credits: 200_000,
    granted_credits: granted,
    balance_after: 50_000_000 - i * 1_000_000,
  } as ReceiptRow
  return {
    rev: i,
    id: `req_${i}`,
    at: ABOUT.madeAt - 86_400_000 + i,
    app: 'app_a',
    row,
    hash: '',
    mark: 'verified',
    ...rest,
  }
}
const topup = (paidAt: string | null, change: Partial<Topup> = {}): Topup =>
  ({ id: `t${paidAt}`, status: 'paid', balance_credits: 8_500_000, paid_at: paidAt, ...change }) as Topup

/** Newest first, in steps of two, as the log is read. */
async function* steps(entries: Entry[]) {
  for (let i = 0; i < entries.length; i += 2) yield entries.slice(i, i + 2)
}
const made = (entries: Entry[], { before = null as Entry | null, topups = [] as Topup[], about = ABOUT } = {}) =>
  statementOf(about, steps(entries.toReversed()), { before, topups, nameOf })

/** The words of a document, line by line: its streams hold them as hexadecimal strings. */
async function paper(statement: Statement): Promise<string> {
  const pdf = Buffer.concat(await statementPdf(statement, async () => null)).toString('latin1')
  const streams = [...pdf.matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)].map(([, body = '']) => unpacked(body))
  const texts = [...streams.join('\n').matchAll(/\[(.*?)\] TJ/g)].map(([, run = '']) =>
    [...run.matchAll(/<([0-9a-f]+)>/g)].map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1')).join(''),
  )
  return texts.join('\n')
}
function unpacked(body: string): string {
  try {
    return inflateSync(Buffer.from(body, 'latin1')).toString('latin1')
  } catch {
    return ''
  }
}

describe('the facts of a month', () => {
  test('sums by app, what grants paid, the balances that receipts say, the checks', async () => {
    const before = entry(0)
    const s = await made([entry(1), entry(2, { app: 'app_b', granted: 300_000 }), entry(3, { mark: 'total' })], {
      before,
    })
    assert.deepEqual(s.sum, { app: '', calls: 3, base: 3_000_000, markup: 600_000, total: 3_600_000, granted: 300_000 })
    assert.deepEqual(
      s.apps.map(({ app, calls, total }) => [app, calls, total]),
      [
        ['Sketchpad', 2, 2_400_000],
        ['王小明', 1, 1_200_000],
      ],
    )
    assert.deepEqual(s.checks, { verified: 2, wrong: 1 })
    assert.deepEqual([s.opening?.micros, s.closing?.micros], [50_000_000, 47_000_000])
    assert.deepEqual(
      s.lines.map(({ at }) => at),
      [entry(1).at, entry(2).at, entry(3).at],
    )
  })

  test('nothing is known of a month without receipts, and nothing is made up', async () => {
    const s = await made([])
    assert.deepEqual([s.opening, s.closing, s.apps, s.sum.calls, s.added], [null, null, [], 0, 0])
  })

  /** A purchase, and whether it is one of November where the person lives. */
  const purchases: [string, Topup, number][] = [
    ['within', topup('2026-11-10T12:00:00Z'), 8_500_000],
    ['late in October by UTC, in November in Berlin', topup('2026-10-31T23:30:00Z'), 8_500_000],
    ['late in November by UTC, in December in Berlin', topup('2026-11-30T23:30:00Z'), 0],
    ['declined', topup('2026-11-10T12:00:00Z', { status: 'declined' }), 0],
    ['never paid', topup(null, { status: 'pending' }), 0],
  ]
  for (const [what, one, added] of purchases)
    test(`a purchase ${what}`, async () => assert.equal((await made([], { topups: [one] })).added, added))

  test('a cut list is said; the sums are of all', async () => {
    const s = await made(Array.from({ length: LINES_MAX + 5 }, (_, i) => entry(i)))
    assert.deepEqual([s.lines.length, s.unlisted, s.sum.calls], [LINES_MAX, 5, LINES_MAX + 5])
    assert.equal(s.lines.at(-1)?.at, entry(LINES_MAX + 4).at) // the newest are kept
  })
})

describe('on paper', () => {
  test('all of it is there, exact; a charge that does not check out is marked; every page is numbered', async () => {
    const entries = Array.from({ length: 60 }, (_, i) => entry(i + 1, i === 7 ? { mark: 'signature' } : {}))
    const text = await paper(await made(entries, { before: entry(0), topups: [topup('2026-11-10T12:00:00Z')] }))
    for (const words of [
      'Statement, November 2026',
      'Ann Lee, ann@example.org',
      '59 of 60 charges verified on this device',
      '1 charge did not check out; see the marks below.',
      '$50.00',
      '$8.50',
      '$72.00',
      'wrong',
      'Page 1 of 2',
      'Page 2 of 2',
    ])
      assert.ok(text.split('\n').includes(words), `${words}\n---\n${text.slice(0, 1500)}`)
    assert.equal(text.split('\n').filter((line) => line === '$1.2000').length, 60)
    assert.ok(!text.includes('not real money'))
  })

  test('sandbox money is never mistaken for money', async () =>
    assert.match(
      await paper(await made([], { about: { ...ABOUT, real: false } })),
      /^Sandbox: this is not real money$/m,
    ))

  test('a name in any script makes no statement fail', async () => {
    for (const name of ['王小明', 'محمد علي', '\u202eeel nnA', '\u{1f600}', '', 'x'.repeat(400)])
      assert.match(await paper(await made([entry(1)], { about: { ...ABOUT, person: name } })), /Statement/)
  })
})
