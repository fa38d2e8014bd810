// Times as the wallet words them, in one time zone, whatever this machine's is; and amounts as people type them.

import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { amountOf, date, dayIn, moment, onTimeZone, setTimeZone, when } from '../src-renderer/format.ts'

const NOW = Date.parse('2026-12-31T23:30:00Z')

afterEach(() => setTimeZone(undefined))

describe('a time zone decides the day, the year and the clock', () => {
  const rows: [zone: string, at: string, when: string, date: string, moment: string][] = [
    ['UTC', '2026-12-31T00:10:00Z', '00:10', '31 Dec', '31 Dec 2026, 00:10:00'],
    ['UTC', '2026-12-30T23:50:00Z', '30 Dec, 23:50', '30 Dec', '30 Dec 2026, 23:50:00'],
    ['Europe/Berlin', '2026-12-31T23:05:00Z', '00:05', '1 Jan', '1 Jan 2027, 00:05:00'], // it is 00:30 of 2027 there
    ['Europe/Berlin', '2026-12-31T22:50:00Z', '31 Dec 2026', '31 Dec 2026', '31 Dec 2026, 23:50:00'],
    ['America/Los_Angeles', '2027-01-01T07:59:00Z', '23:59', '31 Dec', '31 Dec 2026, 23:59:00'],
    ['Not/A_Zone', '2026-12-31T00:10:00Z', '00:10', '31 Dec', '31 Dec 2026, 00:10:00'], // as the days: UTC
  ]
  for (const [zone, at, short, day, whole] of rows)
    test(`${at} in ${zone}`, () => {
      setTimeZone(zone)
      const ms = Date.parse(at)
      assert.deepEqual([when(ms, NOW), date(ms, NOW), moment(ms)], [short, day, whole])
      const { format } = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })
      assert.ok(whole.startsWith(format(Date.parse(dayIn(zone, ms)))), 'the day that the log is grouped by')
    })
})

test('a change of zone is told once to whoever watches, and the same zone again is none', () => {
  let told = 0
  const deaf = onTimeZone(() => told++)
  for (const zone of ['UTC', 'UTC', 'Asia/Tokyo']) setTimeZone(zone)
  deaf()
  setTimeZone('UTC')
  assert.equal(told, 2)
})

test('a typed amount is what an English reader takes it for, or none', () => {
  const rows: [typed: string, micros: number | null][] = [
    ['5', 5_000_000],
    [' $2.50 ', 2_500_000],
    ['2,50', 2_500_000],
    ['0,125', 125_000],
    ['1,000', 1_000_000_000],
    ['$12,345.60', 12_345_600_000],
    ['1,234,567', 1_234_567_000_000],
    ['1,000,5', null],
    ['1,00,000', null],
    ['1.000,50', null],
    ['0.0000001', null],
    ['0', null],
    ['', null],
    ['-1', null],
    ['1e3', null],
  ]
  for (const [text, micros] of rows) assert.equal(amountOf(text), micros, text)
})
