// Calendar windows, over many zones and both nights when clocks change.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Calendar, endOfLabel, windowAt } from '../../server/connections/windows.ts'
import type { Period } from '../../server/contract/records.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns', // fell back at 00:01, over midnight, until 2011
  'America/Havana', // falls back at 01:00, springs forward over midnight
  'America/Sao_Paulo', // sprang forward over midnight until 2019
  'Asia/Beirut',
  'Asia/Tehran',
  'Asia/Kathmandu',
  'Australia/Lord_Howe', // half an hour
  'Pacific/Apia', // skipped a whole day in 2011
  'Pacific/Kiritimati',
  'Pacific/Chatham',
  'Africa/Casablanca',
]
const PERIODS = ['day', 'week', 'month'] as const
const WEEKS = ['monday', 'sunday', 'saturday'] as const
const calendars = fc.record({ zone: fc.constantFrom(...ZONES), weekStart: fc.constantFrom(...WEEKS) })
const moments = fc.integer({ min: Date.parse('1995-01-01'), max: Date.parse('2040-01-01') })

function ended(period: Period, at: number, calendar: Calendar): { label: string; startsAt: number; endsAt: number } {
  const { label, startsAt, endsAt } = windowAt(period, at, calendar)
  assert.ok(endsAt !== null)
  return { label, startsAt, endsAt }
}

describe('windows', () => {
  test('tile time: a window holds its moment, the next begins where it ends, and labels rise', () => {
    fc.assert(
      fc.property(calendars, moments, fc.constantFrom(...PERIODS), (calendar, at, period) => {
        const here = ended(period, at, calendar)
        assert.ok(here.startsAt <= at && at < here.endsAt)
        assert.deepEqual(windowAt(period, here.endsAt - 1, calendar), here)
        assert.deepEqual(windowAt(period, here.startsAt, calendar), here)
        const next = ended(period, here.endsAt, calendar)
        assert.equal(next.startsAt, here.endsAt)
        assert.ok(next.label > here.label)
        assert.equal(endOfLabel(here.label, calendar), here.endsAt)
      }),
      { numRuns: 1500 },
    )
  })

  test('twelve years, day by day, in every zone: no gap and no overlap', () => {
    for (const zone of ZONES) {
      const calendar = { zone, weekStart: 'monday' as const }
      let at = Date.parse('2004-01-01T00:00:00Z')
      for (let n = 0; n < 4_400; n++) {
        const { endsAt, startsAt } = ended('day', at, calendar)
        assert.equal(startsAt <= at, true)
        const next = ended('day', endsAt, calendar)
        assert.equal(next.startsAt, endsAt, `${zone} ${new Date(endsAt).toISOString()}`)
        at = endsAt
      }
    }
  })

  const hours = (zone: string, at: string) => {
    const { startsAt, endsAt } = ended('day', Date.parse(at), { zone, weekStart: 'monday' })
    return (endsAt - startsAt) / 3_600_000
  }
  test('a day is 23 hours when clocks spring forward, 25 when they fall back, and a skipped day is none', () => {
    assert.equal(hours('Europe/Berlin', '2026-03-29T12:00:00Z'), 23)
    assert.equal(hours('Europe/Berlin', '2026-10-25T12:00:00Z'), 25)
    assert.equal(hours('America/St_Johns', '2006-10-28T12:00:00Z'), 24)
    assert.equal(hours('Pacific/Apia', '2011-12-30T00:00:00Z'), 24)
  })

  test('where clocks fall back over midnight, the minutes that come twice belong to the day that has begun', () => {
    const calendar = { zone: 'America/St_Johns', weekStart: 'monday' as const }
    const again = ended('day', Date.parse('2006-10-29T02:45:00Z'), calendar) // 23:15 on the 28th, for the second time
    assert.equal(again.label, 'day-2006-10-29')
    assert.equal(again.startsAt, Date.parse('2006-10-29T02:30:00Z'))
  })

  test('a week is named by its Thursday, so the same days are the same week whenever weeks begin', () => {
    const thursday = Date.parse('2026-11-26T12:00:00Z')
    const labels = WEEKS.map((weekStart) => windowAt('week', thursday, { zone: 'UTC', weekStart }).label)
    assert.deepEqual(labels, Array(3).fill('week-2026-11-26'))
    const starts = WEEKS.map((weekStart) => windowAt('week', thursday, { zone: 'UTC', weekStart }).startsAt)
    assert.deepEqual(
      starts.map((ms) => new Date(ms).toISOString().slice(0, 10)),
      ['2026-11-23', '2026-11-22', '2026-11-21'],
    )
  })

  test('an unknown zone is an error, not UTC', () => {
    assert.throws(() => windowAt('day', 0, { zone: 'Mars/Olympus', weekStart: 'monday' }), RangeError)
  })
})
