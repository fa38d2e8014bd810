// Promised facts become events.
// owns: the carrier of facts. never: a delivery's sending.
// always true: a fact that nobody listens to leaves nothing; one that is carried out twice is one event.

import type { WebhookBody } from '../contract/developers.ts'
import { procedure, type Tx } from '../db/db.ts'
import { FACT, type Fact } from '../outbox/facts.ts'
import type { Carriers } from '../outbox/outbox.ts'
import { addEvent } from './deliveries.ts'
import { hears, listeners } from './hooks.ts'

const expandFact = procedure(
  'webhooks.expandFact',
  async (tx: Tx, { id, fact }: { id: string; fact: Fact }): Promise<void> => {
    const to = (await listeners(tx, fact)).filter((row) => hears(row, fact.type)).map((row) => row.id)
    const { type, data } = fact
    const body: WebhookBody = { id, type, created_at: new Date(fact.at).toISOString(), data }
    await addEvent(tx, { publisherId: fact.publisherId, body, to })
  },
  { bookkeeping: true },
)

export const FACT_CARRIERS: Carriers = {
  [FACT]: async ({ db }, { id, subject }) => {
    await db.tx(expandFact, { id, fact: JSON.parse(subject) as Fact })
    return 'done'
  },
}
