// What the person looks for in the log, from the address to a choice of entries.
// owns: the search parameters of Activity, and what they mean. never: storage. always true: pure; a parameter that makes
// no sense is left out, and nothing else.

import type { Choice } from './columns.ts'
import { nextDay, startOfDay } from './days.ts'
import type { Written } from './db.ts'
import { amountIn } from './format.ts'

/** As in the address: days are "2026-11-23", both inclusive; amounts are dollars as typed. */
export type Search = {
  q?: string
  app?: string
  model?: string
  from?: string
  to?: string
  min?: string
  max?: string
  tag?: string
  check?: 'wrong'
  /** The feed number of the receipt that is open. */
  entry?: number
}

const TEXTS = ['q', 'app', 'model', 'tag'] as const
const DAYS = ['from', 'to'] as const
const AMOUNTS = ['min', 'max'] as const

/** Reads the parameters of an address. */
export function searchOf(raw: Record<string, unknown>): Search {
  const search: Search = {}
  // The router reads "?min=2" as a number; what was typed is text again.
  const text = (key: string) => (['string', 'number'].includes(typeof raw[key]) ? String(raw[key]).slice(0, 200) : '')
  for (const key of TEXTS) if (text(key).trim() !== '') search[key] = text(key)
  for (const key of DAYS) if (/^\d{4}-\d\d-\d\d$/.test(text(key))) search[key] = text(key)
  for (const key of AMOUNTS) if (amountIn(text(key)) !== null) search[key] = text(key)
  if (raw.check === 'wrong') search.check = 'wrong'
  const entry = Number(raw.entry)
  if (Number.isSafeInteger(entry) && entry > 0) search.entry = entry
  return search
}

/** Whether anything narrows the log. */
export const narrows = ({ entry: _, ...rest }: Search): boolean => Object.keys(rest).length > 0

export type Known = {
  zone: string
  apps: string[]
  models: string[]
  nameOf: (app: string) => string
  written: Written[]
}

/** The entries that a search means. */
export function choiceOf(search: Search, { zone, apps, models, nameOf, written }: Known): Choice {
  const { q, app, model, from, to, min, max, tag, check } = search
  const words = fold(q ?? '')
  const says = (text: string) => fold(text).includes(words)
  const on = (w: Written) => [w.id, w.note ?? '', ...w.tags].some(says)
  return {
    apps: app === undefined ? null : new Set([app]),
    models: model === undefined ? null : new Set([model]),
    text:
      words === ''
        ? null
        : {
            apps: new Set(apps.filter((id) => says(nameOf(id)))),
            models: new Set(models.filter(says)),
            revs: new Set(written.filter(on).map(({ rev }) => rev)),
          },
    onlyRevs: tag === undefined ? null : new Set(written.filter((w) => w.tags.includes(tag)).map(({ rev }) => rev)),
    from: from === undefined ? null : startOfDay(zone, from),
    until: to === undefined ? null : startOfDay(zone, nextDay(to)),
    min: min === undefined ? null : amountIn(min),
    max: max === undefined ? null : amountIn(max),
    wrong: check === 'wrong',
  }
}

/** Without case and accents, so that "cafe" finds "Café". */
const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim()
