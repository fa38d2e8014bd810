// How fast a limit is being used: by the window as it is in its person's calendar.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { windowAt } from '../server/connections/windows.ts'
import type { Period } from '../server/contract/records.ts'
import { elapsed, pace } from '../src-renderer/pace.ts'

const cap = (period: Period, resets_at: string) => ({
  period,
  amount: 10_000_000,
  spent: 2_500_000,
  held: 0,
  resets_at,
})

describe('a quarter spent in a quarter of the window leads to the limit, wherever and whenever that is', () => {
  const rows: [zone: string, period: Period, now: string][] = [
    ['UTC', 'month', '2026-03-10T12:00:00Z'],
    ['Europe/Berlin', 'month', '2026-02-10T12:00:00Z'], // 28 days after one of 31, and its end lies in February of UTC
    ['Europe/Berlin', 'month', '2026-03-10T12:00:00Z'], // the clocks change in it, too
    ['Europe/Berlin', 'month', '2026-05-10T12:00:00Z'],
    ['America/Los_Angeles', 'month', '2026-03-10T12:00:00Z'],
    ['Pacific/Auckland', 'month', '2026-03-10T12:00:00Z'],
    ['Europe/Berlin', 'week', '2026-03-25T12:00:00Z'],
    ['Europe/Berlin', 'day', '2026-03-29T12:00:00Z'], // 23 hours
    ['Europe/Berlin', 'day', '2026-10-25T12:00:00Z'], // 25 hours
  ]
  for (const [zone, period, at] of rows)
    test(`${period} ${at} in ${zone}`, () => {
      const { startsAt, endsAt } = windowAt(period, Date.parse(at), { zone, weekStart: 'monday' })
      const end = endsAt ?? 0
      const now = startsAt + (end - startsAt) / 4
      const shown = cap(period, new Date(end).toISOString())
      assert.equal(elapsed(shown, now, zone), 0.25)
      assert.deepEqual(pace(shown, now, zone), { kind: 'fits', total: 10_000_000 })
    })
})
