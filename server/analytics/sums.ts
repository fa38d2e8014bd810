// What a handful of charges come to, counter by counter.
// owns: which counters a charge is counted in. never: a database.
// always true: pure; each charge is in one hour, one day and one month, once by its app and model and once by each sum over
// them, and in one day of its payer.

import type { Charge } from '../receipts/charges.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000
/** The first Monday of the epoch's calendar: 5 January 1970. */
const MONDAY_MS = 4 * DAY_MS

export type Sum = { requests: number; base: number; markup: number; granted: number; tokens: number }
/** A charge whose tokens are known. */
export type KnownCharge = Charge & { tokens: number }
/** `app` '' is all apps of the publisher, `model` '' all models. */
export type ModelSum = Sum & { publisher: string; grain: 'h' | 'd' | 'm'; start: number; app: string; model: string }
/** `hours` has a bit for each hour of the day. */
export type UserSum = Sum & { publisher: string; start: number; app: string; payer: string; hours: number }

export const NOTHING: Sum = { requests: 0, base: 0, markup: 0, granted: 0, tokens: 0 }
export const SUM_NAMES = ['requests', 'base', 'markup', 'granted', 'tokens'] as const

/** The start of the day, week (from Monday) or month that a moment is in, UTC, in milliseconds. */
export function startOf(grain: 'h' | 'd' | 'w' | 'm', atMs: number): number {
  if (grain === 'h') return Math.floor(atMs / HOUR_MS) * HOUR_MS
  if (grain === 'd') return Math.floor(atMs / DAY_MS) * DAY_MS
  if (grain === 'w') return Math.floor((atMs - MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + MONDAY_MS
  const at = new Date(atMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1)
}

/** When what begins there is over. */
export function endOf(grain: 'h' | 'd' | 'w' | 'm', startMs: number): number {
  if (grain === 'h') return startMs + HOUR_MS
  if (grain === 'd') return startMs + DAY_MS
  if (grain === 'w') return startMs + 7 * DAY_MS
  const at = new Date(startMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1)
}

export type Piece = { grain: 'd' | 'm'; from: number; to: number }

/** A period as whole months and the days before and after them: at most 60 days, whatever its length. */
export function piecesOf({ from, to }: { from: number; to: number }): Piece[] {
  const first = startOf('m', from) === from ? from : endOf('m', startOf('m', from))
  const last = startOf('m', to)
  if (first >= last) return [{ grain: 'd', from, to }]
  const pieces: Piece[] = [
    { grain: 'd', from, to: first },
    { grain: 'm', from: first, to: last },
    { grain: 'd', from: last, to },
  ]
  return pieces.filter((piece) => piece.from < piece.to)
}

/**
 * Adds charges up: first by app, model and hour, then those few sums into days, months and the sums over apps and models.
 * @returns the counters they touch, in the order of their keys (so that two processes lock them in one order)
 */
export function sumsOf(charges: readonly KnownCharge[]): { models: ModelSum[]; users: UserSum[] } {
  const hours = new Map<string, ModelSum>()
  const users = new Map<string, UserSum>()
  for (const { publisherId: publisher, appId: app, model, payer, at, base, markup, granted, tokens } of charges) {
    const one = { requests: 1, base, markup, granted, tokens }
    const hour = startOf('h', at)
    const day = startOf('d', at)
    const ofModel = () => ({ publisher, grain: 'h' as const, start: hour, app, model, ...NOTHING })
    add(hours, `${publisher} ${app} ${model} ${hour}`, ofModel, one)
    const ofUser = () => ({ publisher, start: day, app, payer, hours: 0, ...NOTHING })
    add(users, `${publisher} ${day} ${app} ${payer}`, ofUser, one).hours |= 1 << ((hour - day) / HOUR_MS)
  }
  return { models: inOrder(widened(hours.values())), users: inOrder(users) }
}

// An hour's sum of an app and model is part of twelve.
function widened(hours: Iterable<ModelSum>): Map<string, ModelSum> {
  const models = new Map<string, ModelSum>()
  for (const { publisher, start: at, app: own, model: called, ...sum } of hours)
    for (const grain of ['h', 'd', 'm'] as const) {
      const start = startOf(grain, at)
      for (const app of [own, ''])
        for (const model of [called, '']) {
          const fresh = () => ({ publisher, grain, start, app, model, ...NOTHING })
          add(models, `${publisher} ${app} ${model} ${grain} ${start}`, fresh, sum)
        }
    }
  return models
}

/** Adds to the sum that a map has under a key, or to a fresh one. */
export function add<T extends Sum>(sums: Map<string, T>, key: string, fresh: () => T, one: Sum): T {
  const sum = sums.get(key) ?? fresh()
  sums.set(key, sum)
  for (const name of SUM_NAMES) sum[name] += one[name]
  return sum
}

function inOrder<T>(sums: Map<string, T>): T[] {
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum)
}
