// Calendar windows in every zone there is: the nights clocks change, month ends, leap days, and a move to another zone.
// owns: what a person's calendar does to their limits, at the moments where it goes wrong. never: money.
// always true: in every zone windows tile time; each is named by the local date it begins on; moving never gives a second
// budget for a day that was begun.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { type Calendar, endOfLabel, windowAt } from '../../server/connections/windows.ts'
import type { Period } from '../../server/contract/records.ts'

const HOUR_MS = 3_600_000
const PERIODS = ['day', 'week', 'month'] as const
const ZONES = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])]
const FROM = Temporal.Instant.from('2025-12-31T00:00:00Z')
const TO = Date.parse('2028-03-02T00:00:00Z')

type Ended = { label: string; startsAt: number; endsAt: number }
function ended(period: Period, at: number, calendar: Calendar): Ended {
  const { label, startsAt, endsAt } = windowAt(period, at, calendar)
  assert.ok(endsAt !== null)
  return { label, startsAt, endsAt }
}
const local = (at: number, zone: string) => Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone)
const at = (text: string, zone: string) => Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds

/** Every moment from 2026 to February 2028 at which a zone's clocks change. */
function changes(zone: string): number[] {
  const found: number[] = []
  let next = FROM.toZonedDateTimeISO(zone).getTimeZoneTransition('next')
  while (next && next.epochMilliseconds < TO) {
    found.push(next.epochMilliseconds)
    next = next.getTimeZoneTransition('next')
  }
  return found
}

/** What holds of any window: it holds its moment, meets its neighbours, is named by its first day, and rises. */
function checkTile(period: (typeof PERIODS)[number], moment: number, zone: string): void {
  const calendar: Calendar = { zone, weekStart: 'monday' }
  const said = `${zone} ${period} ${new Date(moment).toISOString()}`
  const here = ended(period, moment, calendar)
  assert.ok(here.startsAt <= moment && moment < here.endsAt, said)
  assert.deepEqual(windowAt(period, here.startsAt, calendar), here, said)
  assert.deepEqual(windowAt(period, here.endsAt - 1, calendar), here, said)
  const next = ended(period, here.endsAt, calendar)
  assert.equal(next.startsAt, here.endsAt, said)
  assert.ok(next.label > here.label, said)
  assert.equal(endOfLabel(here.label, calendar), here.endsAt, said)
  const first = local(here.startsAt, zone).toPlainDate()
  const named =
    period === 'week' ? first.add({ days: 3 }).toString() : first.toString().slice(0, period === 'day' ? 10 : 7)
  assert.equal(here.label, `${period}-${named}`, said)
  if (period === 'month') assert.equal(first.day, 1, said)
  if (period === 'week') assert.equal(first.dayOfWeek, 1, said)
}

