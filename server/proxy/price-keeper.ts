// The price book that is in force, and what the operator has to say to the next one.
// owns: when a book is compiled anew, published, and compared with what was accepted. never: a price; a rise (prices-rise.ts).
// always true: a book is in force only after its table is published; a call keeps the prices it began with.

import type { Logger } from 'pino'
import type { Db } from '../db/db.ts'
import { fault } from '../faults.ts'
import { acceptedPrices, acceptedSeq, acceptPrices } from '../receipts/accepted-prices.ts'
import { publishPrices } from '../receipts/receipts.ts'
import { compilePrices, type PriceBook, type PriceOptions } from './prices.ts'
import { modelOf, type Rise } from './prices-rise.ts'

export type PriceKeeper = {
  readonly book: PriceBook
  /** Compiles anew when a price has ended, or the operator has accepted some (in whatever process). */
  refresh(): Promise<void>
  /**
   * Says yes to the rises of these models, or (null) of all that wait.
   * @returns the models that are callable now
   * @throws Fault not_found when one of them does not wait; then none is accepted
   */
  accept(models: readonly string[] | null): Promise<string[]>
}

type Ports = {
  db: Db
  now: () => number
  log: Pick<Logger, 'warn' | 'info'>
  /** How many models are kept out because of their price. */
  waiting: { set(count: number): void }
}

const LOOK_EVERY_MS = 10_000

/** Compiles and publishes the book of this moment. */
export async function keepPrices(
  ports: Ports,
  options: Pick<PriceOptions, 'overrides' | 'providers'>,
): Promise<PriceKeeper> {
  const { db, now, log } = ports
  let accepted = await acceptedPrices(db)
  let lookedAt = now()
  const compile = () => compilePrices({ ...options, at: now(), tiers: true, accepted: accepted.rows })
  let book = compile()
  await publish(ports, book, [])
  accepted = await db.tx(acceptPrices, book.peaks)

  // Only what this process has not offered before is written down as seen: one with older data would take back a yes.
  async function renew(): Promise<void> {
    const next = compile()
    await publish(ports, next, modelsOf(book.rises))
    const changed = JSON.stringify(next.peaks) !== JSON.stringify(book.peaks)
    book = next
    if (changed) accepted = await db.tx(acceptPrices, next.peaks)
  }
  async function look(): Promise<boolean> {
    if (now() - lookedAt < LOOK_EVERY_MS) return false
    lookedAt = now()
    if ((await acceptedSeq(db)) === accepted.seq) return false
    accepted = await acceptedPrices(db)
    return true
  }
  return {
    get book() {
      return book
    },
    async refresh() {
      if ((await look()) || (book.validUntil !== null && now() >= book.validUntil)) await renew()
    },
    async accept(models) {
      const waiting = modelsOf(book.rises)
      const names = models ?? waiting
      for (const name of names) if (!waiting.includes(name)) throw fault('not_found', { param: 'models' })
      const rows = Object.entries(book.risen).filter(([row]) => names.includes(modelOf(row)))
      if (rows.length > 0) accepted = await db.tx(acceptPrices, Object.fromEntries(rows))
      if (rows.length > 0) await renew()
      log.info({ models: names }, 'prices were accepted')
      return [...names]
    },
  }
}

async function publish({ db, log, waiting }: Ports, book: PriceBook, known: readonly string[]): Promise<void> {
  await db.tx(publishPrices, book.table())
  for (const { model, kind, before, now } of book.rises) {
    if (known.includes(modelOf(model))) continue
    log.warn({ model, kind, before, now }, 'a price rose more than threefold; not callable until it is accepted')
  }
  waiting.set(modelsOf(book.rises).length)
}

/** The models whose prices wait for the operator. */
export function modelsOf(rises: readonly Rise[]): string[] {
  return [...new Set(rises.map(({ model }) => modelOf(model)))]
}