describe(`windows in ${ZONES.length} zones`, () => {
  test('there are as many zones as the world has', () => {
    assert.ok(ZONES.length > 400, String(ZONES.length))
  })

  test('around both nights of every zone whose clocks change: no gap, no overlap, named by its first day', () => {
    const around = [-25, -3, -1.5, -0.5, 0, 0.5, 1.5, 3, 25].map((hours) => hours * HOUR_MS)
    let nights = 0
    for (const zone of ZONES) {
      for (const change of changes(zone)) {
        nights++
        for (const by of [...around, -1]) for (const period of PERIODS) checkTile(period, change + by, zone)
      }
    }
    assert.ok(nights > 300, `only ${nights} changes were found`)
  })

  test('a day is as long as the clocks say: shorter or longer by the change, at most', () => {
    for (const zone of ZONES) {
      for (const change of changes(zone)) {
        const { startsAt, endsAt } = ended('day', change, { zone, weekStart: 'monday' })
        const before = local(change - 1, zone).offsetNanoseconds
        const after = local(change, zone).offsetNanoseconds
        const shift = (after - before) / 1e6
        const length = endsAt - startsAt
        assert.ok(
          length === 24 * HOUR_MS - shift || length === 24 * HOUR_MS,
          `${zone} ${new Date(change).toISOString()}: ${length / HOUR_MS} h`,
        )
      }
    }
  })

  test('any zone, any moment', () => {
    const moments = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2040-01-01') })
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), moments, fc.constantFrom(...PERIODS), (zone, moment, period) =>
        checkTile(period, moment, zone),
      ),
      { numRuns: 1500 },
    )
  })

  // --- month ends and leap days ------------------------------------------------------------------------------------

  for (const [zone, moment, label, resets] of [
    ['Europe/Berlin', '2026-01-31T23:59:59.999', 'month-2026-01', '2026-02-01T00:00:00+01:00'],
    ['Europe/Berlin', '2026-02-28T12:00', 'month-2026-02', '2026-03-01T00:00:00+01:00'],
    ['Europe/Berlin', '2028-02-28T23:59:59.999', 'month-2028-02', '2028-03-01T00:00:00+01:00'],
    ['Europe/Berlin', '2028-02-29T12:00', 'month-2028-02', '2028-03-01T00:00:00+01:00'],
    ['Europe/Berlin', '2026-03-31T12:00', 'month-2026-03', '2026-04-01T00:00:00+02:00'],
    ['Europe/Berlin', '2026-10-31T12:00', 'month-2026-10', '2026-11-01T00:00:00+01:00'],
    ['America/New_York', '2026-10-31T23:00', 'month-2026-10', '2026-11-01T00:00:00-04:00'],
    ['Pacific/Kiritimati', '2026-12-31T23:59', 'month-2026-12', '2027-01-01T00:00:00+14:00'],
    ['Pacific/Pago_Pago', '2026-12-31T23:59', 'month-2026-12', '2027-01-01T00:00:00-11:00'],
    ['Asia/Kathmandu', '2100-02-28T12:00', 'month-2100-02', '2100-03-01T00:00:00+05:45'],
  ] as const) {
    test(`${zone}, ${moment}: ${label}, until ${resets}`, () => {
      const window = ended('month', at(moment, zone), { zone, weekStart: 'monday' })
      assert.deepEqual([window.label, window.endsAt], [label, Date.parse(resets)])
    })
  }

  test('29 February is a day of its own, and none in 2026 and 2100', () => {
    const calendar = { zone: 'America/Sao_Paulo', weekStart: 'monday' as const }
    const after = (text: string) => ended('day', ended('day', at(text, calendar.zone), calendar).endsAt, calendar).label
    assert.equal(after('2028-02-28T12:00'), 'day-2028-02-29')
    assert.equal(after('2026-02-28T12:00'), 'day-2026-03-01')
    assert.equal(after('2100-02-28T12:00'), 'day-2100-03-01')
  })

  // --- a person who moves in the middle of a window ------------------------------------------------------------------

  test('any move between any two zones, at any moment, changes the date by two days at most', () => {
    const moments = fc.integer({ min: Date.parse('2024-01-01'), max: Date.parse('2032-01-01') })
    const zone = fc.constantFrom(...ZONES)
    fc.assert(
      fc.property(zone, zone, moments, (from, to, moment) => {
        const here = windowAt('day', moment, { zone: from, weekStart: 'monday' }).label.slice(4)
        const there = windowAt('day', moment, { zone: to, weekStart: 'monday' }).label.slice(4)
        const apart = Temporal.PlainDate.from(here).until(Temporal.PlainDate.from(there)).days
        assert.ok(Math.abs(apart) <= 2, `${from} ${here} → ${to} ${there}`)
      }),
      { numRuns: 500 },
    )
  })

  for (const [name, from, to, moment, before, after] of [
    [
      'east over midnight: the new day begins at once',
      'Europe/London',
      'Asia/Tokyo',
      '2026-06-10T20:00Z',
      '2026-06-10',
      '2026-06-11',
    ],
    [
      'west over midnight: the day before, whose budget was begun',
      'Asia/Tokyo',
      'America/Los_Angeles',
      '2026-06-10T20:00Z',
      '2026-06-11',
      '2026-06-10',
    ],
    ['the same day elsewhere', 'Europe/Berlin', 'Europe/Lisbon', '2026-06-10T10:00Z', '2026-06-10', '2026-06-10'],
    [
      'over the date line, two days apart',
      'Pacific/Kiritimati',
      'Pacific/Pago_Pago',
      '2026-06-10T10:30Z',
      '2026-06-11',
      '2026-06-09',
    ],
  ] as const) {
    test(name, () => {
      const label = (zone: string) => windowAt('day', Date.parse(moment), { zone, weekStart: 'monday' }).label
      assert.deepEqual([label(from), label(to)], [`day-${before}`, `day-${after}`])
      // Labels only rise (caps.ts): in the west the begun day goes on, and ends where it ends there.
      const begun = label(from)
      const [, stands = ''] = [begun, label(to)].sort()
      const end = endOfLabel(stands, { zone: to, weekStart: 'monday' })
      assert.ok(end !== null && end > Date.parse(moment))
      assert.equal(local(end, to).toPlainTime().toString(), '00:00:00')
    })
  }
})
